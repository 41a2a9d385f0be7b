"""What signers do on the pages of a work item, as a browser sends it."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from web_office import PASSWORD, Office

from engine.models import WorkItem


def offered(page: str) -> set[str]:
    """Verbs whose pages an item's page leads to."""
    return set(re.findall(r'(?:href="/items/[0-9a-f]{32}/|[?]then=)([a-z_]+)"', page))


def test_the_menu_offers_what_the_step_allows_and_each_page_opens(office: Office) -> None:
    """Approve and reject stand on the page, the rest in the menu; readers without a part get none."""
    item = office.talked(office.case())
    signer = office.browser("zhaominhua", "zh-CN")
    page = signer.get(f"/items/{item}").text
    assert offered(page) == {"transfer", "delegate", "add", "return", "copy"} and "更多" in page
    assert "预计" in page and "孙志远" in page
    for verb in offered(page):
        shown = signer.get(f"/items/{item}/{verb}")
        assert shown.status_code == 200 and "不操作，返回" in shown.text
    assert offered(office.browser("wangfang").get(f"/items/{item}").text) == {"copy"}
    gone = office.browser("wangfang").get(f"/items/{item}/transfer")
    assert gone.status_code == 302


def test_read_is_shown_to_who_waits(office: Office) -> None:
    """已阅 (read): the page says that the signer has not read it yet, and once they have, since when; a program tells it by itself."""
    item, others = office.talked(office.case()), office.talked(office.case())
    hr, signer = office.browser("wangfang", "zh-CN"), office.browser("zhaominhua", "zh-CN")
    assert "尚未阅读" in hr.get(f"/items/{item}").text
    assert signer.get(f"/items/{item}").status_code == 200
    page = hr.get(f"/items/{item}").text
    assert "已阅" in page and "尚未阅读" not in page
    token = office.app.test_client().post("/api/v1/session", json={"login": "zhaominhua", "password": PASSWORD}).json["token"]
    own = {"Authorization": f"Bearer {token}"}
    steps = signer.get(f"/api/v1/items/{others}", headers=own).json["steps"]
    assert [one["read_at"] for one in steps if one["sign_off"]] == [None]
    assert signer.post(f"/api/v1/items/{others}/read", headers=own).status_code == 204
    assert signer.get(f"/api/v1/items/{others}", headers=own).json["steps"][0]["read_at"]


def test_people_are_found_by_name_or_number_and_stay_chosen(office: Office) -> None:
    """A search keeps what was chosen and written; the person whom the case is about is never found."""
    item = office.talked(office.case())
    signer = office.browser("zhaominhua", "zh-CN")
    chosen = office.people["zhengwenbo"]
    page = office.post(signer, f"/items/{item}/add", {"do": "find", "find": "王芳", "person": chosen, "reason": "请把关"}).text
    assert re.search(rf'value="{chosen}" checked', page) and office.people["wangfang"] in page and "请把关" in page
    for words in ("林小北", "KF-017"):
        page = office.post(signer, f"/items/{item}/transfer", {"do": "find", "find": words}).text
        assert office.people["linxiaobei"] not in page and "没有找到员工" in page


def test_only_who_may_choose_people_searches_them(office: Office) -> None:
    """Who reads along is sent back to the item, and finds nobody by sending the page's form; whom the case is about sees neither."""
    item = office.talked(office.case())
    for sent in ({"do": "find", "find": "郑文博"}, {"find": "郑文博"}):
        reader = office.post(office.browser("chenli"), f"/items/{item}/transfer", sent)
        assert reader.status_code in (302, 403, 422) and office.people["zhengwenbo"] not in reader.text, sent
        assert office.post(office.browser("linxiaobei"), f"/items/{item}/transfer", sent).status_code == 403


def test_what_is_missing_or_refused_stands_beside_its_field(office: Office) -> None:
    """Nobody chosen, no reason, somebody who signs already, the person whom it is about: told on the page, and nothing happens."""
    item = office.talked(office.case())
    signer = office.browser("zhaominhua", "zh-CN")
    counsel, subject = office.people["zhengwenbo"], office.people["linxiaobei"]
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("transfer", {}, "请至少选择一人"),
        ("add", {"person": [counsel], "where": "before"}, "请说明加签原因"),
        ("add", {"person": [subject], "where": "before", "reason": "x"}, "林小北"),
        ("return", {"to": "element:talk"}, "原因"),
        ("return", {"reason": "材料不全"}, "请选择退回到哪个环节"),
    ]
    for verb, sent, said in cases:
        refused = office.post(signer, f"/items/{item}/{verb}", sent)
        assert refused.status_code == 422 and said in refused.text, (verb, sent)
    assert offered(signer.get(f"/items/{item}").text) == {"transfer", "delegate", "add", "return", "copy"}


def test_a_sign_off_goes_from_hand_to_hand_and_the_page_tells_how(office: Office) -> None:
    """Ask for an opinion, give it, add a signer and remove them, pass on, give to somebody else: each with its trace on the page."""
    item = office.talked(office.case())
    logins = ("zhaominhua", "wangfang", "zhengwenbo", "admin")
    signer, hr, counsel, admin = (office.browser(login, "zh-CN") for login in logins)
    people = office.people

    def do(browser: Any, verb: str, **sent: Any) -> str:
        answer = office.post(browser, f"/items/{item}/{verb}", sent)
        assert answer.status_code == 302, answer.text
        return str(browser.get(answer.location).text)

    assert "已委派" in do(signer, "delegate", person=people["wangfang"], reason="请看")
    assert offered(signer.get(f"/items/{item}").text) == {"take_back", "copy"}
    assert "提交意见" in hr.get(f"/items/{item}").text
    assert "意见已提交" in do(hr, "resolve", opinion="材料齐全")
    page = signer.get(f"/items/{item}").text
    assert "委派，由 赵敏华 发起" in page and "材料齐全" in page and "已提意见" in page
    page = do(signer, "add", person=people["zhengwenbo"], where="before", reason="请把关")
    [remove] = re.findall(r'href="(/items/\w+/sign-offs/\w+/remove)"', page)
    assert "加签（前），由 赵敏华 发起" in page and "减签" in signer.get(remove).text
    assert "已减签" in do(signer, remove.split(f"{item}/")[1], reason="不必")
    assert "已转办" in do(signer, "transfer", person=people["zhengwenbo"], reason="出差")
    page = counsel.get(f"/items/{item}").text
    assert "转办自 赵敏华" in page and "出差" in page
    moves = re.findall(r'href="(/items/\w+/sign-offs/\w+/reassign)"', admin.get(f"/items/{item}").text)
    assert "已改派" in do(admin, moves[-1].split(f"{item}/")[1], person=people["wangfang"], reason="请假")
    do(hr, "approve", opinion="同意")
    assert "已收回" in do(hr, "withdraw", reason="看错了")
    assert "更多" in hr.get(f"/items/{item}").text


def test_withdraw_of_a_submitted_form_on_its_page(office: Office) -> None:
    """撤回 (withdraw): the page of what I submitted offers it until the next one decides; then the form is open again, filled in."""
    approval = office.talked(office.case())
    hr, signer = office.browser("wangfang", "zh-CN"), office.browser("zhaominhua", "zh-CN")
    [talk] = [item for item in items_of(office, approval) if item != approval]
    assert "add-row" not in (submitted := hr.get(f"/items/{talk}").text) and "添加一行" not in submitted
    assert "withdraw" in offered(hr.get(f"/items/{talk}").text) and "withdraw" not in signer.get(f"/items/{talk}").text
    assert "撤回您在此处最近一次" in hr.get(f"/items/{talk}/withdraw").text
    page = office.post(hr, f"/items/{talk}/withdraw", {"reason": "日期写错"}, follow_redirects=True).text
    assert "已收回" in page and 'value="2026-11-24"' in page and "withdraw" not in offered(page) and "撤回" in page
    gone = office.post(signer, f"/items/{approval}/approve", {"opinion": "同意"})
    assert gone.status_code == 409 and "不再" in gone.text
    form = {"decision": "proceed", "on": "2026-11-25"}
    assert office.post(hr, f"/items/{talk}/complete", form).status_code == 302
    office.post(signer, f"/items/{items_of(office, approval)[-1]}/approve", {"opinion": "同意"})
    assert "withdraw" not in offered(hr.get(f"/items/{talk}").text)
    late = office.post(hr, f"/items/{talk}/withdraw", {"reason": "日期写错"})
    assert late.status_code == 409 and "赵敏华已在此基础上办理" in late.text


def items_of(office: Office, item: str) -> list[str]:
    """Ids of the work items of an item's case, in the order in which they were opened."""
    case = sa.select(WorkItem.case_id).where(WorkItem.id == item).scalar_subquery()
    with office.services.database.reading() as connection:
        return list(connection.execute(sa.select(WorkItem.id).where(WorkItem.case_id == case).order_by(WorkItem.opened_at)).scalars())


def test_a_return_says_what_is_lost_and_the_old_round_counts_no_more(office: Office) -> None:
    """The second signer sees both ways back, takes the first, and the first signer finds the old round and the reason."""
    item = office.talked(office.case())
    first, second = office.browser("zhaominhua", "zh-CN"), office.browser("sunzhiyuan", "zh-CN")
    office.post(first, f"/items/{item}/approve", {"opinion": "同意"})
    assert offered(first.get(f"/items/{item}").text) == {"withdraw", "urge", "copy"}
    page = second.get(f"/items/{item}/return").text
    assert "部门负责人审批" in page and "面谈记录" in page
    [step, element, begun] = re.findall(r'name="to" value="([a-z]+:\w+)"', page)
    assert (element, begun) == ("element:talk", "element:start")
    sent = {"to": step, "reason": "材料不全", "request_id": "twice"}
    for _ in range(2):
        assert office.post(second, f"/items/{item}/return", sent).status_code == 302
    page = first.get(f"/items/{item}").text
    assert "第 2 轮" in page and "不再计入（由 孙志远 退回）" in page and "材料不全" in page


def test_the_initiator_urges_from_the_case_page_and_is_told_when_it_is_too_soon(office: Office) -> None:
    """The page of the case leads there; the second time the page says who urged and from when it can be done again."""
    case = office.case()
    item = office.talked(case)
    initiator = office.browser("chenli", "zh-CN")
    assert f'href="/items/{item}/urge"' in initiator.get(f"/cases/{case}").text
    assert "办理时限不变" in initiator.get(f"/items/{item}/urge").text
    assert office.post(initiator, f"/items/{item}/urge", {"reason": "请尽快"}).status_code == 302
    assert "请尽快" in initiator.get(f"/cases/{case}").text
    again = office.post(initiator, f"/items/{item}/urge", {})
    assert again.status_code == 409 and "陈立 已于" in again.text and "后可再次催办" in again.text


def test_withdraw_of_a_return_on_the_page_and_by_a_program(office: Office) -> None:
    """撤回 (withdraw): whoever returned the work finds it on its page, also where the item was left."""
    item = office.talked(office.case())
    signer = office.browser("zhaominhua", "zh-CN")
    token = office.app.test_client().post("/api/v1/session", json={"login": "zhaominhua", "password": PASSWORD}).json["token"]
    own = {"Authorization": f"Bearer {token}"}
    for to in ("element:talk", "element:start"):
        assert office.post(signer, f"/items/{item}/return", {"to": to, "reason": "缺少培训记录"}).status_code == 302, to
        page = signer.get(f"/items/{item}").text
        assert "withdraw" in offered(page) and "return" not in offered(page)
        assert "withdraw" not in offered(office.browser("wangfang").get(f"/items/{item}").text)
        if to == "element:talk":
            assert office.post(signer, f"/items/{item}/withdraw", {"reason": "误操作"}).status_code == 302
        else:
            assert signer.post(f"/api/v1/items/{item}/withdraw", json={}, headers=own).status_code == 204
        assert "return" in offered(signer.get(f"/items/{item}").text)
