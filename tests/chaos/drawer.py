"""A random diagram, drawn block by block."""

from __future__ import annotations

import operator
import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from .activities import Call, Many, Repeat, Undo, Undoable, Undoing
from .blocks import Block, Decision, Exclusive, Formula, Loop, Parallel, Plain, Raise, Row, Script, Task
from .scopes import Catch, End, EventSub, Guard, Guarded, Process, Race, Sub, Throw, Trigger

#: What the diagrams are made of.
CONSTRUCTS = frozenset(
    (
        *("user", "job", "script", "decision", "plain", "link", "exclusive", "parallel", "inclusive", "race", "loop", "sub", "local"),
        *("catch timer", "catch signal", "throw signal", "throw escalation", "end error", "terminate", "ending branch"),
        *(f"boundary {kind}" for kind in ("timer", "cycle", "error", "escalation", "signal", "message", "conditional")),
        *(f"event sub {kind}" for kind in ("timer", "cycle", "message", "signal", "error", "escalation", "conditional")),
        *("catch message", "many parallel", "many sequential", "repeat", "call", "compensation", "event sub compensation"),
    )
)
_GIVEN = ("x", "y", "z")
_SIGNS = {"<": operator.lt, ">": operator.gt, "=": operator.eq, "<=": operator.le}


@dataclass
class Around:
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
    #: variables of conditions that are waited for
    raises: tuple[str, ...] = ()


class Drawer:
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

    def sequence(self, around: Around, *, least: int = 1, most: int = 3, may_end: bool = False) -> Row:
        """`may_end`: the last block may be an end event of its own."""
        blocks = [self.block(around) for _ in range(self.rng.randint(least, most))]
        if may_end and self.rng.random() < 0.25:
            blocks += self.ending(around)
        # What ends early ends the row.
        for i, block in enumerate(blocks):
            if block.ends:
                return Row(blocks[: i + 1])
        return Row(blocks)

    def ending(self, around: Around) -> list[Block]:
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

    def block(self, around: Around) -> Block:
        kinds = ["user"] * 5 + ["job"] * 3 + ["script"] * 3 + ["decision", "plain", "link", "catch timer", "throw signal", "catch message"]
        kinds += ["throw escalation"] * (6 if around.escalations else 0)
        kinds += ["raise"] * (12 if around.raises else 0)
        if around.depth < 3:
            kinds += ["exclusive"] * 3 + ["parallel"] * 3 + ["inclusive"] * 2 + ["race"] * 2 + ["loop"] * 2 + ["sub"] * 3 + ["guarded"] * 5
            kinds += ["many parallel"] * 3 + ["many sequential"] * 2 + ["repeat"] * 2 + ["call"] * 2
            kinds += ["compensation"] * (2 if around.undoable else 0)
        kind = self.rng.choice([kind for kind in kinds if kind in CONSTRUCTS or kind in ("guarded", "raise")])
        if kind not in ("guarded", "raise"):
            self.use(kind)
        deeper = replace(around, depth=around.depth + 1)
        free = not around.joined
        match kind:
            case "user" | "job":
                return self.task(kind)
            case "raise":
                return self.raising(around.raises)
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

    def raising(self, names: tuple[str, ...]) -> Raise:
        return Raise(self.id("u"), "user", (self.rng.choice(names),))

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
        if kind == "conditional":
            return Trigger(kind, self.variable("c"), after=self.rng.randint(1, 3))
        return Trigger(kind, self.name(kind))

    def sub(self, around: Around) -> Sub:
        return self.scoped(self.process(self.id("b"), around), around)

    def scoped(self, process: Process, around: Around) -> Sub:
        """A sub-process with a body, with variables of its own and a way to be undone or without."""
        local = result = None
        if self.rng.random() < 0.4 and self.use("local"):
            name, of = self.id("w"), self.rng.choice(_GIVEN)
            local = name, Formula(f"{of} + 10", lambda seen: seen[of] + 10)
            result = self.variable("v"), name
        undoing = None
        if around.undoable and self.rng.random() < 0.25 and self.use("event sub compensation"):
            inside = Around(around.depth + 1, terminable=False, undoable=False)
            undo: list[Block] = [Undo(self.id("U"))] if self.rng.random() < 0.6 else []
            undoing = Undoing(self.id("z"), Row([*self.sequence(inside, most=1).blocks, *undo, self.task("user")]))
        return Sub(process.id, process, local, result, undoing=undoing)

    def process(self, id: str, around: Around, outcome: str = "", *, least: int = 1, most: int = 3) -> Process:
        """What lies in a scope."""
        beside = None
        inside = replace(around, joined=False, terminable=True)
        kinds = [k for k in ("timer", "cycle", "message", "signal", "error", "escalation", "conditional") if f"event sub {k}" in CONSTRUCTS]
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
            if kind == "conditional":
                inside = replace(inside, raises=(trigger.name, *inside.raises))
        bare = not outcome and self.rng.random() < 0.3
        return Process(id, self.sequence(inside, least=least, most=most, may_end=True), outcome, beside, bare)

    def activity(self, around: Around) -> Task | Sub:
        """A task or sub-process that is to run several times."""
        inside = replace(around, undoable=False)
        return self.sub(inside) if around.depth < 3 and self.rng.random() < 0.4 else self.task(self.rng.choice(["user", "job"]))

    def many(self, around: Around, *, sequential: bool) -> Many:
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

    def repeat(self, around: Around) -> Repeat:
        maximum = self.rng.randint(1, 3)
        condition = self.formula()
        if self.rng.random() < 0.3:
            condition = Formula(f"loopCounter < {maximum}", lambda seen: seen["loopCounter"] < maximum)
        return Repeat(self.activity(around), condition, self.rng.random() < 0.5, maximum)

    def call(self, around: Around) -> Call:
        return self.called_by(self.process(self.id("k"), around))

    def called_by(self, called: Process) -> Call:
        self.called.append(called)
        return Call(self.id("a"), called, (self.variable("v"), self.rng.choice(_GIVEN)) if self.rng.random() < 0.5 else None)

    def compensation(self, around: Around) -> Row:
        blocks: list[Block] = [Undoable(self.task("user")) for _ in range(self.rng.randint(1, 3))]
        chosen = self.rng.choice(blocks)
        assert isinstance(chosen, Undoable)
        named = self.rng.random() < 0.3
        if not named and self.rng.random() < 0.6:
            blocks.insert(self.rng.randint(0, len(blocks)), self.undone_inside(around))
        return Row([*blocks, self.task("user"), Undo(self.id("U"), chosen.task.id if named else None)])

    def undone_inside(self, around: Around) -> Sub | Call:
        """A sub-process or called process in which something can be undone."""
        body = Row([Undoable(self.task("user")) for _ in range(self.rng.randint(1, 2))])
        if self.rng.random() < 0.5 and self.use("call"):
            return self.called_by(Process(self.id("k"), body))
        return self.scoped(Process(self.id("b"), body), around)

    def guarded(self, around: Around, deeper: Around) -> Block:
        kinds = [k for k in ("timer", "cycle", "error", "escalation", "signal", "message", "conditional") if f"boundary {k}" in CONSTRUCTS]
        chosen = self.rng.sample(kinds, self.rng.randint(1, min(2, len(kinds))))
        guards, errors, escalations, raises = [], [], [], []
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
            if kind == "conditional":
                raises.append(trigger.name)
        inside = replace(
            deeper,
            errors=(*errors, *around.errors),
            escalations=(*escalations, *around.escalations),
            raises=(*raises, *around.raises),
        )
        activity: Block
        if around.depth < 2 and (escalations or self.rng.random() < (0.7 if raises else 0.4)) and self.use("sub"):
            activity = self.sub(inside)
        elif self.rng.random() < 0.25 and self.use("many parallel"):
            activity = self.many(inside, sequential=False)
        elif self.rng.random() < 0.15 and self.use("call"):
            activity = self.call(inside)
        elif raises:
            activity = self.raising(tuple(raises))
        elif errors and self.use("job"):
            activity = self.task("job", codes=tuple(errors))
        else:
            self.use("user")
            activity = self.task("user")
        return Guarded(self.id("m"), activity, guards)
