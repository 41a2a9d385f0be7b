"""One turn of a case: everything that one user action, timer or answer does, in one transaction under the case's row lock.

    with services.database.unit() as unit:
        turn = Turn(services, unit, lock(unit, case_id=…), actor=…)
        turn.record(Event.…)
        turn.apply(turn.execution.complete(…))
        turn.commit()

The live execution is taken out of the cache and put back only after the commit; any exception drops it.
"""

from __future__ import annotations

import datetime as dt
import functools
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import announcing, items, ledger, observe, rounds, subscriptions
from .bpmn.advance import Advance, Awaited, Opened, Requested, Scheduled, Thrown
from .bpmn.model import Element
from .bpmn.runtime import Execution
from .db import Statement, Unit
from .deferral import DROP_ALL_JOBS, DROP_JOBS, DROP_SEALING, MOVE_SIGNALS, SEAL, add_job, add_signal_jobs
from .errors import FlowStuck, PartwellError, SealBroken, StateUnreadable
from .ledger import Event
from .locking import LOCK
from .models import Case, Ending, Incident, LedgerPage, new_id
from .notices.telling import Told, tell
from .ports import Happened, Json
from .projecting.enqueuing import show_again

if TYPE_CHECKING:
    from .procedures import Deployed
    from .services import Services

#: approvals of one case that go on by themselves in one turn; more are a circle
MOST_UNSIGNED = 100
#: columns that are set when a case is born and never again
_BORN = (Case.number, Case.procedure, Case.version_id, Case.title, Case.subject_id, Case.initiator_id)
_STATE = Statement(sa.select(Case.state).where(Case.id == sa.bindparam("case_id")))


@functools.cache
def _update(*columns: str) -> Statement:
    """The update of a case's row that sets these columns and no other."""
    return Statement(sa.update(Case).where(Case.id == sa.bindparam("case_id")).values({c: sa.bindparam(c) for c in columns}))


_END_INCIDENTS = Statement(
    sa.update(Incident)
    .where(Incident.case_id == sa.bindparam("case_id"), Incident.instance == sa.bindparam("instance"), Incident.resolved_at.is_(None))
    .values(resolved_at=sa.bindparam("at"), resolution="left")
)
_LAPSE_ENDINGS = Statement(
    sa.update(Ending).where(Ending.case_id == sa.bindparam("case_id"), Ending.state == "asked").values(state="lapsed")
)
_OPEN_INCIDENTS = Statement(
    sa.select(Incident.id, Incident.instance).where(Incident.case_id == sa.bindparam("case_id"), Incident.resolved_at.is_(None))
)
_PAGE = Statement(
    sa.select(LedgerPage.digests).where(LedgerPage.case_id == sa.bindparam("case_id"), LedgerPage.number == sa.bindparam("number"))
)


class Turn:
    """What happens in a case now; nothing of it is visible before `commit()`."""

    def __init__(
        self,
        services: Services,
        unit: Unit,
        case: Any,
        *,
        actor: str | None,
        request_id: str | None = None,
        execution: Execution | None = None,
    ) -> None:
        self.services = services
        self.unit = unit
        self.case = case
        self.actor = actor
        self.now: dt.datetime = services.clock.now()
        self.deployed: Deployed = services.programs.get(case.version_id)
        #: the version that it came from in this turn
        self._former: Deployed | None = None
        self.status: str = case.status
        self.outcome: str | None = case.outcome
        self.incidents: int = case.incidents
        self._closed_at: dt.datetime | None = None
        self._voided_at: dt.datetime | None = None
        #: what the ledger is told, and where the case's chain stands
        self.page = ledger.Page(case_id=case.id, entries=case.entries, head=case.head, at=self.now, actor=actor, request_id=request_id)
        self._execution = execution
        self._moved = False
        self._began = time.perf_counter()
        self._events: list[str] = []
        #: the same for outside systems, where there are some to tell
        self._happened: list[Happened] = []
        #: what people are told with it
        self.told: list[Told] = []
        #: ids of kept messages that the case takes in this turn
        self.taken: set[str] = set()
        #: whom people chose to sign steps, once somebody asked (`engine.choices`)
        self.choices: list[Any] | None = None
        #: items that went on because nobody had to sign
        self._unsigned = 0

    @property
    def execution(self) -> Execution:
        """The case's execution: the live one if it is the row's revision, else restored. Raises StateUnreadable."""
        if self._execution is None:
            live = self.services.live.take(self.case.id, self.case.revision)
            observe.LIVE_CASES.labels("live" if live else "restored").inc()
            self._execution = live or self._restore()
        return self._execution

    def _restore(self) -> Execution:
        sealed = self.unit.one(_STATE, case_id=self.case.id).state
        try:
            state = self.services.keyring.unseal(sealed, state_purpose(self.case.id))
        except SealBroken as error:
            raise StateUnreadable(case=self.case.number, reason=error.message) from error
        return self.deployed.program.restore(state)

    @property
    def moved(self) -> bool:
        """Whether anything has happened to the execution."""
        return self._moved

    def record(self, event: Event, *, element: str | None = None, **payload: Json) -> None:
        """A ledger entry."""
        self.page.append(event, element=element, **payload)
        self._events.append(event)
        if self.services.listeners:
            ids = {name: payload.get(name) for name in ("item", "incident")}
            self._happened.append(Happened(number=self.page.entries, event=event, element=element, **ids))

    def apply(self, advance: Advance) -> None:
        """Write down what the runtime did. What began and was left again within it never waited for anybody."""
        self._moved = True
        left = {gone.instance for gone in advance.left}
        began: list[Opened | Requested | Scheduled | Awaited] = [
            *advance.opened,
            *advance.requested,
            *advance.scheduled,
            *advance.awaited,
        ]
        begun = {new.instance for new in began}
        for passed in advance.passed:
            if passed.detail:
                self.record(Event.ELEMENT_PASSED, element=passed.element, **passed.detail)
        for written in advance.written:
            if written.over:
                self.record(Event.VARIABLE_OVERWRITTEN, element=written.element, name=written.name, written_by=written.over)
        for gone in advance.left:
            if gone.instance not in begun:
                self._leave(gone.instance, gone.element, gone.by)
        unsigned = [item for opened in advance.opened if opened.instance not in left and (item := items.open_item(self, opened))]
        for requested in advance.requested:
            if requested.instance not in left:
                self._request(requested)
        for scheduled in advance.scheduled:
            if scheduled.instance not in left:
                self._add_job("timer", scheduled.element, scheduled.instance, due=scheduled.due, attempts=5)
        for thrown in advance.thrown:
            self._throw(thrown)
        for awaited in advance.awaited:
            if awaited.instance not in left:
                self._await(awaited)
        for stuck in advance.stuck:
            if stuck.instance not in left:
                self.incident(stuck.element, stuck.instance, stuck.error)
        if advance.finished:
            self.close(advance.outcome or "completed")
        for item in unsigned:
            self._pass(item)

    def _pass(self, item: rounds.Chained) -> None:
        """An item whose chain needs nobody goes on by itself, unless what was done for another one has left it meanwhile."""
        if not any(instance == item.instance for instance, _ in self.execution.waiting()):
            return
        self._unsigned += 1
        if self._unsigned > MOST_UNSIGNED:
            raise FlowStuck(element=item.element, reason="one approval after the other needs nobody, in a circle")
        items.pass_unsigned(self, item)

    def act(
        self, event: Event, verb: str, *, element: str | None, also: Mapping[str, Json] | None = None, **arguments: Json
    ) -> Advance | None:
        """Something happens to the execution: `verb(**arguments)`, written down so that the case can be rebuilt from its ledger.

        `also`: what else the entry tells. None when the execution takes no notice (an error that nothing catches); then
        nothing is written.
        """
        advance: Advance | None = getattr(self.execution, verb)(**arguments, now=self.now)
        if advance is None:
            return None
        self.record(event, element=element, act=verb, **arguments, **self.found(advance), **(also or {}))
        self.apply(advance)
        return advance

    def found(self, advance: Advance) -> dict[str, Json]:
        """What an act took from outside the case: versions that it called, and times that a calendar gave, by instance."""
        elements = self.deployed.program.elements
        dues: Json = {s.instance: s.due.isoformat() for s in advance.scheduled if "wf.calendar" in elements[s.element].properties}
        outside = {"called": advance.called, "dues": dues}
        return {name: value for name, value in outside.items() if value}

    def deliver(self, instance: str, event: Event, name: str, values: Mapping[str, Json], **facts: Json) -> None:
        """A message or signal arrives at what waits for it. Signals on their way to it find it again if it waits on."""
        element = self.execution.element(instance)
        subscriptions.close_wait(self, instance)
        advance = self.act(event, "deliver", element=element.id, instance=instance, values=dict(values), also={"name": name, **facts})
        if element.event == "signal" and advance is not None:
            again = next((new.instance for new in advance.awaited if new.element == element.id and not element.interrupting), None)
            if again:
                self.unit.write(MOVE_SIGNALS, case_id=self.case.id, instance=instance, again=again)
            else:
                self._end_work(instance, element.id)

    def ask_again(self) -> None:
        """Take the messages that were kept while the case could take nothing."""
        for instance, name, message_id, values in subscriptions.ask_again(self):
            self.deliver(instance, Event.MESSAGE_RECEIVED, name, values, message=message_id)

    def _await(self, awaited: Awaited) -> None:
        if not any(instance == awaited.instance for instance, _ in self.execution.waiting()):
            return  # a message that was kept for another wait has just ended this one
        if kept := subscriptions.open_wait(self, awaited):
            message_id, values = kept
            self.deliver(awaited.instance, Event.MESSAGE_RECEIVED, awaited.name, values, message=message_id)

    def _throw(self, thrown: Thrown) -> None:
        """A message goes to its receiver by a job of its own; a signal by one for each case that waits now."""
        event = Event.MESSAGE_SENT if thrown.kind == "message" else Event.SIGNAL_SENT
        self.record(event, element=thrown.element, instance=thrown.instance, name=thrown.name, values=dict(thrown.values))
        if thrown.kind == "message":
            payload = {"name": thrown.name, "key": thrown.key, "values": dict(thrown.values)}
            self._add_job("message", thrown.element, thrown.instance, attempts=5, payload=payload)
            return
        waits = [wait for wait in subscriptions.signal_waits(self.unit, thrown.name) if wait.case_id != self.case.id]
        source = f"{self.case.id}:{thrown.instance}"
        add_signal_jobs(self.services, self.unit, waits, thrown.name, thrown.values, source=source, at=self.now)

    def incident(self, element: str, instance: str, error: PartwellError, *, job_id: str | None = None) -> None:
        """Something a person must look at; the case keeps running everywhere else."""
        facts = {name: str(value) for name, value in error.facts.items()}
        incident_id = new_id()
        self.unit.add(
            Incident,
            id=incident_id,
            case_id=self.case.id,
            element=element,
            instance=instance,
            job_id=job_id,
            code=error.code,
            template=error.template,
            facts=facts,
            opened_at=self.now,
        )
        self.incidents += 1
        self.record(Event.INCIDENT_OPENED, element=element, incident=incident_id, code=error.code, message=error.message)

    def tell(self, kind: str, persons: Sequence[str | None], *, roles: Sequence[str] = (), item: str | None = None) -> None:
        """People are told with the commit: one of `engine.notices.kinds.KINDS`."""
        if self.services.notifiers:
            self.told.append(Told(kind=kind, persons=[one for one in persons if one], roles=roles, item=item))

    def onto(self, version: Deployed, execution: Execution) -> None:
        """The case goes on on another version, with the execution that was made for it."""
        self._former, self.deployed, self._execution = self.deployed, version, execution

    def begin(self, execution: Execution) -> None:
        """The execution of a case that was just born, or is another one since something was withdrawn."""
        self._execution = execution

    def drop_jobs(self) -> None:
        """Nothing that has not started runs any more; what is running may finish, its result is not applied."""
        self.unit.write(DROP_ALL_JOBS, case_id=self.case.id, at=self.now)

    def close(self, outcome: str, **payload: Json) -> None:
        """The case is over; it is sealed by a job of its own."""
        self.status, self.outcome, self._closed_at = "closed", outcome, self.now
        self.record(Event.CASE_CLOSED, outcome=outcome, **payload)
        self.tell("case_cancelled" if payload.get("act") == "cancel" else "case_closed", [self.case.initiator_id])
        self.seal()

    def seal(self) -> None:
        """What is known of a closed case by now is sealed, by a job of its own."""
        self._add_job("seal", "", SEAL, due=self.now, attempts=5, key=f"{self.case.id}:{SEAL}:{self.page.entries}")

    def seal_again(self) -> None:
        """Where the case was closed before this turn: what it adds is sealed, too."""
        if self.case.status == "closed":
            self.seal()

    def void(self, **payload: Json) -> None:
        """A closed case is void: its outcome stays, and so does what was sealed; a further file tells that it is void."""
        self._voided_at = self.now
        self.record(Event.CASE_VOIDED, **payload)
        self.seal_again()

    def reopen(self) -> None:
        """A closed case runs again: it is not sealed now, but when it closes the next time."""
        self.status, self.outcome = "running", None
        self.unit.write(DROP_SEALING, case_id=self.case.id, at=self.now)
        self.unit.write(_LAPSE_ENDINGS, case_id=self.case.id)
        for incident in self.unit.all(_OPEN_INCIDENTS, case_id=self.case.id) if self.incidents else ():
            self.incidents -= 1
            self.unit.write(_END_INCIDENTS, case_id=self.case.id, instance=incident.instance, at=self.now)
            self.record(Event.INCIDENT_RESOLVED, incident=incident.id, resolution="left")

    def commit(self) -> None:
        """Store everything. Raises Conflict if the command was carried out before, and DatabaseAway."""
        values: dict[str, Any] = {
            "status": self.status,
            "outcome": self.outcome,
            "incidents": self.incidents,
            "revision": self.case.revision + 1,
            "entries": self.page.entries,
            "head": self.page.head,
        }
        if self._closed_at is not None:
            values["closed_at"] = self._closed_at
        elif self.case.status == "closed" and self.status != "closed":
            values["closed_at"] = None
        if self._voided_at is not None:
            values["voided_at"] = self._voided_at
        if self._former is not None:
            values["version_id"] = self.deployed.id
        execution = self._execution
        if execution is not None and self._moved:
            values["state"] = self.services.keyring.seal(execution.dump(), state_purpose(self.case.id))
        if self.case.revision == 0:
            born = {column.key: getattr(self.case, column.key) for column in _BORN}
            self.unit.add(Case, id=self.case.id, **born, started_at=self.now, **values)
        else:
            self.unit.write(_update(*values), case_id=self.case.id, **values)
        self.page.write(self.unit)
        if self.told:
            tell(self.services, self.unit, self.told, at=self.now, by=self.actor, case=self.case)
        if self._happened:
            announcing.announce(self, self._happened)
        if self.services.projectors and any(event.startswith(("work:", "case:")) for event in self._events):
            show_again(self.services, self.unit, self.case.id, at=self.now)
        self.unit.commit(stored=self._stored)
        observe.turned(self._began, self._events, case=self.case.id)
        if execution is not None and self.status != "closed":
            self.services.live.put(self.case.id, self.case.revision + 1, execution)

    def _stored(self, unit: Unit) -> bool:
        """Whether this turn took effect: its page is in the ledger, with the digests that no other turn's has."""
        unit.one(LOCK, case_id=self.case.id)
        page = unit.one(_PAGE, case_id=self.case.id, number=self.case.entries + 1)
        return self.page.entries > self.case.entries and page is not None and page.digests.hex().endswith(self.page.head)

    def _leave(self, instance: str, element: str, by: str | None) -> None:
        left = self._element(element)
        kind = left.kind
        if kind == "userTask":
            items.leave_item(self, instance, element, by)
        elif left.event in ("message", "signal") or kind == "receiveTask":
            subscriptions.close_wait(self, instance)
        self._end_work(instance, element, jobs=kind != "userTask")

    def _end_work(self, instance: str, element: str, *, jobs: bool = True) -> None:
        """Jobs and incidents of an instance have no purpose any more."""
        if jobs:
            self.unit.write(DROP_JOBS, case_id=self.case.id, instance=instance, at=self.now)
        self.end_incidents(instance, element)

    def end_incidents(self, instance: str, element: str) -> None:
        """Nobody has to look any more at what an instance could not do."""
        for incident in self.unit.all(_OPEN_INCIDENTS, case_id=self.case.id) if self.incidents else ():
            if incident.instance == instance:
                self.incidents -= 1
                self.unit.write(_END_INCIDENTS, case_id=self.case.id, instance=instance, at=self.now)
                self.record(Event.INCIDENT_RESOLVED, element=element, incident=incident.id, resolution="left")

    def _element(self, key: str) -> Element:
        """An element of the case's version; what is left may be known to the former one only."""
        if self._former is not None and key not in self.deployed.program.elements:
            return self._former.program.elements[key]
        return self.deployed.program.elements[key]

    # --- jobs

    def _request(self, requested: Requested) -> None:
        payload = {"input": dict(requested.input), "headers": dict(requested.headers)}
        self._add_job(
            "operation",
            requested.element,
            requested.instance,
            operation=requested.operation,
            attempts=requested.attempts,
            priority=requested.priority,
            payload=payload,
        )
        self.record(Event.OPERATION_REQUESTED, element=requested.element, operation=requested.operation, instance=requested.instance)

    def _add_job(self, kind: str, element: str, instance: str, **more: Any) -> None:
        """A job of this case; `more` as in `deferral.add_job`."""
        add_job(self.services, self.unit, self.case.id, kind, element, instance, at=self.now, **more)


def state_purpose(case_id: str) -> str:
    """What a case's sealed state is bound to."""
    return f"cases.state/{case_id}"
