"""催办: who may urge whom, how often, and what is kept of it."""

from __future__ import annotations

import pytest
from engine_room import Room, line, person
from test_correcting import begin as sent_back
from test_correcting import reject
from test_sign_offs import act, begin, step
from test_standing_steps import step as standing

from engine import inbox, work
from engine.errors import AlreadyDecided, NotAllowed, SentBack, UrgedAlready
from engine.models import new_id
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def test_urge_once_in_four_working_hours(room: Room) -> None:
    """催办 (urge): the second time says who did and from when it can be done again; closed hours do not count; the due time stays."""
    room.deploy(*line("a"))
    case = room.start()
    item = room.item(case, "a")
    urge = {"reason": "请尽快", "request_id": new_id()}
    for _ in range(2):
        work.urge(room.services, item, actor=person("boss"), **urge)
    with pytest.raises(UrgedAlready) as refused:
        work.urge(room.services, item, actor=person("boss"), request_id=new_id())
    assert refused.value.facts["who"] == "陈立" and refused.value.facts["again"] > refused.value.facts["when"]
    assert "urge" not in inbox.item_page(room.services, item, reader=person("boss")).may
    room.clock.move(hours=3)
    with pytest.raises(UrgedAlready):
        work.urge(room.services, item, actor=person("boss"), request_id=new_id())
    room.clock.move(days=1)
    work.urge(room.services, item, actor=person("boss"), request_id=new_id())
    told = [entry for entry in room.entries(case) if entry.event == "work:item:urged"]
    assert [entry.payload["reason"] for entry in told] == ["请尽快", ""] and told[0].payload["to"] == [{"role": "hr"}]
    assert told[0].actor == person("boss")


def test_urge_by_whom(room: Room) -> None:
    """催办 (urge): who signed before where the chain offers it, and managers; not who it waits for, nor others; nobody once it is done."""
    case = begin(room, step("一", "hr"), step("二", "director"), step("三", "head", verbs=[]))
    with pytest.raises(NotAllowed):
        act(room, case, work.urge, "hr")
    act(room, case, work.approve, "hr")
    for who in ("director", "other", "head", "subject"):
        with pytest.raises(NotAllowed):
            act(room, case, work.urge, who)
    act(room, case, work.urge, "hr")
    act(room, case, work.approve, "director")
    room.clock.move(days=3)
    with pytest.raises(NotAllowed):
        act(room, case, work.urge, "director")
    act(room, case, work.urge, "admin")
    item = room.item(case, "sign")
    act(room, case, work.approve, "head")
    with pytest.raises(AlreadyDecided):
        work.urge(room.services, item, actor=person("boss"), request_id=new_id())


def test_urge_only_where_somebody_holds_it(room: Room) -> None:
    """催办 (urge): nobody is told of an approval that waits for a correction, so it is refused with who has it; their form can be urged."""
    case = sent_back(room, standing("a", "hr", on_reject="to_initiator"))
    reject(room, case, "hr")
    item = room.item(case, "sign")
    with pytest.raises(SentBack, match="陈立"):
        work.urge(room.services, item, actor=person("admin"), request_id=new_id())
    assert "urge" not in inbox.item_page(room.services, item, reader=person("admin")).may
    work.urge(room.services, room.item(case, "start"), actor=person("admin"), request_id=new_id())
    [told] = [entry for entry in room.entries(case) if entry.event == "work:item:urged"]
    assert [one["name"] for one in told.payload["to"]] == ["陈立"]
