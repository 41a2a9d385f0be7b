"""What is still to come in the chain of an open work item: who would sign, and for whom whoever approves now has to choose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from . import choices, situations
from .chains import choosing, forecast, resolve
from .chains.company import Company
from .chains.resolve import Resolved
from .chains.situation import Situation
from .ports import Json
from .rules import Rules
from .signing.round import Turned


def situation(
    connection: sa.Connection,
    at: dt.datetime,
    chain: Any,
    item_id: str,
    case: Any,
    rules: Rules,
    variables: Mapping[str, Json],
    signed: Mapping[str, Sequence[str]],
) -> Situation:
    """A case as the next steps of its item's chain are resolved for it. `chain` and `case` are rows."""
    return Situation(
        subject=case.subject_id,
        initiator=case.initiator_id,
        at=at,
        variables=variables,
        signed=signed,
        chosen=choices.latest(choices.stored(connection, case.id), chain.key, item_id) if choosing.asks(chain.steps) else {},
        managers=sorted(rules.managers),
        procedure=case.procedure,
        chain=chain.key,
    )


def steps(connection: sa.Connection, chain: Any, now: int, case: Situation) -> list[Resolved]:
    """The steps behind the one that is open, with whoever would sign them as of now: as when they will be opened."""
    return forecast.expected(Company(connection, case.at), chain.steps[now + 1 :], case, {forecast.SIGNER})


def choice(connection: sa.Connection, chain: Any, place: int, turned: Turned, case: Situation, reader: str) -> choices.Asked | None:
    """The step for which the reader names who signs, if with their approval the chain goes on at this place. `turned`: by the approval."""
    if turned.verdict != "approved":
        return None
    company = Company(connection, case.at)
    case = situations.without_signers_choices(case, chain.steps)
    for step in chain.steps[place:]:
        found = resolve.one(company, step, case)
        if choosing.asks_signer(found):
            rule = choosing.rule_of(step, choosing.BY_SIGNER)
            return choices.asked(company, chain.key, step, rule or {}, case, reader)
        if found.outcome in (None, "incident", "rejected", "unknown"):
            return None
    return None
