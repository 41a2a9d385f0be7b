"""撤回: somebody takes back what they decided, passed on or completed, as long as nobody acted on it.

Where it had completed the work item, the case stands there again, and what the completion had opened is left (`engine.rewinding`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import asking, rewinding, sign_offs
from ..chains.steps import setting
from ..db import Statement, Unit
from ..errors import ActedOn, ItemClosed, NotAllowed
from ..ledger import Event
from ..locking import lock_and_read, must_run
from ..models import Draft, LedgerPage, Person, SignOff, WorkItem, WorkRound
from ..rewinding import rewound
from ..signing import deciding, withdrawing
from ..signing.round import Round, Signer
from ..turn import Turn
from .roundrows import opened_by, round_of, rows_of
from .steps import by_name, said, step
from .tasks import draft_purpose

if TYPE_CHECKING:
    from ..ports import Json
    from ..services import Services

_NOTHING = "you did nothing here that could be taken back"
_ROWS = Statement(
    sa.select(
        *(WorkItem.id, WorkItem.element, WorkItem.instance, WorkItem.name, WorkItem.status),
        *(SignOff.id.label("sign_off_id"), SignOff.round_id, SignOff.position, SignOff.state, SignOff.decided_by, Person.active),
        sa.exists()
        .where(
            LedgerPage.request_id == sa.bindparam("request_id"),
            LedgerPage.case_id == WorkItem.case_id,
            LedgerPage.actor_id == sa.bindparam("actor"),
        )
        .label("repeated"),
    )
    .select_from(WorkItem)
    .outerjoin(SignOff, SignOff.item_id == WorkItem.id)
    .outerjoin(Person, Person.id == sa.bindparam("actor"))
    .where(WorkItem.id == sa.bindparam("item_id"))
    .order_by(SignOff.position)
)
_WITHDRAW = Statement(sa.update(SignOff).where(SignOff.id == sa.bindparam("sign_off_id")).values(state="withdrawn", was="approved"))
_REOPEN_ROUND = Statement(sa.update(WorkRound).where(WorkRound.id == sa.bindparam("round_id")).values(closed_at=None, outcome=None))


def withdraw(services: Services, item_id: str, *, actor: str, reason: str = "", request_id: str) -> None:
    """撤回 of the last thing the actor did in the step where the item stands, or in the one before if nobody has acted since.

    What was opened by it lapses; that goes for what followed a completed item, too, and what was filled in there is a draft. Raises
    as `approve`, and ActedOn, GoneOn, WayClosed.
    """
    reason = said(reason, "reason", None)
    with services.database.unit() as unit, by_name(unit):
        chained = unit.connection.execute(sa.select(WorkItem.chain_id).where(WorkItem.id == item_id)).scalar_one_or_none()
        (_decision if chained else _completion)(services, unit, item_id, actor, reason, request_id)


def _decision(services: Services, unit: Unit, item_id: str, actor: str, reason: str, request_id: str) -> None:
    now = step(services, unit, item_id, actor, request_id, completed=True)
    if now is None:
        return
    place, _ = taken_back(now.chain.steps, now.all_rows, now.which, now.round.barred, actor)
    at = now if place == now.which else now.at(place)
    turned = withdrawing.withdraw(at.round, actor)
    if now.row.status == "completed":
        case = rewound(services, unit.connection, at.turn.case, at.turn.execution, at.row)
        if turned.reopened:
            at.record(Event.SIGN_OFF_WITHDRAWN, reason=reason, **case.told)
            rewinding.rewind(at.turn, item_id, case)
            at.write(turned)
            at.turn.commit()
            return
    at.record(Event.SIGN_OFF_WITHDRAWN, reason=reason)
    if now.round.outcome is not None:
        asking.stop(at.turn, item_id, at.instance)
    if at is not now and turned.reopened:
        rewinding.vanished(at.turn, item_id)
        now.write(deciding.lapse(now.round))
    at.write(turned)
    at.follow(turned)
    at.turn.commit()


def _completion(services: Services, unit: Unit, item_id: str, actor: str, reason: str, request_id: str) -> None:
    case, rows = lock_and_read(unit, _ROWS, item_id=item_id, actor=actor, request_id=request_id)
    if rows[0].repeated:
        return
    must_run(case)
    if not rows[0].active:
        raise NotAllowed(reason="your account may not act any more")
    if rows[0].status == "left":
        raise ItemClosed(reason="the procedure went on without it")
    done = completed(rows, case.subject_id, actor)
    turn = Turn(services, unit, case, actor=actor, request_id=request_id)
    to = rewound(services, unit.connection, case, turn.execution, rows[0])
    turn.record(Event.SIGN_OFF_WITHDRAWN, element=rows[0].element, item=item_id, reason=reason, **to.told)
    rewinding.rewind(turn, item_id, to)
    unit.write(_WITHDRAW, sign_off_id=done.sign_off_id)
    if done.round_id:
        unit.write(_REOPEN_ROUND, round_id=done.round_id)
    sign_offs.add(turn, item_id, done.round_id, Signer(number=rows[-1].position + 1, person=actor, state="open", former=done.position))
    sealed = services.keyring.seal_json(dict(to.values), draft_purpose(item_id, actor))
    unit.add(Draft, item_id=item_id, person_id=actor, values=sealed, saved_at=turn.now)
    turn.commit()


def taken_back(
    steps: Sequence[Mapping[str, Json]], rows: Sequence[Any], which: tuple[int, int], barred: Mapping[str, str], actor: str
) -> tuple[tuple[int, int], Round]:
    """The round in which the actor takes back what they did last: where the item stands, or the one before while nobody acted since.

    `which`: place of the step where the item stands, and number of its round, the last one where it is completed. `rows`: of all
    steps and rounds, by their order. Raises as `withdrawing.withdraw`, and NotAllowed where the chain does not offer it.
    """

    def read(which: tuple[int, int]) -> Round:
        return round_of(rows_of(rows, which), steps[which[0]], barred, actor)

    now = read(which)
    found, earlier = (which, now), opened_by(rows, which[0])
    if withdrawing.last(now, actor) is None and earlier is not None and withdrawing.last(before := read(earlier), actor):
        untouched(rows, now, since=earlier)
        found = earlier, before
    if "withdraw" not in setting(steps[found[0][0]], "verbs"):
        raise NotAllowed(reason="the approval chain does not offer this in this step")
    withdrawing.withdraw(found[1], actor)
    return found


def completed(rows: Sequence[Any], subject: str, actor: str) -> Any:
    """The row of the sign-off with which the actor completed an item that no chain describes. Raises NotAllowed."""
    if actor == subject:
        raise NotAllowed(reason="nobody decides in a case about themselves")
    found = [row for row in rows if row.sign_off_id and row.state == "approved" and row.decided_by == actor]
    if not found:
        raise NotAllowed(reason=_NOTHING)
    return found[-1]


def untouched(rows: Sequence[Any], now: Round, *, since: tuple[int, int]) -> None:
    """Raises ActedOn if somebody has done anything in a round that was opened since this one: ids of rounds grow with time.

    `rows`: of all steps; `now`: the last round.
    """
    before = rows_of(rows, since)[0].round_id
    for row in rows:
        if row.sign_off_id and row.round_id > before and row.decided_by and row.state != "withdrawn":
            raise ActedOn(who=row.decided_by)
    for signer in now.signers:
        if signer.by is not None:
            raise ActedOn(who=now.signers[signer.by].person or "")
