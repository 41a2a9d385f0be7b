"""外部系统指定: an outside system says who signs a step. It is asked by a job before the step opens; here the job is made and dropped.

While it is asked, the step has an open round without sign-offs, whose trace says `asking`. What came of it opens the step in a turn of
its own (`engine.work.asked`); the trace of that round keeps the answer, so that nothing is asked twice for one opening.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .chains import rules
from .chains.company import Company
from .chains.resolve import Resolved
from .chains.situation import Situation
from .db import Statement, one_of
from .deferral import add_job
from .ledger import Event
from .models import Job, WorkRound, WorkStep
from .ports import Json

if TYPE_CHECKING:
    from .rounds import Chained
    from .turn import Turn

#: kind of the job that asks; its instance is the item's
KIND = "asking"
#: kinds of jobs that call an operation
CALLS = ("operation", KIND)
#: attempts, as of a service task that says nothing else
ATTEMPTS = 3
#: most persons that an answer may name, and most characters of each
_MOST, _LONGEST = 50, 100

_OPEN_ROUNDS = (
    sa.select(WorkRound.id, WorkRound.trace).join(WorkStep, WorkStep.id == WorkRound.step_id).where(WorkRound.closed_at.is_(None))
)
DROP_OF_INSTANCE = Statement(
    sa.update(Job)
    .where(
        Job.case_id == sa.bindparam("case_id"),
        Job.instance == sa.bindparam("instance"),
        Job.kind == KIND,
        one_of(Job.state, "waiting", "leased", "failed"),
    )
    .values(state="dropped", finished_at=sa.bindparam("at"))
)


def ask(
    turn: Turn,
    company: Company,
    item: Chained,
    place: int,
    which: Mapping[str, Any],
    step: Resolved,
    case: Situation,
    told: Mapping[str, Json],
) -> None:
    """The step waits until the rule that was tried last is answered. `which`: the round, as `Passed.again` gives it;
    `told`: what the trace tells, too, once the step opens.
    """
    rule = step.trace["tried"][-1]
    payload = {"input": rules.inputs(company, rule, case), "headers": {}}
    job_id = add_job(
        turn.services,
        turn.unit,
        turn.case.id,
        KIND,
        item.element,
        item.instance,
        at=turn.now,
        attempts=ATTEMPTS,
        operation=rule["operation"],
        payload=payload,
        key=f"{turn.case.id}:{KIND}:{which['id']}",
    )
    chain = {"key": item.chain.key, "number": item.chain.number}
    trace = {**step.trace, "policy": KIND, "chain": chain, "job": job_id, "told": dict(told), "answers": dict(case.answers)}
    turn.unit.add(WorkRound, **which, opened_at=turn.now, trace=trace)
    turn.record(Event.SIGNERS_ASKED, element=item.element, item=item.id, step=step.name, operation=rule["operation"])


def stands(trace: Mapping[str, Json] | None) -> bool:
    """Whether the open round with this trace waits for an outside system."""
    return trace is not None and trace.get("policy") == KIND


def waits(connection: sa.Connection, item_id: str) -> bool:
    """Whether an item waits for an outside system."""
    return any(stands(row.trace) for row in connection.execute(_OPEN_ROUNDS.where(WorkStep.item_id == item_id)))


def stop(turn: Turn, item_id: str, instance: str) -> None:
    """Nobody needs to know any more who signs the step; when it is reached again, it is asked anew."""
    connection = turn.unit.connection
    for row in connection.execute(_OPEN_ROUNDS.where(WorkStep.item_id == item_id)).all():
        if stands(row.trace):
            turn.unit.write(DROP_OF_INSTANCE, case_id=turn.case.id, instance=instance, at=turn.now)
            connection.execute(sa.update(WorkRound).where(WorkRound.id == row.id).values(closed_at=turn.now, outcome="left"))


def answers(connection: sa.Connection, round_id: str) -> dict[str, Json]:
    """What outside systems said when this round was opened, as `Situation.answers`."""
    trace = connection.execute(sa.select(WorkRound.trace).where(WorkRound.id == round_id)).scalar_one()
    tried: Sequence[Mapping[str, Json]] = trace.get("tried") or ()
    return {rules.asked(rule): rule["answer"] for rule in tried if rule["rule"] == rules.OUTSIDE and rule.get("answer")}


def answer(value: Json) -> dict[str, Any]:
    """An answer as `Situation.answers` has it: `{persons}`, or `{failed}` of one that names no persons as it should."""
    named = value.get("persons") if isinstance(value, Mapping) else value
    if not isinstance(named, list) or len(named) > _MOST:
        return {"failed": "shape"}
    found = [one.get("id") or one.get("employee_no") if isinstance(one, Mapping) else one for one in named]
    if not all(isinstance(one, str) and 0 < len(one) <= _LONGEST and "\0" not in one for one in found):
        return {"failed": "shape"}
    return {"persons": found}
