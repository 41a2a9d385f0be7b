"""The pages in a real browser: nothing serious for axe, nothing wider than a phone, script comforts that work."""

from pathlib import Path
from urllib.parse import unquote_plus

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import back_with, is_complaint
from playwright.sync_api import Browser, Page, expect
from web_office import PASSWORD, Office, with_a_term

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))

#: what a thumb must hit and is lower than 44 px
_SMALL = """
[...document.querySelectorAll('main button, main .btn, .mainnav a, main select, main textarea, main input')]
  .filter((each) => !['checkbox', 'radio', 'hidden'].includes(each.type))
  .filter((each) => each.offsetParent && !each.closest('.visually-hidden') && each.getBoundingClientRect().height < 44)
  .filter((each) => !each.classList.contains('visually-hidden'))
  .map((each) => each.outerHTML)
"""


_ACTS = ("activate", "suspend", "resume")


def _open(chromium: Browser, address: str, login: str, width: int = 1280) -> Page:
    """A page of somebody who logged in; whatever the console complains about fails the test at its end."""
    context = chromium.new_context(viewport={"width": width, "height": 844}, locale="zh-CN", base_url=address)
    page = context.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) and "422" not in said.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints  # type: ignore[attr-defined]
    page.goto("/log-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url("**/inbox")
    return page


def _sound(page: Page) -> None:
    assert page.complaints == []  # type: ignore[attr-defined]
    page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious_and_nothing_sticks_out(office: Office, address: str, chromium: Browser, width: int) -> None:
    """Every page, at a desk and on a phone: no serious finding, no sideways scrolling, buttons large enough for thumbs."""
    case, talked = office.case(), office.case()
    approval = office.talked(talked)
    office.usage.refuses = True
    office.case(), office.case()
    office.usage.refuses = False
    visits = {
        "wangfang": [
            "/inbox",
            "/inbox/group?sort=newest",
            "/inbox/standing-in",
            "/inbox/sent",
            "/inbox/done",
            "/cases",
            f"/cases/{case}",
            f"/items/{office.open_item(case)}",
            "/account",
            "/nowhere",
        ],
        "zhaominhua": [f"/cases/{talked}", f"/items/{approval}"],
        "chenli": ["/start/office", f"/start/office/{office.people['linxiaobei']}"],
        "admin": [
            "/incidents",
            f"/cases/{with_a_term(office)}",
            "/procedures",
            "/procedures/office",
            *(f"/procedures/office/versions/1/{act}" for act in _ACTS),
        ],
    }
    for login, addresses in visits.items():
        page = _open(chromium, address, login, width)
        for each in addresses:
            page.goto(each)
            page.evaluate("document.querySelectorAll('main details').forEach((part) => (part.open = true))")
            serious = [found for found in Axe().run(page).response["violations"] if found["impact"] in ("serious", "critical")]
            assert not serious, (each, [(found["id"], found["nodes"][0]["html"]) for found in serious])
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), each
            if width == 390:
                small = page.evaluate(_SMALL)
                assert not small, (each, small)
        page.context.close()


def test_the_log_in_page_is_sound_and_a_demo_account_is_one_tap_away(address: str, chromium: Browser) -> None:
    """axe finds nothing serious before the log-in; tapping a demo account opens its inbox."""
    page = chromium.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN", base_url=address).new_page()
    page.goto("/log-in")
    assert not [found for found in Axe().run(page).response["violations"] if found["impact"] in ("serious", "critical")]
    page.get_by_role("button", name="王芳").click()
    expect(page.get_by_role("heading", name="待办")).to_be_visible()
    page.context.close()


def test_keys_lead_through_the_inbox(office: Office, address: str, chromium: Browser) -> None:
    """j and k go along the rows, Enter opens, / searches, a and r lead to their buttons, n goes on; typing is left alone."""
    approval = office.talked(office.case())
    office.case(), office.case()
    page = _open(chromium, address, "wangfang")
    page.goto("/inbox/group")
    rows = page.locator("#list .row-link")
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/items/*")
    opened = page.url
    page.keyboard.press("n")
    page.wait_for_url(lambda url: "/items/" in url and url != opened)
    page.goto("/inbox/group")
    page.keyboard.press("/")
    page.keyboard.type("j?n")
    expect(page.locator("#search")).to_have_value("j?n")
    expect(page.locator("#keys")).to_be_hidden()
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    serious = [found for found in Axe().run(page).response["violations"] if found["impact"] in ("serious", "critical")]
    assert not serious
    page.get_by_label("在本浏览器中启用快捷键").uncheck()
    page.get_by_role("button", name="关闭").click()
    page.keyboard.press("j")
    expect(page.locator("#list .row-link:focus")).to_have_count(0)
    _sound(page)
    page = _open(chromium, address, "zhaominhua")
    page.goto(f"/items/{approval}")
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="驳回")).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="同意", exact=True)).to_be_focused()
    _sound(page)


def test_a_condition_shows_its_field_while_one_types_and_nothing_is_lost(office: Office, address: str, chromium: Browser) -> None:
    """Choosing 停止 brings the field for the reason; what was typed elsewhere stays; a reload finds the draft."""
    item = office.open_item(office.case())
    page = _open(chromium, address, "wangfang", 390)
    page.goto(f"/items/{item}")
    expect(page.get_by_label("停止理由")).to_be_hidden()
    page.get_by_label("时长").fill("45")
    page.get_by_label("停止", exact=True).check()
    expect(page.get_by_label("停止理由")).to_be_visible()
    page.get_by_label("停止理由").fill("证据不足，先培训")
    with page.expect_response(lambda answer: "证据不足" in unquote_plus(answer.request.post_data or "")):
        page.get_by_label("时长").focus()
    expect(page.locator("#saved")).to_contain_text("暂存")
    expect(page.get_by_label("时长")).to_have_value("45")
    page.reload()
    expect(page.get_by_label("停止理由")).to_have_value("证据不足，先培训")
    _sound(page)


def test_what_was_typed_last_is_saved_when_the_page_is_left(office: Office, address: str, chromium: Browser) -> None:
    """Nobody has to wait for the quiet save: who leaves in the middle of a word finds all of it again."""
    page = _open(chromium, address, "wangfang", width=390)
    item = office.open_item(office.case())
    page.goto(f"/items/{item}")
    page.locator("[name=minutes]").press_sequentially("说到一半")
    page.goto("/inbox")
    page.goto(f"/items/{item}")
    back_with(page.locator("[name=minutes]"), "说到一半")
    _sound(page)


def test_what_a_failed_save_could_not_keep_is_saved_when_the_page_is_put_aside(office: Office, address: str, chromium: Browser) -> None:
    """A quiet save that was lost on the way is not forgotten: what it carried goes once more."""
    page = _open(chromium, address, "wangfang", width=390)
    item = office.open_item(office.case())
    page.goto(f"/items/{item}")
    page.route("**/draft", lambda route: route.abort())
    page.get_by_label("时长").fill("说到一半")
    page.get_by_label("面谈日期").focus()
    expect(page.locator("#saved")).to_contain_text("暂存失败")
    page.unroute("**/draft")
    with page.expect_response("**/draft") as kept:
        page.evaluate("Object.defineProperty(document, 'hidden', { value: true }), document.dispatchEvent(new Event('visibilitychange'))")
    assert kept.value.status == 200
    page.reload()
    expect(page.get_by_label("时长")).to_have_value("说到一半")
    page.context.close()


def test_rows_and_files_work_without_leaving_the_page(office: Office, address: str, chromium: Browser, tmp_path: Path) -> None:
    """A row is added in place, a chosen file is stored at once, and the form completes with both."""
    photo = tmp_path / "谈话.png"
    photo.write_bytes(PNG)
    case = office.case()
    item = office.open_item(case)
    page = _open(chromium, address, "wangfang")
    page.goto(f"/items/{item}")
    page.get_by_label("继续", exact=True).check()
    page.get_by_label("面谈日期").fill("2026-11-24")
    page.get_by_role("button", name="添加一行").click()
    page.get_by_label("姓名").fill("何秀兰")
    page.get_by_label("附件").set_input_files(photo)
    expect(page.get_by_role("link", name="谈话.png").first).to_be_visible()
    expect(page.get_by_label("姓名")).to_have_value("何秀兰")
    page.get_by_role("button", name="提交", exact=True).click()
    page.wait_for_url("**/inbox")
    expect(page.get_by_text("已提交，事项继续流转")).to_be_visible()
    page.goto(f"/cases/{case}")
    expect(page.get_by_role("link", name="谈话.png").first).to_be_visible()
    _sound(page)


def test_an_error_summary_takes_the_focus_and_leads_to_the_field(office: Office, address: str, chromium: Browser) -> None:
    """With the keyboard alone: submit, land on the summary, follow its link into the field."""
    item = office.open_item(office.case())
    page = _open(chromium, address, "wangfang")
    page.goto(f"/items/{item}")
    page.get_by_role("button", name="提交", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#error-summary")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("面谈日期")).to_be_focused()
    _sound(page)


def test_the_case_page_follows_the_systems_by_itself(office: Office, address: str, chromium: Browser) -> None:
    """A page opened while systems are asked shows the next step without a reload by hand."""
    client, headers = office.program("chenli")
    sent = {"procedure": "office", "subject": office.people["linxiaobei"], "values": {"what": "上班玩手机", "kind": "phone"}}
    case = client.post("/api/v1/cases", json=sent, headers=headers).json["case_id"]
    page = _open(chromium, address, "chenli")
    page.goto(f"/cases/{case}")
    expect(page.get_by_text("正在与外部系统通信")).to_be_visible()
    office.run_jobs()
    expect(page.locator("#live").get_by_text("面谈记录")).to_be_visible()
    expect(page.get_by_text("正在与外部系统通信")).to_be_hidden()
    _sound(page)


def test_the_search_narrows_the_list_while_typing(office: Office, address: str, chromium: Browser) -> None:
    """Typing in the search replaces the list alone and keeps the address, so that a reload shows the same."""
    office.case()
    page = _open(chromium, address, "wangfang")
    page.goto("/inbox/group")
    page.get_by_role("searchbox").type("没有这个人")
    expect(page.get_by_text("没有符合条件的待办")).to_be_visible()
    assert "search=" in page.url
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("没有这个人")
    _sound(page)


def test_a_save_that_fails_in_the_background_is_not_silent(office: Office, address: str, chromium: Browser) -> None:
    """When somebody else completed the item meanwhile, the next quiet save says that nothing was saved."""
    case = office.case()
    item = office.open_item(case)
    page = _open(chromium, address, "wangfang")
    page.goto(f"/items/{item}")
    office.talked(case)
    page.get_by_label("时长").fill("45")
    page.get_by_label("面谈日期").focus()
    expect(page.locator("#saved")).to_contain_text("暂存失败")
    expect(page.get_by_label("时长")).to_have_value("45")
    page.context.close()


def test_a_log_in_that_ended_while_typing_costs_nothing(office: Office, address: str, chromium: Browser) -> None:
    """Submitting without a session keeps the page and its text and leads to a log-in in a new tab; then the same click works."""
    item = office.open_item(office.case())
    page = _open(chromium, address, "wangfang", 390)
    page.goto(f"/items/{item}")
    page.get_by_label("继续", exact=True).check()
    page.get_by_label("面谈日期").fill("2026-11-24")
    page.get_by_label("时长").fill("45")
    page.context.clear_cookies(name="partwell_session")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="登录已过期")).to_be_focused()
    expect(page.get_by_label("时长")).to_have_value("45")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="在新标签页登录").click()
    door = opened.value
    door.fill("#login", "wangfang")
    door.fill("#password", PASSWORD)
    door.get_by_role("button", name="登录", exact=True).click()
    door.wait_for_url("**/inbox")
    page.get_by_role("button", name="提交", exact=True).click()
    page.wait_for_url("**/inbox")
    expect(page.get_by_text("已提交，事项继续流转")).to_be_visible()
    page.context.close()


def test_a_report_sent_again_still_has_its_file(office: Office, address: str, chromium: Browser, tmp_path: Path) -> None:
    """A mistake in the report is shown in place; the chosen file stays chosen and goes with the corrected report."""
    proof = tmp_path / "工单截图.png"
    proof.write_bytes(PNG)
    page = _open(chromium, address, "chenli")
    page.goto(f"/start/office/{office.people['linxiaobei']}")
    page.get_by_label("发生了什么").fill("短")
    page.get_by_label("类别").select_option("phone")
    page.get_by_label("附件").set_input_files(proof)
    page.get_by_role("button", name="提交").click()
    expect(page.locator("#error-summary")).to_be_focused()
    page.get_by_label("发生了什么").fill("上班玩手机、学习能力差")
    page.get_by_role("button", name="提交").click()
    page.wait_for_url("**/cases/*")
    expect(page.get_by_role("link", name="工单截图.png").first).to_be_visible()
    _sound(page)


def test_who_comes_too_late_reads_who_was_faster_and_keeps_the_text(office: Office, address: str, chromium: Browser) -> None:
    """An opinion typed while somebody else decided stays in its field beside the name of who was faster."""
    case = office.case()
    item = office.open_item(case)
    page = _open(chromium, address, "wangfang")
    page.goto(f"/items/{item}")
    office.talked(case)
    page.get_by_label("时长").fill("45")
    page.get_by_label("继续", exact=True).check()
    page.get_by_label("面谈日期").fill("2026-11-24")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="王芳")).to_be_visible()
    expect(page.get_by_label("时长")).to_have_value("45")
    page.get_by_role("link", name="查看进展").click()
    expect(page.get_by_text("办理完成").first).to_be_visible()
    page.context.close()


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(office: Office, address: str, chromium: Browser, tmp_path: Path) -> None:
    """The page names the limit, keeps what was typed, and sends nothing."""
    large = tmp_path / "录像.png"
    with large.open("wb") as file:
        file.truncate((office.services.settings.upload_limit + 1) * 1024 * 1024)
    page = _open(chromium, address, "wangfang")
    page.goto(f"/items/{office.open_item(office.case())}")
    page.get_by_label("时长").fill("45")
    page.get_by_label("附件").set_input_files(large)
    expect(page.get_by_role("alert").filter(has_text="单个文件不超过")).to_be_focused()
    expect(page.get_by_label("时长")).to_have_value("45")
    assert page.get_by_label("附件").evaluate("input => input.files.length") == 0
    _sound(page)


def test_the_counts_follow_while_the_page_is_looked_at(office: Office, address: str, chromium: Browser) -> None:
    """Every twenty seconds; while it lies behind others nothing is asked, and unchanged counts are left alone."""
    page = _open(chromium, address, "wangfang")
    page.clock.install()
    page.goto("/inbox/group")
    count = page.locator("#tabs [aria-current] .count")
    before = int(count.inner_text())
    asked: list[int] = []
    page.on("response", lambda answer: asked.append(answer.status) if "/inbox/tabs" in answer.url else None)
    with page.expect_response("**/inbox/tabs?*"):
        page.clock.fast_forward(20_000)
    assert asked == [204]
    office.case()
    page.evaluate("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})")
    page.clock.fast_forward(60_000)
    assert asked == [204]
    page.evaluate("delete document.hidden")
    page.clock.fast_forward(20_000)
    expect(count).to_have_text(str(before + 1))
    assert asked == [204, 200]
    _sound(page)
