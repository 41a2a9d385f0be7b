"""沟通: the comments of a case on a page of their own, and a box to write one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import casefile
from engine import comments as engine_comments
from engine.errors import FormInvalid, MayNotBeTold

from .accounts import logged_in, me, services
from .i18n import gettext
from .items import request_id
from .verbs import faults_of

comments = Blueprint("comments", __name__, url_prefix="/cases/<case_id>/comments")
#: people who are shown to be chosen; more are found by name
_MOST = 20


@comments.get("")
@logged_in
def show(case_id: str) -> Any:
    return _show(case_id, {})


@comments.post("")
@logged_in
def write(case_id: str) -> Any:
    """Write one; with `do=find` only look for people to mention. What was written and chosen stays on the page."""
    if request.form.get("do") == "find":
        return _show(case_id, {})
    text, chosen = request.form.get("text", ""), request.form.getlist("person")
    more = {"answers": request.form.get("answers") or None, "item_id": request.form.get("item") or None}
    try:
        _must_choose(engine_comments.addressees(services(), case_id, reader=me().id), text, chosen)
        engine_comments.write(services(), case_id, text=text, mentions=chosen, actor=me().id, request_id=request_id(), **more)
    except (FormInvalid, MayNotBeTold) as refused:
        return _show(case_id, faults_of(refused)), 422
    flash(gettext("Your comment is on the case."), "success")
    return redirect(url_for("comments.show", case_id=case_id))


def _must_choose(addressees: Sequence[Mapping[str, str]], text: str, chosen: Sequence[str]) -> None:
    """Nobody is guessed: who is named with @ must be chosen. The longest name that fits is meant. Raises FormInvalid."""
    named = {one["name"] for one in addressees if one["id"] in chosen}
    for name in sorted({one["name"] for one in addressees}, key=len, reverse=True):
        if f"@{name}" in text and name not in named:
            raise FormInvalid({"persons": ["Choose whom you mean by @, or write the name without it."]})
        text = text.replace(f"@{name}", " ")


def _show(case_id: str, faults: Mapping[str, str]) -> str:
    case = casefile.case_page(services(), case_id, reader=me().id)
    told = engine_comments.comments(services(), case_id, reader=me().id)
    may_comment = engine_comments.may_write(services(), case_id, reader=me().id)
    typed, answers = request.form, request.values.get("answers", "")
    people = engine_comments.addressees(services(), case_id, reader=me().id) if may_comment else []
    chosen, words = typed.getlist("person"), typed.get("find", "").strip().lower()
    text = typed.get("text", "")

    def rank(one: Mapping[str, str]) -> tuple[bool, bool]:
        return one["id"] not in chosen, f"@{one['name']}" not in text

    fitting = [one for one in people if one["id"] in chosen or words in f"{one['name']} {one['employee_no']}".lower()]
    return render_template(
        "comments.html",
        case=case,
        comments=told,
        may_comment=may_comment,
        answered=next((one for one in told if one.id == answers), None),
        item=request.values.get("item", ""),
        people=sorted(fitting, key=rank)[:_MOST],
        chosen=chosen,
        typed=typed,
        faults=faults,
    )
