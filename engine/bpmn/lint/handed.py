"""Which names the input of a call holds: what its mapping hands on of what the case has."""

from __future__ import annotations

from .. import names, shapes
from ..model import Element, Process


def handed(process: Process, element: Element, case: names.Names) -> names.Names:
    """The dotted names in the input of an element; `case`: the variables of its process.

    What a part of the case is known to hold, it holds under its new name, too, and a context what it is written with.
    """
    seen = names.inside(element, names.around(process, element, case))
    shaped = {name.partition(".")[0] for name in seen.shapes}
    given = shapes.dotted({name for name in seen.known or () if name not in shaped} | seen.shapes)
    found: dict[str, shapes.Shape] = {}
    for target, text in element.inputs:
        head, *path = target.split(".")
        shape = shapes.of_text(text, given.get)
        for part in reversed(path):
            shape = {part: shape}
        if path and (head in given or seen.known is None):  # it is set in a copy of what has that name
            shape = shapes.together((given.get(head), shape))
        found[head] = given[head] = shape
    below = frozenset(name for head, shape in found.items() for name in shapes.flat(head, shape))
    return names.Names(frozenset(found), seen.complete, below)
