"""Signers at work on a phone, in Chinese: the verbs one taps, each page looked at by axe."""

from __future__ import annotations

from browser import PHONE, Visitor, back_with
from playwright.sync_api import Browser, expect
from web_office import PASSWORD, Office


def more(visitor: Visitor, verb: str) -> None:
    """Open the sheet and choose."""
    visitor.page.locator("summary", has_text="更多").click()
    visitor.look(f"sheet-{verb}")
    press(visitor, verb)
    visitor.page.get_by_role("heading", name=verb, level=1).wait_for()


def find(visitor: Visitor, name: str) -> None:
    """Search for somebody by name and choose them."""
    visitor.page.get_by_label("搜索姓名或工号").fill(name)
    choice = visitor.page.locator(".pick", has_text=name)
    expect(visitor.page.locator(".pick").filter(has=visitor.page.locator("input:not(:checked)"))).to_have_count(1)
    choice.click()


def press(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_role("button", name=name, exact=True).click()


def test_signers_add_pass_on_return_and_approve_on_a_phone(office: Office, address: str, chromium: Browser) -> None:
    """Add a signer, who approves; approve; the next returns it; it is signed again and passed on; whoever has it approves."""
    case = office.case()
    item = office.talked(case)
    people = {login: Visitor(chromium, address, login, PASSWORD, PHONE) for login in ("zhaominhua", "zhengwenbo", "sunzhiyuan", "wangfang")}
    head, counsel, director, hr = people.values()

    head.page.goto(f"/items/{item}")
    head.look("item-open")
    more(head, "加签")
    find(head, "郑文博")
    head.page.get_by_text("前加签").click()
    head.write("原因", "请法务把关")
    head.look("add-signers")
    press(head, "加签")
    head.reads("已加签。", "加签（前），由 赵敏华 发起")
    head.look("item-waiting")

    counsel.page.goto(f"/items/{item}")
    counsel.write("意见", "依据充分")
    press(counsel, "同意")
    counsel.page.wait_for_url("**/inbox")
    head.page.goto(f"/items/{item}")
    head.reads("依据充分")
    press(head, "同意")
    head.page.wait_for_url("**/inbox")

    director.page.goto(f"/items/{item}")
    more(director, "退回")
    director.page.get_by_text("部门负责人审批").click()
    director.write("原因", "缺少培训记录")
    director.look("return")
    press(director, "退回")
    director.page.wait_for_url("**/inbox")
    director.reads("已退回，退回原因已留存。")

    head.page.goto(f"/items/{item}")
    head.reads("第 2 轮", "缺少培训记录")
    expect(head.page.get_by_text("不再计入（由 孙志远 退回）").first).to_be_visible()
    head.look("item-second-round")
    press(head, "同意")
    head.page.wait_for_url("**/inbox")

    director.page.goto(f"/items/{item}")
    more(director, "转办")
    find(director, "王芳")
    director.look("pass-on")
    press(director, "转办")
    director.page.wait_for_url("**/inbox")
    hr.page.goto(f"/items/{item}")
    hr.reads("转办自 孙志远")
    press(hr, "同意")
    hr.page.wait_for_url("**/inbox")
    hr.page.goto(f"/items/{item}")
    hr.look("item-done")
    hr.page.goto(f"/cases/{case}")
    hr.page.get_by_role("link", name="审批单").click()
    hr.reads("不再计入（由 孙志远 退回）", "核验码")
    hr.look("record")
    hr.page.goto(f"/check/{hr.page.locator('code').first.inner_text()}")
    hr.reads("核验码有效")
    hr.look("check")
    for visitor in people.values():
        visitor.leave()


def test_the_initiator_urges_on_a_phone(office: Office, address: str, chromium: Browser) -> None:
    """From the page of the case, with words of their own; they stand in the timeline."""
    case = office.case()
    office.talked(case)
    initiator = Visitor(chromium, address, "chenli", PASSWORD, PHONE)
    initiator.page.goto(f"/cases/{case}")
    initiator.page.get_by_role("link", name="催办").click()
    initiator.write("原因", "月底前须办结")
    initiator.look("urge")
    press(initiator, "催办")
    initiator.reads("已催办，已通知当前处理人。", "月底前须办结")
    initiator.look("urged")
    initiator.leave()


def test_a_written_opinion_is_still_there_after_more(office: Office, address: str, chromium: Browser) -> None:
    """草稿 (draft): an opinion typed on a phone survives a look at 更多 and at other pages, for its writer alone; then it is given."""
    item = office.talked(office.case())
    head = Visitor(chromium, address, "zhaominhua", PASSWORD, PHONE)
    head.page.goto(f"/items/{item}")
    opinion = head.page.get_by_role("textbox", name="意见")
    opinion.type("依据充分，程序")
    more(head, "加签")
    head.page.get_by_role("link", name="不操作，返回").click()
    back_with(opinion, "依据充分，程序")
    opinion.fill("依据充分，程序完备")
    head.page.get_by_role("link", name="待办", exact=True).last.click()
    head.page.wait_for_url("**/inbox")
    head.page.goto(f"/items/{item}")
    back_with(opinion, "依据充分，程序完备")
    head.look("item-with-opinion-kept")
    press(head, "同意")
    head.page.wait_for_url("**/inbox")
    director = Visitor(chromium, address, "sunzhiyuan", PASSWORD, PHONE)
    director.page.goto(f"/items/{item}")
    director.reads("依据充分，程序完备")
    expect(director.page.get_by_role("textbox", name="意见")).to_have_value("")
    for visitor in (head, director):
        visitor.leave()


def test_a_substitute_is_set_for_open_work_on_a_phone(office: Office, address: str, chromium: Browser) -> None:
    """Name a substitute, choose what is open now, and the substitute signs it in one's place; then the record is printed."""
    case = office.case()
    item = office.talked(case)
    head, counsel = (Visitor(chromium, address, login, PASSWORD, PHONE) for login in ("zhaominhua", "zhengwenbo"))
    head.page.goto("/account")
    head.page.get_by_role("link", name="我的代理人").click()
    head.look("substitutes")
    head.page.get_by_label("搜索姓名或工号").fill("郑文博")
    head.page.locator(".pick", has_text="郑文博").click()
    head.page.get_by_text("同时选择当前待签事项").click()
    press(head, "确认设置")
    head.page.get_by_role("heading", name="当前的待签事项").wait_for()
    head.look("substitutes-open")
    press(head, "交由代理人")
    head.look("substitute-set")

    counsel.page.goto(f"/items/{item}")
    counsel.reads("（代 赵敏华）")
    counsel.look("item-of-substitute")
    press(counsel, "同意")
    counsel.page.wait_for_url("**/inbox")
    head.page.goto(f"/cases/{case}/approvals")
    head.reads("核验码")
    head.look("record-narrow")
    printed = head.page.context.request.get(str(head.page.get_by_role("link", name="PDF").get_attribute("href")))
    assert printed.ok and printed.body().startswith(b"%PDF")
    for visitor in (head, counsel):
        visitor.leave()


def test_withdraw_of_a_submitted_form_on_a_phone(office: Office, address: str, chromium: Browser) -> None:
    """撤回 (withdraw): on the page of what was submitted, one tap and a reason; the form is open again with what was in it."""
    office.talked(office.case())
    hr = Visitor(chromium, address, "wangfang", PASSWORD, PHONE)
    hr.page.goto("/inbox/done")
    hr.page.get_by_role("link", name="面谈记录").first.click()
    hr.look("submitted")
    hr.page.get_by_role("link", name="撤回", exact=True).click()
    hr.write("原因", "日期写错")
    hr.look("withdraw")
    press(hr, "撤回")
    expect(hr.page.get_by_label("面谈日期")).to_have_value("2026-11-24")
    hr.look("withdrawn")
    assert hr.complaints == []
