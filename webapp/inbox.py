"""待办: what waits for a person, what waits for their groups, and what they did."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from engine import inbox as engine_inbox

from .accounts import logged_in, me, services
from .i18n import days_from_now

inbox = Blueprint("inbox", __name__)
PAGE = 20


def due_class(at: dt.datetime | None) -> str:
    """`is-overdue`, `is-today` or nothing: how a due time is marked."""
    if at is None:
        return ""
    if at < services().clock.now():
        return "is-overdue"
    return "is-today" if days_from_now(at) == 0 else ""


def page_number() -> int:
    """The page asked for, 1 for anything odd."""
    asked = request.args.get("page", "1")
    return int(asked) if asked.isdecimal() and 0 < int(asked) < 100_000 else 1


def search_words() -> str:
    return request.args.get("search", "").replace("\0", "").strip()[:100]


def _box(box: str) -> Any:
    page, search, reader = page_number(), search_words(), me()
    found = engine_inbox.inbox(services(), reader.id, box=box, search=search, page=page, size=PAGE)
    counts = engine_inbox.counts(services(), reader.id)
    return render_template("inbox.html", box=box, found=found, counts=counts, page=page, size=PAGE, search=search)


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


@inbox.get("/inbox/done")
@logged_in
def done() -> Any:
    return _box("done")


@inbox.get("/inbox/tabs")
@logged_in
def tabs() -> Any:
    """The counts alone, asked for again and again while the page lies open."""
    box = request.args.get("box", "mine")
    return render_template("_inbox_tabs.html", box=box, counts=engine_inbox.counts(services(), me().id))
