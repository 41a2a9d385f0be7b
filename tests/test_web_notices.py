"""The pages of notices: what the reader wishes, the default for everybody, what could not be sent; and the way back to an item."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
import sqlalchemy as sa
from browser import DESK, PHONE, Visitor
from playwright.sync_api import Browser
from twins import Board, Listening, Loudspeaker
from web_office import PASSWORD, Office, served, token

from engine.errors import Refused
from engine.models import EVERYBODY, Person
from engine.notices import identities, wishes
from engine.notices.wishes import Wish
from webapp import create_app


@pytest.fixture
def office(own_office: Office) -> Office:
    """The office with mail, which everybody has, and a chat service, which knows nobody yet."""
    own_office.equip(notifiers={"mail": Loudspeaker("mail"), "dingtalk": Loudspeaker("dingtalk", reaches="person")})
    with own_office.services.database.unit() as unit:
        unit.connection.execute(sa.update(Person).values(email="somebody@company.example"))
        unit.commit()
    return own_office


def stored(office: Office, person: str) -> Wish | None:
    with office.services.database.reading() as connection:
        return wishes.of(connection, person)


def mail(office: Office) -> Any:
    return office.services.notifiers["mail"]


def test_a_person_chooses_and_goes_back_to_the_default(office: Office) -> None:
    """What is ticked is kept and shown again; what nobody can reach cannot be ticked; one button takes it all back."""
    client = office.browser("wangfang")
    page = client.get("/account/notices").text
    assert "该渠道没有您的联系方式" in page and page.count("disabled") >= 10
    assert re.search(r'name="opened" value="mail" checked', page)
    office.post(client, "/account/notices", {"overdue": ["mail"], "digest_at": "09:00"})
    kept = stored(office, office.people["wangfang"])
    assert kept is not None and kept.digest_at == "09:00" and kept.channels["overdue"] == ["mail"] and kept.channels["opened"] == []
    page = client.get("/account/notices").text
    assert 'value="09:00"' in page and not re.search(r'name="opened" value="mail" checked', page)
    office.post(client, "/account/notices", {"default": "1"})
    assert stored(office, office.people["wangfang"]) is None


def test_a_mistake_keeps_what_was_typed(office: Office) -> None:
    """Quiet hours without an end are refused beside their field, and every tick stays."""
    client = office.browser("wangfang")
    answer = office.post(client, "/account/notices", {"opened": "mail", "quiet_from": "22:00"})
    assert answer.status_code == 422 and "免打扰时段须填写" in answer.text and 'value="22:00"' in answer.text
    assert re.search(r'name="opened" value="mail" checked', answer.text) and stored(office, office.people["wangfang"]) is None


def test_administrators_set_the_default_and_send_again(office: Office) -> None:
    """Only they; a kind may be told by no channel at all, and what failed is shown with its reason and sent again."""
    hr, admin = office.browser("wangfang"), office.browser("admin")
    assert hr.get("/account/notices/everybody").status_code == 403
    assert office.post(hr, "/account/notices/everybody", {"opened": "mail"}).status_code == 403
    office.post(admin, "/account/notices/everybody", {"offered": "-", "opened": "mail", "quiet_from": "22:00", "quiet_to": "07:00"})
    kept = stored(office, EVERYBODY)
    assert kept is not None and kept.channels == {"offered": [], "opened": ["mail"]} and kept.quiet_to == "07:00"
    office.post(admin, "/account/notices/everybody", {"opened": "mail", "offered": "mail"})
    mail(office).answers = [Refused(system="mail", operation="notice", reason="it refused the mail: 550")]
    office.case()
    page = admin.get("/account/notices/everybody").text
    assert "对方拒绝了邮件" in page or "550" in page
    mail(office).answers = [None]
    for address in re.findall(r'action="(/account/notices/\w+/again)"', page):
        assert office.post(hr, address).status_code == 403
        assert office.post(admin, address).status_code == 302
    office.run_jobs()
    assert mail(office).told and "未能送达" not in admin.get("/account/notices/everybody").text


def test_administrators_see_and_repeat_events_that_were_not_told(office: Office) -> None:
    """Beside the notices, with system, case and reason; nobody else sends them again."""
    desk = Listening("case:started")
    desk.answers = [Refused(system="desk", operation="event", reason="it refused the request: 400"), None]
    office.services = dataclasses.replace(office.services, listeners={"desk": desk})
    office.app.extensions["partwell"] = office.services
    office.case()
    hr, admin = office.browser("wangfang"), office.browser("admin")
    page = admin.get("/account/notices/everybody").text
    [address] = re.findall(r'action="(/account/notices/events/\w+/again)"', page)
    assert "未能告知外部系统的事件" in page and "desk" in page and "对方拒绝了请求" in page
    assert office.post(hr, address).status_code == 403
    assert office.post(admin, address).status_code == 302
    office.run_jobs()
    assert len(desk.told) == 1 and "未能告知" not in admin.get("/account/notices/everybody").text


def test_a_link_leads_to_the_item_behind_the_log_in(office: Office) -> None:
    """Who is not logged in logs in first and is back at the item; the link itself decides nothing."""
    case = office.case()
    item = office.open_item(case)
    client = office.browser()
    answer = client.get(f"/items/{item}")
    assert answer.status_code == 302 and "/log-in?next=" in answer.location
    page = client.get(answer.location).text
    back = re.search(r'name="next" value="([^"]+)"', page)
    assert back is not None
    data = {"csrf_token": token(client, "/log-in"), "login": "wangfang", "password": PASSWORD, "next": back[1]}
    assert client.post("/log-in", data=data).location == f"/items/{item}"
    assert office.open_item(case) == item


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_pages_are_sound_in_a_browser(office: Office, chromium: Browser, width: int) -> None:
    """Nothing serious for axe and nothing wider than the screen, with a notice that failed; a choice is kept by hand."""
    with served(office) as address:
        mail(office).answers = [Refused(system="mail", operation="notice", reason="it refused the mail: 550")]
        office.case()
        admin = Visitor(chromium, address, "admin", PASSWORD, width)
        for name, page in (("notices-mine", "/account/notices"), ("notices-everybody", "/account/notices/everybody")):
            admin.page.goto(page)
            admin.look(name)
        admin.page.goto("/account/notices")
        admin.page.get_by_label("免打扰开始").fill("22:00")
        admin.page.get_by_role("button", name="保存", exact=True).click()
        admin.reads("免打扰时段须填写开始时间和不同的结束时间。")
        assert all("422" in said for said in admin.complaints)  # the browser tells of the answer
        admin.complaints.clear()
        admin.look("notices-mistake")
        admin.page.get_by_label("免打扰结束").fill("07:30")
        admin.page.get_by_role("button", name="保存", exact=True).click()
        admin.reads("已保存，自此后发生的事项起生效。")
        admin.leave()


def test_administrators_see_what_outside_centres_do_not_show(office: Office) -> None:
    """They compare at the press of a button, and enter the missing id on the person's page; a mistake keeps what was typed."""
    office.services = dataclasses.replace(office.services, projectors={"feishu": Board("feishu")})
    client = office.app.test_client_class
    office.app = create_app(office.services)
    office.app.test_client_class = client
    admin, wang = office.browser("admin"), office.people["wangfang"]
    assert "外部待办中心" in admin.get("/account/notices/everybody").text
    assert office.post(office.browser("wangfang"), "/account/notices/centres/feishu/compare", {}).status_code == 403
    assert office.post(admin, "/account/notices/centres/feishu/compare", {}).status_code == 302
    assert office.post(admin, "/account/notices/centres/elsewhere/compare", {}).status_code == 404
    nothing = {"id-feishu": "ou_1", "seen": identities.mark({})}
    assert office.post(admin, f"/people/person/{wang}/ids", nothing).status_code == 302
    changed = office.post(admin, f"/people/person/{wang}/ids", {**nothing, "id-feishu": "ou_2"})
    assert changed.status_code == 409 and "在此期间已被更改" in changed.text
    assert 'value="ou_1"' in changed.text and "您的页面上为“ou_2”，未保存" in changed.text
    page = admin.get(f"/people/person/{wang}").text
    assert 'value="ou_1"' in page and "第三方平台用户 ID" in page and "feishu: ou_1" in page
    refused = office.post(admin, f"/people/person/{office.people['chenli']}/ids", nothing)
    assert refused.status_code == 422 and "该 ID 已登记给其他人" in refused.text and 'value="ou_1"' in refused.text
