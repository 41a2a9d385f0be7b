"""A diagram as SVG that stands alone: for the page and for the PDF. No script, no style element, no font file, no link.

Colours are attributes, so a page may override them by the classes `current` and `done`; neither state is told by colour
alone (a heavier line, a tick).
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Iterable, Mapping, Set
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from .badges import APART, HEAT, Badge, apart, drawn, linked
from .icons import SIGNS
from .layout import Box, Edge, Layout, Shape, layout
from .model import Element, Flow, Lane, Process
from .parser import processes, properties
from .reader import BPMN, read_xml

FONT = "Noto Sans SC, Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif"
_INK, _LINE, _PAPER = "#1f2933", "#52606d", "#ffffff"
_STATES = {"": (_LINE, _PAPER, 1.5), "done": ("#2f6f4f", "#eef7f1", 1.5), "current": ("#b45309", "#fff4e0", 3.5)}
_SMALL = 11
_MARGIN = 24
_SAID = {"zh": ("流程图", "正在进行", "已完成"), "en": ("Diagram", "in progress", "done")}


def svg(
    xml: bytes,
    *,
    lit: Set[str] = frozenset(),
    done: Set[str] = frozenset(),
    badges: Mapping[str, Badge] = MappingProxyType({}),
    marks: Mapping[str, str] = MappingProxyType({}),
    locale: str = "zh-CN",
) -> str:
    """The drawing of a diagram; `lit` elements are where the case stands, `done` ones were passed, sequence flows among them.

    `badges`: what is written onto elements; one inside a sub-process that is drawn closed is not seen. `marks`: what became of elements
    and flows from one version to another, keys of `badges.APART`; the sub-process that is drawn closed around one counts as changed.
    Raises `errors.FileRefused`.
    """
    root = read_xml(xml, "diagram")
    return _Picture(root, set(lit), set(done), "en" if locale.startswith("en") else "zh", badges, marks).text()


@functools.lru_cache(maxsize=32)
def shown(xml: bytes) -> frozenset[str]:
    """Ids of everything that has a shape in the drawing; what lies in a sub-process that is drawn closed has none."""
    root = read_xml(xml, "diagram")
    read = processes(root, "diagram")
    main = next((p for p in read if p.executable), read[0] if read else None)
    return frozenset(layout(root, main).shapes)


class _Picture:
    def __init__(
        self,
        root: etree._Element,
        lit: set[str],
        done: set[str],
        language: str,
        badges: Mapping[str, Badge],
        marks: Mapping[str, str],
    ) -> None:
        read = processes(root, "diagram")
        self.root = root
        self.language = language
        self.elements: dict[str, Element] = {id: e for process in read for id, e in process.elements.items()}
        self.main: Process | None = next((p for p in read if p.executable), read[0] if read else None)
        self.layout: Layout = layout(root, self.main)
        self.lit, self.done = (self._drawn(ids) for ids in (lit, done))
        self.marks = self._marks(marks)
        self.badges = {**badges, **{id: apart(how, language) for id, how in self.marks.items() if id in self.layout.shapes}}
        self.names = self._names(read)

    def _drawn(self, ids: Iterable[str]) -> set[str]:
        """The ids themselves, or of the sub-process around that is drawn closed."""
        found = set()
        for id in ids:
            while id not in self.layout.shapes and id in self.elements:
                id = self.elements[id].scope
            found.add(id)
        return found

    def _marks(self, marks: Mapping[str, str]) -> dict[str, str]:
        found = {}
        for id, how in marks.items():
            for around in self._drawn([id]) - {id} if how != "moved" else ():
                found[around] = "changed"
        return found | dict(marks)

    def _names(self, read: list[Process]) -> dict[str, str]:
        english = self.language == "en"
        found = {
            node.get("id", ""): (english and properties(node).get("wf.name.en")) or " ".join(node.get("name", "").split())
            for tag in ("participant", "dataObjectReference", "dataStoreReference", "messageFlow")
            for node in self.root.iter(BPMN + tag)
        }
        for process in read:
            everything: tuple[Element | Flow | Lane, ...] = (*process.elements.values(), *process.flows.values(), *process.lanes)
            for named in everything:
                found[named.id] = (named.name_en if english else "") or named.name
        for note in self.root.iter(BPMN + "textAnnotation"):
            found[note.get("id", "")] = " ".join((note.findtext(BPMN + "text") or "").split())
        return found

    def text(self) -> str:
        """The whole picture."""
        kinds = {node.get("id"): etree.QName(node).localname for node in self.root.iter(BPMN + "*") if node.get("id")}
        areas: list[str] = []
        nodes: list[str] = []
        for id, shape in self.layout.shapes.items():
            kind = self.elements[id].kind if id in self.elements else kinds.get(id, "")
            (areas if kind in _AREAS or (kind in _INSIDES and shape.expanded) else nodes).append(self._shape(id, kind, shape))
        edges = [self._edge(id, kinds.get(id, ""), edge) for id, edge in self.layout.edges.items()]
        box = self._frame()
        title, current, _ = _SAID[self.language]
        name = ((self.main.name_en if self.language == "en" else "") or self.main.name) if self.main else title
        told = [f"{self.names.get(id) or id}: {current}" for id in sorted(self.lit & self.layout.shapes.keys())]
        said = "; ".join(told)
        # what holds links is no picture to those who do not see it
        role = "group" if any(badge.link for badge in self.badges.values()) else "img"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram" role="{role}" aria-label={quoteattr(f"{title}: {name}. {said}")} '
            f'viewBox="{_n(box.x)} {_n(box.y)} {_n(box.width)} {_n(box.height)}" width="{_n(box.width)}" height="{_n(box.height)}" '
            f'font-family={quoteattr(FONT)} font-size="12" fill="none" stroke-linejoin="round" stroke-linecap="round">'
            f"<title>{escape(name)}</title><desc>{escape(said)}</desc>" + "".join([*areas, *edges, *nodes]) + "</svg>"
        )

    def _frame(self) -> Box:
        boxes = [box for shape in self.layout.shapes.values() for box in (shape.box, shape.label) if box]
        points = [point for edge in self.layout.edges.values() for point in edge.points]
        xs = [x for box in boxes for x in (box.x, box.x + box.width)] + [x for x, _ in points] or [0, 100]
        ys = [y for box in boxes for y in (box.y, box.y + box.height)] + [y for _, y in points] or [0, 60]
        left, top = min(xs) - _MARGIN, min(ys) - _MARGIN
        return Box(left, top, max(xs) - left + _MARGIN, max(ys) - top + _MARGIN + _SMALL * 2)

    # --- shapes

    def _shape(self, id: str, kind: str, shape: Shape) -> str:
        state = "current" if id in self.lit else "done" if id in self.done else ""
        ink, paper, weight = _STATES[state]
        mark = self.marks.get(id, "")
        if mark:
            ink, paper, weight = *APART[mark][:2], 2.8
        badge = self.badges.get(id)
        if badge and badge.heat:
            paper = HEAT[badge.heat]
        element = self.elements.get(id)
        box, name = shape.box, self.names.get(id, "")
        if kind in ("participant", "lane"):
            body = _rect(box, 0, _LINE, _PAPER if kind == "participant" else "none", 1.2) + _side_name(shape, name)
        elif kind in ("group", "textAnnotation"):
            body = self._note(kind, box, name)
        elif kind in ("dataObjectReference", "dataStoreReference"):
            body = _sign(kind, box, ink) + _below(shape, name)
        elif kind.endswith("Gateway"):
            body = _diamond(box, ink, paper, weight) + _sign(kind, _inset(box, 0.27), ink) + _below(shape, name)
        elif kind.endswith("Event"):
            body = _event(element, kind, box, ink, paper, weight) + _below(shape, name)
        else:
            body = _activity(element, kind, shape, name, ink, paper, weight)
        if state == "done" and kind not in _AREAS:
            body += _sign("done", Box(box.x + box.width - 16, box.y + 3, 13, 13), ink, 2.2) if box.width > 60 else ""
        if badge:
            body = linked(badge, f"<title>{escape(badge.said)}</title>{body}{drawn(badge, box)}")
        heat = f"heat-{badge.heat}" if badge and badge.heat else ""
        classes = quoteattr(" ".join(filter(None, (kind, state, mark, heat))))
        return f"<g class={classes} data-element={quoteattr(id)}>{self._state_told(state, name or id)}{body}</g>"

    def _state_told(self, state: str, name: str) -> str:
        _, current, done = _SAID[self.language]
        said = {"current": current, "done": done}.get(state)
        return f"<title>{escape(name)} ({said})</title>" if said else ""

    def _note(self, kind: str, box: Box, name: str) -> str:
        if kind == "group":
            return _rect(box, 8, _LINE, "none", 1.2, ' stroke-dasharray="8 4 2 4"')
        corner = f'<path d="M{_n(box.x + 18)} {_n(box.y)}H{_n(box.x)}V{_n(box.y + box.height)}H{_n(box.x + 18)}" stroke="{_LINE}"/>'
        lines = wrapped(name, box.width - 12, _SMALL)
        return corner + _lines(lines, box.x + 8, box.y + 6 + _SMALL, _SMALL, "start")

    # --- lines

    def _edge(self, id: str, kind: str, edge: Edge) -> str:
        plain = kind == "sequenceFlow" or not kind
        dash = "" if plain else ' stroke-dasharray="2 4"' if kind == "association" else ' stroke-dasharray="8 4"'
        path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in edge.points)
        taken, mark = id in self.done, self.marks.get(id, "")
        ink, weight = (APART[mark][0], 3) if mark else (_STATES["done"][0], 3) if taken else (_LINE, 1.5)
        body = f'<path d="{path}" stroke="{ink}" stroke-width="{weight}"{dash}/>'
        if kind != "association":
            body += _arrow(edge.points[-2], edge.points[-1], ink, filled=plain)
        if mark:
            body = f"<title>{escape(apart(mark, self.language).said)}</title>{body}"
        classes = quoteattr(f"{kind or 'flow'}{' done' if taken else ''} {mark}".rstrip())
        return f"<g class={classes} data-element={quoteattr(id)}>{body}{self._edge_name(id, edge)}</g>"

    def _edge_name(self, id: str, edge: Edge) -> str:
        name = self.names.get(id, "")
        if not name:
            return ""
        if edge.label:
            x, y = edge.label.middle[0], edge.label.y
            width = max(edge.label.width, 60)
        else:
            (x1, y1), (x2, y2) = edge.points[(len(edge.points) - 1) // 2 :][:2]
            x, y, width = (x1 + x2) / 2, (y1 + y2) / 2 - _SMALL - 6, 90
        return _lines(wrapped(name, width, _SMALL), x, y + _SMALL, _SMALL, "middle", halo=True)


_AREAS = frozenset(("participant", "lane", "group"))
_INSIDES = frozenset(("subProcess", "eventSubProcess", "adHocSubProcess", "transaction"))


def _activity(element: Element | None, kind: str, shape: Shape, name: str, ink: str, paper: str, weight: float) -> str:
    box, open_ = shape.box, kind in _INSIDES and shape.expanded
    dash = ' stroke-dasharray="2 4"' if kind == "eventSubProcess" else ""
    body = _rect(box, 10, ink, paper, 4.5 if kind == "callActivity" else weight, dash)
    if kind == "transaction":
        body += _rect(_inset(box, 3 / max(box.width, 1), 3 / max(box.height, 1)), 8, ink, "none", 1.2)
    if kind in SIGNS and kind.endswith("Task"):
        body += _sign(kind, Box(box.x + 6, box.y + 6, 17, 17), ink)
    marks = [mark for mark in (element.loop if element else None, kind) if mark in ("multiInstance", "standard", "adHocSubProcess")]
    marks += ["collapsed"] if kind in _INSIDES and not shape.expanded else []
    for number, mark in enumerate(marks):
        body += _sign(mark, Box(box.middle[0] - 8 * len(marks) + 16 * number, box.y + box.height - 17, 14, 14), ink)
    size = 12
    room = int((box.height - (18 if marks else 6)) // (size * 1.3))
    lines = wrapped(name, box.width - 14, size)
    if len(lines) > max(room, 1):
        size = 10
        lines = wrapped(name, box.width - 10, size)[: max(int((box.height - 6) // (size * 1.25)), 1)]
    if open_:
        return body + _lines(lines[:1], box.middle[0], box.y + 18, size, "middle")
    top = box.middle[1] - (len(lines) - 1) * size * 0.65 + size * 0.35 - (5 if marks else 0)
    if len(lines) > 1 and kind in SIGNS:
        top = max(top, box.y + 23 + size)  # clear of the sign in the corner, as far as there is room
        top = min(top, box.y + box.height - 6 - (len(lines) - 1) * size * 1.3)
    return body + _lines(lines, box.middle[0], top, size, "middle")


def _event(element: Element | None, kind: str, box: Box, ink: str, paper: str, weight: float) -> str:
    x, y = box.middle
    radius = min(box.width, box.height) / 2
    dash = ' stroke-dasharray="4 3"' if element and not element.interrupting else ""
    weight = 4 if kind == "endEvent" and weight < 4 else weight
    body = f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{paper}" stroke="{ink}" stroke-width="{weight}"{dash}/>'
    if kind.startswith(("intermediate", "boundary")):
        body += f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius - 3.5)}" stroke="{ink}" stroke-width="1.2"{dash}/>'
    sign = element.event if element else None
    if sign in SIGNS:
        throws = kind in ("endEvent", "intermediateThrowEvent")
        body += _sign(sign or "", _inset(box, 0.26), ink, 1.4, filled=throws)
    return body


def _inset(box: Box, share: float, share_y: float | None = None) -> Box:
    dx, dy = box.width * share, box.height * (share if share_y is None else share_y)
    return Box(box.x + dx, box.y + dy, max(box.width - 2 * dx, 0), max(box.height - 2 * dy, 0))


def _sign(name: str, box: Box, ink: str, weight: float = 1.3, *, filled: bool = False) -> str:
    path, solid = SIGNS[name]
    scale = min(box.width, box.height) / 20
    x, y = box.middle[0] - 10 * scale, box.middle[1] - 10 * scale
    paint = f'stroke="{ink}" stroke-width="{weight / scale if scale else 1:.2f}"'
    if solid or filled:
        paint = f'fill="{ink}" fill-rule="evenodd"'
    if filled and not solid and name in ("message", "timer"):
        paint = f'fill="{ink}" stroke="{_PAPER}" stroke-width="1.4"'
    return f'<path transform="translate({_n(x)} {_n(y)}) scale({scale:.3f})" d="{path}" {paint}/>'


def _rect(box: Box, radius: float, ink: str, paper: str, weight: float, more: str = "") -> str:
    place = f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" rx="{radius}"'
    return f'<rect {place} fill="{paper}" stroke="{ink}" stroke-width="{weight}"{more}/>'


def _diamond(box: Box, ink: str, paper: str, weight: float) -> str:
    x, y = box.middle
    points = f"{_n(x)},{_n(box.y)} {_n(box.x + box.width)},{_n(y)} {_n(x)},{_n(box.y + box.height)} {_n(box.x)},{_n(y)}"
    return f'<polygon points="{points}" fill="{paper}" stroke="{ink}" stroke-width="{weight}"/>'


def _arrow(before: tuple[float, float], tip: tuple[float, float], ink: str, *, filled: bool) -> str:
    angle = math.atan2(tip[1] - before[1], tip[0] - before[0])
    wings = [(tip[0] - 10 * math.cos(angle + side), tip[1] - 10 * math.sin(angle + side)) for side in (0.42, -0.42)]
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in (wings[0], tip, wings[1]))
    return f'<polygon points="{points}" fill="{ink if filled else _PAPER}" stroke="{ink}"/>'


# --- text


def _below(shape: Shape, name: str) -> str:
    """The name of an event or gateway, where the drawing puts it or below."""
    if not name:
        return ""
    if shape.label:
        x, top, width = shape.label.middle[0], shape.label.y, max(shape.label.width, 60)
    else:
        x, top, width = shape.box.middle[0], shape.box.y + shape.box.height + 4, 100
    return _lines(wrapped(name, width, _SMALL), x, top + _SMALL, _SMALL, "middle", halo=True)


def _side_name(shape: Shape, name: str) -> str:
    if not name:
        return ""
    box = shape.box
    if not shape.horizontal:
        return _lines(wrapped(name, box.width - 8, 12)[:1], box.middle[0], box.y + 19, 12, "middle")
    x, y = box.x + 19, box.middle[1]
    line = wrapped(name, max(box.height - 8, 24), 12)[0]
    divider = f'<path d="M{_n(box.x + 30)} {_n(box.y)}V{_n(box.y + box.height)}" stroke="{_LINE}"/>'
    place = f'transform="rotate(-90 {_n(x)} {_n(y)})" x="{_n(x)}" y="{_n(y)}" text-anchor="middle"'
    return f'{divider}<text {place} fill="{_INK}">{escape(line)}</text>'


def _lines(lines: list[str], x: float, y: float, size: float, anchor: str, *, halo: bool = False) -> str:
    spans = "".join(
        f'<tspan x="{_n(x)}" y="{_n(y + number * size * 1.3)}">{escape(line)}</tspan>' for number, line in enumerate(lines) if line
    )
    around = f' paint-order="stroke" stroke="{_PAPER}" stroke-width="3"' if halo else ""
    return f'<text text-anchor="{anchor}" font-size="{size}" fill="{_INK}"{around}>{spans}</text>' if spans else ""


def wrapped(text: str, width: float, size: float) -> list[str]:
    """As few lines as fit into `width`, of about equal length: Latin breaks between words, Chinese before any character."""
    lines = _broken(text, width, size)
    for part in range(10, 20) if len(lines) > 1 else ():
        even = _broken(text, width * part / 20, size)
        if len(even) == len(lines) and all(_wide(line) * size <= width for line in even):
            return even
    return lines


def _broken(text: str, width: float, size: float) -> list[str]:
    lines, line = [], ""
    for piece in _pieces(text):
        if line and _wide(line + piece.rstrip()) * size > width and piece not in _CLOSING:
            lines.append(line.rstrip())
            line = ""
        line += piece if line or piece.strip() else ""
    return [*lines, line.rstrip()] if line.strip() else lines


_CLOSING = frozenset("，。、；：？！）》」』”’…,.;:?!)")


def _pieces(text: str) -> Iterable[str]:
    word = ""
    for character in text:
        if unicodedata.east_asian_width(character) in "WF":
            if word:
                yield word
                word = ""
            yield character
        else:
            word += character
            if character in " -/":
                yield word
                word = ""
    if word:
        yield word


def _wide(text: str) -> float:
    """Width in em: Chinese is one, capitals about 0.68, the rest about 0.54."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.68 if c.isupper() else 0.54 for c in text)


def _n(number: float) -> str:
    """A number without needless digits."""
    return f"{number:.1f}".rstrip("0").rstrip(".")
