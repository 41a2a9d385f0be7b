"""抄送: who is shown a case. A copy asks nothing of its holder and holds nothing up; opening it is recorded once.

There is one for each person and case. A later one takes its place: it is unread again, and comes from whoever sent it last, from
where they did. What its holder sees by it is told in `access.sight`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from . import access
from .db import Statement
from .ledger import Event
from .locking import lock
from .models import Copy, Person, WorkItem, new_id
from .rules import rules_of
from .witness import witness

if TYPE_CHECKING:
    from .services import Services
    from .turn import Turn

_SENT = ("item_id", "sent_by", "sent_at", "note")
_AGAIN = Statement(
    sa.update(Copy)
    .where(Copy.id == sa.bindparam("copy_id"))
    .values(read_at=sa.null(), **{name: sa.bindparam(f"new_{name}") for name in _SENT})
)
_READ = Statement(sa.update(Copy).where(Copy.id == sa.bindparam("copy_id")).values(read_at=sa.bindparam("at")))
_SENDER = aliased(Person)


@dataclass(frozen=True, kw_only=True)
class CopyRow:
    """One copy of a case, as whoever reads the case sees it."""

    person: str
    name: str
    #: name of the work item from which it was sent
    item: str | None
    item_en: str | None
    #: who sent it; None: the approval chain did
    by: str | None
    sent_at: dt.datetime
    read_at: dt.datetime | None
    #: what was written with it, for who sent and who got it, and for who sees the whole case
    note: str


def send(turn: Turn, persons: Sequence[str], *, by: str | None, item: Any = None, note: str = "") -> None:
    """Show the case to these persons, who may all see it. `by`: None where the chain does. `item`: with `id` and `element`, or None."""
    connection, case_id = turn.unit.connection, turn.case.id
    known = {row.person_id: row.id for row in connection.execute(sa.select(Copy.person_id, Copy.id).where(Copy.case_id == case_id))}
    names = {row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(persons)))}
    item_id = item.id if item is not None else None
    for person in persons:
        copy_id = known.get(person) or new_id()
        sealed = turn.unit.keyring.seal_json({"note": note}, note_purpose(copy_id)) if note else None
        sent = {"item_id": item_id, "sent_by": by, "sent_at": turn.now, "note": sealed}
        if person in known:
            turn.unit.write(_AGAIN, copy_id=copy_id, **{f"new_{name}": value for name, value in sent.items()})
        else:
            turn.unit.add(Copy, id=copy_id, case_id=case_id, person_id=person, **sent)
    facts = {"item": item_id} if item_id else {}
    to = [{"id": person, "name": names[person]} for person in persons]
    element = item.element if item is not None else None
    turn.record(Event.COPY_SENT, element=element, to=to, reason=note, by_rule=by is None, **facts)
    turn.tell("copied", persons, item=item_id)


def read(services: Services, case_id: str, *, reader: str) -> bool:
    """The reader has opened the case: a copy that they had not read yet is read now. Whether there was one."""
    unread = sa.select(Copy.id).where(Copy.case_id == case_id, Copy.person_id == reader, Copy.read_at.is_(None))
    with services.database.reading() as connection:
        if connection.execute(unread).first() is None:
            return False
    with services.database.unit() as unit:
        lock(unit, case_id=case_id)
        copy_id = unit.connection.execute(unread).scalar_one_or_none()
        if copy_id is None:
            return False
        now = services.clock.now()
        witness(unit, case_id, Event.COPY_READ, at=now, actor=reader)
        unit.write(_READ, copy_id=copy_id, at=now)
        unit.commit()
    return True


def copies(services: Services, case_id: str, *, reader: str) -> list[CopyRow]:
    """Who was shown the case, the last first; whom it is about is told nothing. Raises NotFound, NotAllowed."""
    with services.database.reading() as connection:
        case = access.case_row(connection, case_id)
        sight = access.sight(connection, case, rules_of(services.programs.get(case.version_id).files), reader)
        if sight.subject:
            return []
        rows = connection.execute(
            sa.select(Copy.__table__, Person.name, _SENDER.name.label("by"), WorkItem.name.label("item"), WorkItem.name_en.label("item_en"))
            .join(Person, Person.id == Copy.person_id)
            .outerjoin(_SENDER, _SENDER.id == Copy.sent_by)
            .outerjoin(WorkItem, WorkItem.id == Copy.item_id)
            .where(Copy.case_id == case_id)
            .order_by(Copy.sent_at.desc(), Copy.id)
        ).all()
        return [
            CopyRow(
                person=row.person_id,
                name=row.name,
                item=row.item,
                item_en=row.item_en,
                by=row.by,
                sent_at=row.sent_at,
                read_at=row.read_at,
                note=_note(services, row) if sight.whole or reader in (row.person_id, row.sent_by) else "",
            )
            for row in rows
        ]


def _note(services: Services, row: Any) -> str:
    return str(services.keyring.unseal_json(row.note, note_purpose(row.id))["note"]) if row.note else ""


def note_purpose(copy_id: str) -> str:
    """What a copy's sealed note is bound to."""
    return f"copies.note/{copy_id}"
