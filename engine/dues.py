"""How long a signer has: the limit of a step in the signer's working time, the job that rings when it is over, the item's due time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .calendar import OFFICE, Calendar
from .chains.company import Company
from .chains.steps import setting
from .db import Statement, one_of
from .deferral import DROP_JOBS, add_job
from .models import Job, SignOff, WorkItem
from .ports import Json

if TYPE_CHECKING:
    from .turn import Turn

#: kind of the job that rings; its instance is the id of the sign-off
KIND = "due"
#: attempts to do what a chain says for it
_ATTEMPTS = 5

_EARLIEST = (
    sa.select(sa.func.min(SignOff.due_at))
    .where(SignOff.item_id == sa.bindparam("item_id"), one_of(SignOff.state, "open", "waiting"))
    .scalar_subquery()
)
_SHOW = Statement(
    sa.update(WorkItem)
    .where(WorkItem.id == sa.bindparam("item_id"))
    .values(due_at=sa.func.coalesce(_EARLIEST, WorkItem.diagram_due_at, type_=WorkItem.due_at.type))
)
#: the last job of a sign-off waits again, for another time
_RING = Statement(
    sa.update(Job)
    .where(Job.key == sa.bindparam("key"))
    .values(state="waiting", due_at=sa.bindparam("due"), attempts=0, finished_at=None, lease=None, lease_until=None)
)
#: PostgreSQL writes ids with hyphens
_LEFT = sa.select(sa.func.replace(sa.cast(SignOff.id, sa.String), "-", "")).join(WorkItem, WorkItem.id == SignOff.item_id)
DROP_OF_INSTANCE = Statement(
    sa.update(Job)
    .where(
        Job.case_id == sa.bindparam("case_id"),
        Job.kind == KIND,
        one_of(Job.state, "waiting", "leased", "failed"),
        Job.instance.in_(_LEFT.where(WorkItem.case_id == sa.bindparam("case_id"), WorkItem.instance == sa.bindparam("instance"))),
    )
    .values(state="dropped", finished_at=sa.bindparam("at"))
)


def limited(steps: Sequence[Mapping[str, Json]]) -> bool:
    """Whether some step of a chain has a limit."""
    return any(setting(step, "limit_hours") or setting(step, "limit_days") for step in steps)


def calendar(turn: Turn, person: str | None) -> Calendar:
    """The signer's; of what is offered to several `office`."""
    calendars = turn.services.calendars
    member = Company(turn.unit.connection, turn.now).member(person) if person else None
    return calendars.get(calendars.of_place(member.region, member.entity) if member else OFFICE)


def due(turn: Turn, step: Mapping[str, Json], person: str | None) -> dt.datetime | None:
    """When whoever gets a sign-off of this step now must have given it; None where the step has no limit."""
    hours, days = setting(step, "limit_hours"), setting(step, "limit_days")
    if not hours and not days:
        return None
    return calendar(turn, person).add(turn.now, days=days or 0, hours=dt.timedelta(hours=hours or 0))


def arm(turn: Turn, element: str, step: Mapping[str, Json], sign_off_id: str, at: dt.datetime | None, *, number: int = 1) -> None:
    """Ring `at`, where the step says what then. `number`: the how many-th time for this sign-off."""
    if at is not None and setting(step, "on_due"):
        key = f"{turn.case.id}:{sign_off_id}:{number}"
        add_job(turn.services, turn.unit, turn.case.id, KIND, element, sign_off_id, at=turn.now, due=at, attempts=_ATTEMPTS, key=key)


def rearm(turn: Turn, element: str, step: Mapping[str, Json], sign_off_id: str, at: dt.datetime) -> None:
    """Ring at another time."""
    asked = sa.select(sa.func.count()).where(Job.case_id == turn.case.id, Job.instance == sign_off_id)
    rung = turn.unit.connection.execute(asked).scalar_one()
    if not rung:
        arm(turn, element, step, sign_off_id, at)
        return
    turn.unit.write(_RING, key=f"{turn.case.id}:{sign_off_id}:{rung}", due=at)
    turn.unit.after_commit(lambda: turn.services.carrier.ring(at))


def disarm(turn: Turn, sign_off_id: str) -> None:
    """The sign-off waits no more."""
    turn.unit.write(DROP_JOBS, case_id=turn.case.id, instance=sign_off_id, at=turn.now)


def show(turn: Turn, item_id: str) -> None:
    """The item is due when the first of its sign-offs is, and without any as the diagram says."""
    turn.unit.write(_SHOW, item_id=item_id)
