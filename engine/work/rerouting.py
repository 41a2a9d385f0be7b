"""Work of people who are gone: what is open with somebody disabled, or whose employment is over, goes to somebody who is there.

What they had taken of what was offered to several is offered to the others again: who stands in for them has no more right to it than
those. Work that no chain describes is passed on, too, such as a start form that came back; what is for the employee concerned stays
theirs.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import asking, situations
from ..chains import resolve
from ..chains.company import Company
from ..errors import MayNotSign, NobodySigns, PartwellError, SignsAlready
from ..ledger import Event
from ..locking import lock
from ..models import Candidate, Case, LedgerPage, Person, ProcedureVersion, SignOff, Substitution, WorkItem
from ..models.work import OPEN
from ..people import absences, directory
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
#: sign-offs that one look passes on; the next one goes on
MOST = 100


def reroute(services: Services, now: dt.datetime) -> int:
    """Pass on what those hold who may not act any more: back to the others to whom it was offered, too, else to who stands in for them,
    else to whom the step finds now, else to managers. What comes to somebody who is about to leave goes to whom it is handed over.

    Gives how many sign-offs that were. Each is a transaction of its own; one that nobody can take stays, which the case's ledger tells
    once, and is tried again.
    """
    with services.database.reading() as connection:
        gone = sa.select(Person.id).where(~directory.here(directory.day(now)))
        found = connection.execute(
            sa.select(SignOff.id, SignOff.item_id, SignOff.case_id)
            .join(WorkItem, WorkItem.id == SignOff.item_id)
            .join(Case, Case.id == SignOff.case_id)
            .join(ProcedureVersion, ProcedureVersion.id == Case.version_id)
            .where(SignOff.state == OPEN, sa.or_(SignOff.person_id.in_(gone), _came_later(now)), ~WorkItem.for_subject)
            .where(Case.status == "running", ~ProcedureVersion.suspended)
            .limit(MOST)
        ).all()
    return sum(_passed_on(services, row.case_id, row.item_id, row.id) for row in found)


def _came_later(now: dt.datetime) -> sa.ColumnElement[bool]:
    """Condition on sign-offs: they came to somebody who leaves, since what comes to them is handed over."""
    rule = sa.exists().where(Substitution.handover, Substitution.absent_id == SignOff.person_id, *absences.holds_at(now))
    return rule.where(Substitution.starts_at < SignOff.opened_at)


def _passed_on(services: Services, case_id: str, item_id: str, sign_off_id: str) -> bool:
    try:
        with services.database.unit() as unit:
            turn = Turn(services, unit, lock(unit, case_id=case_id), actor=None)
            row: Any = unit.connection.execute(_ROW.where(SignOff.id == sign_off_id)).one()
            if row.state != "open" or row.person_id is None or turn.status != "running":
                return False
            here = directory.present(unit.connection, [row.person_id], directory.day(turn.now))
            leaving = absences.handover(unit.connection, row.person_id, turn.now) if here else None
            if here and leaving is None:
                return False
            if not here and _put_back(turn, row):
                return True
            act = _without_chain if row.chain_id is None else _in_chain
            act(turn, row, leaving)
            turn.commit()
    except PartwellError as error:
        _say_once(services, case_id, sign_off_id, error)
        return False
    return True


def _put_back(turn: Turn, row: Any) -> bool:
    """Whether it was offered to others, too, of whom somebody is there; then it is again."""
    connection = turn.unit.connection
    offered = connection.execute(sa.select(Candidate.kind, Candidate.ref, Candidate.for_id).where(Candidate.sign_off_id == row.id)).all()
    persons = {one for each in offered if each.kind == "person" for one in (each.ref, each.for_id) if one}
    roles = [each.ref for each in offered if each.kind == "role"] + ([row.role] if row.role else [])
    today = directory.day(turn.now)
    there = directory.present(connection, persons, today) | set(directory.holders(connection, *roles, on=today) if roles else ())
    others = sorted(there - {row.person_id, turn.case.subject_id})
    if not others:
        return False
    [former] = Company(connection, turn.now).named([row.person_id])
    turn.record(Event.ITEM_RELEASED, element=row.element, item=row.item_id, former=[former])
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
        stand_in = company.stand_in(row.person_id, case.procedure, None)
        wanted = [*(resolve.fit(company, [stand_in.person], case) if stand_in else []), *resolve.managers(company, case)]
        event = Event.SIGN_OFF_REROUTED
    to = next((person for person in wanted if person != row.person_id), None)
    if to is None:
        raise NobodySigns(step=row.name)
    former, new = ([one] for one in company.named([row.person_id, to]))
    turn.record(event, element=row.element, item=row.item_id, former=former, to=new)
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
    at.record(event, former=at.named([row.person_id]), to=at.named([to]))
    at.write(turned)


def _say_once(services: Services, case_id: str, sign_off_id: str, error: PartwellError) -> None:
    """The ledger tells that nobody can take a sign-off, however often that is tried with the same holder."""
    with services.database.unit() as unit:
        case = lock(unit, case_id=case_id)
        row: Any = unit.connection.execute(_ROW.where(SignOff.id == sign_off_id)).one()
        mark = f"kept:{sign_off_id}:{row.person_id}:{error.facts.get('who', '')}"
        said = unit.connection.execute(sa.select(LedgerPage.number).where(LedgerPage.request_id == mark)).first()
        if said or row.state != "open" or row.person_id is None or case.status != "running":
            return
        turn = Turn(services, unit, case, actor=None, request_id=mark)
        company, who = Company(unit.connection, turn.now), error.facts.get("who")
        to = {"to": company.named([str(who)])} if who else {}
        turn.record(Event.SIGN_OFF_KEPT, element=row.element, item=row.item_id, former=company.named([row.person_id]), **to)
        turn.commit()
    log.warning("a sign-off of case %s that should go to somebody else stays where it is: %s", case_id, error.code)


def _instead(at: Step, signer: Signer, gone: str) -> tuple[str, Turned]:
    """Raises NobodySigns."""
    company = Company(at.turn.unit.connection, at.turn.now)
    case = situations.at_step(at.turn, at.item, at.position)
    case = replace(case, answers=asking.answers(at.turn.unit.connection, at.round_id))
    stand_in = company.stand_in(gone, case.procedure, case.chain)
    wanted = resolve.fit(company, [stand_in.person], case) if stand_in else []
    for person in [*wanted, *resolve.one(company, at.asks, case).persons, *resolve.managers(company, case)]:
        try:
            return person, passing.by_rule(at.round, signer.number, person)
        except (SignsAlready, MayNotSign):
            continue
    raise NobodySigns(step=at.asks["name"])
