"""The rows of drafts: who may change them, what is stored, and writing it. Whoever calls has the transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..errors import DraftGone, DraftMovedOn, NotAllowed, NotFound, Sentence
from ..models import Person, ProcedureDraft, ProcedureDraftFile, ProcedureVersion
from ..people import directory
from ..rules import rules_of
from . import events
from .paths import kind_of

if TYPE_CHECKING:
    from ..services import Services

#: whoever holds it begins new procedures, and manages those of which no version was active yet
FOUNDERS = "admin"


@dataclass(frozen=True, kw_only=True)
class Editor:
    """Somebody who changed something."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class DraftFile:
    """One file of a draft, without its content."""

    path: str
    #: as `paths.kind_of` says
    kind: str
    #: 0: as in the version that the draft began from
    revision: int
    #: bytes
    size: int
    changed_at: dt.datetime | None
    changed_by: Editor | None


# --- who may


def active_version(connection: sa.Connection, procedure: str) -> sa.Row[Any] | None:
    """The version that serves new cases: a row of `procedure_versions`, or None."""
    which = (ProcedureVersion.procedure == procedure, ProcedureVersion.active)
    return connection.execute(sa.select(ProcedureVersion.__table__).where(*which)).one_or_none()


def version_files(services: Services, connection: sa.Connection, procedure: str, number: int | None) -> Mapping[str, bytes]:
    """The files of the version of this number; none for None. Raises NotFound."""
    if number is None:
        return {}
    which = (ProcedureVersion.procedure == procedure, ProcedureVersion.number == number)
    version = connection.execute(sa.select(ProcedureVersion.id).where(*which)).scalar_one_or_none()
    if version is None:
        raise NotFound(what="deployed procedure", name=f"{procedure} {number}")
    return services.programs.get(version).files


def must_edit(services: Services, connection: sa.Connection, procedure: str, actor: str | None) -> sa.Row[Any] | None:
    """The active version of a procedure that the actor manages; the command line manages each.

    Raises NotAllowed, NotFound for a procedure that was never begun.
    """
    active = active_version(connection, procedure)
    if actor is not None:
        managers = rules_of(services.programs.get(active.id).files).managers if active is not None else {FOUNDERS}
        if not directory.roles_of(connection, actor) & managers:
            raise NotAllowed(reason="only managers of this procedure can do it")
    if active is None and stored(connection, procedure) is None:
        versions = sa.select(ProcedureVersion.id).where(ProcedureVersion.procedure == procedure).limit(1)
        if connection.execute(versions).one_or_none() is None:
            raise NotFound(what="procedure", name=procedure)
    return active


def one_at_a_time(connection: sa.Connection) -> None:
    """Nobody else changes a draft until the transaction ends. SQLite lets one write at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE procedure_drafts IN SHARE ROW EXCLUSIVE MODE"))


# --- reading


def files(connection: sa.Connection, procedure: str) -> list[DraftFile]:
    """The files of the stored draft, by path."""
    given = ProcedureDraftFile
    found = connection.execute(
        sa.select(given.path, given.revision, sa.func.length(given.content).label("size"), given.changed_at, given.changed_by, Person.name)
        .outerjoin(Person, Person.id == given.changed_by)
        .where(given.procedure == procedure)
        .order_by(given.path)
    )
    return [
        DraftFile(
            path=row.path,
            kind=kind_of(row.path),
            revision=row.revision,
            size=row.size,
            changed_at=row.changed_at,
            changed_by=Editor(id=row.changed_by, name=row.name or "") if row.changed_by else None,
        )
        for row in found
    ]


def stored(connection: sa.Connection, procedure: str) -> sa.Row[Any] | None:
    """The row of the draft there is now."""
    select = sa.select(ProcedureDraft.__table__).where(ProcedureDraft.procedure == procedure, ProcedureDraft.begun_at.is_not(None))
    return connection.execute(select).one_or_none()


def contents(connection: sa.Connection, procedure: str) -> dict[str, bytes]:
    """The content of each file of the stored draft."""
    select = sa.select(ProcedureDraftFile.path, ProcedureDraftFile.content).where(ProcedureDraftFile.procedure == procedure)
    return {row.path: row.content for row in connection.execute(select.order_by(ProcedureDraftFile.path))}


def file(connection: sa.Connection, procedure: str, path: str) -> sa.Row[Any] | None:
    which = (ProcedureDraftFile.procedure == procedure, ProcedureDraftFile.path == path)
    return connection.execute(sa.select(ProcedureDraftFile.__table__).where(*which)).one_or_none()


def must_be(connection: sa.Connection, procedure: str, revision: int) -> sa.Row[Any]:
    """The stored draft. Raises DraftGone where there is none, DraftMovedOn where it is another than was seen."""
    found = stored(connection, procedure)
    if found is not None and found.revision == revision:
        return found
    if found is None:
        over = events.last(connection, procedure, "published", "scheduled", "discarded")
        if over is None:
            raise NotFound(what="draft of the procedure", name=procedure)
        act = Sentence("discarded") if over.act == "discarded" else Sentence("published")
        raise DraftGone(**told(over), act=act)
    raise DraftMovedOn(**told(events.last(connection, procedure)))


def told(event: sa.Row[Any] | None) -> dict[str, Any]:
    assert event is not None  # whatever changes a draft keeps an event
    return {"who": event.who or Sentence("the command line"), "when": event.at.isoformat(timespec="minutes")}


# --- writing


def begin(
    connection: sa.Connection,
    procedure: str,
    files: Mapping[str, bytes],
    *,
    base: int | None,
    at: dt.datetime,
    by: str | None,
    version: int | None = None,
) -> None:
    """A draft that says the same as its base; `version`: the one whose files it gets."""
    begun: dict[str, Any] = {"begun_at": at, "base": base, "editors": []}
    if not connection.execute(sa.update(ProcedureDraft).where(ProcedureDraft.procedure == procedure).values(begun)).rowcount:
        connection.execute(sa.insert(ProcedureDraft).values(procedure=procedure, revision=0, **begun))
    if files:
        rows = [{"procedure": procedure, "path": path, "content": given, "revision": 0} for path, given in files.items()]
        connection.execute(sa.insert(ProcedureDraftFile), rows)
    facts = {"number": version if version is not None else base}
    events.record(connection, procedure, "begun", at=at, by=by, facts=facts)


def end(connection: sa.Connection, procedure: str) -> None:
    """The draft is no more; its revisions are counted on."""
    connection.execute(sa.delete(ProcedureDraftFile).where(ProcedureDraftFile.procedure == procedure))
    connection.execute(sa.update(ProcedureDraft).where(ProcedureDraft.procedure == procedure).values(begun_at=None, base=None, editors=[]))


def next_revision(connection: sa.Connection, procedure: str, actor: str | None) -> int:
    """The revision of the change that is made now; who makes it is one of the draft's editors from now on."""
    row = connection.execute(sa.select(ProcedureDraft.revision, ProcedureDraft.editors).where(ProcedureDraft.procedure == procedure)).one()
    editors = list(dict.fromkeys([*row.editors, *([actor] if actor else [])]))
    change = sa.update(ProcedureDraft).where(ProcedureDraft.procedure == procedure)
    connection.execute(change.values(revision=row.revision + 1, editors=editors))
    return int(row.revision) + 1


def write(connection: sa.Connection, procedure: str, path: str, given: bytes, revision: int, *, at: dt.datetime, by: str | None) -> None:
    values = {"content": given, "revision": revision, "changed_at": at, "changed_by": by}
    which = (ProcedureDraftFile.procedure == procedure, ProcedureDraftFile.path == path)
    if not connection.execute(sa.update(ProcedureDraftFile).where(*which).values(values)).rowcount:
        connection.execute(sa.insert(ProcedureDraftFile).values(procedure=procedure, path=path, **values))


def delete(connection: sa.Connection, procedure: str, path: str) -> None:
    which = (ProcedureDraftFile.procedure == procedure, ProcedureDraftFile.path == path)
    connection.execute(sa.delete(ProcedureDraftFile).where(*which))
