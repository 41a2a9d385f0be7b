"""What was done with the draft of a procedure, by whom and why: kept in the transaction that does it, and read for the history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..models import Person, ProcedureEvent, ProcedureVersion, VersionEvent, new_id
from ..ports import Json

#: `begun` from a version or as a new procedure; `edited`, `added`, `uploaded`, `renamed`, `removed`: a file; `taken over`: what changed in
#: the version that was published meanwhile; `replaced`: that version's changes were left out on purpose; `overrode`: published although
#: scenarios fail; `published`, `scheduled`, `discarded`: the draft is no more; `not activated`: why a scheduled version is not;
#: `not published`: what scenarios, or somebody meanwhile, had against it; `withdrawn`: somebody took the publication back before its end
ACTS = (
    *("begun", "edited", "added", "uploaded", "renamed", "removed"),
    *("taken over", "replaced", "overrode", "published", "scheduled", "discarded", "not activated", "not published", "withdrawn"),
)
#: within this time the changes that somebody makes to a file are one
_SITTING = dt.timedelta(hours=1)


def record(
    connection: sa.Connection,
    procedure: str,
    act: str,
    *,
    at: dt.datetime,
    by: str | None,
    path: str = "",
    note: str = "",
    facts: Mapping[str, Json] | None = None,
) -> None:
    """Keep an act, one of ACTS."""
    values = {"procedure": procedure, "act": act, "path": path, "at": at, "by": by, "note": note, "facts": dict(facts or {})}
    connection.execute(sa.insert(ProcedureEvent).values(id=new_id(), **values))


def record_edit(connection: sa.Connection, procedure: str, path: str, *, at: dt.datetime, by: str | None) -> None:
    """Keep that somebody edited a file; once for a sitting, in which an editor saves every few seconds."""
    last = connection.execute(
        sa.select(ProcedureEvent.act, ProcedureEvent.by, ProcedureEvent.at)
        .where(ProcedureEvent.procedure == procedure, ProcedureEvent.path.in_((path, "")))
        .order_by(ProcedureEvent.at.desc(), ProcedureEvent.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None or (last.act, last.by) != ("edited", by) or at - last.at > _SITTING:
        record(connection, procedure, "edited", at=at, by=by, path=path)


def last(connection: sa.Connection, procedure: str, *acts: str) -> sa.Row[Any] | None:
    """The latest event, of these acts where they are named: a row of `procedure_events` with `who`, a name or None."""
    return _last(connection, ProcedureEvent.procedure == procedure, *([ProcedureEvent.act.in_(acts)] if acts else []))


def last_of_file(connection: sa.Connection, procedure: str, path: str) -> sa.Row[Any] | None:
    """What was done last with a file, or with the whole draft so that the file is another one now."""
    over = sa.and_(ProcedureEvent.path == "", ProcedureEvent.act != "begun")
    renamed = sa.and_(ProcedureEvent.act == "renamed", ProcedureEvent.facts["from"].as_string() == path)
    return _last(connection, ProcedureEvent.procedure == procedure, sa.or_(ProcedureEvent.path == path, over, renamed))


def _last(connection: sa.Connection, *which: sa.ColumnElement[bool]) -> sa.Row[Any] | None:
    return connection.execute(
        sa.select(ProcedureEvent.__table__, Person.name.label("who"))
        .outerjoin(Person, Person.id == ProcedureEvent.by)
        .where(*which)
        .order_by(ProcedureEvent.at.desc(), ProcedureEvent.id.desc())
        .limit(1)
    ).one_or_none()


def of_version(connection: sa.Connection, procedure: str, number: int) -> list[sa.Row[Any]]:
    """What was done with the draft that became this version, and with that version by the clock."""
    found = connection.execute(sa.select(ProcedureEvent.__table__).where(ProcedureEvent.procedure == procedure).order_by(ProcedureEvent.at))
    return [row for row in found if row.facts.get("number") == number]


def failure(connection: sa.Connection, procedure: str) -> sa.Row[Any] | None:
    """Why the version that was scheduled last did not become active, as long as nothing was published, scheduled or activated since."""
    found = last(connection, procedure, "not activated")
    since = last(connection, procedure, "published", "scheduled")
    active = last_activation(connection, procedure)
    if found is None or any(one is not None and one.at > found.at for one in (since, active)):
        return None
    return found


def last_activation(connection: sa.Connection, procedure: str) -> sa.Row[Any] | None:
    """The latest event by which a version became active: a row of `version_events` with `who`."""
    acts = ("deployed", "activated", "activated on time")
    return connection.execute(
        sa.select(VersionEvent.__table__, Person.name.label("who"))
        .join(ProcedureVersion, ProcedureVersion.id == VersionEvent.version_id)
        .outerjoin(Person, Person.id == VersionEvent.by)
        .where(ProcedureVersion.procedure == procedure, VersionEvent.act.in_(acts))
        .order_by(VersionEvent.at.desc(), VersionEvent.id.desc())
        .limit(1)
    ).one_or_none()


@dataclass(frozen=True, kw_only=True)
class Act:
    """What was done with a draft or a version."""

    #: one of ACTS, or of `models.VersionEvent`
    act: str
    at: dt.datetime
    #: name of who did it, None for the command line or the clock
    by: str | None
    note: str
    path: str = ""
    #: number of the version it was about
    number: int | None = None
    facts: Mapping[str, Json] | None = None


def history(connection: sa.Connection, procedure: str, limit: int = 100) -> list[Act]:
    """What was done with drafts and versions of a procedure, the newest first, at most `limit` of each."""
    named = Person.name.label("who")
    drafts = connection.execute(
        sa.select(ProcedureEvent.__table__, named)
        .outerjoin(Person, Person.id == ProcedureEvent.by)
        .where(ProcedureEvent.procedure == procedure)
        .order_by(ProcedureEvent.at.desc(), ProcedureEvent.id.desc())
        .limit(limit)
    ).all()
    versions = connection.execute(
        sa.select(VersionEvent.__table__, named, ProcedureVersion.number)
        .join(ProcedureVersion, ProcedureVersion.id == VersionEvent.version_id)
        .outerjoin(Person, Person.id == VersionEvent.by)
        .where(ProcedureVersion.procedure == procedure)
        .order_by(VersionEvent.at.desc(), VersionEvent.id.desc())
        .limit(limit)
    ).all()
    found = [
        Act(act=row.act, at=row.at, by=row.who, note=row.note, path=row.path, number=row.facts.get("number"), facts=row.facts)
        for row in drafts
        if row.act not in ("published", "scheduled")  # the version tells them
    ]
    found += [Act(act=row.act, at=row.at, by=row.who, note=row.note, number=row.number) for row in versions]
    return sorted(found, key=lambda act: act.at, reverse=True)
