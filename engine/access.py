"""Who may read a case: decided in one place, asked by every page, file and answer."""

from __future__ import annotations

from enum import Enum
from typing import Any

import sqlalchemy as sa

from . import people
from .errors import NotAllowed, NotFound
from .models import Candidate, Case, SignOff
from .rules import Rules


class Reach(Enum):
    """How much of a case somebody sees."""

    #: everything
    WHOLE = "whole"
    #: what concerns the employee themselves: their own work, documents served on them
    SUBJECT = "subject"


def case_row(connection: sa.Connection, case_id: str) -> Any:
    """The case's row without its state. Raises NotFound."""
    columns = [column for column in Case.__table__.columns if column.key != "state"]
    row = connection.execute(sa.select(*columns).where(Case.id == case_id)).one_or_none()
    if row is None:
        raise NotFound(what="case", name=case_id)
    return row


def reach(connection: sa.Connection, case: Any, rules: Rules, reader: str) -> Reach:
    """What `reader` sees of the case: who takes or took part, and roles that the procedure names. Raises NotAllowed.

    The subject sees their own part once they have one; a role they hold opens nothing about themselves.
    """
    if reader == case.subject_id:
        if connection.execute(sa.select(SignOff.id).where(SignOff.case_id == case.id, _signs(reader)).limit(1)).first():
            return Reach.SUBJECT
        raise NotAllowed(reason="this case is not open to you")
    roles = people.roles_of(connection, reader)
    if reader == case.initiator_id or roles & (rules.readers | rules.managers) or takes_part(connection, case.id, reader):
        return Reach.WHOLE
    raise NotAllowed(reason="you take no part in this case")


def takes_part(connection: sa.Connection, case_id: str, person: str) -> bool:
    """Whether a person holds, signed or is offered a sign-off in the case."""
    own = sa.or_(
        _signs(person),
        sa.and_(SignOff.state == "open", SignOff.id.in_(sa.select(Candidate.sign_off_id).where(offered_to(connection, person)))),
    )
    return connection.execute(sa.select(SignOff.id).where(SignOff.case_id == case_id, own).limit(1)).first() is not None


def _signs(person: str) -> sa.ColumnElement[bool]:
    return sa.or_(SignOff.person_id == person, SignOff.decided_by == person)


def offered_to(connection: sa.Connection, person: str) -> sa.ColumnElement[bool]:
    """Condition on candidates: the person, or a role they hold."""
    roles = people.roles_of(connection, person)
    return sa.or_(sa.and_(Candidate.kind == "person", Candidate.ref == person), sa.and_(Candidate.kind == "role", Candidate.ref.in_(roles)))


def visible_cases(connection: sa.Connection, reader: str, readers_of: dict[str, Rules]) -> sa.ColumnElement[bool]:
    """Condition on cases: those that `reach` would open. `readers_of`: rules by procedure."""
    roles = people.roles_of(connection, reader)
    open_to_role = [name for name, rules in readers_of.items() if roles & (rules.readers | rules.managers)]
    signed = sa.select(SignOff.case_id).where(_signs(reader))
    offered = (
        sa.select(SignOff.case_id)
        .join(Candidate, Candidate.sign_off_id == SignOff.id)
        .where(SignOff.state == "open", offered_to(connection, reader))
    )
    others = sa.and_(
        Case.subject_id != reader,
        sa.or_(Case.initiator_id == reader, Case.procedure.in_(open_to_role), Case.id.in_(signed), Case.id.in_(offered)),
    )
    return sa.or_(others, sa.and_(Case.subject_id == reader, Case.id.in_(signed)))
