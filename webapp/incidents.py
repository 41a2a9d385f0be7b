"""Incidents: what a person must look at before a case goes on; try again, correct, answer by hand, or skip."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import incidents as repairs
from engine.incidents import IncidentRow

from .accounts import logged_in, me, services
from .i18n import N_, error_text, gettext, ngettext
from .items import request_id

incidents = Blueprint("incidents", __name__, url_prefix="/incidents")


def _open() -> list[IncidentRow]:
    return [row for row in repairs.managed(services(), reader=me().id) if row.resolved_at is None]


def _show(failed: str = "", errors: Mapping[str, Sequence[str]] | None = None) -> str:
    rows = _open()
    many = {name: count for name, count in Counter(row.operation for row in rows if row.operation).items() if count > 1}
    return render_template(
        "incidents.html", rows=rows, many=many, failed=failed, errors=errors or {}, typed=request.form, simple=simple, raw=raw, shown=_shown
    )


def simple(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Those of an input that a person corrects in a field of their own."""
    return {name: value for name, value in (values or {}).items() if value is None or isinstance(value, (str, int, float))}


def raw(value: Any) -> str:
    """JSON as a person reads and edits it."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def _reason() -> dict[str, list[str]]:
    return {} if request.form.get("reason", "").strip() else {"reason": [gettext("This is required.")]}


def _json(name: str, faults: dict[str, list[str]]) -> dict[str, Any]:
    """The JSON object typed into a field, which may stay empty."""
    text = request.form.get(name, "").strip()
    try:
        value = json.loads(text) if text else {}
        if isinstance(value, dict):
            return value
    except ValueError:
        pass
    faults[name] = [gettext('This must be a JSON object, such as {"reference": "A-1"}.')]
    return {}


def _corrected(row: IncidentRow, faults: dict[str, list[str]]) -> dict[str, Any]:
    """What was changed in the fields of the input, and what was typed as JSON."""
    found = {}
    for name, before in simple(row.input).items():
        typed = request.form.get(f"input.{name}")
        if typed is None or typed == _shown(before):
            continue
        value = _like(before, typed.strip())
        if value is None and typed.strip():
            faults[f"input.{name}"] = [
                gettext("This must be a number.") if not isinstance(before, bool) else gettext("This is true or false.")
            ]
        found[name] = value
    return found | _json("input", faults)


def _shown(value: Any) -> str:
    """A simple value as its field holds it."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _like(before: Any, typed: str) -> Any:
    """What was typed, of the kind that stood there; None for an empty field or what is not of that kind."""
    if before is None or isinstance(before, str):
        return typed or None
    try:
        value = json.loads(typed)
    except ValueError:
        return None
    return value if isinstance(value, bool) == isinstance(before, bool) and isinstance(value, (int, float)) else None


def _answered(faults: dict[str, list[str]]) -> dict[str, Any]:
    """The answer typed as names and values, and as JSON."""
    pairs = zip(request.form.getlist("name"), request.form.getlist("content"), strict=False)
    found = {name.strip(): content.strip() for name, content in pairs if name.strip() and content.strip()}
    return found | _json("value", faults)


@incidents.get("")
@logged_in
def index() -> Any:
    return _show()


@incidents.post("/<incident_id>/retry")
@logged_in
def retry(incident_id: str) -> Any:
    if faults := _reason():
        return _show(incident_id, faults), 422
    repairs.retry(services(), incident_id, actor=me().id, reason=request.form["reason"], request_id=request_id())
    return _done(N_("It is tried again now; the result appears on the case page."))


@incidents.post("/<incident_id>/correct")
@logged_in
def correct(incident_id: str) -> Any:
    """With other input for the operation, or other case variables where no operation is concerned."""
    row = next((row for row in _open() if row.id == incident_id), None)
    faults = _reason()
    corrected = _corrected(row, faults) if row and row.input is not None else _json("input", faults)
    if not corrected and not faults:
        faults["input"] = [gettext("Nothing was changed. Change a value, or choose “Try again”.")]
    if faults:
        return _show(incident_id, faults), 422
    what = "variables" if row and row.input is None else "input"
    repairs.retry(services(), incident_id, actor=me().id, reason=request.form["reason"], request_id=request_id(), **{what: corrected})
    return _done(N_("It is tried again with what you corrected; the result appears on the case page."))


@incidents.post("/<incident_id>/answer")
@logged_in
def answer(incident_id: str) -> Any:
    faults = _reason()
    value = _answered(faults)
    if not value and not faults:
        faults["value"] = [gettext("Say what the system would have answered, at least one name with its value.")]
    if faults:
        return _show(incident_id, faults), 422
    repairs.answer(services(), incident_id, actor=me().id, value=value, reason=request.form["reason"], request_id=request_id())
    return _done(N_("Your answer was taken and marked as yours; the case goes on."))


@incidents.post("/<incident_id>/skip")
@logged_in
def skip(incident_id: str) -> Any:
    if faults := _reason():
        return _show(incident_id, faults), 422
    repairs.skip(services(), incident_id, actor=me().id, reason=request.form["reason"], request_id=request_id())
    return _done(N_("The step was skipped without a result, with your name and reason; the case goes on."))


@incidents.post("/retry")
@logged_in
def retry_all() -> Any:
    """All of one operation."""
    operation = request.form.get("operation", "")
    if faults := _reason():
        return _show(operation, faults), 422
    done = repairs.retry_all(services(), operation, actor=me().id, reason=request.form["reason"], request_id=request_id())
    said = ngettext("%(num)s incident is tried again now.", "%(num)s incidents are tried again now.", done.count)
    flash(said, "success" if done.count else "info")
    for number, error in done.refused[:5]:
        flash(f"{number}: {error_text(error)}", "danger")
    return redirect(url_for("incidents.index"))


def _done(said: str) -> Any:
    """To the case, where one sees what comes of it."""
    flash(gettext(said), "success")
    case = request.form.get("case", "")
    return redirect(url_for("cases.show", case_id=case) if case.isalnum() else url_for("incidents.index"))
