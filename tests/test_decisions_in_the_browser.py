"""A process owner before the decision tables of a draft, in Chinese."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser import DESK, Visitor
from modelled import Drawer, shipped
from playwright.sync_api import Browser, expect
from test_decisions import decision, file, table
from web_office import PASSWORD, Office

from engine.bpmn import dmn
from engine.studio import changing, drafts

FOLDER = Path(__file__).parent.parent / "processes/termination"
APPROVAL = table(
    'hitPolicy="UNIQUE"',
    [("amount", "number"), ("kind", "string")],
    [("level", "")],
    ["<= 1000", "-", '"manager"'],
    ["> 1000", "-", '"director"'],
)


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    """With the shipped procedure, and a table of two rules in its draft."""
    shipped(office)
    content = file(decision(APPROVAL, id="approval", name="审批级别"))
    changing.save(office.services, "termination", "approval.dmn", content, revision=None, base=None, actor=office.people["admin"])
    return office


def test_a_threshold_is_changed_its_overlap_is_seen_and_both_are_kept(office: Office, address: str, chromium: Browser) -> None:
    """Whoever changes a threshold so that two rules apply at once is told with an example, and finds the change kept."""
    owner = Drawer(Visitor(chromium, address, "sunzhiyuan", PASSWORD, DESK))
    owner.open("/studio/termination/edit/approval.dmn")
    page = owner.page
    expect(page.get_by_role("tab")).to_have_count(1)  # this file has no drawing of how decisions hang together
    analysis = page.get_by_role("complementary", name="规则分析")
    expect(analysis).to_contain_text("没有重叠")
    cell = page.locator(".tjs-container tbody tr").nth(0).locator("td.input-cell").first
    cell.click()
    page.keyboard.press("End")  # to type over it makes Chromium itself write a style, which the page's policy forbids
    page.keyboard.type("0")
    expect(analysis).to_contain_text("同时命中")
    expect(analysis).to_contain_text("amount = 1001")
    owner.finding("规则 1 和 2 同时适用于 amount = 1001").click()
    expect(page.locator(".studio-lit").first).to_be_visible()
    page.get_by_role("button", name="添加测试行").click()
    row = page.get_by_role("group", name="测试行 1")
    row.get_by_label("amount").fill("500")
    row.get_by_label("kind").fill("travel")
    row.get_by_label("预期结果").fill("director")
    expect(row).to_contain_text('实际结果为 "manager"')
    row.get_by_label("预期结果").fill("manager")
    expect(row).to_contain_text("符合预期")
    expect(analysis).to_contain_text("没有测试行覆盖 规则 2")
    owner.saved()
    owner._until("!studio.rows.keeper.dirty && studio.rows.keeper.state === 'saved'")
    owner.visitor.look("decisions")
    rows, _ = drafts.content(office.services, "termination", "approval.tests.json", actor=office.people["admin"])
    assert json.loads(rows) == [{"name": "", "decision": "approval", "given": {"amount": 500, "kind": "travel"}, "expect": "manager"}]
    content, _ = drafts.content(office.services, "termination", "approval.dmn", actor=office.people["admin"])
    assert "&lt;= 10000" in content.decode() and "because" in content.decode()
    # the shipped tables open, too, and their relations are drawn; nothing of the editor is left in English
    owner.open("/studio/termination/edit/law-check.dmn")
    page.get_by_role("tab", name="特殊保护").click()
    expect(page.locator(".tjs-container")).to_contain_text("孕期、产期、哺乳期")
    expect(analysis).to_contain_text("没有重叠")
    owner.visitor.look("decisions-law")
    page.get_by_role("tab", name="决策关系图").click()
    expect(page.locator(".dmn-drd-container, .dmn-definitions").first).to_be_visible()
    written = owner.ask("studio.tables.saveXML({ format: true }).then(({ xml }) => xml)")
    ours = (FOLDER / "law-check.dmn").read_bytes()
    assert dmn.model(written.encode(), "law-check.dmn", {}) == dmn.model(ours, "law-check.dmn", {})
    assert owner.ask("[...studio.say.missed]") == []
