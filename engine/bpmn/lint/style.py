"""Advice on how a diagram is drawn: names, gateways, flows, shapes. All of it runs as it is.

The rules are those on which BPMN modelers agree (bpmnlint's recommended ones among them), as far as this engine does not
settle the matter: a flow that leaves a task beside another is a parallel branch, and flows into a task merge; that branches
meet there which should have waited for each other is found by `soundness`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from lxml import etree

from ..codes import Code
from ..findings import Finding, finding
from ..model import Element, Process
from ..normalise import BODIES, construct

_DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
_DC = "{http://www.omg.org/spec/DD/20100524/DC}"
#: left, top, right, bottom
Box: TypeAlias = tuple[float, float, float, float]
_DECIDING = ("exclusiveGateway", "inclusiveGateway")


def advice(process: Process, root: etree._Element) -> Iterator[Finding]:
    """Notes on one process; `root` is the file it stands in."""
    names: dict[str, Element] = {}
    for element in process.elements.values():
        yield from _named(process, element)
        if _acts(element) and element.name:
            first = names.setdefault(element.name, element)
            if first is not element:
                yield finding(Code.SAME_NAME, element, other=first.id)
        yield from _gateway(element)
        starts = [e for e in process.inside(element.id) if e.kind == "startEvent" and e.event is None]
        if element.kind in BODIES and len(starts) > 1:
            yield finding(Code.BLANK_STARTS, element, number=len(starts))
    yield from _flows(process)
    yield from _shapes(process, root)


def _acts(element: Element) -> bool:
    return element.kind.endswith(("Task", "Activity")) or element.kind in ("task", "subProcess", "transaction")


def _named(process: Process, element: Element) -> Iterator[Finding]:
    decides = element.kind in _DECIDING and len(element.outgoing) > 1
    happens = element.kind.endswith("Event") and element.event != "compensate"
    plain = element.kind in ("startEvent", "endEvent") and element.event is None and element.scope != process.id
    if not element.name and (_acts(element) or decides or (happens and not plain)):
        yield finding(Code.UNNAMED, element, construct=construct(element))
    if decides:
        for flow in (process.flows[id] for id in element.outgoing):
            if flow.condition and not flow.name:
                yield finding(Code.UNNAMED, None, at=flow.id, construct="conditional flow")


def _gateway(element: Element) -> Iterator[Finding]:
    if element.kind.endswith("Gateway"):
        if len(element.incoming) > 1 and len(element.outgoing) > 1:
            yield finding(Code.JOIN_AND_FORK, element)
        if len(element.incoming) == 1 and len(element.outgoing) == 1:
            yield finding(Code.SUPERFLUOUS_GATEWAY, element)


def _flows(process: Process) -> Iterator[Finding]:
    seen = set()
    for flow in process.flows.values():
        source, target = process.elements.get(flow.source), process.elements.get(flow.target)
        if source is None or target is None:
            continue
        meaning = flow.source, flow.target, flow.condition, flow.id == source.default
        if meaning in seen:
            yield finding(Code.DUPLICATE_FLOW, None, at=flow.id, called=flow.name, source=source.title, target=target.title)
        seen.add(meaning)


def _shapes(process: Process, root: etree._Element) -> Iterator[Finding]:
    """What a drawing leaves out, and what covers something else. A file without any drawing is laid out when it is shown."""
    planes = root.findall(f"{_DI}BPMNDiagram/{_DI}BPMNPlane")
    known = {node.get("bpmnElement") for plane in planes for node in plane}
    if not known & process.elements.keys():
        return
    for element in process.elements.values():
        if element.id not in known:
            yield finding(Code.NO_SHAPE, element)
    for flow in process.flows.values():
        if flow.id not in known:
            yield finding(Code.NO_SHAPE, None, at=flow.id, called=flow.name)
    for plane in planes:
        drawn: dict[str, dict[str, Box]] = {}
        for shape in plane.iterchildren(_DI + "BPMNShape"):
            shown, box = process.elements.get(shape.get("bpmnElement", "")), _box(shape)
            if shown is not None and box is not None and shown.kind != "boundaryEvent":
                drawn.setdefault(shown.scope, {})[shown.id] = box
        for boxes in drawn.values():
            yield from _covered(process, boxes)


def _covered(process: Process, boxes: Mapping[str, Box]) -> Iterator[Finding]:
    """From left to right, each box against those that reach as far."""
    open_: list[str] = []
    for id in sorted(boxes, key=lambda id: boxes[id][0]):
        left, top, _, bottom = boxes[id]
        open_ = [other for other in open_ if boxes[other][2] > left]
        for other in open_:
            if boxes[other][1] < bottom and boxes[other][3] > top:
                yield finding(Code.OVERLAP, process.elements[id], other=process.elements[other].title)
                break
        open_.append(id)


def _box(shape: etree._Element) -> Box | None:
    bounds = shape.find(_DC + "Bounds")
    try:
        x, y, width, height = (float(bounds.get(side)) for side in ("x", "y", "width", "height"))
    except (AttributeError, TypeError, ValueError):
        return None
    return x, y, x + width, y + height
