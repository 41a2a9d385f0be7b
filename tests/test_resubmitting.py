"""重新提交后走向: what follows when the step to which an approval was sent back is signed again."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from engine_room import Room, person
from test_sign_offs import act, begin, told
from test_standing_steps import rounds, step

from engine import work
from engine.errors import ActedOn
from engine.ledger import Event
from engine.locking import lock
from engine.models import WorkRound, new_id
from engine.people import absences
from engine.services import Services
from engine.turn import Turn


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def to_the_third(room: Room, **third: str) -> str:
    """A case at the third of three steps, where the first two are signed."""
    case = begin(room, step("a", "hr"), step("b", "head"), step("c", "director", **third))
    room.approve(case, "sign", by="hr")
    room.approve(case, "sign", by="head")
    return case


def test_after_resubmission_onward(room: Room) -> None:
    """重新提交后走向 (after resubmission): onward, every step is signed again."""
    case = to_the_third(room)
    act(room, case, work.return_, "director", reason="补充", to_step="a")
    room.approve(case, "sign", by="hr")
    assert rounds(room, case) == ["a approved", "a approved", "b approved", "b open", "c returned"]


def test_after_resubmission_back_to_returner(room: Room) -> None:
    """重新提交后走向 (after resubmission): back, straight to who returned it; the step between is skipped and names the kept round."""
    case = to_the_third(room, resubmit="back")
    act(room, case, work.return_, "director", reason="补充", to_step="a")
    room.approve(case, "sign", by="hr")
    assert rounds(room, case) == ["a approved", "a approved", "b approved", "b skipped", "c returned", "c open"]
    [kept] = [trace for trace in room.values(sa.select(WorkRound.trace)) if trace.get("policy") == "kept"]
    assert kept["round"] == 1
    room.approve(case, "sign", by="director")
    assert room.open(case) == "yes"


def test_after_resubmission_back_after_a_rejection(room: Room) -> None:
    """重新提交后走向 (after resubmission): a rejection that has an earlier step signed again comes back the same way."""
    case = to_the_third(room, resubmit="back", on_reject="to:a")
    act(room, case, work.reject, "director", opinion="不同意")
    room.approve(case, "sign", by="hr")
    assert rounds(room, case)[-3:] == ["b skipped", "c rejected", "c open"]


def test_after_resubmission_back_nobody_is_taken_for_who_signed_between(room: Room) -> None:
    """重新提交后走向 (after resubmission): who signed right before the step to which it goes back is who signed the step that is kept."""
    both = {"mode": "all", "approvers": [{"rule": "person", "persons": [person("director"), person("hr")]}]}
    case = begin(room, step("a", "hr"), step("b", "hr2"), {**step("c", "hr"), **both, "resubmit": "back"})
    room.approve(case, "sign", by="hr")
    room.approve(case, "sign", by="hr2")
    asked = "open: director:open hr:open"
    assert told(room, case).endswith(asked)
    act(room, case, work.return_, "director", reason="补充", to_step="a")
    room.approve(case, "sign", by="hr")
    assert told(room, case).endswith(asked)


def test_after_resubmission_back_then_withdrawn(room: Room) -> None:
    """重新提交后走向 (after resubmission): who signed anew takes it back as long as nobody acted since, as the first time."""
    case = to_the_third(room, resubmit="back")
    act(room, case, work.return_, "director", reason="补充", to_step="a")
    room.approve(case, "sign", by="hr")
    with pytest.raises(ActedOn, match="孙志远"):
        act(room, case, work.withdraw, "head")
    act(room, case, work.withdraw, "hr")
    assert rounds(room, case) == ["a approved", "a open", "b approved", "b withdrawn", "c returned", "c withdrawn"]
    room.approve(case, "sign", by="hr")
    item = room.item(case, "sign")
    room.approve(case, "sign", by="director")
    with pytest.raises(ActedOn, match="孙志远"):
        work.withdraw(room.services, item, actor=person("hr"), request_id=new_id())
    assert room.open(case) == "yes"


def test_after_resubmission_onward_then_withdrawn(room: Room) -> None:
    """重新提交后走向 (after resubmission): what was signed before it was sent back is no reason against taking back."""
    case = to_the_third(room)
    act(room, case, work.return_, "director", reason="补充", to_step="a")
    room.approve(case, "sign", by="hr")
    act(room, case, work.withdraw, "hr")
    assert rounds(room, case) == ["a approved", "a open", "b approved", "b withdrawn", "c returned"]
    room.approve(case, "sign", by="hr")
    room.approve(case, "sign", by="head")
    with pytest.raises(ActedOn, match="赵敏"):
        act(room, case, work.withdraw, "hr")


def test_after_resubmission_onward_where_something_changed(room: Room) -> None:
    """重新提交后走向 (after resubmission): whoever signed between saw another value: they sign again, and the ledger names what changed."""
    case = to_the_third(room, resubmit="back")
    act(room, case, work.return_, "director", reason="补充", to_step="a")
    with room.services.database.unit() as unit:
        turn = Turn(room.services, unit, lock(unit, case_id=case), actor=None)
        turn.act(Event.INCIDENT_RESOLVED, "set_variables", element=None, values={"amount": 7})
        turn.commit()
    room.approve(case, "sign", by="hr")
    assert rounds(room, case) == ["a approved", "a approved", "b approved", "b open", "c returned"]
    [told] = [entry for entry in room.entries(case) if entry.event == "work:step:resubmitted"]
    assert told.payload["changed"] == ["amount"]


def test_twice_counts_the_last_pass_alone(room: Room) -> None:
    """同一人重复 (the same person twice): who signed a step before it was sent back, but not since, is asked, as after a substitute."""
    now = room.clock.now()
    case = begin(room, step("a", "hr"), step("b", "head"), step("c", "head"), step("d", "director"))
    for by in ("hr", "head"):
        room.approve(case, "sign", by=by)
    act(room, case, work.return_, "director", reason="补充", to_step="a")
    until = now + dt.timedelta(days=1)
    absences.appoint(room.services, absent=person("head"), substitute=person("hr2"), starts_at=now, ends_at=until, by=person("head"))
    room.approve(case, "sign", by="hr")
    room.clock.move(days=2)
    room.approve(case, "sign", by="hr2")
    assert told(room, case).endswith("approved: hr2:approved | open: head:open")
