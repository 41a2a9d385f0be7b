"""Timers that run: another due time by a person, one firing after an outage, and none after the case is over."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from diagrams import END, START, boundary, flows, node, timer, user
from engine_room import Room, person, together

from engine import casefile, cases, endings, timers
from engine.errors import CaseNotRunning, ItemClosed, NotAllowed, NotFound
from engine.services import Services


def with_term(services: Services) -> Room:
    """One task with a term of a day."""
    room = Room(services)
    late = boundary("late", "a", timer(duration="PT24H"))
    room.deploy(START, user("a"), late, user("b"), END, flows("start > a", "a > end", "late > b", "b > end"))
    return room


def the_timer(room: Room, case: str) -> Any:
    [found] = casefile.case_page(room.services, case, reader=person("admin")).timers
    return found


def move(room: Room, case: str, hours: float, **more: Any) -> None:
    due = room.clock.now() + dt.timedelta(hours=hours)
    room.manage(timers.reschedule, the_timer(room, case).job_id, due=due, **more)


def test_a_timer_gets_another_time(services: Services) -> None:
    """Later or sooner, once each, by a manager with a reason; the state knows it, too, and the ledger the time before."""
    room = with_term(services)
    case = room.start()
    first = the_timer(room, case).due_at
    for by, reason in (("hr", "x"), ("boss", "x"), ("subject", "x"), ("admin", " ")):
        with pytest.raises(NotAllowed):
            move(room, case, 48, by=by, reason=reason)
    move(room, case, 72, reason="员工住院", request_id="r")
    move(room, case, 1, request_id="r")
    room = room.restarted()
    moved = the_timer(room, case).due_at
    assert moved - first == dt.timedelta(hours=48)
    room.clock.move(hours=71)
    assert room.run() == 0
    room.clock.move(hours=1)
    assert room.run() == 1 and room.open(case) == "b"
    [entry] = [entry for entry in room.entries(case) if entry.event == "job:timer:moved"]
    assert (entry.actor, entry.payload["reason"], entry.payload["act"]) == (person("admin"), "员工住院", "reschedule")
    assert [dt.datetime.fromisoformat(entry.payload[name]) for name in ("before", "due")] == [first, moved]
    other = room.start()
    move(room, other, -5)
    assert room.run() == 1 and room.open(other) == "b"


def test_a_time_with_another_offset_is_the_same_moment(services: Services) -> None:
    """What was said in Shanghai's time is kept as the moment it is."""
    room = with_term(services)
    case = room.start()
    there = dt.datetime(2026, 11, 30, 9, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    room.manage(timers.reschedule, the_timer(room, case).job_id, due=there)
    assert the_timer(room, case).due_at == there


def test_a_timer_that_no_longer_waits_is_not_moved(services: Services) -> None:
    """Neither one that fired, nor one of a case at rest or over, nor one that never was."""
    room = with_term(services)
    case = room.start()
    job = the_timer(room, case).job_id
    room.manage(cases.suspend, case)
    with pytest.raises(CaseNotRunning):
        move(room, case, 1)
    room.manage(cases.resume, case)
    room.clock.move(hours=25)
    room.run()
    due = room.clock.now()
    with pytest.raises(ItemClosed):
        room.manage(timers.reschedule, job, due=due)
    room.manage(endings.terminate, case)
    with pytest.raises(CaseNotRunning):
        room.manage(timers.reschedule, job, due=due)
    with pytest.raises(NotFound):
        room.manage(timers.reschedule, "0" * 32, due=due)


def test_a_timer_is_moved_while_it_becomes_due(services: Services) -> None:
    """Either it fires, or it has the new time: never both."""
    room = with_term(services)
    for _ in range(5):
        case = room.start()
        room.clock.move(hours=24)
        job, due = the_timer(room, case).job_id, room.clock.now() + dt.timedelta(hours=9)
        _, moved = together(room.run, lambda job=job, due=due: room.manage(timers.reschedule, job, due=due))  # type: ignore[misc]
        assert moved is None or isinstance(moved, ItemClosed)
        room.clock.move(minutes=5)
        room.run()
        assert room.open(case) == ("b" if moved else "a")
        room.clock.move(hours=9)
        room.run()
        assert room.open(case) == "b" and room.events(case).count("job:timer:fired") == 1


def test_a_cycle_that_was_missed_fires_once(services: Services) -> None:
    """After an outage of ten intervals there is one reminder, not ten, and the next one at its time."""
    room = Room(services)
    remind = node("boundaryEvent", "remind", timer(cycle="R/PT1H"), attachedToRef="a", cancelActivity="false")
    room.deploy(START, user("a"), remind, node("endEvent", "e"), END, flows("start > a", "a > end", "remind > e"))
    case = room.start()
    room.clock.move(hours=10, minutes=30)
    assert room.run() == 1
    assert the_timer(room, case).due_at > room.clock.now()
    room.clock.move(hours=1)
    assert room.run() == 1 and room.events(case).count("job:timer:fired") == 2
