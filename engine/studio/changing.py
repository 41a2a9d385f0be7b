"""Changing the files of a draft, one by one or several at once. What somebody else did meanwhile is never overwritten."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..bpmn import convert
from ..errors import DraftFileChanged, FileRefused, NotFound, Sentence
from ..models import Person
from ..procedures import LARGEST
from . import events, rows
from .paths import must_be_path

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
        place = _place(services, unit.connection, procedure, actor)
        row = place.row(path)
        present = place.present(path, row)
        if present == given:
            return int(row.revision) if row is not None else 0
        must_not_be_original(path)
        place.must_be_seen(path, row, revision, base)
        must_fit(path, given, place.sizes())
        now = services.clock.now()
        place.begin(now, actor)
        new = rows.next_revision(place.connection, procedure, actor)
        rows.write(place.connection, procedure, path, given, new, at=now, by=actor)
        if present is None:
            events.record(place.connection, procedure, "added", at=now, by=actor, path=path)
        else:
            events.record_edit(place.connection, procedure, path, at=now, by=actor)
        unit.commit()
    return new


def remove(services: Services, procedure: str, path: str, *, revision: int, actor: str | None, base: int | None = None) -> int:
    """Take a file out of the draft and give the draft's revision. Raises as `save`."""
    with services.database.unit() as unit:
        place = _place(services, unit.connection, procedure, actor)
        place.opened(path, revision, base)
        now = services.clock.now()
        place.begin(now, actor)
        new = rows.next_revision(place.connection, procedure, actor)
        rows.delete(place.connection, procedure, path)
        events.record(place.connection, procedure, "removed", at=now, by=actor, path=path)
        unit.commit()
    return new


def rename(services: Services, procedure: str, path: str, to: str, *, revision: int, actor: str | None, base: int | None = None) -> int:
    """Call a file otherwise and give its revision. What refers to it by its name is not changed. Raises as `save`."""
    with services.database.unit() as unit:
        place = _place(services, unit.connection, procedure, actor)
        content = place.opened(path, revision, base)
        if path.rpartition(".")[2] != to.rpartition(".")[2]:
            raise FileRefused(file=to, reason="a file keeps its ending")
        must_not_be_original(path)
        must_be_path(to, place.sizes().keys() - {path})
        now = services.clock.now()
        place.begin(now, actor)
        new = rows.next_revision(place.connection, procedure, actor)
        rows.delete(place.connection, procedure, path)
        rows.write(place.connection, procedure, to, content, new, at=now, by=actor)
        events.record(place.connection, procedure, "renamed", at=now, by=actor, path=to, facts={"from": path})
        unit.commit()
    return new


def take(services: Services, procedure: str, files: Mapping[str, bytes], *, revision: int, actor: str | None, note: str = "") -> int:
    """Put uploaded files into the draft at once, in place of those of the same names, and give its revision.

    `revision`: the draft's that was seen, 0 where there was none. Raises DraftMovedOn, DraftGone, FileRefused, NotAllowed, NotFound.
    """
    with services.database.unit() as unit:
        place = _place(services, unit.connection, procedure, actor)
        if (place.stored.revision if place.stored is not None else 0) != revision:
            rows.must_be(place.connection, procedure, revision)
        sizes = place.sizes()
        for path, given in files.items():
            must_fit(path, given, sizes)
            sizes[path] = len(given)
        now = services.clock.now()
        place.begin(now, actor)
        new = rows.next_revision(place.connection, procedure, actor)
        for path, given in files.items():
            rows.write(place.connection, procedure, path, given, new, at=now, by=actor)
            events.record(place.connection, procedure, "uploaded", at=now, by=actor, path=path, note=note)
        unit.commit()
    return new


def replace(
    services: Services, procedure: str, files: Mapping[str, bytes], *, revision: int, base: int | None, actor: str | None, note: str = ""
) -> tuple[int, list[str]]:
    """Make these files the whole draft, as of a folder that was edited outside, and give its revision and the files that changed.

    What came from elsewhere is kept as it came for the files that are still there; no folder holds that. `revision`: the draft's that
    was seen, 0 where there was none; then `base` is the version that was seen: a draft that begins from one that is active no longer
    has its changes taken over before it is published. Raises as `take`, NotFound for a version.
    """
    with services.database.unit() as unit:
        place = _place(services, unit.connection, procedure, actor)
        if (place.stored.revision if place.stored is not None else 0) != revision:
            rows.must_be(place.connection, procedure, revision)
        now = services.clock.now()
        present = place.contents()
        if place.stored is None:
            number = place.base if base is None else base
            present = rows.version_files(services, place.connection, procedure, number)
        whole = {**{kept: present[kept] for kept in map(convert.original, files) if kept in present}, **files}
        changed = sorted(path for path in present.keys() | whole.keys() if present.get(path) != whole.get(path))
        if not changed:
            return revision, []
        sizes: dict[str, int] = {}
        for path, given in whole.items():
            if path in present and present[path] != given:
                must_not_be_original(path)
            must_fit(path, given, sizes)
            sizes[path] = len(given)
        if place.stored is None:
            rows.begin(place.connection, procedure, present, base=number, at=now, by=actor)
        new = rows.next_revision(place.connection, procedure, actor)
        for path in changed:
            if path in whole:
                rows.write(place.connection, procedure, path, whole[path], new, at=now, by=actor)
            else:
                rows.delete(place.connection, procedure, path)
            events.record(place.connection, procedure, "uploaded" if path in whole else "removed", at=now, by=actor, path=path, note=note)
        unit.commit()
    return new, changed


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A draft as it is, under its lock; or what it would begin with."""

    services: Services
    connection: sa.Connection
    procedure: str
    #: rows of `procedure_versions` and `procedure_drafts`, None where there is none
    active: sa.Row[Any] | None
    stored: sa.Row[Any] | None

    @property
    def files(self) -> Mapping[str, bytes]:
        """Of the active version."""
        return self.services.programs.get(self.active.id).files if self.active is not None else {}

    @property
    def base(self) -> int | None:
        """The version that the draft began from, or would begin from."""
        return self.stored.base if self.stored is not None else self.active.number if self.active is not None else None

    def row(self, path: str) -> sa.Row[Any] | None:
        return rows.file(self.connection, self.procedure, path) if self.stored is not None else None

    def present(self, path: str, row: sa.Row[Any] | None) -> bytes | None:
        """The content of a file now, of which this is the row; None: there is no such file."""
        if self.stored is None:
            return self.files.get(path)
        return row.content if row is not None else None

    def contents(self) -> Mapping[str, bytes]:
        """All files, by path."""
        return rows.contents(self.connection, self.procedure) if self.stored is not None else self.files

    def sizes(self) -> dict[str, int]:
        """Bytes of each file."""
        if self.stored is None:
            return {path: len(given) for path, given in self.files.items()}
        return {file.path: file.size for file in rows.files(self.connection, self.procedure)}

    def begin(self, at: dt.datetime, by: str | None) -> None:
        """Begins the draft where there is none."""
        if self.stored is None:
            rows.begin(self.connection, self.procedure, self.files, base=self.base, at=at, by=by)

    def opened(self, path: str, revision: int, base: int | None) -> bytes:
        """The content of a file that is as it was seen. Raises DraftFileChanged, NotFound where it never was."""
        row = self.row(path)
        content = self.present(path, row)
        if content is None and revision == 0 and path not in self.files:
            raise NotFound(what="file of the procedure", name=path)
        self.must_be_seen(path, row, revision, base)
        assert content is not None  # it has the revision that was seen
        return content

    def must_be_seen(self, path: str, row: sa.Row[Any] | None, revision: int | None, base: int | None) -> None:
        """Raises DraftFileChanged where a file, of which this is the row, is another one than was seen."""
        content = self.present(path, row)
        present = row.revision if row is not None else 0 if content is not None else None
        redeployed = present == revision == 0 and self._differs(path, content, base)
        if present == revision and not redeployed:
            return
        last = events.last_of_file(self.connection, self.procedure, path)
        if self.active is not None and (redeployed or last is None):
            by, when = self.active.deployed_by, self.active.deployed_at
            who = self.connection.execute(sa.select(Person.name).where(Person.id == by)).scalar_one_or_none()
        else:
            assert last is not None  # a draft has its events
            who, when, by = last.who, last.at, last.by
        raise DraftFileChanged(file=path, who=who or Sentence("the command line"), when=when, by=by, revision=present)

    def _differs(self, path: str, content: bytes | None, base: int | None) -> bool:
        """Whether a file was another one in the version that was seen."""
        if base is None or base == self.base:
            return False
        return rows.version_files(self.services, self.connection, self.procedure, base).get(path) != content


def _place(services: Services, connection: sa.Connection, procedure: str, actor: str | None) -> _Place:
    """Raises NotAllowed, NotFound."""
    active = rows.must_edit(services, connection, procedure, actor)
    rows.one_at_a_time(connection)
    stored = rows.stored(connection, procedure)
    return _Place(services=services, connection=connection, procedure=procedure, active=active, stored=stored)


def must_not_be_original(path: str) -> None:
    """Raises FileRefused for what is kept as it came from elsewhere."""
    if path.startswith(f"{convert.ORIGINALS}/"):
        raise FileRefused(file=path, reason="files in the folder original are kept as they came")


def must_fit(path: str, given: bytes, sizes: Mapping[str, int]) -> None:
    """Raises FileRefused for a new name that cannot be, and for too much."""
    if path not in sizes:
        became = path.removeprefix(f"{convert.ORIGINALS}/").removesuffix(".xml")
        if convert.original(became) == path:
            must_be_path(became)
        else:
            must_be_path(path, sizes)
    if len(given) > LARGEST:
        raise FileRefused(file=path, reason="it is larger than 2 MB")
    if len(sizes.keys() | {path}) > _MOST or sum(sizes.values()) - sizes.get(path, 0) + len(given) > _ALL:
        raise FileRefused(file=path, reason="a procedure has at most 300 files of 20 MB together")
