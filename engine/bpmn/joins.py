"""When a gateway with several incoming flows may go on (BPMN 2.0.2, 13.4.1 and 13.4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import TYPE_CHECKING

from SpiffWorkflow.task import Task  # type: ignore[import-untyped]

from . import state
from .model import Element, Process

if TYPE_CHECKING:
    from .tokens import Tokens


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


def arrive(case: Tokens, task: Task, element: Element) -> None:
    """A token comes to a gateway with several incoming flows and waits there for the others."""
    task.internal_data["at"] = "join"
    if element.kind == "inclusiveGateway":
        case.joining = True
        return
    arrived = _arrived(task)
    if len(arrived) == len(element.incoming):
        _merge(case, list(arrived.values()), element)


def inclusive(case: Tokens) -> bool:
    """Merges where nothing more can come, once all other tokens rest; whether it did."""
    waiting = [t for t in state.tokens(case.workflow) if _waits(t) and t.task_spec.element.kind == "inclusiveGateway"]
    case.joining = bool(waiting)
    for task in waiting:
        element, arrived = task.task_spec.element, _arrived(task)
        elsewhere = [other.task_spec.element.id for other in state.within(task.workflow) if other.task_spec is not task.task_spec]
        skeleton = task.workflow.spec.skeleton
        if element.id not in skeleton.reach:
            skeleton.reach[element.id] = reach(skeleton.process, element)
        if inclusive_may_go(arrived.keys(), elsewhere, skeleton.reach[element.id]):
            merged = arrived[task.internal_data["flow"]]
            _merge(case, [*(t for t in arrived.values() if t is not merged), merged], element)
            return True
    return False


def _arrived(task: Task) -> dict[str, Task]:
    """The tokens that wait at the same gateway in the same scope: one of each flow, the oldest."""
    found: dict[str, Task] = {}
    for other in state.within(task.workflow):
        if other.task_spec is task.task_spec and _waits(other):
            found.setdefault(other.internal_data["flow"], other)
    return found


def _merge(case: Tokens, arrived: list[Task], element: Element) -> None:
    """Several tokens become one, the last of them; its flows are chosen when it moves next."""
    *others, task = arrived
    for other in others:
        other.cancel()
        state.remove(other)
    case.visit(task, element)
    task.internal_data["at"] = "flows"
    case.moving.append(task)


def _waits(task: Task) -> bool:
    return task.internal_data.get("at") == "join" and "stuck" not in task.internal_data
