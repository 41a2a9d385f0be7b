"""The directory, one's own settings, and what could not be sent, through the JSON interface."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from lxml import html
from twins import Listening, Loudspeaker, Register
from web_office import Office

from engine.errors import Refused
from engine.models import DirectoryEvent, Person

Program = tuple[FlaskClient, dict[str, str]]


@pytest.fixture
def office(own_office: Office) -> Office:
    """The office with mail, which everybody has, and a system that listens to events."""
    listening = {"listeners": {"desk": Listening("case:started")}, "finders": {"register": Register("register")}}
    own_office.equip(notifiers={"mail": Loudspeaker("mail")}, **listening)
    with own_office.services.database.unit() as unit:
        unit.connection.execute(sa.update(Person).values(email="somebody@company.example"))
        unit.commit()
    return own_office


def ask(program: Program, method: str, path: str, **options: Any) -> Any:
    client, own = program
    return client.open(f"/api/v1{path}", method=method, headers=own, **options)


def changes(office: Office) -> int:
    with office.services.database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(DirectoryEvent)).scalar_one())


def test_the_directory_is_found_by_administrators(office: Office) -> None:
    """People in pages and one by one, departments from the top; nobody else sees it, and who is not there is not found."""
    admin = office.program("admin")
    page = ask(admin, "GET", "/people?size=2").json
    assert page["total"] > 2 and len(page["people"]) == 2
    [found] = ask(admin, "GET", "/people?search=KF-017").json["people"]
    one = ask(admin, "GET", f"/people/{found['id']}").json
    assert one["columns"]["employee_no"] == "KF-017" and one["here"] and one["superiors"][0] == office.people["chenli"]
    above = ask(admin, "GET", f"/people/{office.people['chenli']}").json
    assert {"id": found["id"], "name": found["name"]} in above["reports"]
    departments = ask(admin, "GET", "/departments").json["departments"]
    assert sum(one["members"] for one in departments) >= 3 and departments[0]["depth"] == 0
    assert {one["key"] for one in ask(admin, "GET", "/people?state=left").json["people"]} == set()
    assert ask(admin, "GET", f"/people/{'0' * 32}").status_code == 404
    book = ask(admin, "GET", "/directory")
    assert book.data[:2] == b"PK" and book.mimetype.endswith("spreadsheetml.sheet")
    hr = office.program("wangfang")
    for path in ("/directory", "/people", f"/people/{found['id']}", "/departments", "/undelivered"):
        assert ask(hr, "GET", path).status_code == 403, path


def test_lines_are_looked_at_and_then_brought_in(office: Office) -> None:
    """A dry run changes nothing; what was looked at is taken over with a reason, and refused where it would be something else by now."""
    admin, before = office.program("admin"), changes(office)
    lines = [{"kind": "persons", "values": {"employee_no": "KF-017", "name": "林小南"}}]
    looked = ask(admin, "POST", "/directory", json={"lines": lines, "dry_run": True}).json
    [difference] = looked["differences"]
    assert not looked["stored"] and difference["act"] == "changed" and "林小南" in str(difference["told"]) and changes(office) == before
    refused = ask(admin, "POST", "/directory", json={"lines": lines})
    assert refused.status_code == 422 and refused.json["errors"][0]["pointer"] == "/note"
    stale = ask(admin, "POST", "/directory", json={"lines": lines, "note": "更名", "seen": "0" * 64})
    assert stale.status_code == 409 and stale.json["code"] == "directory_changed" and changes(office) == before
    done = ask(admin, "POST", "/directory", json={"lines": lines, "note": "更名", "seen": looked["seen"]}).json
    assert done["stored"] and changes(office) == before + 1
    again = ask(admin, "POST", "/directory", json={"lines": lines, "note": "更名"}).json
    assert again["differences"] == [] and changes(office) == before + 1


def test_files_are_brought_in_as_by_the_command(office: Office) -> None:
    """CSV in Chinese headings; a faulty line is named in its place and keeps everything out."""
    admin, before = office.program("admin"), changes(office)

    def sent(text: str, **more: Any) -> Any:
        file = {"name": "persons.csv", "content": base64.b64encode(text.encode()).decode()}
        return ask(admin, "POST", "/directory", json={"files": {"persons": [file]}, **more})

    looked = sent("employee_no,name,department\nKF-099,新人,nowhere\n", dry_run=True).json
    assert [(fault["line"], fault["column"]) for fault in looked["faults"]] == [(2, "department")] and looked["faults"][0]["detail"]
    refused = sent("employee_no,name,department\nKF-099,新人,nowhere\n", note="入职")
    assert refused.status_code == 422 and refused.json["errors"][0]["pointer"] == "/lines" and changes(office) == before
    assert sent("employee_no,name\nKF-099,新人\n", note="入职").json["stored"]
    assert [one["name"] for one in ask(admin, "GET", "/people?search=KF-099").json["people"]] == ["新人"]


@pytest.mark.parametrize(
    ("content", "status", "at"),
    [
        ({"note": "x"}, 422, "/lines"),
        ({"lines": [{"kind": "robots", "values": {}}], "note": "x"}, 422, "/lines/0"),
        ({"lines": [{"kind": "persons", "values": {"roles": 7}}], "note": "x"}, 422, "/lines/0"),
        ({"lines": [{"kind": "persons"}], "on": "tomorrow"}, 400, "/on"),
        ({"lines": [{"kind": "persons"}], "on": "9999-12-31"}, 400, "/on"),
    ],
)
def test_what_is_no_line_is_named(office: Office, content: Any, status: int, at: str) -> None:
    """The pointer leads to what is wrong; nobody but administrators brings in anything."""
    answer = ask(office.program("admin"), "POST", "/directory", json=content)
    assert answer.status_code == status and answer.json["errors"][0]["pointer"] == at
    assert ask(office.program("wangfang"), "POST", "/directory", json=content).status_code in (400, 403)


def test_a_person_chooses_how_they_are_told(office: Office) -> None:
    """Own channels and hours are kept, faults named by field, and given back."""
    hr = office.program("wangfang")
    assert ask(hr, "GET", "/me/notices").json["own"] is False
    wish = {"channels": {"overdue": ["mail"], "opened": []}, "quiet_from": "22:00", "quiet_to": "07:30"}
    assert ask(hr, "PUT", "/me/notices", json=wish).status_code == 204
    told = ask(hr, "GET", "/me/notices").json
    assert (told["own"], told["channels"]["overdue"], told["channels"]["opened"], told["quiet_to"]) == (True, ["mail"], [], "07:30")
    wrong = ask(hr, "PUT", "/me/notices", json={"quiet_from": "25:00", "quiet_to": "07:30"})
    assert wrong.status_code == 422 and wrong.json["errors"][0]["pointer"] == "/quiet_from"
    assert ask(hr, "PUT", "/me/notices", json={"channels": {"overdue": ["pigeon"]}}).status_code == 404
    assert ask(hr, "DELETE", "/me/notices").status_code == 204 and ask(hr, "GET", "/me/notices").json["own"] is False


def test_ids_at_services_are_kept_as_they_were_read(office: Office) -> None:
    """With the ETag that was read; what is wrong is named by its service, and only administrators see or set any."""
    admin, own = office.program("admin")
    at, other = (f"/api/v1/people/{office.people[name]}/ids" for name in ("wangfang", "zhaominhua"))
    read = admin.get(at, headers=own)
    assert read.json == {"ids": {"register": ""}}
    headers = {**own, "If-Match": read.headers["ETag"]}
    assert admin.put(at, json={"ids": {"register": "u1"}}, headers=own).status_code == 428
    assert admin.put(at, json={"ids": {"register": "u1"}}, headers=headers).status_code == 204
    stale = admin.put(at, json={"ids": {"register": "u2"}}, headers=headers)
    assert (stale.status_code, stale.json["code"]) == (412, "not_as_read")
    assert admin.get(at, headers=own).json["ids"]["register"] == "u1"
    seen = {**own, "If-Match": admin.get(other, headers=own).headers["ETag"]}
    taken = admin.put(other, json={"ids": {"register": "u1"}}, headers=seen)
    assert taken.status_code == 422 and taken.json["errors"][0]["pointer"] == "/ids/register"
    assert ask(office.program("wangfang"), "GET", f"/people/{office.people['wangfang']}/ids").status_code == 403
    assert admin.get(f"/api/v1/people/{'0' * 32}/ids", headers=own).status_code == 404


def test_missing_ids_are_looked_up_on_the_page_and_by_programs(office: Office) -> None:
    """First a list of whom the service knows and whom not, then with a reason what was seen is kept; not what changed meanwhile."""
    register: Any = office.services.finders["register"]
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.update(Person).where(Person.id == office.people["wangfang"]).values(mobile="139 0000 0001"))
        unit.commit()
    register.known = {"13900000001": "u1"}
    program = office.program("admin")
    looked = ask(program, "POST", "/people/look-up", json={"service": "register", "dry_run": True}).json
    assert looked["found"] == {office.people["wangfang"]: "u1"} and looked["left"] and not looked["stored"]
    assert ask(program, "POST", "/people/look-up", json={"service": "register"}).status_code == 422
    admin = office.browser("admin", "zh-CN")
    assert "/people/look-up" in admin.get("/people/import").text and "补全第三方平台用户 ID" in admin.get("/people/look-up").text
    page = office.post(admin, "/people/look-up", {"service": "register"}).text
    assert "u1" in page and "该平台没有此手机号或邮箱的用户" in page
    form = next(one for one in html.fromstring(page).forms if "kept" in one.fields)
    kept = {**dict(form.fields), "take": "1"}
    assert office.post(admin, "/people/look-up", {**kept, "note": ""}).status_code == 422
    assert office.post(admin, "/people/look-up", {**kept, "note": "x", "seen": "0"}).status_code == 422
    assert office.post(admin, "/people/look-up", {**kept, "note": "补全"}).status_code == 302
    assert ask(program, "GET", f"/people/{office.people['wangfang']}/ids").json["ids"]["register"] == "u1"
    again = ask(program, "POST", "/people/look-up", json={"service": "register", "note": "x"}).json
    assert again["found"] == {} and again["stored"]
    for service, who, status in (("nowhere", program, 404), ("register", office.program("wangfang"), 403)):
        assert ask(who, "POST", "/people/look-up", json={"service": service, "dry_run": True}).status_code == status


def test_views_are_kept_and_forgotten(office: Office) -> None:
    """One's own only: a view of somebody else's stays where it is."""
    hr, head = office.program("wangfang"), office.program("zhaominhua")
    [view] = ask(hr, "POST", "/me/views", json={"name": " 本周 ", "box": "group", "due": "week", "search": "林"}).json["views"]
    assert (view["name"], view["box"], view["wanted"]["due"], view["wanted"]["words"]) == ("本周", "group", "week", ["林"])
    assert ask(hr, "POST", "/me/views", json={"name": " "}).status_code == 422
    assert ask(head, "GET", "/me/views").json["views"] == []
    assert ask(head, "DELETE", f"/me/views/{view['id']}").status_code == 204 and ask(hr, "GET", "/me/views").json["views"]
    assert ask(hr, "DELETE", f"/me/views/{view['id']}").status_code == 204 and ask(hr, "GET", "/me/views").json["views"] == []


def test_the_calendar_is_renewed_and_ended(office: Office) -> None:
    """A new address opens the calendar, the one before and an ended one open nothing."""
    hr, browser = office.program("wangfang"), office.app.test_client()
    assert ask(hr, "GET", "/me/calendar").json == {"since": None}
    first, second = (ask(hr, "PUT", "/me/calendar", json={"names": names}).json["address"] for names in (False, True))
    assert browser.get(first).status_code == 404 and browser.get(second).status_code == 200
    assert ask(hr, "GET", "/me/calendar").json["since"]
    assert ask(hr, "DELETE", "/me/calendar").status_code == 204 and browser.get(second).status_code == 404


def test_the_approval_record_is_handed_out(office: Office) -> None:
    """As the page gives it; not to the employee concerned."""
    case = office.case()
    answer = ask(office.program("wangfang"), "GET", f"/cases/{case}/approvals.pdf")
    assert answer.status_code == 200 and answer.mimetype == "application/pdf" and answer.data.startswith(b"%PDF")
    assert ask(office.program("wangfang"), "GET", f"/cases/{'0' * 32}/approvals.pdf").status_code == 404


def test_what_could_not_be_sent_is_seen_and_sent_again(office: Office) -> None:
    """Notices and events with their reasons; only administrators send them again."""
    services: Any = office.services
    services.notifiers["mail"].answers = [Refused(system="mail", operation="notice", reason="it refused the mail: 550")]
    services.listeners["desk"].answers = [Refused(system="desk", operation="event", reason="it refused the request: 400")]
    office.case()
    admin, hr = office.program("admin"), office.program("wangfang")
    found = ask(admin, "GET", "/undelivered").json
    assert found["notices"] and [one["operation"] for one in found["events"]] == ["desk"]
    services.notifiers["mail"].answers = [None]
    services.listeners["desk"].answers = [None]
    for kind in ("notices", "events"):
        for one in found[kind]:
            path = f"/undelivered/{kind}/{one['id']}/send"
            assert ask(hr, "POST", path).status_code == 403 and ask(admin, "POST", path).status_code == 204
        assert ask(admin, "POST", f"/undelivered/{kind}/{'0' * 32}/send").status_code == 404
    office.run_jobs()
    assert ask(admin, "GET", "/undelivered").json == {"notices": [], "events": []}
