"""A case rebuilt from its ledger: the same acts at the same times lead to the same state, and what is missing is named."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, call, diagram, event, flows, node, service, timer, user, zeebe
from engine_room import Room, line
from twins import ScriptedOperation

from engine import deploying, endings, incidents, replay
from engine.calendar import Calendars
from engine.errors import NotFound, Refused, ReplayStopped
from engine.models import Case
from engine.services import Services
from engine.turn import state_purpose


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services, ScriptedOperation("x.a", answers=[{"n": 1}]))


def replayed(room: Room, case: str) -> replay.Replayed:
    return replay.replay(room.services, room.case(case).number)


def test_the_acts_of_a_case_lead_to_its_state(room: Room) -> None:
    """Start, call, completion and timer, each at its own time; while the case runs and when it is over."""
    wait = node("intermediateCatchEvent", "wait", timer(duration="PT1H"))
    body = flows("start > call", "call > a", "a > wait", "wait > b", "b > end")
    room.deploy(START, service("call", operation="x.a"), user("a"), wait, user("b"), END, body)
    case = room.start()
    for act in (room.run, lambda: room.complete(case, "a"), room.run, lambda: room.complete(case, "b")):
        act()
        found = replayed(room, case)
        assert found.same, found.differences
        room.clock.move(hours=1, seconds=7)
    assert room.case(case).status == "closed" and found.acts == 5


def test_repairs_are_acts_too(services: Services) -> None:
    """A retry with other variables, an answer by hand, and what an error event caught."""
    refusal = Refused(system="x", operation="x.a", reason="no")
    room = Room(services, ScriptedOperation("x.a", answers=[refusal]), ScriptedOperation("x.b", answers=[refusal]))
    caught = boundary("caught", "two", event("error"))
    script = node("scriptTask", "script", zeebe("script", expression="=n + 1", resultVariable="m"))
    body = flows("start > one", "one > two", "two > script", "caught > script", "script > a", "a > end")
    room.deploy(START, service("one", operation="x.a"), service("two", operation="x.b"), caught, script, user("a"), END, body)
    case = room.start()
    room.run()
    [incident] = room.incidents(case)
    room.manage(incidents.answer, incident.id, value={"n": "x"})
    room.run()
    [incident] = room.incidents(case)
    assert incident.element == "script" and replayed(room, case).same
    room.manage(incidents.retry, incident.id, variables={"n": 4})
    assert room.open(case) == "a" and room.variables(case)["m"] == 5
    assert replayed(room, case).same
    room.manage(endings.terminate, case)
    found = replayed(room, case)
    assert found.same and found.acts == 5, found.differences


def test_variables_that_a_failed_call_is_given(services: Services) -> None:
    """They are an act of their own before the call is made again."""
    room = Room(services, ScriptedOperation("x.a", answers=[Refused(system="x", operation="x.a", reason="no"), {}]))
    room.deploy(START, service("one", operation="x.a"), user("a"), END, flows("start > one", "one > a", "a > end"))
    case = room.start()
    room.run()
    room.manage(incidents.retry, room.incidents(case)[0].id, variables={"n": 4})
    room.run()
    assert room.open(case) == "a" and replayed(room, case).same


@pytest.mark.tampers
def test_a_state_that_nothing_led_to_is_told_by_element_and_variable(room: Room) -> None:
    """Somebody who writes into the table is found out, with the place."""
    room.deploy(*line("a", "b"))
    case = room.start()
    other = room.start(about="worker", by="other")
    room.complete(other, "a")
    with room.services.database.reading() as connection:
        sealed = connection.execute(sa.select(Case.state).where(Case.id == other)).scalar_one()
    state = room.services.keyring.unseal(sealed, state_purpose(other))
    room.write(sa.update(Case).where(Case.id == case).values(state=room.services.keyring.seal(state, state_purpose(case))))
    found = replayed(room, case)
    assert not found.same
    assert "tokens.a#1: comes out and is not stored" in found.differences
    assert any(line.startswith("variables.case.values.subject.name: '马骏' is stored") for line in found.differences)


def test_the_called_version_is_the_one_of_then(room: Room) -> None:
    """A process that another procedure changed since is called as it was at that time."""
    deploying.deploy(room.services, {"child.bpmn": diagram(*line("x"), id="child")}, procedure="child")
    room.deploy(START, user("a"), call("c", "child", bindingType="latest"), END, flows("start > a", "a > c", "c > end"))
    case = room.start()
    room.complete(case, "a")
    deploying.deploy(room.services, {"child.bpmn": diagram(*line("y"), id="child")}, procedure="child")
    found = replayed(room, case)
    assert found.same, found.differences


def test_a_calendar_that_changed_since_changes_nothing(room: Room) -> None:
    """Due times that working time gave stand in the ledger."""
    in_working_time = zeebe("properties", zeebe("property", name="wf.calendar", value="office"))
    late = boundary("late", "a", timer(duration="P3D"), in_working_time)
    room.deploy(START, user("a"), late, END, flows("start > a", "a > end", "late > end"))
    case = room.start()
    closed = Calendars({"office": {"hours": {"mon-sun": ["03:00-04:00"]}}}, zone="Asia/Shanghai")
    before = replay.replay(room.services, room.case(case).number)
    after = replay.replay(dataclasses.replace(room.services, calendars=closed), room.case(case).number)
    assert before.same and after.same, after.differences


def test_a_case_that_does_not_exist_or_does_not_begin(room: Room) -> None:
    """It says so."""
    with pytest.raises(NotFound):
        replay.replay(room.services, "nothing")
    with pytest.raises(ReplayStopped):
        replay.Player(room.services.programs, room.services.calendars).play([])
