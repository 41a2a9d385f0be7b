"""Who may read a case: decided in one place, asked by every page, file and answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .errors import NotAllowed, NotFound
from .models import OPEN, Candidate, Case, Chain, Copy, SignOff, WorkItem, WorkRound, WorkStep
from .people import directory
from .ports import Json
from .rules import INITIATOR, Rules


@dataclass(frozen=True, kw_only=True)
class Sight:
    """How much of a case somebody sees. Who did what when is open to all who take part; what was said is not."""

    #: everything
    whole: bool = False
    #: the employee concerned: their own work, and documents served on them
    subject: bool = False
    #: case variables shown to somebody who takes part and does not see the whole
    variables: frozenset[str] = frozenset()

    def of(self, variables: Mapping[str, Json], also: Collection[str] = ()) -> dict[str, Json]:
        """Those of the variables that are shown; `also`: names that this very page may show, too."""
        return {name: value for name, value in variables.items() if self.whole or name in self.variables or name in also}


def case_row(connection: sa.Connection, case_id: str) -> Any:
    """The case's row without its state. Raises NotFound."""
    columns = [column for column in Case.__table__.columns if column.key != "state"]
    row = connection.execute(sa.select(*columns).where(Case.id == case_id)).one_or_none()
    if row is None:
        raise NotFound(what="case", name=case_id)
    return row


def sight(connection: sa.Connection, case: Any, rules: Rules, reader: str) -> Sight:
    """What `reader` sees of the case: roles that the procedure names see the whole, who takes or took part their share.

    The subject sees their own part once they have one; a role they hold opens nothing about themselves. Who only got a copy sees
    what its sender does as somebody who takes part; of what one sends who sees the whole, or the chain, as much as their own roles
    would be shown if they took part. Raises NotAllowed.
    """
    if reader == case.subject_id:
        if connection.execute(sa.select(SignOff.id).where(_of_case(case.id), _signs(reader)).limit(1)).first():
            return Sight(subject=True)
        raise NotAllowed(reason="this case is not open to you")
    roles = directory.roles_of(connection, reader)
    if roles & (rules.readers | rules.managers):
        return Sight(whole=True)
    by_initiator = reader == case.initiator_id
    if by_initiator:
        roles |= {INITIATOR}
    elif not takes_part(connection, case.id, reader):
        copy = connection.execute(_copy(case.id, reader)).one_or_none()
        if copy is None:
            raise NotAllowed(reason="you take no part in this case")
        sender = directory.roles_of(connection, copy.sent_by) if copy.sent_by else None
        if sender is not None and not sender & (rules.readers | rules.managers):
            roles = sender | ({INITIATOR} if copy.sent_by == case.initiator_id else set())
            own = _own(connection, copy.sent_by)
        else:
            own = sa.and_(SignOff.item_id == copy.item_id, WorkRound.closed_at == copy.sent_at)
        by_initiator = copy.sent_by == case.initiator_id
    else:
        own = _own(connection, reader)
    shown = frozenset[str]().union(*(rules.shown.get(role, ()) for role in roles))
    return Sight(variables=shown if by_initiator or not shown else shown - _hidden(connection, case.id, own))


def _copy(case_id: str, person: str) -> sa.Select[str | None, dt.datetime, str | None]:
    return sa.select(Copy.sent_by, Copy.sent_at, Copy.item_id).where(Copy.case_id == case_id, Copy.person_id == person)


def _hidden(connection: sa.Connection, case_id: str, own: sa.ColumnElement[bool]) -> frozenset[str]:
    """Case variables that the form hides in every step of these sign-offs; none where they are other work of the case, too."""
    given = sa.select(WorkItem.chain_id, WorkStep.position, Chain.steps).select_from(SignOff)
    given = given.join(WorkItem, WorkItem.id == SignOff.item_id).outerjoin(Chain, Chain.id == WorkItem.chain_id)
    given = given.outerjoin(WorkRound, WorkRound.id == SignOff.round_id).outerjoin(WorkStep, WorkStep.id == WorkRound.step_id)
    rows = connection.execute(given.where(_of_case(case_id), own)).all()
    fields = [row.steps[row.position].get("fields") or {} if row.chain_id else {} for row in rows]
    hidden = [frozenset(name for name, level in each.items() if level == "hidden") for each in fields]
    return frozenset.intersection(*hidden) if hidden else frozenset()


def steps_signed(connection: sa.Connection, item_id: str, reader: str) -> tuple[int | None, list[int]]:
    """Which step of an item's chain waits for this person, or for whoever stands in for them; and which they signed or were to sign."""
    rows = connection.execute(
        sa.select(WorkStep.position, SignOff.state, WorkRound.closed_at)
        .join(WorkRound, WorkRound.step_id == WorkStep.id)
        .join(SignOff, SignOff.round_id == WorkRound.id)
        .where(SignOff.item_id == item_id, _own(connection, reader))
        .distinct()
    ).all()
    standing = {row.position for row in rows if row.state in ("open", "waiting") and row.closed_at is None}
    return min(standing, default=None), sorted({row.position for row in rows})


def steps_copied(connection: sa.Connection, case_id: str, item_id: str, reader: str) -> list[int]:
    """The steps of an item's chain from which a copy shows it to this person: the sender's, or the one after which the chain sent it."""
    copy = connection.execute(_copy(case_id, reader).where(Copy.item_id == item_id)).one_or_none()
    if copy is None or copy.sent_by:
        return steps_signed(connection, item_id, copy.sent_by)[1] if copy else []
    sent = sa.select(WorkStep.position).join(WorkRound, WorkRound.step_id == WorkStep.id)
    return list(connection.execute(sent.where(WorkStep.item_id == item_id, WorkRound.closed_at == copy.sent_at)).scalars())


def takes_part(connection: sa.Connection, case_id: str, person: str, item_id: str | None = None) -> bool:
    """Whether a person holds, signed or is offered a sign-off in the case, or in this very work item of it."""
    where = _of_case(case_id) if item_id is None else SignOff.item_id == item_id
    return connection.execute(sa.select(SignOff.id).where(where, _own(connection, person)).limit(1)).first() is not None


def _own(connection: sa.Connection, person: str) -> sa.ColumnElement[bool]:
    """Condition on sign-offs: held, signed or stood in for, or offered to the person."""
    offered = sa.and_(SignOff.state == OPEN, SignOff.id.in_(offered_to(connection, person)))
    return sa.or_(_signs(person), _stood_in_for(person), offered)


def hears(connection: sa.Connection, case_id: str, person: str, item_id: str) -> bool:
    """Whether a person is told what was said in a work item: they take part in it, or their copy was sent from it."""
    copy = sa.select(Copy.id).where(Copy.case_id == case_id, Copy.person_id == person, Copy.item_id == item_id)
    return takes_part(connection, case_id, person, item_id) or connection.execute(copy).first() is not None


def _of_case(case_id: str) -> sa.ColumnElement[bool]:
    """Condition on sign-offs, found by the case's items."""
    return SignOff.item_id.in_(sa.select(WorkItem.id).where(WorkItem.case_id == case_id))


def _signs(person: str) -> sa.ColumnElement[bool]:
    return sa.or_(SignOff.person_id == person, SignOff.decided_by == person)


def _stood_in_for(person: str) -> sa.ColumnElement[bool]:
    """Somebody else holds it in their place."""
    return sa.and_(SignOff.state == OPEN, SignOff.for_id == person)


def offered_to(connection: sa.Connection, person: str) -> sa.CompoundSelect[Any]:
    """Ids of the open sign-offs that are or were offered to the person, or to a role they hold."""
    roles = directory.roles_of(connection, person)
    candidate = sa.or_(
        sa.and_(Candidate.kind == "person", sa.or_(Candidate.ref == person, Candidate.for_id == person)),
        sa.and_(Candidate.kind == "role", Candidate.ref.in_(roles)),
    )
    return sa.union_all(
        sa.select(SignOff.id).where(SignOff.state == OPEN, SignOff.role.in_(roles)),
        sa.select(SignOff.id).join(Candidate, Candidate.sign_off_id == SignOff.id).where(SignOff.state == OPEN, candidate),
    )


def visible_cases(connection: sa.Connection, reader: str, rules: Mapping[str, Rules]) -> sa.ColumnElement[bool]:
    """Condition on cases: those that `sight` would open. `rules` by procedure."""
    roles = directory.roles_of(connection, reader)
    open_to_role = [name for name, own in rules.items() if roles & (own.readers | own.managers)]
    signed = sa.select(SignOff.case_id).where(_signs(reader))
    stood_in_for = sa.select(SignOff.case_id).where(_stood_in_for(reader))
    offered = sa.select(SignOff.case_id).where(SignOff.id.in_(offered_to(connection, reader)))
    copied = sa.select(Copy.case_id).where(Copy.person_id == reader)
    others = sa.and_(
        Case.subject_id != reader,
        sa.or_(
            Case.initiator_id == reader,
            Case.procedure.in_(open_to_role),
            Case.id.in_(signed),
            Case.id.in_(stood_in_for),
            Case.id.in_(offered),
            Case.id.in_(copied),
        ),
    )
    return sa.or_(others, sa.and_(Case.subject_id == reader, Case.id.in_(signed)))
