"""A case at rest, as bytes: the tokens and the scopes, never the diagram. And the live cases kept in memory between actions.

The header names our format and the release of SpiffWorkflow; the rest is JSON, compressed. A task is written as
`[spec, state, memory, children, body]`, children below their parent, so the same state always gives the same bytes.
"""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

import orjson
from SpiffWorkflow.bpmn import BpmnWorkflow  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow  # type: ignore[import-untyped]
from SpiffWorkflow.task import Task, TaskState  # type: ignore[import-untyped]

from .. import errors
from ..ports import Json
from .normalise import Skeleton, Step

if TYPE_CHECKING:
    from .runtime import Execution

FORMAT = 1
HEADER = f"partwell-case {FORMAT} {version('SpiffWorkflow')}\n".encode()

_FORESEEN = TaskState.PREDICTED_MASK | TaskState.FUTURE


class NoScripts:
    """The script engine given to SpiffWorkflow: the skeleton holds nothing to evaluate, so it never runs anything."""

    def __getattr__(self, name: str) -> Json:
        raise AssertionError(f"SpiffWorkflow asked for a script engine ({name}); the skeleton has no scripts")


def new_workflow(skeleton: Skeleton) -> BpmnWorkflow:
    """A workflow at its very beginning."""
    return BpmnWorkflow(skeleton.spec, skeleton.bodies, script_engine=NoScripts())


def tokens(workflow: BpmnWorkflow) -> Iterator[Task]:
    """Every task, parents first, a sub-process's tasks directly after it: the order does not depend on history."""
    bodies = workflow.top_workflow.subprocesses
    waiting = [workflow.task_tree]
    while waiting:
        task = waiting.pop()
        yield task
        if task.id in bodies:
            yield from tokens(bodies[task.id])
        if task._children:
            known = task.workflow.tasks
            waiting.extend(known[child] for child in reversed(task._children))


def prune(workflow: BpmnWorkflow) -> None:
    """Takes out what is over: finished leaves, and finished links between a parent and an only child.

    Safe because nothing looks back: `Step` replaces SpiffWorkflow's joins and choices, which search their ancestors. Two
    places still do. The join of boundary events finds its split and the split's children, so they stay until the activity is
    over; and a fired non-interrupting event leaves a join behind that waits for nothing, which goes.
    """
    for body in [workflow, *workflow.subprocesses.values()]:
        tasks = body.tasks
        for task in list(tasks.values())[:0:-1]:
            if task._state & TaskState.NOT_FINISHED_MASK:
                if isinstance(task.task_spec, BoundaryEventJoin) and _stands_alone(task.parent):
                    _remove(task)
                continue
            workflow.subprocesses.pop(task.id, None)
            parent = tasks[task._parent]
            if not task._children and (not _guards(parent) or _stands_alone(task)):
                _remove(task)
            elif len(task._children) == 1 and not _guards(parent) and not _guards(task):
                child = tasks[task._children[0]]
                child._parent = parent.id
                parent._children[parent._children.index(task.id)] = child.id
                del tasks[task.id]


def _guards(task: Task) -> bool:
    """A split whose activity, or an event on it, still waits."""
    if not isinstance(task.task_spec, BoundaryEventSplit):
        return False
    own = task.task_spec._outputs
    return any(child._state & TaskState.NOT_FINISHED_MASK and child.task_spec.name in own for child in task.children)


def _stands_alone(task: Task) -> bool:
    """A non-interrupting boundary event that has fired: the activity it sits on no longer cares about it."""
    return isinstance(task.task_spec, BoundaryEvent) and not task.task_spec.cancel_activity and task._state == TaskState.COMPLETED


def _remove(task: Task) -> None:
    tasks = task.workflow.tasks
    tasks[task._parent]._children.remove(task.id)
    del tasks[task.id]


def dump(workflow: BpmnWorkflow, rest: Json) -> bytes:
    """The state of a case at rest, with what the runtime keeps beside the tokens."""
    return HEADER + zlib.compress(orjson.dumps([workflow.completed, _written(workflow.task_tree), rest]), 1)


def _written(task: Task) -> list[Json]:
    children = [_written(child) for child in task.children if not child._state & _FORESEEN]
    body = task.workflow.top_workflow.subprocesses.get(task.id)
    written = [task.task_spec.name, task._state, task.internal_data, children]
    return [*written, _written(body.task_tree)] if body is not None else written


def load(skeleton: Skeleton, state: bytes, case: str = "?") -> tuple[BpmnWorkflow, Json]:
    """The workflow and what was kept beside it. Raises `errors.StateUnreadable` for other formats and damaged bytes.

    Only for bytes from our own table.
    """
    header, _, packed = state.partition(b"\n")
    if header + b"\n" != HEADER:
        found = header[:60].decode("utf-8", "replace")
        raise errors.StateUnreadable(case=case, reason=f'it was written as "{found}", this release reads "{HEADER.decode().strip()}"')
    try:
        completed, tree, rest = orjson.loads(zlib.decompress(packed))
        workflow = BpmnWorkflow(skeleton.spec, skeleton.bodies, script_engine=NoScripts(), deserializing=True)
        workflow.completed = completed
        workflow.task_tree = _read(workflow, None, tree)
    except (zlib.error, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise errors.StateUnreadable(case=case, reason=f"{type(error).__name__}: {error}") from error
    return workflow, rest


def _read(workflow: BpmnWorkflow, parent: Task | None, written: list[Json]) -> Task:
    name, state, memory, children, *body = written
    spec = workflow.spec.task_specs[name]
    task = Task(workflow, spec, parent, state=state)
    task.internal_data = memory
    if body:
        top = workflow.top_workflow
        inner = top.subprocesses[task.id] = BpmnSubWorkflow(top.subprocess_specs[spec.spec], task.id, top, deserializing=True)
        inner.task_tree = _read(inner, None, body[0])
        inner.completed_event.connect(spec._on_subworkflow_completed, task)
    for child in children:
        _read(workflow, task, child)
    if not isinstance(spec, Step) and state & TaskState.NOT_FINISHED_MASK:
        spec._predict(task, mask=TaskState.NOT_FINISHED_MASK)
    return task


class LiveCases:
    """The cases used last, ready to go on. Taking one removes it: it is put back after the commit, and any exception drops it."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._cases: OrderedDict[str, tuple[int, Execution]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, case: str, revision: int) -> Execution | None:
        """The live case if it is here and of this revision; it belongs to the caller now."""
        with self._lock:
            found = self._cases.pop(case, None)
        return found[1] if found and found[0] == revision else None

    def put(self, case: str, revision: int, execution: Execution) -> None:
        """Keeps a case that was committed with `revision`; the one unused for longest makes room."""
        with self._lock:
            self._cases[case] = revision, execution
            self._cases.move_to_end(case)
            while len(self._cases) > self._capacity:
                self._cases.popitem(last=False)
