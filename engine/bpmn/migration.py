"""A running case moves to another version of its diagram: every token to the element it stands at there, or a reason why not.

The structure that `state` writes is moved, never the case itself, so a dry run is the same thing with the result thrown away.
What waits keeps its instance, and with it the work item or job that was made for it. What only waits beside something (boundary
events, event sub-processes) is no part of the structure: it is left where it is gone, and begins where it is new.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import events, state
from .advance import Advance, Left
from .model import Element
from .normalise import AWAITED, Skeleton

if TYPE_CHECKING:
    from .program import Program
    from .runtime import Execution


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """A token that cannot move."""

    #: id in the version it is in
    element: str
    instance: str | None
    reason: str


def migrate(
    execution: Execution, target: Program, mapping: Mapping[str, str], *, now: dt.datetime
) -> tuple[Execution, Advance] | list[Obstacle]:
    """The case on the other version, with the events that began or ended to wait; or what is in the way.

    `mapping`: ids of elements that are called differently there. The execution that is given stays as it is.
    """
    completed, scope, rest = state.unpack(execution.dump())
    move = _Move(execution.program, target, mapping)
    source = execution.program
    move.scope(scope, source.skeleton, target.skeleton, source.process_id, target.process_id)
    if move.obstacles:
        return move.obstacles
    counts: dict[str, int] = rest[0]
    for old, new in mapping.items():
        if old in counts:
            counts[new] = max(counts[old], counts.get(new, 0))
    moved = target.rebuild([completed, scope, rest])
    case = moved._tokens
    case.begin(now).left += move.left
    events.begin_missing(case)
    return moved, case.run()


class _Move:
    """One migration: changes what `state` has written in place."""

    def __init__(self, source: Program, target: Program, mapping: Mapping[str, str]) -> None:
        self.source = source
        self.target = target
        self.mapping = mapping
        self.obstacles: list[Obstacle] = []
        self.left: list[Left] = []

    def scope(self, written: Any, here: Skeleton, there: Skeleton, old: str, new: str) -> None:
        """One scope, with id `old` here and `new` there."""
        memory, found = written
        self._records(memory, here, there)
        self._waits(memory, here, there, lambda event: _around(event, here) == old, lambda event: _around(event, there) == new)
        for token in found:
            self._token(token, here, there, new)

    def _token(self, token: Any, here: Skeleton, there: Skeleton, scope: str) -> None:
        name, memory, *body = token
        was, new = here.process.elements[name], there.process.elements.get(self._named(name))
        reason = _difference(was, new, scope) or self._call(was, new, memory)
        if reason or new is None:
            self.obstacles.append(Obstacle(element=name, instance=memory.get("instance"), reason=reason or ""))
            return
        token[0] = new.id
        called = memory.get("called")
        self._records(memory, *((self.source.part(called), self.target.part(called)) if called else (here, there)))
        if new.kind == "eventBasedGateway":
            behind = {there.process.flows[flow].target for flow in new.outgoing}
            self._waits(memory, here, there, lambda event: False, lambda event: event.id in behind)
        else:
            self._waits(memory, here, there, lambda event: event.attached == was.id, lambda event: event.attached == new.id)
        if memory.get("at") == "join" and not self._join(was, new, memory, here, there):
            self.obstacles.append(Obstacle(element=name, instance=None, reason="the flow it came along is not there"))
        for inner in body:
            if "many" in inner[0]:
                self.scope(inner, here, there, scope, scope)
            elif called:
                inside, beyond = self.source.part(called), self.target.part(called)
                self.scope(inner, inside, beyond, inside.process.id, beyond.process.id)
            else:
                self.scope(inner, here, there, name, new.id)

    def _named(self, id: str) -> str:
        return self.mapping.get(id, id)

    def _call(self, was: Element, new: Element | None, memory: Mapping[str, Any]) -> str | None:
        if was.called is None or new is None or new.called is None:
            return None
        inside = "called" not in memory or "@" in memory["called"] or was.called.process in self.target.processes
        return None if was.called.process == new.called.process and inside else "it calls another process there"

    def _join(self, was: Element, new: Element, memory: dict[str, Any], here: Skeleton, there: Skeleton) -> bool:
        """Arrives again at the gateway, along the flow with the same id or else from the same element."""
        source = self._named(here.process.flows[memory["flow"]].source)
        flows = [flow for flow in new.incoming if flow == memory["flow"] or there.process.flows[flow].source == source]
        if flows:
            memory["flow"] = memory["flow"] if memory["flow"] in flows else flows[0]
            del memory["at"]
        return bool(flows)

    def _waits(self, memory: dict[str, Any], here: Skeleton, there: Skeleton, fitted: Any, fits: Any) -> None:
        """What waits beside a token stays where the event is the same there; what no longer waits, since it happened, is `over`."""
        waits = memory.pop("waits", {})
        past = [event for event in here.process.elements.values() if event.id not in waits and event.event in AWAITED and fitted(event)]
        same = [(event, there.process.elements.get(self._named(event.id))) for event in past]
        if over := [new.id for event, new in same if new is not None and fits(new) and _waits_for(event) == _waits_for(new)]:
            memory["over"] = over
        kept = {}
        for id, record in waits.items():
            was, new = here.process.elements[id], there.process.elements.get(self._named(id))
            if new is not None and fits(new) and _waits_for(was) == _waits_for(new):
                kept[new.id] = record
            else:
                self.left.append(Left(instance=record["instance"], element=id, by=None))
        if kept:
            memory["waits"] = kept

    def _records(self, memory: dict[str, Any], here: Skeleton, there: Skeleton) -> None:
        """What was completed can be undone there by the handler that is drawn there."""
        for each in [*memory.get("done", ()), *memory.get("undo", ())]:
            was = each["activity"]
            new = each["activity"] = self._named(was)
            drawn = new in there.process.elements
            if "handler" in each:
                handler, each["handler"] = each["handler"], there.handlers.get(new)
                drawn = drawn and each["handler"] is not None and _inside(handler, here) == _inside(each["handler"], there)
            if "inner" in each:
                drawn = drawn and here.process.elements[was].kind == there.process.elements[new].kind
            reason = None if drawn else "what undoes it is not drawn there"
            if reason is None and "called" in each:
                reason = self._call(here.process.elements[was], there.process.elements[new], each)
            if reason:
                self.obstacles.append(Obstacle(element=was, instance=each["instance"], reason=reason))
            elif "inner" in each:
                parts = [program.part(each["called"]) for program in (self.source, self.target)] if "called" in each else (here, there)
                self._records({"done": each["inner"]}, *parts)


def _difference(was: Element, new: Element | None, scope: str) -> str | None:
    """Why a token cannot stand at the element of the other version."""
    if new is None:
        return "there is no such element there"
    operation = "taskDefinition.type"
    if was.kind != new.kind or was.event != new.event or (operation in was.extensions) != (operation in new.extensions):
        return "it is another kind of element there"
    if new.scope != scope:
        return "it stands in another sub-process there"
    if was.loop != new.loop or (was.multi and new.multi and was.multi.sequential != new.multi.sequential):
        return "it runs another number of times there"
    return None


def _inside(handler: str, process: Skeleton) -> bool:
    """Whether a handler is an event sub-process in what it undoes."""
    return process.process.elements[handler].kind == "eventSubProcess"


def _waits_for(event: Element) -> tuple[object, ...]:
    return event.kind, event.event, event.timer, event.reference, event.key, event.condition


def _around(event: Element, there: Skeleton) -> str | None:
    """The scope that the start event of an event sub-process watches."""
    handler = there.process.elements.get(event.scope)
    return handler.scope if handler else None
