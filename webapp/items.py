"""A work item's page, and everything a person can do to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from markupsafe import Markup

import forms
from engine import comments, copies, inbox, work
from engine.boxes import Filter
from engine.errors import FormInvalid
from engine.models import new_id

from . import enclosures
from .accounts import logged_in, me, services
from .choosing import Picking, picking
from .diagrams import diagram
from .entries import entries
from .facts import panels
from .i18n import current, error_text, gettext, named
from .text import main_events
from .uploads import REFUSED, received

items = Blueprint("items", __name__, url_prefix="/items/<item_id>")


def request_id() -> str:
    """The id that makes a repeated click harmless: it came with the form, or is new."""
    given = request.form.get("request_id", "") or request.headers.get("Request-Id", "")
    return given if 0 < len(given) <= 100 and given.isprintable() else new_id()


def hidden_places(fields: Sequence[forms.FieldView]) -> list[str]:
    """Which components of a drawn form their conditions hide at present."""
    found = []
    for field in fields:
        if field.hidden:
            found.append(field.place)
        found += hidden_places(field.fields)
        for row in field.rows:
            found += hidden_places(row.fields)
    return found


def labels(fields: Sequence[forms.FieldView], picks: Sequence[Picking] = ()) -> dict[str, str]:
    """What each field of a drawn form is called, by its path, and each step for which somebody chooses."""
    found: dict[str, str] = {one.field: named(one.asked) for one in picks}
    for field in fields:
        found |= {field.path: field.label} | labels(field.fields)
        for number, row in enumerate(field.rows, 1):
            inside = labels(row.fields)
            found |= {path: gettext("Row %(number)s · %(label)s", number=number, label=label) for path, label in inside.items()}
    return found


def brought(fields: Sequence[forms.FieldView]) -> list[forms.FieldView]:
    """Those that the page did not have because their conditions hid them, and no longer do."""
    missing = set(request.form.getlist(forms.ABSENT))

    def found(fields: Sequence[forms.FieldView]) -> Iterator[forms.FieldView]:
        for field in fields:
            if field.place in missing and not field.absent:
                yield field
            else:
                yield from found(field.fields)
                for row in field.rows:
                    yield from found(row.fields)

    return list(found(fields)) if missing else []


def page_of(item_id: str) -> inbox.ItemPage:
    return inbox.item_page(services(), item_id, reader=me().id)


def show_page(
    item_id: str,
    *,
    submitted: Mapping[str, Any] | None = None,
    errors: Mapping[str, Sequence[str]] | None = None,
    opinion: str | None = None,
    saved: bool = False,
) -> str:
    """The page. What was typed stands over the draft, the draft over what the case knows. `saved`: it says that it was saved just now."""
    work.read(services(), item_id, reader=me().id)
    page = page_of(item_id)
    copies.read(services(), page.case_id, reader=me().id)
    g.document_names = {document.id: document.name for document in page.documents}
    # what was filled in with an approval that is over stands with the sign-offs
    shown = page.status == "open" if page.chained else "complete" in page.may or page.status != "open"
    fields = fields_of(page, submitted, errors) if page.form and shown else []
    with services().database.reading() as connection:
        picks = [picking(connection, page.choice, [page.subject["id"], me().id], "chosen")] if page.choice else []
    return render_template(
        "item.html",
        item=page,
        may=page.may,
        fields=fields,
        errors=errors or {},
        opinion=page.opinion if opinion is None else opinion,
        saved_at=services().clock.now() if saved else None,
        picks=picks,
        panels=panels(page.variables),
        filled=entries(page.version_id, page.timeline),
        # what the form itself quotes need not lie open beside it once more
        quoted=any(field.readonly and field.value for field in fields),
        timeline=main_events(page.timeline),
        documents=page.documents,
        copies=copies.copies(services(), page.case_id, reader=me().id),
        comments=comments.comments(services(), page.case_id, reader=me().id),
        may_comment=comments.may_write(services(), page.case_id, reader=me().id),
        diagram="" if page.subject["id"] == me().id else diagram(page.version_id, done=page.done, lit=page.lit),
    )


def fields_of(
    page: inbox.ItemPage, submitted: Mapping[str, Any] | None, errors: Mapping[str, Sequence[str]] | None = None
) -> list[forms.FieldView]:
    """Its form as the reader sees it: what was typed, or else the draft, over what the case knows."""
    permissions = dict(page.permissions)
    if submitted is None and page.draft:
        submitted = page.draft.values
    if "complete" not in page.may and not page.chained:  # reading along: everything as it was answered
        permissions |= {name: "readonly" for name in forms.fields(page.form) if permissions.get(name) != "hidden"}
    return services().forms.view(page.form, page.values, errors or {}, submitted=submitted, permissions=permissions, locale=current())


def _attached(item_id: str, schema: Mapping[str, Any]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Store what was uploaded with a form: document ids by path, and messages for what was refused.

    A file is a document of the case before the form is checked, so that a mistake elsewhere never costs it.
    """
    stored: dict[str, list[str]] = {}
    refused: dict[str, list[str]] = {}
    for path, files in received(forms.uploads(schema, request.files), refused).items():
        for file in files:
            try:
                ids = work.attach(services(), item_id, actor=me().id, files={path: [file]}, locale=current())
                stored.setdefault(path, []).extend(ids[path])
            except REFUSED as refusal:
                refused.setdefault(path, []).append(error_text(refusal))
            except FormInvalid as invalid:
                refused.setdefault(path, []).extend(invalid.fields[path])
    return stored, refused


#: a form, what was typed into it, and messages for refused files
Typed = tuple[Mapping[str, Any], dict[str, Any], dict[str, list[str]]]


def typed(item_id: str) -> Typed:
    """What came with the item's form; files are documents of the case from now on."""
    schema = page_of(item_id).form or {}
    stored, refused = _attached(item_id, schema)
    return schema, forms.parse(schema, request.form, stored), refused


@items.get("")
@logged_in
def show(item_id: str) -> Any:
    return show_page(item_id)


@items.post("/complete")
@logged_in
def complete(item_id: str) -> Any:
    _, values, refused = typed(item_id)
    try:
        if refused:
            raise FormInvalid(refused)
        work.complete(services(), item_id, actor=me().id, values=values, request_id=request_id(), locale=current())
    except FormInvalid as invalid:
        return show_page(item_id, submitted=values, errors=invalid.fields), 422
    return done(item_id, gettext("Done. The case goes on."))


@items.post("/approve")
@logged_in
def approve(item_id: str) -> Any:
    given: dict[str, Any] = {"chosen": request.form.getlist("chosen")}
    if "save" in page_of(item_id).may:
        _, values, refused = typed(item_id)
        given |= {"values": values, "refused": refused, "locale": current()}
    return _sign(item_id, work.approve, gettext("Approved."), **given)


@items.post("/people")
@logged_in
def people(item_id: str) -> Any:
    """The page again with the people who were searched for the next step; nothing is sent yet."""
    return _again(item_id, typed(item_id) if "save" in page_of(item_id).may else None)


@items.post("/reject")
@logged_in
def reject(item_id: str) -> Any:
    return _sign(item_id, work.reject, gettext("Rejected; the case goes on with your reason."))


@items.post("/resolve")
@logged_in
def resolve(item_id: str) -> Any:
    return _sign(item_id, work.resolve, gettext("Your opinion is given; who asked for it decides."))


def _sign(item_id: str, verb: Any, said: str, *, refused: Mapping[str, Sequence[str]] = {}, **given: Any) -> Any:
    """`refused`: messages for files that were not taken; `given`: what else goes with it."""
    opinion = request.form.get("opinion", "")
    enclosed = enclosures.received(item_id)
    signed = {} if verb is work.resolve else {"signature": enclosed.signature}
    try:
        if refused:
            raise FormInvalid(dict(refused))
        enclosed.must_be_whole()
        more = {"attachments": enclosed.attachments, **signed, **given}
        verb(services(), item_id, actor=me().id, opinion=opinion, request_id=request_id(), **more)
    except FormInvalid as invalid:
        errors = {path: [gettext(message) for message in messages] for path, messages in invalid.fields.items()}
        return show_page(item_id, submitted=given["values"] if "values" in given else _unsent(item_id), errors=errors, opinion=opinion), 422
    return done(item_id, said)


def _unsent(item_id: str) -> Mapping[str, Any] | None:
    """What was typed into the form beside a button that does not send it."""
    return typed(item_id)[1] if "save" in page_of(item_id).may else None


def done(item_id: str, said: str) -> Any:
    """Back to the inbox, with what happened and the way to what waits next."""
    waiting = next_work(inbox.number_of_case(services(), item_id))
    if waiting and me().onward:
        flash(said, "success")
        return go_to(url_for("items.show", item_id=waiting.item_id))
    if waiting:
        address = url_for("items.show", item_id=waiting.item_id)
        about = f"{named(waiting)} · {waiting.subject}"
        said = Markup('{} {}<a class="alert-link" href="{}">{}</a>').format(said, gettext("Next: "), address, about)
    flash(said, "success")
    return go_to(url_for("inbox.mine"))


def next_work(number: str) -> inbox.InboxRow | None:
    """What the reader may do next: first in the case of this number, then anything of their own, then of their groups."""
    for words, box in (([number], "mine"), ([number], "group"), ([], "mine"), ([], "group")):
        found = inbox.inbox(services(), me().id, box=box, wanted=Filter(words=words), size=1).rows
        if found:
            row: inbox.InboxRow = found[0]
            return row
    return None


def go_to(address: str) -> Any:
    """The browser goes to another page, also where only a part of the page was asked for."""
    if "HX-Request" not in request.headers:
        return redirect(address)
    return "", 204, {"HX-Redirect": address}


@items.post("/claim")
@logged_in
def claim(item_id: str) -> Any:
    work.claim(services(), item_id, actor=me().id, request_id=request_id())
    return redirect(url_for("items.show", item_id=item_id))


@items.post("/release")
@logged_in
def release(item_id: str) -> Any:
    work.release(services(), item_id, actor=me().id, request_id=request_id())
    flash(gettext("Handed back to the group."), "success")
    return redirect(url_for("inbox.mine"))


@items.post("/fields")
@logged_in
def fields(item_id: str) -> Any:
    """The page again with a row more or less; nothing is checked yet."""
    schema, values, refused = typed(item_id)
    if path := request.form.get("add_row"):
        values = forms.with_row(values, path)
    elif row := request.form.get("remove_row"):
        values = forms.without_row(values, row)
    return _again(item_id, (schema, values, refused))


def _again(item_id: str, filled: Typed | None) -> str:
    """The page with what stands on it; files that were chosen are stored, so that none is chosen twice."""
    _, values, refused = filled or ({}, None, {})
    refused = {**refused, **enclosures.received(item_id).refused}
    return show_page(item_id, submitted=values, errors=refused, opinion=request.form.get("opinion"))
