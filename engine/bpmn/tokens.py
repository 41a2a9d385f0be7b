"""The tokens of one case, and how they move from element to element.

A token stands at a `Step`. What is remembered of it lies in the task's memory (`internal_data`):

at          what comes next: nothing yet (it has just arrived), `waiting`, `events` (one of its `waits` decides), `inside` (it
            holds a scope), `undoing`, `leaving` (outputs to be written), `flows` (to be chosen), `join`
instance    this visit of the element, `Element#3`
since       clock of the scopes when the work began
stuck       an error was reported; only a retry moves it
flow        the flow that led here, for joins
waits       element -> what is remembered of the event that waits for it: boundary events, events behind a gateway
due, repeat, every, name, key, was      of a timer, message, signal, condition: in the memory or in one of its `waits`
index, called, done, undo, undoes       see `multi`, `calls`, `compensation`
begun       instance of the start event by which an event sub-process begins

The root of a scope's workflow has a memory, too: `waits` of its event sub-processes, `interrupted` by one of them, `many`
(see `multi`), `done` (see `compensation`).

Each stage evaluates everything before it changes anything, so after an error the token stands where it stood.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from SpiffWorkflow.bpmn import BpmnWorkflow  # type: ignore[import-untyped]
from SpiffWorkflow.task import Task, TaskState  # type: ignore[import-untyped]

from .. import errors
from ..ports import Json
from . import activities, calls, choice, compensation, events, joins, multi, opening, state
from .advance import Advance, Left, Passed, Stuck
from .events import Wait
from .model import Element
from .names import refuse_given
from .normalise import Skeleton, Step, link
from .scopes import PROCESS, Scopes, plain

if TYPE_CHECKING:
    from .program import Program

#: Elements that one action may visit before it counts as endless; all that time the case, on SQLite the whole database, is locked.
LONGEST = 1000
#: Instances of multi-instance activities that one action may begin.
MOST = 10_000


class Tokens:
    """All tokens of one live case, with its variables."""

    def __init__(self, program: Program, workflow: BpmnWorkflow, scopes: Scopes, counts: dict[str, int]) -> None:
        self.program = program
        self.workflow = workflow
        self.scopes = scopes
        #: element -> how often it was reached
        self.counts = counts
        #: what waits for the world or is stuck, by instance: the token, and the element if it is one of its `waits`
        self.live: dict[str, tuple[Task, str | None]] = {}
        #: tokens that can go on without the world
        self.moving: deque[Task] = deque()
        #: whether a token waits at an inclusive gateway for others that may come
        self.joining = False
        #: visits left before an action counts as endless
        self.budget = LONGEST
        #: instances that may still begin in this action
        self.instances = MOST
        #: clock of the scopes when conditional events were looked at last; None while nothing waits for a condition
        self.looked: int | None = None
        #: what has happened since `begin`
        self.advance = Advance()
        self.now = dt.datetime.min
        self.outcome: str | None = None
        for task in state.tokens(workflow):
            self._note(task)
            if body := state.body_of(task):
                self._note(body.task_tree)
        self._note(workflow.task_tree)

    def _note(self, task: Task) -> None:
        """What waits at a token that was just restored."""
        memory = task.internal_data
        if memory.get("at") == "join":
            self.joining = True
        if "instance" in memory and ("stuck" in memory or memory.get("at") == "waiting"):
            self.live[memory["instance"]] = task, None
        for id, record in memory.get("waits", {}).items():
            self.live[record["instance"]] = task, id
            if "was" in record:
                self.looked = self.scopes.clock
        if "was" in memory:
            self.looked = self.scopes.clock

    def begin(self, now: dt.datetime) -> Advance:
        """A new action at the instant `now`."""
        self.advance, self.now, self.outcome, self.budget, self.instances = Advance(), now, None, LONGEST, MOST
        return self.advance

    def run(self) -> Advance:
        """Moves every token that can move, until all rest."""
        while self.moving or self._wakes():
            task = self.moving.popleft()
            if _moves(task):
                self.budget -= 1
                if self.budget < 0:
                    self.stick(task, errors.FlowStuck(element=task.task_spec.element.title, reason="it goes round in a circle"))
                else:
                    self._move(task)
                    self.look()
        if not self.workflow.completed and all(task is task.workflow.task_tree for task, _ in self.live.values()):
            for task in [task for task in state.tokens(self.workflow) if task.internal_data.get("at") == "join"]:
                self.stick(task, errors.FlowStuck(element=task.task_spec.element.title, reason="a flow it waits for can no longer come"))
        return self.rest()

    def _wakes(self) -> bool:
        """Whether a token moves again now that all rest: at a join nobody can come to any more, at a condition that is met."""
        return (self.joining and joins.inclusive(self)) or self.look()

    def look(self) -> bool:
        """Whether a conditional event happens now that variables have changed."""
        return self.looked not in (None, self.scopes.clock) and events.look(self)

    def rest(self) -> Advance:
        """Says what has happened."""
        self.advance.finished = bool(self.workflow.completed)
        self.advance.outcome = self.outcome if self.advance.finished else None
        return self.advance

    def _move(self, task: Task) -> None:
        """One token a stage further; after an error it is stuck."""
        element, at = task.task_spec.element, task.internal_data.get("at")
        try:
            if at is None:
                self._arrive(task, element)
            elif at == "leaving":
                self.leave(task, element)
            else:
                self.onward(task, element)
        except errors.PartwellError as error:
            self.stick(task, error)

    def stick(self, task: Task, error: errors.PartwellError) -> None:
        """The token cannot go on until somebody repairs the cause."""
        element = task.task_spec.element
        instance = self.visit(task, element)
        task.internal_data["stuck"] = True
        self.live[instance] = task, None
        self.advance.stuck.append(Stuck(instance=instance, element=element.id, error=error))

    # --- tokens come and go

    def place(self, workflow: BpmnWorkflow, step: Step, memory: dict[str, Json]) -> Task:
        """A new token; it moves when its turn comes, unless it is told to wait."""
        task = state.put(workflow, step)
        task.internal_data = memory
        self.moving.append(task)
        return task

    def go(self, task: Task, nexts: Iterable[tuple[Step, dict[str, Json]]] = ()) -> None:
        """The token has done its work: others take its place, or it ends."""
        workflow, element = task.workflow, task.task_spec.element
        task.run()
        state.remove(task)
        self.disarm(task, element.id)
        nexts = list(nexts)
        for step, memory in nexts:
            self.place(workflow, step, memory)
        if "undoes" in task.internal_data and compensation.resume(self, task.internal_data["undoes"]):
            return
        if not workflow.task_tree._children:
            self.look()  # what was written last is heard while the scope still runs
            if not workflow.task_tree._children and self.runs(workflow):
                self.over(workflow, element.id)

    def runs(self, workflow: BpmnWorkflow) -> bool:
        """Whether a scope was not taken away."""
        return workflow is self.workflow or workflow.holder.id in self.workflow.subprocesses

    def over(self, workflow: BpmnWorkflow, by: str) -> None:
        """A scope without a token is over: the token that holds it goes on."""
        root = workflow.task_tree
        if "undo" in root.internal_data:
            return
        self.disarm(root, by)
        if workflow is self.workflow:
            workflow.completed = True
            return
        holder = workflow.holder
        del self.workflow.subprocesses[holder.id]
        if done := root.internal_data.get("done"):
            holder.internal_data["done"] = done
        holder.internal_data["at"] = "leaving"
        self.moving.append(holder)

    def cancel(self, task: Task, by: str | None) -> None:
        """Takes a token away with all it holds, what it undoes included, and reports what waited."""
        if "undo" in task.internal_data:
            compensation.give_up(self, task, by)
        if body := state.body_of(task):
            self.clear(body, by)  # while it can still be found: who undoes in it looks for its handlers
            del self.workflow.subprocesses[task.id]
        memory = task.internal_data
        instance = memory.get("instance")
        if instance in self.live:
            self.leave_behind(instance, task.task_spec.element.id, by)
        self.disarm(task, by)
        task.cancel()
        state.remove(task)
        self._forget(instance)

    def done(self, task: Task) -> None:
        """Takes away a token that has done its work and has no successor."""
        self.workflow.subprocesses.pop(task.id, None)
        task.run()
        state.remove(task)
        self._forget(task.internal_data["instance"])

    def clear(self, workflow: BpmnWorkflow, by: str | None, *, but: Task | None = None, watching: bool = False) -> None:
        """Takes away all tokens of a scope, and unless it goes on `watching` the waits of its event sub-processes."""
        if "undo" in workflow.task_tree.internal_data:
            compensation.give_up(self, workflow.task_tree, by)
        if not watching:
            self.disarm(workflow.task_tree, by)
        for task in state.within(workflow):
            if task is not but and task.id in workflow.tasks:
                self.cancel(task, by)

    def disarm(self, task: Task, by: str | None) -> None:
        """Nothing waits beside the token any more."""
        for id, record in task.internal_data.pop("waits", {}).items():
            self.leave_behind(record["instance"], id, by)

    def leave_behind(self, instance: str, element: str, by: str | None) -> None:
        self.live.pop(instance, None)
        self.advance.left.append(Left(instance=instance, element=element, by=by))

    def _forget(self, instance: str | None) -> None:
        if instance is not None and len(self.scopes.tree) > 1:
            self.scopes.close(instance)
            self.scopes.close(calls.scope_key(instance))

    def visit(self, task: Task, element: Element) -> str:
        """The instance, numbered on the first call."""
        if "instance" not in task.internal_data:
            task.internal_data["instance"] = self.number(element)
        instance: str = task.internal_data["instance"]
        return instance

    def grant(self, instances: int, element: Element) -> None:
        """So many instances begin, which is no sign of a circle. Raises `errors.FlowStuck` if they are too many."""
        if instances > self.instances:
            raise errors.FlowStuck(element=element.title, reason=f"it has too many instances at once; so many are possible: {MOST}")
        self.instances -= instances
        self.budget += instances

    def number(self, element: Element) -> str:
        """A new instance of an element."""
        number = self.counts[element.id] = self.counts.get(element.id, 0) + 1
        return f"{element.id}#{number}"

    # --- a token arrives

    def _arrive(self, task: Task, element: Element) -> None:
        if len(element.incoming) > 1 and element.kind in ("parallelGateway", "inclusiveGateway"):
            joins.arrive(self, task, element)
        elif element.loop is not None and "many" not in task.workflow.task_tree.internal_data:
            multi.enter(self, task, element)
        else:
            activities.begin(self, task, element)

    def inputs(self, task: Task, element: Element) -> tuple[dict[str, Json], Mapping[str, Json]]:
        """The input mapping's values, and what is seen with them."""
        data = self.scopes.visible(self.scope(task))
        inputs = opening.mapped(element.inputs, data, self.now)
        return inputs, {**data, **inputs} if inputs else data

    def local(self, task: Task, values: Mapping[str, Json]) -> None:
        """Makes variables that only this visit sees."""
        instance = task.internal_data["instance"]
        if instance in self.scopes.tree:
            self.scopes.tree[instance].values.update(values)
        else:
            self.scopes.open(instance, self.scope(task), values)

    def start(self, workflow: BpmnWorkflow, scope: str, at: str | None = None, begun: str | None = None) -> None:
        """A scope begins: at its start, or at the element `at`. One that is empty is over at once.

        `begun`: instance of the start event, if that is what happened already.
        """
        skeleton: Skeleton = workflow.spec.skeleton
        begins = skeleton.begins[scope] if at is None else (skeleton.steps[at],)
        for step in begins:
            self.place(workflow, step, {"instance": begun, "at": "leaving"} if begun else {})
        events.watch(self, workflow, scope)
        if not begins:
            self.over(workflow, scope)

    def keep(self, task: Task, element: Element, values: Mapping[str, Json]) -> None:
        """What an element gives, and with it its work is done."""
        self.give(task, element, values)
        task.internal_data["at"] = "leaving" if element.outputs else "flows"

    def give(self, task: Task, element: Element, values: Mapping[str, Json]) -> None:
        """Values go straight into the case, or into the element's own scope until its output mapping is evaluated."""
        refuse_given(values)
        if element.outputs:
            self.local(task, {name: plain(name, value) for name, value in values.items()})
        else:
            self.advance.written += self.scopes.write(self.scope(task), values, element.id, task.internal_data.get("since"))

    # --- a token goes on

    def leave(self, task: Task, element: Element, detail: Mapping[str, Json] | None = None) -> None:
        """The work of the element is over: writes its outputs, then goes on."""
        memory = task.internal_data
        memory["at"] = "leaving"
        if element.kind == "callActivity":
            calls.back(self, task, element)
        elif element.outputs:
            values = opening.mapped(element.outputs, self.scopes.visible(self.scope(task)), self.now)
            refuse_given(values)
            # One of many instances keeps what its own scope has a name for.
            own = "many" in task.workflow.task_tree.internal_data
            self.advance.written += self.scopes.write(self.scope(task, own=own), values, element.id, memory.get("since"))
        memory["at"] = "flows"
        self.onward(task, element, detail)

    def onward(self, task: Task, element: Element, detail: Mapping[str, Json] | None = None) -> None:
        """Chooses the flows that get a token."""
        if "many" in task.workflow.task_tree.internal_data:
            multi.over(self, task, element, detail)
            return
        memory = task.internal_data
        memory["at"] = "flows"
        skeleton: Skeleton = task.workflow.spec.skeleton
        flows = choice.taken(skeleton, element, self.scopes.visible(self.scope(task, own=False)), self.now)
        compensation.record(self, task, element)
        self._forget(memory["instance"])
        if element.loop is None:
            self.passed(memory["instance"], element, {"flows": flows, **(detail or {})} if len(element.outgoing) > 1 else detail)
        if element.kind == "endEvent" and self._ends_the_case(task.workflow):
            self.outcome = element.properties.get("wf.outcome")
        if element.event == "terminate":
            self.clear(task.workflow, element.id, but=task)
        if element.event == "link" and element.kind == "intermediateThrowEvent":
            flows = [link(element)]
        else:
            self.advance.flows += flows
        self.go(task, [(skeleton.arrivals[flow], {"flow": flow}) for flow in flows])

    def passed(self, instance: str, element: Element, detail: Mapping[str, Json] | None) -> None:
        """Says that an element was passed that waits for nobody."""
        if element.kind != "userTask" and "taskDefinition.type" not in element.extensions:
            self.advance.passed.append(Passed(instance=instance, element=element.id, detail=detail or {}))

    def _ends_the_case(self, workflow: BpmnWorkflow) -> bool:
        """Whether an end there can be the last of the case: in the process itself, or in an event sub-process of it."""
        while workflow is not self.workflow and workflow.holder.task_spec.element.kind == "eventSubProcess":
            workflow = workflow.holder.workflow
        return bool(workflow is self.workflow)

    # --- finding one's way

    def find(self, instance: str) -> Wait:
        """What waits as this instance. Raises `errors.NotFound`."""
        if instance not in self.live:
            raise errors.NotFound(what="waiting element", name=instance)
        task, id = self.live[instance]
        if id is None:
            return Wait(task, task.task_spec.element, task.internal_data)
        return Wait(task, task.workflow.spec.skeleton.process.elements[id], task.internal_data["waits"][id])

    def scope(self, task: Task, *, own: bool = True) -> str:
        """Key of the innermost scope of variables around a token, with or without that of its own visit."""
        if len(self.scopes.tree) == 1:
            return PROCESS
        instance = task.internal_data.get("instance") if own else None
        if instance in self.scopes.tree:
            return str(instance)
        workflow = task.workflow
        while workflow is not self.workflow:
            memory = workflow.holder.internal_data
            key: str = calls.scope_key(memory["instance"]) if "called" in memory else memory["instance"]
            if key in self.scopes.tree:
                return key
            workflow = workflow.holder.workflow
        return PROCESS


def _moves(task: Task) -> bool:
    """Whether a token is still there and can be taken a stage further without the world."""
    memory = task.internal_data
    return task._state == TaskState.READY and "stuck" not in memory and memory.get("at") in (None, "leaving", "flows")
