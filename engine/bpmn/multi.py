"""Activities that run several times: multi-instance for each item of a collection, and standard loops (BPMN 2.0.2, 13.3.6 and 13.3.7).

The activity's token holds a scope in which each instance is a token at the same element. The root of that scope remembers
`many`:

total       instances in all; None for a loop
next        index (from 1 on) of the instance that comes next, where they come one after the other
got         indices of the instances that are over
items       of a sequential multi-instance

Each instance has variables of its own: `loopCounter`, the item, and what its result is made of.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.task import Task  # type: ignore[import-untyped]

from .. import errors
from ..ports import Json
from . import compensation, events, expressions, opening, state
from .advance import Passed
from .model import Element, Multi
from .scopes import plain

if TYPE_CHECKING:
    from .tokens import Tokens


def enter(case: Tokens, task: Task, element: Element) -> None:
    """A token arrives at an activity that runs several times."""
    instance = case.visit(task, element)
    scope = case.scope(task)
    data = case.scopes.visible(scope)
    many: dict[str, Any] = {"total": None, "next": 1, "got": []}
    items: list[Json] = []
    multi = element.multi
    if multi is not None:
        items = _items(case, multi, data)
        many["total"] = len(items)
        if multi.sequential:
            many["items"] = items
        case.grant(len(items), element)
        if multi.output:
            case.scopes.open(instance, scope, {multi.output: [None] * len(items)})
        rounds = min(len(items), 1) if multi.sequential else len(items)
    else:
        assert element.repeat is not None
        rounds = int(not element.repeat.test_before or _again(case, element, data, 1))
    task.internal_data.update(at="inside", since=case.scopes.clock)
    events.guard(case, task, element, data)
    body = state.open_body(task, task.workflow.spec)
    body.task_tree.internal_data["many"] = many
    for index in range(1, rounds + 1):
        _begin(case, body, element, index, items[index - 1] if multi else None)
    if not rounds:
        case.advance.passed.append(Passed(instance=instance, element=element.id, detail={"instances": 0}))
        _finish(case, task, element)


def _items(case: Tokens, multi: Multi, data: Mapping[str, Json]) -> list[Json]:
    if multi.collection:
        found = opening.value(multi.collection, data, case.now)
        if not isinstance(found, list):
            raise errors.FeelError(expression=multi.collection, reason="it must give a list, one item for each instance")
        return found
    number = opening.value(multi.cardinality or "", data, case.now)
    number = int(number) if isinstance(number, str) and number.isdigit() else number
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise errors.FeelError(expression=multi.cardinality or "", reason="it must give a whole number of instances")
    return list(range(1, number + 1))


def _begin(case: Tokens, body: state.Body, element: Element, index: int, item: Json) -> None:
    task = case.place(body, body.holder.task_spec, {"index": index})
    instance = case.visit(task, element)
    own: dict[str, Json] = {"loopCounter": index}
    if element.multi is not None:
        own |= dict.fromkeys(sorted(_made_of(case, body, element.multi)))
        if element.multi.element:
            own[element.multi.element] = item
    case.scopes.open(instance, case.scope(body.task_tree), own)


def _made_of(case: Tokens, body: state.Body, multi: Multi) -> Set[str]:
    """The variables that an instance's result is read from and that therefore are its own: else one would get another's.

    A result that is one variable or part of one always is; in a larger expression, names that mean something outside stay so.
    """
    text = (multi.output_element or "").removeprefix("=").strip()
    if not text:
        return set()
    if all(part.isidentifier() for part in text.split(".")):
        return {text.split(".")[0]}
    return expressions.uses(text) - case.scopes.visible(case.scope(body.task_tree)).keys()


def over(case: Tokens, task: Task, element: Element, detail: Mapping[str, Json] | None) -> None:
    """One instance is over; perhaps all are."""
    body = task.workflow
    holder, root = body.holder, body.task_tree
    many: dict[str, Any] = root.internal_data["many"]
    memory = task.internal_data
    instance, index = memory["instance"], memory["index"]
    data = case.scopes.visible(case.scope(task))
    multi = element.multi
    results: Any = None
    if multi is not None:
        active = len(body.tasks) - 2
        if multi.output:
            result = plain(multi.output, opening.value(multi.output_element or "=null", data, case.now))
            results = case.scopes.tree[holder.internal_data["instance"]].values[multi.output]
            if not isinstance(results, list) or len(results) != many["total"]:
                raise errors.ValueRefused(
                    name=multi.output, reason="the results are collected in it, and one instance wrote something else there"
                )
        more = multi.sequential and index < many["total"]
        # Others may have been taken away, so their number does not say whether this is the last.
        ended = not more and not active
        if multi.until:
            got = sorted([*many["got"], index])
            seen = {**data, **_counted(many["total"], len(got), active)}
            if results is not None:
                seen[multi.output or ""] = [result if i == index else results[i - 1] for i in got]
            ended = expressions.condition(multi.until, seen, now=case.now) or ended
        if results is not None:
            results[index - 1] = result
        insort(many["got"], index)
    else:
        more = _again(case, element, data, index + 1)
        ended = not more
        many["got"] = [index]
    compensation.record(case, task, element)
    case.passed(instance, element, detail)
    case.done(task)
    if ended:
        case.look()  # what the last instance wrote is heard while the activity still runs
        if case.runs(body):
            _finish(case, holder, element)
    elif more:
        many["next"] = index + 1
        _begin(case, body, element, index + 1, many["items"][index] if multi else None)


def _counted(total: int, completed: int, active: int) -> dict[str, Json]:
    return {
        "numberOfInstances": total,
        "numberOfCompletedInstances": completed,
        "numberOfActiveInstances": active,
        "numberOfTerminatedInstances": 0,
    }


def _again(case: Tokens, element: Element, data: Mapping[str, Json], index: int) -> bool:
    """Whether a loop goes into round `index`."""
    repeat = element.repeat
    assert repeat is not None
    if repeat.maximum is not None and index > repeat.maximum:
        return False
    return not repeat.condition or expressions.condition(repeat.condition, {**data, "loopCounter": index - 1}, now=case.now)


def _finish(case: Tokens, holder: Task, element: Element) -> None:
    """The activity is over: instances that still run are left, the results go out."""
    body = case.workflow.subprocesses[holder.id]
    done = body.task_tree.internal_data.get("done")
    case.clear(body, element.id)
    del case.workflow.subprocesses[holder.id]
    instance = holder.internal_data["instance"]
    if element.multi is not None and element.multi.output:
        results = case.scopes.tree[instance].values[element.multi.output]
        case.scopes.close(instance)
        values = {element.multi.output: results}
        since = holder.internal_data["since"]
        case.advance.written += case.scopes.write(case.scope(holder), values, element.id, since)
    if done:
        holder.internal_data["done"] = done
    holder.internal_data["at"] = "flows"
    case.moving.append(holder)
