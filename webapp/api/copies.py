"""Copies of cases: sending them, who has read theirs, and having read one."""

from __future__ import annotations

from typing import Any

from engine import copies, inbox, work
from engine.boxes import Filter

from ..accounts import me, services
from ..i18n import N_
from .exchange import SIZE, api, asked, body, declared, linked, plain, request_id
from .sessions import SEARCH
from .shapes import Listed, Text

_SENT = {
    "persons": Listed(N_("Ids of people"), of=Text()),
    "reason": Text(N_("A few words with it"), default="", example="请知悉"),
}


@api.get("/copies")
@declared(
    scope="work",
    asks={
        "search": SEARCH,
        "procedure": Text(N_("Key of a procedure"), default=""),
        "step": Text(N_("Name of a step, as the diagram has it"), default=""),
        "department": Text(N_("Key of a department, to which or below which the employee concerned belongs"), default=""),
        "after": Text(N_("What the page begins after: `next` of the page before"), default=""),
        "size": SIZE,
    },
    gives={"copies": [inbox.CopiedRow], "total": int, "next": str | None, "unread": int},
)
def copied() -> Any:
    """Cases that others showed the caller: what was not read first, then the newest, in pages."""
    given = asked()
    after, size = given.pop("after"), given.pop("size")
    wanted = Filter(words=given.pop("search").split()[:5], **given)
    found = inbox.copied(services(), me().id, wanted=wanted, after=after, size=size)
    unread = inbox.counts(services(), me().id)["copied"]
    content = {"copies": plain(found.rows), "total": found.total, "next": found.next, "unread": unread}
    return linked(content, next={"after": found.next} if found.next else None)


@api.post("/items/<item_id>/copies")
@declared(scope="work", takes=_SENT)
def copy_item(item_id: str) -> Any:
    """Show the case to others as it looks from a work item; nothing waits for them."""
    work.copy(services(), item_id, actor=me().id, request_id=request_id(), **body())
    return "", 204


@api.post("/cases/<case_id>/copies")
@declared(scope="work", takes=_SENT)
def copy_case(case_id: str) -> Any:
    """Show the case to others; nothing waits for them."""
    work.copy_case(services(), case_id, actor=me().id, request_id=request_id(), **body())
    return "", 204


@api.get("/cases/<case_id>/copies")
@declared(scope="read:cases", gives={"copies": [copies.CopyRow]})
def copies_of(case_id: str) -> Any:
    """Who got a copy of the case, from whom, and when they read it."""
    return {"copies": plain(copies.copies(services(), case_id, reader=me().id))}


@api.post("/cases/<case_id>/copies/read")
@declared(scope="work")
def read_copy(case_id: str) -> Any:
    """The caller has read their copy of the case, as by opening its page; nothing where they have none."""
    copies.read(services(), case_id, reader=me().id)
    return "", 204
