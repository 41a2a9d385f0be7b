"""The tutorial of the handbook, done as it is written by somebody who has read nothing else: nine changes of the real procedure.

Every word that is pressed and every text that is typed is taken from the page, and nothing on the page is left out, so that the page and
the product cannot part. It prints how long each took; PARTWELL_SCREENSHOTS asks for pictures.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import DESK, PHONE, SCREENSHOTS, Visitor
from demo_case import DemoCase
from modelled import Drawer
from playwright.sync_api import Browser, Locator, expect
from served import Served, serving

from webapp.demo.seed import PASSWORD
from webapp.handbook.pages import FOLDER

PAGE = FOLDER / "zh-CN/owners/tutorial.md"
#: the scenarios of the draft are played before it is published
PLAYED = 120_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("owner")) as served:
        yield served


class Reader:
    """Somebody with the page in hand: each task may use its own words alone, and uses all of them."""

    def __init__(self) -> None:
        found = re.findall(r"^## (.*?) {#(\w+)}\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        self._words = {task: set(re.findall("「(.*?)」|`(.*?)`", text)) for _, task, text in found}
        self._titles = {task: title for title, task, _ in found}
        self._left: set[str] = set()
        self._allowed: set[str] = set()

    @contextmanager
    def doing(self, task: str) -> Iterator[None]:
        self._allowed = {label or typed for label, typed in self._words[task]}
        self._left = set(self._allowed)
        begun = time.perf_counter()
        yield
        print(f"{self._titles[task]}: {time.perf_counter() - begun:.1f} s")
        assert self._left == set(), f"the page names what nobody needs for {task}"

    def __call__(self, text: str) -> str:
        """A word of the page, letter by letter."""
        assert text in self._allowed, f"the page does not say {text}"
        self._left.discard(text)
        return text


class Owner(Drawer):
    """The person at the desk, who knows what stands on the page."""

    def __init__(self, visitor: Visitor, says: Reader) -> None:
        super().__init__(visitor)
        self.says = says

    @contextmanager
    def doing(self, task: str) -> Iterator[None]:
        """One task of the page, during which nothing in the browser may complain."""
        with self.says.doing(task):
            yield
        assert self.visitor.complaints == [], task

    def press(self, label: str, inside: Locator | None = None) -> None:
        """A link, a button or a tab of this name."""
        place = inside or self.page.locator("body")
        name = self.says(label)
        found = place.get_by_role("link", name=name, exact=True).or_(place.get_by_role("button", name=name, exact=True))
        found.or_(place.get_by_role("tab", name=name, exact=True)).locator("visible=true").first.click()

    def field(self, label: str) -> Locator:
        # what has to be filled in has a star behind its name
        return self.page.get_by_label(re.compile(rf"^{re.escape(self.says(label))}( \*)?$")).locator("visible=true").first

    def file(self, path: str) -> None:
        """From an editor or a list back to the draft, and into one of its files."""
        if self.page.locator("#studio").count():
            self.saved()
        if not self.page.url.endswith("/studio/termination"):
            self.back()
        self.page.get_by_text(self.says(path), exact=True).first.click()
        self.page.locator("#studio[data-ready]").wait_for(timeout=20_000)

    def back(self) -> None:
        """From a file to the draft."""
        self.page.get_by_label("当前位置").get_by_role("link", name="草稿").click()
        self.page.wait_for_url("**/studio/termination")

    def find(self, name: str) -> None:
        """An element of the diagram, by its name."""
        self.press("在图中查找")
        expect(self.page.locator(".djs-search-input input")).to_be_focused()
        self.page.keyboard.insert_text(self.says(name))
        expect(self.page.locator(".djs-search-result").first).to_contain_text(name)
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".bio-properties-panel-header-label")).to_have_text(name)

    def put_behind(self, element: str) -> None:
        """What is being drawn goes onto the sequence flow to the right of an element."""
        place = self.ask(
            "(() => { const d = studio.diagram, e = d.get('elementRegistry').get(given), v = d.get('canvas').viewbox(),"
            " r = d.get('canvas').getContainer().getBoundingClientRect();"
            " return [r.x + (e.x + e.width + 80 - v.x) * v.scale, r.y + (e.y + e.height / 2 - v.y) * v.scale]; })()",
            element,
        )
        self.page.mouse.move(place[0] + 40, place[1] + 60)
        self.page.mouse.move(*place, steps=5)
        self.page.mouse.click(*place)

    def holds(self, path: str, *texts: str) -> str:
        """What the server has of a file, once it says all this: a field is taken over a moment after the last key."""
        for _ in range(50):
            self.saved()
            answer = self.page.request.get(f"/studio/termination/files/{path}?download=1")
            assert answer.ok, answer.status
            if all(text in answer.text() for text in texts):
                return answer.text()
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{path} does not say {texts}")

    def picture(self, name: str) -> None:
        if SCREENSHOTS:
            Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{SCREENSHOTS}/tutorial-{name}.png", caret="initial")


def test_a_stranger_does_the_nine_tasks_of_the_tutorial(served: Served, chromium: Browser) -> None:
    """What is changed is in the draft; it is published and compared, a case is moved to it, and the former version serves again."""
    case = DemoCase(served.address)
    case.until("serve_notice")
    says = Reader()
    owner = Owner(Visitor(chromium, served.address, "sunzhiyuan", PASSWORD, DESK), says)
    page = owner.page
    page.set_default_timeout(30_000)  # the pages of the draft check the whole of it, on a machine that does other things, too

    with owner.doing("step"):
        owner.press("流程")
        page.get_by_role("link", name=says("辞退")).first.click()
        owner.press("草稿")
        page.get_by_text(says("新建文件"), exact=True).click()
        owner.field("类型").select_option(label=says("表单"))
        owner.field("文件名").fill(says("IT设备回收"))
        owner.press("新建")
        page.locator("#studio[data-ready]").wait_for(timeout=20_000)
        page.locator(".fjs-palette-field").filter(has_text=says("多行文本")).click()
        owner.field("名称").fill(says("收回的设备"))
        owner.file("termination.bpmn")
        owner.find("收回公司财物")
        page.locator(".djs-palette").get_by_label(says("添加元素")).click()
        page.locator(".djs-popup .entry").filter(has_text=re.compile(f"^{says('用户任务')}$")).click()
        owner.put_behind("return_assets")
        owner.field("名称").fill(says("IT 回收设备"))
        owner.field("由谁办理").select_option(label=says("按角色"))
        owner.field("综合部").check()
        owner.field("办理期限").select_option(label=says("个工作日"))
        owner.field("填写的表单").select_option(label="IT设备回收")
        owner.checked()
        expect(page.locator(".studio-findings")).to_contain_text(says("检查结果"))
        expect(page.locator(".studio-findings")).to_contain_text(says("没有问题"))
        expect(page.get_by_role("button", name=says("撤销"))).to_be_enabled()
        drawn = owner.holds("termination.bpmn", 'formId="IT设备回收"', 'name="IT 回收设备"')
        owner.picture("step")
    [step] = re.findall(r'<bpmn:userTask id="(\w+)" name="IT 回收设备">', drawn)
    assert re.search(rf'sourceRef="return_assets" targetRef="{step}"', drawn) and re.search(
        rf'sourceRef="{step}" targetRef="closing_join"', drawn
    )

    with owner.doing("deadline"):
        owner.find("办理社保公积金减员")
        owner.field("办理期限").fill(says("2"))
        expect(owner.field("单位").locator("option:checked")).to_have_text(says("个工作日"))
        owner.holds(
            "termination.bpmn",
            '<zeebe:assignmentDefinition candidateGroups="=[&#34;general_affairs&#34;]" />\n        <zeebe:taskSchedule dueDate="P2D" />',
        )
        owner.picture("deadline")

    with owner.doing("field"):
        owner.saved()
        owner.back()
        forms = page.locator("details").filter(has=page.get_by_text(says("表单"), exact=False)).filter(has_text="union-reply.form")
        if not forms.evaluate("fold => fold.open"):  # it is open where one of its files was changed
            forms.locator("summary").click()
        owner.file("forms/union-reply.form")
        page.locator(".fjs-palette-field").filter(has_text=says("勾选框")).click()
        owner.field("名称").fill(says("工会要求书面答复"))
        owner.field("变量名").fill(says("union_wants_reply"))
        owner.file("termination.bpmn")
        owner.find("有异议")
        owner.field("条件表达式").click()
        page.keyboard.press(
            "ControlOrMeta+End"
        )  # to type over all of it makes Chromium itself write a style, which the page's policy forbids
        page.keyboard.insert_text(
            says('union.opinion = "objection" or union_wants_reply = true').removeprefix('union.opinion = "objection"')
        )
        owner.find("无异议或未回复")
        page.get_by_title(says("更改类型")).click()
        page.locator(".djs-popup .entry").filter(has_text=says("默认连线")).click()
        owner.checked()
        expect(page.locator(".studio-findings")).to_contain_text("没有问题")
        owner.holds("termination.bpmn", 'default="union_agrees"', "or union_wants_reply = true")
        owner.holds("forms/union-reply.form", '"union_wants_reply"', "工会要求书面答复")
        owner.picture("condition")

    with owner.doing("threshold"):
        owner.file("references.dmn")
        owner.press("参考标准")
        cell = page.locator(".tjs-container tbody tr").first.locator("td.output-cell").nth(2)
        expect(cell).to_have_text("60")
        cell.click()
        # the cell is never empty, for the same reason
        page.keyboard.press("Home")
        page.keyboard.insert_text(says("45"))
        page.keyboard.press("Delete")
        page.keyboard.press("Delete")
        analysis = page.get_by_role("complementary", name=says("规则分析"))
        expect(analysis).to_contain_text(says("没有重叠，没有遗漏，每条规则都可能命中。"))
        owner.holds("references.dmn", "<text>45</text>")
        owner.picture("threshold")

    with owner.doing("letter"):
        owner.file("letters/certificate.html")
        page.locator(".letter-sheet").get_by_text("兹证明").first.click()
        page.keyboard.press("End")
        page.keyboard.insert_text(says("特此证明。"))
        owner.holds("letters/certificate.html", "的劳动合同已经解除。特此证明。</p>")
        expect(page.locator(".letter-pages:not([aria-busy]) img").first).to_be_visible(timeout=20_000)
        owner.picture("letter")

    with owner.doing("publish"):
        owner.back()
        owner.press("发布…")
        expect(page.get_by_role("region", name=says("修改内容"))).to_contain_text("IT 回收设备")
        owner.field("更新内容与原因").fill(says("增加设备回收，减员期限改为 2 个工作日"))
        owner.field("立即启用").check()
        owner.picture("publish")
        owner.press("发布")
        expect(page.get_by_text(says("第 2 版已启用，新发起的事项使用该版本。"))).to_be_visible(timeout=PLAYED)

    with owner.doing("diff"):
        owner.press("版本")
        owner.press("与第 1 版对比")
        page.get_by_role("button", name=says("IT 回收设备")).first.click()
        expect(page.locator(".compared-side .lit").first).to_be_in_viewport()
        for text in ("references.dmn", "union-reply.form", "特此证明。"):
            expect(page.get_by_text(text).first).to_be_visible()
        owner.picture("diff")

    with owner.doing("move"):
        owner.press("版本")
        owner.press("把其他版本的事项迁移到此版本", page.locator("#version-2"))
        expect(page.get_by_text(says("1 件事项可以迁移"))).to_be_visible()
        owner.field("原因").fill(says("按新的环节和期限办结"))
        owner.picture("move")
        owner.press("迁移 1 件事项")
        expect(page.get_by_text("已将 1 件事项迁移到此版本")).to_be_visible()
    assert case.open().keys() == {"serve_notice"}

    with owner.doing("back"):
        owner.press("版本")
        expect(page.get_by_text(says("回退到第 1 版"))).to_be_visible()
        owner.field("原因").fill(says("练习结束"))
        owner.press("回退")
        expect(page.get_by_text("已恢复启用第 1 版")).to_be_visible()
        expect(page.locator("#version-1")).to_contain_text("启用中")
        owner.picture("back")
    owner.visitor.leave()

    # the moved case comes to the new step and the new limit
    case.answer("serve_notice")
    case.wait_for("return_assets", "confirm_removal")
    case.answer("return_assets")
    case.wait_for(step)
    general = Visitor(chromium, served.address, "liuhai", PASSWORD, DESK)
    general.page.goto("/inbox/group")
    expect(general.page.get_by_role("link", name="IT 回收设备")).to_be_visible()
    expect(general.page.get_by_role("link", name="办理社保公积金减员")).to_contain_text("2 个工作日")
    general.leave()


def test_a_manager_looks_and_rolls_back_on_a_phone(served: Served, chromium: Browser) -> None:
    """What cannot wait until there is a desk: versions, a comparison and the way back."""
    manager = Visitor(chromium, served.address, "sunzhiyuan", PASSWORD, PHONE)
    page = manager.page
    for name, address in (
        ("overview", "/procedures/termination"),
        ("draft", "/studio/termination"),
        ("versions", "/studio/termination/versions"),
        ("compare", "/studio/termination/compare?from=1&to=2"),
        ("tutorial", "/handbook/owners/tutorial"),
    ):
        page.goto(address)
        manager.look(f"phone-{name}")
    page.goto("/studio/termination/versions")
    manager.reads("恢复启用第 2 版")
    manager.leave()
