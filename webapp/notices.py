"""通知: what the reader is told how and when; for administrators the default for everybody, and what could not be sent."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import announcing
from engine.errors import FormInvalid
from engine.models import EVERYBODY
from engine.notices import failures, wishes
from engine.notices.kinds import KINDS
from engine.notices.wishes import Wish
from engine.people import directory
from engine.projecting import reconciling, showing

from .accounts import logged_in, me, services
from .i18n import N_, gettext
from .people import administered

notices = Blueprint("notices", __name__, url_prefix="/account/notices")
#: what usual channels are called; any other is called as it was configured
CHANNELS = {"mail": N_("Mail"), "dingtalk": N_("DingTalk"), "wecom": N_("WeCom"), "feishu": N_("Feishu")}
_TIMES = ("digest_at", "quiet_from", "quiet_to")
#: value of the box that says: by no channel
NONE = "-"


def channel(name: str) -> str:
    """What a channel is called."""
    return gettext(CHANNELS[name]) if name in CHANNELS else name


@notices.get("")
@logged_in
def mine() -> Any:
    return _mine({})


def _mine(errors: dict[str, list[str]]) -> Any:
    notifiers, on = services().notifiers, directory.day(services().clock.now())
    with services().database.reading() as connection:
        found, default = wishes.reachable(connection, [me().id], notifiers, on)
        own = wishes.of(connection, me().id)
    [reached] = found  # who has left cannot log in
    chosen = {kind: reached.channels(kind, notifiers, default) for kind in KINDS}
    open_ones = {name: name in reached.addresses for name in notifiers}
    return _page(reached.wish, chosen, open_ones, errors, everybody=False, own=own is not None)


@notices.post("")
@logged_in
def keep() -> Any:
    if request.form.get("default"):
        wishes.forget(services(), me().id)
        flash(gettext("You are told as the administrators set it for everybody."), "success")
        return redirect(url_for("notices.mine"))
    try:
        wishes.keep(services(), me().id, _typed({kind: _ticked(kind) for kind in KINDS}))
    except FormInvalid as invalid:
        return _mine(_told(invalid)), 422
    flash(gettext("Kept. It holds for what happens from now on."), "success")
    return redirect(url_for("notices.mine"))


@notices.get("/everybody")
@administered
def everybody() -> Any:
    return _everybody({})


def _everybody(errors: dict[str, list[str]]) -> Any:
    with services().database.reading() as connection:
        default = wishes.of(connection, EVERYBODY) or Wish()
        failed = failures.rows(connection)
        untold = announcing.rows(connection)
        centres = {"centres": reconciling.compared(services(), connection), "unseen": showing.unconfirmed(connection)}
    chosen = {kind: list(default.channels[kind]) or [NONE] if kind in default.channels else [] for kind in KINDS}
    return _page(
        default,
        chosen,
        dict.fromkeys(services().notifiers, True),
        errors,
        everybody=True,
        failed=failed,
        untold=untold,
        **centres,
    )


@notices.post("/everybody")
@administered
def keep_for_everybody() -> Any:
    chosen = {kind: _ticked(kind) for kind in KINDS if request.form.getlist(kind)}
    try:
        wishes.keep(services(), EVERYBODY, _typed(chosen))
    except FormInvalid as invalid:
        return _everybody(_told(invalid)), 422
    return _done(gettext("Kept. It holds for what happens from now on."))


@notices.post("/<notice>/again")
@administered
def send_again(notice: str) -> Any:
    failures.send_again(services(), notice, by=me().id)
    return _done(gettext("It is sent again."))


@notices.post("/events/<event>/again")
@administered
def announce_again(event: str) -> Any:
    announcing.send_again(services(), event, by=me().id)
    return _done(gettext("It is sent again."))


@notices.post("/centres/<centre>/compare")
@administered
def compare(centre: str) -> Any:
    reconciling.ask(services(), centre, by=me().id)
    return _done(gettext("It is compared now; what differs is shown there anew."))


def _done(said: str) -> Any:
    """Back to the administrators' page, which says what was done from it."""
    flash(said, "success")
    return redirect(url_for("notices.everybody"))


def _page(wish: Wish, chosen: dict[str, list[str]], channels: dict[str, bool], errors: dict[str, list[str]], **more: Any) -> Any:
    times = {name: request.form.get(name, getattr(wish, name) or "")[:5] for name in _TIMES}
    if request.method == "POST":
        chosen = {kind: request.form.getlist(kind) for kind in KINDS}
    return render_template(
        "notices.html", kinds=KINDS, chosen=chosen, channels=channels, channel=channel, times=times, errors=errors, none=NONE, **more
    )


def _ticked(kind: str) -> list[str]:
    return [name for name in request.form.getlist(kind) if name != NONE]


def _typed(channels: dict[str, list[str]]) -> Wish:
    return Wish(channels=channels, **{name: request.form.get(name, "").strip()[:20] or None for name in _TIMES})


def _told(invalid: FormInvalid) -> dict[str, list[str]]:
    return {field: [gettext(text) for text in texts] for field, texts in invalid.fields.items()}
