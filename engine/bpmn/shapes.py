"""Which parts variables have: of all that any step may have written into one, together.

A shape is told only where every writer shows it; of what is calculated in another way nothing is said, and so nothing is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..descriptions import Description
from ..ports import Json
from . import expressions, names
from .model import Element, Process

#: the parts of a value by their names, each with its own; None: not known. A list is as its items are: a path leads into each.
Shape: TypeAlias = "Mapping[str, Shape] | None"
#: that of a text or a number, and of null
NOTHING: Shape = {}
#: what the engine gives every case, with its parts
GIVEN: Mapping[str, Shape] = {
    "subject": dict.fromkeys(names.PERSON),
    "initiator": dict.fromkeys(names.PERSON),
    "case": dict.fromkeys(names.CASE),
}
#: names below one variable from which on nobody looks
_MOST = 2000
#: times that all writers are asked; a variable that still grows then holds itself
_ROUNDS = 5


def together(shapes: Iterable[Shape]) -> Shape:
    """What may be in one of them."""
    found: Shape = NOTHING
    for shape in shapes:
        if shape is None or found is None:
            return None
        both = {name: together((found[name], shape[name])) for name in found.keys() & shape.keys()}
        found = {**found, **shape, **both} if found else shape
    return found


def dotted(given: Iterable[str]) -> dict[str, Shape]:
    """Names such as `contract.end` as a shape."""
    tree: dict[str, Shape] = {}
    for name in sorted(given):
        head, _, rest = name.partition(".")
        inner = dotted([rest]) if rest else None
        tree[head] = together((tree[head], inner)) if head in tree else inner
    return tree


def flat(name: str, shape: Shape) -> Iterator[str]:
    """The dotted names of the innermost parts."""
    for part, inner in (shape or {}).items():
        if inner:
            yield from flat(f"{name}.{part}", inner)
        else:
            yield f"{name}.{part}"


def of_form(form: Json, look: Callable[[str], Shape]) -> Shape:
    """That of an expression's value (`expressions.form`); `look`: those of the variables it sees."""
    return None if form is None else together(_alternative(one, look) for one in form)


def of_text(text: str, look: Callable[[str], Shape]) -> Shape:
    """That of a text that is FEEL where it begins with "="."""
    return of_form(expressions.form(text[1:]), look) if text.startswith("=") else NOTHING


def _alternative(one: Mapping[str, Json], look: Callable[[str], Shape]) -> Shape:
    if "parts" in one:
        # what has dots in its name cannot be told from a path
        return None if any("." in key for key in one["parts"]) else {key: of_form(inner, look) for key, inner in one["parts"].items()}
    head, *rest = one["path"]
    shape = look(head)
    for part in rest:
        shape = shape.get(part) if shape else None
    return shape


def answered(told: Description | None) -> Shape:
    """That of an operation's answer."""
    return None if told is None or told.outputs is None else dotted(part.name for part in told.outputs)


@dataclass(frozen=True)
class Around:
    """What the steps of a process get their values from."""

    #: schema by id
    forms: Mapping[str, Json] | None
    #: descriptions of operations by their names
    told: Mapping[str, Description]
    #: shapes of what decisions give, by id
    decisions: Mapping[str, Shape]


def of_case(process: Process, around: Around) -> frozenset[str]:
    """Dotted names of all that is below the variables of a process of which that is known."""
    writers: dict[str, list[Callable[[Callable[[str], Shape]], Shape]]] = {}
    for element in process.elements.values():
        for target, writes in _Writer(process, element, around).writes():
            writers.setdefault(target.partition(".")[0], []).append(writes)
    found: dict[str, Shape] = {**dict.fromkeys(writers, NOTHING), **GIVEN}
    rounds, changed = 0, True
    while changed:
        rounds, changed = rounds + 1, False
        for name, of_name in writers.items():
            if found[name] is not None and name not in GIVEN:
                shape = _bounded(together(writes(found.get) for writes in of_name))
                if shape != found[name]:
                    found[name], changed = None if rounds > _ROUNDS else shape, True
    return frozenset(part for name, shape in found.items() for part in flat(name, shape))


def _bounded(shape: Shape) -> Shape:
    """The shape, if it is not beyond all measure."""
    left, todo = _MOST, [shape]
    while todo:
        inner = todo.pop() or {}
        left -= len(inner)
        if left < 0:
            return None
        todo += inner.values()
    return shape


class _Writer:
    """What one element writes."""

    def __init__(self, process: Process, element: Element, around: Around) -> None:
        self.element = element
        self.around = around
        #: what stands around the element and hides what the case has
        local = names.inside(element, names.around(process, element, names.Names(frozenset())))
        self.local = {name.partition(".")[0] for name in (*(local.known or ()), *(target for target, _ in element.inputs))}
        self.answers = "taskDefinition.type" in element.extensions
        self.asks = element.kind in ("userTask", "startEvent")

    def writes(self) -> Iterator[tuple[str, Callable[[Callable[[str], Shape]], Shape]]]:
        """The variables, each with how its shape follows from those of the case."""
        element = self.element
        result = names.result_name(element)
        if element.multi is not None:
            several = [*(target for target, _ in element.outputs), *self._entered(), result, element.multi.output]
            yield from ((name, lambda case: None) for name in several if name)
        elif element.outputs:
            for target, text in element.outputs:
                yield target, self._output(target, text)
            if result:
                yield result, lambda case: None
        elif self.asks:
            for name, shape in self._entered().items():
                yield name, lambda case, shape=shape: shape  # type: ignore[misc]
        elif result:
            yield result, self._result

    def _output(self, target: str, text: str) -> Callable[[Callable[[str], Shape]], Shape]:
        def shape(case: Callable[[str], Shape]) -> Shape:
            found = of_text(text, lambda name: self._after(name, case))
            for part in reversed(target.split(".")[1:]):
                found = {part: found}
            return found

        return shape

    def _after(self, name: str, case: Callable[[str], Shape]) -> Shape:
        """What the output mapping finds under a name."""
        element = self.element
        if self.answers:
            answer = answered(self.around.told.get(element.extensions["taskDefinition.type"]))
            if answer is None or name == "result":
                return answer
            if name in answer:
                return answer[name]
        elif element.called is not None or element.event is not None:
            return None  # what was called or caught gives what it wants
        elif name == names.result_name(element):
            return self._result(case)
        elif self.asks and name in (entered := self._entered()):
            return together((entered[name], self._before(name, case)))
        return self._before(name, case)

    def _before(self, name: str, case: Callable[[str], Shape]) -> Shape:
        return None if name in self.local else case(name)

    def _entered(self) -> dict[str, Shape]:
        return dotted(names.from_person(self.element, self.around.forms) or ()) if self.asks else {}

    def _result(self, case: Callable[[str], Shape]) -> Shape:
        """Of what a script, a decision or an operation gives."""
        given = self.element.extensions
        if self.answers:
            return answered(self.around.told.get(given["taskDefinition.type"]))
        if "calledDecision.decisionId" in given:
            return self.around.decisions.get(given["calledDecision.decisionId"])
        return of_text(given.get("script.expression", ""), lambda name: self._before(name, case))
