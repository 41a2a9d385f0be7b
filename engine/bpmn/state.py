"""A case at rest, as bytes: the tokens and the scopes, never the diagram. And the live cases kept in memory between actions.

The header names our format and the release of SpiffWorkflow; the rest is JSON, compressed. A scope is written as
`[memory, tokens]`, a token as `[element, memory]` or, if it holds a scope, `[element, memory, scope]`. The order of tokens is
that in which they appeared, so the same inputs always give the same bytes.
"""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

import orjson
from SpiffWorkflow.bpmn import BpmnWorkflow  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow  # type: ignore[import-untyped]
from SpiffWorkflow.task import Task, TaskState  # type: ignore[import-untyped]

from .. import errors
from ..ports import Json
from . import first_format
from .model import Element
from .normalise import Step

if TYPE_CHECKING:
    from .program import Program
    from .runtime import Execution

FORMAT = 2
#: what most states have in common: bytes that a short one need not repeat; belongs to the format and never changes
_USUAL = (
    b'"undoes":"undo":"done":"interrupted":"begun":"stuck":"called":"repeat":"every":"PT1H","due":"{"many":{"total":"next":"got":['
    b'"index":1,"instance":"#1","at":"join"}],["","at":"inside","waits":{"decision":"approved","opinion":"","decided_by":"'
    b'[true,[{},[]],[{"start":1,"[false,[{},[["",{"flow":"instance":"#1","at":"waiting","since":1}]]],[{"start":1,"end":1},'
    b'[1,{"":[null,{"case":{"number":"20","started_at":"20T:+00:00"},"subject":{"id":"01","name":"","employee_no":"","department":"'
    b'","department_name":"","team":"","post":"","post_en":"","email":""},"initiator":{"id":"01","name":"","employee_no":"","'
    b'department":"","department_name":"","team":"","post":"","post_en":"","email":""},"":1},{}]}]]]'
)
HEADER = f"partwell-case {FORMAT} {version('SpiffWorkflow')}\n".encode()


class NoScripts:
    """The script engine given to SpiffWorkflow: the skeleton holds nothing to evaluate, so it never runs anything."""

    def __getattr__(self, name: str) -> Json:
        raise AssertionError(f"SpiffWorkflow asked for a script engine ({name}); the skeleton has no scripts")


class Body(BpmnSubWorkflow):  # type: ignore[misc]
    """A scope inside another one; the token that holds it stands at the element whose scope it is."""

    def __init__(self, spec: BpmnProcessSpec, holder: Task) -> None:
        self.holder = holder
        super().__init__(spec, holder.id, holder.workflow.top_workflow, deserializing=True)
        self.task_tree = Task(self, spec.start, state=TaskState.COMPLETED)

    def _calculate_depth(self) -> int:
        return int(self.holder.workflow.depth) + 1

    @property
    def parent_workflow(self) -> BpmnWorkflow:
        return self.holder.workflow


def new_workflow(spec: BpmnProcessSpec) -> BpmnWorkflow:
    """A workflow without a token."""
    workflow = BpmnWorkflow(spec, {}, script_engine=NoScripts(), deserializing=True)
    workflow.task_tree = Task(workflow, spec.start, state=TaskState.COMPLETED)
    return workflow


def open_body(holder: Task, spec: BpmnProcessSpec) -> Body:
    """A scope without a token, held by a token."""
    body = holder.workflow.top_workflow.subprocesses[holder.id] = Body(spec, holder)
    return body


def body_of(task: Task) -> Body | None:
    """The scope that a token holds."""
    found: Body | None = task.workflow.top_workflow.subprocesses.get(task.id)
    return found


def put(workflow: BpmnWorkflow, step: Step) -> Task:
    """A new token."""
    return Task(workflow, step, workflow.task_tree, state=TaskState.READY)


def remove(task: Task) -> None:
    """Takes a token away."""
    workflow = task.workflow
    del workflow.tasks[task.id]
    workflow.task_tree._children.remove(task.id)


def within(workflow: BpmnWorkflow) -> list[Task]:
    """The tokens of one scope."""
    return [workflow.tasks[id] for id in workflow.task_tree._children]


def tokens(workflow: BpmnWorkflow) -> Iterator[Task]:
    """The tokens of a scope, those of the scope that a token holds directly after it."""
    bodies = workflow.top_workflow.subprocesses
    for task in within(workflow):
        yield task
        if task.id in bodies:
            yield from tokens(bodies[task.id])


def dump(workflow: BpmnWorkflow, rest: Json) -> bytes:
    """The state of a case at rest, with what the runtime keeps beside the tokens."""
    # a small window, for which no fresh memory is mapped each time
    packing = zlib.compressobj(6, zlib.DEFLATED, 13, 6, zlib.Z_DEFAULT_STRATEGY, _USUAL)
    return HEADER + packing.compress(orjson.dumps([workflow.completed, written(workflow), rest])) + packing.flush()


def written(workflow: BpmnWorkflow) -> list[Json]:
    """A scope as JSON, not copied."""
    bodies = workflow.top_workflow.subprocesses
    found: list[Json] = []
    for task in within(workflow):
        body = [written(bodies[task.id])] if task.id in bodies else []
        found.append([task.task_spec.name, task.internal_data, *body])
    return [workflow.task_tree.internal_data, found]


def unpack(state: bytes, elements: Mapping[str, Element] | None = None, case: str = "?") -> Json:
    """`[completed, scope, rest]` of a dump of this format, or with the `elements` of the diagram of an earlier one.

    Raises `errors.StateUnreadable` for other formats and damaged bytes.
    """
    header, _, packed = state.partition(b"\n")
    earlier = header + b"\n" == first_format.HEADER and elements is not None
    if header + b"\n" != HEADER and not earlier:
        wrote = header[:60].decode("utf-8", "replace")
        raise errors.StateUnreadable(case=case, reason=f'it was written as "{wrote}", this release reads "{HEADER.decode().strip()}"')
    try:
        found = orjson.loads(zlib.decompressobj(zdict=_USUAL).decompress(packed))  # asks for it only where it was used
        if earlier and elements is not None:
            completed, first, rest = found
            found = [completed, first_format.scope(first, elements), rest]
        return found
    except (zlib.error, ValueError, KeyError, TypeError, IndexError) as error:
        raise errors.StateUnreadable(case=case, reason=f"{type(error).__name__}: {error}") from error


def load(program: Program, unpacked: Json, case: str = "?") -> tuple[BpmnWorkflow, Json]:
    """The workflow and what was kept beside it, from what `unpack` gave. Raises `errors.StateUnreadable` for damaged ones.

    Only for bytes from our own table.
    """
    try:
        completed, scope, rest = unpacked
        workflow = new_workflow(program.skeleton.specs[program.process_id])
        workflow.completed = completed
        _read(program, workflow, scope)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise errors.StateUnreadable(case=case, reason=f"{type(error).__name__}: {error}") from error
    return workflow, rest


def _read(program: Program, workflow: BpmnWorkflow, written: Json) -> None:
    memory, found = written
    workflow.task_tree.internal_data = memory
    for name, memory, *body in found:
        task = put(workflow, workflow.spec.task_specs[name])
        task.internal_data = memory
        if body:
            _read(program, open_body(task, spec_of_body(program, task, body[0][0])), body[0])


def spec_of_body(program: Program, holder: Task, memory: Json) -> BpmnProcessSpec:
    """The spec of the scope that a token holds: of the called process, of its own element again, or of its body."""
    if "many" in memory:
        return holder.workflow.spec
    if "called" in holder.internal_data:
        part = program.part(holder.internal_data["called"])
        return part.specs[part.process.id]
    return holder.workflow.spec.skeleton.specs[holder.task_spec.name]


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
