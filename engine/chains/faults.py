"""What is wrong with a chain, step by step and field by field.

What would be ignored beside another setting is a fault; what is not carried out (`unwired`) can be drafted and previewed, and is not
published.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..errors import Sentence
from ..ports import Json
from .checks import Check, named
from .company import Company
from .rules import OUTSIDE
from .steps import CHOSEN

_MOST = 20


@dataclass(frozen=True)
class Fault:
    """Something that keeps a chain from being published."""

    #: which step, from 0; None for the chain itself
    step: int | None
    #: dotted path inside the step, such as `approvers.0.roles`
    field: str
    said: Sentence
    #: name of the step, where it has one
    name: str = ""

    @property
    def sentence(self) -> Sentence:
        """The fault with its place."""
        if self.step is None:
            return self.said
        place = {"number": self.step + 1, "name": self.name, "field": self.field, "fault": self.said}
        return (
            Sentence("step {number} ({name}), {field}: {fault}", place)
            if self.field
            else Sentence("step {number} ({name}): {fault}", place)
        )


def faults(name: Json, name_en: Json, steps: Json, company: Company | None = None) -> list[Fault]:
    """Everything that is wrong with a chain; `company`: where persons, departments and the like must exist."""
    found = [] if named(name) and named(name_en) else [Fault(None, "name", Sentence("it needs a name in Chinese and in English"))]
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not 1 <= len(steps) <= _MOST:
        return [*found, Fault(None, "steps", Sentence("it needs 1 to {most} steps", {"most": _MOST}))]
    keys: list[str] = []
    for number, step in enumerate(steps):
        if not isinstance(step, Mapping):
            found.append(Fault(number, "", Sentence("it is no object")))
            continue
        called = step["name"] if isinstance(step.get("name"), str) else ""
        found += [Fault(number, field, said, called) for field, said in Check(step, keys, company).found]
        # any step before may be the last that applies, whose approval opens this one
        if _asks_signer(step) and any(isinstance(before, Mapping) and before.get("batch") is True for before in steps[:number]):
            said = Sentence("who approves a step before chooses here who signs, so none before can be approved in a batch")
            found.append(Fault(number, "approvers", said, called))
        keys.append(str(step.get("key")))
    return found


def _asks_signer(step: Mapping[str, Json]) -> bool:
    rules = step.get("approvers")
    return isinstance(rules, list) and any(isinstance(rule, Mapping) and rule.get("rule") == "signer_chooses" for rule in rules)


def unwired(steps: Sequence[Mapping[str, Json]]) -> list[Fault]:
    """What work items would not do, of steps that are otherwise sound."""
    found = []
    for number, step in enumerate(steps):
        names = [rule["rule"] for rule in step.get("copies") or ()]
        asked = [(f"copies.{place}", name) for place, name in enumerate(names) if name in (*CHOSEN, OUTSIDE)]
        template = "{what} is not carried out yet; a chain with it can be drafted and previewed, not published"
        found += [Fault(number, field, Sentence(template, {"what": what}), str(step.get("name"))) for field, what in asked]
    return found


def unoffered(steps: Sequence[Mapping[str, Json]], operations: Collection[str]) -> list[Fault]:
    """Outside systems to be asked that no connector knows, of steps that are otherwise sound. `operations`: those that are offered."""
    template = "no connector offers the operation {operation}; offered are: {choices}"
    return [
        Fault(number, f"approvers.{place}.operation", Sentence(template, facts), str(step.get("name")))
        for number, step in enumerate(steps)
        for place, rule in enumerate(step["approvers"])
        if rule["rule"] == OUTSIDE and rule["operation"] not in operations
        for facts in [{"operation": rule["operation"], "choices": ", ".join(sorted(operations)) or "–"}]
    ]
