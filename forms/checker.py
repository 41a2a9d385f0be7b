"""Checks a submission against its form: the only authority on what enters a case."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from engine import errors

from . import schema as schemas
from . import values
from .accepting import FileTypes, accepted
from .problems import CheckExpression, Probe, problems
from .reading import Evaluate, Field, Reading, Scope
from .schema import Components, at, drop, has, known, permission, put
from .texts import Fault, Text, Translate, untranslated
from .values import printable
from .view import FieldView, view

#: unknown keys that are named; a submission with more is no mistake but noise
_NAMED = 20

_CHINA = ZoneInfo("Asia/Shanghai")

Blame = Callable[[str, Fault], None]
#: an object of the submission as it was stored, None if it was hidden with all in it; worked out only if somebody asks
Before = Callable[[], Scope | None]


class FormChecker:
    """Implements `engine.ports.Forms`, and prepares forms for the page.

    `evaluate` runs FEEL and `check_expression` finds its faults, `translate` gives sentences in the person's language; `zone`
    is the company's, for moments that arrive with an offset, and for today; `file_types` are the types of files that can be stored,
    with their endings. An expression that fails or gives no boolean counts as false:
    the field is shown, open and optional. What must be secret is a permission, never a condition.

    **What a condition hides** leaves the server no more than what a permission hides: `view` gives a place without a value, `visible`
    leaves it out. Only what the person sent themselves, with this request or in their draft, is given back to them, so that nothing
    typed is lost; the rest is brought when the condition turns, which the page asks for after each change. `check` leaves alone what
    was hidden before and is hidden still, and empties what the submission hides. A list to which rows can be added is sent as a whole:
    such a field of its rows begins empty, and is empty afterwards.
    """

    def __init__(
        self,
        *,
        evaluate: Evaluate,
        check_expression: CheckExpression = lambda text: (),
        translate: Translate = untranslated,
        zone: dt.tzinfo = _CHINA,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        file_types: FileTypes = MappingProxyType({}),
    ) -> None:
        self._evaluate = evaluate
        self._check_expression = check_expression
        self._translate = translate
        self._zone = zone
        self._now = now
        self._file_types = file_types

    def _reading(self, permissions: Mapping[str, str], *, conditions: bool = True) -> Reading:
        return Reading(self._evaluate, permissions, self._zone, self._now().astimezone(self._zone).date(), conditions=conditions)

    def check(
        self,
        schema: Mapping[str, Any],
        submitted: Mapping[str, Any],
        stored: Mapping[str, Any],
        *,
        permissions: Mapping[str, str],
        locale: str,
    ) -> dict[str, Any]:
        """Clean values by field key (see the table in `forms.values`); a group with a path gives an object.

        `permissions` say `hidden`, `readonly` or `required` by the path of a field, group or list. An optional field that was
        not sent keeps its stored value or the form's default; a required one must be sent, because a decision is made and
        never inherited. A field that the submission hides by its condition becomes empty, one that was hidden before stays as it is.
        Hidden and read-only fields are not in the result unless nothing is stored and the form has a default for them; sending another
        value for one is an error, and so is a key that the form does not have.

        Raises `errors.FormInvalid` with messages in `locale` by path.
        """
        faults: dict[str, list[str]] = {}

        def blame(path: str, fault: Fault) -> None:
            faults.setdefault(path, []).append(fault.said(self._translate, locale))

        items = known(schema)
        for path, fault in _misplaced(items, submitted, ""):
            if len(faults) < _NAMED:
                blame(path, fault)
        reading = self._reading(permissions)
        sent = reading.scope(items, submitted if isinstance(submitted, Mapping) else {}, stored)
        clean = _clean(reading, sent, functools.cache(lambda: reading.scope(items, {}, stored)), blame)
        if faults:
            raise errors.FormInvalid(faults)
        return clean

    def files(self, schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, list[str]]:
        """Ids of the documents that clean values name, by the path of their field, in the form's order."""
        return dict(_files(known(schema), values, ""))

    def check_files(
        self,
        schema: Mapping[str, Any],
        files: Mapping[str, Sequence[tuple[str, str]]],
        values: Mapping[str, Any],
        *,
        permissions: Mapping[str, str],
        locale: str,
    ) -> None:
        """Whether files, each its name and the media type that its content has, are what the `accept` of their fields lets in.

        `files` by the path of their field; `values`: what expressions see. Raises `errors.FormInvalid` as `check`.
        """
        reading = self._reading(permissions)
        visible = reading.scope(known(schema), {}, values).visible
        fields = {item.name: item for item in schemas.every(known(schema))}
        faults: dict[str, list[str]] = {}
        for path, given in files.items():
            item = fields.get(schemas.kind_of(path))
            if item is None or item.type != "filepicker":
                continue
            types = accepted(reading.said(str(item.schema.get("accept") or ""), visible), self._file_types)
            endings = ", ".join(ending for endings in types.values() for ending in endings) or "–"
            for name, kind in given:
                if self._file_types and kind not in types:
                    fault = Fault(Text.FILE_TYPE, name=printable(name), endings=endings)
                    faults.setdefault(path, []).append(fault.said(self._translate, locale))
        if faults:
            raise errors.FormInvalid(faults)

    def narrowed(self, schema: Mapping[str, Any], access: Mapping[str, str]) -> dict[str, str]:
        """See `schema.narrowed`."""
        return schemas.narrowed(schema, access)

    def shown(self, schema: Mapping[str, Any], values: Mapping[str, Any], permissions: Mapping[str, str]) -> dict[str, Any]:
        """See `schema.shown`."""
        return schemas.shown(schemas.components(schema), values, permissions)

    def visible(
        self,
        schema: Mapping[str, Any],
        values: Mapping[str, Any],
        permissions: Mapping[str, str],
        *,
        typed: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The values without those of fields that their permission or, by the values and what was `typed`, their condition hides."""
        reading = self._reading(permissions)
        return _visible(reading.scope(known(schema), typed or {}, values), values, reading.permissions)

    def filled(
        self, schema: Mapping[str, Any], values: Mapping[str, Any], permissions: Mapping[str, str], *, typed: Mapping[str, Any]
    ) -> dict[str, Any]:
        """As `visible`, with what was typed in place of the values wherever this person may set them."""
        scope = self._reading(permissions).scope(known(schema), typed, values)
        return _visible(scope, values, permissions, filled=True)

    def view(
        self,
        schema: Mapping[str, Any],
        stored: Mapping[str, Any],
        errors: Mapping[str, Sequence[str]] | None = None,
        *,
        submitted: Mapping[str, Any] | None = None,
        permissions: Mapping[str, str],
        locale: str,
        record: bool = False,
    ) -> list[FieldView]:
        """The form as the page shows it: stored values, over them what was sent or kept as a draft, exactly as it was typed.

        Fields hidden by permission are left out; of those hidden by their condition there is the place, and only what was sent for
        them. Messages of `errors` stand at their fields. `record`: of what was filled in once; conditions hide nothing of it.
        """
        reading = self._reading(permissions, conditions=not record)
        return view(reading, reading.scope(known(schema), submitted or {}, stored), errors or {}, locale)

    def problems(self, schema: Any) -> list[str]:
        """Sentences about what must be repaired before a procedure with this form is deployed; empty when all is well."""
        reading = self._reading({})
        probe = Probe(
            check_expression=self._check_expression,
            pattern_works=lambda pattern: reading.matches("", pattern) is not None,
            file_types=self._file_types,
        )
        return problems(schema, probe)


def _files(items: Components, values: Any, prefix: str) -> Iterator[tuple[str, list[str]]]:
    for item in items.level:
        value = at(values, item.path) if has(values, item.path) else None
        if item.type == "filepicker" and value:
            yield prefix + item.key, list(value)
        elif item.type == "dynamiclist":
            for number, row in enumerate(value or ()):
                yield from _files(item.children, row, f"{prefix}{item.key}[{number}].")


def _visible(scope: Scope, given: Mapping[str, Any], permissions: Mapping[str, str], *, filled: bool = False) -> dict[str, Any]:
    """`filled`: with what was sent in place of what was given."""
    found = dict(given)
    for one in scope.fields.values():
        path, sent = one.component.path, filled and one.was_sent and not one.fixed and not one.component.formula
        if one.hidden or permission(one.component, permissions) == "hidden":
            drop(found, path)
        elif one.component.type == "dynamiclist" and sent:
            put(found, path, [_visible(inner, inner.stored, permissions, filled=True) for inner in one.rows])
        elif one.component.type == "dynamiclist" and isinstance(rows := at(found, path), list):
            pairs = zip(one.rows, rows, strict=False)
            put(found, path, [_visible(inner, row, permissions) if isinstance(row, Mapping) else row for inner, row in pairs])
        elif sent:
            put(found, path, one.sent)
    return found


def _misplaced(items: Components, sent: Any, prefix: str) -> Iterator[tuple[str, Fault]]:
    """Keys that the form does not have, and what stands where fields must be."""
    yield from _strangers(items.places, sent, prefix)


def _strangers(places: Mapping[str, Any], sent: Any, prefix: str) -> Iterator[tuple[str, Fault]]:
    if not isinstance(sent, Mapping):
        yield prefix.removesuffix("."), Fault(Text.NOT_FIELDS)
        return
    for key, value in sent.items():
        place, path = places.get(key), prefix + values.printable(str(key)[:100])
        if place is None:
            yield path, Fault(Text.UNKNOWN)
        elif isinstance(place, Mapping):
            if value is not None:
                yield from _strangers(place, value, f"{path}.")
        elif place.type == "dynamiclist" and isinstance(value, (list, tuple)):
            for number, row in enumerate(value[: values.ENTRIES]):
                yield from _misplaced(place.children, row, f"{path}[{number}].")


def _clean(reading: Reading, scope: Scope, before: Before, blame: Blame) -> dict[str, Any]:
    """The values of one object; a row holds all its fields, the form itself only those that the person may set."""
    row = bool(scope.prefix)
    clean = dict(scope.stored) if row else {}
    for one in scope.fields.values():
        path = one.component.path
        try:
            if one.fixed:
                if not one.component.formula:
                    _refuse_change(reading, one, scope)
                if not row and (one.was_stored or one.component.default is None):
                    continue
                value = one.stored
            elif one.hidden:
                if one.was_stored and ((stood := before()) is None or stood.fields[one.component.key].hidden):
                    continue
                value = values.nothing(one.component)
            elif one.component.formula:
                value = one.value
            elif one.component.type == "dynamiclist":
                value = _clean_list(reading, one, scope, before, blame)
            else:
                value = _clean_value(reading, one, scope)
        except Fault as fault:
            blame(scope.prefix + one.component.key, fault)
            continue
        if len(path) > 1 and path[0] not in clean and path[0] in scope.stored:
            clean[path[0]] = scope.stored[path[0]]
        put(clean, path, value)
    return clean


def _clean_value(reading: Reading, one: Field, scope: Scope) -> Any:
    item = one.component
    required = _required(reading, one, scope)
    if not one.was_sent:
        if required:
            raise Fault(Text.TICK if item.type == "checkbox" else Text.REQUIRED)
        return values.nothing(item) if one.stored is None else one.stored
    value = reading.convert(item, one.sent, scope.context)
    if values.empty(value):
        if required:
            raise Fault(Text.TICK if item.type == "checkbox" else Text.REQUIRED)
        return value
    limits = reading.limits(item, scope.context)
    try:
        values.restrict(item, value, limits, lambda text, pattern: reading.matches(text, pattern) is True)
    except Fault:
        if limits != reading.limits(item, scope.visible):  # the message would tell what is hidden
            raise Fault(Text.PATTERN) from None
        raise
    return value


def _clean_list(reading: Reading, one: Field, scope: Scope, before: Before, blame: Blame) -> list[Any]:
    rows = one.sent if one.was_sent else one.stored
    if rows is not None and not isinstance(rows, (list, tuple)):
        raise Fault(Text.NOT_LIST)
    count = len(rows or ())
    least, most = one.component.rows_allowed
    if count > most:
        raise Fault(Text.TOO_MANY, limit=most, count=count)
    if one.was_sent and reading.rows_fixed(one.component) and count != (expected := len(reading.rows_before(one))):
        raise Fault(Text.FIXED_ROWS, count=expected)
    if (least or _required(reading, one, scope)) and not (one.was_sent and count):
        raise Fault(Text.ONE_ROW)
    if count < least:
        raise Fault(Text.FEW_ROWS, limit=least, count=count)
    if not one.was_sent:
        return list(rows or ())
    return [_clean(reading, row, functools.partial(_row_before, before, one, number), blame) for number, row in enumerate(one.rows)]


def _row_before(before: Before, one: Field, number: int) -> Scope | None:
    """A row as it was stored; asked for only where the rows are those that were stored."""
    stood = before()
    row = stood.fields[one.component.key] if stood else None
    return None if row is None or row.hidden else row.rows[number]


def _required(reading: Reading, one: Field, scope: Scope) -> bool:
    return one.demanded or reading.true(one.component.validate.get("required"), scope.context)


def _refuse_change(reading: Reading, one: Field, scope: Scope) -> None:
    """A fixed field may be sent as it is, or empty, as a browser sends a disabled one."""
    if not one.was_sent or values.empty(one.sent) or one.sent == one.stored:
        return
    try:
        same = one.component.type != "dynamiclist" and reading.convert(one.component, one.sent, scope.context) == one.stored
    except Fault:
        same = False
    if not same:
        raise Fault(Text.NOT_YOURS)
