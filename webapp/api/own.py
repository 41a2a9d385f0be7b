"""What a person sets for themselves: how they are told, views of the inbox, the calendar feed. For no token: an address of a feed
would outlive it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import url_for

from engine import feeds, views
from engine.boxes import DUE, SORTS, Filter
from engine.notices import wishes
from engine.notices.kinds import KINDS
from engine.notices.wishes import Wish
from engine.people import directory

from ..accounts import me, services
from ..i18n import N_
from .exchange import api, body, declared, plain
from .sessions import SEARCH
from .shapes import Flag, Listed, Object, Text

_TIMES = {"digest_at": str | None, "quiet_from": str | None, "quiet_to": str | None}
_FILTERS = {
    "search": SEARCH,
    "procedure": Text(N_("Key of a procedure"), default="", longest=200),
    "step": Text(N_("Name of a step, as the diagram has it"), default="", longest=200),
    "due": Text(default="", choices=("", *DUE)),
    "department": Text(N_("Key of a department, to which or below which the employee concerned belongs"), default="", longest=200),
    "sort": Text(default="due", choices=SORTS),
}


def _time(says: str, example: str) -> Text:
    return Text(says, default=None, example=example)


@api.get("/me/notices")
@declared(
    scope="own",
    gives={"own": bool, "channels": dict[str, list[str]], **_TIMES, "reachable": list[str], "offered": list[str]},
)
def told_how() -> Any:
    """By which channels the caller is told which kind of notice, and when; whether they chose so, and where they can be reached."""
    notifiers, on = services().notifiers, directory.day(services().clock.now())
    with services().database.reading() as connection:
        found, default = wishes.reachable(connection, [me().id], notifiers, on)
        own = wishes.of(connection, me().id)
    [reached] = found  # who has left cannot log in
    return {
        "own": own is not None,
        "channels": {kind: reached.channels(kind, notifiers, default) for kind in KINDS},
        **{name: getattr(reached.wish, name) for name in _TIMES},
        "reachable": sorted(reached.addresses),
        "offered": [*notifiers],
    }


@api.put("/me/notices")
@declared(
    scope="own",
    takes={
        "channels": Object(
            N_("Names of channels by kind of notice; a kind that is left out is told as the administrators set it for everybody"),
            of=Listed(of=Text()),
            default={},
            example={"overdue": ["mail"]},
        ),
        "digest_at": _time(N_("HH:MM at which everything is told together on each working day; without one at once"), "09:00"),
        "quiet_from": _time(N_("HH:MM from which only what is urgent is told"), "22:00"),
        "quiet_to": _time(N_("HH:MM until which only what is urgent is told"), "07:30"),
    },
)
def wish() -> Any:
    """Choose how the caller is told from now on."""
    wishes.keep(services(), me().id, Wish(**body()))
    return "", 204


@api.delete("/me/notices")
@declared(scope="own")
def wish_nothing() -> Any:
    """Tell the caller as the administrators set it for everybody."""
    wishes.forget(services(), me().id)
    return "", 204


@api.get("/me/views")
@declared(scope="own", gives={"views": [views.View]})
def view_list() -> Any:
    """The views of the inbox that the caller keeps, by name."""
    return {"views": plain(views.views(services(), me().id))}


@api.post("/me/views")
@declared(
    scope="own",
    takes={
        "name": Text(N_("Its name; another view of this name is replaced"), example="本周到期"),
        "box": Text(default="mine", choices=("mine", "group", "standing_in", "done", "copied")),
        **_FILTERS,
    },
    gives={"views": [views.View]},
    status=201,
)
def keep_view() -> Any:
    """Keep a box with filters and an order as a view of the caller's, twenty at most; answers with all of them."""
    sent = body()
    name, box, words = sent.pop("name"), sent.pop("box"), sent.pop("search").split()[:5]
    views.save(services(), me().id, name=name, box=box, wanted=Filter(words=words, **sent))
    return {"views": plain(views.views(services(), me().id))}, 201


@api.delete("/me/views/<view_id>")
@declared(scope="own")
def forget_view(view_id: str) -> Any:
    """Keep a view no longer; one that is not the caller's stays."""
    views.forget(services(), me().id, view_id)
    return "", 204


@api.get("/me/calendar")
@declared(scope="own", gives={"since": dt.datetime | None})
def feed() -> Any:
    """Since when a calendar program can read when the caller's work is due; null where there is no address."""
    with services().database.reading() as connection:
        return {"since": plain(feeds.since(connection, me().id))}


@api.put("/me/calendar")
@declared(
    scope="own",
    takes={"names": Flag(N_("Tell whom cases are about"), default=False)},
    gives={"address": str},
)
def renew_feed() -> Any:
    """Make a new address for the caller's calendar program, told this once; an earlier one opens nothing any more."""
    secret = feeds.renew(services(), me().id, names=body()["names"])
    return {"address": services().settings.address + url_for("feeds.show", secret=secret)}


@api.delete("/me/calendar")
@declared(scope="own")
def end_feed() -> Any:
    """Let the address of the caller's calendar open nothing any more."""
    feeds.end(services(), me().id)
    return "", 204
