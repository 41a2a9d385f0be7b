"""What lets other programs in, made on pages: a token by an administrator, a calendar's address by anybody on their phone."""

from __future__ import annotations

from browser import DESK, PHONE, Visitor
from playwright.sync_api import Browser, expect
from web_office import PASSWORD, Office


def test_an_administrator_makes_a_token_and_revokes_it(office: Office, address: str, chromium: Browser) -> None:
    """First a person for the program; then the token, shown once; then revoked."""
    admin = Visitor(chromium, address, "admin", PASSWORD, DESK)
    page = admin.page
    page.goto("/people/tokens")
    admin.reads("还没有程序令牌")
    page.goto("/people/edit/persons")
    admin.write("姓名", "考勤系统")
    admin.write("工号", "SYS-1")
    admin.write("原因", "接入考勤系统")
    page.get_by_role("button", name="保存").click()
    page.goto("/people/tokens")
    admin.look("tokens-empty")
    admin.write("使用令牌的程序", "考勤同步")
    page.get_by_label("以谁的身份").select_option(label="考勤系统 SYS-1")
    page.get_by_text("发起事项").first.click()
    page.get_by_role("button", name="生成令牌").click()
    admin.reads("请立即复制令牌", "partwell.")
    admin.look("token-made")
    page.get_by_role("button", name="吊销").click()
    admin.reads("已吊销，令牌立即失效。")
    expect(page.get_by_role("button", name="吊销")).to_have_count(0)
    admin.look("token-revoked")
    admin.leave()


def test_somebody_gives_their_calendar_program_an_address(office: Office, address: str, chromium: Browser) -> None:
    """From 我的 on the phone; the address answers at once, and is not shown again."""
    hr = Visitor(chromium, address, "wangfang", PASSWORD, PHONE)
    hr.page.goto("/account")
    hr.page.get_by_role("link", name="日历订阅").click()
    hr.look("calendar")
    hr.page.get_by_role("button", name="生成订阅地址").click()
    hr.look("calendar-made")
    made = hr.page.locator(".secret code").inner_text()
    assert hr.page.request.get(address + made.partition("/calendar/")[1] + made.partition("/calendar/")[2]).status == 200
    hr.page.goto("/account/calendar")
    expect(hr.page.locator(".secret")).to_have_count(0)
    hr.leave()
