"""A running case moves to another version of its diagram; each case also restored after every action."""

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
    event,
    event_sub,
    flows,
    many,
    node,
    service,
    sub,
    timer,
    undone,
    user,
)

from engine.bpmn.migration import Obstacle
from engine.bpmn.program import Program

__all__ = ["both_ways"]


def moved(play: Play, *body: str, mapping: dict[str, str] | None = None, files: dict[str, bytes] | None = None):
    """Moves the case; gives what happened."""
    target = Program({"test.bpmn": diagram(*body), **(files or {})}, version="2")
    before = play.execution.dump()
    found = play.program.migrate(play.execution, target, mapping, now=NOW)
    assert play.execution.dump() == before, "a dry run changes nothing"
    if isinstance(found, list):
        return found
    play.program, (play.execution, advance) = target, found
    return play.noted(advance)


def reasons(found: object) -> list[tuple[str, str]]:
    assert isinstance(found, list) and all(isinstance(each, Obstacle) for each in found)
    return [(each.element, each.reason) for each in found]


def test_a_step_inserted_behind_a_waiting_job_is_not_skipped_and_the_job_not_run_again():
    """The job keeps its instance, so its answer fits; the new step comes next."""
    play = Play(START, service("s"), user("z"), flows("start > s", "s > z"))
    advance = moved(play, START, service("s"), user("new"), user("z"), flows("start > s", "s > new", "new > z"))
    assert not (advance.requested or advance.left or advance.opened) and play.instance("s") == "s#1"
    play.answered("s")
    assert play.waits == "new"


def test_what_happened_once_does_not_happen_again_on_the_other_version():
    """A reminder beside a task and an event of a scope, also under other names; with another due time it is another one."""

    def body(name: str = "a", days: int = 1):
        remind = boundary(f"{name}_late", name, timer(duration=f"P{days}D"), interrupting=False)
        meanwhile = event_sub("h", timer(duration="P2D"), user("y"), flows("h_start > y"), interrupting=False)
        return START, user(name), remind, user("x"), meanwhile, flows(f"start > {name}", f"{name}_late > x")

    play = Play(*body())
    play.fired("a_late")
    play.fired("h_start")
    assert not moved(play, *body()).scheduled
    renamed = {"a": "b", "a_late": "b_late"}
    assert not moved(play, *body("b"), mapping=renamed).scheduled and play.waits == "b x y"
    assert [scheduled.element for scheduled in moved(play, *body("b", days=5)).scheduled] == ["b_late"]


def test_a_case_moves_while_a_called_process_is_undone():
    """What is left to undo there is looked for in the called process."""
    undo = boundary("ca", "a", event("compensate")) + user("ua", isForCompensation="true") + undone("ca", "ua")
    undo += boundary("cb", "b", event("compensate")) + user("ub", isForCompensation="true") + undone("cb", "ub")
    child = {"child.bpmn": diagram(node("startEvent", "s"), user("a"), user("b"), undo, flows("s > a", "a > b"), id="child")}
    throw = node("intermediateThrowEvent", "t", event("compensate"))
    body = (START, call("c", "child"), throw, user("z"), flows("start > c", "c > t", "t > z"))
    play = Play(*body, files=child)
    play.done("child:a")
    play.done("child:b")
    for handler in ("child:ub", "child:ua"):
        assert play.waits == handler
        moved(play, *body, files=child)
        play.done(handler)
    assert play.waits == "z"


def test_a_boundary_event_and_an_event_sub_process_are_no_structural_change():
    """New ones begin to wait, in a scope inside as well; those that are gone are left."""
    old = (START, sub("p", user("a")), flows("start > p"))
    inner = event_sub("h", timer(duration="P2D"), user("x"), flows("h_start > x"), interrupting=False)
    new = (START, sub("p", user("a"), boundary("t", "a", timer(duration="P1D")), user("late"), flows("t > late"), inner),
           event_sub("g", timer(duration="P9D"), user("y"), flows("g_start > y")), flows("start > p"))  # fmt: skip
    play = Play(*old)
    advance = moved(play, *new)
    assert play.waits == "a g_start h_start t" and {s.element for s in advance.scheduled} == {"t", "h_start", "g_start"}
    advance = moved(play, *old)
    assert play.waits == "a" and {x.element for x in advance.left} == {"t", "h_start", "g_start"}
    moved(play, *new)
    play.fired("h_start")
    assert play.waits == "a g_start t x"


def test_what_is_the_same_goes_on_waiting():
    """An unchanged timer keeps its time; one that says something else begins anew."""

    def body(wait: str) -> tuple[str, ...]:
        return START, user("a"), boundary("t", "a", timer(duration=wait)), user("late"), flows("start > a", "t > late")

    play = Play(*body("P3D"))
    advance = moved(play, *body("P3D"), user("more"))
    assert not advance.scheduled and not advance.left
    advance = moved(play, *body("P1D"))
    assert [s.due for s in advance.scheduled] == [NOW + dt.timedelta(days=1)] and [x.instance for x in advance.left] == ["t#1"]


def test_elements_may_be_called_differently():
    """By a mapping; the instance stays, later visits count on."""
    play = Play(START, user("a"), boundary("t", "a", timer(duration="P1D")), user("x"), flows("start > a", "t > x"))
    new = (START, user("review"), boundary("late", "review", timer(duration="P1D")), user("x"), node("exclusiveGateway", "g",
           default="g_x"), flows("start > review", "late > x", "review > g", "g > review: again", "g > x"))  # fmt: skip
    assert reasons(moved(play, *new)) == [("a", "there is no such element there")]
    advance = moved(play, *new, mapping={"a": "review", "t": "late"})
    assert not advance.left and play.waits == "late review" and play.instance("review") == "a#1"
    play.done("review", again=True)
    assert play.instance("review") == "review#2"


OLD = {
    "kind": (user("a"), service("a"), "it is another kind of element there"),
    "loop": (user("a"), user("a", many(inputCollection="=[1]")), "it runs another number of times there"),
    "scope": (user("a"), sub("p", user("a")), "it stands in another sub-process there"),
}


@pytest.mark.parametrize("kind", OLD)
def test_a_token_that_cannot_move_is_named(kind):
    """With the reason; the case stays as it is."""
    old, new, reason = OLD[kind]
    first = "p" if kind == "scope" else "a"
    play = Play(START, node("parallelGateway", "f"), old, user("b"), flows("start > f", "f > a", "f > b"))
    found = moved(play, START, node("parallelGateway", "f"), new, user("b"), flows("start > f", f"f > {first}", "f > b"))
    assert reasons(found) == [("a", reason)] and found[0].instance == "a#1" and play.waits == "a b"


def test_every_obstacle_is_named_at_once():
    """So that one dry run tells all."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), flows("start > f", "f > a", "f > b"))
    assert [o.element for o in moved(play, START, user("c"), flows("start > c"))] == ["a", "b"]


def test_tokens_at_a_join_arrive_there_again():
    """A join with fewer flows opens at once; one whose flow is gone is an obstacle."""
    fork, join = node("parallelGateway", "f"), node("parallelGateway", "j")
    play = Play(START, fork, user("a"), user("b"), join, user("z"), flows("start > f", "f > a", "f > b", "a > j", "b > j", "j > z"))
    play.done("a")
    found = moved(play, START, fork, user("b"), user("c"), join, user("z"), flows("start > f", "f > b", "f > c", "b > j", "c > j", "j > z"))
    assert reasons(found) == [("j", "the flow it came along is not there")]
    moved(play, START, fork, user("a"), user("b"), user("c"), join, user("z"), END,
          flows("start > f", "f > a", "f > b", "f > c", "a > j", "b > c", "c > j", "j > z", "z > end"))  # fmt: skip
    play.done("b")
    assert play.waits == "c"
    play.done("c")
    assert play.waits == "z"


def test_many_instances_and_called_processes_move_with_all_they_hold():
    """Every instance keeps its item; the called process is that of the new version."""
    child = diagram(node("startEvent", "s"), user("b"), flows("s > b"), id="child")
    longer = diagram(node("startEvent", "s"), user("b"), user("b2"), flows("s > b", "b > b2"), id="child")
    loop = many(inputCollection="=[1, 2]", inputElement="i", outputCollection="all", outputElement="=i * k")
    play = Play(START, node("parallelGateway", "f"), user("a", loop), call("c", "child"), flows("start > f", "f > a", "f > c"),
                files={"child.bpmn": child})  # fmt: skip
    new = (START, node("parallelGateway", "f"), user("a", loop), call("c", "child"), user("z"), flows("start > f", "f > a", "f > c",
           "a > z"))  # fmt: skip
    moved(play, *new, files={"child.bpmn": longer})
    play.done("child:b")
    assert "child:b2" in play.waits
    play.done("a", k=10)
    play.done("a", k=10)
    assert play.values["all"] == [10, 20] and "z" in play.waits


def test_what_was_done_can_still_be_undone():
    """By the handler that the new version draws; without one that is an obstacle."""

    def body(handler: str) -> tuple[str, ...]:
        undo = boundary("ca", "a", event("compensate")) + user(handler, isForCompensation="true") + undone("ca", handler)
        throw = node("intermediateThrowEvent", "t", event("compensate"))
        return START, user("a"), undo, user("b"), throw, flows("start > a", "a > b", "b > t")  # fmt: skip

    play = Play(*body("una"))
    play.done("a")
    found = moved(play, START, user("a"), user("b"), flows("start > a", "a > b"))
    assert reasons(found) == [("a", "what undoes it is not drawn there")]
    moved(play, *body("better"))
    play.done("b")
    assert play.waits == "better"


THROW = node("intermediateThrowEvent", "t", event("compensate"))


def test_what_a_called_process_did_can_still_be_undone():
    """By the handlers of the called process there; not where something else is called."""

    def child(handler: str, id: str = "child") -> dict[str, bytes]:
        undo = boundary("ca", "a", event("compensate")) + user(handler, isForCompensation="true") + undone("ca", handler)
        return {f"{id}.bpmn": diagram(node("startEvent", "s"), user("a"), undo, flows("s > a"), id=id)}

    def body(called: str) -> tuple[str, ...]:
        return START, call("c", called), user("b"), THROW, flows("start > c", "c > b", "b > t")  # fmt: skip

    play = Play(*body("child"), files=child("una"))
    play.done("child:a")
    assert reasons(moved(play, *body("other"), files=child("una", "other"))) == [("c", "it calls another process there")]
    plain = {"child.bpmn": diagram(node("startEvent", "s"), user("a"), flows("s > a"), id="child")}
    assert reasons(moved(play, *body("child"), files=plain)) == [("child:a", "what undoes it is not drawn there")]
    elsewhere = (START, user("c"), user("b"), THROW, flows("start > c", "c > b", "b > t"))
    assert reasons(moved(play, *elsewhere)) == [("c", "what undoes it is not drawn there")]
    moved(play, *body("child"), files=child("better"))
    play.done("b")
    assert play.waits == "child:better"


def test_a_sub_process_that_undoes_itself_does_so_in_the_new_way():
    """By the event sub-process that is drawn there; without one, or with one beside it, that is an obstacle."""

    def body(*inner: str) -> tuple[str, ...]:
        return START, sub("p", user("a"), *inner), user("b"), THROW, flows("start > p", "p > b", "b > t")  # fmt: skip

    play = Play(*body(event_sub("h", event("compensate"), user("u"), flows("h_start > u"))))
    play.done("a")
    beside = boundary("cp", "p", event("compensate")) + user("unp", isForCompensation="true") + undone("cp", "unp")
    for other in (body(), (*body(), beside)):
        assert reasons(moved(play, *other)) == [("p", "what undoes it is not drawn there")]
    moved(play, *body(event_sub("i", event("compensate"), user("v"), flows("i_start > v"))))
    play.done("b")
    assert play.waits == "v"


def test_events_behind_a_gateway_move():
    """One that is gone is left, a new one begins to wait."""

    def body(*names: str) -> tuple[str, ...]:
        events = [node("intermediateCatchEvent", x, timer(duration=f"P{ord(x) - 96}D")) for x in names]
        return (START, node("eventBasedGateway", "g"), *events, *(user(f"u{x}") for x in names),
                flows("start > g", *(f"g > {x}" for x in names), *(f"{x} > u{x}" for x in names)))  # fmt: skip

    play = Play(*body("a", "b"))
    advance = moved(play, *body("b", "c"))
    assert play.waits == "b c" and [x.element for x in advance.left] == ["a"] and [s.element for s in advance.scheduled] == ["c"]
    play.fired("b")
    assert play.waits == "ub"
