"""退回, a jump, and a closed case that is opened again: by a manager, with a reason. Nothing that happened is deleted.

What was done outside since then is undone where the diagram draws how (compensation), and named in any case, also before anybody
decides: `prospect` is the dry run.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import ledger, timeline
from .bpmn import order
from .bpmn.model import Element
from .bpmn.program import Program
from .bpmn.runtime import Execution
from .cases import must_manage, must_say
from .db import Unit
from .errors import CaseNotRunning, CaseVoid, WayClosed
from .ledger import Entry, Event
from .locking import done_before, lock, must_run
from .models import Job
from .turn import Turn

if TYPE_CHECKING:
    from .procedures import Deployed
    from .services import Services

#: what a case can go back to
STEPS = frozenset(("userTask", "serviceTask", "sendTask", "receiveTask", "businessRuleTask", "scriptTask", "callActivity", "subProcess"))
#: an element was reached with these, and its work done with those
_REACHED = frozenset((Event.ITEM_OPENED, Event.OPERATION_REQUESTED, Event.ELEMENT_PASSED))
_DONE = frozenset((Event.ITEM_COMPLETED, Event.OPERATION_DONE, Event.ELEMENT_PASSED))
_OVER = frozenset((Event.ITEM_LEFT, Event.INCIDENT_RESOLVED))


@dataclass(frozen=True, kw_only=True)
class Step:
    """An element as people call it."""

    element: str
    name: str
    name_en: str


@dataclass(frozen=True, kw_only=True)
class Effect(Step):
    """What was done outside since the step was reached last."""

    #: name of the operation, or of a message that was sent
    operation: str
    at: dt.datetime
    #: `done`, `undone` (its handler undoes it now) or `under_way` (the call is being made)
    state: str


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """What a return leaves, and what stays done outside."""

    left: Sequence[Step] = ()
    effects: Sequence[Effect] = ()
    #: activities that are undone by their handlers
    undone: Sequence[str] = field(default=(), repr=False)


def steps(services: Services, case_id: str, *, actor: str) -> list[Step]:
    """Where the case can be returned to, or be opened again: steps that it reached, the last one reached first.

    Raises NotFound, NotAllowed.
    """
    with services.database.unit() as unit:
        turn = _turn(services, unit, case_id, actor, "")
        return [_step(element) for element in _reached(turn)]


def stands(services: Services, case_id: str, *, actor: str) -> dict[str, Step]:
    """Where the case stands, by instance, what stands inside something after it. Raises as `steps`."""
    with services.database.unit() as unit:
        turn = _turn(services, unit, case_id, actor, "")
        return {instance: _step(element) for instance, element in turn.execution.stands()}


def prospect(services: Services, case_id: str, element: str, *, actor: str, leaving: Sequence[str] | None = None) -> Prospect:
    """What `return_to` or `reopen` would do; nothing is changed. Raises as they do."""
    with services.database.unit() as unit:
        turn = _turn(services, unit, case_id, actor, "")
        return _Return(turn, element, leaving).prospect


def return_to(
    services: Services,
    case_id: str,
    element: str,
    *,
    actor: str,
    reason: str,
    request_id: str,
    leaving: Sequence[str] | None = None,
) -> Prospect:
    """The case goes back to a step that it reached before. What stands there or behind it is left; parallel branches go on.

    `leaving`: these instances instead. Raises NotFound, NotAllowed, CaseNotRunning, VersionSuspended, WayClosed.
    """
    with services.database.unit() as unit:
        turn = _turn(services, unit, case_id, actor, request_id)
        if done_before(unit, case_id, actor=actor, request_id=request_id):
            return Prospect()
        must_run(turn.case)
        gone = go_back(turn, element, reason=reason, leaving=leaving)
        turn.commit()
    return gone


def go_back(turn: Turn, element: str, *, reason: str, leaving: Sequence[str] | None = None) -> Prospect:
    """`return_to` within a turn whose actor may do it. Raises NotFound, NotAllowed without a reason, WayClosed."""
    back = _Return(turn, element, leaving)
    facts = {"reason": must_say(reason), **back.told}
    turn.act(Event.CASE_RETURNED, "return_to", element=element, element_id=element, leaving=list(back.leaving), also=facts)
    back.undo()
    return back.prospect


def begin_again(turn: Turn, *, unless: str) -> None:
    """The case goes on from the first step that it reached, with what its initiator corrected.

    Raises WayClosed where there is no way, or where that step is `unless`.
    """
    entries = _history(turn)
    reached = {element.id for element in _reached(turn, entries)}
    first = next((entry.element for entry in entries if entry.element in reached), None)
    if first is None or first == unless:
        raise WayClosed(element=turn.deployed.program.name, reason="there is no step before it")
    back = _Return(turn, first, None)
    turn.act(Event.CASE_RETURNED, "return_to", element=first, element_id=first, leaving=list(back.leaving), also=back.told)
    back.undo()


def ways_back(turn: Turn, instance: str) -> list[tuple[Step, Prospect]]:
    """The user tasks that the case really completed and that lie before an instance, the last one first, with what a return leaves."""
    entries = _history(turn)
    done = {entry.element for entry in entries if entry.event == Event.ITEM_COMPLETED}
    found = []
    for element in _reached(turn, entries):
        if element.kind == "userTask" and element.id in done:
            with contextlib.suppress(WayClosed):
                back = _Return(turn, element.id, None)
                if instance in back.leaving:
                    found.append((_step(element), back.prospect))
    return found


def so_far(turn: Turn) -> Prospect:
    """What would be left if the case ended here, and what was done outside since it began."""
    stands = turn.execution.stands()
    left = [_step(element) for _, element in stands if element.kind in STEPS]
    return Prospect(left=left, effects=_effects(turn, _history(turn), [instance for instance, _ in stands], ()))


def jump(
    services: Services,
    case_id: str,
    *,
    leaving: Sequence[str],
    entering: Sequence[str],
    actor: str,
    reason: str,
    request_id: str,
) -> Prospect:
    """Leaves these instances and enters these elements, reached before or not. Raises as `return_to`.

    WayClosed, too, where a step would be left out that must lie before another (`rules.json`, `before`).
    """
    with services.database.unit() as unit:
        turn = _turn(services, unit, case_id, actor, request_id)
        if done_before(unit, case_id, actor=actor, request_id=request_id):
            return Prospect()
        must_run(turn.case)
        if not entering:
            raise WayClosed(element=turn.deployed.program.name, reason="say where the case should go on")
        for element in entering:
            turn.deployed.program.element(element)
        _keep_order(turn, leaving, entering)
        left = [_step(element) for instance, element in turn.execution.stands() if instance in leaving]
        facts = {"reason": must_say(reason), "left": [step.element for step in left]}
        arguments = {"leaving": list(leaving), "entering": list(entering)}
        turn.act(Event.CASE_MOVED, "move", element=entering[0], also=facts, **arguments)
        turn.commit()
    return Prospect(left=left)


def reopen(services: Services, case_id: str, element: str, *, actor: str, reason: str, request_id: str) -> Prospect:
    """A closed case goes on at a step that it reached. Its sealed file stays; when it closes again, another one is made.

    Raises NotFound, NotAllowed, CaseNotRunning for one that is not closed, WayClosed.
    """
    with services.database.unit() as unit:
        turn = _turn(services, unit, case_id, actor, request_id)
        if done_before(unit, case_id, actor=actor, request_id=request_id):
            return Prospect()
        if turn.case.status != "closed":
            raise CaseNotRunning(case=turn.case.number, state=turn.case.status)
        if turn.case.voided_at is not None:
            raise CaseVoid(case=turn.case.number)
        back = _Return(turn, element, None)
        facts = {"reason": must_say(reason), "before": turn.outcome, **back.told}
        turn.reopen()
        turn.act(Event.CASE_REOPENED, "reopen", element=element, element_id=element, also=facts)
        back.undo()
        turn.commit()
    return back.prospect


def _turn(services: Services, unit: Unit, case_id: str, actor: str, request_id: str) -> Turn:
    turn = Turn(services, unit, lock(unit, case_id=case_id), actor=actor, request_id=request_id or None)
    must_manage(turn)
    return turn


class _Return:
    """One way back: what it leaves, what was done outside since. Raises WayClosed where there is none."""

    def __init__(self, turn: Turn, element: str, leaving: Sequence[str] | None) -> None:
        self._turn = turn
        self._entries = _history(turn)
        target = turn.deployed.program.element(element)
        if element not in {reached.id for reached in _reached(turn, self._entries)}:
            raise WayClosed(element=target.title, reason="the case was never there, or the part around it is over")
        self._since = max((e.number for e in self._entries if e.element == element and e.event in _REACHED), default=0)
        if turn.case.status == "closed":
            self.leaving: Sequence[str] = ()
        else:
            self.leaving = self._behind(element) if leaving is None else leaving
            if not self.leaving:
                raise WayClosed(element=target.title, reason="the case stands nowhere behind it")
        _keep_order(turn, self.leaving, [element], self._entries)
        self.prospect = self._prospect()

    @property
    def told(self) -> dict[str, Any]:
        """What the ledger says about it."""
        effects = [{"element": one.element, "operation": one.operation, "state": one.state} for one in self.prospect.effects]
        return {"left": [step.element for step in self.prospect.left], "effects": effects}

    def undo(self) -> None:
        """What was completed since and has a handler is undone by it."""
        if self.prospect.undone:
            self._turn.act(Event.COMPENSATION_BEGUN, "compensate", element=None, activities=list(self.prospect.undone))

    def _behind(self, element: str) -> list[str]:
        """What stands at the element or behind it and began no earlier than it was reached."""
        begun = {entry.payload.get("instance"): entry.number for entry in self._entries if entry.event in _REACHED}
        here = {instance for instance, stands in self._turn.execution.stands() if stands.id == element}
        return [one for one in self._turn.execution.behind(element) if one in here or begun.get(one, self._since) >= self._since]

    def _prospect(self) -> Prospect:
        turn = self._turn
        since = [entry for entry in self._entries if entry.number > self._since]
        done = [entry.element for entry in since if entry.event in _DONE or entry.payload.get("act") == "answer"]
        finished = _with_what_holds(turn.deployed.program, done)
        undone = [activity for activity in turn.execution.undoable() if activity in finished]
        effects = _effects(turn, since, self.leaving, turn.execution.undone_with(undone))
        left = {instance: element for instance, element in turn.execution.stands() if instance in self.leaving}
        return Prospect(left=[_step(element) for element in left.values()], effects=effects, undone=undone)


def _with_what_holds(program: Program, done: Iterable[str | None]) -> set[str]:
    """The elements, with the sub-processes around them and the call activities whose process they belong to.

    Of those the history says nothing, as they only pass the case on.
    """
    found, todo = set[str](), [program.elements[key] for key in done if key and key in program.elements]
    while todo:
        element = todo.pop()
        if element.id not in found:
            found.add(element.id)
            called = element.id.rpartition(":")[0].partition("@")[0]
            inside = element.scope != element.process
            around = [program.elements[element.scope]] if inside else program.elements.values()
            todo += [e for e in around if inside or (called and e.called is not None and e.called.process == called)]
    return found


def _effects(turn: Turn, since: Iterable[Entry], leaving: Sequence[str], undone: Collection[str]) -> list[Effect]:
    """What these entries did outside, and what of what is left is being called. `undone`: elements that are undone now."""
    versions = timeline.versions_of(turn.services, turn.unit.connection, turn.case)
    effects = []
    for entry in since:
        operation = entry.payload.get("operation") if entry.event == Event.OPERATION_DONE else None
        if entry.event == Event.MESSAGE_SENT:
            operation = entry.payload["name"]
        elif operation is None or getattr(turn.services.operations.get(operation), "reads", False):
            continue
        state = "undone" if entry.element in undone else "done"
        effects.append(_effect(entry.element or "", versions, str(operation), entry.at, state))
    calling = sa.and_(Job.case_id == turn.case.id, Job.state == "leased", Job.kind == "operation", Job.instance.in_(leaving))
    for job in turn.unit.connection.execute(sa.select(Job.element, Job.operation, Job.created_at).where(calling)):
        effects.append(_effect(job.element, versions, job.operation, job.created_at, "under_way"))
    return effects


def _history(turn: Turn) -> list[Entry]:
    entries = ledger.history(turn.unit.connection, turn.services.keyring, turn.case.id)
    return ledger.in_present_names(ledger.standing(entries))


def _reached(turn: Turn, entries: Iterable[Entry] | None = None) -> list[Element]:
    """Steps that the case reached, in its process or in what runs inside it, the last one reached first."""
    program = turn.deployed.program
    scopes = {program.process_id, *(element.id for _, element in turn.execution.stands())}
    found: dict[str, Element] = {}
    history = _history(turn) if entries is None else entries
    for entry in history:
        if entry.event in _OVER:  # reached before, unless that was withdrawn
            continue
        element = program.elements.get(entry.element or "")
        while element is not None:
            if element.kind in STEPS and element.scope in scopes and not element.for_compensation:
                found.pop(element.id, None)
                found[element.id] = element
            element = program.elements.get(element.scope)
    return list(reversed(found.values()))


def _keep_order(turn: Turn, leaving: Collection[str], entering: Iterable[str], entries: Iterable[Entry] | None = None) -> None:
    """Raises WayClosed where a step would be left out that must lie before another."""
    deployed: Deployed = turn.deployed
    if order.RULES not in deployed.files:
        return
    history = _history(turn) if entries is None else entries
    passed = {entry.element for entry in history if entry.element and entry.event in _DONE}
    standing = [*_staying(turn.execution, leaving), *((element, None) for element in entering)]
    for step, target in order.left_out(deployed.files, standing=standing, passed=passed):
        raise WayClosed(element=target.title, reason=f"a step must lie before it that was not done: {step.title}")


def _staying(execution: Execution, leaving: Collection[str]) -> list[tuple[str, str | None]]:
    """As `Execution.places`, without what is left."""
    tokens: list[tuple[str, str | None]] = [(element.id, None) for instance, element in execution.stands() if instance not in leaving]
    return [*tokens, *((id, flow) for id, flow in execution.places() if flow is not None and flow not in leaving)]


def _step(element: Element) -> Step:
    return Step(element=element.id, name=element.title, name_en=element.name_en or element.title)


def _effect(key: str, versions: Sequence[Deployed], operation: str, at: dt.datetime, state: str) -> Effect:
    known = timeline.element_of(versions, key)
    name = known[1].title if known else key
    english = (known[1].name_en if known else "") or name
    return Effect(element=key, name=name, name_en=english, operation=operation, at=at, state=state)
