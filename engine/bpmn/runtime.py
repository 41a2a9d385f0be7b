"""One live case: what can happen to it, and what can be asked of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from .. import errors
from ..ports import Json
from . import compensation, events, repair, state
from .advance import Advance
from .events import Wait
from .model import Element
from .names import refuse_given
from .normalise import AWAITED
from .scopes import PROCESS, plain
from .tokens import Tokens

if TYPE_CHECKING:
    from .program import Program


class Execution:
    """One live case. Not thread-safe. Every method that moves it returns what happened until the next rest."""

    def __init__(self, program: Program, tokens: Tokens) -> None:
        self.program = program
        self._tokens = tokens

    # --- what happens to a case

    def complete(self, instance: str, values: Mapping[str, Json], *, now: dt.datetime) -> Advance:
        """A person has finished a user task. Raises `errors.NotFound`, `errors.ValueRefused`."""
        found = self._of_kind(instance, lambda element: element.kind == "userTask")
        return self._finish(found, values, now)

    def fill(self, instance: str, values: Mapping[str, Json], *, now: dt.datetime) -> Advance:
        """A person has given values of a user task that waits on: they lie where `complete` puts its own, and are seen from now on.

        Raises as `complete`.
        """
        found = self._of_kind(instance, lambda element: element.kind == "userTask")
        self._tokens.begin(now)
        self._tokens.give(found.task, found.element, values)
        return self._tokens.run()

    def answer(self, instance: str, value: Json, *, now: dt.datetime) -> Advance:
        """An operation has answered.

        The output mapping sees the keys of a JSON object, and the whole as `result`. Without a mapping the value goes under the
        header `resultVariable` if there is one, else the keys of an object become case variables.
        """
        found = self._of_kind(instance, lambda element: "taskDefinition.type" in element.extensions)
        element = found.element
        values = dict(value) if isinstance(value, Mapping) else {}
        if element.outputs:
            values["result"] = value
        elif "resultVariable" in element.headers:
            values = {element.headers["resultVariable"]: value}
        return self._finish(found, values, now)

    def fire(self, instance: str, *, now: dt.datetime) -> Advance:
        """A timer is due."""
        self._of_kind(instance, lambda element: element.timer is not None)
        return self._happened(instance, {}, now)

    def deliver(self, instance: str, values: Mapping[str, Json], *, now: dt.datetime) -> Advance:
        """A message or signal arrives at what waits for it.

        An output mapping sees `values`; without one they become variables: of the case, or of the event sub-process they start.
        """
        self._of_kind(instance, lambda element: element.event in ("message", "signal"))
        refuse_given(values)
        return self._happened(instance, {name: plain(name, value) for name, value in values.items()}, now)

    def error(self, instance: str, code: str, message: str, *, now: dt.datetime) -> Advance | None:
        """A BPMN error from an operation or a person goes to the nearest event around that catches it; None: nobody does."""
        catcher = events.catcher(self._tokens, self._tokens.find(instance).task, "error", code)
        if catcher is None:
            return None
        self._tokens.begin(now)
        events.trigger(self._tokens, catcher, {"errorCode": code, "errorMessage": message})
        return self._tokens.run()

    def retry(self, instance: str, *, now: dt.datetime, variables: Mapping[str, Json] | None = None) -> Advance:
        """Tries a stuck element again, where it failed, optionally with corrected variables."""
        case = self._tokens
        task, element, record = case.find(instance)
        if "stuck" not in record:
            raise errors.NotFound(what="stuck element", name=instance)
        instance_of_many = "many" in task.workflow.task_tree.internal_data
        key = case.scope(task, own=record.get("at") != "flows" or instance_of_many)
        case.begin(now)
        if variables:
            case.advance.written += case.scopes.write(key, variables, element.id)
        del record["stuck"]
        if record is not task.internal_data:
            events.rearm(case, element, record, case.scopes.visible(key))
            return case.run()
        if record.get("at") != "waiting":
            del case.live[instance]
            case.joining = case.joining or record.get("at") == "join"
        elif element.event == "conditional":
            case.looked = -1
        case.moving.append(task)
        return case.run()

    def cancel(self, *, now: dt.datetime) -> Advance:
        """Ends the case: everything that waits is left."""
        case = self._tokens
        case.begin(now)
        case.clear(case.workflow, None)
        case.workflow.completed = True
        return case.rest()

    def set_variables(self, values: Mapping[str, Json], *, now: dt.datetime) -> Advance:
        """A person corrects case variables of the process."""
        self._tokens.begin(now)
        self._tokens.advance.written += self._tokens.scopes.write(PROCESS, values, self.program.process_id)
        return self._tokens.run()

    # --- what somebody entitled does to a case (see `repair`)

    def skip(self, instance: str, values: Mapping[str, Json], *, now: dt.datetime) -> Advance:
        """Leaves an element that waits or is stuck as if it were done; `values` become variables, no mapping is evaluated.

        An event that waits beside something else waits no more; one behind a gateway decides there.
        Raises `errors.NotFound`, `errors.ValueRefused`.
        """
        return repair.skip(self._tokens, self._tokens.find(instance), values, now)

    def reschedule(self, instance: str, due: dt.datetime, *, now: dt.datetime) -> Advance:
        """Gives a running timer another due time. The job is the caller's, so nothing is `scheduled`."""
        self._of_kind(instance, lambda element: element.timer is not None)
        self._tokens.begin(now)
        self._tokens.find(instance).record["due"] = due.isoformat()
        return self._tokens.run()

    def return_to(self, element_id: str, *, leaving: Sequence[str] | None = None, now: dt.datetime) -> Advance:
        """The case goes back to an element: `leaving` (instances; None: all in the element's scope) is left, a token is placed there.

        Raises `errors.NotFound` for instances without a token, `errors.FlowStuck` where the element's scope is not running.
        """
        return repair.move(self._tokens, leaving, [element_id], now)

    def move(self, *, leaving: Sequence[str], entering: Sequence[str], now: dt.datetime) -> Advance:
        """A jump: some tokens are left, others placed. Raises as `return_to`.

        A token that waits to be joined is left by the id of the flow along which it came.
        """
        return repair.move(self._tokens, leaving, entering, now)

    def reopen(self, element_id: str, *, now: dt.datetime) -> Advance:
        """A finished case goes on at an element of its process. Raises `errors.FlowStuck`."""
        return repair.reopen(self._tokens, element_id, now)

    def withdraw(self, counts: Mapping[str, int], again: Sequence[str], *, now: dt.datetime) -> Advance:
        """A completion was withdrawn: this is the case without it. What it had reached was counted, and is not counted again from there.

        `counts`: how often elements were reached with it. `again`: timers, messages and signals (instances) that wait once more.
        """
        case = self._tokens
        case.begin(now)
        case.counts.update(counts)
        for instance in again:
            events.announce(case, self._of_kind(instance, lambda element: element.event in AWAITED))
        return case.run()

    def compensate(self, activities: Sequence[str] | None = None, *, now: dt.datetime) -> Advance:
        """Undoes what was completed in the process itself, all or these activities, by the handlers drawn for them."""
        self._tokens.begin(now)
        compensation.undo(self._tokens, activities)
        return self._tokens.run()

    def undoable(self) -> list[str]:
        """Activities of the process itself that were completed and have a handler, in the order in which they were."""
        return [each["activity"] for each in self._tokens.workflow.task_tree.internal_data.get("done", ())]

    def undone_with(self, activities: Collection[str]) -> set[str]:
        """The activities that are undone when these of the process itself are: what was done inside a sub-process or call, too."""
        done = self._tokens.workflow.task_tree.internal_data.get("done", ())
        return compensation.reached([each for each in done if each["activity"] in activities])

    # --- what can be asked

    @property
    def visits(self) -> dict[str, int]:
        """How often each element was reached."""
        return dict(self._tokens.counts)

    def variables(self, instance: str | None = None) -> dict[str, Json]:
        """A copy of the variables visible from an instance, or of the process's."""
        return {name: plain(name, value) for name, value in self.seen(instance).items()}

    def seen(self, instance: str | None = None) -> Mapping[str, Json]:
        """As `variables`, not copied, which takes long in a large case: for reading only, before the case moves on."""
        key = PROCESS if instance is None else self._tokens.scope(self._tokens.find(instance).task)
        return self._tokens.scopes.visible(key)

    def waiting(self) -> list[tuple[str, Element]]:
        """User tasks, operations and events that wait, and what is stuck: instance and element."""
        return [(instance, self._tokens.find(instance).element) for instance in sorted(self._tokens.live)]

    def element(self, instance: str) -> Element:
        """The element of something that waits. Raises `errors.NotFound`."""
        return self._tokens.find(instance).element

    def stands(self) -> list[tuple[str, Element]]:
        """Every token that has begun its visit, with those that hold a scope: instance and element, from the outside in."""
        return [
            (t.internal_data["instance"], t.task_spec.element) for t in state.tokens(self._tokens.workflow) if "instance" in t.internal_data
        ]

    def behind(self, element_id: str) -> list[str]:
        """What stands at an element or behind it in its scope, as `move` leaves it. Raises `errors.FlowStuck` as `return_to`."""
        return repair.behind(self._tokens, element_id)

    def places(self) -> list[tuple[str, str | None]]:
        """Where tokens stand: the element's id, and for one that waits to be joined the flow along which it came."""
        tokens = state.tokens(self._tokens.workflow)
        return [(t.task_spec.name, t.internal_data["flow"] if t.internal_data.get("at") == "join" else None) for t in tokens]

    @property
    def finished(self) -> bool:
        """No token is left."""
        return bool(self._tokens.workflow.completed)

    def dump(self) -> bytes:
        """The state, small and without the diagram. The same inputs give the same bytes."""
        case = self._tokens
        since = (task.internal_data["since"] for task in state.tokens(case.workflow) if "since" in task.internal_data)
        return state.dump(case.workflow, [case.counts, case.scopes.dump(since)])

    def _of_kind(self, instance: str, fits: Callable[[Element], bool]) -> Wait:
        """What waits. Raises `errors.NotFound` unless it is of the kind that the caller can finish, `errors.FlowStuck` if stuck."""
        found = self._tokens.find(instance)
        if not fits(found.element):
            raise errors.NotFound(what="waiting element", name=instance)
        if "stuck" in found.record:
            raise errors.FlowStuck(element=found.element.title, reason="it is stuck; repair the cause and try again")
        return found

    def _happened(self, instance: str, values: Mapping[str, Json], now: dt.datetime) -> Advance:
        self._tokens.begin(now)
        events.trigger(self._tokens, self._tokens.find(instance), values)
        return self._tokens.run()

    def _finish(self, found: Wait, values: Mapping[str, Json], now: dt.datetime) -> Advance:
        self._tokens.begin(now)
        self._tokens.keep(found.task, found.element, values)
        del self._tokens.live[found.record["instance"]]
        self._tokens.moving.append(found.task)
        return self._tokens.run()
