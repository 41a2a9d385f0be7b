"""Work of people who are gone: what is open with somebody disabled, or whose employment is over, goes to somebody who is there.

What they had taken of what was offered to several is offered to the others again: who stands in for them has no more right to it than
those. Once all of them are gone it goes to somebody who is there, too; what is offered to a role alone waits for who gets the role.
Work that no chain describes is passed on, too, such as a start form that came back; what is for the employee concerned stays theirs.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import asking, situations
from ..chains import resolve
from ..chains.company import Company
from ..errors import DatabaseAway, MayNotSign, NobodySigns, NotAllowed, PartwellError, SignsAlready
from ..ledger import Event
from ..locking import lock
from ..models import Candidate, Case, Holding, LedgerPage, Person, ProcedureVersion, SignOff, Substitution, WorkItem
from ..models.work import OPEN
from ..people import absences, directory
from ..ports import Json
from ..signing import passing
from ..signing.round import Signer, Turned
from ..turn import Turn
from .holding import HOLD
from .steps import Step, standing

if TYPE_CHECKING:
    from ..services import Services

log = logging.getLogger(__name__)

_ROW = sa.select(
    *(SignOff.id, SignOff.state, SignOff.person_id, SignOff.for_id, SignOff.role, SignOff.item_id),
    *(WorkItem.element, WorkItem.name, WorkItem.chain_id),
).join(WorkItem, WorkItem.id == SignOff.item_id)
#: sign-offs that one look tries to pass on; the next one goes on
MOST = 100
#: condition on sign-offs: their case's ledger tells of one that nobody can take
_TOLD = sa.exists().where(LedgerPage.case_id == SignOff.case_id, LedgerPage.event == Event.SIGN_OFF_KEPT).correlate(SignOff)
#: why nobody can take one; anything else may pass
_CANNOT = (NobodySigns, MayNotSign, SignsAlready, NotAllowed)


def reroute(services: Services, now: dt.datetime) -> int:
    """Pass on what is held by those who may not act any more, or was offered to nobody else: back to the others to whom it was offered,
    too, else to who stands in for them, else to whom the step finds now, else to managers. What comes to somebody who is about to leave
    goes to whom it is handed over.

    Gives how many sign-offs that were. Each is a transaction of its own; one that nobody can take stays, which the case's ledger tells
    once, and is tried again after those in other cases, in no order, so that none keeps the others waiting for ever. So is one that
    fails otherwise, which the log tells. Raises DatabaseAway.
    """
    today = directory.day(now)
    gone = sa.select(Person.id).where(~directory.here(today))
    wanted = (
        sa.select(SignOff.id, SignOff.case_id)
        .join(WorkItem, WorkItem.id == SignOff.item_id)
        .join(Case, Case.id == SignOff.case_id)
        .join(ProcedureVersion, ProcedureVersion.id == Case.version_id)
        .where(SignOff.state == OPEN, ~WorkItem.for_subject, Case.status == "running", ~ProcedureVersion.suspended)
        .order_by(_TOLD, sa.func.random())
        .limit(MOST)
    )
    with services.database.reading() as connection:
        held = connection.execute(wanted.where(sa.or_(SignOff.person_id.in_(gone), _came_later(now)))).all()
        offered = connection.execute(wanted.where(SignOff.person_id.is_(None), *_to_nobody(today))).all()
    return sum(_tried(services, row.case_id, row.id) for row in [*held, *offered])


def _came_later(now: dt.datetime) -> sa.ColumnElement[bool]:
    """Condition on sign-offs: they came to somebody who leaves, since what comes to them is handed over."""
    rule = sa.exists().where(Substitution.handover, Substitution.absent_id == SignOff.person_id, *absences.holds_at(now))
    return rule.where(Substitution.starts_at < SignOff.opened_at)


def _to_nobody(on: dt.date) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions on sign-offs: they are offered to several, of whom nobody is there but the employee concerned."""
    offered, here = Candidate.sign_off_id == SignOff.id, directory.here(on)
    # a reference is a role's name or an id, which PostgreSQL tells apart from an id
    refs = sa.select(sa.func.replace(sa.cast(Person.id, sa.String), "-", "")).where(here)
    there = sa.or_(Candidate.ref.in_(refs), Candidate.for_id.in_(sa.select(Person.id).where(here)))
    by_name = sa.exists().where(offered, Candidate.kind == "person", there)
    holds = sa.and_(Holding.role == Candidate.ref, Person.id == Holding.person_id, Person.id != Case.subject_id, here)
    by_role = sa.exists().where(offered, Candidate.kind == "role", holds)
    return sa.exists().where(offered), ~by_name, ~by_role


def _tried(services: Services, case_id: str, sign_off_id: str) -> bool:
    """Whether it was passed on."""
    try:
        return _passed_on(services, case_id, sign_off_id)
    except DatabaseAway:
        raise
    except Exception:
        log.exception("a sign-off of case %s could not be passed on; the next look tries again", case_id)
        return False


def _passed_on(services: Services, case_id: str, sign_off_id: str) -> bool:
    with services.database.unit() as unit:
        turn = Turn(services, unit, lock(unit, case_id=case_id), actor=None)
        row: Any = unit.connection.execute(_ROW.where(SignOff.id == sign_off_id)).one()
        if row.state != "open" or turn.status != "running":
            return False
        here = bool(row.person_id and directory.present(unit.connection, [row.person_id], directory.day(turn.now)))
        leaving = absences.handover(unit.connection, row.person_id, turn.now) if here else None
        if here and leaving is None:
            return False
        if not here and (others := _others(turn, row)):
            return _put_back(turn, row, others)
        act = _without_chain if row.chain_id is None else _in_chain
        try:
            act(turn, row, leaving)
        except _CANNOT as error:
            refused = error
        else:
            turn.commit()
            return True
    _say_once(services, case_id, row, refused)
    return False


def _offers(connection: sa.Connection, sign_off_id: str) -> Sequence[Any]:
    return connection.execute(sa.select(Candidate.kind, Candidate.ref, Candidate.for_id).where(Candidate.sign_off_id == sign_off_id)).all()


def _former(connection: sa.Connection, company: Company, row: Any) -> list[dict[str, Json]]:
    """Who held it, or to whom it was offered, as the ledger tells them."""
    if row.person_id:
        return company.named([row.person_id])
    offered = _offers(connection, row.id)
    roles: list[dict[str, Json]] = [{"role": each.ref} for each in offered if each.kind == "role"]
    return [*company.named(each.ref for each in offered if each.kind == "person"), *roles]


def _others(turn: Turn, row: Any) -> list[str]:
    """To whom it is offered, too, of those who are there."""
    connection = turn.unit.connection
    offered = _offers(connection, row.id)
    persons = {one for each in offered if each.kind == "person" for one in (each.ref, each.for_id) if one}
    roles = [each.ref for each in offered if each.kind == "role"] + ([row.role] if row.role else [])
    today = directory.day(turn.now)
    there = directory.present(connection, persons, today) | set(directory.holders(connection, *roles, on=today) if roles else ())
    return sorted(there - {row.person_id, turn.case.subject_id})


def _put_back(turn: Turn, row: Any, others: Sequence[str]) -> bool:
    """It is offered to these again; whether it was not yet."""
    if row.person_id is None:
        return False
    former = Company(turn.unit.connection, turn.now).named([row.person_id])
    turn.record(Event.ITEM_RELEASED, element=row.element, item=row.item_id, former=former)
    turn.unit.write(HOLD, sign_off_id=row.id, holder=None, absent=None)
    turn.tell("offered", others, item=row.item_id)
    turn.commit()
    return True


def _without_chain(turn: Turn, row: Any, leaving: Any) -> None:
    """`leaving`: by which substitution what comes to the holder is handed over; None where they are gone. Raises NobodySigns."""
    company, case = Company(turn.unit.connection, turn.now), situations.situation(turn, None)
    if leaving is not None:
        event, wanted = Event.SIGN_OFF_HANDED_OVER, resolve.fit(company, [leaving.substitute_id], case)
    else:
        stand_in = company.stand_in(row.person_id, case.procedure, None) if row.person_id else None
        wanted = [*(resolve.fit(company, [stand_in.person], case) if stand_in else []), *resolve.managers(company, case)]
        event = Event.SIGN_OFF_REROUTED
    to = next((person for person in wanted if person != row.person_id), None)
    if to is None:
        raise NobodySigns(step=row.name)
    former = _former(turn.unit.connection, company, row)
    turn.record(event, element=row.element, item=row.item_id, former=former, to=company.named([to]))
    turn.unit.write(HOLD, sign_off_id=row.id, holder=to, absent=row.for_id if row.for_id != to else None)
    turn.tell("transferred", [to], item=row.item_id)


def _in_chain(turn: Turn, row: Any, leaving: Any) -> None:
    """As `_without_chain`. Raises NobodySigns, MayNotSign, SignsAlready."""
    at = standing(turn, row.item_id)
    signer = at.round.signers[at.number(row.id)]
    if leaving is not None:
        event, to = Event.SIGN_OFF_HANDED_OVER, leaving.substitute_id
        turned = passing.hand_over(at.round, None, signer.number, to)
    else:
        event = Event.SIGN_OFF_REROUTED
        to, turned = _instead(at, signer, row.person_id)
    former = _former(turn.unit.connection, Company(turn.unit.connection, turn.now), row)
    at.record(event, former=former, to=at.named([to]))
    at.write(turned)


def _say_once(services: Services, case_id: str, tried: Any, error: PartwellError) -> None:
    """The ledger tells that nobody can take a sign-off, however often that is tried with the same holder."""
    with services.database.unit() as unit:
        case = lock(unit, case_id=case_id)
        row: Any = unit.connection.execute(_ROW.where(SignOff.id == tried.id)).one()
        mark = f"kept:{row.id}:{row.person_id or ''}:{error.facts.get('who', '')}"
        said = unit.connection.execute(sa.select(LedgerPage.number).where(LedgerPage.request_id == mark)).first()
        if said or row.state != "open" or row.person_id != tried.person_id or case.status != "running":
            return
        turn = Turn(services, unit, case, actor=None, request_id=mark)
        company, who = Company(unit.connection, turn.now), error.facts.get("who")
        to = {"to": company.named([str(who)])} if who else {}
        turn.record(Event.SIGN_OFF_KEPT, element=row.element, item=row.item_id, former=_former(unit.connection, company, row), **to)
        turn.commit()
    log.warning("a sign-off of case %s that should go to somebody else stays where it is: %s", case_id, error.code)


def _instead(at: Step, signer: Signer, gone: str | None) -> tuple[str, Turned]:
    """Raises NobodySigns."""
    company = Company(at.turn.unit.connection, at.turn.now)
    case = situations.at_step(at.turn, at.item, at.position)
    case = replace(case, answers=asking.answers(at.turn.unit.connection, at.round_id))
    stand_in = company.stand_in(gone, case.procedure, case.chain) if gone else None
    wanted = resolve.fit(company, [stand_in.person], case) if stand_in else []
    for person in [*wanted, *resolve.one(company, at.asks, case).persons, *resolve.managers(company, case)]:
        try:
            return person, passing.by_rule(at.round, signer.number, person)
        except (SignsAlready, MayNotSign):
            continue
    raise NobodySigns(step=at.asks["name"])
