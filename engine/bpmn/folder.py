"""Which files of a folder one diagram needs: the processes it calls, the tables of its decisions, and what these import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from lxml import etree

from .. import errors
from .codes import Code
from .convert import convert
from .findings import Finding, finding
from .model import Process
from .parser import processes_of
from .reader import read_xml


def needed(files: Mapping[str, bytes], *main: str) -> dict[str, bytes]:
    """The files without the diagrams and tables that those of `main` do not need, in their order and as they came.

    Only what holds an id that is called is read, so the folder may be large.
    """
    drawn = {path: content for path, content in files.items() if path.endswith((".bpmn", ".dmn"))}
    used = {path for path in main if path in drawn}
    asked: set[str] = set()
    while True:
        folder = _Folder(convert({path: content for path, content in drawn.items() if path in used}).files)
        new = folder.asked(used) - asked
        if not new:
            return {path: content for path, content in files.items() if path in used or path not in drawn}
        asked |= new
        likely = {path: content for path, content in drawn.items() if path not in used and any(id.encode() in content for id in new)}
        used |= _Folder(convert(likely).files).offering(new)


def refused_parts(files: Mapping[str, bytes], found: Mapping[str, list[Finding]]) -> dict[str, list[Finding]]:
    """By diagram: which of the files it needs is refused. `files` as they run."""
    refused = {path for path, findings in found.items() if any(finding.severity == "error" for finding in findings)}
    said: dict[str, list[Finding]] = {}
    if not refused:
        return said
    folder = _Folder(files)
    for path in folder.diagrams:
        if path not in refused:
            for part in sorted(refused & folder.used(path)):
                said.setdefault(path, []).append(finding(Code.NEEDS_REFUSED, None, file=part))
    return said


class _Folder:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.diagrams = {path: list(_processes(path, content)) for path, content in files.items() if path.endswith(".bpmn")}
        read = {path: _read(path, content) for path, content in files.items() if path.endswith(".dmn")}
        self.tables = {path: root for path, root in read.items() if root is not None}

    def asked(self, paths: Iterable[str]) -> set[str]:
        """Ids of the processes and decisions that these files call, and the namespaces they import."""
        found: set[str | None] = set()
        for path in paths:
            for process in self.diagrams.get(path, ()):
                found |= {element.called.process for element in process.elements.values() if element.called}
                found |= {element.extensions.get("calledDecision.decisionId") for element in process.elements.values()}
            if path in self.tables:
                found |= {node.get("namespace") for node in self.tables[path].iter("{*}import")}
        return {id for id in found if id}

    def offering(self, ids: Set[str]) -> set[str]:
        """The files that hold one of these processes or decisions, or are of one of these namespaces."""
        diagrams = {path for path, held in self.diagrams.items() if any(p.executable and p.id in ids for p in held)}
        return diagrams | {path for path, root in self.tables.items() if not ids.isdisjoint(_offered(root))}

    def used(self, main: str) -> set[str]:
        """A file with everything it needs."""
        used: set[str] = set()
        new = {main}
        while new:
            used |= new
            new = self.offering(self.asked(new)) - used
        return used


def _offered(root: etree._Element) -> set[str]:
    return {root.get("namespace", ""), *(node.get("id", "") for node in root.iter("{*}decision"))}


def _processes(path: str, content: bytes) -> Iterator[Process]:
    try:
        yield from processes_of(content, path)
    except errors.FileRefused:
        return


def _read(path: str, content: bytes) -> etree._Element | None:
    try:
        return read_xml(content, path)
    except errors.FileRefused:
        return None
