"""An approver who is disabled or has left after the work was opened for them."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from engine_room import Room, person
from test_sign_offs import begin, told
from test_standing_steps import step

from engine.models import Person
from engine.people import absences
from engine.services import Services
from engine.work.rerouting import reroute
from webapp.server import sweeper


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def leave(room: Room, who: str) -> int:
    """Somebody may not act any more; how many sign-offs were passed on."""
    room.write(sa.update(Person).where(Person.id == person(who)).values(active=False))
    return reroute(room.services, room.clock.now())


def test_rerouting_of_a_disabled_signers_work_to_the_fallback_list(room: Room) -> None:
    """审批人停用 (disabled after opening): to whom the rules find now; the former sign-off ends as passed on by nobody."""
    rules = [{"rule": "person", "persons": [person("hr")]}, {"rule": "person", "persons": [person("head")]}]
    case = begin(room, {**step("a", "hr"), "approvers": rules})
    assert reroute(room.services, room.clock.now()) == 0
    assert leave(room, "hr") == 1
    assert told(room, case) == "open: hr:transferred head:open"
    [entry] = [entry for entry in room.entries(case) if entry.event == "work:sign_off:rerouted"]
    assert (entry.actor, entry.payload["former"][0]["name"], entry.payload["to"][0]["name"]) == (None, "王芳", "赵敏")
    assert reroute(room.services, room.clock.now()) == 0
    room.approve(case, "sign", by="head")
    assert room.open(case) == "yes"


def test_a_disabled_approvers_work_goes_to_the_substitute(room: Room) -> None:
    """Who stands in for them comes first."""
    now = room.clock.now()
    case = begin(room, step("a", "hr"))
    absences.appoint(
        room.services, absent=person("hr"), substitute=person("hr2"), starts_at=now, ends_at=now + dt.timedelta(days=9), by=person("hr")
    )
    assert leave(room, "hr") == 1
    assert told(room, case) == "open: hr:transferred hr2:open"


def test_a_disabled_approvers_work_goes_to_the_managers(room: Room) -> None:
    """Where nobody else can be found; never to the employee concerned."""
    rules = [{"rule": "person", "persons": [person("hr")]}, {"rule": "person", "persons": [person("subject")]}]
    case = begin(room, {**step("a", "hr"), "approvers": rules})
    assert leave(room, "hr") == 1
    assert told(room, case) == "open: hr:transferred admin:open"


def test_the_end_of_an_employment_counts_from_the_day_after(room: Room) -> None:
    """On the last day the leaver still signs."""
    case = begin(room, step("a", "hr"))
    room.write(sa.update(Person).where(Person.id == person("hr")).values(employed_to=room.clock.now().date()))
    assert reroute(room.services, room.clock.now()) == 0
    room.clock.move(days=1)
    assert reroute(room.services, room.clock.now()) == 1
    assert told(room, case) == "open: hr:transferred admin:open"


def test_the_sweep_reroutes(room: Room) -> None:
    """It is one of the duties that a running installation does by itself."""
    case = begin(room, step("a", "hr"))
    room.write(sa.update(Person).where(Person.id == person("hr")).values(active=False))
    at_work = sweeper(room.services)
    assert at_work.sweep()
    at_work.stop()
    assert told(room, case) == "open: hr:transferred admin:open"
