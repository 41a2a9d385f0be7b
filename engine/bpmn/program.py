"""One deployed version of a procedure, ready to run."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping

from .. import errors
from ..calendar import Calendar, Calendars
from ..ports import Json
from . import expressions, joins, state
from .advance import Advance
from .decisions import Decisions
from .model import Element, Process, processes
from .normalise import beginnings, skeleton
from .reader import read_xml
from .runtime import Execution
from .scopes import PROCESS, Scopes
from .tokens import Tokens


class Program:
    """One deployed version, ready to run. Built once, never changed, used by all threads."""

    def __init__(self, files: Mapping[str, bytes], *, version: str, calendars: Calendars | None = None) -> None:
        """`files` of one procedure by path; `calendars` that its elements may name, by default the ordinary one only.

        Raises `errors.FileRefused` for what cannot be read, does not hold exactly one executable process, or has an element
        that does not run here (`lint.check` says more).
        """
        self.version = version
        self._calendars = calendars or Calendars({}, zone=expressions.ZONE)
        self.process = _main(files)
        self.process_id = self.process.id
        self.name = self.process.name
        self.name_en = self.process.name_en
        self.elements: Mapping[str, Element] = self.process.elements
        self.lanes = self.process.lanes
        self.decisions: dict[str, Decisions] = {}
        tables = {path: content for path, content in files.items() if path.endswith(".dmn")}
        for path, content in tables.items():
            table = Decisions(content, file=path, beside=tables)
            self.decisions.update(dict.fromkeys(table.ids, table))
        self.skeleton = skeleton(self.process)
        self.reach = functools.cache(lambda gateway: joins.reach(self.process, self.elements[gateway]))

    def calendar(self, element: Element) -> Calendar | None:
        """The calendar in whose working time the element's durations count. Raises `errors.NotFound`."""
        name = element.properties.get("wf.calendar")
        return self._calendars.get(name) if name else None

    @property
    def start_element(self) -> Element:
        """Where a case begins."""
        return beginnings(self.process, self.process_id)[0]

    @property
    def start_form(self) -> str | None:
        """Id of the form with which a case is started."""
        return self.start_element.form

    def start(self, variables: Mapping[str, Json], *, now: dt.datetime) -> tuple[Execution, Advance]:
        """A new case at its first rest. Raises `errors.ValueRefused`."""
        scopes = Scopes()
        written = scopes.write(PROCESS, variables, self.process_id)
        tokens = Tokens(self, state.new_workflow(self.skeleton), scopes, {})
        tokens.begin(now).written += written
        return Execution(self, tokens), tokens.run()

    def restore(self, stored: bytes) -> Execution:
        """A case from its `dump`, of this version only. Raises `errors.StateUnreadable`."""
        workflow, (counts, scopes) = state.load(self.skeleton, stored)
        return Execution(self, Tokens(self, workflow, Scopes.load(scopes), counts))


def _main(files: Mapping[str, bytes]) -> Process:
    found = [p for path, content in files.items() if path.endswith(".bpmn") for p in processes(read_xml(content, path), path)]
    executable = [process for process in found if process.executable]
    if len(executable) != 1:
        names = ", ".join(process.id for process in executable) or "none"
        raise errors.FileRefused(file=", ".join(sorted(files)), reason=f"exactly one process must be executable, not {names}")
    return executable[0]
