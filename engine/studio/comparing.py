"""Any two versions of a procedure side by side, the draft among them: file by file, as its owner looks at them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..bpmn import differences, tables
from ..bpmn.differences import Change
from ..bpmn.tables import Laid
from ..errors import FileRefused, NotFound
from ..models import ProcedureVersion
from . import drafts, rows
from .paths import kind_of

if TYPE_CHECKING:
    from ..services import Services


@dataclass(frozen=True, kw_only=True)
class FileApart:
    """A file that is not the same on both sides."""

    path: str
    #: as `paths.kind_of` says
    kind: str
    #: `added`, `removed` or `changed`
    how: str
    before: bytes | None
    after: bytes | None
    #: what it means; empty where only the writing or the drawing differs
    changes: Sequence[Change]
    #: of a diagram: what is only drawn elsewhere
    moved: Sequence[Change] = ()
    #: of decision tables: those in which something differs
    tables: Sequence[Laid] = ()


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What one version has otherwise than another."""

    #: number of the version on each side; None: the draft
    before: int | None
    after: int | None
    files: Sequence[FileApart]


@dataclass(frozen=True, kw_only=True)
class Side:
    """What can be compared."""

    #: None: the draft
    number: int | None
    active: bool
    at: dt.datetime


def sides(services: Services, procedure: str, *, actor: str | None) -> list[Side]:
    """The draft where there is one, then every version, the newest first. Raises NotAllowed, NotFound."""
    with services.database.reading() as connection:
        rows.must_edit(services, connection, procedure, actor)
        draft = rows.stored(connection, procedure)
        versions = connection.execute(
            sa.select(ProcedureVersion.number, ProcedureVersion.active, ProcedureVersion.deployed_at)
            .where(ProcedureVersion.procedure == procedure)
            .order_by(ProcedureVersion.number.desc())
        ).all()
    found = [Side(number=row.number, active=row.active, at=row.deployed_at) for row in versions]
    return [Side(number=None, active=False, at=draft.begun_at), *found] if draft is not None else found


def compare(services: Services, procedure: str, before: int | None, after: int | None, *, actor: str | None) -> Comparison:
    """What differs between two versions by their numbers, None: the draft. Raises NotAllowed, NotFound."""
    with services.database.reading() as connection:
        active = rows.must_edit(services, connection, procedure, actor)
        old, new = (_files(services, connection, procedure, number, active) for number in (before, after))
    return Comparison(before=before, after=after, files=apart(old, new))


def _files(services: Services, connection: sa.Connection, procedure: str, number: int | None, active: Any) -> Mapping[str, bytes]:
    if number is not None:
        return rows.version_files(services, connection, procedure, number)
    if rows.stored(connection, procedure) is None:
        raise NotFound(what="draft", name=procedure)
    return drafts.all_files(services, connection, procedure, active)


def apart(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[FileApart]:
    """Every file of which the bytes differ, by path."""
    return [_apart(path, old.get(path), new.get(path)) for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]


def _apart(path: str, before: bytes | None, after: bytes | None) -> FileApart:
    how = "added" if before is None else "removed" if after is None else "changed"
    changes = differences.between({path: before} if before is not None else {}, {path: after} if after is not None else {})
    kind = kind_of(path)
    more: dict[str, Any] = {}
    try:
        if kind == "bpmn" and before is not None and after is not None:
            more = {"moved": differences.moved(path, before, after)}
        elif kind == "dmn":
            more = {"tables": tables.laid(before, after)}
    except FileRefused:
        pass  # a draft may hold what cannot be read: its text is compared
    return FileApart(path=path, kind=kind, how=how, before=before, after=after, changes=changes, **more)
