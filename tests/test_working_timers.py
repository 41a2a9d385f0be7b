"""Durations of a diagram in working time: `wf.calendar` at a timer event or a user task."""

from __future__ import annotations

import datetime as dt

import pytest
from diagrams import END, NOW, START, Play, both_ways, boundary, diagram, flows, node, timer, user, zeebe

from engine.bpmn import lint, timers
from engine.bpmn.program import Program
from engine.calendar import Calendars

__all__ = ["both_ways"]

OFFICE = zeebe("properties", zeebe("property", name="wf.calendar", value="office"))
FACTORY = zeebe("properties", zeebe("property", name="wf.calendar", value="factory"))


def shanghai(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+08:00")


@pytest.mark.parametrize(
    ("text", "due"),
    [({"duration": "P3D"}, "2026-11-27T16:00"), ({"duration": "PT8H"}, "2026-11-25T16:00"), ({"date": "2026-11-28"}, "2026-11-28T00:00")],
)
def test_a_timer_event_counts_in_working_time(text: dict[str, str], due: str) -> None:
    """From Tuesday 16:00: three working days, eight working hours; a date stays the date it is."""
    play = Play(START, node("intermediateCatchEvent", "t", OFFICE, timer(**text)), END, flows("start > t", "t > end"))
    assert play.last.scheduled[0].due == shanghai(due)


def test_the_calendar_counts_at_the_event_and_not_beside_it() -> None:
    """A boundary timer without the property keeps to calendar days, whatever its task has."""
    play = Play(
        *(START, user("a", OFFICE), user("b"), END, flows("start > a", "a > end", "plain > b", "working > b")),
        boundary("plain", "a", timer(duration="P4D")),
        boundary("working", "a", timer(duration="P4D"), OFFICE),
    )
    due = {timer.element: timer.due for timer in play.last.scheduled}
    assert due == {"plain": shanghai("2026-11-28T16:00"), "working": shanghai("2026-11-30T16:00")}


@pytest.mark.parametrize(("given", "due"), [("PT4H", "2026-11-25T11:00"), ('=duration("P1D")', "2026-11-25T16:00")])
def test_a_user_task_is_due_in_working_time(given: str, due: str) -> None:
    """A due date given as a duration, literally or by an expression, is counted from the moment the task opens."""
    play = Play(START, user("a", OFFICE, zeebe("taskSchedule", dueDate=given)), END, flows("start > a", "a > end"))
    assert play.last.opened[0].due == shanghai(due)


def test_a_repetition_keeps_to_working_time() -> None:
    """Every six working hours: Wednesday 14:00, Thursday 11:00, Thursday 18:00."""
    play = Play(
        *(START, user("a"), node("task", "r"), flows("start > a", "t > r")),
        boundary("t", "a", timer(cycle="R3/PT6H"), OFFICE, interrupting=False),
    )
    due = [play.last.scheduled[0].due]
    for _ in range(2):
        play.now = due[-1]
        due.append(play.fired("t").scheduled[0].due)
    assert due == [shanghai(text) for text in ("2026-11-25T14:00", "2026-11-26T11:00", "2026-11-26T18:00")]


def test_a_program_reckons_with_the_installation_s_calendars() -> None:
    """A calendar of the settings is found by its name."""
    around_the_clock = Calendars({"factory": {"hours": {"mon-sun": ["00:00-24:00"]}, "holidays": ""}}, zone="Asia/Shanghai")
    body = (START, node("intermediateCatchEvent", "t", FACTORY, timer(duration="PT60H")), END, flows("start > t", "t > end"))
    program = Program({"x.bpmn": diagram(*body)}, version="1", calendars=around_the_clock)
    assert program.start({}, now=NOW)[1].scheduled[0].due == NOW + dt.timedelta(hours=60)


def test_a_calendar_that_is_gone_makes_the_element_stuck() -> None:
    """The token stays before it, and the error names the calendar."""
    play = Play(START, node("intermediateCatchEvent", "t", FACTORY, timer(duration="PT1H")), END, flows("start > t", "t > end"))
    assert [(stuck.element, stuck.error.facts["name"]) for stuck in play.last.stuck] == [("t", "factory")]


@pytest.mark.parametrize(
    ("properties", "text", "codes"),
    [
        (OFFICE, "P3D", []),
        (FACTORY, "P3D", ["unknown_calendar"]),
        (OFFICE, "P1M", ["bad_timer"]),
        (OFFICE, "P1W", ["bad_timer"]),
        (OFFICE, "PT1000000H", ["bad_timer"]),
        (FACTORY, "P1W", ["bad_timer", "unknown_calendar"]),
    ],
)
def test_what_cannot_be_reckoned_is_found_before_it_is_deployed(properties: str, text: str, codes: list[str]) -> None:
    """A calendar nobody defined, and durations that have no working time."""
    body = (START, node("intermediateCatchEvent", "t", properties, timer(duration=text)), END, flows("start > t", "t > end"))
    found = lint.check({"x.bpmn": diagram(*body)}, calendars=Calendars({}, zone="Asia/Shanghai"))["x.bpmn"]
    assert sorted(str(finding.code) for finding in found) == codes


def test_a_due_time_in_a_year_that_is_not_announced_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody takes an assumption for knowledge: calendar and year stand in the log."""
    office = Calendars({}, zone="Asia/Shanghai").get("office")
    timers.after("P1D", shanghai("2098-12-30T10:00"), office)
    assert "office" in caplog.text and "2098" in caplog.text
