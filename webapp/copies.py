"""抄送: showing a case to others, from the case as a whole; from a work item `verbs` does it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import casefile, work
from engine.errors import FormInvalid, MayNotBeTold

from .accounts import logged_in, me, services
from .i18n import gettext
from .items import request_id
from .verbs import VERBS, faults_of, people_found

copies = Blueprint("copies", __name__, url_prefix="/cases/<case_id>/copy")
_COPY = VERBS["copy"]


@copies.get("")
@logged_in
def ask(case_id: str) -> Any:
    case = casefile.case_page(services(), case_id, reader=me().id)
    if "copy" not in case.may:
        flash(gettext("This cannot be done here any more; the page shows how it stands now."), "info")
        return redirect(url_for("cases.show", case_id=case_id))
    return _show(case, {})


@copies.post("")
@logged_in
def send(case_id: str) -> Any:
    """Send it; with `do=find` only look for people. What was chosen and written stays on the page."""
    if request.form.get("do") == "find":
        return ask(case_id)
    given = {"persons": request.form.getlist("person"), "reason": request.form.get("reason", "")}
    try:
        work.copy_case(services(), case_id, actor=me().id, request_id=request_id(), **given)
    except (FormInvalid, MayNotBeTold) as refused:
        case = casefile.case_page(services(), case_id, reader=me().id)
        if "copy" not in case.may:
            raise
        return _show(case, faults_of(refused)), 422
    flash(gettext(_COPY.said), "success")
    return redirect(url_for("cases.show", case_id=case_id) + "#copies")


def _show(case: casefile.CasePage, faults: dict[str, str]) -> str:
    chosen, found = people_found(case.subject["id"], me().id)
    return render_template(
        "verb.html",
        number=case.number,
        behind=case.number,
        back=url_for("cases.show", case_id=case.id),
        verb=_COPY,
        key="copy",
        address=url_for("copies.send", case_id=case.id),
        chosen=chosen,
        found=found,
        typed=request.form,
        faults=faults,
    )
