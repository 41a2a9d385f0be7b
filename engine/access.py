"""Who may read a case: decided in one place, asked by every page, file and answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .errors import NotAllowed, NotFound
from .models import OPEN, Candidate, Case, Copy, SignOff, WorkItem
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
    if reader == case.initiator_id:
        roles |= {INITIATOR}
    elif not takes_part(connection, case.id, reader):
        copy = connection.execute(sa.select(Copy.sent_by).where(Copy.case_id == case.id, Copy.person_id == reader)).one_or_none()
        if copy is None:
            raise NotAllowed(reason="you take no part in this case")
        sender = directory.roles_of(connection, copy.sent_by) if copy.sent_by else None
        if sender is not None and not sender & (rules.readers | rules.managers):
            roles = sender | ({INITIATOR} if copy.sent_by == case.initiator_id else set())
    return Sight(variables=frozenset[str]().union(*(rules.shown.get(role, ()) for role in roles)))


def takes_part(connection: sa.Connection, case_id: str, person: str, item_id: str | None = None) -> bool:
    """Whether a person holds, signed or is offered a sign-off in the case, or in this very work item of it."""
    own = sa.or_(
        _signs(person),
        _stood_in_for(person),
        sa.and_(SignOff.state == OPEN, SignOff.id.in_(offered_to(connection, person))),
    )
    where = _of_case(case_id) if item_id is None else SignOff.item_id == item_id
    return connection.execute(sa.select(SignOff.id).where(where, own).limit(1)).first() is not None


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
