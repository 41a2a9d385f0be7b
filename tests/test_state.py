"""What is stored of a case: small, the same for the same inputs, and enough to go on from anywhere."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import orjson
import pytest
from diagrams import END, NOW, START, Play, diagram, event, flows, mapping, node, service, timer, user
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import errors
from engine.bpmn import state
from engine.bpmn.advance import Advance
from engine.bpmn.program import Program
from engine.bpmn.state import LiveCases

SIX = [f"t{i}" for i in range(6)]
ROW = (START, *(user(t) for t in SIX), END, flows(*(f"{a} > {b}" for a, b in zip(["start", *SIX], [*SIX, "end"], strict=True))))


def test_the_state_holds_no_diagram_and_nothing_foreseen():
    """A row of 200 tasks is stored in as few bytes as a row of two."""
    many = [f"t{i}" for i in range(200)]
    row = (
        START,
        *(user(t) for t in many),
        END,
        flows(*(f"{a} > {b}" for a, b in zip(["start", *many], [*many, "end"], strict=True))),
    )
    long, short = Play(*row), Play(*ROW)
    assert abs(len(long.execution.dump()) - len(short.execution.dump())) < 20
    assert len(long.execution.dump()) < 200


def test_a_long_loop_stays_small():
    """The state of lap 200 has the size of lap 1, but for the digits of the counters."""
    play = Play(
        START,
        user("a"),
        node("exclusiveGateway", "g", default="g_end"),
        END,
        flows("start > a", "a > g", "g > a: again", "g > end"),
    )
    sizes = []
    for _ in range(200):
        play.done("a", again=True)
        sizes.append(len(play.execution.dump()))
    assert max(sizes) - min(sizes) < 20 and len(play.execution._tokens.workflow.tasks) < 5


def test_bodies_of_finished_sub_processes_go():
    """A sub-process in a loop keeps one body, not one per round."""
    body = node("subProcess", "p", user("a"))
    play = Play(START, body, node("exclusiveGateway", "g", default="g_end"), END, flows("start > p", "p > g", "g > p: again", "g > end"))
    sizes = {len(play.done("a", again=True).opened) * len(play.execution._tokens.workflow.subprocesses) for _ in range(20)}
    assert sizes == {1}


def test_a_hundred_reminders_leave_nothing_behind():
    """Neither the fired events nor their branches stay in the state of a task that waits for long."""
    play = Play(
        START,
        user("a"),
        node("boundaryEvent", "t", timer(cycle="R/P1D"), attachedToRef="a", cancelActivity="false"),
        node("task", "remind"),
        flows("start > a", "t > remind"),
    )
    sizes = []
    for _ in range(100):
        play.fired("t")
        sizes.append(len(list(state.tokens(play.execution._tokens.workflow))))
    assert len(set(sizes)) == 1 and play.waits == "a t"


def test_what_was_local_goes_with_its_element():
    """An interrupted task or sub-process takes its inputs with it."""
    inside = node("subProcess", "p", mapping({"y": "=2"}), user("b", mapping({"z": "=3"})))
    for host in (user("p", mapping({"x": "=1"})), inside):
        late = node("boundaryEvent", "t", timer(duration="P1D"), attachedToRef="p")
        play = Play(START, host, late, user("c"), flows("start > p", "t > c"), restored=True)
        play.fired("t")
        assert play.waits == "c" and len(play.execution._tokens.scopes.tree) == 1


def test_the_same_inputs_give_the_same_bytes():
    """Nothing random and no clock is in the state, whether the case stayed in memory or not."""
    states = []
    for restored in (False, True, False):
        play = Play(*ROW, restored=restored, n=1)
        states.append([play.execution.dump(), *(play.done(t, value=t) and play.execution.dump() for t in SIX)])
    assert states[0] == states[1] == states[2] and len(set(states[0])) == 7


def test_a_finished_case_can_still_be_read():
    """Its variables are there; nothing can happen to it any more."""
    play = Play(*ROW, restored=True)
    for t in SIX:
        play.done(t, **{t: "approved"})
    assert play.execution.finished and play.values == dict.fromkeys(SIX, "approved")


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"pickle",
        b"partwell-case 99 3.2.0\nxyz",
        state.HEADER + b"not compressed",
        state.HEADER + zlib.compress(b"{}"),
        state.HEADER + zlib.compress(orjson.dumps([False, [{}, [["nowhere", {}]]], [{}, [0, {}]]])),
    ],
)
def test_a_state_that_is_not_ours_is_refused(damaged):
    """Other formats and damaged bytes give an error that says so, never a half-restored case."""
    with pytest.raises(errors.StateUnreadable):
        Program({"test.bpmn": diagram(*ROW)}, version="1").restore(damaged)


def test_the_header_names_format_and_release():
    """So that a later release knows what it has before it."""
    assert Play(*ROW).execution.dump().startswith(b"partwell-case 2 3.2.0\n")


def test_live_cases_are_given_out_once_and_only_if_current():
    """Another revision, or a case that somebody else has taken, is not there; the oldest make room."""
    live, execution = LiveCases(2), Play(*ROW).execution
    live.put("1", 5, execution)
    assert live.take("1", 4) is None and live.take("1", 5) is None, "an outdated case is dropped"
    live.put("1", 5, execution)
    assert live.take("1", 5) is execution and live.take("1", 5) is None
    for case in "123":
        live.put(case, 1, execution)
    assert live.take("1", 1) is None and live.take("2", 1) is execution and live.take("3", 1) is execution


# --- the law: restoring changes nothing


class Drawn:
    """A random block-structured process, as text."""

    def __init__(self) -> None:
        self.body: list[str] = []
        self.flows: list[str] = []
        self.count = 0

    def new(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"


def block(data, drawn: Drawn, depth: int) -> tuple[str, str]:
    """Draws a block; returns its first and last element."""
    kinds = ["task"] if depth == 0 else ["task", "row", "row", "and", "or", "loop", "sub", "guarded", "watched", "job"]
    kind = data.draw(st.sampled_from(kinds))
    if kind == "row":
        first, middle = block(data, drawn, depth - 1)
        second, last = block(data, drawn, depth - 1)
        drawn.flows.append(f"{middle} > {second}")
        return first, last
    if kind in ("and", "or"):
        gateway = "parallelGateway" if kind == "and" else "inclusiveGateway"
        fork, join = drawn.new("fork"), drawn.new("join")
        branches = [block(data, drawn, depth - 1) for _ in range(2)]
        default = {"default": f"{fork}_{branches[0][0]}"} if kind == "or" else {}
        drawn.body += [node(gateway, fork, **default), node(gateway, join)]
        for number, (first, last) in enumerate(branches):
            drawn.flows += [f"{fork} > {first}" + (": choice >= 1" if kind == "or" and number else ""), f"{last} > {join}"]
        return fork, join
    if kind == "loop":
        merge, split = drawn.new("merge"), drawn.new("split")
        first, last = block(data, drawn, depth - 1)
        drawn.body += [
            node("exclusiveGateway", merge),
            node("exclusiveGateway", split, default=f"{split}_x{split}"),
            node("task", f"x{split}"),
        ]
        drawn.flows += [f"{merge} > {first}", f"{last} > {split}", f"{split} > {merge}: choice = 0", f"{split} > x{split}"]
        return merge, f"x{split}"
    if kind in ("sub", "guarded", "watched"):
        inner = Drawn()
        inner.count = drawn.count + 100 * (depth + 1)
        host = drawn.new("host")
        if kind == "sub" or data.draw(st.booleans()):
            begin = inner.new("begin")
            inner.flows.append(f"{begin} > {block(data, inner, depth - 1)[0]}")
            drawn.body.append(node("subProcess", host, node("startEvent", begin), *inner.body, flows(*inner.flows)))
        else:
            drawn.body.append(user(host))
        drawn.count = max(drawn.count, inner.count)
        if kind == "sub":
            return host, host
        late, merge, tick = drawn.new("late"), drawn.new("merge"), drawn.new("tick")
        stop = kind == "guarded"
        time = timer(duration="P1D") if stop else timer(cycle="R3/P1D")
        drawn.body += [user(late), node("exclusiveGateway", merge)]
        drawn.body.append(node("boundaryEvent", tick, time, attachedToRef=host, cancelActivity=str(stop).lower()))
        drawn.flows += [f"{host} > {merge}", f"{tick} > {late}"] + ([f"{late} > {merge}"] if stop else [])
        return host, merge
    name = drawn.new("job" if kind == "job" else "task")
    drawn.body.append(service(name) if kind == "job" else user(name))
    return name, name


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_live_and_restored_cases_go_the_same_way(data):
    """Over random diagrams and actions: the same work waits, the same happens, the same bytes are stored."""
    drawn = Drawn()
    first, last = block(data, drawn, 3)
    body = [START, END, *drawn.body, flows(f"start > {first}", *drawn.flows, f"{last} > end")]
    program = Program({"test.bpmn": diagram(*body)}, version="1")
    live, begun = program.start({"choice": 0}, now=NOW)
    kept = program.restore(live.dump())
    done = len(begun.opened)
    for _ in range(data.draw(st.integers(0, 25))):
        waiting = live.waiting()
        if not waiting:
            break
        instance, element = waiting[data.draw(st.integers(0, len(waiting) - 1))]
        choice = {"choice": data.draw(st.sampled_from([0, 1, 1]))}
        how = {"userTask": "complete", "serviceTask": "answer"}.get(element.kind, "fire")

        def act(execution, instance=instance, choice=choice, how=how):
            given = [] if how == "fire" else [choice]
            return getattr(execution, how)(instance, *given, now=NOW)

        advance = act(live)
        assert not advance.stuck
        assert act(kept) == advance, "the restored case does the same"
        assert kept.dump() == live.dump()
        kept = program.restore(kept.dump())
        done += len(advance.opened)
    assert live.finished == (not live.waiting()), "a block-structured case never comes to a standstill"
    assert len(live._tokens.workflow.tasks) <= 4 * (len(live.waiting()) + 2), "the tree holds what waits, not what was"


def test_an_error_boundary_event_survives_storage():
    """Events that only wait for the diagram itself are armed again after a restore."""
    body = (
        START,
        service("s"),
        user("a"),
        node("boundaryEvent", "e", event("error"), attachedToRef="s"),
        flows("start > s", "e > a"),
    )
    play = Play(*body, restored=True)
    play.failed("s", "X")
    assert play.waits == "a"


def test_the_same_inputs_give_the_same_bytes_in_every_process():
    """Also where names come out of sets: another process, with other hashes, stores the same case the same way."""
    play = (
        "from diagrams import *\n"
        "given = dict(inputCollection='=[1, 2]', inputElement='i', outputCollection='all', outputElement='={a: aa, b: bb, c: cc}')\n"
        "child = diagram(node('startEvent', 's'), user('b'), flows('s > b'), id='child')\n"
        "calls = call('c', 'child', propagateAllParentVariables='false')\n"
        "body = (START, node('parallelGateway', 'f'), user('a', many(**given)), calls, flows('start > f', 'f > a', 'f > c'))\n"
        "known = dict(subject={'id': '1'}, initiator={'id': '2'}, case={'id': '3'})\n"
        "case = Play(*body, files={'child.bpmn': child}, **known)\n"
        "case.done('a', aa=1, bb=2, cc=3)\n"
        "print(case.execution.dump().hex())"
    )
    states = set()
    for seed in "12":
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", play], cwd=Path(__file__).parent, env=env, capture_output=True, text=True, check=True)
        states.add(done.stdout)
    assert len(states) == 1


FIRST = json.loads((Path(__file__).parent / "data" / "states-of-format-1.json").read_text())


@pytest.mark.parametrize("name", FIRST)
def test_a_state_of_the_first_format_goes_on(name):
    """The same waits, by the same instances; what happens next happens as it would have, and is stored in the present format."""
    given = FIRST[name]
    program = Program({"test.bpmn": given["diagram"].encode()}, version="1")
    execution = program.restore(base64.b64decode(given["state"]))
    assert [[instance, element.id] for instance, element in execution.waiting()] == given["waiting"]
    play = Play.__new__(Play)
    play.program, play.execution, play.now, play.restored, play.seen = program, execution, NOW, True, Advance()
    for act, element, *more in given["acts"]:
        getattr(play, act)(element, *[value for value in more if isinstance(value, str)], **(more[0] if act == "retried" else {}))
    assert play.waits == given["then"] and play.execution.dump().startswith(state.HEADER)
