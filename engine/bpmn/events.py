"""Events: who waits for what, what catches it, and what it starts. Timers, errors, escalations and signals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent  # type: ignore[import-untyped]
from SpiffWorkflow.task import Task, TaskState  # type: ignore[import-untyped]

from .. import errors
from ..ports import Json
from . import opening, timers
from .advance import Passed, Scheduled
from .model import Element
from .normalise import Step
from .scopes import PROCESS

if TYPE_CHECKING:
    from .tokens import Tokens


def wait(case: Tokens, task: Task, element: Element) -> None:
    """An intermediate event begins to wait."""
    instance = case.visit(task, element)
    if element.timer:
        _schedule(case, task, element, case.scope(task))
    task.internal_data.update(at="waiting", since=case.scopes.clock)
    case.live[instance] = task


def arm(case: Tokens, task: Task, element: Element) -> None:
    """A boundary event begins to wait; its timer sees the local variables of the activity."""
    instance = case.visit(task, element)
    if element.timer:
        activity = next(c for c in task.parent.children if not isinstance(c.task_spec, BoundaryEvent))
        key = activity.internal_data.get("instance", PROCESS)
        _schedule(case, task, element, key if key in case.scopes.tree else case.scope(task))
    task.internal_data["at"] = "waiting"
    if element.event in ("timer", "signal"):
        case.live[instance] = task


def _schedule(case: Tokens, task: Task, element: Element, scope: str) -> None:
    assert element.timer is not None
    memory = task.internal_data
    text = opening.value(element.timer.text, case.scopes.visible(scope), case.now)
    if not isinstance(text, str) or not text:
        raise errors.FeelError(expression=element.timer.text, reason="a timer needs a text of ISO 8601")
    calendar = case.program.calendar(element)
    if element.timer.kind == "cycle":
        due, memory["repeat"], memory["every"] = timers.cycle(text, case.now, calendar)
    else:
        due = timers.moment(text, case.now, calendar)
    _announce(case, task, due)


def _announce(case: Tokens, task: Task, due: dt.datetime) -> None:
    memory = task.internal_data
    memory["due"] = due.isoformat()
    instance, element = memory["instance"], task.task_spec.element
    case.advance.scheduled.append(
        Scheduled(instance=instance, element=element.id, activation=opening.activation(instance), due=max(due, case.now))
    )


def throw(case: Tokens, task: Task, element: Element) -> None:
    """Signals go to everything in the case that waits for them, errors and escalations outwards to the nearest catcher."""
    case.visit(task, element)
    task.internal_data["at"] = "waiting"  # so that it stays while the catchers move
    if element.event == "signal":
        caught = [
            other
            for _, other in sorted(case.live.items())
            if other.task_spec.element.event == "signal" and other.task_spec.element.reference == element.reference
        ]
    else:
        nearest = catcher(case, task, element.event or "", element.reference or "")
        caught = [nearest] if nearest else []
    if element.event == "error" and not caught:
        del task.internal_data["at"]
        raise errors.FlowStuck(element=element.title, reason="no boundary event catches this error")
    for other in caught:
        if other._state & TaskState.NOT_FINISHED_MASK:
            trigger(case, other)
    if task._state == TaskState.READY:
        case.leave(task, element)
    else:
        case.advance.passed.append(Passed(instance=task.internal_data["instance"], element=element.id))


def catcher(case: Tokens, task: Task, event: str, code: str) -> Task | None:
    """The waiting boundary event nearest around a token that catches; one that names the code before one that takes all."""
    around: Task | None = task
    while around is not None:
        split = around.parent
        if split is not None and isinstance(split.task_spec, BoundaryEventSplit):
            waiting = [
                c
                for c in split.children
                if c._state == TaskState.WAITING
                and isinstance(c.task_spec, BoundaryEvent)
                and c.task_spec.element.event == event
                and c.task_spec.element.reference in (None, code)
            ]
            if waiting:
                return min(waiting, key=lambda c: c.task_spec.element.reference is None)
        holder = around.workflow.parent_task_id
        around = case.workflow.get_task_from_id(holder) if holder else None
    return None


def trigger(case: Tokens, task: Task, values: Mapping[str, Json] | None = None) -> None:
    """An event happens to what waits for it. `values` are visible to its output mapping."""
    element, memory = task.task_spec.element, task.internal_data
    case.live.pop(memory["instance"], None)
    memory.pop("stuck", None)
    if values and element.outputs:
        case.scopes.open(memory["instance"], case.scope(task), values)
    if isinstance(task.task_spec, BoundaryEvent):
        task.task_spec.event_definition.catch(task)
        task.task_spec._update(task)
        case.go(task)
        if not element.interrupting:
            _rearm(case, task, element)
        return
    if isinstance(task.parent.task_spec, Step) and task.parent.task_spec.element.kind == "eventBasedGateway":
        for sibling in task.parent.children:
            if sibling is not task:
                sibling.cancel()
        case.sweep(element.id)
    memory["at"] = "leaving"


def _rearm(case: Tokens, task: Task, element: Element) -> None:
    """A non-interrupting event waits again: a repetition until it is used up, signals and escalations always."""
    repeat, every = task.internal_data.get("repeat"), task.internal_data.get("every")
    if element.timer and (every is None or repeat == 0):
        return
    again = task.parent._add_child(task.task_spec, TaskState.WAITING)
    again.task_spec._predict(again, mask=TaskState.NOT_FINISHED_MASK)
    again.task_spec._update(again)
    if every is not None:
        instance = case.visit(again, element)
        again.internal_data.update(at="waiting", repeat=None if repeat is None else repeat - 1, every=every)
        last, calendar = dt.datetime.fromisoformat(task.internal_data["due"]), case.program.calendar(element)
        _announce(case, again, timers.next_due(last, every, case.now, calendar))
        case.live[instance] = again
