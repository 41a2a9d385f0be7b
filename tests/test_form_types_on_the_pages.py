"""Every type of component on a page: what is shown, calculated and counted, with and without JavaScript, on a phone and at a desk."""

from __future__ import annotations

from typing import Any

import pytest
from browser import PHONE, Visitor
from diagrams import END, START, flows, user, zeebe
from engine_room import files as procedure_files
from playwright.sync_api import Browser, expect
from web_office import PASSWORD, Office, served

from engine import deploying

PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR4nGNgYPiPA1HAIAAAKf4B/0vVJ0cAAAAASUVORK5CYII="
LINES: dict[str, Any] = {
    "type": "dynamiclist",
    "conditional": {"hide": "=none = true"},
    "id": "L",
    "path": "lines",
    "label": "补偿明细",
    "properties": {"min_rows": "1", "max_rows": "2"},
    "components": [
        {"type": "textfield", "id": "L1", "key": "item", "label": "项目", "validate": {"required": True}},
        {"type": "number", "id": "L2", "key": "amount", "label": "金额", "increment": "0.5"},
        {"type": "expression", "id": "L3", "key": "twice", "expression": "=amount * 2"},
    ],
}
FORM: dict[str, Any] = {
    "type": "default",
    "components": [
        {"type": "html", "id": "H", "content": "<h3>{{word}}补偿</h3><p>见<a href='https://example.com/law'>依据</a></p>"},
        {"type": "image", "id": "I", "source": PICTURE, "alt": "示意图"},
        {"type": "checkbox", "id": "O", "key": "none", "label": "无补偿"},
        LINES,
        {"type": "expression", "id": "E", "key": "total", "expression": "=sum(lines.amount[item != null])"},
        {"type": "text", "id": "T", "text": "合计 {{total}} 元"},
        {
            "type": "table",
            "id": "B",
            "label": "一览",
            "dataSource": "=lines",
            "columns": [{"key": "item", "label": "项目"}, {"key": "amount", "label": "金额"}, {"key": "twice", "label": "双倍"}],
        },
        {"type": "datetime", "id": "D", "key": "day", "dateLabel": "日期", "disallowPassedDates": True, "layout": {"columns": 8}},
        {"type": "filepicker", "id": "F", "key": "proof", "label": "凭证", "multiple": True},
        {"type": "documentPreview", "id": "P", "label": "已有凭证", "dataSource": "=proof"},
    ],
}


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    body = (START, user("pay", zeebe("formDefinition", formId="f")), END, flows("start > pay", "pay > end"))
    deploying.deploy(office.services, procedure_files(*body, forms={"f": FORM}), procedure="kinds")
    return office


def begin(office: Office) -> str:
    """Id of the work item of a new case."""
    client, headers = office.program("chenli")
    sent = {"procedure": "kinds", "subject": office.people["linxiaobei"], "values": {}}
    return office.open_item(client.post("/api/v1/cases", json=sent, headers=headers).json["case_id"])


def test_every_component_stands_on_the_page_and_a_mistake_in_a_row_is_named(office: Office) -> None:
    """Without JavaScript: a row more and no more than allowed, the total of what was typed, and which row is wrong, in Chinese."""
    item, client = begin(office), office.browser("wangfang", "zh-CN")
    page = client.get(f"/items/{item}").text
    page = client.get(f"/items/{item}").text
    assert "<h3>补偿</h3>" in page and 'alt="示意图"' in page and "没有可显示的内容" in page

    typed = {"lines[0].item": "工资", "lines[0].amount": "1.5", "lines[0].twice": "999", "add_row": "lines"}
    more = office.post(client, f"/items/{item}/fields", typed).text
    assert "合计 1.5 元" in more and 'name="lines[1].item"' in more and 'name="add_row"' not in more and "<td>3</td>" in more

    wrong = office.post(client, f"/items/{item}/complete", {"lines[0].item": "工资", "lines[1].item": "奖金", "lines[1].amount": "0.7"})
    assert wrong.status_code == 422 and "第2行 · 金额" in wrong.text and "须为 0.5 的倍数，最接近的是 0.5 和 1.0" in wrong.text


def test_what_is_calculated_is_kept_by_the_server(office: Office) -> None:
    """A program may send what it likes for a calculated field: the case has what the form calculates."""
    item = begin(office)
    client, headers = office.program("wangfang")
    values = {"lines": [{"item": "工资", "amount": 2, "twice": 1}], "total": 1000000}
    case = client.get(f"/api/v1/items/{item}", headers=headers).json["case_id"]

    assert client.post(f"/api/v1/items/{item}/complete", json={"values": values}, headers=headers).status_code == 204

    told = office.program("admin")
    entries = told[0].get(f"/api/v1/cases/{case}", headers=told[1]).text
    assert '"total":2' in entries.replace(" ", "") and '"twice":4' in entries.replace(" ", "") and "1000000" not in entries


def test_every_component_on_a_phone(office: Office, chromium: Browser) -> None:
    """Nothing sticks out, nothing serious for axe, nothing is asked of another server; a hidden list is not lost by a quiet save."""
    item = begin(office)
    with served(office) as address:
        visitor = Visitor(chromium, address, "wangfang", PASSWORD, PHONE)
        visitor.page.goto(f"/items/{item}")
        visitor.page.get_by_label("项目").fill("经济补偿金")
        visitor.page.get_by_label("金额").fill("12000.5")
        visitor.page.get_by_role("button", name="添加一行").click()
        visitor.page.get_by_text("合计 12000.5 元").wait_for()
        visitor.look("form-types")
        with visitor.page.expect_response("**/draft"):
            visitor.page.get_by_label("无补偿").check()
        amount = visitor.page.get_by_label("金额").first
        amount.wait_for(state="hidden")
        with visitor.page.expect_response("**/draft"):
            visitor.page.get_by_label("日期").fill("2030-01-01")
        visitor.page.reload()
        visitor.page.get_by_label("无补偿").uncheck()
        amount.wait_for()
        expect(amount).to_have_value("12000.5")


def test_what_a_condition_hides_does_not_leave(office: Office) -> None:
    """Neither page nor interface has it; a quiet save brings it once the condition turns, and sending the form loses nothing of it."""
    numbers = {"type": "number", "id": "N", "key": "grade"}
    kind, note, box = (
        {"type": kind, "id": key, "key": key} for kind, key in (("textfield", "kind"), ("textfield", "note"), ("checkbox", "box"))
    )
    turned = {"conditional": {"hide": '=kind != "x"'}}
    first = {"type": "default", "components": [numbers, kind, note, box, {"type": "textfield", "id": "S", "key": "secret"}]}
    secret = {"type": "textfield", "id": "S", "key": "secret", "conditional": {"hide": "=grade < 5"}}
    second = {"type": "default", "components": [kind, note | turned, box | turned, secret]}
    tasks = [user(name, zeebe("formDefinition", formId=f"f{name}")) for name in ("one", "two")]
    body = (START, *tasks, END, flows("start > one", "one > two", "two > end"))
    deploying.deploy(
        office.services, procedure_files(*body, forms={"fone": first, "ftwo": second}, rules={"readers": ["hr"]}), procedure="hiding"
    )
    client, own = office.program("chenli")
    sent = {"procedure": "hiding", "subject": office.people["linxiaobei"], "values": {}}
    case = client.post("/api/v1/cases", json=sent, headers=own).json["case_id"]
    client, own = office.program("wangfang")
    values = {"grade": 3, "kind": "y", "note": "不外传", "box": True, "secret": "绝密"}
    client.post(f"/api/v1/items/{office.open_item(case)}/complete", json={"values": values}, headers=own)
    item = office.open_item(case)
    browser = office.browser("wangfang")

    def fields(text: str) -> str:
        return text.partition('id="fields"')[2].partition("</form>")[0]

    page, told = fields(browser.get(f"/items/{item}").text), client.get(f"/api/v1/items/{item}", headers=own).json
    assert "不外传" not in page and "绝密" not in page and 'name="note"' not in page
    assert told["values"]["kind"] == "y" and not {"note", "box", "secret"} & told["variables"].keys()
    assert not {"note", "box", "secret"} & told["values"].keys()

    absent = {"form:absent": ["note", "box", "secret"], "draft:own": "w"}
    brought = office.post(browser, f"/items/{item}/draft", {"kind": "x", **absent}, headers={"HX-Request": "true"}).text
    assert 'value="不外传"' in brought and "checked" in brought and "绝密" not in brought
    assert "不外传" in fields(browser.get(f"/items/{item}").text)
    assert client.get(f"/api/v1/items/{item}", headers=own).json["values"]["note"] == "不外传"
    assert office.post(browser, f"/items/{item}/complete", {"kind": "x", **absent}).status_code == 302
    after = client.get(f"/api/v1/cases/{case}", headers=own).json["variables"]
    assert (after["note"], after["box"], after["secret"]) == ("不外传", True, "绝密")
