"""发起人自选 and 上一签批人指定: whom somebody chose to sign a step, kept with the case until the step opens, and corrected by managers."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .bpmn.model import Element
from .bpmn.order import ahead
from .chains import choosing, versions
from .chains.company import Company
from .chains.rules import Rule
from .chains.situation import Situation
from .errors import FormInvalid, NotFound
from .ledger import Event
from .models import Choice, new_id
from .ports import Json
from .rules import rules_of

if TYPE_CHECKING:
    from .bpmn.program import Program
    from .procedures import Deployed
    from .turn import Turn

#: chain -> step -> ids of the persons
Chosen = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class Given:
    """Whom the signer of a step names with their approval."""

    by: str
    persons: Sequence[str] = ()

    def unasked(self) -> None:
        """Raises FormInvalid if somebody was named although nobody is asked."""
        if self.persons:
            raise FormInvalid({"chosen": ["Nobody is to be chosen with this decision. Open the work item again and look who signs next."]})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A step for which somebody chooses who signs."""

    #: keys of the chain and of the step
    chain: str
    step: str
    name: str
    name_en: str
    least: int
    most: int
    #: it cannot be left out
    needed: bool
    #: ids of those who may be chosen, in order; None: everybody who works here may
    pool: Sequence[str] | None

    @property
    def field(self) -> str:
        """What names the choice in a form."""
        return field_of(self.chain, self.step)


def field_of(chain: str, step: str) -> str:
    """What names the choice for a step in a form."""
    return f"chosen.{chain}.{step}"


@functools.lru_cache(maxsize=64)
def _chains(program: Program) -> tuple[str, ...]:
    """Keys of the chains that a case can come to from where people begin, in its order."""
    named = (task.element.properties["wf.chain"] for task in ahead(program, chained))
    return tuple(dict.fromkeys(key for key in named if not key.startswith("=")))


def chained(element: Element) -> bool:
    """Whether an approval chain serves the element."""
    return element.kind == "userTask" and bool(element.properties.get("wf.chain"))


def before_start(deployed: Deployed, subject: str, initiator: str, at: dt.datetime, variables: Mapping[str, Json]) -> Situation:
    """A case that might be started now, with the values of its form and what the engine gives it."""
    managers = sorted(rules_of(deployed.files).managers)
    return Situation(subject=subject, initiator=initiator, at=at, variables=variables, managers=managers, procedure=deployed.procedure)


def asked_of_initiator(company: Company, program: Program, case: Situation) -> list[Asked]:
    """The steps for which the initiator chooses, of every chain that the procedure can come to, in its order."""
    return [
        asked(company, chain.key, step, rule, replace(case, chain=chain.key), case.initiator)
        for chain, step, rule in asking(company, program)
    ]


def asking(company: Company, program: Program) -> Iterator[tuple[Any, Mapping[str, Json], Rule]]:
    """Each chain, step and rule by which the initiator chooses."""
    for key in _chains(program):
        with contextlib.suppress(NotFound):
            chain = versions.active(company.connection, key, company.at)
            for step in chain.steps:
                if rule := choosing.rule_of(step, choosing.BY_INITIATOR):
                    yield chain, step, rule


def asked(company: Company, chain: str, step: Mapping[str, Json], rule: Rule, case: Situation, by: str) -> Asked:
    """A step for which `by` chooses."""
    least, most = choosing.limits(step, rule)
    return Asked(
        chain=chain,
        step=step["key"],
        name=step["name"],
        name_en=step["name_en"],
        least=least,
        most=most,
        needed=choosing.needed(step, rule, case),
        pool=choosing.possible(company, step, rule, case, by),
    )


def checked(
    company: Company, program: Program, case: Situation, chosen: Chosen
) -> tuple[dict[str, dict[str, list[str]]], dict[str, list[str]]]:
    """What the initiator chose, with ids, and by field what is wrong with it."""
    clean: dict[str, dict[str, list[str]]] = {}
    faults: dict[str, list[str]] = {}
    left = {(chain, step) for chain, steps in chosen.items() for step, persons in steps.items() if persons}
    for chain, step, rule in asking(company, program):
        left.discard((chain.key, step["key"]))
        persons = choosing.named(company, chosen.get(chain.key, {}).get(step["key"], ()))
        here = replace(case, chain=chain.key)
        needed = choosing.needed(step, rule, here)
        if fault := choosing.fault(company, step, rule, here, case.initiator, persons, needed=needed):
            faults[field_of(chain.key, step["key"])] = [fault]
        elif persons:
            clean.setdefault(chain.key, {})[step["key"]] = persons
    faults |= {field_of(*place): ["For this step nobody is chosen when a case is started. Leave it out."] for place in sorted(left)}
    return clean, faults


# --- kept with the case


def of(turn: Turn, chain: str, item_id: str | None) -> dict[str, list[str]]:
    """Key of a step -> whom the initiator chose for it, or the signer of the step before in this work item."""
    if turn.choices is None:
        turn.choices = stored(turn.unit.connection, turn.case.id) if turn.case.revision else []
    return latest(turn.choices, chain, item_id)


def stored(connection: sa.Connection, case_id: str) -> list[Any]:
    """Every choice of a case, in the order in which they were made."""
    return list(connection.execute(sa.select(Choice.__table__).where(Choice.case_id == case_id).order_by(Choice.id)))


def latest(choices: Sequence[Any], chain: str, item_id: str | None) -> dict[str, list[str]]:
    """Of rows as `stored` gives them those that count for a work item of a chain, by step."""
    return {row.step: list(row.persons) for row in choices if row.chain == chain and row.item_id in (None, item_id)}


def keep(turn: Turn, chain: str, step: str, persons: Sequence[str], *, by: str, item_id: str | None = None) -> None:
    """Whom somebody chose, from now on."""
    of(turn, chain, item_id)
    assert turn.choices is not None
    row = {"id": new_id(), "case_id": turn.case.id, "chain": chain, "step": step, "item_id": item_id, "persons": list(persons)}
    turn.choices.append(Choice(**row, by=by, at=turn.now))
    turn.unit.add(Choice, **row, by=by, at=turn.now)


def given(turn: Turn, company: Company, chain: Any, step: Mapping[str, Json], case: Situation, choice: Given, item_id: str) -> list[str]:
    """Whom the signer of the step before names for this one, checked and kept. Raises FormInvalid for the field `chosen`."""
    rule = choosing.rule_of(step, choosing.BY_SIGNER)
    assert rule is not None  # it has just been tried
    persons = choosing.named(company, choice.persons)
    if fault := choosing.fault(company, step, rule, case, choice.by, persons):
        raise FormInvalid({"chosen": [fault]})
    keep(turn, chain.key, step["key"], persons, by=choice.by, item_id=item_id)
    named = {"step": step["name"], "step_en": step["name_en"], "chain": chain.key}
    turn.record(Event.SIGNERS_CHOSEN, item=item_id, **named, chosen=company.named(persons))
    return persons
