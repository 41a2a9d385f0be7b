"""A completion taken back: the case as it would stand had the work item not been completed, with all that happened beside it.

That is found by playing the ledger again without the completion (`replay`). What others did since in another branch is played as
it was. What cannot be played without it, or comes to something else, followed from it: then it is too late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import ledger, timeline
from .bpmn.advance import Advance, Left
from .bpmn.model import Element
from .bpmn.normalise import AWAITED
from .bpmn.runtime import Execution
from .db import Statement
from .errors import ActedOn, GoneOn, ReplayStopped, WayClosed
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

_OPEN = Statement(sa.update(WorkItem).where(WorkItem.id == sa.bindparam("item_id")).values(status="open", closed_at=None))
_LEAVE = Statement(
    sa.update(WorkItem)
    .where(WorkItem.id == sa.bindparam("item_id"), WorkItem.status == "completed")
    .values(status="left", closed_at=sa.bindparam("at"))
)
_RING_AGAIN = Statement(
    sa.update(Job)
    .where(Job.id == sa.bindparam("job_id"))
    .values(state="waiting", attempts=0, finished_at=None, lease=None, lease_until=None)
)


@dataclass(frozen=True, kw_only=True)
class Rewound:
    """The case without a completion."""

    execution: Execution
    #: numbers of the first and the last entry that count no more
    withdrawn: tuple[int, int]
    #: how often elements were reached, where that is more often than without the completion: no instance gets a number twice
    counts: Mapping[str, int]
    #: what waits now and would not: instance and element
    vanishing: Mapping[str, Element]
    #: events that would still wait beside the item
    again: Sequence[str]
    #: rows of jobs of timers among them
    timers: Sequence[Any]
    #: ids of items that went on by themselves since nobody had to sign
    by_rule: Sequence[str]
    #: what was filled in
    values: Mapping[str, Json]

    @property
    def told(self) -> dict[str, Json]:
        """What the ledger keeps, so that it leads to the same state."""
        return {"act": "withdraw", "withdrawn": list(self.withdrawn), "counts": dict(self.counts), "again": list(self.again)}


def rewound(services: Services, connection: sa.Connection, case: Any, execution: Execution, item: Any) -> Rewound:
    """What taking back the completion of an item would lead to; nothing is changed.

    `case`, `item`: rows; `execution`: the case as it stands. Raises ActedOn with whoever acted on what it opened, GoneOn for an
    operation that has begun or an event that has happened since, WayClosed where others' work ended with it.
    """
    entries = ledger.standing(ledger.history(connection, services.keyring, case.id))
    done = next((e for e in reversed(entries) if e.event == Event.ITEM_COMPLETED and e.payload.get("item") == item.id), None)
    if done is None:
        raise WayClosed(element=item.name, reason="it was not completed by anybody")
    last = _last_of_page(connection, case.id, done.number)
    before = [e for e in entries if e.number < done.number]
    page = [e for e in entries if done.number <= e.number <= last]
    since = [e for e in entries if e.number > last]
    for entry in page:
        if entry.event in _TAKEN_OR_SENT:
            raise GoneOn(element=_title(services, connection, case, entry.element))
    for entry in since:
        if entry.payload.get("act") in _OF_THE_CASE:
            raise ActedOn(who=entry.actor or "")
    found = _without(services, connection, case, execution, before, page, since)
    now, then = dict(execution.waiting()), dict(found.waiting())
    vanishing = {instance: element for instance, element in now.items() if instance not in then}
    again = sorted(instance for instance in then if instance not in now and instance != item.instance)
    if item.instance not in then or item.instance in now or any(then[one].event not in AWAITED for one in again):
        raise WayClosed(element=item.name, reason="other work ended with it")
    _must_be_untouched(connection, case.id, vanishing)
    return Rewound(
        execution=found,
        withdrawn=(done.number, last),
        counts={element: number for element, number in execution.visits.items() if number > found.visits.get(element, 0)},
        vanishing=vanishing,
        again=again,
        timers=_timers(connection, case.id, item, {one: then[one] for one in again}),
        by_rule=[str(e.payload["item"]) for e in page if e.event == Event.ITEM_COMPLETED and e.payload.get("item") != item.id],
        values=done.payload["values"],
    )


def rewind(turn: Turn, item_id: str, to: Rewound) -> None:
    """The case stands at the item again; the caller has just recorded `Rewound.told`. Raises GoneOn for what begins at this moment."""
    unit = turn.unit
    for instance, element in to.vanishing.items():
        _keep_from_starting(turn, instance, element)
        if element.kind == "userTask" and (vanishing := _item(unit.connection, turn.case.id, instance)):
            vanished(turn, vanishing)
    unit.write(_OPEN, item_id=item_id)
    for by_rule in to.by_rule:
        unit.write(_LEAVE, item_id=by_rule, at=turn.now)
    turn.begin(to.execution)
    advance = to.execution.withdraw(to.counts, to.again, now=turn.now)
    for job in to.timers:
        unit.write(_RING_AGAIN, job_id=job.id)
        turn.services.carrier.defer(unit, job.id, job.due_at)
    advance.scheduled.clear()  # their jobs are there
    advance.left += [Left(instance=instance, element=element.id, by=None) for instance, element in to.vanishing.items()]
    turn.apply(advance)


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
    passed = [(one.element, {k: v for k, v in one.payload.items() if k != "salt"}) for one in entries if one.event == Event.ELEMENT_PASSED]
    stuck = {one.element for one in entries if one.event == Event.INCIDENT_OPENED}
    for advance in happened:
        for way in advance.passed:
            if way.detail and (way.element, dict(way.detail)) not in passed:
                return way.element
        for found in advance.stuck:
            if found.element not in stuck:
                return found.element
    return None


def _more(visits: Mapping[str, int], before: Mapping[str, int]) -> set[str]:
    """Elements that were reached more often than before."""
    return {element for element, number in visits.items() if number > before.get(element, 0)}


def _must_be_untouched(connection: sa.Connection, case_id: str, vanishing: Mapping[str, Element]) -> None:
    """Raises ActedOn for a person who decided, passed on or asked somebody in what vanishes, GoneOn for an operation that has begun."""
    acted = sa.select(SignOff.decided_by, SignOff.by_position, SignOff.item_id).join(WorkItem, WorkItem.id == SignOff.item_id)
    acted = acted.where(WorkItem.case_id == case_id, WorkItem.instance.in_(vanishing), SignOff.state != "withdrawn")
    for row in connection.execute(acted.where(sa.or_(SignOff.decided_by.is_not(None), SignOff.by_position.is_not(None)))).all():
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


def _timers(connection: sa.Connection, case_id: str, item: Any, again: Mapping[str, Element]) -> list[Any]:
    """The jobs of the timers that wait again. Raises WayClosed unless each event among them was left, and so can wait once more."""
    jobs = sa.select(Job.id, Job.state, Job.due_at).where(Job.case_id == case_id, Job.kind == "timer", Job.instance.in_(again))
    rows = connection.execute(jobs).all()
    timers = sum(element.event == "timer" for element in again.values())
    waiting = sa.select(Subscription.instance).where(Subscription.case_id == case_id, Subscription.instance.in_(again)).limit(1)
    if len(rows) != timers or any(row.state != "dropped" for row in rows) or connection.execute(waiting).first():
        raise WayClosed(element=item.name, reason="an event beside it cannot wait again")
    return list(rows)


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
