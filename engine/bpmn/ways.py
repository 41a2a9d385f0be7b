"""Where tokens can come to: the ways through the processes of a folder, past steps that let none through."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

from .model import Element, Process
from .normalise import BODIES, beginnings

#: an element, or a flow: the id of its process and its own
Place: TypeAlias = tuple[str, str]


class Ways:
    """What a token can reach if the steps `without` let none through. Where it is not certain, more rather than less.

    An event at the edge of such a step leads past it, because its work was not done then; so does a loop or a multi-instance
    that may run no time at all. A parallel gateway is passed once all its incoming flows carry a token, anything else once
    one does. A sub-process and a called process are passed only through their inside: what follows counts once an end in it
    is reached, in an event sub-process, too. What undoes an activity is reached once that was done, and leads nowhere.
    """

    def __init__(self, read: Sequence[Process], *, without: Collection[Place] = (), past: bool = True, alone: bool = False) -> None:
        """`without`: elements, and flows along which nothing goes.

        `past`: whether the events at the edge of such an element lead past it, since what counts is that its work was done.
        `alone`: one token is enough for a parallel gateway, as others may have come to it before the walk begins.
        """
        self.processes = {process.id: process for process in read}
        self.without = without
        self.past = past
        self.alone = alone
        #: the nearest first
        self.seen: dict[Place, None] = {}
        #: processes of which an end was reached
        self.ended: set[str] = set()
        self._carrying: set[Place] = set()
        self._todo: deque[tuple[Place, Place | None]] = deque()
        self._came: dict[Place, Place | None] = {}

    def enter(self, process: Process, scope: str, by: Place | None = None) -> None:
        """A scope begins: at whatever may start in it, its event sub-processes among them but for one that undoes it."""
        starts = [e for e in process.inside(scope) if e.kind in ("startEvent", "eventSubProcess") and not _undoes(process, e)]
        self._come(process, [*beginnings(process, scope), *starts], by)

    def go_on(self, standing: Iterable[tuple[str, str | None]]) -> None:
        """A case stands at these elements, or has come to a gateway along a flow."""
        for process in self.processes.values():
            for id, flow in standing:
                element = process.elements.get(id)
                if element is not None and flow is not None and element.kind == "parallelGateway":
                    self._carrying.add((process.id, flow))
                elif element is not None:
                    self._come(process, [element], None)

    def set_out(self, place: Place) -> None:
        """The work of this element is just over."""
        process = self.processes[place[0]]
        self._came[place] = None
        self._leave(process, process.elements[place[1]], place)

    def watch(self, process: Process) -> None:
        """What begins by an event may begin at any time."""
        self._come(process, (e for e in process.inside(process.id) if e.kind == "eventSubProcess" and not _undoes(process, e)), None)

    def walk(self) -> None:
        """Goes every way that is open."""
        while self._todo:
            here, by = self._todo.popleft()
            if here in self.seen:
                continue
            self._came.setdefault(here, by)
            process = self.processes[here[0]]
            element = process.elements[here[1]]
            left_out = here in self.without
            edge = process.boundaries(element.id) if self.past or not left_out else ()
            self._come(process, (event for event in edge if event.event != "compensate"), here)
            maybe_never = element.multi is not None or (element.repeat is not None and element.repeat.test_before)
            if left_out:
                if maybe_never:
                    self._leave(process, element, here)
                continue
            self.seen[here] = None
            self._come(process, (event for event in edge if event.event == "compensate"), here)
            self._pass(process, element, maybe_never)

    def way(self, target: Place) -> list[Element]:
        """The shortest way to an element that was seen, from where tokens begin."""
        found: list[Element] = []
        place: Place | None = target
        while place is not None:
            found.append(self.processes[place[0]].elements[place[1]])
            place = self._came[place]
        return found[::-1]

    def _come(self, process: Process, elements: Iterable[Element], by: Place | None) -> None:
        self._todo += (((process.id, element.id), by) for element in elements)

    def _pass(self, process: Process, element: Element, maybe_never: bool) -> None:
        here = process.id, element.id
        inside = element.called is None and element.kind in BODIES
        called = self.processes.get(element.called.process) if element.called is not None else None
        if inside:
            self.enter(process, element.id, here)
        elif called is not None:
            self.enter(called, called.id, here)
            if called.id in self.ended:
                self._leave(process, element, here)
        if element.compensates in process.elements:
            self._come(process, [process.elements[element.compensates or ""]], here)
        if element.event == "link" and element.kind == "intermediateThrowEvent":
            halves = (e for e in process.inside(element.scope) if e.kind == "intermediateCatchEvent" and e.event == "link")
            self._come(process, (e for e in halves if e.reference == element.reference), here)
        elif maybe_never or not (inside or called is not None):
            self._leave(process, element, here)

    def _leave(self, process: Process, element: Element, by: Place) -> None:
        """The element's work is over: along its flows, or if there is none out of its scope."""
        if element.for_compensation or element.compensates:
            return
        self._come(process, (e for e in process.inside(element.id) if e.kind == "eventSubProcess" and _undoes(process, e)), by)
        for id in element.outgoing:
            if (process.id, id) in self.without:
                continue
            self._carrying.add((process.id, id))
            target = process.elements.get(process.flows[id].target)
            if target is None:
                continue
            arrived = self.alone or all((process.id, flow) in self._carrying for flow in target.incoming)
            if target.kind != "parallelGateway" or arrived:
                self._come(process, [target], by)
        if element.outgoing or element.event in ("error", "cancel"):
            return
        around = process.elements.get(element.scope)
        while around is not None and around.kind == "eventSubProcess":
            if _undoes(process, around):
                return
            around = process.elements.get(around.scope)
        if around is not None:
            self._leave(process, around, by)
            return
        if process.id in self.ended:
            return
        self.ended.add(process.id)
        for caller in self.processes.values():
            for call in caller.elements.values():
                if call.called is not None and call.called.process == process.id and (caller.id, call.id) in self.seen:
                    self._leave(caller, call, by)


def _undoes(process: Process, element: Element) -> bool:
    """Whether an event sub-process begins when the sub-process around it is undone."""
    return element.kind == "eventSubProcess" and any(e.event == "compensate" for e in process.inside(element.id) if e.kind == "startEvent")
