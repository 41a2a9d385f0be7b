"""What somebody entitled does to a running case: skip, return, jump, re-open. Nothing is deleted, the tokens are placed anew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from SpiffWorkflow.bpmn import BpmnWorkflow  # type: ignore[import-untyped]
from SpiffWorkflow.task import Task  # type: ignore[import-untyped]

from .. import errors
from ..ports import Json
from . import compensation, events, state
from .advance import Advance
from .events import Wait
from .names import refuse_given

if TYPE_CHECKING:
    from .tokens import Tokens


def skip(case: Tokens, found: Wait, values: Mapping[str, Json], now: dt.datetime) -> Advance:
    """See `Execution.skip`."""
    task, element, record = found
    refuse_given(values)
    case.begin(now)
    written = case.scopes.write(case.scope(task, own=False), values, element.id, record.get("since"))
    case.advance.written += written
    if record is not task.internal_data:
        del task.internal_data["waits"][element.id]
        case.leave_behind(record["instance"], element.id, None)
        if task.internal_data.get("at") == "events":
            events.decided(case, task, element, record).internal_data["at"] = "flows"
        return case.run()
    record.pop("stuck", None)
    del case.live[record["instance"]]
    if body := state.body_of(task):
        case.clear(body, element.id)
        del case.workflow.subprocesses[task.id]
    record["at"] = "flows"
    case.moving.append(task)
    return case.run()


def move(case: Tokens, leaving: Sequence[str] | None, entering: Sequence[str], now: dt.datetime) -> Advance:
    """See `Execution.move`. A scope in which nothing is left is left, too."""
    if case.workflow.completed:
        raise errors.FlowStuck(element=case.program.name, reason="it is over; re-open it first")
    given = [_standing(case, instance) for instance in leaving or ()]
    targets = [(scope, id) for id in entering for scope in [_scope_of(case, id, given)]]
    for scope, target in targets:
        if any(getattr(around, "holder", None) in given for around in (scope, *_outside(scope))):
            title = case.program.element(target).title
            raise errors.FlowStuck(element=title, reason="the sub-process around it is left; choose the sub-process itself")
    case.begin(now)
    by = entering[0] if entering else None
    kept = {id(scope) for scope, _ in targets}
    if leaving is None:
        for scope, _ in targets:
            case.clear(scope, by, watching=True)
    for task in given:
        _leave(case, task, by, kept)
    for scope, target in targets:
        if scope.task_tree.internal_data.pop("interrupted", False):
            events.watch(case, scope, scope.spec.name)
        case.place(scope, scope.spec.skeleton.steps[target], {})
    if not case.workflow.task_tree._children:
        case.over(case.workflow, case.program.process_id)
    return case.run()


def behind(case: Tokens, element_id: str) -> list[str]:
    """See `Execution.behind`."""
    scope = _scope_of(case, element_id, [])
    process = scope.spec.skeleton.process
    reached, todo = set[str](), [process.elements[element_id]]
    while todo:
        element = todo.pop()
        if element.id not in reached:
            reached.add(element.id)
            todo += [process.elements[process.flows[flow].target] for flow in element.outgoing]
            todo += process.boundaries(element.id)
            if element.event == "link":
                todo += [e for e in process.inside(element.scope) if e.event == "link" and e.reference == element.reference]
    found = []
    for task in state.within(scope):
        memory, name = task.internal_data, task.task_spec.name
        if memory.get("at") == "join" and "stuck" not in memory:
            found += [memory["flow"]] if process.flows[memory["flow"]].source in reached else []
        elif name in reached or (task.task_spec.element.kind == "eventSubProcess" and "interrupted" in scope.task_tree.internal_data):
            found.append(memory["instance"])
    return found


def reopen(case: Tokens, element_id: str, now: dt.datetime) -> Advance:
    """See `Execution.reopen`."""
    if not case.workflow.completed:
        raise errors.FlowStuck(element=case.program.name, reason="it is not over")
    scope = _scope_of(case, element_id, [])
    case.begin(now)
    scope.completed = False
    scope.task_tree.internal_data.pop("interrupted", None)
    case.place(scope, scope.spec.skeleton.steps[element_id], {})
    events.watch(case, scope, scope.spec.name)
    return case.run()


def _standing(case: Tokens, instance: str) -> Task:
    for task in state.tokens(case.workflow):
        memory = task.internal_data
        if memory.get("instance") == instance or (memory.get("at") == "join" and memory.get("flow") == instance):
            return task
    raise errors.NotFound(what="waiting element", name=instance)


def _scope_of(case: Tokens, element_id: str, near: Sequence[Task]) -> BpmnWorkflow:
    """The running scope of an element: that of one of the tokens `near` if it has several. Raises `errors.FlowStuck`."""
    element = case.program.element(element_id)
    if element.kind in ("boundaryEvent", "startEvent", "eventSubProcess") and element.event not in (None, "message", "signal"):
        raise errors.FlowStuck(element=element.title, reason="no token can be placed at an event that waits beside something else")
    if element.kind in ("parallelGateway", "inclusiveGateway") and len(element.incoming) > 1:
        raise errors.FlowStuck(element=element.title, reason="no token can be placed where branches meet; choose the step behind it")
    around = [workflow for task in near for workflow in (task.workflow, *_outside(task.workflow))]
    running = [case.workflow, *(state.body_of(task) for task in state.tokens(case.workflow))]
    for workflow in [*around, *running]:
        if workflow is not None and workflow.spec.name == element.scope and "many" not in workflow.task_tree.internal_data:
            return workflow
    raise errors.FlowStuck(element=element.title, reason="the sub-process around it is not running; choose the sub-process itself")


def _outside(workflow: BpmnWorkflow) -> list[BpmnWorkflow]:
    """The scopes around a scope, from the inside out."""
    found: list[BpmnWorkflow] = []
    while (holder := getattr(workflow, "holder", None)) is not None:
        workflow = holder.workflow
        found.append(workflow)
    return found


def _leave(case: Tokens, task: Task, by: str | None, kept: set[int]) -> None:
    workflow = task.workflow
    if task.id not in workflow.tasks:
        return  # went with the scope around it
    case.cancel(task, by)
    if "undoes" in task.internal_data:
        compensation.resume(case, task.internal_data["undoes"])
    if not workflow.task_tree._children and workflow is not case.workflow and id(workflow) not in kept:
        _leave(case, workflow.holder, by, kept)
