"""A manager changes a procedure in the browser: looks at what changes, publishes it, and takes over what somebody else published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import DESK, Visitor
from playwright.sync_api import expect
from web_office import FILES, PASSWORD, Office, served

from engine import deploying
from engine.studio import changing

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    with served(office) as address:
        yield address


def test_a_manager_edits_checks_publishes_and_schedules(office: Office, address: str, chromium: Browser, tmp_path: Path) -> None:
    """From the list of procedures to the next version; a file that cannot be read is repaired, one from elsewhere is converted."""
    manager = Visitor(chromium, address, "admin", PASSWORD, DESK)
    page = manager.page
    page.get_by_role("link", name="流程", exact=True).click()
    manager.look("studio")
    page.get_by_role("link", name="约谈").click()
    manager.reads("现状", "流程管理员", "可发起人员")
    manager.look("procedure")
    page.get_by_role("link", name="草稿", exact=True).click()
    manager.reads("第 1 版", "目前没有草稿", "检查结果")
    manager.look("studio-untouched")
    expect(page.get_by_role("link", name="本人陈述 forms/answer.form", exact=True)).to_be_visible()
    page.goto("/studio/office/edit/forms/answer.form?text=1")
    text = page.get_by_label("文件内容")
    sound = text.input_value()
    text.fill(sound.replace('"components"', "components", 1))
    page.get_by_role("button", name="保存").click()
    manager.reads("该文件无法解析")
    page.get_by_role("link", name="个字符").click()
    assert page.evaluate("document.activeElement.id") == "text"
    manager.look("studio-broken")
    text.fill(sound.replace("本人陈述", "本人陈述与意见"))
    page.get_by_role("button", name="保存").click()
    manager.reads("已保存")
    manager.look("studio-text")

    flowable = tmp_path / "transfer.bpmn20.xml"
    flowable.write_text(_FLOWABLE, "utf-8")
    page.goto("/studio/office/upload")
    page.locator("#chosen").set_input_files(flowable)
    page.get_by_role("button", name="先查看结果").click()
    manager.reads("由其他引擎的格式转换", "transfer.bpmn")
    manager.look("studio-upload")

    page.goto("/studio/office")
    manager.reads("与启用版本相比有 1 处改动")
    manager.look("studio-draft")
    page.get_by_role("link", name="发布…").first.click()
    manager.reads("本人陈述与意见")
    manager.look("studio-publish")
    page.get_by_label("更新内容与原因").fill("表单措辞更准确")
    page.get_by_role("button", name="发布", exact=True).click()
    manager.reads("第 2 版已启用", "表单措辞更准确")

    changing.save(office.services, "office", "forms/answer.form", sound.encode(), revision=0, actor=office.people["admin"])
    page.goto("/studio/office/publish")
    page.get_by_label("更新内容与原因").fill("恢复原措辞")
    page.get_by_label("定时启用").check()
    page.get_by_label("启用时间", exact=True).last.fill("2099-12-01T09:00")
    page.get_by_role("button", name="发布", exact=True).click()
    manager.reads("第 3 版将于2099年12月1日 09:00启用")
    manager.look("studio-scheduled")
    page.get_by_text("取消定时").first.click()
    page.get_by_label("原因").fill("暂缓")
    page.get_by_role("button", name="取消定时").click()
    expect(page.get_by_text("已取消第 3 版的定时启用")).to_be_visible()

    changing.save(office.services, "office", "forms/answer.form", sound.encode(), revision=0, actor=office.people["admin"])
    theirs = {**FILES, "forms/answer.form": sound.replace("本人陈述", "自述").encode()}
    deploying.deploy(office.services, theirs, procedure="office")
    page.goto("/studio/office")
    page.get_by_role("link", name="查看其间的改动并合并").click()
    manager.reads("双方都有改动", "自述")
    manager.look("studio-take-over")
    page.get_by_label("保留草稿的内容").check()
    page.get_by_role("button", name="合并").click()
    manager.reads("草稿现以第 4 版为基础")
    manager.leave()


_FLOWABLE = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:flowable="http://flowable.org/bpmn" targetNamespace="t">
  <process id="transfer" name="调岗" isExecutable="true">
    <startEvent id="begin"/>
    <sequenceFlow id="f1" sourceRef="begin" targetRef="talk"/>
    <userTask id="talk" name="面谈" flowable:candidateGroups="hr"/>
    <sequenceFlow id="f2" sourceRef="talk" targetRef="over"/>
    <endEvent id="over"/>
  </process>
</definitions>
"""
