"""Choosing who signs and seeing who will, on the pages and by the interface."""

from __future__ import annotations

import re

import pytest
from web_office import Office

from engine.chains import versions

KEY = "dismissal-approval"
POOL = {"rule": "role", "roles": ["hr", "hr_director", "legal"]}
STEPS = [
    {"key": "first", "name": "初审", "name_en": "First", "mode": "single", "approvers": [{"rule": "initiator_chooses", "pool": POOL}]},
    {"key": "second", "name": "复审", "name_en": "Second", "mode": "all", "approvers": [{"rule": "signer_chooses", "max": 2}]},
    {
        "key": "third",
        "name": "终审",
        "name_en": "Third",
        "mode": "claim",
        "when": 'decision = "stop"',
        "approvers": [{"rule": "role", "roles": ["hr_director"]}],
    },
]
TYPED = {"what": "上班玩手机、学习能力差", "kind": "phone"}


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    with office.services.database.unit() as unit:
        now = office.services.clock.now()
        versions.publish(unit.connection, key=KEY, name="辞退审批", name_en="Dismissal", steps=STEPS, by=None, now=now)
        unit.commit()
    return office


def case_for(office: Office, signer: str) -> str:
    """Id of an approval that this person signs first."""
    answer = office.post(
        office.browser("chenli"),
        f"/start/office/{office.people['linxiaobei']}",
        {**TYPED, f"chosen.{KEY}.first": office.people[signer]},
    )
    assert answer.status_code == 302, answer.text
    office.run_jobs()
    return office.talked(answer.location.rpartition("/")[2])


def test_choose_approvers_on_the_page_of_a_start(office: Office) -> None:
    """发起人自选 (choose approvers): a short pool is a list; what is missing or wrong stands beside it, and nothing typed is lost."""
    initiator, people = office.browser("chenli", "zh-CN"), office.people
    address = f"/start/office/{people['linxiaobei']}"
    page = initiator.get(address).text
    assert "“初审”由谁签批？" in page and "请选择 1 人" in page
    listed = set(re.findall(rf'name="chosen.{KEY}.first" value="(\w+)"', page))
    assert {people["wangfang"], people["zhengwenbo"]} <= listed and people["linxiaobei"] not in listed
    refused = office.post(initiator, address, TYPED)
    assert refused.status_code == 422 and "少于" in refused.text and "学习能力差" in refused.text
    wrong = office.post(initiator, address, {**TYPED, f"chosen.{KEY}.first": people["liuhai"]})
    assert wrong.status_code == 422 and "不在可选范围内" in wrong.text
    wrong = office.post(initiator, address, {"kind": "phone", f"chosen.{KEY}.first": people["wangfang"]})
    assert wrong.status_code == 422 and re.search(rf'value="{people["wangfang"]}" checked', wrong.text)


def test_forecast_on_the_page_of_a_start(office: Office) -> None:
    """审批人预测 (forecast): every step with who would sign it and why, or why that cannot be told yet; nothing is started."""
    initiator, people = office.browser("chenli", "zh-CN"), office.people
    address = f"/start/office/{people['linxiaobei']}/forecast"
    page = office.post(initiator, address, TYPED).text
    assert "审批人预测" in page and "由发起人自选签批人。" in page and "由上一签批人指定签批人。" in page
    assert "尚不能确定是否适用本环节：处理意见是 停止" in page and "孙志远" in page
    page = office.post(initiator, address, {**TYPED, f"chosen.{KEY}.first": people["wangfang"]}).text
    assert "由王芳签批" in page.replace(" ", "") or "王芳" in page
    assert office.post(office.browser("liuhai"), address, TYPED).status_code == 403


def test_forecast_by_the_interface(office: Office) -> None:
    """审批人预测 (forecast): the same for programs; a start without a choice names the field."""
    client, headers = office.program("chenli")
    sent = {"subject": office.people["linxiaobei"], "values": TYPED}
    found = client.post("/api/v1/procedures/office/forecast", json=sent, headers=headers).json
    [approval] = found["approvals"]
    assert approval["certain"] and [step["expected"] for step in approval["steps"]] == ["unknown", "unknown", "conditional"]
    [asked] = found["asked"]
    assert asked["step"] == "first" and office.people["wangfang"] in asked["pool"]
    refused = client.post("/api/v1/cases", json={"procedure": "office", **sent}, headers=headers)
    assert refused.status_code == 422 and refused.json["errors"][0]["pointer"] == f"/chosen/{KEY}/first"
    chosen = {KEY: {"first": [office.people["wangfang"]]}}
    started = client.post("/api/v1/cases", json={"procedure": "office", **sent, "chosen": chosen}, headers=headers)
    assert started.status_code == 201
    [ahead] = client.get(f"/api/v1/cases/{started.json['case_id']}/forecast", headers=headers).json["approvals"]
    assert ahead["steps"][0]["people"] == ["王芳"]
    wrong = client.post("/api/v1/cases", json={"procedure": "office", **sent, "chosen": {KEY: ["x"]}}, headers=headers)
    assert wrong.status_code == 400


def test_forecast_on_the_page_of_a_case(office: Office) -> None:
    """审批人预测 (forecast): approvals that are still ahead are marked as such, and gone once they are open."""
    client, headers = office.program("chenli")
    chosen = {KEY: {"first": [office.people["zhengwenbo"]]}}
    sent = {"procedure": "office", "subject": office.people["linxiaobei"], "values": TYPED, "chosen": chosen}
    case = client.post("/api/v1/cases", json=sent, headers=headers).json["case_id"]
    office.run_jobs()
    page = office.browser("chenli", "zh-CN").get(f"/cases/{case}").text
    assert "后续审批（预测）" in page and "郑文博" in page
    office.talked(case)
    assert "后续审批（预测）" not in office.browser("chenli", "zh-CN").get(f"/cases/{case}").text


def test_choose_signers_on_the_page_of_an_approval(office: Office) -> None:
    """上一签批人指定 (signer chooses): who decides searches and chooses with the approval; a rejection needs none."""
    item = case_for(office, "wangfang")
    signer, people = office.browser("wangfang", "zh-CN"), office.people
    page = signer.get(f"/items/{item}").text
    assert "“复审”由谁签批？" in page and "请选择 1 至 2 人" in page
    page = office.post(signer, f"/items/{item}/people", {"find.chosen": "郑文博", "chosen": people["hexiulan"], "opinion": "请看"}).text
    assert people["zhengwenbo"] in page and re.search(rf'value="{people["hexiulan"]}" checked', page) and "请看" in page
    missing = office.post(signer, f"/items/{item}/approve", {"opinion": "同意"})
    assert missing.status_code == 422 and "少于" in missing.text
    subject = office.post(signer, f"/items/{item}/approve", {"opinion": "同意", "chosen": people["linxiaobei"]})
    assert subject.status_code == 422 and "不在可选范围内" in subject.text
    done = office.post(signer, f"/items/{item}/approve", {"opinion": "同意", "chosen": [people["zhengwenbo"], people["hexiulan"]]})
    assert done.status_code == 302
    page = office.browser("zhengwenbo", "zh-CN").get(f"/items/{item}").text
    assert "何秀兰" in page and "由谁签批？" not in page
    rejected = case_for(office, "wangfang")
    assert office.post(signer, f"/items/{rejected}/reject", {"opinion": "不符"}).status_code == 302


def test_choose_signers_by_the_interface(office: Office) -> None:
    """上一签批人指定 (signer chooses): the item says that it is asked; without it the field is named."""
    item = case_for(office, "zhengwenbo")
    client, headers = office.program("zhengwenbo")
    found = client.get(f"/api/v1/items/{item}", headers=headers).json["choice"]
    assert (found["step"], found["least"], found["most"], found["pool"]) == ("second", 1, 2, None)
    refused = client.post(f"/api/v1/items/{item}/approve", json={}, headers=headers)
    assert refused.status_code == 422 and refused.json["errors"][0]["pointer"] == "/chosen"
    sent = {"chosen": [office.people["wangfang"]]}
    assert client.post(f"/api/v1/items/{item}/approve", json=sent, headers=headers).status_code == 204
    client, headers = office.program("wangfang")
    assert client.get(f"/api/v1/items/{item}", headers=headers).json["choice"] is None


def test_choose_approvers_corrected_on_the_page_of_a_case(office: Office) -> None:
    """发起人自选 (choose approvers): a manager finds it on the case page and says why; who started it does not."""
    client, headers = office.program("chenli")
    people = office.people
    sent = {"procedure": "office", "subject": people["linxiaobei"], "values": TYPED, "chosen": {KEY: {"first": [people["wangfang"]]}}}
    case = client.post("/api/v1/cases", json=sent, headers=headers).json["case_id"]
    office.run_jobs()
    address = f"/cases/{case}/choices/{KEY}/first"
    assert address not in office.browser("chenli").get(f"/cases/{case}").text
    assert office.browser("chenli").get(address).status_code == 302
    admin = office.browser("admin", "zh-CN")
    assert address in admin.get(f"/cases/{case}").text
    page = admin.get(address).text
    assert re.search(rf'value="{people["wangfang"]}" checked', page)
    refused = office.post(admin, address, {"person": people["zhengwenbo"]})
    assert refused.status_code == 422 and "请说明更换签批人的原因" in refused.text
    assert office.post(admin, address, {"person": people["zhengwenbo"], "reason": "调岗"}).status_code == 302
    page = admin.get(f"/cases/{case}").text
    assert "已更正自选签批人" in page and "郑文博" in page
    client, headers = office.program("admin")
    [found] = client.get(f"/api/v1/cases/{case}/choices", headers=headers).json["choices"]
    assert found["names"] == ["郑文博"]
    again = {"chain": KEY, "step": "first", "persons": [people["wangfang"]], "reason": "恢复"}
    assert client.post(f"/api/v1/cases/{case}/choices", json=again, headers=headers).status_code == 204
