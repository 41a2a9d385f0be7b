"""Undoing what was completed (BPMN 2.0.2, 13.5.5), and the cancelling of transactions.

The root of each scope remembers in `done` what was completed there and can be undone, oldest first, each with the local
variables it had: `{activity, instance, local, handler}`. A sub-process has `inner`, what was done in it, which is undone where
it has no handler; its handler may be an event sub-process in it, which can undo that itself. A call activity has `inner`, too,
with the process it `called`, and that one's variables as its local ones: they are there again for its handlers, and go with them.
Whoever undoes keeps in `undo` what is not undone yet, from the end on, one after the other: the last is what is being undone
now. The token of a handler remembers in `undoes` for whom it works; for what has `inner`, a token at the activity undoes that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn import BpmnWorkflow  # type: ignore[import-untyped]
from SpiffWorkflow.task import Task  # type: ignore[import-untyped]

from ..ports import Json
from . import calls, state
from .advance import Passed
from .model import Element
from .scopes import PROCESS

if TYPE_CHECKING:
    from .tokens import Tokens


def record(case: Tokens, task: Task, element: Element) -> None:
    """An activity is completed: remembers how to undo it, if that is drawn."""
    memory = task.internal_data
    inner = memory.pop("done", None)
    done: list[Json] = task.workflow.task_tree.internal_data.get("done", [])
    if element.loop is not None and "many" not in task.workflow.task_tree.internal_data:
        done = [*done, *(inner or ())]
    elif how := _how(task, element, inner):
        instance = memory["instance"]
        scope = case.scopes.tree.get(calls.scope_key(instance) if "called" in how else instance)
        done = [*done, {"activity": element.id, "instance": instance, "local": dict(scope.values) if scope else {}, **how}]
    if done:
        task.workflow.task_tree.internal_data["done"] = done


def _how(task: Task, element: Element, inner: list[Json] | None) -> dict[str, Json]:
    """How a completed activity is undone; nothing if it cannot be. What was done inside while something was undone stays done."""
    skeleton = task.workflow.spec.skeleton
    handler = skeleton.handlers.get(element.id)
    if handler is not None:
        inside = skeleton.process.elements[handler].scope == element.id
        return {"handler": handler, "inner": inner or []} if inside else {"handler": handler}
    if element.for_compensation:
        return {}
    if inner and element.kind == "callActivity":
        return {"inner": inner, "called": task.internal_data["called"]}
    return {"inner": inner} if inner and element.kind in ("subProcess", "transaction") else {}


def reached(done: Sequence[Mapping[str, Any]]) -> set[str]:
    """The activities that are undone with these records, those inside included unless a handler decides about them."""
    inside = [reached(each["inner"]) for each in done if "inner" in each and "handler" not in each]
    return {each["activity"] for each in done}.union(*inside)


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
    for each in _remaining(case, task, by):
        _where(task, each).task_tree.internal_data.setdefault("done", []).append(each)
    del task.internal_data["undo"]
    for handler in _handlers(case, task):
        if handler.id in handler.workflow.tasks:
            case.cancel(handler, by)


def _remaining(case: Tokens, task: Task, by: str | None) -> list[dict[str, Any]]:
    undo: list[dict[str, Any]] = task.internal_data["undo"]
    if undo and "inner" in undo[-1]:
        each = undo[-1]
        [inner] = _handlers(case, task)
        if "handler" in each:
            body = state.body_of(inner)
            assert body is not None
            case.clear(body, by)  # what it undoes itself is given up, too
            each["inner"] = body.task_tree.internal_data.get("done", [])
        else:
            each["inner"] = _remaining(case, inner, by)
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
    if "inner" in each:
        _inside(case, case.place(workflow, workflow.spec.skeleton.steps[each["activity"]], {"undoes": instance}), each)
        return
    step = workflow.spec.skeleton.steps[each["handler"]]
    handler = case.place(workflow, step, {"undoes": instance})
    if step.element.kind == "eventSubProcess":
        [start] = workflow.spec.skeleton.begins[step.element.id]
        handler.internal_data["begun"] = case.number(start.element)
    case.visit(handler, step.element)
    if each["local"]:
        case.local(handler, each["local"])


def _inside(case: Tokens, task: Task, each: dict[str, Any]) -> None:
    """A token at an activity that is completed undoes what was done inside: one after the other, or by the handler drawn there."""
    memory, local = task.internal_data, each["local"]
    memory |= {"instance": each["instance"], "at": "undoing"}
    if "called" in each:
        memory["called"] = each["called"]
        case.scopes.call(calls.scope_key(each["instance"]), local)
    elif local:
        case.local(task, local)
    body = state.open_body(task, state.spec_of_body(case.program, task, {}))
    done, each["inner"] = each["inner"], []
    if "handler" in each:
        body.task_tree.internal_data["done"] = done
        done = [{"activity": each["activity"], "instance": each["instance"], "local": {}, "handler": each["handler"]}]
    memory["undo"] = done
    _next(case, task)


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
