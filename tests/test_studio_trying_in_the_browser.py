"""A manager tries a draft in the browser, as its people, and records a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import DESK, Visitor
from diagrams import boxes
from scenario_files import chosen
from twins import ScriptedOperation
from web_office import PASSWORD, Office, served

from engine import deploying

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """An installation with a procedure of one step and a push."""
    with Office(tmp_path) as office:
        outside = ScriptedOperation("mail.send", "payroll.stop_housing_fund")
        office.equip(operations={**office.services.operations, **dict.fromkeys(outside.names, outside)})
        files = {path: boxes(content) if path.endswith(".bpmn") else content for path, content in chosen().items()}
        deploying.deploy(office.services, files, procedure="probe")
        with served(office) as address:
            yield address


def test_a_manager_tries_a_draft_and_records_it(address: str, chromium: Browser) -> None:
    """Begin, let time pass, answer a call by hand as it fails, repair it, record, play: without leaving the sandbox."""
    manager = Visitor(chromium, address, "admin", PASSWORD, DESK)
    page = manager.page
    page.goto("/studio/probe")
    page.get_by_role("link", name="试运行").click()
    manager.look("try-begin")
    page.get_by_role("button", name="开始试运行").click()
    manager.reads("林小北", "陈立")
    page.locator("main form[method=post] button.btn-primary").last.click()
    manager.reads("当前待办", "以王芳办理")
    page.get_by_role("button", name="到下一个期限").click()
    manager.reads("mail.send")
    page.get_by_role("button", name="人工填写结果").click()
    page.get_by_role("link", name="以王芳办理").click()
    manager.reads("返回试运行", "王芳")
    manager.look("try-as-somebody")
    page.get_by_label("verdict").fill("stop")
    page.locator("main form[action$=complete] button.btn-primary, main button[formaction$=complete]").first.click()
    manager.reads("payroll.stop_housing_fund", "答复内容", "按此答复")
    manager.look("try-waits")
    page.get_by_role("button", name="对方拒绝").click()
    manager.reads("去处理")
    page.get_by_role("button", name="改由示例公司答复").click()
    page.get_by_role("link", name="去处理").click()
    manager.reads("返回试运行")
    page.get_by_role("link", name="返回试运行").click()
    page.get_by_label("场景名称").fill("公积金停缴被拒")
    page.get_by_role("button", name="记录", exact=True).click()
    manager.reads("运行通过", "公积金停缴被拒")
    page.get_by_role("button", name="全部运行").click()
    manager.reads("1 个通过")
    manager.look("scenarios")
    manager.leave()
