"""Comparing what outside centres show with what is open here. What is here counts, so what differs is shown there anew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import observe
from ..errors import NotAllowed, NotFound
from ..models import Job, Projection, ProjectionCentre, WorkItem
from ..people import directory
from ..ports import Projector, Shown
from . import enqueuing
from .planning import plan
from .showing import asked, place_of

if TYPE_CHECKING:
    from ..services import Services

#: cases that are compared at once
_AT_ONCE = 50
#: for how long what ended is still compared
_LOOKED_AFTER = dt.timedelta(days=1)
_ADMIN = "admin"


def reconcile(services: Services, projector: Projector, now: dt.datetime) -> int:
    """Make a centre ready and compare it with all that is open; how many items it showed otherwise.

    What it does not show as it should is told by a job for each case. Raises as `Projector.prepare`.
    """
    centre = projector.centre
    with services.database.reading() as connection:
        before = place_of(connection, centre)
    place = asked(projector, projector.prepare, before, now)
    if place != before:
        _keep(services, centre, place=place, now=now)
    corrected = 0
    for cases in _cases(services, centre, now):
        corrected += _compare(services, projector, cases, place, now)
    observe.CORRECTED.labels(centre).inc(corrected)
    _keep(services, centre, place=place, now=now, corrected=corrected)
    return corrected


def due(services: Services, now: dt.datetime) -> None:
    """Duty of the sweep: a job compares each centre when its time has come."""
    if not services.projectors:
        return
    compared_before = now - dt.timedelta(minutes=services.settings.reconcile_minutes)
    with services.database.reading() as connection:
        rows = connection.execute(sa.select(ProjectionCentre.centre, ProjectionCentre.compared_at))
        compared = {row.centre: row.compared_at for row in rows}
        late = [name for name in services.projectors if name not in compared or compared[name] <= compared_before]
        late = [name for name in late if not _under_way(connection, name)]
    for centre in late:
        with services.database.unit() as unit:
            enqueuing.compare(services, unit, centre, at=now)
            unit.commit()


def compared(services: Services, connection: sa.Connection) -> dict[str, Any]:
    """Each centre that is set up, with its row of `projection_centres`, or None before it is ready."""
    rows = {row.centre: row for row in connection.execute(sa.select(ProjectionCentre.__table__))}
    return {name: rows.get(name) for name in services.projectors}


def ask(services: Services, centre: str, *, by: str) -> None:
    """Compare a centre now, by a job; one that waits is enough. Raises NotFound, NotAllowed."""
    now = services.clock.now()
    with services.database.unit() as unit:
        if _ADMIN not in directory.roles_of(unit.connection, by):
            raise NotAllowed(reason="only administrators compare what outside centres show")
        if centre not in services.projectors:
            raise NotFound(what="centre", name=centre)
        if not _under_way(unit.connection, centre):
            enqueuing.compare(services, unit, centre, at=now)
            unit.commit()


def _under_way(connection: sa.Connection, centre: str) -> bool:
    waits = sa.select(Job.id).where(Job.kind == "project", Job.operation == centre, Job.case_id.is_(None))
    return connection.execute(waits.where(Job.state.in_(("waiting", "leased"))).limit(1)).first() is not None


def _cases(services: Services, centre: str, now: dt.datetime) -> Iterator[Sequence[str]]:
    """Ids of the cases in which something is open, or was shown of late or not as it should, some at once."""
    shown = sa.or_(Projection.sent == "open", Projection.state != Projection.sent, Projection.sent_at >= now - _LOOKED_AFTER)
    last = ""
    while True:
        of_items = sa.select(WorkItem.case_id.label("id")).where(WorkItem.status == "open", *([WorkItem.case_id > last] if last else []))
        of_rows = sa.select(Projection.case_id).where(Projection.centre == centre, shown, *([Projection.case_id > last] if last else []))
        found = sa.union(of_items, of_rows).subquery()
        with services.database.reading() as connection:
            cases = list(connection.execute(sa.select(found.c.id).order_by(found.c.id).limit(_AT_ONCE)).scalars())
        if not cases:
            return
        yield cases
        last = cases[-1]


def _compare(services: Services, projector: Projector, cases: Sequence[str], place: str, now: dt.datetime) -> int:
    centre = projector.centre
    again: set[str] = set()
    settled: dict[str, tuple[str, Shown]] = {}
    with services.database.reading() as connection:
        for case in cases:
            made = plan(services, connection, projector, case, place=place, now=now, settled=True)
            if made.added or made.changed or made.dropped or any(not part.confirmed for shown in made.shown for part in shown.parts):
                again.add(case)
            else:
                settled |= {shown.key: (case, shown) for shown in made.shown if _looked_after(shown, now)}
    deviating = asked(projector, projector.deviating, [shown for _, shown in settled.values()]) if settled else ()
    with services.database.unit() as unit:
        for key in deviating:
            case, shown = settled[key]
            again.add(case)
            parts = sa.update(Projection).where(Projection.id.in_([part.key for part in shown.parts if part.state != "gone"]))
            unit.connection.execute(parts.values(sent="", changed=Projection.changed + 1))
        for case in sorted(again):
            enqueuing.show_again(services, unit, case, at=now, centre=centre)
        unit.commit()
    return len(deviating)


def _looked_after(shown: Shown, now: dt.datetime) -> bool:
    return any(part.state == "open" or (part.ended_at and part.ended_at >= now - _LOOKED_AFTER) for part in shown.parts)


def _keep(services: Services, centre: str, *, place: str, now: dt.datetime, corrected: int = 0) -> None:
    with services.database.unit() as unit:
        values = {"place": place, "compared_at": now, "corrected": corrected}
        known = unit.connection.execute(sa.update(ProjectionCentre).where(ProjectionCentre.centre == centre).values(values))
        if not known.rowcount:
            unit.connection.execute(sa.insert(ProjectionCentre).values(centre=centre, **values))
        unit.commit()
