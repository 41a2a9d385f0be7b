"""Runs cases: one deployed version as a `Program`, one live case as an `Execution`. The only file that drives SpiffWorkflow.

A token stands at a `Step`. What is remembered of it lies in the task's memory (`internal_data`):

at          what comes next: nothing yet (it has just arrived), `waiting`, `leaving` (outputs to be written), `flows` (to be
            chosen), `join`
instance    this visit of the element, `Element#3`
since       clock of the scopes when the work began
stuck       an error was reported; only `retry` moves it
flow        the flow that led here, for joins
due, repeat, every    of a timer

Each stage evaluates everything before it changes anything, so after an error the token stands where it stood.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping

from SpiffWorkflow.task import Task, TaskState  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn import BpmnWorkflow  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit  # type: ignore[import-untyped]
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent, SubWorkflowTask  # type: ignore[import-untyped]

from .. import errors
from ..ports import Json
from . import expressions, joins, opening, state, timers
from .advance import Advance, Left, Passed, Scheduled, Stuck
from .decisions import Decisions
from .model import Element, Process, processes
from .normalise import Step, link, skeleton
from .reader import read_xml
from .scopes import PROCESS, Scopes, plain

#: Elements that one action may visit before it counts as endless.
LONGEST = 10_000
#: Tasks above which a long run of automatic elements is tidied in between.
_CROWD = 200
_OPERATIONS = frozenset(("serviceTask", "sendTask", "businessRuleTask", "scriptTask", "intermediateThrowEvent", "endEvent"))


class Program:
    """One deployed version, ready to run. Built once, never changed, used by all threads."""

    def __init__(self, files: Mapping[str, bytes], *, version: str) -> None:
        """`files` of one procedure by path. Raises `errors.FileRefused` for what cannot be read or holds no single process."""
        self.version = version
        self.process = _main(files)
        self.process_id = self.process.id
        self.name = self.process.name
        self.name_en = self.process.name_en
        self.documentation = self.process.documentation
        self.elements: Mapping[str, Element] = self.process.elements
        self.lanes = self.process.lanes
        self.decisions: dict[str, Decisions] = {}
        for path, content in files.items():
            if path.endswith(".dmn"):
                table = Decisions(content, file=path)
                self.decisions.update(dict.fromkeys(table.ids, table))
        self.skeleton = skeleton(self.process)
        self.reach = functools.cache(lambda gateway: joins.reach(self.process, self.elements[gateway]))

    @property
    def start_form(self) -> str | None:
        """Id of the form with which a case is started."""
        starts = (e for e in self.process.inside(self.process_id) if e.kind == "startEvent")
        return next((e.extensions["formDefinition.formId"] for e in starts if "formDefinition.formId" in e.extensions), None)

    def start(self, variables: Mapping[str, Json], *, now: dt.datetime) -> tuple[Execution, Advance]:
        """A new case at its first rest. Raises `errors.ValueRefused`."""
        scopes = Scopes()
        written = scopes.write(PROCESS, variables, self.process_id)
        execution = Execution(self, state.new_workflow(self.skeleton), scopes, {})
        advance = execution._begin(now)
        advance.written += written
        return execution, execution._run()

    def restore(self, stored: bytes) -> Execution:
        """A case from its `dump`, of this version only. Raises `errors.StateUnreadable`."""
        workflow, (counts, scopes) = state.load(self.skeleton, stored)
        return Execution(self, workflow, Scopes.load(scopes), counts)


def _main(files: Mapping[str, bytes]) -> Process:
    found = [p for path, content in files.items() if path.endswith(".bpmn") for p in processes(read_xml(content, path), path)]
    executable = [p for p in found if p.executable]
    if len(executable) != 1:
        names = ", ".join(p.id for p in executable) or "none"
        raise errors.FileRefused(file=", ".join(sorted(files)) or "the folder", reason=f"exactly one process must be executable, not {names}")
    return executable[0]


class Execution:
    """One live case. Not thread-safe. Every method that moves it returns what happened until the next rest."""

    def __init__(self, program: Program, workflow: BpmnWorkflow, scopes: Scopes, counts: dict[str, int]) -> None:
        self.program = program
        self._workflow = workflow
        self._scopes = scopes
        #: element -> how often it was reached
        self._counts = counts
        #: what waits for the world or is stuck, by instance
        self._live: dict[str, Task] = {t.internal_data["instance"]: t for t in state.tokens(workflow) if _waits(t)}
        self._advance = Advance()
        self._now = dt.datetime.min
        self._outcome: str | None = None

    # --- what happens to a case

    def complete(self, instance: str, values: Mapping[str, Json], *, now: dt.datetime) -> Advance:
        """A person has finished a user task. Raises `errors.NotFound`, `errors.ValueRefused`."""
        self._find(instance, "userTask")
        return self._finish(instance, values, now)

    def answer(self, instance: str, value: Json, *, now: dt.datetime) -> Advance:
        """An operation has answered.

        The output mapping sees the keys of a JSON object, and the whole as `result`. Without a mapping the value goes under the
        header `resultVariable` if there is one, else the keys of an object become case variables.
        """
        element = self._find(instance).task_spec.element
        values = dict(value) if isinstance(value, Mapping) else {}
        if element.outputs:
            values["result"] = value
        elif "resultVariable" in element.headers:
            values = {element.headers["resultVariable"]: value}
        return self._finish(instance, values, now)

    def fire(self, instance: str, *, now: dt.datetime) -> Advance:
        """A timer is due."""
        task = self._find(instance)
        self._begin(now)
        self._trigger(task)
        return self._run()

    def error(self, instance: str, code: str, message: str, *, now: dt.datetime) -> Advance | None:
        """A BPMN error from an operation or a person goes to the nearest boundary event that catches it; None: nobody does."""
        catcher = self._catcher(self._find(instance), "error", code)
        if catcher is None:
            return None
        self._begin(now)
        self._trigger(catcher, {"errorCode": code, "errorMessage": message})
        return self._run()

    def retry(self, instance: str, *, now: dt.datetime, variables: Mapping[str, Json] | None = None) -> Advance:
        """Tries a stuck element again, where it failed, optionally with corrected variables."""
        task = self._find(instance)
        if "stuck" not in task.internal_data:
            raise errors.NotFound(what="stuck element", name=instance)
        self._begin(now)
        if variables:
            self._advance.written += self._scopes.write(self._scope(task), variables, task.task_spec.element.id)
        del task.internal_data["stuck"], self._live[instance]
        return self._run()

    def cancel(self, *, now: dt.datetime) -> Advance:
        """Ends the case: everything that waits is left."""
        self._begin(now)
        self._workflow.cancel()
        self._sweep(None)
        return self._rest()

    def set_variables(self, values: Mapping[str, Json], *, now: dt.datetime) -> Advance:
        """A person corrects case variables of the process."""
        self._begin(now)
        self._advance.written += self._scopes.write(PROCESS, values, self.program.process_id)
        return self._rest()

    # --- what can be asked

    def variables(self, instance: str | None = None) -> dict[str, Json]:
        """A copy of the variables visible from an instance, or of the process's."""
        key = PROCESS if instance is None else self._scope(self._find(instance))
        return {name: plain(name, value) for name, value in self._scopes.visible(key).items()}

    def waiting(self) -> list[tuple[str, Element]]:
        """User tasks, operations, timers and signals that wait, and what is stuck: instance and element."""
        return [(instance, task.task_spec.element) for instance, task in self._live.items()]

    @property
    def finished(self) -> bool:
        """No token is left."""
        return bool(self._workflow.completed)

    def dump(self) -> bytes:
        """The state, small and without the diagram. The same inputs give the same bytes."""
        since = (task.internal_data["since"] for task in self._live.values() if "since" in task.internal_data)
        return state.dump(self._workflow, [self._counts, self._scopes.dump(since)])

    # --- from one rest to the next

    def _begin(self, now: dt.datetime) -> Advance:
        self._advance, self._now, self._outcome = Advance(), now, None
        return self._advance

    def _run(self) -> Advance:
        visits = 0
        while ready := [task for task in state.tokens(self._workflow) if _moves(task)] or self._inclusive_joins():
            for task in ready:
                if not _moves(task):
                    continue  # another token's event has ended it meanwhile
                visits += 1
                if visits > LONGEST and isinstance(task.task_spec, Step):
                    self._stick(task, errors.FlowStuck(element=task.task_spec.element.title, reason="it goes round in a circle"))
                else:
                    self._move(task)
            if len(self._workflow.tasks) > _CROWD:
                state.prune(self._workflow)
        if not self._live and not self.finished:
            for task in [task for task in state.tokens(self._workflow) if task.internal_data.get("at") == "join"]:
                self._stick(task, errors.FlowStuck(element=task.task_spec.element.title, reason="a flow it waits for can no longer come"))
        return self._rest()

    def _rest(self) -> Advance:
        state.prune(self._workflow)
        if len(self._scopes.tree) > 1:
            alive = {task.internal_data.get("instance") for task in state.tokens(self._workflow)} if not self.finished else set()
            for key in [key for key in self._scopes.tree if key != PROCESS and key not in alive]:
                self._scopes.close(key)
        self._advance.finished = self.finished
        self._advance.outcome = self._outcome if self.finished else None
        return self._advance

    def _move(self, task: Task) -> None:
        if not isinstance(task.task_spec, (Step, BoundaryEvent)) or task._state == TaskState.READY and not isinstance(task.task_spec, Step):
            self._go(task)
            return
        element = task.task_spec.element
        try:
            if isinstance(task.task_spec, BoundaryEvent):
                self._arm(task, element)
            elif "at" not in task.internal_data:
                self._arrive(task, element)
            elif task.internal_data["at"] == "leaving":
                self._leave(task, element)
            else:
                self._onward(task, element)
        except errors.PartwellError as error:
            self._stick(task, error)

    def _go(self, task: Task) -> None:
        task.run()
        element = getattr(task.task_spec, "element", None)
        self._sweep(element.id if element else None)
        if isinstance(task.task_spec, (BoundaryEvent, SubWorkflowTask)):
            for child in task.children:
                child.internal_data.setdefault("instance", task.internal_data["instance"])

    def _stick(self, task: Task, error: errors.PartwellError) -> None:
        element = task.task_spec.element
        instance = task.internal_data.get("instance") or self._visit(task, element)
        task.internal_data["stuck"] = True
        self._live[instance] = task
        self._advance.stuck.append(Stuck(instance=instance, element=element.id, error=error))

    def _sweep(self, by: str | None) -> None:
        """Reports what was waiting and has just been cancelled."""
        for instance, task in list(self._live.items()):
            if task._state == TaskState.CANCELLED:
                del self._live[instance]
                if task.task_spec.element.event != "signal" or "stuck" in task.internal_data:
                    self._advance.left.append(Left(instance=instance, element=task.task_spec.element.id, by=by))

    # --- a token arrives

    def _visit(self, task: Task, element: Element) -> str:
        if "instance" not in task.internal_data:
            number = self._counts[element.id] = self._counts.get(element.id, 0) + 1
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
            self._leave(task, element)
        elif kind == "userTask":
            self._wait(task, element)
        elif kind in _OPERATIONS and "taskDefinition.type" in element.extensions:
            self._wait(task, element)
        elif kind == "intermediateCatchEvent" and element.event in ("timer", "signal"):
            self._await_event(task, element)
        elif kind == "subProcess":
            self._enter(task, element)
        elif kind == "businessRuleTask":
            self._decide(task, element)
        elif kind == "scriptTask":
            self._calculate(task, element)
        elif kind in ("intermediateThrowEvent", "endEvent") and element.event in ("signal", "escalation", "error"):
            self._throw(task, element)
        else:
            self._visit(task, element)
            self._leave(task, element)

    def _wait(self, task: Task, element: Element) -> None:
        instance, outer = self._visit(task, element), self._scope(task)
        data = self._scopes.visible(outer)
        inputs = opening.mapped(element.inputs, data, self._now)
        seen = {**data, **inputs}
        if element.kind == "userTask":
            self._advance.opened.append(opening.opened(element, instance, inputs, seen, self._now))
        else:
            self._advance.requested.append(opening.requested(element, instance, inputs, seen, self._now))
        if inputs:
            self._scopes.open(instance, outer, inputs)
        task.internal_data.update(at="waiting", since=self._scopes.clock)
        self._live[instance] = task

    def _enter(self, task: Task, element: Element) -> None:
        instance, outer = self._visit(task, element), self._scope(task)
        inputs = opening.mapped(element.inputs, self._scopes.visible(outer), self._now)
        if inputs or element.outputs:
            self._scopes.open(instance, outer, inputs)
        task.internal_data["next"] = [(self.program.skeleton.body(element), {})]
        self._go(task)
        for child in task.children:
            for body in [child, *child.children]:
                if isinstance(body.task_spec, SubWorkflowTask):
                    body.internal_data["instance"] = instance

    def _calculate(self, task: Task, element: Element) -> None:
        instance = self._visit(task, element)
        data = self._with_inputs(instance, task, element)
        result = opening.value(element.extensions.get("script.expression", ""), data, self._now)
        self._keep(task, element, {element.extensions.get("script.resultVariable", ""): result})
        self._onward(task, element, {"result": result})

    def _decide(self, task: Task, element: Element) -> None:
        instance = self._visit(task, element)
        data = self._with_inputs(instance, task, element)
        decision = str(opening.value(element.extensions.get("calledDecision.decisionId", ""), data, self._now))
        table = self.program.decisions.get(decision)
        if table is None:
            raise errors.DecisionFailed(decision=decision, reason="no file of this procedure has it")
        result = table.decide(decision, data, now=self._now)
        self._keep(task, element, {element.extensions.get("calledDecision.resultVariable") or decision: result.value})
        detail = {"decision": decision, "inputs": result.inputs, "matched": list(result.matched), "value": result.value}
        self._onward(task, element, detail)

    def _with_inputs(self, instance: str, task: Task, element: Element) -> Mapping[str, Json]:
        outer = self._scope(task)
        data = self._scopes.visible(outer)
        if not element.inputs or outer == instance:
            return data
        inputs = opening.mapped(element.inputs, data, self._now)
        self._scopes.open(instance, outer, inputs)
        return {**data, **inputs}

    def _keep(self, task: Task, element: Element, values: Mapping[str, Json]) -> None:
        """What an element gives: straight into the case, or into its own scope until its output mapping is evaluated."""
        instance = task.internal_data["instance"]
        if element.outputs:
            clean = {name: plain(name, value) for name, value in values.items()}
            if instance not in self._scopes.tree:
                self._scopes.open(instance, self._scope(task), {})
            self._scopes.tree[instance].values.update(clean)
            task.internal_data["at"] = "leaving"
        else:
            since = task.internal_data.get("since")
            self._advance.written += self._scopes.write(self._scope(task), values, element.id, since)
            task.internal_data["at"] = "flows"

    def _finish(self, instance: str, values: Mapping[str, Json], now: dt.datetime) -> Advance:
        task = self._find(instance)
        if "stuck" in task.internal_data:
            raise errors.FlowStuck(element=task.task_spec.element.title, reason="it is stuck; repair the cause and try again")
        self._begin(now)
        self._keep(task, task.task_spec.element, values)
        del self._live[instance]
        return self._run()

    # --- a token goes on

    def _leave(self, task: Task, element: Element) -> None:
        memory = task.internal_data
        memory["at"] = "leaving"
        if element.outputs:
            key = self._scope(task)
            values = opening.mapped(element.outputs, self._scopes.visible(key), self._now)
            outer = self._scopes.tree[key].parent if key == memory["instance"] else key
            self._advance.written += self._scopes.write(outer or PROCESS, values, element.id, memory.get("since"))
        memory["at"] = "flows"
        self._onward(task, element)

    def _onward(self, task: Task, element: Element, detail: Mapping[str, Json] | None = None) -> None:
        memory = task.internal_data
        if memory["at"] == "leaving":
            self._leave(task, element)
            return
        self._scopes.close(memory["instance"])
        flows = self._chosen(element, self._scopes.visible(self._scope(task)))
        if element.kind != "userTask" and "taskDefinition.type" not in element.extensions:
            detail = {"flows": flows, **(detail or {})} if len(element.outgoing) > 1 else detail or {}
            self._advance.passed.append(Passed(instance=memory["instance"], element=element.id, detail=detail))
        if element.kind == "endEvent" and element.scope == self.program.process_id:
            self._outcome = element.properties.get("wf.outcome")
        arrivals = self.program.skeleton.arrivals
        if element.event == "link" and element.kind == "intermediateThrowEvent":
            flows = [link(element)]
        memory["next"] = [(arrivals[flow], {"flow": flow}) for flow in flows] or [(self.program.skeleton.end(element), {})]
        self._go(task)

    def _chosen(self, element: Element, data: Mapping[str, Json]) -> list[str]:
        """The flows that get a token. Raises `errors.FlowStuck` when there are flows and none may be taken."""
        flows = [self.program.process.flows[flow] for flow in element.outgoing]
        if element.kind in ("parallelGateway", "eventBasedGateway") or not any(flow.condition for flow in flows):
            if element.kind == "exclusiveGateway" and len(flows) > 1:
                return [element.default or flows[0].id]
            return [flow.id for flow in flows]
        choosing = element.kind in ("exclusiveGateway", "inclusiveGateway")
        chosen: list[str] = [] if choosing else [f.id for f in flows if not f.condition and f.id != element.default]
        met = False
        for flow in flows:
            if flow.condition and flow.id != element.default and expressions.condition(flow.condition, data, now=self._now):
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
            if other.task_spec is task.task_spec and other.workflow is task.workflow and other.internal_data.get("at") == "join":
                if other._state == TaskState.READY:
                    found.setdefault(other.internal_data["flow"], other)
        return found

    def _parallel_join(self, task: Task, element: Element) -> None:
        arrived = self._arrived(task)
        if len(arrived) == len(element.incoming):
            self._merge(list(arrived.values()), element)

    def _inclusive_joins(self) -> list[Task]:
        """Merges where nothing more can come, once all other tokens rest; the merged tokens."""
        waiting = [t for t in state.tokens(self._workflow) if t.internal_data.get("at") == "join" and _joins_inclusively(t)]
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
        self._visit(task, element)
        task.internal_data["at"] = "flows"

    # --- events

    def _await_event(self, task: Task, element: Element) -> None:
        instance = self._visit(task, element)
        if element.timer:
            self._schedule(task, element, self._scope(task))
        task.internal_data.update(at="waiting", since=self._scopes.clock)
        self._live[instance] = task

    def _arm(self, task: Task, element: Element) -> None:
        """A boundary event begins to wait; its timer sees the local variables of the activity."""
        instance = self._visit(task, element)
        if element.timer:
            activity = next(c for c in task.parent.children if not isinstance(c.task_spec, BoundaryEvent))
            key = activity.internal_data.get("instance", PROCESS)
            self._schedule(task, element, key if key in self._scopes.tree else self._scope(task))
        task.internal_data["at"] = "waiting"
        if _waits(task):
            self._live[instance] = task

    def _schedule(self, task: Task, element: Element, scope: str) -> None:
        assert element.timer is not None
        memory = task.internal_data
        text = opening.value(element.timer.text, self._scopes.visible(scope), self._now)
        if not isinstance(text, str) or not text:
            raise errors.FeelError(expression=element.timer.text, reason="a timer needs a text of ISO 8601")
        if element.timer.kind == "cycle":
            due, memory["repeat"], memory["every"] = timers.cycle(text, self._now)
        else:
            due = timers.moment(text, self._now)
        self._announce(task, due)

    def _announce(self, task: Task, due: dt.datetime) -> None:
        memory = task.internal_data
        memory["due"] = due.isoformat()
        instance, element = memory["instance"], task.task_spec.element
        self._advance.scheduled.append(
            Scheduled(instance=instance, element=element.id, activation=opening.activation(instance), due=max(due, self._now))
        )

    def _throw(self, task: Task, element: Element) -> None:
        """Signals go to everything in the case that waits for them, errors and escalations outwards to the nearest catcher."""
        self._visit(task, element)
        task.internal_data["at"] = "waiting"  # so that it stays while the catchers move
        if element.event == "signal":
            caught = [
                other
                for other in self._live.values()
                if other.task_spec.element.event == "signal" and other.task_spec.element.reference == element.reference
            ]
        else:
            catcher = self._catcher(task, element.event or "", element.reference or "")
            caught = [catcher] if catcher else []
        if element.event == "error" and not caught:
            del task.internal_data["at"]
            raise errors.FlowStuck(element=element.title, reason=f'no boundary event catches the error "{element.reference}"')
        for other in caught:
            if other._state & TaskState.NOT_FINISHED_MASK:
                self._trigger(other)
        if task._state == TaskState.READY:
            self._leave(task, element)
        else:
            self._advance.passed.append(Passed(instance=task.internal_data["instance"], element=element.id))

    def _catcher(self, task: Task, event: str, code: str) -> Task | None:
        """The waiting boundary event nearest around a token that catches; one that names the code before one that takes all."""
        around: Task | None = task
        while around is not None:
            split = around.parent
            if split is not None and isinstance(split.task_spec, BoundaryEventSplit):
                waiting = [
                    c
                    for c in split.children
                    if c._state == TaskState.WAITING
                    and isinstance(c.task_spec, BoundaryEvent)
                    and c.task_spec.element.event == event
                    and c.task_spec.element.reference in (None, code)
                ]
                if waiting:
                    return min(waiting, key=lambda c: c.task_spec.element.reference is None)
            holder = around.workflow.parent_task_id
            around = self._workflow.get_task_from_id(holder) if holder else None
        return None

    def _trigger(self, task: Task, values: Mapping[str, Json] | None = None) -> None:
        """An event happens to what waits for it. `values` are visible to its output mapping."""
        element, memory = task.task_spec.element, task.internal_data
        self._live.pop(memory["instance"], None)
        memory.pop("stuck", None)
        if values and element.outputs:
            self._scopes.open(memory["instance"], self._scope(task), values)
        if isinstance(task.task_spec, BoundaryEvent):
            task.task_spec.event_definition.catch(task)
            task.task_spec._update(task)
            self._go(task)
            if not element.interrupting:
                self._rearm(task, element)
            return
        if isinstance(task.parent.task_spec, Step) and task.parent.task_spec.element.kind == "eventBasedGateway":
            for sibling in task.parent.children:
                if sibling is not task:
                    sibling.cancel()
            self._sweep(element.id)
        memory["at"] = "leaving"

    def _rearm(self, task: Task, element: Element) -> None:
        """A non-interrupting event waits again: a repetition until it is used up, signals and escalations always."""
        repeat, every = task.internal_data.get("repeat"), task.internal_data.get("every")
        if element.timer and (every is None or repeat == 0):
            return
        again = task.parent._add_child(task.task_spec, TaskState.WAITING)
        again.task_spec._predict(again, mask=TaskState.NOT_FINISHED_MASK)
        again.task_spec._update(again)
        if every is not None:
            instance = self._visit(again, element)
            again.internal_data.update(at="waiting", repeat=None if repeat is None else repeat - 1, every=every)
            self._announce(again, timers.next_due(dt.datetime.fromisoformat(task.internal_data["due"]), every, self._now))
            self._live[instance] = again

    # --- finding one's way

    def _find(self, instance: str, kind: str | None = None) -> Task:
        task = self._live.get(instance)
        if task is None or kind and task.task_spec.element.kind != kind:
            raise errors.NotFound(what="waiting element", name=instance)
        return task

    def _scope(self, task: Task) -> str:
        """Key of the innermost scope around a token."""
        if len(self._scopes.tree) == 1:
            return PROCESS
        around: Task | None = task
        while around is not None:
            instance = around.internal_data.get("instance")
            if instance in self._scopes.tree:
                return str(instance)
            holder = around.workflow.parent_task_id
            around = self._workflow.get_task_from_id(holder) if holder else None
        return PROCESS


def _moves(task: Task) -> bool:
    """Whether a task can be taken a stage further without the world."""
    memory = task.internal_data
    if "stuck" in memory:
        return False
    if task._state == TaskState.READY:
        return memory.get("at") not in ("waiting", "join") or isinstance(task.task_spec, BoundaryEvent)
    return task._state == TaskState.WAITING and "at" not in memory and isinstance(task.task_spec, BoundaryEvent)


def _waits(task: Task) -> bool:
    """Whether a task is among what `Execution.waiting` tells."""
    memory = task.internal_data
    if task._state not in (TaskState.READY, TaskState.WAITING) or "instance" not in memory:
        return False
    return "stuck" in memory or memory.get("at") == "waiting" and task.task_spec.element.event not in ("error", "escalation")


def _joins_inclusively(task: Task) -> bool:
    return task._state == TaskState.READY and "stuck" not in task.internal_data and task.task_spec.element.kind == "inclusiveGateway"
