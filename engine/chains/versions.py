"""The versions of approval chains: which one is in force, and how the next one comes about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..errors import ChainRefused, NotFound
from ..models import Chain, ChainDraft, ChainEvent, Person, new_id
from ..ports import Json
from .company import Company
from .faults import Fault, faults, unwired
from .steps import keyed
from .steps import timed as limited


def active(connection: sa.Connection, key: str, at: dt.datetime) -> sa.Row[Any]:
    """The version of a chain that serves new work: of those in force the newest. Raises NotFound."""
    newest = sa.select(Chain.__table__).where(Chain.key == key, Chain.effective_at <= at).order_by(Chain.number.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    if row is None:
        raise NotFound(what="approval chain", name=key)
    return row


def in_force(connection: sa.Connection, key: str, at: dt.datetime) -> sa.Row[Any] | None:
    """The version that serves new work; None while nothing is published."""
    try:
        return active(connection, key, at)
    except NotFound:
        return None


def keys(connection: sa.Connection) -> set[str]:
    """Of every chain that was ever published."""
    return set(connection.execute(sa.select(Chain.key).distinct()).scalars())


def timed(connection: sa.Connection, at: dt.datetime) -> dict[str, bool]:
    """By key of every chain that was ever published: whether each step of the version in force, or else of the first, has a limit."""
    newest: dict[str, Json] = {}
    for row in connection.execute(sa.select(Chain.key, Chain.steps, Chain.effective_at).order_by(Chain.number)):
        if row.key not in newest or row.effective_at <= at:
            newest[row.key] = row.steps
    return {key: limited(steps) for key, steps in newest.items()}


def numbered(connection: sa.Connection, key: str, number: int) -> sa.Row[Any]:
    """One version: a row of `chains`. Raises NotFound."""
    row = connection.execute(sa.select(Chain.__table__).where(Chain.key == key, Chain.number == number)).one_or_none()
    if row is None:
        raise NotFound(what="approval chain", name=f"{key} {number}")
    return row


def one_at_a_time(connection: sa.Connection) -> None:
    """Nobody else saves or publishes until the transaction ends. SQLite lets one write at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE chains IN SHARE ROW EXCLUSIVE MODE"))


@dataclass(frozen=True, kw_only=True)
class ChainRow:
    """One chain, for a list."""

    key: str
    name: str
    name_en: str
    #: number of the version in force; 0 while there is none
    number: int
    steps: int
    #: when a later version comes into force
    coming_at: dt.datetime | None
    #: when its draft was saved, and by whom; None without a draft
    draft_at: dt.datetime | None
    draft_by: str


def chains(connection: sa.Connection, now: dt.datetime) -> list[ChainRow]:
    """Every chain that was published or drafted, by key."""
    drafts = {
        row.key: row
        for row in connection.execute(
            sa.select(ChainDraft.key, ChainDraft.name, ChainDraft.name_en, ChainDraft.saved_at, Person.name.label("saver")).outerjoin(
                Person, Person.id == ChainDraft.saved_by
            )
        )
    }
    found = []
    for key in sorted(keys(connection) | drafts.keys()):
        draft = drafts.get(key)
        rows = connection.execute(sa.select(Chain.__table__).where(Chain.key == key).order_by(Chain.number.desc())).all()
        current = next((row for row in rows if row.effective_at <= now), None)
        coming = next((row for row in rows if row.effective_at > now and (current is None or row.number > current.number)), None)
        shown = current or coming or draft
        found.append(
            ChainRow(
                key=key,
                name=shown.name if shown else key,
                name_en=shown.name_en if shown else key,
                number=current.number if current else 0,
                steps=len(current.steps) if current else 0,
                coming_at=coming.effective_at if coming else None,
                draft_at=draft.saved_at if draft else None,
                draft_by=(draft.saver or "") if draft else "",
            )
        )
    return found


@dataclass(frozen=True, kw_only=True)
class VersionRow:
    """One published version."""

    number: int
    effective_at: dt.datetime
    published_at: dt.datetime
    #: name and id of who published it; "" and None for a deployment or the command line
    by: str
    by_id: str | None
    #: `in_force`, `coming`, `former`, or `passed_over` where a later one was published before it came into force
    state: str


@dataclass(frozen=True, kw_only=True)
class Act:
    """What was done with a chain."""

    act: str
    number: int | None
    at: dt.datetime
    by: str
    note: str
    changes: Sequence[Mapping[str, Json]]


def history(connection: sa.Connection, key: str, now: dt.datetime) -> tuple[list[VersionRow], list[Act]]:
    """Versions and what was done, the newest first."""
    named = sa.func.coalesce(Person.name, "").label("who")
    rows = connection.execute(
        sa.select(Chain.number, Chain.effective_at, Chain.published_at, Chain.published_by, named)
        .outerjoin(Person, Person.id == Chain.published_by)
        .where(Chain.key == key)
        .order_by(Chain.number.desc())
    ).all()
    current = max((row.number for row in rows if row.effective_at <= now), default=0)
    found = []
    for row in rows:
        later = [other for other in rows if other.number > row.number]
        passed_over = any(other.effective_at <= row.effective_at for other in later)
        state = "in_force" if row.number == current else "coming" if row.number > current else "passed_over" if passed_over else "former"
        if state == "coming" and passed_over:
            state = "passed_over"
        times = {"effective_at": row.effective_at, "published_at": row.published_at}
        found.append(VersionRow(number=row.number, by=row.who, by_id=row.published_by, state=state, **times))
    acts = connection.execute(
        sa.select(ChainEvent.act, ChainEvent.number, ChainEvent.at, ChainEvent.note, ChainEvent.changes, named)
        .outerjoin(Person, Person.id == ChainEvent.by)
        .where(ChainEvent.key == key)
        .order_by(ChainEvent.at.desc(), ChainEvent.id.desc())
        .limit(200)
    ).all()
    return found, [Act(act=a.act, number=a.number, at=a.at, by=a.who, note=a.note, changes=a.changes) for a in acts]


def acts(connection: sa.Connection, key: str) -> int:
    """How many things were done with a chain; 0: there is none."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(ChainEvent).where(ChainEvent.key == key)).scalar_one())


_ACTS: Any = (
    sa.select(ChainEvent.act, ChainEvent.number, ChainEvent.at, Person.name.label("who"))
    .outerjoin(Person, Person.id == ChainEvent.by)
    .where(ChainEvent.key == sa.bindparam("key"))
)


def last(connection: sa.Connection, key: str) -> sa.Row[Any] | None:
    """What was done last with a chain: (act, number, at, who); None where nothing ever was."""
    return connection.execute(_ACTS.order_by(ChainEvent.at.desc(), ChainEvent.id.desc()).limit(1), {"key": key}).one_or_none()


def published_as(connection: sa.Connection, key: str, revision: int) -> sa.Row[Any] | None:
    """The act, as `last` gives it, that published the draft of this revision (`drafts`); None where none did."""
    if revision < 1:
        return None
    since = connection.execute(_ACTS.order_by(ChainEvent.at, ChainEvent.id).offset(revision - 1), {"key": key}).all()
    if not since or since[0].act not in ("edited", "imported"):
        return None
    after = next((act for act in since[1:] if act.act != "undone"), None)
    return after if after is not None and after.act == "published" else None


def same(version: sa.Row[Any], name: str, name_en: str, steps: Sequence[Mapping[str, Json]]) -> bool:
    """Whether a version says just this."""
    return (version.name, version.name_en, list(version.steps)) == (name, name_en, [dict(step) for step in steps])


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
    one_at_a_time(connection)
    steps = keyed(steps)
    refuse_faults(key, [*faults(name, name_en, steps, Company(connection, now))], steps)
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


def refuse_shape(connection: sa.Connection, key: str, steps: Json, now: dt.datetime) -> None:
    """Raises ChainRefused for steps that cannot even be tried."""
    if found := faults("x", "x", steps, Company(connection, now)):
        raise ChainRefused(chain=key, found=found)


def refuse_faults(key: str, found: Sequence[Fault], steps: Sequence[Mapping[str, Json]]) -> None:
    """Raises ChainRefused with the faults, or else with what work items would not carry out."""
    if refused := list(found) or unwired(steps):
        raise ChainRefused(chain=key, found=refused)


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
