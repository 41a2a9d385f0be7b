"""What runs as drawn and may still surprise: two branches that write one variable, and errors that nothing catches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...ports import Json
from .. import names
from ..codes import Code
from ..findings import Finding, finding
from ..model import Element, Process
from .calls import Calls

_SPLITS = ("parallelGateway", "inclusiveGateway")


def written_twice(process: Process, forms: Mapping[str, Json] | None) -> Iterator[Finding]:
    """Variables that two branches of one split both write before they can meet again."""
    said: set[tuple[str, str]] = set()
    writing = {e.id: written for e in process.elements.values() if (written := _written(e, forms))}
    for split in process.elements.values():
        if split.kind not in _SPLITS or len(split.outgoing) < 2:
            continue
        branches = [_behind(process, process.flows[flow].target) & writing.keys() for flow in split.outgoing]
        for number, branch in enumerate(branches):
            mine = branch.difference(*branches[:number], *branches[number + 1 :])
            for other in branches[number + 1 :]:
                theirs = {name: e for e in _in(process, other - branch) for name in writing[e.id]}
                for element in _in(process, mine):
                    for name in sorted(writing[element.id] & theirs.keys()):
                        if (element.id, name) not in said:
                            said.add((element.id, name))
                            yield finding(Code.WRITTEN_TWICE, element, variable=name, other=theirs[name].title)


def _behind(process: Process, start: str) -> set[str]:
    """Ids of what a token can come to from an element, itself included, in the same scope and inside its sub-processes."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        id = todo.pop()
        if id in seen or id not in process.elements:
            continue
        seen.add(id)
        todo += [process.flows[flow].target for flow in process.elements[id].outgoing]
        todo += [event.id for event in process.boundaries(id)]
        todo += [inner.id for inner in process.inside(id)]
    return seen


def _in(process: Process, ids: set[str]) -> Iterator[Element]:
    return (element for element in process.elements.values() if element.id in ids) if ids else iter(())


def _written(element: Element, forms: Mapping[str, Json] | None) -> set[str]:
    if element.multi is not None:
        return {element.multi.output} if element.multi.output else set()
    if element.outputs:
        return {target for target, _ in element.outputs}
    if result := names.result_name(element):
        return {result}
    # of a chain's own result the last one counts, as everybody expects
    return (names.from_person(element, forms) or set()) - set(names.CHAIN_RESULT) if element.kind == "userTask" else set()


def uncaught(process: Process, calls: Calls) -> Iterator[Finding]:
    """Errors that are thrown and that nothing around them catches; a process that others call may leave that to them."""
    for element in process.elements.values():
        if element.event == "error" and element.kind == "endEvent" and not calls.of(process.id) and not _caught(process, element):
            yield finding(Code.UNCAUGHT, element, error=element.reference or "")


def _caught(process: Process, thrown: Element) -> bool:
    below = None
    for scope in (*process.around(thrown), process.id):
        # an event sub-process that interrupts leaves no other one of its scope standing
        interrupted = below is not None and below.kind == "eventSubProcess" and any(e.interrupting for e in _starts(process, below.id))
        inner = [] if interrupted else [e for e in process.inside(scope) if e.kind == "eventSubProcess" and e is not below]
        catches = [start for each in inner for start in _starts(process, each.id)]
        catches += process.boundaries(scope) if scope != process.id else ()
        if any(c.event == "error" and c.reference in (None, thrown.reference) for c in catches):
            return True
        below = process.elements.get(scope)
    return False


def _starts(process: Process, scope: str) -> list[Element]:
    return [element for element in process.inside(scope) if element.kind == "startEvent"]
