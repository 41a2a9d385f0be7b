"""The list of cases, as far as each reader may see them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from . import access, rules
from .models import Case, Person, SignOff, WorkItem
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
    voided_at: dt.datetime | None
    #: the work items that wait: {name, name_en}; None where the case is about the reader
    open: Sequence[Mapping[str, str]] | None


def cases(
    services: Services, *, reader: str, search: str = "", status: str = "", page: int = 1, size: int = 20
) -> tuple[list[CaseRow], int]:
    """Cases the reader may open, newest first, and how many there are. `status`: running, suspended, closed or empty."""
    with services.database.reading() as connection:
        which = sa.and_(
            access.visible_cases(connection, reader, rules.by_procedure(services, connection)), *_fitting(search, status, reader)
        )
        total = connection.execute(sa.select(sa.func.count()).select_from(_JOINED).where(which)).scalar_one()
        chosen = _rows(which).order_by(Case.started_at.desc(), Case.id).limit(size).offset((max(page, 1) - 1) * size)
        return _told(services, connection, chosen, reader), total


def sent(
    services: Services, *, reader: str, search: str = "", status: str = "", after: str = "", size: int = 20
) -> tuple[list[CaseRow], str | None]:
    """Cases the reader started, newest first, and what the next page begins after (None on the last one). `after`: id of a case."""
    which = sa.and_(Case.initiator_id == reader, Case.subject_id != reader, *_fitting(search, status, reader))
    last = aliased(Case)
    started, number = (sa.select(column).where(last.id == after).scalar_subquery() for column in (last.started_at, last.id))
    if after:
        which = sa.and_(which, Case.started_at <= started, sa.or_(Case.started_at < started, Case.id < number))
    with services.database.reading() as connection:
        chosen = _rows(which).order_by(Case.started_at.desc(), Case.id.desc()).limit(size + 1)
        found = _told(services, connection, chosen, reader)
        return found[:size], found[size - 1].id if len(found) > size else None


_NAMED = aliased(Person)
_JOINED = sa.join(Case, Person, Person.id == Case.subject_id)


def _fitting(search: str, status: str, reader: str) -> list[sa.ColumnElement[bool]]:
    """Conditions on cases with their subjects: every word is somewhere in number, title, names or steps.

    Words of any length in any script are found, since they are looked for in the short texts of people and steps; what is said
    in a case is sealed and lies in no index. Whom a case is about does not learn from a search how far it is.
    """
    found: list[sa.ColumnElement[bool]] = [Case.status == status] if status else []
    for word in search.split()[:5]:
        plain = [field.icontains(word, autoescape=True) for field in (Case.number, Case.title, Person.name)]
        called = sa.select(_NAMED.id).where(_NAMED.name.icontains(word, autoescape=True))
        signed = sa.exists().where(SignOff.item_id == WorkItem.id, SignOff.decided_by.in_(called))
        told = sa.or_(*(field.icontains(word, autoescape=True) for field in (WorkItem.name, WorkItem.name_en)), signed)
        steps = sa.exists().where(WorkItem.case_id == Case.id, told)
        found.append(sa.or_(*plain, sa.and_(Case.subject_id != reader, sa.or_(Case.initiator_id.in_(called), steps))))
    return found


def _rows(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    columns = [Case.__table__.c[name] for name in CaseRow.__dataclass_fields__ if name not in ("subject", "title_en", "open")]
    subject = Person.name.label("subject")
    return sa.select(*columns, Case.version_id, Case.subject_id, subject).select_from(_JOINED).where(which)


def _told(services: Services, connection: sa.Connection, chosen: sa.Select[Any], reader: str) -> list[CaseRow]:
    rows = connection.execute(chosen).all()
    waiting: dict[str, list[Mapping[str, str]]] = {}
    of_others = [row.id for row in rows if row.subject_id != reader]
    items = sa.select(WorkItem.case_id, WorkItem.name, WorkItem.name_en).where(WorkItem.case_id.in_(of_others), WorkItem.status == "open")
    for item in connection.execute(items.order_by(WorkItem.opened_at, WorkItem.id)):
        waiting.setdefault(item.case_id, []).append({"name": item.name, "name_en": item.name_en})
    found = []
    for row in rows:
        values = {name: value for name, value in row._mapping.items() if name not in ("version_id", "subject_id")}
        english = title_en(services, row.version_id, row.subject)
        found.append(CaseRow(**values, title_en=english, open=None if row.subject_id == reader else waiting.get(row.id, ())))
    return found
