"""Whether tokens come to an end: joins that wait for ever, branches that meet without a join, circles without a way out.

The classical soundness of workflow nets, scope by scope: what remains of a scope once it is reduced (`net.reduced`) is
played through, every order of steps, unless it is too large for that (then nothing is said).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...bpmn.joins import inclusive_may_go
from ..codes import Code
from ..findings import Finding, finding
from ..model import Element, Process
from ..normalise import BODIES
from .net import ALL, ANY, SOME, Net, net, reach, reduced

#: distributions of tokens that are looked at in one scope
_MOST = 2000


def unsound(process: Process, said: Collection[str | None] = ()) -> Iterator[Finding]:
    """Findings of one process; `said`: elements of which it was said already that they wait for ever."""
    for scope in [process.id, *(e.id for e in process.elements.values() if e.kind in BODIES)]:
        if process.inside(scope):
            whole = net(process, scope)
            yield from _stuck(process, scope, whole, said)
            yield from _endless(process, scope, whole)


# --- joins


@dataclass
class _Played:
    """What happened in a net, in whatever order."""

    whole: bool = True
    fired: set[str] = field(default_factory=set)
    #: element at which tokens are left over -> flows that did not come
    waiting: dict[str, set[str]] = field(default_factory=dict)
    #: elements to which tokens come along several flows at the same time, and that take them one by one; what several events
    #: ask for that interrupt nothing may well be done for each
    twice: set[str] = field(default_factory=set)


def _stuck(process: Process, scope: str, whole: Net, said: Collection[str | None]) -> Iterator[Finding]:
    played = _play(reduced(whole))
    if not played.whole:
        return
    for id, missing in played.waiting.items():
        if id not in said:
            flow = next((flow for flow in process.elements[id].incoming if flow in missing), min(missing))
            severity = "warning" if id in played.fired else "error"
            yield finding(Code.DEADLOCK, process.elements[id], severity=severity, flow=_name(process, flow))
    # which of its flows an inclusive gateway takes is for its conditions to say, and often it is one
    single = net(process, scope, several=False)
    twice = played.twice if single.nodes == whole.nodes else _play(reduced(single)).twice
    for id in whole.nodes:
        if id in twice and len(process.elements[id].incoming) > 1:
            yield finding(Code.RUNS_TWICE, process.elements[id])


def _name(process: Process, flow: str) -> str:
    drawn = process.flows.get(flow)
    if drawn is None:
        return flow
    source = process.elements.get(drawn.source)
    return drawn.name or (f"{source.title} → {process.elements[drawn.target].title}" if source and source.name else flow)


def _play(small: Net) -> _Played:
    found = _Played()
    merges = [node for node in small.nodes.values() if node.join == ANY and len(node.ins) > 1]
    reaches = {node.id: reach(small, node) for node in small.nodes.values() if node.join == SOME}
    todo = deque(dict.fromkeys(small.starts))
    seen = set(todo)
    while todo:
        tokens = todo.popleft()
        moves = list(_moves(small, tokens, reaches))
        found.twice.update(node.id for node in merges if len(tokens & node.ins) > 1 and tokens & node.ins - small.aside)
        if tokens and not moves:
            for flow in tokens:
                node = small.nodes[small.target[flow]]
                found.waiting.setdefault(node.id, set()).update(node.ins - tokens)
        for id, rest, given in moves:
            found.fired.add(id)
            after = rest | given
            if not rest & given and after not in seen:
                seen.add(after)
                todo.append(after)
        if len(seen) > _MOST:
            return _Played(whole=False)
    return found


def _moves(
    small: Net, tokens: frozenset[str], reaches: Mapping[str, Mapping[str, set[str]]]
) -> Iterator[tuple[str, frozenset[str], frozenset[str]]]:
    """Which element may take tokens and give others: its id, the tokens that stay, and those it gives."""
    for id in dict.fromkeys(small.target[flow] for flow in sorted(tokens)):
        node = small.nodes[id]
        arrived = tokens & node.ins
        if node.stops:
            yield id, frozenset(), frozenset()
        elif node.join == ANY:
            yield from ((id, tokens - {flow}, choice) for flow in arrived for choice in node.choices)
        elif (node.join == ALL and arrived == node.ins) or (
            node.join == SOME and inclusive_may_go(arrived, tokens - node.ins, reaches[id])
        ):
            yield from ((id, tokens - arrived, choice) for choice in node.choices)


# --- circles


def _endless(process: Process, scope: str, whole: Net) -> Iterator[Finding]:
    """Circles that no token leaves, and circles in which nothing can ever change."""
    good = _finishing(whole)
    trapped = [node.id for node in whole.nodes.values() if node.id not in good]
    if trapped and not _rescued(process, scope, whole):
        yield from _circles(process, whole, trapped, Code.NEVER_ENDS)
    passive = [id for id in whole.nodes if id in good and _passes(process, process.elements[id])]
    yield from _circles(process, whole, passive, Code.GOES_ROUND)


def _finishing(whole: Net) -> set[str]:
    """Ids of the elements from which every token can come to an end."""
    good: set[str] = set()
    nodes = list(whole.nodes.values())[::-1]
    more = True
    while more:
        more = False
        for node in nodes:
            if node.id not in good and any(all(whole.target[flow] in good for flow in choice) for choice in node.choices):
                good.add(node.id)
                more = True
    return good


def _rescued(process: Process, scope: str, whole: Net) -> bool:
    """Whether something else ends the scope: an end that takes all tokens along, or an event that interrupts it or one around it."""
    if any(node.stops for node in whole.nodes.values()):
        return True
    around = scope
    while True:
        events = [e for e in process.inside(around) if e.kind == "eventSubProcess"]
        starts = [start for event in events for start in process.inside(event.id) if start.kind == "startEvent"]
        if any(event.interrupting and event.event != "compensate" for event in [*starts, *process.boundaries(around)]):
            return True
        if around == process.id:
            return False
        around = process.elements[around].scope


def _circles(process: Process, whole: Net, among: Collection[str], code: Code) -> Iterator[Finding]:
    """One finding for each part of the drawing in which a token can go round among these elements."""
    nexts = {id: [whole.target[flow] for choice in whole.nodes[id].choices for flow in choice] for id in among}
    told: set[str] = set()
    for start in nexts:
        circle = [] if start in told else _circle(nexts, start)
        if circle:
            told |= _behind(nexts, start) & _behind(_turned(nexts), start)
            certain = code == Code.NEVER_ENDS and not any(_waits(process, process.elements[id]) for id in nexts)
            named = " → ".join(process.elements[id].title for id in circle)
            severity = "error" if certain else "warning"
            yield replace(finding(code, process.elements[start], severity=severity, along=named), way=tuple(circle))


def _behind(nexts: Mapping[str, Sequence[str]], start: str) -> set[str]:
    """What can be reached from an element, itself included."""
    seen, todo = {start}, [start]
    while todo:
        new = [id for id in nexts[todo.pop()] if id in nexts and id not in seen]
        seen.update(new)
        todo += new
    return seen


def _turned(nexts: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    turned: dict[str, list[str]] = {id: [] for id in nexts}
    for id, following in nexts.items():
        for other in following:
            if other in turned:
                turned[other].append(id)
    return turned


def _circle(nexts: Mapping[str, Sequence[str]], start: str) -> list[str]:
    """The shortest way from an element back to itself; empty if there is none."""
    came: dict[str, str] = {}
    todo = deque([start])
    while todo and start not in came:
        at = todo.popleft()
        for id in nexts[at]:
            if id in nexts and id not in came:
                came[id] = at
                todo.append(id)
    if start not in came:
        return []
    way = [start, came[start]]
    while way[-1] != start:
        way.append(came[way[-1]])
    return way[::-1]


def _waits(process: Process, element: Element) -> bool:
    """Whether a token rests at an element, so that the world can do something meanwhile."""
    if element.kind in BODIES:
        return any(_waits(process, inner) for inner in process.inside(element.id))
    catches = element.kind == "intermediateCatchEvent" and element.event != "link"
    works = element.kind in ("userTask", "receiveTask", "callActivity", "eventBasedGateway")
    return catches or works or "taskDefinition.type" in element.extensions


def _passes(process: Process, element: Element) -> bool:
    """Whether a token passes an element and nothing happens there that could change where it goes next time."""
    kinds = ("exclusiveGateway", "inclusiveGateway", "task", "manualTask")
    silent = element.kind in kinds or (
        element.kind in ("intermediateThrowEvent", "intermediateCatchEvent") and element.event in (None, "link")
    )
    return silent and not (element.outputs or element.loop or process.boundaries(element.id) or _waits(process, element))
