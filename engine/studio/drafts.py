"""The next version of a procedure while it is edited: a folder of files, each with its revision, shared by all who manage the procedure.

Whoever saves a file says which revision they saw; what somebody else did meanwhile is never overwritten. Revisions are counted over
all drafts of a procedure, so none comes twice; 0 is a file as it is in the version that the draft began from. The first change begins
the draft, with the files of the active version.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from ..bpmn.blank import diagram
from ..bpmn.outline import titled
from ..errors import DraftOpen, FileRefused, NotAllowed, NotFound
from ..models import Person, ProcedureDraftFile, ProcedureVersion
from ..people import directory
from . import events, rows
from .paths import kind_of
from .rows import DraftFile

if TYPE_CHECKING:
    from ..services import Services

_KEY = re.compile("[a-z][a-z0-9_-]{0,49}")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What an editor sees: the draft, or what it would begin with."""

    procedure: str
    #: what its process is called
    name: str
    name_en: str
    #: number of the version it began from, or would begin from; None for a new procedure
    base: int | None
    #: number of the version that is active now
    active: int | None
    #: 0: there is no draft, the files are those of the active version
    revision: int
    begun_at: dt.datetime | None
    #: ids of everybody who changed it
    editors: Sequence[str]
    files: Sequence[DraftFile]

    def file(self, path: str) -> DraftFile:
        """Raises NotFound."""
        found = next((file for file in self.files if file.path == path), None)
        if found is None:
            raise NotFound(what="file of the procedure", name=path)
        return found


# --- reading


def read(services: Services, procedure: str, *, actor: str | None) -> Draft:
    """The draft of a procedure, or what it would begin with. Raises NotAllowed, NotFound."""
    with services.database.reading() as connection:
        active = rows.must_edit(services, connection, procedure, actor)
        return _read(services, connection, procedure, active)


def _read(services: Services, connection: sa.Connection, procedure: str, active: sa.Row[Any] | None) -> Draft:
    row = rows.stored(connection, procedure)
    number = active.number if active is not None else None
    if row is None:
        given = services.programs.get(active.id).files if active is not None else {}
        files = [
            DraftFile(path=path, kind=kind_of(path), revision=0, size=len(content), changed_at=None, changed_by=None)
            for path, content in sorted(given.items())
        ]
        called = Called(active.name, active.name_en) if active is not None else Called(procedure, procedure)
        more: dict[str, Any] = {"revision": 0, "begun_at": None, "editors": (), "base": number}
    else:
        files, called = rows.files(connection, procedure), named(connection, procedure)
        more = {"revision": row.revision, "begun_at": row.begun_at, "editors": tuple(row.editors), "base": row.base}
    return Draft(procedure=procedure, name=called.name, name_en=called.name_en, active=number, files=files, **more)


def names(connection: sa.Connection, ids: Sequence[str]) -> list[str]:
    """What the people with these ids are called."""
    found = {row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(ids)))}
    return [found[id] for id in ids if id in found]


class Called(NamedTuple):
    """What a procedure is called."""

    name: str
    name_en: str


def named(connection: sa.Connection, procedure: str) -> Called:
    """What the stored draft calls its process; the procedure's key where it holds none that can be read."""
    which = (ProcedureDraftFile.procedure == procedure, ProcedureDraftFile.path.like("%.bpmn"))
    diagrams = connection.execute(sa.select(ProcedureDraftFile.path, ProcedureDraftFile.content).where(*which))
    name, name_en = titled({each.path: each.content for each in diagrams}) or ("", "")
    return Called(name or procedure, name_en or name or procedure)


def contents(services: Services, procedure: str, *, actor: str | None) -> Mapping[str, bytes]:
    """All files of the draft, or of the active version where there is none. Raises NotAllowed, NotFound."""
    with services.database.reading() as connection:
        active = rows.must_edit(services, connection, procedure, actor)
        return all_files(services, connection, procedure, active)


def all_files(services: Services, connection: sa.Connection, procedure: str, active: sa.Row[Any] | None) -> Mapping[str, bytes]:
    """As `contents`, on an open connection."""
    if rows.stored(connection, procedure) is None:
        return services.programs.get(active.id).files if active is not None else {}
    return rows.contents(connection, procedure)


def content(services: Services, procedure: str, path: str, *, actor: str | None) -> tuple[bytes, int]:
    """A file and its revision. Raises NotAllowed, NotFound."""
    with services.database.reading() as connection:
        active = rows.must_edit(services, connection, procedure, actor)
        if rows.stored(connection, procedure) is not None:
            row = rows.file(connection, procedure, path)
            if row is not None:
                return row.content, row.revision
        elif active is not None and path in (files := services.programs.get(active.id).files):
            return files[path], 0
    raise NotFound(what="file of the procedure", name=path)


# --- beginning


def may_begin(roles: Set[str]) -> bool:
    """Whether somebody with these roles may begin a new procedure."""
    return rows.FOUNDERS in roles


def must_begin(connection: sa.Connection, procedure: str, actor: str | None) -> None:
    """Raises NotAllowed for whoever may not begin a new procedure, FileRefused for a key that cannot be one."""
    if actor is not None and not may_begin(directory.roles_of(connection, actor)):
        raise NotAllowed(reason="only administrators begin a new procedure")
    if not _KEY.fullmatch(procedure):
        reason = "the name of a procedure has at most 50 small letters, digits, _ and -, and begins with a letter"
        raise FileRefused(file=procedure[:50], reason=reason)


def create(services: Services, procedure: str, *, name: str, name_en: str, actor: str | None) -> Draft:
    """A new procedure, as a draft with an empty diagram. Raises NotAllowed, FileRefused for a name that cannot be, DraftOpen."""
    with services.database.unit() as unit:
        connection = unit.connection
        must_begin(connection, procedure, actor)
        name, name_en = ("".join(filter(str.isprintable, text)).strip()[:200] for text in (name, name_en))
        if not name:
            raise FileRefused(file=procedure, reason="say what people call the procedure")
        rows.one_at_a_time(connection)
        known = sa.select(ProcedureVersion.id).where(ProcedureVersion.procedure == procedure).limit(1)
        if connection.execute(known).one_or_none() is not None:
            raise FileRefused(file=procedure, reason="there is a procedure of this name already")
        if rows.stored(connection, procedure) is not None:
            raise DraftOpen()
        process = procedure.replace("-", "_")
        empty = diagram(process, name, name_en)
        now = services.clock.now()
        rows.begin(connection, procedure, {}, base=None, at=now, by=actor)
        rows.write(connection, procedure, f"{procedure}.bpmn", empty, rows.next_revision(connection, procedure, actor), at=now, by=actor)
        found = _read(services, connection, procedure, None)
        unit.commit()
    return found


def begin_from(services: Services, procedure: str, number: int, *, actor: str | None) -> Draft:
    """A draft with the files of an earlier version, or of one that never became active. Raises DraftOpen, NotFound, NotAllowed.

    It counts as begun from the version that is active now, so that it is seen what it would change of that.
    """
    with services.database.unit() as unit:
        connection = unit.connection
        active = rows.must_edit(services, connection, procedure, actor)
        rows.one_at_a_time(connection)
        if rows.stored(connection, procedure) is not None:
            raise DraftOpen()
        now = services.clock.now()
        present = services.programs.get(active.id).files if active is not None else {}
        files = rows.version_files(services, connection, procedure, number)
        rows.begin(connection, procedure, present, base=active.number if active is not None else None, at=now, by=actor, version=number)
        revision = rows.next_revision(connection, procedure, actor)
        for path in present.keys() - files.keys():
            rows.delete(connection, procedure, path)
        for path, given in files.items():
            if present.get(path) != given:
                rows.write(connection, procedure, path, given, revision, at=now, by=actor)
        found = _read(services, connection, procedure, active)
        unit.commit()
    return found


def discard(services: Services, procedure: str, *, revision: int, actor: str | None, note: str = "") -> None:
    """Forget the draft of this revision; versions stay. Raises DraftGone, DraftPublished, DraftMovedOn, NotAllowed."""
    with services.database.unit() as unit:
        connection = unit.connection
        rows.must_edit(services, connection, procedure, actor)
        rows.one_at_a_time(connection)
        rows.must_be(connection, procedure, revision)
        rows.end(connection, procedure)
        events.record(connection, procedure, "discarded", at=services.clock.now(), by=actor, note=note, facts={"revision": revision})
        unit.commit()
