"""Whether a diagram is drawn so that tokens can move: ids, flows, beginnings, conditions, joins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set

from lxml import etree

from .codes import Code
from .findings import Finding, finding
from .model import Element, Flow, Process
from .normalise import BODIES, beginnings
from .reader import BPMN

_GATEWAYS = ("exclusiveGateway", "inclusiveGateway")


def drawn_wrong(process: Process, root: etree._Element) -> Iterator[Finding]:
    """Findings of one process; `root` is the file it stands in."""
    yield from _ids(root)
    for flow in process.flows.values():
        yield from _flow(process, flow)
    for scope in [process.id, *(e.id for e in process.elements.values() if e.kind in BODIES)]:
        yield from _beginning(process, scope)
    for element in process.elements.values():
        yield from _element(process, element)
    reached = _reached(process)
    for element in process.elements.values():
        inside = all(process.elements[scope].kind in BODIES for scope in process.around(element))
        if element.id not in reached and inside:
            yield finding(Code.UNREACHABLE, element)
        if element.kind == "parallelGateway" and len(element.incoming) > 1 and element.id in reached:
            yield from _join(process, element, reached)


def _ids(root: etree._Element) -> Iterator[Finding]:
    used = Counter(node.get("id") for node in root.iter(BPMN + "*") if node.get("id"))
    for id, times in used.items():
        if times > 1 or id != "".join(id.split()) or "#" in id:
            yield finding(Code.DUPLICATE_ID, None, at=id, id=id)
    for node in root.iter(BPMN + "process", BPMN + "sequenceFlow"):
        if not node.get("id"):
            yield finding(Code.DUPLICATE_ID, None, id="")


def _flow(process: Process, flow: Flow) -> Iterator[Finding]:
    source, target = process.elements.get(flow.source), process.elements.get(flow.target)
    for end, there in ((flow.source, source), (flow.target, target)):
        if there is None:
            yield finding(Code.UNRESOLVED_REFERENCE, None, at=flow.id, where="The flow", what=f'the element "{end}"')
    if source is None or target is None:
        return
    if source.scope != target.scope:
        yield finding(Code.WRONG_FLOW, None, at=flow.id, reason="A flow may not cross the border of a sub-process")
    if target.kind in ("startEvent", "boundaryEvent") or source.kind == "endEvent":
        yield finding(Code.WRONG_FLOW, None, at=flow.id, reason="A flow may not enter a start or boundary event nor leave an end event")
    if source.kind == "eventBasedGateway" and target.kind not in ("intermediateCatchEvent", "receiveTask"):
        yield finding(Code.WRONG_FLOW, None, at=flow.id, reason="An event-based gateway leads to catching events only")


def _beginning(process: Process, scope: str) -> Iterator[Finding]:
    begin = beginnings(process, scope)
    inside = [element for element in process.inside(scope) if element.kind != "boundaryEvent"]
    around = process.elements.get(scope)
    if not begin and (inside or around is None):
        yield finding(Code.NO_BEGINNING, around, at=scope, where=f'"{around.title if around else process.name}"')
    if around is None and sum(element.kind == "startEvent" for element in begin) > 1:
        yield finding(Code.SEVERAL_PROCESSES, None, at=begin[1].id, processes=", ".join(element.id for element in begin))


def _element(process: Process, element: Element) -> Iterator[Finding]:
    if element.kind == "boundaryEvent":
        host = process.elements.get(element.attached or "")
        if host is None or host.scope != element.scope or not host.kind.lower().endswith(("task", "subprocess", "activity", "transaction")):
            yield finding(Code.UNRESOLVED_REFERENCE, element, where="The boundary event", what=f'the activity "{element.attached or ""}"')
    if element.default and element.default not in element.outgoing:
        yield finding(Code.UNRESOLVED_REFERENCE, element, where="The default flow", what=f'the outgoing flow "{element.default}"')
    if element.event == "link":
        yield from _link(process, element)
    if element.kind in _GATEWAYS and len(element.outgoing) > 1:
        for id in element.outgoing:
            if not process.flows[id].condition and id != element.default:
                yield finding(Code.MISSING_CONDITION, element, flow=process.flows[id].name or id, gateway=element.title)


def _link(process: Process, element: Element) -> Iterator[Finding]:
    halves = [e for e in process.inside(element.scope) if e.event == "link" and e.reference == element.reference]
    catches = [e for e in halves if e.kind == "intermediateCatchEvent"]
    if element.kind == "intermediateThrowEvent" and len(catches) != 1:
        yield finding(
            Code.UNRESOLVED_REFERENCE,
            element,
            where="The link event",
            what=f'exactly one catching link "{element.reference or ""}"',
        )


def _begun(process: Process, scope: str) -> Iterator[str]:
    """Ids of what a token can come to when a scope begins: its event sub-processes, too."""
    yield from (begin.id for begin in beginnings(process, scope))
    yield from (e.id for e in process.inside(scope) if e.kind == "eventSubProcess" or (e.kind == "startEvent" and e.event))


def _after(process: Process, element: Element) -> Iterator[str]:
    """Ids of what a token can come to from an element, in the same scope or the body of a sub-process."""
    for id in element.outgoing:
        if process.flows[id].target in process.elements:
            yield process.flows[id].target
    for event in process.boundaries(element.id):
        yield event.id
    if element.compensates in process.elements:
        yield element.compensates or ""
    if element.kind in BODIES:
        yield from _begun(process, element.id)
    if element.event == "link" and element.kind == "intermediateThrowEvent":
        halves = process.inside(element.scope)
        yield from (e.id for e in halves if e.kind == "intermediateCatchEvent" and e.event == "link" and e.reference == element.reference)


def _reached(process: Process, without: str | None = None) -> set[str]:
    """Ids of all elements a token can come to, if `without` lets none through."""
    seen: set[str] = set()
    todo = list(_begun(process, process.id))
    while todo:
        id = todo.pop()
        if id not in seen and id != without:
            seen.add(id)
            todo += _after(process, process.elements[id])
    return seen


def _join(process: Process, gateway: Element, reached: Set[str]) -> Iterator[Finding]:
    """A parallel join one of whose flows only comes from behind it waits for ever. `reached`: what tokens come to at all."""
    before = _reached(process, without=gateway.id)
    for id in gateway.incoming:
        if process.flows[id].source in reached - before:
            yield finding(Code.NEVER_JOINS, gateway, flow=process.flows[id].name or id)
