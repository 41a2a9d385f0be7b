"""A random diagram with a random path through it, and what must be seen after each step of the path."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from diagrams import diagram

from .drawer import Around, Drawer
from .world import Ambiguous, Expected, Here, Region, Run, Trail, World

#: steps above which a path is thrown away
LONGEST = 60


@dataclass(frozen=True)
class Action:
    """One step of a path."""

    #: `complete`, `answer`, `fail`, `fire` or `deliver`
    kind: str
    element: str
    #: tells apart the instances of an element inside a multi-instance
    items: dict[str, Any]
    values: dict[str, Any]
    at: dt.datetime


@dataclass
class Case:
    """A diagram and a path through it."""

    seed: int
    files: dict[str, bytes]
    #: start values: every variable there is
    values: dict[str, Any]
    begun: Expected
    path: list[tuple[Action, Expected]]
    constructs: Counter[str]
    #: every variable that somebody may give
    names: list[str]


def case(seed: int) -> Case:
    """The diagram and path of a seed: the first of its attempts in which BPMN leaves nothing open."""
    for attempt in range(200):
        rng = random.Random(f"{seed}.{attempt}")
        try:
            return _attempt(seed, rng)
        except Ambiguous:
            continue
    raise AssertionError(f"no unambiguous path for seed {seed}")


def _attempt(seed: int, rng: random.Random) -> Case:
    drawer = Drawer(rng)
    process = drawer.process("main", Around(0), "done", least=2, most=5)
    world = World(drawer.values)

    def over(_: Run | None = None) -> None:
        world.finished = True

    region = Region()
    process.run(world, Here(Run(region, over), region, world.root, Trail()), over)
    begun = world.expected()
    path: list[tuple[Action, Expected]] = []
    while not world.finished:
        if len(path) == LONGEST:
            raise Ambiguous("too long")
        action = _step(world, rng, tired=len(path) > LONGEST // 2)
        path.append((action, world.expected()))
    named = "".join(drawer.named.values())
    files, drawn = {}, process.draw()
    for each, text in [(process, drawn), *((called, called.draw()) for called in reversed(drawer.called))]:
        if each is process or f'processId="{each.id}"' in drawn:  # some lie behind an end that came earlier
            drawn += text
            files[f"{each.id}.bpmn"] = diagram(text, named=named, id=each.id)
    files |= {f"{decision.id}.dmn": decision.file() for decision in drawer.decisions}
    return Case(seed, files, drawer.values, begun, path, drawer.used, [*drawer.values, *drawer.own])


def _step(world: World, rng: random.Random, *, tired: bool) -> Action:
    choices = world.choices()
    if tired:  # towards the end: nothing that opens more
        choices = [wait for wait in choices if wait.kind in ("user", "job")] or choices
    if not choices:
        raise Ambiguous("nothing can happen")
    wait = rng.choice(choices)
    wait = next(other for other in choices if (other.element, other.here.env.items) == (wait.element, wait.here.env.items))
    kind = {"user": "complete", "job": "answer", "timer": "fire", "message": "deliver"}[wait.kind]
    values = {name: rng.randint(0, 5 if tired else 7) for name in wait.names}
    world.begin()
    if kind == "fire":
        assert wait.due is not None
        world.now = wait.due
    else:
        world.now += dt.timedelta(seconds=1)
        if any(other.kind == "timer" and other.due is not None and other.due <= world.now for other in world.waits):
            raise Ambiguous("a timer is due at the same time")
    if wait.codes and rng.random() < 0.4:
        code = rng.choice(wait.codes)
        world.throw(wait.here, "error", code)
        return Action("fail", wait.element, wait.here.env.items, {"code": code}, world.now)
    wait.happens(values)
    return Action(kind, wait.element, wait.here.env.items, values, world.now)
