"""退回发起人: the start form comes back to the initiator, who corrects it and sends it again, or cancels."""

from __future__ import annotations

from itertools import pairwise

import pytest
import sqlalchemy as sa
from diagrams import END, flows, mapping, node, user, zeebe
from engine_room import Room, form, person
from test_standing_steps import rounds, step

from engine import endings, inbox, work
from engine.errors import AlreadyDecided, FormInvalid, ItemClosed, NotAllowed, SentBack
from engine.ledger import Event
from engine.models import SignOff, WorkItem, new_id
from engine.ports import Json
from engine.replay import replay
from engine.services import Services

REPORT = node("startEvent", "start", zeebe("formDefinition", formId="report"))


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def begin(room: Room, *steps: dict[str, Json], first: str = "") -> str:
    """A case that begins with a form, at a task with this chain, behind another task if `first` names one."""
    sign = node(
        "userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="c")), mapping(outputs={"verdict": "=decision"})
    )
    chains = {"c": {"name": "审批", "name_en": "Chain", "steps": list(steps)}}
    path = ["start", *([first] if first else []), "sign", "end"]
    way = flows(*(f"{a} > {b}" for a, b in pairwise(path)))
    tasks = (user(first), sign) if first else (sign,)
    room.deploy(REPORT, *tasks, END, way, chains=chains, forms={"report": form("what", required=["what"])})
    return room.start(what="迟到")


def reject(room: Room, case: str, by: str) -> None:
    work.reject(room.services, room.item(case, "sign"), actor=person(by), opinion="事实不清", request_id=new_id())


def test_reject_to_the_initiator_and_onward(room: Room) -> None:
    """驳回 (reject) to the initiator: the start form is theirs again, prefilled; sent again, every step is signed again."""
    case = begin(room, step("a", "hr"), step("b", "head", on_reject="to_initiator"))
    room.approve(case, "sign", by="hr")
    reject(room, case, "head")
    assert room.open(case) == "sign start"
    mine = inbox.item_page(room.services, room.item(case, "start"), reader=person("boss"))
    assert mine.values["what"] == "迟到" and "complete" in mine.may
    assert mine.sent_back is not None and (mine.sent_back.who, mine.sent_back.said) == ("赵敏", "事实不清")
    for by in ("hr", "subject", "admin"):
        with pytest.raises(NotAllowed):
            room.complete(case, "start", by=by, what="x")
    with pytest.raises(SentBack, match="陈立"):
        room.approve(case, "sign", by="head")
    with pytest.raises(FormInvalid):
        room.complete(case, "start", by="boss", what="")
    item = room.item(case, "start")
    room.complete(case, "start", by="boss", what="迟到三次", request_id="again")
    work.complete(room.services, item, actor=person("boss"), values={"what": "迟到三次"}, request_id="again")
    with pytest.raises(AlreadyDecided):
        work.complete(room.services, item, actor=person("boss"), values={"what": "x"}, request_id=new_id())
    assert room.open(case) == "sign" and room.variables(case)["what"] == "迟到三次"
    assert rounds(room, case) == ["a approved", "a open", "b rejected"]
    [sent] = [entry for entry in room.entries(case) if entry.event == Event.CASE_RESUBMITTED]
    assert (sent.actor, sent.payload["changed"]) == (person("boss"), ["what"])
    room.approve(case, "sign", by="hr")
    room.approve(case, "sign", by="head")
    assert room.case(case).status == "closed" and replay(room.services, room.case(case).number).same


def test_reject_to_the_initiator_and_straight_back(room: Room) -> None:
    """驳回 (reject) to the initiator: straight back where nothing was changed, through every step where something was."""
    case = begin(room, step("a", "hr"), step("b", "head", on_reject="to_initiator", resubmit="back"))
    room.approve(case, "sign", by="hr")
    reject(room, case, "head")
    room.complete(case, "start", by="boss", what="迟到")
    assert rounds(room, case) == ["a approved", "b rejected", "b open"]
    reject(room, case, "head")
    room.complete(case, "start", by="boss", what="旷工")
    assert rounds(room, case) == ["a approved", "a open", "b rejected", "b rejected"]


def test_reject_to_the_initiator_begins_the_case_again(room: Room) -> None:
    """驳回 (reject) to the initiator: work that was done before on what was corrected now is done again."""
    case = begin(room, step("a", "head", on_reject="to_initiator"), first="look")
    room.complete(case, "look")
    reject(room, case, "head")
    room.complete(case, "start", by="boss", what="旷工")
    assert room.open(case) == "look"
    room.complete(case, "look")
    room.approve(case, "sign", by="head")
    assert room.case(case).status == "closed" and replay(room.services, room.case(case).number).same


def test_reject_to_the_initiator_who_cancels(room: Room) -> None:
    """驳回 (reject) to the initiator: instead of correcting they may cancel; both work items close."""
    case = begin(room, step("a", "hr", on_reject="to_initiator"))
    reject(room, case, "hr")
    item = room.item(case, "start")
    room.manage(endings.cancel, case, by="boss")
    assert set(room.values(sa.select(WorkItem.status))) == {"left"}
    assert set(room.values(sa.select(SignOff.state))) == {"rejected", "lapsed"}
    with pytest.raises(ItemClosed):
        work.complete(room.services, item, actor=person("boss"), values={"what": "x"}, request_id=new_id())


def test_return_to_the_initiator(room: Room) -> None:
    """退回 (return) to the initiator: offered last among the targets, and it goes the same way."""
    case = begin(room, step("a", "hr"), step("b", "head"))
    room.approve(case, "sign", by="hr")
    targets = work.targets(room.services, room.item(case, "sign"), actor=person("head"))
    assert [(one.step or one.element, one.initiator) for one in targets] == [("a", False), ("start", True)]
    item = room.item(case, "sign")
    work.return_(room.services, item, actor=person("head"), reason="补充", to_element="start", request_id=new_id())
    assert room.open(case) == "sign start"
    room.complete(case, "start", by="boss", what="旷工")
    assert rounds(room, case) == ["a approved", "a open", "b returned"]
