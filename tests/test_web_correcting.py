"""退回发起人 on a phone: the initiator sees who sent it back and why, corrects the report and sends it again."""

from __future__ import annotations

from browser import PHONE, Visitor
from playwright.sync_api import Browser, expect
from web_office import PASSWORD, Office


def test_return_to_the_initiator_on_a_phone(office: Office, address: str, chromium: Browser) -> None:
    """退回 (return) to the initiator: chosen among the targets; the report comes back prefilled with the reason above it."""
    case = office.case()
    item = office.talked(case)
    head, boss = (Visitor(chromium, address, login, PASSWORD, PHONE) for login in ("zhaominhua", "chenli"))
    head.page.goto(f"/items/{item}/return")
    head.page.get_by_text("由发起人更正内容后重新提交").click()
    head.look("return-to-initiator")
    head.write("原因", "请写明时间")
    head.page.get_by_role("button", name="退回", exact=True).click()
    boss.page.goto("/inbox")
    boss.page.get_by_role("link", name="提报").filter(has_text="林小北").first.click()
    expect(boss.page.get_by_text("赵敏华已退回")).to_be_visible()
    expect(boss.page.get_by_text("请写明时间").first).to_be_visible()
    boss.look("corrected-report")
    what = boss.page.get_by_role("textbox").first
    assert what.input_value() == "上班玩手机、学习能力差"
    what.fill("11 月 23 日上班玩手机、学习能力差")
    boss.page.locator("#work button.btn-primary").click()
    expect(boss.page.get_by_text("请写明时间")).to_have_count(0)
    office.run_jobs()
    client, own = office.program("sunzhiyuan")
    told = client.get(f"/api/v1/cases/{case}", headers=own).json
    assert [step["element"] for step in told["open"]] == ["talk"]
    assert told["variables"]["what"].startswith("11 月")
