"""Incidents: what a person must look at before a case goes on, and what they do about it: retry, correct, answer by hand, skip."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import items, rounds, rules
from .bpmn.scopes import plain
from .cases import must_manage, must_say
from .db import Statement
from .deferral import FINISH, SEAL, request_purpose
from .errors import ItemClosed, NotAllowed, NotFound, PartwellError
from .ledger import Event
from .locking import done_before, lock, must_run, part_of
from .models import OUTLIVING, Case, Incident, Job, JobAttempt, Person
from .people import directory
from .ports import Json
from .timeline import title_en
from .turn import Turn

if TYPE_CHECKING:
    from .services import Services

_RENEW = Statement(
    sa.update(Job)
    .where(Job.id == sa.bindparam("job_id"))
    .values(
        state="waiting",
        due_at=sa.bindparam("due"),
        attempts=0,
        request=sa.bindparam("request"),
        finished_at=None,
        lease=None,
        lease_until=None,
    )
)
_RESOLVE = Statement(
    sa.update(Incident)
    .where(Incident.id == sa.bindparam("incident_id"))
    .values(resolved_at=sa.bindparam("at"), resolved_by=sa.bindparam("actor"), resolution=sa.bindparam("how"), reason=sa.bindparam("why"))
)


@dataclass(frozen=True, kw_only=True)
class IncidentRow:
    """An incident, resolved or not."""

    id: str
    case_id: str
    number: str
    title: str
    title_en: str
    element: str
    name: str
    name_en: str
    job_id: str | None
    operation: str | None
    code: str
    template: str
    facts: Mapping[str, Json]
    opened_at: dt.datetime
    resolved_at: dt.datetime | None
    resolved_by: str | None
    resolution: str | None
    reason: str | None
    #: of a failed call, for those who may repair it: what it was called with, and its attempts as in `CallRow`
    input: Mapping[str, Json] | None = None
    attempts: Sequence[Mapping[str, Any]] = ()


def rows(services: Services, connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[IncidentRow]:
    """Incidents, unresolved ones first, then newest first."""
    rows = connection.execute(
        sa.select(Incident.__table__, Case.number, Case.title, Case.version_id, Job.operation, Person.name.label("subject"))
        .join(Case, Case.id == Incident.case_id)
        .join(Person, Person.id == Case.subject_id)
        .outerjoin(Job, Job.id == Incident.job_id)
        .where(which)
        .order_by(Incident.resolved_at.is_not(None), Incident.opened_at.desc())
        .limit(200)
    )
    found = []
    for row in rows:
        element = services.programs.get(row.version_id).program.elements.get(row.element)
        values = {name: row._mapping[name] for name in IncidentRow.__dataclass_fields__ if name in row._mapping}
        name = element.title if element else row.element
        english = title_en(services, row.version_id, row.subject)
        found.append(IncidentRow(**values, title_en=english, name=name, name_en=(element.name_en if element else "") or name))
    return found


def managed(services: Services, *, reader: str) -> list[IncidentRow]:
    """Incidents of all cases whose procedure the reader manages, open ones with what was called and how often.

    Raises NotAllowed for somebody who manages none.
    """
    with services.database.reading() as connection:
        return _with_calls(services, connection, rows(services, connection, _managed(services, connection, reader)))


def _managed(services: Services, connection: sa.Connection, reader: str) -> sa.ColumnElement[bool]:
    """Whether a case is of a procedure that the reader manages, and about somebody else. Raises NotAllowed."""
    roles = directory.roles_of(connection, reader)
    managed = [name for name, those in rules.by_procedure(services, connection).items() if roles & those.managers]
    if not managed:
        raise NotAllowed(reason="only managers of a procedure see its incidents")
    return sa.and_(Case.procedure.in_(managed), Case.subject_id != reader)


def _with_calls(services: Services, connection: sa.Connection, rows: Sequence[IncidentRow]) -> list[IncidentRow]:
    failed = [row.job_id for row in rows if row.job_id and row.resolved_at is None]
    attempts = attempts_of(connection, JobAttempt.job_id.in_(failed))
    inputs = {
        job.id: services.keyring.unseal_json(job.request, request_purpose(job.id))["input"]
        for job in connection.execute(sa.select(Job.id, Job.request).where(Job.id.in_(failed), Job.kind == "operation"))
    }
    return [replace(row, input=inputs.get(row.job_id or ""), attempts=attempts.get(row.job_id or "", ())) for row in rows]


def attempts_of(connection: sa.Connection, which: sa.ColumnElement[bool]) -> dict[str, list[Mapping[str, Any]]]:
    """Attempts by job, the first one first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in connection.execute(sa.select(JobAttempt.__table__).where(which).order_by(JobAttempt.number)):
        found.setdefault(row.job_id, []).append(dict(row._mapping))
    return found


# --- what people do about one


@dataclass(frozen=True, kw_only=True)
class _Broken:
    turn: Turn
    incident: Any
    #: what failed; None where an element could not go on
    job: Any


def retry(
    services: Services,
    incident_id: str,
    *,
    actor: str,
    reason: str,
    request_id: str,
    input: Mapping[str, Json] | None = None,
    variables: Mapping[str, Json] | None = None,
) -> None:
    """Try again, as it is or with a corrected `input` of the operation or corrected case `variables`.

    Raises NotFound, NotAllowed, ItemClosed for an incident that is resolved, CaseNotRunning, VersionSuspended.
    """
    with services.database.unit() as unit:
        broken = _broken(services, unit, incident_id, actor, request_id)
        if broken is None:
            return
        turn, incident, job = broken.turn, broken.incident, broken.job
        if input and (job is None or job.kind != "operation"):
            raise ItemClosed(reason="no call failed whose input could be corrected; correct the variables instead")
        if variables and turn.status == "closed":
            raise ItemClosed(reason="the variables of a closed case stay as they are")
        how = "corrected" if input or variables else "retried"
        if job is not None:
            request = job.request
            if input:
                payload = services.keyring.unseal_json(job.request, request_purpose(job.id))
                payload["input"].update({name: plain(name, value) for name, value in input.items()})
                request = services.keyring.seal_json(payload, request_purpose(job.id))
            told = {"input": dict(input)} if input else {}
            if variables:
                _resolve(broken, how, reason, "set_variables", values=dict(variables), also=told)
            else:
                _resolve(broken, how, reason, also=told)
            unit.write(_RENEW, job_id=job.id, due=turn.now, request=request)
            unit.after_commit(lambda: services.carrier.ring(None))
        elif rounds.stands(turn, incident.instance):
            if variables:
                _resolve(broken, how, reason, "set_variables", values=dict(variables))
            else:
                _resolve(broken, how, reason)
            if item := rounds.try_again(turn, incident.instance):
                items.pass_unsigned(turn, item)
        else:
            _resolve(broken, how, reason, "retry", instance=incident.instance, variables=dict(variables or {}))
        turn.commit()


def answer(services: Services, incident_id: str, *, actor: str, value: Mapping[str, Json], reason: str, request_id: str) -> None:
    """Answer by hand in place of the outside system, with a reason; recorded as such. Raises as `retry`."""
    with services.database.unit() as unit:
        broken = _broken(services, unit, incident_id, actor, request_id)
        if broken is None:
            return
        turn, incident = broken.turn, broken.incident
        if broken.job is None or broken.job.kind != "operation":
            raise ItemClosed(reason="only the answer of an outside system can be given by hand; correct the value and retry instead")
        unit.write(FINISH, job_id=incident.job_id, new_state="done", at=turn.now)
        _resolve(broken, "answered", reason, "answer", instance=incident.instance, value=dict(value))
        turn.commit()


def skip(services: Services, incident_id: str, *, actor: str, reason: str, request_id: str) -> None:
    """Pass the element as if it were done, without a result: no call, no output. A message or signal that failed is not delivered.

    Raises as `retry`.
    """
    with services.database.unit() as unit:
        broken = _broken(services, unit, incident_id, actor, request_id)
        if broken is None:
            return
        turn, incident = broken.turn, broken.incident
        if incident.instance == SEAL:
            raise ItemClosed(reason="a closed case must be sealed; repair the cause and retry instead")
        if rounds.stands(turn, incident.instance):
            raise ItemClosed(reason="an approval cannot be skipped; correct the chain or the data and retry, or return the case")
        if broken.job is not None:
            unit.write(FINISH, job_id=broken.job.id, new_state="dropped", at=turn.now)
        if broken.job is not None and broken.job.kind in ("message", "signal"):
            _resolve(broken, "skipped", reason)
        else:
            _resolve(broken, "skipped", reason, "skip", instance=incident.instance, values={})
        turn.commit()


@dataclass(frozen=True, kw_only=True)
class Retried:
    """What came of a retry of many."""

    #: how many are tried again
    count: int
    #: of the others: number of the case, and why not
    refused: Sequence[tuple[str, PartwellError]]


def retry_all(services: Services, operation: str, *, actor: str, reason: str, request_id: str) -> Retried:
    """Try every open incident of an operation again, of all cases that the actor manages, each in a transaction of its own.

    The same `request_id` again goes on where the first time stopped. Raises NotAllowed, NotFound for an operation without one.
    """
    must_say(reason)
    with services.database.reading() as connection:
        which = sa.and_(_managed(services, connection, actor), Incident.resolved_at.is_(None), Job.operation == operation)
        found = connection.execute(
            sa.select(Incident.id, Case.number)
            .join(Case, Case.id == Incident.case_id)
            .join(Job, Job.id == Incident.job_id)
            .where(which)
            .order_by(Incident.opened_at)
        ).all()
    if not found:
        raise NotFound(what="open incident of the operation", name=operation)
    refused = []
    for row in found:
        try:
            retry(services, row.id, actor=actor, reason=reason, request_id=part_of(request_id, row.id))
        except PartwellError as error:
            refused.append((row.number, error))
    return Retried(count=len(found) - len(refused), refused=refused)


def _broken(services: Services, unit: Any, incident_id: str, actor: str, request_id: str) -> _Broken | None:
    """The open incident with its case's turn, or None if this very request was carried out before."""
    case_id = unit.connection.execute(sa.select(Incident.case_id).where(Incident.id == incident_id)).scalar_one_or_none()
    if case_id is None:
        raise NotFound(what="incident", name=incident_id)
    case = lock(unit, case_id=case_id)
    if done_before(unit, case_id, actor=actor, request_id=request_id):
        return None
    incident = unit.connection.execute(sa.select(Incident.__table__).where(Incident.id == incident_id)).one()
    if incident.resolved_at is not None:
        raise ItemClosed(reason="the incident was resolved already")
    job = unit.connection.execute(sa.select(Job.__table__).where(Job.id == incident.job_id)).one_or_none() if incident.job_id else None
    if job is None or job.kind not in OUTLIVING:
        must_run(case)
    turn = Turn(services, unit, case, actor=actor, request_id=request_id)
    must_manage(turn)
    return _Broken(turn=turn, incident=incident, job=job)


def _resolve(broken: _Broken, how: str, why: str, verb: str | None = None, *, also: Mapping[str, Json] = {}, **arguments: Json) -> None:
    """The incident is over; `verb` and `arguments`: what this does to the execution, `also`: what else the ledger tells."""
    turn, incident, said = broken.turn, broken.incident, must_say(why)
    turn.incidents -= 1
    turn.unit.write(_RESOLVE, incident_id=incident.id, at=turn.now, actor=turn.actor, how=how, why=said)
    facts = {"incident": incident.id, "resolution": how, "reason": said, **also}
    if verb:
        turn.act(Event.INCIDENT_RESOLVED, verb, element=incident.element, also=facts, **arguments)
    else:
        turn.record(Event.INCIDENT_RESOLVED, element=incident.element, **facts)
