"""What could not be sent: administrators see it and send it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..deferral import add_job
from ..errors import NotAllowed, NotFound
from ..models import Case, Notice, Person, WorkItem, new_id
from ..people import directory
from .telling import ATTEMPTS, PRIORITY

if TYPE_CHECKING:
    from ..services import Services

#: whoever holds it sees what failed
ADMIN = "admin"


def rows(connection: sa.Connection, limit: int = 100) -> Sequence[sa.Row[Any]]:
    """The newest that failed: rows of `notices` with `person` (name), `number` of the case and `name`, `name_en` of the item."""
    select = (
        sa.select(Notice.__table__, Person.name.label("person"), Case.number, WorkItem.name, WorkItem.name_en)
        .join(Person, Person.id == Notice.person_id)
        .outerjoin(Case, Case.id == Notice.case_id)
        .outerjoin(WorkItem, WorkItem.id == Notice.item_id)
        .where(Notice.state == sa.literal_column("'failed'"))
        .order_by(Notice.created_at.desc(), Notice.id)
        .limit(limit)
    )
    return connection.execute(select).all()


def send_again(services: Services, notice: str, *, by: str) -> None:
    """Send a notice that failed once more; one that waits, or was sent, stays as it is. Raises NotFound, NotAllowed."""
    now = services.clock.now()
    with services.database.unit() as unit:
        connection = unit.connection
        if ADMIN not in directory.roles_of(connection, by):
            raise NotAllowed(reason="only administrators send notices again")
        row = connection.execute(sa.select(Notice.__table__).where(Notice.id == notice).with_for_update()).one_or_none()
        if row is None:
            raise NotFound(what="notice", name=notice)
        if row.state != "failed":
            return
        payload, key = {"notice": notice}, f"notice:{notice}:{new_id()}"
        more: dict[str, Any] = {"attempts": ATTEMPTS, "priority": PRIORITY, "payload": payload, "key": key}
        job = add_job(services, unit, row.case_id, "notice", "", "", at=now, **more)
        again = {"state": "waiting", "job_id": job, "bundled": False, "due_at": now, "ended_at": None}
        connection.execute(sa.update(Notice).where(Notice.id == notice).values(again))
        unit.commit()
