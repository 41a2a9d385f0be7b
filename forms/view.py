"""What a template needs to draw a form: one view per component, everything in the person's language, nothing to calculate."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import markup, values
from .reading import Field, Reading, Scope
from .schema import CONTAINERS, FIELDS, Component, permission

#: rows of a table that a page shows
TABLE_ROWS = 500
#: columns of the grid on which the editor lays out a form
COLUMNS = 16
#: a picture that needs no other server
PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")


@dataclass(frozen=True, kw_only=True)
class OptionView:
    """One choice of a field."""

    value: str
    label: str
    selected: bool


@dataclass(frozen=True, kw_only=True)
class RowView:
    """One row of a list."""

    #: such as `witnesses[0]`: post it as a hidden, empty field, so that a row whose boxes are all unticked is not lost
    name: str
    fields: Sequence[FieldView]


@dataclass(frozen=True, kw_only=True)
class FieldView:
    """One component as the page shows it."""

    #: the form-js type; `date`, `time` or `datetime` for a datetime
    kind: str
    #: name of the HTML field and key of its messages, such as `witnesses[0].name`; empty for what holds no value
    path: str = ""
    #: unique in the page, such as `field-witnesses-0-name`
    id: str = ""
    #: what names the component within its page, whatever it says: its path, its id, or what the form calls it
    place: str = ""
    label: str = ""
    description: str = ""
    #: of a `text`: what it says; of an `html`: harmless HTML; of an `image`: what stands for it
    text: str = ""
    #: of an `image`: the picture itself, as a `data:` address
    source: str = ""
    #: of a `table`: what stands above the columns, and the cells of each row
    columns: Sequence[str] = ()
    cells: Sequence[Sequence[str]] = ()
    #: of a `table`: rows that were too many to be shown
    left_out: int = 0
    #: half as wide as the form, where there is room
    narrow: bool = False
    required: bool = False
    readonly: bool = False
    #: a condition hides it at present
    hidden: bool = False
    #: it is hidden, and nothing of it is here: what it would show is asked for when the condition turns
    absent: bool = False
    #: as a person reads and types it; for a checkbox `true` or `false`
    value: str = ""
    #: of a filepicker or documentPreview: ids of its documents
    documents: Sequence[str] = ()
    options: Sequence[OptionView] = ()
    errors: Sequence[str] = ()
    #: limits as attributes of the HTML field: `min`, `max`, `step`, `minlength`, `maxlength`, `accept`
    limits: Mapping[str, str] = field(default_factory=dict)
    multiple: bool = False
    #: shown before and after the field, such as `¥` or `天`
    prefix: str = ""
    suffix: str = ""
    #: of a group: what it holds
    fields: Sequence[FieldView] = ()
    #: of a list
    rows: Sequence[RowView] = ()
    #: of a list: whether a row can be added, or one removed
    can_add: bool = False
    can_remove: bool = False

    @property
    def checked(self) -> bool:
        return self.value == "true"

    @property
    def shown(self) -> str:
        """What a person who may only read sees: the value, or the labels of what was chosen."""
        return "、".join(each.label for each in self.options if each.selected) if self.options else self.value


def field_id(path: str) -> str:
    """Id in the page of the field at a path."""
    return "field-" + re.sub(r"\W+", "-", path).strip("-")


def view(reading: Reading, scope: Scope, errors: Mapping[str, Sequence[str]], locale: str) -> list[FieldView]:
    """The views of one object's components, in their order."""
    return _views(reading, scope, scope.items, errors, locale)


def _views(
    reading: Reading, scope: Scope, items: Sequence[Component], errors: Mapping[str, Sequence[str]], locale: str, *, around: bool = False
) -> list[FieldView]:
    """`around`: a condition hides the group or list in which they lie."""
    shown = []
    for item in items:
        if item.path and permission(item, reading.permissions) == "hidden":
            continue
        if item.formula:
            continue
        if item.type in FIELDS:
            shown.append(_field(reading, scope, scope.fields[item.key], errors, locale, around=around))
        else:
            hidden = around or reading.hides(item.hide, scope.context)
            inside = _views(reading, scope, item.children, errors, locale, around=hidden) if item.type in CONTAINERS else ()
            shown.append(_unfilled(reading, scope, item, inside, locale, hidden=hidden))
    return shown


def _unfilled(reading: Reading, scope: Scope, item: Component, inside: Sequence[FieldView], locale: str, *, hidden: bool) -> FieldView:
    """What is shown and never filled in, and groups."""
    id = field_id(f"{scope.prefix}{item.schema['id']}") if item.schema.get("id") else ""
    place = id or f"{scope.prefix}{item.type} {(item.own('label', locale) or item.own('text', locale))[:60]}"
    if hidden and all(one.absent for one in inside):
        return FieldView(kind=item.type, id=id, place=place, hidden=True, absent=True, fields=inside)
    shown: dict[str, Any] = {}
    match item.type:
        case "text":
            shown = {"text": _said(reading, scope, item, "text", locale)}
        case "html":
            content = reading.said(item.own("content", locale), scope.visible, html.escape)
            shown = {"text": markup.clean(values.printable(content))}
        case "image":
            source = reading.said(str(item.schema.get("source") or ""), scope.visible)
            shown = {"source": source if PICTURE.fullmatch(source) else "", "text": _said(reading, scope, item, "alt", locale)}
        case "table":
            shown = _table(reading, scope, item, locale)
        case "documentPreview":
            shown = {"documents": _documents(reading.resolve(item.schema.get("dataSource"), scope.visible))}
    return FieldView(
        kind=item.type,
        id=id,
        place=place,
        label=_said(reading, scope, item, "label", locale),
        description=_said(reading, scope, item, "description", locale),
        hidden=hidden,
        fields=inside,
        **shown,
    )


def _table(reading: Reading, scope: Scope, item: Component, locale: str) -> dict[str, Any]:
    given = reading.resolve(item.schema["columnsExpression"], scope.visible) if "columnsExpression" in item.schema else None
    columns = [each for each in _list(given if isinstance(given, list) else item.schema.get("columns")) if isinstance(each, Mapping)]
    rows = [row if isinstance(row, Mapping) else {} for row in _list(reading.resolve(item.schema.get("dataSource"), scope.visible))]
    return {
        "columns": [_label(column, str(column.get("key")), locale) for column in columns],
        "cells": [[_cell(row.get(str(column.get("key")))) for column in columns] for row in rows[:TABLE_ROWS]],
        "left_out": max(0, len(rows) - TABLE_ROWS),
    }


def _cell(value: Any) -> str:
    return values.printable(("✓" if value else "–") if isinstance(value, bool) else values.listed(value))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _documents(value: Any) -> list[str]:
    """Ids of documents, of the value of a file field."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _field(reading: Reading, scope: Scope, one: Field, errors: Mapping[str, Sequence[str]], locale: str, *, around: bool) -> FieldView:
    item, path, hidden = one.component, scope.prefix + one.component.key, one.hidden or around
    if hidden and (one.fixed or not one.was_sent):
        return FieldView(kind=item.kind, path=path, id=field_id(path), place=path, hidden=True, absent=True)
    raw = one.sent if one.was_sent and not one.fixed else one.stored
    chosen = {values.written(each) for each in (raw if isinstance(raw, (list, tuple)) else [raw])}
    adorned = item.schema.get("appearance") or {}
    insides = (_views(reading, row, row.items, errors, locale, around=hidden) for row in one.rows)
    rows = [RowView(name=row.prefix.removesuffix("."), fields=inside) for row, inside in zip(one.rows, insides, strict=True)]
    changeable = item.type == "dynamiclist" and not one.fixed and not reading.rows_fixed(item)
    return FieldView(
        kind=item.kind,
        path=path,
        id=field_id(path),
        place=path,
        label=_said(reading, scope, item, "label", locale),
        description=_said(reading, scope, item, "description", locale),
        required=not one.fixed and (one.demanded or reading.true(item.validate.get("required"), scope.context)),
        readonly=one.fixed,
        hidden=hidden,
        value=values.printable(values.written(bool(raw) if item.type == "checkbox" else raw)),
        documents=_documents(raw) if item.type == "filepicker" else (),
        options=[_option(each, chosen, locale) for each in reading.options(item, scope.visible)],
        errors=tuple(errors.get(path, ())),
        limits=_limits(reading, scope, item),
        multiple=reading.true(item.schema.get("multiple"), scope.context),
        prefix=reading.said(str(adorned.get("prefixAdorner") or ""), scope.visible),
        suffix=reading.said(str(adorned.get("suffixAdorner") or ""), scope.visible),
        narrow=isinstance(width := (item.schema.get("layout") or {}).get("columns"), int) and 2 * width <= COLUMNS,
        rows=rows,
        can_add=changeable and len(rows) < item.rows_allowed[1],
        can_remove=changeable and len(rows) > item.rows_allowed[0],
    )


def _said(reading: Reading, scope: Scope, item: Component, what: str, locale: str) -> str:
    return values.printable(reading.said(item.own(what, locale), scope.visible))


def _option(option: Mapping[str, Any], chosen: set[str], locale: str) -> OptionView:
    value = values.written(option["value"])
    return OptionView(value=value, label=_label(option, value, locale), selected=value in chosen)


def _label(named: Mapping[str, Any], otherwise: str, locale: str) -> str:
    """What an option or a column is called."""
    label = (named.get("label_en") if locale.startswith("en") else None) or named.get("label") or otherwise
    return values.printable(str(label))


def _limits(reading: Reading, scope: Scope, item: Component) -> dict[str, str]:
    given = reading.limits(item, scope.visible)
    found: dict[str, Any] = {}
    if item.type in ("textfield", "textarea"):
        usual = values.TEXTFIELD_LENGTH if item.type == "textfield" else values.TEXTAREA_LENGTH
        found = {"minlength": given.get("minLength"), "maxlength": given.get("maxLength") or usual}
    elif item.type in ("number", "datetime"):
        places = item.schema.get("decimalDigits")
        step = item.schema.get("increment") or (f"{10**-places:.{places}f}" if isinstance(places, int) else None)
        minutes = item.schema.get("timeInterval") if item.type == "datetime" and item.kind != "date" else None
        found = {"min": given.get("min"), "max": given.get("max"), "step": step if item.type == "number" else minutes and 60 * minutes}
        if item.kind == "datetime" and len(str(found["min"])) == len("2026-11-24"):
            found["min"] += "T00:00"
    elif item.type == "filepicker":
        found = {"accept": reading.said(str(item.schema.get("accept") or ""), scope.visible) or None}
    return {name: values.written(limit) for name, limit in found.items() if limit is not None}
