"""The job that tells an outside centre what is open in a case: outside any transaction, and what the centre took is kept."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..db import Unit
from ..deferral import FINISH, put_off
from ..errors import DatabaseAway, NeedsPerson, OperationFailed, PartwellError, TryAgain
from ..leases import holds
from ..models import Case, Person, Projection, ProjectionCentre, WorkItem
from ..ports import Projector, Shown
from .planning import Plan, plan

if TYPE_CHECKING:
    from ..services import Services

log = logging.getLogger(__name__)

NOT_READY = "it is not made ready yet"


def run(services: Services, job: Any, started: dt.datetime) -> None:
    """Carry a job of the kind `project` out. Raises TryAgain, NeedsPerson, Refused."""
    from . import reconciling

    projector = services.projectors.get(job.operation)
    if projector is None:
        raise NeedsPerson(system=job.operation, operation="project", reason="no connector offers it any more")
    if job.case_id is None:
        reconciling.reconcile(services, projector, started)
    else:
        _show(services, projector, job, started)
    with services.database.unit() as unit:
        if holds(unit, job):
            unit.write(FINISH, job_id=job.id, new_state="done", at=services.clock.now())
            unit.commit()


def failed(services: Services, job: Any, started: dt.datetime, error: PartwellError) -> None:
    """Another attempt, or none: then administrators see it, and the next comparison tries again. No case is touched."""
    with services.database.unit() as unit:
        if not holds(unit, job):
            return
        now = services.clock.now()
        if not put_off(services, unit, job, error, now):
            unit.write(FINISH, job_id=job.id, new_state="failed", at=now)
        if job.case_id is not None:
            open_ones = [Projection.case_id == job.case_id, Projection.centre == job.operation, Projection.state != Projection.sent]
            explained = sa.update(Projection).where(*open_ones, Projection.address != "").values(problem=_reason(error))
            unit.connection.execute(explained)
        unit.commit()


def place_of(connection: sa.Connection, centre: str) -> str:
    """What a centre calls the place where our work is shown; "" while it is not ready."""
    return connection.execute(sa.select(ProjectionCentre.place).where(ProjectionCentre.centre == centre)).scalar_one_or_none() or ""


def asked(projector: Projector, call: Any, *given: Any) -> Any:
    """What a centre answers. A fault of the connector's own is one for a person."""
    try:
        return call(*given)
    except (OperationFailed, DatabaseAway):
        raise
    except Exception as error:
        log.exception("centre %s", projector.centre)
        reason = f"the connector has a fault of its own: {type(error).__name__} {error}"
        raise NeedsPerson(system=projector.centre, operation="project", reason=reason) from error


def _show(services: Services, projector: Projector, job: Any, started: dt.datetime) -> None:
    """Each item by itself: one that the centre refuses keeps no other from being shown."""
    with services.database.unit() as unit:
        if not holds(unit, job):
            return
        place = place_of(unit.connection, projector.centre)
        made = plan(services, unit.connection, projector, job.case_id, place=place, now=started)
        _write(unit, made)
        unit.commit()
    if made.shown and not place:
        raise TryAgain(system=projector.centre, operation="project", reason=NOT_READY)
    for shown in made.shown:
        try:
            outside = asked(projector, projector.show, shown)
        except TryAgain:
            raise
        except OperationFailed as error:
            _explain(services, shown, _reason(error))
        else:
            _confirm(services, shown, outside)


def _write(unit: Unit, made: Plan) -> None:
    connection = unit.connection
    if made.dropped:
        connection.execute(sa.delete(Projection).where(Projection.id.in_(made.dropped)))
    for id, values in made.changed.items():
        connection.execute(sa.update(Projection).where(Projection.id == id).values(values))
    if made.added:
        connection.execute(sa.insert(Projection), made.added)


def _confirm(services: Services, shown: Shown, outside: Mapping[str, str | OperationFailed]) -> None:
    """The centre has taken it, but for parts that it refused; what changed again meanwhile is not confirmed."""
    with services.database.unit() as unit:
        for part in shown.parts:
            answer = outside.get(part.key, part.outside)
            if isinstance(answer, OperationFailed):
                taken: dict[str, Any] = {"problem": _reason(answer)}
            else:
                taken = {"sent": part.state, "sent_at": shown.now, "problem": "", "outside_id": answer}
            same = sa.update(Projection).where(Projection.id == part.key, Projection.changed == part.changed)
            unit.connection.execute(same.values(taken))
        unit.commit()


def _explain(services: Services, shown: Shown, reason: str) -> None:
    with services.database.unit() as unit:
        told = sa.update(Projection).where(Projection.id.in_([part.key for part in shown.parts]), Projection.state != Projection.sent)
        unit.connection.execute(told.values(problem=reason))
        unit.commit()


def _reason(error: PartwellError) -> str:
    return str(error.facts["reason"] if isinstance(error, OperationFailed) else error.message).replace("\0", "")[:2000]


def unconfirmed(connection: sa.Connection, limit: int = 100) -> Sequence[sa.Row[Any]]:
    """What centres do not show as it is here: rows of `projections` with `person` (name), `number` of the case and `name`, `name_en`."""
    select = (
        sa.select(Projection.__table__, Person.name.label("person"), Case.number, WorkItem.name, WorkItem.name_en)
        .join(Person, Person.id == Projection.person_id)
        .join(Case, Case.id == Projection.case_id)
        .join(WorkItem, WorkItem.id == Projection.item_id)
        .where(sa.literal_column("projections.state <> projections.sent"), Projection.problem != "")
        .order_by(Projection.changed.desc(), Projection.id)
        .limit(limit)
    )
    return connection.execute(select).all()
