"""The files of a procedure exchanged with a folder outside, such as one in git. What changed on both sides at once is told, never lost.

Whoever pulled a folder keeps the digest of each file as it was (its base). By that it is known on the way back which side changed what:
deploying refuses while there is anything here that the folder has not seen, and pulling again brings it there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import deploying, procedures
from ..bpmn import convert
from ..cases import must_say
from ..db import Unit
from ..errors import ChangedInside, NotAllowed, NotFound
from . import changing, drafts, events, gate, publishing, rows

if TYPE_CHECKING:
    from ..services import Services


#: by path the SHA-256 of what both sides had: of the version, and of the draft where that was exchanged, too
Base = Mapping[str, Sequence[str]]
#: in place of the digest of a file that is not there
GONE = ""


@dataclass(frozen=True, kw_only=True)
class Inside:
    """What there is here of a procedure, to be put into a folder."""

    procedure: str
    #: number of the version that was asked for, the active one unless said otherwise; None while there is none
    version: int | None
    #: revision of the draft, where its files were asked for and there is one
    draft: int | None
    files: Mapping[str, bytes]
    #: SHA-256 of each file of the version that these are, or that the draft began from
    began: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """Which side changed a file since both were the same; files that are the same on both sides are not named."""

    mine: Sequence[str]
    theirs: Sequence[str]
    both: Sequence[str]


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each file."""
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def meet(base: Base, mine: Mapping[str, str], theirs: Mapping[str, str]) -> Meeting:
    """Compare two sides, given what both began from; each file by its digest."""
    sides: dict[str, list[str]] = {"mine": [], "theirs": [], "both": []}
    for path in sorted(mine.keys() | theirs.keys()):
        was, own, other = base.get(path, (GONE,)), mine.get(path, GONE), theirs.get(path, GONE)
        if own != other:
            sides["mine" if other in was else "theirs" if own in was else "both"].append(path)
    return Meeting(**sides)


def inside(services: Services, procedure: str, *, draft: bool, actor: str | None, number: int | None = None) -> Inside:
    """The files of the active version or the one of this `number`, or of the `draft` where there is one. Raises NotAllowed, NotFound."""
    with services.database.reading() as connection:
        active = rows.must_edit(services, connection, procedure, actor)
        if number is None:
            number = active.number if active is not None else None
        stored = rows.stored(connection, procedure) if draft else None
        files = began = rows.version_files(services, connection, procedure, number)
        if stored is not None:
            began = rows.version_files(services, connection, procedure, stored.base)
            files = drafts.all_files(services, connection, procedure, active)
    return Inside(
        procedure=procedure,
        version=number,
        draft=stored.revision if stored is not None else None,
        files=_plain(files),
        began=digests(_plain(began)),
    )


def _files(services: Services, active: Any) -> Mapping[str, bytes]:
    return services.programs.get(active.id).files if active is not None else {}


def _plain(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Without what is kept as it came from other engines: no folder holds that."""
    return {path: content for path, content in files.items() if not path.startswith(f"{convert.ORIGINALS}/")}


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A folder's files as a version."""

    number: int
    #: false: the active version held just these files already
    new: bool
    #: of each file as it is here now
    digests: Mapping[str, str]


def deploy(
    services: Services,
    procedure: str,
    files: Mapping[str, bytes],
    *,
    base: Base | None,
    actor: str | None,
    note: str,
    override: str = "",
    played: bool = False,
    told: gate.Progress = gate.in_silence,
    also: Callable[[Unit, int], object] = lambda unit, number: None,
) -> Deployed:
    """Make a folder's files the active version.

    `base`: digests of what the folder was pulled from, None where that does not matter. `played`: the scenarios were played already;
    otherwise `told` hears of it. `also` is done in the same transaction, given the new number. Raises as `considered`, and
    ScenariosFailed without `override`.
    """
    stored, active = considered(services, procedure, files, base=base, actor=actor, note=note, override=override)
    if active is not None and procedures.digest_of(stored) == active.digest:
        return Deployed(number=active.number, new=False, digests=digests(_plain(stored)))
    failing: Sequence[str] = ()
    if not played:
        failing = gate.must_pass(services, stored, procedure=procedure, actor=actor, override=override, told=told)
    with services.database.unit() as unit:
        connection = unit.connection
        deploying.one_at_a_time(connection)
        active = _must_edit(services, connection, procedure, actor)
        publishing.must_be_free(connection, procedure)
        _must_be_seen(services, active, base, files)
        now = services.clock.now()
        version = deploying.store(connection, stored, procedure=procedure, by=actor, note=note, now=now)
        deploying.make_active(connection, procedure, version["id"], stored, by=actor, now=now)
        if failing:
            facts: dict[str, Any] = {"number": version["number"], "scenarios": list(failing)}
            events.record(connection, procedure, "overrode", at=now, by=actor, note=override, facts=facts)
        also(unit, version["number"])
        unit.commit()
    return Deployed(number=version["number"], new=True, digests=digests(_plain(stored)))


def considered(
    services: Services, procedure: str, files: Mapping[str, bytes], *, base: Base | None, actor: str | None, note: str, override: str
) -> tuple[Mapping[str, bytes], Any]:
    """The files that deploying would make the active version, where nothing but their scenarios stands against it, and that version now.

    Raises ChangedInside, NotDeployable, PublishingScheduled, NotAllowed, also where four eyes are asked for: then files go into the
    draft, and another manager publishes them.
    """
    if actor is not None:
        must_say(note)
    gate.may_override(services, actor, override)
    with services.database.reading() as connection:
        active = _must_edit(services, connection, procedure, actor)
        if actor is not None and services.settings.procedures_four_eyes:
            raise NotAllowed(reason="two people must see what is published: put the files into the draft, and another manager publishes it")
        publishing.must_be_free(connection, procedure)
        _must_be_seen(services, active, base, files)
    _must_fit(files)
    return {**_originals(services, active, files), **deploying.deployable(services, files, procedure=procedure)}, active


def _originals(services: Services, active: Any, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What the active version keeps as it came, of the files that are still there."""
    present = _files(services, active)
    return {original: present[original] for path in files if (original := convert.original(path)) in present}


def put(
    services: Services, procedure: str, files: Mapping[str, bytes], *, base: Base, actor: str | None, note: str
) -> tuple[int, list[str]]:
    """Put what a folder changed into the draft, to be looked at and published here; gives its revision and the files that changed.

    Raises ChangedInside, FileRefused, NotAllowed.
    """
    with services.database.unit() as unit:
        connection = unit.connection
        active = _must_edit(services, connection, procedure, actor)
        rows.one_at_a_time(connection)
        stored = rows.stored(connection, procedure)
        present = drafts.all_files(services, connection, procedure, active)
        found = meet(base, digests(files), digests(_plain(present)))
        _must_not_be_changed(found)
        if not found.mine:
            return int(stored.revision) if stored is not None else 0, []
        sizes = {path: len(content) for path, content in present.items() if path in files or path not in found.mine}
        for path in found.mine:
            if path in files:
                changing.must_not_be_original(path)
                changing.must_fit(path, files[path], sizes)
                sizes[path] = len(files[path])
        now = services.clock.now()
        if stored is None:
            number = active.number if active is not None else None
            rows.begin(connection, procedure, present, base=number, at=now, by=actor)
        revision = rows.next_revision(connection, procedure, actor)
        for path in found.mine:
            if path in files:
                rows.write(connection, procedure, path, files[path], revision, at=now, by=actor)
            else:
                rows.delete(connection, procedure, path)
            events.record(connection, procedure, "uploaded" if path in files else "removed", at=now, by=actor, path=path, note=note)
        unit.commit()
    return revision, list(found.mine)


def _must_edit(services: Services, connection: sa.Connection, procedure: str, actor: str | None) -> Any:
    """The active version, None for a procedure that comes for the first time. Raises NotAllowed, FileRefused."""
    try:
        return rows.must_edit(services, connection, procedure, actor)
    except NotFound:
        if actor is not None:  # the command line deploys a folder whatever it is called
            drafts.must_begin(connection, procedure, actor)
        return None


def _must_be_seen(services: Services, active: Any, base: Base | None, files: Mapping[str, bytes]) -> None:
    if base is not None:
        _must_not_be_changed(meet(base, digests(files), digests(_plain(_files(services, active)))))


def _must_not_be_changed(found: Meeting) -> None:
    if found.theirs or found.both:
        raise ChangedInside(theirs=found.theirs, both=found.both)


def _must_fit(files: Mapping[str, bytes]) -> None:
    sizes: dict[str, int] = {}
    for path, content in files.items():
        changing.must_not_be_original(path)
        changing.must_fit(path, content, sizes)
        sizes[path] = len(content)
