"""撤回: somebody takes back what they decided, passed on, returned or completed, as long as nobody acted on it.

Where it had completed the work item, or had sent the case back to an earlier one, the case stands there again, and what it had opened
is left (`engine.rewinding`). Where it had opened another step of the item, or had sent the work back to the initiator, that is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import asking, items, rewinding, rounds, sign_offs, situations
from ..chains.steps import setting
from ..db import Statement, Unit
from ..errors import ActedOn, DecidedByRule, ItemClosed, NotAllowed, PartwellError
from ..ledger import Event
from ..locking import REPEATED, lock_and_read, must_run
from ..models import Draft, Person, SignOff, WorkItem, WorkRound, new_id
from ..rewinding import rewound
from ..signing import deciding, withdrawing
from ..signing.round import Round, Signer
from ..turn import Turn
from .drafting import purpose
from .roundrows import opened_by, round_of, rows_of
from .steps import Step, by_name, said, standing, step

if TYPE_CHECKING:
    from ..ports import Json
    from ..services import Services

_NOTHING = "you did nothing here that could be taken back"
_ROWS = Statement(
    sa.select(
        *(WorkItem.id, WorkItem.element, WorkItem.instance, WorkItem.name, WorkItem.status, WorkItem.corrects),
        *(SignOff.id.label("sign_off_id"), SignOff.round_id, SignOff.position, SignOff.state),
        *(SignOff.role, SignOff.for_id, SignOff.decided_by, Person.active),
        REPEATED,
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
    """撤回 of the last thing the actor did in the step where the item stands, or in the one by which it came there, if nobody has acted
    since: a decision, a return, something passed on, a form that was completed or sent again.

    What was opened by it lapses; that goes for what followed a closed item, too, and what was filled in there is a draft. Raises
    as `approve`, and ActedOn, GoneOn, WayClosed.
    """
    reason = said(reason, "reason", None)
    with services.database.unit() as unit, by_name(unit):
        chained = unit.connection.execute(sa.select(WorkItem.chain_id).where(WorkItem.id == item_id)).scalar_one_or_none()
        (_decision if chained else _completion)(services, unit, item_id, actor, reason, request_id)


def _decision(services: Services, unit: Unit, item_id: str, actor: str, reason: str, request_id: str) -> None:
    now = step(services, unit, item_id, actor, request_id, taking_back=True)
    if now is None:
        return
    sent = corrections(unit.connection, item_id)
    which, _ = taken_back(now.chain.steps, now.all_rows, now.which, now.round.barred, actor, sent)
    at = now if which == now.which else now.at(which)
    turned = withdrawing.withdraw(at.round, actor)
    if now.row.status == "open":
        at.record(Event.SIGN_OFF_WITHDRAWN, reason=reason)
        if at.round.outcome != turned.round.outcome and at.round.outcome is not None:
            _leave_what_followed(now, at.round_id, sent)
        at.write(turned)
        at.follow(turned)
    else:
        case = rewound(services, unit.connection, at.turn.case, at.turn.execution, at.row)
        if turned.reopened:
            at.record(Event.SIGN_OFF_WITHDRAWN, reason=reason, **case.told)
            rewinding.rewind(at.turn, item_id, case)
            rounds.withdraw(at.turn, item_id, at.round_id)
        else:
            at.record(Event.SIGN_OFF_WITHDRAWN, reason=reason)
        at.write(turned)
    at.turn.commit()


def _leave_what_followed(now: Step, after: str, sent: Sequence[Any] = ()) -> None:
    """What the item came to stand at by a decision is left, and whoever had something to do there is told.

    `after`: id of what was decided, as `rounds.withdraw` takes it. `sent`: as `corrections` gives it.
    """
    turn, item_id = now.turn, now.item_id
    asking.stop(turn, item_id, now.instance)
    turn.end_incidents(now.instance, now.element.id)
    for start in sent:
        if start.status == "open":
            rewinding.vanished(turn, start.id)
            items.leave_item(turn, start.instance, start.element, None)
    if now.round.outcome is None:
        rewinding.vanished(turn, item_id)
        now.write(deciding.lapse(now.round))
    rounds.withdraw(turn, item_id, after)


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
    if to.corrected and to.corrected.status == "open":
        _leave_what_followed(standing(turn, to.corrected.id), item_id)
    rewinding.rewind(turn, item_id, to)
    unit.write(_WITHDRAW, sign_off_id=done.sign_off_id)
    if done.round_id:
        unit.write(_REOPEN_ROUND, round_id=done.round_id)
    absent = done.for_id if done.for_id != actor else None
    anew = Signer(number=rows[-1].position + 1, person=actor, for_person=absent, state="open", former=done.position)
    sign_offs.add(turn, item_id, done.round_id, anew, role=done.role, like=done.sign_off_id)
    sealed = services.keyring.seal_json(dict(to.values), purpose(item_id, actor))
    unit.add(Draft, item_id=item_id, person_id=actor, revision=new_id(), values=sealed, saved_at=turn.now)
    turn.commit()


def corrections(connection: sa.Connection, item_id: str) -> Sequence[Any]:
    """The start forms that were sent back from an item for correction, as rows {id, element, instance, status, who sent it}."""
    given = sa.select(SignOff.decided_by).where(SignOff.item_id == WorkItem.id, SignOff.state == "approved")
    who = given.order_by(SignOff.position.desc()).limit(1).scalar_subquery().label("who")
    sent = sa.select(WorkItem.id, WorkItem.element, WorkItem.instance, WorkItem.status, who)
    return connection.execute(sent.where(WorkItem.corrects == item_id)).all()


def taken_back(
    steps: Sequence[Mapping[str, Json]],
    rows: Sequence[Any],
    which: tuple[int, int],
    barred: Mapping[str, str],
    actor: str,
    sent: Sequence[Any],
) -> tuple[tuple[int, int], Round]:
    """The round in which the actor takes back what they did last: where the item stands, or the one by which it came there, while nobody
    acted since.

    `which`: place of the step where the item stands, and number of its round, the one decided last where none is open. `rows`: of all
    steps and rounds, by their order. `sent`: as `corrections` gives it. Raises as `withdrawing.withdraw`, and NotAllowed where the chain
    does not offer it.
    """

    def read(which: tuple[int, int]) -> Round:
        return round_of(rows_of(rows, which), steps[which[0]], barred, actor)

    found, earlier = which, opened_by(rows, which)
    if withdrawing.last(read(which), actor) is None:
        if earlier is None or withdrawing.last(read(earlier), actor) is None:
            raise _too_late(rows, barred, actor)
        found = earlier
    round = read(found)
    if round.outcome is not None:
        untouched(rows, found, sent)
    if "withdraw" not in setting(steps[found[0]], "verbs"):
        raise NotAllowed(reason="the approval chain does not offer this in this step")
    withdrawing.withdraw(round, actor)
    return found, round


def completed(rows: Sequence[Any], subject: str, actor: str) -> Any:
    """The row of the sign-off with which the actor completed an item that no chain describes. Raises NotAllowed."""
    if actor == subject:
        raise NotAllowed(reason="nobody decides in a case about themselves")
    found = [row for row in rows if row.sign_off_id and row.state == "approved" and row.decided_by == actor]
    if not found:
        raise NotAllowed(reason=_NOTHING)
    return found[-1]


def untouched(rows: Sequence[Any], since: tuple[int, int], sent: Sequence[Any]) -> None:
    """Raises ActedOn if somebody has done anything in a round that was opened since this one, or sent again what it had sent back, and
    DecidedByRule where a rule has decided in one.

    `rows` and `sent`: as for `taken_back`; the later round or start form has the later id (`rounds.Passed`).
    """
    before = rows_of(rows, since)[0].round_id
    for start in sent:
        if start.id > before and start.status == "completed":
            raise ActedOn(who=start.who or "")
    later = [row for row in rows if row.sign_off_id and row.round_id > before and row.outcome != situations.WITHDRAWN]
    for row in later:
        if row.decided_by and row.state != "withdrawn":
            raise ActedOn(who=row.decided_by)
        if row.state in ("approved", "rejected"):
            raise DecidedByRule()
    for row in later:
        if row.by_position is not None:
            [asked] = [one for one in later if one.round_id == row.round_id and one.position == row.by_position]
            raise ActedOn(who=asked.person_id or "")


def _too_late(rows: Sequence[Any], barred: Mapping[str, str], actor: str) -> PartwellError:
    """Why somebody has nothing to take back: who acted on what they did, if they did something."""
    if actor in barred:
        return NotAllowed(reason=barred[actor])
    decided = [row for row in rows if row.sign_off_id and row.decided_at and row.state != "withdrawn"]
    own = [row for row in decided if actor in (row.decided_by, row.for_id) and row.state not in ("removed", "lapsed")]
    if not own:
        return NotAllowed(reason=_NOTHING)
    last = max(own, key=lambda row: (row.round_id, row.position))
    after = (row for row in decided if row.round_id > last.round_id or (row.round_id == last.round_id and row.state == "returned"))
    first = min((row for row in after if row is not last), key=lambda row: (row.round_id, row.decided_at), default=None)
    if first is None:
        return NotAllowed(reason=_NOTHING)
    return ActedOn(who=first.decided_by) if first.decided_by else DecidedByRule()
