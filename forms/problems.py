"""What must be repaired in a form before a procedure that uses it is deployed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .schema import CHOICES, CONTAINERS, FIELDS, STATIC

#: faults of an expression, each with a `message`
CheckExpression = Callable[[str], Sequence[Any]]

#: groups in lists in groups …
_DEEPEST = 8
_KEY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_TYPES = FIELDS | STATIC | CONTAINERS
_TEXTS = ("label", "dateLabel", "timeLabel", "description", "text")


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What can be asked about expressions and patterns."""

    check_expression: CheckExpression
    pattern_works: Callable[[str], bool]


def problems(schema: Any, probe: Probe) -> list[str]:
    """Sentences in English, each naming the component by its key, label or number. Takes any JSON and never fails."""
    if not isinstance(schema, Mapping) or not isinstance(schema.get("components"), list):
        return ["This is no form: it has no list of components. Save it with the form editor."]
    found = list(_inspect(schema["components"], "", set(), 1, probe))
    if not isinstance(schema.get("id"), str) or not schema["id"]:
        found.insert(0, "The form has no id.")
    return found


def _inspect(items: Sequence[Any], path: str, taken: set[str], depth: int, probe: Probe) -> Iterator[str]:
    if depth > _DEEPEST:
        yield f"Components lie more than {_DEEPEST} deep in each other."
        return
    for number, item in enumerate(items, 1):
        if not isinstance(item, Mapping):
            yield f"Component {number} is no object."
            continue
        kind = item.get("type")
        name = f'"{path}{item.get("key") or item.get("path") or item.get("label") or item.get("id") or number}"'
        if not isinstance(kind, str) or kind not in _TYPES:
            yield f'{name} is of the type "{kind}", which is not supported. Possible are {", ".join(sorted(_TYPES))}.'
            continue
        place = item.get("path" if kind in CONTAINERS else "key") or ""
        inside = path
        if kind in FIELDS or place:
            if not isinstance(place, str) or not _KEY.fullmatch(place):
                yield f"{name} needs a {'path' if kind in CONTAINERS else 'key'} of letters, digits and _ that begins with a letter."
                continue
            inside = f"{path}{place}."
            if kind in FIELDS:
                full = f"{path}{place}"
                if any(full == other or full.startswith(f"{other}.") or other.startswith(f"{full}.") for other in taken):
                    yield f"{name}: another field has the same key. Give each field its own."
                taken.add(full)
        yield from (f"{name}: {sentence}" for sentence in _details(kind, item, probe))
        if kind in CONTAINERS:
            children = item.get("components", [])
            if not isinstance(children, list):
                yield f"{name}: its components are no list."
                continue
            # keys in the rows of a list meet only each other
            yield from _inspect(children, inside, set() if kind == "dynamiclist" else taken, depth + 1, probe)


def _details(kind: str, item: Mapping[str, Any], probe: Probe) -> Iterator[str]:
    def expressions(values: Mapping[str, Any], names: Sequence[str], where: str = "") -> Iterator[str]:
        for name in names:
            value = values.get(name)
            if isinstance(value, str) and value.startswith("="):
                yield from (f"the expression of {where}{name} is wrong: {fault.message}" for fault in probe.check_expression(value[1:]))

    for name in ("validate", "conditional", "properties"):
        if not isinstance(item.get(name) or {}, Mapping):
            yield f"{name} must be an object."
            return
    limits, conditional = item.get("validate") or {}, item.get("conditional") or {}
    for text in _TEXTS:
        if "{{" in str(item.get(text, "")):
            yield f"templates in {{{{ }}}} are not supported in the {text}; write an expression that begins with =."
    yield from expressions(item, (*_TEXTS, "readonly", "valuesExpression"))
    yield from expressions(limits, ("required", "minLength", "maxLength", "min", "max", "pattern"), "validate.")
    hide = conditional.get("hide")
    if hide is not None and not (isinstance(hide, str) and hide.startswith("=")):
        yield "the condition that hides it must be an expression that begins with =."
    yield from expressions(conditional, ("hide",), "conditional.")
    for name in ("minLength", "maxLength"):
        limit = limits.get(name)
        if limit is not None and not (type(limit) is int and limit >= 0) and not str(limit).startswith("="):
            yield f"{name} must be a whole number."
    if not isinstance(limits.get("required", False), bool) and not str(limits["required"]).startswith("="):
        yield "required must be true, false or an expression."
    pattern = limits.get("pattern")
    if pattern and not (isinstance(pattern, str) and (pattern.startswith("=") or probe.pattern_works(pattern))):
        yield f'the pattern "{pattern}" is no regular expression.'
    if kind in CHOICES:
        yield from _choices(item)
    if kind == "datetime" and item.get("subtype", "date") not in ("date", "time", "datetime"):
        yield "its subtype must be date, time or datetime."
    if item.get("disallowPassedDates"):
        yield "disallowPassedDates is not supported; set validate.min to an expression that gives a date."
    rows = item.get("defaultRepetitions", 1)
    if kind == "dynamiclist" and not (type(rows) is int and 0 <= rows <= 20):
        yield "defaultRepetitions must be a whole number up to 20."


def _choices(item: Mapping[str, Any]) -> Iterator[str]:
    sources = [name for name in ("values", "valuesKey", "valuesExpression") if item.get(name)]
    if len(sources) != 1:
        yield "its choices must come from exactly one of values, valuesKey and valuesExpression."
    elif sources != ["values"]:
        if not isinstance(item[sources[0]], str):
            yield f"{sources[0]} must be text."
    elif not isinstance(item["values"], list) or not all(
        isinstance(each, Mapping) and isinstance(each.get("label"), str) and isinstance(each.get("value"), (str, int, float))
        for each in item["values"]
    ):
        yield "each choice needs a label and a value."
    elif len({str(each["value"]) for each in item["values"]}) < len(item["values"]):
        yield "two choices have the same value."
