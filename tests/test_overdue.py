"""超时: what happens to a sign-off by itself when its working time is over. Tests travel in time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import Room, person
from test_sign_offs import begin, told
from test_standing_steps import publish, step

from engine import cases, endings, inbox, work
from engine.calendar import Calendars
from engine.chains.faults import faults
from engine.errors import NotAllowed
from engine.models import Job, Placement, Region, SignOff, WorkItem, new_id
from engine.services import Services

# the clock of the tests stands on Tuesday 2026-11-24 09:00 in Shanghai, 01:00 in UTC
MONDAY = dt.datetime(2026, 11, 30, 1, tzinfo=dt.UTC)


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def due(room: Room, case: str) -> dt.datetime | None:
    """When the case's open item is due."""
    found: dt.datetime | None = room.value(sa.select(WorkItem.due_at).where(WorkItem.case_id == case, WorkItem.element == "sign"))
    return found


def entries(room: Room, case: str, event: str) -> list[Any]:
    return [entry for entry in room.entries(case) if entry.event == f"work:sign_off:{event}"]


def at(room: Room, moment: dt.datetime) -> None:
    """Travel there, and let happen what is due."""
    room.clock.move(seconds=(moment - room.clock.now()).total_seconds())
    room.run()


def test_due_counts_working_time(room: Room) -> None:
    """超时 (due and overdue): two working days end at the same hour, eight hours within opening hours, and a weekend counts nothing."""
    start = room.clock.now()
    case = begin(room, step("a", "hr", limit_days=2), step("b", "head", limit_hours=8), step("c", "director"))
    assert due(room, case) == start + dt.timedelta(days=2)
    room.clock.move(days=3)
    room.approve(case, "sign", by="hr")
    assert due(room, case) == start + dt.timedelta(days=3, hours=9)
    room.approve(case, "sign", by="head")
    assert due(room, case) is None


def test_due_is_in_the_signers_calendar(room: Room) -> None:
    """A calendar that bears the key of the signer's region is theirs, also for how much is told to be left."""
    given = {"north": {"holidays": "", "hours": {"mon-sun": ["09:00-10:00"]}}}
    object.__setattr__(room.services, "calendars", Calendars(given, zone="Asia/Shanghai"))
    room.write(sa.insert(Region).values(id="north", name="北方", name_en="North"))
    room.write(sa.update(Placement).where(Placement.person_id == person("hr")).values(region_id="north"))
    case = begin(room, step("a", "hr", limit_hours=2), step("b", "head", limit_hours=2))
    start = room.clock.now()
    assert due(room, case) == start + dt.timedelta(days=1, hours=1)
    [row] = inbox.inbox(room.services, person("hr"), box="mine").rows
    page = inbox.item_page(room.services, row.item_id, reader=person("hr"))
    assert row.term is not None and row.term == page.term and (row.term.days, row.term.minutes) == (1, 120)
    room.approve(case, "sign", by="hr")
    assert due(room, case) == start + dt.timedelta(hours=2)


def test_overdue_remind(room: Room) -> None:
    """超时 (due and overdue): reminded as often as the chain says, spaced in working time, and no more once it is signed."""
    case = begin(room, step("a", "hr", limit_hours=1, on_due={"do": "remind", "times": 2, "every_hours": 8}))
    start = room.clock.now()
    at(room, start + dt.timedelta(minutes=59))
    assert entries(room, case, "reminded") == []
    at(room, start + dt.timedelta(hours=1))
    at(room, start + dt.timedelta(hours=24))
    assert len(entries(room, case, "reminded")) == 1
    at(room, start + dt.timedelta(hours=25))
    at(room, start + dt.timedelta(days=9))
    assert [entry.payload["times"] for entry in entries(room, case, "reminded")] == [1, 2]
    assert entries(room, case, "reminded")[0].payload["to"][0]["name"] == "王芳" and entries(room, case, "reminded")[0].actor is None
    room.approve(case, "sign", by="hr")
    assert room.open(case) == "yes"


def test_overdue_escalate(room: Room) -> None:
    """超时 (due and overdue): the signer's superior signs instead; the time does not begin anew, and nothing rings again."""
    case = begin(room, step("a", "hr", limit_hours=1, on_due={"do": "escalate"}))
    before = due(room, case)
    at(room, MONDAY)
    assert told(room, case) == "open: hr:transferred director:open" and due(room, case) == before
    [entry] = entries(room, case, "escalated")
    assert (entry.actor, entry.payload["former"][0]["name"], entry.payload["to"][0]["name"]) == (None, "王芳", "孙志远")
    room.approve(case, "sign", by="director")
    assert room.open(case) == "yes"


def test_escalate_never_to_the_employee_concerned(room: Room) -> None:
    """A superior whom the case is about is passed over."""
    room.write(sa.update(Placement).where(Placement.person_id == person("hr")).values(manager_id=person("subject")))
    room.write(sa.update(Placement).where(Placement.person_id == person("subject")).values(manager_id=person("head")))
    case = begin(room, step("a", "hr", limit_hours=1, on_due={"do": "escalate"}))
    at(room, MONDAY)
    assert told(room, case) == "open: hr:transferred head:open"


def test_overdue_transfer(room: Room) -> None:
    """超时 (due and overdue): to the person whom the chain names; where that one signs already, to who manages the procedure.

    Whom the chain names and whose own time is over, too, keeps it and is reminded, in whatever order the two come up.
    """
    rule = {"do": "transfer", "to": person("head")}
    case = begin(room, step("a", "hr", limit_hours=1, on_due=rule))
    at(room, MONDAY)
    assert told(room, case) == "open: hr:transferred head:open"
    both = {"rule": "person", "persons": [person("hr"), person("head")]}
    publish(room, {**step("a", "hr", limit_hours=1, on_due=rule), "mode": "any", "approvers": [both]})
    case = room.start()
    at(room, room.clock.now() + dt.timedelta(days=4))
    assert told(room, case) == "open: hr:transferred head:open admin:open"
    assert [entry.payload["to"][0]["name"] for entry in entries(room, case, "reminded")] == ["赵敏"]


def test_overdue_approve_by_rule(room: Room) -> None:
    """超时 (due and overdue): by rule, as time-out of X; nobody's name stands under the decision, and the case goes on."""
    case = begin(room, step("a", "hr", limit_hours=1, on_due={"do": "approve"}))
    item = room.item(case, "sign")
    at(room, MONDAY)
    assert room.open(case) == "yes" and room.variables(case)["who"] == ""
    [row] = room.rows(sa.select(SignOff.state, SignOff.decided_by, SignOff.person_id).where(SignOff.item_id == item))
    assert tuple(row) == ("approved", None, person("hr"))
    [entry] = entries(room, case, "by_rule")
    assert entry.actor is None and entry.payload["to"][0]["name"] == "王芳" and entry.payload["decision"] == "approved"


def test_who_could_take_it_is_reminded(room: Room) -> None:
    """Work that nobody has claimed is everybody's to whom it is offered."""
    both = {"rule": "person", "persons": [person("hr"), person("head")]}
    case = begin(room, {**step("a", "hr", limit_hours=1, on_due={"do": "remind"}), "mode": "claim", "approvers": [both]})
    at(room, MONDAY)
    [entry] = entries(room, case, "reminded")
    assert {one["name"] for one in entry.payload["to"]} == {"王芳", "赵敏"}


def test_a_rule_waits_for_nobodys_opinion(room: Room) -> None:
    """Who was asked for one is asked no longer, and the rule decides."""
    case = begin(room, step("a", "hr", limit_hours=1, on_due={"do": "approve"}))
    work.delegate(room.services, room.item(case, "sign"), to=person("head"), actor=person("hr"), request_id=new_id())
    at(room, MONDAY)
    assert told(room, case) == "approved: hr:approved head:lapsed" and room.open(case) == "yes"


def test_a_rule_decides_once_its_turn_comes(room: Room) -> None:
    """While somebody is asked before them the signer is reminded; when that one has signed, the rule decides."""
    case = begin(room, step("a", "hr", limit_hours=1, on_due={"do": "approve"}))
    item = room.item(case, "sign")
    added = {"persons": [person("head")], "where": "before", "reason": "先看"}
    start = room.clock.now()
    room.clock.move(minutes=50)
    work.add(room.services, item, **added, actor=person("hr"), request_id=new_id())
    at(room, start + dt.timedelta(hours=1))
    assert told(room, case) == "open: hr:waiting head:open"
    assert entries(room, case, "reminded") and not entries(room, case, "by_rule")
    work.approve(room.services, item, actor=person("head"), request_id=new_id())
    assert told(room, case) == "open: hr:open head:approved"
    at(room, MONDAY)
    assert told(room, case) == "approved: hr:approved head:approved" and room.open(case) == "yes"


def test_overdue_reject_by_rule(room: Room) -> None:
    """超时 (due and overdue): the others' sign-offs lapse with it, and what the step says for a rejection follows."""
    case = begin(room, {**step("a", "hr", limit_hours=1, on_due={"do": "reject"})})
    at(room, MONDAY)
    assert told(room, case) == "rejected: hr:rejected" and room.open(case) == "no"


@pytest.mark.parametrize("do", ["approve", "reject"])
def test_a_decision_about_an_employment_is_never_taken_by_a_time_out(do: str) -> None:
    """A chain that says so is not published."""
    given = step("a", "hr", limit_hours=1, on_due={"do": do}, decisive=True)
    given["initiator"] = "manager"
    assert [fault.field for fault in faults("审批", "Chain", [given])] == ["on_due.do"]


def test_what_was_signed_in_time_rings_no_more(room: Room) -> None:
    """A decision, a return of the case and a cancelled case end the reminders."""
    limited = step("a", "hr", limit_hours=1, on_due={"do": "approve"})
    case = begin(room, limited, step("b", "head"))
    room.approve(case, "sign", by="hr")
    other = room.start()
    room.manage(endings.terminate, other)
    assert room.values(sa.select(Job.state).where(Job.kind == "due")) == ["dropped", "dropped"]
    at(room, MONDAY)
    assert told(room, case).startswith("approved: hr:approved") and room.open(case) == "sign"


def test_transfer_keeps_the_due_time(room: Room) -> None:
    """转办: the new signer has no more time than the former one had, and is the one who is reminded."""
    case = begin(room, step("a", "hr", limit_hours=4, on_due={"do": "remind"}))
    before = due(room, case)
    room.clock.move(hours=2)
    work.transfer(room.services, room.item(case, "sign"), to=person("head"), actor=person("hr"), request_id=new_id())
    assert due(room, case) == before
    at(room, MONDAY)
    assert [entry.payload["to"][0]["name"] for entry in entries(room, case, "reminded")] == ["赵敏"]


def test_due_time_moved_by_a_manager(room: Room) -> None:
    """超时 (due and overdue): recorded with the former one and a reason; others may not."""
    case = begin(room, step("a", "hr", limit_hours=4, on_due={"do": "remind"}))
    item, before = room.item(case, "sign"), due(room, case)
    [sign_off] = room.values(sa.select(SignOff.id))
    later = room.clock.now() + dt.timedelta(days=3)
    with pytest.raises(NotAllowed):
        work.move_due(room.services, item, sign_off, later, actor=person("hr"), reason="x", request_id=new_id())
    work.move_due(room.services, item, sign_off, later, actor=person("admin"), reason="出差", request_id=new_id())
    assert due(room, case) == later
    at(room, later - dt.timedelta(hours=1))
    assert entries(room, case, "reminded") == []
    at(room, later)
    assert len(entries(room, case, "reminded")) == 1
    [entry] = entries(room, case, "due_moved")
    assert before and entry.payload["before"] == before.isoformat() and entry.payload["reason"] == "出差"


def test_a_suspended_case_is_not_timed_out(room: Room) -> None:
    """What became due meanwhile happens when the case is resumed."""
    case = begin(room, step("a", "hr", limit_hours=1, on_due={"do": "reject"}))
    room.manage(cases.suspend, case)
    at(room, MONDAY)
    assert told(room, case) == "open: hr:open"
    room.manage(cases.resume, case)
    room.run()
    assert room.open(case) == "no"
