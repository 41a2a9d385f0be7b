"""Process owners at a desk, in Chinese: they draw, see what the check says, lose nothing, and never overwrite each other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import DESK, PHONE, Visitor
from modelled import Drawer, english, many, menagerie, shipped
from playwright.sync_api import Browser, expect
from web_office import PASSWORD, Office

from engine.bpmn import lint
from engine.bpmn.convert import convert
from engine.studio import changing, drafts

ROOT = Path(__file__).parent.parent
MAIN = "/studio/termination/edit/termination.bpmn"

#: what moddle makes of two texts, compared as trees; references by id
_SAME = """
(async () => {
  const plain = (element) => {
    // in which order elements and their shapes stand in the file says nothing either
    const key = (each) => String(each.id ?? each);
    const sortable = (list) => list.every((each) => each?.id ?? typeof each === 'string');
    const list = (all) => (sortable(all) ? all.sort((a, b) => (key(a) < key(b) ? -1 : 1)) : all);
    if (Array.isArray(element)) return list(element.map(plain));
    if (!element || typeof element !== 'object') return element;
    if (!element.$type) return JSON.parse(JSON.stringify(element));
    const known = element.$descriptor?.propertiesByName ?? {};
    const made = { $type: element.$type };
    // which prefixes are declared, a type that is said twice, and in which order attributes stand, say nothing
    for (const [name, value] of Object.entries({ ...element.$attrs, ...element }).sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (/^(\\$|xmlns|xsi:type$)/.test(name)) continue;
      // what is so anyway need not be said
      if (known[name] && 'default' in known[name] && known[name].default === value) continue;
      const reference = known[name]?.isReference;
      made[name] = reference ? (Array.isArray(value) ? value.map((each) => each.id).sort() : value.id) : plain(value);
    }
    return made;
  };
  const modeler = studio.another();
  const found = await modeler.importXML(given);
  const { xml } = await modeler.saveXML({ format: true });
  const moddle = modeler.get('moddle');
  const tree = async (text) => JSON.stringify(plain((await moddle.fromXML(text)).rootElement));
  const [before, after] = [await tree(given), await tree(xml)];
  modeler.destroy();
  return { xml, warnings: found.warnings.map((each) => each.message), same: before === after, before, after };
})()
"""


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    """With the shipped procedure, and connectors to a company that nobody asks."""
    shipped(office)
    put(office, "menagerie.bpmn", menagerie())
    return office


@pytest.fixture(scope="module")
def seat(office: Office, address: str, chromium: Browser) -> Drawer:
    """One browser for all of them: to log in and to load the modeler takes longer than most of what is tried."""
    return Drawer(Visitor(chromium, address, "sunzhiyuan", PASSWORD, DESK))


@pytest.fixture
def owner(seat: Drawer) -> Iterator[Drawer]:
    """Who draws; nothing may have been complained about but a refusal or a lost connection that was provoked."""
    yield seat
    said = [each for each in seat.visitor.complaints if not re.search("Failed to load resource", each)]
    seat.visitor.complaints.clear()
    assert said == []


def put(office: Office, path: str, text: str) -> None:
    """A further file in the draft."""
    actor = office.people["admin"]
    changing.save(office.services, "termination", path, text.encode(), revision=None, base=None, actor=actor)


def kept(office: Office, path: str = "termination.bpmn") -> str:
    return drafts.content(office.services, "termination", path, actor=office.people["admin"])[0].decode()


def test_a_step_and_a_deadline_are_changed_and_are_there_after_a_reload(office: Office, owner: Drawer) -> None:
    """Three calendar days become two working days; a new step has no owner, is found, gets one and a form, and is kept."""
    owner.open(f"{MAIN}#removal_late")
    timer = owner.group("timer")
    timer.get_by_label("时长", exact=True).fill("2")
    timer.get_by_label("单位").select_option(label="个工作日")
    expect(timer.get_by_label("工作日历")).to_be_visible()
    owner.saved()
    owner.pick("assess")
    flow = owner.ask("studio.diagram.get('elementRegistry').get('assess').outgoing[0].id")
    step = owner.insert(flow, "用户任务")
    owner.group("general").get_by_label("名称", exact=True).fill("IT 回收设备")
    nobody = owner.finding("IT 回收设备").filter(has_text="由谁处理")
    expect(nobody.first).to_be_visible()
    owner.visitor.look("modeler-finding")
    nobody.first.click()
    approval = owner.group("approval")
    approval.get_by_label("由谁办理").select_option(label="按角色")
    expect(approval.locator("input[type=checkbox]:checked")).to_have_count(0)  # nobody is chosen before somebody chooses
    expect(nobody.first).to_be_visible()
    approval.get_by_label("综合部").check()
    owner.group("form").get_by_label("填写的表单").select_option("assets")
    expect(nobody).to_have_count(0)
    owner.saved()
    owner.visitor.look("modeler-step")
    owner.open(f"{MAIN}#{step}")
    expect(owner.group("general").get_by_label("名称", exact=True)).to_have_value("IT 回收设备")
    owner.pick("removal_late")
    expect(owner.group("timer").get_by_label("时长", exact=True)).to_have_value("2")
    text = kept(office)
    assert "P2D</bpmn:timeDuration>" in text and 'name="wf.calendar" value="office"' in text
    assert f'id="{step}" name="IT 回收设备"' in text and "general_affairs" in text and 'formId="assets"' in text


def test_a_step_has_one_way_to_its_owner_and_undo_gives_back_what_was(owner: Drawer) -> None:
    """A chain takes the place of the roles at once; expressions are completed with what exists there; the drawing leaves as a picture."""
    owner.open("/studio/termination/edit/menagerie.bpmn")
    owner.pick("by_role")
    approval = owner.group("approval")
    approval.get_by_label("由谁办理").select_option(label="审批链")
    expect(approval.get_by_role("link", name="查看由谁签批")).to_have_count(0)  # only administrators open chains
    chained = _step(owner, "by_role")
    assert 'name="wf.chain"' in chained and "assignmentDefinition" not in chained
    owner.page.get_by_role("button", name="撤销").click()
    assert 'candidateGroups="=[&#34;hr&#34;]"' in _step(owner, "by_role").replace("&quot;", "&#34;")
    assert 'name="wf.chain"' not in _step(owner, "by_role")
    owner.checked()
    owner.pick("flow_0")
    owner.group("condition").locator(".cm-content").click()
    owner.page.keyboard.press("End")
    owner.page.keyboard.type(" and 结")
    expect(owner.page.locator(".cm-tooltip-autocomplete")).to_contain_text("结果")
    owner.page.keyboard.press("Enter")
    owner.page.get_by_label("图片与文件").click()
    with owner.page.expect_download() as drawn:
        owner.page.get_by_role("button", name="图片（PNG）").click()
    assert drawn.value.suggested_filename == "menagerie.png"
    assert Path(drawn.value.path()).read_bytes().startswith(b"\x89PNG")


def _step(owner: Drawer, id: str) -> str:
    """The XML of a user task as it is drawn now."""
    text = str(owner.ask("studio.keeper.current()"))
    found = re.search(rf'<bpmn:userTask id="{id}".*?</bpmn:userTask>', text, re.DOTALL)
    assert found
    return found[0]


def test_no_english_is_left_in_any_panel_or_menu(office: Office, owner: Drawer) -> None:
    """Every panel of every kind of element, the menus, the simulation: no string without Chinese."""
    owner.open("/studio/termination/edit/menagerie.bpmn")
    left: dict[str, set[str]] = {}
    for id in owner.ask("studio.diagram.get('elementRegistry').getAll().map((each) => each.id).filter((id) => !id.endsWith('_label'))"):
        owner.ask("studio.diagram.get('selection').select(studio.diagram.get('elementRegistry').get(given))", id)
        expect(owner.page.locator("#bio-properties-panel-id")).to_have_value(id)
        owner.unfold()
        left[id] = english(owner.page)
    for menu, id in (("append", "plain"), ("replace", "plain"), ("replace", "catch_message"), ("replace", "inside"), ("replace", "begin")):
        owner.pick(id)
        owner.page.locator(f'.djs-context-pad [data-action="{menu}"]').click()
        owner.page.locator(".djs-popup .entry").first.wait_for()
        left[f"{menu} {id}"] = english(owner.page)
        owner.page.keyboard.press("Escape")
    owner.page.get_by_label("令牌演示").click()
    owner.page.locator('.bts-entry[title="演示记录"]').click()
    left["simulation"] = english(owner.page)
    owner.page.get_by_label("令牌演示").click()
    assert {place: texts for place, texts in left.items() if texts} == {}
    assert owner.ask("[...studio.say.missed]") == []


def test_diagrams_open_and_are_saved_without_loss(owner: Drawer) -> None:
    """What the modeler writes is what it read, and the check says the same of it: ours and those of others, once converted."""
    owner.open(MAIN)
    texts = {str(path.relative_to(ROOT)): path.read_bytes() for path in (ROOT / "processes").rglob("*.bpmn")}
    for path in sorted((ROOT / "tests/data/bpmn-import").glob("*.bpmn")):
        converted = convert({path.name: path.read_bytes()}).files
        texts[path.name] = converted[path.name]
    assert len(texts) > 20
    broken, drawn = {}, 0
    for name, content in texts.items():
        text = content.decode()
        if "BPMNDiagram" not in text:
            continue
        drawn += 1
        found = owner.ask(_SAME, text)
        said = [[(each.code, each.element) for each in lint.check({name: one})[name]] for one in (content, found["xml"].encode())]
        if not found["same"] or said[0] != said[1]:
            broken[name] = (found["warnings"], _difference(found["before"], found["after"]), *said)
    assert drawn > 20 and broken == {}


def _difference(before: str, after: str) -> str:
    """The first place where two trees differ."""
    at = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    return f"{before[max(at - 80, 0) : at + 80]} | {after[max(at - 80, 0) : at + 80]}"


def test_two_owners_keep_both_versions(office: Office, owner: Drawer, address: str, chromium: Browser) -> None:
    """Whoever saves second is told by whom and when, keeps a copy beside it, and finds the other's version open."""
    put(office, "shared.bpmn", many(3, "shared"))
    shared = "/studio/termination/edit/shared.bpmn"
    owner.open(shared)
    other = Drawer(Visitor(chromium, address, "admin", PASSWORD, DESK))
    other.open(shared)
    expect(other.page.get_by_text("孙志远也在编辑", exact=True)).to_be_visible()
    other.pick("step_1")
    other.group("general").get_by_label("名称", exact=True).fill("管理员改的")
    other.saved()
    owner.pick("step_2")
    owner.group("general").get_by_label("名称", exact=True).fill("总监改的")
    asked = owner.page.locator(".studio-dialog")
    expect(asked).to_contain_text("管理员同时修改了此文件")
    expect(asked).to_contain_text(re.compile(r"\d\d:\d\d"))
    with owner.page.expect_navigation():
        owner.page.get_by_role("button", name="另存我的修改，打开对方版本").click()
    expect(asked).to_have_count(0)
    owner.page.locator("#studio[data-ready]").wait_for()
    owner.pick("step_1")
    expect(owner.group("general").get_by_label("名称", exact=True)).to_have_value("管理员改的")
    assert "总监改的" in kept(office, "shared-副本-孙志远.bpmn") and "总监改的" not in kept(office, "shared.bpmn")
    other.group("approval").get_by_label("由谁办理").select_option(label="审批链")
    expect(other.page.get_by_role("link", name="查看由谁签批")).to_have_attribute("href", re.compile("/chains/"))
    other.visitor.leave()


def test_nothing_is_lost_where_the_file_or_the_log_in_is_gone(office: Office, owner: Drawer) -> None:
    """A file that another took away is put back with what was drawn; after logging in again the page goes on by itself."""
    put(office, "taken.bpmn", many(2, "taken"))
    owner.open("/studio/termination/edit/taken.bpmn")
    revision = owner.ask("studio.keeper.revision")
    changing.remove(office.services, "termination", "taken.bpmn", revision=revision, actor=office.people["admin"])
    owner.pick("step_0")
    owner.group("general").get_by_label("名称", exact=True).fill("删后改的")
    expect(owner.page.locator(".studio-dialog")).to_contain_text("管理员删除了此文件")
    owner.page.get_by_role("button", name="用我的修改恢复此文件").click()
    owner.saved()
    assert "删后改的" in kept(office, "taken.bpmn")
    cookies = owner.page.context.cookies()
    owner.page.context.clear_cookies()
    owner.group("general").get_by_label("名称", exact=True).fill("过期后改的")
    expect(owner.page.get_by_text("登录已过期")).to_be_visible()
    owner.page.context.add_cookies(cookies)
    expect(owner.page.get_by_text("登录已过期")).to_have_count(0, timeout=10_000)
    owner.saved()
    assert "过期后改的" in kept(office, "taken.bpmn")


def test_what_the_server_never_got_is_offered_again(office: Office, owner: Drawer) -> None:
    """Without a connection the changes wait in the browser, through a closed page, and go on from there."""
    # more than a page that is gone may still send
    put(office, "alone.bpmn", many(150, "alone"))
    alone = "/studio/termination/edit/alone.bpmn"
    owner.open(alone)
    owner.page.route("**/files/**", lambda route: route.abort() if route.request.method == "PUT" else route.continue_())
    owner.pick("step_0")
    owner.group("general").get_by_label("名称", exact=True).fill("断网时改的")
    expect(owner.page.get_by_text("连接不到服务器")).to_be_visible()
    owner.page.on("dialog", lambda dialog: dialog.accept())
    owner.page.goto("/inbox")
    owner.page.goto(alone)
    expect(owner.page.get_by_role("dialog")).to_contain_text("未保存的修改")
    owner.page.unroute("**/files/**")  # not before: what the page that was left still sends would arrive
    owner.page.get_by_role("button", name="恢复这些修改").click()
    owner.page.locator("#studio[data-ready]").wait_for()
    owner.saved()
    assert "断网时改的" in kept(office, "alone.bpmn")
    assert owner.page.evaluate("Object.keys(localStorage).filter((key) => key.includes('alone'))") == []


def test_five_hundred_elements_stay_usable(office: Office, owner: Drawer) -> None:
    """A huge diagram opens, is changed by hand, saved and checked."""
    put(office, "huge.bpmn", many(500, "huge"))
    owner.open("/studio/termination/edit/huge.bpmn")
    assert owner.ask("studio.diagram.get('elementRegistry').filter((each) => each.type === 'bpmn:UserTask').length") == 500
    owner.pick("step_499")
    owner.group("general").get_by_label("名称", exact=True).fill("最后一步")
    owner.saved()
    owner.checked()
    assert 'name="最后一步"' in kept(office, "huge.bpmn")


def test_work_in_the_panel_styles_nothing_of_the_diagram_anew(office: Office, owner: Drawer, tmp_path: Path) -> None:
    """However much is drawn, what comes into the panel is styled alone: no style sheet of the page asks what the whole of it holds."""
    put(office, "wide.bpmn", many(300, "wide"))
    owner.open("/studio/termination/edit/wide.bpmn")
    owner.checked()
    owner.pick("step_2")
    owner.group("general")
    browser = owner.page.context.browser
    assert browser is not None
    browser.start_tracing(page=owner.page, path=tmp_path / "trace.json", categories=["devtools.timeline"])
    for step in ("step_3", "step_4"):
        owner.ask("studio.diagram.get('selection').select(studio.diagram.get('elementRegistry').get(given))", step)
        expect(owner.page.locator("#bio-properties-panel-id")).to_have_value(step)
        owner.painted()
    browser.stop_tracing()
    events = json.loads((tmp_path / "trace.json").read_text("utf-8"))["traceEvents"]
    styled = [each["args"].get("elementCount", 0) for each in events if each["name"] == "UpdateLayoutTree" and "args" in each]
    assert owner.page.locator("*").count() > 6000
    assert styled and max(styled) < 1500, styled


def test_one_heading_stays_at_the_top_of_the_panel(owner: Drawer) -> None:
    """However far the roles that do a step are scrolled, it is the heading of their group that is read there, and nothing through it."""
    owner.open(f"{MAIN}#assess")
    owner.group("approval").get_by_text("综合部").wait_for()
    seen = owner.ask(
        "(() => { const group = document.querySelector('[data-group-id=group-approval]'), seen = [],"
        " panel = group.closest('.bio-properties-panel-scroll-container'), edge = panel.getBoundingClientRect();"
        " panel.scrollTop = 0; const first = group.getBoundingClientRect().top - edge.top, last = first + group.offsetHeight - 32;"
        " for (let top = first; top < last; top += 5) { panel.scrollTop = top; if (panel.scrollTop < top - 1) break;"
        " seen.push(document.elementFromPoint(edge.left + 20, edge.top + 14).textContent); } return seen; })()"
    )
    assert len(seen) > 30 and set(seen) == {"审批"}
    owner.ask("document.querySelector('.bio-properties-panel-scroll-container').scrollTop = 310")
    owner.visitor.look("modeler-scrolled")


def test_on_a_phone_the_diagram_is_looked_at(office: Office, address: str, chromium: Browser) -> None:
    """No panel and no palette, but the diagram, moved by a finger, and what the check says; a finding brings its element into view."""
    put(office, "small.bpmn", many(2, "small").replace('<zeebe:assignmentDefinition candidateGroups="=[&quot;hr&quot;]" />', ""))
    phone = Drawer(Visitor(chromium, address, "sunzhiyuan", PASSWORD, PHONE))
    phone.open("/studio/termination/edit/small.bpmn")
    expect(phone.page.locator(".djs-palette")).to_have_count(0)
    expect(phone.page.locator(".studio-panel")).to_be_hidden()
    phone.finding("元素1").first.click()
    assert phone.ask("studio.diagram.get('selection').get()[0].id") == "step_1"
    before = phone.ask("studio.diagram.get('canvas').viewbox().x")
    phone.ask(
        "[['pointerdown', 200], ['pointermove', 150], ['pointerup', 150]].forEach(([kind, x]) => document.querySelector('.djs-container')"
        ".dispatchEvent(new PointerEvent(kind, { pointerId: 1, pointerType: 'touch', clientX: x, clientY: 400, bubbles: true })))"
    )
    assert phone.ask("studio.diagram.get('canvas').viewbox().x") > before
    phone.visitor.look("modeler-phone")
    phone.visitor.leave()


def test_the_templates_are_what_the_operations_say(owner: Drawer) -> None:
    """The modeler takes every template without complaint; the operations are there to pick."""
    owner.open(MAIN)
    answered = owner.ask("fetch('/studio/termination/catalogue.json').then((each) => each.json())")
    assert answered["templates"] and len(answered["templates"]) == len(answered["operations"])
    assert owner.ask("studio.diagram.get('elementTemplates').getAll().length") == len(answered["templates"])
    assert json.dumps(answered["templates"]).count('"zeebe:taskDefinition"')
