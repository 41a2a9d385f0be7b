"""Undoing what was completed (BPMN 2.0.2, 13.5.5), and the cancelling of transactions.

The root of each scope remembers in `done` what was completed there and can be undone, oldest first, each with the local
variables it had: `{activity, instance, local, handler}`, or for a sub-process without a handler of its own `inner`, what was
done in it. Whoever undoes keeps the rest to be done in `undo` and takes it from the end, one after the other; the token of
a handler remembers in `undoes` for whom it works.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn import BpmnWorkflow  # type: ignore[import-untyped]
from SpiffWorkflow.task import Task  # type: ignore[import-untyped]

from ..ports import Json
from . import state
from .advance import Passed
from .model import Element
from .scopes import PROCESS

if TYPE_CHECKING:
    from .tokens import Tokens


def record(case: Tokens, task: Task, element: Element) -> None:
    """An activity is completed: remembers how to undo it, if that is drawn."""
    memory = task.internal_data
    inner = memory.pop("done", None)
    handler = task.workflow.spec.skeleton.handlers.get(element.id)
    many = "many" in task.workflow.task_tree.internal_data
    done: list[Json] = task.workflow.task_tree.internal_data.get("done", [])
    if element.loop is not None and not many:
        done = [*done, *(inner or ())]
    elif handler is not None or (inner and element.kind in ("subProcess", "transaction")):
        instance = memory["instance"]
        scope = case.scopes.tree.get(instance)
        how = {"handler": handler} if handler is not None else {"inner": inner}
        done = [*done, {"activity": element.id, "instance": instance, "local": dict(scope.values) if scope else {}, **how}]
    if done:
        task.workflow.task_tree.internal_data["done"] = done


def throw(case: Tokens, task: Task, element: Element) -> None:
    """Undoes one activity or everything completed in the scope; in an event sub-process: in the scope around it."""
    case.visit(task, element)
    task.internal_data["at"] = "undoing"
    _undo(task, _scope(task), None if element.activity is None else (element.activity,))
    _next(case, task)


def cancel(case: Tokens, task: Task, element: Element) -> None:
    """A transaction is cancelled: all that still runs in it ends, what was completed is undone, then it is left."""
    case.visit(task, element)
    task.internal_data["at"] = "undoing"
    case.clear(task.workflow, element.id, but=task)
    task.workflow.task_tree.internal_data["interrupted"] = True
    _undo(task, task.workflow, None)
    _next(case, task)


def undo(case: Tokens, activities: Collection[str] | None) -> None:
    """Undoes what was completed in the process itself at somebody's wish."""
    _undo(case.workflow.task_tree, case.workflow, activities)
    _next(case, case.workflow.task_tree)


def _undo(task: Task, workflow: BpmnWorkflow, activities: Collection[str] | None) -> None:
    memory = workflow.task_tree.internal_data
    done = memory.pop("done", [])
    chosen = [each for each in done if activities is None or each["activity"] in activities]
    if rest := [each for each in done if each not in chosen]:
        memory["done"] = rest
    task.internal_data["undo"] = chosen


def _scope(task: Task) -> BpmnWorkflow:
    workflow = task.workflow
    while workflow is not workflow.top_workflow and workflow.holder.task_spec.element.kind == "eventSubProcess":
        workflow = workflow.holder.workflow
    return workflow


def resume(case: Tokens, instance: str) -> bool:
    """A handler has done its work for whoever has this instance; whether that is still there."""
    if instance == PROCESS and "undo" in case.workflow.task_tree.internal_data:
        _next(case, case.workflow.task_tree)
        return True
    for task in state.tokens(case.workflow):
        if task.internal_data.get("instance") == instance and task.internal_data.get("at") == "undoing":
            _next(case, task)
            return True
    return False


def _next(case: Tokens, task: Task) -> None:
    """Begins what is undone next, or goes on after the last."""
    queue: list[dict[str, Any]] = task.internal_data["undo"]
    if not queue:
        _undone(case, task)
        return
    each = queue.pop()
    instance = task.internal_data.get("instance", PROCESS)
    body = state.body_of(task)
    workflow = body if body is not None else case.workflow if instance == PROCESS else _scope(task)
    steps = workflow.spec.skeleton.steps
    if "handler" in each:
        handler = case.place(workflow, steps[each["handler"]], {"undoes": instance})
        case.visit(handler, handler.task_spec.element)
    else:
        handler = case.place(workflow, steps[each["activity"]], {"instance": each["instance"], "at": "undoing", "undoes": instance})
        handler.internal_data["undo"] = each["inner"]
        state.open_body(handler, workflow.spec.skeleton.specs[each["activity"]])
    if each["local"]:
        case.local(handler, each["local"])
    if "inner" in each:
        _next(case, handler)


def _undone(case: Tokens, task: Task) -> None:
    memory = task.internal_data
    del memory["undo"]
    if task is case.workflow.task_tree:
        if not task._children and not case.workflow.completed:
            case.over(case.workflow, case.program.process_id)
        return
    element = task.task_spec.element
    if state.body_of(task) is not None:
        case.done(task)
        resume(case, memory["undoes"])
    elif element.event == "cancel":
        _leave_transaction(case, task, element)
    else:
        memory["at"] = "leaving"
        case.moving.append(task)


def _leave_transaction(case: Tokens, task: Task, element: Element) -> None:
    case.advance.passed.append(Passed(instance=task.internal_data["instance"], element=element.id))
    holder = task.workflow.holder
    while "many" in holder.workflow.task_tree.internal_data:
        holder = holder.workflow.holder
    workflow = holder.workflow
    [event] = [e for e in workflow.spec.skeleton.boundaries[holder.task_spec.name] if e.event == "cancel"]
    case.cancel(holder, event.id)
    case.place(workflow, workflow.spec.skeleton.steps[event.id], {"instance": case.number(event), "at": "leaving"})
