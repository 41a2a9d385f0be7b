"""已阅: when whoever holds a sign-off first opened its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..db import Statement
from ..models import SignOff

if TYPE_CHECKING:
    from ..services import Services

_UNREAD = (SignOff.item_id == sa.bindparam("item"), SignOff.person_id == sa.bindparam("reader"), SignOff.state == "open")
_FIND = Statement(sa.select(SignOff.id).where(*_UNREAD, SignOff.read_at.is_(None)))
_KEEP = Statement(sa.update(SignOff).where(*_UNREAD, SignOff.read_at.is_(None)).values(read_at=sa.bindparam("at")))


def read(services: Services, item_id: str, *, reader: str) -> bool:
    """The reader has opened the item: an open sign-off that they hold is read from now on. Whether there was one unread.

    Nothing happens to the case by it, so that it needs neither its lock nor an entry in its ledger; a decided one is not touched.
    """
    given = {"item": item_id, "reader": reader}
    [unread] = services.database.together((_FIND, given))
    if not unread:
        return False
    with services.database.unit() as unit:
        unit.write(_KEEP, **given, at=services.clock.now())
        unit.commit()
    return True
