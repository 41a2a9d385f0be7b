"""The pages on which managers publish a draft: at once, at a set time, or over what was published meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from studio_pages import ANSWER, MAIN, active, deploy, hidden, reworded, save, second_manager
from web_office import FILES, Office, token

from engine.models import ProcedureEvent
from engine.studio import events, gate


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """One for each test, with a second manager: they all change the same draft."""
    with Office(tmp_path) as made:
        second_manager(made)
        yield made


@pytest.fixture
def manager(office: Office) -> FlaskClient:
    return office.browser("admin", "zh-CN")


def publish(office: Office, client: FlaskClient, **more: str) -> Any:
    """As the page sends it."""
    page = client.get(f"{MAIN}/publish").text
    sent = {"revision": hidden(page, "revision"), "reason": "措辞更准确", "when": "now", **more}
    return office.post(client, f"{MAIN}/publish", sent, follow_redirects=True)


def test_publishing_wants_a_reason_and_shows_what_changes(office: Office, manager: FlaskClient) -> None:
    """Then the version is active, and the history has who and why."""
    save(office, ANSWER, reworded())
    page = manager.get(f"{MAIN}/publish").text
    assert "本人陈述与意见" in page and "与第 1 版相比" in page and "管理员" in page
    missing = publish(office, manager, reason=" ")
    assert missing.status_code == 422 and "必填" in missing.text
    done = publish(office, manager)
    assert "第 2 版已启用" in done.text and "措辞更准确" in done.text and active(office).files[ANSWER] == reworded()
    assert "目前没有草稿" in manager.get(f"{MAIN}/publish").text


def test_what_changes_in_a_letter_is_read_word_by_word(office: Office, manager: FlaskClient) -> None:
    """Under what the file is called; of a new letter all it says; and before the draft is discarded the same."""

    def letter(words: str) -> bytes:
        return f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>函</title></head><body>{words}</body></html>'.encode()

    deploy(office, **{"letters/old.html": letter("<p>请于今日办理交接。</p>")})
    save(office, "letters/old.html", letter("<p>请于明日办理交接。</p>"))
    save(office, "letters/new.html", letter("<p>新的函件正文。</p>"))
    save(office, "office.bpmn", active(office).files["office.bpmn"].replace("面谈记录".encode(), "面谈纪要".encode()))
    for page in (manager.get(f"{MAIN}/publish").text, manager.get(f"{MAIN}/discard").text):
        assert "请于<del>今</del><ins>明</ins>日办理交接。" in page and "<ins>新的函件正文。\n</ins>" in page
        shown = page.split('id="changes"')[-1].split('id="how"')[0]
        assert shown.count("new.html") == 1 and "letters/new.html" in shown
        assert f"<span>{active(office).program.process.name}</span><code>office.bpmn</code>" in shown


def test_publishing_twice_is_said(office: Office, manager: FlaskClient) -> None:
    """A button that was pressed twice makes one version."""
    save(office, ANSWER, reworded())
    page = manager.get(f"{MAIN}/publish").text
    sent = {"revision": hidden(page, "revision"), "reason": "x", "when": "now"}
    assert office.post(manager, f"{MAIN}/publish", sent).status_code == 302
    again = office.post(manager, f"{MAIN}/publish", sent)
    assert again.status_code == 409 and "发布为第 2 版" in again.text.replace("为 第", "为第")


def test_what_is_refused_stays_on_the_page(office: Office, manager: FlaskClient) -> None:
    """Findings, nothing that changes, somebody who saved since: what was typed is still there."""
    save(office, ANSWER, reworded())
    page = manager.get(f"{MAIN}/publish").text
    save(office, ANSWER, b"{", by="wangfang")
    stale = office.post(manager, f"{MAIN}/publish", {"revision": hidden(page, "revision"), "reason": "原因在此", "when": "now"})
    assert stale.status_code == 409 and "王芳" in stale.text and "原因在此" in stale.text
    assert publish(office, manager).status_code == 422
    save(office, ANSWER, FILES[ANSWER])
    same = publish(office, manager)
    assert same.status_code == 409 and "无需发布" in same.text


def test_four_eyes_on_the_page(tmp_path: Path) -> None:
    """Whoever changed the draft is told that another manager publishes it, who then can."""
    with Office(tmp_path, procedures_four_eyes=True) as office:
        second_manager(office)
        save(office, ANSWER, reworded())
        manager, other = office.browser("admin", "zh-CN"), office.browser("wangfang", "zh-CN")
        assert "须由另一位流程管理员发布" in manager.get(f"{MAIN}/publish").text
        assert publish(office, manager).status_code == 403 and active(office).number == 1
        assert "第 2 版已启用" in publish(office, other).text


def test_faulty_scenarios_on_the_page(office: Office, manager: FlaskClient) -> None:
    """What is wrong with the file stands among the findings in Chinese, beside its text, and for programs that check a draft."""
    save(office, "scenarios/one.yaml", b"name: x\ngiven: {clock: 2026-11-24, subject: a, initiator: b}\nwhen: [{pass: bald}]\n")
    for page in (MAIN, f"{MAIN}/edit/scenarios/one.yaml"):
        text = manager.get(page).text
        assert "场景无法运行：when.1.pass" in text and "第 3 行" in text, text
    headers = {"X-CSRFToken": token(manager, MAIN)}
    answer = manager.post(f"{MAIN}/check", json={"files": {"scenarios/one.yaml": "name: x\nthen: {ended: no}\n"}}, headers=headers)
    assert [one["line"] for one in answer.json["findings"]["scenarios/one.yaml"]] == [1]


def test_failing_scenarios_on_the_page(office: Office, manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are named; an administrator may publish all the same with a reason of its own."""
    monkeypatch.setattr(gate, "failing", lambda services, files, **_: ["试用期辞退"])
    save(office, ANSWER, reworded())
    refused = publish(office, manager)
    assert refused.status_code == 422 and "试用期辞退" in refused.text and "仍然发布" in refused.text
    assert publish(office, manager, override="已知问题").status_code == 422
    assert "第 2 版已启用" in publish(office, manager, overriding="1", override="已知问题").text
    with office.services.database.reading() as connection:
        assert connection.execute(sa.select(ProcedureEvent.note).where(ProcedureEvent.act == "overrode")).scalars().all() == ["已知问题"]
    assert "场景未通过仍发布" in manager.get(MAIN).text


def test_a_version_is_scheduled_shown_and_cancelled(office: Office, manager: FlaskClient) -> None:
    """A time is needed, and one that is still to come; nothing else is published meanwhile."""
    save(office, ANSWER, reworded())
    assert publish(office, manager, when="later").status_code == 422
    assert "已过" in publish(office, manager, when="later", at="2020-01-01T09:00").text
    assert "2099年1月1日 09:00启用" in publish(office, manager, when="later", at="2099-01-01T09:00").text
    assert (active(office).number == 1 and "2099" not in manager.get(MAIN).text) or "第 2 版将于" in manager.get(MAIN).text
    assert "第 2 版" in manager.get("/procedures").text
    save(office, ANSWER, reworded("说明"))
    assert "请先取消定时" in manager.get(f"{MAIN}/publish").text
    cancelled = office.post(manager, f"{MAIN}/unschedule", {"number": "2", "reason": "暂缓"}, follow_redirects=True)
    assert "已取消第 2 版的定时启用" in cancelled.text and "暂缓" in cancelled.text
    assert office.post(manager, f"{MAIN}/unschedule", {"number": "2", "reason": "暂缓"}).status_code == 409


def test_why_a_scheduled_version_did_not_become_active(office: Office, manager: FlaskClient) -> None:
    """In the reader's words, beside who scheduled it."""
    with office.services.database.unit() as unit:
        facts = {"number": 2, "reasons": [{"template": "version {number} was activated meanwhile", "facts": {"number": 3}}]}
        events.record(unit.connection, "office", "not activated", at=office.services.clock.now(), by=office.people["admin"], facts=facts)
        unit.commit()
    page = manager.get(MAIN).text
    assert "期间已启用第 3 版" in page and "原定于" in page and "定时启用的版本未能启用" in manager.get("/procedures").text
    save(office, ANSWER, reworded())
    publish(office, manager)
    assert "原定于" not in manager.get(MAIN).text and "定时启用的版本未能启用" not in manager.get("/procedures").text


# --- a version that was published meanwhile


def test_what_was_published_meanwhile_is_taken_over(office: Office, manager: FlaskClient) -> None:
    """The page says what each side changed; the same file on both sides is decided by somebody."""
    save(office, ANSWER, reworded())
    talk = FILES["forms/talk.form"].replace("见证人".encode(), "在场见证人".encode())
    deploy(office, **{ANSWER: reworded("自述"), "forms/talk.form": talk})
    assert "期间已启用第 2 版" in manager.get(MAIN).text
    refused = publish(office, manager)
    assert refused.status_code == 409 and "不保留其间的改动" in refused.text
    page = manager.get(f"{MAIN}/take-over").text
    assert "双方都有改动" in page and "取自第 2 版" in page and "自述" in page and "在场见证人" in page
    seen = {"revision": hidden(page, "revision"), "active": hidden(page, "active")}
    assert office.post(manager, f"{MAIN}/take-over", seen).status_code == 422
    done = office.post(manager, f"{MAIN}/take-over", {**seen, f"keep:{ANSWER}": "draft"}, follow_redirects=True)
    assert "草稿现以第 2 版为基础" in done.text
    assert "第 3 版已启用" in publish(office, manager).text
    assert active(office).files[ANSWER] == reworded() and active(office).files["forms/talk.form"] == talk
    assert "没有需要合并的内容" in manager.get(f"{MAIN}/take-over").text


def test_a_draft_replaces_another_version_on_purpose(office: Office, manager: FlaskClient) -> None:
    """Only where that was ticked."""
    save(office, ANSWER, reworded())
    deploy(office, **{ANSWER: reworded("自述")})
    assert publish(office, manager, replacing="1").status_code == 409
    assert "第 3 版已启用" in publish(office, manager, replacing="2").text and active(office).files[ANSWER] == reworded()
