"""What moved the case taken back: a work item that was completed, a return to an earlier one, a start form that was sent again.

The case as it would stand without it, with all that happened beside it, is found by playing the ledger again without it (`replay`).
What others did since in another branch is played as it was. What cannot be played without it, or comes to something else, followed
from it: then it is too late. Work that a return had left, in other branches, too, is open again (`reopening`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import ledger, reopening, timeline
from .bpmn.advance import Advance, Left
from .bpmn.model import Element
from .bpmn.normalise import AWAITED
from .bpmn.runtime import Execution
from .db import Statement
from .errors import ActedOn, DecidedByRule, GoneOn, ItemClosed, ReplayStopped, WayClosed
from .ledger import Entry, Event
from .models import Job, LedgerPage, SignOff, Subscription, WorkItem
from .notices.telling import holders
from .ports import Json
from .replay import Player

if TYPE_CHECKING:
    from .services import Services
    from .turn import Turn

#: after them the case stands where nobody can say any more what it would be without what happened before
_OF_THE_CASE = frozenset(("migrate", "compensate", "reopen"))
#: they reach others with the completion itself
_TAKEN_OR_SENT = frozenset((Event.MESSAGE_RECEIVED, Event.MESSAGE_SENT, Event.SIGNAL_SENT))

_LEAVE = Statement(
    sa.update(WorkItem)
    .where(WorkItem.id == sa.bindparam("item_id"), WorkItem.status == "completed")
    .values(status="left", closed_at=sa.bindparam("at"))
)


@dataclass(frozen=True, kw_only=True)
class Rewound:
    """The case without what was done with an item."""

    execution: Execution
    #: numbers of the first and the last entry that count no more
    withdrawn: tuple[int, int]
    #: how often elements were reached, where that is more often than without it: no instance gets a number twice
    counts: Mapping[str, int]
    #: what waits now and would not: instance and element
    vanishing: Mapping[str, Element]
    #: events that would still wait
    again: Sequence[str]
    #: rows of jobs among them, and of operations that would still wait to be called
    jobs: Sequence[Any]
    #: work that would still be open in other branches
    reopened: Sequence[reopening.Ended]
    #: row of the item whose approval waits for it, where it is a start form that was sent again
    corrected: Any
    #: ids of items that went on by themselves since nobody had to sign
    by_rule: Sequence[str]
    #: what was filled in
    values: Mapping[str, Json]

    @property
    def told(self) -> dict[str, Json]:
        """What the ledger keeps, so that it leads to the same state."""
        told = {"act": "withdraw", "withdrawn": list(self.withdrawn), "counts": dict(self.counts), "again": list(self.again)}
        return {**told, **({"reopened": [one.item.id for one in self.reopened]} if self.reopened else {})}


def rewound(services: Services, connection: sa.Connection, case: Any, execution: Execution, item: Any) -> Rewound:
    """What taking back what was done last with an item would lead to; nothing is changed.

    `case`, `item`: rows; `execution`: the case as it stands. Raises ActedOn with whoever acted on what it opened, DecidedByRule where a
    rule decided in it, GoneOn for an operation that has begun or an event that has happened since, WayClosed where others' work ended
    with it that cannot go on, ItemClosed where the procedure had left the item before.
    """
    entries = ledger.standing(ledger.history(connection, services.keyring, case.id))
    what = Event.CASE_RESUBMITTED if item.corrects else Event.STEP_RETURNED if item.status == "left" else Event.ITEM_COMPLETED
    done = next((e for e in reversed(entries) if e.event == what and e.payload.get("item") == item.id), None)
    last = _last_of_page(connection, case.id, done.number) if done else 0
    page = [e for e in entries if done and done.number <= e.number <= last]
    if item.status == "left" and not any(entry.event == Event.CASE_RETURNED for entry in page):
        raise ItemClosed(reason="the procedure went on without it")
    if done is None:
        raise WayClosed(element=item.name, reason="it was not completed by anybody")
    before = [e for e in entries if e.number < done.number]
    since = [e for e in entries if e.number > last]
    for entry in page:
        if entry.event in _TAKEN_OR_SENT:
            raise GoneOn(element=_title(services, connection, case, entry.element))
    for entry in since:
        if entry.payload.get("act") in _OF_THE_CASE:
            raise ActedOn(who=entry.actor or "")
    found = _without(services, connection, case, execution, before, page, since)
    corrected = _corrected(connection, item)
    own = corrected.instance if item.corrects else item.instance
    now, then = dict(execution.waiting()), dict(found.waiting())
    vanishing = {instance: element for instance, element in now.items() if instance not in then}
    again = {instance: then[instance] for instance in sorted(then) if instance not in now and instance != own}
    work = {instance: element for instance, element in again.items() if element.kind == "userTask"}
    rest = {instance: element for instance, element in again.items() if instance not in work}
    ended = what == Event.ITEM_COMPLETED and any(element.event not in AWAITED for element in again.values())
    if own not in then or (own in now and not item.corrects) or ended:
        raise WayClosed(element=item.name, reason="other work ended with it")
    _must_be_untouched(connection, case.id, vanishing, item)
    return Rewound(
        execution=found,
        withdrawn=(done.number, last),
        counts={element: number for element, number in execution.visits.items() if number > found.visits.get(element, 0)},
        vanishing=vanishing,
        again=[instance for instance, element in rest.items() if element.event in AWAITED],
        jobs=_jobs(connection, case.id, item, rest),
        reopened=reopening.ended(connection, case.id, work),
        corrected=corrected,
        by_rule=[
            str(e.payload["item"])
            for e in page
            if e.event == Event.ITEM_COMPLETED and e.payload.get("item") not in (item.id, item.corrects)
        ],
        values=done.payload.get("values", {}),
    )


def followed(services: Services, connection: sa.Connection, item: Any) -> bool:
    """Whether work that completing an item opened was done since, or a call that it asked for was tried: then it is too late.

    Work that went on by itself with the completion, since nobody had to sign, was done by nobody and is taken back with it. That
    much is told by what was written then, without playing the case; `rewound` knows the rest.
    """
    if item.status != "completed" or item.corrects:
        return False
    entries = ledger.written_at(connection, services.keyring, item.case_id, item.closed_at)
    done = next((e for e in reversed(entries) if e.event == Event.ITEM_COMPLETED and e.payload.get("item") == item.id), None)
    if done is None:
        return False
    last = _last_of_page(connection, item.case_id, done.number)
    page = [entry for entry in entries if done.number < entry.number <= last]
    by_rule = {entry.payload.get("item") for entry in page if entry.event == Event.ITEM_COMPLETED}
    opened = [entry.payload["item"] for entry in page if entry.event == Event.ITEM_OPENED and entry.payload["item"] not in by_rule]
    asked = [entry.payload["instance"] for entry in page if entry.event == Event.OPERATION_REQUESTED]
    acted = sa.select(WorkItem.id).where(WorkItem.id.in_(opened), WorkItem.status == "completed")
    own = (Job.case_id == item.case_id, Job.instance.in_(asked), Job.kind == "operation")
    begun = sa.select(Job.id).where(*own, sa.or_(Job.state.in_(("leased", "failed", "done")), Job.attempts > 0))
    return any(given and connection.execute(found.limit(1)).first() for given, found in ((opened, acted), (asked, begun)))


def rewind(turn: Turn, item_id: str, to: Rewound) -> None:
    """The case stands at the item again; the caller has just recorded `Rewound.told`. Raises GoneOn for what begins at this moment."""
    unit = turn.unit
    for instance, element in to.vanishing.items():
        _keep_from_starting(turn, instance, element)
        if element.kind == "userTask" and (vanishing := _item(unit.connection, turn.case.id, instance)):
            vanished(turn, vanishing)
    for opened in (item_id, *([to.corrected.id] if to.corrected else [])):
        unit.write(reopening.OPEN, item_id=opened)
    for by_rule in to.by_rule:
        unit.write(_LEAVE, item_id=by_rule, at=turn.now)
    turn.begin(to.execution)
    advance = to.execution.withdraw(to.counts, to.again, now=turn.now)
    for job in to.jobs:
        unit.write(reopening.RING_AGAIN, job_id=job.id)
        turn.services.carrier.defer(unit, job.id, job.due_at)
    advance.scheduled.clear()  # their jobs are there
    advance.left += [Left(instance=instance, element=element.id, by=None) for instance, element in to.vanishing.items()]
    turn.apply(advance)
    reopening.reopen(turn, to.reopened)


def vanished(turn: Turn, item_id: str) -> None:
    """Whoever may act in an open item is told that it is not theirs to do any more."""
    persons, roles = holders(turn.unit.connection, item_id)
    turn.tell("withdrawn", persons, roles=roles, item=item_id)


def _without(
    services: Services,
    connection: sa.Connection,
    case: Any,
    now: Execution,
    before: Sequence[Entry],
    page: Sequence[Entry],
    since: Sequence[Entry],
) -> Execution:
    """The execution after what happened `before` and `since`, but for what the `page` did. Raises ActedOn, GoneOn."""
    player, program = Player(services.programs, services.calendars), services.programs.get(case.version_id).program
    try:
        execution = player.play(before)
        stood, visits = execution.dump(), execution.visits
        execution = player.play(page, execution)
        reached, visits = _more(execution.visits, visits), execution.visits
        happened: list[Advance] = []
        execution = player.play(since, execution.program.restore(stood), happened.append)
    except ReplayStopped as stopped:
        entry = next((one for one in since if one.number == stopped.facts["entry"]), None)
        if entry is None:
            raise WayClosed(
                element=_title(services, connection, case, page[0].element), reason="its ledger does not lead there any more"
            ) from stopped
        if entry.actor:
            raise ActedOn(who=entry.actor) from stopped
        raise GoneOn(element=_title(services, connection, case, entry.element)) from stopped
    if other := _otherwise(since, happened):
        raise GoneOn(element=_title(services, connection, case, other))
    # what both reached has other numbers without the completion
    if both := reached & _more(now.visits, visits):
        raise GoneOn(element=_title(services, connection, case, min(both)))
    return program.restore(execution.dump())


def _otherwise(entries: Sequence[Entry], happened: Sequence[Advance]) -> str | None:
    """The element at which it `happened` otherwise than the `entries` tell, if there is one: another way was taken, or none found."""
    passed = [(one.element, _told(one.payload)) for one in entries if one.event == Event.ELEMENT_PASSED]
    stuck = {one.element for one in entries if one.event == Event.INCIDENT_OPENED}
    for advance in happened:
        for way in advance.passed:
            if way.detail and (way.element, _told(way.detail)) not in passed:
                return way.element
        for found in advance.stuck:
            if found.element not in stuck:
                return found.element
    return None


def _told(detail: Mapping[str, Json]) -> dict[str, Json]:
    """What every release writes of an element that was passed."""
    return {name: value for name, value in detail.items() if name not in ("salt", "reached")}


def _more(visits: Mapping[str, int], before: Mapping[str, int]) -> set[str]:
    """Elements that were reached more often than before."""
    return {element for element, number in visits.items() if number > before.get(element, 0)}


def _must_be_untouched(connection: sa.Connection, case_id: str, vanishing: Mapping[str, Element], item: Any) -> None:
    """Raises ActedOn for a person who decided, passed on or asked somebody in what vanishes, DecidedByRule for a rule that decided there,
    GoneOn for an operation that has begun.

    What was opened in the item that a start form (`item`) corrects vanishes, too, once that is to be sent again.
    """
    in_vanishing = sa.and_(WorkItem.case_id == case_id, WorkItem.instance.in_(vanishing))
    if item.corrects:
        in_vanishing = sa.or_(in_vanishing, sa.and_(SignOff.item_id == item.corrects, SignOff.round_id > item.id))
    acted = sa.select(SignOff.decided_by, SignOff.by_position, SignOff.item_id, SignOff.state).join(
        WorkItem, WorkItem.id == SignOff.item_id
    )
    acted = acted.where(in_vanishing, SignOff.state != "withdrawn")
    decided = SignOff.state.in_(("approved", "rejected"))
    told = (SignOff.decided_by.is_not(None), SignOff.by_position.is_not(None), decided)
    for row in connection.execute(acted.where(sa.or_(*told)).order_by(SignOff.id)).all():
        if row.decided_by is None and row.state in ("approved", "rejected"):
            raise DecidedByRule()
        who = row.decided_by or _asked_by(connection, row.item_id, row.by_position)
        raise ActedOn(who=who or "")
    begun = sa.select(Job.instance).where(Job.case_id == case_id, Job.instance.in_(vanishing), Job.kind == "operation")
    for instance in connection.execute(begun.where(sa.or_(Job.state != "waiting", Job.attempts > 0))).scalars():
        raise GoneOn(element=vanishing[instance].title)


def _asked_by(connection: sa.Connection, item_id: str, position: int) -> str | None:
    asked = sa.select(SignOff.person_id).where(SignOff.item_id == item_id, SignOff.position == position)
    return connection.execute(asked.order_by(SignOff.id.desc()).limit(1)).scalar_one_or_none()


def _keep_from_starting(turn: Turn, instance: str, element: Element) -> None:
    """At once, since whoever claims jobs does not ask for the case's lock."""
    own = (Job.case_id == turn.case.id, Job.instance == instance, Job.kind == "operation")
    connection = turn.unit.connection
    dropped = sa.update(Job).where(*own, Job.state == "waiting", Job.attempts == 0).values(state="dropped", finished_at=turn.now)
    connection.execute(dropped)
    if connection.execute(sa.select(Job.id).where(*own, Job.state != "dropped")).first():
        raise GoneOn(element=element.title)


def _jobs(connection: sa.Connection, case_id: str, item: Any, again: Mapping[str, Element]) -> list[Any]:
    """The jobs of the timers that wait again, and of the operations.

    Raises WayClosed unless each event and operation among them was left before anything came of it, and so can wait once more.
    """
    kinds = sa.and_(Job.case_id == case_id, Job.kind.in_(("timer", "operation")), Job.instance.in_(again))
    rows = connection.execute(sa.select(Job.id, Job.kind, Job.state, Job.attempts, Job.due_at).where(kinds)).all()
    wanted = sum(element.event == "timer" or element.event not in AWAITED for element in again.values())
    begun = any(row.state != "dropped" or (row.kind == "operation" and row.attempts) for row in rows)
    waiting = sa.select(Subscription.instance).where(Subscription.case_id == case_id, Subscription.instance.in_(again)).limit(1)
    if len(rows) != wanted or begun or connection.execute(waiting).first():
        raise WayClosed(element=item.name, reason="what stood beside it cannot wait again")
    return list(rows)


def _corrected(connection: sa.Connection, item: Any) -> Any:
    """The row {id, instance, status} of the item that a start form corrects; None for another item."""
    found = sa.select(WorkItem.id, WorkItem.instance, WorkItem.status).where(WorkItem.id == item.corrects)
    return connection.execute(found).one() if item.corrects else None


def _item(connection: sa.Connection, case_id: str, instance: str) -> str | None:
    found = sa.select(WorkItem.id).where(WorkItem.case_id == case_id, WorkItem.instance == instance, WorkItem.status == "open")
    return connection.execute(found).scalar_one_or_none()


def _last_of_page(connection: sa.Connection, case_id: str, number: int) -> int:
    """Number of the last entry that was written with this one."""
    pages = sa.select(LedgerPage.number, LedgerPage.digests).where(LedgerPage.case_id == case_id, LedgerPage.number <= number)
    page = connection.execute(pages.order_by(LedgerPage.number.desc()).limit(1)).one()
    return ledger.last_of(page)


def _title(services: Services, connection: sa.Connection, case: Any, element: str | None) -> str:
    known = timeline.element_of(timeline.versions_of(services, connection, case), element)
    return known[1].title if known else element or ""
