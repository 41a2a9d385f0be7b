"""代理, for what is open already: the absent one asks, and it goes to who stands in for them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from .. import timeline
from ..errors import NotAllowed
from ..ledger import Event
from ..models import Case, Chain, Person, SignOff, WorkItem, WorkRound, WorkStep
from ..people import absences, directory
from ..signing import passing
from .steps import Step, by_name, step

if TYPE_CHECKING:
    from ..services import Services

#: open sign-offs that are listed
_MOST = 500
_TOLD = ("item_id", "sign_off_id", "case_id", "number", "title", "step", "step_en", "due_at")
#: whoever holds it may ask for others
_MANAGERS = "admin"


@dataclass(frozen=True, kw_only=True)
class Open:
    """An undecided sign-off of somebody absent, and who would get it."""

    item_id: str
    sign_off_id: str
    case_id: str
    number: str
    title: str
    title_en: str
    #: name of the step
    step: str
    step_en: str
    due_at: dt.datetime | None
    #: id and name of who stands in for them there; None where nobody does now
    substitute: str | None
    substitute_name: str


def open_with(services: Services, person: str, *, actor: str) -> list[Open]:
    """What somebody has to sign by approval chains and nobody stands in for yet, the first due first. Raises NotAllowed."""
    now = services.clock.now()
    with services.database.reading() as connection:
        _may(connection, person, actor)
        rows = connection.execute(
            held(person).order_by(SignOff.due_at.is_(None), SignOff.due_at, WorkItem.opened_at, SignOff.id).limit(_MOST)
        ).all()
        by_scope: dict[tuple[str, str], absences.StandIn | None] = {}
        for row in rows:
            scope = (row.procedure, row.chain)
            if scope not in by_scope:
                by_scope[scope] = absences.stand_in(connection, person, now, *scope)
        ids = {found.person for found in by_scope.values() if found}
        names = {row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(ids)))}
        found = []
        for row in rows:
            away = by_scope[row.procedure, row.chain]
            to = away.person if away and away.person != row.subject_id else None
            own = {name: getattr(row, name) for name in _TOLD}
            english = timeline.title_en(services, row.version_id, row.subject)
            found.append(Open(**own, title_en=english, substitute=to, substitute_name=names.get(to or "", "")))
    return found


def held(person: str) -> Any:
    """Undecided sign-offs of chains that somebody holds in their own name, of cases that go on, as a select."""
    subject = aliased(Person)
    return (
        sa.select(
            SignOff.id.label("sign_off_id"),
            SignOff.item_id,
            SignOff.case_id,
            SignOff.due_at,
            Case.number,
            Case.title,
            Case.version_id,
            Case.procedure,
            Case.subject_id,
            subject.name.label("subject"),
            Chain.key.label("chain"),
            WorkStep.name.label("step"),
            WorkStep.name_en.label("step_en"),
        )
        .join(WorkItem, WorkItem.id == SignOff.item_id)
        .join(Case, Case.id == SignOff.case_id)
        .join(subject, subject.id == Case.subject_id)
        .join(Chain, Chain.id == WorkItem.chain_id)
        .join(WorkRound, WorkRound.id == SignOff.round_id)
        .join(WorkStep, WorkStep.id == WorkRound.step_id)
        .where(SignOff.person_id == person, SignOff.state.in_(("open", "waiting")), SignOff.for_id.is_(None))
        .where(WorkItem.status == "open", Case.status == "running")
    )


def stand_in(services: Services, item_id: str, sign_off_id: str, *, actor: str, request_id: str) -> None:
    """Let who stands in for its holder now have an undecided sign-off, too: the holder may still give it, the first counts.

    Whoever holds it asks, or an administrator. Raises as `transfer`, and NotAllowed where nobody stands in for them.
    """
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id)
        if at is None:
            return
        number = at.number(sign_off_id)
        holder = at.round.signers[number].person
        _may(unit.connection, holder, actor)
        found = substitute(at, holder)
        if found is None:
            raise NotAllowed(reason="nobody stands in for whoever holds this at present")
        turned = passing.stand_in(at.round, actor, number, found.person)
        at.record(Event.SIGN_OFF_TRANSFERRED, former=at.named([holder]), to=at.named([found.person]), stands_in=True)
        for new in at.write(turned):
            absences.used(unit, found, new, at.turn.now)
        at.turn.commit()


def substitute(at: Step, holder: str | None) -> absences.StandIn | None:
    """Who stands in for somebody at this step now, as long as they work here."""
    connection, now = at.turn.unit.connection, at.turn.now
    found = absences.stand_in(connection, holder, now, at.turn.case.procedure, at.chain.key) if holder else None
    return found if found and directory.present(connection, [found.person], directory.day(now)) else None


def _may(connection: sa.Connection, person: str | None, actor: str) -> None:
    if actor != person and _MANAGERS not in directory.roles_of(connection, actor):
        raise NotAllowed(reason="only whoever holds this, or an administrator, gives it to the substitute")
