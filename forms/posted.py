"""From the fields of a posted page to values of a form, and back to a page with a row more or less."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Protocol

from . import values
from .schema import LISTS, NUMBER, Components, at, components, fields, has, kind_of, permission, put

#: name under which a page posts the paths of fields that it does not have; no field of a form can be called so
ABSENT = "form:absent"


class Posted(Protocol):
    """The fields of a posted page, such as werkzeug's MultiDict: several values under one name."""

    def __iter__(self) -> Iterator[str]: ...

    def getlist(self, key: str) -> list[Any]: ...


def parse(schema: Mapping[str, Any], posted: Posted, uploaded: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    """What was typed, as it was typed: texts, lists of texts, and booleans for checkboxes.

    Names are paths: `place`, `meeting.place`, `witnesses[0].name`, and `witnesses[0]` for the row itself; rows are counted
    anew from 0. `uploaded` gives ids of documents already stored, by path, which join the ids posted beside them. What a
    browser does not post because nothing is ticked or chosen becomes false, None or an empty list; a text that was not on the
    page is left out, and so is every field whose path is posted as ABSENT: its condition hid it. Names that the form does not have
    are passed over: the page has fields of its own.
    """
    return _object(components(schema), posted, set(posted) - {ABSENT}, uploaded or {}, "", set(posted.getlist(ABSENT)))


def draft(schema: Mapping[str, Any], submitted: Any, permissions: Mapping[str, str] = {}) -> dict[str, Any]:
    """What of a submission can be kept for later, unchecked: values of the form's fields, of simple types, of bearable length.

    Not of those that are hidden or read-only: they are not the person's, and may change until the draft is taken up again.
    """
    return _draft(components(schema), submitted, permissions)


def uploads(schema: Mapping[str, Any], files: Posted) -> list[tuple[str, Any]]:
    """The files a person chose, each with the path of its field, in the order posted."""
    kinds = fields(schema)
    return [
        (name, file)
        for name in dict.fromkeys(files)
        if kinds.get(kind_of(name)) == "filepicker"
        for file in files.getlist(name)
        if getattr(file, "filename", "")
    ]


def with_row(submitted: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The values with an empty row more in the list at `path`, such as `witnesses` or `talks[1].witnesses`."""
    return _changed(submitted, path, lambda rows: [*rows, {}])


def without_row(submitted: Mapping[str, Any], row: str) -> dict[str, Any]:
    """The values without the row of this name, such as `witnesses[0]`."""
    path, _, number = row.rpartition("[")
    return _changed(submitted, path, lambda rows: [each for place, each in enumerate(rows) if f"{place}]" != number])


def _draft(items: Components, submitted: Any, permissions: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items.level:
        if item.formula or not has(submitted, item.path) or permission(item, permissions) in ("hidden", "readonly"):
            continue
        value = at(submitted, item.path)
        if item.type == "dynamiclist":
            rows = value if isinstance(value, (list, tuple)) else ()
            put(found, item.path, [_draft(item.children, row, permissions) for row in rows[: values.ENTRIES]])
        elif isinstance(value, (list, tuple)):
            put(found, item.path, [_kept(each) for each in value[: values.ENTRIES]])
        else:
            put(found, item.path, _kept(value))
    return found


def _kept(value: Any) -> Any:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return values.printable(values.written(value)[: 2 * values.TEXTAREA_LENGTH])
    return value if isinstance(value, bool) else None


def _changed(submitted: Mapping[str, Any], path: str, change: Callable[[list[Any]], list[Any]]) -> dict[str, Any]:
    """A copy with the list at `path` changed; unchanged where there is no such list."""
    copy: dict[str, Any] = deepcopy(dict(submitted))
    place: Any = copy
    steps = [int(step) if step.isdecimal() else step for step in re.findall(r"[^.\[\]]+", path)]
    try:
        for step in steps[:-1]:
            place = place[step]
        if isinstance(rows := place[steps[-1]], list):
            place[steps[-1]] = change(rows)
    except (KeyError, IndexError, TypeError):
        pass
    return copy


def _object(
    items: Components, posted: Posted, names: set[str], uploaded: Mapping[str, Sequence[str]], prefix: str, absent: set[str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items.level:
        name = prefix + item.key
        if item.formula or name in absent:
            continue
        if item.type == "dynamiclist":
            put(found, item.path, [_object(item.children, posted, names, uploaded, row, absent) for row in _rows(names, name)])
        elif item.type == "filepicker":
            put(found, item.path, [each for each in (*posted.getlist(name), *uploaded.get(name, ())) if each])
        elif item.type in LISTS:
            put(found, item.path, [each for each in posted.getlist(name) if each])
        elif item.type == "checkbox":
            put(found, item.path, any(posted.getlist(name)))
        elif name in names:
            put(found, item.path, posted.getlist(name)[-1])
        elif item.type == "radio":
            put(found, item.path, None)
    return found


def _rows(names: set[str], path: str) -> list[str]:
    """Prefixes of the rows posted for a list, such as `witnesses[3].`, in the order of their numbers."""
    numbers = {int(match[1]) for name in names if name.startswith(f"{path}[") and (match := NUMBER.match(name, len(path)))}
    return [f"{path}[{number}]." for number in sorted(numbers)]
