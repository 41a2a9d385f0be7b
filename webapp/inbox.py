"""待办: what waits for the reader or their groups, whom they stand in for, what they are shown, what they started and did."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import boxes, caselist, views, work
from engine import inbox as engine_inbox
from engine.errors import FormInvalid
from engine.terms import Term
from engine.work import together

from .accounts import logged_in, me, services
from .i18n import days_from_now, error_text, gettext, ngettext
from .items import request_id

inbox = Blueprint("inbox", __name__)
PAGE = 20
#: box -> its page
_PAGES = {"mine": "inbox.mine", "group": "inbox.group", "standing_in": "inbox.standing_in", "done": "inbox.done", "copied": "inbox.copied"}
#: rows of a box among which the next one is looked for
_NEAR = 200
_FILTERS = ("procedure", "step", "due", "department")


def due_class(at: dt.datetime | None) -> str:
    """`is-overdue`, `is-today` or nothing: how a due time is marked."""
    if at is None:
        return ""
    if at < services().clock.now():
        return "is-overdue"
    return "is-today" if days_from_now(at) == 0 else ""


def term_text(term: Term) -> str:
    """How much working time is left, or by how much it is over: in whole days, else in hours, else in minutes."""
    hours = term.minutes // 60
    if term.days and term.over:
        return ngettext("%(num)s working day over", "%(num)s working days over", term.days)
    if term.days:
        return ngettext("%(num)s working day left", "%(num)s working days left", term.days)
    if hours and term.over:
        return ngettext("%(num)s working hour over", "%(num)s working hours over", hours)
    if hours:
        return ngettext("%(num)s working hour left", "%(num)s working hours left", hours)
    if term.over:
        return ngettext("%(num)s working minute over", "%(num)s working minutes over", term.minutes)
    return ngettext("%(num)s working minute left", "%(num)s working minutes left", term.minutes)


def page_number() -> int:
    """The page asked for, 1 for anything odd."""
    asked = request.args.get("page", "1")
    return max(1, int(asked)) if asked.isdecimal() and len(asked) < 6 else 1


def search_words() -> str:
    return request.args.get("search", "").strip()[:100]


def _asked(name: str) -> str:
    return request.values.get(name, "").replace("\0", "").strip()[:200]


def _wanted() -> boxes.Filter:
    """The filters of the address or form; what does not exist leaves out nothing."""
    given = {name: _asked(name) for name in _FILTERS}
    given["due"] = given["due"] if given["due"] in boxes.DUE else ""
    sort = _asked("sort") if _asked("sort") in boxes.SORTS else "due"
    return boxes.Filter(words=_asked("search")[:100].split()[:5], sort=sort, **given)


def _arguments(wanted: boxes.Filter) -> dict[str, str]:
    """A filter as an address has it."""
    found = {"search": " ".join(wanted.words), "sort": "" if wanted.sort == "due" else wanted.sort}
    found |= {name: getattr(wanted, name) for name in _FILTERS}
    return {name: value for name, value in found.items() if value}


def address_of(view: views.View) -> str:
    return url_for(_PAGES.get(view.box, "inbox.mine"), **_arguments(view.wanted))


def _box(box: str) -> Any:
    reader, wanted, after = me(), _wanted(), _asked("after")
    partly = "HX-Request" in request.headers
    rows = engine_inbox.copied if box == "copied" else functools.partial(engine_inbox.inbox, box=box)
    return render_template(
        "inbox.html",
        box=box,
        found=rows(services(), reader.id, wanted=wanted, after=after, size=PAGE),
        counts=engine_inbox.counts(services(), reader.id),
        wanted=wanted,
        arguments=_arguments(wanted),
        filtered=sum(bool(getattr(wanted, name)) for name in _FILTERS) + (wanted.sort != "due"),
        after=after,
        endpoint=_PAGES[box],
        choices=None if partly else engine_inbox.choices(services(), reader.id, box),
        kept=() if partly else views.views(services(), reader.id),
    )


@inbox.get("/")
@logged_in
def home() -> Any:
    return redirect(url_for("inbox.mine"))


@inbox.get("/inbox")
@logged_in
def mine() -> Any:
    return _box("mine")


@inbox.get("/inbox/group")
@logged_in
def group() -> Any:
    return _box("group")


@inbox.get("/inbox/standing-in")
@logged_in
def standing_in() -> Any:
    return _box("standing_in")


@inbox.get("/inbox/done")
@logged_in
def done() -> Any:
    return _box("done")


@inbox.get("/inbox/copied")
@logged_in
def copied() -> Any:
    return _box("copied")


@inbox.get("/inbox/sent")
@logged_in
def sent() -> Any:
    """The cases that the reader started, and how far they are."""
    search, after, status = search_words(), _asked("after"), _asked("status")
    status = status if status in ("running", "suspended", "closed") else ""
    rows, following = caselist.sent(services(), reader=me().id, search=search, status=status, after=after, size=PAGE)
    counts = engine_inbox.counts(services(), me().id)
    shown = {"rows": rows, "search": search, "status": status, "after": after, "following": following}
    return render_template("sent.html", box="sent", counts=counts, **shown)


@inbox.get("/inbox/tabs")
@logged_in
def tabs() -> Any:
    """The counts alone, asked for again and again while the page is looked at; nothing (204) while they are those `seen`."""
    counts = engine_inbox.counts(services(), me().id)
    if request.args.get("seen") == "-".join(map(str, counts.values())):
        return "", 204
    return render_template("_inbox_tabs.html", box=request.args.get("box", "mine"), counts=counts)


@inbox.get("/inbox/next")
@logged_in
def following() -> Any:
    """The work item after the one given (`item`): of the reader's own, then of their groups, then from the beginning."""
    boxes_of = (engine_inbox.inbox(services(), me().id, box=box, size=_NEAR).rows for box in ("mine", "group"))
    waiting = [row.item_id for rows in boxes_of for row in rows]
    item = _asked("item")
    others = waiting[waiting.index(item) + 1 :] + waiting[: waiting.index(item)] if item in waiting else waiting
    if others:
        return redirect(url_for("items.show", item_id=others[0]))
    flash(gettext("Nothing else waits for you."), "success")
    return redirect(url_for("inbox.mine"))


@inbox.post("/inbox/approve")
@logged_in
def approve_together() -> Any:
    """What was ticked is approved, each by itself; the page says for each what happened. Sent again it changes nothing."""
    items = list(dict.fromkeys(request.form.getlist("item")))[: together.MOST]
    if not items:
        flash(gettext("Tick what you want to approve."), "info")
        return redirect(url_for("inbox.mine"))
    rows = {row.item_id: row for row in engine_inbox.named(services(), items, reader=me().id)}
    given = work.approve_together(services(), items, actor=me().id, request_id=request_id())
    answers = [
        {"item": answer.item, "row": rows.get(answer.item), "error": error_text(answer.error) if answer.error else ""} for answer in given
    ]
    refused = sum(bool(answer["error"]) for answer in answers)
    return render_template("together.html", answers=answers, refused=refused, done=len(answers) - refused)


@inbox.post("/inbox/views")
@logged_in
def keep() -> Any:
    """Keep what is shown as a view of the reader's own."""
    box = _asked("box") if _asked("box") in _PAGES else "mine"
    wanted = _wanted()
    try:
        views.save(services(), me().id, name=_asked("name"), box=box, wanted=wanted)
        flash(gettext("The view is kept."), "success")
    except FormInvalid as invalid:
        flash(" ".join(gettext(message) for messages in invalid.fields.values() for message in messages), "danger")
    return redirect(url_for(_PAGES[box], **_arguments(wanted)))


@inbox.post("/inbox/views/<view>/forget")
@logged_in
def forget(view: str) -> Any:
    views.forget(services(), me().id, view)
    return redirect(url_for("inbox.mine"))


def same(view: views.View, box: str, wanted: boxes.Filter) -> bool:
    """Whether a kept view is the one that is shown."""
    return view.box == box and dataclasses.replace(view.wanted, words=list(view.wanted.words)) == wanted
