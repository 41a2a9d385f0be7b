"""What came of a case after it (in a dismissal 劳动争议): a manager records that something began, and later how it ended."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import aftermath as engine_aftermath
from engine import casefile
from engine.errors import FormInvalid, NotAllowed, NotFound
from engine.rules import Aftermath

from .accounts import logged_in, me, services
from .i18n import gettext
from .items import request_id

aftermath = Blueprint("aftermath", __name__)


@aftermath.get("/cases/<case_id>/aftermath")
@logged_in
def show(case_id: str) -> Any:
    return _page(case_id)


def _page(case_id: str, faults: dict[str, list[str]] | None = None, failed: str = "") -> str:
    """`failed`: id of the record whose form was refused. Raises NotFound, NotAllowed."""
    case = casefile.case_page(services(), case_id, reader=me().id)
    if "repair" not in case.may:
        raise NotAllowed(reason="only managers of this procedure can do it")
    with services().database.reading() as connection:
        rows = engine_aftermath.sequels(connection, case_id)
    if case.aftermath is None and not rows:
        raise NotFound(what="page", name=request.path)
    listed = case.aftermath or Aftermath()
    unlisted = listed.lacking([row.kind for row in rows], [row.result for row in rows if row.result])
    told = {"case": case, "listed": listed, "rows": rows, "unlisted": unlisted}
    return render_template("aftermath.html", **told, faults=faults or {}, failed=failed, typed=request.form)


@aftermath.post("/cases/<case_id>/aftermath")
@logged_in
def record(case_id: str) -> Any:
    """Something began."""
    day, note = _day("began_on"), request.form.get("note", "").strip()
    if faults := _missing(began_on=day, note=note):
        return _page(case_id, faults), 422
    assert day is not None
    which = {"kind": request.form.get("kind", ""), "began_on": day}
    try:
        engine_aftermath.record(services(), case_id, actor=me().id, note=note, request_id=request_id(), **which)
    except FormInvalid as refused:
        return _page(case_id, _said(refused)), 422
    return _done(case_id)


@aftermath.post("/cases/<case_id>/aftermath/<sequel_id>")
@logged_in
def end(case_id: str, sequel_id: str) -> Any:
    """It ended, or ended otherwise than was recorded."""
    day, note = _day("ended_on"), request.form.get("note", "").strip()
    if faults := _missing(ended_on=day, note=note):
        return _page(case_id, faults, sequel_id), 422
    assert day is not None
    which = {"result": request.form.get("result", "").strip(), "ended_on": day}
    try:
        engine_aftermath.end(services(), sequel_id, actor=me().id, note=note, request_id=request_id(), **which)
    except FormInvalid as refused:
        return _page(case_id, _said(refused), sequel_id), 422
    return _done(case_id)


def _day(name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        return None


def _missing(**given: object) -> dict[str, list[str]]:
    return {name: [gettext("This is required.")] for name, value in given.items() if not value}


def _said(refused: FormInvalid) -> dict[str, list[str]]:
    return {name: [gettext(message) for message in messages] for name, messages in refused.fields.items()}


def _done(case_id: str) -> Any:
    flash(gettext("Done. It is in the file with your reason."), "success")
    return redirect(url_for("aftermath.show", case_id=case_id))
