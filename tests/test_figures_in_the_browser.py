"""A manager looks at the diagram, goes to the cases of a step by a click on it, and pauses them together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from browser import DESK, PHONE, Visitor
from playwright.sync_api import expect
from web_office import PASSWORD, Office

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_from_the_diagram_to_the_cases_and_back(office: Office, address: str, chromium: Browser) -> None:
    """Counts stand on the diagram; a step is a link; what would happen is shown before it is done; the figures fit a phone."""
    closed = office.case()
    item = office.approved(closed)
    client, headers = office.program("linxiaobei")
    assert client.post(f"/api/v1/items/{item}/complete", json={"values": {"statement": "已知晓"}}, headers=headers).status_code == 204
    for _ in range(2):
        office.case()
    director = Visitor(chromium, address, "sunzhiyuan", PASSWORD, DESK)
    director.page.get_by_role("link", name="流程", exact=True).click()
    director.page.get_by_role("link", name="约谈").click()
    director.page.get_by_role("link", name="在办事项", exact=True).click()
    director.page.get_by_role("link", name=re.compile("^面谈记录：2 件")).click()
    expect(director.page.get_by_role("heading", name="停在“面谈记录”的事项")).to_be_visible()
    director.look("operations")
    director.tick("停在此环节的全部事项（最多 200 件）")
    director.select("操作", "暂停事项")
    director.page.get_by_role("button", name="预览结果").click()
    expect(director.page.get_by_text("共 2 件，其中 2 件可执行")).to_be_visible()
    director.look("operations-preview")
    director.page.get_by_label("原因").fill("等待政策确认")
    director.page.get_by_role("button", name="对 2 件执行").click()
    expect(director.page.get_by_text("共 2 件，成功 2 件。")).to_be_visible()
    director.page.get_by_role("link", name="返回流程图").click()
    director.page.get_by_role("link", name="时长", exact=True).click()
    expect(director.page.get_by_role("link", name=re.compile("^面谈记录：中位数"))).to_be_visible()
    director.look("operations-heat")
    reader = Visitor(chromium, address, "wangfang", PASSWORD, PHONE)
    reader.page.goto("/analytics/office")
    expect(reader.page.get_by_role("img", name="每月办结件数")).to_be_visible()
    reader.look("figures")
    director.page.goto(f"/cases/{closed}/aftermath")
    director.page.get_by_label("提起日期").fill("2026-11-02")
    director.page.get_by_label("依据及说明").fill("市仲裁委 2026-118 号")
    director.page.get_by_role("button", name="登记", exact=True).click()
    expect(director.page.get_by_text("进行中")).to_be_visible()
    director.look("aftermath")
