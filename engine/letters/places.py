"""Places in the texts that are drafted: names joined by dots, in braces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..ports import Json
from .spelling import Unprintable, plain

PLACE = re.compile(r"\{([^\W\d]\w*(?:\.\w+)*)\}")


@dataclass(frozen=True)
class Place:
    """A name in a text, and where it stands; lines and columns from 1."""

    name: str
    line: int
    column: int


def places(text: str) -> Iterator[Place]:
    """Those of a text, in order."""
    for number, line in enumerate(text.split("\n"), 1):
        yield from (Place(found[1], number, found.start() + 1) for found in PLACE.finditer(line))


def filled(text: str, values: Mapping[str, Json]) -> tuple[str, list[Place]]:
    """The text with the values in their places, a list line by line; and the places of which there is no text or number."""
    missing: list[Place] = []

    def fill(place: Place) -> str:
        value: Json = values
        for part in place.name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        try:
            return "\n".join(plain(line) for line in (value if isinstance(value, list) else [value]))
        except Unprintable:
            missing.append(place)
            return f"{{{place.name}}}"

    every = places(text)
    return PLACE.sub(lambda _: fill(next(every)), text), missing
