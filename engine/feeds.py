"""日历订阅: the address at which a person's calendar program reads when their open work is due. Whoever has the address reads it."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .db import Statement
from .models import OPEN, Account, CalendarFeed, Case, Person, SignOff, WorkItem
from .people import directory

if TYPE_CHECKING:
    from .services import Services

#: entries of one feed, the earliest due first
MOST = 500

_OPEN = Statement(
    sa.select(
        *(
            SignOff.id,
            SignOff.item_id,
            SignOff.opened_at,
            sa.func.coalesce(SignOff.due_at, WorkItem.due_at, type_=SignOff.due_at.type).label("due_at"),
        ),
        *(WorkItem.name, WorkItem.name_en, Case.number, Person.name.label("subject")),
    )
    .join(WorkItem, WorkItem.id == SignOff.item_id)
    .join(Case, Case.id == SignOff.case_id)
    .join(Person, Person.id == Case.subject_id)
    .where(SignOff.state == OPEN, SignOff.person_id == sa.bindparam("person"))
    .where(sa.or_(SignOff.due_at.is_not(None), WorkItem.due_at.is_not(None)))
    .order_by("due_at", SignOff.id)
    .limit(MOST)
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One piece of open work that has a due time."""

    #: of the sign-off
    id: str
    item_id: str
    name: str
    name_en: str
    number: str
    #: whom the case is about, where the person wants names in their calendar
    subject: str | None
    opened_at: dt.datetime
    due_at: dt.datetime


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What a calendar program reads."""

    #: in which the person reads Partwell; None without an account
    locale: str | None
    entries: Sequence[Entry]


def renew(services: Services, person: str, *, names: bool) -> str:
    """The secret of a new address, which is shown this once; an earlier one opens nothing any more. `names`: tell whom cases are about."""
    secret = secrets.token_urlsafe(32)
    values = {"digest": _digest(secret), "names": names, "created_at": services.clock.now()}
    with services.database.unit() as unit:
        unit.connection.execute(sa.delete(CalendarFeed).where(CalendarFeed.person_id == person))
        unit.connection.execute(sa.insert(CalendarFeed).values(person_id=person, **values))
        unit.commit()
    return secret


def end(services: Services, person: str) -> None:
    """The address opens nothing any more."""
    with services.database.unit() as unit:
        unit.connection.execute(sa.delete(CalendarFeed).where(CalendarFeed.person_id == person))
        unit.commit()


def since(connection: sa.Connection, person: str) -> dt.datetime | None:
    """Since when there is an address; None without one."""
    return connection.execute(sa.select(CalendarFeed.created_at).where(CalendarFeed.person_id == person)).scalar_one_or_none()


def read(services: Services, secret: str) -> Feed | None:
    """What is open for whose address it is and has a due time; None for an address that opens nothing, as of somebody who has left."""
    with services.database.reading() as connection:
        today = directory.day(services.clock.now())
        feed = connection.execute(
            sa.select(CalendarFeed.person_id, CalendarFeed.names, Account.locale)
            .join(Person, Person.id == CalendarFeed.person_id)
            .outerjoin(Account, Account.person_id == Person.id)
            .where(CalendarFeed.digest == _digest(secret), directory.here(today))
        ).one_or_none()
    if feed is None:
        return None
    [rows] = services.database.together((_OPEN, {"person": feed.person_id}))
    entries = [Entry(**{**row._asdict(), "subject": row.subject if feed.names else None}) for row in rows]
    return Feed(locale=feed.locale, entries=entries)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
