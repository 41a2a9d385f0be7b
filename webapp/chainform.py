"""The table of a chain as a form: from what was sent to steps, and what its buttons do to them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from engine.chains import offered, words
from engine.chains.company import Company
from engine.chains.rules import PARAMETERS, sparse
from engine.chains.steps import DEFAULTS, OF_MODE, setting
from engine.people import directory
from engine.ports import Json

from .chainwhen import OPERATORS, Conditions, Row
from .i18n import gettext

#: fields with inputs of their own; what others take follows from their default and their choices
_OWN = ("when", "on_due", "nobody", "on_reject", "weights", "fields", "copies", "limit_days", "limit_hours")
#: rules that a step has, and by what their inputs are called
RULED: Mapping[str, str] = {"approvers": "a", "copies": "c"}
#: part of `on_due` -> what to do for which it counts
ON_DUE: Mapping[str, str] = {"to": "transfer", "times": "remind", "every_hours": "remind"}
_LISTS = ("roles", "groups", "posts", "departments")
_NUMBERS = ("level", "min", "max", "from")
_BETWEEN = re.compile(r"[,，、;；\n]+")
_MOST = 20


def new_step() -> dict[str, Json]:
    name = gettext("New step")
    return {"name": name, "name_en": name, "mode": "single", "approvers": [{"rule": "department_head"}]}


def parameters(rule: Mapping[str, Json]) -> Mapping[str, str]:
    """What a rule takes, by name of the parameter."""
    return PARAMETERS.get(str(rule.get("rule")), {})


def kind(field: str) -> str:
    """How a field is shown: `choice`, `some` of its choices, `yes_no`, `number`, or by inputs of its own (its name)."""
    default = DEFAULTS[field]
    if field in _OWN:
        return field
    if field in words.CHOICES:
        return "some" if isinstance(default, list) else "choice"
    if isinstance(default, bool):
        return "yes_no"
    return "number" if default is None or isinstance(default, int) else ""


def shown(field: str) -> bool:
    """Whether the table has inputs for a field: for what publishing accepts, and a page can show."""
    return field in DEFAULTS and (field in ("when", "limit_days", "limit_hours") or (kind(field) != "" and offered.takes(field)))


def showable(field: str, value: Json) -> bool:
    """Whether a value is of the kind that the inputs of its field show. Files and programs may bring others."""
    match kind(field):
        case "choice" | "when" | "on_reject":
            return isinstance(value, str)
        case "some":
            return isinstance(value, list) and all(isinstance(one, str) for one in value)
        case "yes_no":
            return isinstance(value, bool)
        case "number" | "limit_days" | "limit_hours":
            return isinstance(value, int | str) and not isinstance(value, bool)
        case "on_due" | "nobody":
            return isinstance(value, Mapping) and isinstance(value.get("do"), str)
        case "fields":
            return isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values())
        case "weights":
            return isinstance(value, list) and all(isinstance(one, Mapping) for one in value)
        case "copies":
            return isinstance(value, list) and all(map(_named, value))
    return False


def value(step: Mapping[str, Json], field: str) -> Json:
    """What the inputs of a field show: its value, or the default."""
    found = setting(step, field)
    return found if showable(field, found) else DEFAULTS[field]


def rules_in(step: Mapping[str, Json], field: str) -> list[Mapping[str, Json]]:
    """The rules that the table shows of `approvers` or `copies`: those that can be told by a name."""
    listed = step.get(field)
    return [one for one in listed if _named(one)] if isinstance(listed, list) else []


def _named(rule: Json) -> bool:
    return isinstance(rule, Mapping) and isinstance(rule.get("rule"), str)


def rest(step: Mapping[str, Json]) -> dict[str, Json]:
    """What of a step the table does not show, to be carried along; None among it is as good as nothing."""
    own = ("key", "name", "name_en", "approvers")
    unseen = {name: given for name, given in step.items() if name not in own and given is not None}
    return {name: given for name, given in unseen.items() if not (shown(name) and showable(name, setting(step, name)))}


# --- from what was sent


def steps_of(form: Any, company: Company, conditions: Conditions) -> list[dict[str, Json]]:
    """The steps that a sent table holds; what is left at its default is left out."""
    return [_Sent(form, f"s{number}.", company, conditions).step() for number in range(_count(form, "steps"))]


def _count(form: Any, name: str) -> int:
    return min(whole(str(form.get(name, ""))) or 0, _MOST + 1)


def whole(text: str) -> int | None:
    """The whole number that a text says, if it is one that can be stored."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


class _Sent:
    """One step as it was sent."""

    def __init__(self, form: Any, at: str, company: Company, conditions: Conditions) -> None:
        self._form = form
        self._at = at
        self._company = company
        self._conditions = conditions

    def step(self) -> dict[str, Json]:
        step: dict[str, Json] = {"key": self._text("key"), "name": self._text("name")}
        step["name_en"] = self._text("name_en") or step["name"]
        step["approvers"] = self._rules("approvers")
        step |= {field: self._value(field) for field in DEFAULTS if shown(field)}
        for field, mode in OF_MODE.items():
            if step.get("mode") != mode:
                step.pop(field, None)
        for name, given in self._rest().items():
            if step.get(name) in (None, DEFAULTS.get(name)):
                step[name] = given
        kept = {
            name: given for name, given in step.items() if name not in DEFAULTS or (given not in (None, "") and given != DEFAULTS[name])
        }
        return {**kept, "mode": step.get("mode") or DEFAULTS["mode"]}

    def _text(self, name: str) -> str:
        return str(self._form.get(self._at + name, "")).strip()

    def _value(self, field: str) -> Json:
        match kind(field):
            case "when":
                return self._when()
            case "limit_days" | "limit_hours":
                typed = self._text("limit") if self._text("limit_in") == field else ""
                return _number(typed) if typed else None
            case "on_due":
                return self._on_due()
            case "nobody":
                do = self._text("nobody") or DEFAULTS["nobody"]["do"]
                return {"do": do, "persons": self._persons("nobody_persons")} if do == "to_person" else {"do": do}
            case "weights":
                return list(self._weights())
            case "fields":
                names = [self._text(f"f{number}.name") for number in range(min(whole(self._text("fields")) or 0, 500))]
                said = {name: self._text(f"f{number}.access") for number, name in enumerate(names)}
                return {name: access for name, access in said.items() if access}
            case "copies":
                return self._rules("copies")
            case "some":
                sent = self._form.getlist(self._at + field)
                known = [choice for choice in words.CHOICES[field] if choice in sent]
                return known + [choice for choice in sent if choice not in known]
            case "yes_no":
                return self._at + field in self._form
            case "number":
                return _number(self._text(field)) if self._text(field) else None
        return self._text(field) or DEFAULTS[field]

    def _when(self) -> str:
        """The condition as rows, or as FEEL where that was changed."""
        typed = self._text("when")
        if typed != self._text("when_was") or not self._text("conditions"):
            return typed
        rows = []
        for number in range(_count(self._form, f"{self._at}conditions")):
            path, operator, given = (self._text(f"w{number}.{part}") for part in ("field", "operator", "value"))
            if path:
                # what was there before the field was chosen is no comparison that anybody meant
                unmeant = not given and operator not in self._conditions.operators(path)
                rows.append(Row(path=path, operator="=" if unmeant or operator not in OPERATORS else operator, value=given))
        return self._conditions.written(rows)

    def _on_due(self) -> Json:
        do = self._text("on_due")
        if not do:
            return None
        said: dict[str, Json] = {"do": do}
        for part, only in ON_DUE.items():
            typed = self._text(f"on_due_{part}")
            if typed and do == only:
                said[part] = person_of(self._company, typed) if part == "to" else _number(typed)
        return said

    def _weights(self) -> Any:
        for number in range(_count(self._form, f"{self._at}weights")):
            at = f"v{number}."
            weight = _number(self._text(f"{at}weight")) if self._text(f"{at}weight") else 1
            if roles := self._form.getlist(f"{self._at}{at}roles"):
                yield {"roles": roles, "weight": weight}
            if persons := self._persons(f"{at}persons"):
                yield {"persons": persons, "weight": weight}

    def _persons(self, name: str) -> list[str]:
        return persons_of(self._company, self._text(name))

    def _rest(self) -> dict[str, Json]:
        try:
            given = json.loads(self._text("rest") or "{}")
        except ValueError:
            return {}
        return given if isinstance(given, dict) else {}

    def _rules(self, field: str) -> list[dict[str, Json]]:
        count = _count(self._form, self._at + field)
        return [self._rule(f"{self._at}{RULED[field]}{number}.") for number in range(count)]

    def _rule(self, at: str) -> dict[str, Json]:
        rule: dict[str, Json] = {"rule": self._form.get(f"{at}rule", "")}
        for name, takes in parameters(rule).items():
            text = str(self._form.get(at + name, "")).strip()
            if name in _LISTS:
                if listed := self._form.getlist(at + name):
                    rule[name] = listed
            elif takes == "persons":
                rule[name] = persons_of(self._company, text)
            elif takes == "yes_no":
                if at + name in self._form:
                    rule[name] = True
            elif takes == "values":
                if text:
                    rule[name] = values_of(text)
            elif takes == "pool":
                if self._form.get(f"{at}{name}.rule"):
                    rule[name] = self._rule(f"{at}{name}.")
            elif text:
                rule[name] = _number(text) if name in _NUMBERS or name == "to" else text
        return sparse(rule)


def _number(text: str) -> int | str:
    """What is typed as a whole number; anything else stays, to be told."""
    number = whole(text)
    return text if number is None else number


def values_of(text: str) -> dict[str, str]:
    """Expressions by name, out of lines `name = expression`; a line that says less stays, to be told."""
    pairs = (line.partition("=") for line in text.splitlines() if line.strip())
    return {name.strip(): expression.strip() for name, _, expression in pairs}


def lines_of(values: Json) -> str:
    """The other way; "" for anything else."""
    return "\n".join(f"{name} = {text}" for name, text in values.items()) if isinstance(values, Mapping) else ""


def persons_of(company: Company, text: str) -> list[str]:
    """Employee numbers of who is typed, each as `person_of` takes it."""
    return [found for part in _BETWEEN.split(text) if (found := person_of(company, part))]


def person_of(company: Company, text: str) -> str:
    """Employee number of who is typed as `name（number）`, number, or a name that only one has; else what was typed, to be told."""
    found = number_of(text)
    if company.find(found):
        return found
    named = directory.so_called(company.connection, found, directory.day(company.at))
    return str(named[0].employee_no or named[0].id) if len(named) == 1 else found


def number_of(text: str) -> str:
    """The number out of `name（number）`, or what was typed."""
    found = re.search(r"[（(]([^（()）]+)[)）]\s*$", text.strip())
    return found[1].strip() if found else text.strip()


def last_name(text: str) -> str:
    """What is being typed behind those who are named already."""
    return number_of(_BETWEEN.split(text)[-1])[:50]


# --- buttons


def acted(steps: list[dict[str, Json]], do: str) -> list[dict[str, Json]]:
    """The steps after one of the table's buttons.

    `add`, `up:2`, `down:2`, `remove:2`, `rule:2`, `unrule:2:0`, `copy:2`, `uncopy:2:0`, `drop:2:name` (what the table cannot show).
    """
    verb, _, about = do.partition(":")
    first, _, second = about.partition(":")
    at, place = whole(first), whole(second)
    if verb == "add" and len(steps) < _MOST:
        return [*steps, new_step()]
    if at is None or at >= len(steps):
        return steps
    step = steps[at]
    match verb:
        case "up" | "down":
            other = at - 1 if verb == "up" else at + 1
            if 0 <= other < len(steps):
                steps[at], steps[other] = steps[other], steps[at]
        case "remove" if len(steps) > 1:
            del steps[at]
        case "rule":
            step["approvers"].append({"rule": "role"})
        case "unrule" if place is not None and len(step["approvers"]) > 1 and place < len(step["approvers"]):
            del step["approvers"][place]
        case "copy":
            step["copies"] = [*step.get("copies", ()), {"rule": "role"}]
        case "uncopy" if place is not None and place < len(step.get("copies", ())):
            del step["copies"][place]
        case "drop" if second not in ("key", "name", "name_en", "approvers"):
            step.pop(second, None)
    return steps
