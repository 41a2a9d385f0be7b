"""Blocks around events and scopes: what waits, throws, ends, and holds others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from diagrams import boundary, condition, event, mapping, node, timer, zeebe

from .blocks import Block, Formula, Pen, Row
from .world import Ambiguous, Here, Inside, Region, Run, Then, Wait, World

if TYPE_CHECKING:
    from .activities import Undoing


@dataclass
class Trigger:
    """What an event waits for."""

    #: `timer`, `message` or `signal`, on boundaries and event sub-processes also `conditional`, `error` and `escalation`
    kind: str
    name: str = ""
    #: seconds; of a condition what its variable must exceed
    after: int = 0
    #: how often a cycle fires; 0: a duration
    times: int = 0

    def drawn(self) -> str:
        if self.kind == "timer":
            return timer(cycle=f"R{self.times}/PT{self.after}S") if self.times else timer(duration=f"PT{self.after}S")
        if self.kind == "conditional":
            return condition(f"{self.name} > {self.after}")
        return event(self.kind, **{f"{self.kind}Ref": f"{self.kind}_{self.name}"})

    def arm(
        self,
        world: World,
        here: Here,
        element: str,
        happens: Callable[[Mapping[str, Any]], None],
        *,
        again: bool,
        names: tuple[str, ...] = (),
        ends: Region | None = None,
    ) -> None:
        """Wait in `here`'s region. `again`: it does not interrupt, so it waits anew. `names`: variables that come with a message.

        `ends`: what it ends, if that is another region than the one it waits in.
        """
        if self.kind in ("error", "escalation"):
            here.region.catchers.append((self.kind, self.name, lambda: happens({})))
            return

        if self.kind == "conditional":
            met = lambda: bool(here.env.visible()[self.name] > self.after)  # noqa: E731
            if met():
                raise Ambiguous("a condition is met from the beginning")
            ended = None if again else ends or here.region
            world.wait(here, self.kind, element, lambda _, values: happens(values), met=met, ends=ended)
            return

        def wait_for(due: dt.datetime | None, left: int) -> None:
            def caught(wait: Wait, values: Mapping[str, Any]) -> None:
                world.take(wait)
                if again and self.kind == "timer" and left > 1:
                    assert due is not None
                    wait_for(due + dt.timedelta(seconds=self.after), left - 1)
                elif again and self.kind != "timer":
                    wait_for(None, 0)
                happens(values)

            world.wait(here, self.kind, element, caught, due=due, name=self.name, names=names if self.kind == "message" else ())

        wait_for(world.now + dt.timedelta(seconds=self.after) if self.kind == "timer" else None, self.times)


@dataclass
class Catch(Block):
    """An intermediate catch event."""

    id: str
    trigger: Trigger
    #: variables that its message brings
    names: tuple[str, ...] = ()

    def draw(self, pen: Pen) -> tuple[str, str]:
        return (pen.put("intermediateCatchEvent", self.id, self.trigger.drawn()),) * 2

    def run(self, world: World, here: Here, then: Then) -> None:
        since = world.clock

        def happens(values: Mapping[str, Any]) -> None:
            world.write(here.env, self.id, values, since)
            world.passed(here, self.id)
            then(here)

        self.trigger.arm(world, here, self.id, happens, again=False, names=self.names)


@dataclass
class Throw(Block):
    """An intermediate throw event or end event: signal, escalation, error or terminate."""

    id: str
    kind: str
    name: str
    ends: bool  # type: ignore[assignment]
    outcome: str = ""

    def draw(self, pen: Pen) -> tuple[str, str]:
        refers = {} if self.kind == "terminate" else {f"{self.kind}Ref": f"{self.kind}_{self.name}"}
        about = () if not self.outcome else (zeebe("properties", zeebe("property", name="wf.outcome", value=self.outcome)),)
        tag = "endEvent" if self.ends else "intermediateThrowEvent"
        return (pen.put(tag, self.id, *about, event(self.kind, **refers)),) * 2

    def run(self, world: World, here: Here, then: Then) -> None:
        world.passed(here, self.id)
        if self.kind == "terminate":
            world.outcome = self.outcome or None
            world.interrupt(here.run.region)
            here.run.over()
            return
        if self.kind == "signal":
            world.signal(self.name)
        elif world.throw(here, self.kind, self.name):
            world.forked = True
        elif self.kind == "error":
            raise Ambiguous("an error that nobody catches")
        if here.region.dead:
            return
        if not self.ends:
            then(here)
        else:
            world.outcome = self.outcome or None
            here.run.ended()


@dataclass
class End(Block):
    """An end event inside a branch."""

    id: str
    outcome: str = ""
    ends = True

    def draw(self, pen: Pen) -> tuple[str, str]:
        about = () if not self.outcome else (zeebe("properties", zeebe("property", name="wf.outcome", value=self.outcome)),)
        return (pen.put("endEvent", self.id, *about),) * 2

    def run(self, world: World, here: Here, then: Then) -> None:
        world.passed(here, self.id)
        world.outcome = self.outcome or None
        here.run.ended()


@dataclass
class Process:
    """What lies in a process or sub-process: a body between a start and an end event, and an event sub-process beside it."""

    id: str
    body: Row
    outcome: str = ""
    beside: EventSub | None = None
    #: without an end event: it is over when its last element is
    bare: bool = False

    def draw(self) -> str:
        pen = Pen()
        first, last = self.body.draw(pen)
        about = (zeebe("formDefinition", formId="all"),) if self.outcome else ()
        pen.flow(pen.put("startEvent", f"{self.id}_start", *about), first)
        if not self.body.ends and not self.bare:
            pen.flow(last, End(f"{self.id}_end", self.outcome).draw(pen)[0])
        return pen.drawn() + (self.beside.draw() if self.beside else "")

    def run(self, world: World, here: Here, over: Callable[[Run], None]) -> None:
        """`over`: when no token is left."""

        def ended() -> None:
            world.kill(run.region)
            over(run)

        run = Run(here.region.inner(), ended)
        inside = here.branch(run=run, region=run.region.inner())
        if self.beside:
            self.beside.arm(world, inside)
        world.passed(inside, f"{self.id}_start")
        end = End(f"{self.id}_end", self.outcome)
        self.body.run(world, inside, lambda out: run.ended() if self.bare else end.run(world, out, lambda _: None))


@dataclass
class Sub(Block):
    """An embedded sub-process, with variables of its own when it has an input mapping."""

    id: str
    process: Process
    #: (local name, what it is), and (outer name, local name)
    local: tuple[str, Formula] | None = None
    result: tuple[str, str] | None = None
    inner: tuple[str, ...] = ()
    undoing: Undoing | None = None

    def draw(self, pen: Pen) -> tuple[str, str]:
        mapped = ()
        if self.local:
            name, formula = self.local
            mapped = (mapping({name: f"={formula.text}"}, {self.result[0]: f"={self.result[1]}"} if self.result else None),)
        pen.put("subProcess", self.id, *mapped, *self.inner, self.process.draw() + (self.undoing.draw() if self.undoing else ""))
        return self.id, self.id

    def run(self, world: World, here: Here, then: Then) -> None:
        env = here.env
        if self.local:
            name, formula = self.local
            env = env.inner({name: formula.of(env.visible())})

        def over(inside: Run) -> None:
            if self.result:
                world.write(here.env, self.id, {self.result[0]: env.visible()[self.result[1]]})
            if inside.done or self.undoing:
                # Without an input mapping it has no variables of its own, and what is written goes where it always goes.
                own = env if self.local else env.inner({})
                here.run.done.append((self.id, Inside(inside.done, own, self.undoing)))
            world.passed(here, self.id)
            then(here)

        self.process.run(world, replace(here, env=env), over)


@dataclass
class EventSub:
    """An event sub-process."""

    id: str
    trigger: Trigger
    interrupting: bool
    body: Row
    outcome: str = ""

    def draw(self) -> str:
        pen = Pen()
        first, last = self.body.draw(pen)
        pen.flow(pen.put("startEvent", f"{self.id}_start", self.trigger.drawn(), isInterrupting=str(self.interrupting).lower()), first)
        if not self.body.ends:
            pen.flow(last, pen.put("endEvent", f"{self.id}_end"))
        return node("subProcess", self.id, pen.drawn(), triggeredByEvent="true")

    def arm(self, world: World, inside: Here) -> None:
        """Listens as long as the scope around it runs; errors and escalations of the body's region come here."""
        run, body = inside.run, inside.region
        ears = run.region.inner()

        def happens(_: Mapping[str, Any]) -> None:
            if self.interrupting:
                world.interrupt(body)
                world.kill(ears)
                run.live = 1
            else:
                run.live += 1
            outer = Here(run, run.region.inner(), inside.env, type(inside.trail)())
            own = Run(outer.region.inner(), lambda: self._over(world, outer))
            handler = replace(outer.branch(), run=own, region=own.region)
            world.passed(handler, f"{self.id}_start")
            end = End(f"{self.id}_end")
            self.body.run(world, handler, lambda out: end.run(world, out, lambda _: None))

        where = body if self.trigger.kind in ("error", "escalation") else ears
        self.trigger.arm(world, replace(inside, region=where), f"{self.id}_start", happens, again=not self.interrupting, ends=body)

    def _over(self, world: World, outer: Here) -> None:
        world.passed(outer, self.id)
        outer.run.ended()


@dataclass
class Guard:
    """A boundary event with what follows it."""

    id: str
    trigger: Trigger
    interrupting: bool
    path: Row
    #: the path comes back to where the activity goes on
    back: bool
    #: variables that its message brings
    names: tuple[str, ...] = ()


@dataclass
class Guarded(Block):
    """An activity with boundary events; paths that come back meet in an exclusive gateway."""

    id: str
    activity: Block
    guards: list[Guard]

    def draw(self, pen: Pen) -> tuple[str, str]:
        first, last = self.activity.draw(pen)
        out = last
        if any(guard.back for guard in self.guards):
            out = pen.put("exclusiveGateway", f"{self.id}_meet")
            pen.flow(last, out)
        for guard in self.guards:
            pen.nodes.append(boundary(guard.id, first, guard.trigger.drawn(), interrupting=guard.interrupting))
            enter, leave = guard.path.draw(pen)
            pen.flow(guard.id, enter)
            if guard.back:
                pen.flow(leave, out)
            elif not guard.path.ends:
                pen.flow(leave, pen.put("endEvent", f"{guard.id}_end"))
        return first, out

    def run(self, world: World, here: Here, then: Then) -> None:
        occupied = here.region.inner()
        returns = any(guard.back for guard in self.guards)

        def meet(out: Here) -> None:
            if returns:
                world.passed(out, f"{self.id}_meet")
            then(out)

        def left(out: Here) -> None:
            world.kill(occupied)
            meet(replace(out, region=here.region, run=here.run, env=here.env))

        for guard in self.guards:
            self._arm(world, here, occupied, guard, meet)
        self.activity.run(world, here.branch(region=occupied), left)

    def _arm(self, world: World, here: Here, occupied: Region, guard: Guard, meet: Then) -> None:
        def happens(values: Mapping[str, Any]) -> None:
            if guard.interrupting:
                world.interrupt(occupied)
            else:
                here.run.live += 1
            token = here.branch()
            world.write(here.env, guard.id, values)
            world.passed(token, guard.id)
            if guard.back:
                guard.path.run(world, token, meet)
            else:
                end = End(f"{guard.id}_end")
                guard.path.run(world, token, lambda out: end.run(world, out, lambda _: None))

        guard.trigger.arm(world, here.branch(region=occupied), guard.id, happens, again=not guard.interrupting, names=guard.names)


@dataclass
class Race(Block):
    """An event-based gateway: the event that comes first decides."""

    id: str
    catches: list[Catch]
    branches: list[Row]

    def draw(self, pen: Pen) -> tuple[str, str]:
        pen.put("eventBasedGateway", self.id)
        pen.put("exclusiveGateway", f"{self.id}_join")
        for catch, branch in zip(self.catches, self.branches, strict=True):
            first, last = Row([catch, branch]).draw(pen)
            pen.flow(self.id, first)
            pen.flow(last, f"{self.id}_join")
        return self.id, f"{self.id}_join"

    def run(self, world: World, here: Here, then: Then) -> None:
        racing = here.region.inner()

        def start(catch: Catch, branch: Row) -> None:
            def won(values: Mapping[str, Any]) -> None:
                world.kill(racing)
                token = here.branch()
                world.write(here.env, catch.id, values)
                world.passed(token, self.id)
                world.passed(token, catch.id)
                branch.run(world, token, merge)

            catch.trigger.arm(world, here.branch(region=racing), catch.id, won, again=False, names=catch.names)

        def merge(out: Here) -> None:
            world.passed(out, f"{self.id}_join")
            then(out)

        for catch, branch in zip(self.catches, self.branches, strict=True):
            start(catch, branch)
