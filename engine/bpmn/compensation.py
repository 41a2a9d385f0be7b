"""Undoing what was completed (BPMN 2.0.2, 13.5.5), and the cancelling of transactions.

The root of each scope remembers in `done` what was completed there and can be undone, oldest first, each with the local
variables it had: `{activity, instance, local, handler}`, or for a sub-process without a handler of its own `inner`, what was
done in it. Whoever undoes keeps in `undo` what is not undone yet, from the end on, one after the other: the last is what is
being undone now. The token of a handler remembers in `undoes` for whom it works; for an `inner` one, a token at the
sub-process undoes that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
    """Undoes one activity or everything completed in the scope; in an event sub-process: in the scope around it, too."""
    case.visit(task, element)
    task.internal_data["at"] = "undoing"
    _undo(task, _scopes(task), None if element.activity is None else (element.activity,))
    _next(case, task)


def cancel(case: Tokens, task: Task, element: Element) -> None:
    """A transaction is cancelled: all that still runs in it ends, what was completed is undone, then it is left."""
    case.visit(task, element)
    task.internal_data["at"] = "undoing"
    case.clear(task.workflow, element.id, but=task)
    task.workflow.task_tree.internal_data["interrupted"] = True
    _undo(task, [task.workflow], None)
    _next(case, task)


def undo(case: Tokens, activities: Collection[str] | None) -> None:
    """Undoes what was completed in the process itself at somebody's wish."""
    _undo(case.workflow.task_tree, [case.workflow], activities)
    _next(case, case.workflow.task_tree)


def _undo(task: Task, scopes: Sequence[BpmnWorkflow], activities: Collection[str] | None) -> None:
    undo: list[dict[str, Any]] = []
    for workflow in reversed(scopes):
        memory = workflow.task_tree.internal_data
        done = memory.pop("done", [])
        undo += [each for each in done if activities is None or each["activity"] in activities]
        if rest := [each for each in done if activities is not None and each["activity"] not in activities]:
            memory["done"] = rest
    task.internal_data["undo"] = undo


def _scopes(task: Task) -> list[BpmnWorkflow]:
    """The scopes in which a token undoes: its own, and those that event sub-processes around it belong to."""
    found = [task.workflow]
    while found[-1] is not task.workflow.top_workflow and found[-1].holder.task_spec.element.kind == "eventSubProcess":
        found.append(found[-1].holder.workflow)
    return found


def _where(task: Task, each: Mapping[str, Any]) -> BpmnWorkflow:
    """The scope in which something was completed and is undone."""
    body = state.body_of(task)
    if body is not None or task is task.workflow.task_tree:
        return body or task.workflow
    scope = task.workflow.spec.skeleton.steps[each["activity"]].element.scope
    return next(workflow for workflow in _scopes(task) if workflow.spec.name == scope)


def give_up(case: Tokens, task: Task, by: str | None) -> None:
    """Who undoes is taken away, and the handlers with it: what is not undone yet can be undone by somebody else."""
    for each in _remaining(case, task):
        _where(task, each).task_tree.internal_data.setdefault("done", []).append(each)
    del task.internal_data["undo"]
    for handler in _handlers(case, task):
        if handler.id in handler.workflow.tasks:
            case.cancel(handler, by)


def _remaining(case: Tokens, task: Task) -> list[dict[str, Any]]:
    undo: list[dict[str, Any]] = task.internal_data["undo"]
    if undo and "inner" in undo[-1]:
        [inner] = _handlers(case, task)
        undo[-1]["inner"] = _remaining(case, inner)
        inner.internal_data["undo"] = []
    return undo


def _handlers(case: Tokens, task: Task) -> list[Task]:
    instance = task.internal_data.get("instance", PROCESS)
    return [other for other in state.tokens(case.workflow) if other.internal_data.get("undoes") == instance]


def resume(case: Tokens, instance: str) -> bool:
    """A handler has done its work for whoever has this instance; whether that is still there."""
    for task in (case.workflow.task_tree, *state.tokens(case.workflow)):
        memory = task.internal_data
        if memory.get("instance", PROCESS) == instance and "undo" in memory:
            memory["undo"].pop()
            _next(case, task)
            return True
    return False


def _next(case: Tokens, task: Task) -> None:
    """Begins what is undone next, or goes on after the last."""
    queue: list[dict[str, Any]] = task.internal_data["undo"]
    if not queue:
        _undone(case, task)
        return
    each = queue[-1]
    instance = task.internal_data.get("instance", PROCESS)
    workflow = _where(task, each)
    steps = workflow.spec.skeleton.steps
    if "handler" in each:
        handler = case.place(workflow, steps[each["handler"]], {"undoes": instance})
        case.visit(handler, handler.task_spec.element)
    else:
        handler = case.place(workflow, steps[each["activity"]], {"instance": each["instance"], "at": "undoing", "undoes": instance})
        handler.internal_data["undo"], each["inner"] = each["inner"], []
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
