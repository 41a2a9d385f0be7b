"""The processes of a folder: who calls whom, and which variables pass between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ... import errors
from ...descriptions import Description
from ...ports import Json
from .. import names as variables
from .. import shapes
from ..dmn_shapes import decided
from ..model import Element, Process
from ..parser import processes_of


class Calls:
    """The executable processes among the files of one folder."""

    def __init__(self, files: Mapping[str, bytes], forms: Mapping[str, Json] | None, told: Mapping[str, Description] = {}) -> None:
        self.forms = forms
        #: descriptions of operations by their names
        self.told = told
        #: by id; of several files that hold one id the first has it
        self.processes: dict[str, Process] = {}
        for path, content in files.items():
            if path.endswith(".bpmn"):
                try:
                    found = processes_of(content, path)
                except errors.FileRefused:
                    continue
                self.processes = {process.id: process for process in found if process.executable} | self.processes
        self._around = shapes.Around(forms, told, decided(files))
        self._shaped: dict[str, frozenset[str]] = {}
        self._callers: dict[str, list[tuple[Process, Element]]] = {}
        for process in self.processes.values():
            for element in process.elements.values():
                if element.called is not None and element.called.process != process.id:
                    self._callers.setdefault(element.called.process, []).append((process, element))

    def of(self, process: str) -> list[tuple[Process, Element]]:
        """The call activities of other processes that call it, each with its process."""
        return self._callers.get(process, [])

    def names(self, process: Process) -> variables.Names:
        """The variables a process may have: its own, those its callers hand over, and those that come back from what it calls."""
        return self._of(process, frozenset())

    def _of(self, process: Process, busy: frozenset[str]) -> variables.Names:
        found = variables.of_case(process, self.forms)
        if found.known is not None:
            found = replace(found, shapes=self._shapes(process))
        busy |= {process.id}
        for element in process.elements.values():
            if element.called is not None and element.called.child and not element.outputs:
                found = variables.together(found, self._other(element.called.process, busy))
        for caller, element in self.of(process.id):
            found = found.and_also(target for target, _ in element.inputs)
            if element.called is not None and element.called.parent:
                found = variables.together(found, self._other(caller.id, busy))
        return found

    def _shapes(self, process: Process) -> frozenset[str]:
        if process.id not in self._shaped:
            self._shaped[process.id] = shapes.of_case(process, self._around)
        return self._shaped[process.id]

    def _other(self, id: str, busy: frozenset[str]) -> variables.Names:
        process = self.processes.get(id)
        if process is None:
            return variables.UNKNOWN
        return variables.Names(frozenset()) if id in busy else self._of(process, busy)

    def after(self, element: Element, seen: variables.Names) -> variables.Names:
        """What the output mapping of a call activity sees: also what the called process has."""
        if element.called is None:
            return seen
        return variables.together(seen, self._other(element.called.process, frozenset()))
