"""催办: whoever waits for others reminds them; the time limit stays what it is."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..calendar import OFFICE
from ..chains.steps import setting
from ..db import Statement
from ..errors import NotAllowed, UrgedAlready
from ..ledger import Event
from ..locking import done_before, lock, must_run
from ..models import Chain, Person, SignOff, WorkItem, WorkRound, WorkStep
from ..notices.telling import holders
from ..people import directory
from ..rules import Rules, rules_of
from ..turn import Turn
from .steps import said
from .tasks import closed

if TYPE_CHECKING:
    from ..services import Services

_URGED = Statement(
    sa.update(WorkItem)
    .where(WorkItem.id == sa.bindparam("item_id"))
    .values(urged_at=sa.bindparam("new_urged_at"), urged_by=sa.bindparam("new_urged_by"))
)


def urge(services: Services, item_id: str, *, actor: str, reason: str = "", request_id: str) -> None:
    """Whoever may act in an open item is told that somebody waits for it.

    Raises NotFound, NotAllowed, AlreadyDecided, ItemClosed, CaseNotRunning, VersionSuspended, UrgedAlready.
    """
    reason = said(reason, "reason", None)
    with services.database.unit() as unit:
        case = lock(unit, item_id=item_id)
        if done_before(unit, case.id, actor=actor, request_id=request_id):
            return
        item = unit.connection.execute(sa.select(WorkItem.__table__).where(WorkItem.id == item_id)).one()
        if item.status != "open":
            raise closed(unit.connection, item_id, item.status)
        must_run(case)
        turn = Turn(services, unit, case, actor=actor, request_id=request_id)
        must_urge(services, unit.connection, item, case, rules_of(turn.deployed.files), actor, turn.now)
        persons, roles = holders(unit.connection, item_id)
        named = unit.connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(persons)).order_by(Person.name))
        to = [{"id": row.id, "name": row.name} for row in named] + [{"role": role} for role in roles]
        turn.record(Event.ITEM_URGED, element=item.element, item=item_id, to=to, reason=reason)
        unit.write(_URGED, item_id=item_id, new_urged_at=turn.now, new_urged_by=actor)
        turn.tell("urged", persons, roles=roles, item=item_id)
        turn.commit()


def must_urge(services: Services, connection: sa.Connection, item: Any, case: Any, rules: Rules, actor: str, now: dt.datetime) -> None:
    """Raises NotAllowed unless the actor may urge who holds this item, SentBack or StepStands where nobody does now, UrgedAlready where
    somebody urged not long ago.

    Who started the case and the managers of the procedure may, and where the chain offers it, whoever signed in the item.
    """
    day = directory.day(now)
    if not directory.present(connection, [actor], day):
        raise NotAllowed(reason="your account may not act any more")
    persons, roles = holders(connection, item.id)
    own = directory.roles_of(connection, actor)
    if actor in persons or own.intersection(roles):
        raise NotAllowed(reason="this waits for you, so there is nobody else to urge")
    if actor != case.initiator_id and (actor == case.subject_id or not (own & rules.managers or _signed(connection, item, actor))):
        raise NotAllowed(reason="only who started the case, who signed before, and managers of this procedure can urge")
    if not persons and not roles:
        raise closed(connection, item.id, item.status)
    if item.urged_at is not None:
        calendar, pause = services.calendars.get(OFFICE), dt.timedelta(hours=services.settings.urge_hours)
        if calendar.worked(item.urged_at, now) < pause:
            again = calendar.add(item.urged_at, hours=pause)
            name = connection.execute(sa.select(Person.name).where(Person.id == item.urged_by)).scalar_one()
            moments = {"when": item.urged_at.isoformat(timespec="minutes"), "again": again.isoformat(timespec="minutes")}
            raise UrgedAlready(who=name, **moments)


def _signed(connection: sa.Connection, item: Any, actor: str) -> bool:
    """Whether the actor signed in the item, and the chain offers it at the step where the item stands."""
    if item.chain_id is None:
        return False
    own = sa.select(SignOff.id).where(SignOff.item_id == item.id, SignOff.decided_by == actor)
    if connection.execute(own.limit(1)).first() is None:
        return False
    standing = sa.select(sa.func.max(WorkStep.position)).join(WorkRound, WorkRound.step_id == WorkStep.id)
    place = connection.execute(standing.where(WorkStep.item_id == item.id, WorkRound.outcome.is_(None))).scalar_one()
    steps = connection.execute(sa.select(Chain.steps).where(Chain.id == item.chain_id)).scalar_one()
    return place is not None and "urge" in setting(steps[place], "verbs")
