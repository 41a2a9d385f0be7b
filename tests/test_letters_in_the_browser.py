"""Process owners reword a letter at a desk, in Chinese, and see beside it what will be printed."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import DESK, PHONE, Visitor
from modelled import Drawer, english
from playwright.sync_api import Browser, Locator, expect
from web_office import PASSWORD, Office

import connectors
from engine import deploying
from engine.studio import changing, drafts
from webapp.demo import sandboxes
from webapp.demo.systems import company_connectors

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "processes/termination"
FORMS = ROOT / "forms"
BUILT = ROOT / "webapp/static/vendor/studio"
LETTERS = sorted(path.name for path in (FOLDER / "letters").glob("*.html"))
EDIT = "/studio/termination/edit/letters/{}"
#: as Word puts it on the clipboard
WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal {margin:0}</style></head><body>
<p class=MsoTitle align=center style='text-align:center'>附件说明</p>
<p class=MsoNormal style='line-height:150%'><b><span style='font-family:宋体'>一次</span></b>告知，
<span style='color:red'>不得</span>遗漏<o:p></o:p></p>
<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>1.<span>&nbsp; </span></span>工资结算单</p>
<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>2.<span>&nbsp; </span></span>社保转移单</p>
<table border=1 style='width:10cm'><tr><td colspan=2 style='background:yellow'>合计</td></tr><tr><td>甲</td><td>乙</td></tr></table>
<script>alert(1)</script><img src="file:///c:/logo.png"></body></html>"""


def counted(sign: str, text: str, *, of: str = "l0", level: int = 1) -> str:
    """An item of a list, as Word puts it on the clipboard."""
    return f"<p style='mso-list:{of} level{level} lfo1'><span style='mso-list:Ignore'>{sign}<span>&nbsp;</span></span>{text}</p>"


@pytest.fixture(scope="module")
def office(office: Office) -> Office:
    """With the shipped procedure, and connectors to a company that nobody asks."""
    offered = connectors.load(company_connectors(http="http://127.0.0.1:9", smtp=9, token="none"))
    operations = {name: each for each in offered for name in each.names} | dict(office.services.operations)
    office.equip(operations=operations, sandboxes=sandboxes.of_installation)
    files = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    files |= {f"forms/{path.name}": path.read_bytes() for path in FORMS.glob("*.form")}
    deploying.deploy(office.services, files, procedure="termination")
    return office


@pytest.fixture(scope="module")
def seat(office: Office, address: str, chromium: Browser) -> Drawer:
    return Drawer(Visitor(chromium, address, "sunzhiyuan", PASSWORD, DESK))


@pytest.fixture
def owner(seat: Drawer) -> Iterator[Drawer]:
    """Who rewords letters; nothing may have been complained about."""
    yield seat
    said, seat.visitor.complaints = seat.visitor.complaints, []
    assert said == []


def kept(office: Office, name: str) -> str:
    return drafts.content(office.services, "termination", f"letters/{name}", actor=office.people["admin"])[0].decode()


def put(office: Office, name: str, text: str) -> None:
    actor = office.people["admin"]
    files = {file.path: file.revision for file in drafts.read(office.services, "termination", actor=actor).files}
    path = f"letters/{name}"
    changing.save(office.services, "termination", path, text.encode(), revision=files.get(path), base=None, actor=actor)


def begin_of(owner: Drawer, text: str) -> None:
    """Puts the cursor before the first letter of the paragraph that begins so."""
    owner.page.locator(".letter-sheet").get_by_text(text).first.click()
    owner.page.keyboard.press("Home")


def shut(box: Locator) -> None:
    """Closes a box with Escape, as often as lists of completions open and take it for themselves."""
    for _ in range(20):
        box.page.keyboard.press("Escape")
        box.page.wait_for_timeout(100)
        if not box.count():
            return
    expect(box).to_have_count(0)


def pages(owner: Drawer) -> Locator:
    """The printed pages, once they show what is written now."""
    found = owner.page.locator(".letter-pages:not([aria-busy]) img")
    expect(found.first).to_be_visible(timeout=20_000)
    return found


def test_a_letter_is_reworded_and_seen_as_it_is_printed(office: Office, owner: Drawer) -> None:
    """Words and a content item go where the cursor stands, everything else of the file stays letter by letter; the page beside shows it."""
    owner.open(EDIT.format("certificate.html"))
    before = kept(office, "certificate.html")
    first = pages(owner).first.get_attribute("src")
    begin_of(owner, "兹证明")
    owner.page.keyboard.type("经本人确认，")
    owner.page.get_by_role("button", name="插入内容项").click()
    owner.page.get_by_role("searchbox", name="搜索内容项").fill("subject.employee_no")
    offered = owner.page.locator(".letter-offer").first
    expect(offered).to_contain_text("工号")
    owner.visitor.look("letter-items")
    offered.click()
    owner.saved()
    after = kept(office, "certificate.html")
    added = '经本人确认，<data value="subject.employee_no">工号</data>'
    assert added in after and after.replace(added, "") == before
    expect(owner.page.locator(f'.letter-pages:not([aria-busy]) img[src="{first}"]')).to_have_count(0, timeout=20_000)
    owner.visitor.look("letter-editor")
    owner.page.get_by_role("button", name="撤销").click()
    owner.page.get_by_role("button", name="重做").click()
    owner.saved()
    assert kept(office, "certificate.html") == after


def test_an_unknown_content_item_is_found_and_selected(owner: Drawer) -> None:
    """A name that no step hands over is an error, which leads to the place, and with which the draft is not published."""
    owner.open(EDIT.format("union-notice.html"))
    owner.page.locator(".letter-place", has_text="事项编号").first.click()
    content = owner.page.locator(".letter-box .cm-content")
    content.click()
    owner.page.keyboard.press("End")
    owner.page.keyboard.type("s_of_nowhere")
    owner.page.get_by_role("button", name="完成").click()
    owner.saved()
    owner.checked()
    wrong = owner.finding("numbers_of_nowhere")
    expect(wrong).to_have_class(re.compile("is-error"))
    owner.ask("studio.view.dom.scrollTo(0, 10000)")
    wrong.click()
    expect(owner.page.locator(".letter-place.ProseMirror-selectednode")).to_have_text("事项编号")
    owner.visitor.look("letter-finding")
    owner.page.goto("/studio/termination/publish")
    owner.visitor.reads(re.compile("numbers_of_nowhere"))
    expect(owner.page.get_by_role("button", name="发布", exact=True)).to_be_disabled()


def test_of_two_items_in_a_line_the_wrong_one_is_selected(office: Office, owner: Drawer) -> None:
    """A finding is of what stands at its column, whatever else has the same expression, and is told without tags and lines."""
    selected = owner.page.locator(".letter-place.ProseMirror-selectednode")
    right, wrong = '<data value="subject.name">对</data>', '<data value="nowhere" data-as="day">错</data>'
    put(
        office,
        "columns.html",
        letter(f'<p>甲</p>\n<p data-if="1 &lt; 2">{right}、<span data-if="nobody">{right}</span>、{wrong}、<data value="x">空</data></p>'),
    )
    owner.open(EDIT.format("columns.html"))
    written = owner.ask("studio.begun.text").split("\n")[5]
    places = [found.start() + 1 for found in re.finditer("<data", written)]
    for column, text in zip(places, ("对", "对", "错", "空"), strict=True):
        owner.ask("studio.reveal(given)", {"line": 6, "column": column})
        expect(selected).to_contain_text(text)
    assert len({owner.ask("studio.where(given)", {"line": 6, "column": column}) for column in places}) == 4
    owner.ask("studio.view.dispatch(studio.view.state.tr.setNodeAttribute(studio.view.state.selection.from, 'value', ''))")
    begin_of(owner, "甲")
    owner.saved()
    owner.checked()
    empty = owner.finding("内容项还没有内容")
    expect(empty.locator("strong")).to_have_text("空")
    expect(empty).not_to_contain_text(re.compile("[<>]|第 .* 行"))
    empty.click()
    expect(selected).to_have_text("空")
    expect(owner.page.locator(".letter-problems")).to_contain_text("内容项还没有内容")
    expect(owner.page.locator(".letter-problems")).not_to_contain_text(re.compile("[<>]|第 .* 行"))


def test_an_item_that_was_not_written_leaves_nothing(office: Office, owner: Drawer) -> None:
    """Closed without an expression a new content item is gone, with one it is named as the expression."""
    put(office, "fresh.html", letter("<p>甲</p>"))
    owner.open(EDIT.format("fresh.html"))
    box = owner.page.get_by_role("dialog", name="内容项")
    for expression in ("", "1 + 2"):
        begin_of(owner, "甲")
        owner.page.get_by_role("button", name="插入内容项").click()
        owner.page.get_by_role("button", name="自行编写表达式").click()
        expect(owner.page.locator(".letter-place")).to_have_count(1)
        box.locator(".cm-content").press_sequentially(expression)
        shut(box)
        expect(owner.page.locator(".letter-place")).to_have_count(1 if expression else 0)
    owner.saved()
    assert kept(office, "fresh.html") == letter('<p><data value="1 + 2">1 + 2</data>甲</p>')


def test_parts_are_printed_on_a_condition_and_repeated(office: Office, owner: Drawer) -> None:
    """A condition of marked text and one of a paragraph, and a repeated item, are seen with their words and written to the file."""
    put(office, "rails.html", letter("<p>先看甲再看乙。</p>\n<ol>\n<li>每一步</li>\n</ol>"))
    owner.open(EDIT.format("rails.html"))
    begin_of(owner, "先看甲再看乙")
    owner.page.keyboard.press("ArrowRight")
    owner.page.keyboard.press("Shift+ArrowRight")
    owner.page.get_by_role("button", name="条件", exact=True).click()
    box = owner.page.get_by_role("dialog", name="条件")
    fields = box.get_by_role("textbox", name="仅在此条件成立时打印")
    expect(fields).to_have_count(2)
    fields.first.press_sequentially("a = 1")
    fields.last.press_sequentially("b != null")
    shut(box)
    begin_of(owner, "每一步")
    owner.page.get_by_role("button", name="条件", exact=True).click()
    box.get_by_role("textbox", name="对此列表逐项重复").press_sequentially("steps")
    shut(box)
    owner.saved()
    assert '<p data-if="b != null">先<span data-if="a = 1">看</span>甲再看乙。</p>' in kept(office, "rails.html")
    assert '<li data-each="steps">每一步</li>' in kept(office, "rails.html")
    expect(owner.page.locator(".letter-rail")).to_have_text(["仅当 b != null", "仅当 a = 1", "逐项 steps"])
    owner.page.locator(".letter-rail", has_text="a = 1").click()
    expect(box.get_by_role("group").first).to_contain_text("a = 1")


@pytest.mark.parametrize(
    ("body", "begin", "written", "others"),
    [
        pytest.param(
            "<p>甲</p>\n<p>乙</p>\n<p>丙</p>",
            "甲",
            '<section data-if="a = 1">\n<p>甲</p>\n<p>乙</p>\n</section>\n<p>丙</p>',
            0,
            id="section",
        ),
        pytest.param(
            "<ol>\n<li>甲</li>\n<li>乙</li>\n<li>丙</li>\n</ol>",
            "甲",
            '<ol>\n<li data-if="a = 1">甲</li>\n<li data-if="a = 1">乙</li>\n<li>丙</li>\n</ol>',
            1,
            id="list",
        ),
    ],
)
def test_a_condition_is_of_all_that_is_marked(office: Office, owner: Drawer, body: str, begin: str, written: str, others: int) -> None:
    """Marked paragraphs become a section with the condition, marked items have it each; without the condition they are as before."""
    put(office, "marked.html", letter(body))
    owner.open(EDIT.format("marked.html"))
    begin_of(owner, begin)
    owner.page.keyboard.press("Shift+ArrowDown")
    owner.page.keyboard.press("Shift+End")
    owner.page.get_by_role("button", name="条件", exact=True).click()
    box = owner.page.get_by_role("dialog", name="条件")
    expect(box.get_by_role("group")).to_have_count(1 + others)
    expect(box.get_by_role("group").first).to_contain_text("选中的 2 个部分（整体）")
    field = box.get_by_role("textbox", name="仅在此条件成立时打印").first
    field.press_sequentially("a")
    expect(owner.page.locator(".letter-rail").first).to_have_text("仅当 a")
    field.press_sequentially(" = 1")
    shut(box)
    owner.saved()
    assert kept(office, "marked.html") == letter(written)
    owner.page.get_by_role("button", name="撤销").click()
    owner.page.get_by_role("button", name="撤销").click()
    owner.saved()
    assert kept(office, "marked.html") == letter(body)


@pytest.mark.parametrize("name", LETTERS)
def test_every_shipped_letter_comes_back_as_it_was(owner: Drawer, name: str) -> None:
    """Opened and written anew, with nothing of the file kept aside, each letter is the same file."""
    owner.open(EDIT.format(name))
    same = owner.page.evaluate(
        "async () => { const studio = document.getElementById('studio').studio; studio.file.kept = new WeakMap();"
        " return [studio.begun.text, await studio.written()]; }"
    )
    assert same[0] == same[1] and not owner.ask("studio.keeper.dirty")


def letter(body: str) -> str:
    head = '<head><meta charset="utf-8"><title>试</title></head>'
    return f'<!doctype html>\n<html lang="zh-CN">\n{head}\n<body>\n{body}\n</body>\n</html>\n'


def test_what_nobody_touched_stays_as_it_was_written(office: Office, owner: Drawer) -> None:
    """Remarks, blanks and line breaks of the other paragraphs are the same after one is changed."""
    body = "<!-- 说明 -->\n\n  <p>甲</p>\n<p>乙\n   <!-- 内 --> <data\n value='a'>名称</data></p>\n<hr class='cut'>\n"
    put(office, "odd.html", letter(body + "<p   class=right>丙</p>"))
    owner.open(EDIT.format("odd.html"))
    begin_of(owner, "丙")
    owner.page.keyboard.type("新")
    owner.saved()
    assert kept(office, "odd.html") == letter(body + '<p class="right">新丙</p>')


def test_what_is_pasted_from_word_becomes_part_of_a_letter(office: Office, owner: Drawer) -> None:
    """Titles, emphasis, lists and tables stay; fonts, colours, pictures and scripts do not."""
    put(office, "pasted.html", letter("<p>前</p>\n<p></p>"))
    owner.open(EDIT.format("pasted.html"))
    begin_of(owner, "前")
    owner.page.keyboard.press("ArrowDown")
    owner.ask("studio.view.pasteHTML(given)", WORD)
    owner.saved()
    assert kept(office, "pasted.html") == letter(
        "<p>前</p>\n"
        '<h1 class="center">附件说明</h1>\n'
        "<p><strong>一次</strong>告知， 不得遗漏</p>\n"
        "<ol>\n<li>工资结算单</li>\n<li>社保转移单</li>\n</ol>\n"
        "<table>\n<tr><td>合计</td><td></td></tr>\n<tr><td>甲</td><td>乙</td></tr>\n</table>"
    )


@pytest.mark.parametrize(
    ("pasted", "written"),
    [
        pytest.param(
            counted("一、", "甲")
            + counted("（一）", "乙", level=2)
            + counted("第一条", "丙", of="l1")
            + counted("①", "丁")
            + counted("3.", "戊"),
            "<p>一、 甲</p>\n<p>（一） 乙</p>\n<p>第一条 丙</p>\n<p>① 丁</p>\n<p>3. 戊</p>",
            id="signs",
        ),
        pytest.param(
            counted("1.", "甲")
            + counted("·", "乙", level=2)
            + counted("2.", "丙")
            + counted("1.", "丁", of="l2")
            + counted("o", "戊", of="l3"),
            "<ol>\n<li>\n<p>甲</p>\n<ul>\n<li>乙</li>\n</ul>\n</li>\n<li>丙</li>\n</ol>\n<ol>\n<li>丁</li>\n</ol>\n<ul>\n<li>戊</li>\n</ul>",
            id="lists",
        ),
        pytest.param(
            "<table><tr><td rowspan=2>甲</td><td>乙</td></tr><tr><td>丙</td></tr><tr><td>丁</td><td>戊</td></tr></table>",
            "<table>\n<tr><td>甲</td><td>乙</td></tr>\n<tr><td></td><td>丙</td></tr>\n<tr><td>丁</td><td>戊</td></tr>\n</table>",
            id="cells",
        ),
        pytest.param(
            "<p>留<del cite='mailto:x'>删</del><span class=msoDel>去</span><ins>下</ins></p>",
            "<p>留下</p>",
            id="deleted",
        ),
    ],
)
def test_what_word_counted_merged_and_deleted_is_pasted_as_it_was_meant(office: Office, owner: Drawer, pasted: str, written: str) -> None:
    """Signs that cannot be counted stay as text, lists and cells stay in their places, and what was deleted is not there."""
    put(office, "word.html", letter("<p>前</p>\n<p></p>"))
    owner.open(EDIT.format("word.html"))
    begin_of(owner, "前")
    owner.page.keyboard.press("ArrowDown")
    owner._until("studio.view.state.selection.$from.parent.content.size === 0")
    owner.ask("studio.view.pasteHTML(given)", f"<html><body>{pasted}</body></html>")
    owner.saved()
    assert kept(office, "word.html") == letter(f"<p>前</p>\n{written}")


def test_nothing_that_is_pasted_can_act(owner: Drawer) -> None:
    """What would run in a page, or fetch something for it, is gone before the letter is made of it."""
    owner.open(EDIT.format("notice.html"))
    given = "<p onclick='a()' class='right'>甲<b ONMOUSEOVER='a()'>乙</b><img src=x onerror='a()'><a href='javascript:a()'>丙</a></p>"
    left = owner.ask("studio.view.someProp('transformPastedHTML')(given)", given)
    assert left == '<p class="right">甲<b>乙</b><a>丙</a></p>'


def test_the_other_language_is_one_click_away(office: Office, owner: Drawer) -> None:
    """A letter in English begins with what is written in Chinese, and each leads to the other."""
    owner.open(EDIT.format("certificate.html"))
    owner.page.get_by_role("button", name="新建英文文书").click()
    owner.page.wait_for_url("**/letters/certificate_en.html")
    owner.page.locator("#studio[data-ready]").wait_for()
    assert '<html lang="en">' in kept(office, "certificate_en.html")
    owner.page.get_by_role("link", name="中文文书").click()
    owner.page.wait_for_url("**/letters/certificate.html")
    expect(owner.page.get_by_role("link", name="英文文书")).to_be_visible()


def test_no_english_is_left_in_the_letter_editor(owner: Drawer) -> None:
    """Tools, menus and boxes: no string without Chinese."""
    owner.open(EDIT.format("notice.html"))
    pages(owner)
    seen = english(owner.page)
    for name in ("表格", "插入"):
        menu = owner.page.locator(f'.letter-bar summary[aria-label="{name}"]')
        menu.click()
        seen |= english(owner.page)
        menu.click()
    owner.page.locator(".letter-place").first.click()
    seen |= english(owner.page)
    owner.page.get_by_role("button", name="条件", exact=True).click()
    seen |= english(owner.page)
    known = set(owner.ask("studio.places.known.map((each) => each.name)"))
    expressions = set(owner.ask("[...document.querySelectorAll('.letter-place')].map((each) => each.title)"))
    assert {each for each in seen if each not in known | expressions} == set()
    assert owner.ask("[...studio.say.missed]") == []


def test_on_a_phone_a_letter_is_looked_at(address: str, chromium: Browser, office: Office) -> None:
    """The pages take the whole screen, and nothing can be changed."""
    reader = Visitor(chromium, address, "sunzhiyuan", PASSWORD, PHONE)
    owner = Drawer(reader)
    owner.open(EDIT.format("notice.html"))
    pages(owner)
    reader.reads("仅供查看，请在大屏幕上修改。")
    expect(owner.page.locator(".letter-sheet")).to_have_count(0)
    reader.look("letter-phone")
    reader.leave()


def test_a_text_draft_shows_how_it_will_read(owner: Drawer) -> None:
    """A name from the list goes where the cursor stands, and the text below has what stands for it."""
    owner.page.goto(EDIT.format("communication-plan.txt"))
    filled = owner.page.locator("#filled")
    expect(filled).to_contain_text("辞退沟通方案", timeout=20_000)
    expect(filled.locator("pre")).not_to_contain_text("{subject.name}")
    owner.page.get_by_label("文件内容").press("Control+Home")
    filled.get_by_text("插入内容项").click()
    filled.locator('[data-insert="{subject.employee_no}"]').click()
    expect(owner.page.get_by_label("文件内容")).to_have_value(re.compile(r"^\{subject\.employee_no\}"))
    expect(filled.locator("pre")).to_have_text(re.compile(r"^[\w-]+辞退沟通方案"))
    owner.visitor.look("letter-text")


def test_the_page_of_the_letter_editor_is_small_enough() -> None:
    """The editor with its styles is at most 300 kB as it is sent."""
    assert sum(len(gzip.compress((BUILT / name).read_bytes(), 9)) for name in ("letters.js", "letters.css")) <= 300_000
