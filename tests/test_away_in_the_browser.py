"""The connection is cut while somebody draws: each editor says so in Chinese, and goes on by itself when it is back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from browser import DESK, PHONE, Visitor
from modelled import Drawer, shipped
from playwright.sync_api import Browser, Page, expect
from web_office import PASSWORD, Office

AWAY = "连接不到服务器，恢复后自动继续。"
EDIT = "/studio/termination/edit/{}"


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    """With the shipped procedure."""
    return shipped(office)


@pytest.fixture
def owner(office: Office, address: str, chromium: Browser) -> Iterator[Drawer]:
    """Who draws at a desk; nothing may have been complained about but the connection."""
    visitor = Visitor(chromium, address, "sunzhiyuan", PASSWORD, DESK)
    yield Drawer(visitor)
    visitor.complaints = [said for said in visitor.complaints if "ERR_INTERNET_DISCONNECTED" not in said]
    visitor.leave()


@contextmanager
def cut(page: Page) -> Iterator[None]:
    """No connection meanwhile."""
    page.context.set_offline(True)
    try:
        yield
    finally:
        page.context.set_offline(False)


def test_a_letter_is_printed_and_checked_again(owner: Drawer) -> None:
    """The preview says what is the matter, and is whole again without a letter more being typed."""
    owner.open(EDIT.format("letters/certificate.html"))
    page = owner.page
    expect(page.locator(".letter-pages:not([aria-busy]) img").first).to_be_visible(timeout=30_000)
    with cut(page):
        page.locator(".letter-sheet").get_by_text("兹证明").first.click()
        page.keyboard.type("经确认，")
        expect(page.locator(".letter-problems")).to_have_text(AWAY)
        expect(page.locator(".studio-findings")).to_contain_text("暂时无法检查")
    owner.saved()
    expect(page.locator(".letter-pages.is-old")).to_have_count(0, timeout=30_000)
    expect(page.locator(".letter-problems")).not_to_contain_text(AWAY)
    expect(page.locator(".studio-findings")).not_to_contain_text("暂时无法检查")


def test_a_table_is_analysed_again(owner: Drawer) -> None:
    """The analysis waits for the connection."""
    owner.open(EDIT.format("references.dmn"))
    page = owner.page
    analysis = page.get_by_role("complementary", name="规则分析")
    expect(analysis).not_to_contain_text("正在分析")
    with cut(page):
        owner.ask("studio.analysis.soon(0)")
        expect(analysis).to_contain_text(AWAY)
    expect(analysis).not_to_contain_text(AWAY)


def test_a_form_is_tried_again(owner: Drawer) -> None:
    """In place of the browser's own page about the connection stands one sentence, and then the form again."""
    owner.open(EDIT.format("forms/statement.form"))
    page = owner.page
    page.get_by_role("tab", name="预览").click()
    preview = page.frame_locator(".studio-phone")
    expect(preview.get_by_role("button", name="检查填写内容")).to_be_visible()
    with cut(page):
        preview.get_by_role("button", name="检查填写内容").click()
        expect(page.get_by_text(AWAY)).to_be_visible()
        expect(page.locator(".studio-phone")).to_be_hidden()
    expect(preview.get_by_role("button", name="检查填写内容")).to_be_visible()
    expect(page.get_by_text(AWAY)).to_be_hidden()


def test_on_a_phone_the_graph_of_decisions_is_seen_whole(office: Office, address: str, chromium: Browser) -> None:
    """Every decision of the shipped graph lies on the screen when it is opened."""
    reader = Visitor(chromium, address, "sunzhiyuan", PASSWORD, PHONE)
    Drawer(reader).open(EDIT.format("law-check.dmn"))
    drawn = reader.page.locator(".dmn-drd-container .djs-shape .djs-visual")
    expect(drawn.first).to_be_visible()
    boxes = [box for each in drawn.all() if (box := each.bounding_box())]
    # a line is drawn half beside its place
    assert len(boxes) > 2 and all(box["x"] >= -1 and box["x"] + box["width"] <= PHONE + 1 for box in boxes)
    reader.look("decisions-phone")
    reader.leave()
