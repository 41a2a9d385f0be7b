"""What a diagram hands an operation, and what it reads from the answer, beside what the operation says of itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ...descriptions import Description
from .. import expressions, names
from ..codes import Code
from ..findings import Finding, finding
from ..model import Element
from .texts import short


def descriptions(offered: Collection[str] | None) -> dict[str, Description]:
    """The descriptions among what is offered: names alone tell nothing."""
    given = offered.items() if isinstance(offered, Mapping) else ()
    return {name: one for name, one in given if isinstance(one, Description)}


def description(element: Element, known: Mapping[str, Description]) -> Description | None:
    """That of the operation which the element calls; None where it is not known, or calculated."""
    return known.get(element.extensions.get("taskDefinition.type", ""))


def handed(element: Element, told: Description) -> Iterator[Finding]:
    """Inputs and headers that the operation needs and does not get, and inputs that it never reads."""
    given = list(dict.fromkeys(target.partition(".")[0] for target, _ in element.inputs))
    filled = {target.partition(".")[0] for target, text in element.inputs if text.strip() not in ("", "=")}
    for needed in told.inputs:
        if needed.required and needed.name not in filled:
            yield finding(Code.MISSING_INPUT, element, operation=told.name, input=needed.name)
    for needed in told.headers:
        if needed.required and not element.headers.get(needed.name):
            yield finding(Code.MISSING_HEADER, element, operation=told.name, header=needed.name)
    known = [each.name for each in told.inputs]
    for name in given:
        if not told.open and name not in known:
            yield finding(Code.UNKNOWN_INPUT, element, operation=told.name, input=name, known=", ".join(known) or "–")


def read(element: Element, told: Description, seen: names.Names) -> Iterator[Finding]:
    """Names in the output mapping that neither the answer nor the case has. `seen`: what the element sees besides the answer."""
    if told.outputs is None or seen.known is None:
        return
    parts = [each.name for each in told.outputs]
    found = seen.and_also([*parts, "result", *(target for target, _ in element.outputs)]).known or frozenset()
    found = (found - {"result"}) | {f"result.{part}" for part in parts}
    for target, text in element.outputs:
        if not text.startswith("=") or expressions.check(text[1:]):
            continue
        for problem in expressions.check(text[1:], names=found):
            yield finding(
                Code.UNKNOWN_OUTPUT,
                element,
                where=f'output "{target}"',
                expression=short(text[1:]),
                position=problem.from_ + 1,
                reason=problem.message.rstrip("."),
                operation=told.name,
                known=", ".join(parts),
            )
