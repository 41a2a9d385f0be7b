"""The table of a chain as a form: from what was typed to steps, and what each field may hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from engine.chains.company import Company
from engine.chains.rules import PARAMETERS, sparse
from engine.chains.steps import DEFAULTS, OF_MODE, setting
from engine.models import Department, Duty, Group, Holding, Post
from engine.ports import Json

#: fields of a step that the table shows; the others are carried along unseen
SHOWN = (
    "key",
    "name",
    "name_en",
    "when",
    "approvers",
    "mode",
    "ratio",
    "nobody",
    "initiator",
    "twice",
    "opinion",
    "limit_days",
    "on_due",
    "decisive",
)
OPERATORS = (">", ">=", "<", "<=", "=", "!=")
_LISTS = ("roles", "groups", "posts", "departments")
_NUMBERS = ("level", "min", "max", "from")
#: part of `on_due` -> its field in the table
_ON_DUE = {"to": "on_due_to", "times": "on_due_times", "every_hours": "on_due_every"}
_BETWEEN = re.compile(r"[,，、;；\n]+")


def new_step() -> dict[str, Json]:
    return {"name": "新环节", "name_en": "New step", "mode": "single", "approvers": [{"rule": "department_head"}]}


def parameters(rule: Mapping[str, Json]) -> Mapping[str, str]:
    """What a rule takes, by name of the parameter."""
    return PARAMETERS.get(str(rule.get("rule")), {})


def steps_of(form: Any, company: Company) -> list[dict[str, Json]]:
    """The steps that a sent table holds; what is left at its default is left out."""
    return [_step(form, f"s{number}.", company) for number in range(_count(form, "steps"))]


def _count(form: Any, name: str) -> int:
    return min(whole(str(form.get(name, ""))) or 0, 20)


def whole(text: str) -> int | None:
    """The whole number that a text says, if it is one that can be stored."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _step(form: Any, at: str, company: Company) -> dict[str, Json]:
    step: dict[str, Json] = {
        name: form.get(f"{at}{name}", "").strip() for name in ("key", "name", "name_en", "when", "mode", "initiator", "twice", "opinion")
    }
    step |= {name: value for name, value in _kept(form.get(f"{at}rest", "")).items() if OF_MODE.get(name) in (None, step["mode"])}
    step["approvers"] = [_rule(form, f"{at}a{number}.", company) for number in range(_count(form, f"{at}rules"))]
    step["nobody"] = {"do": form.get(f"{at}nobody", "to_managers")}
    if named := _persons(form.get(f"{at}nobody_persons", ""), company):
        step["nobody"]["persons"] = named
    step["decisive"] = f"{at}decisive" in form
    for name in ("ratio", "limit_days"):
        if typed := form.get(f"{at}{name}", "").strip():
            step[name] = _number(typed)
    if do := form.get(f"{at}on_due", ""):
        parts = {part: form.get(f"{at}{name}", "").strip() for part, name in _ON_DUE.items()}
        step["on_due"] = {"do": do, **{part: number_of(text) if part == "to" else _number(text) for part, text in parts.items() if text}}
    sparse = {name: value for name, value in step.items() if name not in DEFAULTS or (value != DEFAULTS[name] and value != "")}
    return {**sparse, "mode": step["mode"]}


def _number(text: str) -> int | str:
    """What is typed as a whole number; anything else stays, to be told."""
    number = whole(text)
    return text if number is None else number


def _kept(text: str) -> dict[str, Json]:
    """Settings that the table does not show."""
    try:
        given = json.loads(text or "{}")
    except ValueError:
        return {}
    return {name: value for name, value in given.items() if name not in SHOWN} if isinstance(given, dict) else {}


def _rule(form: Any, at: str, company: Company) -> dict[str, Json]:
    rule: dict[str, Json] = {"rule": form.get(f"{at}rule", "")}
    for name, kind in parameters(rule).items():
        text = form.get(f"{at}{name}", "").strip()
        if name in _LISTS:
            if listed := form.getlist(f"{at}{name}"):
                rule[name] = listed
        elif kind == "persons":
            rule[name] = _persons(text, company)
        elif kind == "yes_no":
            if f"{at}{name}" in form:
                rule[name] = True
        elif kind == "pool":
            if pool := _kept(form.get(f"{at}{name}", "")):
                rule[name] = pool
        elif text:
            rule[name] = _number(text) if name in _NUMBERS or name == "to" else text
    return sparse(rule)


def _persons(text: str, company: Company) -> list[str]:
    """Employee numbers of who is typed, as number or as `name（number）`; who is not found stays, to be told."""
    return [found for part in _BETWEEN.split(text) if (found := number_of(part))]


def number_of(text: str) -> str:
    """The number out of `name（number）`, or what was typed."""
    found = re.search(r"[（(]([^（()）]+)[)）]\s*$", text.strip())
    return found[1].strip() if found else text.strip()


def last_name(text: str) -> str:
    """What is being typed behind those who are named already."""
    return number_of(_BETWEEN.split(text)[-1])[:50]


class Persons:
    """Persons as a field shows them: `name（number）`."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def __call__(self, named: Json) -> str:
        return "、".join(self._one(one) for one in named or ())

    def _one(self, named: Json) -> str:
        found = self._company.find(named)
        member = self._company.member(found) if found else None
        return f"{member.name}（{member.employee_no or member.id}）" if member else str(named)


def choices(connection: sa.Connection) -> dict[str, list[Any]]:
    """What roles, departments, groups, posts and duties there are: rows of (id, name, name_en)."""
    found: dict[str, list[Any]] = {}
    tables: Mapping[str, Any] = {"departments": Department, "groups": Group, "posts": Post}
    for name, table in tables.items():
        found[name] = list(connection.execute(sa.select(table.id, table.name, table.name_en).order_by(table.id)))
    found["roles"] = list(connection.execute(sa.select(Holding.role).distinct().order_by(Holding.role)).scalars())
    found["duties"] = list(connection.execute(sa.select(Duty.duty).distinct().order_by(Duty.duty)).scalars())
    return found


def acted(steps: list[dict[str, Json]], do: str, form: Any) -> list[dict[str, Json]]:
    """The steps after one of the table's buttons: `add`, `up:2`, `down:2`, `remove:2`, `rule:2`, `unrule:2:0` or `condition:2`."""
    verb, *numbers = do.split(":")
    places = [place for number in numbers if (place := whole(number)) is not None]
    if verb == "add" and len(steps) < 20:
        return [*steps, new_step()]
    if not places or places[0] >= len(steps):
        return steps
    at, step = places[0], steps[places[0]]
    match verb:
        case "up" | "down":
            other = at - 1 if verb == "up" else at + 1
            if 0 <= other < len(steps):
                steps[at], steps[other] = steps[other], steps[at]
        case "remove" if len(steps) > 1:
            del steps[at]
        case "rule":
            step["approvers"].append({"rule": "role"})
        case "unrule" if len(step["approvers"]) > 1 and places[-1] < len(step["approvers"]):
            del step["approvers"][places[-1]]
        case "condition":
            if said := _condition(form, f"s{at}."):
                step["when"] = f"{step['when']} and {said}" if step.get("when") else said
    return steps


def _condition(form: Any, at: str) -> str:
    """FEEL from field, operator and value; money in yuan for fields whose name ends in `_fen`."""
    field, operator = form.get(f"{at}c.field", "").strip(), form.get(f"{at}c.operator", "")
    value = form.get(f"{at}c.value", "").strip()
    if not field or not value or operator not in OPERATORS:
        return ""
    number = re.fullmatch(r"-?\d+(\.\d+)?", value.replace(",", ""))
    if number:
        value = f"yuan({number[0]})" if field.endswith("_fen") else number[0]
    elif value not in ("true", "false"):
        value = json.dumps(value, ensure_ascii=False)
    return f"{field} {operator} {value}"


def rest(step: Mapping[str, Json]) -> str:
    """What of a step the table does not show, to be carried along."""
    return json.dumps({name: value for name, value in step.items() if name not in SHOWN}, ensure_ascii=False)


def value(step: Mapping[str, Json], name: str) -> Json:
    """What a field shows: the setting, or its default."""
    return setting(step, name) if name in DEFAULTS else step.get(name, "")
