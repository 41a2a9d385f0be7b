"""A form while it is changed, as those who fill it in will see it at each step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web_office import Office, token

import forms
from engine.studio import changing

_STEP = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
    id="d" targetNamespace="http://example.org/partwell">
  <bpmn:process id="visit" isExecutable="true">
    <bpmn:userTask id="told" name="登记来访"><bpmn:extensionElements><zeebe:userTask /><zeebe:formDefinition formId="visit" />
      <zeebe:properties><zeebe:property name="wf.field.secret" value="hidden" /><zeebe:property name="wf.field.guest" value="readonly" />
      </zeebe:properties></bpmn:extensionElements></bpmn:userTask>
  </bpmn:process>
</bpmn:definitions>"""
_FIELDS: list[dict[str, Any]] = [
    {"type": "textfield", "key": "guest", "label": "访客"},
    {"type": "textfield", "key": "secret", "label": "内部意见"},
    {"type": "number", "key": "people", "label": "人数", "validate": {"required": True, "min": 1}},
    {"type": "textfield", "key": "reason", "label": "多人来访原因", "conditional": {"hide": "=people = null or people < 5"}},
]


class Desk:
    """An editor's page, which sends the form that is drawn and what was typed into its preview."""

    def __init__(self, office: Office, login: str) -> None:
        self.client = office.browser(login, "zh-CN")
        self._token = token(self.client, "/account")

    def preview(self, fields: Any = _FIELDS, **typed: str) -> Any:
        schema = json.dumps({"type": "default", "id": "visit", "components": fields})
        sent = {"csrf_token": self._token, "form:path": "forms/visit.form", "form:schema": schema}
        return self.client.post("/studio/office/preview", data=sent | typed)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Office(tmp_path) as made:
        changing.save(made.services, "office", "visit.bpmn", _STEP.encode(), revision=None, base=None, actor=made.people["admin"])
        yield made


def test_each_step_shows_the_form_with_its_own_permissions(office: Office) -> None:
    """Without a step all is open; at a step of a draft's diagram what it hides is not there, and what it closes is only read."""
    desk = Desk(office, "admin")
    page = desk.preview().text
    assert "登记来访" in page and "内部意见" in page and 'name="guest"' in page
    page = desk.preview(**{"form:step": "visit.bpmn#told"}).text
    assert "内部意见" not in page and 'name="guest"' not in page and "访客" in page and 'name="people"' in page


_SCENARIO = """
name: 来访
given: {clock: 2026-11-24T09:30, subject: 林小北, initiator: 陈立}
when:
  - {by: 王芳, step: 登记来访, complete: {guest: 张三, people: "=2 + 4", reason: '=no such name', secret: 不给看}}
then: {ended: 结束}
"""


def test_a_form_begins_with_what_the_scenarios_fill_in(office: Office) -> None:
    """Their values stand in it, calculated where they are expressions; it can be emptied and filled in again, and typing counts."""
    actor = office.people["admin"]
    changing.save(office.services, "office", "scenarios/visit.yaml", _SCENARIO.encode(), revision=None, base=None, actor=actor)
    desk = Desk(office, "admin")
    page = desk.preview().text
    assert 'value="张三"' in page and 'value="6"' in page and "已按场景填入示例内容" in page and "=no such name" not in page
    step = desk.preview(**{"form:step": "visit.bpmn#told"}).text
    assert "张三" in step and 'name="guest"' not in step and "不给看" not in step
    emptied = desk.preview(**{"form:typed": "1", "guest": "张三", "people": "6", "empty": "1"}).text
    assert "张三" not in emptied and 'value="6"' not in emptied and "填入示例" in emptied and 'name="form:empty"' in emptied
    typed = desk.preview(**{"form:typed": "1", "form:empty": "1", "guest": "李四", "people": "", "try": "1"}).text
    assert "李四" in typed and "张三" not in typed and "error-summary" in typed
    assert 'value="张三"' in desk.preview(**{"form:typed": "1", "form:empty": "1", "guest": "李四", "fill": "1"}).text


def test_examples_of_another_form_are_left_out(office: Office) -> None:
    """Where a scenario fills in texts and the form that is drawn now has groups and rows of these names, it begins empty."""
    actor = office.people["admin"]
    changing.save(office.services, "office", "scenarios/visit.yaml", _SCENARIO.encode(), revision=None, base=None, actor=actor)
    rows = [
        {"type": "group", "path": "guest", "label": "访客", "components": [{"type": "textfield", "key": "name", "label": "姓名"}]},
        {"type": "dynamiclist", "path": "people", "label": "同行", "components": [{"type": "filepicker", "key": "photo", "label": "照片"}]},
    ]
    answer = Desk(office, "admin").preview(rows)
    assert answer.status_code == 200 and 'name="guest.name"' in answer.text


def test_a_fault_of_the_program_is_not_taken_for_examples_that_do_not_fit(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty form would hide it."""
    actor = office.people["admin"]
    changing.save(office.services, "office", "scenarios/visit.yaml", _SCENARIO.encode(), revision=None, base=None, actor=actor)
    desk, drawn = Desk(office, "admin"), forms.FormChecker.view

    def broken(checker: Any, schema: Any, stored: Any, *given: Any, **more: Any) -> Any:
        if stored:
            raise TypeError("broken")
        return drawn(checker, schema, stored, *given, **more)

    monkeypatch.setattr(forms.FormChecker, "view", broken)
    assert desk.preview(empty="1").status_code == 200
    assert desk.preview().status_code == 500


def test_what_is_typed_is_checked_as_in_a_case_and_stays(office: Office) -> None:
    """Messages name the field; conditions follow what was typed; what fits could be submitted; nothing is stored."""
    desk = Desk(office, "admin")
    refused = desk.preview(**{"form:typed": "1", "try": "1", "people": "0"}).text
    assert "error-summary" in refused and "人数" in refused and 'value="0"' in refused and "填写无误" not in refused
    assert 'name="reason"' not in refused
    fits = desk.preview(**{"form:typed": "1", "try": "1", "people": "6"}).text
    assert "填写无误，可以提交。" in fits and "error-summary" not in fits and 'name="reason"' in fits


def test_what_is_wrong_with_the_form_is_said_by_field(office: Office) -> None:
    """An expression that cannot be read, a title that is no text, a text that is no form: said in Chinese, and no page breaks."""
    desk = Desk(office, "admin")
    page = desk.preview([{**_FIELDS[2], "validate": {"min": "=1 +"}}]).text
    assert "people" in page and "validate.min" in page and "修正以下问题后才能预览" in page
    whole = {"type": "default", "id": "visit", "components": [], "title": 3}
    assert "表单标题须为文字。" in desk.preview(**{"form:schema": json.dumps(whole)}).text
    for broken in ("{", "[]", "null", '{"components": 3}'):
        answer = desk.preview(**{"form:schema": broken})
        assert answer.status_code == 200 and "修正以下问题后才能预览" in answer.text


def test_only_who_may_change_the_draft_asks_and_only_our_page_frames_it(office: Office) -> None:
    """Somebody who does not manage the procedure is refused; the answer lies in a frame of this server alone and runs no script."""
    answer = Desk(office, "admin").preview()
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in policy and "script-src 'none'" in policy and answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert Desk(office, "linxiaobei").preview().status_code == 403


def test_a_diagram_offers_forms_by_their_titles(office: Office) -> None:
    """In the reader's language, the Chinese title where there is no English one, and the id where there is none at all."""
    for id, titles in {"visit": {"title": "来访登记", "title_en": "Visit"}, "one": {"title": "登记"}, "none": {}}.items():
        text = json.dumps({"type": "default", "id": id, "components": [], **titles}).encode()
        changing.save(office.services, "office", f"forms/{id}.form", text, revision=None, base=None, actor=office.people["admin"])

    def titled(locale: str) -> dict[str, str]:
        offered = office.browser("admin", locale).get("/studio/office/catalogue.json").json["forms"]
        return {form["id"]: form["title"] for form in offered if form["id"] in ("visit", "one", "none")}

    assert titled("zh-CN") == {"visit": "来访登记", "one": "登记", "none": "none"}
    assert titled("en") == {"visit": "Visit", "one": "登记", "none": "none"}
