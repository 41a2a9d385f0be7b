"""Boundary events, errors, escalations, signals, sub-processes; each case also restored after every action."""

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
    condition,
    event,
    event_sub,
    flows,
    many,
    mapping,
    node,
    service,
    sub,
    timer,
    user,
)

from engine import errors

__all__ = ["both_ways"]


def test_an_interrupting_timer_ends_the_task():
    """The task is left by the timer's doing; the other way round the timer is left."""
    body = (START, user("a"), user("b"), user("late"), boundary("t", "a", timer(duration="P3D")), flows("start > a", "a > b", "t > late"))
    play = Play(*body)
    assert play.waits == "a t"
    advance = play.fired("t")
    assert play.waits == "late" and [(x.element, x.by) for x in advance.left] == [("a", "t")]
    play = Play(*body)
    advance = play.done("a")
    assert play.waits == "b" and [(x.element, x.by) for x in advance.left] == [("t", "a")]


def test_a_repeating_reminder_leaves_the_task_open():
    """R3: three reminders at regular times, then silence; each runs its own branch."""
    play = Play(START, user("a"), node("task", "remind"), node("endEvent", "e2"), END,
                boundary("t", "a", timer(cycle="R3/PT24H"), interrupting=False),
                flows("start > a", "a > end", "t > remind", "remind > e2"))  # fmt: skip
    for day in (1, 2, 3):
        assert play.seen.scheduled[-1].due == NOW + dt.timedelta(days=day)
        play.now = NOW + dt.timedelta(days=day, minutes=5)
        play.fired("t")
    assert play.waits == "a" and play.passed.count("remind") == 3
    assert [s.activation for s in play.seen.scheduled] == [1, 2, 3]
    assert play.done("a").finished


def test_missed_repetitions_are_not_made_up_for():
    """After a week of standstill there is one reminder, and the next one interval later."""
    play = Play(
        START, user("a"), boundary("t", "a", timer(cycle="R/P1D"), interrupting=False), node("task", "r"), flows("start > a", "t > r")
    )
    play.now = NOW + dt.timedelta(days=7, hours=1)
    play.fired("t")
    assert play.seen.scheduled[-1].due == play.now + dt.timedelta(days=1)


def test_branches_of_reminders_outlive_the_task():
    """What a non-interrupting event started goes on when the task is done."""
    play = Play(START, user("a"), user("b"), user("ask"), END, boundary("t", "a", timer(cycle="R/P1D"), interrupting=False),
                flows("start > a", "a > b", "t > ask", "b > end"))  # fmt: skip
    play.fired("t")
    play.fired("t")
    assert play.waits == "a ask ask t"
    play.done("a")
    assert play.waits == "ask ask b"
    play.done("ask")
    play.done("b")
    assert play.waits == "ask" and play.done("ask").finished


def test_a_task_with_a_boundary_event_in_a_loop():
    """Each round has its own timer; an old one cannot fire."""
    play = Play(START, user("a"), node("exclusiveGateway", "g", default="g_end"), END, user("late"), boundary("t", "a",
                timer(duration="P3D")),
                flows("start > a", "a > g", "g > a: again", "g > end", "t > late", "late > a"))  # fmt: skip
    play.done("a", again=True)
    assert play.waits == "a t" and play.instance("t") == "t#2"
    with pytest.raises(errors.NotFound):
        play.execution.fire("t#1", now=NOW)
    play.fired("t")
    assert play.waits == "late"
    play.done("late")
    assert play.waits == "a t"
    play.fired("t")
    play.done("late")
    assert play.done("a", again=False).finished


NAMED = (
    '<bpmn:error id="E" name="系统故障" errorCode="DOWN"/><bpmn:escalation id="X" name="升级" escalationCode="UP"/>'
    '<bpmn:signal id="G" name="stop"/>'
)


def test_an_error_of_an_operation_goes_to_its_boundary_event():
    """By code; one that catches all takes the rest, whichever is drawn first; without a catcher nothing happens."""
    one, rest = boundary("e1", "s", event("error", errorRef="E")), boundary("e2", "s", event("error"))
    for events in ((one, rest), (rest, one)):
        body = (START, service("s"), user("known"), user("other"), *events, flows("start > s", "e1 > known", "e2 > other"))
        play = Play(*body, named=NAMED)
        advance = play.failed("s", "DOWN")
        assert play.waits == "known" and [(x.element, x.by) for x in advance.left] == [("s", "e1")]
        play = Play(*body, named=NAMED)
        play.failed("s", "ELSE")
        assert play.waits == "other"
    play = Play(START, service("s"), user("known"), one, flows("start > s", "e1 > known"), named=NAMED)
    assert play.failed("s", "ELSE") is None and play.waits == "s"


def test_what_an_error_says_can_be_kept():
    """The boundary event's output mapping sees code and message."""
    play = Play(START, service("s"), user("a"), boundary("e", "s", event("error"),
                mapping(outputs={"why": '=errorCode + ": " + errorMessage'})),
                flows("start > s", "e > a"))  # fmt: skip
    play.failed("s", "DOWN")
    assert play.values == {"why": "DOWN: said so"}


SUB = sub("p", node("startEvent", "ps"), user("a"), user("b"), node("endEvent", "pe"), flows("ps > a", "a > b", "b > pe"))


def test_a_sub_process_is_a_step_of_its_own():
    """Its body runs to the end, then the flow behind it goes on; variables are the case's."""
    play = Play(START, SUB, user("z"), END, flows("start > p", "p > z", "z > end"))
    play.done("a", v=1)
    play.done("b")
    assert play.waits == "z" and play.values == {"v": 1}
    assert play.passed == "start ps pe p"
    assert play.done("z").finished


def test_a_sub_process_without_events_begins_where_nothing_leads_to():
    """Missing start and end events are as if drawn."""
    play = Play(START, sub("p", user("a"), user("b"), user("c"), flows("a > b")), user("z"), flows("start > p", "p > z"))
    assert play.waits == "a c"
    for x in "acb":
        play.done(x)
    assert play.waits == "z"


def test_a_sub_process_has_its_own_inputs():
    """They are local; its outputs leave it."""
    play = Play(START, sub("p", mapping({"x": "=n * 2"}, {"y": "=x + 1"}), user("a", mapping({"seen": "=x"})), user("b"), flows("a > b")),
                user("z"), flows("start > p", "p > z"), n=4)  # fmt: skip
    assert play.last.opened[0].inputs == {"seen": 8}
    play.done("a")
    play.done("b", x=10)
    assert play.values == {"n": 4, "y": 11}


def test_a_timer_on_a_sub_process_ends_all_of_it():
    """Nested scopes, too: everything inside is left."""
    inner = sub("q", user("c"), boundary("tc", "c", timer(duration="P1D")), user("lc"), flows("tc > lc"))
    play = Play(START, sub("p", node("startEvent", "ps"), node("parallelGateway", "f"), user("a"), inner, flows("ps > f", "f > a",
                "f > q")),
                boundary("t", "p", timer(duration="P3D")), user("late"), END, flows("start > p", "t > late", "late > end",
                "p > end"))  # fmt: skip
    assert play.waits == "a c t tc"
    advance = play.fired("t")
    assert play.waits == "late" and {(x.element, x.by) for x in advance.left} == {("a", "t"), ("c", "t"), ("tc", "t")}
    assert play.done("late").finished


def test_a_sub_process_in_a_loop():
    """Its body starts anew in every round."""
    play = Play(START, SUB, node("exclusiveGateway", "g", default="g_end"), END, flows("start > p", "p > g", "g > p: again", "g > end"))
    for again in (True, True, False):
        play.done("a", again=again)
        advance = play.done("b")
    assert advance.finished and [o.instance for o in play.seen.opened] == ["a#1", "b#1", "a#2", "b#2", "a#3", "b#3"]


def test_an_error_end_event_goes_outwards_to_the_nearest_catcher():
    """Over a scope that does not catch it, and ends everything inside the one that does."""
    fail = node("endEvent", "fail", event("error", errorRef="E"))
    inner = sub("q", node("startEvent", "qs"), user("c"), fail, flows("qs > c", "c > fail"))
    play = Play(START, sub("p", node("startEvent", "ps"), node("parallelGateway", "f"), user("a"), inner, flows("ps > f", "f > a",
                "f > q")),
                boundary("e", "p", event("error", errorRef="E")), user("repair"), flows("start > p", "e > repair"),
                named=NAMED)  # fmt: skip
    advance = play.done("c")
    assert play.waits == "repair" and [(x.element, x.by) for x in advance.left] == [("a", "e")]
    assert "fail" in play.passed


def test_an_error_nobody_catches_is_stuck():
    """It never ends the case silently."""
    play = Play(START, user("a"), node("endEvent", "fail", event("error", errorRef="E")), flows("start > a", "a > fail"), named=NAMED)
    advance = play.done("a")
    assert "catches" in advance.stuck[0].error.message and not advance.finished
    assert len(play.retried("fail").stuck) == 1


def test_a_job_error_leaves_the_sub_process():
    """An operation's error goes to the boundary event of an enclosing sub-process."""
    play = Play(
        START, sub("p", service("s"), user("a")), boundary("e", "p", event("error")), user("repair"), flows("start > p", "e > repair")
    )
    assert play.waits == "a s"
    play.failed("s", "X")
    assert play.waits == "repair"


@pytest.mark.parametrize("interrupting", [False, True])
def test_an_escalation_tells_the_scope_around(interrupting):
    """Non-interrupting: both go on, every time. Interrupting: the sub-process ends."""
    up = node("intermediateThrowEvent", "up", event("escalation", escalationRef="X"))
    play = Play(START, sub("p", node("startEvent", "ps"), user("a"), up, user("b"), flows("ps > a", "a > up", "up > b", "b > a")),
                boundary("e", "p", event("escalation", escalationRef="X"), interrupting=interrupting), user("told"),
                flows("start > p", "e > told"), named=NAMED)  # fmt: skip
    play.done("a")
    assert play.waits == ("told" if interrupting else "b told")
    if not interrupting:
        play.done("b")
        play.done("a")
        assert play.waits == "b told told"


def test_an_escalation_nobody_catches_goes_on():
    """That is BPMN's rule for escalations, unlike errors."""
    play = Play(START, node("intermediateThrowEvent", "up", event("escalation", escalationRef="X")), user("a"), flows("start > up",
                "up > a"),
                named=NAMED)  # fmt: skip
    assert play.waits == "a"


def test_a_signal_reaches_everything_in_the_case_that_waits_for_it():
    """Boundary events and intermediate ones, in all scopes."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("t"), node("intermediateThrowEvent", "throw", event("signal",
                signalRef="G")),
                boundary("sa", "a", event("signal", signalRef="G"), interrupting=False), user("told"),
                sub("p", node("intermediateCatchEvent", "c", event("signal", signalRef="G")), user("b"), flows("c > b")), user("z"),
                flows("start > f", "f > a", "f > t", "f > p", "t > throw", "throw > z", "sa > told"), named=NAMED)  # fmt: skip
    assert play.waits == "a c sa t"
    play.done("t")
    assert play.waits == "a b sa told z"


def test_a_signal_end_event_throws():
    """SpiffWorkflow alone would stay silent."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), node("endEvent", "e", event("signal", signalRef="G")),
                boundary("s", "b", event("signal", signalRef="G")), user("told"),
                flows("start > f", "f > a", "f > b", "a > e", "s > told"), named=NAMED)  # fmt: skip
    play.done("a")
    assert play.waits == "told"


def test_an_event_based_gateway_takes_what_comes_first():
    """The other events stop waiting."""
    play = Play(START, node("eventBasedGateway", "g"), node("intermediateCatchEvent", "t1", timer(duration="P1D")),
                node("intermediateCatchEvent", "t2", timer(duration="P2D")), user("a"), user("b"), END,
                flows("start > g", "g > t1", "g > t2", "t1 > a", "t2 > b", "a > end", "b > end"))  # fmt: skip
    assert play.waits == "t1 t2"
    advance = play.fired("t2")
    assert play.waits == "b" and [(x.element, x.by) for x in advance.left] == [("t1", "t2")]
    assert play.done("b").finished


def test_a_condition_is_noticed_before_its_scope_ends():
    """The value that meets it comes with the last step; the way on is not quicker than the event."""
    body = sub("s", node("startEvent", "ss"), user("a"), node("endEvent", "se"), flows("ss > a", "a > se"))
    play = Play(START, body, boundary("c", "s", condition("x > 1")), user("h"), END, flows("start > s", "s > end", "c > h"), x=0)
    play.done("a", x=2)
    assert play.waits == "h" and "s" not in play.passed.split()


@pytest.mark.parametrize("interrupting", [True, False])
@pytest.mark.parametrize("results", [(), (mapping(outputs={"x": "=y"}),)], ids=["as it is", "mapped"])
def test_what_a_task_writes_as_it_ends_is_not_for_its_own_boundary_events(interrupting, results):
    """Its work is over when the value comes, so it goes on as usual; the same value is heard by a task beside it."""
    play = Play(START, node("parallelGateway", "f"), user("a", *results), user("b"), boundary("ca", "a", condition("x > 1"),
                interrupting=interrupting), boundary("cb", "b", condition("x > 1"), interrupting=interrupting), user("h"), user("z"),
                flows("start > f", "f > a", "f > b", "a > z", "ca > h", "cb > h"), x=0)  # fmt: skip
    play.done("a", **{"y" if results else "x": 2})
    assert play.waits == ("h z" if interrupting else "b cb h z")
    assert "ca" not in play.passed.split()


def test_a_task_that_cannot_go_on_after_its_work_hears_no_conditions():
    """Repairing what keeps it is not a reason to interrupt what is over."""
    play = Play(
        START, user("a"), boundary("c", "a", condition("x > 1")), user("h"), user("z"), flows("start > a", "a > z: y", "c > h"), x=0
    )
    assert [s.element for s in play.done("a", x=2).stuck] == ["a"]
    play.noted(play.execution.set_variables({"x": 3}, now=play.now))
    play.retried("a", y=True)
    assert play.waits == "z"


@pytest.mark.parametrize("sequential", [True, False])
def test_the_last_of_many_instances_is_heard_by_the_event_on_the_whole(sequential):
    """The activity still runs when an instance ends, whichever it is."""
    play = Play(START, user("a", many(inputCollection="=[1, 2]", sequential=sequential)), boundary("c", "a", condition("x > 1")),
                user("h"), user("z"), flows("start > a", "a > z", "c > h"), x=0)  # fmt: skip
    play.done("a", x=1)
    play.done("a", x=2)
    assert play.waits == "h"


@pytest.mark.parametrize("inside", [True, False], ids=["of a sub-process", "of the process"])
def test_the_last_step_of_a_scope_can_start_its_event_sub_process(inside):
    """The scope still runs when the value comes, so the handler begins, and the scope is over with it."""
    handler = event_sub("h", condition("x > 1"), user("b"), flows("h_start > b"))
    body = (START, user("a"), handler, flows("start > a"))
    if inside:
        body = (START, sub("p", user("a"), handler), user("z"), flows("start > p", "p > z"))
    play = Play(*body, x=0)
    play.done("a", x=2)
    assert play.waits == "b"
    advance = play.done("b")
    assert play.waits == ("z" if inside else "") and advance.finished == (not inside)
