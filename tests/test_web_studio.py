"""The pages of the studio: what managers see of a draft, and everything they do with it as a whole and with its files."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from studio_pages import ANSWER, MAIN, deploy, hidden, reworded, save, second_manager
from web_office import FILES, Office

from engine import checks, procedures
from engine.studio import changing, drafts, events


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """One for each test, with a second manager: they all change the same draft."""
    with Office(tmp_path) as made:
        second_manager(made)
        yield made


@pytest.fixture
def manager(office: Office) -> FlaskClient:
    return office.browser("admin", "zh-CN")


# --- who


def test_others_find_none_of_this(office: Office) -> None:
    """No tab, and a refusal for who types the address."""
    other = office.browser("chenli")
    for address in (f"{MAIN}{at}" for at in ("", "/publish", "/upload", "/discard", "/take-over", "/folder.zip")):
        assert other.get(address).status_code == 403, address
    for address in ("/edit/office.bpmn", "/file/office.bpmn"):
        assert other.get(MAIN + address).status_code == 403
    for address in ("/publish", "/discard", "/new", "/begin", "/unschedule", "/take-over", "/file/office.bpmn"):
        assert office.post(other, MAIN + address, {"reason": "x", "kind": "form", "name": "y"}).status_code == 403, address
    assert office.post(other, "/procedures", {"key": "x", "name": "x"}).status_code == 403
    assert f'href="{MAIN}"' not in other.get("/procedures/office").text
    assert f'href="{MAIN}"' in office.browser("admin").get("/procedures/office").text


def test_what_is_not_there_is_not_found(manager: FlaskClient) -> None:
    """Procedures and files."""
    for address in ("/studio/none", f"{MAIN}/edit/none.bpmn", f"{MAIN}/file/none.bpmn", "/studio/none/publish"):
        assert manager.get(address).status_code == 404


# --- new ones


def test_an_administrator_begins_a_procedure_and_publishes_it(office: Office, manager: FlaskClient) -> None:
    """With an empty diagram; a name that cannot be is said, and so is one that is taken."""
    made = office.post(manager, "/procedures", {"key": "transfer", "name": "调岗", "name_en": "Transfer"}, follow_redirects=True)
    assert "transfer.bpmn" in made.text and "新流程" in made.text and "尚未发布" in manager.get("/procedures").text
    refused = office.post(manager, "/procedures", {"key": "Transfer!", "name": "调岗"})
    assert refused.status_code == 422 and "流程标识" in refused.text and 'value="调岗"' in refused.text
    assert "已有同名流程" in office.post(manager, "/procedures", {"key": "office", "name": "x"}).text
    page = manager.get("/studio/transfer/publish").text
    sent = {"revision": hidden(page, "revision"), "reason": "新流程", "when": "now"}
    done = office.post(manager, "/studio/transfer/publish", sent, follow_redirects=True)
    assert "第 1 版已启用" in done.text
    assert [row.procedure for row in procedures.startable(office.services)] == ["office", "transfer"]


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("bpmn", "复核", "复核.bpmn"),
        ("dmn", "limits.dmn", "limits.dmn"),
        ("form", "reply", "forms/reply.form"),
        ("letter", "reply", "letters/reply.html"),
        ("letter", "note.txt", "letters/note.txt"),
        ("letter", "reply.typ", "letters/reply.typ"),
        ("scenario", "probation", "scenarios/probation.yaml"),
    ],
)
def test_a_new_file_of_each_kind(office: Office, manager: FlaskClient, kind: str, name: str, path: str) -> None:
    """Lies where such files lie, can be opened, and says nothing that is refused but that a second process is one too many."""
    made = office.post(manager, f"{MAIN}/new", {"kind": kind, "name": name}, follow_redirects=True)
    assert made.status_code == 200 and path in made.text and "无法解析" not in made.text
    assert path in manager.get(MAIN).text
    again = office.post(manager, f"{MAIN}/new", {"kind": kind, "name": name})
    assert again.status_code in (302, 412)
    assert office.post(manager, f"{MAIN}/new", {"kind": "letter", "name": "../x"}).status_code == 422


def test_rules_and_chains_are_added_where_there_are_none(office: Office, manager: FlaskClient) -> None:
    """Under the one name that they have, whatever was typed; empty ones say nothing that is refused."""
    office.post(manager, "/procedures", {"key": "transfer", "name": "调岗"})
    for name in ("rules.json", "chains.json"):
        made = office.post(manager, "/studio/transfer/new", {"kind": name, "name": "x"}, follow_redirects=True)
        assert made.status_code == 200 and name in made.text and "无法解析" not in made.text
    assert checks.faults(office.services, drafts.contents(office.services, "transfer", actor=None)) == []


# --- files


def test_a_file_is_renamed_and_removed(office: Office, manager: FlaskClient) -> None:
    """From its page, which says what follows; what somebody changed meanwhile is not touched."""
    page = manager.get(f"{MAIN}/file/{ANSWER}").text
    seen = {"revision": hidden(page, "revision"), "base": hidden(page, "base")}
    done = office.post(manager, f"{MAIN}/file/{ANSWER}", {**seen, "to": "forms/reply.form"}, follow_redirects=True)
    assert "已改名为 forms/reply.form" in done.text and "个错误" in done.text
    assert office.post(manager, f"{MAIN}/file/{ANSWER}", {**seen, "to": "forms/other.form"}).status_code == 412
    assert "扩展名" in office.post(manager, f"{MAIN}/file/forms/reply.form", {"revision": "1", "to": "forms/reply.txt"}).text
    gone = office.post(manager, f"{MAIN}/file/forms/reply.form", {"revision": "1", "remove": "1"}, follow_redirects=True)
    assert "已从草稿中移除" in gone.text
    acts = [(act, path) for act, path in _acts(office) if act in ("renamed", "removed")]
    assert acts == [("renamed", "forms/reply.form"), ("removed", "forms/reply.form")]


def _acts(office: Office) -> list[tuple[str, str]]:
    with office.services.database.reading() as connection:
        return [(act.act, act.path) for act in reversed(events.history(connection, "office"))]


def test_the_folder_is_downloaded_as_an_archive(office: Office, manager: FlaskClient) -> None:
    """With what the draft changed, under the procedure's name; one file alone, too."""
    save(office, ANSWER, reworded())
    answer = manager.get(f"{MAIN}/folder.zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {f"office/{path}": content for path, content in {**FILES, ANSWER: reworded()}.items()}
    one = manager.get(f"{MAIN}/files/{ANSWER}?download=1")
    assert one.data == reworded() and "answer.form" in one.headers["Content-Disposition"]


def test_the_text_of_a_file_is_saved_and_a_conflict_shown(office: Office, manager: FlaskClient) -> None:
    """Both texts are on the page then; the next click replaces the other one on purpose."""
    page = manager.get(f"{MAIN}/edit/rules.json").text
    seen = {"revision": hidden(page, "revision"), "base": hidden(page, "base")}
    other = office.browser("wangfang", "zh-CN")
    theirs = {**seen, "text": '{"managers": ["admin"],\r\n "readers": ["hr"]}'}
    assert "已保存" in office.post(other, f"{MAIN}/edit/rules.json", theirs, follow_redirects=True).text
    assert drafts.content(office.services, "office", "rules.json", actor=None)[0] == b'{"managers": ["admin"],\n "readers": ["hr"]}'
    mine = office.post(manager, f"{MAIN}/edit/rules.json", {**seen, "text": '{"managers": ["legal"]}'})
    assert mine.status_code == 412 and "王芳" in mine.text and "legal" in mine.text and "readers" in mine.text
    again = {"revision": hidden(mine.text, "revision"), "base": hidden(mine.text, "base"), "text": '{"managers": ["legal"]}'}
    assert "已保存" in office.post(manager, f"{MAIN}/edit/rules.json", again, follow_redirects=True).text
    assert "没有变化" in office.post(manager, f"{MAIN}/edit/rules.json", {**again, "revision": "2"}, follow_redirects=True).text
    changing.remove(office.services, "office", "rules.json", revision=2, actor=None)
    gone = office.post(manager, f"{MAIN}/edit/rules.json", {**again, "revision": "2", "text": "{}"})
    assert gone.status_code == 412 and "{}" in gone.text


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("office.bpmn", b"<a>\n<b></a>", "第 2 行第 8 个字符"),
        ("office.bpmn", b"<html/>", "最外层元素是 html"),
        ("office.bpmn", b"<!DOCTYPE x><x/>", "DOCTYPE"),
        ("office.bpmn", "<?xml version='1.0' encoding='gbk'?>\n<a>好</a>".encode("gbk"), "UTF-8"),
        ("rules.json", b'{"managers": [\n"admin",]', "第 2 行"),
        ("chains.json", b"[]", "应为 JSON 对象"),
        (ANSWER, b'{"id": "answer",\n "components" []}', "此处应有冒号"),
    ],
)
def test_a_file_that_cannot_be_read_is_shown_with_its_fault_and_repaired(
    office: Office, manager: FlaskClient, path: str, content: bytes, said: str
) -> None:
    """As text, with the place and what is wrong there; publishing is refused until it is repaired."""
    seen = save(office, path, content)
    page = manager.get(f"{MAIN}/edit/{path}").text
    assert "该文件无法解析" in page and said in page
    refused = manager.get(f"{MAIN}/publish").text
    assert "修正后才能发布" in refused and "disabled" in refused
    if b"gbk" in content:
        assert "不能在此编辑" in page
        return
    repaired = {"revision": str(seen), "text": FILES[path].decode()}
    assert "该文件无法解析" not in office.post(manager, f"{MAIN}/edit/{path}", repaired, follow_redirects=True).text


def test_line_ends_stay_as_they_were(office: Office, manager: FlaskClient) -> None:
    """A browser sends its own; the file keeps its."""
    seen = save(office, "letters/a.txt", b"one\r\ntwo\r\n")
    office.post(manager, f"{MAIN}/edit/letters/a.txt", {"revision": str(seen), "text": "one\r\nthree\r\n"})
    assert drafts.content(office.services, "office", "letters/a.txt", actor=None)[0] == b"one\r\nthree\r\n"


# --- from elsewhere

FLOWABLE = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:flowable="http://flowable.org/bpmn" targetNamespace="t">\n'
    '<process id="office" name="约谈" isExecutable="true">\n<startEvent id="begin"/>\n'
    '<sequenceFlow id="f1" sourceRef="begin" targetRef="talk"/>\n'
    '<userTask id="talk" name="面谈" flowable:candidateGroups="hr,legal"/>\n<sequenceFlow id="f2" sourceRef="talk" targetRef="over"/>\n'
    '<endEvent id="over"/>\n</process>\n</definitions>'
)


def upload(office: Office, client: FlaskClient, *files: tuple[str, bytes]) -> Any:
    return office.post(client, f"{MAIN}/upload", {"files": [(io.BytesIO(content), name) for name, content in files]})


def test_a_diagram_from_another_engine_is_reported_before_it_is_taken(office: Office, manager: FlaskClient) -> None:
    """Line by line; then the converted one is in the draft, and the one that came beside it."""
    page = upload(office, manager, ("office.bpmn20.xml", FLOWABLE.encode()), ("reply.txt", b"Dear"))
    assert (
        page.status_code == 200 and "由其他引擎的格式转换" in page.text and "第 5 行" in page.text and "替换草稿中的同名文件" in page.text
    )
    assert "letters/reply.txt" in page.text and drafts.read(office.services, "office", actor=None).begun_at is None
    sent = {"take": "1", "kept": hidden(page.text, "kept"), "revision": hidden(page.text, "revision")}
    save(office, ANSWER, reworded())
    stale = office.post(manager, f"{MAIN}/upload", sent)
    assert stale.status_code == 409 and "由其他引擎的格式转换" in stale.text
    sent = {**sent, "revision": hidden(stale.text, "revision")}
    assert "已将 2 个文件放入草稿" in office.post(manager, f"{MAIN}/upload", sent, follow_redirects=True).text
    held = drafts.contents(office.services, "office", actor=None)
    assert b"candidateGroups" in held["office.bpmn"] and b"flowable:" not in held["office.bpmn"]
    assert held["original/office.bpmn.xml"] == FLOWABLE.encode() and held["letters/reply.txt"] == b"Dear"
    assert ("uploaded", "office.bpmn") in _acts(office)


def test_odd_uploads_are_refused_with_the_reason(office: Office, manager: FlaskClient) -> None:
    """None chosen, of no kind that a procedure has, or too large; a broken one may be taken and is repaired as text."""
    assert "请选择文件" in office.post(manager, f"{MAIN}/upload", {}).text
    for name, content in (("x.exe", b"x"), ("x.bpmn", b"<a/>" + b" " * procedures.LARGEST)):
        assert upload(office, manager, (name, content)).status_code == 422
    broken = upload(office, manager, ("office.bpmn", b"<broken"))
    assert broken.status_code == 200 and "个错误" in broken.text
    sent = {"take": "1", "kept": hidden(broken.text, "kept"), "revision": "0"}
    office.post(manager, f"{MAIN}/upload", sent)
    assert "该文件无法解析" in manager.get(f"{MAIN}/edit/office.bpmn").text
    spoilt = office.post(manager, f"{MAIN}/upload", {"take": "1", "kept": "x", "revision": "1"})
    assert spoilt.status_code == 422 and "请选择文件" in spoilt.text


def test_a_diagram_in_another_encoding_is_taken_as_utf_8(office: Office, manager: FlaskClient) -> None:
    """Its text stays the same."""
    content = FILES["office.bpmn"].decode().replace('encoding="UTF-8"', 'encoding="GB18030"').encode("gb18030")
    page = upload(office, manager, ("office.bpmn", content)).text
    office.post(manager, f"{MAIN}/upload", {"take": "1", "kept": hidden(page, "kept"), "revision": "0"})
    assert "约谈" in drafts.contents(office.services, "office", actor=None)["office.bpmn"].decode()
    assert "该文件无法解析" not in manager.get(f"{MAIN}/edit/office.bpmn").text


# --- the draft as a whole


def test_a_draft_is_discarded_after_a_look_at_what_is_lost(office: Office, manager: FlaskClient) -> None:
    """With the history telling it; without a draft there is nothing to ask."""
    assert manager.get(f"{MAIN}/discard").status_code == 302
    save(office, ANSWER, reworded())
    page = manager.get(f"{MAIN}/discard").text
    assert "本人陈述与意见" in page
    sent = {"revision": hidden(page, "revision"), "reason": "不改了"}
    done = office.post(manager, f"{MAIN}/discard", sent, follow_redirects=True)
    assert "草稿已放弃" in done.text and "不改了" in done.text and drafts.read(office.services, "office", actor=None).begun_at is None
    assert office.post(manager, f"{MAIN}/discard", sent).status_code == 409
    office.post(manager, "/procedures", {"key": "transfer", "name": "调岗"})
    gone = office.post(manager, "/studio/transfer/discard", {"revision": "1"}, follow_redirects=True)
    assert gone.status_code == 200 and "transfer" not in gone.text.replace("transfer。", "")


def test_a_draft_begins_from_an_earlier_version(office: Office, manager: FlaskClient) -> None:
    """From the list of versions, as long as there is no draft."""
    deploy(office, **{ANSWER: reworded()})
    assert "以第 1 版开始草稿" in manager.get(f"{MAIN}/versions").text
    begun = office.post(manager, f"{MAIN}/begin", {"number": "1"}, follow_redirects=True)
    assert "已按第 1 版的内容开始草稿" in begun.text
    assert "以第 1 版开始草稿" not in manager.get(f"{MAIN}/versions").text
    assert drafts.content(office.services, "office", ANSWER, actor=None)[0] == FILES[ANSWER]
    assert office.post(manager, f"{MAIN}/begin", {"number": "2"}).status_code == 409


def test_who_else_edits_is_shown(office: Office, manager: FlaskClient) -> None:
    """By name and file, also on the page of the draft."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', (other := office.browser("wangfang")).get("/account").text)
    assert token
    other.post(f"{MAIN}/editing", json={"path": ANSWER}, headers={"X-CSRFToken": token[1]})
    save(office, ANSWER, reworded(), by="wangfang")
    page = manager.get(MAIN).text
    assert "王芳正在编辑" in page and "修改人：王芳" in page


def test_the_pages_in_english(office: Office) -> None:
    """Nothing of them is left in Chinese but what was written so."""
    save(office, ANSWER, reworded())
    manager = office.browser("admin", "en")
    page = manager.get(MAIN).text
    assert "Begun from version 1" in page and "1 change against the active version" in page and "Edited" in page
    page = manager.get(f"{MAIN}/publish").text
    assert "What is new, and why" in page and "Label" in page
    assert json.loads(manager.get(f"{MAIN}/draft.json").data)["locale"] == "en"


def test_test_rows_of_a_table_open_as_a_list(office: Office, manager: FlaskClient) -> None:
    """They are the one kind of JSON that is no object; as an object they are told to be wrong."""
    rows = "law.tests.json"
    save(office, rows, b'[{"given": {}, "expect": 1}]')
    assert "必须是列表" not in (page := manager.get(f"{MAIN}/edit/{rows}").text) and "应为 JSON 对象" not in page
    save(office, rows, b"{}")
    assert "必须是列表" in manager.get(f"{MAIN}/edit/{rows}").text


def test_rules_that_leave_nobody_to_manage_are_refused(office: Office) -> None:
    """Whoever takes the last role out of the list could neither roll that back nor repair a case."""
    found = checks.findings(office.services, {**FILES, "rules.json": b'{"managers": []}'})["rules.json"]
    assert [one.severity for one in found] == ["error"] and "managers" in str(found[0].facts["reason"])


def test_what_scenarios_share_is_no_scenario_and_letters_say_their_language(office: Office, manager: FlaskClient) -> None:
    """The same number in the list of files and where it is published; two letters of one step can be told apart."""
    drawn = """<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
        id="d" targetNamespace="x"><bpmn:process id="drafting" isExecutable="true"><bpmn:serviceTask id="draft" name="起草方案">
        <bpmn:extensionElements><zeebe:taskDefinition type="document.draft" /><zeebe:taskHeaders>
        <zeebe:header key="template" value="plan" /></zeebe:taskHeaders></bpmn:extensionElements></bpmn:serviceTask></bpmn:process>
        </bpmn:definitions>"""
    written = {"drafting.bpmn": drawn, "letters/plan.txt": "甲", "letters/plan_en.txt": "A"}
    for path, text in (written | {"scenarios/usual.yaml": "steps: {}\n", "scenarios/one.yaml": "name: 一\n"}).items():
        changing.save(office.services, "office", path, text.encode(), revision=None, base=None, actor=office.people["admin"])
    page = manager.get(MAIN).text
    assert re.findall(r'<span class="file-name">(起草方案[^<]*)<', page) == ["起草方案", "起草方案（英文）"]
    assert re.search(r'<span>场景</span><span class="number">1</span>', page)
    assert "发布前将先运行 1 个场景；不必等候" in manager.get(f"{MAIN}/publish").text
