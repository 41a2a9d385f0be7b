"""A random diagram with a random path through it, and what must be seen after each step of the path."""

from __future__ import annotations

import datetime as dt
import operator
import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from diagrams import diagram

from .activities import Call, Many, Repeat, Undo, Undoable
from .blocks import Block, Decision, Exclusive, Formula, Loop, Parallel, Plain, Row, Script, Task
from .scopes import Catch, End, EventSub, Guard, Guarded, Process, Race, Sub, Throw, Trigger, Undoing
from .world import Ambiguous, Expected, Here, Region, Run, Trail, World

#: What the diagrams are made of.
CONSTRUCTS = frozenset(
    (
        *("user", "job", "script", "decision", "plain", "link", "exclusive", "parallel", "inclusive", "race", "loop", "sub", "local"),
        *("catch timer", "catch signal", "throw signal", "throw escalation", "end error", "terminate", "ending branch"),
        *("boundary timer", "boundary cycle", "boundary error", "boundary escalation", "boundary signal", "boundary message"),
        *("event sub timer", "event sub cycle", "event sub message", "event sub signal", "event sub error", "event sub escalation"),
        *("catch message", "many parallel", "many sequential", "repeat", "call", "compensation", "event sub compensation"),
    )
)
#: steps above which a path is thrown away
LONGEST = 60
_GIVEN = ("x", "y", "z")
_SIGNS = {"<": operator.lt, ">": operator.gt, "=": operator.eq, "<=": operator.le}


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


@dataclass
class _Around:
    """What lies around a block."""

    depth: int
    #: a join waits for this token, so it may not end on its way
    joined: bool = False
    #: codes that are caught further out
    errors: tuple[str, ...] = ()
    escalations: tuple[str, ...] = ()
    #: only where a terminate event ends what the generator thinks it ends
    terminable: bool = True
    #: what is completed here can be undone
    undoable: bool = True


class _Drawer:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.used: Counter[str] = Counter()
        self.count = 0
        self.values: dict[str, Any] = dict.fromkeys(_GIVEN, 0)
        self.named: dict[str, str] = {}
        self.decisions: list[Decision] = []
        self.called: list[Process] = []
        #: variables that only the instances of a multi-instance have
        self.own: list[str] = []

    # --- names

    def id(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def use(self, construct: str) -> bool:
        """Whether to draw it; counts it when so."""
        if construct not in CONSTRUCTS:
            return False
        self.used[construct] += 1
        return True

    def variable(self, letter: str) -> str:
        name = self.id(letter)
        self.values[name] = 0
        return name

    def name(self, kind: str, name: str = "") -> str:
        """A signal, message, error or escalation."""
        name = name or self.id(kind[0].upper())
        code = {"error": "errorCode", "escalation": "escalationCode"}.get(kind)
        self.named[f"{kind}_{name}"] = f'<bpmn:{kind} id="{kind}_{name}" name="{name}"' + (f' {code}="{name}"' if code else "") + "/>"
        return name

    def formula(self) -> Formula:
        """A condition over what people and systems answer."""
        sign, left = self.rng.choice(list(_SIGNS)), self.rng.choice(_GIVEN)
        if self.rng.random() < 0.3:
            right, more = self.rng.choice(_GIVEN), self.rng.randint(0, 4)
            return Formula(f"{left} {sign} {right} + {more}", lambda seen: _SIGNS[sign](seen[left], seen[right] + more))
        number = self.rng.randint(1, 7)
        return Formula(f"{left} {sign} {number}", lambda seen: _SIGNS[sign](seen[left], number))

    # --- blocks

    def sequence(self, around: _Around, *, least: int = 1, most: int = 3, may_end: bool = False) -> Row:
        """`may_end`: the last block may be an end event of its own."""
        blocks = [self.block(around) for _ in range(self.rng.randint(least, most))]
        if may_end and self.rng.random() < 0.25:
            blocks += self.ending(around)
        # What ends early ends the row.
        for i, block in enumerate(blocks):
            if block.ends:
                return Row(blocks[: i + 1])
        return Row(blocks)

    def ending(self, around: _Around) -> list[Block]:
        kinds = [kind for kind in ("ending branch", "terminate", "end error") if kind in CONSTRUCTS]
        if not around.errors and "end error" in kinds:
            kinds.remove("end error")
        if not around.terminable and "terminate" in kinds:
            kinds.remove("terminate")
        kind = self.rng.choice(kinds or ["ending branch"])
        self.use(kind)
        outcome = self.id("o") if around.depth == 0 else ""
        match kind:
            case "terminate":
                return [self.task("user"), Throw(self.id("T"), "terminate", "", True, outcome)]
            case "end error":
                return [self.task("user"), Throw(self.id("X"), "error", self.rng.choice(around.errors), True)]
        return [End(self.id("e"), outcome)]

    def block(self, around: _Around) -> Block:
        kinds = ["user"] * 5 + ["job"] * 3 + ["script"] * 3 + ["decision", "plain", "link", "catch timer", "throw signal", "catch message"]
        kinds += ["throw escalation"] * (6 if around.escalations else 0)
        if around.depth < 3:
            kinds += ["exclusive"] * 3 + ["parallel"] * 3 + ["inclusive"] * 2 + ["race"] * 2 + ["loop"] * 2 + ["sub"] * 3 + ["guarded"] * 5
            kinds += ["many parallel"] * 3 + ["many sequential"] * 2 + ["repeat"] * 2 + ["call"] * 2
            kinds += ["compensation"] * (2 if around.undoable else 0)
        kind = self.rng.choice([kind for kind in kinds if kind in CONSTRUCTS or kind == "guarded"])
        if kind != "guarded":
            self.use(kind)
        deeper = replace(around, depth=around.depth + 1)
        free = not around.joined
        match kind:
            case "user" | "job":
                return self.task(kind)
            case "script":
                return self.script()
            case "decision":
                rows = tuple(sorted(self.rng.sample(range(10), self.rng.randint(1, 3))))
                found = Decision(self.id("d"), self.variable("v"), self.rng.choice(_GIVEN), rows)
                self.decisions.append(found)
                return found
            case "plain":
                return Plain(self.id("t"), self.rng.choice(["task", "manualTask", "intermediateThrowEvent"]))
            case "link":
                return Plain(self.id("l"), "link")
            case "catch timer":
                return Catch(self.id("c"), self.timer())
            case "catch message":
                return Catch(self.id("c"), self.trigger("message"), self.some())
            case "many parallel" | "many sequential":
                return self.many(deeper, sequential=kind == "many sequential")
            case "repeat":
                return self.repeat(deeper)
            case "call":
                return self.call(deeper)
            case "compensation":
                return self.compensation(deeper)
            case "throw signal":
                heard = [name for name in self.named if name.startswith("signal_")]
                name = self.rng.choice(heard).removeprefix("signal_") if heard else self.name("signal")
                return Row([self.task("user"), Throw(self.id("S"), "signal", name, False)])
            case "throw escalation":
                return Row([self.task("user"), Throw(self.id("E"), "escalation", self.rng.choice(around.escalations), False)])
            case "exclusive":
                branches = [self.sequence(deeper, most=2, may_end=free) for _ in range(self.rng.randint(2, 3))]
                return Exclusive(self.id("x"), [self.formula() for _ in branches[1:]], branches)
            case "parallel" | "inclusive":
                inside = replace(deeper, joined=True)
                endings = kind == "parallel" and free
                branches = [self.sequence(inside, most=2, may_end=endings) for _ in range(self.rng.randint(2, 3))]
                conditions = [self.formula() for _ in branches[1:]] if kind == "inclusive" else []
                return Parallel(self.id("p" if kind == "parallel" else "i"), branches, conditions)
            case "race":
                triggers = [self.timer()]
                while len(triggers) < 3 and self.rng.random() < 0.6:
                    kind = self.rng.choice(["signal", "message", "timer"])
                    triggers.append(self.trigger(kind) if kind != "timer" and self.use(f"catch {kind}") else self.timer())
                catches = [Catch(self.id("c"), trigger, self.some()) for trigger in triggers]
                return Race(self.id("r"), catches, [self.sequence(deeper, most=1) for _ in catches])
            case "loop":
                again = self.variable("again")
                body = Row([*self.sequence(deeper, most=2).blocks, self.task("user", again)])
                return Loop(self.id("g"), body, Formula(f"{again} > 5", lambda seen: seen[again] > 5))
            case "sub":
                return self.sub(deeper)
        return self.guarded(around, deeper)

    def task(self, kind: str, *names: str, codes: tuple[str, ...] = ()) -> Task:
        return Task(self.id("u" if kind == "user" else "j"), kind, names or self.some(), codes)

    def some(self) -> tuple[str, ...]:
        """One or two of the variables that people and systems give."""
        return tuple(self.rng.sample(_GIVEN, self.rng.randint(1, 2)))

    def script(self) -> Script:
        name = self.variable("v")
        if self.rng.random() < 0.5:
            return Script(self.id("s"), name, Formula(f"{name} + 1", lambda seen: seen[name] + 1))
        left, right = self.rng.choice(_GIVEN), self.rng.choice(_GIVEN)
        return Script(self.id("s"), name, Formula(f"{left} * 100 + {right}", lambda seen: seen[left] * 100 + seen[right]))

    def timer(self, times: int = 0) -> Trigger:
        return Trigger("timer", after=self.rng.randint(60, 9_000_000), times=times)

    def trigger(self, kind: str) -> Trigger:
        return Trigger(kind, self.name(kind))

    def sub(self, around: _Around) -> Sub:
        return self.scoped(self.process(self.id("b"), around), around)

    def scoped(self, process: Process, around: _Around) -> Sub:
        """A sub-process with a body, with variables of its own and a way to be undone or without."""
        local = result = None
        if self.rng.random() < 0.4 and self.use("local"):
            name, of = self.id("w"), self.rng.choice(_GIVEN)
            local = name, Formula(f"{of} + 10", lambda seen: seen[of] + 10)
            result = self.variable("v"), name
        undoing = None
        if around.undoable and self.rng.random() < 0.25 and self.use("event sub compensation"):
            inside = _Around(around.depth + 1, terminable=False, undoable=False)
            undo: list[Block] = [Undo(self.id("U"))] if self.rng.random() < 0.6 else []
            undoing = Undoing(self.id("z"), Row([*self.sequence(inside, most=1).blocks, *undo, self.task("user")]))
        return Sub(process.id, process, local, result, undoing=undoing)

    def process(self, id: str, around: _Around, outcome: str = "", *, least: int = 1, most: int = 3) -> Process:
        """What lies in a scope."""
        beside = None
        inside = replace(around, joined=False, terminable=True)
        kinds = [k for k in ("timer", "cycle", "message", "signal", "error", "escalation") if f"event sub {k}" in CONSTRUCTS]
        if kinds and around.depth < 3 and self.rng.random() < 0.3:
            kind = self.rng.choice(kinds)
            self.use(f"event sub {kind}")
            trigger = self.timer(self.rng.randint(1, 3)) if kind == "cycle" else self.timer() if kind == "timer" else self.trigger(kind)
            interrupting = kind == "error" or (kind != "cycle" and self.rng.random() < 0.5)
            body = self.sequence(replace(inside, depth=around.depth + 1, terminable=False, undoable=False), most=2)
            beside = EventSub(self.id("z"), trigger, interrupting, body)
            if kind == "error":
                inside = replace(inside, errors=(trigger.name, *inside.errors))
            if kind == "escalation":
                inside = replace(inside, escalations=(trigger.name, *inside.escalations))
        return Process(id, self.sequence(inside, least=least, most=most, may_end=True), outcome, beside)

    def activity(self, around: _Around) -> Task | Sub:
        """A task or sub-process that is to run several times."""
        inside = replace(around, undoable=False)
        return self.sub(inside) if around.depth < 3 and self.rng.random() < 0.4 else self.task(self.rng.choice(["user", "job"]))

    def many(self, around: _Around, *, sequential: bool) -> Many:
        activity = self.activity(around)
        number = self.rng.randint(0, 3)
        count = Formula(str(number), lambda _: number)
        if self.rng.random() < 0.3:
            of = self.rng.choice(_GIVEN)
            count = Formula(f"(if {of} < 4 then {of} else 3)", lambda seen: min(seen[of], 3))
        result = None
        if isinstance(activity, Task) and self.rng.random() < 0.6:
            result = self.id("q")
            activity = replace(activity, names=(result, activity.names[0]))
            self.own.append(result)
        enough = self.rng.randint(1, 2) if self.rng.random() < 0.4 else None
        return Many(activity, sequential, count, self.id("n"), self.variable("v"), result, enough)

    def repeat(self, around: _Around) -> Repeat:
        maximum = self.rng.randint(1, 3)
        condition = self.formula()
        if self.rng.random() < 0.3:
            condition = Formula(f"loopCounter < {maximum}", lambda seen: seen["loopCounter"] < maximum)
        return Repeat(self.activity(around), condition, self.rng.random() < 0.5, maximum)

    def call(self, around: _Around) -> Call:
        return self.called_by(self.process(self.id("k"), around))

    def called_by(self, called: Process) -> Call:
        self.called.append(called)
        return Call(self.id("a"), called, (self.variable("v"), self.rng.choice(_GIVEN)) if self.rng.random() < 0.5 else None)

    def compensation(self, around: _Around) -> Row:
        blocks: list[Block] = [Undoable(self.task("user")) for _ in range(self.rng.randint(1, 3))]
        chosen = self.rng.choice(blocks)
        assert isinstance(chosen, Undoable)
        named = self.rng.random() < 0.3
        if not named and self.rng.random() < 0.6:
            blocks.insert(self.rng.randint(0, len(blocks)), self.undone_inside(around))
        return Row([*blocks, self.task("user"), Undo(self.id("U"), chosen.task.id if named else None)])

    def undone_inside(self, around: _Around) -> Sub | Call:
        """A sub-process or called process in which something can be undone."""
        body = Row([Undoable(self.task("user")) for _ in range(self.rng.randint(1, 2))])
        if self.rng.random() < 0.5 and self.use("call"):
            return self.called_by(Process(self.id("k"), body))
        return self.scoped(Process(self.id("b"), body), around)

    def guarded(self, around: _Around, deeper: _Around) -> Block:
        kinds = [k for k in ("timer", "cycle", "error", "escalation", "signal", "message") if f"boundary {k}" in CONSTRUCTS]
        chosen = self.rng.sample(kinds, self.rng.randint(1, min(2, len(kinds))))
        guards, errors, escalations = [], [], []
        for kind in chosen:
            self.use(f"boundary {kind}")
            trigger = self.timer(self.rng.randint(1, 3)) if kind == "cycle" else self.timer() if kind == "timer" else self.trigger(kind)
            interrupting = kind == "error" or (kind != "cycle" and self.rng.random() < 0.5)
            path = self.sequence(deeper if interrupting else replace(deeper, joined=False), most=2)
            back = interrupting and not path.ends and (around.joined or self.rng.random() < 0.6)
            guards.append(Guard(self.id("y"), trigger, interrupting, path, back, self.some()))
            if kind == "error":
                errors.append(trigger.name)
            if kind == "escalation":
                escalations.append(trigger.name)
        inside = replace(deeper, errors=(*errors, *around.errors), escalations=(*escalations, *around.escalations))
        activity: Block
        if around.depth < 2 and (escalations or self.rng.random() < 0.4) and self.use("sub"):
            activity = self.sub(inside)
        elif self.rng.random() < 0.25 and self.use("many parallel"):
            activity = self.many(inside, sequential=False)
        elif self.rng.random() < 0.15 and self.use("call"):
            activity = self.call(inside)
        elif errors and self.use("job"):
            activity = self.task("job", codes=tuple(errors))
        else:
            self.use("user")
            activity = self.task("user")
        return Guarded(self.id("m"), activity, guards)


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
    drawer = _Drawer(rng)
    process = drawer.process("main", _Around(0), "done", least=2, most=5)
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
