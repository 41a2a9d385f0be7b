"""Which files of a folder one diagram needs: the processes it calls, the tables of its decisions, and what these import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from .. import errors
from .convert import convert
from .findings import Code, Finding, finding
from .model import Process, processes
from .reader import read_xml


def needed(files: Mapping[str, bytes], main: str) -> dict[str, bytes]:
    """The files without the diagrams and tables that the diagram `main` does not need, in their order and as they came."""
    used = _Folder(convert(files).files).used(main)
    return {path: content for path, content in files.items() if path in used or not path.endswith((".bpmn", ".dmn"))}


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

    def used(self, main: str) -> set[str]:
        """The diagram with everything it needs."""
        used: set[str] = set()
        todo = [main]
        while todo:
            path = todo.pop()
            if path in used:
                continue
            used.add(path)
            if path in self.tables:
                imported = {node.get("namespace") for node in self.tables[path].iter("{*}import")}
                todo += [other for other, root in self.tables.items() if root.get("namespace") in imported]
                continue
            for process in self.diagrams.get(path, ()):
                called = {element.called.process for element in process.elements.values() if element.called}
                decided = {element.extensions.get("calledDecision.decisionId") for element in process.elements.values()}
                todo += [other for other, held in self.diagrams.items() if any(p.executable and p.id in called for p in held)]
                todo += [
                    other for other, root in self.tables.items() if any(node.get("id") in decided for node in root.iter("{*}decision"))
                ]
        return used


def _processes(path: str, content: bytes) -> Iterator[Process]:
    root = _read(path, content)
    if root is not None:
        yield from processes(root, path)


def _read(path: str, content: bytes) -> etree._Element | None:
    try:
        return read_xml(content, path)
    except errors.FileRefused:
        return None
