"""Telling outside systems what happens in cases: one job for each commit and system, written with the commit.

What is told are names of events and ids. A system that is down stops no case; what it could not be told is shown to administrators,
who send it again under the same key.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import observe
from .db import Statement, Unit
from .deferral import FINISH, add_job, put_off, request_purpose
from .errors import DatabaseAway, NeedsPerson, NotAllowed, NotFound, OperationFailed, PartwellError, SettingWrong
from .ledger import Event
from .models import Case, Job, JobAttempt
from .notices.failures import ADMIN
from .notices.telling import ATTEMPTS, PRIORITY
from .people import directory
from .ports import Announcement, Happened, Json, Listener

if TYPE_CHECKING:
    from .services import Services
    from .turn import Turn

log = logging.getLogger(__name__)

#: of the jobs that tell outside systems
KIND = "event"
#: what may be told: what moves cases and work items. That somebody read something is evidence and nobody else's concern
OFFERED = tuple(event for event in Event if event.partition(":")[0] in ("case", "work", "incident") and event != Event.COPY_READ)
_LONGEST_NAME = 100

_JOB = Statement(
    sa.select(
        Job.state,
        Job.lease,
        sa.select(sa.func.coalesce(sa.func.max(JobAttempt.number), 0)).where(JobAttempt.job_id == Job.id).scalar_subquery().label("tried"),
    )
    .where(Job.id == sa.bindparam("job_id"))
    .with_for_update(of=Job)
)


def checked(listeners: Mapping[str, Listener]) -> Mapping[str, Listener]:
    """The same, once it is sure that each can be told something. Raises SettingWrong naming the setting."""
    for name, listener in listeners.items():
        if len(name) > _LONGEST_NAME:
            raise SettingWrong(setting=f"connectors.{name}", reason=f"a name has at most {_LONGEST_NAME} characters")
        for wanted in listener.events:
            if not any(fnmatchcase(event, wanted) for event in OFFERED):
                raise SettingWrong(
                    setting=f"connectors.{name}.events", reason=f"there is no such event: {wanted}; known are {', '.join(OFFERED)}"
                )
    return listeners


def announce(turn: Turn, happened: Iterable[Happened]) -> None:
    """Everybody who listens to it is told with the turn's commit."""
    case, offered = turn.case, [one for one in happened if one.event in OFFERED]
    for name, listener in turn.services.listeners.items():
        if listener.procedures and case.procedure not in listener.procedures:
            continue
        told = [one for one in offered if any(fnmatchcase(one.event, wanted) for wanted in listener.events)]
        if not told:
            continue
        payload: dict[str, Json] = {
            "at": turn.now.isoformat(),
            "number": case.number,
            "procedure": case.procedure,
            "version": turn.deployed.number,
            "status": turn.status,
            "outcome": turn.outcome,
            "actor": turn.actor,
            "events": [asdict(one) for one in told],
        }
        key = f"event:{name}:{case.id}:{told[0].number}"
        more: dict[str, Any] = {"attempts": ATTEMPTS, "priority": PRIORITY, "operation": name, "payload": payload, "key": key}
        add_job(turn.services, turn.unit, case.id, KIND, "", "", at=turn.now, **more)


def send(services: Services, job: Any, started: dt.datetime) -> None:
    """Carry a job out. Raises as `Listener.announce`."""
    listener = services.listeners.get(job.operation)
    if listener is None:
        raise NeedsPerson(system=job.operation, operation=KIND, reason="no connector offers it any more")
    told = services.keyring.unseal_json(job.request, request_purpose(job.id))
    title = ""
    if listener.titles:
        with services.database.reading() as connection:
            title = connection.execute(sa.select(Case.title).where(Case.id == job.case_id)).scalar_one()
    told |= {"at": dt.datetime.fromisoformat(told["at"]), "events": [Happened(**one) for one in told["events"]]}
    link = f"{services.settings.address}/cases/{job.case_id}"
    try:
        listener.announce(Announcement(key=job.key, case=job.case_id, title=title, link=link, **told), started)
    except (OperationFailed, DatabaseAway):
        raise
    except Exception as error:  # a fault in a connector
        log.exception("events for %s", job.operation)
        reason = f"the connector has a fault of its own: {type(error).__name__} {error}"
        raise NeedsPerson(system=job.operation, operation=KIND, reason=reason) from error
    with services.database.unit() as unit:
        if _attempted(services, unit, job, started, "done", ""):
            unit.write(FINISH, job_id=job.id, new_state="done", at=services.clock.now())
            unit.commit()


def failed(services: Services, job: Any, started: dt.datetime, error: PartwellError) -> None:
    """It could not be told: another attempt, or administrators see it. The case goes on."""
    reason = str(error.facts["reason"] if isinstance(error, OperationFailed) else error.message)
    with services.database.unit() as unit:
        if not _attempted(services, unit, job, started, error.code, reason):
            return
        now = services.clock.now()
        if not put_off(services, unit, job, error, now):
            unit.write(FINISH, job_id=job.id, new_state="failed", at=now)
        unit.commit()


def _attempted(services: Services, unit: Unit, job: Any, started: dt.datetime, result: str, reason: str) -> bool:
    """Write an attempt down, with the job's row locked; False, and nothing, where the lease is not this worker's any more."""
    row = unit.one(_JOB, job_id=job.id)
    if row is None or row.state != "leased" or row.lease != job.lease:
        return False
    unit.after_commit(observe.ATTEMPTS.labels(job.kind, job.operation, result).inc)
    times = {"started_at": started, "ended_at": services.clock.now()}
    said = {"result": result, "reason": reason.replace("\0", "")[:2000]}
    unit.add(JobAttempt, job_id=job.id, number=row.tried + 1, case_id=job.case_id, **times, **said)
    return True


# --- what could not be told


def rows(connection: sa.Connection, limit: int = 100) -> Sequence[sa.Row[Any]]:
    """The newest that failed: rows of `jobs` with the `number` of the case and the `reason` of the last attempt."""
    reason = sa.select(JobAttempt.reason).where(JobAttempt.job_id == Job.id).order_by(JobAttempt.number.desc()).limit(1).scalar_subquery()
    select = (
        sa.select(Job.id, Job.operation, Job.case_id, Job.created_at, Job.attempts, Case.number, reason.label("reason"))
        .join(Case, Case.id == Job.case_id)
        .where(Job.state == sa.literal_column("'failed'"), Job.kind == KIND)
        .order_by(Job.created_at.desc(), Job.id)
        .limit(limit)
    )
    return connection.execute(select).all()


def send_again(services: Services, job_id: str, *, by: str) -> None:
    """Tell once more, under the same key, what could not be told; what waits, or was told, stays. Raises NotFound, NotAllowed."""
    now = services.clock.now()
    with services.database.unit() as unit:
        if ADMIN not in directory.roles_of(unit.connection, by):
            raise NotAllowed(reason="only administrators send events again")
        which = sa.and_(Job.id == job_id, Job.kind == KIND)
        row = unit.connection.execute(sa.select(Job.state).where(which).with_for_update()).one_or_none()
        if row is None:
            raise NotFound(what="event", name=job_id)
        if row.state != "failed":
            return
        again = {"state": "waiting", "due_at": now, "finished_at": None, "max_attempts": Job.attempts + ATTEMPTS}
        unit.connection.execute(sa.update(Job).where(which).values(again))
        services.carrier.defer(unit, job_id, now)
        unit.commit()
