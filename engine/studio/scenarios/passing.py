"""How much time passes, as people write it."""

from __future__ import annotations

import datetime as dt
import re

from ...calendar import Calendar

_COUNT = re.compile(r"(\d{1,5})\s*(个)?\s*([^\W\d_].*)")
_UNITS = {
    **dict.fromkeys(("working day", "working days", "工作日"), "working"),
    **dict.fromkeys(("day", "days", "天", "日"), "days"),
    **dict.fromkeys(("week", "weeks", "周", "星期"), "weeks"),
    **dict.fromkeys(("hour", "hours", "小时"), "hours"),
    **dict.fromkeys(("minute", "minutes", "分钟"), "minutes"),
}
_ISO = re.compile(r"P(?=.)(?:(\d{1,5})D)?(?:T(?=.)(?:(\d{1,5})H)?(?:(\d{1,5})M)?)?")


def span(text: str) -> dt.timedelta | int | None:
    """A duration, a number of working days, or None for what is neither."""
    if found := _ISO.fullmatch(text):
        days, hours, minutes = (int(part or 0) for part in found.groups())
        return dt.timedelta(days=days, hours=hours, minutes=minutes)
    if (found := _COUNT.fullmatch(text)) and (unit := _UNITS.get(found[3].strip().lower())):
        number = int(found[1])
        return number if unit == "working" else dt.timedelta(**{unit: number})
    return None


def after(now: dt.datetime, passes: dt.timedelta | int, calendar: Calendar) -> dt.datetime:
    """The moment then. Working days end as the calendar counts them. Raises CalendarEnds."""
    return calendar.add(now, days=passes) if isinstance(passes, int) else now + passes
