"""Which sign-offs lie in which box of a person, and which of them a page of the list shows.

A box is a select of sign-offs that an index answers however many there are in all. What a list tells about them is read for
the rows of one page only, and only their order and a search look at the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .errors import NotFound
from .models import OPEN, Candidate, Case, Person, SignOff, WorkItem
from .people import directory

_COLUMNS: tuple[Any, ...] = (SignOff.id, SignOff.item_id, SignOff.case_id, SignOff.person_id, SignOff.decided_at)
#: the earliest due first, then what has no due time, the oldest first
_URGENT = (WorkItem.due_at.is_(None), WorkItem.due_at, WorkItem.opened_at)


@dataclass(frozen=True, kw_only=True)
class Box:
    """What lies in a box, and in which order."""

    #: columns id, item_id, case_id, person_id and decided_at; no sign-off twice
    lies: sa.Subquery
    #: the latest decision first, instead of the most urgent
    latest: bool = False

    def page(self, words: Sequence[str], *, size: int, offset: int) -> sa.Subquery:
        """The sign-offs of one page, id and `place` in the list (ascending)."""
        order = [self.lies.c.decided_at.desc()] if self.latest else [*_URGENT]
        place = sa.func.row_number().over(order_by=[*order, self.lies.c.id]).label("place")
        chosen = self._found(words, self.lies.c.id, place, items=not self.latest)
        return chosen.order_by(*order, self.lies.c.id).limit(size).offset(offset).subquery("page")

    def total(self, words: Sequence[str]) -> sa.Select[Any]:
        """How many sign-offs the whole list has."""
        return self._found(words, sa.func.count())

    def _found(self, words: Sequence[str], *columns: Any, items: bool = False) -> sa.Select[Any]:
        found = sa.select(*columns).select_from(self.lies)
        if items or words:
            found = found.join(WorkItem, WorkItem.id == self.lies.c.item_id)
        if words:
            found = found.join(Case, Case.id == self.lies.c.case_id).join(Person, Person.id == Case.subject_id)
        return found.where(*(_matches(word) for word in words))


def box(connection: sa.Connection, person: str, name: str) -> Box:
    """`mine` (what the person holds), `group` (offered to their roles or to them) or `done` (what they decided). Raises NotFound."""
    match name:
        case "mine":
            return Box(lies=mine(person).subquery("lies"))
        case "group":
            return Box(lies=sa.union_all(*offered(connection, person)).subquery("lies"))
        case "done":
            return Box(lies=sa.select(*_COLUMNS).where(SignOff.decided_by == person).subquery("lies"), latest=True)
    raise NotFound(what="box", name=name)


def mine(person: str) -> sa.Select[Any]:
    """What a person holds and has not decided. A closed case has none: its open sign-offs lapsed when it closed."""
    return sa.select(*_COLUMNS).where(SignOff.state == OPEN, SignOff.person_id == person)


def offered(connection: sa.Connection, person: str) -> Sequence[sa.Select[Any]]:
    """What is offered to a person or to a role they hold, but for cases about themselves; no sign-off is in two of the selects.

    One that is offered to a single role bears it; others have candidates.
    """
    roles = directory.roles_of(connection, person)
    about_me = sa.select(Case.id).where(Case.subject_id == person)
    free = sa.select(*_COLUMNS).where(SignOff.state == OPEN, SignOff.person_id.is_(None), SignOff.case_id.not_in(about_me))
    named = sa.select(Candidate.sign_off_id).where(
        sa.or_(
            sa.and_(Candidate.kind == "person", Candidate.ref == person),
            sa.and_(Candidate.kind == "role", Candidate.ref.in_(roles)),
        )
    )
    return free.where(SignOff.role.in_(roles)), free.where(SignOff.role.is_(None), SignOff.id.in_(named))


def _matches(word: str) -> sa.ColumnElement[bool]:
    fields = (Case.number, Case.title, Person.name, WorkItem.name, WorkItem.name_en)
    return sa.or_(*(field.icontains(word, autoescape=True) for field in fields))
