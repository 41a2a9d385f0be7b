"""Reads a form schema as the form-js editor saves it: which fields there are, where their values lie, what they are called.

A field's value lies at its path: key `name` at `name`, key `place` in a group with path `meeting` at `meeting.place`, key
`name` in a list with path `witnesses` at `witnesses[0].name`. The path of a *kind* of field has no row number:
`witnesses.name`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

#: shown, never filled in
STATIC = frozenset({"text", "html", "image", "table", "documentPreview", "separator", "spacer", "button"})
#: what is filled in, or calculated
FIELDS = frozenset(
    {
        "textfield",
        "textarea",
        "number",
        "select",
        "radio",
        "checklist",
        "taglist",
        "checkbox",
        "datetime",
        "filepicker",
        "expression",
        "dynamiclist",
    }
)
#: hold other components
CONTAINERS = frozenset({"group", "dynamiclist"})
#: a value of these is one or several of given choices
CHOICES = frozenset({"select", "radio", "checklist", "taglist"})
#: rows of a list where the form says nothing else
MOST_ROWS = 100
#: a value of these is a list
LISTS = frozenset({"checklist", "taglist", "filepicker", "dynamiclist"})


@dataclass(frozen=True, kw_only=True)
class Component:
    """One component of a form, with its place worked out."""

    type: str
    #: where the value lies, from the form or from the row it is in; empty for what holds no value
    path: tuple[str, ...]
    #: the same from the form, without row numbers, such as `witnesses.name`
    name: str
    schema: Mapping[str, Any]
    #: components of a group or of each row of a list
    children: Components = field(default_factory=lambda: Components())

    @functools.cached_property
    def key(self) -> str:
        return ".".join(self.path)

    @property
    def validate(self) -> Mapping[str, Any]:
        return self.schema.get("validate") or {}

    @property
    def hide(self) -> str | None:
        """FEEL that hides the component while it is true."""
        return (self.schema.get("conditional") or {}).get("hide")

    @property
    def kind(self) -> str:
        """The type, with `datetime` told apart into `date`, `time` and `datetime`."""
        return str(self.schema.get("subtype", "date")) if self.type == "datetime" else self.type

    @property
    def formula(self) -> str | None:
        """FEEL, with its `=`, that gives the value of a field which nobody fills in."""
        return str(self.schema.get("expression") or "=null") if self.type == "expression" else None

    @property
    def rows_allowed(self) -> tuple[int, int]:
        """Fewest and most rows of a list: its properties `min_rows` and `max_rows`."""
        given = self.schema.get("properties") or {}
        least, most = (int(given.get(name, usual)) for name, usual in (("min_rows", 0), ("max_rows", MOST_ROWS)))
        return least, most

    @property
    def default(self) -> Any:
        return self.schema.get("defaultValue")

    def own(self, what: str, locale: str) -> str:
        """The `label`, `description`, `text`, `content` or `alt` in a language: English ones lie in the properties, as `label_en`."""
        english = (self.schema.get("properties") or {}).get(f"{what}_en") if locale.startswith("en") else None
        if what == "label" and self.type == "datetime":
            what = "timeLabel" if self.kind == "time" else "dateLabel"
        return english or self.schema.get(what) or (self.schema.get("label") if what.endswith("Label") else "") or ""


class Components(tuple[Component, ...]):
    """The components of a form, of a group or of each row of a list, in their order. What follows from them is worked out once."""

    @functools.cached_property
    def level(self) -> tuple[Component, ...]:
        """The fields whose values lie in the same object: through groups, not into the rows of lists."""
        return tuple(item for item, _ in self.conditions)

    @functools.cached_property
    def conditions(self) -> tuple[tuple[Component, tuple[str, ...]], ...]:
        """The same fields, each with the conditions (FEEL) that hide it or a group around it."""
        return tuple(_with_conditions(self, ()))

    @functools.cached_property
    def places(self) -> Mapping[str, Any]:
        """The same fields where their values lie: objects, and in them a component for each value."""
        found: dict[str, Any] = {}
        for item in self.level:
            put(found, item.path, item)
        return found


def _with_conditions(items: Components, around: tuple[str, ...]) -> Iterator[tuple[Component, tuple[str, ...]]]:
    for item in items:
        conditions = (*around, item.hide) if item.hide else around
        if item.type == "group":
            yield from _with_conditions(item.children, conditions)
        elif item.type in FIELDS:
            yield item, conditions


def components(schema: Mapping[str, Any]) -> Components:
    """The components of a form in their order, groups and lists with their children."""
    return _read(schema.get("components") or (), (), "")


def known(schema: Mapping[str, Any]) -> Components:
    """As `components`, worked out once for each content of a form that is used again and again."""
    try:
        content = orjson.dumps(schema)
    except TypeError:  # a whole number beyond 64 bits
        return components(schema)
    return _known(content)


@functools.lru_cache(maxsize=256)
def _known(content: bytes) -> Components:
    return components(orjson.loads(content))


def _read(items: Sequence[Mapping[str, Any]], path: tuple[str, ...], name: str) -> Components:
    found = []
    for item in items:
        type = item["type"]
        key = str(item.get("path" if type in CONTAINERS else "key") or "") if type not in STATIC else ""
        place = (*path, *key.split(".")) if key else ()
        full = f"{name}.{key}".strip(".") if key else name
        inside = item.get("components") or () if type in CONTAINERS else ()
        start = () if type == "dynamiclist" else place or path
        found.append(Component(type=type, path=place, name=full, schema=item, children=_read(inside, start, full)))
    return Components(found)


def every(items: Components) -> Iterator[Component]:
    """The fields, those of the rows of lists included."""
    for item in items.level:
        yield item
        yield from every(item.children)


def fields(schema: Mapping[str, Any]) -> dict[str, str]:
    """Path of every kind of field -> its component type, such as `{"witnesses": "dynamiclist", "witnesses.name": "textfield"}`."""
    return {item.name: item.type for item in every(components(schema))}


#: number of a row in a path
NUMBER = re.compile(r"\[(\d{1,4})\]")


def kind_of(path: str) -> str:
    """The path of the kind of a field: `witnesses.name` of `witnesses[0].name`."""
    return NUMBER.sub("", path)


def permission(component: Component, permissions: Mapping[str, str]) -> str | None:
    """`hidden`, `readonly`, `required` or None. What hides or closes a group or list does so with all in it, whatever is said there."""
    if not permissions:
        return None
    parts = component.name.split(".")
    said = {permissions.get(".".join(parts[:end])) for end in range(1, len(parts) + 1)}
    return next((level for level in ("hidden", "readonly") if level in said), permissions.get(component.name))


def without_hidden(schema: Mapping[str, Any], permissions: Mapping[str, str]) -> dict[str, Any]:
    """The schema without the components whose permission is `hidden`: what may be sent to the person's program."""

    def keep(items: Sequence[Component]) -> list[dict[str, Any]]:
        return [
            {**item.schema, "components": keep(item.children)} if item.children else dict(item.schema)
            for item in items
            if not (item.path and permission(item, permissions) == "hidden")
        ]

    return {**schema, "components": keep(components(schema))}


def narrowed(schema: Mapping[str, Any], access: Mapping[str, str]) -> dict[str, str]:
    """Permissions under which only what `access` opens can be filled in; what it does not name, nor lies in what it names, is `readonly`.

    `access`: `hidden`, `readonly`, `required` or `editable` by the path of a field, group or list; what the form does not have is left out.
    """
    names = fields(schema)
    found = {name: level for name, level in access.items() if any(f"{each}.".startswith(f"{name}.") for each in names)}
    opened = [name for name, level in found.items() if level in ("required", "editable")]
    for name in names:
        around = any(f"{name}.".startswith(f"{other}.") for other in found)
        if not around and not any(other.startswith(f"{name}.") for other in opened):
            found[name] = "readonly"
    return found


def shown(items: Components, values: Mapping[str, Any], permissions: Mapping[str, str]) -> dict[str, Any]:
    """The values without those of fields whose permission is `hidden`; what the form does not have stays."""
    return _shown(items, values, permissions) if "hidden" in permissions.values() else dict(values)


def _shown(items: Components, values: Mapping[str, Any], permissions: Mapping[str, str]) -> dict[str, Any]:
    found = dict(values)
    for item in items:
        if item.path and permission(item, permissions) == "hidden":
            drop(found, item.path)
        elif item.type == "group":
            found = _shown(item.children, found, permissions)
        elif item.type == "dynamiclist" and isinstance(rows := at(found, item.path), list):
            put(found, item.path, [_shown(item.children, row, permissions) if isinstance(row, Mapping) else row for row in rows])
    return found


def drop(values: dict[str, Any], path: Sequence[str]) -> None:
    """Takes away what lies at a path, if anything does. Objects on the way are copied, as by `put`."""
    if not has(values, path):
        return
    for key in path[:-1]:
        values[key] = values = dict(values[key])
    del values[path[-1]]


def at(values: Any, path: Sequence[str]) -> Any:
    """The value at a path; None where there is none."""
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def fits(schema: Mapping[str, Any], values: Any) -> bool:
    """Whether values lie as the form has its fields: objects, rows and lists where it has them, nothing else; what is missing fits."""
    return _lies(known(schema).places, values)


def _lies(place: Any, value: Any) -> bool:
    if value is None or (isinstance(place, Component) and place.type == "expression"):
        return True
    if isinstance(place, Mapping):
        return isinstance(value, Mapping) and all(_lies(inner, value.get(key)) for key, inner in place.items())
    if place.type == "dynamiclist":
        return isinstance(value, (list, tuple)) and all(isinstance(row, Mapping) and _lies(place.children.places, row) for row in value)
    return isinstance(value, (list, tuple)) if place.type in LISTS else not isinstance(value, (list, tuple, Mapping))


def has(values: Any, path: Sequence[str]) -> bool:
    """Whether something, even None, lies at a path."""
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True


def put(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Sets the value at a path. Objects on the way are copied, so that whoever else holds them sees no change."""
    for key in path[:-1]:
        inner = values.get(key)
        values[key] = values = dict(inner) if isinstance(inner, Mapping) else {}
    values[path[-1]] = value
