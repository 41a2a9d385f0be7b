"""Several cases at once: first what would happen to each, then it is done, and what became of each is told."""

from __future__ import annotations

import json
from typing import Any

from flask import render_template, request

from engine import bulk
from engine.analytics import standing
from engine.bulk import MOST, Wish
from engine.errors import FormInvalid, NotAllowed

from ..accounts import logged_in, me, services
from ..i18n import gettext
from ..items import request_id
from .addresses import Asked, asked, operations
from .running import page


@operations.post("/<procedure>/consider")
@logged_in
def consider(procedure: str) -> Any:
    """Nothing is changed; the next page says what would be."""
    wanted = _managed(procedure)
    try:
        wish = _wish()
        told = bulk.consider(services(), _cases(wanted), wish, actor=me().id)
    except FormInvalid as refused:
        return page(procedure, faults=_said(refused)), 422
    return _told(wanted, wish, told)


@operations.post("/<procedure>/carry-out")
@logged_in
def carry_out(procedure: str) -> Any:
    wanted = _managed(procedure)
    try:
        wish = _wish()
        told = bulk.carry_out(services(), _cases(wanted), wish, actor=me().id, request_id=request_id())
    except FormInvalid as refused:
        if list(refused.fields) != ["reason"]:
            return page(procedure, faults=_said(refused)), 422
        told = bulk.consider(services(), _cases(wanted), wish, actor=me().id)
        return _told(wanted, wish, told, fault=" ".join(_said(refused)["reason"])), 422
    return _told(wanted, wish, told, done=True)


def _managed(procedure: str) -> Asked:
    """Raises NotFound, NotAllowed."""
    wanted = asked(procedure)
    if not wanted.scope.manages:
        raise NotAllowed(reason="only managers of this procedure can do it")
    return wanted


def _told(wanted: Asked, wish: Wish, told: list[bulk.Consequence], *, fault: str = "", done: bool = False) -> str:
    target = wanted.scope.drawn.program.elements.get(wish.to)
    return render_template(
        "operations_bulk.html",
        asked=wanted,
        scope=wanted.scope,
        wish=wish,
        target={"name": target.title, "name_en": target.name_en} if target else {},
        told=told,
        fine=[each for each in told if each.error is None],
        fault=fault,
        done=done,
        typed=request.form,
    )


def _cases(wanted: Asked) -> list[str]:
    """Those that were ticked, or all that stand at the element."""
    if request.form.get("all"):
        found, _ = standing.cases_at(services(), wanted.scope, request.form.get("element", ""), limit=MOST)
        return [case.id for case in found]
    ids = request.form.getlist("case")[: MOST + 1]
    return [case.id for case in standing.cases_of(services(), wanted.scope, ids)] if ids else []


def _wish() -> Wish:
    """Raises FormInvalid for values that are none."""
    form = request.form
    return Wish(
        act=form.get("act", ""),
        element=form.get("element", ""),
        to=form.get("target", "") if form.get("act") in ("return", "move") else "",
        values=_values(form.get("values", "")) if form.get("act") in ("answer", "correct") else {},
        reason=form.get("reason", "").strip(),
    )


def _values(text: str) -> dict[str, Any]:
    """Lines `name = value`: a number, true, false or JSON is taken as such, everything else as text."""
    found: dict[str, Any] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, sign, value = (part.strip() for part in line.partition("="))
        if not (name and sign):
            raise FormInvalid({"values": ["Each line must be: name = value."]})
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _said(refused: FormInvalid) -> dict[str, list[str]]:
    return {name: [gettext(message) for message in messages] for name, messages in refused.fields.items()}
