"""The pages of the directory: for administrators only, every change with a reason and on a day; substitutes for everybody."""

from __future__ import annotations

import base64
import io
import re
import zlib
from typing import Any

import pytest
from browser import DESK, PHONE, Visitor
from playwright.sync_api import Browser
from web_office import PASSWORD, Office, served, token

from engine.people import absences
from webapp.demo import roster


@pytest.fixture
def office(own_office: Office) -> Office:
    return own_office


def text(page: Any) -> str:
    """What is read on a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def test_only_administrators_see_the_directory(office: Office) -> None:
    """Everybody else is refused every page and every change; their menu has no such entry."""
    hr = office.browser("wangfang")
    for address in ("", "/departments", "/lists/groups", "/edit/persons", "/changes", "/import", "/export.xlsx"):
        assert hr.get(f"/people{address}").status_code == 403
    assert hr.get("/substitutes/all").status_code == 403
    assert office.post(hr, "/people/edit/persons", {"name": "x", "employee_no": "X", "note": "x"}).status_code == 403
    assert "/people" not in hr.get("/inbox").text and "/people" in office.browser("admin").get("/inbox").text


def test_people_are_searched_and_filtered(office: Office) -> None:
    """By name, number, department with those below it, role and employment; no id of a department is read."""
    admin = office.browser("admin")
    assert f"{len(roster.EMPLOYEES) + 1} 人" in text(admin.get("/people"))
    found = text(admin.get("/people?search=林小北"))
    assert "KF-017 · 客服部 · 客服专员" in found and "陈立" not in found
    assert "王芳" in text(admin.get("/people?role=hr")) and "陈立" not in text(admin.get("/people?role=hr"))
    assert "customer-service" not in found
    assert "石磊" in text(admin.get("/people?department=company&search=RD-001"))
    assert "林小北" not in text(admin.get("/people?state=left&search=林小北"))


def test_a_person_is_changed_with_a_reason_and_on_a_day(office: Office) -> None:
    """Without a reason nothing happens and what was typed stays; the plan and the record are read on the person's page."""
    admin, lin = office.browser("admin"), office.people["linxiaobei"]
    form = {"name": "林小北", "department": "production", "manager": "PD-001 黄建国", "active": "yes", "on": "2030-01-01"}
    kept = 'name="manager" value="[0-9a-f]+" checked>.{0,150}<strong>黄建国'
    refused = office.post(admin, "/people/edit/persons?key=KF-017", form)
    assert refused.status_code == 422 and "此项必填" in refused.text and re.search(kept, refused.text)
    looked = office.post(admin, "/people/edit/persons?key=KF-017", {**form, "find.manager": "王", "do": "find"})
    assert looked.status_code == 200 and "王芳" in looked.text and re.search(kept, looked.text)
    saved = office.post(admin, "/people/edit/persons?key=KF-017", {**form, "note": "年初调岗"}, follow_redirects=True)
    page = text(saved)
    assert saved.request.path == f"/people/person/{lin}"
    for said in ("已保存", "2030-01-01 · 生产部", "年初调岗", "主部门 客服部 → 生产部", "直接上级 陈立 → 黄建国", "示例公司 › 客服部"):
        assert said in page, said
    assert lin not in page


def test_faults_stand_beside_their_field(office: Office) -> None:
    """A superior who is nobody, a circle, a name of two: told in Chinese, nothing is changed."""
    admin = office.browser("admin")
    for manager, said in (("无名氏", "找不到“无名氏”"), ("KF-017", "汇报关系形成循环"), ("KF-002", "直接上级不能是本人")):
        form = {"name": "陈立", "department": "customer-service", "manager": manager, "active": "yes", "note": "试"}
        answer = office.post(admin, "/people/edit/persons?key=KF-002", form)
        assert answer.status_code == 422 and said in answer.text, text(answer)
    form = {"name": "陈立", "department": "customer-service", "active": "yes", "note": "试"}
    answer = office.post(admin, "/people/edit/persons?key=KF-002", {**form, "roles": "supervisor", "roles_more": "x" * 200})
    assert answer.status_code == 422 and 'id="error-roles"' in answer.text and "x" * 200 in answer.text
    gone = office.post(admin, "/people/edit/persons?key=KF-001", {"name": "赵敏华", "note": "离职"})
    assert gone.status_code == 422 and "赵敏华 是 客服部 的负责人" in gone.text
    assert "暂无变更记录" in text(admin.get("/people/changes"))


def test_departments_groups_duties_and_lists_are_kept(office: Office) -> None:
    """Added and changed on pages, with names instead of keys."""
    admin = office.browser("admin")

    def save(kind: str, at: str = "", **form: Any) -> str:
        address = f"/people/edit/{kind}" + (f"?key={at}" if at else "")
        return text(office.post(admin, address, {**form, "note": "整理"}, follow_redirects=True))

    told = save("departments", key="shop", name="装配车间", parent="production", head="杨志强")
    assert "装配车间 部门负责人 杨志强" in told
    groups = save("groups", key="council", name="职工委员会", members=["PD-003", "HR-002 王芳"])
    assert "何秀兰" in groups and "王芳" in groups
    assert "HRBP 王芳 · 客服部" in save("duties", duty="hrbp", person="王芳", scope="department", ref="客服部")
    assert "HRBP 王芳 · KF-017 林小北" in save("duties", duty="hrbp", person="王芳", scope="person", ref=["", office.people["linxiaobei"]])
    key = re.search(r"/people/edit/duties\?key=([^\"]+)", admin.get("/people/lists/duties").text)
    assert key and "2030-12-31" in save("duties", key[1], to="2030-12-31")
    assert "总监" in save("posts", key="director", name="总监")
    assert admin.get("/people/edit/departments?key=nowhere").status_code == 404 == admin.get("/people/lists/nothing").status_code


def test_files_are_looked_at_before_they_are_taken_over(office: Office) -> None:
    """Differences first, then a reason; a directory that changed meanwhile is looked at again; faults are told by line."""
    admin = office.browser("admin")
    csv_token = token(admin, "/people/import")

    def send(content: str, **more: Any) -> Any:
        files = {"files": (io.BytesIO(content.encode("gb18030")), "persons.csv")}
        return admin.post("/people/import", data={"csrf_token": csv_token, "on": "", **files, **more}, content_type="multipart/form-data")

    faulty = send("employee_no,name,manager\nX-1,新人,无\n")
    assert faulty.status_code == 422 and "persons.csv、第 2 行、直接上级 ：找不到“无”" in text(faulty)
    looked = send("工号,姓名,部门\nX-1,新人,hr\nHR-002,王芳芳,hr\n")
    page = text(looked)
    assert looked.status_code == 200 and "新增 1，变更 1，离职或停用 0" in page and "王芳 → 王芳芳" in page
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', looked.text))
    assert "新人" not in text(admin.get("/people?search=X-1"))
    assert office.post(admin, "/people/import", {**hidden, "take": "1", "note": ""}).status_code == 422
    office.post(admin, "/people/edit/persons?key=HR-002", {"name": "王方", "department": "hr", "active": "yes", "note": "更名"})
    again = office.post(admin, "/people/import", {**hidden, "take": "1", "note": "月初同步"})
    assert again.status_code == 422 and "重新核对差异" in again.text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', again.text))
    done = office.post(admin, "/people/import", {**hidden, "take": "1", "note": "月初同步"}, follow_redirects=True)
    assert "已应用 2 处差异" in text(done) and "月初同步" in text(done)
    assert "新人" in text(admin.get("/people?search=X-1"))
    assert send("").status_code == 422 and office.post(admin, "/people/import", {}).status_code == 422
    assert admin.get("/people/export.xlsx").data[:2] == b"PK"


@pytest.mark.parametrize(
    "kept", [b"[1]", b'[["a.csv"]]', b'[["a.csv", 5]]', b"{", b"\xff"], ids=["numbers", "short", "no content", "no JSON", "no text"]
)
def test_kept_files_that_are_none_are_asked_for_again(office: Office, kept: bytes) -> None:
    """What a page sends back is read like anything else that is sent."""
    sent = {"take": "1", "note": "x", "kept": base64.b64encode(zlib.compress(kept)).decode()}
    answer = office.post(office.browser("admin"), "/people/import", sent)
    assert answer.status_code == 422 and "请选择文件" in answer.text


def test_odd_addresses_are_answered(office: Office) -> None:
    """Pages beyond all pages begin at the first; a zero byte is in no address."""
    admin = office.browser("admin")
    assert admin.get("/people?page=" + "9" * 5000).status_code == 200
    for query in ("department=%00", "role=%00", "search=%00"):
        assert admin.get(f"/people?{query}").status_code == 404


def test_what_a_database_does_not_take_is_refused_and_not_a_failure(empty_postgres: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """On PostgreSQL a zero byte in what was typed: told, and nothing was changed."""
    office = Office(tmp_path_factory.mktemp("office"), database=empty_postgres)
    admin = office.browser("admin", "zh-CN")
    answer = office.post(admin, "/people/edit/persons", {"name": "新人", "employee_no": "X-1", "note": "a\0b"})
    assert answer.status_code == 422 and "数据没有改动" in answer.text
    assert "新人" not in text(admin.get("/people?search=X-1"))
    office.services.database.dispose()


def test_everybody_names_their_own_substitute(office: Office) -> None:
    """With a time and a scope that exists; refusals keep what was typed; only one's own are seen and ended."""
    head, admin = office.browser("zhaominhua"), office.browser("admin")
    form = {"substitute": "陈立", "starts": "2030-01-01T09:00", "ends": "2030-01-08T18:00", "scope": "procedure office", "note": "休假"}
    appointing = head.get("/substitutes").text.partition('action="/substitutes"')[2]
    assert 'value="find"' in re.findall("<button[^>]*>", appointing)[0], "Enter in the search would appoint"
    refused = office.post(head, "/substitutes", {**form, "ends": "2029-01-01T00:00"})
    assert refused.status_code == 422 and "结束时间早于开始时间" in refused.text and "休假" in refused.text
    assert office.post(head, "/substitutes", {**form, "substitute": "赵敏华"}).status_code == 422
    assert office.post(head, "/substitutes", {**form, "starts": "?"}).status_code == 422
    looked = office.post(head, "/substitutes", {**form, "substitute": "", "find.substitute": "陈", "do": "find"})
    assert looked.status_code == 200 and "休假" in looked.text and f'value="{office.people["chenli"]}" >' in looked.text
    done = office.post(head, "/substitutes", {**form, "substitute": office.people["chenli"]}, follow_redirects=True)
    assert "赵敏华 → 陈立" in text(done) and "流程：" in text(done) and "尚未开始" in text(done)
    assert "赵敏华" in text(office.browser("chenli").get("/substitutes")) and "陈立" not in text(
        office.browser("liuhai").get("/substitutes")
    )
    assert office.post(office.browser("chenli"), "/substitutes", {**form, "absent": "KF-001", "everybody": "1"}).status_code == 403
    with office.services.database.reading() as connection:
        [row] = absences.rows(connection, office.services.clock.now())
    assert office.post(office.browser("chenli"), f"/substitutes/{row.id}/end").status_code == 403
    assert "已结束" in text(office.post(admin, f"/substitutes/{row.id}/end", {"everybody": "1"}, follow_redirects=True))
    others = {**form, "absent": "HR-001", "substitute": "HR-002", "scope": "all", "everybody": "1"}
    assert "孙志远 → 王芳" in text(office.post(admin, "/substitutes", others, follow_redirects=True))


def test_substitute_gets_what_is_open_when_it_is_chosen(office: Office) -> None:
    """代理人 (substitute): on the page with boxes, and for programs; nobody sees or gives what waits for others."""
    item = office.talked(office.case())
    head, program = office.browser("zhaominhua"), office.program
    form = {"substitute": "陈立", "starts": "2020-01-01T09:00", "ends": "2040-01-08T18:00", "scope": "all", "open": "yes"}
    page = office.post(head, "/substitutes", form, follow_redirects=True)
    assert page.request.path == "/substitutes/open" and "交由 孙志远" not in text(page)
    [box] = re.findall(r'name="sign_off" value="([^"]+)" checked', page.text)
    assert box.startswith(item)
    assert office.post(head, "/substitutes/open", {}).status_code == 422
    assert office.browser("liuhai").get(f"/substitutes/open?person={office.people['zhaominhua']}").status_code == 403
    client, own = program("zhaominhua")
    [row] = client.get("/api/v1/substitutes/open", headers=own).json["sign_offs"]
    assert row["substitute"] == office.people["chenli"] and f"{row['item_id']} {row['sign_off_id']}" == box
    assert "已将 1 项交由代理人代签" in text(office.post(head, "/substitutes/open", {"sign_off": box}, follow_redirects=True))
    assert client.get("/api/v1/substitutes/open", headers=own).json == {"sign_offs": []}
    assert "代 赵敏华" in text(office.browser("chenli").get("/inbox"))
    told = client.get("/api/v1/substitutes", headers=own).json["substitutes"]
    assert [(one["absent"], one["substitute"], one["uses"]) for one in told] == [("赵敏华", "陈立", 1)]
    stranger, other = program("liuhai")
    address = f"/api/v1/items/{row['item_id']}/sign-offs/{row['sign_off_id']}/stand-in"
    assert stranger.post(address, headers=other).status_code == 403 == stranger.get("/api/v1/substitutes?all=1", headers=other).status_code
    sent = {"substitute": office.people["liuhai"], "starts_at": "2041-01-01T09:00:00+08:00", "ends_at": "2041-01-02T09:00:00+08:00"}
    made = client.post("/api/v1/substitutes", headers=own, json=sent)
    assert made.status_code == 201
    assert client.post(f"/api/v1/substitutes/{made.json['id']}/end", headers=own).status_code == 204
    assert client.post("/api/v1/substitutes", headers=own, json={**sent, "substitute": office.people["zhaominhua"]}).status_code == 422


def test_handover_on_the_page_before_somebody_is_disabled(office: Office) -> None:
    """离职转办 (handover): disabling leads there; a list with targets, then each thing by itself, and the rest in a second run."""
    item, head = office.talked(office.case()), office.people["zhaominhua"]
    admin, page = office.browser("admin"), f"/people/person/{head}/handover"
    form = {"name": "赵敏华", "department": "customer-service", "note": "离职"}
    refused = office.post(admin, "/people/edit/persons?key=KF-001", form)
    assert refused.status_code == 422 and "名下还有" in refused.text and page in refused.text
    assert office.browser("chenli").get(page).status_code == 403 == office.post(office.browser("chenli"), page, {}).status_code
    listed = admin.get(page)
    seen = re.findall(r'name="seen" value="([^"]+)"', listed.text)
    assert any(one.startswith("sign_off:") for one in seen) and "headship:customer-service" in seen
    assert office.post(admin, page, {"to:": "无此人"}).status_code == 422 and office.post(admin, page, {"do": "act"}).status_code == 422
    looked = office.post(admin, page, {"seen": seen, "find.to:headship:customer-service": "陈", "do": "find"})
    assert looked.status_code == 200 and f'name="to:headship:customer-service" value="{office.people["chenli"]}"' in looked.text
    sent = {"seen": seen, "give": seen, "to:": office.people["sunzhiyuan"], "to:report": "KF-002", "note": "离职", "until": "2099-12-31"}
    assert "→ 孙志远" in text(office.post(admin, page, {**sent, "do": "look"}))
    assert "不是日期" in text(office.post(admin, page, {**sent, "do": "act", "until": "x"}))
    done = text(office.post(admin, page, {**sent, "do": "act"}))
    assert "已转办" in done and "此后新到事项" in done and "新到的事项由 孙志远 接手" in done
    assert item in office.browser("sunzhiyuan").get("/inbox").text
    assert "没有需要他人接手的内容" in text(admin.get(page))
    assert "已保存" in text(office.post(admin, "/people/edit/persons?key=KF-001", form, follow_redirects=True))
    client, own = office.program("admin")
    told = client.get(f"/api/v1/people/{head}/handover", headers=own).json
    assert told["name"] == "赵敏华" and not told["here"] and {one["kind"] for one in told["held"]} <= {"role", "chain", "case"}
    nobody = {"to": {"": office.people["linxiaobei"]}, "note": "x"}
    assert client.post(f"/api/v1/people/{head}/handover", headers=own, json=nobody).json == {"done": []}
    assert client.post(f"/api/v1/people/{head}/handover", headers=own, json={"to": {}, "note": "x"}).status_code == 422
    other, stranger = office.program("chenli")
    assert other.get(f"/api/v1/people/{head}/handover", headers=stranger).status_code == 403


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_pages_are_sound_in_a_browser(office: Office, chromium: Browser, width: int) -> None:
    """Nothing serious for axe, nothing wider than the screen; a file is looked at and taken over by hand."""
    with served(office) as address:
        admin = Visitor(chromium, address, "admin", PASSWORD, width)
        form = {"name": "林小北", "department": "production", "manager": "PD-001", "active": "yes", "on": "2030-01-01", "note": "调岗"}
        office.post(office.browser("admin"), "/people/edit/persons?key=KF-017", form)
        addresses = ("", f"/person/{office.people['linxiaobei']}", "/departments", "/edit/persons?key=KF-017", "/lists/groups", "/changes")
        for number, page in enumerate(addresses, 1):
            admin.page.goto(f"/people{page}")
            admin.look(f"people-{number}")
        admin.page.goto("/people/import")
        admin.page.locator("#files").set_input_files(
            {"name": "persons.csv", "mimeType": "text/csv", "buffer": "工号,姓名\nHR-002,王芳芳\n".encode("gb18030")}
        )
        admin.page.get_by_role("button", name="核对差异").click()
        admin.reads("共 1 处差异", "王芳芳")
        admin.look("people-differences")
        admin.write("原因", "更名")
        admin.page.get_by_role("button", name="确认应用").click()
        admin.reads("已应用 1 处差异")
        admin.page.goto("/substitutes")
        admin.look("substitutes")
        office.talked(office.case())
        admin.page.goto(f"/substitutes/open?person={office.people['zhaominhua']}")
        admin.look("substitutes-open")
        admin.page.goto(f"/people/person/{office.people['zhaominhua']}/handover")
        admin.look("handover")
        admin.leave()
