"""Whatever bpmn.io draws carries its mark, as its licence asks: whole, on the screen, with nothing over it."""

from __future__ import annotations

import pytest
from browser import DESK, PHONE, Visitor
from modelled import Drawer, shipped
from playwright.sync_api import Browser, expect
from web_office import PASSWORD, Office

_EDIT = "/studio/termination/edit/"
_MARK = ".bjs-powered-by:visible, .fjs-powered-by-link:visible, .powered-by:visible"
#: what lies over points of the mark, or that they are not on the screen
_HIDDEN = """
(mark) => {
  const { left, top, width, height } = mark.getBoundingClientRect();
  const points = [0.1, 0.5, 0.9].flatMap((x) => [0.1, 0.5, 0.9].map((y) => [left + x * width, top + y * height]));
  const over = points.map(([x, y]) => document.elementFromPoint(x, y)).filter((each) => !mark.contains(each));
  return over.map((each) => each?.outerHTML.slice(0, 200) ?? 'not on the screen');
}
"""


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    return shipped(office)


def bears_its_mark(seat: Drawer) -> None:
    """Exactly one mark is shown, whole, and links to bpmn.io."""
    mark = seat.page.locator(_MARK)
    expect(mark).to_have_count(1)
    mark.scroll_into_view_if_needed()
    expect(mark.locator("svg").first).to_be_visible()
    assert mark.evaluate(_HIDDEN) == []
    assert "bpmn.io" in str(mark.evaluate("(mark) => mark.outerHTML"))


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_diagrams_and_tables_bear_the_mark(office: Office, address: str, chromium: Browser, width: int) -> None:
    """The diagram, the graph of decisions and every one of them, on a desk and on a phone."""
    seat = Drawer(Visitor(chromium, address, "sunzhiyuan", PASSWORD, width))
    seat.open(_EDIT + "termination.bpmn")
    bears_its_mark(seat)
    seat.open(_EDIT + "law-check.dmn")
    tabs = seat.page.get_by_role("tab")
    assert tabs.count() > 4
    for tab in tabs.all():
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        bears_its_mark(seat)
    seat.visitor.leave()


def test_the_form_editor_bears_the_mark(office: Office, address: str, chromium: Browser) -> None:
    """At a desk the form has it below its last component, a phone shows no form of bpmn.io at all, but what our server draws."""
    desk = Drawer(Visitor(chromium, address, "sunzhiyuan", PASSWORD, DESK))
    desk.open(_EDIT + "forms/report.form")
    bears_its_mark(desk)
    desk.visitor.leave()
    phone = Drawer(Visitor(chromium, address, "sunzhiyuan", PASSWORD, PHONE))
    phone.open(_EDIT + "forms/report.form")
    expect(phone.page.frame_locator(".studio-phone").locator("#preview")).to_be_visible()
    expect(phone.page.locator(".fjs-container:visible, .fjs-editor-container:visible")).to_have_count(0)
    phone.visitor.leave()
