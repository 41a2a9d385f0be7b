"""What administrators did with the directory: kept with who, when and why, in the transaction that does it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ..models import DirectoryEvent, Person, new_id
from ..ports import Json


def one_at_a_time(connection: sa.Connection) -> None:
    """Nobody else changes the directory until the transaction ends: what is checked still holds when it is written.

    SQLite lets one write at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE directory_events IN SHARE ROW EXCLUSIVE MODE"))


def record(
    connection: sa.Connection,
    *,
    at: dt.datetime,
    by: str | None,
    kind: str,
    ref: str,
    name: str,
    act: str,
    changes: Mapping[str, Json],
    note: str,
    on: dt.date | None = None,
) -> None:
    """Keep a change; the arguments as in `models.DirectoryEvent`."""
    event = {"at": at, "by": by, "kind": kind, "ref": ref, "name": name[:200], "act": act, "on_day": on, "changes": dict(changes)}
    connection.execute(sa.insert(DirectoryEvent).values(id=new_id(), note=note, **event))


def events(connection: sa.Connection, *, kind: str = "", ref: str = "", page: int = 1, size: int = 50) -> tuple[list[sa.Row[Any]], int]:
    """A page of the changes, the newest first, and how many there are: rows of `directory_events` with `who`, a name or None.

    `kind` and `ref` choose those about one kind of thing, or one of them.
    """
    which = sa.and_(*([DirectoryEvent.kind == kind] if kind else [sa.true()]), *([DirectoryEvent.ref == ref] if ref else []))
    total = connection.execute(sa.select(sa.func.count()).select_from(DirectoryEvent).where(which)).scalar_one()
    rows = connection.execute(
        sa.select(DirectoryEvent.__table__, Person.name.label("who"))
        .outerjoin(Person, Person.id == DirectoryEvent.by)
        .where(which)
        .order_by(DirectoryEvent.at.desc(), DirectoryEvent.id.desc())
        .limit(size)
        .offset((max(page, 1) - 1) * size)
    )
    return list(rows), int(total)
