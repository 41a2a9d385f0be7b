"""Working time: when it is open, and how far a number of working hours or days leads.

Instants go in with any time zone and come out in UTC. A shift is open from its opening up to, not including, its closing;
hours are elapsed ones, also where the clock is put forward or back in the middle of a shift. A shift over midnight belongs to
the day on which it opens. A sum never lands in closed time: at the closing at the latest, and what begins in closed time
begins at the next opening.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from .errors import CalendarEnds, NotFound
from .workdays import STANDARD, Day, Workdays

#: the calendar that is always there
OFFICE = "office"
#: calendar days after which a search or a sum gives up
FARTHEST = 3660
#: days kept ready
_KEPT = 8000
_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class _Span:
    """A shift of one date as instants."""

    date: dt.date
    #: opening from the date's 00:00
    opens: dt.timedelta
    begin: dt.datetime
    end: dt.datetime

    @property
    def closes(self) -> dt.timedelta:
        return self.opens + (self.end - self.begin)


class Calendar:
    """One calendar's working time. Safe to share between threads."""

    def __init__(self, days: Workdays) -> None:
        self.name = days.name
        self.days = days
        self._spans_of: dict[dt.date, list[_Span]] = {}

    def is_open(self, at: dt.datetime) -> bool:
        """Whether work goes on at this instant."""
        return self.next_opening(at) == at

    def next_opening(self, at: dt.datetime) -> dt.datetime:
        """The instant itself if it is open, else the next opening. Raises CalendarEnds."""
        at = _utc(at)
        return max(at, self._span(at).begin)

    def previous_closing(self, at: dt.datetime) -> dt.datetime:
        """The last closing that is not after this instant. Raises CalendarEnds."""
        at, date = _utc(at), self._date(at)
        for back in range(-1, FARTHEST):
            ended = [span.end for span in self._spans(date - back * _ONE_DAY) if span.end <= at]
            if ended:
                return ended[-1]
        raise CalendarEnds(calendar=self.name, date=date)

    def add(self, start: dt.datetime, *, days: int = 0, hours: dt.timedelta = dt.timedelta()) -> dt.datetime:
        """First working days, then working hours after `start`.

        A working day later is the same time on the next day that is worked; where that day is closed at that time, its next
        opening, after its last shift its closing. Raises CalendarEnds, ValueError for negative amounts.
        """
        if days < 0 or hours < dt.timedelta():
            raise ValueError("working time is added, not taken away")
        at = self.next_opening(start)
        if days:
            landings = self._landings(at)
            for _ in range(days):
                at = next(landings)
        return self._after(at, hours) if hours or not days else at

    def worked(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """Working hours between two instants; negative where the end is the earlier."""
        start, end = _utc(start), _utc(end)
        if end < start:
            return -self.worked(end, start)
        total, date, last = dt.timedelta(), self._date(start) - _ONE_DAY, self._date(end)
        while date <= last:
            for span in self._spans(date):
                total += max(min(span.end, end) - max(span.begin, start), dt.timedelta())
            date += _ONE_DAY
        return total

    def days_between(self, start: dt.datetime, end: dt.datetime) -> int:
        """Whole working days between two instants: the largest number that, added to the earlier, does not pass the later."""
        start, end = _utc(start), _utc(end)
        if end < start:
            return -self.days_between(end, start)
        count = 0
        for landing in self._landings(self.next_opening(start)):
            if landing > end:
                break
            count += 1
        return count

    def day(self, date: dt.date) -> Day:
        """What holds on a date, and why."""
        return self.days.day(date)

    def assumed(self, at: dt.datetime) -> bool:
        """Whether the year's moved days are not announced yet, so that a reckoning up to here may still change."""
        return self.days.day(self._date(at)).assumed

    # --- spans

    def _date(self, at: dt.datetime) -> dt.date:
        return _utc(at).astimezone(self.days.zone).date()

    def _span(self, at: dt.datetime) -> _Span:
        """The span that is open at an instant, else the next one."""
        return next(span for span in self._from(self._date(at) - _ONE_DAY) if span.end > at)

    def _from(self, date: dt.date) -> Iterator[_Span]:
        for ahead in range(FARTHEST):
            yield from self._spans(date + ahead * _ONE_DAY)
        raise CalendarEnds(calendar=self.name, date=date)

    def _spans(self, date: dt.date) -> list[_Span]:
        """The spans of a date, none reaching back into the day before: an exception or a changed clock may make shifts meet."""
        found = self._spans_of.get(date)
        if found is None:
            found, free = [], self._instant(date - _ONE_DAY, self._closing(date - _ONE_DAY))
            for opens, closes in self.days.day(date).shifts:
                nominal, end = self._instant(date, opens), self._instant(date, closes)
                begin = max(nominal, free)
                if end > begin:
                    found.append(_Span(date, dt.timedelta(minutes=opens) + (begin - nominal), begin, end))
                    free = end
            if len(self._spans_of) >= _KEPT:
                self._spans_of.clear()
            self._spans_of[date] = found
        return found

    def _closing(self, date: dt.date) -> int:
        shifts = self.days.day(date).shifts
        return shifts[-1][1] if shifts else 0

    def _instant(self, date: dt.date, minutes: int) -> dt.datetime:
        """A time of the wall clock; one that comes twice is its first, one that is left out the same span later."""
        wall = dt.datetime.combine(date, dt.time(), self.days.zone) + dt.timedelta(minutes=minutes)
        return wall.astimezone(dt.UTC)

    # --- sums

    def _after(self, start: dt.datetime, hours: dt.timedelta) -> dt.datetime:
        """`hours` after `start`, which is open or a closing."""
        for span in self._from(self._date(start) - _ONE_DAY):
            if span.end <= start:
                continue
            begin = max(span.begin, start)
            if begin + hours <= span.end:
                return begin + hours
            hours -= span.end - begin
        raise AssertionError  # `_from` does not end quietly

    def _landings(self, start: dt.datetime) -> Iterator[dt.datetime]:
        """One, two, three … working days after an instant that is open."""
        here = self._span(start)
        position = here.opens + (start - here.begin)
        for _, spans in groupby(self._from(here.date + _ONE_DAY), key=lambda span: span.date):
            for span in spans:
                at = span.begin + min(max(position - span.opens, dt.timedelta()), span.end - span.begin)
                if position <= span.closes:
                    break
            yield at


def _utc(at: dt.datetime) -> dt.datetime:
    """Python reckons by the wall clock between two instants of one zone; elapsed time is what counts here."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(dt.UTC)


class Calendars:
    """The calendars of an installation by name; `office` is always there."""

    def __init__(self, tables: Mapping[str, Mapping[str, Any]], *, zone: str) -> None:
        """`tables` as in `workdays`. Raises SettingWrong naming calendar and key."""
        self._calendars = {name: Calendar(Workdays.read(name, table, zone=zone)) for name, table in {OFFICE: STANDARD, **tables}.items()}

    def __iter__(self) -> Iterator[Calendar]:
        return iter(self._calendars.values())

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._calendars)

    def get(self, name: str) -> Calendar:
        """Raises NotFound."""
        found = self._calendars.get(name)
        if found is None:
            raise NotFound(what="calendar", name=name)
        return found

    def of_place(self, region: str | None, entity: str | None) -> str:
        """Name of the calendar of who works there: that which bears the key of their region, else of their legal entity, else `office`."""
        return next((key for key in (region, entity) if key in self._calendars), None) or OFFICE
