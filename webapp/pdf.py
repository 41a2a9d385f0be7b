"""Letters and reports as PDF/A-2b, made by typst with the vendored font and nothing else of the machine."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import typst

from engine.errors import PdfFailed, SettingWrong
from engine.ports import Json

FONTS = Path(__file__).parent / "static" / "fonts"
#: what the vendored file calls itself
FAMILY = "Noto Sans S Chinese"

#: A template needs none of these. They could load packages from the internet or make code out of data.
_FORBIDDEN = re.compile(r"(?m)(?:^|[#;{}(\[=])\s*(import|include)\b|\b(eval|plugin|std)\b")
_COMMENT = re.compile(r"(?m)^\s*//.*$")
_FONT_ATTRIBUTE = re.compile(r"""(font-family\s*=\s*)("[^"]*"|'[^']*')""")
_FONT_STYLE = re.compile(r"""(font-family\s*:\s*)[^;"'<>}]*(?:'[^']*'[^;"'<>}]*)*""")


class TypstRenderer:
    """Makes a PDF from typst source (`engine.ports.Renderer`).

    The source finds its data as JSON in `sys.inputs.data` and each image as SVG text in `sys.inputs` under its name; what
    comes in the data stays text. `data["date"]` is [year, month, day] and is written into the file as its date.
    """

    def __init__(self, fonts: Path = FONTS) -> None:
        self._fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(fonts)])
        if self._fonts.families() != [FAMILY]:
            raise SettingWrong(setting="fonts", reason=f"{fonts} holds {self._fonts.families()}, needed is exactly {FAMILY}")
        # typst reads files below this folder only; there are none
        self._root = tempfile.TemporaryDirectory(prefix="partwell-typst-")

    def render(self, template: str, data: Mapping[str, Json], images: Mapping[str, str] = {}) -> bytes:
        """PDF/A-2b bytes; the same input gives the same bytes.

        Raises PdfFailed with typst's own words: a fault of the template, a name missing in the data, a character that the
        font does not have.
        """
        if found := _FORBIDDEN.search(_COMMENT.sub("", template)):
            raise PdfFailed(reason=f"the template uses what letters may not: {found[1] or found[2]}")
        if "data" in images:
            raise PdfFailed(reason="an image cannot be called data")
        inputs = {name: _in_our_font(svg) for name, svg in images.items()}
        inputs["data"] = json.dumps(data, ensure_ascii=False, sort_keys=True)
        try:
            source = (_dated(data) + template).encode()
            made, warnings = typst.compile_with_warnings(
                source, root=self._root.name, font_paths=self._fonts, sys_inputs=inputs, pdf_standards=["a-2b"]
            )
        except typst.TypstError as error:
            raise PdfFailed(reason=_place(error)) from error
        if warnings:
            raise PdfFailed(reason="; ".join(_place(warning) for warning in warnings))
        assert isinstance(made, bytes)
        return made


def _dated(data: Mapping[str, Json]) -> str:
    """PDF/A demands a date; taken from the data, the same data give the same file. On the template's first line."""
    match data.get("date"):
        case [int(year), int(month), int(day)]:
            return (
                f"#set document(date: datetime(year: {year}, month: {month}, day: {day}));"
                f'#set text(font: "{FAMILY}", fallback: false, lang: "zh", region: "cn");'
            )
        case other:
            raise PdfFailed(reason=f"the date is not [year, month, day]: {other!r}")


def _in_our_font(svg: str) -> str:
    """Pictures made for the screen name the screen's fonts, which do not exist here."""
    return _FONT_STYLE.sub(rf"\g<1>{FAMILY}", _FONT_ATTRIBUTE.sub(rf'\g<1>"{FAMILY}"', svg))


def _place(error: typst.TypstError | typst.TypstWarning) -> str:
    """What is wrong and in which line of the template."""
    line = re.search(r"\.typ:(\d+):", error.diagnostic or "")
    return error.message + (f" (line {line[1]})" if line else "")
