"""The list of cases, as far as each reader may see them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from . import access, rules
from .models import Case, Person, WorkItem
from .timeline import title_en

if TYPE_CHECKING:
    from .services import Services


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    """One line of the list of cases."""

    id: str
    number: str
    title: str
    title_en: str
    subject: str
    status: str
    outcome: str | None
    incidents: int
    started_at: dt.datetime
    closed_at: dt.datetime | None
    #: the work items that wait: {name, name_en}; None where the case is about the reader
    open: Sequence[Mapping[str, str]] | None


def cases(
    services: Services, *, reader: str, search: str = "", status: str = "", page: int = 1, size: int = 20
) -> tuple[list[CaseRow], int]:
    """Cases the reader may open, newest first, and how many there are. `status`: running, suspended, closed or empty."""
    with services.database.reading() as connection:
        which = access.visible_cases(connection, reader, rules.by_procedure(services, connection))
        if status:
            which = sa.and_(which, Case.status == status)
        for word in search.split()[:5]:
            which = sa.and_(which, sa.or_(*(f.icontains(word, autoescape=True) for f in (Case.number, Case.title, Person.name))))
        joined = sa.join(Case, Person, Person.id == Case.subject_id)
        total = connection.execute(sa.select(sa.func.count()).select_from(joined).where(which)).scalar_one()
        columns = [Case.__table__.c[name] for name in CaseRow.__dataclass_fields__ if name not in ("subject", "title_en", "open")]
        rows = connection.execute(
            sa.select(*columns, Case.version_id, Case.subject_id, Person.name.label("subject"))
            .select_from(joined)
            .where(which)
            .order_by(Case.started_at.desc(), Case.id)
            .limit(size)
            .offset((max(page, 1) - 1) * size)
        ).all()
        waiting: dict[str, list[Mapping[str, str]]] = {}
        of_others = [row.id for row in rows if row.subject_id != reader]
        items = sa.select(WorkItem.case_id, WorkItem.name, WorkItem.name_en).where(
            WorkItem.case_id.in_(of_others), WorkItem.status == "open"
        )
        for item in connection.execute(items.order_by(WorkItem.opened_at, WorkItem.id)):
            waiting.setdefault(item.case_id, []).append({"name": item.name, "name_en": item.name_en})
        found = []
        for row in rows:
            values = {name: value for name, value in row._mapping.items() if name not in ("version_id", "subject_id")}
            english = title_en(services, row.version_id, row.subject)
            found.append(CaseRow(**values, title_en=english, open=None if row.subject_id == reader else waiting.get(row.id, ())))
        return found, total
