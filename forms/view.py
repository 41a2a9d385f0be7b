"""What a template needs to draw a form: one view per component, everything in the person's language, nothing to calculate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import values
from .reading import Field, Reading, Scope
from .schema import CONTAINERS, FIELDS, Component, permission


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
    label: str = ""
    description: str = ""
    #: of a `text`: what it says
    text: str = ""
    required: bool = False
    readonly: bool = False
    #: a condition hides it at present
    hidden: bool = False
    #: as a person reads and types it; for a checkbox `true` or `false`
    value: str = ""
    #: of a filepicker: ids of its documents
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
    #: of a list: whether rows can be added and removed
    open: bool = False

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


def _views(reading: Reading, scope: Scope, items: Sequence[Component], errors: Mapping[str, Sequence[str]], locale: str) -> list[FieldView]:
    shown = []
    for item in items:
        if item.path and permission(item, reading.permissions) == "hidden":
            continue
        if item.type in FIELDS:
            shown.append(_field(reading, scope, scope.fields[item.key], errors, locale))
        else:
            shown.append(
                FieldView(
                    kind=item.type,
                    label=_said(reading, scope, item, "label", locale),
                    text=_said(reading, scope, item, "text", locale),
                    description=_said(reading, scope, item, "description", locale),
                    hidden=bool(item.hide) and reading.true(item.hide, scope.context),
                    fields=_views(reading, scope, item.children, errors, locale) if item.type in CONTAINERS else (),
                )
            )
    return shown


def _field(reading: Reading, scope: Scope, one: Field, errors: Mapping[str, Sequence[str]], locale: str) -> FieldView:
    item, path = one.component, scope.prefix + one.component.key
    raw = one.sent if one.was_sent and not one.fixed else one.stored
    chosen = {values.written(each) for each in (raw if isinstance(raw, (list, tuple)) else [raw])}
    adorned = item.schema.get("appearance") or {}
    rows = [RowView(name=row.prefix.removesuffix("."), fields=_views(reading, row, row.items, errors, locale)) for row in one.rows]
    return FieldView(
        kind=item.kind,
        path=path,
        id=field_id(path),
        label=_said(reading, scope, item, "label", locale),
        description=_said(reading, scope, item, "description", locale),
        required=not one.fixed and (one.demanded or reading.true(item.validate.get("required"), scope.context)),
        readonly=one.fixed,
        hidden=one.hidden,
        value=values.printable(values.written(bool(raw) if item.type == "checkbox" else raw)),
        documents=[each for each in raw if isinstance(each, str)] if item.type == "filepicker" and isinstance(raw, list) else (),
        options=[_option(each, chosen, locale) for each in reading.options(item, scope.context)],
        errors=tuple(errors.get(path, ())),
        limits=_limits(reading, scope, item),
        multiple=bool(item.schema.get("multiple")),
        prefix=str(adorned.get("prefixAdorner") or ""),
        suffix=str(adorned.get("suffixAdorner") or ""),
        rows=rows,
        open=item.type == "dynamiclist" and not one.fixed and not reading.rows_fixed(item),
    )


def _said(reading: Reading, scope: Scope, item: Component, what: str, locale: str) -> str:
    return values.printable(values.written(reading.resolve(item.own(what, locale), scope.context)))


def _option(option: Mapping[str, Any], chosen: set[str], locale: str) -> OptionView:
    value = values.written(option["value"])
    label = (option.get("label_en") if locale.startswith("en") else None) or option.get("label") or value
    return OptionView(value=value, label=values.printable(str(label)), selected=value in chosen)


def _limits(reading: Reading, scope: Scope, item: Component) -> dict[str, str]:
    given = reading.limits(item, scope.context)
    found: dict[str, Any] = {}
    if item.type in ("textfield", "textarea"):
        usual = values.TEXTFIELD_LENGTH if item.type == "textfield" else values.TEXTAREA_LENGTH
        found = {"minlength": given.get("minLength"), "maxlength": given.get("maxLength") or usual}
    elif item.type in ("number", "datetime"):
        places = item.schema.get("decimalDigits")
        step = item.schema.get("increment") or (f"{10**-places:.{places}f}" if isinstance(places, int) else None)
        found = {"min": given.get("min"), "max": given.get("max"), "step": step if item.type == "number" else None}
    elif item.type == "filepicker":
        found = {"accept": item.schema.get("accept")}
    return {name: values.written(limit) for name, limit in found.items() if limit is not None}
