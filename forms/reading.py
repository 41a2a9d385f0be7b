"""Works out the state of every field for one person at one step: what it holds, whether it is hidden, fixed or required."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine import errors

from . import templates, values
from .schema import CHOICES, Component, Components, at, has, permission, put, shown
from .texts import Fault

#: evaluates FEEL, written without the leading `=`, over variables; raises `errors.FeelError`; must be limited in time
Evaluate = Callable[[str, Mapping[str, Any]], Any]

#: how often conditions are evaluated anew because a field that they look at was hidden
_ROUNDS = 5


@dataclass(kw_only=True)
class Field:
    """One field of one submission."""

    component: Component
    #: conditions of the field and of the groups around it, FEEL
    conditions: Sequence[str]
    #: cannot be set by this person here
    fixed: bool
    #: must be filled in at this step, whatever the form says
    demanded: bool
    #: the value before, or the form's default
    stored: Any
    was_stored: bool
    #: as it came; only looked at where the field is not fixed
    sent: Any
    was_sent: bool
    #: what expressions see of it
    value: Any = None
    #: hidden by a condition
    hidden: bool = False
    #: rows of a list
    rows: list[Scope] = field(default_factory=list)


@dataclass(kw_only=True)
class Scope:
    """The fields of one object: of the form itself, or of one row of a list."""

    #: before every path, such as `witnesses[0].`; empty for the form itself
    prefix: str
    items: Components
    stored: Mapping[str, Any]
    #: by path inside the object
    fields: dict[str, Field]
    #: the variables that expressions see
    context: dict[str, Any]
    #: the same without what is hidden from the person: all that a text, a table or a choice may show of them
    visible: Mapping[str, Any]


class Reading:
    """Reads the submissions of one person at one step. An expression that fails counts as null."""

    def __init__(
        self, evaluate: Evaluate, permissions: Mapping[str, str], zone: dt.tzinfo, today: dt.date, *, conditions: bool = True
    ) -> None:
        """`conditions` False: nothing is hidden by its condition."""
        self._evaluate = evaluate
        self.permissions = permissions
        self._zone = zone
        self._today = today
        self._conditions = conditions

    def scope(
        self,
        items: Components,
        submitted: Mapping[str, Any],
        stored: Mapping[str, Any],
        *,
        prefix: str = "",
        outer: Scope | None = None,
        fixed: bool = False,
    ) -> Scope:
        """The fields of one object. In a row, expressions see the row's values over the `outer` ones."""
        base = {**(outer.context if outer else {}), **stored}
        fields: dict[str, Field] = {}
        for item, conditions in items.conditions:
            said = permission(item, self.permissions)
            was_stored = has(stored, item.path)
            fields[item.key] = Field(
                component=item,
                conditions=conditions,
                fixed=fixed or said in ("hidden", "readonly") or item.schema.get("disabled") is True,
                demanded=said == "required",
                stored=at(stored, item.path) if was_stored else item.default,
                was_stored=was_stored,
                sent=at(submitted, item.path),
                was_sent=has(submitted, item.path),
            )
        context = self._seen(fields, base)
        closed = [one for one in fields.values() if not one.fixed and self.true(one.component.schema.get("readonly"), context)]
        for one in closed:
            one.fixed = True
        if closed:
            context = self._seen(fields, base)
        hideable = [one for one in fields.values() if one.conditions]
        for _ in range(_ROUNDS):
            before = [one.hidden for one in hideable]
            for one in hideable:
                one.hidden = any(self.hides(condition, context) for condition in one.conditions)
            if before == [one.hidden for one in hideable]:
                break
            context = self._seen(fields, base)
        visible: Mapping[str, Any] = shown(items, context, self.permissions)
        if outer:
            own = {*stored, *(one.component.path[0] for one in fields.values())}
            visible = {**outer.visible, **{name: value for name, value in visible.items() if name in own}}
        scope = Scope(prefix=prefix, items=items, stored=stored, fields=fields, context=context, visible=visible)
        for one in fields.values():
            if one.component.type == "dynamiclist":
                one.rows = list(self._rows(one, scope))
        return scope

    def resolve(self, value: Any, context: Mapping[str, Any]) -> Any:
        """A literal as it is, `=FEEL` evaluated; None where that fails."""
        if not (isinstance(value, str) and value.startswith("=")):
            return value
        try:
            return self._evaluate(value[1:], context)
        except errors.FeelError:
            return None

    def true(self, value: Any, context: Mapping[str, Any]) -> bool:
        return self.resolve(value, context) is True

    def hides(self, condition: str | None, context: Mapping[str, Any]) -> bool:
        return self._conditions and condition is not None and self.true(condition, context)

    def options(self, item: Component, context: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The choices of a field, each {label, value, …}: in the form, under a key of the data, or by an expression."""
        if item.type not in CHOICES:
            return []
        if "valuesKey" in item.schema:
            given = at(context, item.schema["valuesKey"].split("."))
        elif "valuesExpression" in item.schema:
            given = self.resolve(item.schema["valuesExpression"], context)
        else:
            given = item.schema.get("values")
        given = given if isinstance(given, list) else []
        choices = [each if isinstance(each, Mapping) else {"label": values.written(each), "value": each} for each in given]
        return [each for each in choices if isinstance(each.get("value"), (str, int, float))]

    def convert(self, item: Component, value: Any, context: Mapping[str, Any]) -> Any:
        """The value in the case's form. Raises `Fault`."""
        multiple = item.type == "filepicker" and self.true(item.schema.get("multiple"), context)
        return values.convert(item, value, [each["value"] for each in self.options(item, context)], self._zone, multiple=multiple)

    def said(self, text: str, context: Mapping[str, Any], escape: Callable[[str], str] = str) -> str:
        """A text of the form: as it is, calculated (`=FEEL`), or with its places filled (`{{FEEL}}`)."""
        if text.startswith("="):
            return escape(values.listed(self.resolve(text, context)))
        if "{{" not in text:
            return text
        return templates.fill(text, lambda expression, seen: self.resolve(f"={expression}", seen), context, escape)

    def limits(self, item: Component, context: Mapping[str, Any]) -> values.Limits:
        """The limits of a field, expressions evaluated."""
        found = {name: self.resolve(limit, context) for name, limit in item.validate.items()}
        if item.schema.get("disallowPassedDates") and item.kind != "time":
            found["min"] = max(self._today.isoformat(), str(found.get("min") or ""))
        return found

    def matches(self, text: str, pattern: str) -> bool | None:
        """Whether the pattern is found in the text; None where the pattern is wrong or takes too long."""
        found = self.resolve("=matches(text, pattern)", {"text": text, "pattern": pattern})
        return found if isinstance(found, bool) else None

    def rows_fixed(self, item: Component) -> bool:
        """Whether the rows of a list must stay those stored: the form says so, or a field of them is not this person's."""
        return item.schema.get("allowAddRemove") is False or any(
            permission(child, self.permissions) in ("hidden", "readonly") or child.schema.get("disabled") is True
            for child in item.children.level
        )

    def rows_before(self, one: Field) -> list[Mapping[str, Any]]:
        """The stored rows of a list; where nothing is stored, as many empty ones as the form begins with."""
        if one.was_stored:
            return _objects(one.stored)
        return [{} for _ in range(max(one.component.schema.get("defaultRepetitions", 1), one.component.rows_allowed[0]))]

    def _rows(self, one: Field, scope: Scope) -> Iterator[Scope]:
        before = self.rows_before(one)
        sent: Sequence[Mapping[str, Any]] = _objects(one.sent) if one.was_sent and not one.fixed else [{} for _ in before]
        # Where rows come and go, the stored row of the same number may be another one. Of a hidden list nothing is given but what was sent.
        same = one.fixed or not one.was_sent or (self.rows_fixed(one.component) and not one.hidden)
        for number, row in enumerate(sent):
            yield self.scope(
                one.component.children,
                row,
                before[number] if same and number < len(before) else {},
                prefix=f"{scope.prefix}{one.component.key}[{number}].",
                outer=scope,
                fixed=one.fixed,
            )

    def _seen(self, fields: Mapping[str, Field], base: Mapping[str, Any]) -> dict[str, Any]:
        """The variables that expressions see; every field is among them, so that an empty one is null and not unknown."""
        context = dict(base)
        for one in fields.values():
            open_and_sent = one.was_sent and not one.fixed
            one.value = self._soft(one.component, one.sent, base) if open_and_sent else one.stored
            put(context, one.component.path, None if one.hidden else one.value)
        for one in fields.values():  # in their order: one that is calculated may use those before it
            if one.component.formula and not one.fixed:
                one.value = None if one.hidden else self.resolve(one.component.formula, context)
                put(context, one.component.path, one.value)
        return context

    def _soft(self, item: Component, value: Any, context: Mapping[str, Any]) -> Any:
        """The value as expressions see it: empty where it cannot be converted."""
        if item.formula:
            return self.resolve(item.formula, context)
        if item.type != "dynamiclist":
            try:
                return self.convert(item, value, context)
            except Fault:
                return values.nothing(item)
        rows = []
        for row in _objects(value):
            seen: dict[str, Any] = {}
            for child in item.children.level:
                put(seen, child.path, self._soft(child, at(row, child.path), {**context, **seen}))
            rows.append(seen)
        return rows


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """The rows of a list, of what may be anything; one more than allowed is enough to see that there are too many."""
    rows = value if isinstance(value, (list, tuple)) else ()
    return [row if isinstance(row, Mapping) else {} for row in rows[: values.ENTRIES + 1]]
