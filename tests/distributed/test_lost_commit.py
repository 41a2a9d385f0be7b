"""The connection to PostgreSQL is lost while a COMMIT is under way: what the person is told is true, and nothing is done twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import procrastinate
import psycopg
import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, service
from engine_room import Room, line, person
from line import Line, through_a_line
from twins import ScriptedOperation

from engine import db, work
from engine.bpmn.state import LiveCases
from engine.db import Database
from engine.distributed.by_procrastinate import Procrastinate
from engine.errors import DatabaseAway
from engine.models import Case, Person, new_id
from engine.ports import Answer
from engine.services import Services
from webapp import create_app

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def cut(services: Services, database_url: str) -> Iterator[tuple[Line, Services]]:
    """A line, and services whose database is at its other end."""
    with through_a_line(database_url) as (between, address):
        there = Database(address, services.keyring)
        yield between, dataclasses.replace(services, database=there, live=LiveCases(100))
        there.dispose()


@pytest.fixture
def room(services: Services) -> Room:
    opened = Room(services, ScriptedOperation("ehr.read"))
    opened.deploy(*line("check", "sign"))
    return opened


def away(room: Room, services: Services) -> Room:
    """The office at the other end of the line."""
    again = room.restarted()
    again.services = dataclasses.replace(services, operations=room.services.operations)
    return again


def test_a_commit_whose_answer_was_lost_counts(room: Room, cut: tuple[Line, Services]) -> None:
    """The server stored the step: the person is told that it is done, and the case goes on from there."""
    between, services = cut
    there, case = away(room, services), room.start()
    between.cut_at(b"COMMIT", arrives=True)
    there.complete(case, "check")
    assert between.cuts == 1 and room.open(case) == "sign"
    there.complete(case, "sign")
    assert room.case(case).status == "closed"
    assert room.events(case).count("work:item:completed") == 2


def test_a_commit_that_never_arrived_can_be_sent_again(room: Room, cut: tuple[Line, Services]) -> None:
    """Nothing is stored, the person is told to send it again, and the same request then has its one effect."""
    between, services = cut
    there, case, once = away(room, services), room.start(), new_id()
    item = room.item(case, "check")
    between.cut_at(b"COMMIT", arrives=False)
    with pytest.raises(DatabaseAway):
        there.complete(case, "check", request_id=once)
    assert room.open(case) == "check"
    for _ in range(2):
        work.complete(services, item, actor=person("hr"), values={}, request_id=once)
    assert room.open(case) == "sign"
    assert room.events(case).count("work:item:completed") == 1


def test_nobody_can_say_yet(room: Room, cut: tuple[Line, Services], monkeypatch: pytest.MonkeyPatch) -> None:
    """While the database stays away, a stored step is not called lost: the same request is answered truly once it is back."""
    between, services = cut
    there, case, once = away(room, services), room.start(), new_id()
    item = room.item(case, "check")
    monkeypatch.setattr(db, "_DOUBT", 0.0)
    between.cut_at(b"COMMIT", arrives=True)
    with pytest.raises(DatabaseAway):
        there.complete(case, "check", request_id=once)
    assert room.open(case) == "sign"
    work.complete(services, item, actor=person("hr"), values={}, request_id=once)
    assert room.events(case).count("work:item:completed") == 1


@pytest.mark.parametrize("arrives", [True, False])
def test_a_case_is_started_once(room: Room, cut: tuple[Line, Services], arrives: bool) -> None:
    """Whether the COMMIT of a start arrived or not: after the same request again there is one case."""
    between, services = cut
    there, once = away(room, services), new_id()
    between.cut_at(b"COMMIT", arrives=arrives)
    try:
        first = there.start(request_id=once)
    except DatabaseAway:
        first = ""
    assert bool(first) == arrives
    second = there.start(request_id=once)
    assert first in ("", second) and room.count(Case) == 1
    assert room.open(second) == "check"


def test_the_answer_of_a_job_is_applied_once(services: Services, cut: tuple[Line, Services]) -> None:
    """The worker's line is cut with the answer under way: it counts, or is written again; the call is made once."""
    operation = ScriptedOperation("ehr.read")
    room = Room(services, operation)
    between, far = cut
    there = away(room, far)
    room.deploy(START, service("read", operation="ehr.read"), END, flows("start > read", "read > end"))
    for arrives in (True, False):
        operation.calls.clear()
        case = room.start()
        [job] = room.jobs(case)
        answered = operation.answers[0]

        def cut_then(_call: Any, arrives: bool = arrives, answered: Any = answered) -> Any:
            operation.answers[0] = answered
            between.cut_at(b"COMMIT", arrives=arrives)
            return Answer(value={})

        operation.answers[0] = cut_then
        there.run()
        room.clock.move(seconds=61)
        there.run()
        assert [call.key for call in operation.calls] == [job.key]
        assert room.events(case).count("job:operation:done") == 1
        assert room.case(case).outcome == "completed"


def test_the_web_says_when_to_try_again(cut: tuple[Line, Services]) -> None:
    """A page and a program get 503 with Retry-After, and the next request is answered as ever: no connection of the pool is a dead one."""
    between, services = cut
    with services.database.reading() as one, services.database.reading() as two:
        for connection in (one, two):  # both stay in the pool
            connection.execute(sa.select(Person.id))
    web = create_app(services).test_client()
    assert web.get("/ready").status_code == 200
    for address in ("/ready", "/api/v1/session"):
        between.cut_at(b"SELECT", arrives=False)
        answer = web.get(address) if address == "/ready" else web.post(address, json={"login": "nobody", "password": "x"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert web.get("/ready").status_code == 200
    assert between.cuts == 2


def test_a_line_cut_while_a_message_is_sent_is_an_absence(database: Database) -> None:
    """Whoever completes a step just then is told to send it again, not that something is broken."""
    carrier = object.__new__(Procrastinate)
    carrier._task = Mock()
    carrier._task.configure.return_value.defer.side_effect = _wrapped(psycopg.errors.AdminShutdown("terminating connection"))
    with pytest.raises(DatabaseAway), database.unit() as unit:
        carrier._send(unit, "7", None)


def _wrapped(error: Exception) -> Exception:
    """As procrastinate tells it."""
    told = procrastinate.exceptions.ConnectorException()
    told.__cause__ = error
    return told


def test_a_wrong_statement_is_no_absence(services: Services) -> None:
    """A fault of ours is not told as a database that is away."""
    with pytest.raises(sa.exc.ProgrammingError), services.database.unit() as unit:
        unit.connection.exec_driver_sql("SELECT nothing FROM nowhere")
