"""What begins when a token reaches an element: people's work, an operation, a scope, a calculation, an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from SpiffWorkflow.task import Task  # type: ignore[import-untyped]

from .. import errors
from ..ports import Json
from . import calls, compensation, events, opening, state
from .model import Element
from .names import refuse_given
from .normalise import BODIES, Skeleton

if TYPE_CHECKING:
    from .tokens import Tokens

_OPERATIONS = frozenset(("serviceTask", "sendTask", "businessRuleTask", "scriptTask", "intermediateThrowEvent", "endEvent"))
_THROWN = frozenset(("signal", "escalation", "error", "message"))


def begin(case: Tokens, task: Task, element: Element) -> None:
    """The work of an element begins."""
    kind = element.kind
    if kind == "userTask" or (kind in _OPERATIONS and "taskDefinition.type" in element.extensions):
        _wait(case, task, element)
    elif kind == "receiveTask" or (kind == "intermediateCatchEvent" and element.event != "link"):
        events.wait(case, task, element)
    elif kind == "eventBasedGateway":
        events.choose(case, task, element)
    elif kind in BODIES:
        _enter(case, task, element)
    elif kind == "callActivity":
        calls.enter(case, task, element)
    elif kind == "businessRuleTask":
        _decide(case, task, element)
    elif kind == "scriptTask":
        _calculate(case, task, element)
    elif kind in ("intermediateThrowEvent", "endEvent", "sendTask") and element.event in _THROWN:
        events.throw(case, task, element)
    else:
        _pass(case, task, element)


def _pass(case: Tokens, task: Task, element: Element) -> None:
    case.visit(task, element)
    if element.inputs:
        inputs, _ = case.inputs(task, element)
        case.local(task, inputs)
    if element.event == "compensate":
        compensation.throw(case, task, element)
    elif element.event == "cancel":
        compensation.cancel(case, task, element)
    else:
        case.leave(task, element)


def _wait(case: Tokens, task: Task, element: Element) -> None:
    instance = case.visit(task, element)
    inputs, seen = case.inputs(task, element)
    if element.kind == "userTask":
        case.advance.opened.append(opening.opened(element, instance, inputs, seen, case.now, case.program.calendar(element)))
    else:
        case.advance.requested.append(opening.requested(element, instance, inputs, seen, case.now))
    if inputs:
        case.local(task, inputs)
    task.internal_data.update(at="waiting", since=case.scopes.clock)
    case.live[instance] = task, None
    events.guard(case, task, element, seen)


def _enter(case: Tokens, task: Task, element: Element) -> None:
    case.visit(task, element)
    inputs, seen = case.inputs(task, element)
    if inputs or element.outputs:
        case.local(task, inputs)
    task.internal_data["at"] = "inside"
    events.guard(case, task, element, seen)
    skeleton: Skeleton = task.workflow.spec.skeleton
    case.start(state.open_body(task, skeleton.specs[element.id]), element.id, begun=task.internal_data.pop("begun", None))


def _calculate(case: Tokens, task: Task, element: Element) -> None:
    case.visit(task, element)
    inputs, data = case.inputs(task, element)
    result = opening.value(element.extensions.get("script.expression", ""), data, case.now)
    _calculated(case, task, element, inputs, {element.extensions.get("script.resultVariable", ""): result})
    _settle(case, task, element, {"result": result})


def _decide(case: Tokens, task: Task, element: Element) -> None:
    case.visit(task, element)
    inputs, data = case.inputs(task, element)
    decision = str(opening.value(element.extensions.get("calledDecision.decisionId", ""), data, case.now))
    table = task.workflow.spec.skeleton.owner.decisions.get(decision)
    if table is None:
        raise errors.DecisionFailed(decision=decision, reason="no file of this procedure has it")
    result = table.decide(decision, data, now=case.now)
    name = element.extensions.get("calledDecision.resultVariable") or decision
    _calculated(case, task, element, inputs, {name: result.value})
    detail = {"decision": decision, "inputs": result.inputs, "matched": list(result.matched), "value": result.value}
    # the tables that it required, by decision: what their rules are good for is counted, too
    if reached := {str(step["decision"]): step["matched"] for step in result.trace[:-1] if "matched" in step}:
        detail["reached"] = reached
    _settle(case, task, element, detail)


def _calculated(case: Tokens, task: Task, element: Element, inputs: Mapping[str, Json], values: Mapping[str, Json]) -> None:
    refuse_given(values)
    if inputs:
        case.local(task, inputs)
    case.keep(task, element, values)


def _settle(case: Tokens, task: Task, element: Element, detail: Mapping[str, Json]) -> None:
    if task.internal_data["at"] == "leaving":
        case.leave(task, element, detail)
    else:
        case.onward(task, element, detail)
