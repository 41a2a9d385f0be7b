"""The case as people read it: where it stands, who did what when, on which data, with which documents."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import access, aftermath, asking, endings, incidents, messages, snapshots, terms, timeline, timers
from .bpmn.runtime import Execution
from .documents import DocumentRow
from .documents import rows as document_rows
from .errors import PartwellError
from .incidents import IncidentRow
from .messages import WaitRow
from .models import TELLING, Candidate, Case, Incident, Job, JobAttempt, Person, ProcedureVersion, SealedFile, SignOff, WorkItem
from .people import directory
from .ports import Json
from .procedures import Deployed
from .rules import Aftermath, Rules, rules_of
from .snapshots import SnapshotRow
from .timeline import Event
from .timers import TimerRow
from .turn import state_purpose
from .work.copying import must_copy

if TYPE_CHECKING:
    from .services import Services


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
    #: name of the absent person in whose place it is held
    in_place_of: str | None
    since: dt.datetime
    due_at: dt.datetime | None
    term: terms.Term | None


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
    timers: Sequence[TimerRow]
    #: messages and signals it waits for
    waits: Sequence[WaitRow]
    variables: Mapping[str, Json]
    lit: frozenset[str]
    done: frozenset[str]
    #: sealed file: {sha256, size, sealed_at}, or None
    sealed: Mapping[str, Any] | None
    #: that it is void, why it is only for who sees the whole case
    void: endings.Voided | None
    #: what a manager asked a second person for
    asked: endings.Asked | None
    #: what the reader may do with the case: `cancel`, `terminate`, `void`, `confirm`, `decline`, `suspend`, `resume`, `repair`,
    #: `copy`
    may: frozenset[str]
    #: what may be recorded of what came of it, for those who may `repair`; without a kind where nothing may but something was
    aftermath: Aftermath | None
    #: its version is suspended, so nothing moves
    on_hold: bool
    #: something runs by itself right now, so the page may look again in a moment
    working: bool


def restored(services: Services, connection: sa.Connection, case: Any) -> Execution:
    """A copy of the case's execution for reading. It may have moved on since `case` was read, and to another version."""
    row = connection.execute(sa.select(Case.state, Case.version_id).where(Case.id == case.id)).one()
    return services.programs.get(row.version_id).program.restore(services.keyring.unseal(row.state, state_purpose(case.id)))


def _stands_alone(deployed: Deployed, element_id: str) -> bool:
    """Whether the case stands at this event, rather than at the activity that the event watches."""
    element = deployed.program.elements.get(element_id)
    return element is not None and element.kind in ("intermediateCatchEvent", "receiveTask")


def case_page(services: Services, case_id: str, *, reader: str) -> CasePage:
    """Raises NotFound, NotAllowed."""
    today = directory.day(services.clock.now())
    with services.database.reading() as connection:
        case = access.case_row(connection, case_id)
        deployed = services.programs.get(case.version_id)
        rules = rules_of(deployed.files)
        sight = access.sight(connection, case, rules, reader)
        version = connection.execute(
            sa.select(ProcedureVersion.name, ProcedureVersion.name_en, ProcedureVersion.number, ProcedureVersion.suspended).where(
                ProcedureVersion.id == case.version_id
            )
        ).one()
        steps = open_steps(services, connection, case, deployed, reader if sight.subject else None)
        events, done = timeline.events_of(services, connection, case, deployed, reader=reader, sight=sight)
        subject = directory.display(connection, case.subject_id, today)
        calls = _calls(connection, case_id, timeline.versions_of(services, connection, case))
        variables = sight.of(restored(services, connection, case).variables())
        sealed = connection.execute(
            sa.select(SealedFile.sha256, SealedFile.size, SealedFile.sealed_at).where(SealedFile.case_id == case_id)
        ).one_or_none()
        asked, void = endings.asked(services, connection, case), endings.voided(services, connection, case)
        may = _verbs(connection, case, rules, events, reader, sight, asked, held=version.suspended)
        waits, running = messages.waits(connection, case_id, deployed), timers.rows(connection, case_id, deployed)
        lit = frozenset(
            {step.element for step in steps}
            | {call.element for call in calls if call.state in ("waiting", "leased", "failed")}
            | {id for id in (*(wait.element for wait in waits), *(timer.element for timer in running)) if _stands_alone(deployed, id)}
        )
        return CasePage(
            id=case.id,
            number=case.number,
            title=case.title,
            title_en=timeline.title_en(services, case.version_id, subject["name"]),
            procedure=case.procedure,
            procedure_name=version.name,
            procedure_name_en=version.name_en,
            version=version.number,
            version_id=case.version_id,
            status=case.status,
            outcome=case.outcome,
            incidents=incidents.rows(services, connection, Incident.case_id == case_id) if sight.whole else [],
            subject=subject,
            initiator=directory.display(connection, case.initiator_id, today),
            started_at=case.started_at,
            closed_at=case.closed_at,
            open=steps,
            timeline=events,
            documents=visible_documents(connection, case, rules, sight, reader, variables),
            snapshots=snapshots.rows(connection, case_id) if sight.whole else [],
            calls=calls if sight.whole else [],
            waits=waits if sight.whole else [],
            timers=running if sight.whole and case.status != "closed" else [],
            variables=variables,
            lit=lit,
            done=done,
            sealed=dict(sealed._mapping) if sealed and sight.whole else None,
            void=void if void is None or sight.whole else dataclasses.replace(void, reason=""),
            asked=asked if sight.whole else None,
            may=may | _shows(services, connection, case, rules, reader),
            aftermath=aftermath.to_record(services, connection, deployed.procedure, Case.id == case_id) if "repair" in may else None,
            on_hold=version.suspended and case.status != "closed",
            working=not version.suspended and _working(services, connection, case),
        )


def visible_documents(
    connection: sa.Connection, case: Any, rules: Rules, sight: access.Sight, reader: str, variables: Json
) -> list[DocumentRow]:
    """Documents of a case that the reader may open: all, those served on the subject, or their own, those of `variables`, and what
    was given with the sign-offs whose opinions they see.
    """
    rows = document_rows(connection, case.id)
    if sight.whole:
        return rows
    named = set(_texts(variables))
    signed: Set[str] = set() if sight.subject else _told(connection, case.id, reader, {row.sign_off_id for row in rows if row.sign_off_id})

    def shown(row: DocumentRow) -> bool:
        return row.created_by == reader or (row.kind in rules.served if sight.subject else row.id in named or row.sign_off_id in signed)

    return [row for row in rows if shown(row)]


def _told(connection: sa.Connection, case_id: str, reader: str, sign_offs: Set[str]) -> Set[str]:
    """Those of the sign-offs that are in work items in which the reader takes part."""
    items: dict[str, set[str]] = {}
    for row in connection.execute(sa.select(SignOff.id, SignOff.item_id).where(SignOff.id.in_(sign_offs))) if sign_offs else ():
        items.setdefault(row.item_id, set()).add(row.id)
    return {one for item, ids in items.items() if access.takes_part(connection, case_id, reader, item) for one in ids}


def _texts(value: Json) -> Iterator[str]:
    """Every text in a value, at any depth."""
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)


def open_steps(services: Services, connection: sa.Connection, case: Any, deployed: Deployed, only_for: str | None) -> list[OpenStep]:
    """The case's work items that wait, each sign-off by itself; `only_for`: those of one person."""
    now = services.clock.now()
    rows = connection.execute(
        sa.select(WorkItem.__table__, SignOff.id.label("sign_off_id"), SignOff.person_id, Person.name.label("absent"))
        .join(SignOff, sa.and_(SignOff.item_id == WorkItem.id, SignOff.state == "open"))
        .outerjoin(Person, sa.and_(Person.id == SignOff.for_id, SignOff.for_id != SignOff.person_id))
        .where(WorkItem.case_id == case.id, WorkItem.status == "open")
        .order_by(WorkItem.opened_at)
    ).all()
    lanes, known = timeline.lanes_en(deployed), deployed.program.elements
    limits = terms.by_signer(connection, services.calendars, [row.id for row in rows], now)
    found = []
    for row in rows:
        if only_for and row.person_id != only_for:
            continue
        held = signers(connection, row.sign_off_id, row.person_id, directory.day(now))
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
                in_place_of=row.absent,
                since=row.opened_at,
                due_at=row.due_at,
                term=terms.of(services.calendars, known.get(row.element), row.opened_at, row.due_at, now, limits.get(row.id)),
            )
        )
    return found


def signers(connection: sa.Connection, sign_off_id: str, holder: str | None, on: dt.date) -> dict[str, str]:
    """Who holds a sign-off, or all who may take it: names by id."""
    ids = {holder}
    if holder is None:
        offered = connection.execute(sa.select(Candidate.kind, Candidate.ref).where(Candidate.sign_off_id == sign_off_id)).all()
        role = connection.execute(sa.select(SignOff.role).where(SignOff.id == sign_off_id)).scalar_one()
        roles = [*([role] if role else []), *(candidate.ref for candidate in offered if candidate.kind == "role")]
        ids = {*directory.holders(connection, *roles, on=on), *(candidate.ref for candidate in offered if candidate.kind == "person")}
    rows = connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(ids)).order_by(Person.name))
    return {row.id: row.name for row in rows}


def _calls(connection: sa.Connection, case_id: str, versions: Sequence[Deployed]) -> list[CallRow]:
    attempts = incidents.attempts_of(connection, JobAttempt.case_id == case_id)
    jobs = connection.execute(
        sa.select(Job.__table__).where(Job.case_id == case_id, Job.kind.in_(asking.CALLS)).order_by(Job.created_at, Job.id)
    )
    found = []
    for job in jobs:
        known = timeline.element_of(versions, job.element)
        name = known[1].title if known else job.element
        found.append(
            CallRow(
                job_id=job.id,
                element=job.element,
                name=name,
                name_en=(known[1].name_en if known else "") or name,
                operation=job.operation,
                state=job.state,
                key=job.key,
                due_at=job.due_at,
                attempts=attempts.get(job.id, []),
            )
        )
    return found


def _verbs(
    connection: sa.Connection,
    case: Any,
    rules: Rules,
    events: Sequence[Event],
    reader: str,
    sight: access.Sight,
    asked: endings.Asked | None,
    *,
    held: bool,
) -> frozenset[str]:
    if sight.subject:
        return frozenset()
    manages = bool(directory.roles_of(connection, reader) & rules.managers)
    may = endings.verbs(case, rules, asked, {event.element for event in events}, reader, manages=manages, held=held)
    if manages:
        may.add("repair")  # of a closed case, too: it may not be sealed yet
        if case.status != "closed":
            may.add("suspend" if case.status == "running" else "resume")
    return frozenset(may)


def _shows(services: Services, connection: sa.Connection, case: Any, rules: Rules, reader: str) -> frozenset[str]:
    """`copy` where the reader may show the case to others."""
    try:
        must_copy(connection, None, case, rules, reader, services.clock.now())
    except PartwellError:
        return frozenset()
    return frozenset({"copy"})


def _working(services: Services, connection: sa.Connection, case: Any) -> bool:
    """Whether a job of the case runs or is due within seconds."""
    soon = services.clock.now() + dt.timedelta(seconds=10)
    busy = sa.or_(Job.state == "leased", sa.and_(Job.state == "waiting", Job.due_at <= soon))
    return (
        case.status != "suspended"
        and connection.execute(sa.select(Job.id).where(Job.case_id == case.id, Job.kind.not_in(TELLING), busy).limit(1)).first() is not None
    )
