"""One contract for every carrier: a job is run soon after its commit, never before it, once, in its time, and not without it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from diagrams import END, START, flows, node, service, timer
from engine_room import Room
from twins import ScriptedOperation

from engine.db import Database
from engine.distributed import carrier_of
from engine.distributed.sweep import Sweeper, strays
from engine.errors import SettingWrong, TryAgain
from engine.fields import Keyring
from engine.jobs import Runner
from engine.models import new_id
from engine.ports import Answer, Carrier
from engine.services import NoCarrier, Services, SystemClock
from engine.settings import Settings

CALL = (START, service("call", operation="ehr.read"), END, flows("start > call", "call > end"))


def until(true: Callable[[], Any], seconds: float = 10) -> None:
    """Wait until something holds; fail if it never does."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


@dataclasses.dataclass
class Carried:
    room: Room
    operation: ScriptedOperation
    carrier: Carrier
    runner: Runner

    def sweeper(self) -> Sweeper:
        services = self.room.services
        return Sweeper(services.database, services.clock, [strays(services.database, self.carrier, ahead=0)], every=60)


#: every carrier on the databases it is for
EACH = pytest.mark.parametrize(
    ("database_url", "settings"),
    [("sqlite", "embedded"), ("postgresql", "embedded"), ("postgresql", "procrastinate"), ("postgresql", "celery")],
    indirect=True,
)
# kombu's own: the file that stands in for a broker here
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Celery's broker is a file here: the broker is the operator's, the rules are ours."""
    return Settings(
        home=tmp_path, carrier=request.param, broker=f"sqla+sqlite:///{tmp_path / 'broker.db'}", job_poll=0.2, job_backoff=0.1, sweep=1
    )


@pytest.fixture
def carried(services: Services, settings: Settings) -> Iterator[Carried]:
    """An office whose jobs one carrier brings to one runner, at the real time."""
    operation = ScriptedOperation("ehr.read")
    carrier = carrier_of(settings, services.database)
    room = Room(dataclasses.replace(services, settings=settings, clock=SystemClock(), carrier=carrier), operation)
    room.deploy(*CALL)
    runner = Runner(room.services, name="test", seal=lambda case: None)
    yield Carried(room, operation, carrier, runner)
    carrier.stop()


@EACH
def test_a_job_is_run_soon_after_its_commit(carried: Carried) -> None:
    """Each of several jobs is run once, nobody looking after them."""
    carried.carrier.start(carried.runner)
    cases = [carried.room.start() for _ in range(8)]
    until(lambda: all(carried.room.case(case).status == "closed" for case in cases))
    assert len(carried.operation.calls) == len({call.key for call in carried.operation.calls}) == 8


@EACH
def test_a_job_waits_for_a_worker(carried: Carried) -> None:
    """What was committed while no worker ran is run when one comes."""
    case = carried.room.start()
    time.sleep(0.3)
    assert not carried.operation.calls
    carried.carrier.start(carried.runner)
    until(lambda: carried.room.case(case).status == "closed")


@EACH
def test_nothing_is_brought_without_its_commit(carried: Carried) -> None:
    """A transaction that is rolled back leaves no message that runs anything."""
    carried.carrier.start(carried.runner)
    services = carried.room.services
    with services.database.unit() as unit:
        services.carrier.defer(unit, new_id(), services.clock.now())
    time.sleep(0.5)
    assert not carried.operation.calls
    case = carried.room.start()
    until(lambda: carried.room.case(case).status == "closed")


@EACH
def test_a_failed_call_comes_again_in_its_time(carried: Carried) -> None:
    """The second attempt is brought after its pause, not before."""
    carried.operation.answers[:] = [TryAgain(system="ehr", operation="ehr.read", reason="busy", after=1.0), {}]
    carried.carrier.start(carried.runner)
    case = carried.room.start()
    until(lambda: carried.room.case(case).status == "closed")
    first, second = carried.operation.calls
    assert (second.now - first.now).total_seconds() >= 1.0 and first.key == second.key


@EACH
def test_a_timer_fires_in_its_time(carried: Carried) -> None:
    """What is due in a second is brought then."""
    room = carried.room
    wait = node("intermediateCatchEvent", "wait", timer(duration="PT1S"))
    room.deploy(START, wait, END, flows("start > wait", "wait > end"), procedure="timed")
    carried.carrier.start(carried.runner)
    begun = time.monotonic()
    case = room.start(procedure="timed")
    until(lambda: room.case(case).status == "closed")
    assert time.monotonic() - begun >= 1.0


@EACH
def test_the_sweep_brings_what_was_lost(carried: Carried) -> None:
    """A job whose message never came, or whose worker died, is found by the sweep and run once."""
    room = carried.room
    unheard = room.restarted()
    unheard.services = dataclasses.replace(room.services, carrier=NoCarrier())
    case = unheard.start()
    sweeper = carried.sweeper()
    carried.carrier.start(carried.runner)
    until(lambda: sweeper.sweep() and room.case(case).status == "closed")
    assert len(carried.operation.calls) == 1
    sweeper.stop()


@EACH
def test_it_stops_after_what_runs_is_finished(carried: Carried) -> None:
    """A call under way is finished and its answer applied before `stop` returns."""
    begun: list[bool] = []

    def slow(_call: Any) -> Answer:
        begun.append(True)
        time.sleep(0.5)
        return Answer(value={})

    carried.operation.answers[:] = [slow]
    carried.carrier.start(carried.runner)
    case = carried.room.start()
    until(lambda: begun)
    carried.carrier.stop()
    assert carried.room.case(case).status == "closed"


def test_a_carrier_that_cannot_work_is_refused(tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """procrastinate without PostgreSQL, Celery without a broker, either without being installed: each by the name of its setting."""
    database = Database(f"sqlite:///{tmp_path / 'x.db'}", keyring)
    with pytest.raises(SettingWrong, match="needs PostgreSQL"):
        carrier_of(Settings(carrier="procrastinate"), database)
    with pytest.raises(SettingWrong, match="address of its broker"):
        carrier_of(Settings(carrier="celery"), database)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("procrastinate", "celery"):
        with pytest.raises(SettingWrong, match=f"{name} is not installed"):
            carrier_of(Settings(carrier=name, broker="redis://127.0.0.1"), database)
    database.dispose()


def test_an_ordinary_installation_needs_neither() -> None:
    """Web, worker and engine load neither procrastinate nor Celery nor gunicorn unless the settings name them."""
    loaded = "import sys, webapp.server, webapp.wsgi, engine.distributed.sweep; print([n for n in sys.modules if n in sys.argv])"
    names = ["procrastinate", "celery", "kombu", "gunicorn"]
    assert subprocess.run([sys.executable, "-c", loaded, *names], capture_output=True, text=True, check=True).stdout.strip() == "[]"
