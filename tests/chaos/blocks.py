"""The blocks of a random diagram: each can be drawn, and says what it means. Here: rows, what waits for one answer, branches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from diagrams import flows, node, user, zeebe

from .world import Here, Then, Wait, World

Meaning = Callable[[Mapping[str, Any]], Any]
#: an event happens, with the values of its message
Happens = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Formula:
    """A FEEL text and what it means."""

    text: str
    of: Meaning


@dataclass
class Pen:
    """The drawing of one scope: nodes and flows."""

    nodes: list[str] = field(default_factory=list)
    #: source, target, condition
    lines: list[tuple[str, str, str]] = field(default_factory=list)

    def put(self, tag: str, id: str, *inner: str, **attributes: str) -> str:
        self.nodes.append(node(tag, id, *inner, **attributes))
        return id

    def flow(self, source: str, target: str, condition: str = "") -> str:
        self.lines.append((source, target, condition))
        return f"{source}_{target}"

    def drawn(self) -> str:
        return "".join(self.nodes) + flows(*(f"{a} > {b}" + (f": {c}" if c else "") for a, b, c in self.lines))


class Block:
    """A piece of a diagram with one way in and, unless it `ends`, one way out."""

    #: no token comes out
    ends = False

    def draw(self, pen: Pen) -> tuple[str, str]:
        """First and last node."""
        raise NotImplementedError

    def run(self, world: World, here: Here, then: Then) -> None:
        raise NotImplementedError


@dataclass
class Row(Block):
    """One after the other; only the last may end."""

    blocks: list[Block]

    @property
    def ends(self) -> bool:  # type: ignore[override]
        return bool(self.blocks) and self.blocks[-1].ends

    def draw(self, pen: Pen) -> tuple[str, str]:
        drawn = [block.draw(pen) for block in self.blocks]
        for (_, last), (first, _) in pairwise(drawn):
            pen.flow(last, first)
        return drawn[0][0], drawn[-1][1]

    def run(self, world: World, here: Here, then: Then, at: int = 0) -> None:
        if at == len(self.blocks):
            then(here)
        else:
            self.blocks[at].run(world, here, lambda out: self.run(world, out, then, at + 1))


def asks(names: Sequence[str]) -> str:
    """The form of a user task with these fields; what a form has more than that would be written, too."""
    return zeebe("formDefinition", formId="-".join(("form", *names)))


@dataclass
class Task(Block):
    """A user task, or a service task with an operation."""

    id: str
    #: `user` or `job`
    kind: str
    #: variables that its answer may set
    names: tuple[str, ...]
    #: error codes that a boundary event around catches
    codes: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()

    def draw(self, pen: Pen) -> tuple[str, str]:
        if self.kind == "user":
            pen.nodes.append(user(self.id, asks(self.names), *self.inner))
        else:
            pen.put("serviceTask", self.id, zeebe("taskDefinition", type="chaos.do"), *self.inner)
        return self.id, self.id

    def run(self, world: World, here: Here, then: Then) -> None:
        def happens(wait: Wait, values: Mapping[str, Any]) -> None:
            world.take(wait)
            world.write(here.env, self.id, values, wait.since)
            then(here)

        world.wait(here, self.kind, self.id, happens, names=self.names, codes=self.codes)


@dataclass
class Raise(Task):
    """A user task whose answer may meet conditions that are waited for."""

    def run(self, world: World, here: Here, then: Then) -> None:
        def heard(out: Here) -> None:
            world.look(out)
            if not out.region.dead:
                then(out)

        super().run(world, here, heard)


@dataclass
class Script(Block):
    """Sets a variable that nobody else writes."""

    id: str
    name: str
    formula: Formula

    def draw(self, pen: Pen) -> tuple[str, str]:
        pen.put("scriptTask", self.id, zeebe("script", expression=f"={self.formula.text}", resultVariable=self.name))
        return self.id, self.id

    def run(self, world: World, here: Here, then: Then) -> None:
        world.write(here.env, self.id, {self.name: self.formula.of(here.env.visible())})
        world.passed(here, self.id)
        then(here)


@dataclass
class Decision(Block):
    """A business rule task on a table with one row a number and a default row."""

    id: str
    name: str
    of: str
    rows: tuple[int, ...]

    def draw(self, pen: Pen) -> tuple[str, str]:
        pen.put("businessRuleTask", self.id, zeebe("calledDecision", decisionId=f"D_{self.id}", resultVariable=self.name))
        return self.id, self.id

    def file(self) -> bytes:
        entry = '<{0}Entry id="{1}_{0}"><text>{2}</text></{0}Entry>'

        def rule(id: str, test: object, value: int) -> str:
            return f'<rule id="{id}">{entry.format("input", id, test)}{entry.format("output", id, value)}</rule>'

        rules = [rule(f"r{i}", n, n * 10) for i, n in enumerate(self.rows)]
        return (
            f'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="f_{self.id}" name="f" namespace="http://example.org">'
            f'<decision id="D_{self.id}" name="D_{self.id}"><variable id="v" name="D_{self.id}"/><decisionTable id="t" hitPolicy="FIRST">'
            f'<input id="i"><inputExpression id="e"><text>{self.of}</text></inputExpression></input><output id="o" name="o"/>'
            f"{''.join(rules)}{rule('other', '-', -1)}</decisionTable></decision></definitions>"
        ).encode()

    def run(self, world: World, here: Here, then: Then) -> None:
        found = here.env.visible()[self.of]
        world.write(here.env, self.id, {self.name: found * 10 if found in self.rows else -1})
        world.passed(here, self.id)
        then(here)


@dataclass
class Plain(Block):
    """Something that waits for nobody: a task without a type, a none event, links."""

    id: str
    tag: str

    def draw(self, pen: Pen) -> tuple[str, str]:
        if self.tag != "link":
            pen.put(self.tag, self.id)
            return self.id, self.id
        link = f'<bpmn:linkEventDefinition id="{self.id}_{{}}_link" name="L_{self.id}"/>'
        return (
            pen.put("intermediateThrowEvent", self.id, link.format("out")),
            pen.put("intermediateCatchEvent", f"{self.id}_in", link.format("in")),
        )

    def run(self, world: World, here: Here, then: Then) -> None:
        world.passed(here, self.id)
        if self.tag == "link":
            world.passed(here, f"{self.id}_in")
        then(here)


# --- branching


@dataclass
class Exclusive(Block):
    """An exclusive choice: the first true condition, else the last branch."""

    id: str
    conditions: list[Formula]
    branches: list[Row]

    @property
    def ends(self) -> bool:  # type: ignore[override]
        return all(branch.ends for branch in self.branches)

    def draw(self, pen: Pen) -> tuple[str, str]:
        return _draw_fork(pen, self.id, "exclusiveGateway", self.branches, [c.text for c in self.conditions])

    def run(self, world: World, here: Here, then: Then) -> None:
        world.passed(here, self.id)
        seen = here.env.visible()
        taken = next((i for i, condition in enumerate(self.conditions) if condition.of(seen)), len(self.conditions))

        def merge(out: Here) -> None:
            world.passed(out, f"{self.id}_join")
            then(out)

        self.branches[taken].run(world, here, merge)


@dataclass
class Parallel(Block):
    """Parallel branches, or with conditions an inclusive choice whose last branch is the default."""

    id: str
    branches: list[Row]
    conditions: list[Formula] = field(default_factory=list)

    @property
    def ends(self) -> bool:  # type: ignore[override]
        return all(branch.ends for branch in self.branches)

    def draw(self, pen: Pen) -> tuple[str, str]:
        kind = "inclusiveGateway" if self.conditions else "parallelGateway"
        return _draw_fork(pen, self.id, kind, self.branches, [c.text for c in self.conditions])

    def run(self, world: World, here: Here, then: Then) -> None:
        world.passed(here, self.id)
        seen = here.env.visible()
        taken = self.branches
        if self.conditions:
            taken = [branch for condition, branch in zip(self.conditions, self.branches, strict=False) if condition.of(seen)]
            taken = taken or [self.branches[-1]]
        world.forked = world.forked or len(taken) > 1
        coming = sum(not branch.ends for branch in taken)
        here.run.live += len(taken) - max(coming, 1)
        arrived: list[Here] = []
        if coming > 1 or (coming and self.conditions):
            world.forking(here, self.id)

        def arrive(out: Here) -> None:
            arrived.append(out)
            if len(arrived) == coming:
                joined = world.joined(here, self.id, arrived)
                world.passed(joined, f"{self.id}_join")
                then(joined)

        for branch in taken:
            if not here.region.dead:
                branch.run(world, here.branch(), arrive)


def _draw_fork(pen: Pen, id: str, kind: str, branches: Sequence[Row], conditions: Sequence[str]) -> tuple[str, str]:
    """A gateway with its branches and the gateway where they meet; with conditions the last branch is the default."""
    drawn = [branch.draw(pen) for branch in branches]
    default = {"default": f"{id}_{drawn[-1][0]}"} if conditions else {}
    pen.put(kind, id, **default)
    for i, (first, _) in enumerate(drawn):
        pen.flow(id, first, conditions[i] if i < len(conditions) else "")
    last = f"{id}_join"
    if not all(branch.ends for branch in branches):
        pen.put(kind, last)
        for branch, (_, leave) in zip(branches, drawn, strict=True):
            if not branch.ends:
                pen.flow(leave, last)
    return id, last


@dataclass
class Loop(Block):
    """Back to the beginning as long as the condition is true."""

    id: str
    body: Row
    condition: Formula

    def draw(self, pen: Pen) -> tuple[str, str]:
        first, last = self.body.draw(pen)
        pen.put("exclusiveGateway", f"{self.id}_in")
        pen.flow(f"{self.id}_in", first)
        pen.put("exclusiveGateway", self.id, default=f"{self.id}_{self.id}_out")
        pen.flow(last, self.id)
        pen.flow(self.id, f"{self.id}_in", self.condition.text)
        pen.put("task", f"{self.id}_out")
        pen.flow(self.id, f"{self.id}_out")
        return f"{self.id}_in", f"{self.id}_out"

    def run(self, world: World, here: Here, then: Then) -> None:
        def decide(out: Here) -> None:
            world.passed(out, self.id)
            if self.condition.of(out.env.visible()):
                self.run(world, out, then)
            else:
                world.passed(out, f"{self.id}_out")
                then(out)

        world.passed(here, f"{self.id}_in")
        self.body.run(world, here, decide)
