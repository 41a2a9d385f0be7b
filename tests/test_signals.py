"""Signals on their way: to whom they go, what happens when their receivers move meanwhile, and nobody waits for anybody's lock."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, event, flows, node, user
from engine_room import Room, person

from engine import cases, messages
from engine.errors import ValueRefused
from engine.jobs import Runner
from engine.ledger import Event
from engine.locking import lock
from engine.models import Job, Subscription
from engine.services import Services

SIGNAL = '<bpmn:signal id="S" name="policy changed"/>'
HEARD = event("signal", signalRef="S")
RULES = {"senders": ["hr"]}
#: work beside which a signal opens a path of its own, each time
BESIDE = (START, user("a"), boundary("b", "a", HEARD, interrupting=False), user("x"), END,
          flows("start > a", "a > end", "b > x", "x > end"))  # fmt: skip
THROWING = (START, user("a"), node("intermediateThrowEvent", "t", HEARD), user("z"), END, flows("start > a", "a > t", "t > z", "z > end"))


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def send(room: Room, request_id: str, *, by: str = "hr", **values: str) -> int:
    return messages.signal(room.services, name="policy changed", values=values, actor=person(by), request_id=request_id)


def test_two_signals_at_once_both_open_a_path(room: Room) -> None:
    """The second one is on its way while the first makes the event wait anew; sent again, neither arrives again."""
    room.deploy(*BESIDE, named=SIGNAL, rules=RULES)
    case = room.start()
    send(room, "first"), send(room, "second")
    room.run()
    assert room.open(case) == "a x x"
    send(room, "first")
    room.run()
    assert room.open(case) == "a x x" and room.events(case).count(Event.SIGNAL_RECEIVED) == 2


def test_a_signal_to_a_case_that_has_ended_leaves_no_job_behind(room: Room) -> None:
    """What ended before it came, or by the signal before it, has nothing that is due for ever."""
    room.deploy(*BESIDE, named=SIGNAL, rules=RULES)
    ended = room.start()
    caught = node("intermediateCatchEvent", "c", HEARD)
    room.deploy(START, caught, END, flows("start > c", "c > end"), named=SIGNAL, rules=RULES, procedure="short")
    short = room.start(procedure="short")
    send(room, "first"), send(room, "second")
    room.complete(ended, "a")
    room.run()
    assert [room.case(case).status for case in (ended, short)] == ["closed", "closed"]
    signals = [job.state for case in (ended, short) for job in room.jobs(case) if job.kind == "signal"]
    assert sorted(signals) == ["done", "dropped", "dropped", "dropped"]


def test_a_signal_waits_until_its_case_is_resumed(room: Room) -> None:
    """Also one that a worker had taken up before the case was suspended."""
    room.deploy(*BESIDE, named=SIGNAL, rules=RULES)
    case = room.start()
    send(room, "once")
    runner = Runner(room.services, name="test", seal=lambda case: None)
    [job] = runner._claim(5)
    room.manage(cases.suspend, case)
    runner._run(job)
    runner.close()
    assert room.open(case) == "a"
    room.clock.move(hours=1)
    assert room.run() == 0 and room.open(case) == "a"
    room.manage(cases.resume, case)
    room.run()
    assert room.open(case) == "a x"


def test_nobody_signals_to_a_case_about_themselves(room: Room) -> None:
    """It is passed over without a word, as they may not know of it."""
    room.deploy(*BESIDE, named=SIGNAL, rules=RULES)
    room.start(about="hr", by="director")
    assert send(room, "once") == 0 and room.run() == 0


def test_a_signal_says_not_whom_a_case_is_about(room: Room) -> None:
    """The sender is told at once, before any case has trouble with it."""
    room.deploy(*BESIDE, named=SIGNAL, rules=RULES)
    case = room.start()
    with pytest.raises(ValueRefused, match="subject"):
        send(room, "once", subject="forged")
    assert [job.kind for job in room.jobs(case)] == []


def test_who_throws_a_signal_does_not_wait_for_who_hears_it(room: Room) -> None:
    """Two cases that throw signals at each other at the same moment would otherwise wait for each other for ever."""
    room.deploy(*BESIDE, named=SIGNAL, rules=RULES, procedure="hearing")
    room.deploy(*THROWING, named=SIGNAL)
    hearing, throwing = room.start(procedure="hearing"), room.start()
    alone = room.services.database.engine.dialect.name == "sqlite"  # which lets one write at a time, whatever it writes
    thrower = threading.Thread(target=room.complete, args=(throwing, "a"), daemon=True)
    with room.services.database.unit() as unit:
        lock(unit, case_id=hearing)
        thrower.start()
        thrower.join(0 if alone else 5)
        assert thrower.is_alive() == alone
    thrower.join()
    assert room.open(throwing) == "z"
    room.run()
    assert room.open(hearing) == "a x" and room.values(sa.select(Subscription.element)) == ["b"]


def test_a_lease_is_renewed_without_waiting_for_the_turn_of_a_case(room: Room) -> None:
    """A row that a turn holds is passed over; the two would otherwise wait for each other's rows."""
    room.deploy(*BESIDE, named=SIGNAL, rules=RULES)
    cases_ = [room.start(), room.start(about="worker", by="other")]
    send(room, "once")
    runner = Runner(room.services, name="test", seal=lambda case: None)
    runner._claim(5)
    room.clock.move(seconds=10)
    alone = room.services.database.engine.dialect.name == "sqlite"
    renewing = threading.Thread(target=runner.renew, daemon=True)
    with room.services.database.unit() as unit:
        unit.connection.execute(sa.update(Job).where(Job.case_id == cases_[0]).values(priority=1))
        renewing.start()
        renewing.join(0 if alone else 5)
        assert renewing.is_alive() == alone
    renewing.join()
    held, free = [job.lease_until for case in cases_ for job in room.jobs(case)]
    assert (held == free) if alone else (held < free)
    runner.close()
