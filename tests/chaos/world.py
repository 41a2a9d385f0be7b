"""A case as the generated diagram means it: a few lines of BPMN's semantics for block-structured diagrams.

Nothing here knows the kernel. Blocks run in continuation-passing style: `block.run(world, here, then)` does what needs nobody,
leaves waits behind, and calls `then` when a token comes out at the block's end. An action that moves several tokens at once and
whose result would depend on their order raises `Ambiguous`, and the generator draws another path.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

START = dt.datetime(2026, 11, 24, 1, 0, tzinfo=dt.UTC)
#: automatic steps of one action above which a diagram counts as endless
LONGEST = 400


class Ambiguous(Exception):
    """BPMN leaves open what happens next."""


@dataclass(eq=False)
class Env:
    """Variables of the process, or local ones of an activity."""

    parent: Env | None = None
    values: dict[str, Any] = field(default_factory=dict)
    #: name -> (clock, element) of its last write
    writers: dict[str, tuple[int, str]] = field(default_factory=dict)
    #: what tells the instances of one element apart: the items of the multi-instances around
    items: dict[str, Any] = field(default_factory=dict)

    def visible(self) -> dict[str, Any]:
        return {**(self.parent.visible() if self.parent else {}), **self.values}

    def inner(self, values: Mapping[str, Any], **items: Any) -> Env:
        return Env(self, {**values, **items}, {}, {**self.items, **items})

    def holder(self, name: str) -> Env:
        env = self
        while env.parent is not None and name not in env.values:
            env = env.parent
        return env


@dataclass(eq=False)
class Region:
    """What an event ends as one."""

    parent: Region | None = None
    dead: bool = False
    children: list[Region] = field(default_factory=list)
    #: (event, code or None for all, what happens)
    catchers: list[tuple[str, str | None, Callable[[], None]]] = field(default_factory=list)

    def inner(self) -> Region:
        child = Region(self)
        self.children.append(child)
        return child

    def within(self, other: Region) -> bool:
        return self is other or (self.parent is not None and self.parent.within(other))


@dataclass(eq=False)
class Run:
    """One run of a process or sub-process: over when none of its tokens is left."""

    region: Region
    over: Callable[[], None]
    live: int = 1
    #: what was completed and can be undone, oldest first: the activity, and its handler or what was done in it
    done: list[tuple[str, Any]] = field(default_factory=list)

    def ended(self) -> None:
        self.live -= 1
        if self.live == 0 and not self.region.dead:
            self.over()


@dataclass(eq=False)
class Trail:
    """The steps of an action after which a token's next step comes."""

    action: int = 0
    last: tuple[int, ...] = ()


@dataclass(frozen=True)
class Here:
    """Where a token is."""

    run: Run
    region: Region
    env: Env
    trail: Trail

    def branch(self, **more: Any) -> Here:
        """Another token, or the same one inside something."""
        return replace(self, trail=Trail(self.trail.action, self.trail.last), **more)


@dataclass(eq=False)
class Inside:
    """What was done in a completed sub-process or called process, with the variables it had."""

    done: list[tuple[str, Any]]
    env: Env
    #: the event sub-process that undoes it (`activities.Undoing`), if it has one
    handler: Any = None


Then = Callable[[Here], None]


@dataclass(eq=False)
class Wait:
    element: str
    #: `user`, `job`, `timer`, `message`, `signal` or `conditional`
    kind: str
    here: Here
    happens: Callable[[Mapping[str, Any]], None]
    since: int
    due: dt.datetime | None = None
    #: of a message or signal
    name: str = ""
    number: int = 0
    #: variables that may be answered
    names: tuple[str, ...] = ()
    #: error codes with which a job may fail
    codes: tuple[str, ...] = ()
    #: of a condition: whether it is met, and whether it was when it was looked at last
    met: Callable[[], bool] | None = None
    was: bool = False
    #: what it ends when it happens; None: nothing
    ends: Region | None = None


@dataclass
class Expected:
    """What must be seen after an action."""

    waits: list[str]
    variables: dict[str, Any]
    finished: bool
    outcome: str | None
    #: element, and the positions in this list after which it comes
    passed: list[tuple[str, tuple[int, ...]]]
    #: name, element, writer that was overwritten
    over: list[tuple[str, str, str]]


class World:
    """The case."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.now = START
        self.clock = 0
        self.action = 0
        self.count = 0
        self.root = Env(values=dict(values))
        self.waits: list[Wait] = []
        self.finished = False
        self.outcome: str | None = None
        #: joins that still wait for tokens, by element and run
        self._joining: dict[tuple[str, Run], Region] = {}
        self.begin()

    def begin(self) -> None:
        """A new action."""
        self.passed_now: list[tuple[str, tuple[int, ...]]] = []
        self.over: list[tuple[str, str, str]] = []
        #: several tokens move in this action
        self.forked = False
        self.action += 1

    def expected(self) -> Expected:
        return Expected(
            sorted(wait.element for wait in self.waits),
            dict(self.root.values),
            self.finished,
            None if self.forked or not self.finished else self.outcome,
            self.passed_now,
            sorted(self.over),
        )

    # --- what blocks do

    def passed(self, here: Here, element: str) -> None:
        if len(self.passed_now) > LONGEST:
            raise Ambiguous("endless")
        self.passed_now.append((element, self._after(here.trail)))
        here.trail.action, here.trail.last = self.action, (len(self.passed_now) - 1,)

    def _after(self, trail: Trail) -> tuple[int, ...]:
        return trail.last if trail.action == self.action else ()

    def forking(self, here: Here, element: str) -> None:
        """Tokens that will meet again set out. A join does not tell those of one round from those of another in the same scope."""
        before = self._joining.get((element, here.run))
        if before and not before.dead:
            raise Ambiguous("two rounds of tokens at one join")
        self._joining[element, here.run] = here.region

    def joined(self, here: Here, element: str, arrived: list[Here]) -> Here:
        """One token in place of several."""
        self._joining.pop((element, here.run), None)
        last = tuple(index for other in arrived for index in self._after(other.trail))
        return replace(here, trail=Trail(self.action, last))

    def write(self, env: Env, element: str, values: Mapping[str, Any], since: int | None = None) -> None:
        self.clock += 1
        for name, value in values.items():
            holder = env.holder(name)
            when, writer = holder.writers.get(name, (0, element))
            if since is not None and when > since and writer != element:
                self.over.append((name, element, writer))
            holder.values[name] = value
            holder.writers[name] = (self.clock, element)

    def wait(self, here: Here, kind: str, element: str, happens: Callable[[Wait, Mapping[str, Any]], None], **more: Any) -> Wait:
        self.count += 1
        wait = Wait(element, kind, here, lambda values: happens(wait, values), self.clock, number=self.count, **more)
        self.waits.append(wait)
        return wait

    def take(self, wait: Wait) -> None:
        """The wait is over."""
        self.waits.remove(wait)

    def kill(self, region: Region) -> None:
        """Ends everything in a region."""
        region.dead = True
        for child in region.children:
            self.kill(child)
        self.waits = [wait for wait in self.waits if not wait.here.region.within(region)]

    def interrupt(self, region: Region) -> None:
        """An event ends a region; which must not have moved by itself in the same action."""
        if self.forked:
            raise Ambiguous("something is interrupted while several tokens move")
        self.kill(region)

    def throw(self, here: Here, event: str, code: str) -> bool:
        """To the nearest region around that catches it."""
        region: Region | None = here.region
        while region is not None:
            found = [c for c in region.catchers if c[0] == event and c[1] in (None, code)]
            if found:
                min(found, key=lambda c: c[1] is None)[2]()
                return True
            region = region.parent
        return False

    def signal(self, name: str) -> None:
        reached = [wait for wait in self.waits if wait.kind == "signal" and wait.name == name]
        self.forked = self.forked or len(reached) > 1
        for wait in reached:
            if wait in self.waits:
                wait.happens({})
        self.forked = self.forked or bool(reached)

    def look(self, here: Here) -> None:
        """Conditions hear what was written at `here`, but for those on the very activity that wrote it as it ended."""
        heard = [wait for wait in self.waits if wait.met is not None and wait.here.region is not here.region]
        happen = [wait for wait in heard if wait.met is not None and wait.met() and not wait.was]
        for wait in heard:
            wait.was = wait.met is not None and wait.met()
        if len(happen) > 1:
            raise Ambiguous("several conditions are met")
        for wait in happen:
            self.forked = self.forked or wait.ends is None or not here.region.within(wait.ends)
            wait.happens({})

    # --- the path

    def choices(self) -> list[Wait]:
        """What may happen next: of the timers only the first, and a message only where it is clear who gets it."""
        timers = sorted((wait for wait in self.waits if wait.kind == "timer"), key=lambda wait: wait.due or START)
        first = timers[:1] if len(timers) < 2 or timers[0].due != timers[1].due else []
        awaited = Counter(wait.name for wait in self.waits if wait.kind == "message")
        clear = [wait for wait in self.waits if wait.kind in ("user", "job") or (wait.kind == "message" and awaited[wait.name] == 1)]
        return clear + first
