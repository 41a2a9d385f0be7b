"""The figures of the finished cases of a procedure, kept day by day.

Each look compares what was kept of a day with how many cases closed on it, when the last one did, and how many are void, which an
index tells. A day that differs is counted anew from its rows: the present one, and those of which a case was reopened, declared
void, or finished on another version. So nothing has to be told when something closes, and nothing that was counted can go stale.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..calendar import OFFICE
from ..errors import Conflict, PartwellError
from ..models import Case, ProcedureVersion, Tally
from ..people import directory
from . import counting
from .counting import Figures

if TYPE_CHECKING:
    from ..services import Services

log = logging.getLogger(__name__)

#: raised when what is counted, or how, changes: all days are then counted anew
MANNER = 1
#: seconds that somebody who looks waits for days that were not counted yet
PATIENCE = 0.5
#: seconds between two looks of the sweep for days that were not counted yet
PAUSE = 300.0

#: version and day
Key = tuple[str, dt.date]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is known of the days that were asked for."""

    #: of each month, such as `2026-11`, and version
    months: Mapping[tuple[str, str], Figures]
    #: finished cases on days that are still to be counted
    missing: int

    def together(self) -> Figures:
        """All of it added up."""
        found = Figures()
        for figures in self.months.values():
            found.add(figures)
        return found


def read(services: Services, versions: Sequence[str], first: dt.date, last: dt.date, *, patience: float = PATIENCE) -> Kept:
    """The figures of the cases of these versions that closed from one day to another, both included.

    Days that changed are counted anew, the latest first, for as long as `patience` (seconds) lasts. Raises CalendarEnds,
    CalendarUnknown.
    """
    with services.database.reading() as connection:
        marks = _marks(connection, versions, first, last)
        rows = connection.execute(sa.select(Tally.__table__).where(_within(versions, first, last))).all()
    kept = {(row.version_id, row.day): row for row in rows}
    months: dict[tuple[str, str], Figures] = {}
    missing, until = 0, time.monotonic() + patience
    for key in sorted(marks, key=lambda key: key[1], reverse=True):
        mark, closed = marks[key]
        row = kept.get(key)
        if row is not None and row.mark == mark:
            figures = counting.unpacked(row.content)
        elif time.monotonic() < until:
            figures = _count(services, key, mark)
        else:
            missing += closed
            continue
        months.setdefault((f"{key[1]:%Y-%m}", key[0]), Figures()).add(figures)
    return Kept(months=months, missing=missing)


def refresh(services: Services, versions: Sequence[str], first: dt.date, last: dt.date, *, patience: float) -> bool:
    """Count the days that changed, for as long as `patience` lasts; whether all are counted now. Raises as `read`."""
    with services.database.reading() as connection:
        marks = _marks(connection, versions, first, last)
        rows = connection.execute(sa.select(Tally.version_id, Tally.day, Tally.mark).where(_within(versions, first, last)))
        kept = {(row.version_id, row.day): row.mark for row in rows}
    until = time.monotonic() + patience
    for key in sorted(marks, key=lambda key: key[1], reverse=True):
        if kept.get(key) != marks[key][0]:
            if time.monotonic() >= until:
                return False
            _count(services, key, marks[key][0])
    return True


def _within(versions: Sequence[str], first: dt.date, last: dt.date) -> sa.ColumnElement[bool]:
    return sa.and_(Tally.version_id.in_(versions), Tally.day >= first, Tally.day <= last)


def _marks(connection: sa.Connection, versions: Sequence[str], first: dt.date, last: dt.date) -> dict[Key, tuple[str, int]]:
    """Of each day on which cases closed: by which rows it is known again, and how many there are."""
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    moment = Case.__table__.c.closed_at.type
    named = (sa.column("number", sa.Integer), sa.column("begins", moment), sa.column("ends", moment))
    bounds = sa.values(*named).data(
        [(n, directory.midnight(day), directory.midnight(day + dt.timedelta(days=1))) for n, day in enumerate(days)]
    )
    spans = sa.select(bounds.cte("days")).cte("spans")
    found: dict[Key, tuple[str, int]] = {}
    for version in versions:
        of_day = sa.and_(Case.version_id == version, Case.closed_at >= spans.c.begins, Case.closed_at < spans.c.ends)
        grouped = (
            sa.select(spans.c.number, sa.func.count(), sa.func.max(Case.closed_at), sa.func.count(Case.voided_at))
            .join_from(spans, Case, of_day)
            .group_by(spans.c.number)
        )
        for number, closed, latest, void in connection.execute(grouped):
            found[version, days[number]] = (f"{MANNER} {closed} {latest.isoformat()} {void}", closed)
    return found


def _count(services: Services, key: Key, mark: str) -> Figures:
    """Count one day and keep it. If somebody else keeps it at the same moment, theirs stays: it is the same."""
    version, day = key
    begins, ends = directory.midnight(day), directory.midnight(day + dt.timedelta(days=1))
    which = sa.and_(Case.version_id == version, Case.closed_at >= begins, Case.closed_at < ends)
    with services.database.reading() as connection:
        figures = counting.count(connection, which, services.calendars.get(OFFICE))
    try:
        with services.database.unit() as unit:
            unit.connection.execute(sa.delete(Tally).where(Tally.version_id == version, Tally.day == day))
            unit.add(Tally, version_id=version, day=day, mark=mark, content=counting.packed(figures))
            unit.commit()
    except Conflict:
        pass
    return figures


def span_of(connection: sa.Connection, versions: Sequence[str]) -> tuple[dt.date, dt.date] | None:
    """The first and the last day on which cases of these versions closed; None where none did."""
    found = []
    for version in versions:
        closed = sa.select(sa.func.min(Case.closed_at), sa.func.max(Case.closed_at))
        first, last = connection.execute(closed.where(Case.version_id == version, Case.closed_at.is_not(None))).one()
        found += [directory.day(at) for at in (first, last) if at is not None]
    return (min(found), max(found)) if found else None


def keeping_up(services: Services) -> Callable[[dt.datetime], None]:
    """A duty of the sweep: days that nobody has looked at yet are counted, a little each time."""
    rests = [0.0]

    def duty(_now: dt.datetime) -> None:
        if time.monotonic() < rests[0]:
            return
        with services.database.reading() as connection:
            versions = list(connection.execute(sa.select(ProcedureVersion.id)).scalars())
            span = span_of(connection, versions)
        try:
            done = span is None or refresh(services, versions, *span, patience=1.0)
        except PartwellError:
            log.warning("the figures of a day could not be counted", exc_info=True)
            done = True
        rests[0] = time.monotonic() + (PAUSE if done else 0.0)

    return duty
