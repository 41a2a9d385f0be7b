"""Letters as HTML: which are read, what is put into them, how values are written, and what comes out on paper."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pypdfium2
import pytest

from engine import procedures
from engine.errors import FileRefused, Refused
from engine.letters import blank, filling, places, printing, reading, spelling, templates
from engine.letters.operations import RenderLetter
from engine.letters.spelling import Unprintable
from engine.ports import Call
from engine.studio import paths
from webapp.pdf import TypstRenderer

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = dt.datetime(2026, 11, 24, 1, 0, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 24)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10"/></svg>'


def letter(body: str, *, lang: str = "zh-CN", title: str = "通知书") -> bytes:
    head = f'<head><meta charset="utf-8"><title>{title}</title></head>'
    return f'<!doctype html>\n<html lang="{lang}">{head}<body>\n{body}\n</body></html>'.encode()


def faults(body: str) -> list[tuple[int, int, str]]:
    """Line in the body, column and sentence of each fault."""
    return [(fault.line - 2, fault.column, str(fault.sentence)) for fault in reading.study(letter(body))[1]]


def fill(body: str, values: dict[str, Any] | None, *, lang: str = "zh-CN", charts: tuple[str, ...] = ()) -> filling.Filled:
    read = reading.read(letter(body, lang=lang), "x.html")
    return filling.filled(read, values, charts=charts, date=TODAY, now=NOW, zone=SHANGHAI)


def said(node: Any) -> str:
    """The text of what is printed, placeholders without a value in brackets."""
    if isinstance(node, list | tuple):
        return "".join(map(said, node))
    match node.get("kind", "cell"):
        case "text":
            return str(node["text"])
        case "field":
            return f"[{node['text']}]"
        case "br":
            return "\n"
        case "ul" | "ol":
            return "".join(f"- {said(item)}" for item in node["items"])
        case "table":
            return "".join(f"| {' '.join(said(cell).strip() for cell in row)}\n" for row in node["rows"])
        case "blank" | "wide" | "box" | "hr":
            return "_"
        case kind:
            return said(node.get("content", [])) + ("\n" if kind in ("p", "h1", "h2", "h3") else "")


def printed(body: str, values: dict[str, Any] | None = None, **more: Any) -> str:
    filled = fill(body, values or {}, **more)
    assert not filled.missing
    return said(filled.body)


def lacking(body: str, values: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.name, str(each.sentence)) for each in fill(body, values).missing]


# --- what is read


def test_a_letter_is_read_with_its_title_language_and_foot() -> None:
    """Everything the format knows stands in one letter, and nothing of it is a fault; a comment is no part of it."""
    body = (
        '<h1>通知</h1><h2 class="center">一</h2><h3>二</h3><!-- 备注 --><p class="right">a<br><strong>b</strong><em>c</em><u>d</u></p>'
        '<ul data-if="x"><li data-each="xs"><p>e</p><ol><li>f</li></ol></li></ul>'
        '<table class="plain"><tbody><tr data-each="xs"><th>g</th><td><data value="item" data-as="money">h</data></td></tr></tbody></table>'
        '<hr class="cut"><hr class="page"><hr><section class="together"><p>i</p></section><section data-if="y"><p>j</p></section>'
        '<img src="chart:usage" alt="k"><p><span class="blank"></span><span class="blank wide"></span><span class="box"></span>'
        '<span data-if="z">l</span></p><div class="signature"><p>m</p></div><footer>n</footer>'
    )
    found, wrong = reading.study(letter(body, lang="en"))
    assert not wrong and found is not None
    assert (found.language, found.title, found.footer is not None) == ("en", "通知书", True)
    assert [node.tag for node in found.body][:4] == ["h1", "h2", "h3", "p"]
    asked = [(each.attribute, each.text, each.within) for each in reading.expressions(found)]
    assert asked == [
        *[("data-if", "x", False), ("data-each", "xs", False), ("data-each", "xs", False), ("value", "item", True)],
        *[("data-if", "y", False), ("data-if", "z", False)],
    ]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("<p>a</p>\n<script>alert(1)</script>", [(2, 1, "there is no <script> in a letter")]),
        ("<p><a href='x'>a</a></p>", [(1, 4, "there is no <a> in a letter")]),
        ('<p style="color:red" onclick="x">a</p>', [(1, 1, "<p> has no style"), (1, 1, "<p> has no onclick")]),
        ('<p class="big">a</p>', [(1, 1, 'class of <p> can be center, right, not "big"')]),
        ("<div><p>a</p></div>", [(1, 1, "<div> needs class")]),
        ("<p>a\n<p>b</p>", [(1, 1, "<p> is not closed"), (2, 1, "<p> cannot stand in <p>")]),
        ("<ul>\n<p>a</p></ul>", [(2, 1, "<p> cannot stand in <ul>")]),
        ("<p>a</p></section>", [(1, 9, "</section> closes nothing")]),
        ("<p>a</p>\n  lost", [(2, 3, "a text must stand in a paragraph, a heading, a list or a table: lost")]),
        ("<p><data>名</data></p>", [(1, 4, "<data> needs value")]),
        ('<p><data value=" ">名</data></p>', [(1, 4, "a content item has no content")]),
        ('<p><data value="a"></data></p>', [(1, 4, "a content item has no name")]),
        ('<p><data value="a">a<u>b</u></data></p>', [(1, 21, "<u> cannot stand in <data>")]),
        (
            '<p><data value="a" data-as="euro">b</data></p>',
            [(1, 4, 'data-as of <data> can be text, day, month, money, duration, lines, not "euro"')],
        ),
        (
            '<p>甲：<data value="a" data-as="lines">乙</data></p>',
            [(1, 6, 'what is written as "lines" stands alone in its paragraph or list item')],
        ),
        (
            '<h2><data value="a" data-as="lines">乙</data></h2>',
            [(1, 5, 'what is written as "lines" stands alone in its paragraph or list item')],
        ),
        ('<img src="http://example.org/x.png">', [(1, 1, 'a picture is one of the charts of the step, such as "chart:usage"')]),
        ('<p><span class="box">x</span></p>', [(1, 4, "a line to write on and a box to tick hold nothing")]),
        ('<p><span class="box"><br></span></p>', [(1, 22, "a line to write on and a box to tick hold nothing")]),
        ("<footer>a</footer><footer>b</footer>", [(1, 19, "there is one <footer> at most")]),
        ("<?php x ?><p>a</p>", [(1, 1, "<?php x ?> is no part of a letter")]),
        ('<p data-if="a" data-if="b">a</p>', [(1, 1, "<p> has data-if twice")]),
    ],
)
def test_what_is_no_part_of_a_letter_is_told_with_its_place(body: str, wrong: list[tuple[int, int, str]]) -> None:
    """Scripts, styles, links, foreign classes and what stands at the wrong place: each by line and column, and all at once."""
    assert faults(body) == wrong


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1: there is no <body>"),
        (b"<p>x</p>", "line 1: <p> stands outside of <html>"),
        (b"<html>\n<body>\xff</body></html>", "line 2: it is not written in UTF-8"),
        (b"<html><body>" + b"<section>" * 100, "line 1: elements are nested too deeply"),
        (b'<!DOCTYPE html [<!ENTITY a "b">]><html><body></body></html>', "is no part of a letter"),
    ],
)
def test_what_is_no_letter_at_all_is_refused(content: bytes, reason: str) -> None:
    """With the line; nothing is guessed and no entity is resolved."""
    with pytest.raises(FileRefused, match=reason):
        reading.read(content, "letters/x.html")


def test_a_new_letter_can_be_read() -> None:
    """Whatever its title is."""
    assert reading.read(blank.letter("甲 & <乙>"), "x.html").title == "甲 & <乙>"


# --- what is put in


def test_values_stand_where_their_names_were() -> None:
    """Text as it is, markup in it, too; blanks of the file's layout fall away, a line break of the value stays."""
    body = '<p>\n  <data value="who.name">姓名</data>：<data value="hours">小时</data>\n  小时 </p>'
    assert printed(body, {"who": {"name": "林<b>北</b> #x"}, "hours": 2.0}) == "林<b>北</b> #x：2 小时\n"
    assert printed('<p><data value="a">甲</data></p>', {"a": "一\n二"}) == "一\n二\n"
    assert printed('<p><data value="letter.date" data-as="day">落款</data></p>') == "2026 年 11 月 24 日\n"


def test_lists_within_lists_have_an_end() -> None:
    """Together they come to a number of rows, items and lines at most; where they come to more, that is told once."""
    many = list(range(150))
    rows = '<li data-each="xs"><ul><li data-each="xs"><data value="item">数</data></li></ul></li>'
    assert lacking(f"<ul>{rows}</ul>", {"xs": many[:140]}) == []
    said = "its lists come to more than 20000 rows, items and lines in all"
    assert lacking(f"<ul>{rows}</ul>", {"xs": many}) == [("xs", said)]
    lines = '<ul><li data-each="xs"><p><data value="xs" data-as="lines">行</data></p></li></ul>'
    assert lacking(lines, {"xs": many}) == [("行", said)]


def test_conditions_and_lists_are_carried_out() -> None:
    """On paragraphs, parts of them, items and rows; a paragraph that lost all it held is not printed, one left empty is a line."""
    body = (
        '<p data-if="a">甲</p><p><span data-if="not(a)">乙</span></p><p></p><section data-if="a"><p>丙</p></section>'
        '<ol><li data-each="xs" data-if="item.n > 1"><data value="item.n">数</data></li><li>末</li></ol>'
        '<table><tr data-each="xs"><td>第</td><td><data value="item.n">数</data></td></tr></table>'
    )
    values = {"a": True, "xs": [{"n": 1}, {"n": 2}]}
    assert printed(body, values) == "甲\n\n丙\n- 2\n- 末\n| 第 1\n| 第 2\n"
    assert printed(body, values | {"a": False, "xs": []}) == "乙\n\n- 末\n"


@pytest.mark.parametrize(
    ("given", "paragraphs", "items"),
    [
        ("一\n\n 二 ", "一\n二\n", "- 一\n- 二\n"),
        (["一", 2], "一\n2\n", "- 一\n- 2\n"),
        (None, "无。\n", "无。\n"),
        ("", "无。\n", "无。\n"),
    ],
)
def test_lines_become_paragraphs_or_items(given: Any, paragraphs: str, items: str) -> None:
    """One for each line of a text or item of a list; of nothing it is said that there is none."""
    assert printed('<p><data value="a" data-as="lines">甲</data></p>', {"a": given}) == paragraphs
    assert printed('<ol><li><data value="a" data-as="lines">甲</data></li></ol>', {"a": given}) == items


def test_a_list_with_other_items_needs_no_lines() -> None:
    """Nothing is said of lines that are not there beside items that are."""
    assert printed('<ol><li><data value="a" data-as="lines">甲</data></li><li>乙</li></ol>', {"a": None}) == "- 乙\n"


@pytest.mark.parametrize(
    ("value", "form", "chinese", "english"),
    [
        ("2026-03-01", "day", "2026 年 3 月 1 日", "1 March 2026"),
        ("2026-02-28T20:00:00Z", "day", "2026 年 3 月 1 日", "1 March 2026"),
        ("2026-02-28T20:00:00", "day", "2026 年 2 月 28 日", "28 February 2026"),
        ("2026-03", "month", "2026 年 3 月", "March 2026"),
        ("2026-03-09", "month", "2026 年 3 月", "March 2026"),
        (1234500, "money", "12,345.00", "12,345.00"),
        (-5, "money", "-0.05", "-0.05"),
        (63, "duration", "5 年 3 个月", "5 years 3 months"),
        ("P1Y1M", "duration", "1 年 1 个月", "1 year 1 month"),
        (24, "duration", "2 年", "2 years"),
        (0, "duration", "不满 1 个月", "less than 1 month"),
        (2.5, "text", "2.5", "2.5"),
    ],
)
def test_values_are_written_as_people_write_them(value: Any, form: str, chinese: str, english: str) -> None:
    """In the language of the letter, whatever the language of the case is."""
    assert spelling.written(value, form, language="zh-CN", zone=SHANGHAI) == chinese
    assert spelling.written(value, form, language="en", zone=SHANGHAI) == english


@pytest.mark.parametrize(
    ("value", "form"),
    [
        *[(None, form) for form in spelling.FORMS if form != "lines"],
        *[(" ", "text"), (True, "text"), ([1], "text"), ({}, "text"), ("soon", "day"), (20260301, "day"), ("2026-13", "month")],
        *[("5", "money"), (1.5, "money"), (True, "money"), (-1, "duration"), ("P", "duration"), ("P1D", "duration")],
    ],
)
def test_what_cannot_be_written_so_is_refused(value: Any, form: str) -> None:
    """Nothing at all, and what is of another kind."""
    with pytest.raises(Unprintable):
        spelling.written(value, form, language="zh-CN", zone=SHANGHAI)


def test_what_a_letter_lacks_is_told_by_name() -> None:
    """Every placeholder, condition, list and picture without a value, not only the first; what is not printed is not asked."""
    body = (
        '<p><data value="a.b">甲</data><data value="c" data-as="day">乙</data></p><p data-if="d">丙</p>'
        '<ul><li data-each="e"><data value="item">丁</data></li></ul><img src="chart:f" alt="戊">'
        '<p data-if="false"><data value="never">己</data></p>'
    )
    assert lacking(body, {"a": {}, "c": "soon", "d": 1, "e": None}) == [
        ("甲", "it has no value"),
        ("乙", '"soon" is no day such as 2026-11-24'),
        ("d", "a condition must be true or false, but it gave: 1"),
        ("e", "it is no list"),
        ("戊", "there is no such chart"),
    ]
    assert lacking('<p><data value="x">甲</data></p>', {}) == [("甲", 'there is no variable "x"')]


def test_without_data_the_names_are_printed() -> None:
    """Every part of the letter once, whatever its condition, and nothing is missing."""
    body = '<p data-if="a">甲<data value="b">乙</data></p><ol><li data-each="c"><data value="item" data-as="lines">丙</data></li></ol>'
    filled = fill(body, None)
    assert said(filled.body) == "甲[乙]\n- [丙]" + "\n" and not filled.missing


def test_the_foot_is_one_line() -> None:
    """What stands in it, paragraphs and all."""
    filled = fill('<p>a</p><footer><p><data value="n">编号</data></p><p>乙</p></footer>', {"n": "T-1"})
    assert filled.footer is not None and said(list(filled.footer)) == "T-1\n乙"


# --- on paper


def text_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(io.BytesIO(pdf)) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


def test_everything_is_printed() -> None:
    """Each element of the format, in a PDF for archives; pages are counted at the foot, and the same as pictures has as many pages."""
    body = (
        '<h1>通知</h1><h2>一</h2><h3>二</h3><p class="center">a <strong>粗</strong><em>重</em><u>线</u><br>b</p><ul><li>项</li></ul>'
        "<table><tr><th>列</th><td><p>格</p><ul><li>内</li></ul></td></tr><tr><td>短</td></tr></table>"
        '<p>签名：<span class="blank"></span><span class="box"></span><span class="blank wide"></span></p><img src="chart:usage" alt="图">'
        '<hr class="cut"><hr class="page"><section class="together"><p>次页</p></section><hr>'
        '<div class="signature"><p>盖章</p></div><footer>编号</footer>'
    )
    filled = fill(body, {}, charts=("usage",))
    renderer = TypstRenderer()
    made = printing.pdf(renderer, filled, {"usage": SVG}, TODAY)
    text = text_of(made)
    assert b"<pdfaid:part>2</pdfaid:part>" in made
    for part in ("通知", "粗", "重", "线", "项", "列", "格", "内", "短", "次页", "盖章", "第 1 页，共 2 页", "第 2 页，共 2 页"):
        assert part in text, part
    pages = printing.pages(renderer, filled, {"usage": SVG}, TODAY)
    assert len(pages) == 2 and all(page.startswith(b"\x89PNG") for page in pages)


def test_an_english_letter_counts_its_pages_in_english() -> None:
    """Page 1 of 1, under a letter that has a foot; one without has no number."""
    renderer = TypstRenderer()
    assert "Page 1 of 1" in text_of(printing.pdf(renderer, fill("<p>Dear</p><footer></footer>", {}, lang="en"), {}, TODAY))
    assert "1" not in text_of(printing.pdf(renderer, fill("<p>Dear</p>", {}, lang="en"), {}, TODAY))


FILES = {
    "letters/notice.html": letter('<p><data value="who">姓名</data>，<data value="letter.date" data-as="day">落款</data></p>'),
    "letters/notice_en.html": letter('<p>Dear <data value="who">name</data></p>', lang="en"),
    "letters/several.html": letter('<p><data value="a">甲</data><data value="b">乙</data><data value="a">甲</data></p>'),
    "letters/notice.typ": b"typst",
    "letters/plain.typ": b"= typst",
}


def call(template: str, locale: str = "zh-CN", **given: Any) -> Call:
    headers = {"template": template}
    return Call(operation="document.render", key="k", input=given, headers=headers, case="c", attempt=1, now=NOW, locale=locale)


def render(asked: Call) -> str:
    operation = RenderLetter(TypstRenderer(), lambda case: FILES, zone="Asia/Shanghai")
    return text_of(operation.call(asked).files[0].content)


def test_a_step_gets_the_letter_in_the_language_of_the_case() -> None:
    """HTML comes before typst; typst is still there for who wants to set a letter by hand."""
    assert "林小北，2026 年 11 月 24 日" in render(call("notice", who="林小北"))
    assert "Dear Lin" in render(call("notice", "en", who="Lin"))
    assert "typst" in render(call("plain"))


def test_no_letter_goes_out_with_a_blank_that_nobody_left_in_it() -> None:
    """It is refused, with the name of what it lacks, so that a person can correct the input."""
    with pytest.raises(Refused, match='at "姓名": it has no value'):
        render(call("notice", who=None))
    with pytest.raises(Refused, match="at 甲, 乙"):
        render(call("several"))


def test_which_file_a_name_means() -> None:
    """In the language of the case first; a file serves the names by which steps may mean it."""
    assert templates.path("notice", templates.RENDER, "en", FILES) == "letters/notice_en.html"
    assert templates.path("plain", templates.RENDER, "en", FILES) == "letters/plain.typ"
    assert templates.path("none", templates.RENDER, "en", FILES) is None
    assert templates.paths("notice", templates.RENDER, FILES) == ["letters/notice.html", "letters/notice.typ", "letters/notice_en.html"]
    assert templates.served("letters/notice_en.html") == (frozenset({"notice", "notice_en"}), templates.RENDER)
    assert templates.served("letters/plan.txt") == (frozenset({"plan"}), templates.DRAFT)
    assert templates.served("notes/plan.txt") is None and templates.served("letters/a.json") is None


def test_places_of_a_text_are_found_and_filled() -> None:
    """Dotted names in braces, each with its place; what is no text and no number stays and is told."""
    text = "致 {who.name}：\n{ no } {lines}{gone.part}"
    assert [(place.name, place.line, place.column) for place in places.places(text)] == [
        ("who.name", 1, 3),
        ("lines", 2, 8),
        ("gone.part", 2, 15),
    ]
    filled, missing = places.filled(text, {"who": {"name": "{lines}"}, "lines": ["一", "二"], "gone": {}})
    assert filled == "致 {lines}：\n{ no } 一\n二{gone.part}" and [place.name for place in missing] == ["gone.part"]


def test_html_is_a_letter_only_in_the_folder_of_letters(tmp_path: Path) -> None:
    """What a modeler exports as a page beside a diagram is no part of the procedure, and cannot be put into a draft."""
    for name in ("letters/a.html", "page.html", "docs/b.html", "x.bpmn"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert sorted(procedures.contents(tmp_path)) == ["letters/a.html", "x.bpmn"]
    assert [paths.kind_of(name) for name in ("letters/a.html", "page.html")] == ["letter", "other"]
    paths.must_be_path("letters/b.html")
    with pytest.raises(FileRefused, match="folder letters"):
        paths.must_be_path("page.html")
