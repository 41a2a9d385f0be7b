"""The table of a chain as it is shown: each step with its inputs, what they offer, what is wrong beside each, and the rest in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine.chains import differences, offered, words
from engine.chains.company import Company
from engine.chains.faults import Fault
from engine.chains.steps import DEFAULTS, setting
from engine.models import Department, Duty, Group, Holding, Post
from engine.ports import Json

from . import chainform, i18n
from .chainfields import Known
from .chainwhen import Conditions, Row
from .i18n import N_, gettext

#: what stands together under 更多设置; a field that is in none of them stands under the last
_SECTIONS: Sequence[tuple[str, Sequence[str]]] = (
    (N_("Time limit"), ("limit_days", "on_due")),
    (N_("Who signs instead, and who signs again"), ("nobody", "initiator", "twice")),
    (N_("Rejection and return"), ("on_reject", "resubmit")),
    (N_("What signers give with a decision"), ("opinion", "signature", "attachments", "attachment_types", "attachment_mb", "batch")),
    (N_("What signers may do besides approving and rejecting"), ("verbs",)),
    (N_("Form fields"), ("fields",)),
    (N_("Copies to others"), ("copies",)),
    (N_("Others"), ()),
)
#: fields that stand with the mode, or elsewhere in the open
_OPEN = ("mode", "ratio", "weights", "reject", "when", "decisive", "limit_hours")


@dataclass(frozen=True, kw_only=True)
class Control:
    """The inputs of one field."""

    field: str
    label: str
    #: as `chainform.kind`
    kind: str
    value: Any
    #: what is offered: (value, what it is called); what is set and not offered comes last
    options: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the table."""

    number: int
    #: before the names of its inputs
    at: str
    step: Mapping[str, Json]
    controls: Mapping[str, Control]
    #: what stands under 更多设置: (title, fields)
    sections: Sequence[tuple[str, Sequence[str]]]
    #: what of that is not as usual, in words
    unusual: Sequence[str]
    #: rows of the condition; None: it can only be read as FEEL
    rows: Sequence[Row] | None
    #: the condition in words, "" without one, and as code where it cannot be told in words
    when: str
    #: JSON of what has no inputs, and the names in it with what they are called
    rest: str
    unseen: Mapping[str, str]
    faults: Sequence[Fault]

    def blamed(self, *fields: str) -> list[Fault]:
        """The faults of these fields and of what lies in them."""
        return [one for one in self.faults if any(one.field == field or one.field.startswith(f"{field}.") for field in fields)]

    @property
    def folded_fault(self) -> bool:
        """Whether something is wrong under 更多设置."""
        return bool(self.blamed(*(field for _, fields in self.sections for field in fields)))


class Table:
    """Makes the steps of a draft ready to be shown."""

    def __init__(self, company: Company, conditions: Conditions, signed: Sequence[Known], *versions: Sequence[Mapping[str, Json]]) -> None:
        """`signed`: fields of the forms that signers see; `versions`: steps that are spoken of."""
        self._company = company
        self._conditions = conditions
        self._signed = {one.path: f"{one.where} · {one.label}" for one in signed}
        self._names = {str(step.get("key")): i18n.named(step) for steps in reversed(versions) for step in steps}

    def step(self, number: int, steps: Sequence[Mapping[str, Json]], faults: Sequence[Fault]) -> Step:
        step = steps[number]
        condition = str(chainform.value(step, "when"))
        controls = {field: self._control(field, step, steps[:number]) for field in DEFAULTS if chainform.shown(field)}
        placed = [field for _, fields in _SECTIONS for field in fields]
        others = [field for field in controls if field not in placed and field not in _OPEN]
        sections = [
            (title, [field for field in fields or others if self._stands(controls.get(field), step)]) for title, fields in _SECTIONS
        ]
        folded = [field for _, fields in sections for field in fields]
        unseen = chainform.rest(step)
        return Step(
            number=number,
            at=f"s{number}.",
            step=step,
            controls=controls,
            sections=[(gettext(title), fields) for title, fields in sections if fields],
            unusual=[self._said(field, step) for field in (*folded, "limit_hours") if setting(step, field) != DEFAULTS[field]],
            rows=self._conditions.rows(condition),
            when=self._conditions.shown(condition),
            rest=json.dumps(unseen, ensure_ascii=False),
            unseen={name: gettext(words.FIELDS[name]) if name in words.FIELDS else name for name in unseen},
            faults=[one for one in faults if one.step == number],
        )

    def _stands(self, control: Control | None, step: Mapping[str, Json]) -> bool:
        """Whether a field has something to set here, or is set already."""
        if control is None:
            return False
        if control.field == "fields":
            return bool(control.options)
        decisive = step.get("decisive") is True
        return offered.takes(control.field, decisive=decisive) or setting(step, control.field) != DEFAULTS[control.field]

    def _said(self, field: str, step: Mapping[str, Json]) -> str:
        said = words.value(self._company, field, self.readable(field, setting(step, field)))
        return i18n.fill("{field}: {value}", {"field": words.field(field), "value": said})

    def rule(self, rule: Mapping[str, Json]) -> str:
        """Who is meant, as a phrase."""
        return i18n.sentence(words.rule(self._company, self._named_rule(rule)))

    def change(self, change: differences.Change) -> str:
        """What changed, as a sentence."""
        told = {name: self.readable(str(change.get("field")), change[name]) for name in ("before", "after") if name in change}
        return i18n.sentence(differences.sentence(self._company, {**change, **told}))

    def readable(self, field: str, given: Json) -> Json:
        """A value with the names that people know in place of steps' keys, fields' names and FEEL."""
        if field == "when" and isinstance(given, str):
            return self._conditions.shown(given)
        if field == "fields" and isinstance(given, Mapping):
            return {self._conditions.label(name): access for name, access in given.items()}
        if field == "on_reject" and isinstance(given, str) and given.startswith("to:"):
            return f"to:{self._step_name(given.removeprefix('to:'))}"
        if field in chainform.RULED and isinstance(given, list):
            return [self._named_rule(rule) for rule in given if isinstance(rule, Mapping)]
        return given

    def _named_rule(self, rule: Mapping[str, Json]) -> dict[str, Json]:
        named = dict(rule)
        if isinstance(rule.get("field"), str):
            named["field"] = self._conditions.label(rule["field"])
        kind, _, name = str(rule.get("of", "")).partition(":")
        if kind == "signer":
            named["of"] = f"signer:{self._step_name(name)}"
        elif kind == "field":
            named["of"] = f"field:{self._conditions.label(name)}"
        return named

    def _step_name(self, key: str) -> str:
        return self._names.get(key, key)

    def _control(self, field: str, step: Mapping[str, Json], earlier: Sequence[Mapping[str, Json]]) -> Control:
        given = chainform.value(step, field)
        kind, label = chainform.kind(field), i18n.sentence(words.field(field))
        return Control(
            field=field, label=label[:1].upper() + label[1:], kind=kind, value=given, options=self._options(field, step, given, earlier)
        )

    def _options(self, field: str, step: Mapping[str, Json], given: Json, earlier: Sequence[Mapping[str, Json]]) -> list[tuple[str, str]]:
        if field == "fields":
            return list({**self._signed, **{name: self._signed.get(name, name) for name in given}}.items())
        if field not in words.CHOICES:
            return []
        chosen = (
            [str(one) for one in given] if isinstance(given, list) else [str(given["do"] if isinstance(given, Mapping) else given or "")]
        )
        found = {choice: gettext(words.CHOICES[field][choice]) for choice in offered.choices(field, decisive=step.get("decisive") is True)}
        if field == "on_reject" and offered.to_earlier():
            found |= {f"to:{one['key']}": gettext("back to step {name}").format(name=i18n.named(one)) for one in earlier if one.get("key")}
        for choice in chosen:
            if choice:
                found.setdefault(choice, gettext(words.CHOICES[field].get(choice, choice)))
        return list(found.items())


def fault(found: Fault) -> str:
    """What is wrong, with its place as people call it."""
    name = found.field.partition(".")[0]
    field = gettext(words.FIELDS[name]) if name in words.FIELDS else found.field
    return i18n.sentence(replace(found, field=field).sentence)


class Persons:
    """Persons as an input shows them: `name（number）`."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def __call__(self, named: Json) -> str:
        return "、".join(self._one(one) for one in named) if isinstance(named, list) else ""

    def _one(self, named: Json) -> str:
        found = self._company.find(named)
        member = self._company.member(found) if found else None
        return f"{member.name}（{member.employee_no or member.id}）" if member else str(named)


_TABLES: Mapping[str, Any] = {"departments": Department, "groups": Group, "posts": Post}


def called(connection: sa.Connection, kind: str) -> dict[str, str]:
    """What the `departments`, `groups` or `posts` are called in the reader's language, by key."""
    table = _TABLES[kind]
    rows = connection.execute(sa.select(table.id, table.name, table.name_en).order_by(table.id))
    return {row.id: i18n.named(row) for row in rows}


def choices(connection: sa.Connection) -> dict[str, dict[str, str]]:
    """What roles, departments, groups, posts and duties there are: by key, what they are called in the reader's language."""
    found = {name: called(connection, name) for name in _TABLES}
    for name, column in (("roles", Holding.role), ("duties", Duty.duty)):
        held = connection.execute(sa.select(column).distinct().order_by(column)).scalars()
        found[name] = {one: gettext(one.replace("_", " ")) for one in held}
    return found
