"""Substitutes in the work itself: for whom they act, what they never gain, and what is open already."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from engine_room import Room, person, together
from test_sign_offs import act, begin, step, told

from engine import approvals, casefile, inbox, work
from engine.errors import AlreadyDecided, MayNotSign, NotAllowed, SignsAlready, TakenByOther
from engine.models import SignOff, SubstitutionUse, new_id
from engine.people import absences
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def away(room: Room, who: str, substitute: str, **more: str) -> str:
    """Somebody is absent from now on for nine days."""
    now = room.clock.now()
    times = {"starts_at": now, "ends_at": now + dt.timedelta(days=9)}
    return absences.appoint(room.services, absent=person(who), substitute=person(substitute), by=person(who), **times, **more)


def sign_off(room: Room, case: str, who: str) -> str:
    """Id of the undecided sign-off that somebody holds."""
    own = sa.select(SignOff.id).where(SignOff.case_id == case, SignOff.person_id == person(who), SignOff.state.in_(("open", "waiting")))
    return str(room.value(own))


def ask(room: Room, case: str, who: str, by: str = "") -> None:
    """Somebody's open sign-off goes to the substitute, too."""
    work.stand_in(room.services, room.item(case, "sign"), sign_off(room, case, who), actor=person(by or who), request_id=new_id())


def test_substitute_what_opens_goes_to_them_and_each_use_is_kept(room: Room) -> None:
    """代理人 (substitute): B signs for A and is told to all as such; the substitution counts its use."""
    away(room, "hr", "hr2")
    case = begin(room, step("会签", "hr", "head"))
    assert told(room, case) == "open: hr2:open head:open" and room.count(SubstitutionUse) == 1
    [row] = inbox.inbox(room.services, person("hr2")).rows
    assert row.in_place_of == "王芳"
    page = casefile.case_page(room.services, case, reader=person("admin"))
    assert [one.in_place_of for one in page.open] == ["王芳", None]
    room.approve(case, "sign", by="hr2")
    [done] = inbox.inbox(room.services, person("hr2"), box="done").rows
    assert done.in_place_of == "王芳"
    [approval] = approvals.approvals(room.services, case, reader=person("admin"))
    assert [(one.people, one.absent) for one in approval.steps] == [(["周洁"], "王芳"), (["赵敏"], None)]
    page = casefile.case_page(room.services, case, reader=person("admin"))
    [approved] = [event for event in page.timeline if event.event == "work:step:approved"]
    assert approved.actor is not None and (approved.actor["name"], approved.in_place_of) == ("周洁", "王芳")


def test_substitute_the_absent_one_may_still_act(room: Room) -> None:
    """代理人 (substitute): the first of the two counts, the other is told who decided; what A does is done in their own name."""
    away(room, "hr", "hr2")
    case = begin(room, step("会签", "hr", "head"))
    room.approve(case, "sign", by="hr")
    with pytest.raises(AlreadyDecided) as late:
        room.approve(case, "sign", by="hr2")
    assert late.value.facts["who"] == "王芳"
    [entry] = [entry for entry in room.entries(case) if entry.event == "work:step:approved"]
    assert "for" not in entry.payload


def test_substitute_among_several_who_may_claim(room: Room) -> None:
    """代理人 (substitute): offered to B for A; whoever takes it first has it, and only where B does it is it for A."""
    for who, kept in (("hr2", "王芳"), ("hr", None)):
        substitution = away(room, "hr", "hr2")
        case = begin(room, step("认领", "hr", "head", mode="claim"))
        [row] = [row for row in inbox.inbox(room.services, person("hr2"), box="group").rows if row.case_id == case]
        assert row.in_place_of == "王芳" and inbox.inbox(room.services, person("head"), box="group").rows[0].in_place_of is None
        page = inbox.item_page(room.services, room.item(case, "sign"), reader=person("hr2"))
        assert page.steps[0].in_place_of == {"周洁": "王芳"} and "claim" in page.may
        act(room, case, work.claim, who)
        with pytest.raises(TakenByOther):
            act(room, case, work.claim, "head")
        act(room, case, work.release, who)
        room.approve(case, "sign", by=who)
        [approval] = approvals.approvals(room.services, case, reader=person("admin"))
        assert approval.steps[0].absent == kept
        absences.end(room.services, substitution, by=person("hr"))
        room.clock.move(minutes=1)


def test_substitute_gains_no_right(room: Room) -> None:
    """代理人 (substitute): never the employee concerned, neither as substitute nor through one; then the step's next rule decides."""
    away(room, "hr", "subject")
    rules = [{"rule": "person", "persons": [person("hr")]}, {"rule": "person", "persons": [person("head")]}]
    case = begin(room, {**step("a", "hr"), "approvers": rules})
    assert told(room, case) == "open: head:open"
    with pytest.raises(NotAllowed):
        room.approve(case, "sign", by="hr")


def test_substitute_for_what_is_open_when_the_absent_one_asks(room: Room) -> None:
    """代理人 (substitute): a transfer "A for B" at the same place; both may act, the ledger tells it, and the use is counted."""
    case = begin(room, step("依次", "head", "hr", mode="sequence"))
    room.approve(case, "sign", by="head")
    other = room.start()
    assert [one.substitute for one in work.open_with(room.services, person("hr"), actor=person("hr"))] == [None, None]
    away(room, "hr", "hr2")
    listed = work.open_with(room.services, person("hr"), actor=person("hr"))
    assert {(one.case_id, one.substitute_name) for one in listed} == {(case, "周洁"), (other, "周洁")}
    for each in (case, other):
        ask(room, each, "hr")
    assert told(room, case) == "open: head:approved hr:transferred hr2:open"
    assert told(room, other) == "open: head:open hr:transferred hr2:waiting"
    assert work.open_with(room.services, person("hr"), actor=person("hr")) == []
    [entry] = [entry for entry in room.entries(case) if entry.event == "work:sign_off:transferred"]
    assert (entry.payload["former"][0]["name"], entry.payload["to"][0]["name"]) == ("王芳", "周洁") and entry.payload["stands_in"]
    item = room.item(case, "sign")
    room.approve(case, "sign", by="hr")
    with pytest.raises(AlreadyDecided):
        work.approve(room.services, item, actor=person("hr2"), request_id=new_id())
    room.approve(other, "sign", by="head")
    room.approve(other, "sign", by="hr2")
    assert room.open(other) == "yes" and room.count(SubstitutionUse) == 2


def test_substitute_is_asked_for_only_by_the_holder_or_an_administrator(room: Room) -> None:
    """代理人 (substitute): nobody else gives it away, nobody who stands in for nobody gets it, and twice is once."""
    case = begin(room, step("会签", "hr", "head"))
    with pytest.raises(NotAllowed, match="nobody stands in"):
        ask(room, case, "hr")
    away(room, "hr", "hr2")
    for stranger in ("head", "hr2", "subject"):
        with pytest.raises(NotAllowed):
            ask(room, case, "hr", by=stranger)
        with pytest.raises(NotAllowed):
            work.open_with(room.services, person("hr"), actor=person(stranger))
    item, sign = room.item(case, "sign"), sign_off(room, case, "hr")
    for _ in range(2):
        work.stand_in(room.services, item, sign, actor=person("admin"), request_id="once")
    assert told(room, case) == "open: hr:transferred head:open hr2:open"
    with pytest.raises(NotAllowed):
        work.stand_in(room.services, item, sign, actor=person("hr"), request_id="again")


def test_substitute_never_signs_about_themselves_nor_twice(room: Room) -> None:
    """代理人 (substitute): an open sign-off stays where it is when its substitute is the employee concerned or signs the step already."""
    case = begin(room, step("会签", "hr", "head"))
    over = away(room, "hr", "subject")
    assert [one.substitute for one in work.open_with(room.services, person("hr"), actor=person("hr"))] == [None]
    with pytest.raises(MayNotSign):
        ask(room, case, "hr")
    absences.end(room.services, over, by=person("hr"))
    room.clock.move(minutes=1)
    away(room, "hr", "head")
    with pytest.raises(SignsAlready):
        ask(room, case, "hr")
    assert told(room, case) == "open: hr:open head:open"


def test_substitute_the_second_of_two_at_once_is_told(room: Room) -> None:
    """代理人 (substitute): asking and deciding at the same moment; either way exactly one sign-off was decided."""
    case = begin(room, step("a", "hr", mode="single"))
    away(room, "hr", "hr2")
    item, sign = room.item(case, "sign"), sign_off(room, case, "hr")
    together(
        lambda: work.stand_in(room.services, item, sign, actor=person("hr"), request_id="x"),
        lambda: work.approve(room.services, item, actor=person("hr"), opinion="", request_id="y"),
    )
    assert told(room, case) in ("approved: hr:approved", "approved: hr:transferred hr2:approved")
