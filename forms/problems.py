"""What must be repaired in a form before a procedure that uses it is deployed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import markup, templates, values
from .accepting import FileTypes, accepted
from .schema import CHOICES, CONTAINERS, FIELDS, MOST_ROWS, STATIC
from .view import PICTURE

#: faults of an expression, each with a `message`
CheckExpression = Callable[[str], Sequence[Any]]

#: groups in lists in groups …
_DEEPEST = 8
_KEY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_TYPES = FIELDS | STATIC | CONTAINERS
_TEXTS = ("label", "dateLabel", "timeLabel", "description", "text", "content", "alt", "source", "accept")
_ADORNERS = ("prefixAdorner", "suffixAdorner")
#: what to take for a type that is refused for a reason
_INSTEAD = {
    "iframe": "A page of elsewhere could watch or imitate this one. Set a link to it in a component of the type html.",
}


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What can be asked about expressions and patterns."""

    check_expression: CheckExpression
    pattern_works: Callable[[str], bool]
    file_types: FileTypes


def problems(schema: Any, probe: Probe) -> list[str]:
    """Sentences in English, each naming the component by its key, label or number. Takes any JSON and never fails."""
    if not isinstance(schema, Mapping) or not isinstance(schema.get("components"), list):
        return ["This is no form: it has no list of components. Save it with the form editor."]
    found = list(_inspect(schema["components"], "", set(), 1, probe))
    if not isinstance(schema.get("id"), str) or not schema["id"]:
        found.insert(0, "The form has no id.")
    if not all(isinstance(schema.get(name, ""), str) for name in ("title", "title_en")):
        found.insert(0, "The title of the form must be text.")
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
            instead = _INSTEAD.get(str(kind)) or f"Possible are {', '.join(sorted(_TYPES))}."
            yield f'{name} is of the type "{kind}", which is not supported. {instead}'
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

    for name in ("validate", "conditional", "properties", "appearance", "layout"):
        if not isinstance(item.get(name) or {}, Mapping):
            yield f"{name} must be an object."
            return
    limits, conditional = item.get("validate") or {}, item.get("conditional") or {}
    for where, texts in (
        (item, _TEXTS),
        (item.get("properties") or {}, [f"{each}_en" for each in _TEXTS]),
        (item.get("appearance") or {}, _ADORNERS),
    ):
        for text in texts:
            yield from (f"the {text} is wrong: {sentence}" for sentence in _template(where.get(text), probe))
        yield from expressions(where, texts)
    yield from expressions(item, ("readonly", "valuesExpression", "expression", "dataSource", "columnsExpression", "multiple"))
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
    if kind == "filepicker":
        yield from _accept(item.get("accept"), probe)
    yield from _OF_TYPE.get(kind, lambda item: ())(item)


def _template(text: Any, probe: Probe) -> Iterator[str]:
    """What is wrong with a text that has places to fill."""
    if not isinstance(text, str) or text.startswith("=") or "{{" not in text:
        return
    try:
        parts = templates.parse(text)
    except templates.TemplateWrong as wrong:
        yield f"{wrong}."
        return
    for expression in templates.expressions(parts):
        yield from (f"{{{{{expression}}}}}: {fault.message}" for fault in probe.check_expression(expression))


def _accept(accept: Any, probe: Probe) -> Iterator[str]:
    if isinstance(accept, str) and not accept.startswith("=") and "{{" not in accept and not accepted(accept, probe.file_types):
        endings = ", ".join(ending for endings in probe.file_types.values() for ending in endings)
        if endings:
            yield f'its accept "{accept}" names no file that can be stored; possible are {endings}.'


def _number(item: Mapping[str, Any]) -> Iterator[str]:
    step, places = item.get("increment"), item.get("decimalDigits")
    if step is not None and not ((number := values.decimal(step)) and number > 0):
        yield "increment must be a number above 0."
    if places is not None and not (type(places) is int and 0 <= places <= values.DIGITS):
        yield f"decimalDigits must be a whole number up to {values.DIGITS}."


def _datetime(item: Mapping[str, Any]) -> Iterator[str]:
    minutes = item.get("timeInterval")
    if minutes is not None and not (type(minutes) is int and 1 <= minutes <= 60):
        yield "timeInterval must be a whole number of minutes up to 60."


def _html(item: Mapping[str, Any]) -> Iterator[str]:
    english = (item.get("properties") or {}).get("content_en")
    if strange := markup.strange_tags(f"{item.get('content') or ''}{english or ''}"):
        possible = ", ".join(sorted(markup.TAGS))
        yield f"its content has tags that are not shown: {', '.join(strange)}. Take them out; possible are {possible}."


def _image(item: Mapping[str, Any]) -> Iterator[str]:
    source = item.get("source")
    if not isinstance(source, str) or not (source.startswith("=") or PICTURE.fullmatch(source)):
        yield "its source would be asked of another server; write the picture itself, as data:image/png;base64,… (or jpeg, gif, webp)."


def _table(item: Mapping[str, Any]) -> Iterator[str]:
    source = item.get("dataSource")
    if not isinstance(source, str) or not source.startswith("="):
        yield "its dataSource must be an expression that begins with = and gives a list."
    columns, calculated = item.get("columns"), item.get("columnsExpression")
    if calculated is not None:
        if not (isinstance(calculated, str) and calculated.startswith("=")):
            yield "columnsExpression must be an expression that begins with =."
    elif not (
        isinstance(columns, list)
        and columns
        and all(isinstance(each, Mapping) and isinstance(each.get("key"), str) and isinstance(each.get("label"), str) for each in columns)
    ):
        yield "each column needs a label and a key, and there must be one at least."


def _document_preview(item: Mapping[str, Any]) -> Iterator[str]:
    source = item.get("dataSource")
    if not isinstance(source, str) or not source.startswith("="):
        yield "its dataSource must be an expression that gives what a file field holds, such as =proof."


def _expression(item: Mapping[str, Any]) -> Iterator[str]:
    formula = item.get("expression")
    if not isinstance(formula, str) or not formula.startswith("="):
        yield "its expression must begin with =."


def _dynamic_list(item: Mapping[str, Any]) -> Iterator[str]:
    rows = item.get("defaultRepetitions", 1)
    if not (type(rows) is int and 0 <= rows <= 20):
        yield "defaultRepetitions must be a whole number up to 20."
    given = item.get("properties") or {}
    least, most = (values.decimal(given.get(name, usual)) for name, usual in (("min_rows", 0), ("max_rows", MOST_ROWS)))
    if least is None or most is None or least % 1 or most % 1 or not 0 <= least <= most <= MOST_ROWS:
        yield f"min_rows and max_rows must be whole numbers up to {MOST_ROWS}, the second not below the first."


_OF_TYPE: Mapping[str, Callable[[Mapping[str, Any]], Iterable[str]]] = {
    "number": _number,
    "datetime": _datetime,
    "html": _html,
    "image": _image,
    "table": _table,
    "documentPreview": _document_preview,
    "expression": _expression,
    "dynamiclist": _dynamic_list,
}


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
