"""What somebody entitled does to a running case: skip, return, jump, re-open, another due time; also restored after every action."""

from __future__ import annotations

import datetime as dt

import pytest
from diagrams import (
    END,
    NOW,
    START,
    Play,
    both_ways,
    boundary,
    call,
    diagram,
    event_sub,
    flows,
    many,
    mapping,
    node,
    service,
    sub,
    timer,
    user,
    zeebe,
)

from engine import errors

__all__ = ["both_ways"]

ROW = (START, user("a"), user("b"), user("c"), END, flows("start > a", "a > b", "b > c", "c > end"))


def test_a_case_goes_back_to_an_earlier_step():
    """What waited is left; the step opens again as a new visit, and its values are kept."""
    play = Play(*ROW, boundary("t", "b", timer(duration="P1D")))
    play.done("a", x=1)
    advance = play.noted(play.execution.return_to("a", now=NOW))
    assert play.waits == "a" and play.instance("a") == "a#2" and play.values == {"x": 1}
    assert {x.element for x in advance.left} == {"b", "t"}
    for element in "abc":
        play.done(element)
    assert play.execution.finished


def test_only_one_branch_may_go_back():
    """The others stay as they are, and the join still waits for all."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("a2"), user("b"), node("parallelGateway", "j"), user("z"),
                flows("start > f", "f > a", "f > b", "a > a2", "a2 > j", "b > j", "j > z"))  # fmt: skip
    play.done("a")
    play.noted(play.execution.return_to("a", leaving=[play.instance("a2")], now=NOW))
    assert play.waits == "a b"
    for element in ("a", "a2", "b"):
        play.done(element)
    assert play.waits == "z"


def test_a_return_out_of_a_sub_process_ends_it():
    """A scope in which nothing is left is left, too, and its boundary events with it."""
    play = Play(START, user("a"), sub("p", node("startEvent", "ps"), user("b"), user("c"), flows("ps > b", "b > c")),
                boundary("t", "p", timer(duration="P1D")), user("late"), flows("start > a", "a > p", "t > late"))  # fmt: skip
    play.done("a")
    play.done("b")
    advance = play.noted(play.execution.return_to("b", now=NOW))
    assert play.waits == "b t" and [x.element for x in advance.left] == ["c"]
    play.noted(play.execution.return_to("a", leaving=[play.instance("b")], now=NOW))
    assert play.waits == "a"
    with pytest.raises(errors.FlowStuck, match="not running"):
        play.execution.return_to("c", now=NOW)


def test_a_return_after_an_interruption_arms_the_scope_again():
    """Its event sub-processes listen once more."""
    handler = event_sub("h", timer(duration="P1D"), user("x"), flows("h_start > x"))
    play = Play(*ROW, handler)
    play.fired("h_start")
    assert play.waits == "x"
    play.noted(play.execution.return_to("b", now=NOW))
    assert play.waits == "b h_start"


def test_a_jump_leaves_some_and_enters_others():
    """Forward, too, and to several places."""
    play = Play(*ROW)
    play.noted(play.execution.move(leaving=[play.instance("a")], entering=["b", "c"], now=NOW))
    assert play.waits == "b c"
    with pytest.raises(errors.NotFound):
        play.execution.move(leaving=["a#1"], entering=["b"], now=NOW)
    with pytest.raises(errors.NotFound):
        play.execution.return_to("nowhere", now=NOW)
    assert play.waits == "b c"


def test_a_jump_goes_nowhere_where_nothing_would_move_on():
    """Not into a sub-process that it leaves, and not to where branches meet, of which none would have come; nothing has changed then."""
    inner = sub("i", node("startEvent", "is"), user("b"), flows("is > b"))
    outer = sub("s", node("startEvent", "ss"), inner, flows("ss > i"))
    branches = flows("s > j", "p > s", "p > c", "c > j", "j > end")
    play = Play(START, node("parallelGateway", "p"), outer, user("c"), node("parallelGateway", "j"), END, flows("start > p"), branches)
    for leaving in ("s#1", "i#1"):
        with pytest.raises(errors.FlowStuck, match="is left; choose the sub-process itself"):
            play.execution.move(leaving=[leaving, "c#1"], entering=["b"], now=NOW)
    with pytest.raises(errors.FlowStuck, match="branches meet"):
        play.execution.move(leaving=["s#1"], entering=["j"], now=NOW)
    assert play.waits == "b c"
    play.noted(play.execution.move(leaving=["i#1"], entering=["i"], now=NOW))
    play.done("b")
    assert play.done("c").finished


def test_one_of_many_instances_goes_back_inside_its_own_body():
    """The instance that is left says which body is meant."""
    body = (node("startEvent", "ps"), user("b"), user("c"), flows("ps > b", "b > c"))
    play = Play(START, sub("p", *body, many(inputCollection="=[1, 2]", inputElement="i"), mapping({"own": "=i"})), flows("start > p"))
    play.noted(play.execution.complete("b#2", {}, now=NOW))
    play.noted(play.execution.return_to("b", leaving=["c#1"], now=NOW))
    assert play.waits == "b b" and play.execution.variables("b#3")["own"] == 2


def test_a_case_goes_back_inside_a_called_process():
    """Its elements are named with the process."""
    child = diagram(node("startEvent", "s"), user("a"), user("b"), flows("s > a", "a > b"), id="child")
    play = Play(START, call("c", "child"), user("z"), flows("start > c", "c > z"), files={"child.bpmn": child})
    play.done("child:a")
    play.noted(play.execution.return_to("child:a", now=NOW))
    assert play.waits == "child:a"


def test_what_waits_can_be_skipped():
    """A task, an operation and a timer are passed as if done; the values given are kept, no mapping is evaluated."""
    play = Play(START, user("a", mapping(outputs={"y": "=typed"})), service("s", mapping(outputs={"z": "=result.x"})),
                node("intermediateCatchEvent", "t", timer(duration="P1D")), user("end_"),
                flows("start > a", "a > s", "s > t", "t > end_"))  # fmt: skip
    for element in ("a", "s", "t"):
        play.noted(play.execution.skip(play.instance(element), {element: "skipped"}, now=NOW))
    assert play.waits == "end_" and play.values == {"a": "skipped", "s": "skipped", "t": "skipped"}
    with pytest.raises(errors.ValueRefused):
        play.execution.skip(play.instance("end_"), {"case": 1}, now=NOW)


def test_what_is_stuck_can_be_skipped():
    """A script that cannot be repaired, a sub-process whose outputs fail, an event beside a task."""
    script = node("scriptTask", "s", zeebe("script", expression="=missing + 1", resultVariable="r"))
    play = Play(START, script, user("a"), boundary("t", "a", timer(duration="=nothing")), user("z"), flows("start > s", "s > a", "t > z"))
    play.noted(play.execution.skip(play.instance("s"), {"r": 0}, now=NOW))
    assert play.waits == "a t" and play.values == {"r": 0}
    advance = play.noted(play.execution.skip(play.instance("t"), {}, now=NOW))
    assert play.waits == "a" and [x.element for x in advance.left] == ["t"]


def test_a_running_timer_gets_another_due_time():
    """A reminder's next time is reckoned from the new one."""
    play = Play(START, user("a"), boundary("t", "a", timer(cycle="R/P1D"), interrupting=False), user("r"), flows("start > a", "t > r"))
    later = NOW + dt.timedelta(days=10)
    advance = play.noted(play.execution.reschedule(play.instance("t"), later, now=NOW))
    assert not advance.scheduled
    play.now = later
    play.fired("t")
    assert play.seen.scheduled[-1].due == later + dt.timedelta(days=1)
    with pytest.raises(errors.NotFound):
        play.execution.reschedule(play.instance("a"), later, now=NOW)


def test_a_finished_case_goes_on():
    """At an element of its process; one that runs is not re-opened, and one that is over does not jump."""
    play = Play(*ROW)
    with pytest.raises(errors.FlowStuck):
        play.execution.reopen("b", now=NOW)
    for element in "abc":
        play.done(element, **{element: 1})
    with pytest.raises(errors.FlowStuck):
        play.execution.return_to("b", now=NOW)
    advance = play.noted(play.execution.reopen("c", now=NOW))
    assert play.waits == "c" and not advance.finished and play.values == {"a": 1, "b": 1, "c": 1}
    assert play.done("c").finished


@pytest.mark.parametrize("sequential", [False, True])
def test_an_instance_of_many_may_be_taken_elsewhere(sequential):
    """The others come to their end without it; where it was the only one, the whole is left."""
    each = many(inputCollection="=[1,2,3]", outputCollection="all", outputElement="=v", sequential=sequential)
    play = Play(START, user("m", each), user("o"), user("z"), flows("start > m", "m > z", "o > z"))
    play.done("m", v=1)
    play.noted(play.execution.move(leaving=["m#3" if sequential else "m#4"], entering=["o"], now=NOW))
    if sequential:
        assert play.waits == "o"
    else:
        assert play.waits == "m o"
        play.done("m", v=2)
        assert play.waits == "o z" and play.values["all"] == [1, 2, None]


def test_a_case_of_which_everything_is_left_is_over():
    """Nothing would ever move it again."""
    play = Play(*ROW)
    assert play.noted(play.execution.move(leaving=[play.instance("a")], entering=[], now=NOW)).finished


def test_an_event_behind_a_gateway_is_skipped_as_if_it_had_happened():
    """Else nothing would be left that could decide there."""
    play = Play(START, node("eventBasedGateway", "g"), node("intermediateCatchEvent", "late", timer(duration="=nobody knows")),
                node("intermediateCatchEvent", "soon", timer(duration="PT1H"), mapping({}, {"x": "=nobody"})), user("u"), user("v"),
                flows("start > g", "g > late", "g > soon", "late > u", "soon > v"))  # fmt: skip
    advance = play.noted(play.execution.skip(play.instance("soon"), {"y": 1}, now=NOW))
    assert play.waits == "v" and play.values == {"y": 1} and {x.element for x in advance.left} == {"late", "soon"}


def test_a_join_that_waited_in_vain_goes_on_once_nothing_is_in_its_way():
    """Two inclusive joins that wait for each other: the first is skipped, then the other can be tried again."""
    play = Play(START, node("inclusiveGateway", "f"), user("a"), user("b"), node("inclusiveGateway", "j"), node("inclusiveGateway", "k"),
                node("exclusiveGateway", "x", default="x_end"), node("exclusiveGateway", "y", default="y_end"), END,
                flows("start > f", "f > a: true", "f > b: true", "a > j", "b > k", "j > x", "k > y", "x > k: false", "y > j: false",
                      "x > end", "y > end"))  # fmt: skip
    play.done("a")
    assert [s.element for s in play.done("b").stuck] == ["j", "k"]
    play.noted(play.execution.skip(play.instance("j"), {}, now=NOW))
    assert play.retried("k").finished
