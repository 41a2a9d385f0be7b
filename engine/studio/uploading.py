"""Files from elsewhere: where they go in a draft, what their conversion changes, and what the check says, before they are taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from .. import procedures
from ..bpmn import convert
from ..bpmn.findings import Finding
from ..bpmn.outline import in_utf8
from ..errors import FileRefused
from . import checking, drafts
from .paths import SCENARIOS, must_be_path

if TYPE_CHECKING:
    from ..services import Services

#: by ending: the folder of new files
_FOLDERS = {".form": "forms", ".html": "letters", ".typ": "letters", ".txt": "letters", ".yaml": SCENARIOS}


@dataclass(frozen=True, kw_only=True)
class Considered:
    """One file that would be taken."""

    path: str
    #: whether there is one of this name in the draft
    replaces: bool
    #: whether it comes from another engine
    converted: bool
    #: what its conversion changed and what the check says, with the lines of the file as it came
    findings: Sequence[Finding]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What would be taken into a draft."""

    #: the draft's revision that was seen, 0 where there is none
    revision: int
    considered: Sequence[Considered]
    #: all files that change: as they run, forms that the conversion made, and what was converted as it came
    files: Mapping[str, bytes]


def consider(services: Services, procedure: str, uploaded: Mapping[str, bytes], *, actor: str | None) -> Upload:
    """What taking the files, by their names, would do; nothing is changed. Raises FileRefused, NotAllowed, NotFound."""
    draft = drafts.read(services, procedure, actor=actor)
    present = drafts.contents(services, procedure, actor=actor)
    came = {}
    for name, content in uploaded.items():
        path = place(convert.plain(PurePosixPath(name.replace("\\", "/")).name), present)
        if len(content) > procedures.LARGEST:
            raise FileRefused(file=path, reason="it is larger than 2 MB")
        if path not in present:
            must_be_path(path, present)
        came[path] = in_utf8(content, path)
    whole = {**present, **came}
    conversion = convert.convert(whole)
    made = {path: content for path, content in conversion.files.items() if path not in present or content != present[path]}
    kept = {convert.original(path): content for path, content in conversion.originals.items() if path in came}
    found = checking.findings(services, whole)
    considered = [
        Considered(path=path, replaces=path in present, converted=path in conversion.originals, findings=found.get(path, ()))
        for path in (*came, *(path for path in made if path not in came))
    ]
    return Upload(revision=draft.revision, considered=considered, files={**made, **kept})


def place(name: str, present: Iterable[str]) -> str:
    """Where a file of this name goes: over the one that is called so, in whatever folder, else where such files lie."""
    same = [path for path in present if PurePosixPath(path).name == name and not path.startswith(f"{convert.ORIGINALS}/")]
    if len(same) == 1:
        return same[0]
    folder = _FOLDERS.get(PurePosixPath(name).suffix)
    return f"{folder}/{name}" if folder else name
