"""Work of people who are gone: what is open with somebody disabled, or whose employment is over, goes to somebody who is there.

Work that no chain describes does so, too, such as a start form that came back; what is for the employee concerned stays theirs.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import asking, rounds
from ..chains import resolve
from ..chains.company import Company
from ..errors import MayNotSign, NobodySigns, PartwellError, SignsAlready
from ..ledger import Event
from ..locking import lock
from ..models import Case, Person, ProcedureVersion, SignOff, Substitution, WorkItem
from ..models.work import OPEN
from ..people import absences, directory
from ..signing import passing
from ..signing.round import Signer, Turned
from ..turn import Turn
from .handover import HOLD
from .steps import Step, standing

if TYPE_CHECKING:
    from ..services import Services

log = logging.getLogger(__name__)

#: sign-offs that one look passes on; the next one goes on
MOST = 100


def reroute(services: Services, now: dt.datetime) -> int:
    """Pass on what those hold who may not act any more: to who stands in for them, else to whom the step finds now, else to managers.
    What comes to somebody who is about to leave goes to whom it is handed over.

    Gives how many sign-offs that were. Each is a transaction of its own; one that nobody can take stays, and is tried again.
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
            row: Any = unit.connection.execute(sa.select(SignOff.state, SignOff.person_id).where(SignOff.id == sign_off_id)).one()
            if row.state != "open" or turn.status != "running":
                return False
            item: Any = unit.connection.execute(sa.select(WorkItem.__table__).where(WorkItem.id == item_id)).one()
            if item.chain_id is None:
                return _without_chain(turn, item, sign_off_id, row.person_id)
            at = standing(turn, item_id)
            signer = at.round.signers[at.number(sign_off_id)]
            if signer.person is None:
                return False
            if directory.present(unit.connection, [signer.person], directory.day(turn.now)):
                leaving = absences.handover(unit.connection, signer.person, turn.now)
                if leaving is None:
                    return False
                to, event = leaving.substitute_id, Event.SIGN_OFF_HANDED_OVER
                turned = passing.hand_over(at.round, None, signer.number, to)
            else:
                event = Event.SIGN_OFF_REROUTED
                to, turned = _instead(at, signer, signer.person)
            at.record(event, former=at.named([signer.person]), to=at.named([to]))
            at.write(turned)
            turn.commit()
    except PartwellError as error:
        log.warning("a sign-off of case %s whose signer is gone could not be passed on: %s", case_id, error.code)
        return False
    return True


def _without_chain(turn: Turn, item: Any, sign_off_id: str, holder: str | None) -> bool:
    """Raises NobodySigns."""
    connection = turn.unit.connection
    if holder is None:
        return False
    company, case = Company(connection, turn.now), rounds.situation(turn, None)
    if directory.present(connection, [holder], directory.day(turn.now)):
        leaving = absences.handover(connection, holder, turn.now)
        if leaving is None:
            return False
        event, wanted = Event.SIGN_OFF_HANDED_OVER, resolve.fit(company, [leaving.substitute_id], case)
    else:
        stand_in = company.stand_in(holder, case.procedure, None)
        wanted = [*(resolve.fit(company, [stand_in.person], case) if stand_in else []), *resolve.managers(company, case)]
        event = Event.SIGN_OFF_REROUTED
    to = next((person for person in wanted if person != holder), None)
    if to is None:
        raise NobodySigns(step=item.name)
    former, new = ([one] for one in company.named([holder, to]))
    turn.record(event, element=item.element, item=item.id, former=former, to=new)
    turn.unit.write(HOLD, sign_off_id=sign_off_id, holder=to)
    turn.tell("transferred", [to], item=item.id)
    turn.commit()
    return True


def _instead(at: Step, signer: Signer, gone: str) -> tuple[str, Turned]:
    """Raises NobodySigns."""
    company = Company(at.turn.unit.connection, at.turn.now)
    case = rounds.situation(at.turn, at.instance, chain=at.chain.key)
    case = replace(case, answers=asking.answers(at.turn.unit.connection, at.round_id))
    stand_in = company.stand_in(gone, case.procedure, case.chain)
    wanted = resolve.fit(company, [stand_in.person], case) if stand_in else []
    for person in [*wanted, *resolve.one(company, at.asks, case).persons, *resolve.managers(company, case)]:
        try:
            return person, passing.by_rule(at.round, signer.number, person)
        except (SignsAlready, MayNotSign):
            continue
    raise NobodySigns(step=at.asks["name"])
