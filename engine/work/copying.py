"""抄送: whoever takes part shows a case to others, and a chain shows it to whom its step names once the step is decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import access, copies
from ..chains.steps import setting
from ..errors import CaseNotRunning, FormInvalid, MayNotBeTold, NotAllowed, NotFound
from ..locking import done_before, lock
from ..models import Chain, Person, WorkItem, WorkRound, WorkStep
from ..people import directory
from ..rules import Rules, rules_of
from ..turn import Turn
from .steps import said

if TYPE_CHECKING:
    from ..services import Services

#: persons who get a copy at once
_MOST = 20


def copy(services: Services, item_id: str, *, persons: Sequence[str], actor: str, reason: str = "", request_id: str) -> None:
    """Show the case to these persons as it looks from a work item, with a few words.

    Raises NotFound, NotAllowed, CaseNotRunning for a closed case, FormInvalid without persons or with too many, MayNotBeTold.
    """
    _send(services, persons, actor, reason, request_id, item_id=item_id)


def copy_case(services: Services, case_id: str, *, persons: Sequence[str], actor: str, reason: str = "", request_id: str) -> None:
    """Show the case to these persons. Raises as `copy`."""
    _send(services, persons, actor, reason, request_id, case_id=case_id)


def _send(services: Services, persons: Sequence[str], actor: str, reason: str, request_id: str, **where: str) -> None:
    note, persons = said(reason, "reason", None), list(dict.fromkeys(persons))
    if not persons:
        raise FormInvalid({"persons": ["Choose at least one person."]})
    if len(persons) > _MOST:
        raise FormInvalid({"persons": ["At most 20 people get a copy at once."]})
    with services.database.unit() as unit:
        case = lock(unit, **where)
        if done_before(unit, case.id, actor=actor, request_id=request_id):
            return
        connection, item = unit.connection, None
        if item_id := where.get("item_id"):
            item = connection.execute(sa.select(WorkItem.__table__).where(WorkItem.id == item_id)).one()
        turn = Turn(services, unit, case, actor=actor, request_id=request_id)
        must_copy(connection, item, case, rules_of(turn.deployed.files), actor, turn.now)
        _must_read(connection, case, persons, actor, turn.now)
        copies.send(turn, persons, by=actor, item=item, note=note)
        turn.commit()


def must_copy(connection: sa.Connection, item: Any, case: Any, rules: Rules, actor: str, now: dt.datetime) -> None:
    """Raises NotAllowed unless the actor may show the case to others from this item, or from the case where it is None.

    Whoever takes part there may, as far as the chain offers it in the step where the item stands, and who sees every case of
    the procedure; a copy alone does not open this. Raises CaseNotRunning for a closed case.
    """
    if not directory.present(connection, [actor], directory.day(now)):
        raise NotAllowed(reason="your account may not act any more")
    if actor == case.subject_id:
        raise NotAllowed(reason="nobody shows others a case about themselves")
    if not directory.roles_of(connection, actor) & (rules.managers | rules.readers):
        initiator = item is None and actor == case.initiator_id
        if not initiator and not access.takes_part(connection, case.id, actor, item.id if item is not None else None):
            raise NotAllowed(reason="only who takes part shows this to others")
        if item is not None and not _offered(connection, item):
            raise NotAllowed(reason="the approval chain does not offer this in this step")
    if case.status == "closed":
        raise CaseNotRunning(case=case.number, state=case.status)


def _offered(connection: sa.Connection, item: Any) -> bool:
    """Whether the item has no chain, or its chain offers it in the step where it stands, or ended."""
    if item.chain_id is None:
        return True
    last = sa.select(sa.func.max(WorkStep.position)).join(WorkRound, WorkRound.step_id == WorkStep.id).where(WorkStep.item_id == item.id)
    place = connection.execute(last).scalar_one()
    steps = connection.execute(sa.select(Chain.steps).where(Chain.id == item.chain_id)).scalar_one()
    return place is not None and "copy" in setting(steps[place], "verbs")


def _must_read(connection: sa.Connection, case: Any, persons: Sequence[str], actor: str, now: dt.datetime) -> None:
    """Raises NotFound, MayNotBeTold."""
    names = {row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(persons)))}
    present = directory.present(connection, persons, directory.day(now))
    for person in persons:
        if person not in names:
            raise NotFound(what="person", name=person)
        if person == case.subject_id:
            raise MayNotBeTold(who=names[person], reason="the case is about them")
        if person == actor:
            raise MayNotBeTold(who=names[person], reason="that is yourself")
        if person not in present:
            raise MayNotBeTold(who=names[person], reason="they have left, or may not act any more")
