"""Which days are worked, and between which hours: the week, statutory holidays and make-up days, the company's own exceptions.

The definition is a table of plain values, as in `partwell.toml`:

    [calendars.office]
    zone = "Asia/Shanghai"
    holidays = "CN"
    hours.mon-fri = ["09:00-12:00", "13:00-18:00"]
    [calendars.office.exceptions]
    2026-12-31 = { off = "year-end closing" }
    2027-01-09 = { work = "stocktaking", hours = ["09:00-12:00"] }
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from .errors import CalendarUnknown, SettingWrong

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: what a calendar is without further words
STANDARD: Mapping[str, Any] = {"holidays": "CN", "hours": {"mon-fri": ["09:00-12:00", "13:00-18:00"]}}
#: countries whose government moves working days anew every year, in a notice late in the year before
_MOVING = frozenset(("CN",))
_MINUTES = 24 * 60
_HOURS = re.compile(r"(\d\d):(\d\d)\s*-\s*(\d\d):(\d\d)")

#: opening and closing in minutes from the day's 00:00; a shift over midnight closes after 1440
Shift = tuple[int, int]


@dataclass(frozen=True)
class Day:
    """One date of a calendar."""

    date: dt.date
    #: in order, without overlap; empty: closed
    shifts: Sequence[Shift]
    #: why it is not like others of its weekday: holiday, make-up day or the company's own reason; empty: it is
    reason: str = ""
    #: the year's make-up days are not announced yet, so the day follows week and statute and may still be moved
    assumed: bool = False


@dataclass(frozen=True)
class Exceptional:
    """What the company decided about one date."""

    reason: str
    #: None: hours of an ordinary working day; empty: closed
    shifts: Sequence[Shift] | None


@dataclass(frozen=True, kw_only=True)
class Workdays:
    """The days of one calendar."""

    name: str
    zone: ZoneInfo
    #: by weekday, Monday first
    week: Sequence[Sequence[Shift]]
    #: ISO 3166 code of the country whose statutory holidays are kept, with a part of it as in `DE-BY`; empty: none
    holidays: str = ""
    exceptions: Mapping[dt.date, Exceptional] = field(default_factory=dict)
    #: last year whose moved days are known because the exceptions hold them
    announced: int = 0
    #: raise for a year whose moved days are not known, instead of assuming
    strict: bool = False

    @classmethod
    def read(cls, name: str, table: Mapping[str, Any], *, zone: str) -> Workdays:
        """A calendar from its definition; `zone` is used where it names none. Raises SettingWrong naming calendar and key."""
        return _Reader(f"calendars.{name}").calendar(name, table, zone)

    def knows(self, year: int) -> bool:
        """Whether the year's moved days are announced, or entered as exceptions."""
        return year <= self.announced or _statute(self.holidays, year).announced

    def day(self, date: dt.date) -> Day:
        """One date. Raises CalendarUnknown for a year that is not announced, where the calendar is strict about it."""
        statute, assumed = _statute(self.holidays, date.year), not self.knows(date.year)
        if assumed and self.strict:
            raise CalendarUnknown(calendar=self.name, year=date.year)
        if own := self.exceptions.get(date):
            return Day(date, self._ordinary(date) if own.shifts is None else own.shifts, own.reason, assumed)
        if date in statute.worked:
            return Day(date, self._ordinary(date), statute.worked[date], assumed)
        if date in statute.off:
            return Day(date, (), statute.off[date], assumed)
        return Day(date, self.week[date.weekday()], "", assumed)

    def _ordinary(self, date: dt.date) -> Sequence[Shift]:
        """Hours of a day off that is worked: its weekday's, or else those of the first weekday that has any."""
        return self.week[date.weekday()] or next(shifts for shifts in self.week if shifts)


@dataclass(frozen=True)
class _Statute:
    """What a country's law says about one year."""

    off: Mapping[dt.date, str]
    #: weekend days that are worked
    worked: Mapping[dt.date, str]
    announced: bool


@functools.lru_cache(256)
def _statute(country: str, year: int) -> _Statute:
    if not country:
        return _Statute({}, {}, True)
    code, _, part = country.partition("-")
    # a neighbouring year's holiday may move a day into this one
    found: Any = holidays.country_holidays(
        code, subdiv=part or None, years=(year - 1, year, year + 1), language="zh_CN" if code == "CN" else None
    )
    off = {date: str(name) for date, name in found.items() if date.year == year}
    worked = {date: "调休上班" for date in getattr(found, "weekend_workdays", ()) if date.year == year}
    known = bool(worked) if code in _MOVING else found.start_year <= year <= found.end_year
    return _Statute(off, worked, known)


class _Reader:
    """Reads a definition and says at which key it is wrong."""

    def __init__(self, place: str) -> None:
        self._place = place

    def calendar(self, name: str, table: Mapping[str, Any], zone: str) -> Workdays:
        known = {"zone", "holidays", "hours", "exceptions", "announced", "strict"}
        for key in table:
            if key not in known:
                raise self._wrong(key, f"there is no such key; known are {', '.join(sorted(known))}")
        return Workdays(
            name=name,
            zone=self._zone(table.get("zone", zone)),
            week=self._week(table.get("hours", STANDARD["hours"])),
            holidays=self._holidays(table.get("holidays", STANDARD["holidays"])),
            exceptions=self._exceptions(table.get("exceptions", {})),
            announced=self._of_type("announced", table.get("announced", 0), int),
            strict=self._of_type("strict", table.get("strict", False), bool),
        )

    def _zone(self, given: Any) -> ZoneInfo:
        try:
            return ZoneInfo(self._of_type("zone", given, str))
        except (ValueError, KeyError, OSError):
            raise self._wrong("zone", f"there is no time zone {given!r}") from None

    def _holidays(self, given: Any) -> str:
        country: str = self._of_type("holidays", given, str)
        try:
            _statute(country, 2026)
        except NotImplementedError:
            raise self._wrong("holidays", f"nothing is known about {country!r}; write a country such as CN, or nothing") from None
        return country

    def _week(self, given: Any) -> Sequence[Sequence[Shift]]:
        days: dict[str, Sequence[Shift]] = {}
        for key, texts in self._of_type("hours", given, dict).items():
            first, _, last = key.partition("-")
            if first not in WEEKDAYS or (last or first) not in WEEKDAYS or WEEKDAYS.index(first) > WEEKDAYS.index(last or first):
                raise self._wrong(f"hours.{key}", "it is no weekday and no range such as mon-fri")
            for day in WEEKDAYS[WEEKDAYS.index(first) : WEEKDAYS.index(last or first) + 1]:
                if day in days:
                    raise self._wrong(f"hours.{key}", f"{day} is said twice")
                days[day] = self._shifts(f"hours.{key}", texts)
        week = [days.get(day, ()) for day in WEEKDAYS]
        if not any(week):
            raise self._wrong("hours", "no weekday is worked")
        for number, (today, tomorrow) in enumerate(pairwise([*week, week[0]])):
            if today and tomorrow and today[-1][1] - _MINUTES > tomorrow[0][0]:
                raise self._wrong("hours", f"the last shift of {WEEKDAYS[number]} runs into the next day's first")
        return week

    def _shifts(self, key: str, given: Any) -> Sequence[Shift]:
        found = []
        for text in self._of_type(key, given, list):
            match = _HOURS.fullmatch(text) if isinstance(text, str) else None
            if match is None:
                raise self._wrong(key, f"{text!r} is no shift such as 09:00-18:00")
            hour, minute, to_hour, to_minute = map(int, match.groups())
            opens, closes = hour * 60 + minute, to_hour * 60 + to_minute
            if max(minute, to_minute) > 59 or opens >= _MINUTES or closes > _MINUTES:
                raise self._wrong(key, f"{text!r} is no shift such as 09:00-18:00")
            found.append((opens, closes if closes > opens else closes + _MINUTES))
        found.sort()
        for (_, closes), (opens, _) in pairwise(found):
            if closes > opens:
                raise self._wrong(key, "two shifts overlap")
        return tuple(found)

    def _exceptions(self, given: Any) -> Mapping[dt.date, Exceptional]:
        found: dict[dt.date, Exceptional] = {}
        for key, value in self._of_type("exceptions", given, dict).items():
            place = f"exceptions.{key}"
            table = self._of_type(place, value, dict)
            if len({"off", "work"} & table.keys()) != 1 or table.keys() - {"off", "work", "hours"} or {"off", "hours"} <= table.keys():
                raise self._wrong(place, 'write { off = "reason" } or { work = "reason", hours = […] }')
            reason = self._of_type(place, table.get("off", table.get("work")), str)
            if not reason.strip():
                raise self._wrong(place, "say the reason")
            shifts = () if "off" in table else self._shifts(place, table["hours"]) if "hours" in table else None
            if "hours" in table and not shifts:
                raise self._wrong(place, "a day that is worked needs hours")
            for date in self._dates(place, key):
                if date in found:
                    raise self._wrong(place, f"{date} is said twice")
                found[date] = Exceptional(reason.strip(), shifts)
        return found

    def _dates(self, place: str, text: str) -> Sequence[dt.date]:
        first, _, last = text.partition("/")
        try:
            begin, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last or first)
        except ValueError:
            raise self._wrong(place, "it is no date such as 2026-12-31 and no range such as 2027-02-04/2027-02-11") from None
        if not 0 <= (end - begin).days <= 366:
            raise self._wrong(place, "a range runs forward and covers at most a year")
        return [begin + dt.timedelta(days=n) for n in range((end - begin).days + 1)]

    def _of_type(self, key: str, value: Any, kind: type) -> Any:
        fits = isinstance(value, Mapping) if kind is dict else isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not fits:
            wanted = {str: "text", dict: "a table", list: "a list", int: "a whole number", bool: "true or false"}[kind]
            raise self._wrong(key, f"{value!r} is not {wanted}")
        return value

    def _wrong(self, key: str, reason: str) -> SettingWrong:
        return SettingWrong(setting=f"{self._place}.{key}", reason=reason)
