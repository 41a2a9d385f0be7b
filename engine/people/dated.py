"""Rows with days: what holds from one day to another is changed from a day on, and what was before stays readable.

Functions take an open connection and neither commit nor begin.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ..models import Appointment, Headship, Membership, Placement, new_id

_DAY = dt.timedelta(days=1)


def change(
    connection: sa.Connection,
    model: type[Placement] | type[Headship],
    key: Mapping[str, Any],
    values: Mapping[str, Any] | None,
    on: dt.date | None,
) -> bool:
    """Let `values` hold for `key` from a day on, until the next change that is planned already; `on` None: as if always.

    Of a placement the values that are not given stay. `values` None: nothing holds from that day on. False where it held
    already.
    """
    table: Any = model.__table__
    own = [table.c[name] == value for name, value in key.items()]
    rows = connection.execute(sa.select(table).where(*own).order_by(table.c.from_day.is_not(None), table.c.from_day)).all()
    day = on or dt.date.max
    present = next((row for row in rows if (row.from_day or dt.date.min) <= day <= (row.to_day or dt.date.max)), None)
    if (present and {name: present._mapping[name] for name in values or {}}) == values and (on or len(rows) == bool(values)):
        return False
    if on is None:
        connection.execute(sa.delete(table).where(*own))
    elif present is not None and (present.from_day or dt.date.min) == day:
        connection.execute(sa.delete(table).where(table.c.id == present.id))
    elif present is not None:
        connection.execute(sa.update(table).where(table.c.id == present.id).values(to_day=day - _DAY))
    if values is not None:
        ends = [row.from_day - _DAY for row in rows if on and row.from_day and row.from_day > on]
        ends += [present.to_day] if on and present is not None and present.to_day else []
        kept = dict(present._mapping) if present is not None else dict[str, Any]()
        row = {**kept, **key, **values, "id": new_id(), "from_day": on, "to_day": min(ends, default=None)}
        connection.execute(sa.insert(table).values(row))
    return True


def begin(connection: sa.Connection, model: type[Membership] | type[Appointment], key: Mapping[str, Any], on: dt.date | None) -> None:
    """Let a row of this key, of which none holds that day, hold from a day on (None: as if always); one that was to begin later
    begins then instead.
    """
    table: Any = model.__table__
    own = sa.and_(*(table.c[name] == value for name, value in key.items()))
    later = None
    if on is None:
        connection.execute(sa.delete(table).where(own))
    else:
        planned = sa.select(table.c.id).where(own, table.c.from_day > on).order_by(table.c.from_day).limit(1)
        later = connection.execute(planned).scalar_one_or_none()
    if later is not None:
        connection.execute(sa.update(table).where(table.c.id == later).values(from_day=on))
    else:
        connection.execute(sa.insert(table).values(id=new_id(), **key, from_day=on, to_day=None))


def end(connection: sa.Connection, model: type[Membership] | type[Appointment], key: Mapping[str, Any], on: dt.date | None) -> None:
    """Let rows of this key hold no more from a day on (None: as if never); one that was to begin later never does."""
    table: Any = model.__table__
    own = sa.and_(*(table.c[name] == value for name, value in key.items()))
    if on is None:
        connection.execute(sa.delete(table).where(own))
        return
    connection.execute(sa.delete(table).where(own, table.c.from_day >= on))
    open_end = sa.or_(table.c.to_day.is_(None), table.c.to_day >= on)
    connection.execute(sa.update(table).where(own, open_end).values(to_day=on - _DAY))
