"""How tokens move by the rules of BPMN, one diagram per rule; each case also restored after every action."""

from __future__ import annotations

import pytest
from diagrams import END, NOW, START, Play, both_ways, boundary, event, flows, mapping, node, sub, timer, user, zeebe

from engine import errors

__all__ = ["both_ways"]


SUB = sub("p", node("startEvent", "ps"), user("a"), user("b"), node("endEvent", "pe"), flows("ps > a", "a > b", "b > pe"))


def test_a_row_of_tasks_opens_one_after_the_other():
    """A finished task opens the next; the last one finishes the case."""
    play = Play(START, user("a"), user("b"), END, flows("start > a", "a > b", "b > end"))
    assert play.waits == "a"
    assert play.last.opened[0].groups == ("hr",)
    advance = play.done("a", grade=5)
    assert [o.element for o in advance.opened] == ["b"] and not advance.finished
    advance = play.done("b")
    assert advance.finished and play.values == {"grade": 5}


def test_a_case_without_anybody_runs_through_at_once():
    """Manual and plain tasks wait for nobody."""
    play = Play(START, node("task", "t"), node("manualTask", "m"), END, flows("start > t", "t > m", "m > end"))
    assert play.last.finished and play.passed == "start t m end"


GATE = (START, user("a"), node("exclusiveGateway", "g", default="g_c"), user("b"), user("c"), END)
GATE_FLOWS = flows("start > a", "a > g", "g > b: n > 1", "g > c", "b > end", "c > end")


@pytest.mark.parametrize(("n", "expected"), [(2, "b"), (1, "c")])
def test_branches_exclusive_take_the_true_flow_or_the_default(n, expected):
    """条件 (branches): exactly one flow is taken, and it is written down which."""
    play = Play(*GATE, GATE_FLOWS)
    advance = play.done("a", n=n)
    assert play.waits == expected
    assert [p.detail for p in advance.passed if p.element == "g"] == [{"flows": [f"g_{expected}"]}]


def test_a_condition_that_fails_leaves_the_completion_standing():
    """The task stays done; the gateway is stuck until somebody gives the missing value."""
    play = Play(*GATE, GATE_FLOWS)
    advance = play.done("a")
    assert [(s.element, type(s.error)) for s in advance.stuck] == [("g", errors.FeelError)]
    assert play.waits == "g"
    with pytest.raises(errors.NotFound):
        play.execution.complete("a#1", {}, now=NOW)
    advance = play.retried("g")
    assert len(advance.stuck) == 1 and play.waits == "g"
    play.retried("g", n=3)
    assert play.waits == "b"


def test_a_gateway_without_a_true_flow_is_stuck():
    """No condition true and no default: an incident, never a silent end."""
    play = Play(START, node("exclusiveGateway", "g"), user("b"), user("c"), flows("start > g", "g > b: n > 1", "g > c: n > 2"), n=0)
    assert isinstance(play.last.stuck[0].error, errors.FlowStuck) and play.waits == "g"


@pytest.mark.parametrize("order", ["abc", "cba", "bac", "acb"])
def test_branches_in_parallel_are_all_waited_for(order):
    """并行 (branches): whatever the order of the branches, the join opens once, after the last."""
    tasks = [user(x) for x in "abc"]
    play = Play(START, node("parallelGateway", "f"), *tasks, node("parallelGateway", "j"), user("z"), END,
                flows("start > f", *(f"f > {x}" for x in "abc"), *(f"{x} > j" for x in "abc"), "j > z", "z > end"))  # fmt: skip
    for x in order:
        assert "z" not in play.waits
        play.done(x)
    assert play.waits == "z"
    assert play.done("z").finished


@pytest.mark.parametrize("rounds", ["ab", "ba"])
def test_a_parallel_join_in_a_loop_waits_in_every_round(rounds):
    """The branch of the first round does not count in the second, in either order."""
    play = Play(START, node("exclusiveGateway", "m"), node("parallelGateway", "f"), user("a"), user("b"), node("parallelGateway", "j"),
                user("z"), node("exclusiveGateway", "g", default="g_end"), END,
                flows("start > m", "m > f", "f > a", "f > b", "a > j", "b > j", "j > z", "z > g", "g > m: again", "g > end"))  # fmt: skip
    for _ in range(3):
        for first in rounds:
            assert first in play.waits
            play.done(first)
        assert play.waits == "z"
        play.done("z", again=True)
        assert play.waits == "a b"
        play.done("b")
        assert play.waits == "a"
        play.done("a")
        play.done("z", again=True)
    for first in rounds:
        play.done(first)
    assert play.done("z", again=False).finished


def test_a_join_keeps_a_second_token_of_the_same_flow_for_the_next_time():
    """Two tokens on one flow and one on the other make one passage; the spare token waits for its partner."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), user("c"), node("exclusiveGateway", "m"),
                node("parallelGateway", "j"),
                user("z"), flows("start > f", "f > a", "f > b", "f > c", "a > m", "b > m", "m > j", "c > j", "j > z"))  # fmt: skip
    play.done("a")
    play.done("b")
    assert play.waits == "c"
    play.done("c")
    assert play.waits == "z"
    advance = play.done("z")
    assert [s.element for s in advance.stuck] == ["j"], "the spare token can never be joined, and that is said"


@pytest.mark.parametrize(("n", "expected"), [(1, "a"), (2, "a b"), (0, "c")])
def test_branches_inclusive_take_every_true_flow(n, expected):
    """包容 (branches): the join waits for exactly the branches that were started."""
    play = Play(START, node("inclusiveGateway", "f", default="f_c"), user("a"), user("b"), user("c"), node("inclusiveGateway", "j"),
                user("z"),
                END, flows("start > f", "f > a: n > 0", "f > b: n > 1", "f > c", "a > j", "b > j", "c > j", "j > z", "z > end"),
                n=n)  # fmt: skip
    assert play.waits == expected
    for element in expected.split():
        assert "z" not in play.waits
        play.done(element)
    assert play.waits == "z"
    assert play.done("z").finished


def test_an_inclusive_join_waits_for_a_branch_that_may_still_turn_towards_it():
    """A token that can reach the join along a flow without token is waited for, even if it then goes elsewhere."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), node("exclusiveGateway", "x", default="x_end2"), user("c"),
                node("inclusiveGateway", "j"), user("z"), END, node("endEvent", "end2"),
                flows("start > f", "f > a", "f > b", "a > j", "b > x", "x > c: on", "x > end2", "c > j", "j > z", "z > end"))  # fmt: skip
    play.done("a")
    assert play.waits == "b"
    play.done("b", on=False)
    assert play.waits == "z"
    assert play.done("z").finished


def test_an_inclusive_join_does_not_wait_for_a_token_that_may_come_along_a_served_flow():
    """What can still reach the join the way another token already came need not come the other way (BPMN 2.0.2, 13.4.3)."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), node("exclusiveGateway", "x", default="x_m"),
                node("exclusiveGateway", "m"), user("c"), node("inclusiveGateway", "j"), user("z"),
                flows("start > f", "f > a", "f > b", "a > m", "m > j", "b > x", "x > m", "x > c: on", "c > j", "j > z"))  # fmt: skip
    play.done("a")
    assert play.waits == "b z"


@pytest.mark.parametrize(("k", "expected"), [(2, "b"), (3, "b d"), (0, "c")])
def test_conditional_flows_may_leave_a_task(k, expected):
    """Conditions on flows of a task work like an inclusive gateway, its default included."""
    play = Play(
        START, user("a", default="a_c"), user("b"), user("c"), user("d"), flows("start > a", "a > b: k > 1", "a > c", "a > d: k > 2")
    )
    play.done("a", k=k)
    assert play.waits == expected


def test_several_flows_leave_a_task_at_once():
    """Unconditional flows are taken together, beside a true conditional one."""
    play = Play(START, user("a"), user("b"), user("c"), user("d"), flows("start > a", "a > b", "a > c", "a > d: k > 2"))
    play.done("a", k=3)
    assert play.waits == "b c d"


def test_a_failing_condition_on_a_task_sticks_after_the_task():
    """The values are kept, the task is not done twice."""
    play = Play(START, user("a"), user("b"), user("c"), flows("start > a", "a > b: k > 1", "a > c: k < 2"))
    advance = play.done("a", other=1)
    assert [s.element for s in advance.stuck] == ["a"] and play.values == {"other": 1}
    with pytest.raises(errors.FlowStuck):
        play.done("a")
    play.retried("a", k=1)
    assert play.waits == "c" and [o.element for o in play.seen.opened] == ["a", "c"]


def test_a_loop_counts_its_rounds():
    """Each visit of an element is an instance of its own."""
    play = Play(
        START, user("a"), node("exclusiveGateway", "g", default="g_end"), END, flows("start > a", "a > g", "g > a: again", "g > end")
    )
    for _ in range(3):
        play.done("a", again=True)
    assert [(o.instance, o.activation) for o in play.seen.opened] == [("a#1", 1), ("a#2", 2), ("a#3", 3), ("a#4", 4)]
    assert play.done("a", again=False).finished


def test_an_endless_circle_of_automatic_elements_is_stopped():
    """It becomes an incident instead of a process that never answers."""
    play = Play(START, node("task", "t"), node("task", "u"), flows("start > t", "t > u", "u > t"))
    assert "circle" in play.last.stuck[0].error.message and len(play.waits.split()) == 1


def test_a_circle_through_a_timer_is_no_problem():
    """Task, timer, same task: nothing is foreseen without end."""
    play = Play(START, user("a"), node("intermediateCatchEvent", "t", timer(duration="P1D")), flows("start > a", "a > t", "t > a"))
    for _ in range(3):
        play.done("a")
        assert play.waits == "t"
        play.fired("t")
        assert play.waits == "a"


def test_link_events_join_two_halves():
    """Two throws lead to one catch."""
    throws = [node("intermediateThrowEvent", x, event("link", name="L")) for x in ("t1", "t2")]
    catch = node("intermediateCatchEvent", "l", event("link", name="L"))
    for n, throw in ((1, "t1"), (2, "t2")):
        play = Play(START, node("exclusiveGateway", "g", default="g_t2"), *throws, catch, user("b"),
                    flows("start > g", "g > t1: n = 1", "g > t2", "l > b"), n=n)  # fmt: skip
        assert play.waits == "b" and play.passed == f"start g {throw} l"


def test_a_terminate_end_event_ends_its_scope():
    """At the top it ends the case, inside a sub-process only that."""
    stop = node("endEvent", "stop", event("terminate"), zeebe("properties", zeebe("property", name="wf.outcome", value="rejected")))
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), stop, flows("start > f", "f > a", "f > b", "a > stop"))
    advance = play.done("a")
    assert advance.finished and advance.outcome == "rejected" and [(x.element, x.by) for x in advance.left] == [("b", "stop")]
    inside = sub("p", node("startEvent", "ps"), node("parallelGateway", "f"), user("a"), user("b"), node("endEvent", "stop",
                event("terminate")),
                 flows("ps > f", "f > a", "f > b", "a > stop"))  # fmt: skip
    play = Play(START, inside, user("z"), flows("start > p", "p > z"))
    advance = play.done("a")
    assert play.waits == "z" and [x.element for x in advance.left] == ["b"]


def test_the_outcome_is_that_of_the_end_that_finished_the_case():
    """An earlier end of another branch does not count."""
    ends = [node("endEvent", f"e{x}", zeebe("properties", zeebe("property", name="wf.outcome", value=x))) for x in "ab"]
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), *ends, flows("start > f", "f > a", "f > b", "a > ea", "b > eb"))
    assert play.done("b").outcome is None
    assert play.done("a").outcome == "a"


def test_a_cancelled_case_leaves_everything():
    """Nothing waits afterwards, and nothing can be done any more."""
    play = Play(START, node("parallelGateway", "f"), user("a"), SUB.replace('"a"', '"pa"').replace("ps_a", "ps_pa").replace('"a_b"',
                '"pa_b"'),
                boundary("t", "a", timer(duration="P1D")), user("x"), flows("start > f", "f > a", "f > p", "t > x"))  # fmt: skip
    advance = play.noted(play.execution.cancel(now=NOW))
    assert advance.finished and {x.element for x in advance.left} == {"a", "pa", "t"} and play.waits == ""
    with pytest.raises(errors.NotFound):
        play.execution.complete("a#1", {}, now=NOW)


def test_an_instance_that_is_not_open_is_not_found():
    """The second of two completions gets a true answer."""
    play = Play(START, user("a"), user("b"), flows("start > a", "a > b"))
    play.done("a")
    with pytest.raises(errors.NotFound):
        play.execution.complete("a#1", {}, now=NOW)


def test_corrected_variables_are_written_down():
    """A person's correction goes to the process scope."""
    play = Play(START, user("a"), flows("start > a"), n=1)
    advance = play.noted(play.execution.set_variables({"n": 2}, now=NOW))
    assert [(w.name, w.element) for w in advance.written] == [("n", "process")] and play.values == {"n": 2}


def test_whatever_has_mappings_evaluates_them():
    """Plain tasks and events, too: outputs see the inputs, which are local."""
    maps = mapping({"x": "=n + 1"}, {"y": "=x", "n": "=x"})
    named = '<bpmn:signal id="S" name="news"/>'
    for kind in (node("task", "t", maps), node("manualTask", "t", maps), node("intermediateThrowEvent", "t", maps),
                 node("intermediateThrowEvent", "t", maps, event("signal", signalRef="S")),
                 node("intermediateThrowEvent", "t", maps, event("compensate"))):  # fmt: skip
        play = Play(START, kind, END, flows("start > t", "t > end"), named=named, n=1)
        assert play.last.finished and play.values == {"n": 2, "y": 2}


def test_elements_may_be_called_what_they_like():
    """Also as SpiffWorkflow calls steps of its own."""
    play = Play(node("startEvent", "Start"), user("End"), user("Root"), flows("Start > End", "End > Root"))
    play.done("End")
    assert not play.execution.finished and play.done("Root").finished
