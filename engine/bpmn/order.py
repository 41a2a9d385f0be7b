"""Which steps must lie before others: the generic checker of a procedure's rule file.

`rules.json` says `{"before": {"<element>": ["<element>", …]}}`: no path from a start event may reach the first without
passing each of the others; and elements that other rules name (`no_way_back`, `second_person`)
must exist. What the elements mean is the procedure's affair.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .lint import Code, Finding, finding
from .model import Element, Process
from .normalise import BODIES, beginnings
from .parser import processes
from .reader import read_xml

if TYPE_CHECKING:
    from .program import Program

RULES = "rules.json"


def missing_before(files: Mapping[str, bytes]) -> dict[str, list[Finding]]:
    """By diagram: what can be reached although a step that must lie before it was not passed. The rule file must be a sound one."""
    rules = json.loads(files.get(RULES, b"{}"))
    before = rules.get("before", {})
    found: dict[str, list[Finding]] = {}
    read = [p for path, content in files.items() if path.endswith(".bpmn") for p in processes(read_xml(content, path), path)]
    known = {id for process in read for id in process.elements}
    called = {e.called.process for p in read for e in p.elements.values() if e.called and e.called.process != p.id}
    # Other pools of a drawing, which do not run, are each looked at by themselves.
    first_ones = [p for p in read if p.id not in called] or read
    for target, needed in before.items():
        for step in needed:
            ways = _Ways(read, without=step)
            for process in first_ones:
                ways.enter(process, process.id)
            ways.walk()
            for process in read:
                last, first = process.elements.get(target), next((p.elements[step] for p in read if step in p.elements), None)
                if last is not None and first is not None and (process.id, target) in ways.seen:
                    found.setdefault(process.file, []).append(finding(Code.STEP_MISSING, last, step=first.title, target=last.title))
    named = {
        *before,
        *(step for needed in before.values() for step in needed),
        *rules.get("no_way_back", ()),
        *rules.get("second_person", ()),
    }
    for missing in sorted(named - known):
        found.setdefault(RULES, []).append(finding(Code.UNRESOLVED_REFERENCE, None, what=f"element {missing}", where=RULES))
    return found


def left_out(
    files: Mapping[str, bytes], *, standing: Iterable[tuple[str, str | None]], passed: Iterable[str]
) -> list[tuple[Element, Element]]:
    """What a case can reach from where it stands (`Execution.places`) although a step that must lie before it was never passed.

    Pairs of the step that would be left out and what must come after it. Ids may be those of called processes (`process:element`).
    """
    before: Mapping[str, list[str]] = json.loads(files.get(RULES, b"{}")).get("before", {})
    read = [p for path, content in files.items() if path.endswith(".bpmn") for p in processes(read_xml(content, path), path)]
    known = {id: element for process in read for id, element in process.elements.items()}
    stands = [(key.rpartition(":")[2], flow and flow.rpartition(":")[2]) for key, flow in standing]
    done = {key.rpartition(":")[2] for key in passed}
    found = []
    for target, needed in before.items():
        for step in needed:
            if step in done or step not in known or target not in known:
                continue
            ways = _Ways(read, without=step)
            ways.go_on(stands)
            ways.walk()
            if any(id == target for _, id in ways.seen):
                found.append((known[step], known[target]))
    return found


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """An element that lies ahead of a case."""

    #: as the case knows it: `process:element` in a called process
    element: Element
    #: no way leads past it, but for what begins by an event
    certain: bool


def ahead(program: Program, wanted: Callable[[Element], bool], *, standing: Iterable[tuple[str, str | None]] | None = None) -> list[Ahead]:
    """What a case of a program can come to, of the elements that are wanted, the nearest first.

    `standing`: from where it stands (`Execution.places`), without the very elements at which it stands; None: from where people begin.
    What is called by its latest version is not looked into.
    """
    read = list(program.processes.values())
    keys = {key.rpartition(":")[2]: key for key in program.elements}
    places = [(program.start_element.id, None)] if standing is None else list(standing)

    def walked(without: str = "", *, exceptions: bool) -> _Ways:
        ways = _Ways(read, without=without, past=False)
        ways.go_on([(key.rpartition(":")[2], flow and flow.rpartition(":")[2]) for key, flow in places])
        if exceptions:
            ways.watch(program.process)
        ways.walk()
        return ways

    here = {key for key, _ in standing or ()}
    reached = dict.fromkeys(keys[id] for _, id in walked(exceptions=True).seen if id in keys)
    found = [program.elements[key] for key in reached if key not in here]
    return [
        Ahead(element=element, certain=program.process_id not in walked(element.id.rpartition(":")[2], exceptions=False).ended)
        for element in found
        if wanted(element)
    ]


class _Ways:
    """What a token can reach if the step `without` lets none through. Where it is not certain, more rather than less.

    An event at the edge of that step leads past it, because its work was not done then; so does a loop or a multi-instance
    that may run no time at all. A parallel gateway is passed once all its incoming flows carry a token, anything else once
    one does. A sub-process and a called process are passed only through their inside: what follows counts once an end in it
    is reached, in an event sub-process, too. What undoes an activity is reached once that was done, and leads nowhere.
    """

    def __init__(self, read: Sequence[Process], *, without: str, past: bool = True) -> None:
        """`past`: whether the events at the edge of `without` lead past it, since what counts is that its work was done."""
        self.processes = {process.id: process for process in read}
        self.without = without
        self.past = past
        #: (process, element), the nearest first
        self.seen: dict[tuple[str, str], None] = {}
        #: processes of which an end was reached
        self.ended: set[str] = set()
        self._carrying: set[tuple[str, str]] = set()
        self._todo: deque[tuple[Process, Element]] = deque()

    def enter(self, process: Process, scope: str) -> None:
        """A scope begins: at whatever may start in it, its event sub-processes among them but for one that undoes it."""
        starts = [e for e in process.inside(scope) if e.kind in ("startEvent", "eventSubProcess") and not _undoes(process, e)]
        self._todo += [(process, element) for element in [*starts, *beginnings(process, scope)]]

    def go_on(self, standing: Iterable[tuple[str, str | None]]) -> None:
        """A case stands at these elements, or has come to a gateway along a flow."""
        for process in self.processes.values():
            for id, flow in standing:
                element = process.elements.get(id)
                if element is not None and flow is not None and element.kind == "parallelGateway":
                    self._carrying.add((process.id, flow))
                elif element is not None:
                    self._todo.append((process, element))

    def watch(self, process: Process) -> None:
        """What begins by an event may begin at any time."""
        self._todo += [(process, e) for e in process.inside(process.id) if e.kind == "eventSubProcess" and not _undoes(process, e)]

    def walk(self) -> None:
        """Goes every way that is open."""
        while self._todo:
            process, element = self._todo.popleft()
            if (process.id, element.id) in self.seen:
                continue
            edge = list(process.boundaries(element.id)) if self.past or element.id != self.without else []
            self._todo += [(process, event) for event in edge if event.event != "compensate"]
            maybe_never = element.multi is not None or (element.repeat is not None and element.repeat.test_before)
            if element.id == self.without:
                if maybe_never:
                    self._leave(process, element)
                continue
            self.seen[process.id, element.id] = None
            self._todo += [(process, event) for event in edge if event.event == "compensate"]
            self._pass(process, element, maybe_never)

    def _pass(self, process: Process, element: Element, maybe_never: bool) -> None:
        inside = element.called is None and element.kind in BODIES
        if inside:
            self.enter(process, element.id)
        elif element.called is not None and element.called.process in self.processes:
            called = self.processes[element.called.process]
            self.enter(called, called.id)
            if called.id in self.ended:
                self._leave(process, element)
        if element.compensates in process.elements:
            self._todo.append((process, process.elements[element.compensates or ""]))
        if element.event == "link" and element.kind == "intermediateThrowEvent":
            halves = (e for e in process.inside(element.scope) if e.kind == "intermediateCatchEvent" and e.event == "link")
            self._todo += [(process, e) for e in halves if e.reference == element.reference]
        elif maybe_never or not (inside or (element.called is not None and element.called.process in self.processes)):
            self._leave(process, element)

    def _leave(self, process: Process, element: Element) -> None:
        """The element's work is over: along its flows, or if there is none out of its scope."""
        if element.for_compensation or element.compensates:
            return
        self._todo += [(process, e) for e in process.inside(element.id) if e.kind == "eventSubProcess" and _undoes(process, e)]
        for id in element.outgoing:
            self._carrying.add((process.id, id))
            target = process.elements.get(process.flows[id].target)
            if target is None:
                continue
            arrived = all((process.id, flow) in self._carrying for flow in target.incoming)
            if target.kind != "parallelGateway" or arrived:
                self._todo.append((process, target))
        if element.outgoing or element.event in ("error", "cancel"):
            return
        around = process.elements.get(element.scope)
        while around is not None and around.kind == "eventSubProcess":
            if _undoes(process, around):
                return
            around = process.elements.get(around.scope)
        if around is not None:
            self._leave(process, around)
            return
        if process.id in self.ended:
            return
        self.ended.add(process.id)
        for caller in self.processes.values():
            for call in caller.elements.values():
                if call.called is not None and call.called.process == process.id and (caller.id, call.id) in self.seen:
                    self._leave(caller, call)


def _undoes(process: Process, element: Element) -> bool:
    """Whether an event sub-process begins when the sub-process around it is undone."""
    return element.kind == "eventSubProcess" and any(e.event == "compensate" for e in process.inside(element.id) if e.kind == "startEvent")
