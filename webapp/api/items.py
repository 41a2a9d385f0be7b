"""Work items: the inbox and what people do there."""

from __future__ import annotations

from typing import Any

from flask import request

import forms
from engine import inbox, work
from engine.boxes import DUE, SORTS, Filter
from engine.ports import File
from engine.work.resubmitting import WAYS
from engine.work.returning import Target

from ..accounts import me, services
from ..i18n import N_, current, error_text
from ..uploads import received
from .exchange import SIZE, api, asked, body, declared, linked, plain, request_id
from .sessions import SEARCH
from .shapes import REASON, Listed, Moment, Object, RequestInvalid, Text

_VALUES = N_("Values of the form by field; files are sent before, and stand here by the ids of their documents")
_OPINION = N_("What the signer says about it")
_OPINION_SAID = Text(_OPINION, default="", example="同意")
_CHOSEN = Listed(N_("Ids of the people who sign next, where the item has a `choice`"), of=Text(), default=[])
_ATTACHMENTS = Listed(N_("Ids of documents that `attachments` gave"), of=Text(), default=[])
_SIGNATURE = Text(N_("Id of the document that `signature` gave, where the step asks for one"), default="")
_RESUBMIT = N_("Where a step leaves that to who returns: through all steps again (`onward`), or straight back to the caller (`back`)")
_TO = Text(N_("Id of a person"))
_GIVEN = {"values": Object(_VALUES, default={}), "attachments": _ATTACHMENTS, "signature": _SIGNATURE, "chosen": _CHOSEN}
_DUE = Moment(N_("Until when it is to be signed"), example="2026-11-25T09:00:00+08:00")
_WHY = Text(N_("Why; kept with what is done"), default="", example="出差")


@api.get("/items")
@declared(
    scope="prepare",
    asks={
        "box": Text(default="mine", choices=("mine", "group", "standing_in", "done")),
        "search": SEARCH,
        "procedure": Text(N_("Key of a procedure"), default=""),
        "step": Text(N_("Name of a step, as the diagram has it"), default=""),
        "due": Text(default="", choices=("", *DUE)),
        "department": Text(N_("Key of a department, to which or below which the employee concerned belongs"), default=""),
        "sort": Text(default="due", choices=SORTS),
        "after": Text(N_("What the page begins after: `next` of the page before"), default=""),
        "size": SIZE,
    },
    gives={"items": [inbox.InboxRow], "total": int, "next": str | None, "counts": dict[str, int]},
)
def item_list() -> Any:
    """What waits for the caller or for whom they stand in, is offered to their roles, or was done by them, in pages."""
    given = asked()
    box, after, size = given.pop("box"), given.pop("after"), given.pop("size")
    wanted = Filter(words=given.pop("search").split()[:5], **given)
    found = inbox.inbox(services(), me().id, box=box, wanted=wanted, after=after, size=size)
    content = {"items": plain(found.rows), "total": found.total, "next": found.next, "counts": inbox.counts(services(), me().id)}
    return linked(content, next={"after": found.next} if found.next else None)


@api.get("/items/<item_id>")
@declared(scope="prepare", gives=inbox.ItemPage)
def item(item_id: str) -> Any:
    """A work item: its form and values, its sign-offs, what the caller may do."""
    found = inbox.item_page(services(), item_id, reader=me().id)
    if not found.form:
        return plain(found)
    hidden = {"form": forms.without_hidden(found.form, found.permissions)}
    typed = found.draft.values if found.draft else {}
    values = services().forms.filled(found.form, found.values, found.permissions, typed=typed)
    return {**plain(found), **hidden, "values": values}


@api.post("/items/<item_id>/read")
@declared(scope="work")
def read_item(item_id: str) -> Any:
    """Tell that the caller has opened the work item: from now on it shows when who holds it first read it."""
    inbox.item_page(services(), item_id, reader=me().id)
    work.read(services(), item_id, reader=me().id)
    return "", 204


@api.post("/items/<item_id>/complete")
@declared(scope="work", takes={"values": Object(_VALUES, default={})})
def complete(item_id: str) -> Any:
    """Complete a work item with the values of its form."""
    work.complete(services(), item_id, actor=me().id, request_id=request_id(), locale=current(), **body())
    return "", 204


@api.post("/items/<item_id>/approve")
@declared(scope="work", takes={"opinion": _OPINION_SAID, **_GIVEN})
def approve(item_id: str) -> Any:
    """Approve, with values of the fields that the step opens; it says what else is needed, the next one whether signers are."""
    work.approve(services(), item_id, actor=me().id, request_id=request_id(), locale=current(), **body())
    return "", 204


@api.post("/items/approve")
@declared(
    scope="work",
    takes={"items": Listed(N_("Ids of work items that have `batch`, 1 to 100"), of=Text())},
    gives={"results": [{"item": str, "approved": bool, "code": str | None, "detail": str | None}]},
)
def approve_together() -> Any:
    """Approve several work items, each by itself; the answer says for each what happened."""
    given = work.approve_together(services(), body()["items"], actor=me().id, request_id=request_id())
    return {
        "results": [
            {
                "item": answer.item,
                "approved": answer.error is None,
                "code": answer.error.code if answer.error else None,
                "detail": error_text(answer.error) if answer.error else None,
            }
            for answer in given
        ]
    }


@api.post("/items/<item_id>/reject")
@declared(scope="work", takes={"opinion": _OPINION_SAID, "attachments": _ATTACHMENTS, "signature": _SIGNATURE})
def reject(item_id: str) -> Any:
    """Reject, with a reason."""
    work.reject(services(), item_id, actor=me().id, request_id=request_id(), **body())
    return "", 204


@api.post("/items/<item_id>/<any(transfer, delegate):verb>")
@declared(scope="work", takes={"to": _TO, "reason": _WHY})
def pass_on(item_id: str, verb: str) -> Any:
    """Let somebody else sign instead (transfer), or give an opinion first (delegate)."""
    act = work.transfer if verb == "transfer" else work.delegate
    act(services(), item_id, actor=me().id, request_id=request_id(), **body())
    return "", 204


@api.post("/items/<item_id>/resolve")
@declared(scope="work", takes={"opinion": Text(_OPINION, example="可以"), "attachments": _ATTACHMENTS})
def resolve(item_id: str) -> Any:
    """Give the opinion that somebody asked for by delegating."""
    work.resolve(services(), item_id, actor=me().id, request_id=request_id(), **body())
    return "", 204


@api.post("/items/<item_id>/take-back")
@declared(scope="work")
def take_back(item_id: str) -> Any:
    """Wait no longer for the opinion that was asked for by delegating."""
    work.take_back(services(), item_id, actor=me().id, request_id=request_id())
    return "", 204


@api.get("/items/<item_id>/returns")
@declared(scope="prepare", gives={"targets": [Target]})
def return_targets(item_id: str) -> Any:
    """Where the caller can return the work to, and what that leaves."""
    return {"targets": plain(work.targets(services(), item_id, actor=me().id))}


@api.post("/items/<item_id>/return")
@declared(
    scope="work",
    takes={
        "step": Text(N_("Key of a step of the chain; or else an element, both as `returns` lists them"), default=""),
        "element": Text(N_("Id of an element of the diagram"), default="", example="talk"),
        "resubmit": Text(_RESUBMIT, default="", choices=("", *WAYS)),
        "reason": REASON,
        "attachments": _ATTACHMENTS,
    },
)
def send_back(item_id: str) -> Any:
    """Return the work to an earlier step of the chain or an earlier element."""
    sent = body()
    to = {"to_step": sent["step"] or None, "to_element": sent["element"] or None}
    given = {"reason": sent["reason"], "attachments": sent["attachments"], "resubmit": sent["resubmit"]}
    work.return_(services(), item_id, **given, actor=me().id, request_id=request_id(), **to)
    return "", 204


@api.post("/items/<item_id>/withdraw")
@declared(scope="work", takes={"reason": _WHY})
def withdraw(item_id: str) -> Any:
    """Take back what the caller decided, returned, passed on, completed or sent again, while nobody acted on it and nothing that followed
    has begun."""
    work.withdraw(services(), item_id, actor=me().id, request_id=request_id(), **body())
    return "", 204


@api.post("/items/<item_id>/urge")
@declared(scope="work", takes={"reason": _WHY})
def urge(item_id: str) -> Any:
    """Remind whoever the item waits for, once in so many working hours."""
    work.urge(services(), item_id, actor=me().id, request_id=request_id(), **body())
    return "", 204


@api.post("/items/<item_id>/sign-offs")
@declared(
    scope="work",
    takes={
        "persons": Listed(N_("Ids of people"), of=Text()),
        "where": Text(N_("When they sign, as seen from the caller"), choices=("before", "after", "beside")),
        "reason": REASON,
    },
)
def add(item_id: str) -> Any:
    """Add signers before, after or beside the caller."""
    work.add(services(), item_id, actor=me().id, request_id=request_id(), **body())
    return "", 204


@api.post("/items/<item_id>/sign-offs/<sign_off_id>/remove")
@declared(scope="work", takes={"reason": REASON})
def remove(item_id: str, sign_off_id: str) -> Any:
    """Ask a signer no longer: one whom the caller added, for managers of the procedure any."""
    work.remove(services(), item_id, sign_off_id, actor=me().id, request_id=request_id(), **body())
    return "", 204


@api.post("/items/<item_id>/sign-offs/<sign_off_id>/reassign")
@declared(scope="admin:cases", takes={"to": _TO, "reason": REASON})
def reassign(item_id: str, sign_off_id: str) -> Any:
    """Give a sign-off to somebody else, as a manager of the procedure."""
    work.reassign(services(), item_id, sign_off_id, actor=me().id, request_id=request_id(), **body())
    return "", 204


@api.post("/items/<item_id>/sign-offs/<sign_off_id>/due")
@declared(scope="admin:cases", takes={"due": _DUE, "reason": REASON})
def move_due(item_id: str, sign_off_id: str) -> Any:
    """Give a sign-off another due time. For managers of the procedure."""
    given = body()
    work.move_due(services(), item_id, sign_off_id, given["due"], reason=given["reason"], actor=me().id, request_id=request_id())
    return "", 204


@api.post("/items/<item_id>/<any(claim, release):verb>")
@declared(scope="work")
def hold(item_id: str, verb: str) -> Any:
    """Take work that is offered to several, or hand it back."""
    act = work.claim if verb == "claim" else work.release
    act(services(), item_id, actor=me().id, request_id=request_id())
    return "", 204


@api.put("/items/<item_id>/draft")
@declared(
    scope="prepare",
    takes={
        "values": Object(_VALUES),
        "opinion": _OPINION_SAID,
        "attachments": _ATTACHMENTS,
        "signature": _SIGNATURE,
        "revision": Text(N_("Revision of the draft that was read; empty: there was none"), default=""),
    },
    gives={"revision": str},
)
def draft(item_id: str) -> Any:
    """Keep the values of a form, and what is not given yet beside it, for the caller alone, with the revision that was read."""
    found = inbox.item_page(services(), item_id, reader=me().id)
    given = body()
    given["values"] = forms.draft(found.form or {}, given["values"], found.permissions)
    return {"revision": work.save_draft(services(), item_id, actor=me().id, seen=given.pop("revision"), **given)}


@api.post("/items/<item_id>/documents")
@declared(scope="prepare", upload=True, gives={"documents": dict[str, list[str]]}, status=201)
def upload(item_id: str) -> Any:
    """Send files, each part named by its form field; the ids of their documents belong into the values."""
    form = inbox.item_page(services(), item_id, reader=me().id).form or {}
    files = received(forms.uploads(form, request.files))
    if not files:
        raise RequestInvalid(reason="send files as multipart/form-data, each named by its form field", place="header", field="Content-Type")
    return {"documents": work.attach(services(), item_id, actor=me().id, files=files, locale=current())}, 201


@api.post("/items/<item_id>/attachments")
@declared(scope="work", upload=True, gives={"documents": list[str]}, status=201)
def attach(item_id: str) -> Any:
    """Send files that go with what the caller decides, returns or says; the ids of their documents are named with that."""
    return {"documents": work.enclose(services(), item_id, actor=me().id, files=_files())}, 201


@api.post("/items/<item_id>/signature")
@declared(scope="work", upload=True, gives={"document": str}, status=201)
def draw(item_id: str) -> Any:
    """Send the caller's drawn signature as a picture (PNG, JPEG or WebP); the id of its document is named with the decision."""
    return {"document": work.draw(services(), item_id, actor=me().id, picture=_files()[0])}, 201


def _files() -> list[File]:
    """Raises RequestInvalid where no file was sent."""
    sent = [file for files in received(list(request.files.items(multi=True))).values() for file in files]
    if not sent:
        raise RequestInvalid(reason="send files as multipart/form-data", place="header", field="Content-Type")
    return sent
