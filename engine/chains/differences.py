"""What changed from one version of a chain to another: steps added, removed, moved, and changed field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from ..errors import Sentence
from ..ports import Json
from . import rules, words
from .company import Company
from .steps import DEFAULTS, setting

Steps = Sequence[Mapping[str, Json]]
#: {how, key, name, name_en} and with `changed` {field, before, after}, else {place}, with `moved` {was}; places count from 1.
#: With `renamed`, which is of the chain itself, only {how, field, before, after}
Change = dict[str, Any]


class Named(Protocol):
    """A version of a chain, or a draft."""

    @property
    def name(self) -> str: ...
    @property
    def name_en(self) -> str: ...


def renamed(before: Named, after: Named) -> list[Change]:
    """How the chain itself is called otherwise. An English name that is the Chinese one is none of its own."""
    own = [(each.name, "" if each.name_en == each.name else each.name_en) for each in (before, after)]
    named = zip(("name", "name_en"), *own, strict=True)
    return [{"how": "renamed", "field": field, "before": old, "after": new} for field, old, new in named if old != new]


def between(before: Steps, after: Steps) -> list[Change]:
    """Changes in the order in which a reader of the new version meets them; a setting that is left out is its default."""
    old, new = ({step["key"]: step for step in steps} for steps in (before, after))
    was, now = ([key for key in one if key in other] for one, other in ((old, new), (new, old)))
    still = _in_order(was, now)
    places, former = ({key: place for place, key in enumerate(steps, 1)} for steps in (new, old))
    found = [_told(step, "removed", place=former[key]) for key, step in old.items() if key not in new]
    for key, step in new.items():
        if key not in old:
            found.append(_told(step, "added", place=places[key]))
            continue
        if key not in still:
            found.append(_told(step, "moved", place=places[key], was=former[key]))
        for name in ("name", "name_en", "approvers", *DEFAULTS):
            values = [_setting(each, name) for each in (old[key], step)]
            if values[0] != values[1]:
                found.append(_told(step, "changed", field=name, before=values[0], after=values[1]))
    return found


def _setting(step: Mapping[str, Json], name: str) -> Json:
    given = setting(step, name) if name in DEFAULTS else step.get(name)
    if name in ("approvers", "copies") and isinstance(given, list):
        return [rules.sparse(rule) if isinstance(rule, Mapping) else rule for rule in given]
    return given


def _told(step: Mapping[str, Json], how: str, **more: Json) -> Change:
    return {"how": how, "key": step["key"], "name": step.get("name", ""), "name_en": step.get("name_en", ""), **more}


def _in_order(was: Sequence[str], now: Sequence[str]) -> set[str]:
    """The most keys that stand in the same order before and after: all others moved."""
    place = {key: number for number, key in enumerate(was)}
    best: dict[str, list[str]] = {}
    for key in now:
        best[key] = [*_longest(found for last, found in best.items() if place[last] < place[key]), key]
    return set(_longest(best.values()))


def _longest(rows: Iterable[list[str]]) -> list[str]:
    return max(rows, key=lambda row: len(row), default=[])


def sentence(company: Company, change: Change) -> Sentence:
    """A change as a sentence."""
    facts = dict(change)
    if change["how"] in ("changed", "renamed"):
        field = change["field"]
        facts |= {"field": words.field(field), "before": words.value(company, field, change["before"])}
        facts["after"] = words.value(company, field, change["after"])
    return Sentence(SENTENCES[change["how"]], facts)


SENTENCES = {
    "added": "Step {place}, “{name}”, is new.",
    "removed": "Step {place}, “{name}”, is gone.",
    "moved": "“{name}” moved from place {was} to place {place}.",
    "changed": "“{name}”, {field}: {before} → {after}",
    "renamed": "The {field} of the chain: {before} → {after}",
}
