"""A folder with the files of a procedure: what it was pulled from (`.partwell.json`), and putting into it what changed in Partwell.

For each place that it is exchanged with, a server's address or "" for the database of this machine, the file keeps the version and the
SHA-256 of each file as it was there. Where both sides changed a file, theirs is put beside it as `<file>.theirs`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import procedures
from engine.errors import PartwellError
from engine.studio import exchange
from engine.studio.exchange import Inside
from engine.studio.paths import must_be_path

STATE = ".partwell.json"
#: what the other side's file is called beside one's own
THEIRS = ".theirs"


class FolderUnreadable(PartwellError):
    """{file} cannot be read: {reason}. Take it from where the folder is kept, or remove it and pull into the folder again."""

    status = 422


class FolderOfAnother(PartwellError):
    """{folder} holds the procedure {present}, not {procedure}. Choose another folder."""

    status = 422


class Undecided(PartwellError):
    """Both sides changed these files, and nobody has decided yet: {files}. Put what is right into each file, then remove the one ending in
    .theirs beside it."""

    status = 409


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a folder last had in common with a place."""

    version: int | None = None
    #: SHA-256 by path of that version's files
    files: Mapping[str, str] = field(default_factory=dict)
    #: the same of the draft, where that was exchanged since
    draft: Mapping[str, str] | None = None

    @property
    def base(self) -> Mapping[str, Sequence[str]]:
        """What both sides had, as `exchange.meet` takes it."""
        sides = [self.files, *([self.draft] if self.draft is not None else ())]
        return {path: [side.get(path, exchange.GONE) for side in sides] for path in {path for side in sides for path in side}}


def seen(inside: Inside) -> Place:
    """What a folder has in common with a place from which it was just pulled."""
    draft = exchange.digests(inside.files) if inside.draft is not None else None
    return Place(version=inside.version, files=inside.began, draft=draft)


@dataclass(frozen=True, kw_only=True)
class State:
    """What `.partwell.json` says."""

    procedure: str
    places: Mapping[str, Place] = field(default_factory=dict)

    def at(self, place: str) -> Place:
        return self.places.get(place, Place())

    def with_place(self, address: str, place: Place) -> State:
        return replace(self, places={**self.places, address: place})


def state(folder: Path) -> State | None:
    """None for a folder that was never pulled or deployed with one. Raises FolderUnreadable."""
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_text("utf-8"))
        places = {str(address): _place(place) for address, place in said["places"].items()}
        return State(procedure=str(said["procedure"]), places=places)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise FolderUnreadable(file=path, reason=str(error) or type(error).__name__) from error


def _place(said: Mapping[str, Any]) -> Place:
    files, draft = ({str(path): str(digest) for path, digest in (said.get(name) or {}).items()} for name in ("files", "draft"))
    return Place(version=said["version"], files=files, draft=draft if "draft" in said else None)


def keep(folder: Path, known: State) -> None:
    """Write `.partwell.json`, always laid out the same, so that it can be kept in git."""
    places: dict[str, Any] = {}
    for address, place in sorted(known.places.items()):
        places[address] = {"version": place.version, "files": dict(sorted(place.files.items()))}
        if place.draft is not None:
            places[address]["draft"] = dict(sorted(place.draft.items()))
    text = json.dumps({"procedure": known.procedure, "places": places}, ensure_ascii=False, indent=2)
    (folder / STATE).write_text(text + "\n", "utf-8")


def undecided(folder: Path) -> list[str]:
    """Files beside which the other side's still lies."""
    return sorted(path.relative_to(folder).as_posix().removesuffix(THEIRS) for path in folder.rglob(f"*{THEIRS}") if path.is_file())


def must_be_decided(folder: Path) -> None:
    """Raises Undecided while both sides of a file lie there."""
    if left := undecided(folder):
        raise Undecided(files=", ".join(left))


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What pulling did to a folder."""

    inside: Inside
    #: brought along, and taken away because it is no more there
    written: Sequence[str]
    removed: Sequence[str]
    #: changed here alone, and left as it is
    kept: Sequence[str]
    #: changed on both sides: theirs lies beside it, empty where they removed it
    both: Sequence[str]


def pull(folder: Path, inside: Inside, place: str) -> Pulled:
    """Put into the folder what changed at the place since it was there last; what was changed in the folder is never overwritten.

    Raises FolderOfAnother, FolderUnreadable, Undecided, and FileRefused for a name that no file can have.
    """
    for path in inside.files:
        must_be_path(path)
    folder.mkdir(parents=True, exist_ok=True)
    known = state(folder) or State(procedure=inside.procedure)
    if known.procedure != inside.procedure:
        raise FolderOfAnother(folder=folder, present=known.procedure, procedure=inside.procedure)
    must_be_decided(folder)
    here, there = procedures.contents(folder), exchange.digests(inside.files)
    found = exchange.meet(known.at(place).base, exchange.digests(here), there)
    for path in found.theirs:
        if path in inside.files:
            _write(folder / path, inside.files[path])
        else:
            (folder / path).unlink(missing_ok=True)
    for path in found.both:
        _write(folder / (path + THEIRS), inside.files.get(path, b""))
    keep(folder, known.with_place(place, seen(inside)))
    return Pulled(
        inside=inside,
        written=[path for path in found.theirs if path in inside.files],
        removed=[path for path in found.theirs if path not in inside.files],
        kept=found.mine,
        both=found.both,
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
