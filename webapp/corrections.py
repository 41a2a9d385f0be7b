"""Whom the initiator chose to sign a step, corrected on a page of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import casefile, work
from engine.errors import FormInvalid, NotFound

from .accounts import logged_in, me, services
from .choosing import picking
from .i18n import gettext
from .items import request_id

corrections = Blueprint("corrections", __name__, url_prefix="/cases/<case_id>/choices/<chain>/<step>")


@corrections.get("")
@logged_in
def ask(case_id: str, chain: str, step: str) -> Any:
    return _show(case_id, chain, step)


@corrections.post("/people")
@logged_in
def people(case_id: str, chain: str, step: str) -> Any:
    """The page again with the people who were searched; what was chosen and written stays."""
    return _show(case_id, chain, step)


@corrections.post("")
@logged_in
def do(case_id: str, chain: str, step: str) -> Any:
    given = {"chain": chain, "step": step, "persons": request.form.getlist("person"), "reason": request.form.get("reason", "")}
    try:
        work.correct(services(), case_id, **given, actor=me().id, request_id=request_id())
    except FormInvalid as invalid:
        return _show(case_id, chain, step, {path: [gettext(message) for message in said] for path, said in invalid.fields.items()}), 422
    flash(gettext("Corrected; it counts whenever the step opens from now on."), "success")
    return redirect(url_for("cases.show", case_id=case_id))


def _show(case_id: str, chain: str, step: str, faults: Mapping[str, Sequence[str]] = {}) -> Any:
    case = casefile.case_page(services(), case_id, reader=me().id)
    found = work.to_correct(services(), case_id, actor=me().id)
    one = next((one for one in found if (one.asked.chain, one.asked.step) == (chain, step)), None)
    if one is None:
        if found:
            raise NotFound(what="step for which the initiator chooses", name=f"{chain} {step}")
        flash(gettext("This cannot be done here any more; the page shows how it stands now."), "info")
        return redirect(url_for("cases.show", case_id=case_id))
    with services().database.reading() as connection:
        pick = picking(connection, one.asked, [case.subject["id"], case.initiator["id"]], "person", one.persons)
    return render_template("correct.html", case=case, one=one, pick=pick, faults=faults, typed=request.form)
