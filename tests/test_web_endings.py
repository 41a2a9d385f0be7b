"""撤销, 终止 and 作废 on the pages and through the interface for programs, on a phone and on a desk."""

from __future__ import annotations

import json

import pytest
from browser import PHONE, Visitor
from playwright.sync_api import Browser, expect
from web_office import FILES, PASSWORD, Office

from engine import deploying

RULES = {**json.loads(FILES["rules.json"]), "no_way_back": ["answer"], "second_person": ["consent"]}


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    deploying.deploy(office.services, {**FILES, "rules.json": json.dumps(RULES).encode()}, procedure="office")
    return office


def test_cancel_through_the_interface(office: Office) -> None:
    """撤销 (cancel): for the initiator only, a reason is needed, twice with one key is once, afterwards it is too late."""
    case = office.case()
    office.talked(case)
    boss, own = office.program("chenli")
    other, theirs = office.program("wangfang")
    sent = {"reason": "情况有误"}
    assert [one["name_en"] for one in boss.get(f"/api/v1/cases/{case}/ending", headers=own).json["left"]] == ["Approval"]
    assert other.get(f"/api/v1/cases/{case}/ending", headers=theirs).status_code == 403
    assert other.post(f"/api/v1/cases/{case}/cancel", json=sent, headers=theirs).status_code == 403
    refused = boss.post(f"/api/v1/cases/{case}/cancel", json={"reason": " "}, headers=own)
    assert refused.status_code == 422 and refused.json["errors"][0]["pointer"].endswith("/reason")
    again = {**own, "Idempotency-Key": "c1"}
    assert [boss.post(f"/api/v1/cases/{case}/cancel", json=sent, headers=again).status_code for _ in "12"] == [204, 204]
    assert boss.get(f"/api/v1/cases/{case}", headers=own).json["outcome"] == "cancelled"
    assert boss.post(f"/api/v1/cases/{case}/cancel", json=sent, headers=own).status_code == 409


def test_terminate_and_void_through_the_interface(office: Office) -> None:
    """终止 and 作废 (terminate, void): past the point one manager asks and another confirms or declines."""
    case = office.case()
    office.talked(case)
    first, own = office.program("sunzhiyuan")
    second, theirs = office.program("admin")
    asks = {"reason": "双方和解"}
    assert first.post(f"/api/v1/cases/{case}/terminate", json=asks, headers=own).status_code == 204
    assert first.get(f"/api/v1/cases/{case}", headers=own).json["asked"]["act"] == "terminate"
    assert first.post(f"/api/v1/cases/{case}/confirm", json={}, headers=own).status_code == 403
    assert second.post(f"/api/v1/cases/{case}/decline", json={"reason": "再议"}, headers=theirs).status_code == 204
    assert second.post(f"/api/v1/cases/{case}/terminate", json=asks, headers=theirs).status_code == 204
    assert first.post(f"/api/v1/cases/{case}/confirm", json={}, headers=own).status_code == 204
    assert first.get(f"/api/v1/cases/{case}", headers=own).json["outcome"] == "terminated"
    assert first.post(f"/api/v1/cases/{case}/confirm", json={}, headers=own).status_code == 409
    assert first.post(f"/api/v1/cases/{case}/void", json={"reason": "重复"}, headers=own).status_code == 204
    assert second.post(f"/api/v1/cases/{case}/confirm", json={"reason": "属实"}, headers=theirs).status_code == 204
    told = first.get(f"/api/v1/cases/{case}", headers=own).json
    assert (told["outcome"], told["void"]["by"], told["void"]["confirmed_by"]) == ("terminated", "孙志远", "管理员")
    listed = first.get("/api/v1/cases", headers=own).json["cases"]
    assert next(row for row in listed if row["id"] == case)["voided_at"] == told["void"]["at"]
    assert "已作废" in office.browser("sunzhiyuan", "zh-CN").get(f"/cases/{case}/approvals").text


def test_cancel_terminate_and_void_on_their_pages(office: Office, address: str, chromium: Browser) -> None:
    """撤销, 终止, 作废 (cancel, terminate, void): what it means, what stays, why; typed words stay; the second person finds it."""
    office.usage.refuses = False
    case, other = office.case(), office.case()
    office.talked(other)
    boss, director, admin = (Visitor(chromium, address, login, PASSWORD, PHONE) for login in ("chenli", "sunzhiyuan", "admin"))

    boss.page.goto(f"/cases/{case}")
    boss.page.get_by_role("link", name="撤销我的申请").click()
    boss.look("cancel")
    boss.page.get_by_role("button", name="撤销我的申请").click()
    expect(boss.page.get_by_text("请填写原因")).to_be_visible()
    boss.complaints.clear()  # the browser tells of the 422
    boss.write("原因", "情况有误，无需处理")
    boss.page.get_by_role("button", name="撤销我的申请").click()
    expect(boss.page.get_by_text("已撤销").first).to_be_visible()
    boss.look("cancelled")

    director.page.goto(f"/cases/{other}")
    director.page.get_by_role("link", name="终止事项").click()
    director.look("terminate")
    director.write("原因", "双方和解")
    director.page.get_by_role("button", name="终止事项").click()
    expect(director.page.get_by_text("已请另一位流程管理员复核")).to_be_visible()
    director.look("terminate-asked")
    admin.page.goto(f"/cases/{other}")
    expect(admin.page.get_by_text("孙志远申请终止该事项")).to_be_visible()
    admin.page.get_by_role("link", name="确认").click()
    admin.look("terminate-confirm")
    admin.page.get_by_role("button", name="确认").click()
    expect(admin.page.get_by_text("已终止").first).to_be_visible()
    admin.page.get_by_role("link", name="作废事项").click()
    admin.look("void")
    admin.write("原因", "重复立案")
    admin.page.get_by_role("button", name="作废事项").click()
    director.page.goto(f"/cases/{other}")
    director.page.get_by_role("link", name="确认").click()
    director.page.get_by_role("button", name="确认").click()
    expect(director.page.get_by_text("本事项已作废")).to_be_visible()
    director.look("voided")
    director.page.goto("/cases")
    director.look("cases-with-void")
    assert office.browser("chenli").get(f"/cases/{other}/void").status_code == 302
