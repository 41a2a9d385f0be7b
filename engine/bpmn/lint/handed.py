"""Which names the input of a call holds: what its mapping hands on of what the case has."""

from __future__ import annotations

import re

from .. import names
from ..model import Element, Process

#: an expression that hands on a variable, or a part of one, as it is
_PATH = re.compile(r"=\s*([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*")


def handed(process: Process, element: Element, case: names.Names) -> names.Names:
    """The dotted names in the input of an element; `case`: the variables of its process.

    What a part of the case is known to hold, it holds under its new name, too; of what is calculated, nothing deeper is known.
    """
    seen = names.inside(element, names.around(process, element, case))
    known: set[str] = set()
    shapes: set[str] = set()
    for target, text in element.inputs:
        head = target.partition(".")[0]
        known = {name for name in known if name.partition(".")[0] != head}
        shapes = {name for name in shapes if name.partition(".")[0] != head}
        path = _PATH.fullmatch(text)
        parts = _below(path[1], seen.known) if path and head == target else set()
        known |= {f"{target}.{part}" for part in parts} or {head}
        if path and head == target and not parts:
            shapes |= {f"{target}.{part}" for part in _below(path[1], seen.shapes)}
        if not (path and path[1] == target):
            seen = seen.and_also([target])
    return names.Names(frozenset(known), seen.complete, frozenset(shapes))


def _below(path: str, given: frozenset[str] | None) -> set[str]:
    """The parts of a variable; none where it is known as a whole, or not at all."""
    if given is None or path in given:
        return set()
    return {name.removeprefix(f"{path}.") for name in given if name.startswith(f"{path}.")}
