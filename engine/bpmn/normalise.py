"""What a modeler draws, as the skeleton that SpiffWorkflow runs: a tree of steps without data, conditions or times.

Each element becomes one `Step`, a task that stays READY until `runtime` has decided where its token goes on. So no
expression is ever seen by SpiffWorkflow, and none of its joins, choices, timers or data merges is used (they lose writes,
fire too early in loops, or evaluate Python: see the tests). What it does: the tree of tokens, sub-processes, boundary
events, the end of a scope. Names with a blank are generated and never leave `engine.bpmn`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass

from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent, EndEvent, SubWorkflowTask  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.event_definitions.simple import TerminateEventDefinition  # type: ignore[import-untyped]
from SpiffWorkflow.task import Task, TaskState  # type: ignore[import-untyped]

from .. import errors
from .model import Element, Process

#: Kinds of element that run here, each with the events it may carry; None: a plain one.
RUNS: Mapping[str, Set[str | None]] = {
    "startEvent": {None, "message"},
    "endEvent": {None, "terminate", "error", "escalation", "signal", "message"},
    "intermediateThrowEvent": {None, "link", "escalation", "signal", "message"},
    "intermediateCatchEvent": {"timer", "signal", "link"},
    "boundaryEvent": {"timer", "error", "escalation", "signal"},
    **{f"{kind}Task": {None} for kind in ("user", "manual", "service", "businessRule", "script")},
    **{f"{kind}Gateway": {None} for kind in ("exclusive", "parallel", "inclusive", "eventBased")},
    "sendTask": {None, "message"},
    "task": {None},
    "subProcess": {None},
}
#: Elements that only run with an operation behind them.
_CALLERS = frozenset(("serviceTask", "sendTask"))
#: state of a token's children that are to come
COMING = TaskState.FUTURE


class Step(BpmnTaskSpec):  # type: ignore[misc]
    """One element. `task.internal_data["next"]` holds the `(spec, memory)` pairs its token goes to, set before it runs."""

    def __init__(self, spec: BpmnProcessSpec, name: str, element: Element, *, leaving: bool = False) -> None:
        super().__init__(spec, name, manual=True)
        self.element = element
        #: True for the second half of a sub-process: after its body
        self.leaving = leaving
        #: where every token goes as well: the join that ends the boundary events
        self.always: list[BpmnTaskSpec] = []

    def test(self) -> None:
        """Was checked when the diagram was read."""

    def _predict_hook(self, task: Task) -> None:
        """Nothing is foreseen: the tree holds what happened and what waits, so it stays small and loops are no danger."""

    def _update_hook(self, task: Task) -> bool:
        return True

    def _run_hook(self, task: Task) -> bool:
        for spec, memory in [*((spec, {}) for spec in self.always), *task.internal_data.pop("next")]:
            child = task._add_child(spec, COMING)
            child.internal_data.update(memory)
            spec._predict(child, mask=COMING | TaskState.PREDICTED_MASK)
        return True


@dataclass(frozen=True)
class Skeleton:
    """What SpiffWorkflow gets, and how to find one's way in it."""

    spec: BpmnProcessSpec
    #: by id of the sub-process
    bodies: Mapping[str, BpmnProcessSpec]
    #: where a flow leads, by its id
    arrivals: Mapping[str, BpmnTaskSpec]

    def body(self, element: Element) -> BpmnTaskSpec:
        """What starts the body of a sub-process, after its inputs were evaluated."""
        specs = self._scope(element).task_specs
        return specs.get(f"{element.id} events") or specs[f"{element.id} body"]

    def end(self, element: Element) -> BpmnTaskSpec:
        """Where a token goes that no flow leads on."""
        spec = self._scope(element)
        return spec.task_specs.get(f"{element.id} terminate", spec.end)

    def _scope(self, element: Element) -> BpmnProcessSpec:
        return self.bodies.get(element.scope, self.spec)


def construct(element: Element) -> str:
    """What a BPMN book calls the element, such as `message boundary event` or `multi-instance task`."""
    loop = {"multiInstance": "multi-instance ", "standard": "loop "}.get(element.loop or "", "")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", element.kind).lower().replace("sub process", "sub-process")
    return f"{loop}{element.event + ' ' if element.event else ''}{words}"


def runs(element: Element) -> bool:
    """Whether the element is executed here as BPMN means it. What does not run is refused, never passed over."""
    if element.kind == "startEvent" and element.scope != element.process and element.event:
        return False  # the start of a sub-process has no trigger
    return element.loop is None and element.event in RUNS.get(element.kind, frozenset())


def calls(element: Element) -> bool:
    """Whether the element is nothing without an operation."""
    return element.kind in _CALLERS or (element.event == "message" and element.kind in ("intermediateThrowEvent", "endEvent"))


def skeleton(process: Process) -> Skeleton:
    """Builds the skeleton of a process. Raises `errors.FileRefused` at the first element that cannot run."""
    for element in process.elements.values():
        if not runs(element):
            raise errors.FileRefused(file=process.file, reason=f"{element.id}: a {construct(element)} does not run here")
        if calls(element) and "taskDefinition.type" not in element.extensions:
            raise errors.FileRefused(file=process.file, reason=f"{element.id}: a {construct(element)} needs an operation")
    arrivals: dict[str, BpmnTaskSpec] = {}
    bodies = {e.id: _scope(process, e.id, arrivals) for e in process.elements.values() if e.kind == "subProcess"}
    return Skeleton(_scope(process, process.id, arrivals), bodies, arrivals)


def beginnings(process: Process, scope: str) -> list[Element]:
    """Where a scope begins: its plain start events, else its first start event, else every element nothing leads to."""
    inside = [e for e in process.inside(scope) if e.kind not in ("boundaryEvent", "eventSubProcess")]
    starts = [e for e in inside if e.kind == "startEvent"]
    return [e for e in starts if e.event is None] or starts[:1] or [e for e in inside if not e.incoming and e.event != "link"]


def _scope(process: Process, scope: str, arrivals: dict[str, BpmnTaskSpec]) -> BpmnProcessSpec:
    spec = BpmnProcessSpec(name=scope)
    begin = beginnings(process, scope)
    for element in process.inside(scope):
        if element.kind == "boundaryEvent":
            continue
        entrance = _place(spec, process, element)
        arrivals.update(dict.fromkeys(element.incoming, entrance))
        if element.event == "link" and element.kind == "intermediateCatchEvent":
            arrivals[link(element)] = entrance
        if element in begin:
            spec.start.connect(entrance)
    if not begin:
        spec.start.connect(spec.end)  # an empty scope is over at once
    return spec


def link(element: Element) -> str:
    """The generated flow that a link event stands for."""
    return f"{element.scope} link {element.reference}"


def _place(spec: BpmnProcessSpec, process: Process, element: Element) -> BpmnTaskSpec:
    """Puts an element with its boundary events into a scope; returns where its tokens arrive."""
    step = guarded = Step(spec, element.id, element)
    spec.end._connect_notify(step)
    if element.kind == "endEvent" and element.event == "terminate":
        over = EndEvent(spec, f"{element.id} terminate", TerminateEventDefinition())
        over.element = element
        over._connect_notify(step)
    if element.kind == "subProcess":
        guarded = SubWorkflowTask(spec, f"{element.id} body", element.id)
        guarded.element = element
        guarded._connect_notify(step)
        guarded.connect(Step(spec, f"{element.id} left", element, leaving=True))
    events = list(process.boundaries(element.id))
    if not events:
        return step
    split = BoundaryEventSplit(spec, f"{element.id} events")
    join = BoundaryEventJoin(spec, f"{element.id} over", split_task=split.name, cancel=True)
    split._connect_notify(step)
    split.connect(guarded)
    if guarded is step:
        step.always.append(join)
        join._connect_notify(step)
    else:
        guarded.connect(join)
    for event in events:
        trigger = BoundaryEvent(spec, f"{event.id} event", EventDefinition(event.id), event.interrupting)
        trigger.element = event
        split.connect(trigger)
        trigger.connect(join)
        trigger.connect(Step(spec, event.id, event))
    return split if guarded is step else step
