"""An administrator at a desk, in Chinese: a new approval level within minutes, tried, published, seen in a case and taken back."""

from __future__ import annotations

import re
import time

import pytest
import sqlalchemy as sa
from browser import DESK, PHONE, Visitor, rest
from diagrams import END, flows, node, zeebe
from engine_room import files
from playwright.sync_api import Browser, expect
from web_office import PASSWORD, Office

from engine import deploying
from engine.models import Case

KEY = "dismissal-approval"
REPORT = {
    "type": "default",
    "schemaVersion": 18,
    "components": [
        {"type": "textarea", "id": "F_1", "key": "what", "label": "辞退事由", "validate": {"required": True}},
        {
            "type": "number",
            "id": "F_2",
            "key": "compensation",
            "label": "经济补偿（元）",
            "decimalDigits": 2,
            "validate": {"required": True},
        },
    ],
}
CHAIN = zeebe("properties", zeebe("property", name="wf.chain", value=KEY))


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    """With a procedure that administrators start, in which the compensation is typed in yuan and kept in fen."""
    body = (
        node("startEvent", "start", zeebe("formDefinition", formId="report"), name="提报"),
        node(
            "scriptTask", "reckon", zeebe("script", expression="=round half up(compensation * 100, 0)", resultVariable="compensation_fen")
        ),
        node("userTask", "consent", CHAIN, name="审批辞退"),
        END,
        flows("start > reckon", "reckon > consent", "consent > end"),
    )
    rules = {"start_any": ["admin"], "managers": ["admin"], "readers": ["hr", "admin"]}
    deploying.deploy(office.services, files(*body, forms={"report": REPORT}, rules=rules), procedure="dismissal")
    return office


class Clip:
    """What is done, counted: every click, choice and filled field is a step."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.page = visitor, visitor.page
        self.steps, self.looked, self.began = 0, 0.0, time.monotonic()

    def press(self, name: str) -> None:
        self.steps += 1
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.steps += 1
        self.page.get_by_role("link", name=name).first.click()

    def fill(self, label: str, text: str, last: bool = False) -> None:
        self.steps += 1
        field = self.page.get_by_label(label, exact=True)
        (field.last if last else field.first).fill(text)

    def choose(self, place: str, option: str) -> None:
        """An option of the select whose name ends so, which may draw the table anew."""
        self.steps += 1
        self.page.locator(f'select[name$="{place}"]').last.select_option(label=option)
        rest(self.page)

    def look(self, name: str) -> None:
        """Check and picture the page; the time that takes is not the administrator's."""
        began = time.monotonic()
        self.visitor.look(name)
        self.looked += time.monotonic() - began

    def told(self) -> str:
        return f"{self.steps} steps, {time.monotonic() - self.began - self.looked:.1f} s"


def start(clip: Clip, person: str, yuan: str) -> None:
    """A new case about somebody."""
    clip.page.goto("/start/dismissal")
    clip.fill("搜索姓名或工号", person)
    clip.follow(person)
    clip.page.get_by_label("辞退事由").fill("多次违反安全操作规程")
    clip.page.get_by_label(re.compile("经济补偿")).fill(yuan)
    clip.press("提交")
    clip.page.wait_for_url(re.compile("(?<!/start)/(sent|cases|items|inbox)"))


def newest(office: Office) -> str:
    """Id of the case that was started last."""
    with office.services.database.reading() as connection:
        return str(connection.execute(sa.select(Case.id).order_by(Case.started_at.desc(), Case.number.desc()).limit(1)).scalar_one())


def test_a_new_level_for_large_compensations_is_there_within_minutes(office: Office, address: str, chromium: Browser) -> None:
    """Open, add, condition, approver, try with two amounts, publish, see it in a new case, take it back, see it gone."""
    clip = Clip(Visitor(chromium, address, "admin", PASSWORD, DESK))
    page = clip.page
    clip.follow("审批链")
    clip.follow("辞退审批")
    clip.press("添加环节")
    expect(page.get_by_role("heading", name="新环节")).to_be_visible()
    clip.fill("中文名称", "总经理审批", last=True)
    clip.choose("s2.a0.rule", "指定人员")
    page.locator('[name="s2.a0.persons"]').press_sequentially("周明远")
    expect(page.locator("#people option").first).to_have_attribute("value", "周明远（GM-001）")
    page.locator('[name="s2.a0.persons"]').fill("周明远（GM-001）")
    clip.steps += 1
    clip.choose("s2.w0.field", "经济补偿（元）")
    page.locator('[name="s2.w0.value"]').fill("50000")
    clip.steps += 1
    clip.choose("s2.w1.field", "部门（含下级部门）")
    clip.choose("s2.w1.operator", "是")
    clip.choose("s2.w1.value", "生产部")
    clip.look("chain-level")
    clip.press("保存草稿")
    page.locator("#publish").wait_for()
    clip.visitor.reads("新增第 3 个环节“总经理审批”。", "经济补偿（元）大于 50,000 元 且 当事员工 · 部门（含下级部门）是 生产部")
    clip.look("chain-draft")

    clip.press("预览")
    page.get_by_role("heading", name="预览：由谁签批").wait_for()
    page.locator("#subject").fill("曹大勇（PD-004）")
    clip.steps += 1
    for amount in ("60000", "40000"):
        page.get_by_label(re.compile("经济补偿")).fill(amount)
        clip.press("查看")
        step = page.locator(".chain-step", has_text="总经理审批")
        expect(step).to_contain_text("周明远" if amount == "60000" else "不适用")
        clip.look(f"chain-preview-{amount}")
    clip.follow("辞退审批")
    page.locator("#reason").fill("补偿金额较大，须总经理把关")
    clip.steps += 1
    clip.press("发布")
    clip.visitor.reads("第 2 版已发布。")
    clip.look("chain-published")
    published = clip.told()

    start(clip, "曹大勇", "60000")
    page.goto(f"/cases/{newest(office)}")
    expect(page.locator(".chain-step", has_text="总经理审批")).to_contain_text("周明远由审批链指定签批")
    clip.look("chain-case")
    start(clip, "曹大勇", "40000")
    page.goto(f"/cases/{newest(office)}")
    expect(page.locator(".chain-step", has_text="总经理审批")).to_contain_text("预计不适用")

    page.goto("/chains")
    clip.follow("辞退审批")
    former = page.get_by_role("listitem").filter(has=page.get_by_text("第 1 版", exact=True))
    former.get_by_text("重新发布此版本").first.click()
    former.get_by_label(re.compile("原因")).fill("先按原办法")
    former.get_by_role("button", name="重新发布此版本").click()
    clip.steps += 3
    clip.visitor.reads("第 3 版已发布。", "先按原办法")
    expect(page.get_by_role("heading", name="总经理审批")).to_have_count(0)
    clip.look("chain-undone")
    start(clip, "曹大勇", "60000")
    page.goto(f"/cases/{newest(office)}")
    expect(page.get_by_text("人力资源总监审批").first).to_be_visible()
    expect(page.get_by_text("总经理审批")).to_have_count(0)
    print(f"\na level is published after {published}; seen in cases and taken back after {clip.told()}")
    clip.visitor.leave()


def test_a_level_is_published_without_javascript(office: Office, address: str, chromium: Browser) -> None:
    """Every button is one of a form: what a rule or a condition needs is shown when the form is updated, at the step that was changed."""
    visitor = Visitor(chromium, address, "admin", PASSWORD, PHONE, javascript=False)
    page = visitor.page
    page.goto(f"/chains/{KEY}")
    page.get_by_role("button", name="添加环节").click()
    new = page.locator(".chain-card").last
    at = (new.get_attribute("id") or "").removeprefix("step-")
    assert page.url.endswith(f"#step-{at}")
    new.locator(f'[name="s{at}.name"]').fill("复核")
    new.locator(f'[name="s{at}.a0.rule"]').select_option(label="指定人员")
    new.locator(f'[name="s{at}.w0.field"]').select_option(label="部门（含下级部门）")
    new.get_by_role("button", name="刷新表单").click()
    page.locator(f'[name="s{at}.a0.persons"]').fill("周明远")
    page.locator(f'[name="s{at}.w0.value"]').select_option(label="生产部")
    new.get_by_role("button", name="上移").click()
    expect(page.locator(f"#title-{int(at) - 1}")).to_contain_text("复核")
    assert page.url.endswith(f"#step-{int(at) - 1}")
    page.locator("#reason").fill("试行")
    page.get_by_role("button", name="发布", exact=True).click()
    visitor.reads(re.compile("第 \\d+ 版已发布。"))
    expect(page.locator(".chain-said", has_text="周明远").first).to_be_visible()
    visitor.leave()


def test_the_table_on_a_phone(office: Office, address: str, chromium: Browser) -> None:
    """Every setting unfolded, at 390 px; what is typed while the table is on its way is not lost."""
    visitor = Visitor(chromium, address, "admin", PASSWORD, PHONE)
    page = visitor.page
    page.goto(f"/chains/{KEY}")
    page.locator("#more-0 > summary").click()
    page.locator("#more-0 select[name$='.on_due']").select_option(label="提醒")
    expect(page.get_by_label("提醒次数上限").first).to_be_visible()
    visitor.look("chain-phone")
    page.route("**/chains/*", lambda route: (page.wait_for_timeout(300), route.continue_())[1])
    page.locator('[name="s0.a0.rule"]').select_option(label="角色")
    page.locator('[name="s1.name"]').fill("总监审批")
    page.locator('[name="s1.a0.rule"]').select_option(label="所属 HRBP")
    expect(page.locator("#step-1 .chain-said").first).to_contain_text("HRBP")
    expect(page.locator('[name="s1.name"]')).to_have_value("总监审批")
    expect(page.locator("#step-0 .chain-said").first).to_contain_text("角色")
    assert page.locator("#more-0").get_attribute("open") is not None
    page.get_by_role("button", name="保存草稿").click()
    page.locator("#publish").wait_for()
    expect(page.locator("#step-1 h2")).to_contain_text("总监审批")
    visitor.look("chain-phone-saved")
    visitor.leave()
