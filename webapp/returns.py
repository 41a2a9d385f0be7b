"""退回 and 重新打开: where a case can go back to, what that leaves and what stays done outside, and doing it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import casefile
from engine import returns as engine_returns

from .accounts import logged_in, me, services
from .i18n import gettext
from .items import request_id

returns = Blueprint("returns", __name__)


@returns.get("/cases/<case_id>/return")
@logged_in
def choose(case_id: str) -> Any:
    """Where to; with `element` also what would follow. Nothing is changed."""
    return _show(case_id, request.args.get("element", ""))


def _show(case_id: str, element: str, fault: str = "") -> Any:
    which = {"actor": me().id}
    case = casefile.case_page(services(), case_id, reader=me().id)
    steps = engine_returns.steps(services(), case_id, **which)
    chosen = next((step for step in steps if step.element == element), None)
    prospect = engine_returns.prospect(services(), case_id, element, **which) if chosen else None
    page = render_template("return.html", case=case, steps=steps, chosen=chosen, prospect=prospect, fault=fault, typed=request.form)
    return (page, 422) if fault else page


@returns.post("/cases/<case_id>/return")
@logged_in
def carry_out(case_id: str) -> Any:
    element, reason = request.form.get("element", ""), request.form.get("reason", "").strip()
    if not reason:
        return _show(case_id, element, gettext("This is required."))
    closed = casefile.case_page(services(), case_id, reader=me().id).status == "closed"
    act = engine_returns.reopen if closed else engine_returns.return_to
    act(services(), case_id, element, actor=me().id, reason=reason, request_id=request_id())
    flash(gettext("Done. It is in the file with your reason."), "success")
    return redirect(url_for("cases.show", case_id=case_id))
