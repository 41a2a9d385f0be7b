"""Events: who waits for what, what catches it, and what it starts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from SpiffWorkflow.bpmn import BpmnWorkflow  # type: ignore[import-untyped]
from SpiffWorkflow.task import Task  # type: ignore[import-untyped]

from .. import errors
from ..ports import Json
from . import compensation, expressions, opening, state, timers
from .advance import Awaited, Left, Passed, Scheduled, Stuck, Thrown
from .model import Element
from .names import refuse_given
from .normalise import AWAITED, Skeleton
from .scopes import plain

if TYPE_CHECKING:
    from .tokens import Tokens


#: characters of the name of a message or signal
LONGEST_NAME = 200


class Wait(NamedTuple):
    """Something that waits or is stuck."""

    #: the token, or the root of the scope for the start of an event sub-process
    task: Task
    element: Element
    #: what is remembered of it: the token's memory, or one of its `waits`
    record: dict[str, Any]


# --- waiting


def wait(case: Tokens, task: Task, element: Element) -> None:
    """An intermediate event or a receive task begins to wait."""
    instance = case.visit(task, element)
    inputs, seen = case.inputs(task, element)
    _await(case, element, task.internal_data, seen)
    if inputs:
        case.local(task, inputs)
    task.internal_data.update(at="waiting", since=case.scopes.clock)
    case.live[instance] = task, None
    guard(case, task, element, seen)


def choose(case: Tokens, task: Task, gateway: Element) -> None:
    """An event-based gateway waits for whichever of the events behind it comes first."""
    case.visit(task, gateway)
    task.internal_data["at"] = "events"
    skeleton: Skeleton = task.workflow.spec.skeleton
    _arm_missing(case, task, [skeleton.arrivals[flow].element for flow in gateway.outgoing], case.scopes.visible(case.scope(task)))


def guard(case: Tokens, task: Task, activity: Element, data: Mapping[str, Json]) -> None:
    """The boundary events of an activity begin to wait; they see its local variables."""
    if "many" in task.workflow.task_tree.internal_data:
        return  # they sit on the whole, not on one of many instances
    _arm_missing(case, task, task.workflow.spec.skeleton.boundaries.get(activity.id, ()), data)


def watch(case: Tokens, workflow: BpmnWorkflow, scope: str) -> None:
    """The start events of the event sub-processes of a scope begin to wait."""
    if starts := workflow.spec.skeleton.watches.get(scope):
        root = workflow.task_tree
        _arm_missing(case, root, starts, case.scopes.visible(case.scope(root)))


def begin_missing(case: Tokens) -> None:
    """Everything begins to wait that should and does not: the diagram is another one now. Tokens go on that can.

    What happened already where it waits once, such as a reminder, is `over`, and does not happen again.
    """
    for task in list(state.tokens(case.workflow)):
        element, at = task.task_spec.element, task.internal_data.get("at")
        if at == "events":
            choose(case, task, element)
        elif at in ("waiting", "inside") and "stuck" not in task.internal_data:
            guard(case, task, element, case.scopes.visible(case.scope(task)))
        elif at is None:
            case.moving.append(task)
        body = state.body_of(task)
        if body is not None and not body.task_tree.internal_data.keys() & {"many", "interrupted"} and at != "undoing":
            watch(case, body, body.spec.name)
    if not case.workflow.completed and "interrupted" not in case.workflow.task_tree.internal_data:
        watch(case, case.workflow, case.workflow.spec.name)
    for task in (case.workflow.task_tree, *state.tokens(case.workflow)):
        for one in (task, body.task_tree) if (body := state.body_of(task)) else (task,):
            one.internal_data.pop("over", None)


def _arm_missing(case: Tokens, task: Task, candidates: Iterable[Element], data: Mapping[str, Json]) -> None:
    there = {*task.internal_data.get("waits", ()), *task.internal_data.get("over", ())}
    for event in candidates:
        if event.event in AWAITED and event.id not in there:
            arm(case, task, event, data)


def arm(case: Tokens, task: Task, event: Element, data: Mapping[str, Json]) -> None:
    """An event begins to wait beside a token. If it cannot, it is stuck there, and the token is not."""
    record: dict[str, Any] = {"instance": case.number(event)}
    task.internal_data.setdefault("waits", {})[event.id] = record
    case.live[record["instance"]] = task, event.id
    rearm(case, event, record, data)


def rearm(case: Tokens, event: Element, record: dict[str, Any], data: Mapping[str, Json]) -> None:
    """Tries to let an event wait."""
    try:
        _await(case, event, record, data)
    except errors.PartwellError as error:
        record["stuck"] = True
        case.advance.stuck.append(Stuck(instance=record["instance"], element=event.id, error=error))


def _await(case: Tokens, element: Element, record: dict[str, Any], data: Mapping[str, Json]) -> None:
    if element.timer:
        text = opening.value(element.timer.text, data, case.now)
        if not isinstance(text, str) or not text:
            raise errors.FeelError(expression=element.timer.text, reason="a timer needs a text of ISO 8601")
        calendar = case.program.calendar(element)
        if element.timer.kind == "cycle":
            due, record["repeat"], record["every"] = timers.cycle(text, case.now, calendar)
        else:
            due = timers.moment(text, case.now, calendar)
        record["due"] = due.isoformat()
    elif element.event == "conditional":
        record["was"] = False
    else:
        name, key = _named(case, element, data)
        record["name"] = name
        if key:
            record["key"] = key
    _announce(case, element, record)


def _announce(case: Tokens, element: Element, record: Mapping[str, Any]) -> None:
    instance = record["instance"]
    activation = opening.activation(instance)
    if element.timer:
        due = max(dt.datetime.fromisoformat(record["due"]), case.now)
        case.advance.scheduled.append(Scheduled(instance=instance, element=element.id, activation=activation, due=due))
    elif element.event == "conditional":
        case.looked = -1
    else:
        given = {"kind": element.event or "", "name": record["name"], "key": record.get("key", "")}
        case.advance.awaited.append(Awaited(instance=instance, element=element.id, activation=activation, **given))


def announce(case: Tokens, found: Wait) -> None:
    """Says once more what an event waits for."""
    if found.element.event != "conditional":
        _announce(case, found.element, found.record)


def _named(case: Tokens, element: Element, data: Mapping[str, Json]) -> tuple[str, str]:
    """Name and correlation key of a message, name of a signal."""
    name = opening.text(element.reference or "", data, case.now)
    if len(name) > LONGEST_NAME or "\0" in name:
        raise errors.ValueRefused(name=element.title, reason="a message or signal has a name of at most 200 characters")
    return name, opening.text(element.key, data, case.now) if element.key and element.event == "message" else ""


# --- what happens


def trigger(case: Tokens, found: Wait, values: Mapping[str, Json]) -> None:
    """An event happens to what waits for it. `values` come with it; of an error only the output mapping sees them."""
    task, element, record = found
    case.live.pop(record["instance"], None)
    record.pop("stuck", None)
    if record is task.internal_data:
        case.keep(task, element, values)
        case.moving.append(task)
        return
    task.internal_data.get("waits", {}).pop(element.id, None)
    if element.kind == "boundaryEvent":
        _from_boundary(case, task, element, record, values)
    elif element.kind == "startEvent":
        _from_scope(case, task, element, record, values)
    else:
        new = decided(case, task, element, record)
        if values:
            case.keep(new, element, values)


def _from_boundary(case: Tokens, task: Task, event: Element, record: Mapping[str, Any], values: Mapping[str, Json]) -> None:
    workflow = task.workflow
    if event.interrupting:
        case.cancel(task, event.id)
    new = case.place(workflow, workflow.spec.skeleton.steps[event.id], {"instance": record["instance"], "at": "leaving"})
    if values and (event.outputs or event.event in AWAITED):
        case.keep(new, event, values)
    if not event.interrupting:
        _again(case, task, event, record)
    elif "undoes" in task.internal_data:
        compensation.resume(case, task.internal_data["undoes"])


def _from_scope(case: Tokens, root: Task, event: Element, record: Mapping[str, Any], values: Mapping[str, Json]) -> None:
    """The start of an event sub-process, which runs inside the scope it watches."""
    workflow, skeleton = root.workflow, root.workflow.spec.skeleton
    if event.interrupting:
        case.clear(workflow, event.id)
        root.internal_data["interrupted"] = True
    else:
        _again(case, root, event, record)
    step = skeleton.steps[event.scope]
    holder = case.place(workflow, step, {"begun": record["instance"]})
    case.visit(holder, step.element)
    if values:
        case.local(holder, values)


def decided(case: Tokens, task: Task, event: Element, record: Mapping[str, Any]) -> Task:
    """An event-based gateway goes on along the flow to this event; the token that stands there now."""
    workflow, gateway = task.workflow, task.task_spec.element
    [flow, *_] = [flow for flow in gateway.outgoing if workflow.spec.skeleton.arrivals[flow].element is event]
    case.passed(task.internal_data["instance"], gateway, {"flows": [flow]})
    case.advance.flows.append(flow)
    case.disarm(task, event.id)
    new = case.place(workflow, workflow.spec.skeleton.steps[event.id], {"instance": record["instance"], "at": "leaving"})
    case.go(task)
    return new


def _again(case: Tokens, task: Task, event: Element, record: Mapping[str, Any]) -> None:
    """A non-interrupting event waits again: a repetition until it is used up, everything else always."""
    new = {**record, "instance": case.number(event)}
    if event.timer:
        if "every" not in record or record["repeat"] == 0:
            return
        new["repeat"] = None if record["repeat"] is None else record["repeat"] - 1
        last, calendar = dt.datetime.fromisoformat(record["due"]), case.program.calendar(event)
        new["due"] = timers.next_due(last, record["every"], case.now, calendar).isoformat()
    elif event.event not in AWAITED:
        return
    task.internal_data.setdefault("waits", {})[event.id] = new
    case.live[new["instance"]] = task, event.id
    _announce(case, event, new)


def look(case: Tokens) -> bool:
    """Conditional events happen when their condition becomes true; whether one did.

    A condition that reads a variable which does not exist yet is not met. What an activity writes as it ends is not heard by its
    own boundary events, interrupting or not: its work is over, and then no handler of it begins any more (BPMN 2.0.2, 13.3.2,
    the state Completing). For every scope around it this is a change while that still runs, so they hear even the last one.
    """
    case.looked = case.scopes.clock
    happened, waiting = False, False
    for instance in sorted(case.live):
        if instance not in case.live:
            continue
        found = case.find(instance)
        if found.element.event != "conditional" or "was" not in found.record or "stuck" in found.record:
            continue
        waiting = True
        if found.element.kind == "boundaryEvent" and found.task.internal_data["at"] in ("leaving", "flows"):
            continue
        try:
            met = _met(case, found)
        except errors.PartwellError as error:
            found.record["stuck"] = True
            case.advance.stuck.append(Stuck(instance=instance, element=found.element.id, error=error))
            continue
        was, found.record["was"] = found.record["was"], met
        if met and not was:
            trigger(case, found, {})
            happened = True
    if not waiting and case.looked != -1:
        case.looked = None
    return happened


def _met(case: Tokens, found: Wait) -> bool:
    text = found.element.condition or ""
    data = case.scopes.visible(case.scope(found.task))
    if any(name not in data for name in expressions.uses(text)):
        return False
    return expressions.condition(text, data, now=case.now)


# --- throwing


def throw(case: Tokens, task: Task, element: Element) -> None:
    """Signals go to everything that waits for them, messages out of the case, errors and escalations to the nearest catcher."""
    instance = case.visit(task, element)
    inputs, seen = case.inputs(task, element)
    refuse_given(inputs)
    inputs = {name: plain(name, value) for name, value in inputs.items()}
    caught: list[str] = []
    nearest: Wait | None = None
    if element.event in ("signal", "message"):
        name, key = _named(case, element, seen)
        thrown = Thrown(instance=instance, element=element.id, kind=element.event, name=name, key=key, values=inputs)
        case.advance.thrown.append(thrown)
        if element.event == "signal":
            caught = [i for i in sorted(case.live) if _hears(case.find(i), name)]
    else:
        nearest = catcher(case, task, element.event or "", element.reference or "")
        if element.event == "error" and nearest is None:
            raise errors.FlowStuck(element=element.title, reason="nothing around it catches this error")
    if inputs and element.outputs:
        case.local(task, inputs)
    task.internal_data["at"] = "throwing"  # so that it stays while the catchers move
    for other in caught:
        if other in case.live:
            found = case.find(other)
            case.advance.left.append(Left(instance=other, element=found.element.id, by=element.id))
            trigger(case, found, inputs)
    if nearest is not None:
        trigger(case, nearest, {"errorCode": element.reference} if element.event == "error" and element.reference else {})
    if task.id in task.workflow.tasks:
        case.leave(task, element)
    else:
        case.advance.passed.append(Passed(instance=instance, element=element.id))


def _hears(found: Wait, name: str) -> bool:
    return found.element.event == "signal" and found.record.get("name") == name and found.record.get("at") in (None, "waiting")


def catcher(case: Tokens, task: Task, event: str, code: str) -> Wait | None:
    """What catches an error or escalation: event sub-processes and boundary events, from the token outwards.

    Of several at one place, one that names the code comes before one that takes all. An interrupted scope catches no more, nor
    does a completed activity in which something is undone.
    """
    around: Task | None = task
    while around is not None:
        workflow = around.workflow
        skeleton: Skeleton = workflow.spec.skeleton
        holder = getattr(workflow, "holder", None)
        many = "many" in workflow.task_tree.internal_data
        completed = holder is not None and holder.internal_data.get("at") == "undoing"
        boundaries = () if many or around.internal_data.get("at") == "undoing" else skeleton.boundaries.get(around.task_spec.name, ())
        if found := _catching(boundaries, event, code):
            return Wait(around, found, {"instance": case.number(found)})
        root = workflow.task_tree
        deaf = many or completed or "interrupted" in root.internal_data
        if not deaf and (starts := skeleton.watches.get(workflow.spec.name, ())):
            inside = around.task_spec.name
            if found := _catching([start for start in starts if start.scope != inside], event, code):
                return Wait(root, found, {"instance": case.number(found)})
        around = holder
    return None


def _catching(candidates: Any, event: str, code: str) -> Element | None:
    fitting = [e for e in candidates if e.event == event and e.reference in (None, code)]
    return min(fitting, key=lambda e: e.reference is None, default=None)
