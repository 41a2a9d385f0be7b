"""One ledger entry by itself, for what does not move a case: reading, sealing and exporting its evidence."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from . import ledger
from .db import Statement, Unit
from .errors import NotFound
from .models import Case
from .ports import Json

_LOCK = Statement(sa.select(Case.entries, Case.head).where(Case.id == sa.bindparam("case_id")).with_for_update(key_share=True))
_MOVE = Statement(
    sa.update(Case).where(Case.id == sa.bindparam("case_id")).values({name: sa.bindparam(name) for name in ("entries", "head")})
)


def witness(
    unit: Unit, case_id: str, event: ledger.Event, *, at: dt.datetime, actor: str | None, element: str | None = None, **payload: Json
) -> None:
    """Append to the chain of a case with the unit's commit. The case's revision stays, so a live copy of it stays good.

    Raises NotFound.
    """
    row = unit.one(_LOCK, case_id=case_id)
    if row is None:
        raise NotFound(what="case", name=case_id)
    page = ledger.Page(case_id=case_id, entries=row.entries, head=row.head, at=at, actor=actor)
    page.append(event, element=element, **payload)
    page.write(unit)
    unit.write(_MOVE, case_id=case_id, entries=page.entries, head=page.head)
