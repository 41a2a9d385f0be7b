"""Changing the files of a draft, one by one or several at once. What somebody else did meanwhile is never overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..errors import DraftFileChanged, FileRefused, NotFound, Sentence
from ..models import Person
from ..procedures import LARGEST
from . import events, rows
from .paths import kind_of, must_be_path

if TYPE_CHECKING:
    from ..services import Services

#: files of one draft, and bytes of all of them
_MOST, _ALL = 300, 20 * 1024 * 1024


def save(
    services: Services,
    procedure: str,
    path: str,
    given: bytes,
    *,
    revision: int | None,
    actor: str | None,
    base: int | None = None,
) -> int:
    """Keep a file and give its revision; what is stored already is not stored again.

    `revision`: the one that was seen, None for a new file. `base`: the version that was seen with a file of revision 0, where the
    editor knows it. Raises DraftFileChanged, FileRefused, NotAllowed, NotFound.
    """
    with services.database.unit() as unit:
        connection = unit.connection
        active = rows.must_edit(services, connection, procedure, actor)
        rows.one_at_a_time(connection)
        stored, files = rows.stored(connection, procedure), services.programs.get(active.id).files if active is not None else {}
        row = rows.file(connection, procedure, path) if stored is not None else None
        present = row.content if row is not None else files.get(path) if stored is None else None
        if present == given:
            return int(row.revision) if row is not None else 0
        _must_be_seen(connection, procedure, path, stored, active, row, present is not None, revision, base)
        sizes = _sizes(connection, procedure, stored, files)
        _must_fit(path, given, sizes)
        now = services.clock.now()
        if stored is None:
            rows.begin(connection, procedure, files, base=active.number if active is not None else None, at=now, by=actor)
        new = rows.next_revision(connection, procedure, actor)
        rows.write(connection, procedure, path, given, new, at=now, by=actor)
        if present is None:
            events.record(connection, procedure, "added", at=now, by=actor, path=path)
        else:
            since = stored.begun_at if stored is not None else now
            events.record_edit(connection, procedure, path, at=now, by=actor, since=since)
        unit.commit()
    return new


def remove(services: Services, procedure: str, path: str, *, revision: int, actor: str | None, base: int | None = None) -> int:
    """Take a file out of the draft and give the draft's revision. Raises as `save`."""
    with services.database.unit() as unit:
        connection = unit.connection
        _opened(services, connection, procedure, path, revision, base, actor)
        now = services.clock.now()
        new = rows.next_revision(connection, procedure, actor)
        rows.delete(connection, procedure, path)
        events.record(connection, procedure, "removed", at=now, by=actor, path=path)
        unit.commit()
    return new


def rename(services: Services, procedure: str, path: str, to: str, *, revision: int, actor: str | None) -> int:
    """Call a file otherwise and give its revision. What refers to it by its name is not changed. Raises as `save`."""
    with services.database.unit() as unit:
        connection = unit.connection
        row = _opened(services, connection, procedure, path, revision, None, actor)
        others = {file.path for file in rows.files(connection, procedure)} - {path}
        must_be_path(to, others)
        if kind_of(path) != kind_of(to) and path.rpartition(".")[2] != to.rpartition(".")[2]:
            raise FileRefused(file=to, reason="a file keeps its ending")
        now = services.clock.now()
        new = rows.next_revision(connection, procedure, actor)
        rows.delete(connection, procedure, path)
        rows.write(connection, procedure, to, row.content, new, at=now, by=actor)
        events.record(connection, procedure, "renamed", at=now, by=actor, path=to, facts={"from": path})
        unit.commit()
    return new


def take(
    services: Services,
    procedure: str,
    files: Mapping[str, bytes],
    *,
    actor: str | None,
    revision: int,
    act: str = "uploaded",
    note: str = "",
) -> int:
    """Put several files into the draft at once, in place of those of the same names, and give its revision.

    `revision`: the draft's that was seen, 0 where there was none. Raises DraftMovedOn, DraftGone, FileRefused, NotAllowed, NotFound.
    """
    with services.database.unit() as unit:
        connection = unit.connection
        active = rows.must_edit(services, connection, procedure, actor)
        rows.one_at_a_time(connection)
        stored, given = rows.stored(connection, procedure), services.programs.get(active.id).files if active is not None else {}
        if (stored.revision if stored is not None else 0) != revision:
            rows.must_be(connection, procedure, revision)
        sizes = _sizes(connection, procedure, stored, given)
        for path, each in files.items():
            _must_fit(path, each, sizes)
            sizes[path] = len(each)
        now = services.clock.now()
        if stored is None:
            rows.begin(connection, procedure, given, base=active.number if active is not None else None, at=now, by=actor)
        new = rows.next_revision(connection, procedure, actor)
        for path, each in files.items():
            rows.write(connection, procedure, path, each, new, at=now, by=actor)
            events.record(connection, procedure, act, at=now, by=actor, path=path, note=note)
        unit.commit()
    return new


def _opened(
    services: Services, connection: sa.Connection, procedure: str, path: str, revision: int, base: int | None, actor: str | None
) -> sa.Row[Any]:
    """The row of a file that is there as it was seen; the draft is begun where there was none. Raises as `save`."""
    active = rows.must_edit(services, connection, procedure, actor)
    rows.one_at_a_time(connection)
    stored, files = rows.stored(connection, procedure), services.programs.get(active.id).files if active is not None else {}
    row = rows.file(connection, procedure, path) if stored is not None else None
    there = row is not None or (stored is None and path in files)
    if not there and revision == 0 and path not in files:
        raise NotFound(what="file of the procedure", name=path)
    _must_be_seen(connection, procedure, path, stored, active, row, there, revision, base)
    if stored is None:
        number = active.number if active is not None else None
        rows.begin(connection, procedure, files, base=number, at=services.clock.now(), by=actor)
        row = rows.file(connection, procedure, path)
    assert row is not None
    return row


def _must_be_seen(
    connection: sa.Connection,
    procedure: str,
    path: str,
    stored: sa.Row[Any] | None,
    active: sa.Row[Any] | None,
    row: sa.Row[Any] | None,
    there: bool,
    revision: int | None,
    base: int | None,
) -> None:
    """Raises DraftFileChanged where the file is another one than was seen."""
    present = row.revision if row is not None else 0 if there else None
    number = stored.base if stored is not None else active.number if active is not None else None
    another_base = bool(present == revision == 0 and base and base != number)
    if present == revision and not another_base:
        return
    last = events.last(connection, procedure, path=path) or events.last(connection, procedure)
    if another_base or (last is None and active is not None):
        assert active is not None
        deployed_by = connection.execute(sa.select(Person.name).where(Person.id == active.deployed_by)).scalar_one_or_none()
        who, when, by = deployed_by, active.deployed_at, active.deployed_by
    else:
        assert last is not None
        who, when, by = last.who, last.at, last.by
    raise DraftFileChanged(file=path, who=who or Sentence("the command line"), when=when, by=by, revision=present)


def _sizes(connection: sa.Connection, procedure: str, stored: sa.Row[Any] | None, files: Mapping[str, bytes]) -> dict[str, int]:
    if stored is None:
        return {path: len(given) for path, given in files.items()}
    return {file.path: file.size for file in rows.files(connection, procedure)}


def _must_fit(path: str, given: bytes, sizes: Mapping[str, int]) -> None:
    """Raises FileRefused for a new name that cannot be, and for too much."""
    if path not in sizes:
        must_be_path(path, sizes)
    if len(given) > LARGEST:
        raise FileRefused(file=path, reason="it is larger than 2 MB")
    if len(sizes.keys() | {path}) > _MOST or sum(sizes.values()) - sizes.get(path, 0) + len(given) > _ALL:
        raise FileRefused(file=path, reason="a procedure has at most 300 files of 20 MB together")
