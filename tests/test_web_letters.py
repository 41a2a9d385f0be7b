"""Letters while they are written: what can be inserted, and the pages as they will be printed."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from web_office import Office, token

from engine.studio import changing

_DIAGRAM = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
    id="d" targetNamespace="http://example.org/partwell">
  <bpmn:process id="visit" isExecutable="true">
    <bpmn:userTask id="told" name="登记来访"><bpmn:extensionElements><zeebe:userTask /><zeebe:formDefinition formId="visit" />
      </bpmn:extensionElements><bpmn:outgoing>f</bpmn:outgoing></bpmn:userTask>
    <bpmn:serviceTask id="write" name="写通行证"><bpmn:extensionElements><zeebe:taskDefinition type="document.render" />
      <zeebe:ioMapping><zeebe:input source="=visit" target="visit" /><zeebe:input source="=visit.people + 1" target="chairs" />
      </zeebe:ioMapping><zeebe:taskHeaders><zeebe:header key="template" value="pass" /></zeebe:taskHeaders></bpmn:extensionElements>
      <bpmn:incoming>f</bpmn:incoming></bpmn:serviceTask>
    <bpmn:sequenceFlow id="f" sourceRef="told" targetRef="write" />
  </bpmn:process>
</bpmn:definitions>"""
_FORM = {
    "type": "default",
    "id": "visit",
    "components": [
        {"type": "textfield", "key": "visit.guest", "label": "访客", "properties": {"label_en": "Guest"}},
        {"type": "datetime", "subtype": "date", "key": "visit.day", "dateLabel": "来访日期"},
    ],
}


def letter(body: str) -> str:
    head = '<head><meta charset="utf-8"><title>通行证</title></head>'
    return f'<!doctype html>\n<html lang="zh-CN">\n{head}\n<body>\n{body}\n</body>\n</html>\n'


PASS = letter('<p>准许<data value="visit.guest">来访人</data>入内，座位 <data value="chairs">座位数</data> 个。</p>')


class Desk:
    """An editor's page of one letter."""

    def __init__(self, office: Office, login: str = "admin", language: str = "zh-CN") -> None:
        self.client = office.browser(login, language)
        self._token = token(self.client, "/account")

    def about(self, path: str = "letters/pass.html") -> Any:
        return self.client.get("/studio/office/letters/about.json", query_string={"path": path})

    def pages(self, text: Any, source: str = "") -> Any:
        sent = {"path": "letters/pass.html", "text": text, "source": source}
        return self.client.post("/studio/office/letters/pages", json=sent, headers={"X-CSRFToken": self._token})


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    files = {
        "visit.bpmn": _DIAGRAM,
        "forms/visit.form": json.dumps(_FORM),
        "letters/pass.html": PASS,
        "letters/note.txt": "你好，{visit.guest}",
    }
    with Office(tmp_path_factory.mktemp("letters")) as made:
        for path, text in files.items():
            changing.save(made.services, "office", path, text.encode(), revision=None, base=None, actor=made.people["admin"])
        yield made


def test_what_the_steps_hand_over_is_offered_by_what_people_call_it(office: Office) -> None:
    """Parts of an input come with it, by the names of form fields or of the letter's own content items, in the reader's language."""
    names = {each["name"]: each for each in Desk(office).about().get_json()["names"]}
    assert {name: each.get("label") for name, each in names.items() if name != "visit"} == {
        "chairs": "座位数",
        "letter.date": "落款日期",
        "visit.day": "来访日期",
        "visit.guest": "来访人",
    }
    assert names["visit.day"] == {"name": "visit.day", "type": "date", "from": "登记来访", "label": "来访日期"}
    english = {each["name"]: each.get("label") for each in Desk(office, language="en").about("letters/other.html").get_json()["names"]}
    assert english == {"letter.date": "Date of the letter"}


def test_the_pages_of_a_letter_that_is_not_saved_are_pictures(office: Office) -> None:
    """One for each page, with the names of content items where nothing is filled in; other words give other pictures."""
    desk = Desk(office)
    first = desk.pages(PASS).get_json()
    assert first["problems"] == [] and len(first["pages"]) == 1
    assert base64.b64decode(first["pages"][0].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    second = desk.pages(PASS.replace("准许", "同意").replace("</body>", '<hr class="page"><p>背面</p></body>')).get_json()
    assert len(second["pages"]) == 2 and second["pages"][0] != first["pages"][0]


def test_a_letter_that_cannot_be_read_has_no_pages(office: Office) -> None:
    """What is wrong is told."""
    answer = Desk(office).pages(letter("<p>甲</p>\n<video></video>")).get_json()
    assert answer["pages"] == [] and answer["problems"] == ["文书中不能使用 <video>"]


def test_a_letter_that_cannot_be_read_opens_as_text(office: Office) -> None:
    """With the line and the character; one that can is opened in the editor, and as text for whoever asks for that."""
    desk = Desk(office)
    changing.save(
        office.services, "office", "letters/torn.html", letter("<p>甲").encode(), revision=None, base=None, actor=office.people["admin"]
    )
    page = desk.client.get("/studio/office/edit/letters/torn.html").text
    assert "第 5 行第 1 个字符" in page and "letters.js" not in page and "&lt;p&gt;甲" in page
    page = desk.client.get("/studio/office/edit/letters/pass.html").text
    assert "letters.js" in page
    assert "letters.js" not in desk.client.get("/studio/office/edit/letters/pass.html?text").text


def test_a_letter_is_filled_with_what_a_real_case_holds(office: Office) -> None:
    """Cases that the reader may see are offered; what is not known yet in the case is told, and the page has its name in that place."""
    case = office.case()
    desk = Desk(office)
    offered = {name: dict(group["of"]) for group in desk.about().get_json()["sources"] for name in (group["name"],)}
    assert offered["事项"][f"case:{case}"].endswith("林小北")
    seen = desk.pages(PASS, f"case:{case}").get_json()
    assert len(seen["pages"]) == 1 and [line.partition("：")[0] for line in seen["problems"]] == ["visit", "chairs", "来访人", "座位数"]


@pytest.mark.parametrize("source", ["case:0", "scenario:scenarios/none.yaml", "moon"])
def test_a_source_that_is_not_there_leaves_the_letter_without_data(office: Office, source: str) -> None:
    """It is said, and the pages have the names of the content items."""
    desk = Desk(office)
    seen = desk.pages(PASS, source).get_json()
    assert len(seen["problems"]) == 1 and seen["pages"] == desk.pages(PASS).get_json()["pages"]


def test_pages_are_printed_where_long_work_is_done(office: Office) -> None:
    """Where all its places are taken, those who write are told so, and everybody else is answered."""
    places, desk = office.app.extensions["long_work"], Desk(office)
    sent = {"path": "letters/note.txt", "text": "甲", "source": "", "csrf_token": token(desk.client, "/account")}
    with contextlib.ExitStack() as taken:
        for number in range(office.services.settings.threads - 2):
            taken.enter_context(places.taken(f"somebody {number}"))
        assert desk.pages(PASS).status_code == 503
        assert desk.client.post("/studio/office/letters/filled", data=sent).status_code == 503
        assert desk.about().status_code == 200
    assert desk.pages(PASS).status_code == 200
    assert desk.client.post("/studio/office/letters/filled", data=sent).status_code == 200


def test_a_text_draft_says_which_places_have_nothing(office: Office) -> None:
    """Without data the text is shown as it is, with the list of what can be inserted."""
    desk = Desk(office)
    page = desk.client.get("/studio/office/edit/letters/note.txt").text
    assert 'hx-post="/studio/office/letters/filled"' in page
    sent = {"path": "letters/note.txt", "text": "{visit.guest}<b>", "source": "", "csrf_token": token(desk.client, "/account")}
    part = desk.client.post("/studio/office/letters/filled", data=sent).text
    assert "{visit.guest}&lt;b&gt;" in part


def test_only_those_who_manage_a_procedure_see_its_letters(office: Office) -> None:
    """Neither what can be inserted nor the pages."""
    desk = Desk(office, "zhaominhua")
    assert desk.about().status_code == 403 and desk.pages(PASS).status_code == 403
    assert Desk(office).pages(3).status_code == 400
