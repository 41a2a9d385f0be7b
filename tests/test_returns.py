"""退回, a jump, and opening a closed case again: what is left, what is undone, what is named, and what is refused."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, call, diagram, event, flows, node, service, sub, undone, user
from engine_room import Room, line, person
from twins import ScriptedOperation

from engine import cases, endings, returns
from engine.errors import CaseNotRunning, NotAllowed, NotFound, WayClosed
from engine.ledger import Event
from engine.models import Job, new_id
from engine.returns import Prospect
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def back(room: Room, case: str, element: str, *, by: str = "admin", reason: str = "资料不全", request_id: str = "") -> Prospect:
    return returns.return_to(room.services, case, element, actor=person(by), reason=reason, request_id=request_id or new_id())


def parts(prospect: Prospect) -> tuple[list[str], list[tuple[str, str]]]:
    return [step.element for step in prospect.left], [(effect.operation, effect.state) for effect in prospect.effects]


def test_jump_back_and_the_same_way_again(room: Room) -> None:
    """跳转 (jump): the open item is left, the step opens anew, and the ledger tells who, why and what; nothing in it is deleted."""
    room.deploy(*line("a", "b", "c"))
    case = room.start()
    room.complete(case, "a")
    room.complete(case, "b")
    before = room.entries(case)
    assert parts(back(room, case, "a")) == (["c"], [])
    assert room.open(case) == "a"
    entries = room.entries(case)
    assert entries[: len(before)] == before
    told = entries[len(before)]
    assert (told.event, told.actor, told.element) == (Event.CASE_RETURNED, person("admin"), "a")
    assert (told.payload["reason"], told.payload["left"]) == ("资料不全", ["c"])
    assert [entry.payload["by"] for entry in entries if entry.event == Event.ITEM_LEFT] == ["a"]
    for task in "abc":
        room.complete(case, task)
    assert room.case(case).status == "closed"


def test_where_a_case_can_go_back_to(room: Room) -> None:
    """Steps that it reached, the last one first; those that it never saw are refused by name."""
    room.deploy(*line("a", "b", "c"))
    case = room.start()
    room.complete(case, "a")
    assert [step.element for step in returns.steps(room.services, case, actor=person("admin"))] == ["b", "a"]
    with pytest.raises(WayClosed):
        back(room, case, "c")
    with pytest.raises(NotFound):
        back(room, case, "nothing")
    assert room.open(case) == "b"


def test_a_parallel_branch_goes_on(room: Room) -> None:
    """A return within one branch leaves that branch only, one to before the fork leaves all, what waits to be joined included."""
    fork, join = node("parallelGateway", "fork"), node("parallelGateway", "join")
    ways = flows("start > z", "z > fork", "fork > a", "a > b", "fork > c", "b > join", "c > join", "join > d", "d > end")
    room.deploy(START, user("z"), fork, user("a"), user("b"), user("c"), join, user("d"), END, ways)
    case = room.start()
    for task in "za":
        room.complete(case, task)
    assert parts(back(room, case, "a")) == (["b"], []) and room.open(case) == "a c"
    room.complete(case, "a")
    room.complete(case, "b")
    assert parts(back(room, case, "z"))[0] == ["c"] and room.open(case) == "z"
    for task in "zacb":
        room.complete(case, task)
    assert room.open(case) == "d"


def test_what_was_done_outside_is_undone_by_its_handler_or_named(services: Services) -> None:
    """A dry run says the same before; what only reads is not named."""
    reading = ScriptedOperation("x.read", answers=[{}])
    reading.reads = True  # type: ignore[attr-defined]
    pay, cancel = ScriptedOperation("x.pay", answers=[{}]), ScriptedOperation("x.cancel", answers=[{}])
    room = Room(services, reading, pay, cancel, ScriptedOperation("x.tell", answers=[{}]))
    handled = (
        boundary("e", "pay", event("compensate")),
        service("back", operation="x.cancel", isForCompensation="true"),
        undone("e", "back"),
    )
    calls = [service(name, operation=f"x.{name}") for name in ("read", "pay", "tell")]
    ways = flows("start > a", "a > read", "read > pay", "pay > tell", "tell > b", "b > end")
    room.deploy(START, user("a"), *calls, *handled, user("b"), END, ways)
    case = room.start()
    room.complete(case, "a")
    room.run()
    expected = (["b"], [("x.pay", "undone"), ("x.tell", "done")])
    assert parts(returns.prospect(room.services, case, "a", actor=person("admin"))) == expected and room.open(case) == "b"
    assert parts(back(room, case, "a")) == expected
    room.run()
    assert room.open(case) == "a" and len(cancel.calls) == 1 and cancel.calls[0].key == f"{case}:back#1"
    [told] = [entry for entry in room.entries(case) if entry.event == Event.CASE_RETURNED]
    assert told.payload["effects"][0] == {"element": "pay", "operation": "x.pay", "state": "undone"}
    room.complete(case, "a")
    room.run()
    assert [call.key for call in pay.calls] == [f"{case}:pay#1", f"{case}:pay#2"]
    assert parts(returns.prospect(room.services, case, "b", actor=person("admin"))) == (["b"], [])


@pytest.mark.parametrize("called", [False, True], ids=["drawn inside", "called"])
def test_what_was_done_inside_an_activity_is_named_as_undone_with_it(services: Services, called: bool) -> None:
    """The handlers of a sub-process or a called process undo it, so a return says so for each call."""
    operations = [ScriptedOperation(name, answers=[{}]) for name in ("x.pay", "x.tell", "x.cancel")]
    room = Room(services, *operations)
    handled = boundary("e", "pay", event("compensate")) + service("back", operation="x.cancel", isForCompensation="true")
    calls = [service(name, operation=f"x.{name}") for name in ("pay", "tell")]
    inside = (node("startEvent", "ps"), *calls, handled, undone("e", "back"), flows("ps > pay", "pay > tell"))
    child = {"child.bpmn": diagram(*inside, id="child")} if called else {}
    held = call("p", "child") if called else sub("p", *inside)
    room.deploy(START, user("a"), held, user("b"), END, flows("start > a", "a > p", "p > b", "b > end"), beside=child)
    case = room.start()
    room.complete(case, "a")
    room.run()
    expected = (["b"], [("x.pay", "undone"), ("x.tell", "done")])
    assert parts(returns.prospect(room.services, case, "a", actor=person("admin"))) == expected
    assert parts(back(room, case, "a")) == expected
    room.run()
    assert room.open(case) == "a" and len(operations[2].calls) == 1


def test_a_call_under_way_is_named(services: Services) -> None:
    """It may still have its effect outside, and its answer is not applied."""
    room = Room(services, ScriptedOperation("x.a", answers=[{}]))
    room.deploy(START, user("a"), service("call", operation="x.a"), END, flows("start > a", "a > call", "call > end"))
    case = room.start()
    room.complete(case, "a")
    room.write(sa.update(Job).where(Job.case_id == case).values(state="leased", lease="x"))
    assert parts(back(room, case, "a")) == (["call"], [("x.a", "under_way")])
    assert [job.state for job in room.jobs(case)] == ["dropped"]


def test_inside_a_sub_process(room: Room) -> None:
    """To a step of the same sub-process, or out of it to before it; not into one that is over."""
    inner = sub("p", node("startEvent", "s"), user("x"), user("y"), node("endEvent", "e"), flows("s > x", "x > y", "y > e"))
    room.deploy(START, user("a"), inner, user("b"), END, flows("start > a", "a > p", "p > b", "b > end"))
    case = room.start()
    room.complete(case, "a")
    room.complete(case, "x")
    assert [step.element for step in returns.steps(room.services, case, actor=person("admin"))] == ["p", "y", "x", "a"]
    back(room, case, "x")
    assert room.open(case) == "x"
    back(room, case, "a")
    for task in "axy":
        room.complete(case, task)
    with pytest.raises(WayClosed):
        back(room, case, "x")
    back(room, case, "p")
    assert room.open(case) == "x"


def test_jump_leaves_and_enters_what_is_said(room: Room) -> None:
    """跳转 (jump): forward, too, over a step that nothing demands."""
    room.deploy(*line("a", "b", "c"))
    case = room.start()
    which = {"actor": person("admin"), "reason": "理由"}
    found = returns.jump(room.services, case, leaving=["a#1"], entering=["c"], request_id="one", **which)
    assert parts(found) == (["a"], []) and room.open(case) == "c"
    assert returns.jump(room.services, case, leaving=["a#1"], entering=["c"], request_id="one", **which) == Prospect()
    with pytest.raises(NotFound):
        returns.jump(room.services, case, leaving=["a#1"], entering=["c"], request_id=new_id(), **which)
    with pytest.raises(WayClosed):
        returns.jump(room.services, case, leaving=["c#1"], entering=[], request_id=new_id(), **which)
    room.complete(case, "c")
    assert room.case(case).status == "closed"


def test_jump_past_a_step_that_must_lie_before_is_refused(room: Room) -> None:
    """跳转 (jump): it is refused with the step's name; once the step was done, the way is open."""
    room.deploy(*line("a", "check", "letter", "b"), rules={"before": {"letter": ["check"]}})
    case = room.start()
    which = {"actor": person("admin"), "reason": "理由"}
    with pytest.raises(WayClosed) as refused:
        returns.jump(room.services, case, leaving=["a#1"], entering=["letter"], request_id=new_id(), **which)
    assert refused.value.facts == {"element": "letter", "reason": "a step must lie before it that was not done: check"}
    assert room.open(case) == "a"
    returns.jump(room.services, case, leaving=["a#1"], entering=["b"], request_id=new_id(), **which)
    with pytest.raises(WayClosed):
        returns.jump(room.services, case, leaving=["b#1"], entering=["letter"], request_id=new_id(), **which)
    returns.jump(room.services, case, leaving=["b#1"], entering=["check"], request_id=new_id(), **which)
    room.complete(case, "check")
    back(room, case, "check")
    returns.jump(room.services, case, leaving=["check#2"], entering=["letter"], request_id=new_id(), **which)
    assert room.open(case) == "letter"


@pytest.mark.parametrize("ended", ["closed", "terminated"])
def test_wake_a_closed_case(room: Room, ended: str) -> None:
    """唤醒 (wake): at a step that it reached; it is closed and to be sealed again at its new end, and both ends stay in the ledger."""
    room.deploy(*line("a", "b"))
    case = room.start()
    room.complete(case, "a")
    if ended == "closed":
        room.complete(case, "b")
    else:
        room.manage(endings.terminate, case)
    which = {"actor": person("admin"), "reason": "仲裁要求补正"}
    with pytest.raises(WayClosed):
        returns.reopen(room.services, case, "start", request_id=new_id(), **which)
    returns.reopen(room.services, case, "b", request_id=new_id(), **which)
    row = room.case(case)
    assert (row.status, row.outcome, row.closed_at) == ("running", None, None) and room.open(case) == "b"
    assert [job.state for job in room.jobs(case)] == ["dropped"]
    with pytest.raises(CaseNotRunning):
        returns.reopen(room.services, case, "b", request_id=new_id(), **which)
    room.clock.move(hours=1)
    room.complete(case, "b")
    assert room.case(case).status == "closed" and [job.state for job in room.jobs(case)] == ["dropped", "waiting"]
    told = next(entry for entry in room.entries(case) if entry.event == Event.CASE_REOPENED)
    assert told.payload["before"] == ("completed" if ended == "closed" else "terminated")
    assert room.events(case).count(Event.CASE_CLOSED) == 2


def test_who_may(room: Room) -> None:
    """Managers with a reason, while the case runs; the same request again changes nothing."""
    room.deploy(*line("a", "b"))
    case = room.start()
    room.complete(case, "a")
    for refused in ({"by": "hr"}, {"by": "boss"}, {"reason": " "}):
        with pytest.raises(NotAllowed):
            back(room, case, "a", **refused)
    with pytest.raises(NotAllowed):
        returns.steps(room.services, case, actor=person("subject"))
    room.manage(cases.suspend, case)
    with pytest.raises(CaseNotRunning):
        back(room, case, "a")
    room.manage(cases.resume, case)
    back(room, case, "a", request_id="one")
    assert back(room, case, "a", request_id="one") == Prospect()
    assert room.events(case).count(Event.CASE_RETURNED) == 1
