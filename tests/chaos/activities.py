"""Blocks around activities: repeated, called, undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from xml.sax.saxutils import escape

from diagrams import boundary, event, mapping, node, user, zeebe

from .blocks import Block, Formula, Pen, Row, Task, asks
from .scopes import End, Process, Sub
from .world import Ambiguous, Env, Here, Inside, Run, Then, Wait, World


def _again(tag: str, inner: str, **attributes: str) -> str:
    given = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<bpmn:{tag}{given}>{inner}</bpmn:{tag}>"


@dataclass
class Repeat(Block):
    """A standard loop."""

    activity: Task | Sub
    condition: Formula
    test_before: bool
    maximum: int

    def draw(self, pen: Pen) -> tuple[str, str]:
        text = f"<bpmn:loopCondition>={escape(self.condition.text)}</bpmn:loopCondition>"
        before = str(self.test_before).lower()
        loop = _again("standardLoopCharacteristics", text, testBefore=before, loopMaximum=str(self.maximum))
        return replace(self.activity, inner=(loop,)).draw(pen)

    def run(self, world: World, here: Here, then: Then, counter: int = 1) -> None:
        def more(done: int) -> bool:
            return done < self.maximum and self.condition.of({**here.env.visible(), "loopCounter": done})

        def after(out: Here) -> None:
            if more(counter):
                self.run(world, replace(out, env=here.env), then, counter + 1)
            else:
                then(replace(out, env=here.env))

        if counter == 1 and self.test_before and not more(0):
            world.passed(here, self.activity.id)
            then(here)
        else:
            self.activity.run(world, replace(here, env=here.env.inner({"loopCounter": counter})), after)


@dataclass
class Many(Block):
    """A multi-instance activity over the numbers from 1 on."""

    activity: Task | Sub
    sequential: bool
    count: Formula
    #: name of the item, of the collected list, and what each instance adds to it
    element: str
    output: str
    #: None: ten times the item; else a variable that is each instance's own
    result: str | None
    #: completed instances that are enough
    enough: int | None

    def draw(self, pen: Pen) -> tuple[str, str]:
        made = self.result or f"{self.element} * 10"
        text = f"=[1, 2, 3][item <= {self.count.text}]"
        names = {"inputCollection": text, "inputElement": self.element, "outputCollection": self.output, "outputElement": f"={made}"}
        inner = f"<bpmn:extensionElements>{zeebe('loopCharacteristics', **names)}</bpmn:extensionElements>"
        if self.enough is not None:
            inner += f"<bpmn:completionCondition>=numberOfCompletedInstances &gt;= {self.enough}</bpmn:completionCondition>"
        loop = _again("multiInstanceLoopCharacteristics", inner, isSequential=str(self.sequential).lower())
        return replace(self.activity, inner=(loop,)).draw(pen)

    def run(self, world: World, here: Here, then: Then) -> None:
        total = self.count.of(here.env.visible())
        results: list[Any] = [None] * total
        since, region = world.clock, here.region.inner()
        got = 0

        def begin(index: int) -> None:
            own = {"loopCounter": index, **({self.result: None} if self.result else {})}
            env = here.env.inner(own, **{self.element: index})
            self.activity.run(world, here.branch(region=region, env=env), lambda out: over(index, out))

        def over(index: int, out: Here) -> None:
            nonlocal got
            got += 1
            results[index - 1] = out.env.visible()[self.result] if self.result else index * 10
            if got == total or got == self.enough:
                if not self.sequential and got < total:
                    world.interrupt(region)
                world.kill(region)
                finish(replace(out, region=here.region, env=here.env))
            elif self.sequential:
                begin(index + 1)

        def finish(out: Here) -> None:
            world.write(here.env, self.activity.id, {self.output: results}, since)
            then(out)

        if not total:
            world.passed(here, self.activity.id)
            finish(here)
        elif self.sequential:
            begin(1)
        else:
            world.forked = world.forked or total > 1
            for index in range(1, total + 1):
                if not region.dead:
                    begin(index)


@dataclass
class Call(Block):
    """A call activity. The called process gets a copy of all variables; what it wrote comes back, or one variable by a mapping."""

    id: str
    process: Process
    #: (outer name, inner name) of the output mapping; None: everything written comes back
    result: tuple[str, str] | None
    inner: tuple[str, ...] = ()

    def draw(self, pen: Pen) -> tuple[str, str]:
        called = zeebe(
            "calledElement", processId=self.process.id, **({} if self.result is None else {"propagateAllChildVariables": "false"})
        )
        mapped = (mapping({}, {self.result[0]: f"={self.result[1]}"}),) if self.result else ()
        return (pen.put("callActivity", self.id, called, *mapped, *self.inner),) * 2

    def run(self, world: World, here: Here, then: Then) -> None:
        since = world.clock
        env = Env(None, dict(here.env.visible()), {}, here.env.items)

        def over(inside: Run) -> None:
            if self.result is None and env.writers and world.forked:
                raise Ambiguous("two tokens may write one variable")
            if self.result:
                values = {self.result[0]: env.values[self.result[1]]}
            else:
                values = {name: env.values[name] for name in env.writers}
            world.write(here.env, self.id, values, since)
            if inside.done:
                here.run.done.append((self.id, Inside(inside.done, env)))
            world.passed(here, self.id)
            world.look(here)
            if not here.region.dead:
                then(here)

        self.process.run(world, replace(here, env=env), over)


@dataclass
class Undoable(Block):
    """A user task with a handler that undoes it."""

    task: Task

    def draw(self, pen: Pen) -> tuple[str, str]:
        id = self.task.id
        pen.nodes.append(boundary(f"{id}_undo", id, event("compensate")))
        pen.nodes.append(user(f"{id}_handler", asks(("x",)), isForCompensation="true"))
        pen.nodes.append(node("association", f"{id}_a", sourceRef=f"{id}_undo", targetRef=f"{id}_handler", associationDirection="One"))
        return self.task.draw(pen)

    def run(self, world: World, here: Here, then: Then) -> None:
        def done(out: Here) -> None:
            here.run.done.append((self.task.id, f"{self.task.id}_handler"))
            then(out)

        self.task.run(world, here, done)


@dataclass
class Undo(Block):
    """A compensation event: one activity or all of the scope, the last one first, one after the other."""

    id: str
    activity: str | None = None
    names: tuple[str, ...] = field(default=("x",))

    def draw(self, pen: Pen) -> tuple[str, str]:
        refers = {"activityRef": self.activity} if self.activity else {}
        return (pen.put("intermediateThrowEvent", self.id, event("compensate", **refers)),) * 2

    def run(self, world: World, here: Here, then: Then) -> None:
        chosen = [each for each in here.run.done if self.activity in (None, each[0])]
        here.run.done[:] = [each for each in here.run.done if each not in chosen]

        def over() -> None:
            world.passed(here, self.id)
            then(here)

        self._undo(world, here, chosen, over)

    def _undo(self, world: World, here: Here, chosen: list[tuple[str, Any]], over: Callable[[], None]) -> None:
        if not chosen:
            over()
            return
        (_, how), rest = chosen[-1], chosen[:-1]
        if isinstance(how, Inside):
            env = Env(how.env.parent, dict(how.env.values), {}, how.env.items)
            within = replace(here, env=env)
            if how.handler is None:
                self._undo(world, within, how.done, lambda: self._undo(world, here, rest, over))
            else:
                how.handler.begin(world, within, how.done, lambda: self._undo(world, here, rest, over))
            return

        def happens(wait: Wait, values: Mapping[str, Any]) -> None:
            world.take(wait)
            world.write(here.env, how, values, wait.since)
            self._undo(world, here, rest, over)

        world.wait(here, "user", how, happens, names=self.names)


@dataclass
class Undoing:
    """A compensation event sub-process: undoes what was done in the sub-process around it, or does something else instead."""

    id: str
    body: Row

    def draw(self) -> str:
        pen = Pen()
        first, last = self.body.draw(pen)
        pen.flow(pen.put("startEvent", f"{self.id}_start", event("compensate")), first)
        pen.flow(last, pen.put("endEvent", f"{self.id}_end"))
        return node("subProcess", self.id, pen.drawn(), triggeredByEvent="true")

    def begin(self, world: World, here: Here, done: list[tuple[str, Any]], then: Callable[[], None]) -> None:
        def over() -> None:
            world.passed(handler, self.id)
            then()

        region = here.region.inner()
        handler = here.branch(run=Run(region, over, done=list(done)), region=region)
        world.passed(handler, f"{self.id}_start")
        end = End(f"{self.id}_end")
        self.body.run(world, handler, lambda out: end.run(world, out, lambda _: None))
