"""Which job is taken next: the most urgent, within the limits of its operation, by one worker only, for as long as it runs."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, node, service, timer, user, zeebe
from engine_room import Room, together
from twins import ScriptedOperation

from engine import claims
from engine.errors import NeedsPerson, SettingWrong, TryAgain
from engine.jobs import Runner
from engine.models import Job
from engine.ports import Answer, Call
from engine.services import Services
from engine.settings import Limit


def limited(room: Room, **more: Any) -> Room:
    """The same room with other settings."""
    room.services = dataclasses.replace(room.services, settings=dataclasses.replace(room.services.settings, **more))
    return room


def runner_of(room: Room) -> Runner:
    return Runner(room.services, name="test", seal=lambda case: None)


def calls(room: Room, *operations: str) -> list[str]:
    """One case for each, which calls it at once; in this order."""
    found = []
    for number, operation in enumerate(operations):
        room.deploy(
            START, service("call", operation=operation), user("a"), END, flows("start > call", "call > a", "a > end"), procedure=operation
        )
        found.append(room.start(procedure=operation))
        room.clock.move(milliseconds=number + 1)
    return found


def urgent(room: Room, urgency: str) -> str:
    """A case that calls with this priority."""
    call = node("serviceTask", "call", zeebe("taskDefinition", type="x.a") + zeebe("jobPriorityDefinition", priority=urgency))
    room.deploy(START, call, user("a"), END, flows("start > call", "call > a", "a > end"))
    return room.start()


class Busy:
    """Two operations that count how many of their calls run at once."""

    def __init__(self) -> None:
        self.most: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.twin = ScriptedOperation("x.a", "x.b", answers=[self._call])

    def _call(self, call: Call) -> Answer:
        with self._lock:
            self._now[call.operation] += 1
            self.most[call.operation] = max(self.most[call.operation], self._now[call.operation])
        time.sleep(0.01)
        with self._lock:
            self._now[call.operation] -= 1
        return Answer(value={})


# --- order


def test_the_higher_priority_is_called_first(services: Services) -> None:
    """Whatever came before it; among equals the one that has waited longest; a higher one that is not yet due holds up nobody."""
    system = ScriptedOperation("x.a", answers=[{}])
    room = limited(Room(services, system), job_threads=1)
    started = {}
    for urgency in ("0", "7", "=-3", "7", "=1 + 1"):
        started[urgent(room, urgency)] = urgency
        room.clock.move(seconds=1)
    later = urgent(room, "99")
    room.write(sa.update(Job).where(Job.case_id == later).values(due_at=room.clock.now() + dt.timedelta(hours=1)))
    runner = runner_of(room)
    while runner.run_due(1):
        pass
    runner.close()
    order = [call.key.split(":")[0] for call in system.calls]
    assert [started[case] for case in order] == ["7", "7", "=1 + 1", "0", "=-3"]
    assert order[:2] == [case for case, urgency in started.items() if urgency == "7"]


@pytest.mark.parametrize("urgency", ['="soon"', "=2147483648", "=null"])
def test_a_priority_that_is_none_stops_the_case_there(services: Services, urgency: str) -> None:
    """The incident names the expression, and nothing is lost."""
    room = Room(services, ScriptedOperation("x.a"))
    case = urgent(room, urgency)
    [incident] = room.incidents(case)
    assert incident.code == "feel_error" and incident.facts["expression"] == urgency


def test_a_look_and_a_claim_read_the_index_of_due_jobs(services: Services) -> None:
    """On both databases, so that a hundred thousand timers of next year cost a look nothing."""
    asked: list[tuple[str, Any]] = []
    room = Room(services, ScriptedOperation("x.a"))
    calls(room, "x.a")
    remember = lambda *given: asked.append((given[2], given[3]))  # noqa: E731
    sa.event.listen(services.database.engine, "before_cursor_execute", remember)
    assert room.run() == 1
    sa.event.remove(services.database.engine, "before_cursor_execute", remember)
    looks = [(sql, given) for sql, given in asked if "priorities" in sql or "chosen" in sql]
    assert len(looks) == 3
    with services.database.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # in a table of three rows it would be right
        for sql, given in looks:
            plan = str(connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{sql}", given).all())
            assert "ix_jobs_due" in plan and not ("SCAN jobs" in plan and "USING" not in plan), plan


# --- limits


def test_no_more_calls_at_once_than_the_operation_bears(services: Services) -> None:
    """Three workers together keep to it, everything is called in the end, and what has no limit is not held up."""
    busy = Busy()
    room = limited(Room(services, busy.twin), operations={"x.a": Limit(concurrency=2)})
    all_cases = calls(room, *["x.a"] * 8, *["x.b"] * 4)
    runners = [runner_of(room.restarted()) for _ in range(3)]

    def work(runner: Runner) -> None:
        for _ in range(30):
            runner.run_due(4)

    together(*(lambda runner=runner: work(runner) for runner in runners))  # type: ignore[misc]
    for runner in runners:
        runner.close()
    assert busy.most["x.a"] <= 2 and {room.open(case) for case in all_cases} == {"a"}
    assert len(busy.twin.calls) == 12 and {job.attempts for case in all_cases for job in room.jobs(case)} == {1}


def test_no_more_calls_in_a_minute_than_the_operation_bears(services: Services) -> None:
    """Further attempts count too; whoever stands behind in another operation is called meanwhile."""
    system = ScriptedOperation("x.a", "x.b", answers=[{}])
    room = limited(Room(services, system), operations={"x.a": Limit(per_minute=3)})
    calls(room, *["x.a"] * 8, "x.b")
    made = []
    for _ in range(24):
        room.run()
        made.append(Counter(call.operation for call in system.calls))
        room.clock.move(seconds=10)
    assert made[0] == {"x.a": 3, "x.b": 1} and made[5] == {"x.a": 3, "x.b": 1}
    assert made[7]["x.a"] == 6 and made[-1] == {"x.a": 8, "x.b": 1}
    begun = [call.now for call in system.calls if call.operation == "x.a"]
    assert all(later - sooner >= dt.timedelta(minutes=1) for sooner, later in zip(begun, begun[3:], strict=False))


def test_further_attempts_count_as_calls(services: Services) -> None:
    """A system that fails is not asked more often than it bears."""
    again = TryAgain(system="x", operation="x.a", reason="503")
    system = ScriptedOperation("x.a", answers=[again, again, {}])
    room = limited(Room(services, system), operations={"x.a": Limit(per_minute=1)}, job_backoff=1.0)
    [case] = calls(room, "x.a")
    for second in range(0, 150, 5):
        room.run()
        assert len(system.calls) <= second // 60 + 1
        room.clock.move(seconds=5)
    assert room.open(case) == "a" and len(system.calls) == 3


def test_limits_for_all_hold_for_each_operation_without_its_own(services: Services) -> None:
    """`*` is not one limit over all of them together."""
    busy = Busy()
    room = limited(Room(services, busy.twin), operations={"*": Limit(concurrency=1), "x.b": Limit(concurrency=3)}, job_threads=8)
    calls(room, *["x.a", "x.b"] * 4)
    runner = runner_of(room)
    assert runner.run_due() == 4 and Counter(call.operation for call in busy.twin.calls) == {"x.a": 1, "x.b": 3}
    runner.close()
    room.run()
    assert len(busy.twin.calls) == 8


def test_a_worker_that_died_does_not_take_up_room_for_ever(services: Services) -> None:
    """What it had claimed counts until its lease is over."""
    system = ScriptedOperation("x.a", answers=[{}])
    room = limited(Room(services, system), operations={"x.a": Limit(concurrency=1)})
    calls(room, "x.a", "x.a")
    assert len(runner_of(room)._claim(5)) == 1
    assert room.run() == 0
    room.clock.move(minutes=2)
    assert room.run() == 2 and len(system.calls) == 2


def test_limits_of_an_operation_that_nobody_offers(services: Services) -> None:
    """A mistyped name stops the start, instead of limiting nothing."""
    room = limited(Room(services, ScriptedOperation("x.a")), operations={"x.aa": Limit(concurrency=1)})
    with pytest.raises(SettingWrong) as caught:
        runner_of(room)
    assert caught.value.facts["setting"] == 'operations."x.aa"' and "x.a" in caught.value.facts["reason"]


# --- leases


def slowly(room: Callable[[], Room], runner: Callable[[], Runner], minutes: int) -> Callable[[Call], Answer]:
    """A call during which minutes go by, its lease is renewed each of them, and another worker looks for work."""

    def call(_call: Call) -> Answer:
        for _ in range(minutes):
            room().clock.move(seconds=50)
            runner().renew()
            room().clock.move(seconds=10)
            if other := runner_of(room())._claim(5):
                raise NeedsPerson(system="x", operation="x.a", reason=f"taken by another: {len(other)}")
        return Answer(value={})

    return call


def test_a_slow_call_is_not_doubled(services: Services) -> None:
    """Its lease is renewed as long as it runs, however short a lease is."""
    system = ScriptedOperation("x.a", answers=[slowly(lambda: room, lambda: runner, 10)])
    room = Room(services, system)
    [case] = calls(room, "x.a")
    runner = runner_of(room)
    assert runner.run_due() == 1 and room.open(case) == "a" and room.incidents(case) == []
    runner.close()
    assert len(system.calls) == 1


def test_a_call_that_never_ends_is_given_up(services: Services) -> None:
    """After the longest time of a call its lease is renewed no more, and another worker takes it with the same key."""
    system = ScriptedOperation("x.a", answers=[slowly(lambda: room, lambda: runner, 10)])
    room = limited(Room(services, system), job_longest=300.0)
    [case] = calls(room, "x.a")
    runner = runner_of(room)
    runner.run_due()
    runner.close()
    [job] = room.jobs(case)
    assert (job.state, job.attempts) == ("leased", 2) and room.open(case) == ""


def test_a_lost_lease_is_not_renewed(services: Services) -> None:
    """Whoever was too late does not take the job back from another."""
    room = Room(services, ScriptedOperation("x.a"))
    [case] = calls(room, "x.a")
    late, other = runner_of(room), runner_of(room)
    late._claim(1)
    room.clock.move(minutes=2)
    [taken] = other._claim(1)
    late.renew()
    [job] = room.jobs(case)
    assert (job.lease, job.lease_until) == (taken.lease, taken.lease_until)


def test_leases_are_renewed_by_themselves(services: Services) -> None:
    """As long as something runs, three times within their span."""
    gate = threading.Event()
    system = ScriptedOperation("x.a", answers=[lambda call: Answer(value={"in_time": gate.wait(10)})])
    room = limited(Room(services, system), job_lease=0.06)
    [case] = calls(room, "x.a")
    runner = runner_of(room)
    runner.begin_due(1)
    before = room.jobs(case)[0].lease_until
    room.clock.move(seconds=0.05)
    deadline = time.monotonic() + 10
    while room.jobs(case)[0].lease_until == before and time.monotonic() < deadline:
        time.sleep(0.01)
    gate.set()
    runner.close()
    assert room.open(case) == "a" and room.variables(case)["in_time"] is True


# --- a clock that was wrong


def test_a_clock_that_is_set_back_starves_nobody(services: Services) -> None:
    """What was due before is due still, a dead worker's lease is not longer for it, and a timer keeps its time and fires once."""
    system = ScriptedOperation("x.a", answers=[{}])
    room = Room(services, system)
    later = node("intermediateCatchEvent", "later", timer(duration="PT1H"))
    room.deploy(START, later, user("a"), END, flows("start > later", "later > a", "a > end"))
    fired, waits = room.start(), ""
    room.clock.move(hours=1)
    runner = runner_of(room)
    runner.run_due()
    waits = room.start()
    first, second = calls(room, "x.a", "x.a")
    assert len(runner_of(room)._claim(1)) == 1  # by a worker that then dies
    room.clock.move(hours=-2)
    assert runner.run_due() == 1 and (room.open(first), room.open(second)) == ("", "a")
    room.clock.move(seconds=room.services.settings.job_lease + 1)
    assert runner.run_due() == 1 and room.open(first) == "a" and len(system.calls) == 2
    assert room.open(waits) == "" and room.events(fired).count("job:timer:fired") == 1
    room.clock.move(hours=3)
    assert runner.run_due() == 1 and room.open(waits) == "a"
    runner.close()
    assert room.events(fired).count("job:timer:fired") == 1


def test_a_look_at_nothing_says_so(services: Services) -> None:
    """Without a job there is neither a priority nor a lost lease."""
    with services.database.reading() as connection:
        assert not claims.look(connection, services.clock.now())
