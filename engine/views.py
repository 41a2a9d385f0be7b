"""Views of the inbox that people keep for themselves: a box with filters and an order, under a name."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .boxes import Filter
from .errors import FormInvalid
from .models import SavedView, new_id

if TYPE_CHECKING:
    from .services import Services

#: that one person keeps
MOST = 20
_LONGEST = 40


@dataclass(frozen=True, kw_only=True)
class View:
    id: str
    name: str
    box: str
    wanted: Filter


def views(services: Services, person: str) -> Sequence[View]:
    """The person's own, by name."""
    with services.database.reading() as connection:
        rows = connection.execute(sa.select(SavedView.__table__).where(SavedView.person_id == person).order_by(SavedView.name)).all()
    return [View(id=row.id, name=row.name, box=row.box, wanted=Filter(**row.filters)) for row in rows]


def save(services: Services, person: str, *, name: str, box: str, wanted: Filter) -> None:
    """Keep it; another view of this name of theirs is replaced. Raises FormInvalid for a name without a letter or too many views."""
    name = " ".join(name.split())[:_LONGEST]
    if not name:
        raise FormInvalid({"name": ["Give the view a name."]})
    plain = Filter()
    filters = {key: value for key, value in dataclasses.asdict(wanted).items() if value != getattr(plain, key)}
    with services.database.unit() as unit:
        others = sa.select(SavedView.name).where(SavedView.person_id == person)
        names = set(unit.connection.execute(others).scalars())
        if name not in names and len(names) >= MOST:
            raise FormInvalid({"name": ["You keep 20 views already; delete one first."]})
        unit.connection.execute(sa.delete(SavedView).where(SavedView.person_id == person, SavedView.name == name))
        unit.connection.execute(sa.insert(SavedView).values(id=new_id(), person_id=person, name=name, box=box, filters=filters))
        unit.commit()


def forget(services: Services, person: str, view: str) -> None:
    """Keep a view no longer; one that is not theirs stays."""
    with services.database.unit() as unit:
        unit.connection.execute(sa.delete(SavedView).where(SavedView.id == view, SavedView.person_id == person))
        unit.commit()
