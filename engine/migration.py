"""Running cases go on on another version of their procedure: one or many, each in a transaction of its own, after a dry run that
names every case that cannot and why.

What waits keeps its work item, its call and its message: only what is drawn differently changes. Which tokens fit is decided in
`bpmn.migration`; here is what concerns people: who does it, what the other version's rules demand, and the way back.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import ledger, timeline, versions
from .bpmn import order
from .bpmn.advance import Advance
from .bpmn.model import Element
from .bpmn.runtime import Execution
from .cases import must_manage, must_say
from .errors import NotAllowed, NotFound, PartwellError
from .ledger import Entry, Event
from .locking import done_before, lock, part_of
from .models import Case, Incident, Job, LedgerPage, Person, Subscription, WorkItem
from .ports import Json
from .turn import Turn, state_purpose

if TYPE_CHECKING:
    from .procedures import Deployed
    from .services import Services

#: after them a step counts as done
_DONE = frozenset((Event.ITEM_COMPLETED, Event.OPERATION_DONE, Event.ELEMENT_PASSED))


@dataclass(frozen=True, kw_only=True)
class Hindrance:
    """Why a case cannot move."""

    #: id of the element in the version it is on, "" where the case as a whole is concerned
    element: str
    name: str
    name_en: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A case that is to move, and what keeps it."""

    case_id: str
    number: str
    title: str
    title_en: str
    status: str
    #: number of the version it is on, or was on before it moved
    version: int
    hindrances: Sequence[Hindrance]
    #: it has moved; of a dry run: never
    moved: bool = False


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """How a case is moved: to which version, and by which renamings."""

    target: Deployed
    mapping: Mapping[str, str]


def candidates(
    services: Services,
    procedure: str,
    to: int | None,
    *,
    actor: str | None,
    since: int | None = None,
    numbers: Collection[str] = (),
    mapping: Mapping[str, str] | None = None,
) -> list[Candidate]:
    """The dry run: every case that would move to version `to` (None: the active one), the oldest first, with what keeps it.

    `since`: only those on this version; `numbers`: only these. `mapping`: elements that are called differently there, old id to
    new one. `actor` None: the command line; what concerns the actor themselves is left out. Nothing is changed. Raises
    NotFound, NotAllowed.
    """
    plan = _plan(services, procedure, to, mapping or {}, actor)
    return [_candidate(services, row, _why_not(services, row, plan)) for row in _rows(services, plan, actor, since, numbers)]


def migrate(
    services: Services,
    procedure: str,
    to: int | None,
    *,
    actor: str | None,
    reason: str,
    request_id: str,
    since: int | None = None,
    numbers: Collection[str] = (),
    mapping: Mapping[str, str] | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> list[Candidate]:
    """Move the cases, each as it stands at that moment; one that cannot move stays as it is, with the reasons.

    At most `limit` of them; the same call again takes the next ones. `progress` is told how many of how many are done. Raises
    as `candidates`.
    """
    must_say(reason)
    plan = _plan(services, procedure, to, mapping or {}, actor)
    rows = _rows(services, plan, actor, since, numbers)[:limit]
    found = []
    for count, row in enumerate(rows, 1):
        try:
            hindrances = _move(services, row.id, plan, actor, reason, part_of(request_id, row.id))
        except PartwellError as error:
            hindrances = [_whole(error.message)]
        found.append(_candidate(services, row, hindrances, moved=not hindrances))
        progress(count, len(rows))
    return found


def undo(
    services: Services, procedure: str, *, actor: str | None, reason: str, request_id: str, numbers: Collection[str] = ()
) -> list[Candidate]:
    """Take cases back to the version that each came from, as long as nothing has moved it since; timers run on as they did.

    Of the procedure's cases that are not closed, those that came from another version, or those of these `numbers`. Raises
    NotFound, NotAllowed.
    """
    must_say(reason)
    active = versions.numbered(services, procedure, None)
    with services.database.reading() as connection:
        versions.must_manage(connection, active, actor)
        migrated = sa.select(LedgerPage.case_id).where(LedgerPage.event == Event.CASE_MIGRATED)
        rows = _select(connection, Case.procedure == procedure, actor, numbers)
        came = set(connection.execute(migrated.where(LedgerPage.case_id.in_([row.id for row in rows]))).scalars())
    found = []
    for row in rows:
        if row.id in came or numbers:
            try:
                hindrances = _move_back(services, row.id, actor, reason, part_of(request_id, row.id))
            except PartwellError as error:
                hindrances = [_whole(error.message)]
            found.append(_candidate(services, row, hindrances, moved=not hindrances))
    return found


def any_moved(services: Services, procedure: str) -> bool:
    """Whether a case that is not closed was ever moved between versions of the procedure, so that `undo` is worth a try."""
    moved = sa.exists().where(LedgerPage.case_id == Case.id, LedgerPage.event == Event.CASE_MIGRATED)
    with services.database.reading() as connection:
        found = connection.execute(sa.select(Case.id).where(Case.procedure == procedure, Case.status != "closed", moved).limit(1))
        return found.scalar_one_or_none() is not None


def _plan(services: Services, procedure: str, to: int | None, mapping: Mapping[str, str], actor: str | None) -> _Plan:
    target = versions.numbered(services, procedure, to)
    with services.database.reading() as connection:
        versions.must_manage(connection, target, actor)
    for new in mapping.values():
        if new not in target.program.elements:
            raise NotFound(what="element", name=new)
    return _Plan(target=target, mapping=mapping)


def _rows(services: Services, plan: _Plan, actor: str | None, since: int | None, numbers: Collection[str]) -> Sequence[Any]:
    which = sa.and_(Case.procedure == plan.target.procedure, Case.version_id != plan.target.id)
    if since is not None:
        which = sa.and_(which, Case.version_id == versions.numbered(services, plan.target.procedure, since).id)
    with services.database.reading() as connection:
        return _select(connection, which, actor, numbers)


def _select(connection: sa.Connection, which: sa.ColumnElement[bool], actor: str | None, numbers: Collection[str]) -> Sequence[Any]:
    """Cases that are not closed, the oldest first. Raises NotFound for a number that is none of them."""
    cases = (
        sa.select(Case.id, Case.number, Case.title, Case.status, Case.version_id, Person.name.label("subject"))
        .join(Person, Person.id == Case.subject_id)
        .where(which, Case.status != "closed")
        .order_by(Case.started_at, Case.id)
    )
    if actor is not None:
        cases = cases.where(Case.subject_id != actor)
    if numbers:
        cases = cases.where(Case.number.in_(numbers))
    rows = connection.execute(cases).all()
    for missing in sorted(set(numbers) - {row.number for row in rows}):
        raise NotFound(what="open case on another version", name=missing)
    return rows


def _candidate(services: Services, row: Any, hindrances: Sequence[Hindrance], *, moved: bool = False) -> Candidate:
    return Candidate(
        case_id=row.id,
        number=row.number,
        title=row.title,
        title_en=timeline.title_en(services, row.version_id, row.subject),
        status=row.status,
        version=services.programs.get(row.version_id).number,
        hindrances=hindrances,
        moved=moved,
    )


# --- what is in the way


def _why_not(services: Services, row: Any, plan: _Plan) -> list[Hindrance]:
    deployed = services.programs.get(row.version_id)
    with services.database.reading() as connection:
        sealed = connection.execute(sa.select(Case.state).where(Case.id == row.id)).scalar_one()
        passed = _passed(ledger.history(connection, services.keyring, row.id)) if _has_order(plan.target) else set()
    try:
        execution = deployed.program.restore(services.keyring.unseal(sealed, state_purpose(row.id)))
        found = _moved(execution, plan, passed, services.clock.now())
    except PartwellError as error:
        return [_whole(error.message)]
    return found if isinstance(found, list) else []


def _moved(execution: Execution, plan: _Plan, passed: Collection[str], now: dt.datetime) -> tuple[Execution, Advance] | list[Hindrance]:
    """The execution on the other version, or what is in the way."""
    source, target = execution.program, plan.target.program
    unlike = [
        _hindrance(element, reason)
        for _, element in execution.waiting()
        for there in [target.elements.get(plan.mapping.get(element.id, element.id))]
        if there is not None and (reason := _unlike(element, there))
    ]
    found = source.migrate(execution, target, plan.mapping, now=now)
    if isinstance(found, list):
        return [*unlike, *(_hindrance(source.element(obstacle.element), obstacle.reason) for obstacle in found)]
    moved, _ = found
    done = {plan.mapping.get(element, element) for element in passed}
    for left_out, before in order.left_out(plan.target.files, standing=moved.places(), passed=done):
        unlike.append(_whole(f"a step of the other version would be left out: {left_out.title} → {before.title}"))
    return unlike or found


def _unlike(here: Element, there: Element) -> str | None:
    """Why what was begun at an element cannot be ended at that of the other version."""
    operation = "taskDefinition.type"
    if here.extensions.get(operation) != there.extensions.get(operation):
        return "it calls another operation there"
    if ("wf.chain" in here.properties) != ("wf.chain" in there.properties):
        return "it is approved in one version and filled in in the other"
    if here.properties.get("wf.for") != there.properties.get("wf.for"):
        return "it is the employee's own in one version and not in the other"
    return None


def _hindrance(element: Element, reason: str) -> Hindrance:
    return Hindrance(element=element.id, name=element.title, name_en=element.name_en or element.title, reason=reason)


def _whole(reason: str) -> Hindrance:
    return Hindrance(element="", name="", name_en="", reason=reason)


def _has_order(deployed: Deployed) -> bool:
    return order.RULES in deployed.files


def _passed(entries: Sequence[Entry]) -> set[str]:
    """Steps that were done at some time: by people, operations or the system."""
    return {entry.element for entry in ledger.in_present_names(ledger.standing(entries)) if entry.element and entry.event in _DONE}


# --- moving


def _move(services: Services, case_id: str, plan: _Plan, actor: str | None, reason: str, request_id: str) -> list[Hindrance]:
    """One case, as it stands now; what is in the way, or nothing once it has moved."""
    with services.database.unit() as unit:
        case = lock(unit, case_id=case_id)
        if case.version_id == plan.target.id or (actor and done_before(unit, case_id, actor=actor, request_id=request_id)):
            return []
        if case.status == "closed":
            return [_whole("the case is closed")]
        turn = Turn(services, unit, case, actor=actor, request_id=request_id)
        if actor is not None:
            must_manage(turn)
        passed = _passed(ledger.history(unit.connection, services.keyring, case_id)) if _has_order(plan.target) else set()
        found = _moved(turn.execution, plan, passed, turn.now)
        if isinstance(found, list):
            return found
        _write(turn, plan, *found, reason=reason)
        turn.commit()
    return []


def _write(
    turn: Turn, plan: _Plan, execution: Execution, advance: Advance, *, reason: str, back: Mapping[str, dt.datetime] | None = None
) -> None:
    """`back`: it is the way back; due times that timers had before, by element."""
    was = turn.deployed
    turn.onto(plan.target, execution)
    facts: Json = {"version_id": plan.target.id, "version": plan.target.number, "from": was.number, "from_id": was.id}
    said: Json = {"reason": reason.strip(), "undone": back is not None}
    turn.record(Event.CASE_MIGRATED, act="migrate", mapping=dict(plan.mapping), **facts, **said, **turn.found(advance))
    scheduled = []
    for timer in advance.scheduled:
        due = back.get(timer.element) if back else None
        if due is not None:
            execution.reschedule(timer.instance, due, now=turn.now)
            turn.record(Event.TIMER_MOVED, element=timer.element, act="reschedule", instance=timer.instance, due=due.isoformat())
        scheduled.append(dataclasses.replace(timer, due=due or timer.due))
    turn.apply(dataclasses.replace(advance, scheduled=scheduled))
    _rename(turn, execution)


def _rename(turn: Turn, execution: Execution) -> None:
    """Work items, jobs, messages and incidents are called what the other version calls them; their instances stay."""
    now = dict(execution.waiting())
    connection = turn.unit.connection
    for table, open_ones in (
        (WorkItem, WorkItem.status == "open"),
        (Job, Job.state.in_(("waiting", "leased", "failed"))),
        (Subscription, sa.true()),
        (Incident, Incident.resolved_at.is_(None)),
    ):
        named = [table.name, table.name_en, table.lane] if table is WorkItem else []
        columns = [table.instance, table.element, *named]
        for row in connection.execute(sa.select(*columns).where(table.case_id == turn.case.id, open_ones)).all():
            if (element := now.get(row.instance)) is None:
                continue
            called: dict[str, Any] = {"element": element.id}
            if table is WorkItem:
                called |= {
                    "name": element.title[:200],
                    "name_en": (element.name_en or element.title)[:200],
                    "lane": element.lane[:200] if element.lane else None,
                }
            if any(row._mapping[column] != value for column, value in called.items()):
                own = sa.and_(table.case_id == turn.case.id, table.instance == row.instance, open_ones)
                connection.execute(sa.update(table).where(own).values(called))


def _move_back(services: Services, case_id: str, actor: str | None, reason: str, request_id: str) -> list[Hindrance]:
    with services.database.unit() as unit:
        case = lock(unit, case_id=case_id)
        if actor and done_before(unit, case_id, actor=actor, request_id=request_id):
            return []
        turn = Turn(services, unit, case, actor=actor, request_id=request_id)
        if actor is not None:
            must_manage(turn)
        entries = ledger.history(unit.connection, services.keyring, case_id)
        move, since = _last_move(entries)
        if move is None:
            return [_whole("it came from no other version")]
        if since is not None:
            return [_whole("something has happened in it since it came from the other version")]
        mapping = {new: old for old, new in move.payload["mapping"].items()}
        if len(mapping) < len(move.payload["mapping"]):
            raise NotAllowed(reason="several elements became one, so the way back is not certain")
        plan = _Plan(target=services.programs.get(str(move.payload["from_id"])), mapping=mapping)
        found = turn.execution.program.migrate(turn.execution, plan.target.program, mapping, now=turn.now)
        if isinstance(found, list):
            return [_hindrance(turn.deployed.program.element(obstacle.element), obstacle.reason) for obstacle in found]
        dropped = sa.and_(Job.case_id == case_id, Job.kind == "timer", Job.state == "dropped", Job.finished_at == move.at)
        back = {job.element: job.due_at for job in unit.connection.execute(sa.select(Job.element, Job.due_at).where(dropped))}
        _write(turn, plan, *found, reason=reason, back=back)
        turn.commit()
    return []


def _last_move(entries: Sequence[Entry]) -> tuple[Entry | None, Entry | None]:
    """The last migration, and what moved the case after it."""
    move, since = None, None
    for entry in entries:
        if entry.event == Event.CASE_MIGRATED:
            move, since = None if entry.payload["undone"] else entry, None
        elif "act" in entry.payload and entry.event != Event.TIMER_MOVED:
            since = entry
    return move, since
