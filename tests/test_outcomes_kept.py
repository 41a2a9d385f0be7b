"""What a call came to, while the database cannot take it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, mapping, service, user
from engine_room import Room
from twins import ScriptedOperation

from engine.db import Database, Unit
from engine.errors import DatabaseAway, Refused
from engine.models import Job
from engine.ports import Answer
from engine.services import Services

CALLING = (START, service("call", mapping({}, {"hours": "=hours"}), operation="ehr.usage"), user("a"), END)
REFUSED = Refused(system="ehr", operation="ehr.usage", reason="unknown employee")


class Outage:
    """The database refuses so many units as `left` says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        unit = Database.unit

        @contextlib.contextmanager
        def refusing(database: Database) -> Iterator[Unit]:
            if self.left > 0:
                self.left -= 1
                raise DatabaseAway()
            with unit(database) as opened:
                yield opened

        monkeypatch.setattr(Database, "unit", refusing)
        monkeypatch.setattr("engine.jobs._BREATH", 0.001)


@pytest.mark.parametrize(("came", "open"), [(Answer(value={"hours": 2.5}), "a"), (REFUSED, "")])
def test_an_outcome_waits_until_the_database_is_back(services: Services, monkeypatch: pytest.MonkeyPatch, came: Any, open: str) -> None:
    """The outside system is not asked again for what it answered or refused already, even where one attempt is all there is."""
    outage = Outage(monkeypatch)

    def answer(_: Any) -> Answer:
        outage.left = 3
        if isinstance(came, Refused):
            raise came
        return came

    system = ScriptedOperation("ehr.usage", answers=(answer,))
    room = Room(services, system)
    room.deploy(*CALLING, flows("start > call", "call > a", "a > end"))
    case = room.start()
    room.run()
    assert outage.left == 0 and len(system.calls) == 1
    assert (room.open(case), room.case(case).incidents) == (open, 0 if open else 1)


def test_a_long_outage_leaves_the_job_to_the_end_of_its_lease(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread does not wait longer than half a lease; the job stays leased until others may take it."""
    outage = Outage(monkeypatch)

    def answer(_: Any) -> Answer:
        outage.left = 1_000_000
        return Answer(value={"hours": 2.5})

    short = dataclasses.replace(services, settings=dataclasses.replace(services.settings, job_lease=0.2))
    room = Room(short, ScriptedOperation("ehr.usage", answers=(answer,)))
    room.deploy(*CALLING, flows("start > call", "call > a", "a > end"))
    case = room.start()
    room.run()
    outage.left = 0
    with services.database.reading() as connection:
        assert connection.execute(sa.select(Job.state).where(Job.case_id == case, Job.kind == "operation")).scalar_one() == "leased"
