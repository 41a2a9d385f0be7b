"""Copies of cases: sending them, who has read theirs, and having read one."""

from __future__ import annotations

from typing import Any

from engine import copies, work

from ..accounts import me, services
from ..i18n import N_
from .exchange import api, body, declared, plain, request_id
from .shapes import Listed, Text

_SENT = {
    "persons": Listed(N_("Ids of people"), of=Text()),
    "reason": Text(N_("A few words with it"), default="", example="请知悉"),
}


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
