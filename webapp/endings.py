"""撤销, 终止 and 作废, each on a page of its own: what it means, what stays done outside, why, and the second person's answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import casefile
from engine import endings as engine_endings
from engine.errors import FormInvalid

from .accounts import logged_in, me, services
from .i18n import N_, gettext
from .items import request_id

endings = Blueprint("endings", __name__)


@dataclass(frozen=True, kw_only=True)
class Act:
    """How the page of an act looks and what it asks for."""

    carry_out: Callable[..., None]
    icon: str
    name: str
    #: what will happen
    lead: str
    #: a reason must be given
    reason: bool = True


#: as `CasePage.may` calls them, in the order of the buttons
ACTS: Mapping[str, Act] = {
    "cancel": Act(
        carry_out=engine_endings.cancel,
        icon="circle-x",
        name=N_("Cancel my report"),
        lead=N_(
            "The case ends here. Open work closes, calls that have not begun are not made, and everybody who took part is told."
            " Nothing is deleted."
        ),
    ),
    "terminate": Act(
        carry_out=engine_endings.terminate,
        icon="circle-x",
        name=N_("Terminate the case"),
        lead=N_(
            "The case ends here, wherever it stands. Open work closes, calls that have not begun are not made, and everybody who took part"
            " is told. Nothing is deleted. Where the procedure asks for it, another manager must confirm it first."
        ),
    ),
    "void": Act(
        carry_out=engine_endings.void,
        icon="circle-x",
        name=N_("Declare the case void"),
        lead=N_(
            "The case keeps its outcome and everything in it, and is marked as void for good: in every list, on its approval record and in"
            " a further sealed file. Where the procedure asks for it, another manager must confirm it first."
        ),
    ),
    "confirm": Act(
        carry_out=engine_endings.confirm,
        icon="check",
        name=N_("Confirm"),
        lead=N_("You are the second person. Once you confirm it, it is done at once and cannot be taken back."),
        reason=False,
    ),
    "decline": Act(
        carry_out=engine_endings.decline,
        icon="arrow-back-up",
        name=N_("Decline"),
        lead=N_("What was asked for is not done, and the case goes on as it was. Who asked for it is told."),
    ),
}
_KINDS = f"any({','.join(ACTS)})"


@endings.get(f"/cases/<case_id>/<{_KINDS}:act>")
@logged_in
def ask(case_id: str, act: str) -> Any:
    return _show(case_id, act)


@endings.post(f"/cases/<case_id>/<{_KINDS}:act>")
@logged_in
def carry_out(case_id: str, act: str) -> Any:
    try:
        ACTS[act].carry_out(services(), case_id, actor=me().id, reason=request.form.get("reason", ""), request_id=request_id())
    except FormInvalid as refused:
        return _show(case_id, act, " ".join(gettext(message) for message in refused.fields.get("reason", ()))), 422
    waits = act in ("terminate", "void") and casefile.case_page(services(), case_id, reader=me().id).asked
    said = gettext("Another manager of the procedure has been asked to confirm it.") if waits else ""
    flash(said or gettext("Done. It is in the file with your reason."), "success")
    return redirect(url_for("cases.show", case_id=case_id))


def _show(case_id: str, act: str, fault: str = "") -> Any:
    case = casefile.case_page(services(), case_id, reader=me().id)
    if act not in case.may:
        flash(gettext("This cannot be done here any more; the page shows how it stands now."), "info")
        return redirect(url_for("cases.show", case_id=case_id))
    prospect = engine_endings.prospect(services(), case_id, actor=me().id)
    return render_template("ending.html", case=case, act=ACTS[act], prospect=prospect, fault=fault, typed=request.form)


@endings.app_context_processor
def _buttons() -> dict[str, Any]:
    return {"ENDINGS": ACTS}
