"""Letters and reports as PDF."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pypdfium2
import pytest

from engine.errors import PdfFailed, SettingWrong
from webapp import pdf
from webapp.pdf import FAMILY, TypstRenderer

LETTER = """
#set document(title: "通知书")
#let d = json(bytes(sys.inputs.data))
= 通知书
#d.name：日均 #d.hours 小时。
"""
CHART = """
#image(bytes(sys.inputs.chart), format: "svg", alt: "趋势")
"""
DATA = {"date": [2026, 11, 24], "name": '林某 #panic("x") *b* $y$', "hours": 2.5}
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40">'
    '<text x="4" y="16" font-family="Arial, sans-serif">周四</text>'
    '<text x="60" y="16" style="font-family: \'Segoe UI\', Arial; font-size: 12px">社交</text></svg>'
)


@pytest.fixture(scope="module")
def renderer() -> TypstRenderer:
    return TypstRenderer()


def text_of(made: bytes) -> str:
    with pypdfium2.PdfDocument(io.BytesIO(made)) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


def test_a_letter_is_a_pdf_for_archives(renderer: TypstRenderer) -> None:
    """A letter comes out as PDF/A-2b, its Chinese text readable and its data kept as text, never run as markup."""
    made = renderer.render(LETTER, DATA)
    assert made.startswith(b"%PDF") and b"<pdfaid:part>2</pdfaid:part>" in made and b"<pdfaid:conformance>B<" in made
    assert '林某 #panic("x") *b* $y$：日均 2.5 小时。' in text_of(made)


def test_the_same_data_give_the_same_bytes(renderer: TypstRenderer) -> None:
    """Two renderings are equal byte for byte; another date alone makes them differ."""
    once = renderer.render(LETTER + CHART, DATA, {"chart": SVG})
    assert once == TypstRenderer().render(LETTER + CHART, dict(reversed(DATA.items())), {"chart": SVG})
    assert once != renderer.render(LETTER + CHART, DATA | {"date": [2026, 11, 25]}, {"chart": SVG})


def test_a_chart_is_drawn_in_the_vendored_font(renderer: TypstRenderer) -> None:
    """A picture that names fonts of the screen is drawn with the vendored one, the only font in the file."""
    made = renderer.render(LETTER + CHART, DATA, {"chart": SVG})
    assert "周四" in text_of(made) and "社交" in text_of(made)
    assert b"NotoSansHans" in made and b"Arial" not in made


def test_a_character_the_font_lacks_is_an_error(renderer: TypstRenderer) -> None:
    """A name with a character that cannot be printed stops the letter instead of losing the character."""
    with pytest.raises(PdfFailed, match="𠀀"):
        renderer.render(LETTER, DATA | {"name": "林𠀀"})


def test_another_font_is_an_error(renderer: TypstRenderer) -> None:
    """A template that asks for a font nobody vendored is refused, not printed in some other."""
    with pytest.raises(PdfFailed, match=r"(?i)arial"):
        renderer.render('#text(font: "Arial")[通知]', DATA)


def test_a_missing_value_names_itself(renderer: TypstRenderer) -> None:
    """A value that the template needs and the data lack is named, with the line of the template."""
    with pytest.raises(PdfFailed, match=r"hours.*line 5"):
        renderer.render(LETTER, {"date": [2026, 11, 24], "name": "林某"})


@pytest.mark.parametrize("date", [None, "2026-11-24", [2026, 11], ["2026", "11", "24"]])
def test_a_letter_needs_a_date(renderer: TypstRenderer, date: object) -> None:
    """Without a date in the data there is no letter."""
    with pytest.raises(PdfFailed, match="date"):
        renderer.render(LETTER, {"date": date})


def test_an_impossible_date_is_an_error(renderer: TypstRenderer) -> None:
    """The 31st of February is refused readably."""
    with pytest.raises(PdfFailed):
        renderer.render("通知", {"date": [2026, 2, 31]})


@pytest.mark.parametrize(
    "source",
    [
        '#import "@preview/tablex:0.0.8": *',
        '#let x = { import "@preview/tablex:0.0.8" }',
        '#include "other.typ"',
        "#let run = eval",
        '#plugin("x.wasm")',
        "#dictionary(std)",
    ],
)
def test_a_template_loads_and_evaluates_nothing(renderer: TypstRenderer, source: str) -> None:
    """Packages, other files and code made of text are refused before typst sees them."""
    with pytest.raises(PdfFailed, match="what letters may not"):
        renderer.render(source, DATA)


@pytest.mark.parametrize(
    "source", ['#{ [] + include "@preview/x-" + json(bytes(sys.inputs.data)).name }', '#{/**/import "@preview/x:0.1.0"}']
)
def test_a_template_reaches_nobody(renderer: TypstRenderer, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Neither the address of a package nor the way to it leads out of the house, whatever proxy the machine uses."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.2)
        for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(PdfFailed, match="Connection"):
            renderer.render(source, {**DATA, "name": "a:0.1.0"})
        with pytest.raises(TimeoutError):
            proxy.accept()


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../etc/passwd"])
def test_a_template_reads_no_files(renderer: TypstRenderer, path: str) -> None:
    """No file of the machine can be read into a letter."""
    with pytest.raises(PdfFailed):
        renderer.render(f'#read("{path}")', DATA)


@pytest.mark.parametrize("source", ["#range(1000000000).len()", "#for a in range(9999) { for b in range(9999) { [] } }"])
def test_a_template_cannot_take_the_machine(renderer: TypstRenderer, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """A letter that wants all memory or all time is a failed letter; whoever asked for it goes on."""
    monkeypatch.setattr(pdf, "PATIENCE", 2)
    with pytest.raises(PdfFailed, match="too much"):
        renderer.render(source, DATA)


def test_plain_words_are_not_mistaken_for_code(renderer: TypstRenderer) -> None:
    """A letter may speak of importing and including in its text."""
    assert "We include and import goods" in text_of(renderer.render("We include and import goods.", DATA))


def test_another_font_folder_is_refused(tmp_path: Path) -> None:
    """A folder without the font is a wrong setting, said at start."""
    with pytest.raises(SettingWrong, match=FAMILY):
        TypstRenderer(tmp_path)


def test_a_mark_stands_on_each_page(renderer: TypstRenderer) -> None:
    """Whatever the template says of its pages, and as text alone; lines of the template keep their numbers."""
    template = '#set page(margin: 2cm, header: [oben], background: [unten])\n= 一\n#pagebreak()\n#sys.inputs.at("chart").len()\n'
    mark = '试运行 #panic("x")'
    marked = TypstRenderer(mark=mark)
    with pypdfium2.PdfDocument(io.BytesIO(marked.render(template, DATA, {"chart": SVG}))) as document:
        told = [page.get_textpage().get_text_range() for page in document]
    assert len(told) == 2 and all(mark in page and "oben" in page for page in told)
    assert mark not in text_of(renderer.render(template, DATA, {"chart": SVG}))
    assert marked.pages(template, DATA, {"chart": SVG})[0] != renderer.pages(template, DATA, {"chart": SVG})[0]
    with pytest.raises(PdfFailed, match="line 2"):
        marked.render("\n#nosuch", DATA)
    with pytest.raises(PdfFailed, match="cannot be called"):
        renderer.render(template, DATA, {"partwell-mark": SVG})
