"""认领: work that is offered to several is held by one of them, or put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..db import Statement
from ..errors import NotAllowed
from ..ledger import Event
from ..models import SignOff
from .tasks import task

if TYPE_CHECKING:
    from ..services import Services

#: somebody else holds it, or nobody; `absent`: for whom they stand in
HOLD = Statement(
    sa.update(SignOff)
    .where(SignOff.id == sa.bindparam("sign_off_id"))
    .values(person_id=sa.bindparam("holder"), for_id=sa.bindparam("absent"))
)


def claim(services: Services, item_id: str, *, actor: str, request_id: str) -> None:
    """Take offered work; it leaves the others' inboxes with the same commit. Raises as `complete`."""
    _hold(services, item_id, actor, request_id, Event.ITEM_CLAIMED, holds=True)


def release(services: Services, item_id: str, *, actor: str, request_id: str) -> None:
    """Put claimed work back for its candidates. Raises as `complete`."""
    _hold(services, item_id, actor, request_id, Event.ITEM_RELEASED, holds=False)


def _hold(services: Services, item_id: str, actor: str, request_id: str, event: Event, *, holds: bool) -> None:
    with services.database.unit() as unit:
        work = task(services, unit, item_id, actor, request_id)
        if work is None or work.held == holds:
            return
        if not work.offered:
            raise NotAllowed(reason="this work is assigned to you alone and cannot be put back")
        work.turn.record(event, element=work.element.id, item=item_id)
        unit.write(HOLD, sign_off_id=work.sign_off_id, holder=actor if holds else None, absent=work.absent if holds else None)
        work.turn.commit()
