"""A scope of a process as a net: elements that take tokens from flows and give them to others, and a smaller net of the same behaviour.

Conditions are not looked at: where one of several flows is taken, each may be. An activity that an event interrupts gives its
token to the event's flows instead; one that does not interrupt may give one more. So are the workflow nets of van der Aalst
made from diagrams; the reduction is in the manner of Murata's rules (series of places, parallel places, self-loops).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..model import Element, Process
from ..normalise import beginnings, link

#: what takes one token from any flow, one from each, or from those that can still come
ANY, ALL, SOME = "any", "all", "some"
#: ways in which one element may go on before it is no longer drawn together with those behind it
_WIDEST = 24
#: ends that take the other tokens of their scope along
_STOPS = frozenset(("terminate", "error", "cancel"))


@dataclass
class Node:
    """An element."""

    id: str
    join: str
    #: flows by which tokens come
    ins: set[str] = field(default_factory=set)
    #: the sets of flows that get a token, one set each time; a set may be empty
    choices: list[frozenset[str]] = field(default_factory=list)
    #: whether it takes all other tokens of the scope along
    stops: bool = False
    #: whether something is done here, so that it matters how many tokens come; a gateway only passes them on
    works: bool = True


@dataclass
class Net:
    """The elements of one scope between which tokens move."""

    nodes: dict[str, Node]
    #: flow -> the element it comes from, and the one it leads to
    source: dict[str, str]
    target: dict[str, str]
    #: flows that carry a token when the scope begins, one set for each way to begin
    starts: list[frozenset[str]]
    #: flows that only events lead to that interrupt nothing
    aside: set[str] = field(default_factory=set)

    def copy(self) -> Net:
        nodes = {
            node.id: Node(node.id, node.join, set(node.ins), list(node.choices), node.stops, node.works) for node in self.nodes.values()
        }
        return Net(nodes, dict(self.source), dict(self.target), list(self.starts), self.aside)


def net(process: Process, scope: str, *, several: bool = True) -> Net:
    """The net of a scope. `several`: whether an inclusive choice may take several of its flows at once."""
    elements = {e.id: e for e in process.inside(scope) if not (e.for_compensation or e.kind in ("boundaryEvent", "eventSubProcess"))}
    found = Net({}, {}, {}, [])
    for element in elements.values():
        joins = {"parallelGateway": ALL, "inclusiveGateway": SOME} if len(element.incoming) > 1 else {}
        node = found.nodes[element.id] = Node(element.id, joins.get(element.kind, ANY))
        node.stops = element.event in _STOPS and not element.outgoing
        node.works = not element.kind.endswith("Gateway") and (element.kind != "endEvent" or element.event is not None)
        node.choices = list(dict.fromkeys(_choices(process, element, several)))
        found.source.update(dict.fromkeys((flow for choice in node.choices for flow in choice), element.id))
        found.target |= {flow: element.id for flow in element.incoming}
        if element.event == "link" and element.kind == "intermediateCatchEvent":
            found.target[link(element)] = element.id
    begin = beginnings(process, scope)
    others = [e for e in elements.values() if e.kind == "startEvent" and e not in begin]
    for number, together in enumerate([begin, *([e] for e in others)]):
        started = {f"{number} {element.id}": element.id for element in together}
        found.target |= started
        found.starts.append(frozenset(started))
    for flow, id in found.target.items():
        if flow in found.source or any(flow in start for start in found.starts):
            found.nodes[id].ins.add(flow)
    for node in found.nodes.values():
        node.choices = _distinct(frozenset(choice & found.target.keys()) for choice in node.choices)
    found.aside = found.target.keys() - _usual(process, found)
    return found


def _usual(process: Process, whole: Net) -> set[str]:
    """The flows by which a token comes without any event that interrupts nothing."""
    todo = [flow for start in whole.starts for flow in start]
    seen = set(todo)
    while todo:
        node = whole.nodes[whole.target[todo.pop()]]
        extra = {flow for event in process.boundaries(node.id) if not event.interrupting for flow in event.outgoing}
        new = {flow for choice in node.choices for flow in choice} - extra - seen
        seen |= new
        todo += new
    return seen


def _choices(process: Process, element: Element, several: bool) -> Iterator[frozenset[str]]:
    """The sets of flows by which tokens may leave an element, through the events at its edge, too."""
    own = list(_ways_on(process, element, several))
    yield from own
    for event in process.boundaries(element.id):
        if event.event != "compensate":
            aside = list(_ways_on(process, event, several))
            yield from aside if event.interrupting else (one | other for one in own for other in aside)


def _ways_on(process: Process, element: Element, several: bool) -> Iterator[frozenset[str]]:
    """As `choice.taken` chooses, whatever the conditions."""
    flows = [process.flows[id] for id in element.outgoing if process.flows[id].target in process.elements]
    if element.event == "link" and element.kind == "intermediateThrowEvent":
        yield frozenset([link(element)])
    elif not flows or element.kind == "parallelGateway" or len(flows) == 1:
        yield frozenset(flow.id for flow in flows)
    elif element.kind in ("exclusiveGateway", "eventBasedGateway", "complexGateway"):
        yield from (frozenset([flow.id]) for flow in flows)
    else:
        always = {flow.id for flow in flows if not flow.condition and flow.id != element.default}
        maybe = [flow.id for flow in flows if flow.id not in always and flow.id != element.default]
        yield from (frozenset({*always, flow}) for flow in maybe)
        if several and len(maybe) > 1:
            yield frozenset({*always, *maybe})
        if element.default:
            yield frozenset({*always, element.default})
        elif always:
            yield frozenset(always)


def reduced(whole: Net) -> Net:
    """A net in which tokens get stuck and meet just where they do in the whole one, with as few elements as possible."""
    small = whole.copy()
    changed = True
    while changed:
        changed = _drop_ends(small)
        for node in list(small.nodes.values()):
            if node.id in small.nodes:
                changed |= _together(small, node) | _round(small, node) | _into_source(small, node)
    return small


def _drop_ends(small: Net) -> bool:
    """What only ends needs no token: a plain end, and a merge of branches right before one."""
    ends = {node.id for node in small.nodes.values() if node.join == ANY and not (node.stops or node.works or any(node.choices))}
    if not ends:
        return False
    gone = {flow for id in ends for flow in small.nodes[id].ins}
    for id in ends:
        del small.nodes[id]
    for node in small.nodes.values():
        if any(gone & choice for choice in node.choices):
            node.choices = _distinct(choice - gone for choice in node.choices)
    small.starts = _distinct(start - gone for start in small.starts)
    return True


def _together(small: Net, node: Node) -> bool:
    """Flows from one element to another that do the work of one."""
    changed = False
    by_source: dict[str | None, list[str]] = {}
    for flow in sorted(node.ins, key=lambda flow: (flow in small.aside, flow)):
        by_source.setdefault(small.source.get(flow), []).append(flow)
    for source, flows in by_source.items():
        if source is None or source == node.id or len(flows) < 2:
            continue
        first, *others = flows
        choices = small.nodes[source].choices
        for other in others:
            both = sum(first in choice and other in choice for choice in choices)
            alike = both == sum(first in choice or other in choice for choice in choices)
            if node.join == SOME or (node.join == ALL and alike) or (node.join == ANY and not both):
                small.nodes[source].choices = choices = _distinct(
                    choice - {other} | {first} if other in choice else choice for choice in choices
                )
                node.ins.discard(other)
                changed = True
    return changed


def _round(small: Net, node: Node) -> bool:
    """A way that leads back to the same element changes nothing."""
    if node.join != ANY:
        return False
    back = {flow for flow in node.ins if small.source.get(flow) == node.id}
    alone = [choice for choice in node.choices if len(choice) == 1 and choice <= back]
    if not alone:
        return False
    node.choices = [choice for choice in node.choices if choice not in alone] or [frozenset()]
    node.ins -= {flow for flow in back if not any(flow in choice for choice in node.choices)}
    return True


def _into_source(small: Net, node: Node) -> bool:
    """An element that only one flow leads to goes on right where that flow begins."""
    if len(node.ins) != 1 or node.stops:
        return False
    [flow] = node.ins
    source = small.source.get(flow)
    if source == node.id:
        return False
    given = small.starts if source is None else small.nodes[source].choices
    joined = []
    for choice in given:
        ways = [(choice - {flow}, more) for more in node.choices] if flow in choice else [(choice, frozenset())]
        if any(rest & more for rest, more in ways):
            return False
        joined += [rest | more for rest, more in ways]
    joined = _distinct(joined)
    if len(joined) > max(_WIDEST, len(given)):
        return False
    if source is None:
        small.starts = joined
    else:
        small.nodes[source].choices = joined
        small.nodes[source].works |= node.works
    for choice in node.choices:
        for each in choice:
            if source is None:
                small.source.pop(each, None)
            else:
                small.source[each] = source
    del small.nodes[node.id]
    return True


def _distinct(sets: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    return list(dict.fromkeys(sets))


def reach(small: Net, node: Node) -> Mapping[str, set[str]]:
    """For each flow, by which flows its token can still come to an inclusive gateway without passing it."""
    found: dict[str, set[str]] = {}
    before: dict[str, set[str]] = {}
    for each in small.nodes.values():
        for choice in each.choices:
            for flow in choice:
                before.setdefault(flow, set()).update(each.ins)
    for last in node.ins:
        todo, seen = [last], set[str]()
        while todo:
            flow = todo.pop()
            if flow not in seen:
                seen.add(flow)
                found.setdefault(flow, set()).add(last)
                if small.source.get(flow) != node.id:
                    todo += before.get(flow, ())
    return found
