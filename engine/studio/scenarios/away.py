"""Somebody of a scenario is absent: who signs for them meanwhile, and that they are there again."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from ...people import absences
from . import reading
from .model import Act
from .passing import after, span
from .places import Places, unfit

#: the calendar in which working days pass
CALENDAR = "office"


def leave(places: Places, act: Act) -> None:
    """They name a substitute, for everything or for what one approval chain asks of them. Raises Unfit, SubstituteRefused."""
    person, chain = places.person(act.by), str(act.given.get("chain") or "")
    absences.appoint(
        places.sandbox.services,
        absent=person,
        substitute=places.person(str(act.given["substitute"])),
        starts_at=moment(places, str(act.given.get("from") or "")),
        ends_at=moment(places, str(act.given["until"])),
        scope="chain" if chain else "all",
        ref=chain,
        by=person,
    )


def come_back(places: Places, act: Act) -> None:
    """Nobody stands in for them any more, in anything or in that chain. Raises Unfit where nobody does."""
    person, chain = places.person(act.by), str(act.given.get("chain") or "")
    services = places.sandbox.services
    with services.database.reading() as connection:
        rows = absences.rows(connection, services.clock.now(), person=person)
    own = [row.id for row in rows if row.absent_id == person and chain in ("", row.ref)]
    if not own:
        raise unfit("nobody stands in for {name}", name=act.by)
    for each in own:
        absences.end(services, each, by=person)


def moment(places: Places, text: str) -> dt.datetime:
    """The moment that a text says or after which it will be; now for none."""
    services, now = places.sandbox.services, places.sandbox.clock.now()
    if (passes := span(text)) is not None:
        return after(now, passes, services.calendars.get(CALENDAR))
    return reading.moment(text, ZoneInfo(services.settings.zone)) or now
