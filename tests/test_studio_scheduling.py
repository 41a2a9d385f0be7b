"""A version that becomes active at a set time: unless it no longer may by then, of which people are told."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import Room, person
from studio_room import LETTER, active, deploy, publish, save, soon
from twins import Loudspeaker

from engine import checks, versions
from engine.errors import (
    NotAllowed,
    NotScheduled,
    PublishingScheduled,
    ScenariosFailed,
    TimePassed,
)
from engine.models import Job, Notice, Person, ProcedureEvent
from engine.services import Services
from engine.studio import drafts, gate, publishing, scheduling


@pytest.fixture
def room(services: Services) -> Room:
    """A procedure of one step with a letter, managed by the director and the administrator."""
    made = Room(services)
    deploy(made, "a", letter=b"first")
    return made


def scheduled(room: Room, **more: Any) -> publishing.Published:
    """Version 2, which becomes active in a day."""
    return publish(room, save(room, LETTER, b"second"), at=soon(room, days=1), **more)


def test_a_scheduled_version_becomes_active_at_its_time(room: Room) -> None:
    """It has its number at once; the clock does the rest, once, and that is told in the history."""
    done = scheduled(room)
    assert done == publishing.Published(number=2, at=soon(room, days=1)) and active(room)[0] == 1
    [row, _] = versions.versions(room.services, "test")
    assert (row.number, row.active, row.scheduled_at) == (2, False, soon(room, days=1))
    assert publishing.preview(room.services, "test", actor=None).scheduled == (2, soon(room, days=1))
    room.run()
    room.clock.move(hours=23)
    room.run()
    assert active(room)[0] == 1
    room.clock.move(hours=2)
    assert room.run() == 1 and active(room)[0] == 2 and room.run() == 0
    [row, _] = versions.versions(room.services, "test")
    assert row.scheduled_at is None and [(act.act, act.by) for act in row.acts] == [
        ("scheduled", "孙志远"),
        ("activated on time", "孙志远"),
    ]
    assert versions.former(room.services, "test") == 1


def test_a_scheduled_version_is_cancelled(room: Room) -> None:
    """It keeps its number and never becomes active by itself; a draft can begin from it, and somebody can activate it."""
    scheduled(room)
    with pytest.raises(NotAllowed):
        scheduling.cancel(room.services, "test", 2, actor=person("hr"), note="改期")
    with pytest.raises(NotScheduled):
        scheduling.cancel(room.services, "test", 1, actor=person("admin"), note="改期")
    scheduling.cancel(room.services, "test", 2, actor=person("admin"), note="改期")
    with pytest.raises(NotScheduled):
        scheduling.cancel(room.services, "test", 2, actor=person("admin"), note="改期")
    room.clock.move(days=2)
    assert room.run() == 0 and active(room)[0] == 1
    begun = drafts.begin_from(room.services, "test", 2, actor=person("director"))
    assert publish(room, begun.revision, at=soon(room, days=1)).number == 3
    versions.activate(room.services, "test", 2, by=person("admin"), note="提前启用")
    assert active(room)[0] == 2


def test_only_one_version_waits(room: Room) -> None:
    """The next one would be checked against what is not active yet; and no time in the past is taken."""
    scheduled(room)
    revision = save(room, LETTER, b"third")
    for at in (None, soon(room, days=3)):
        with pytest.raises(PublishingScheduled):
            publish(room, revision, at=at)
    scheduling.cancel(room.services, "test", 2, actor=person("admin"), note="x")
    with pytest.raises(TimePassed):
        publish(room, revision, at=soon(room, minutes=-1))
    assert publish(room, revision).number == 3


def notified(room: Room) -> Loudspeaker:
    """People are told by loudspeaker."""
    speaker = Loudspeaker("mail")
    room.services = dataclasses.replace(room.services, notifiers={"mail": speaker})
    room.write(sa.update(Person).where(Person.id == person("director")).values(email="director@example.org"))
    return speaker


def reasons(room: Room) -> list[dict[str, Any]]:
    """Why a scheduled version did not become active."""
    [facts] = room.values(sa.select(ProcedureEvent.facts).where(ProcedureEvent.act == "not activated"))
    return list(facts["reasons"])


def test_a_scheduled_version_that_no_longer_fits_is_told_and_not_activated(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever scheduled it gets a notice, the history says why, and the former version stays."""
    speaker = notified(room)
    scheduled(room)
    broken = checks.findings(room.services, {"test.bpmn": b"<"})["test.bpmn"]
    monkeypatch.setattr(checks, "faults", lambda services, given: broken)
    room.clock.move(days=2)
    room.run()
    assert active(room)[0] == 1 and [told.kind for told in speaker.told] == ["not_activated"]
    assert "{reason}" in reasons(room)[0]["template"] and room.values(sa.select(Notice.state)) == ["sent"]
    [row, _] = versions.versions(room.services, "test")
    assert (row.scheduled_at, [act.act for act in row.acts]) == (None, ["scheduled", "not activated"])
    assert room.values(sa.select(Job.state).where(Job.kind == "activate")) == ["done"]


def test_a_scheduled_version_does_not_replace_what_was_published_meanwhile(room: Room) -> None:
    """It was decided with another version in view."""
    scheduled(room)
    deploy(room, "a", "b")
    room.clock.move(days=2)
    room.run()
    assert active(room)[0] == 3 and reasons(room) == [{"template": "version {number} was activated meanwhile", "facts": {"number": 3}}]


def test_a_scenario_that_fails_by_then_keeps_a_version_from_becoming_active(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it was overridden when it was scheduled."""
    scheduled(room)
    monkeypatch.setattr(gate, "failing", lambda services, files, **_: ["x"])
    room.clock.move(days=2)
    room.run()
    assert active(room)[0] == 1
    with pytest.raises(ScenariosFailed):  # by hand it does not become active either
        versions.activate(room.services, "test", 2, by=person("director"), note="x")
    begun = drafts.begin_from(room.services, "test", 2, actor=person("admin"))
    publish(room, begun.revision, by="admin", at=soon(room, days=1), override="已知")
    room.clock.move(days=2)
    room.run()
    assert active(room)[0] == 3


def test_an_activation_that_cannot_even_be_tried_is_told(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its attempts, as any other failure."""
    scheduled(room)

    def fails(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(checks, "faults", fails)
    room.clock.move(days=2)
    for _ in range(8):
        room.run()
        room.clock.move(minutes=5)
    assert active(room)[0] == 1 and reasons(room)[0]["facts"]["operation"] == "activate"
