"""超时: what a chain has done by itself when a signer's time is over, and a due time that a manager moves."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import dues, situations
from ..cases import must_say
from ..chains import resolve
from ..chains.company import Company
from ..chains.steps import setting
from ..db import Statement
from ..errors import MayNotSign, NobodySigns, NotAllowed, NotFound, SignsAlready
from ..ledger import Event
from ..models import Candidate, SignOff
from ..signing import deciding, passing
from ..signing.round import Round, Signer, Turned
from .steps import Step, standing, step

if TYPE_CHECKING:
    from ..services import Services
    from ..turn import Turn

#: working hours between two reminders, where the chain does not say
_EVERY = 8
_OUTCOMES = {"approve": "approved", "reject": "rejected"}
_WHERE = Statement(sa.select(SignOff.item_id, SignOff.state).where(SignOff.id == sa.bindparam("sign_off_id")))
_MOVE = Statement(sa.update(SignOff).where(SignOff.id == sa.bindparam("sign_off_id")).values(due_at=sa.bindparam("due")))


def ring(turn: Turn, job: Any) -> None:
    """A sign-off's time is over: what its step says is done in nobody's name. Nothing, where it was given meanwhile.

    Raises NobodySigns where it is to go to somebody and nobody can take it.
    """
    row = turn.unit.one(_WHERE, sign_off_id=job.instance)
    if row is None or row.state not in ("open", "waiting"):
        return
    at = standing(turn, row.item_id)
    number = at.number(job.instance)
    signer = at.round.signers[number]
    rule = setting(at.asks, "on_due")
    match rule["do"]:
        case "approve" | "reject" if turned := _decided(at.round, number, outcome := _OUTCOMES[rule["do"]]):
            at.record(Event.SIGN_OFF_BY_RULE, decision=outcome, to=at.named([signer.person]))
            at.write(turned)
            at.follow(turned)
        case "escalate" | "transfer" if rule.get("to") is None or _named(at, rule) != signer.person:
            to, turned = _passed(at, signer, rule)
            at.record(Event.SIGN_OFF_ESCALATED, former=at.named([signer.person]), to=at.named([to]))
            at.write(turned)
        case _:
            _remind(at, signer, rule, int(job.key.rpartition(":")[2]))


def _decided(round: Round, number: int, outcome: str) -> Turned | None:
    """The round with this sign-off given by the rule; None while it waits for others than those who were asked for an opinion."""
    try:
        return deciding.by_rule(round, number, outcome)
    except NotAllowed:
        return None


def _remind(at: Step, signer: Signer, rule: Any, times: int) -> None:
    """The holder, or whoever could take it, is reminded, and again after a while, as often as the chain says.

    Where a rule is to decide and it is not the signer's turn, that is looked at again until it is.
    """
    offered = sa.select(Candidate.ref).where(Candidate.sign_off_id == at.rows[signer.number].sign_off_id, Candidate.kind == "person")
    to = [signer.person] if signer.person else sorted(at.turn.unit.connection.execute(offered).scalars())
    at.record(Event.SIGN_OFF_REMINDED, to=at.named(to), times=times)
    at.turn.tell("overdue", to, item=at.item_id)
    if times < rule.get("times", 1) or rule["do"] in _OUTCOMES:
        pause = dt.timedelta(hours=rule.get("every_hours", _EVERY))
        again = dues.calendar(at.turn, signer.person).add(at.turn.now, hours=pause)
        dues.arm(at.turn, at.element.id, at.asks, at.rows[signer.number].sign_off_id, again, number=times + 1)


def _named(at: Step, rule: Any) -> str | None:
    """Whom the chain names to take it; who holds it already is reminded instead."""
    return Company(at.turn.unit.connection, at.turn.now).find(rule["to"])


def _passed(at: Step, signer: Signer, rule: Any) -> tuple[str, Turned]:
    """The round with another signer in the place: whom the chain names, or the superiors upward, else who manages the procedure."""
    company = Company(at.turn.unit.connection, at.turn.now)
    case = situations.situation(at.turn, at.instance, chain=at.chain.key)
    if rule["do"] == "transfer":
        wanted = [_named(at, rule) or ""]
    else:
        wanted = company.superiors(signer.for_person or signer.person or "")
    for person in [*resolve.fit(company, wanted, case), *resolve.managers(company, case)]:
        try:
            return person, passing.by_rule(at.round, signer.number, person)
        except (SignsAlready, MayNotSign):
            continue
    raise NobodySigns(step=at.asks["name"])


def move_due(services: Services, item_id: str, sign_off_id: str, due: dt.datetime, *, actor: str, reason: str, request_id: str) -> None:
    """A manager of the procedure lets an undecided sign-off be due at another time (with time zone). Recorded with the former one.

    Raises as `reassign`.
    """
    due = due.astimezone(dt.UTC)
    with services.database.unit() as unit:
        at = step(services, unit, item_id, actor, request_id)
        if at is None:
            return
        if not at.managed() or actor in at.round.barred:
            raise NotAllowed(reason="only managers of this procedure can do it")
        row = at.rows[at.number(sign_off_id)]
        if row.due_at is None or row.state not in ("open", "waiting"):
            raise NotFound(what="sign-off with a due time", name=sign_off_id)
        facts = {"due": due.isoformat(), "before": row.due_at.isoformat(), "reason": must_say(reason)}
        at.record(Event.SIGN_OFF_DUE_MOVED, to=at.named([row.person_id]), **facts)
        unit.write(_MOVE, sign_off_id=sign_off_id, due=due)
        dues.rearm(at.turn, at.element.id, at.asks, sign_off_id, due)
        dues.show(at.turn, item_id)
        at.turn.commit()
