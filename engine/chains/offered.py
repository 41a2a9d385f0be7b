"""What an editor may offer for a step: exactly what publishing accepts. It is tried, so nothing here lists what is carried out."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from ..ports import Json
from . import words
from .faults import faults, unwired
from .rules import PARAMETERS
from .steps import ACCESS, DEFAULTS

#: a step in which every field may be tried, behind one that may be named
_PLAIN: Mapping[str, Json] = {"name": "x", "name_en": "x", "approvers": [{"rule": "initiator"}], "limit_days": 1}
_BEFORE = "before"
#: field -> what must stand beside it to count
_BESIDE: Mapping[str, Mapping[str, Json]] = {
    "ratio": {"mode": "ratio"},
    "weights": {"mode": "ratio"},
    "reject": {"mode": "all"},
    "limit_hours": {"limit_days": None},
}
#: field -> a value other than its default, for fields without choices
_VALUES: Mapping[str, Json] = {
    "weights": [{"roles": ["x"], "weight": 2}],
    "fields": {"x": ACCESS[0]},
    "copies": [{"rule": "initiator"}],
}
#: kind of a parameter -> a value, for parameters that a rule may need
_GIVEN: Mapping[str, Json] = {
    **{kind: ["x"] for kind in ("persons", "roles", "groups", "posts", "departments")},
    **dict.fromkeys(("duty", "field", "operation"), "x"),
    "expression": "1",
}


def takes(field: str, *, decisive: bool = False) -> bool:
    """Whether a step may say anything but the default of a field."""
    if field in words.CHOICES:
        return any(not _same(field, choice) for choice in choices(field, decisive=decisive))
    return _accepted(field, _VALUES.get(field, True if isinstance(DEFAULTS[field], bool) else 1), decisive)


def choices(field: str, *, decisive: bool = False) -> tuple[str, ...]:
    """The values of a field that publishing accepts, of those that have a name."""
    return _choices(field, decisive)


@functools.cache
def _choices(field: str, decisive: bool) -> tuple[str, ...]:
    return tuple(choice for choice in words.CHOICES[field] if _accepted(field, _value(field, choice), decisive))


def to_earlier() -> bool:
    """Whether a rejection may lead to a named step."""
    return _accepted("on_reject", f"to:{_BEFORE}", False)


@functools.cache
def rules(field: str = "approvers", *, inner: bool = False) -> tuple[str, ...]:
    """The rules that may say who signs, or who gets a copy; `inner`: of whom somebody chooses."""
    found = []
    for name in words.RULES:
        kinds = PARAMETERS.get(name, {})
        rule = {"rule": name, **{parameter: _GIVEN[kind] for parameter, kind in kinds.items() if kind in _GIVEN}}
        tried: Json = {"rule": "initiator_chooses", "pool": rule} if inner else rule
        if _accepted(field, [tried], False):
            found.append(name)
    return tuple(found)


def _value(field: str, choice: str) -> Json:
    """The whole value of a field by which a choice is made."""
    if field == "nobody":
        return {"do": choice, "persons": ["x"]} if choice == "to_person" else {"do": choice}
    if field == "on_due":
        return {"do": choice, "to": "x"} if choice == "transfer" else {"do": choice}
    return [choice] if isinstance(DEFAULTS[field], list) else choice


def _same(field: str, choice: str) -> bool:
    return not isinstance(DEFAULTS[field], list) and _value(field, choice) == DEFAULTS[field]


def _accepted(field: str, value: Json, decisive: bool) -> bool:
    step = {**_PLAIN, **_BESIDE.get(field, {}), "key": "tried", "decisive": decisive, field: value}
    steps = [{**_PLAIN, "key": _BEFORE}, step]
    return not (faults("x", "x", steps) or unwired(steps))
