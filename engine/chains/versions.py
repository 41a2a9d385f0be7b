"""The versions of approval chains: which one is in force, and how the next one comes about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ..errors import ChainRefused, NotFound
from ..models import Chain, ChainEvent, new_id
from ..ports import Json
from . import steps as shape
from .company import Company


def active(connection: sa.Connection, key: str, at: dt.datetime) -> sa.Row[Any]:
    """The version of a chain that serves new work: of those in force the newest. Raises NotFound."""
    newest = sa.select(Chain.__table__).where(Chain.key == key, Chain.effective_at <= at).order_by(Chain.number.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    if row is None:
        raise NotFound(what="approval chain", name=key)
    return row


def keys(connection: sa.Connection) -> set[str]:
    """Of every chain that was ever published."""
    return set(connection.execute(sa.select(Chain.key).distinct()).scalars())


def publish(
    connection: sa.Connection,
    *,
    key: str,
    name: str,
    name_en: str,
    steps: Sequence[Mapping[str, Json]],
    by: str | None,
    now: dt.datetime,
    effective: dt.datetime | None = None,
    note: str = "",
    act: str = "published",
    changes: Sequence[Mapping[str, Json]] = (),
) -> Chain:
    """Make these steps the next version, in force from `effective` on (None: now). What is open keeps the version it began with.

    A version that was to come into force later and has a lower number never does. Raises ChainRefused with every fault.
    """
    steps = shape.keyed(steps)
    refuse_faults(key, [*shape.faults(name, name_en, steps, Company(connection, now))], steps)
    last = connection.execute(sa.select(sa.func.max(Chain.number)).where(Chain.key == key)).scalar() or 0
    values = {
        "id": new_id(),
        "key": key,
        "number": last + 1,
        "name": name,
        "name_en": name_en,
        "steps": [dict(step) for step in steps],
        "effective_at": max(effective or now, now),
        "published_at": now,
        "published_by": by,
    }
    connection.execute(sa.insert(Chain), values)
    record(connection, key, act, at=now, by=by, note=note, number=last + 1, changes=changes)
    return Chain(**values)


def refuse_faults(key: str, found: Sequence[shape.Fault], steps: Sequence[Mapping[str, Json]]) -> None:
    """Raises ChainRefused with the faults, or else with what work items would not carry out."""
    if faults := list(found) or shape.unwired(steps):
        raise ChainRefused(chain=key, found=faults)


def record(
    connection: sa.Connection,
    key: str,
    act: str,
    *,
    at: dt.datetime,
    by: str | None,
    note: str = "",
    number: int | None = None,
    changes: Sequence[Mapping[str, Json]] = (),
) -> None:
    """Keep what was done with a chain; `act` as in `models.ChainEvent`."""
    values = {"id": new_id(), "key": key, "act": act, "number": number, "at": at, "by": by, "note": note, "changes": list(changes)}
    connection.execute(sa.insert(ChainEvent), values)
