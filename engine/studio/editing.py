"""Who has which file of a procedure open in an editor now: told again every few seconds, forgotten when that stops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..models import Person, ProcedureEditing
from . import drafts, rows

if TYPE_CHECKING:
    from ..services import Services

#: an editor says every 15 seconds that it is open
_FORGOTTEN = dt.timedelta(seconds=45)


@dataclass(frozen=True, kw_only=True)
class Editing:
    """Somebody has a file open."""

    path: str
    id: str
    name: str
    since: dt.datetime


def editing(connection: sa.Connection, procedure: str, now: dt.datetime) -> list[Editing]:
    """Who has which file open, by path."""
    found = connection.execute(
        sa.select(ProcedureEditing.path, ProcedureEditing.person_id, ProcedureEditing.since, Person.name)
        .join(Person, Person.id == ProcedureEditing.person_id)
        .where(ProcedureEditing.procedure == procedure, ProcedureEditing.seen_at > now - _FORGOTTEN)
        .order_by(ProcedureEditing.path, ProcedureEditing.since, Person.name)
    )
    return [Editing(path=row.path, id=row.person_id, name=row.name, since=row.since) for row in found]


def tell(services: Services, procedure: str, path: str, *, actor: str) -> tuple[list[Editing], int | None, Mapping[str, int]]:
    """The actor has this file open now; gives who else has which, the draft's base, and the revision of each file.

    Raises NotAllowed, NotFound for a procedure or a file that is not there.
    """
    now = services.clock.now()
    draft = drafts.read(services, procedure, actor=actor)
    draft.file(path)
    with services.database.unit() as unit:
        connection = unit.connection
        connection.execute(sa.delete(ProcedureEditing).where(ProcedureEditing.seen_at <= now - _FORGOTTEN))
        own = (ProcedureEditing.procedure == procedure, ProcedureEditing.path == path, ProcedureEditing.person_id == actor)
        if not connection.execute(sa.update(ProcedureEditing).where(*own).values(seen_at=now)).rowcount:
            rows.one_at_a_time(connection)  # the same person's second tab may say it now
            if not connection.execute(sa.update(ProcedureEditing).where(*own).values(seen_at=now)).rowcount:
                values = {"procedure": procedure, "path": path, "person_id": actor, "since": now, "seen_at": now}
                connection.execute(sa.insert(ProcedureEditing).values(**values))
        found = editing(connection, procedure, now)
        unit.commit()
    return found, draft.base, {file.path: file.revision for file in draft.files}
