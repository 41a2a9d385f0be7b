"""Undoing what was completed, and transactions; each case also restored after every action."""

from __future__ import annotations

import pytest
from diagrams import (
    END,
    START,
    Play,
    both_ways,
    boundary,
    call,
    diagram,
    event,
    event_sub,
    flows,
    many,
    mapping,
    node,
    service,
    sub,
    timer,
    undone,
    user,
)

from engine import errors

__all__ = ["both_ways"]

UNDO = event("compensate")


def step(id: str, *inner: str, handler: str = "") -> str:
    """A user task with a handler that undoes it."""
    undo = handler or user(f"un{id}", isForCompensation="true")
    return user(id, *inner) + boundary(f"c{id}", id, UNDO) + undo + undone(f"c{id}", f"un{id}")


def throw(id: str, activity: str = "", tag: str = "intermediateThrowEvent") -> str:
    return node(tag, id, event("compensate", **({"activityRef": activity} if activity else {})))


@pytest.mark.parametrize("tag", ["intermediateThrowEvent", "endEvent"])
def test_what_was_completed_is_undone_in_reverse_order(tag):
    """One after the other; what was never done is not undone; then it goes on, or ends."""
    after = flows("t > z") if tag == "intermediateThrowEvent" else ""
    play = Play(START, step("a"), step("b"), step("never"), throw("t", tag=tag), user("z"), flows("start > a", "a > b", "b > t"), after)
    play.done("a")
    play.done("b")
    assert play.waits == "unb" and play.execution.undoable() == []
    play.done("unb")
    assert play.waits == "una"
    advance = play.done("una")
    assert "t" in play.passed and (play.waits == "z" if after else advance.finished)


def test_only_the_named_activity_is_undone():
    """And each completion once."""
    play = Play(START, step("a"), step("b"), throw("t", "a"), throw("t2"), END, flows("start > a", "a > b", "b > t", "t > t2", "t2 > end"))
    play.done("a")
    play.done("b")
    assert play.waits == "una"
    play.done("una")
    assert play.waits == "unb"
    assert play.done("unb").finished


def test_an_interrupted_activity_is_not_undone():
    """It was never completed."""
    play = Play(START, step("a"), boundary("x", "a", timer(duration="P1D")), throw("t"), user("z"), flows("start > a", "x > t", "t > z"))
    play.fired("x")
    assert play.waits == "z"


def test_each_round_of_a_loop_is_undone_with_what_it_had():
    """The handler sees the local variables of the round it undoes, and the case's as they are now."""
    play = Play(START, step("a", mapping({"round": "=n"}), handler=user("una", mapping({"seen": "=round", "now": "=n"}),
                isForCompensation="true")), node("exclusiveGateway", "g", default="g_t"), throw("t"), END,
                flows("start > a", "a > g", "g > a: n < 3", "g > t", "t > end"), n=1)  # fmt: skip
    for n in (2, 3):
        play.done("a", n=n)
    for seen in (2, 1):
        assert play.last.opened[0].inputs == {"seen": seen, "now": 3}
        play.done("una")
    assert play.execution.finished


def test_each_instance_of_many_is_undone():
    """In reverse order of completion, with its item."""
    loop = many(inputCollection="=[1, 2, 3]", inputElement="i")
    play = Play(START, step("a", loop, handler=user("una", mapping({"seen": "=i"}), isForCompensation="true")), throw("t"), END,
                flows("start > a", "a > t", "t > end"))  # fmt: skip
    for instance in ("a#3", "a#2", "a#4"):
        play.noted(play.execution.complete(instance, {}, now=play.now))
    seen = []
    while not play.execution.finished:
        seen.append(play.last.opened[0].inputs["seen"])
        play.done("una")
    assert seen == [3, 1, 2]


def test_a_completed_sub_process_is_undone_inside():
    """Its own completed activities in reverse order, with its local variables; at any depth."""
    inner = sub("q", node("startEvent", "qs"), step("c"), flows("qs > c"))
    handler = user("unb", mapping({"seen": "=x"}), isForCompensation="true")
    body = sub("p", mapping({"x": "=n"}), node("startEvent", "ps"), step("b", handler=handler), inner, flows("ps > b", "b > q"))
    play = Play(START, step("a"), body, throw("t"), user("z"), flows("start > a", "a > p", "p > t", "t > z"), n=7)
    for x in "abc":
        play.done(x)
    order = []
    while play.waits != "z":
        order.append(play.waits)
        if play.waits == "unb":
            assert play.last.opened[0].inputs == {"seen": 7}
        play.done(play.waits)
    assert order == ["unc", "unb", "una"] and len(play.execution._tokens.scopes.tree) == 1


def test_a_handler_of_the_sub_process_itself_comes_instead():
    """What is drawn for the whole undoes the whole."""
    body = sub("p", node("startEvent", "ps"), step("b"), flows("ps > b"))
    play = Play(START, body, boundary("cp", "p", UNDO), user("unp", isForCompensation="true"), undone("cp", "unp"), throw("t"), user("z"),
                flows("start > p", "p > t", "t > z"))  # fmt: skip
    play.done("b")
    assert play.waits == "unp"
    play.done("unp")
    assert play.waits == "z"


def test_an_error_handler_undoes_the_scope_around():
    """The saga: an operation fails for good, the event sub-process undoes what had been done before."""
    saga = event_sub("h", event("error"), throw("t"), user("tell"), flows("h_start > t", "t > tell"))
    play = Play(START, step("a"), step("b"), service("s"), saga, flows("start > a", "a > b", "b > s"))
    play.done("a")
    play.done("b")
    play.failed("s", "DOWN")
    assert play.waits == "unb"
    play.done("unb")
    play.done("una")
    assert play.waits == "tell"
    assert play.done("tell").finished


def test_parallel_branches_are_undone_in_the_order_of_their_ends():
    """Latest first, whichever branch they are in."""
    play = Play(START, node("parallelGateway", "f"), step("a"), step("b"), node("parallelGateway", "j"), throw("t"), END,
                flows("start > f", "f > a", "f > b", "a > j", "b > j", "j > t", "t > end"))  # fmt: skip
    play.done("b")
    play.done("a")
    assert play.waits == "una"
    play.done("una")
    assert play.waits == "unb"
    assert play.done("unb").finished


def test_a_handler_may_be_a_job_or_a_sub_process():
    """And it may fail and be repaired like everything else."""
    for handler in (service("una", isForCompensation="true"), sub("una", node("startEvent", "us"), service("u"), flows("us > u"),
                                                                  isForCompensation="true")):  # fmt: skip
        play = Play(START, step("a", handler=handler), throw("t"), user("z"), flows("start > a", "a > t", "t > z"))
        play.done("a")
        play.answered(play.waits)
        assert play.waits == "z"


def test_somebody_can_have_it_undone():
    """All that was completed in the process, or some of it; what waits meanwhile goes on waiting."""
    play = Play(START, step("a"), step("b"), user("z"), END, flows("start > a", "a > b", "b > z", "z > end"))
    play.done("a")
    play.done("b")
    assert play.execution.undoable() == ["a", "b"]
    play.noted(play.execution.compensate(["a"], now=play.now))
    assert play.waits == "una z"
    play.done("una")
    assert play.waits == "z" and play.execution.undoable() == ["b"]
    play.noted(play.execution.compensate(now=play.now))
    play.done("z")
    assert not play.execution.finished and play.waits == "unb"
    assert play.done("unb").finished


def test_a_boundary_without_a_handler_is_refused():
    """It could never undo anything."""
    with pytest.raises(errors.FileRefused, match="compensate boundary event"):
        Play(START, user("a"), boundary("c", "a", UNDO), flows("start > a"))


# --- what called processes did

SAYS = mapping({"seen": "=x", "other": "=y"})
CALLED = diagram(node("startEvent", "s"), step("b", handler=user("unb", SAYS, isForCompensation="true")), step("d"),
                 flows("s > b", "b > d"), id="child")  # fmt: skip


def test_what_a_called_process_did_is_undone_with_the_call():
    """Its completed activities in reverse order, with its own variables as they were when it ended, of which nothing comes out."""
    given = mapping({"x": "=n"})
    play = Play(START, step("a"), call("c", "child", given, propagateAllParentVariables="false"), throw("t"), user("z"),
                flows("start > a", "a > c", "c > t", "t > z"), files={"child.bpmn": CALLED}, n=7)  # fmt: skip
    play.done("a")
    play.done("child:b", y=1)
    play.done("child:d")
    assert play.waits == "child:und"
    play.done("child:und", y=2)
    assert play.waits == "child:unb" and play.last.opened[0].inputs == {"seen": 7, "other": 2}
    play.done("child:unb", y=3)
    assert play.waits == "una" and play.values["y"] == 1
    play.done("una")
    assert play.waits == "z" and len(play.execution._tokens.scopes.tree) == 1


def test_a_called_process_that_did_nothing_that_can_be_undone_is_left_alone():
    """As is one that a handler of the call activity undoes as a whole."""
    plain = diagram(node("startEvent", "s"), user("b"), flows("s > b"), id="child")
    play = Play(START, call("c", "child"), throw("t"), user("z"), flows("start > c", "c > t", "t > z"), files={"child.bpmn": plain})
    play.done("child:b")
    assert play.waits == "z"
    play = Play(START, call("c", "child"), boundary("cc", "c", UNDO), user("unc", isForCompensation="true"), undone("cc", "unc"),
                throw("t"), user("z"), flows("start > c", "c > t", "t > z"), files={"child.bpmn": CALLED}, x=1)  # fmt: skip
    play.done("child:b", y=1)
    play.done("child:d")
    assert play.waits == "unc"
    play.done("unc")
    assert play.waits == "z"


def test_each_call_of_many_is_undone_with_its_own_variables():
    """The last one first; a call inside a called process likewise."""
    middle = diagram(node("startEvent", "s"), call("inner", "child"), flows("s > inner"), id="middle")
    loop = many(inputCollection="=[1, 2]", inputElement="x", sequential=True)
    play = Play(START, call("c", "middle", loop), throw("t"), END, flows("start > c", "c > t", "t > end"),
                files={"child.bpmn": CALLED, "middle.bpmn": middle})  # fmt: skip
    for y in (10, 20):
        play.done("child:b", y=y)
        play.done("child:d")
    seen = []
    while not play.execution.finished:
        seen += [opened.inputs for opened in play.last.opened if opened.element == "child:unb"]
        play.done(play.waits)
    assert seen == [{"seen": 2, "other": 20}, {"seen": 1, "other": 10}]


def test_an_undoing_in_a_called_process_that_is_interrupted_can_be_taken_up_again():
    """What was undone there stays so; the rest is undone by whoever interrupted it."""
    saga = event_sub("h", timer(duration="P1D"), throw("t2"), node("endEvent", "he"), flows("h_start > t2", "t2 > he"))
    play = Play(START, step("a"), call("c", "child"), throw("t"), END, saga, flows("start > a", "a > c", "c > t", "t > end"),
                files={"child.bpmn": CALLED}, x=1)  # fmt: skip
    play.done("a")
    play.done("child:b", y=1)
    play.done("child:d")
    play.done("child:und")
    assert [left.element for left in play.fired("h_start").left] == ["child:unb"]
    for handler in ("child:unb", "una"):
        assert play.waits == handler
        play.done(handler)
    assert play.execution.finished


def test_an_error_while_a_called_process_is_undone_reaches_nothing_that_is_over():
    """Neither the event on the call activity nor one in the called process."""
    handler = service("unb", isForCompensation="true")
    child = diagram(node("startEvent", "s"), step("b", handler=handler), flows("s > b"), event_sub("h", event("error"), user("x"),
                    flows("h_start > x")), id="child")  # fmt: skip
    play = Play(START, call("c", "child"), boundary("e", "c", event("error")), user("y"), throw("t"), END,
                flows("start > c", "c > t", "t > end", "e > y"), files={"child.bpmn": child})  # fmt: skip
    play.done("child:b")
    assert play.failed("child:unb", "E") is None
    play.answered("child:unb")
    assert play.execution.finished


@pytest.mark.parametrize("handler", [
    call("una", "child").replace(" id=", ' isForCompensation="true" id=', 1),
    sub("una", node("startEvent", "us"), step("b", handler=user("unb", isForCompensation="true")), step("d"),
        flows("us > b", "b > d"), isForCompensation="true"),
], ids=["call", "sub-process"])  # fmt: skip
def test_what_undid_something_is_not_undone_itself(handler):
    """A handler in which activities have handlers of their own: whoever undoes later leaves what it did alone."""
    play = Play(START, step("a", handler=handler), throw("t"), user("z"), throw("t2"), END,
                flows("start > a", "a > t", "t > z", "z > t2", "t2 > end"), x=1,
                files={"child.bpmn": CALLED} if "callActivity" in handler else {})  # fmt: skip
    inside = "child:" if "callActivity" in handler else ""
    for activity in ("a", f"{inside}b", f"{inside}d"):
        play.done(activity)
    assert play.waits == "z" and play.execution.undoable() == []
    assert play.done("z").finished


# --- a sub-process that says itself how it is undone


def undoing(*inner: str, id: str = "h") -> str:
    return event_sub(id, UNDO, *inner)


def own(*inner: str, kind: str = "subProcess", **attributes: str) -> str:
    return node(kind, "p", node("startEvent", "ps"), step("b"), step("d"), flows("ps > b", "b > d"), *inner, **attributes)


def test_a_sub_process_may_say_itself_how_it_is_undone():
    """Its compensation event sub-process runs instead of the handlers inside, with the local variables; once, and only when thrown."""
    tell = user("tell", mapping({"seen": "=x"}))
    play = Play(START, step("a"), own(mapping({"x": "=n"}), undoing(tell, flows("h_start > tell"))), throw("t"), throw("t2"), user("z"),
                flows("start > a", "a > p", "p > t", "t > t2", "t2 > z"), n=7)  # fmt: skip
    play.done("a")
    play.done("b")
    assert play.waits == "d"
    play.done("d")
    assert play.waits == "tell" and play.last.opened[0].inputs == {"seen": 7}
    assert play.execution.stands()[-1][1].id == "tell" and "h_start" in play.passed
    play.done("tell")
    assert play.waits == "una"
    play.done("una")
    assert play.waits == "z" and len(play.execution._tokens.scopes.tree) == 1


@pytest.mark.parametrize(("activity", "order"), [("", ["und", "unb"]), ("b", ["unb"])])
def test_it_can_undo_what_was_done_inside(activity, order):
    """All of it or an activity that is named, where the handler says so, then the handler goes on."""
    handler = undoing(throw("t2", activity), user("tell"), flows("h_start > t2", "t2 > tell"))
    play = Play(START, own(handler), throw("t", "p"), user("z"), flows("start > p", "p > t", "t > z"))
    play.done("b")
    play.done("d")
    for each in [*order, "tell"]:
        assert play.waits == each
        play.done(each)
    assert play.waits == "z"


def test_it_undoes_a_sub_process_in_which_nothing_else_can_be_undone():
    """And not one that was interrupted, which was never completed."""
    body = sub("p", user("b"), undoing(user("tell"), flows("h_start > tell")))
    play = Play(
        START, body, throw("t"), user("z"), boundary("x", "p", timer(duration="P1D")), flows("start > p", "p > t", "t > z", "x > t")
    )
    play.done("b")
    assert play.waits == "tell"
    play = Play(
        START, body, throw("t"), user("z"), boundary("x", "p", timer(duration="P1D")), flows("start > p", "p > t", "t > z", "x > t")
    )
    play.fired("x")
    assert play.waits == "z"


def test_an_interrupted_handler_inside_begins_again_and_undoes_nothing_twice():
    """What it had undone inside stays so; what it was just undoing comes again."""
    saga = event_sub("s", timer(duration="P1D"), throw("t3"), node("endEvent", "se"), flows("s_start > t3", "t3 > se"))
    handler = undoing(user("tell"), throw("t2"), flows("h_start > tell", "tell > t2"))
    play = Play(START, own(handler), throw("t"), END, saga, flows("start > p", "p > t", "t > end"))
    for element in ("b", "d", "tell", "und"):
        play.done(element)
    assert play.waits == "s_start unb"
    play.fired("s_start")
    for each in ("tell", "unb"):
        assert play.waits == each
        play.done(each)
    assert play.execution.finished


def test_each_round_of_a_sub_process_is_undone_by_its_handler():
    """With the item of each instance, the last one first."""
    loop = many(inputCollection="=[1, 2]", inputElement="i", sequential=True)
    body = sub("p", loop, user("b"), undoing(user("tell", mapping({"seen": "=i"})), flows("h_start > tell")))
    play = Play(START, body, throw("t"), END, flows("start > p", "p > t", "t > end"))
    play.done("b")
    play.done("b")
    seen = []
    while not play.execution.finished:
        seen.append(play.last.opened[0].inputs["seen"])
        play.done("tell")
    assert seen == [2, 1]


def test_what_undoes_stands_in_one_place_only():
    """Not in the process itself, which nobody completes before it is over; not twice; not beside another handler."""
    handler = undoing(user("tell"), flows("h_start > tell"))
    other = undoing(user("tell2"), flows("h2_start > tell2"), id="h2")
    beside = boundary("cp", "p", UNDO) + user("unp", isForCompensation="true") + undone("cp", "unp")
    for body in (user("p") + handler, own(handler, other), own(handler) + beside):
        with pytest.raises(errors.FileRefused, match="compensate start event"):
            Play(START, body, flows("start > p"))


# --- transactions


def transaction(*inner: str) -> tuple[str, ...]:
    cancel = node("endEvent", "no", event("cancel"))
    body = (node("startEvent", "ts"), step("a"), node("parallelGateway", "f"), user("b"), user("k"), cancel,
            flows("ts > a", "a > f", "f > b", "f > k", "k > no"))  # fmt: skip
    return (START, node("transaction", "x", *body, *inner), boundary("cancelled", "x", event("cancel")), user("sorry"), user("z"),
            flows("start > x", "x > z", "cancelled > sorry"))  # fmt: skip


def test_a_cancelled_transaction_undoes_itself_and_is_left_by_its_event():
    """What still runs in it ends, then what was completed is undone, then the boundary event goes on."""
    play = Play(*transaction())
    play.done("a")
    advance = play.done("k")
    assert play.waits == "una" and [(x.element, x.by) for x in advance.left] == [("b", "no")]
    play.done("una")
    assert play.waits == "sorry" and "no cancelled" in play.passed


def test_a_transaction_that_is_not_cancelled_is_a_sub_process():
    """It goes on behind, with its variables."""
    play = Play(*transaction())
    play.done("a", v=1)
    play.done("b")
    assert play.waits == "k"
    plain = [part.replace("k > no", "k > ok").replace('"k_no"', '"k_ok"') for part in transaction(node("endEvent", "ok"))]
    play = Play(*[p.replace('targetRef="no"', 'targetRef="ok"') for p in plain])
    for element in ("a", "b", "k"):
        play.done(element, v=element)
    assert play.waits == "z" and play.values == {"v": "k"}


def test_a_cancel_end_without_its_boundary_event_is_refused():
    """Nobody could say where the case goes on."""
    with pytest.raises(errors.FileRefused, match="cancel end event"):
        Play(*[part for part in transaction() if "cancelActivity" not in part or "transaction" in part], flows())


def saga_inside(*more: str) -> str:
    """A sub-process in which what was done in another one is undone."""
    inner = sub("i", node("startEvent", "is"), step("a"), flows("is > a"))
    return sub("s", *more, node("startEvent", "ss"), inner, throw("t"), user("y"), flows("ss > i", "i > t", "t > y"))


def test_an_interruption_from_outside_ends_an_undoing_deep_inside():
    """Whatever is around: the activity that holds it, an event of that one, or many of which enough are done."""
    late = boundary("x", "s", timer(duration="P1D"))
    play = Play(START, saga_inside(), late, user("z"), END, flows("start > s", "s > end", "x > z"))
    play.done("a")
    assert play.waits == "una x"
    assert [left.element for left in play.fired("x").left if left.element != "x"] == ["una"] and play.waits == "z"
    saga = event_sub("h", timer(duration="P1D"), user("w"), flows("h_start > w"))
    play = Play(START, saga_inside(), END, saga, flows("start > s", "s > end"))
    play.done("a")
    play.fired("h_start")
    assert play.waits == "w"
    play = Play(
        START, saga_inside(many("numberOfCompletedInstances = 1", inputCollection="=[1, 2]")), user("z"), flows("start > s", "s > z")
    )
    for element in ("a", "una", "a", "y"):
        play.done(element)
    assert play.waits == "z"


def test_an_interruption_ends_the_undoing_too():
    """A scope that is interrupted while something is undone in it comes to its end all the same."""
    stop = event_sub("h", timer(duration="P1D"), user("x"), flows("h_start > x"))
    play = Play(START, step("a"), user("z"), flows("start > a", "a > z"), stop)
    play.done("a")
    play.noted(play.execution.compensate(now=play.now))
    assert play.waits == "h_start una z"
    play.fired("h_start")
    assert play.waits == "x" and play.done("x").finished


def test_a_handler_may_be_ended_by_its_own_timer():
    """What was completed before is undone all the same, beside the way behind the timer."""
    late = boundary("late", "unb", timer(duration="P1D"))
    play = Play(START, step("a"), step("b"), late, user("tell"), throw("t"), user("z"),
                flows("start > a", "a > b", "b > t", "t > z", "late > tell"))  # fmt: skip
    play.done("a")
    play.done("b")
    play.fired("late")
    assert play.waits == "tell una"
    play.done("una")
    assert play.waits == "tell z"


@pytest.mark.parametrize("activity", ["", "a"])
def test_an_event_sub_process_undoes_what_was_done_in_itself(activity):
    """First that, then what was completed in the scope around it; or only the activity that is named."""
    handler = event_sub("h", timer(duration="P1D"), step("a"), throw("t", activity), node("endEvent", "he"),
                        flows("h_start > a", "a > t", "t > he"))  # fmt: skip
    play = Play(START, step("outer"), user("z"), handler, flows("start > outer", "outer > z"))
    play.done("outer")
    play.fired("h_start")
    play.done("a")
    assert play.waits == "una"
    play.done("una")
    if not activity:
        assert play.waits == "unouter"
        play.done("unouter")
    assert play.execution.finished


def test_a_saga_undoes_what_an_earlier_undoing_left():
    """What was just being undone when it was interrupted, and what was to come; nothing twice."""
    inner = sub("s", node("startEvent", "ss"), step("b"), step("c"), node("endEvent", "se"), flows("ss > b", "b > c", "c > se"))
    saga = event_sub("h", timer(duration="P1D"), throw("t2"), node("endEvent", "he"), flows("h_start > t2", "t2 > he"))
    play = Play(START, step("a"), inner, throw("t"), END, saga, flows("start > a", "a > s", "s > t", "t > end"))
    for element in "abc":
        play.done(element)
    play.done("unc")
    assert play.waits == "h_start unb"
    assert [x.element for x in play.fired("h_start").left] == ["unb"]
    for handler in ("unb", "una"):
        assert play.waits == handler
        play.done(handler)
    assert play.execution.finished


def test_an_error_of_a_handler_does_not_reach_events_of_an_activity_that_is_completed():
    """They sit on the sub-process, which is over; the error goes on to what is around."""
    undo = service("una", isForCompensation="true")
    body = sub("s", node("startEvent", "ss"), step("a", handler=undo), node("endEvent", "se"),
               event_sub("h", event("error"), user("x"), flows("h_start > x")), flows("ss > a", "a > se"))  # fmt: skip
    play = Play(
        START, body, boundary("b", "s", event("error")), user("y"), throw("t"), END, flows("start > s", "s > t", "t > end", "b > y")
    )
    play.done("a")
    assert play.failed("una", "E") is None and play.waits == "una"


def test_whoever_undoes_may_be_taken_elsewhere():
    """The handler that works for it is left, too; a handler that is left alone counts as done."""
    play = Play(START, step("a"), step("b"), throw("t"), user("z"), flows("start > a", "a > b", "b > t", "t > z"))
    play.done("a")
    play.done("b")
    play.noted(play.execution.move(leaving=[play.instance("unb")], entering=[], now=play.now))
    assert play.waits == "una"
    play.noted(play.execution.move(leaving=["t#1"], entering=["z"], now=play.now))
    assert play.waits == "z" and play.execution.undoable() == ["a"]
    assert play.done("z").finished


def test_a_cancelled_transaction_undoes_what_an_undoing_in_it_left():
    """Its handlers are left like all that still runs, and run again for the whole."""
    body = (node("startEvent", "ts"), node("parallelGateway", "f"), step("a"), step("b"), throw("t"), user("c"),
            node("endEvent", "no", event("cancel")), flows("ts > f", "f > a", "a > b", "b > t", "f > c", "c > no"))  # fmt: skip
    play = Play(START, node("transaction", "x", *body), boundary("cx", "x", event("cancel")), user("z"), flows("start > x", "cx > z"))
    for element in "abc":
        play.done(element)
    for handler in ("unb", "una"):
        assert play.waits == handler
        play.done(handler)
    assert play.waits == "z"


def test_a_transaction_has_one_way_out_for_its_cancelling():
    """Nobody could say which of two."""
    with pytest.raises(errors.FileRefused, match="cancel boundary event"):
        Play(START, node("transaction", "x", node("startEvent", "ts")), boundary("c1", "x", event("cancel")),
             boundary("c2", "x", event("cancel")), flows("start > x"))  # fmt: skip
