"""Times of a diagram as people say them: `P3D` is 3 working days where a calendar counts them, else 3 days."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from engine.bpmn import timers

from ..i18n import gettext, ngettext

#: settings of an element that are a time
SETTINGS = frozenset(("timer.text", "taskSchedule.dueDate"))
#: FEEL that gives nothing but a time; what is added to now is an instant by the calendar on the wall, whatever is worked
_EXPRESSION = re.compile(r'=\s*(?:"(?P<text>[^"]+)"|(?P<now>now\(\)\s*\+\s*)?duration\(\s*"(?P<duration>[^"]+)"\s*\))\s*')
_UNITS: Mapping[str, Callable[[int], str]] = {
    "years": lambda number: ngettext("%(num)s year", "%(num)s years", number),
    "months": lambda number: ngettext("%(num)s month", "%(num)s months", number),
    "weeks": lambda number: ngettext("%(num)s week", "%(num)s weeks", number),
    "days": lambda number: ngettext("%(num)s day", "%(num)s days", number),
    "hours": lambda number: ngettext("%(num)s hour", "%(num)s hours", number),
    "minutes": lambda number: ngettext("%(num)s minute", "%(num)s minutes", number),
    "seconds": lambda number: ngettext("%(num)s second", "%(num)s seconds", number),
}
#: working time is counted in no others
_WORKED: Mapping[str, Callable[[int], str]] = {
    "days": lambda number: ngettext("%(num)s working day", "%(num)s working days", number),
    "hours": lambda number: ngettext("%(num)s working hour", "%(num)s working hours", number),
    "minutes": lambda number: ngettext("%(num)s working minute", "%(num)s working minutes", number),
    "seconds": lambda number: ngettext("%(num)s working second", "%(num)s working seconds", number),
}


def said(text: str, *, working: bool) -> str | None:
    """A duration or repetition in words, written as ISO 8601 or as FEEL that gives it; None: it says something else.

    `working`: durations count in working time.
    """
    if expressed := _EXPRESSION.fullmatch(text):
        text, working = expressed["text"] or expressed["duration"], working and not expressed["now"]
    found = timers.repetition(text)
    if found is None:
        return _duration(text, working)
    times, start, interval = found
    every = _duration(interval, working)
    if start or every is None:
        return None
    if times is None:
        return gettext("every %(interval)s, without end", interval=every)
    return ngettext("every %(interval)s, %(num)s time", "every %(interval)s, %(num)s times", max(times, 1), interval=every)


def _duration(text: str, working: bool) -> str | None:
    parts, units = timers.parts(text), _WORKED if working else _UNITS
    if parts is None or parts.keys() - units.keys() or not all(number.isdecimal() for number in parts.values()):
        return None
    return " ".join(units[unit](int(number)) for unit, number in parts.items())
