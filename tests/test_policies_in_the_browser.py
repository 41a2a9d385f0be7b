"""Something between the browser and the server takes the scripts of the editors out, or what they need: the page says what to do."""

from __future__ import annotations

import pytest
from browser import DESK, Visitor
from modelled import shipped
from playwright.sync_api import Browser, Route, expect
from web_office import PASSWORD, Office

#: a file for each editor: diagram, decision tables, form, letter
FILES = ["termination.bpmn", "law-check.dmn", "forms/report.form", "letters/notice.html"]
_LANGUAGES = {"中文": ("编辑器尚未启动", "以文本方式编辑"), "English": ("The editor did not start.", "Edit as text")}


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    return shipped(office)


def owner(address: str, chromium: Browser, policy: str, language: str) -> Visitor:
    """A process owner whose pages of editors come with another policy."""

    def rewritten(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    visitor = Visitor(chromium, address, "sunzhiyuan", PASSWORD, DESK)
    visitor.page.goto("/account")
    visitor.page.get_by_role("main").get_by_role("button", name=language, exact=True).click()
    visitor.page.route("**/edit/**", rewritten)
    return visitor


@pytest.mark.parametrize("language", _LANGUAGES)
@pytest.mark.parametrize("policy", ["script-src 'none'", "default-src 'none'"])
def test_an_editor_whose_script_is_forbidden_says_so(office: Office, address: str, chromium: Browser, policy: str, language: str) -> None:
    """Each says in the person's language what forbids it and what to do, and leads to the text, which needs no script."""
    visitor = owner(address, chromium, policy, language)
    told, link = _LANGUAGES[language]
    for path in FILES:
        visitor.page.goto(f"/studio/termination/edit/{path}")
        said = visitor.page.locator("[data-silent]")
        expect(said).to_be_visible(timeout=10_000)
        expect(said).to_contain_text(told)
        expect(said).to_contain_text("Content-Security-Policy")
        said.get_by_role("link", name=link).click()
        expect(visitor.page.locator("textarea[name=text]")).to_have_count(1)
    visitor.page.context.close()


def test_an_editor_that_may_not_ask_the_server_says_so(office: Office, address: str, chromium: Browser) -> None:
    """Where the scripts run and cannot load the file, the page names what is forbidden, and offers to try again and the text."""
    visitor = owner(address, chromium, "connect-src 'none'", "中文")
    for path in FILES:
        visitor.page.goto(f"/studio/termination/edit/{path}")
        said = visitor.page.locator(".studio-broken")
        expect(said).to_contain_text("connect-src", timeout=15_000)
        expect(said).to_contain_text("安全策略")
        expect(said.get_by_role("link", name="重试")).to_be_visible()
        said.get_by_role("link", name="以文本方式打开").click()
        expect(visitor.page.locator("textarea[name=text]")).to_have_count(1)
    visitor.page.context.close()
