"""The tokens of one case, and how they move from element to element.

A token stands at a `Step`. What is remembered of it lies in the task's memory (`internal_data`):

at          what comes next: nothing yet (it has just arrived), `waiting`, `leaving` (outputs to be written), `flows` (to be
            chosen), `join`
instance    this visit of the element, `Element#3`
since       clock of the scopes when the work began
stuck       an error was reported; only a retry moves it
flow        the flow that led here, for joins
due, repeat, every    of a timer

Each stage evaluates everything before it changes anything, so after an error the token stands where it stood.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from SpiffWorkflow.bpmn import BpmnWorkflow  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent, SubWorkflowTask  # type: ignore[import-untyped]
from SpiffWorkflow.task import Task, TaskState  # type: ignore[import-untyped]

from .. import errors
from ..ports import Json
from . import events, expressions, joins, opening, state
from .advance import Advance, Left, Passed, Stuck
from .model import Element
from .names import GIVEN
from .normalise import Step, link
from .scopes import PROCESS, Scopes, plain

if TYPE_CHECKING:
    from .program import Program

#: Elements that one action may visit before it counts as endless; all that time the case, on SQLite the whole database, is locked.
LONGEST = 1000
#: Tasks above which a long run of automatic elements is tidied in between.
_CROWD = 200
_OPERATIONS = frozenset(("serviceTask", "sendTask", "businessRuleTask", "scriptTask", "intermediateThrowEvent", "endEvent"))


class Tokens:
    """All tokens of one live case, with its variables."""

    def __init__(self, program: Program, workflow: BpmnWorkflow, scopes: Scopes, counts: dict[str, int]) -> None:
        self.program = program
        self.workflow = workflow
        self.scopes = scopes
        #: element -> how often it was reached
        self.counts = counts
        #: what waits for the world or is stuck, by instance; its order depends on history, so it is never relied on
        self.live: dict[str, Task] = {t.internal_data["instance"]: t for t in state.tokens(workflow) if waits(t)}
        #: what has happened since `begin`
        self.advance = Advance()
        self.now = dt.datetime.min
        self.outcome: str | None = None

    def begin(self, now: dt.datetime) -> Advance:
        """A new action at the instant `now`."""
        self.advance, self.now, self.outcome = Advance(), now, None
        return self.advance

    def run(self) -> Advance:
        """Moves every token that can move, until all rest."""
        visits = 0
        while ready := [task for task in state.tokens(self.workflow) if _moves(task)] or self._inclusive_joins():
            for task in ready:
                if not _moves(task):
                    continue  # another token's event has ended it meanwhile
                visits += 1
                if visits > LONGEST and isinstance(task.task_spec, Step):
                    self._stick(task, errors.FlowStuck(element=task.task_spec.element.title, reason="it goes round in a circle"))
                else:
                    self._move(task)
            if len(self.workflow.tasks) > _CROWD:
                state.prune(self.workflow)
        if not self.live and not self.workflow.completed:
            for task in [task for task in state.tokens(self.workflow) if task.internal_data.get("at") == "join"]:
                self._stick(task, errors.FlowStuck(element=task.task_spec.element.title, reason="a flow it waits for can no longer come"))
        return self.rest()

    def rest(self) -> Advance:
        """Tidies up and says what has happened."""
        state.prune(self.workflow)
        if len(self.scopes.tree) > 1:
            alive = {task.internal_data.get("instance") for task in state.tokens(self.workflow)} | {PROCESS}
            for key in self.scopes.tree.keys() - alive:
                self.scopes.close(key)
        self.advance.finished = bool(self.workflow.completed)
        self.advance.outcome = self.outcome if self.advance.finished else None
        return self.advance

    def _move(self, task: Task) -> None:
        """One task a stage further; after an error it is stuck."""
        spec, memory = task.task_spec, task.internal_data
        try:
            if isinstance(spec, BoundaryEvent):
                events.arm(self, task, spec.element)
            elif not isinstance(spec, Step):
                self.go(task)
            elif "at" not in memory:
                self._arrive(task, spec.element)
            elif memory["at"] == "leaving":
                self.leave(task, spec.element)
            else:
                self._onward(task, spec.element)
        except errors.PartwellError as error:
            self._stick(task, error)

    def go(self, task: Task) -> None:
        """Lets SpiffWorkflow complete a task."""
        task.run()
        element = getattr(task.task_spec, "element", None)
        self.sweep(element.id if element else None)
        if isinstance(task.task_spec, (BoundaryEvent, SubWorkflowTask)):
            for child in task.children:
                child.internal_data.setdefault("instance", task.internal_data["instance"])

    def _stick(self, task: Task, error: errors.PartwellError) -> None:
        element = task.task_spec.element
        instance = task.internal_data.get("instance") or self.visit(task, element)
        task.internal_data["stuck"] = True
        self.live[instance] = task
        self.advance.stuck.append(Stuck(instance=instance, element=element.id, error=error))

    def sweep(self, by: str | None) -> None:
        """Reports what was waiting and has just been cancelled."""
        for instance in sorted(instance for instance, task in self.live.items() if task._state == TaskState.CANCELLED):
            task = self.live.pop(instance)
            if task.task_spec.element.event != "signal" or "stuck" in task.internal_data:
                self.advance.left.append(Left(instance=instance, element=task.task_spec.element.id, by=by))

    # --- a token arrives

    def visit(self, task: Task, element: Element) -> str:
        """The instance, numbered on the first call."""
        if "instance" not in task.internal_data:
            number = self.counts[element.id] = self.counts.get(element.id, 0) + 1
            task.internal_data["instance"] = f"{element.id}#{number}"
        instance: str = task.internal_data["instance"]
        return instance

    def _arrive(self, task: Task, element: Element) -> None:
        kind = element.kind
        if len(element.incoming) > 1 and kind in ("parallelGateway", "inclusiveGateway"):
            task.internal_data["at"] = "join"
            if kind == "parallelGateway":
                self._parallel_join(task, element)
        elif task.task_spec.leaving or kind == "boundaryEvent":
            self.leave(task, element)
        elif kind == "userTask" or (kind in _OPERATIONS and "taskDefinition.type" in element.extensions):
            self._wait(task, element)
        elif kind == "intermediateCatchEvent" and element.event in ("timer", "signal"):
            events.wait(self, task, element)
        elif kind == "subProcess":
            self._enter(task, element)
        elif kind == "businessRuleTask":
            self._decide(task, element)
        elif kind == "scriptTask":
            self._calculate(task, element)
        elif kind in ("intermediateThrowEvent", "endEvent") and element.event in ("signal", "escalation", "error"):
            events.throw(self, task, element)
        else:
            self.visit(task, element)
            self.leave(task, element)

    def _wait(self, task: Task, element: Element) -> None:
        instance, outer = self.visit(task, element), self.scope(task)
        data = self.scopes.visible(outer)
        inputs = opening.mapped(element.inputs, data, self.now)
        seen = {**data, **inputs}
        if element.kind == "userTask":
            self.advance.opened.append(opening.opened(element, instance, inputs, seen, self.now, self.program.calendar(element)))
        else:
            self.advance.requested.append(opening.requested(element, instance, inputs, seen, self.now))
        if inputs:
            self.scopes.open(instance, outer, inputs)
        task.internal_data.update(at="waiting", since=self.scopes.clock)
        self.live[instance] = task

    def _enter(self, task: Task, element: Element) -> None:
        instance, outer = self.visit(task, element), self.scope(task)
        inputs = opening.mapped(element.inputs, self.scopes.visible(outer), self.now)
        if inputs or element.outputs:
            self.scopes.open(instance, outer, inputs)
        task.internal_data["next"] = [(self.program.skeleton.body(element), {})]
        self.go(task)
        for child in task.children:
            for body in [child, *child.children]:
                if isinstance(body.task_spec, SubWorkflowTask):
                    body.internal_data["instance"] = instance

    def _calculate(self, task: Task, element: Element) -> None:
        instance = self.visit(task, element)
        data = self._with_inputs(instance, task, element)
        result = opening.value(element.extensions.get("script.expression", ""), data, self.now)
        self.keep(task, element, {element.extensions.get("script.resultVariable", ""): result})
        self._onward(task, element, {"result": result})

    def _decide(self, task: Task, element: Element) -> None:
        instance = self.visit(task, element)
        data = self._with_inputs(instance, task, element)
        decision = str(opening.value(element.extensions.get("calledDecision.decisionId", ""), data, self.now))
        table = self.program.decisions.get(decision)
        if table is None:
            raise errors.DecisionFailed(decision=decision, reason="no file of this procedure has it")
        result = table.decide(decision, data, now=self.now)
        self.keep(task, element, {element.extensions.get("calledDecision.resultVariable") or decision: result.value})
        detail = {"decision": decision, "inputs": result.inputs, "matched": list(result.matched), "value": result.value}
        self._onward(task, element, detail)

    def _with_inputs(self, instance: str, task: Task, element: Element) -> Mapping[str, Json]:
        outer = self.scope(task)
        data = self.scopes.visible(outer)
        if not element.inputs or outer == instance:
            return data
        inputs = opening.mapped(element.inputs, data, self.now)
        self.scopes.open(instance, outer, inputs)
        return {**data, **inputs}

    def keep(self, task: Task, element: Element, values: Mapping[str, Json]) -> None:
        """What an element gives: straight into the case, or into its own scope until its output mapping is evaluated."""
        instance = task.internal_data["instance"]
        _refuse_given(values)
        if element.outputs:
            clean = {name: plain(name, value) for name, value in values.items()}
            if instance not in self.scopes.tree:
                self.scopes.open(instance, self.scope(task), {})
            self.scopes.tree[instance].values.update(clean)
            task.internal_data["at"] = "leaving"
        else:
            since = task.internal_data.get("since")
            self.advance.written += self.scopes.write(self.scope(task), values, element.id, since)
            task.internal_data["at"] = "flows"

    # --- a token goes on

    def leave(self, task: Task, element: Element) -> None:
        """The work of the element is over: writes its outputs, then goes on."""
        memory = task.internal_data
        memory["at"] = "leaving"
        if element.outputs:
            key = self.scope(task)
            values = opening.mapped(element.outputs, self.scopes.visible(key), self.now)
            _refuse_given(values)
            outer = self.scopes.tree[key].parent if key == memory["instance"] else key
            self.advance.written += self.scopes.write(outer or PROCESS, values, element.id, memory.get("since"))
        memory["at"] = "flows"
        self._onward(task, element)

    def _onward(self, task: Task, element: Element, detail: Mapping[str, Json] | None = None) -> None:
        memory = task.internal_data
        if memory["at"] == "leaving":
            self.leave(task, element)
            return
        self.scopes.close(memory["instance"])
        flows = self._chosen(element, self.scopes.visible(self.scope(task)))
        if element.kind != "userTask" and "taskDefinition.type" not in element.extensions:
            detail = {"flows": flows, **(detail or {})} if len(element.outgoing) > 1 else detail or {}
            self.advance.passed.append(Passed(instance=memory["instance"], element=element.id, detail=detail))
        if element.kind == "endEvent" and element.scope == self.program.process_id:
            self.outcome = element.properties.get("wf.outcome")
        arrivals = self.program.skeleton.arrivals
        if element.event == "link" and element.kind == "intermediateThrowEvent":
            flows = [link(element)]
        memory["next"] = [(arrivals[flow], {"flow": flow}) for flow in flows] or [(self.program.skeleton.end(element), {})]
        self.go(task)

    def _chosen(self, element: Element, data: Mapping[str, Json]) -> list[str]:
        """The flows that get a token. Raises `errors.FlowStuck` when there are flows and none may be taken."""
        flows = [self.program.process.flows[flow] for flow in element.outgoing]
        if element.kind in ("parallelGateway", "eventBasedGateway") or (len(flows) < 2 and not any(flow.condition for flow in flows)):
            return [flow.id for flow in flows]
        choosing = element.kind in ("exclusiveGateway", "inclusiveGateway")
        chosen: list[str] = [] if choosing else [f.id for f in flows if not f.condition and f.id != element.default]
        met = False
        for flow in flows:
            if flow.condition and flow.id != element.default and expressions.condition(flow.condition, data, now=self.now):
                chosen.append(flow.id)
                met = True
                if element.kind == "exclusiveGateway":
                    break
        if not met and element.default:
            chosen.append(element.default)
        if not chosen:
            raise errors.FlowStuck(element=element.title, reason="no condition is true and there is no default flow")
        return chosen

    # --- joins

    def _arrived(self, task: Task) -> dict[str, Task]:
        """The tokens that wait at the same gateway in the same scope: one of each flow, the oldest."""
        found: dict[str, Task] = {}
        for other in state.tokens(task.workflow):
            if other.task_spec is task.task_spec and other.workflow is task.workflow and _at_join(other):
                found.setdefault(other.internal_data["flow"], other)
        return found

    def _parallel_join(self, task: Task, element: Element) -> None:
        arrived = self._arrived(task)
        if len(arrived) == len(element.incoming):
            self._merge(list(arrived.values()), element)

    def _inclusive_joins(self) -> list[Task]:
        """Merges where nothing more can come, once all other tokens rest; the merged tokens."""
        waiting = [t for t in state.tokens(self.workflow) if _at_join(t) and t.task_spec.element.kind == "inclusiveGateway"]
        for task in waiting:
            element, arrived = task.task_spec.element, self._arrived(task)
            elsewhere = [
                other.task_spec.element.id
                for other in state.tokens(task.workflow)
                if other.workflow is task.workflow
                and other._state & (TaskState.READY | TaskState.STARTED)
                and isinstance(other.task_spec, (Step, SubWorkflowTask))
                and other.task_spec is not task.task_spec
            ]
            if joins.inclusive_may_go(arrived.keys(), elsewhere, self.program.reach(element.id)):
                merged = arrived[task.internal_data["flow"]]
                self._merge([*(t for t in arrived.values() if t is not merged), merged], element)
                return [merged]
        return []

    def _merge(self, arrived: list[Task], element: Element) -> None:
        """Several tokens become one, the last of them; its flows are chosen when it moves next."""
        *others, task = arrived
        for other in others:
            other.cancel()
        self.visit(task, element)
        task.internal_data["at"] = "flows"

    # --- finding one's way

    def find(self, instance: str) -> Task:
        """What waits as this instance. Raises `errors.NotFound`."""
        task = self.live.get(instance)
        if task is None:
            raise errors.NotFound(what="waiting element", name=instance)
        return task

    def scope(self, task: Task) -> str:
        """Key of the innermost scope around a token."""
        if len(self.scopes.tree) == 1:
            return PROCESS
        around: Task | None = task
        while around is not None:
            instance = around.internal_data.get("instance")
            if instance in self.scopes.tree:
                return str(instance)
            holder = around.workflow.parent_task_id
            around = self.workflow.get_task_from_id(holder) if holder else None
        return PROCESS


def _moves(task: Task) -> bool:
    """Whether a task can be taken a stage further without the world."""
    memory = task.internal_data
    if "stuck" in memory:
        return False
    if task._state == TaskState.READY:
        return memory.get("at") not in ("waiting", "join")
    return task._state == TaskState.WAITING and "at" not in memory and isinstance(task.task_spec, BoundaryEvent)


def _refuse_given(values: Iterable[str]) -> None:
    """No form and no outside system may say who the case is about."""
    for name in values:
        if name in GIVEN:
            raise errors.ValueRefused(name=name, reason="only the engine itself gives it")


def _at_join(task: Task) -> bool:
    return task._state == TaskState.READY and task.internal_data.get("at") == "join" and "stuck" not in task.internal_data


def waits(task: Task) -> bool:
    """Whether a task is among what waits for the world or for a repair."""
    memory = task.internal_data
    if task._state not in (TaskState.READY, TaskState.WAITING) or "instance" not in memory:
        return False
    return "stuck" in memory or (memory.get("at") == "waiting" and task.task_spec.element.event not in ("error", "escalation"))
