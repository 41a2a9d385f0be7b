"""The figures of some finished cases, made from their rows: what a `Tally` keeps of a day, and what is added up over many."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa

from ..calendar import Calendar
from ..models import Case, Placement
from ..people import directory
from .spans import Span, visits
from .spread import Spread, one

#: spans of time that are counted, each elapsed and in working time
TIMES = ("duration", "waiting", "handling")
MEASURES = tuple(f"{name}_{way}" for name in TIMES for way in ("wall", "work"))


@dataclass(kw_only=True)
class AtElement:
    """What happened at one element."""

    done: int = 0
    left: int = 0
    #: of those done, how many had a time limit, and how many kept it
    limited: int = 0
    kept: int = 0
    spreads: dict[str, Spread] = field(default_factory=dict)


@dataclass(kw_only=True)
class OfCases:
    """What became of the cases about one department's people."""

    closed: int = 0
    void: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    #: from start to end; handling: of all its steps together
    spreads: dict[str, Spread] = field(default_factory=dict)


@dataclass(kw_only=True)
class Figures:
    """What is known of some finished cases."""

    elements: dict[str, AtElement] = field(default_factory=dict)
    #: by department of the subject on the day of the start; "" where they had none
    departments: dict[str, OfCases] = field(default_factory=dict)
    #: how many of them started in which month, such as `2026-11`
    started: dict[str, int] = field(default_factory=dict)

    @property
    def cases(self) -> OfCases:
        """Those of all departments together."""
        found = OfCases()
        for each in self.departments.values():
            found.closed += each.closed
            found.void += each.void
            _count(found.outcomes, each.outcomes)
            _spread(found.spreads, each.spreads)
        return found

    def add(self, other: Figures) -> None:
        """Those of other cases are added."""
        for key, theirs in other.elements.items():
            mine = self.elements.setdefault(key, AtElement())
            mine.done, mine.left = mine.done + theirs.done, mine.left + theirs.left
            mine.limited, mine.kept = mine.limited + theirs.limited, mine.kept + theirs.kept
            _spread(mine.spreads, theirs.spreads)
        for key, others in other.departments.items():
            own = self.departments.setdefault(key, OfCases())
            own.closed, own.void = own.closed + others.closed, own.void + others.void
            _count(own.outcomes, others.outcomes)
            _spread(own.spreads, others.spreads)
        _count(self.started, other.started)


def _count(into: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        into[name] = into.get(name, 0) + count


def _spread(into: dict[str, Spread], more: Mapping[str, Spread]) -> None:
    for name, spread in more.items():
        into[name] = into.get(name, 0) + spread


# --- from rows


def count(connection: sa.Connection, which: sa.ColumnElement[bool], calendar: Calendar) -> Figures:
    """The figures of these cases, which must be closed. `which`: a condition on `Case`. Raises CalendarEnds, CalendarUnknown."""
    found = Figures()
    handled: dict[str, list[Span]] = {}
    for visit in visits(connection, which):
        here = found.elements.setdefault(visit.element, AtElement())
        if visit.left:
            here.left += 1
            continue
        here.done += 1
        if visit.due is not None:
            here.limited += 1
            here.kept += visit.end <= visit.due
        handled.setdefault(visit.case_id, []).extend(visit.handled)
        _measure(here.spreads, visit.begin, visit.end, visit.handled, calendar)
    columns = (Case.id, Case.subject_id, Case.started_at, Case.closed_at, Case.voided_at, Case.outcome)
    rows = connection.execute(sa.select(*columns).where(which)).all()
    departments = departments_of(connection, rows)
    for row in rows:
        day = directory.day(row.started_at)
        of = found.departments.setdefault(departments[row.id], OfCases())
        of.closed += 1
        of.void += row.voided_at is not None
        _count(of.outcomes, {row.outcome or "completed": 1})
        _count(found.started, {f"{day:%Y-%m}": 1})
        _measure(of.spreads, row.started_at, row.closed_at, handled.get(row.id, ()), calendar)
    return found


def _measure(spreads: dict[str, Spread], begin: dt.datetime, end: dt.datetime, handled: Iterable[Span], calendar: Calendar) -> None:
    """Count one span; what people or calls did at the same time counts for each of them."""
    hands = list(handled)
    seconds = {
        "duration_wall": (end - begin).total_seconds(),
        "duration_work": calendar.worked(begin, end).total_seconds(),
        "handling_wall": sum((stop - start).total_seconds() for start, stop in hands),
        "handling_work": sum(calendar.worked(start, stop).total_seconds() for start, stop in hands),
    }
    for way in ("wall", "work"):
        seconds[f"waiting_{way}"] = max(seconds[f"duration_{way}"] - seconds[f"handling_{way}"], 0.0)
    for name, span in seconds.items():
        spreads[name] = spreads.get(name, 0) + one(span)


def departments_of(connection: sa.Connection, cases: Iterable[Any]) -> dict[str, str]:
    """Id of the department of whom each case is about, on the day it started; "" for none. Rows with id, subject_id, started_at."""
    rows = list(cases)
    known = sorted({row.subject_id for row in rows})
    places: dict[str, list[Any]] = {}
    for start in range(0, len(known), 500):
        columns = (Placement.person_id, Placement.department_id, Placement.from_day, Placement.to_day)
        for place in connection.execute(sa.select(*columns).where(Placement.person_id.in_(known[start : start + 500]))):
            places.setdefault(place.person_id, []).append(place)

    def department(row: Any) -> str:
        day = directory.day(row.started_at)
        for place in places.get(row.subject_id, ()):
            if (place.from_day is None or place.from_day <= day) and (place.to_day is None or place.to_day >= day):
                return place.department_id or ""
        return ""

    return {row.id: department(row) for row in rows}


# --- kept


def packed(figures: Figures) -> bytes:
    """Deflated JSON: {e: {element: [done, left, limited, kept, spreads]}, d: {department: [closed, void, outcomes, spreads]}, s: started},
    spreads as a list of hexadecimal numbers in the order of MEASURES.
    """
    told = {
        "e": {key: [e.done, e.left, e.limited, e.kept, _flat(e.spreads)] for key, e in figures.elements.items()},
        "d": {key: [d.closed, d.void, d.outcomes, _flat(d.spreads)] for key, d in figures.departments.items()},
        "s": figures.started,
    }
    return zlib.compress(orjson.dumps(told), 3)


def unpacked(content: bytes) -> Figures:
    """What was packed."""
    told = orjson.loads(zlib.decompress(content))
    return Figures(
        elements={
            key: AtElement(done=done, left=left, limited=limited, kept=kept, spreads=dict(_spreads(flat)))
            for key, (done, left, limited, kept, flat) in told["e"].items()
        },
        departments={
            key: OfCases(closed=closed, void=void, outcomes=outcomes, spreads=dict(_spreads(flat)))
            for key, (closed, void, outcomes, flat) in told["d"].items()
        },
        started=told["s"],
    )


def _flat(spreads: Mapping[str, Spread]) -> list[str]:
    return [f"{spreads.get(name, 0):x}" for name in MEASURES]


def _spreads(flat: list[str]) -> Iterator[tuple[str, Spread]]:
    return ((name, int(number, 16)) for name, number in zip(MEASURES, flat, strict=True))
