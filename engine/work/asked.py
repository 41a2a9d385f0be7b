"""What came of asking an outside system who signs a step: the step opens, for whom it named or by the next rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from .. import asking, items, rounds, snapshots
from ..chains import rules
from ..ledger import Event
from ..ports import Json
from ..turn import Turn


def answered(turn: Turn, job: Any, value: Json) -> None:
    """It has said something: kept as it is, late or not."""
    snapshot = snapshots.store(turn, job, "value", "partwell", orjson.dumps(value), "application/json", "", None)
    _go_on(turn, job, asking.answer(value), snapshot=snapshot)


def failed(turn: Turn, job: Any) -> None:
    """It has not said anything, and is not asked again: nobody signs by this rule."""
    _go_on(turn, job, {"failed": "no_answer"})


def _go_on(turn: Turn, job: Any, answer: Mapping[str, Json], **facts: Json) -> None:
    found = rounds.asking_at(turn, job.instance, job.id)
    late: dict[str, Json] = {} if found else {"late": True}
    turn.record(Event.SIGNERS_ANSWERED, element=job.element, operation=job.operation, **answer, **facts, **late)
    if found is None:
        return
    item, place, trace = found
    rule = trace["tried"][-1]
    given = {**trace["answers"], rules.asked(rule): dict(answer)}
    if verdict := rounds.open_asked(turn, item, place, told=trace["told"], answers=given):
        items.pass_unsigned(turn, replace(item, verdict=verdict))
