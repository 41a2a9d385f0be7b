"""Call activities: a process of this version or of another one, with variables of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from SpiffWorkflow.task import Task  # type: ignore[import-untyped]

from .. import errors
from . import events, opening, state
from .model import Element
from .names import GIVEN, refuse_given

if TYPE_CHECKING:
    from .tokens import Tokens

#: Calls inside one another before it counts as a process that calls itself for ever.
DEEPEST = 20


def scope_key(instance: str) -> str:
    """Key of the scope of the process that a call activity has called."""
    return f"{instance} called"


def enter(case: Tokens, task: Task, element: Element) -> None:
    """The called process begins. Which version it is, is settled here and for good.

    Raises `errors.FlowStuck` where there is no such process, or too many calls inside one another.
    """
    assert element.called is not None
    instance = case.visit(task, element)
    if _depth(task) >= DEEPEST:
        raise errors.FlowStuck(element=element.title, reason="processes call one another without end")
    prefix = case.program.called(element.called, task.workflow.spec.skeleton)
    if element.called.binding == "latest":
        case.advance.called.append(prefix and prefix.partition("@")[2].removesuffix(":"))
    if prefix is None:
        raise errors.FlowStuck(element=element.title, reason=f"no process is deployed that it could call: {element.called.process}")
    part = case.program.part(prefix)
    inputs, seen = case.inputs(task, element)
    given = seen if element.called.parent else {**{name: seen[name] for name in sorted(GIVEN) if name in seen}, **inputs}
    case.scopes.call(scope_key(instance), given)
    task.internal_data.update(at="inside", called=prefix, since=case.scopes.clock)
    events.guard(case, task, element, seen)
    case.start(state.open_body(task, part.specs[part.process.id]), part.process.id)


def _depth(task: Task) -> int:
    depth, workflow = 0, task.workflow
    while (holder := getattr(workflow, "holder", None)) is not None:
        depth += "called" in holder.internal_data
        workflow = holder.workflow
    return depth


def back(case: Tokens, task: Task, element: Element) -> None:
    """What comes back: by the output mapping, and all that the called process wrote if it is to be handed back."""
    assert element.called is not None
    key = scope_key(task.internal_data["instance"])
    child = case.scopes.tree[key]
    outer = case.scope(task)
    values = {}
    if element.called.child:
        values = {name: value for name, value in child.values.items() if name not in child.copied and name not in GIVEN}
    values |= opening.mapped(element.outputs, {**case.scopes.visible(outer), **child.values}, case.now)
    refuse_given(values)
    case.advance.written += case.scopes.write(outer, values, element.id, task.internal_data["since"])
