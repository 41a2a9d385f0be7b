"""What lies elsewhere in a newer drawing of a diagram. How it is drawn is no change of what runs, but somebody moved it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from .layout import Box, Layout, layout
from .model import Flow, Process
from .parser import processes
from .reader import read_xml

#: units of the drawing within which nothing counts as moved: editors round
_STILL = 1.0


def moved(before: bytes, after: bytes) -> list[str]:
    """Ids of what both diagrams draw, but at another place or of another size; of lines only where neither end moved.

    What shifts the drawing as a whole moves nothing. Raises `errors.FileRefused`.
    """
    old, _ = _drawn(before)
    new, read = _drawn(after)
    shift = _shift(old, new)
    shapes = [id for id, shape in new.shapes.items() if id in old.shapes and _differ(old.shapes[id].box, shape.box, shift)]
    flows = {flow.id: flow for process in read for flow in process.flows.values()}
    return [*shapes, *_redrawn(old, new, shift, flows, shapes)]


def _drawn(xml: bytes) -> tuple[Layout, list[Process]]:
    root = read_xml(xml, "diagram")
    read = processes(root, "diagram")
    return layout(root, next((process for process in read if process.executable), read[0] if read else None)), read


def _shift(old: Layout, new: Layout) -> tuple[float, float]:
    """By how much most shapes lie elsewhere; nothing unless that is more than half of them."""
    both = old.shapes.keys() & new.shapes.keys()
    shifts = Counter(
        (round(new.shapes[id].box.x - old.shapes[id].box.x), round(new.shapes[id].box.y - old.shapes[id].box.y)) for id in both
    )
    [(shift, times)] = shifts.most_common(1) or [((0, 0), 0)]
    return shift if times * 2 > len(both) else (0, 0)


def _differ(old: Box, new: Box, shift: tuple[float, float]) -> bool:
    apart = (new.x - old.x - shift[0], new.y - old.y - shift[1], new.width - old.width, new.height - old.height)
    return any(abs(distance) > _STILL for distance in apart)


def _redrawn(old: Layout, new: Layout, shift: tuple[float, float], flows: Mapping[str, Flow], shapes: Collection[str]) -> Iterator[str]:
    for id, flow in flows.items():
        if id not in old.edges or id not in new.edges or {flow.source, flow.target} & set(shapes):
            continue
        was, now = ([*edges[id].points] for edges in (old.edges, new.edges))
        if len(was) != len(now) or any(_apart(one, other, shift) for one, other in zip(was, now, strict=True)):
            yield id


def _apart(old: tuple[float, float], new: tuple[float, float], shift: tuple[float, float]) -> bool:
    return any(abs(now - was - by) > _STILL for was, now, by in zip(old, new, shift, strict=True))
