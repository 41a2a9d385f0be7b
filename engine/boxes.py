"""What lies in which box of a person: sign-offs that an index finds, however many there are in all.

What a list tells about them is read for the rows of one page only; order and search are all that looks at the others. The
statements are compiled once, and those of one list travel together.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from .db import Database, Statement
from .errors import NotFound
from .models import OPEN, Candidate, Case, Holding, Person, SignOff, WorkItem

_ME: sa.BindParameter[Any] = sa.bindparam("person")
_ROLES = sa.select(Holding.role).where(Holding.person_id == _ME)
_COLUMNS: tuple[Any, ...] = (SignOff.id, SignOff.item_id, SignOff.case_id, SignOff.person_id, SignOff.decided_at)
#: what a person holds and has not decided; a closed case has none, its open sign-offs lapsed when it closed
_MINE = (sa.select(*_COLUMNS).where(SignOff.state == OPEN, SignOff.person_id == _ME),)
_ABOUT_ME = sa.exists().where(Case.id == SignOff.case_id, Case.subject_id == _ME)
_FREE = sa.select(*_COLUMNS).where(SignOff.state == OPEN, SignOff.person_id.is_(None), ~_ABOUT_ME)
_NAMED = sa.select(Candidate.sign_off_id).where(
    sa.or_(
        sa.and_(Candidate.kind == "person", Candidate.ref == sa.bindparam("ref")),
        sa.and_(Candidate.kind == "role", Candidate.ref.in_(_ROLES)),
    )
)
#: what is offered to a person or their roles, but for cases about themselves; a single role is in the row, others are candidates
_OFFERED = (_FREE.where(SignOff.role.in_(_ROLES)), _FREE.where(SignOff.role.is_(None), SignOff.id.in_(_NAMED)))
_DONE = (sa.select(*_COLUMNS).where(SignOff.decided_by == _ME),)
#: box -> selects of sign-offs, of which each is in one only
_BOXES: Mapping[str, Sequence[sa.Select[Any]]] = {"mine": _MINE, "group": _OFFERED, "done": _DONE}

_TOLD = (
    WorkItem.id.label("item_id"),
    WorkItem.case_id,
    Case.number,
    Case.title,
    Case.version_id,
    Person.name.label("subject"),
    WorkItem.name,
    WorkItem.name_en,
    WorkItem.lane,
    WorkItem.status,
    WorkItem.opened_at,
    WorkItem.due_at,
    SignOff.person_id,
    SignOff.decided_at,
    SignOff.state.label("decision"),
)


def page(database: Database, box: str, person: str, words: Sequence[str], *, size: int, offset: int) -> tuple[Sequence[Any], int]:
    """Rows of a page of a box, and how many the whole list has. Raises NotFound for a box that does not exist."""
    if box not in _BOXES:
        raise NotFound(what="box", name=box)
    patterns = {f"word_{number}": _pattern(word) for number, word in enumerate(words)}
    given = {"person": person, **({"ref": person} if box == "group" else {}), **patterns}
    rows, [(total,)] = database.together(
        (_page(box, len(words)), {**given, "size": size, "first": offset}), (_total(box, len(words)), given)
    )
    return rows, total


def counts(database: Database, person: str, now: dt.datetime) -> tuple[int, int, int]:
    """How much a person holds, how much is offered to them, and how much of both is late."""
    [[(held, both, late)]] = database.together((_COUNTS, {"person": person, "ref": person, "now": now}))
    return held, both - held, late


@functools.cache
def _page(box: str, words: int) -> Statement:
    lies = _lies(*_BOXES[box])
    found = sa.select(lies.c.id).select_from(lies)
    if box == "done":
        shown = _matching(found, lies, words).order_by(lies.c.decided_at.desc(), lies.c.id)
        order: list[Any] = [SignOff.decided_at.desc()]
    else:
        order = [WorkItem.due_at.is_(None), WorkItem.due_at, WorkItem.opened_at]
        shown = _matching(found, lies, words, items=True).order_by(*order, lies.c.id)
    chosen = shown.limit(sa.bindparam("size")).offset(sa.bindparam("first")).subquery("chosen")
    told = sa.select(*_TOLD).select_from(chosen).join(SignOff, SignOff.id == chosen.c.id).join(WorkItem, WorkItem.id == SignOff.item_id)
    return Statement(told.join(Case, Case.id == WorkItem.case_id).join(Person, Person.id == Case.subject_id).order_by(*order, SignOff.id))


@functools.cache
def _total(box: str, words: int) -> Statement:
    lies = _lies(*_BOXES[box])
    return Statement(_matching(sa.select(sa.func.count().label("total")).select_from(lies), lies, words))


def _lies(*selects: sa.Select[Any]) -> sa.Subquery:
    return sa.union_all(*selects).subquery("lies") if len(selects) > 1 else selects[0].subquery("lies")


def _matching(found: sa.Select[Any], lies: sa.Subquery, words: int, *, items: bool = False) -> sa.Select[Any]:
    """Those in which every word is somewhere; `items`: joined with their work items in any case."""
    if items or words:
        found = found.join(WorkItem, WorkItem.id == lies.c.item_id)
    if words:
        found = found.join(Case, Case.id == lies.c.case_id).join(Person, Person.id == Case.subject_id)
    fields = (Case.number, Case.title, Person.name, WorkItem.name, WorkItem.name_en)
    patterns = [sa.bindparam(f"word_{number}", type_=sa.String()) for number in range(words)]
    return found.where(*(sa.or_(*(field.ilike(pattern, escape="/") for field in fields)) for pattern in patterns))


def _pattern(word: str) -> str:
    """Nothing in a word is a wildcard."""
    return "%" + "".join(f"/{sign}" if sign in "/%_" else sign for sign in word) + "%"


_WAIT = _lies(*_MINE, *_OFFERED)
_COUNTS = Statement(
    sa.select(
        sa.func.count().filter(_WAIT.c.person_id.is_not(None)).label("held"),
        sa.func.count().label("both"),
        sa.func.count().filter(WorkItem.due_at < sa.bindparam("now")).label("late"),
    )
    .select_from(_WAIT)
    .join(WorkItem, WorkItem.id == _WAIT.c.item_id)
)
