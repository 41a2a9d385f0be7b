"""Timers of a case that run: see them, and give one another due time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .cases import must_manage, must_say
from .db import Statement
from .errors import ItemClosed, NotFound
from .ledger import Event
from .locking import done_before, lock, must_run
from .models import Job
from .turn import Turn

if TYPE_CHECKING:
    from .procedures import Deployed
    from .services import Services

_MOVE = Statement(sa.update(Job).where(Job.id == sa.bindparam("job_id")).values(due_at=sa.bindparam("due")))


@dataclass(frozen=True, kw_only=True)
class TimerRow:
    """A timer that runs."""

    job_id: str
    element: str
    name: str
    name_en: str
    due_at: dt.datetime


def rows(connection: sa.Connection, case_id: str, deployed: Deployed) -> Sequence[TimerRow]:
    """Those of a case, the next one first."""
    waiting = sa.and_(Job.case_id == case_id, Job.kind == "timer", Job.state == "waiting")
    found = []
    for job in connection.execute(sa.select(Job.id, Job.element, Job.due_at).where(waiting).order_by(Job.due_at, Job.id)):
        element = deployed.program.elements.get(job.element)
        if element is not None and not element.name and element.attached:
            element = deployed.program.elements.get(
                element.attached, element
            )  # people know the step by its name, not a nameless clock on it
        name = element.title if element else job.element
        english = (element.name_en if element else "") or name
        found.append(TimerRow(job_id=job.id, element=job.element, name=name, name_en=english, due_at=job.due_at))
    return found


def reschedule(services: Services, job_id: str, due: dt.datetime, *, actor: str, reason: str, request_id: str) -> None:
    """Let a running timer fire at `due` (with time zone; what lies in the past is due now). Recorded with its former time.

    Raises NotFound, NotAllowed, ItemClosed for one that no longer waits, CaseNotRunning, VersionSuspended.
    """
    due = due.astimezone(dt.UTC)
    with services.database.unit() as unit:
        which = sa.and_(Job.id == job_id, Job.kind == "timer")
        case_id = unit.connection.execute(sa.select(Job.case_id).where(which)).scalar_one_or_none()
        if case_id is None:
            raise NotFound(what="timer", name=job_id)
        case = lock(unit, case_id=case_id)
        if done_before(unit, case_id, actor=actor, request_id=request_id):
            return
        must_run(case)
        turn = Turn(services, unit, case, actor=actor, request_id=request_id)
        must_manage(turn)
        job = unit.connection.execute(sa.select(Job.__table__).where(which).with_for_update()).one()
        if job.state != "waiting":
            raise ItemClosed(reason="the timer has fired, or is no longer needed")
        facts = {"due": due.isoformat(), "before": job.due_at.isoformat(), "reason": must_say(reason)}
        advance = turn.execution.reschedule(job.instance, due, now=turn.now)
        turn.record(Event.TIMER_MOVED, element=job.element, act="reschedule", instance=job.instance, **facts)
        turn.apply(advance)
        unit.write(_MOVE, job_id=job_id, due=due)
        unit.after_commit(lambda: services.carrier.ring(due))
        turn.commit()
