"""How much of the time for a piece of work is left, in working time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from .bpmn.model import Element
from .calendar import OFFICE, Calendars
from .db import one_of
from .errors import CalendarEnds
from .models import Placement, SignOff, WorkItem
from .people import directory

#: less than this share left is `amber`
_SOON = 1 / 3
#: what lies further away than this is told without being reckoned
_FAR = dt.timedelta(days=1100)
_MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Term:
    """What is left of it, or how long it has been over."""

    #: `green`, `amber` once less than a third of its working time is left, `red` once it is over
    level: str
    over: bool
    #: whole working days left or over
    days: int
    #: working minutes left or over, in all
    minutes: int


def of(
    calendars: Calendars,
    element: Element | None,
    opened: dt.datetime,
    due: dt.datetime | None,
    now: dt.datetime,
    signer: str | None = None,
) -> Term | None:
    """By the signer's calendar where theirs is the limit (`by_signer`), else that of the work's element, else `office`.

    None for work without a due time, or due further than three years away.
    """
    if due is None or abs(due - now) > _FAR:
        return None
    name = signer or (element.properties.get("wf.calendar") if element else None)
    calendar = calendars.get(name if name in calendars.names else OFFICE)
    over = due < now
    first, last = (due, now) if over else (now, due)
    try:
        left, days = calendar.worked(first, last), calendar.days_between(first, last)
        whole = calendar.worked(max(opened, due - _FAR), due)
    except CalendarEnds:  # nobody ever works by it
        return None
    level = "red" if over else "amber" if left < whole * _SOON or not left else "green"
    return Term(level=level, over=over, days=days, minutes=left // _MINUTE)


def by_signer(connection: sa.Connection, calendars: Calendars, items: Collection[str], now: dt.datetime) -> Mapping[str, str]:
    """Of items that are due because a chain's limit is over for a signer then: item → name of that signer's calendar."""
    if calendars.names == {OFFICE}:
        return {}
    rows = connection.execute(
        sa.select(SignOff.item_id, Placement.region_id, Placement.entity_id)
        .join(WorkItem, sa.and_(WorkItem.id == SignOff.item_id, WorkItem.due_at == SignOff.due_at))
        .outerjoin(Placement, sa.and_(Placement.person_id == SignOff.person_id, directory.in_force(Placement, directory.day(now))))
        .where(SignOff.item_id.in_(items), one_of(SignOff.state, "open", "waiting"))
        .order_by(SignOff.position.desc())
    )
    return {row.item_id: calendars.of_place(row.region_id, row.entity_id) for row in rows}
