import io
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from web_office import PASSWORD, Office, token, with_a_term

import webapp
from engine import versions
from engine.models import LedgerPage
from webapp import inbox
from webapp.endings import ACTS
from webapp.text import EVENT_LOOKS
from webapp.verbs import VERBS

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def test_the_inbox_shows_what_waits_and_finds_it(office: Office) -> None:
    """A new case lies in HR's group box, is found by the employee's name, and by nothing else."""
    office.case()
    client = office.browser("wangfang")
    assert "面谈记录" in client.get("/inbox/group").text
    assert "林小北" in client.get("/inbox/group?search=小北").text
    assert "没有符合条件的待办" in client.get("/inbox/group?search=nobody").text
    assert "暂无已由您领取的待办" in client.get("/inbox").text and "查看组内待办" in client.get("/inbox").text
    assert "已全部办完" in office.browser("liuhai").get("/inbox").text


def test_claimed_work_lies_in_one_s_own_box_and_can_be_handed_back(office: Office) -> None:
    """Taking an item moves it from the group's box to one's own, handing it back returns it."""
    item = office.open_item(office.case())
    client = office.browser("wangfang")
    assert office.post(client, f"/items/{item}/claim").status_code == 302
    assert item in client.get("/inbox").text and item not in client.get("/inbox/group").text
    assert office.post(client, f"/items/{item}/release").status_code == 302
    assert item in client.get("/inbox/group").text


def test_a_faulty_form_comes_back_with_everything_typed_and_messages_at_their_fields(office: Office) -> None:
    """Missing and wrong fields are named one by one in the person's language; nothing typed is lost."""
    item = office.open_item(office.case())
    client = office.browser("wangfang")
    typed = {"minutes": "九十", "topics": ["phone", "training"], "witnesses[0].name": "", "witnesses[0].post": "组长"}
    answer = office.post(client, f"/items/{item}/complete", typed)
    assert answer.status_code == 422
    page = answer.text
    assert 'value="九十"' in page and 'value="组长"' in page and len(re.findall(r'name="topics"[^>]*checked', page)) == 2
    summary = re.search(r'id="error-summary".*?</ul>', page, re.S)[0]
    assert "处理意见：此项必填" in summary and "面谈日期：" in summary and "时长：" in summary and "姓名：" in summary
    for field in re.findall(r'href="#([^"]+)"', summary):
        assert f'id="{field}"' in page and f'id="{field}-error"' in page
    english = office.post(office.browser("wangfang", language="en"), f"/items/{item}/complete", typed).text
    office.browser("wangfang", language="zh-CN")
    assert "Decision: This is required." in english


def test_the_counts_answer_with_nothing_while_nothing_changed(office: Office) -> None:
    """The page tells which counts it shows; others are drawn anew, each time with what the page is to tell the next time."""
    client = office.browser("wangfang")
    shown = re.search(r'hx-get="(/inbox/tabs[^"]+)"', client.get("/inbox").text)[1].replace("&amp;", "&")
    assert (client.get(shown).status_code, client.get(shown).data) == (204, b"")
    office.case()
    drawn = client.get(shown)
    assert drawn.status_code == 200 and shown not in drawn.text.replace("&amp;", "&") and 'aria-current="page"' in drawn.text
    assert client.get("/inbox/tabs?box=mine").status_code == 200


def test_a_file_is_kept_when_another_field_is_wrong(office: Office) -> None:
    """What was uploaded with a faulty form is a document of the case and stays attached."""
    item = office.open_item(office.case())
    client = office.browser("wangfang")
    answer = office.post(client, f"/items/{item}/complete", {"files": (io.BytesIO(PNG), "照片.png")})
    assert answer.status_code == 422
    document = re.search(r'name="files" value="(\w{32})" checked', answer.text)[1]
    assert "照片.png" in answer.text
    kept = {"files": (io.BytesIO(PNG), "照片.png"), "draft:own": "w"}
    saved = office.post(client, f"/items/{item}/draft", kept, headers={"HX-Request": "true"}).text
    assert re.search(r'class="saved text-secondary">已暂存', saved), "a draft with a file says when it was saved"
    values = {"decision": "proceed", "on": "2026-11-24", "files": document}
    assert office.post(client, f"/items/{item}/complete", values).status_code == 302
    assert client.get(f"/documents/{document}").data == PNG


def test_a_refused_file_is_named_and_the_rest_is_kept(office: Office) -> None:
    """A program is no attachment; the message stands at the field, the other fields stay as typed."""
    item = office.open_item(office.case())
    data = {"decision": "proceed", "on": "2026-11-24", "minutes": "30", "files": (io.BytesIO(b"MZ\x00\x01\x02"), "tool.exe")}
    answer = office.post(office.browser("wangfang"), f"/items/{item}/complete", data)
    assert answer.status_code == 422 and "tool.exe" in answer.text and 'value="30"' in answer.text


def test_rows_are_added_and_removed_without_script(office: Office) -> None:
    """The buttons of a list bring the page back with a row more or less, and with what was typed."""
    item = office.open_item(office.case())
    client = office.browser("wangfang")
    page = office.post(client, f"/items/{item}/fields", {"add_row": "witnesses", "minutes": "25"}).text
    assert 'name="witnesses[0].name"' in page and 'value="25"' in page
    typed = {"witnesses[0].name": "甲", "witnesses[1].name": "乙", "remove_row": "witnesses[0]"}
    page = office.post(client, f"/items/{item}/fields", typed).text
    assert 'value="乙"' in page and 'value="甲"' not in page and "witnesses[1]" not in page


def test_what_is_typed_is_saved_quietly_and_is_there_again(office: Office) -> None:
    """The background save answers with the fields hidden now; the page opened again holds the draft; nobody else sees it."""
    item = office.open_item(office.case())
    client = office.browser("wangfang")
    own = {"draft:own": "a window"}
    typed = {"decision": "stop", "stop_reason": "证据不足", **own}
    answer = office.post(client, f"/items/{item}/draft", typed, headers={"HX-Request": "true"})
    assert answer.status_code == 200 and "暂存" in answer.text and "stop_reason" not in answer.text
    assert "stop_reason" in office.post(client, f"/items/{item}/draft", {"decision": "proceed", **own}, headers={"HX-Request": "true"}).text
    office.post(client, f"/items/{item}/draft", typed)
    assert "证据不足" in client.get(f"/items/{item}").text
    assert "证据不足" not in office.browser("sunzhiyuan").get(f"/items/{item}").text


def test_draft_saved_in_another_window(office: Office) -> None:
    """草稿 (draft): a window that began before says when another one saved, keeps what is typed there, and overwrites when asked."""
    item = office.open_item(office.case())
    client = office.browser("wangfang", "zh-CN")
    windows = [dict(re.findall(r'name="(draft:\w+)" value="(\w*)"', client.get(f"/items/{item}").text)) for _ in range(2)]
    assert windows[0]["draft:own"] != windows[1]["draft:own"]

    def save(text: str, at: int, **more: str) -> Any:
        return office.post(client, f"/items/{item}/draft", {"decision": "stop", "stop_reason": text, **windows[at], **more})

    assert save("证据不足", 0).status_code == 302
    for headers in ({}, {"HX-Request": "true"}):
        typed = {"decision": "stop", "stop_reason": "程序有误", **windows[1]}
        refused = office.post(client, f"/items/{item}/draft", typed, headers=headers)
        assert refused.status_code == 409 and "您在另一个窗口保存过这份草稿" in refused.text
        assert ("程序有误" in refused.text) is not bool(headers)
    assert "证据不足" in client.get(f"/items/{item}").text
    [other] = re.findall(r'name="draft:over" value="(\w+)"', refused.text)
    assert save("程序有误", 1, **{"draft:over": other}).status_code == 302
    assert save("证据不足，重写", 0).status_code == 409
    assert "程序有误" in client.get(f"/items/{item}").text


def test_a_second_click_of_the_same_form_changes_nothing(office: Office) -> None:
    """The same request id again is answered like the first one, and the ledger has one completion."""
    case = office.case()
    item, client = office.open_item(case), office.browser("wangfang")
    values = {"decision": "proceed", "on": "2026-11-24", "request_id": f"click-{item}"}
    assert [office.post(client, f"/items/{item}/complete", values).status_code for _ in range(2)] == [302, 302]
    with office.services.database.reading() as connection:
        done = sa.select(sa.func.count()).where(LedgerPage.case_id == case, LedgerPage.event == "work:item:completed")
        assert connection.execute(done).scalar_one() == 1


def test_too_late_is_an_answer(office: Office) -> None:
    """Completing what was already completed says by whom and when, with status 409."""
    case = office.case()
    item = office.open_item(case)
    office.talked(case)
    answer = office.post(office.browser("wangfang"), f"/items/{item}/complete", {"decision": "proceed", "on": "2026-11-24"})
    assert answer.status_code == 409 and "王芳" in answer.text and f"/items/{item}" in answer.text


def test_the_wrong_person_gets_a_clear_page(office: Office) -> None:
    """General affairs may neither read nor complete HR's item of a case they take no part in."""
    item = office.open_item(office.case())
    client = office.browser("liuhai")
    assert client.get(f"/items/{item}").status_code == 403
    answer = office.post(client, f"/items/{item}/complete", {"decision": "proceed"})
    assert answer.status_code == 403 and "您无权" in answer.text


def test_signers_agree_one_after_another_and_a_rejection_needs_words(office: Office) -> None:
    """Head of department and HR director see each other's opinion; rejecting without a reason is refused, with the page kept."""
    item = office.talked(office.case())
    head, director = office.browser("zhaominhua"), office.browser("sunzhiyuan", language="zh-CN")
    page = head.get(f"/items/{item}").text
    assert "部门负责人审批" in page and "人力资源总监审批" in page
    refused = office.post(head, f"/items/{item}/reject", {"opinion": " "})
    assert refused.status_code == 422 and "驳回须填写意见" in refused.text and 'href="#opinion"' in refused.text
    assert office.post(head, f"/items/{item}/approve", {"opinion": "事实清楚，同意"}).status_code == 302
    assert "事实清楚，同意" in director.get(f"/items/{item}").text
    assert office.post(director, f"/items/{item}/reject", {"opinion": "再培训一次"}).status_code == 302


def test_the_employee_sees_their_own_part_and_nothing_else(office: Office) -> None:
    """Before their item opens the case does not exist for them; afterwards they see their item, but no facts of the case."""
    case = office.case()
    client = office.browser("linxiaobei")
    assert client.get(f"/cases/{case}").status_code == 403
    item = office.approved(case)
    page = client.get(f"/items/{item}").text
    assert "本人陈述" in page and "社交应用" not in page
    own = client.get(f"/cases/{case}").text
    assert "王芳" not in own and "社交应用" not in own and "ehr.app_usage" not in own


def test_the_case_page_tells_who_did_what_when_on_which_data(office: Office) -> None:
    """Each step with person, role of the step, time; the call with its answer as received; looking at the answer is recorded."""
    case = office.case()
    office.approved(case)
    client = office.browser("wangfang")
    page = client.get(f"/cases/{case}").text
    for part in ("陈立", "王芳", "赵敏华", "孙志远", "同意", "林小北", "ehr.app_usage", "<svg"):
        assert part in page
    assert len(re.findall(r"<time datetime=", page)) >= 5
    snapshot = re.search(r'href="(/snapshots/\w+)"', page)[1]
    assert "原样" in client.get(snapshot).text
    assert "数据快照" in client.get(f"/cases/{case}?all=1").text


def test_a_case_is_paused_with_a_reason_only_by_who_manages_it(office: Office) -> None:
    """The administrator pauses and resumes; without a reason nothing happens; the specialist has no such button."""
    case = office.case()
    admin = office.browser("admin")
    assert "暂停事项" in admin.get(f"/cases/{case}").text and "暂停事项" not in office.browser("wangfang").get(f"/cases/{case}").text
    assert office.post(admin, f"/cases/{case}/suspend", {"reason": " "}).status_code == 403
    assert office.post(admin, f"/cases/{case}/suspend", {"reason": "等待仲裁"}).status_code == 302
    page = admin.get(f"/cases/{case}").text
    assert "已暂停" in page and "等待仲裁" in page
    assert office.post(admin, f"/cases/{case}/resume", {"reason": "可以继续"}).status_code == 302


def test_a_report_is_started_about_one_s_own_people_only(office: Office) -> None:
    """The supervisor finds their team, sends the form, and lands on the new case; another's employee is closed to them."""
    client = office.browser("chenli")
    assert client.get("/start").headers["Location"] == "/start/office"
    listed = client.get("/start/office").text
    assert "林小北" in listed and "黄建国" not in listed and "陈立" not in re.search(r'id="list".*', listed, re.S)[0]
    own, other = office.people["linxiaobei"], office.people["liuhai"]
    assert client.get(f"/start/office/{other}").status_code == 403
    faulty = office.post(client, f"/start/office/{own}", {"what": "短", "request_id": "report-1"})
    assert faulty.status_code == 422 and ">短</textarea>" in faulty.text and 'value="report-1"' in faulty.text
    sent = {"what": "上班玩手机、学习能力差", "kind": "phone", "request_id": "report-1", "proof": (io.BytesIO(PNG), "a.png")}
    answer = office.post(client, f"/start/office/{own}", sent)
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/cases/")
    assert "a.png" in client.get(answer.headers["Location"]).text


def test_only_some_roles_start_a_case(office: Office) -> None:
    """Who may not start sees no entry in the menu and gets a clear page."""
    client = office.browser("liuhai")
    assert "/start" not in client.get("/inbox").text
    assert client.get("/start/office").status_code == 403


def test_a_case_at_work_looks_again_until_it_rests(office: Office) -> None:
    """While systems are asked the page asks again by itself; once all is in, the whole page is read anew."""
    client, headers = office.program("chenli")
    sent = {"procedure": "office", "subject": office.people["linxiaobei"], "values": {"what": "上班玩手机", "kind": "phone"}}
    case = client.post("/api/v1/cases", json=sent, headers=headers).json["case_id"]
    browser = office.browser("chenli")
    assert f'hx-get="/cases/{case}/live"' in browser.get(f"/cases/{case}").text
    office.run_jobs()
    rested = browser.get(f"/cases/{case}/live")
    assert rested.headers["HX-Refresh"] == "true" and "hx-get" not in rested.text


def test_an_incident_is_repaired_by_retrying_correcting_or_answering(office: Office) -> None:
    """Faulty input is told at its field; a correction reaches the operation; an answer by hand takes the case on."""
    admin = office.browser("admin")
    office.usage.refuses = True
    case = office.case()
    page = admin.get("/incidents").text
    incident = re.findall(r'id="incident-(\w+)"', page)[0]
    assert "ehr.app_usage" in page and "404" in page
    assert "需处理" in admin.get("/cases").text
    assert office.browser("liuhai").get("/incidents").status_code == 403
    assert office.post(admin, f"/incidents/{incident}/retry", {"reason": ""}).status_code == 422
    odd = office.post(admin, f"/incidents/{incident}/answer", {"reason": "已查", "value": "[1]"})
    assert odd.status_code == 422 and "[1]" in odd.text and "已查" in odd.text
    corrected = {"reason": "工号有误", "input": '{"employee": "KF-018"}', "about": "operation"}
    assert office.post(admin, f"/incidents/{incident}/correct", corrected).status_code == 302
    office.run_jobs()
    assert office.usage.inputs[-1]["employee"] == "KF-018"
    incident = re.findall(r'id="incident-(\w+)"', admin.get("/incidents").text)[0]
    assert (
        office.post(admin, f"/incidents/{incident}/answer", {"reason": "电话核实", "value": '{"sentences": ["已核实"]}'}).status_code == 302
    )
    office.usage.refuses = False
    assert "面谈记录" in admin.get(f"/cases/{case}").text


def test_a_closed_case_hands_out_its_sealed_file_and_checks_it(office: Office) -> None:
    """After sealing, the case page offers the file and finds it whole; taking it is recorded; the employee cannot take it."""
    from webapp import create_runner

    case = office.case()
    item = office.approved(case)
    assert office.post(office.browser("linxiaobei"), f"/items/{item}/complete", {"statement": "已知悉"}).status_code == 302
    runner = create_runner(office.services, name="seal")
    while runner.run_due():
        pass
    runner.close()
    client = office.browser("wangfang")
    page = client.get(f"/cases/{case}?verify=1").text
    assert "校验通过" in page and "已办结" in page
    assert client.get(f"/cases/{case}/sealed").data.startswith(b"PK")
    assert "导出证据包" in client.get(f"/cases/{case}?all=1").text or "证据包" in client.get(f"/cases/{case}?all=1").text
    assert office.browser("linxiaobei").get(f"/cases/{case}/sealed").status_code in (403, 404)


def test_failures_never_show_a_traceback(office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An unknown page is a page of ours; a fault in the program gives a number under which the log has the details."""
    client = office.browser("wangfang")
    missing = client.get("/no/such/page")
    assert missing.status_code == 404 and "好聚好散" in missing.text

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(inbox.engine_inbox, "inbox", broken)
    answer = client.get("/inbox")
    assert answer.status_code == 500 and "Traceback" not in answer.text and "secret inside" not in answer.text
    reference = re.search(r"<code>(\w+)</code>", answer.text)[1]
    assert reference in caplog.text and "the secret inside" in caplog.text


def test_a_page_has_no_inline_script_or_style(office: Office) -> None:
    """The content policy forbids them, so no page may have any."""
    case = office.case()
    client = office.browser("wangfang")
    for address in ("/inbox/group", f"/cases/{case}", f"/items/{office.open_item(case)}", "/account", "/cases"):
        page = client.get(address).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page), address


def test_who_decides_sees_what_was_filled_in_before(office: Office) -> None:
    """The signer finds the talk's record under the labels of its form, the latest one open, and the report folded away."""
    item = office.talked(office.case())
    page = office.browser("zhaominhua", language="zh-CN").get(f"/items/{item}").text
    facts = re.search(r'id="fact-filled".*?</section>', page, re.S)[0]
    told = re.findall(r'<details class="filled" (open)?>(.*?)</details>', facts, re.S)
    assert [state for state, _ in told] == ["open", ""]
    assert "面谈记录" in told[0][1] and "处理意见" in told[0][1] and "继续" in told[0][1]
    assert "上班玩手机" in told[1][1] and "类别" in told[1][1]


def test_pages_speak_one_language(office: Office) -> None:
    """In English the lanes, titles and names of steps are English; only what people wrote stays as they wrote it."""
    case = office.case()
    item = office.open_item(case)
    client = office.browser("wangfang", language="en")
    try:
        for address in ("/inbox/group", f"/items/{item}", f"/cases/{case}", "/cases"):
            page = re.sub(
                r'<html.*?</header>|<svg.*?</svg>|lang="zh-CN">中文|<dd>.*?</dd>|<option value="[^"]*"',
                "",
                client.get(address).text,
                flags=re.S,
            )
            page = re.sub("林小北|王芳|赵敏华|孙志远|陈立|上班玩手机[^<]*|分钟", "", page)
            assert not re.findall(r"[^>]*[\u3400-\u9fff]+[^<]*", page), address
    finally:
        office.browser("wangfang", language="zh-CN")


def test_filters_are_kept_as_a_view(office: Office) -> None:
    """What is filtered and ordered stays in the address; under a name it is a link on the inbox, until it is deleted."""
    office.case()
    client = office.browser("wangfang")
    page = client.get("/inbox/group?step=面谈记录&sort=newest").text
    assert 'value="newest" selected' in page and "保存视图" in page and "面谈记录" in page
    assert "没有符合条件的待办" in client.get("/inbox/group?due=late").text
    assert "面谈记录" in client.get("/inbox/group?due=nonsense&sort=nonsense").text
    shown = {"box": "group", "step": "面谈记录", "sort": "newest", "name": "我的面谈"}
    answer = office.post(client, "/inbox/views", shown, follow_redirects=True)
    assert "视图已保存" in answer.text and 'class="is-shown"' in answer.text
    assert "我的面谈" not in office.browser("zhaominhua").get("/inbox").text
    forget = re.search(r'action="(/inbox/views/[^"]+)"', answer.text)
    assert forget and "我的面谈" not in office.post(client, forget[1], follow_redirects=True).text
    assert "请填写视图名称" in office.post(client, "/inbox/views", {**shown, "name": " "}, follow_redirects=True).text


def test_what_somebody_started_is_listed_with_its_step(office: Office) -> None:
    """The cases of the reader's own, with the step at which each stands; nobody else sees them there."""
    case = office.case()
    client = office.browser("chenli")
    page = client.get("/inbox/sent").text
    assert case in page and "面谈记录" in page and case not in office.browser("wangfang").get("/inbox/sent").text
    assert case not in client.get("/inbox/sent?status=closed").text and case not in client.get("/inbox/sent?search=nobody").text


def test_who_wants_to_goes_on_to_the_next_item(office: Office) -> None:
    """With the setting a completion opens what waits next; a link leads to the item after this one, and back to the first at the end."""
    first, second = (office.open_item(office.case()) for _ in range(2))
    client = office.browser("wangfang")
    assert "返回待办列表" in client.get("/account").text
    office.post(client, "/account/after-completing", {"onward": "yes"})
    assert 'value="yes" selected' in client.get("/account").text
    waiting = re.findall(r'href="/items/([0-9a-f]{32})"', client.get("/inbox/group").text)
    assert {first, second} <= set(waiting)
    after = {item: client.get(f"/inbox/next?item={item}").headers["Location"] for item in waiting}
    assert len(set(after.values())) == len(waiting) and all(item not in address for item, address in after.items())
    answer = office.post(client, f"/items/{first}/complete", {"decision": "proceed", "on": "2026-11-24"})
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/items/") and first not in answer.headers["Location"]
    office.post(client, "/account/after-completing", {"onward": ""})
    assert office.post(client, f"/items/{second}/complete", {"decision": "proceed", "on": "2026-11-24"}).headers["Location"] == "/inbox"
    answer = office.browser("liuhai").get("/inbox/next", follow_redirects=True)
    assert "没有其他待办了" in answer.text


def test_working_time_left_is_told_in_colour(office: Office) -> None:
    """A row says how much working time is left."""
    office.case()
    page = office.browser("wangfang").get("/inbox/group").text
    assert re.search(r'tag-green">还剩 \d 个工作', page)


def test_after_a_completion_the_next_work_is_one_tap_away(office: Office) -> None:
    """The inbox says what happened and leads to what waits next; a page that is sent in place is led there, too."""
    first, second = office.open_item(office.case()), office.open_item(office.case())
    client = office.browser("wangfang")
    values = {"decision": "proceed", "on": "2026-11-24"}
    answer = office.post(client, f"/items/{first}/complete", values, headers={"HX-Request": "true"})
    assert answer.status_code == 204 and answer.headers["HX-Redirect"] == "/inbox"
    page = client.get("/inbox").text
    assert "已提交" in page and re.search(r'下一项：<a class="alert-link" href="/items/\w+">', page)
    assert second in client.get("/inbox/group").text


def test_a_log_in_that_ended_costs_no_typed_word(office: Office) -> None:
    """Sending a form without a session is no redirect: the page says how to log in beside the page that holds the text."""
    item = office.open_item(office.case())
    client = office.browser("wangfang")
    sent = {"csrf_token": token(client, f"/items/{item}"), "decision": "proceed", "on": "2026-11-24"}
    for cookie in ("partwell_session", "partwell_form"):
        client.delete_cookie(cookie)
        answer = client.post(f"/items/{item}/complete", data=sent)
        assert answer.status_code == 401 and "登录已过期" in answer.text and 'target="_blank"' in answer.text, cookie
    log_in = {"csrf_token": token(client, "/log-in"), "login": "wangfang", "password": PASSWORD}
    client.delete_cookie("partwell_form")
    without = client.post("/log-in", data=log_in)
    assert without.status_code == 400 and "请再登录一次" in without.text and 'value="wangfang"' in without.text
    log_in["csrf_token"] = token(client, "/log-in")
    assert client.post("/log-in", data=log_in).status_code == 302 and client.get("/inbox").status_code == 200
    assert client.post("/log-in", data=log_in).headers["Location"] == "/inbox", "a log-in page left open in another tab"
    assert office.post(office.browser("zhaominhua"), "/account/after-completing", {"csrf_token": sent["csrf_token"]}).status_code == 400
    assert client.post(f"/items/{item}/complete", data=sent).status_code == 302


def test_a_file_of_a_faulty_report_must_be_chosen_again_and_the_page_says_so(office: Office) -> None:
    """A whole new page cannot keep a chosen file, so its field says it; a page that is sent in place keeps it and is silent."""
    client, address = office.browser("chenli"), f"/start/office/{office.people['linxiaobei']}"
    faulty = {"what": "短", "kind": "phone"}
    whole = office.post(client, address, faulty | {"proof": (io.BytesIO(PNG), "a.png")})
    assert whole.status_code == 422 and 'id="field-proof-error"' in whole.text and "请重新选择该文件" in whole.text
    part = office.post(client, address, faulty | {"proof": (io.BytesIO(PNG), "a.png")}, headers={"HX-Request": "true"})
    assert part.status_code == 422 and "请重新选择该文件" not in part.text


def test_an_incident_is_corrected_and_answered_field_by_field(office: Office) -> None:
    """The input of the failed call stands in fields; a changed one is sent, an unchanged one is not; names and values answer."""
    admin = office.browser("admin", language="zh-CN")
    office.usage.refuses = True
    case = office.case()
    page = admin.get("/incidents").text
    part = re.search(rf'id="incident-(\w+)"(?:(?!</section>).)*value="{case}".*?</section>', page, re.S)
    incident = part[1]
    before = re.search(r'name="input\.employee" value="([^"]*)"', part[0])[1]
    same = {"reason": "已查", "case": case, "input.employee": before}
    unchanged = office.post(admin, f"/incidents/{incident}/correct", same)
    assert unchanged.status_code == 422 and "没有修改任何内容" in unchanged.text
    corrected = office.post(admin, f"/incidents/{incident}/correct", same | {"input.employee": "KF-099"})
    assert corrected.status_code == 302 and corrected.headers["Location"] == f"/cases/{case}"
    office.run_jobs()
    assert office.usage.inputs[-1]["employee"] == "KF-099"
    incident = re.search(rf'id="incident-(\w+)"(?:(?!</section>).)*value="{case}"', admin.get("/incidents").text, re.S)[1]
    empty = office.post(admin, f"/incidents/{incident}/answer", {"reason": "已查", "name": ["reference"], "content": [""]})
    assert empty.status_code == 422 and "至少一项" in empty.text
    by_hand = {"reason": "电话核实", "case": case, "name": ["reference", ""], "content": ["R-1", ""]}
    assert office.post(admin, f"/incidents/{incident}/answer", by_hand).status_code == 302
    office.usage.refuses = False


def test_a_step_is_skipped_and_all_of_a_system_are_tried_again(office: Office) -> None:
    """Each with a reason, of which the page asks; the page of many says how many."""
    office.usage.refuses = True
    several = [office.case() for _ in range(3)]
    admin = office.browser("admin")
    page = admin.get("/incidents").text
    assert "ehr.app_usage 有 3 项异常待处理" in page
    incident = re.search(rf'id="incident-(\w+)"(?:(?!</section>).)*value="{several[0]}"', page, re.S)[1]  # type: ignore[index]
    assert office.post(admin, f"/incidents/{incident}/skip", {"reason": " "}).status_code == 422
    assert office.post(admin, f"/incidents/{incident}/skip", {"reason": "系统已停用"}).status_code == 302
    assert "已跳过，无结果" in admin.get(f"/cases/{several[0]}?all=1").text
    assert office.post(admin, "/incidents/retry", {"operation": "ehr.app_usage", "reason": ""}).status_code == 422
    office.usage.refuses = False
    done = office.post(admin, "/incidents/retry", {"operation": "ehr.app_usage", "reason": "已恢复"}, follow_redirects=True)
    assert "正在重试 2 项异常" in done.text and "没有待处理的异常" in done.text
    office.run_jobs()
    assert all(office.open_item(case) for case in several)
    nothing = office.post(admin, "/incidents/retry", {"operation": "ehr.app_usage", "reason": "x"})
    assert nothing.status_code == 404


def test_the_time_of_a_timer_is_changed_on_the_case_page(office: Office) -> None:
    """In the installation's time, by a manager with a reason; others see the timer and no form."""
    case = with_a_term(office)
    admin = office.browser("admin")
    page = admin.get(f"/cases/{case}").text
    [address] = re.findall(rf'action="(/cases/{case}/timers/\w+)"', page)
    wrong = office.post(admin, address, {"due": "tomorrow", "reason": "x"}, follow_redirects=True)
    assert "请填写定时结束的日期和时间" in wrong.text
    assert office.post(admin, address, {"due": "2031-05-06T07:08", "reason": " "}).status_code == 403
    moved = office.post(admin, address, {"due": "2031-05-06T07:08", "reason": "员工住院"}, follow_redirects=True).text
    assert "2031年5月6日 07:08" in moved and "定时时间已更改" in moved and "员工住院" in moved
    assert "/timers/" not in office.browser("chenli").get(f"/cases/{case}").text


def test_the_case_page_says_that_its_version_is_at_rest(office: Office) -> None:
    """Whoever looks learns why nothing moves; work is refused with the same reason."""
    case = office.case()
    versions.suspend(office.services, "office", None, by=None, note="x")
    assert "流程版本已暂停" in office.browser("chenli").get(f"/cases/{case}").text
    client, headers = office.program("wangfang")
    refused = client.post(f"/api/v1/items/{office.open_item(case)}/complete", json={"values": {}}, headers=headers)
    assert refused.status_code == 409 and refused.json["code"] == "version_suspended"
    versions.resume(office.services, "office", None, by=None, note="x")


def test_every_symbol_that_the_pages_name_is_there() -> None:
    """No empty circle in the timeline, no button without its picture: what templates and events name lies in the sprite."""
    at = Path(webapp.__file__).parent
    there = set(re.findall(r'<symbol id="([\w-]+)"', (at / "static/vendor/icons/sprite.svg").read_text()))
    named = {look[0] for look in EVENT_LOOKS.values()} | {verb.icon for verb in VERBS.values()} | {act.icon for act in ACTS.values()}
    for template in (at / "templates").glob("*.html"):
        named |= set(re.findall(r'icon\("([\w-]+)"', template.read_text("utf-8")))
    assert named <= there


def test_every_page_says_in_which_part_it_lies(office: Office) -> None:
    """The navigation marks one part also on the pages of a verb, of an ending, of copies, and of what somebody set for themselves."""
    case = office.case()
    item = office.talked(case)
    places = {
        "zhaominhua": {f"/items/{item}/transfer": "待办", "/substitutes": "我的", "/account/notices": "我的", "/account/calendar": "我的"}
    }
    places["chenli"] = {f"/cases/{case}/{part}": "事项" for part in ("cancel", "comments", "copy", "approvals")}
    handed = f"/people/person/{office.people['zhaominhua']}/handover"
    places["admin"] = {f"/cases/{case}/return": "事项", handed: "人员", "/substitutes/all": "人员", "/account/notices/everybody": "人员"}
    for login, pages in places.items():
        reader = office.browser(login, "zh-CN")
        for address, part in pages.items():
            bar = reader.get(address).text.partition('class="mainnav"')[2].partition("</nav>")[0]
            marked = re.findall(r'<a [^>]*aria-current="page">.*?<span>(.*?)</span>', bar)
            assert marked == [part], (address, marked)
