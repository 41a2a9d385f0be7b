"""Letters and reports as PDF/A-2b or as pictures, made by typst with the vendored font and nothing else of the machine."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import PdfFailed, Sentence, SettingWrong
from engine.ports import Json

log = logging.getLogger(__name__)

FONTS = Path(__file__).parent / "static" / "fonts"
#: what the vendored file calls itself
FAMILY = "Noto Sans S Chinese"
#: dots per inch of a picture: a page of A4 is 1075 wide, sharp on a telephone and on half of a screen
RESOLUTION = 130
#: seconds within which a document is made, however busy the machine is
PATIENCE = 60
_TOO_MUCH = Sentence("it took too much time or memory", {})
#: exit code of typesetting where the font lacks a character
_LACKING = 3
_TYPESETTING = Path(__file__).with_name("typesetting.py")
#: typst fetches packages over these: nobody answers there, so that what a letter says of a person stays in the house
_NOBODY = dict.fromkeys((f"{name}_proxy" for name in ("http", "https", "all")), "http://127.0.0.1:9") | {"no_proxy": ""}
#: one thread and one pool of memory, so that its limit means what it says
_ENVIRON = {"RAYON_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", **_NOBODY, **{name.upper(): at for name, at in _NOBODY.items()}}

#: A template needs none of these. They could make code out of data, and what is imported would come from the internet; words alone
#: do not tell every import from a letter's text, so nothing can be fetched either.
_FORBIDDEN = re.compile(r"(?m)(?:^|[#;{}(\[=])\s*(import|include)\b|\b(eval|plugin|std)\b")
#: across each page, through which one still reads; on the template's first line, so that its lines keep their numbers
_MARK = "partwell-mark"
_MARKED = (
    f'#set page(foreground: align(center + horizon, rotate(-35deg, text(size: 60pt, fill: rgb("#b4231859"), sys.inputs.at("{_MARK}")))));'
)
_COMMENT = re.compile(r"(?m)^\s*//.*$")
_FONT_ATTRIBUTE = re.compile(r"""(font-family\s*=\s*)("[^"]*"|'[^']*')""")
_FONT_STYLE = re.compile(r"""(font-family\s*:\s*)[^;"'<>}]*(?:'[^']*'[^;"'<>}]*)*""")

#: folders of fonts with which a document was made in this process
_USABLE = set[str]()


class TypstRenderer:
    """Makes documents from typst source (`engine.ports.Renderer`).

    The source finds its data as JSON in `sys.inputs.data` and each image as SVG text in `sys.inputs` under its name; what
    comes in the data stays text. `data["date"]` is [year, month, day] and is written into the file as its date. A `mark` stands large
    across each page, such as where nothing is in earnest.
    """

    def __init__(self, fonts: Path = FONTS, *, mark: str = "") -> None:
        self._fonts = str(fonts)
        self._mark = mark
        if self._fonts in _USABLE:
            return
        try:
            self.render("", {"date": [2000, 1, 1]})
        except PdfFailed as error:
            raise SettingWrong(setting="fonts", reason=str(error.facts["reason"])) from error
        _USABLE.add(self._fonts)

    def render(self, template: str, data: Mapping[str, Json], images: Mapping[str, str] = {}) -> bytes:
        """PDF/A-2b bytes; the same input gives the same bytes.

        Raises PdfFailed with typst's own words: a fault of the template, a name missing in the data, a character that the
        font does not have; or because it took too much time or memory.
        """
        return self._made(template, data, images)

    def pages(self, template: str, data: Mapping[str, Json], images: Mapping[str, str] = {}) -> Sequence[bytes]:
        """The same as pictures, a PNG of each page. Raises as `render`."""
        return [base64.b64decode(page) for page in json.loads(self._made(template, data, images, resolution=RESOLUTION))]

    def _made(self, template: str, data: Mapping[str, Json], images: Mapping[str, str], **wanted: int) -> bytes:
        if found := _FORBIDDEN.search(_COMMENT.sub("", template)):
            raise PdfFailed(reason=f"the template uses what letters may not: {found[1] or found[2]}")
        if taken := images.keys() & {"data", _MARK}:
            raise PdfFailed(reason=f"an image cannot be called {min(taken)}")
        inputs = {name: _in_our_font(svg) for name, svg in images.items()}
        inputs["data"] = json.dumps(data, ensure_ascii=False, sort_keys=True)
        inputs |= {_MARK: self._mark} if self._mark else {}
        asked = {
            "source": _dated(data) + (_MARKED if self._mark else "") + template,
            "inputs": inputs,
            "fonts": self._fonts,
            "font_family": FAMILY,
            **wanted,
        }
        command = [sys.executable, "-P", str(_TYPESETTING)]
        try:
            done = subprocess.run(
                command, input=json.dumps(asked).encode(), capture_output=True, env=os.environ | _ENVIRON, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            raise PdfFailed(reason=_TOO_MUCH) from None
        if done.returncode == 1 and done.stdout:
            raise PdfFailed(reason=done.stdout.decode("utf-8", "replace"))
        if done.returncode == _LACKING and done.stdout:
            character = done.stdout.decode("utf-8", "replace")
            raise PdfFailed(reason=Sentence('the font does not have the character "{character}"', {"character": character}))
        if done.returncode:
            log.error("typesetting ended with %s", done.returncode)  # its own words may quote the letter
            raise PdfFailed(reason=_TOO_MUCH)
        return done.stdout


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
