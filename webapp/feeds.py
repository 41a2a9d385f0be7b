"""日历订阅: due times for calendar programs (RFC 5545), at an address that only its person knows."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from icalendar import Alarm, Calendar, Event

from engine import feeds as engine_feeds

from .accounts import logged_in, me, services
from .i18n import DEFAULT, gettext, named

feeds = Blueprint("feeds", __name__)
#: before the due time
_WARNING = dt.timedelta(hours=-1)
#: how often programs that heed it look again
_EVERY = dt.timedelta(minutes=30)


@feeds.get("/calendar/<secret>.ics")
def show(secret: str) -> Any:
    """Without a log-in, since calendar programs have none: whoever does not know the address gets what anybody gets."""
    feed = engine_feeds.read(services(), secret)
    if feed is None:
        abort(404)
    g.locale = feed.locale or DEFAULT  # calendar programs ask in the language of their makers
    content = _calendar(feed.entries)
    answer = current_app.response_class(content, mimetype="text/calendar")
    answer.set_etag(hashlib.sha256(content).hexdigest())
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


def _calendar(entries: Sequence[engine_feeds.Entry]) -> bytes:
    home = services().settings.address
    calendar = Calendar()
    calendar.add("prodid", "-//Partwell//Partwell//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", gettext("Work that is due"))
    calendar.add("refresh-interval", _EVERY, parameters={"value": "DURATION"})
    for entry in entries:
        title = f"{named(entry)} · {entry.number}" + (f" · {entry.subject}" if entry.subject else "")
        event, alarm = Event(), Alarm()
        event.add("uid", f"{entry.id}@{urlsplit(home).hostname}")
        event.add("dtstamp", entry.opened_at)
        event.add("dtstart", entry.due_at)
        event.add("dtend", entry.due_at)
        event.add("summary", gettext("Due: %(title)s", title=title))
        event.add("url", home + url_for("items.show", item_id=entry.item_id))
        event.add("transp", "TRANSPARENT")
        alarm.add("action", "DISPLAY")
        alarm.add("description", title)
        alarm.add("trigger", _WARNING)
        event.add_component(alarm)
        calendar.add_component(event)
    return calendar.to_ical()


@feeds.get("/account/calendar")
@logged_in
def mine() -> Any:
    return _page("")


@feeds.post("/account/calendar")
@logged_in
def renew() -> Any:
    """The page that answers is the only one that ever shows the address."""
    secret = engine_feeds.renew(services(), me().id, names=bool(request.form.get("names")))
    return _page(services().settings.address + url_for("feeds.show", secret=secret))


@feeds.post("/account/calendar/end")
@logged_in
def end() -> Any:
    engine_feeds.end(services(), me().id)
    flash(gettext("Ended. The address opens nothing any more."), "success")
    return redirect(url_for("feeds.mine"))


def _page(made: str) -> str:
    with services().database.reading() as connection:
        since = engine_feeds.since(connection, me().id)
    return render_template("calendar.html", since=since, made=made)
