"""The case as people read it: where it stands, who did what when, on which data, with which documents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import access, ledger, people
from .bpmn.runtime import Execution
from .documents import DocumentRow
from .documents import rows as document_rows
from .errors import NotAllowed, NotFound
from .jobs import snapshot_content, snapshot_purpose
from .ledger import Event as Happened
from .models import Candidate, Case, Incident, Job, JobAttempt, Person, ProcedureVersion, SealedFile, SignOff, Snapshot, WorkItem
from .ports import Json
from .procedures import Deployed
from .rules import Rules, rules_of
from .turn import request_purpose, state_purpose
from .witness import witness

if TYPE_CHECKING:
    from .services import Services

#: after them an element is done
_FINISHING = {Happened.ITEM_COMPLETED, Happened.OPERATION_DONE, Happened.ELEMENT_PASSED, Happened.CASE_STARTED}
#: what follows from a person's act and is not the act itself: the ledger names whose commit it was, the timeline nobody
_BY_ITSELF = {
    Happened.ITEM_OPENED,
    Happened.ITEM_LEFT,
    Happened.STEP_OPENED,
    Happened.STEP_SKIPPED,
    Happened.OPERATION_REQUESTED,
    Happened.JOB_DROPPED,
    Happened.ELEMENT_PASSED,
    Happened.VARIABLE_OVERWRITTEN,
    Happened.INCIDENT_OPENED,
}


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the timeline, from the ledger."""

    number: int
    at: dt.datetime
    #: name from `ledger.Event`
    event: str
    #: who acted (`people.display`), or None: the procedure itself
    actor: Mapping[str, Json] | None
    #: the role in which it was done: the step of the chain, elsewhere the lane of the element
    role: str | None
    role_en: str | None
    element: str | None
    name: str | None
    name_en: str | None
    detail: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True)
class OpenStep:
    """A work item that waits."""

    item_id: str
    element: str
    name: str
    name_en: str
    lane: str | None
    lane_en: str | None
    #: names of the people who hold it or may take it, and their ids
    holders: Sequence[str]
    holder_ids: frozenset[str]
    since: dt.datetime
    due_at: dt.datetime | None


@dataclass(frozen=True, kw_only=True)
class SnapshotRow:
    """A snapshot without its content."""

    id: str
    job_id: str
    element: str
    system: str
    operation: str
    kind: str
    media_type: str
    status: str
    sha256: str
    received_at: dt.datetime


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """One call of an operation with its attempts."""

    job_id: str
    element: str
    name: str
    name_en: str
    operation: str
    #: state of the job
    state: str
    key: str
    due_at: dt.datetime
    #: rows {number, started_at, ended_at, result, reason}
    attempts: Sequence[Mapping[str, Any]]


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


@dataclass(frozen=True, kw_only=True)
class CasePage:
    """Everything the page of a case shows to one reader."""

    id: str
    number: str
    title: str
    title_en: str
    procedure: str
    procedure_name: str
    procedure_name_en: str
    version: int
    version_id: str
    status: str
    outcome: str | None
    incidents: Sequence[IncidentRow]
    subject: Mapping[str, Json]
    initiator: Mapping[str, Json]
    started_at: dt.datetime
    closed_at: dt.datetime | None
    open: Sequence[OpenStep]
    timeline: Sequence[Event]
    documents: Sequence[DocumentRow]
    snapshots: Sequence[SnapshotRow]
    calls: Sequence[CallRow]
    variables: Mapping[str, Json]
    lit: frozenset[str]
    done: frozenset[str]
    #: sealed file: {sha256, size, sealed_at}, or None
    sealed: Mapping[str, Any] | None
    #: what the reader may do with the case: `withdraw`, `cancel`, `suspend`, `resume`, `repair`
    may: frozenset[str]
    #: something runs by itself right now, so the page may look again in a moment
    working: bool


def restored(services: Services, connection: sa.Connection, case: Any) -> Execution:
    """A copy of the case's execution for reading."""
    sealed = connection.execute(sa.select(Case.state).where(Case.id == case.id)).scalar_one()
    program = services.programs.get(case.version_id).program
    return program.restore(services.keyring.unseal(sealed, state_purpose(case.id)))


def case_page(services: Services, case_id: str, *, reader: str) -> CasePage:
    """Raises NotFound, NotAllowed."""
    with services.database.reading() as connection:
        case = access.case_row(connection, case_id)
        deployed = services.programs.get(case.version_id)
        rules = rules_of(deployed.files)
        subject_only = access.reach(connection, case, rules, reader) is access.Reach.SUBJECT
        version = connection.execute(
            sa.select(ProcedureVersion.name, ProcedureVersion.name_en, ProcedureVersion.number).where(
                ProcedureVersion.id == case.version_id
            )
        ).one()
        open_steps = _open_steps(connection, case, deployed, reader if subject_only else None)
        timeline, done = case_events(services, connection, case, deployed, for_reader=reader if subject_only else None)
        subject = people.display(connection, case.subject_id)
        documents = document_rows(connection, case_id)
        snapshots: list[SnapshotRow] = []
        calls: list[CallRow] = []
        variables: Mapping[str, Json] = {}
        if subject_only:
            documents = [row for row in documents if row.kind in rules.served or row.created_by == reader]
        else:
            snapshots, calls = _snapshots(connection, case_id), _calls(connection, case_id, deployed)
            variables = restored(services, connection, case).variables()
        sealed = connection.execute(
            sa.select(SealedFile.sha256, SealedFile.size, SealedFile.sealed_at).where(SealedFile.case_id == case_id)
        ).one_or_none()
        incidents = [] if subject_only else incident_rows(services, connection, Incident.case_id == case_id)
        lit = frozenset({step.element for step in open_steps} | {c.element for c in calls if c.state in ("waiting", "leased", "failed")})
        return CasePage(
            id=case.id,
            number=case.number,
            title=case.title,
            title_en=title_en(services, case.version_id, subject["name"]),
            procedure=case.procedure,
            procedure_name=version.name,
            procedure_name_en=version.name_en,
            version=version.number,
            version_id=case.version_id,
            status=case.status,
            outcome=case.outcome,
            incidents=incidents,
            subject=subject,
            initiator=people.display(connection, case.initiator_id),
            started_at=case.started_at,
            closed_at=case.closed_at,
            open=open_steps,
            timeline=timeline,
            documents=documents,
            snapshots=snapshots,
            calls=calls,
            variables=variables,
            lit=lit,
            done=done,
            sealed=dict(sealed._mapping) if sealed and not subject_only else None,
            may=_verbs(connection, case, rules, timeline, reader, subject_only),
            working=_working(services, connection, case),
        )


def case_events(
    services: Services, connection: sa.Connection, case: Any, deployed: Deployed, *, for_reader: str | None
) -> tuple[list[Event], frozenset[str]]:
    """The timeline and the elements that are done. `for_reader`: the subject, who sees only what concerns them."""
    entries = ledger.history(connection, services.keyring, case.id)
    elements = deployed.program.elements
    lanes = lanes_en(deployed)
    persons: dict[str, Mapping[str, Json]] = {}
    events, done = [], set[str]()
    for entry in entries:
        actor = None if entry.event in _BY_ITSELF else entry.actor
        own = for_reader is None or actor == for_reader
        if not own and entry.event != Happened.CASE_CLOSED:
            continue
        if entry.element and entry.event in _FINISHING:
            done.add(entry.element)
        if actor and actor not in persons:
            persons[actor] = people.display(connection, actor)
        element = elements.get(entry.element or "")
        lane = element.lane if element else None
        signed = entry.event in (Happened.STEP_APPROVED, Happened.STEP_REJECTED)
        events.append(
            Event(
                number=entry.number,
                at=entry.at,
                event=entry.event,
                actor=persons.get(actor or ""),
                role=entry.payload["step"] if signed else lane,
                role_en=entry.payload["step_en"] if signed else lanes.get(lane or ""),
                element=entry.element,
                name=element.title if element else None,
                name_en=(element.name_en or element.title) if element else None,
                # Why others ended the case is theirs to tell; the subject sees that it is over, and how.
                detail={name: value for name, value in entry.payload.items() if name != "salt" and (own or name == "outcome")},
            )
        )
    return events, frozenset(done)


def lanes_en(deployed: Deployed) -> dict[str, str]:
    """English names of a version's lanes by their own."""
    return {lane.name: lane.name_en or lane.name for lane in deployed.program.lanes}


def title_en(services: Services, version_id: str, subject: str) -> str:
    """A case's title in English, as `Case.title` in the procedure's own language."""
    program = services.programs.get(version_id).program
    return f"{program.name_en or program.name}: {subject}"


def _open_steps(connection: sa.Connection, case: Any, deployed: Deployed, only_for: str | None) -> list[OpenStep]:
    rows = connection.execute(
        sa.select(WorkItem.__table__, SignOff.id.label("sign_off_id"), SignOff.person_id)
        .join(SignOff, sa.and_(SignOff.item_id == WorkItem.id, SignOff.state == "open"))
        .where(WorkItem.case_id == case.id, WorkItem.status == "open")
        .order_by(WorkItem.opened_at)
    ).all()
    lanes = lanes_en(deployed)
    found = []
    for row in rows:
        if only_for and row.person_id != only_for:
            continue
        held = signers(connection, row.sign_off_id, row.person_id)
        found.append(
            OpenStep(
                item_id=row.id,
                element=row.element,
                name=row.name,
                name_en=row.name_en,
                lane=row.lane,
                lane_en=lanes.get(row.lane or ""),
                holders=list(held.values()),
                holder_ids=frozenset(held),
                since=row.opened_at,
                due_at=row.due_at,
            )
        )
    return found


def signers(connection: sa.Connection, sign_off_id: str, holder: str | None) -> dict[str, str]:
    """Who holds a sign-off, or all who may take it: names by id."""
    ids = {holder}
    if holder is None:
        offered = connection.execute(sa.select(Candidate.kind, Candidate.ref).where(Candidate.sign_off_id == sign_off_id)).all()
        roles = [candidate.ref for candidate in offered if candidate.kind == "role"]
        ids = {*people.holders(connection, *roles), *(candidate.ref for candidate in offered if candidate.kind == "person")}
    rows = connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(ids)).order_by(Person.name))
    return {row.id: row.name for row in rows}


def _snapshots(connection: sa.Connection, case_id: str) -> list[SnapshotRow]:
    columns = [Snapshot.__table__.c[name] for name in SnapshotRow.__dataclass_fields__]
    rows = connection.execute(sa.select(*columns).where(Snapshot.case_id == case_id).order_by(Snapshot.received_at, Snapshot.id))
    return [SnapshotRow(**row._mapping) for row in rows]


def _calls(connection: sa.Connection, case_id: str, deployed: Deployed) -> list[CallRow]:
    attempts = _attempts(connection, JobAttempt.case_id == case_id)
    jobs = connection.execute(
        sa.select(Job.__table__).where(Job.case_id == case_id, Job.kind == "operation").order_by(Job.created_at, Job.id)
    )
    found = []
    for job in jobs:
        element = deployed.program.elements[job.element]
        found.append(
            CallRow(
                job_id=job.id,
                element=job.element,
                name=element.title,
                name_en=element.name_en or element.title,
                operation=job.operation,
                state=job.state,
                key=job.key,
                due_at=job.due_at,
                attempts=attempts.get(job.id, []),
            )
        )
    return found


def _attempts(connection: sa.Connection, which: sa.ColumnElement[bool]) -> dict[str, list[Mapping[str, Any]]]:
    """Attempts by job, the first one first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in connection.execute(sa.select(JobAttempt.__table__).where(which).order_by(JobAttempt.number)):
        found.setdefault(row.job_id, []).append(dict(row._mapping))
    return found


def incident_rows(services: Services, connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[IncidentRow]:
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


def incidents(services: Services, *, reader: str) -> list[IncidentRow]:
    """Incidents of all cases whose procedure the reader manages, open ones with what was called and how often.

    Raises NotAllowed for somebody who manages none.
    """
    with services.database.reading() as connection:
        roles = people.roles_of(connection, reader)
        managed = [name for name, rules in rules_by_procedure(services, connection).items() if roles & rules.managers]
        if not managed:
            raise NotAllowed(reason="only managers of a procedure see its incidents")
        rows = incident_rows(services, connection, sa.and_(Case.procedure.in_(managed), Case.subject_id != reader))
        return _with_calls(services, connection, rows)


def _with_calls(services: Services, connection: sa.Connection, rows: Sequence[IncidentRow]) -> list[IncidentRow]:
    failed = [row.job_id for row in rows if row.job_id and row.resolved_at is None]
    attempts = _attempts(connection, JobAttempt.job_id.in_(failed))
    inputs = {
        job.id: services.keyring.unseal_json(job.request, request_purpose(job.id))["input"]
        for job in connection.execute(sa.select(Job.id, Job.request).where(Job.id.in_(failed), Job.request.is_not(None)))
    }
    return [replace(row, input=inputs.get(row.job_id or ""), attempts=attempts.get(row.job_id or "", ())) for row in rows]


def rules_by_procedure(services: Services, connection: sa.Connection) -> dict[str, Rules]:
    """Rules of the active version of each procedure."""
    rows = connection.execute(sa.select(ProcedureVersion.procedure, ProcedureVersion.id).where(ProcedureVersion.active))
    return {row.procedure: rules_of(services.programs.get(row.id).files) for row in rows}


def _verbs(
    connection: sa.Connection, case: Any, rules: Rules, timeline: Sequence[Event], reader: str, subject_only: bool
) -> frozenset[str]:
    if subject_only:
        return frozenset()
    may = set()
    if people.roles_of(connection, reader) & rules.managers:
        may.add("repair")  # of a closed case, too: it may not be sealed yet
        if case.status != "closed":
            may |= {"cancel", "suspend" if case.status == "running" else "resume"}
    if reader == case.initiator_id and case.status == "running" and not any(e.element in rules.no_way_back for e in timeline):
        may.add("withdraw")
    return frozenset(may)


def _working(services: Services, connection: sa.Connection, case: Any) -> bool:
    """Whether a job of the case runs or is due within seconds."""
    soon = services.clock.now() + dt.timedelta(seconds=10)
    busy = sa.or_(Job.state == "leased", sa.and_(Job.state == "waiting", Job.due_at <= soon))
    return (
        case.status != "suspended"
        and connection.execute(sa.select(Job.id).where(Job.case_id == case.id, busy).limit(1)).first() is not None
    )


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    """One line of the list of cases."""

    id: str
    number: str
    title: str
    title_en: str
    subject: str
    status: str
    outcome: str | None
    incidents: int
    started_at: dt.datetime
    closed_at: dt.datetime | None
    #: the work items that wait: {name, name_en}; None where the case is about the reader
    open: Sequence[Mapping[str, str]] | None


def cases(
    services: Services, *, reader: str, search: str = "", status: str = "", page: int = 1, size: int = 20
) -> tuple[list[CaseRow], int]:
    """Cases the reader may open, newest first, and how many there are. `status`: running, suspended, closed or empty."""
    with services.database.reading() as connection:
        which = access.visible_cases(connection, reader, rules_by_procedure(services, connection))
        if status:
            which = sa.and_(which, Case.status == status)
        for word in search.split()[:5]:
            like = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            which = sa.and_(which, sa.or_(*(f.ilike(like, escape="\\") for f in (Case.number, Case.title, Person.name))))
        joined = sa.join(Case, Person, Person.id == Case.subject_id)
        total = connection.execute(sa.select(sa.func.count()).select_from(joined).where(which)).scalar_one()
        columns = [Case.__table__.c[name] for name in CaseRow.__dataclass_fields__ if name not in ("subject", "title_en", "open")]
        rows = connection.execute(
            sa.select(*columns, Case.version_id, Case.subject_id, Person.name.label("subject"))
            .select_from(joined)
            .where(which)
            .order_by(Case.started_at.desc(), Case.id)
            .limit(size)
            .offset((max(page, 1) - 1) * size)
        ).all()
        waiting: dict[str, list[Mapping[str, str]]] = {}
        of_others = [row.id for row in rows if row.subject_id != reader]
        items = sa.select(WorkItem.case_id, WorkItem.name, WorkItem.name_en).where(
            WorkItem.case_id.in_(of_others), WorkItem.status == "open"
        )
        for item in connection.execute(items.order_by(WorkItem.opened_at, WorkItem.id)):
            waiting.setdefault(item.case_id, []).append({"name": item.name, "name_en": item.name_en})
        found = []
        for row in rows:
            values = {name: value for name, value in row._mapping.items() if name not in ("version_id", "subject_id")}
            english = title_en(services, row.version_id, row.subject)
            found.append(CaseRow(**values, title_en=english, open=None if row.subject_id == reader else waiting.get(row.id, ())))
        return found, total


@dataclass(frozen=True, kw_only=True)
class SnapshotPage:
    """One snapshot, opened."""

    row: SnapshotRow
    case_id: str
    #: masked request, JSON
    request: Json
    content: bytes


def read_snapshot(services: Services, snapshot_id: str, *, reader: str) -> SnapshotPage:
    """Open a snapshot; that it was read, and by whom, is itself recorded. Raises NotFound, NotAllowed."""
    with services.database.unit() as unit:
        row = unit.connection.execute(sa.select(Snapshot.__table__).where(Snapshot.id == snapshot_id)).one_or_none()
        if row is None:
            raise NotFound(what="snapshot", name=snapshot_id)
        case = access.case_row(unit.connection, row.case_id)
        rules = rules_of(services.programs.get(case.version_id).files)
        if access.reach(unit.connection, case, rules, reader) is access.Reach.SUBJECT:
            raise NotAllowed(reason="snapshots are not open to you")
        content = snapshot_content(services, unit.connection, case.id, snapshot_id)
        request = services.keyring.unseal_json(row.request, snapshot_purpose(snapshot_id, "request"))
        facts = {"snapshot": snapshot_id, "sha256": row.sha256}
        witness(unit, case.id, Happened.SNAPSHOT_READ, at=services.clock.now(), actor=reader, element=row.element, **facts)
        unit.commit()
    values = {name: row._mapping[name] for name in SnapshotRow.__dataclass_fields__}
    return SnapshotPage(row=SnapshotRow(**values), case_id=case.id, request=request, content=content)
