"""Incidents: what a person must look at before a case goes on; try again, correct, or answer by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import casefile, jobs

from .accounts import logged_in, me, services
from .i18n import N_, gettext
from .items import request_id

incidents = Blueprint("incidents", __name__, url_prefix="/incidents")


def _show(failed: str = "", errors: Mapping[str, Sequence[str]] | None = None) -> str:
    rows = [row for row in casefile.incidents(services(), reader=me().id) if row.resolved_at is None]
    return render_template("incidents.html", rows=rows, failed=failed, errors=errors or {}, typed=request.form)


def _faults(*, needs: str = "") -> tuple[Any, dict[str, list[str]]]:
    """The JSON object typed into the field `needs`, and messages about it and the reason."""
    faults: dict[str, list[str]] = {}
    if not request.form.get("reason", "").strip():
        faults["reason"] = [gettext("This is required.")]
    value: Any = None
    if needs:
        try:
            value = json.loads(request.form.get(needs, ""))
            if not isinstance(value, dict):
                raise ValueError("not an object")
        except ValueError:
            faults[needs] = [gettext('This must be a JSON object, such as {"reference": "A-1"}.')]
    return value, faults


@incidents.get("")
@logged_in
def index() -> Any:
    return _show()


@incidents.post("/<incident_id>/retry")
@logged_in
def retry(incident_id: str) -> Any:
    _, faults = _faults()
    if faults:
        return _show(incident_id, faults), 422
    jobs.retry(services(), incident_id, actor=me().id, reason=request.form["reason"], request_id=request_id())
    return _done(N_("It is tried again."))


@incidents.post("/<incident_id>/correct")
@logged_in
def correct(incident_id: str) -> Any:
    """With other input for the operation, or other case variables where no operation is concerned."""
    value, faults = _faults(needs="input")
    if faults:
        return _show(incident_id, faults), 422
    what = "input" if request.form.get("about") == "operation" else "variables"
    jobs.retry(services(), incident_id, actor=me().id, reason=request.form["reason"], request_id=request_id(), **{what: value})
    return _done(N_("It is tried again with what you corrected."))


@incidents.post("/<incident_id>/answer")
@logged_in
def answer(incident_id: str) -> Any:
    value, faults = _faults(needs="value")
    if faults:
        return _show(incident_id, faults), 422
    jobs.answer(services(), incident_id, actor=me().id, value=value, reason=request.form["reason"], request_id=request_id())
    return _done(N_("Your answer was taken; the case goes on."))


def _done(said: str) -> Any:
    flash(gettext(said), "success")
    return redirect(url_for("incidents.index"))
