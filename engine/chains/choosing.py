"""Whom somebody may choose to sign a step: the initiator for their case, or whoever signs the step before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..bpmn import expressions
from ..errors import FeelError
from ..ports import Json
from . import resolve, rules
from .company import Company
from .rules import Rule
from .situation import Situation
from .steps import MOST_CHOSEN, condition, setting

#: rule of a step -> who chooses
BY_INITIATOR, BY_SIGNER = "initiator_chooses", "signer_chooses"
CHOOSERS = frozenset({BY_INITIATOR, BY_SIGNER})


def asks(steps: Sequence[Mapping[str, Json]]) -> bool:
    """Whether somebody chooses for any of the steps."""
    return any(rule["rule"] in CHOOSERS for step in steps for rule in step["approvers"])


def rule_of(step: Mapping[str, Json], name: str) -> Rule | None:
    """The rule of the step by which somebody chooses, if it has this one."""
    return next((rule for rule in step["approvers"] if rule["rule"] == name), None)


def asks_signer(resolved: resolve.Resolved) -> bool:
    """Whether who approves the step before has to say who signs this one: no rule that comes first found anybody."""
    return any(rule["rule"] == BY_SIGNER for rule in resolved.trace["tried"])


def limits(step: Mapping[str, Json], rule: Rule) -> tuple[int, int]:
    """How many are chosen at least and at most. Where one person signs, one is chosen."""
    most = 1 if setting(step, "mode") == "single" else MOST_CHOSEN
    return rule.get("min", 1), min(rule.get("max", most), most)


def needed(step: Mapping[str, Json], rule: Rule, case: Situation) -> bool:
    """Whether somebody must be chosen: no other rule comes first, and it is not certain that the step does not apply."""
    return step["approvers"][0] == rule and not never(step, case)


def never(step: Mapping[str, Json], case: Situation) -> bool:
    """Whether its condition is not met, by values that are all known."""
    when = condition(step)
    try:
        known = bool(when) and expressions.uses(when) <= case.variables.keys()
        return known and not expressions.condition(when, case.variables, now=case.at)
    except FeelError:
        return False


def possible(company: Company, step: Mapping[str, Json], rule: Rule, case: Situation, by: str) -> list[str] | None:
    """The pool from which `by` chooses, in order; None where it is everybody who works here and `may_be_chosen`."""
    pool = rule.get("pool")
    if pool is None:
        return None
    found, _ = rules.find(company, pool, case, step["key"])
    return [person for person in dict.fromkeys(found) if may_be_chosen(company, step, rule, case, by, person)]


def may_be_chosen(company: Company, step: Mapping[str, Json], rule: Rule, case: Situation, by: str, person: str) -> bool:
    """Whether they, or who stands in for them, could sign: nobody in a case about themselves, nor who chooses.

    The initiator only where the step lets them sign.
    """
    barred = {case.subject, *(() if setting(step, "initiator") == "self" else (case.initiator,))}
    barred |= set() if rule["rule"] == BY_INITIATOR else {by}
    signs = resolve.fit(company, [person], case)
    return person not in barred and bool(signs) and not barred & set(signs)


def named(company: Company, persons: Sequence[str]) -> list[str]:
    """Ids of those who were named by id or employee number, each once; who is not found stays as named."""
    return list(dict.fromkeys(company.find(person) or person for person in persons))


def fault(
    company: Company, step: Mapping[str, Json], rule: Rule, case: Situation, by: str, persons: Sequence[str], *, needed: bool = True
) -> str | None:
    """What is wrong with a choice of these ids, or None. `needed`: it may not be left out."""
    least, most = limits(step, rule)
    if not persons and not needed:
        return None
    if len(persons) < least:
        return "Fewer people are chosen than this step needs."
    if len(persons) > most:
        return "More people are chosen than this step takes."
    pool = possible(company, step, rule, case, by)
    if all(person in pool if pool is not None else may_be_chosen(company, step, rule, case, by, person) for person in persons):
        return None
    return "Somebody is chosen who may not be chosen here, or may not sign in this case. Choose from the list."
