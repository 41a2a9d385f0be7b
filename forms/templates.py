"""Texts with places to fill, as form-js writes them: `{{FEEL}}`, `{{#if FEEL}}…{{/if}}` and `{{#loop FEEL}}…{{/loop}}`.

Inside a loop `this` is the entry, `parent` what lies around it, and the names of an entry that is an object can be used directly.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import values

#: blocks in blocks …
_DEEPEST = 5
#: characters of a filled text; what comes later is left out
_LONGEST = 100_000
_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_OPENING = re.compile(r"#(if|loop)\s+(.+)", re.DOTALL)

#: FEEL without the leading `=`, over variables; None where it fails
Resolve = Callable[[str, Mapping[str, Any]], Any]


class TemplateWrong(ValueError):
    """A template whose blocks do not fit; the message says which."""


@dataclass(frozen=True)
class Place:
    """What is filled with the value of an expression."""

    expression: str


@dataclass(frozen=True)
class Block:
    """What is said if an expression is true, or for each entry of its list."""

    kind: str
    expression: str
    parts: Sequence[Part]


Part = str | Place | Block


@functools.lru_cache(maxsize=512)
def parse(text: str) -> Sequence[Part]:
    """The parts of a template. Raises `TemplateWrong`."""
    parts: list[Part] = []
    open_blocks: list[tuple[str, str, list[Part]]] = []
    here = parts
    # re.split gives texts and what stood between braces by turns
    for number, piece in enumerate(_PLACE.split(text)):
        inner = piece.strip()
        if number % 2 == 0:
            here.append(piece)
        elif opening := _OPENING.fullmatch(inner):
            if len(open_blocks) == _DEEPEST:
                raise TemplateWrong(f"blocks lie more than {_DEEPEST} deep in each other")
            here = []
            open_blocks.append((opening[1], opening[2], here))
        elif inner.startswith("#"):
            raise TemplateWrong(f"{{{{{inner}}}}} is neither #if nor #loop with an expression")
        elif inner.startswith("/"):
            if not open_blocks or inner[1:].strip() != open_blocks[-1][0]:
                raise TemplateWrong(f"{{{{{inner}}}}} closes no block")
            kind, expression, inside = open_blocks.pop()
            here = open_blocks[-1][2] if open_blocks else parts
            here.append(Block(kind, expression, tuple(inside)))
        elif inner:
            here.append(Place(inner))
    if open_blocks:
        raise TemplateWrong(f"the block {{{{#{open_blocks[-1][0]}}}}} is not closed")
    return tuple(parts)


def expressions(parts: Sequence[Part]) -> Iterator[str]:
    """Every expression of a template."""
    for part in parts:
        if not isinstance(part, str):
            yield part.expression
            yield from expressions(part.parts) if isinstance(part, Block) else ()


def fill(text: str, resolve: Resolve, context: Mapping[str, Any], escape: Callable[[str], str] = str) -> str:
    """The text with its places filled; `escape` makes a value harmless where the text is markup. One that is wrong stays as it is."""
    try:
        parts = parse(text)
    except TemplateWrong:
        return escape(text)
    found, length = [], 0
    for piece in _filled(parts, resolve, context, escape):
        length += len(piece)
        if length > _LONGEST:
            break
        found.append(piece)
    return "".join(found)


def _filled(parts: Sequence[Part], resolve: Resolve, context: Mapping[str, Any], escape: Callable[[str], str]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
            continue
        value = resolve(part.expression, context)
        if isinstance(part, Place):
            yield escape(values.listed(value))
        elif part.kind == "if":
            yield from _filled(part.parts, resolve, context, escape) if value is True else ()
        elif isinstance(value, list):
            for entry in value:
                names = entry if isinstance(entry, Mapping) else {}
                yield from _filled(part.parts, resolve, {**context, **names, "this": entry, "parent": context}, escape)
