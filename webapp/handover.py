"""离职转办: the page on which an administrator hands over what somebody holds: a list first, then each thing by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, render_template, request

from engine.errors import HandoverRefused, NotFound, Sentence, SubstituteRefused
from engine.models import Person
from engine.people.lines import NO_DAY
from engine.work import handover as engine
from engine.work.belongings import MOVED, NAMED, Held

from .accounts import me, services
from .choosing import Pick, pick, said
from .i18n import N_, error_text, gettext, ngettext
from .people import administered, today
from .substitutes import somebody

handover = Blueprint("handover", __name__, url_prefix="/people/person/<person_id>/handover")

#: kind -> what it is called
KINDS = {
    "sign_off": N_("To sign or to do"),
    "offer": N_("Offered to them and others"),
    "substitution": N_("They stand in for"),
    "headship": N_("Head of"),
    "duty": N_("Duties"),
    "group": N_("Groups"),
    "report": N_("Reports to them"),
    "chain": N_("Named in approval chains"),
    "role": N_("Roles"),
    "case": N_("Cases they started"),
    "later": N_("What comes to them later"),
}


@handover.get("")
@administered
def show(person_id: str) -> Any:
    return _page(engine.look(services(), person_id, actor=me().id), {})


@handover.post("")
@administered
def look_or_act(person_id: str) -> Any:
    """With `do=act` carried out, else only looked at; what was typed stays."""
    leaver = engine.look(services(), person_id, actor=me().id)
    done: list[engine.Done] = []
    try:
        if request.form.get("do") == "find":
            return _page(leaver, {})
        to = _chosen(leaver.held)
        if request.form.get("do") != "act":
            return _page(leaver, to)
        given: dict[str, Any] = {"until": _day("until"), "on": _day("on"), "note": request.form.get("note", "")}
        done = engine.hand_over(services(), person_id, to=to, actor=me().id, **given)
    except (HandoverRefused, SubstituteRefused, NotFound) as refused:
        return _page(leaver, {}, error=error_text(refused)), 422
    count = sum(one.error is None for one in done)
    if count:
        flash(ngettext("%(num)s thing was handed over.", "%(num)s things were handed over.", count), "success")
    elif not done:
        flash(gettext("There was nothing to hand over."), "info")
    return _page(engine.look(services(), person_id, actor=me().id), to, done=done)


def _chosen(held: Sequence[Held]) -> dict[str, str]:
    """Ids by what was typed: for everything, for a kind, for one thing; what is not ticked is left. Raises NotFound, SubstituteRefused."""
    found = {}
    for key in ("", *MOVED, *(one.key for one in held)):
        if typed := said(f"to:{key}"):
            found[key] = somebody(typed)
    ticked = set(request.form.getlist("give"))
    seen = set(request.form.getlist("seen"))
    return found | {one.key: "" for one in held if one.key in seen - ticked}


def _day(field: str) -> dt.date | None:
    """Raises HandoverRefused."""
    text = request.form.get(field, "").strip()
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise HandoverRefused(reason=Sentence(NO_DAY, {"text": text[:40]})) from None


def _page(leaver: engine.Leaver, to: dict[str, str], *, done: Sequence[engine.Done] = (), error: str = "") -> str:
    targets = {one.key: engine.chosen(one, to) for one in leaver.held}
    ids = {*targets.values(), *(one.to for one in done), leaver.later_to or ""} - {""}
    with services().database.reading() as connection:
        names = {row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(ids)))}

    def field(key: str) -> Pick:
        chosen = to.get(key) or request.form.get(f"to:{key}", "")
        return pick(f"to:{key}", [chosen] if chosen else [], but=[leaver.id])

    until = leaver.last_day.isoformat() if leaver.last_day and leaver.last_day >= today() else ""
    return render_template(
        "people_handover.html",
        leaver=leaver,
        kinds=[(kind, [one for one in leaver.held if one.kind == kind]) for kind in MOVED],
        named_only=[(kind, [one for one in leaver.held if one.kind == kind]) for kind in NAMED],
        targets=targets,
        names=names,
        done=[one for one in done if one.error is None],
        refused=[(one, error_text(one.error)) for one in done if one.error is not None],
        error=error,
        typed=request.form if request.method == "POST" else {"until": until, "on": today().isoformat()},
        ticked=set(request.form.getlist("give")) if request.method == "POST" else None,
        field=field,
    )


def init_app(app: Any) -> None:
    app.jinja_env.filters["held"] = lambda kind: gettext(KINDS[kind])
    app.register_blueprint(handover)
