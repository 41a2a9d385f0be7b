"""审批人预测: who would sign the steps of a chain as of now, and what cannot be told before the case is further on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..bpmn import expressions
from ..errors import FeelError
from ..ports import Json
from . import resolve
from .choosing import BY_INITIATOR, BY_SIGNER
from .company import Company
from .resolve import Resolved
from .situation import Situation
from .steps import condition

#: what may still come: choices of the initiator or of signers, and values of the case
INITIATOR, SIGNER, VALUES = "initiator", "signer", "values"


def expected(company: Company, steps: Sequence[Mapping[str, Json]], case: Situation, may_come: Collection[str]) -> list[Resolved]:
    """Every step as of now; who is found for one is taken to approve it. `may_come`: of INITIATOR, SIGNER and VALUES.

    The outcome is `unknown` where who signs cannot be told yet; where it cannot be told whether a step applies, its people stand with
    the condition as `conditional` in their trace.
    """
    found = []
    for step in steps:
        resolved = _one(company, step, case, may_come)
        found.append(resolved)
        certain = resolved.outcome != "unknown" and "conditional" not in resolved.trace
        case = resolve.after(case, resolved) if certain else replace(case, signed={**case.signed, resolved.key: []})
    return found


def state(resolved: Resolved) -> str:
    """`signs`, `conditional`, or its outcome."""
    return resolved.outcome or ("conditional" if "conditional" in resolved.trace else "signs")


def _one(company: Company, step: Mapping[str, Json], case: Situation, may_come: Collection[str]) -> Resolved:
    found = resolve.one(company, step, case)
    when = condition(step)
    open_condition = VALUES in may_come and bool(when) and (found.trace["policy"] == "condition_failed" or _unknown(when, case))
    if open_condition:
        found = resolve.one(company, {**step, "when": ""}, case)
    more: dict[str, Json] = {"conditional": when} if open_condition else {}
    policies = (_waits_for(rule, step, case, may_come) for rule in found.trace["tried"])
    if policy := next(filter(None, policies), None):
        return replace(found, signers=(), outcome="unknown", trace={**found.trace, **more, "policy": policy, "persons": []})
    return replace(found, trace={**found.trace, **more})


def _waits_for(rule: Mapping[str, Json], step: Mapping[str, Json], case: Situation, may_come: Collection[str]) -> str | None:
    """Why a rule that was tried may give somebody yet; None if it cannot."""
    name, of = rule["rule"], str(rule.get("of", ""))
    unchosen = not case.chosen.get(step["key"])
    if name == BY_INITIATOR:
        return "chosen_by_initiator" if unchosen and INITIATOR in may_come else None
    if name == BY_SIGNER:
        return "chosen_by_signer" if unchosen and SIGNER in may_come else None
    if of.startswith("signer:") and case.signed.get(of.removeprefix("signer:")) == []:
        return "not_known"
    field: Any = rule.get("field") or (of.removeprefix("field:") if of.startswith("field:") else None)
    missing = (field and case.value(field) is None) or (name == "expression" and _unknown(rule["expression"], case))
    return "not_known" if missing and VALUES in may_come else None


def _unknown(expression: str, case: Situation) -> bool:
    """Whether it looks at values that the case does not have yet."""
    try:
        return not expressions.uses(expression) <= case.variables.keys()
    except FeelError:
        return False
