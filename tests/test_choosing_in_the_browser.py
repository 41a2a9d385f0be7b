"""Choosing who signs on a phone, in Chinese, each page looked at by axe."""

from __future__ import annotations

import pytest
from browser import DESK, PHONE, Visitor
from playwright.sync_api import Browser, expect
from test_web_choosing import KEY, STEPS
from web_office import PASSWORD, Office, served

from engine.chains import versions


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    with office.services.database.unit() as unit:
        now = office.services.clock.now()
        versions.publish(unit.connection, key=KEY, name="辞退审批", name_en="Dismissal", steps=STEPS, by=None, now=now)
        unit.commit()
    return office


def test_choose_approvers_and_signers_on_a_phone(office: Office, chromium: Browser) -> None:
    """发起人自选 (choose approvers): the forecast is read, the first signer chosen, who chooses the next."""
    with served(office) as address:
        boss = Visitor(chromium, address, "chenli", PASSWORD, PHONE)
        boss.page.goto(f"/start/office/{office.people['linxiaobei']}")
        boss.write("发生了什么", "上班玩手机、学习能力差")
        boss.page.locator("select").select_option(label="玩手机")
        boss.page.get_by_role("button", name="查看审批人").click()
        boss.reads("由发起人自选签批人。", "由上一签批人指定签批人。")
        expect(boss.page.locator("textarea").first).to_have_value("上班玩手机、学习能力差")
        boss.page.locator(".pick", has_text="王芳").click()
        boss.look("start-choose")
        boss.page.get_by_role("button", name="提交", exact=True).click()
        boss.page.wait_for_url("**/cases/*")
        case = boss.page.url.rpartition("/")[2]
        office.run_jobs()
        boss.page.goto(f"/cases/{case}")
        boss.reads("后续审批（预测）")
        boss.look("case-ahead")
        boss.leave()

        admin = Visitor(chromium, address, "admin", PASSWORD, DESK)
        admin.page.goto(f"/cases/{case}")
        admin.page.get_by_role("link", name="更正签批人").click()
        admin.look("correct-choice")
        admin.leave()

        item = office.talked(case)
        signer = Visitor(chromium, address, "wangfang", PASSWORD, PHONE)
        signer.page.goto(f"/items/{item}")
        signer.page.get_by_label("搜索姓名或工号").fill("郑文博")
        found = signer.page.locator(".pick", has_text="郑文博")
        expect(signer.page.locator(".pick")).to_have_count(1)
        found.click()
        signer.page.get_by_label("搜索姓名或工号").fill("何秀兰")
        expect(signer.page.locator(".pick")).to_have_count(2)
        signer.page.locator(".pick", has_text="何秀兰").click()
        signer.look("approve-choose")
        signer.page.get_by_role("button", name="同意", exact=True).click()
        signer.page.wait_for_url("**/inbox")
        signer.page.goto(f"/items/{item}")
        signer.reads("郑文博", "何秀兰")
        signer.leave()
