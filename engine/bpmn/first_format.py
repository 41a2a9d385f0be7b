"""States of format 1, in which events were tasks beside what they sit on: read once, and stored in the present format from then on.

A task was written as `[spec, state, memory, children]`, a sub-process with its body's first task as a fifth part. The specs of an
activity with boundary events were `<id> events` over `<id>` and each `<event> event`, those of a sub-process `<id> body` and
`<id> left`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..ports import Json
from .model import Element
from .normalise import AWAITED

HEADER = b"partwell-case 1 3.2.0\n"
#: states of SpiffWorkflow's tasks
_WAITING, _READY, _STARTED = 8, 16, 32


def scope(first: Any, elements: Mapping[str, Element]) -> list[Json]:
    """A scope as `state` writes it now, from the first task of the one that was stored."""
    found: list[Json] = []
    _collect(first, elements, found)
    return [{}, found]


def _collect(task: Any, elements: Mapping[str, Element], found: list[Json]) -> None:
    name, state, memory, children, *body = task
    id, _, part = name.partition(" ")
    element = elements.get(id)
    if element is not None and part == "events":
        _with_events(id, children, elements, found)
    elif element is not None and part == "body" and state == _STARTED:
        found.append([id, {"instance": memory["instance"], "at": "inside"}, scope(body[0], elements)])
    elif element is not None and part == "left" and state == _READY:
        found.append([id, {"at": "leaving", **memory}])
    elif element is not None and not part and state == _READY:
        found.append([id, {**memory, **_heard(element)}])
    elif element is not None and element.kind == "eventBasedGateway" and not part:
        waits = {child[0]: _record(child[2], elements[child[0]]) for child in children if child[1] == _READY}
        if waits:
            found.append([id, {"instance": memory["instance"], "at": "events", "waits": waits}])
    else:
        for child in children:
            _collect(child, elements, found)


def _with_events(id: str, children: Any, elements: Mapping[str, Element], found: list[Json]) -> None:
    """An activity and the boundary events that wait beside it."""
    begun = len(found)
    waits = {}
    for child in children:
        event, _, part = child[0].partition(" ")
        if part != "event" or child[1] != _WAITING:
            _collect(child, elements, found)
        elif elements[event].event in AWAITED:
            waits[event] = _record(child[2], elements[event])
    for token in found[begun:]:
        if token[0] == id and waits:
            token[1]["waits"] = waits
            return


def _record(memory: Mapping[str, Json], event: Element) -> dict[str, Json]:
    kept = {key: memory[key] for key in ("instance", "due", "repeat", "every", "stuck") if key in memory}
    return {**kept, **_heard(event)}


def _heard(event: Element) -> dict[str, Json]:
    return {"name": event.reference} if event.event == "signal" and event.kind in ("intermediateCatchEvent", "boundaryEvent") else {}
