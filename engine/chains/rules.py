"""Approver rules: who is meant by one, and by which facts of the directory.

Every rule that looks from somebody has `of`: `subject` (whom the case is about; default), `initiator`, `field:<name>` (the person or
department that a form field holds) or `signer:<step>` (who really signed that step). `PARAMETERS` says what each rule takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ..bpmn import expressions
from ..errors import FeelError
from ..ports import Json
from .company import Company, Unit
from .situation import Situation

Rule = Mapping[str, Json]
#: candidates in order (ids, or what was named and is nobody), and the facts that led to them
Found = tuple[list[str], dict[str, Json]]

_HEAD = {"level": "level", "vacant": "vacant", "short": "short"}
_HEADS = {"from": "level", "to": "end"}
#: rule -> its parameters and their kinds
PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "person": {"persons": "persons"},
    "role": {"roles": "roles", "within": "within", "of": "of"},
    "group": {"groups": "groups"},
    "post": {"posts": "posts", "within": "within", "of": "of"},
    "department_members": {"departments": "departments", "of": "of", "sub": "yes_no"},
    "department_head": {"departments": "departments", "of": "of", **_HEAD},
    "department_heads": {"of": "of", **_HEADS},
    "report_line": {"of": "of", "level": "level", "to": "level"},
    "hrbp": {"of": "of"},
    "counsel": {"of": "of", "by": "by"},
    "duty": {"duty": "duty", "of": "of"},
    "initiator": {},
    "initiator_chooses": {"pool": "pool", "min": "count", "max": "count"},
    "signer_chooses": {"pool": "pool", "min": "count", "max": "count"},
    "form_person": {"field": "field"},
    "form_department": {"field": "field", **_HEAD},
    "expression": {"expression": "expression"},
    "operation": {"operation": "operation", "values": "values"},
}
#: kinds of parameters without which a rule means nobody
NEEDED: Collection[str] = frozenset({"persons", "roles", "groups", "posts", "duty", "field", "expression", "operation"})
#: the rule by which an outside system says who is meant
OUTSIDE = "operation"
#: rules whose people nobody can tell without a case
OPEN: Collection[str] = frozenset({"initiator_chooses", "signer_chooses", "form_person", "form_department", "expression", OUTSIDE})


#: parameter -> what it is where a rule leaves it out
DEFAULTS: Mapping[str, Json] = {
    "of": "subject",
    "level": 1,
    "from": 1,
    "within": "company",
    "vacant": "empty",
    "short": "empty",
    "by": "entity",
    "sub": False,
    "min": 1,
}


def sparse(rule: Rule) -> dict[str, Json]:
    """A rule without the parameters that say what is so anyway."""
    return {name: value for name, value in rule.items() if name not in DEFAULTS or value != DEFAULTS[name]}


def find(company: Company, rule: Rule, case: Situation, step: str = "") -> Found:
    """Who is meant, in order and unfiltered. `step`: the key of the step, for those who were chosen for it."""
    return _FIND[rule["rule"]](company, rule, case, step)


def _persons(company: Company, named: Json) -> list[str]:
    """Persons named by id or number, one or several, also as {id: …}; who is not found stays as named."""
    if isinstance(named, Mapping):
        named = named.get("id") or named.get("employee_no")
    each = named if isinstance(named, Sequence) and not isinstance(named, str) else [named]
    names = [one.get("id") or one.get("employee_no") if isinstance(one, Mapping) else one for one in each]
    return [company.find(name) or str(name) for name in names if name]


def whose(company: Company, rule: Rule, case: Situation) -> list[str]:
    """The persons from whom a rule looks."""
    of = rule.get("of", "subject")
    if of == "subject":
        return [case.subject]
    if of == "initiator":
        return [case.initiator]
    kind, _, name = of.partition(":")
    return list(case.signed.get(name, ())) if kind == "signer" else _persons(company, case.value(name))


def _starts(company: Company, rule: Rule, case: Situation) -> tuple[list[str], dict[str, Json]]:
    """Keys of the departments from which a rule looks, and whose they are."""
    if named := rule.get("departments"):
        return list(named), {}
    of = rule.get("of", "subject")
    if of.startswith("field:") and (unit := company.unit(case.value(of.removeprefix("field:")))):
        return [unit.id], {}
    persons = whose(company, rule, case)
    keys = [key for person in persons if (key := _department(company, case, person))]
    return list(dict.fromkeys(keys)), {"looked_from": company.named(persons)}


def _department(company: Company, case: Situation, person: str) -> str | None:
    """A person's department; for subject and initiator the one that the case recorded at its start, while it is there."""
    for role, who in (("subject", case.subject), ("initiator", case.initiator)):
        recorded = case.value(f"{role}.department") if person == who else None
        if recorded and company.unit(recorded):
            return str(recorded)
    member = company.member(person)
    return member.department if member else None


def seen(company: Company, case: Situation, expression: str) -> Mapping[str, Json]:
    """What an expression of a chain sees: the case's variables.

    One that mentions `departments` also sees those of subject and initiator: the keys of their department and of every one above
    it, so that it may mean a department with all below.
    """
    if "departments" not in expression:
        return case.variables
    found = dict(case.variables)
    for role, who in (("subject", case.subject), ("initiator", case.initiator)):
        own = found.get(role)
        above = [unit.id for unit in company.line(_department(company, case, who))]
        found[role] = {**(own if isinstance(own, Mapping) else {}), "departments": above}
    return found


def _told(units: Sequence[Unit]) -> list[dict[str, Json]]:
    return [{"id": unit.id, "name": unit.name, "name_en": unit.name_en, "head": unit.head} for unit in units]


def _by_person(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    return _persons(company, rule["persons"]), {}


def _by_role(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    holders = [person for role in rule["roles"] for person in company.holders(role)]
    return _within(company, rule, case, company.in_order(holders))


def _within(company: Company, rule: Rule, case: Situation, persons: Sequence[str]) -> Found:
    """Those of the persons who stand in the legal entity of `of`, or in the department or one below it; all without `within`."""
    scope = rule.get("within", "company")
    if scope == "company":
        return list(persons), {}
    if scope == "entity":
        looked = whose(company, rule, case)
        entities = {member.entity for person in looked if (member := company.member(person)) and member.entity}
        inside = [person for person in persons if (member := company.member(person)) and member.entity in entities]
        return inside, {"looked_from": company.named(looked), "entities": [company.called("entity", key) for key in sorted(entities)]}
    starts, facts = _starts(company, rule, case)
    units = [unit for key in starts if (unit := company.unit(key))]
    inside = [person for person in persons if any(person in company.belonging(unit.id, below=True) for unit in units)]
    return inside, {**facts, "departments": _told(units)}


def _by_group(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    found = company.in_order(person for group in rule["groups"] for person in company.group_members(group))
    return found, {"groups_found": [company.called("group", group) for group in rule["groups"]]}


def _by_post(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    found = company.in_order(person for post in rule["posts"] for person in company.post_holders(post))
    inside, facts = _within(company, rule, case, found)
    return inside, {**facts, "posts_found": [company.called("post", post) for post in rule["posts"]]}


#: the nearest first
_SCOPES = ("person", "department", "entity", "region", "company")


def _by_duty(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    return _by_scope(company, rule["duty"], _SCOPES, rule, case)


def _by_hrbp(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    return _by_scope(company, "hrbp", ("person", "department"), rule, case)


def _by_counsel(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    by = rule.get("by", "entity")
    return _by_scope(company, "counsel", (by, "region" if by == "entity" else "entity"), rule, case)


def _by_scope(company: Company, duty: str, scopes: Sequence[str], rule: Rule, case: Situation) -> Found:
    """Who holds the duty for the first of the persons for whom anybody does."""
    looked = whose(company, rule, case)
    facts: dict[str, Json] = {"looked_from": company.named(looked)}
    for person in looked:
        held, scope, place = company.duty(duty, person, _department(company, case, person), scopes)
        if held:
            where = company.called(scope, place) if place else {"id": "", "name": "公司", "name_en": "the company"}
            return held, {**facts, "held": {**where, "scope": scope, "duty": duty}}
    return [], facts


def _by_membership(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    starts, facts = _starts(company, rule, case)
    units = [unit for key in starts if (unit := company.unit(key))]
    persons = company.in_order(person for key in starts for person in company.belonging(key, below=rule.get("sub", False)))
    heads = [unit.head for unit in units if unit.head]
    return [*heads, *(person for person in persons if person not in heads)], {**facts, "departments": _told(units)}


def _head(company: Company, start: str, rule: Rule) -> tuple[str | None, list[Unit]]:
    """Exactly the level-th head upward, and the departments passed."""
    level, line = rule.get("level", 1), company.line(start)
    if len(line) < level:
        passed = line
        found = line[-1].head if line and rule.get("short") == "top" else None
    else:
        passed = line[:level]
        found = passed[-1].head
    if not found and passed and rule.get("vacant") == "next_up":
        for unit in line[len(passed) :]:
            passed = [*passed, unit]
            if found := unit.head:
                break
    return found, passed


def _by_head(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    starts, facts = _starts(company, rule, case)
    return _heads_of(company, rule, starts, facts)


def _heads_of(company: Company, rule: Rule, starts: Sequence[str], facts: dict[str, Json]) -> Found:
    heads: list[str] = []
    passed: list[Unit] = []
    for start in starts:
        found, units = _head(company, start, rule)
        heads += [found] if found else []
        passed += units
    return heads, {**facts, "departments": _told(passed)}


def _by_heads(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    """Upward from the `from`-th level to a level, a department, a grade or the root; vacant levels are skipped and named."""
    starts, facts = _starts(company, rule, case)
    first, end = rule.get("from", 1), rule.get("to", "root")
    line = [unit for start in starts[:1] for unit in company.line(start)][first - 1 :]
    if isinstance(end, int):
        line = line[: max(end - first + 1, 0)]
    elif end.startswith("department:"):
        keys = [unit.id for unit in line]
        name = end.removeprefix("department:")
        line = line[: keys.index(name) + 1] if name in keys else line
    elif end.startswith("grade:"):
        line = _up_to_grade(company, line, int(end.removeprefix("grade:")))
    vacant = _told([unit for unit in line if not unit.head])
    return [unit.head for unit in line if unit.head], {**facts, "departments": _told(line), "vacant_departments": vacant}


def _up_to_grade(company: Company, line: Sequence[Unit], grade: int) -> list[Unit]:
    taken: list[Unit] = []
    for unit in line:
        taken.append(unit)
        head = company.member(unit.head) if unit.head else None
        if head and head.grade is not None and head.grade >= grade:
            break
    return taken


def _by_line(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    persons = whose(company, rule, case)
    first = rule.get("level", 1)
    last = max(rule.get("to", first), first)
    superiors = [superior for person in persons for superior in company.superiors(person)[first - 1 : last]]
    return superiors, {"below": company.named(persons)[0]} if persons else {}


def _by_initiator(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    return [case.initiator], {}


def _by_choice(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    """Who was chosen, is still in the pool and works here; nobody while too few or too many are."""
    named = _persons(company, list(case.chosen.get(step, ())))
    chosen = [person for person in named if (member := company.member(person)) and member.here]
    facts: dict[str, Json] = {"chosen": company.named(named)}
    if pool := rule.get("pool"):
        possible, _ = find(company, pool, case, step)
        chosen = [person for person in chosen if person in possible]
    if gone := [person for person in named if person not in chosen]:
        facts["gone"] = company.named(gone)
    enough = rule.get("min", 1) <= len(chosen) <= rule.get("max", len(chosen))
    return chosen if enough else [], facts


def _by_field(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    return _persons(company, case.value(rule["field"])), {}


def _by_department_field(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    """The heads of the departments in a form field: one or several, by key, also as {id: …}."""
    value = case.value(rule["field"])
    each = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    units = [company.unit(one.get("id") if isinstance(one, Mapping) else one) for one in each]
    return _heads_of(company, rule, list(dict.fromkeys(unit.id for unit in units if unit)), {})


def _by_expression(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    """Whom the expression gives; one that fails gives nobody, and says why."""
    try:
        return _persons(company, expressions.evaluate(rule["expression"], seen(company, case, rule["expression"]), now=case.at)), {}
    except FeelError as error:
        return [], {"failed": error.message}


def asked(rule: Rule) -> str:
    """What is asked by a rule that asks an outside system, by which its answer is known."""
    return json.dumps([rule["operation"], rule.get("values") or {}], sort_keys=True, ensure_ascii=False)


def inputs(company: Company, rule: Rule, case: Situation) -> dict[str, Json]:
    """What the outside system is told. Raises FeelError."""
    given = (rule.get("values") or {}).items()
    return {name: expressions.evaluate(text, seen(company, case, text), now=case.at) for name, text in given}


def _by_operation(company: Company, rule: Rule, case: Situation, step: str) -> Found:
    """Whom the outside system has named; nobody, and the fact `asks`, while it is not asked. What it cannot be told asks nobody."""
    answer: Mapping[str, Any] | None = case.answers.get(asked(rule))
    if answer is not None:
        facts = {"unanswered": answer["failed"]} if "failed" in answer else {}
        return _persons(company, answer.get("persons") or []), {"answer": dict(answer), **facts}
    try:
        if case.draw is not None:  # what a forecast does not know yet may be known once the step opens
            inputs(company, rule, case)
    except FeelError as error:
        return [], {"failed": error.message}
    return [], {"asks": rule["operation"]}


_FIND: Mapping[str, Callable[[Company, Rule, Situation, str], Found]] = {
    "person": _by_person,
    "role": _by_role,
    "group": _by_group,
    "post": _by_post,
    "department_members": _by_membership,
    "department_head": _by_head,
    "department_heads": _by_heads,
    "report_line": _by_line,
    "hrbp": _by_hrbp,
    "counsel": _by_counsel,
    "duty": _by_duty,
    "initiator": _by_initiator,
    "initiator_chooses": _by_choice,
    "signer_chooses": _by_choice,
    "form_person": _by_field,
    "form_department": _by_department_field,
    "expression": _by_expression,
    OUTSIDE: _by_operation,
}


def of_nobody(rule: Mapping[str, Any]) -> bool:
    """Whether only a case can tell who is meant."""
    return rule["rule"] in OPEN or str(rule.get("of", "")).startswith(("field:", "signer:"))
