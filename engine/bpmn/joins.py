"""When a gateway with several incoming flows may go on (BPMN 2.0.2, 13.4.1 and 13.4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from .model import Element, Process


def reach(process: Process, gateway: Element) -> Mapping[str, Set[str]]:
    """For each element, the incoming flows of an inclusive gateway that a token there can still come along.

    A token may leave an activity through its boundary events, and jump from a link event to its other half.
    """
    before: dict[str, set[str]] = {}
    for flow in process.flows.values():
        before.setdefault(flow.target, set()).add(flow.source)
    for element in process.inside(gateway.scope):
        if element.attached:
            before.setdefault(element.id, set()).add(element.attached)
        if element.event == "link" and element.kind == "intermediateCatchEvent":
            before.setdefault(element.id, set()).update(
                other.id
                for other in process.inside(gateway.scope)
                if other.event == "link" and other.kind == "intermediateThrowEvent" and other.reference == element.reference
            )
    found: dict[str, set[str]] = {}
    for flow_id in gateway.incoming:
        open_, seen = [process.flows[flow_id].source], {gateway.id}
        while open_:
            element_id = open_.pop()
            if element_id not in seen:
                seen.add(element_id)
                found.setdefault(element_id, set()).add(flow_id)
                open_ += before.get(element_id, ())
    return found


def inclusive_may_go(arrived: Set[str], elsewhere: Iterable[str], reach: Mapping[str, Set[str]]) -> bool:
    """Whether no other token must be waited for: each either cannot bring a missing flow, or can also come along a served one."""
    for element in elsewhere:
        flows = reach.get(element, frozenset())
        if flows - arrived and not flows & arrived:
            return False
    return True
