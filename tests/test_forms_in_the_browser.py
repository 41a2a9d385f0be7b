"""Process owners change a form at a desk, in Chinese: it is kept as they go, and looks as those who fill it in will see it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import DESK, Visitor
from modelled import Drawer, english, shipped
from playwright.sync_api import Browser, expect
from web_office import PASSWORD, Office

from engine.studio import changing, drafts

STATIC = Path(__file__).parent.parent / "webapp/static"
EDIT = "/studio/termination/edit/forms/{}.form"
#: keys, ids and examples of how data are written, which are the same in every language
_SAME = ("every", "Column 1", "Column 2", "Column 3", "HTML")


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    """With the shipped procedure, and connectors to a company that nobody asks."""
    shipped(office)
    return office


@pytest.fixture(scope="module")
def seat(office: Office, address: str, chromium: Browser) -> Drawer:
    return Drawer(Visitor(chromium, address, "sunzhiyuan", PASSWORD, DESK))


@pytest.fixture
def owner(seat: Drawer) -> Iterator[Drawer]:
    """Who changes forms; nothing may have been complained about."""
    yield seat
    said, seat.visitor.complaints = seat.visitor.complaints, []
    assert said == []


def kept(office: Office, form: str) -> Any:
    return json.loads(drafts.content(office.services, "termination", f"forms/{form}.form", actor=office.people["admin"])[0])


def placeless(given: Any) -> Any:
    """The same without the rows that the editor lays components out in."""
    if isinstance(given, dict):
        return {name: placeless(value) for name, value in given.items() if name != "layout"}
    return [placeless(each) for each in given] if isinstance(given, list) else given


def pick(owner: Drawer, key: str) -> None:
    owner.ask("studio.forms.get('selection').set(studio.forms.get('formFieldRegistry').getAll().find((each) => each.key === given))", key)


def test_a_field_is_added_to_a_form_and_is_there_after_a_reload(office: Office, owner: Drawer) -> None:
    """A component from the palette has a Chinese name at once; its name, key and English name and the form's title are kept."""
    owner.open(EDIT.format("conversation"))
    before = kept(office, "conversation")
    owner.group("general").get_by_label("表单标题").fill("谈话记录")
    owner.page.get_by_title("添加单行文本").click()
    general = owner.group("general")
    expect(general.get_by_label("名称", exact=True)).to_have_text("单行文本")
    general.get_by_label("名称", exact=True).fill("谈话地点")
    general.get_by_label("变量名").fill("conversation_place")
    owner.group("english").get_by_label("英文名称").fill("Place")
    owner.saved()
    owner.visitor.look("form-editor")
    after = kept(office, "conversation")
    assert (after["title"], after["title_en"]) == ("谈话记录", "Conversation") and placeless(after["components"][:-1]) == placeless(
        before["components"]
    )
    added = after["components"][-1]
    assert (added["type"], added["label"], added["key"]) == ("textfield", "谈话地点", "conversation_place")
    assert added["properties"] == {"label_en": "Place"}
    owner.open(EDIT.format("conversation"))
    pick(owner, "conversation_place")
    expect(owner.group("general").get_by_label("名称", exact=True)).to_have_text("谈话地点")


def test_no_english_is_left_in_the_form_editor(office: Office, owner: Drawer) -> None:
    """The palette, and the panel of every component that the server takes: no string without Chinese; none is offered that it refuses."""
    text, actor = json.dumps(every()).encode(), office.people["admin"]
    changing.save(office.services, "termination", "forms/every.form", text, revision=None, base=None, actor=actor)
    owner.open(EDIT.format("every"))
    seen = english(owner.page)
    for id in owner.ask("studio.forms.get('formFieldRegistry').getAll().map((each) => each.id)"):
        owner.ask("studio.forms.get('selection').set(studio.forms.get('formFieldRegistry').get(given))", id)
        owner.unfold()
        seen |= english(owner.page)
    assert {each for each in seen if each not in _SAME and not each.startswith("[")} == set()
    assert [each for each in owner.ask("[...studio.say.missed]") if "abc def" not in each] == []
    offered = owner.page.locator(".fjs-palette-field:visible")
    types = set(offered.evaluate_all("all => all.map(each => each.dataset.fieldType)"))
    assert types == {each["type"] for each in every()["components"]}
    expect(owner.page.get_by_title("由 bpmn.io 提供").first).to_be_visible()


def test_a_date_is_drawn_as_it_is_written_everywhere_else(office: Office, owner: Drawer) -> None:
    """Year, month and day, in the words of the page; the language that the browser has says nothing."""
    field = {"type": "datetime", "id": "day", "key": "day", "subtype": "date", "dateLabel": "交接日期"}
    text = json.dumps({"type": "default", "id": "dates", "schemaVersion": 18, "components": [field]}).encode()
    changing.save(office.services, "termination", "forms/dates.form", text, revision=None, base=None, actor=office.people["admin"])
    owner.open(EDIT.format("dates"))
    expect(owner.page.get_by_label("交接日期")).to_have_attribute("placeholder", "年-月-日")
    owner.visitor.look("form-date")


def every() -> dict[str, Any]:
    """A form with a component of every type that is offered, all their texts in Chinese."""
    choice = [{"label": "甲", "value": "1"}, {"label": "乙", "value": "2"}]
    own: dict[str, dict[str, Any]] = {
        **{name: {"key": f"值{number}", "label": "名称"} for number, name in enumerate(("textfield", "textarea", "number", "checkbox"))},
        "filepicker": {"key": "附件", "label": "附件"},
        "datetime": {"key": "时刻", "subtype": "datetime", "dateLabel": "日期", "timeLabel": "时间", "timeInterval": 15, "use24h": True},
        "expression": {"key": "算", "expression": "=1"},
        "checklist": {"key": "多选", "label": "多选", "values": choice},
        "radio": {"key": "单选", "label": "单选", "valuesKey": "选项"},
        "select": {"key": "下拉", "label": "下拉", "valuesExpression": "=[1, 2]"},
        "taglist": {"key": "标签", "label": "标签", "values": choice},
        "text": {"text": "文字"},
        "html": {"content": "{{内容}}"},
        "image": {"source": "=图", "alt": "图"},
        "table": {"label": "表格", "dataSource": "=行", "columns": [{"key": "甲", "label": "甲"}], "rowCount": 5},
        "documentPreview": {"label": "预览", "dataSource": "=附件"},
        "separator": {},
        "spacer": {"height": 20},
        "group": {"label": "分组", "path": "组", "components": []},
        "dynamiclist": {"label": "明细", "path": "明细", "allowAddRemove": True, "defaultRepetitions": 1, "components": []},
    }
    return {
        "type": "default",
        "id": "every",
        "schemaVersion": 18,
        "components": [{"type": type, "id": f"c{number}", **fields} for number, (type, fields) in enumerate(own.items())],
    }


def test_the_page_of_the_form_editor_is_small_enough() -> None:
    """The editor with its styles is at most 500 kB as it is sent."""
    built = STATIC / "vendor/studio"
    assert sum(len(gzip.compress((built / name).read_bytes(), 9)) for name in ("forms.js", "forms.css")) <= 500_000


def test_a_form_is_tried_at_the_width_of_a_phone(owner: Drawer) -> None:
    """A field that is drawn comes into the preview at once; what is wrong with what is typed is said there and stays."""
    owner.open(EDIT.format("statement"))
    owner.page.get_by_role("tab", name="预览").click()
    preview = owner.page.frame_locator(".studio-phone")
    expect(preview.get_by_text("已按场景填入示例内容")).to_be_visible()
    expect(preview.get_by_text("已了解，无异议。")).to_be_visible()
    preview.get_by_role("button", name="清空表单").click()
    expect(preview.get_by_role("button", name="填入示例")).to_be_visible()
    preview.get_by_role("button", name="检查填写内容").click()
    expect(preview.locator("#error-summary")).to_contain_text("必填")
    field = {"type": "number", "label": "人数", "key": "people_told", "validate": {"min": 1}}
    owner.ask("studio.forms.get('modeling').addFormField(given, studio.forms._getState().schema, 0)", field)
    preview.get_by_label("人数").fill("0")
    preview.get_by_role("button", name="检查填写内容").click()
    expect(preview.locator("#error-summary")).to_contain_text("人数")
    expect(preview.get_by_label("人数")).to_have_value("0")
    preview.get_by_label("填写环节").select_option(label="本人陈述与签收")
    expect(preview.locator("#error-summary")).to_contain_text("人数")
    preview.get_by_label("人数").fill("2")
    preview.get_by_label("人数").press("Tab")
    expect(preview.locator("#error-summary")).not_to_contain_text("人数")
    owner.saved()
    owner.visitor.look("form-preview")
    owner.ask(
        "(() => { const f = studio.forms.get('formFieldRegistry').getAll().find((each) => each.key === 'people_told');"
        " studio.forms.get('modeling').editFormField(f, 'validate', { min: '=1 +' }); studio.forms.get('selection').clear(); })()"
    )
    wrong = owner.finding("people_told")
    expect(preview.locator(".alert")).to_contain_text("people_told")
    wrong.click()
    assert owner.ask("studio.forms.get('selection').get().key") == "people_told"
