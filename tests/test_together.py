"""批量审批: several work items approved from a list, each by itself; offered exactly while it works."""

from __future__ import annotations

from typing import Any

import pytest
from browser import PHONE, Visitor
from engine_room import Room, person
from playwright.sync_api import Browser, expect
from test_giving_on_the_pages import asked
from test_sign_offs import act, begin, step, told
from web_office import PASSWORD, Office, served

from engine import cases, inbox, work
from engine.errors import FormInvalid
from engine.models import new_id
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def ticked(room: Room, by: str) -> dict[str, bool]:
    """Item -> whether it is offered for approving together, in both boxes."""
    rows = [row for box in ("mine", "group") for row in inbox.inbox(room.services, person(by), box=box).rows]
    return {row.item_id: row.batch for row in rows}


def together(room: Room, by: str, *items: str, request_id: str = "") -> dict[str, str]:
    answers = work.approve_together(room.services, items, actor=person(by), request_id=request_id or new_id())
    return {answer.item: answer.error.code if answer.error else "" for answer in answers}


def test_batch_approve(room: Room) -> None:
    """批量审批 (batch): each item has its own transaction and answer; one that fails hinders none, and a repeat changes nothing."""
    first = begin(room, step("一", "hr", "head", mode="any", batch=True), step("二", "hr", twice="none"))
    several, alone = [first, room.start(), room.start()], room.start()
    act(room, alone, work.approve, "head")
    items = [room.item(case, "sign") for case in (*several, alone)]
    act(room, several[1], work.reject, "head", opinion="不同意")
    answers = together(room, "hr", *items, "f" * 32, request_id="r")
    assert answers == {items[0]: "", items[1]: "already_decided", items[2]: "", items[3]: "not_allowed", "f" * 32: "not_found"}
    again = together(room, "hr", *items, request_id="r")
    assert (again[items[0]], again[items[2]]) == ("", "")
    assert [room.events(case).count("work:step:approved") for case in (*several, alone)] == [1, 0, 1, 1]
    assert told(room, several[0]) == "approved: hr:approved head:lapsed | open: hr:open"
    for wrong in ([], [new_id() for _ in range(101)]):
        with pytest.raises(FormInvalid):
            together(room, "hr", *wrong)


@pytest.mark.parametrize("mode", ["all", "claim", "sequence"])
def test_batch_is_offered_exactly_while_it_works(room: Room, mode: str) -> None:
    """批量审批 (batch): what has a box is approved, what has none is refused, whatever becomes of the step and the case meanwhile."""
    chain = (step("一", "hr", "head", mode=mode, batch=True), step("二", "hr", twice="none"))
    waiting, paused, delegated = begin(room, *chain), room.start(), room.start()
    room.manage(cases.suspend, paused, reason="x")
    if mode != "claim":
        act(room, delegated, work.delegate, "hr", to=person("director"))
    for case in (waiting, paused, delegated):
        item = room.item(case, "sign")
        for by in ("hr", "head", "director"):
            offered = ticked(room, by).get(item, False)
            done = together(room, by, item)[item] == ""
            assert offered == done, (mode, by, told(room, case))


def test_batch_is_never_offered_in_a_case_about_oneself(room: Room) -> None:
    """批量审批 (batch): nor is it carried out."""
    case = begin(room, step("会签", "hr", "head", batch=True))
    assert together(room, "worker", room.item(case, "sign")) == {room.item(case, "sign"): "not_allowed"}


def test_a_program_approves_several(office: Office) -> None:
    """批量审批 (batch): the JSON interface answers for each item; rows say which may."""
    items = [asked(office, batch=True), asked(office, batch=True), asked(office)]
    client, own = office.program("zhaominhua")
    rows = client.get("/api/v1/items", headers=own).json["items"]
    assert {row["item_id"]: row["batch"] for row in rows} == dict(zip(items, (True, True, False), strict=True))
    answer = client.post("/api/v1/items/approve", headers=own, json={"items": items})
    told: list[Any] = [(one["item"], one["approved"], one["code"]) for one in answer.json["results"]]
    assert told == [(items[0], True, None), (items[1], True, None), (items[2], False, "not_allowed")]
    assert client.post("/api/v1/items/approve", headers=own, json={"items": []}).status_code == 422


def test_batch_on_a_phone(office: Office, chromium: Browser) -> None:
    """批量审批 (batch): tick rows, the button counts them, and a list says for each what happened."""
    items = [asked(office, batch=True) for _ in range(3)]
    with served(office) as address:
        signer = Visitor(chromium, address, "zhaominhua", PASSWORD, PHONE)
        boxes = signer.page.get_by_role("checkbox", name="以便批量同意")
        expect(boxes).to_have_count(3)
        button = signer.page.locator("#together button")
        expect(button).to_be_disabled()
        for number in range(2):
            boxes.nth(number).check()
        expect(button).to_have_text("同意 2 项")
        signer.look("batch")
        signer.page.get_by_text("全选可批量签批的待办").click()
        expect(button).to_have_text("同意 3 项")
        gone, headers = office.program("zhaominhua")
        assert gone.post(f"/api/v1/items/{items[0]}/approve", headers=headers, json={}).status_code == 204
        button.click()
        signer.reads("批量签批结果", "已同意 2 项", "未办理 1 项")
        signer.look("batch-results")
        signer.leave()
