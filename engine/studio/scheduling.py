"""Versions that become active at a set time: kept with their number at once, activated by a job, told where that cannot be."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import checks, deploying, versions
from ..cases import must_say
from ..db import Unit
from ..deferral import FINISH, add_job
from ..errors import NotDeployable, NotFound, NotScheduled, PartwellError, ScenariosFailed, Sentence
from ..leases import holds
from ..models import Job, ProcedureVersion
from ..notices import telling
from . import events, gate, refusals, rows

if TYPE_CHECKING:
    from ..procedures import Deployed
    from ..services import Services

#: of the job
KIND = "activate"
_ATTEMPTS = 5


def waiting(connection: sa.Connection, procedure: str) -> sa.Row[Any] | None:
    """The version that waits to become active: a row of `procedure_versions`, or None."""
    which = (ProcedureVersion.procedure == procedure, ProcedureVersion.scheduled_at.is_not(None))
    return connection.execute(sa.select(ProcedureVersion.__table__).where(*which)).one_or_none()


def await_time(services: Services, unit: Unit, version_id: str, at: dt.datetime, now: dt.datetime) -> None:
    """A job that activates the version at its time, with the unit's commit."""
    add_job(services, unit, None, KIND, "", "", at=now, attempts=_ATTEMPTS, due=at, key=_key(version_id))


def _key(version_id: str) -> str:
    return f"{KIND}:{version_id}"


def cancel(services: Services, procedure: str, number: int, *, actor: str | None, note: str) -> None:
    """The version keeps its number and becomes active only if somebody activates it. Raises NotScheduled, NotFound, NotAllowed."""
    said = must_say(note)
    with services.database.unit() as unit:
        connection = unit.connection
        rows.must_edit(services, connection, procedure, actor)
        deploying.one_at_a_time(connection)
        version = waiting(connection, procedure)
        if version is None or version.number != number:
            raise NotScheduled(number=number)
        now = services.clock.now()
        connection.execute(sa.update(ProcedureVersion).where(ProcedureVersion.id == version.id).values(scheduled_at=None))
        versions.record(connection, version.id, "unscheduled", at=now, by=actor, note=said)
        dropped = sa.update(Job).where(Job.key == _key(version.id), Job.state == "waiting").values(state="dropped", finished_at=now)
        connection.execute(dropped)
        unit.commit()


def activate(services: Services, job: Any) -> None:
    """Carry a job of this kind out: the version is checked anew and becomes active. What keeps it from that is told, never passed over."""
    version_id = job.key.removeprefix(f"{KIND}:")
    try:
        deployed = services.programs.get(version_id)
    except NotFound:
        deployed = None
    refusal: PartwellError | None = None
    if deployed is not None:
        if found := checks.faults(services, deployed.files):
            refusal = NotDeployable(found, path=f"{deployed.procedure} {deployed.number}", count=len(found))
        else:
            refusal = _failing(services, deployed)
    with services.database.unit() as unit:
        if not holds(unit, job):
            return
        connection, now = unit.connection, services.clock.now()
        unit.write(FINISH, job_id=job.id, new_state="done", at=now)
        deploying.one_at_a_time(connection)
        version = _still(connection, version_id)
        if version is not None and deployed is not None:
            active = rows.active_version(connection, version.procedure)
            if refusal is None and (active.id if active is not None else None) != version.scheduled_over:
                said = Sentence("version {number} was activated meanwhile", {"number": active.number if active is not None else ""})
                _refused(services, unit, version, [said], now)
            elif refusal is not None:
                _refused(services, unit, version, refusals.reasons(refusal), now)
            else:
                deploying.make_active(connection, version.procedure, version.id, deployed.files, by=version.scheduled_by, now=now)
                versions.record(connection, version.id, "activated on time", at=now, by=version.scheduled_by, note="")
        unit.commit()


def _failing(services: Services, version: Deployed) -> PartwellError | None:
    try:
        gate.must_have_passed(services, version)
    except ScenariosFailed as error:
        return error
    return None


def failed(services: Services, job: Any, started: dt.datetime, error: PartwellError) -> None:
    """It could not even be tried, as often as it may be."""
    with services.database.unit() as unit:
        if not holds(unit, job):
            return
        now = services.clock.now()
        unit.write(FINISH, job_id=job.id, new_state="done", at=now)
        deploying.one_at_a_time(unit.connection)
        version = _still(unit.connection, job.key.removeprefix(f"{KIND}:"))
        if version is not None:
            _refused(services, unit, version, refusals.reasons(error), now)
        unit.commit()


def _still(connection: sa.Connection, version_id: str) -> sa.Row[Any] | None:
    """The version, if it still waits for its time."""
    which = (ProcedureVersion.id == version_id, ProcedureVersion.scheduled_at.is_not(None))
    return connection.execute(sa.select(ProcedureVersion.__table__).where(*which)).one_or_none()


def _refused(services: Services, unit: Unit, version: Any, reasons: list[Sentence], now: dt.datetime) -> None:
    """The former version stays active; it is kept why, and whoever scheduled it is told."""
    connection = unit.connection
    connection.execute(sa.update(ProcedureVersion).where(ProcedureVersion.id == version.id).values(scheduled_at=None))
    versions.record(connection, version.id, "not activated", at=now, by=version.scheduled_by, note="")
    facts = {"number": version.number, "reasons": refusals.kept(reasons)}
    events.record(connection, version.procedure, "not activated", at=now, by=version.scheduled_by, facts=facts)
    if version.scheduled_by is not None:
        told = telling.Told(kind="not_activated", persons=[version.scheduled_by])
        telling.tell(services, unit, [told], at=now, by=None)
