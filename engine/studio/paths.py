"""The names of a procedure's files: what each holds, and which names can be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from ..bpmn import convert
from ..bpmn.order import RULES
from ..chains.shipped import CHAINS
from ..errors import FileRefused
from ..procedures import KINDS, of_kind

#: folder of the scenarios
SCENARIOS = "scenarios"
#: letters of a path
_LONGEST = 200
#: what no file system, archive or address has trouble with
_SEGMENT = re.compile(r'[^\x00-\x1f\x7f/\\:*?"<>|.\s]([^\x00-\x1f\x7f/\\:*?"<>|]*[^\x00-\x1f\x7f/\\:*?"<>|.\s])?')


def kind_of(path: str) -> str:
    """`bpmn`, `dmn`, `form`, `letter`, `rules`, `chains`, `scenario`, or `other`."""
    name = PurePosixPath(path)
    if name.parts[0] == convert.ORIGINALS:
        return "other"
    if path in (RULES, CHAINS):
        return "rules" if path == RULES else "chains"
    if name.suffix in (".yaml", ".yml"):
        return "scenario" if name.parts[0] == SCENARIOS else "other"
    kinds = {".bpmn": "bpmn", ".dmn": "dmn", ".form": "form", ".html": "letter", ".typ": "letter", ".txt": "letter"}
    return kinds.get(name.suffix, "other") if of_kind(path) else "other"


def must_be_path(path: str, others: Iterable[str] = ()) -> None:
    """Raises FileRefused for a name that no file of a procedure can have beside `others`."""
    segments = path.split("/")
    if len(path) > _LONGEST or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        reason = "its name has at most 200 letters, folders are separated by /, and no part begins or ends with a dot or a blank"
        raise FileRefused(file=path[:_LONGEST], reason=reason)
    if segments[0] == convert.ORIGINALS:
        raise FileRefused(file=path, reason="files in the folder original are kept as they came")
    if path.endswith(KINDS) and not of_kind(path):
        raise FileRefused(file=path, reason="letters lie in the folder letters")
    if not of_kind(path):
        raise FileRefused(file=path, reason=f"its name must end in one of: {', '.join(KINDS)}")
    for other in others:
        if other.lower() == path.lower():
            raise FileRefused(file=path, reason=f"there is one of this name already: {other}")
        if other.startswith(f"{path}/") or path.startswith(f"{other}/"):
            raise FileRefused(file=path, reason=f"a file cannot be a folder, too: {other}")
