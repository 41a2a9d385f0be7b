"""A draft that began from a version which is active no longer: what changed there since, and taking it over file by file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..bpmn import differences
from ..bpmn.differences import Change
from ..errors import DraftMovedOn, NotDecided
from ..models import ProcedureDraft
from . import drafts, events, rows

if TYPE_CHECKING:
    from ..services import Services


@dataclass(frozen=True, kw_only=True)
class Apart:
    """A file that is not the same in the draft and in the version that is active now."""

    path: str
    #: who changed it since the draft began: `draft`, `active` or `both`
    changed: str
    #: what the active version changed since
    theirs: list[Change]
    #: what the draft changed
    mine: list[Change]


def apart(base: Mapping[str, bytes], mine: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> list[Apart]:
    """The files in which the draft (`mine`) and the active version (`theirs`) differ, given the version from which the draft began."""
    found = []
    for path in sorted(base.keys() | mine.keys() | theirs.keys()):
        was, own, other = base.get(path), mine.get(path), theirs.get(path)
        if own == other:
            continue
        changed = "active" if own == was else "draft" if other == was else "both"
        before = _only(path, was)
        found.append(
            Apart(
                path=path,
                changed=changed,
                theirs=differences.between(before, _only(path, other)),
                mine=differences.between(before, _only(path, own)),
            )
        )
    return found


def _only(path: str, content: bytes | None) -> dict[str, bytes]:
    return {} if content is None else {path: content}


def compare(services: Services, procedure: str, *, actor: str | None) -> list[Apart]:
    """What must be decided before the draft is published; nothing where it began from the active version. Raises NotAllowed, NotFound."""
    with services.database.reading() as connection:
        active = rows.must_edit(services, connection, procedure, actor)
        stored = rows.stored(connection, procedure)
        if stored is None or active is None or stored.base == active.number:
            return []
        mine = drafts.all_files(services, connection, procedure, active)
        return apart(rows.version_files(services, connection, procedure, stored.base), mine, services.programs.get(active.id).files)


def take_over(
    services: Services, procedure: str, *, revision: int, active: int, keep: Mapping[str, str], actor: str | None, note: str = ""
) -> int:
    """The draft goes on as if it had begun from the active version, of this number, and gives its revision.

    What only that version changed is taken. `keep`: for each file that both changed, whose is kept: `draft` or `active`. Raises
    NotDecided for one that is not named, DraftMovedOn where the draft or the active version is another than was seen, NotAllowed.
    """
    with services.database.unit() as unit:
        connection = unit.connection
        version = rows.must_edit(services, connection, procedure, actor)
        rows.one_at_a_time(connection)
        stored = rows.must_be(connection, procedure, revision)
        if version is None or version.number != active:
            raise DraftMovedOn(**rows.told(events.last_activation(connection, procedure)))
        theirs = services.programs.get(version.id).files
        mine = drafts.all_files(services, connection, procedure, version)
        found = apart(rows.version_files(services, connection, procedure, stored.base), mine, theirs)
        open_ones = [one.path for one in found if one.changed == "both" and keep.get(one.path) not in ("draft", "active")]
        if open_ones:
            raise NotDecided(files=open_ones)
        taken = [one.path for one in found if one.changed == "active" or (one.changed == "both" and keep[one.path] == "active")]
        now = services.clock.now()
        new = rows.next_revision(connection, procedure, actor)
        for path in taken:
            if path in theirs:
                rows.write(connection, procedure, path, theirs[path], new, at=now, by=actor)
            else:
                rows.delete(connection, procedure, path)
        connection.execute(sa.update(ProcedureDraft).where(ProcedureDraft.procedure == procedure).values(base=active))
        facts: dict[str, Any] = {"number": active, "from": stored.base, "files": taken}
        facts["kept"] = [one.path for one in found if one.changed == "both" and keep[one.path] == "draft"]
        events.record(connection, procedure, "taken over", at=now, by=actor, note=note, facts=facts)
        unit.commit()
    return new
