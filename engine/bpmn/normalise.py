"""What a modeler draws, as the skeleton that SpiffWorkflow runs: steps without data, conditions or times.

Each element becomes one `Step`, a task that stays READY until `tokens` has decided where its token goes on. So no expression
is ever seen by SpiffWorkflow, and none of its joins, choices, timers, events, loops or data merges is used (they lose writes,
fire too early in loops, never listen, or evaluate Python: see the tests). What it does: it keeps the tokens of each scope as
tasks of one workflow, and the scopes as workflows below one another. Names with a blank are generated and never leave
`engine.bpmn`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec  # type: ignore[import-untyped]
from SpiffWorkflow.task import Task  # type: ignore[import-untyped]

from .. import errors
from .model import Element, Process

#: events that something waits for, and those that are thrown at whoever encloses the thrower
AWAITED = frozenset(("timer", "message", "signal", "conditional"))
CAUGHT = frozenset(("error", "escalation"))
#: elements with a body of their own, drawn inside
BODIES = frozenset(("subProcess", "transaction", "eventSubProcess"))
#: Kinds of element that run here, each with the events it may carry; None: a plain one.
RUNS: Mapping[str, Set[str | None]] = {
    "startEvent": {None, *AWAITED, *CAUGHT, "compensate"},
    "endEvent": {None, "terminate", "error", "escalation", "signal", "message", "compensate", "cancel"},
    "intermediateThrowEvent": {None, "link", "escalation", "signal", "message", "compensate"},
    "intermediateCatchEvent": {"link", *AWAITED},
    "boundaryEvent": {*AWAITED, *CAUGHT, "compensate", "cancel"},
    **{f"{kind}Task": {None} for kind in ("user", "manual", "service", "businessRule", "script")},
    **{f"{kind}Gateway": {None} for kind in ("exclusive", "parallel", "inclusive", "eventBased")},
    "sendTask": {None, "message"},
    "receiveTask": {"message"},
    "task": {None},
    "callActivity": {None},
    **{kind: {None} for kind in BODIES},
}
#: Elements that only run with an operation behind them, or a message to throw.
_CALLERS = frozenset(("serviceTask", "sendTask"))


class Step(BpmnTaskSpec):  # type: ignore[misc]
    """One element. Its tokens are tasks directly under the root of their scope's workflow."""

    def __init__(self, spec: BpmnProcessSpec, element: Element) -> None:
        super().__init__(spec, element.id, manual=True)
        self.element = element

    def test(self) -> None:
        """Was checked when the diagram was read."""

    def _run_hook(self, task: Task) -> bool:
        return True

    def _on_complete(self, task: Task) -> None:
        """Nothing waits for a token in SpiffWorkflow, which would go through all others to find out."""


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """One process, what SpiffWorkflow gets of it, and how to find one's way in it."""

    process: Process
    #: the files it belongs to: `engine.bpmn.program.Program`
    owner: Any
    #: `@version` for a process of another version than the case's, else empty
    at: str = ""
    #: by id of the process and of each element with a body
    specs: Mapping[str, BpmnProcessSpec] = field(default_factory=dict)
    #: where a flow leads, by its id
    arrivals: Mapping[str, Step] = field(default_factory=dict)
    steps: Mapping[str, Step] = field(default_factory=dict)
    #: the steps where each scope begins
    begins: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    #: boundary events by activity
    boundaries: Mapping[str, tuple[Element, ...]] = field(default_factory=dict)
    #: start events of the event sub-processes by scope
    watches: Mapping[str, tuple[Element, ...]] = field(default_factory=dict)
    #: activity -> the handler that undoes it: an activity beside it, or an event sub-process in it
    handlers: Mapping[str, str] = field(default_factory=dict)
    #: inclusive gateway -> what can still reach it, filled by `joins` when first asked
    reach: dict[str, Mapping[str, Set[str]]] = field(default_factory=dict)


def construct(element: Element) -> str:
    """What a BPMN book calls the element, such as `message boundary event` or `multi-instance task`."""
    loop = {"multiInstance": "multi-instance ", "standard": "loop "}.get(element.loop or "", "")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", element.kind).lower().replace("sub process", "sub-process")
    event = f"{element.event} " if element.event and element.kind.endswith("Event") else ""
    return f"{loop}{event}{words}"


def runs(element: Element, process: Process) -> bool:
    """Whether the element is executed here as BPMN means it. What does not run is refused, never passed over."""
    return element.event in RUNS.get(element.kind, frozenset()) and repeats(element) and _fits(element, process)


def repeats(element: Element) -> bool:
    """Whether it is said how often, where an activity is drawn to run several times."""
    if element.multi is not None:
        return bool(element.multi.collection or element.multi.cardinality)
    return element.loop is None or (element.repeat is not None and bool(element.repeat.condition or element.repeat.maximum))


def _fits(element: Element, process: Process) -> bool:
    """Whether an element stands where its kind has a meaning."""
    around = process.elements.get(element.scope)
    host = process.elements.get(element.attached or "")
    if element.kind == "startEvent":
        if around is None and element.event not in (None, "message", "signal"):
            return False
        if around is not None and (element.event is not None) != (around.kind == "eventSubProcess"):
            return False
        if around is not None and element.event == "compensate":
            return _undoes(process, around.scope) == [around.id]
    if element.kind == "eventSubProcess":
        starts = [e for e in process.inside(element.id) if e.kind == "startEvent"]
        return len(starts) == 1 and not element.incoming and element.loop is None
    if element.event == "cancel":
        if element.kind == "boundaryEvent":
            others = (e for e in process.boundaries(element.attached or "") if e.event == "cancel" and e is not element)
            return host is not None and host.kind == "transaction" and not any(others)
        return around is not None and any(e.event == "cancel" for e in process.boundaries(around.id))
    if element.kind == "callActivity":
        return element.called is not None and bool(element.called.process) and not element.called.process.startswith("=")
    if element.event == "compensate" and element.kind == "boundaryEvent":
        return element.compensates in process.elements
    if element.event == "conditional":
        return bool(element.condition)
    nameless = element.event in ("message", "signal") and not element.reference
    return not nameless or "taskDefinition.type" in element.extensions or (element.kind == "startEvent" and around is None)


def _undoes(process: Process, activity: str) -> list[str]:
    """What is drawn to undo a sub-process: activities beside it, and event sub-processes in it."""
    if activity not in process.elements or process.elements[activity].kind not in ("subProcess", "transaction"):
        return []
    beside = [e.compensates or "" for e in process.boundaries(activity) if e.event == "compensate"]
    inside = [e for e in process.inside(activity) if e.kind == "eventSubProcess"]
    return [*beside, *(e.id for e in inside if any(start.event == "compensate" for start in process.inside(e.id)))]


def calls(element: Element) -> bool:
    """Whether the element is nothing without an operation."""
    return element.kind in _CALLERS and element.event is None


def keyed(process: Process, prefix: str) -> Process:
    """The same process with `prefix` before every id, so that a caller can tell its elements from its own."""

    def key(id: str) -> str:
        return prefix + id if id else id

    def maybe(id: str | None) -> str | None:
        return key(id) if id else None

    flows = {key(id): replace(flow, id=key(id), source=key(flow.source), target=key(flow.target)) for id, flow in process.flows.items()}
    elements = {
        key(id): replace(
            e,
            id=key(id),
            process=key(e.process),
            scope=key(e.scope),
            incoming=tuple(map(key, e.incoming)),
            outgoing=tuple(map(key, e.outgoing)),
            default=maybe(e.default),
            attached=maybe(e.attached),
            compensates=maybe(e.compensates),
            activity=maybe(e.activity),
        )
        for id, e in process.elements.items()
    }
    return replace(process, id=key(process.id), flows=flows, elements=elements)


def skeleton(process: Process, owner: Any = None, at: str = "") -> Skeleton:
    """Builds the skeleton of a process. Raises `errors.FileRefused` at the first element that cannot run."""
    for element in process.elements.values():
        if not runs(element, process):
            raise errors.FileRefused(file=process.file, reason=f"{element.id}: a {construct(element)} does not run here")
        if calls(element) and "taskDefinition.type" not in element.extensions:
            raise errors.FileRefused(file=process.file, reason=f"{element.id}: a {construct(element)} needs an operation")
    specs = {scope: _spec(scope) for scope in [process.id, *(e.id for e in process.elements.values() if e.kind in BODIES)]}
    steps = {e.id: Step(specs[e.scope], e) for e in process.elements.values() if e.scope in specs}
    arrivals = {flow.id: steps[flow.target] for flow in process.flows.values() if flow.target in steps}
    arrivals |= {link(e): steps[e.id] for e in process.elements.values() if e.event == "link" and e.kind == "intermediateCatchEvent"}
    undone = {e.attached: e.compensates for e in process.elements.values() if e.event == "compensate"}
    undone |= {
        process.elements[e.scope].scope: e.scope for e in process.elements.values() if e.event == "compensate" and e.kind == "startEvent"
    }
    built = Skeleton(
        process=process,
        owner=owner,
        at=at,
        specs=specs,
        arrivals=arrivals,
        steps=steps,
        begins={scope: tuple(steps[e.id] for e in beginnings(process, scope)) for scope in specs},
        boundaries=_grouped((e.attached or "", e) for e in process.elements.values() if e.kind == "boundaryEvent"),
        watches=_grouped(
            (process.elements[e.scope].scope, e)
            for e in process.elements.values()
            if e.kind == "startEvent" and e.scope in process.elements and process.elements[e.scope].kind == "eventSubProcess"
        ),
        handlers={activity: handler for activity, handler in undone.items() if activity and handler},
    )
    for spec in specs.values():
        spec.skeleton = built
    return built


def _spec(scope: str) -> BpmnProcessSpec:
    """The spec of a scope without a step. Those that SpiffWorkflow adds would take names such as `Start` from elements."""
    spec = BpmnProcessSpec(name=scope)
    spec.task_specs.clear()
    spec.start.name = ""
    return spec


def _grouped(pairs: Iterable[tuple[str, Element]]) -> dict[str, tuple[Element, ...]]:
    found: dict[str, tuple[Element, ...]] = {}
    for key, element in pairs:
        found[key] = (*found.get(key, ()), element)
    return found


def beginnings(process: Process, scope: str) -> list[Element]:
    """Where a scope begins: its plain start events, else its first start event, else every element nothing leads to."""
    inside = [e for e in process.inside(scope) if e.kind not in ("boundaryEvent", "eventSubProcess") and not e.for_compensation]
    starts = [e for e in inside if e.kind == "startEvent"]
    return [e for e in starts if e.event is None] or starts[:1] or [e for e in inside if not e.incoming and e.event != "link"]


def link(element: Element) -> str:
    """The generated flow that a link event stands for."""
    return f"{element.scope} link {element.reference}"
