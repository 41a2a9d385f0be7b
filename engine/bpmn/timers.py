"""When a timer is due: ISO 8601 dates, durations and repetitions, reckoned from a given instant in the engine's zone.

With a calendar, durations are working time: P3D is three working days, PT8H eight working hours.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from calendar import monthrange
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from .. import errors
from ..calendar import Calendar
from . import expressions

log = logging.getLogger(__name__)

_DURATION = re.compile(
    r"P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_CYCLE = re.compile(r"R(?P<times>-1|\d*)/(?:(?P<start>[^P/][^/]*)/)?(?P<every>P.*)")


def moment(text: str, now: dt.datetime, calendar: Calendar | None = None) -> dt.datetime:
    """The instant (UTC) that a date, date-time or duration names; a date means 00:00, no offset means the engine's zone.

    Raises `errors.FeelError` when it is none of them.
    """
    if text.startswith("P"):
        return after(text, now, calendar)
    try:
        # FEEL writes a zone as "@Asia/Shanghai" behind the time, or behind the offset
        plain, _, zone = text.partition("@")
        instant = dt.datetime.fromisoformat(plain)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=ZoneInfo(zone or expressions.ZONE))
        return instant.astimezone(dt.UTC)
    except (ValueError, KeyError, OverflowError):
        raise errors.FeelError(expression=text, reason="it is no date, date-time or duration of ISO 8601") from None


def parts(text: str) -> Mapping[str, str] | None:
    """How many `years`, `months`, `weeks`, `days`, `hours`, `minutes` and `seconds` an ISO 8601 duration says, of those that it says.

    None: it is no duration.
    """
    match = _DURATION.fullmatch(text)
    return None if match is None else {name: value for name, value in match.groupdict().items() if value}


def repetition(text: str) -> tuple[int | None, str, str] | None:
    """How often `R3/PT24H`, `R/P1D`, … comes (None: without end), from when on ("": at once) and the interval; None: it is none."""
    match = _CYCLE.fullmatch(text)
    if match is None:
        return None
    times = match["times"]
    return None if times in ("", "-1") else int(times), match["start"] or "", match["every"]


def after(text: str, start: dt.datetime, calendar: Calendar | None = None) -> dt.datetime:
    """`start` plus an ISO 8601 duration; years, months, weeks and days are calendar days of the engine's zone.

    With a calendar its days are working days and its hours, minutes and seconds working time. Raises `errors.FeelError`.
    """
    said = parts(text)
    if said is None:
        raise errors.FeelError(expression=text, reason="it is no ISO 8601 duration such as P3D or PT24H")
    part = {name: float(value) for name, value in said.items()}
    try:
        time = dt.timedelta(hours=part.get("hours", 0), minutes=part.get("minutes", 0), seconds=part.get("seconds", 0))
        if calendar is not None:
            return _worked(text, part, time, start, calendar)
        local = start.astimezone(ZoneInfo(expressions.ZONE))
        months = local.year * 12 + local.month - 1 + int(part.get("years", 0) * 12 + part.get("months", 0))
        year, month = divmod(months, 12)
        day = min(local.day, monthrange(year, month + 1)[1])
        moved = local.replace(year=year, month=month + 1, day=day) + dt.timedelta(days=part.get("weeks", 0) * 7 + part.get("days", 0))
        return moved.astimezone(dt.UTC) + time
    except (ValueError, OverflowError):
        raise errors.FeelError(expression=text, reason="it leads beyond the year 9999") from None


def _worked(text: str, part: dict[str, float], time: dt.timedelta, start: dt.datetime, calendar: Calendar) -> dt.datetime:
    if part.keys() & {"years", "months", "weeks"}:
        raise errors.FeelError(expression=text, reason="working time is counted in days, hours, minutes and seconds, such as P5D")
    due = calendar.add(start, days=int(part.get("days", 0)), hours=time)
    if calendar.assumed(due):
        log.warning("calendar %s: a due time was reckoned into %s, whose working days are not announced yet", calendar.name, due.year)
    return due


def cycle(text: str, now: dt.datetime, calendar: Calendar | None = None) -> tuple[dt.datetime, int | None, str]:
    """First due time, how often it repeats after that (None: without end) and the interval of `R3/PT24H`, `R/P1D`, …"""
    found = repetition(text)
    if found is None:
        raise errors.FeelError(expression=text, reason="it is no repetition such as R3/PT24H")
    times, start, every = found
    if after(every, now) <= now:
        raise errors.FeelError(expression=text, reason="it repeats without a pause")
    first = moment(start, now) if start else after(every, now, calendar)
    return first, None if times is None else max(times - 1, 0), every


def next_due(due: dt.datetime, every: str, now: dt.datetime, calendar: Calendar | None = None) -> dt.datetime:
    """The next time of a repetition: one interval after the last, but never in the past (missed times are not made up for)."""
    following = after(every, due, calendar)
    return following if following > now else after(every, now, calendar)
