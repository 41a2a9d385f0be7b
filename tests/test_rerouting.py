"""An approver who is disabled or has left after the work was opened for them."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from engine_room import Room, line, person
from test_correcting import begin as sent_back
from test_correcting import reject
from test_sign_offs import begin, told
from test_standing_steps import step
from test_work import assigned, signing

from engine import cases, locking, work
from engine.db import Unit
from engine.errors import Conflict
from engine.models import Person, SignOff, new_id
from engine.people import absences
from engine.services import Services
from engine.work import rerouting
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


def holder(room: Room, case: str, element: str) -> str | None:
    item = room.item(case, element)
    return str(room.value(sa.select(SignOff.person_id).where(SignOff.item_id == item, SignOff.state == "open")))


def test_rerouting_of_a_start_form_that_came_back_to_somebody_who_is_gone(room: Room) -> None:
    """审批人停用 (disabled after opening): the approval does not wait for ever; a manager corrects the form, and the case goes on."""
    case = sent_back(room, step("a", "hr", on_reject="to_initiator"))
    reject(room, case, "hr")
    assert leave(room, "boss") == 1 and reroute(room.services, room.clock.now()) == 0
    assert holder(room, case, "start") == person("admin")
    [entry] = [entry for entry in room.entries(case) if entry.event == "work:sign_off:rerouted"]
    assert (entry.actor, entry.payload["former"][0]["name"]) == (None, "陈立")
    room.complete(case, "start", by="admin", what="旷工")
    assert room.open(case) == "sign"


def test_rerouting_of_work_without_a_chain_that_comes_to_a_leaver_later(room: Room) -> None:
    """离职转办 (handover): what comes later goes to the other, whether a chain describes it or not; never to the employee concerned."""
    case = sent_back(room, step("a", "hr", on_reject="to_initiator"))
    until = room.clock.now() + dt.timedelta(days=3)
    absences.hand_over(room.services, person("boss"), person("hr2"), until=until, by=person("admin"), note="离职")
    room.clock.move(minutes=1)
    reject(room, case, "hr")
    assert reroute(room.services, room.clock.now()) == 1 and reroute(room.services, room.clock.now()) == 0
    assert holder(room, case, "start") == person("hr2")
    absences.hand_over(room.services, person("boss"), person("subject"), until=until, by=person("admin"), note="离职")
    room.clock.move(minutes=1)
    room.complete(case, "start", by="hr2", what="旷工")
    reject(room, case, "hr")
    assert reroute(room.services, room.clock.now()) == 0 and holder(room, case, "start") == person("boss")


def test_handover_to_whom_the_case_is_about_is_told_once(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    """离职转办 (handover): it stays with the leaver, whom every look finds, and the ledger and the log say so once."""
    until = room.clock.now() + dt.timedelta(days=3)
    absences.hand_over(room.services, person("hr"), person("subject"), until=until, by=person("admin"), note="离职")
    room.clock.move(minutes=1)
    case = begin(room, step("a", "head"))
    work.transfer(room.services, room.item(case, "sign"), to=person("hr"), actor=person("head"), request_id=new_id())
    for _ in range(2):
        assert reroute(room.services, room.clock.now()) == 0
    [entry] = [entry for entry in room.entries(case) if entry.event == "work:sign_off:kept"]
    assert [entry.payload[name][0]["name"] for name in ("former", "to")] == ["王芳", "林小北"] and told(room, case).endswith("hr:open")
    assert len([record for record in caplog.records if record.name == "engine.work.rerouting"]) == 1


def test_rerouting_of_what_somebody_had_claimed(room: Room) -> None:
    """审批人停用 (disabled after opening): it is offered again to the others, not to who stands in for who is gone; with nobody left of
    them it is passed on as any other."""
    now = room.clock.now()
    away = {"starts_at": now, "ends_at": now + dt.timedelta(days=9), "by": person("hr")}
    rules = [{"rule": "person", "persons": [person("hr"), person("head"), person("subject")]}]
    case = begin(room, {**step("a", "hr", mode="claim"), "approvers": rules})
    absences.appoint(room.services, absent=person("hr"), substitute=person("director"), **away)
    item = room.item(case, "sign")
    work.claim(room.services, item, actor=person("hr"), request_id="1")
    assert leave(room, "hr") == 1 and told(room, case) == "open: None:open" and reroute(room.services, now) == 0
    assert room.events(case)[-1] == "work:item:released"
    work.claim(room.services, item, actor=person("head"), request_id="2")
    assert leave(room, "head") == 1 and told(room, case) == "open: head:transferred admin:open"


def test_rerouting_of_work_for_a_role_that_somebody_had_claimed(room: Room) -> None:
    """审批人停用 (disabled after opening): work of a group goes back to the group."""
    room.deploy(*line("a"))
    case = room.start()
    work.claim(room.services, room.item(case, "a"), actor=person("hr"), request_id="1")
    assert leave(room, "hr") == 1
    room.complete(case, "a", by="hr2")


def test_rerouting_finds_whom_the_step_would_find_when_it_opens(room: Room) -> None:
    """审批人停用 (disabled after opening): with whom the initiator chose, and who signed the steps before."""
    chosen = {"rule": "initiator_chooses", "pool": {"rule": "person", "persons": [person("boss"), person("hr2")]}, "max": 2}
    rules = [{"rule": "person", "persons": [person("worker")]}, {"rule": "report_line", "of": "signer:a"}]
    given = signing({**step("a", "hr"), "mode": "random", "approvers": [chosen]}, {**step("b", "hr"), "approvers": rules})
    room.deploy(*given["body"], chains=given["chains"])
    starts = {"procedure": "test", "initiator": person("other"), "subject": person("subject"), "values": {}, "request_id": new_id()}
    case = cases.start(room.services, **starts, chosen={"c": {"a": [person("boss"), person("hr2")]}}).case_id
    drawn, other, above = ("boss", "hr2", "director") if told(room, case) == "open: boss:open" else ("hr2", "boss", "head")
    assert leave(room, drawn) == 1 and told(room, case) == f"open: {drawn}:transferred {other}:open"
    room.approve(case, "sign", by=other)
    assert leave(room, "worker") == 1 and told(room, case).endswith(f"open: worker:transferred {above}:open")


def test_rerouting_of_what_was_offered_to_people_who_are_all_gone(room: Room) -> None:
    """审批人停用 (disabled after opening): once nobody is left who could claim it, it is passed on, whether a chain describes it or not."""
    rules = [{"rule": "person", "persons": [person("hr"), person("head")]}]
    case = begin(room, {**step("a", "hr", mode="claim"), "approvers": rules})
    room.deploy(*assigned(candidateUsers=f"{person('hr')},{person('head')}"))
    plain = room.start()
    assert leave(room, "hr") == 0 and leave(room, "head") == 2 and reroute(room.services, room.clock.now()) == 0
    assert told(room, case) == "open: None:transferred admin:open" and holder(room, plain, "a") == person("admin")
    for one in (case, plain):
        [entry] = [entry for entry in room.entries(one) if entry.event == "work:sign_off:rerouted"]
        assert sorted(each["name"] for each in entry.payload["former"]) == ["王芳", "赵敏"]
    room.approve(case, "sign", by="admin")
    room.complete(plain, "a", by="admin")


def test_rerouting_of_some_is_not_kept_waiting_by_what_nobody_can_take(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """审批人停用 (disabled after opening): what was found to be for nobody is tried again after what was not tried yet."""
    monkeypatch.setattr(rerouting, "MOST", 1)
    stuck = begin(room, step("a", "hr"))
    until = room.clock.now() + dt.timedelta(days=3)
    absences.hand_over(room.services, person("boss"), person("subject"), until=until, by=person("admin"), note="离职")
    room.clock.move(minutes=1)
    work.transfer(room.services, room.item(stuck, "sign"), to=person("boss"), actor=person("hr"), request_id=new_id())
    case = room.start(by="other")
    assert leave(room, "hr") + reroute(room.services, room.clock.now()) == 1
    assert told(room, case) == "open: hr:transferred admin:open"
    assert told(room, stuck) == "open: hr:transferred boss:open"


def test_rerouting_that_fails_says_nothing_untrue(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """审批人停用 (disabled after opening): what fails for the moment tells nobody that it is for nobody, and the rest is passed on."""
    failing = {begin(room, step("a", "hr")): Conflict(), begin(room, step("a", "hr")): ValueError("broken")}
    case = begin(room, step("a", "hr"))

    def lock(unit: Unit, case_id: str) -> object:
        if case_id in failing:
            raise failing[case_id]
        return locking.lock(unit, case_id=case_id)

    with monkeypatch.context() as now:
        now.setattr(rerouting, "lock", lock)
        assert leave(room, "hr") == 1 and told(room, case) == "open: hr:transferred admin:open"
    assert not any(event == "work:sign_off:kept" for one in failing for event in room.events(one))
    assert reroute(room.services, room.clock.now()) == 2
