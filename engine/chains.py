"""Approval chains: from a list of steps that an administrator edits to named people, with the reason for each.

A step is {name, name_en, mode, approvers, twice?}. `mode` is `single` (one person, the first found) or `claim` (offered to all
found, one decides). `approvers` are rules in the order in which they are tried:

| rule | also | who |
|---|---|---|
| `person` | `persons`: ids or employee numbers | these persons |
| `role` | `roles` | whoever holds one of them |
| `department_head` | `of`, `level` = 1 | exactly the level-th head upward from the person's department; a vacant one is nobody |
| `manager` | `of`, `level` = 1 | the superior on the reporting line |

`of` is `subject` (whom the case is about; default) or `initiator`. From every rule's people those are dropped who are no longer
active or whom the case is about; if nobody is left, the next rule is tried, and after the last one it goes to the
administrators. Whoever started the case does not sign: others of the step do, or else their nearest superior. Who alone signs
a step and signed the one just before is not asked again, unless the step says `twice: "asked"`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .errors import FileRefused, NobodySigns, NotFound
from .models import Chain, Person, new_id
from .people import directory
from .ports import Json

#: whoever holds it takes what nobody else can
_MANAGERS = "admin"
_MODES = ("single", "claim")
_PEOPLE = ("subject", "initiator")
#: rule -> its parameters
_RULES = {"person": {"persons"}, "role": {"roles"}, "department_head": {"of", "level"}, "manager": {"of", "level"}}
_MOST = 20


# --- versions


def active(connection: sa.Connection, key: str) -> sa.Row[Any]:
    """The version of a chain that serves new work: a row of `chains`. Raises NotFound."""
    row = connection.execute(sa.select(Chain.__table__).where(Chain.key == key, Chain.active)).one_or_none()
    if row is None:
        raise NotFound(what="approval chain", name=key)
    return row


def publish(
    connection: sa.Connection,
    *,
    key: str,
    name: str,
    name_en: str,
    steps: Sequence[Mapping[str, Json]],
    by: str | None,
    now: dt.datetime,
) -> Chain:
    """Make these steps the active version. What is open keeps the version it began with. Raises FileRefused with every fault."""
    faults = _faults(connection, name, name_en, steps)
    if faults:
        raise FileRefused(file=f'The approval chain "{key}"', reason="; ".join(faults))
    last = connection.execute(sa.select(sa.func.max(Chain.number)).where(Chain.key == key)).scalar() or 0
    connection.execute(sa.update(Chain).where(Chain.key == key).values(active=False))
    values = {
        "id": new_id(),
        "key": key,
        "number": last + 1,
        "name": name,
        "name_en": name_en,
        "steps": [dict(step) for step in steps],
        "active": True,
        "published_at": now,
        "published_by": by,
    }
    connection.execute(sa.insert(Chain), values)
    return Chain(**values)


def _faults(connection: sa.Connection, name: Json, name_en: Json, steps: Any) -> list[str]:
    found = [] if _named(name) and _named(name_en) else ["it needs a name in Chinese and in English"]
    if not isinstance(steps, Sequence) or not 1 <= len(steps) <= _MOST:
        return [*found, f"it needs 1 to {_MOST} steps"]
    for number, step in enumerate(steps, 1):
        faults = _step_faults(connection, step) if isinstance(step, Mapping) else ["it is no object"]
        found += [f"step {number}: {fault}" for fault in faults]
    return found


def _step_faults(connection: sa.Connection, step: Mapping[str, Json]) -> list[str]:
    found = [f'"{name}" is not known' for name in step.keys() - {"name", "name_en", "mode", "approvers", "twice"}]
    if not (_named(step.get("name")) and _named(step.get("name_en"))):
        found.append("it needs a name in Chinese and in English")
    if step.get("mode") not in _MODES:
        found.append(f"its mode must be one of {', '.join(_MODES)}")
    if step.get("twice", "skipped") not in ("skipped", "asked"):
        found.append("twice must be skipped or asked")
    rules = step.get("approvers")
    if not isinstance(rules, Sequence) or not rules or not all(isinstance(rule, Mapping) for rule in rules):
        return [*found, "it needs a list of approvers"]
    for rule in rules:
        found += _rule_faults(connection, rule)
    return found


def _rule_faults(connection: sa.Connection, rule: Mapping[str, Json]) -> list[str]:
    name = rule.get("rule")
    if not isinstance(name, str) or name not in _RULES:
        return [f'the rule "{name}" is not known; possible are {", ".join(_RULES)}']
    found = [f'{name}: "{other}" is not known' for other in rule.keys() - _RULES[name] - {"rule"}]
    for listed in _RULES[name] & {"persons", "roles"}:
        entries = rule.get(listed)
        if not isinstance(entries, list) or not entries or not all(_named(entry) for entry in entries):
            found.append(f"{name}: {listed} must be a list of texts")
        elif listed == "persons":
            found += [f"{name}: there is no person {entry}" for entry in entries if not _persons(connection, [entry])]
    if rule.get("of", "subject") not in _PEOPLE:
        found.append(f"{name}: of must be one of {', '.join(_PEOPLE)}")
    level = rule.get("level", 1)
    if type(level) is not int or not 1 <= level <= _MOST:
        found.append(f"{name}: level must be a whole number from 1 to {_MOST}")
    return found


def _named(text: Json) -> bool:
    return isinstance(text, str) and text.isprintable() and 0 < len(text.strip()) <= 200


# --- people


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of an approval chain, resolved to people."""

    name: str
    name_en: str
    mode: str
    #: ids of persons, in order
    persons: Sequence[str]
    #: why these persons, for `explain`
    trace: Mapping[str, Json]


def resolve(
    connection: sa.Connection,
    steps: Sequence[Mapping[str, Json]],
    *,
    subject: str,
    initiator: str,
    at: dt.datetime,
    before: str | None = None,
) -> list[Step]:
    """The steps with their people as of now, the same for a step that opens and for a forecast.

    `before` is who approved the step just before the first of these. A step without persons needs nobody, because its only
    person is that one; for a forecast, the person of a step is taken to approve it. Raises NobodySigns where not even an
    administrator is left.
    """
    resolved, on = [], directory.day(at)
    for step in steps:
        found, tried = _first_found(connection, step, {"subject": subject, "initiator": initiator}, on)
        trace: dict[str, Json] = {"at": at.isoformat(timespec="seconds"), "tried": tried, "policy": None}
        if not found:
            found, trace["policy"] = managers(connection, subject=subject, on=on), "to_managers"
        if initiator in found:
            found, trace["policy"] = _instead(connection, found, subject, initiator, on)
            [trace["initiator"]] = _named_as(connection, [initiator])
        if not found:
            raise NobodySigns(step=step["name"])
        if step["mode"] == "single":
            found = found[:1]
        trace["persons"] = _named_as(connection, found)
        if found == [before] and step.get("twice") != "asked":
            found, trace["policy"] = [], "signed_before"
        before = found[0] if len(found) == 1 else before if not found else None
        resolved.append(Step(name=step["name"], name_en=step["name_en"], mode=step["mode"], persons=found, trace=trace))
    return resolved


def managers(connection: sa.Connection, *, subject: str, on: dt.date) -> list[str]:
    """The administrators, who take what nobody else can; never the subject."""
    return [person for person in directory.holders(connection, _MANAGERS, on=on) if person != subject]


def _named_as(connection: sa.Connection, persons: Sequence[str]) -> list[dict[str, Json]]:
    """Persons as a trace keeps them, so that it can be read after they left."""
    names = {row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(persons)))}
    return [{"id": person, "name": names.get(person, person)} for person in persons]


def _fit(connection: sa.Connection, persons: Sequence[str], subject: str, on: dt.date) -> dict[str, str | None]:
    """Each person once, in order, with the reason why they may not sign, or None."""
    here = directory.present(connection, persons, on)
    return {person: "subject" if person == subject else None if person in here else "left" for person in persons}


def _first_found(
    connection: sa.Connection, step: Mapping[str, Json], case: Mapping[str, str], on: dt.date
) -> tuple[list[str], list[dict[str, Json]]]:
    """The people of the first rule that gives any, and a record of every rule tried."""
    tried: list[dict[str, Json]] = []
    for rule in step["approvers"]:
        candidates, facts = _RESOLVERS[rule["rule"]](connection, rule, case, on)
        fit = _fit(connection, candidates, case["subject"], on)
        named = _named_as(connection, list(fit))
        dropped = [{**each, "reason": fit[each["id"]]} for each in named if fit[each["id"]]]
        tried.append({**rule, **facts, "candidates": named, "dropped": dropped})
        if kept := [person for person, reason in fit.items() if reason is None]:
            return kept, tried
    return [], tried


def _instead(connection: sa.Connection, found: Sequence[str], subject: str, initiator: str, on: dt.date) -> tuple[list[str], str]:
    """The others of a step whose initiator would sign it; else their nearest superior, else the administrators."""
    others = [person for person in found if person != initiator]
    if others:
        return others, "others_than_initiator"
    for superior, reason in _fit(connection, directory.superiors(connection, initiator, on), subject, on).items():
        if reason is None:
            return [superior], "superior_of_initiator"
    return [person for person in managers(connection, subject=subject, on=on) if person != initiator], "to_managers"


_Rule = Mapping[str, Json]
_Found = tuple[list[str], dict[str, Json]]


def _persons(connection: sa.Connection, named: Collection[str]) -> list[str]:
    rows = connection.execute(sa.select(Person.id, Person.employee_no).where(sa.or_(Person.id.in_(named), Person.employee_no.in_(named))))
    ids = {name: row.id for row in rows for name in (row.id, row.employee_no)}
    return [ids[name] for name in named if name in ids]


def _by_person(connection: sa.Connection, rule: _Rule, case: Mapping[str, str], on: dt.date) -> _Found:
    return _persons(connection, rule["persons"]), {}


def _by_role(connection: sa.Connection, rule: _Rule, case: Mapping[str, str], on: dt.date) -> _Found:
    return directory.holders(connection, *rule["roles"], on=on), {}


def _by_department(connection: sa.Connection, rule: _Rule, case: Mapping[str, str], on: dt.date) -> _Found:
    level = rule.get("level", 1)
    line = directory.departments(connection, case[rule.get("of", "subject")], on)[:level]
    facts = {"departments": [{"id": unit.id, "name": unit.name, "name_en": unit.name_en, "head": unit.head_id} for unit in line]}
    return [line[-1].head_id] if len(line) == level and line[-1].head_id else [], facts


def _by_line(connection: sa.Connection, rule: _Rule, case: Mapping[str, str], on: dt.date) -> _Found:
    whose = case[rule.get("of", "subject")]
    superior = directory.manager(connection, whose, on, rule.get("level", 1))
    return [superior] if superior else [], {"below": _named_as(connection, [whose])[0]}


_RESOLVERS: Mapping[str, Callable[[sa.Connection, _Rule, Mapping[str, str], dt.date], _Found]] = {
    "person": _by_person,
    "role": _by_role,
    "department_head": _by_department,
    "manager": _by_line,
}


# --- why these people


def explain(trace: Mapping[str, Json], locale: str, translate: Callable[[str, str], str] = lambda text, locale: text) -> str:
    """One sentence, with a second one about each person who was not asked. `translate` knows the sentences by their English."""
    if not trace.get("persons"):
        return ""
    comma = "、" if locale.startswith("zh") else ", "
    facts = {"who": comma.join(person["name"] for person in trace["persons"])}
    if trace.get("initiator"):
        facts["initiator"] = trace["initiator"]["name"]
    text = _POLICIES.get(trace.get("policy") or "")
    if text is None:
        rule = trace["tried"][-1]
        text = _REASONS[rule["rule"]]
        if rule.get("departments"):
            facts["department"] = rule["departments"][-1]["name_en" if locale.startswith("en") else "name"]
        if rule.get("below"):
            facts["below"] = rule["below"]["name"]
        facts["roles"] = comma.join(translate(role.replace("_", " "), locale) for role in rule.get("roles", ()))
    sentences = [translate(text, locale).format(**facts)]
    for rule in trace["tried"]:
        sentences += [translate(_DROPPED[each["reason"]], locale).format(who=each["name"]) for each in rule["dropped"]]
    return ("" if locale.startswith("zh") else " ").join(sentences)


_REASONS = {
    "person": "To be signed by {who}, whom the approval chain names.",
    "role": "To be signed by {who}, in the role {roles}.",
    "department_head": "To be signed by {who}, head of {department}.",
    "manager": "To be signed by {who}, superior of {below}.",
}
_POLICIES = {
    "to_managers": "The approval chain found nobody who may sign, so it goes to the administrators: {who}.",
    "superior_of_initiator": "{initiator} started this and does not sign; to be signed by the nearest superior, {who}.",
    "others_than_initiator": "{initiator} started this and does not sign; to be signed by {who}.",
    "signed_before": "{who} signed the step just before and is not asked a second time.",
}
_DROPPED = {
    "subject": "{who} was not asked, because this is about them.",
    "left": "{who} was not asked, because they are no longer active.",
}
