"""A real Chromium for the tests, and a person who works in it: every page they look at is checked."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

DESK, PHONE = 1280, 390
#: reason of a skipped browser test; `conftest.py` repeats it loudly at the end
NO_BROWSER = "no Chromium is installed (package chromium), so this test did not run in a browser"
#: where pictures of every page are put, in both widths; nowhere when empty
SCREENSHOTS = os.environ.get("PARTWELL_SCREENSHOTS", "")

#: what htmx says of a quiet save that was on its way when the form itself was sent
_STOPPED = ("htmx:sendAbort", "htmx:afterRequest")

_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
_OPTIONS += ("--disable-component-update", "--disable-sync", "--lang=zh-CN")


@contextmanager
def launched() -> Iterator[Browser]:
    """The system's Chromium; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_OPTIONS))
        yield browser
        browser.close()


def is_complaint(said: ConsoleMessage) -> bool:
    """Whether a page says in the console that something went wrong."""
    return said.type == "error" and not said.text.startswith(_STOPPED)


def rest(page: Page) -> None:
    """Wait until the page is loaded and nothing of it is asked for any more."""
    page.wait_for_load_state("load")
    expect(page.locator(".htmx-request")).to_have_count(0)


def back_with(field: Locator, text: str) -> None:
    """The page has what was typed before one left it; it was sent on leaving, and may arrive after whoever is back at once."""
    for _ in range(20):
        if field.input_value() == text:
            return
        field.page.wait_for_timeout(250)
        field.page.reload()
    expect(field).to_have_value(text)


class Visitor:
    """Somebody in front of a screen, who logs in by typing."""

    def __init__(self, browser: Browser, address: str, login: str, password: str, width: int, *, javascript: bool = True) -> None:
        self.login, self.width, self.complaints = login, width, list[str]()
        screen = {"viewport": {"width": width, "height": 844}, "has_touch": width == PHONE}
        place = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "base_url": address}
        context = browser.new_context(**screen, **place, java_script_enabled=javascript)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda said: self.complaints.append(said.text) if is_complaint(said) else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        context.on("request", self._stays_here)
        self.page.goto("/log-in")
        self.page.get_by_label("账号").fill(login)
        self.page.get_by_label("密码").fill(password)
        self.page.get_by_role("button", name="登录", exact=True).click()
        self.page.wait_for_url("**/inbox")

    def _stays_here(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", None):
            self.complaints.append(f"asked {request.url}")

    def look(self, name: str) -> None:
        """Check the page: nothing serious for axe, no sideways scrolling, no complaint; and take its pictures."""
        rest(self.page)
        found = Axe().run(self.page).response["violations"]
        serious = [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")]
        assert not serious, (name, serious)
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.width, f"{name} is wider than the screen"
        assert self.complaints == [], (name, self.complaints)
        if SCREENSHOTS:
            Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
            for width in (self.width, DESK + PHONE - self.width):
                self.page.set_viewport_size({"width": width, "height": 844})
                # to hide the caret would leave a style attribute on every field, which the page's policy forbids
                self.page.screenshot(path=f"{SCREENSHOTS}/{name}-{width}.png", full_page=True, caret="initial")
            self.page.set_viewport_size({"width": self.width, "height": 844})

    def take(self, task: str) -> None:
        """Open the work item of this name from the inbox, one's own or the group's; it may come in a moment."""
        link = self.page.get_by_role("link", name=task)
        for _ in range(30):
            for address in ("/inbox", "/inbox/group"):
                self.page.goto(address)
                if link.count():
                    link.first.click()
                    self.page.get_by_role("heading", name=task, level=1).wait_for()
                    return
            self.page.wait_for_timeout(500)
        raise AssertionError(f"{self.login} has no work item {task}")

    def write(self, label: str, text: str, inside: Page | Locator | None = None) -> None:
        (inside or self.page).get_by_role("textbox", name=label, exact=True).fill(text)

    def choose(self, label: str, option: str) -> None:
        """Mark an option of a group of radio buttons or ticks."""
        group = self.page.get_by_role("group", name=label, exact=True)
        group.get_by_text(option, exact=True).click()

    def select(self, label: str, option: str, inside: Page | Locator | None = None) -> None:
        (inside or self.page).get_by_role("combobox", name=label, exact=True).select_option(label=option)

    def tick(self, label: str) -> None:
        self.page.get_by_role("checkbox", name=label, exact=True).check()

    def attach(self, label: str, file: Path) -> None:
        self.page.get_by_label(label).set_input_files(file)
        self.page.get_by_role("link", name=file.name).first.wait_for()

    def add_row(self, name: str) -> Locator:
        """The new row of the list of this name."""
        rows = self.page.get_by_role("group", name=name, exact=True).locator(".list-row")
        before = rows.count()
        self.page.get_by_role("group", name=name, exact=True).get_by_role("button", name="添加一行").click()
        expect(rows).to_have_count(before + 1)
        return rows.nth(before)

    def submit(self) -> None:
        """Press 提交 and land in the inbox, told that it went on."""
        self.page.get_by_role("button", name="提交", exact=True).click()
        expect(self.page.get_by_text("已提交，事项继续流转")).to_be_visible()

    def reads(self, *texts: str | re.Pattern[str]) -> None:
        """All these can be read on the page."""
        for text in texts:
            expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()

    def leave(self) -> None:
        """Close the browser; nothing may have been complained about."""
        assert self.complaints == [], self.complaints
        self.page.context.close()
