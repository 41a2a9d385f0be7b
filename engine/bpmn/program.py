"""One deployed version of a procedure, ready to run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Protocol

from .. import errors
from ..calendar import Calendar, Calendars
from ..ports import Json
from . import expressions, state
from .advance import Advance
from .decisions import Decisions
from .migration import Obstacle, migrate
from .model import Called, Element, Process
from .normalise import Skeleton, beginnings, keyed, skeleton
from .parser import processes
from .reader import read_xml
from .runtime import Execution
from .scopes import PROCESS, Scopes
from .tokens import Tokens


class Others(Protocol):
    """Where a program finds the processes of other versions."""

    def latest(self, process: str) -> str | None:
        """Id of the active version that holds an executable process of this id, or None."""

    def program(self, version_id: str) -> Program:
        """Raises `errors.NotFound`."""


class Elements(Mapping[str, Element]):
    """The elements of the process and of those it calls. Those of other versions are found by key, but not counted."""

    def __init__(self, program: Program, known: Mapping[str, Element]) -> None:
        self._program = program
        self._known = known

    def __getitem__(self, key: str) -> Element:
        if key in self._known or "@" not in key:
            return self._known[key]
        try:
            return self._program.element(key)
        except errors.NotFound:
            raise KeyError(key) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class Program:
    """One deployed version, ready to run. Built once, used by all threads.

    Elements of a called process are known as `process:element`, or `process@version:element` where the call names no version
    and took the latest one.
    """

    def __init__(
        self, files: Mapping[str, bytes], *, version: str, calendars: Calendars | None = None, others: Others | None = None
    ) -> None:
        """`files` of one procedure by path; `calendars` that its elements may name, by default the ordinary one only.

        The process of a case is the one executable process that no other calls. Raises `errors.FileRefused` for what cannot be
        read, where there is not exactly one such process, or for an element that does not run here (`lint.check` says more).
        """
        self.version = version
        self._calendars = calendars or Calendars({}, zone=expressions.ZONE)
        self._others = others
        self.processes = _executable(files)
        self.process = main(list(self.processes.values()), files)
        self.process_id = self.process.id
        self.name = self.process.name
        self.name_en = self.process.name_en
        self.lanes = self.process.lanes
        self.decisions: dict[str, Decisions] = {}
        tables = {path: content for path, content in files.items() if path.endswith(".dmn")}
        for path, content in tables.items():
            table = Decisions(content, file=path, beside=tables)
            self.decisions.update(dict.fromkeys(table.ids, table))
        self.skeleton = skeleton(self.process, self)
        self._parts: dict[str, Skeleton] = {"": self.skeleton}
        elements = dict(self.process.elements)
        waiting = [self.process]
        while waiting:
            for element in waiting.pop().elements.values():
                if element.called and element.called.binding != "latest":
                    called = self.processes.get(element.called.process)
                    if called is None:
                        reason = f'{element.id}: no file here has the process "{element.called.process}" that it calls'
                        raise errors.FileRefused(file=self.process.file, reason=reason)
                    if f"{called.id}:" not in self._parts:
                        elements |= self.part(f"{called.id}:").process.elements
                        waiting.append(called)
        self.elements = Elements(self, elements)

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

    @property
    def starts(self) -> list[Element]:
        """The start events of the process; `event` and `reference` say which message or signal starts a case there."""
        return [element for element in self.process.inside(self.process_id) if element.kind == "startEvent"]

    def start(self, variables: Mapping[str, Json], *, now: dt.datetime, at: str | None = None) -> tuple[Execution, Advance]:
        """A new case at its first rest, from where it usually begins or from the start event `at`.

        Raises `errors.ValueRefused`, `errors.NotFound` for a start event that does not exist.
        """
        if at is not None and at not in (element.id for element in self.starts):
            raise errors.NotFound(what="start event", name=at)
        scopes = Scopes()
        written = scopes.write(PROCESS, variables, self.process_id)
        tokens = Tokens(self, state.new_workflow(self.skeleton.specs[self.process_id]), scopes, {})
        tokens.begin(now).written += written
        tokens.start(tokens.workflow, self.process_id, at)
        return Execution(self, tokens), tokens.run()

    def restore(self, stored: bytes) -> Execution:
        """A case from its `dump`, of this version only. Raises `errors.StateUnreadable`."""
        return self.rebuild(state.unpack(stored, self.elements))

    def rebuild(self, unpacked: Json) -> Execution:
        """A case from what `state.unpack` gave. Raises `errors.StateUnreadable`."""
        workflow, (counts, scopes) = state.load(self, unpacked)
        return Execution(self, Tokens(self, workflow, Scopes.load(scopes), counts))

    def migrate(
        self, execution: Execution, target: Program, mapping: Mapping[str, str] | None = None, *, now: dt.datetime
    ) -> tuple[Execution, Advance] | list[Obstacle]:
        """See `migration.migrate`."""
        return migrate(execution, target, mapping or {}, now=now)

    # --- called processes

    def element(self, key: str) -> Element:
        """An element of the case's process or of a called one, of whatever version. Raises `errors.NotFound`."""
        prefix, colon, _ = key.rpartition(":")
        found = self.part(prefix + colon).process.elements.get(key)
        if found is None:
            raise errors.NotFound(what="element", name=key)
        return found

    def owner(self, key: str) -> Program:
        """The program whose files say what an element means: this one, or that of another version for a called process."""
        prefix, colon, _ = key.rpartition(":")
        found: Program = self.part(prefix + colon).owner
        return found

    def called(self, called: Called, part: Skeleton) -> str | None:
        """What stands before the ids of the process that is called from `part` now; None if there is none."""
        if called.binding != "latest":
            return f"{called.process}{part.at}:" if called.process in part.owner.processes else None
        version = self._others.latest(called.process) if self._others else None
        return None if version is None else f"{called.process}@{version}:"

    def part(self, prefix: str) -> Skeleton:
        """The process whose elements begin with `prefix`, ready to run. Raises `errors.NotFound`."""
        if prefix not in self._parts:
            process, at, version = prefix.removesuffix(":").partition("@")
            if at and self._others is None:
                raise errors.NotFound(what="procedure version", name=version)
            owner = self._others.program(version) if at and self._others else self
            if process not in owner.processes:
                raise errors.NotFound(what="process", name=process)
            self._parts[prefix] = skeleton(keyed(owner.processes[process], prefix), owner, at + version)
        return self._parts[prefix]


def _executable(files: Mapping[str, bytes]) -> dict[str, Process]:
    found = [p for path, content in files.items() if path.endswith(".bpmn") for p in processes(read_xml(content, path), path)]
    return {process.id: process for process in found if process.executable}


def main(executable: list[Process], files: Mapping[str, bytes]) -> Process:
    """The process that no other one calls. Raises `errors.FileRefused` unless there is exactly one."""
    called = {e.called.process for p in executable for e in p.elements.values() if e.called and e.called.process != p.id}
    found = [process for process in executable if process.id not in called] or executable
    if len(found) != 1:
        names = ", ".join(process.id for process in found) or "none"
        raise errors.FileRefused(file=", ".join(sorted(files)), reason=f"exactly one process must be executable, not {names}")
    return found[0]
