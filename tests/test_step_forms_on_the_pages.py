"""表单字段权限 on the pages and over the programs' interface: what a step shows leaves, what it hides does not."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from browser import PHONE, Visitor
from diagrams import END, START, flows, node, user, zeebe
from engine_room import files as procedure_files
from engine_room import form
from playwright.sync_api import Browser
from web_office import PASSWORD, Office, served

from engine import deploying

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
QUIET = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    _deploy(office)
    return office


def _deploy(office: Office) -> None:
    """A task signed by zhaominhua, who fills in `amount`, and then by zhengwenbo, who may return it and to whom `secret` is hidden."""

    def step(key: str, login: str, **more: Any) -> dict[str, Any]:
        rule = {"rule": "person", "persons": [office.people[login]]}
        return {"key": key, "name": key, "name_en": key, "mode": "single", "approvers": [rule], **more}

    first = step("first", "zhaominhua", fields={"amount": "required", "secret": "editable", "proof": "editable"})
    second = step("second", "zhengwenbo", fields={"secret": "hidden", "note": "editable"}, resubmit="choose")
    chained = zeebe("properties", zeebe("property", name="wf.chain", value="filled"))
    task = node("userTask", "sign", zeebe("formDefinition", formId="f"), chained)
    schema = form("note", "secret", numbers=["amount"], files=["proof"])
    schema["components"][-1]["conditional"] = {"hide": '=note = "收起"'}
    chains = {"filled": {"name": "填写审批", "name_en": "Filled", "steps": [first, second]}}
    body = (START, task, user("after"), END, flows("start > sign", "sign > after", "after > end"))
    deploying.deploy(office.services, procedure_files(*body, forms={"f": schema}, chains=chains), procedure="filled")


def begin(office: Office) -> str:
    """Id of the approval of a new case."""
    client, headers = office.program("chenli")
    sent = {"procedure": "filled", "subject": office.people["linxiaobei"], "values": {}}
    return office.open_item(client.post("/api/v1/cases", json=sent, headers=headers).json["case_id"])


def test_fields_of_a_step_on_its_page(office: Office) -> None:
    """表单字段权限 (fields): the signer types, saves, is told of a mistake without losing anything, approves; the next one reads it."""
    item, first = begin(office), office.browser("zhaominhua", "zh-CN")
    page = first.get(f"/items/{item}").text
    assert 'name="amount"' in page and 'name="note"' not in page and "暂存" in page
    assert office.post(first, f"/items/{item}/draft", {"amount": "12", "secret": "绝密"}).status_code == 302
    assert 'value="12"' in first.get(f"/items/{item}").text
    wrong = office.post(first, f"/items/{item}/approve", {"amount": "", "secret": "绝密", "opinion": "同意"})
    assert wrong.status_code == 422 and 'value="绝密"' in wrong.text and "同意" in wrong.text
    proof = {"proof": (io.BytesIO(PNG), "证.png")}
    assert office.post(first, f"/items/{item}/approve", {"amount": "13", "secret": "绝密", "opinion": "同意", **proof}).status_code == 302
    second = office.browser("zhengwenbo", "zh-CN")
    page = second.get(f"/items/{item}").text
    assert ">13<" in page.replace("\n", "").replace(" ", "") and "绝密" not in page
    own = {"draft:own": "w"}
    office.post(second, f"/items/{item}/draft", {"note": "收起", **own})
    assert "证.png" not in second.get(f"/items/{item}").text.partition('id="fields"')[2].partition("</form>")[0]
    turned = {"note": "展开", "form:absent": "proof", **own}
    assert ">证.png<" in re.sub(r"<svg.*?</svg>", "", office.post(second, f"/items/{item}/draft", turned, headers=QUIET).text, flags=re.S)
    client, headers = office.program("zhengwenbo")
    told = client.get(f"/api/v1/items/{item}", headers=headers)
    assert "绝密" not in told.text and told.json["values"]["amount"] == 13 and "secret" not in str(told.json["form"])
    case = told.json["case_id"]
    for address in (f"/cases/{case}", f"/cases/{case}/approvals"):
        assert "绝密" not in second.get(address).text, address


def test_approve_with_values_over_the_interface(office: Office) -> None:
    """同意 (approve): values are checked as on the page, and what the step does not open is refused by name."""
    item = begin(office)
    client, headers = office.program("zhaominhua")
    wrong = client.post(f"/api/v1/items/{item}/approve", json={"values": {"note": "改", "amount": "x"}}, headers=headers)
    assert wrong.status_code == 422 and "note" in wrong.text and "amount" in wrong.text
    sent = {"opinion": "同意", "values": {"amount": 7}}
    assert client.post(f"/api/v1/items/{item}/approve", json=sent, headers=headers).status_code == 204
    record = office.browser("admin", "zh-CN").get(
        f"/cases/{client.get(f'/api/v1/items/{item}', headers=headers).json['case_id']}/approvals"
    )
    assert "amount：7" in record.text


def test_resubmit_is_chosen_on_the_page(office: Office) -> None:
    """重新提交后走向 (after resubmission): whoever returns finds the choice, and the interface takes it by name."""
    item = begin(office)
    office.post(office.browser("zhaominhua"), f"/items/{item}/approve", {"amount": "1"})
    second = office.browser("zhengwenbo", "zh-CN")
    assert "直接回到我" in second.get(f"/items/{item}/return").text
    wrong = office.post(second, f"/items/{item}/return", {"to": "step:first", "reason": "补充", "resubmit": "sideways"})
    assert wrong.status_code == 422 and "补充" in wrong.text
    assert office.post(second, f"/items/{item}/return", {"to": "step:first", "reason": "补充", "resubmit": "back"}).status_code == 302
    assert "第 2 轮" in office.browser("zhaominhua", "zh-CN").get(f"/items/{item}").text


def test_a_form_in_a_step_on_a_phone(office: Office, chromium: Browser) -> None:
    """The signer fills in the field, approves with it, and the next one reads it with the sign-off and chooses how it comes back."""
    item = begin(office)
    with served(office) as address:
        first, second = (Visitor(chromium, address, login, PASSWORD, PHONE) for login in ("zhaominhua", "zhengwenbo"))
        first.page.goto(f"/items/{item}")
        first.write("amount", "12")
        first.look("step-form")
        first.page.get_by_role("button", name="同意", exact=True).click()
        first.page.get_by_text("已同意").first.wait_for()
        second.page.goto(f"/items/{item}")
        second.page.get_by_text("12", exact=True).first.wait_for()
        second.look("step-form-read")
        second.page.goto(f"/items/{item}/return")
        second.page.get_by_text("直接回到我").click()
        second.look("return-chosen")
