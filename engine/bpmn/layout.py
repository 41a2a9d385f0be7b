"""Where things lie in a diagram: its own drawing (BPMN DI), or a plain arrangement in columns for a file without one."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from .model import Element, Process
from .normalise import beginnings
from .reader import BPMN

DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
DD = "{http://www.omg.org/spec/DD/20100524/DI}"

_COLUMN, _ROW = 150, 120


@dataclass(frozen=True)
class Box:
    """A rectangle, in the drawing's own units."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True)
class Shape:
    """Something with an area."""

    box: Box
    label: Box | None = None
    expanded: bool = True
    #: for pools and lanes: the name stands upright at the left
    horizontal: bool = True


@dataclass(frozen=True)
class Edge:
    """A line along its points."""

    points: tuple[tuple[float, float], ...]
    label: Box | None = None


@dataclass(frozen=True)
class Layout:
    """By id of the element."""

    shapes: dict[str, Shape]
    edges: dict[str, Edge]


def layout(root: etree._Element, process: Process | None) -> Layout:
    """The drawing that shows `process`, or the file's first; without one, an arrangement of our own."""
    planes = [plane for plane in root.iter(DI + "BPMNPlane") if plane.find(DI + "BPMNShape") is not None]
    if not planes:
        return arranged(process) if process else Layout({}, {})
    wanted = {process.id if process else None, *(node.get("id") for node in root.iter(BPMN + "collaboration"))}
    plane = next((plane for plane in planes if plane.get("bpmnElement") in wanted), planes[0])
    shapes = {
        node.get("bpmnElement", ""): Shape(
            box,
            _box(node.find(f"{DI}BPMNLabel/{DC}Bounds")),
            node.get("isExpanded", "true") != "false",
            node.get("isHorizontal", "true") != "false",
        )
        for node in plane.iter(DI + "BPMNShape")
        if (box := _box(node.find(DC + "Bounds")))
    }
    edges = {}
    for node in plane.iter(DI + "BPMNEdge"):
        points = tuple((_number(p.get("x")), _number(p.get("y"))) for p in node.findall(DD + "waypoint"))
        if len(points) > 1:
            edges[node.get("bpmnElement", "")] = Edge(points, _box(node.find(f"{DI}BPMNLabel/{DC}Bounds")))
    return Layout(shapes, edges)


def _box(node: etree._Element | None) -> Box | None:
    return None if node is None else Box(*(_number(node.get(key)) for key in ("x", "y", "width", "height")))


def _number(text: str | None) -> float:
    try:
        found = float(text or 0)
    except ValueError:
        return 0.0
    return max(-1e6, min(1e6, found)) if found == found else 0.0


def arranged(process: Process) -> Layout:
    """Elements in columns by their distance from the beginning, the insides of sub-processes beside them."""
    column: dict[str, int] = {}
    todo = [(element, 0) for element in beginnings(process, process.id)] or [(e, 0) for e in process.inside(process.id)]
    todo += [(element, 0) for element in process.elements.values() if element.kind != "boundaryEvent"]
    while todo:
        element, depth = todo.pop(0)
        if element.id in column:
            continue
        column[element.id] = depth
        following = [*element.outgoing, *(flow for event in process.boundaries(element.id) for flow in event.outgoing)]
        targets = [process.elements.get(process.flows[flow].target) for flow in following]
        inner = beginnings(process, element.id) if element.kind == "subProcess" else []
        todo[:0] = [(target, depth + 1) for target in [*inner, *targets] if target is not None]
    rows: dict[int, int] = {}
    shapes: dict[str, Shape] = {}
    for id, depth in column.items():
        row = rows[depth] = rows.get(depth, 0) + 1
        width, height = _size(process.elements[id])
        shapes[id] = Shape(Box(depth * _COLUMN + 60 - width / 2, row * _ROW - height / 2, width, height), expanded=False)
    for element in process.elements.values():
        if element.attached in shapes and element.kind == "boundaryEvent":
            host = shapes[element.attached or ""].box
            shapes[element.id] = Shape(Box(host.x + host.width - 48, host.y + host.height - 18, 36, 36))
    edges = {}
    for flow in process.flows.values():
        if flow.source in shapes and flow.target in shapes:
            edges[flow.id] = _edge(shapes[flow.source].box, shapes[flow.target].box)
    return Layout(shapes, edges)


def _size(element: Element) -> tuple[float, float]:
    if element.kind.endswith("Event"):
        return 36, 36
    return (50, 50) if element.kind.endswith("Gateway") else (110, 80)


def _edge(source: Box, target: Box) -> Edge:
    begin, end = (source.x + source.width, source.middle[1]), (target.x, target.middle[1])
    if end[0] <= begin[0]:  # back: around below
        below = source.y + source.height, target.y + target.height
        low = max(below) + 14
        first, last = (source.middle[0], below[0]), (target.middle[0], below[1])
        return Edge((first, (first[0], low), (last[0], low), last))
    turn = (begin[0] + end[0]) / 2
    return Edge((begin, (turn, begin[1]), (turn, end[1]), end) if begin[1] != end[1] else (begin, end))
