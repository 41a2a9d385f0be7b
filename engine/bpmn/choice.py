"""Which flows get a token when one leaves an element (BPMN 2.0.2, 13.2.1 and 13.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from .. import errors
from ..ports import Json
from . import expressions
from .model import Element
from .normalise import Skeleton


def taken(skeleton: Skeleton, element: Element, data: Mapping[str, Json], now: dt.datetime) -> list[str]:
    """Ids of the flows. Raises `errors.FlowStuck` when there are flows and none may be taken."""
    if element.for_compensation:
        return []
    flows = [skeleton.process.flows[flow] for flow in element.outgoing]
    if element.kind == "parallelGateway" or (len(flows) < 2 and not any(flow.condition for flow in flows)):
        return [flow.id for flow in flows]
    choosing = element.kind in ("exclusiveGateway", "inclusiveGateway")
    chosen: list[str] = [] if choosing else [f.id for f in flows if not f.condition and f.id != element.default]
    met = False
    for flow in flows:
        if flow.condition and flow.id != element.default and expressions.condition(flow.condition, data, now=now):
            chosen.append(flow.id)
            met = True
            if element.kind == "exclusiveGateway":
                break
    if not met and element.default:
        chosen.append(element.default)
    if not chosen:
        raise errors.FlowStuck(element=element.title, reason="no condition is true and there is no default flow")
    return chosen
