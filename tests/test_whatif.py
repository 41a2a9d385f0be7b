"""What would have been: real cases played on the draft, with what people, systems and the clock did then."""

from __future__ import annotations

from typing import Any

import pytest
from diagrams import END, START, boundary, flows, node, service, timer, user, zeebe
from engine_room import Room, files, line, person
from twins import ScriptedOperation

from engine.errors import NotAllowed
from engine.services import Services
from engine.studio import changing, drafts, whatif
from engine.studio.whatif import WouldBe

RULES = {"managers": ["hr_director"]}


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services, ScriptedOperation("x.a", answers=[{"n": 1}] * 20), ScriptedOperation("x.b", answers=[{"n": "text"}]))


def draft(room: Room, *body: str) -> None:
    """The draft's diagram."""
    changing.save(room.services, "test", "test.bpmn", files(*body)["test.bpmn"], revision=_revision(room), actor=person("director"))


def _revision(room: Room) -> int:
    return drafts.content(room.services, "test", "test.bpmn", actor=None)[1]


def only(room: Room) -> WouldBe:
    [found] = whatif.look(room.services, "test", actor=person("director")).cases
    return found


def ids(steps: Any) -> list[str]:
    return [step.id for step in steps]


def test_the_same_diagram_goes_the_same_way(room: Room) -> None:
    """Call, task and timer, running and closed: nothing is elsewhere, and nothing is written."""
    wait = node("intermediateCatchEvent", "wait", timer(duration="PT1H"))
    body = (START, service("call", operation="x.a"), user("a"), wait, END, flows("start > call", "call > a", "a > wait", "wait > end"))
    room.deploy(*body, rules=RULES)
    case = room.start()
    room.run()
    assert only(room).same
    room.complete(case, "a")
    room.clock.move(hours=2)
    room.run()
    entries = room.case(case).entries
    found = only(room)
    assert found.same and found.ended == ("completed", "completed"), found
    assert room.case(case).entries == entries


def test_a_changed_condition_sends_cases_elsewhere(room: Room) -> None:
    """The first step that differs is named, and what is left out; what nobody answered then stops it."""

    def body(limit: int) -> tuple[str, ...]:
        gate = node("exclusiveGateway", "g", default="g_b")
        rest = flows("start > call", "call > a", "a > g", "g > b", "x > end", "b > end")
        call = service("call", operation="x.a")
        return (START, call, user("a"), gate, user("x"), user("b"), END, rest, flows(f"g > x: n > {limit}"))

    room.deploy(*body(5), rules=RULES)
    case = room.start()
    room.run()
    room.complete(case, "a")
    room.complete(case, "b")
    assert only(room).same
    draft(room, *body(0))
    found = only(room)
    assert found.first is not None and (found.first.id, ids(found.new)) == ("x", ["x"])
    assert found.stopped is not None and "x" in str(found.stopped)


def test_a_new_step_is_passed_and_a_step_less_is_left_out(room: Room) -> None:
    """What came after it then is done there, too, so that the end is known."""
    room.deploy(*line("a", "b"), rules=RULES)
    case = room.start()
    room.complete(case, "a")
    room.complete(case, "b")
    draft(room, *line("a", "check", "b"))
    found = only(room)
    assert (found.first and found.first.id, ids(found.new), ids(found.left_out), found.stopped) == ("check", ["check"], [], None)
    draft(room, *line("b"))
    found = only(room)
    assert (found.first and found.first.id, ids(found.new), ids(found.left_out), found.stopped) == ("a", [], ["a"], None)
    draft(room, *line("b", "a"))
    assert (only(room).first is not None, only(room).stopped) == (True, None)


def test_a_shorter_time_limit_would_have_been_over(room: Room) -> None:
    """The draft's own timer falls due between two acts, as it would have then."""

    def body(hours: int) -> tuple[str, ...]:
        late = boundary("late", "a", timer(duration=f"PT{hours}H"))
        return (START, user("a"), late, user("b"), node("endEvent", "over"), END, flows("start > a", "a > b", "b > end", "late > over"))

    room.deploy(*body(10), rules=RULES)
    case = room.start()
    room.clock.move(hours=5)
    room.complete(case, "a")
    room.complete(case, "b")
    assert only(room).same
    draft(room, *body(2))
    found = only(room)
    assert found.first is not None and found.first.id in ("late", "over") and ids(found.left_out) == ["b", "end"]


def test_a_draft_that_fails_on_real_values_says_where(room: Room) -> None:
    """An expression that cannot be worked out with what the case knew."""
    call = service("call", operation="x.b")
    room.deploy(START, call, user("a"), END, flows("start > call", "call > a", "a > end"), rules=RULES)
    room.start()
    room.run()
    script = node("scriptTask", "s", zeebe("script", expression="=n + 1", resultVariable="m"))
    draft(room, START, call, script, user("a"), END, flows("start > call", "call > s", "s > a", "a > end"))
    found = only(room)
    assert found.stopped is not None and "s cannot go on" in str(found.stopped)
    assert found.first is not None and found.first.id == "s"


def test_a_step_whose_answer_is_needed_later_is_named(room: Room) -> None:
    """Without the call a condition behind it cannot be worked out: the case left its way at the call, not at the gateway."""
    gate = node("exclusiveGateway", "g", default="g_a")
    rest = (gate, user("a"), user("b"), END, flows("g > a", "a > end", "b > end"), flows("g > b: n > 5"))
    room.deploy(START, service("call", operation="x.a"), *rest, flows("start > call", "call > g"), rules=RULES)
    room.start()
    room.run()
    draft(room, START, *rest, flows("start > g"))
    found = only(room)
    assert found.stopped is not None and "g cannot go on" in str(found.stopped)
    assert found.first is not None and found.first.id == "call"


def test_the_cases_come_in_portions_and_only_to_managers(room: Room) -> None:
    """The latest first; nobody sees what is about themselves."""
    room.deploy(*line("a"), rules=RULES)
    for _ in range(3):
        room.start()
    director = person("director")
    first = whatif.look(room.services, "test", actor=director, seconds=0)
    assert (first.of, first.done, len(first.cases)) == (3, 1, 1)
    rest = whatif.look(room.services, "test", actor=director, after=1)
    assert (rest.done, len(rest.cases)) == (3, 2)
    with pytest.raises(NotAllowed):
        whatif.look(room.services, "test", actor=person("hr"))
