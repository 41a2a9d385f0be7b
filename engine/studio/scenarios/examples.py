"""What people fill in, as the scenarios of a draft have it: examples for whoever looks at one of its forms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from ...errors import FeelError
from ...ports import Json
from ..answering import over
from . import reading
from .calculating import calculated
from .model import Act


def values(files: Mapping[str, bytes], steps: Collection[str], *, start: bool, now: dt.datetime, zone: ZoneInfo) -> dict[str, Json]:
    """What a case may hold when one of the steps is filled in: what the scenarios fill in anywhere, and over it what they do there.

    `steps`: the ids and names of elements; `start`: a case begins with one of them. Empty where no scenario fills in any of them; what
    cannot be calculated is left out.
    """
    usual, _ = reading.usual(files.get(reading.USUAL))
    read = (reading.scenario(path, files[path], zone=zone)[0] for path in reading.paths(files))
    scenarios = [each for each in read if each is not None]
    begun = next((each.values for each in scenarios if each.values), {})
    filled = [*_filled(act for acts in usual.values() for act in acts), *_filled(act for each in scenarios for act in each.when)]
    here = next((given for step, given in filled if step in steps), begun if start else None)
    if not here:
        return {}
    found: Any = begun
    for _, given in reversed(filled):  # what is usual counts before what a single scenario does
        found = over(found, given)
    return dict(_calculated(over(found, here), now))


def _filled(acts: Iterable[Act]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """The step and the values of all that is filled in."""
    for act in acts:
        given = act.given
        if act.verb == "approve" and isinstance(given, Mapping):
            given = given.get("values")
        if act.verb in ("complete", "approve") and isinstance(given, Mapping):
            yield act.step, given


def _calculated(found: Mapping[str, Json], now: dt.datetime) -> Iterator[tuple[str, Json]]:
    for name, value in found.items():
        try:
            yield name, calculated(value, found, now=now)
        except FeelError:
            continue
