"""How much of the time for a piece of work is left, in working time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from .bpmn.model import Element
from .calendar import Calendars
from .errors import CalendarEnds

#: less than this share left is `amber`
_SOON = 1 / 3
#: what lies further away than this is told without being reckoned
_FAR = dt.timedelta(days=1100)
_MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Term:
    """What is left of it, or how long it has been over."""

    #: `green`, `amber` once less than a third of its working time is left, `red` once it is over
    level: str
    over: bool
    #: whole working days left or over
    days: int
    #: working minutes left or over, in all
    minutes: int


def of(calendars: Calendars, element: Element | None, opened: dt.datetime, due: dt.datetime | None, now: dt.datetime) -> Term | None:
    """By the calendar of the work's element, else `office`; None for work without a due time, or due further than three years away."""
    if due is None or abs(due - now) > _FAR:
        return None
    name = element.properties.get("wf.calendar") if element else None
    calendar = calendars.get(name if name in calendars.names else "office")
    over = due < now
    first, last = (due, now) if over else (now, due)
    try:
        left, days = calendar.worked(first, last), calendar.days_between(first, last)
        whole = calendar.worked(max(opened, due - _FAR), due)
    except CalendarEnds:  # nobody ever works by it
        return None
    level = "red" if over else "amber" if left < whole * _SOON or not left else "green"
    return Term(level=level, over=over, days=days, minutes=left // _MINUTE)
