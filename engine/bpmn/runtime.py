"""One live case: what can happen to it, and what can be asked of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .. import errors
from ..ports import Json
from . import events, state
from .advance import Advance
from .model import Element
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
        self._of_kind(instance, lambda element: element.kind == "userTask")
        return self._finish(instance, values, now)

    def answer(self, instance: str, value: Json, *, now: dt.datetime) -> Advance:
        """An operation has answered.

        The output mapping sees the keys of a JSON object, and the whole as `result`. Without a mapping the value goes under the
        header `resultVariable` if there is one, else the keys of an object become case variables.
        """
        element = self._of_kind(instance, lambda element: "taskDefinition.type" in element.extensions)
        values = dict(value) if isinstance(value, Mapping) else {}
        if element.outputs:
            values["result"] = value
        elif "resultVariable" in element.headers:
            values = {element.headers["resultVariable"]: value}
        return self._finish(instance, values, now)

    def fire(self, instance: str, *, now: dt.datetime) -> Advance:
        """A timer is due."""
        self._of_kind(instance, lambda element: element.timer is not None)
        self._tokens.begin(now)
        events.trigger(self._tokens, self._tokens.find(instance))
        return self._tokens.run()

    def error(self, instance: str, code: str, message: str, *, now: dt.datetime) -> Advance | None:
        """A BPMN error from an operation or a person goes to the nearest boundary event that catches it; None: nobody does."""
        catcher = events.catcher(self._tokens, self._tokens.find(instance), "error", code)
        if catcher is None:
            return None
        self._tokens.begin(now)
        events.trigger(self._tokens, catcher, {"errorCode": code, "errorMessage": message})
        return self._tokens.run()

    def retry(self, instance: str, *, now: dt.datetime, variables: Mapping[str, Json] | None = None) -> Advance:
        """Tries a stuck element again, where it failed, optionally with corrected variables."""
        task = self._tokens.find(instance)
        if "stuck" not in task.internal_data:
            raise errors.NotFound(what="stuck element", name=instance)
        self._tokens.begin(now)
        if variables:
            self._tokens.advance.written += self._tokens.scopes.write(self._tokens.scope(task), variables, task.task_spec.element.id)
        del task.internal_data["stuck"], self._tokens.live[instance]
        return self._tokens.run()

    def cancel(self, *, now: dt.datetime) -> Advance:
        """Ends the case: everything that waits is left."""
        self._tokens.begin(now)
        self._tokens.workflow.cancel()
        self._tokens.sweep(None)
        return self._tokens.rest()

    def set_variables(self, values: Mapping[str, Json], *, now: dt.datetime) -> Advance:
        """A person corrects case variables of the process."""
        self._tokens.begin(now)
        self._tokens.advance.written += self._tokens.scopes.write(PROCESS, values, self.program.process_id)
        return self._tokens.rest()

    # --- what can be asked

    def variables(self, instance: str | None = None) -> dict[str, Json]:
        """A copy of the variables visible from an instance, or of the process's."""
        key = PROCESS if instance is None else self._tokens.scope(self._tokens.find(instance))
        return {name: plain(name, value) for name, value in self._tokens.scopes.visible(key).items()}

    def waiting(self) -> list[tuple[str, Element]]:
        """User tasks, operations, timers and signals that wait, and what is stuck: instance and element."""
        return [(instance, task.task_spec.element) for instance, task in sorted(self._tokens.live.items())]

    @property
    def finished(self) -> bool:
        """No token is left."""
        return bool(self._tokens.workflow.completed)

    def dump(self) -> bytes:
        """The state, small and without the diagram. The same inputs give the same bytes."""
        since = (task.internal_data["since"] for task in self._tokens.live.values() if "since" in task.internal_data)
        return state.dump(self._tokens.workflow, [self._tokens.counts, self._tokens.scopes.dump(since)])

    def _of_kind(self, instance: str, fits: Callable[[Element], bool]) -> Element:
        """The element of a waiting instance. Raises `errors.NotFound` unless it is of the kind that the caller can finish."""
        element: Element = self._tokens.find(instance).task_spec.element
        if not fits(element):
            raise errors.NotFound(what="waiting element", name=instance)
        return element

    def _finish(self, instance: str, values: Mapping[str, Json], now: dt.datetime) -> Advance:
        task = self._tokens.find(instance)
        if "stuck" in task.internal_data:
            raise errors.FlowStuck(element=task.task_spec.element.title, reason="it is stuck; repair the cause and try again")
        self._tokens.begin(now)
        self._tokens.keep(task, task.task_spec.element, values)
        del self._tokens.live[instance]
        return self._tokens.run()
