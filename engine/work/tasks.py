"""One work item in the hands of one person: read under the case's lock, so that the second of two at once gets a true answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from ..bpmn.model import Element
from ..db import Statement, Unit
from ..errors import AlreadyDecided, ItemClosed, NotAllowed, PartwellError, SentBack, StepStands, TakenByOther
from ..locking import REPEATED, lock_and_read, must_run
from ..models import Candidate, Draft, Holding, Person, SignOff, WorkItem
from ..turn import Turn
from .correcting import begun_with

if TYPE_CHECKING:
    from ..services import Services

_ACTOR = aliased(Person)
_DETAIL = Statement(
    sa.select(
        WorkItem.element,
        WorkItem.instance,
        WorkItem.status,
        WorkItem.for_subject,
        WorkItem.chain_id,
        WorkItem.corrects,
        SignOff.id.label("sign_off_id"),
        SignOff.person_id,
        SignOff.round_id,
        SignOff.role.label("offered_to"),
        Candidate.kind,
        Candidate.ref,
        Candidate.for_id,
        Holding.role,
        _ACTOR.active,
        sa.exists().where(Draft.item_id == WorkItem.id).label("drafts"),
        REPEATED,
    )
    .select_from(WorkItem)
    .outerjoin(SignOff, sa.and_(SignOff.item_id == WorkItem.id, SignOff.state == "open"))
    .outerjoin(Candidate, Candidate.sign_off_id == SignOff.id)
    .outerjoin(
        Holding,
        sa.and_(
            Holding.person_id == sa.bindparam("actor"),
            sa.or_(Holding.role == SignOff.role, sa.and_(Candidate.kind == "role", Holding.role == Candidate.ref)),
        ),
    )
    .outerjoin(_ACTOR, _ACTOR.id == sa.bindparam("actor"))
    .where(WorkItem.id == sa.bindparam("item_id"))
)


@dataclass(frozen=True, kw_only=True)
class Task:
    """An open work item with its open sign-off, which the actor may give."""

    id: str
    turn: Turn
    element: Element
    instance: str
    chain_id: str | None
    #: the item whose approval waits for it, where it is the start form
    corrects: str | None
    sign_off_id: str
    held: bool
    round_id: str | None
    #: offered to others, too, before somebody took it
    offered: bool
    #: the absent one in whose place it is offered to the actor
    absent: str | None
    #: somebody saved a draft
    drafts: bool


def task(services: Services, unit: Unit, item_id: str, actor: str, request_id: str | None) -> Task | None:
    """The item with the sign-off that `actor` may give now; None if this very request was carried out before."""
    case, rows = lock_and_read(unit, _DETAIL, item_id=item_id, actor=actor, request_id=request_id)
    # several may sign at the same time: what is the actor's, else what they could take
    first = min(rows, key=lambda row: (row.person_id != actor, row.role is None and actor not in (row.ref, row.for_id)))
    if first.repeated:
        return None
    if first.status != "open" or first.sign_off_id is None:
        raise closed(unit.connection, item_id, first.status)
    must_run(case)
    if not first.active:
        raise NotAllowed(reason="your account may not act any more")
    if actor == case.subject_id and not (first.for_subject and first.person_id == actor):
        raise NotAllowed(reason="nobody decides in a case about themselves")
    candidate = first.role is not None or (first.kind == "person" and actor in (first.ref, first.for_id))
    if first.person_id != actor and not (first.person_id is None and candidate):
        if candidate:
            holder = unit.connection.execute(sa.select(Person.name).where(Person.id == first.person_id)).scalar_one()
            raise TakenByOther(who=holder)
        raise NotAllowed(reason="this work is not yours")
    turn = Turn(services, unit, case, actor=actor, request_id=request_id)
    return Task(
        id=item_id,
        turn=turn,
        element=begun_with(turn) if first.corrects else turn.deployed.program.elements[first.element],
        instance=first.instance,
        chain_id=first.chain_id,
        corrects=first.corrects,
        sign_off_id=first.sign_off_id,
        held=first.person_id == actor,
        round_id=first.round_id,
        offered=first.offered_to is not None or first.kind is not None,
        absent=first.for_id if first.ref == actor else None,
        drafts=first.drafts,
    )


def closed(connection: sa.Connection, item_id: str, status: str) -> PartwellError:
    """Who closed the item and when, or why it closed."""
    decided = connection.execute(
        sa.select(Person.name, SignOff.decided_at)
        .join(Person, Person.id == SignOff.decided_by)
        .where(SignOff.item_id == item_id, SignOff.decided_at.is_not(None))
        .order_by(SignOff.decided_at.desc())
        .limit(1)
    ).first()
    if status == "completed" and decided:
        return AlreadyDecided(who=decided.name, when=decided.decided_at.isoformat(timespec="minutes"))
    if status == "open":
        asked = sa.select(Person.name).join(SignOff, SignOff.person_id == Person.id).join(WorkItem, WorkItem.id == SignOff.item_id)
        waits = asked.where(WorkItem.corrects == item_id, WorkItem.status == "open", SignOff.state == "open")
        who = connection.execute(waits.limit(1)).scalar_one_or_none()
        return SentBack(who=who) if who else StepStands()
    return ItemClosed(reason="the procedure went on without it")


def permissions(element: Element) -> dict[str, str]:
    """Field → `hidden`, `readonly` or `required`, from the properties `wf.field.<key>`."""
    return {name.removeprefix("wf.field."): value for name, value in element.properties.items() if name.startswith("wf.field.")}


DROP_DRAFT = Statement(sa.delete(Draft).where(Draft.item_id == sa.bindparam("item_id"), Draft.person_id == sa.bindparam("actor")))
