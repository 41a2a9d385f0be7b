"""Letters of a procedure as operations that Partwell offers itself: printed as PDF, or drafted as text for a person to edit."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from ..descriptions import NEEDS_PERSON, REFUSED, Description, Parameter, Result
from ..documents import safe_name
from ..errors import FileRefused, PdfFailed, Refused
from ..ports import Answer, Call, File, Json, Renderer
from . import filling, printing, reading, templates
from .places import filled
from .spelling import Unprintable
from .templates import DRAFT, HEADER, RENDER

_SYSTEM = "partwell"


class RenderLetter:
    """`document.render`: a letter of the case's own procedure version as PDF.

    Headers: `template` (name of a file `letters/<template>.html`, or `.typ` for one that typesets itself), `kind` and `title` of the
    document. Input: what the letter shows; `charts` in it are pictures, SVG text by name; `date` (ISO) defaults to the day it is made.
    Value: {"document": id, "name": …, "sha256": …, "date": ISO}.
    """

    names: Sequence[str] = (RENDER,)
    reads = True
    descriptions: Sequence[Description] = (
        Description(
            name=RENDER,
            label="生成文书（PDF）",
            label_en="Write a letter (PDF)",
            description="用流程里的文书（letters 文件夹）生成 PDF，存入事项。文书里用到的内容逐项填入输入映射。",
            description_en="Makes a PDF from a letter of the procedure (folder letters) for the case. Map what the letter shows.",
            icon="file-text",
            inputs=(
                Parameter("date", "落款日期（留空为当日）", "Date of the letter (empty: today)", "date"),
                Parameter("charts", "图表（名称到 SVG 文本）", "Charts (SVG text by name)", "context"),
            ),
            open=True,
            headers=(
                Parameter("template", "文书模板", "Letter", required=True),
                Parameter("kind", "文书种类（留空同模板）", "Kind of document (empty: as the letter)"),
                Parameter("title", "文件名称（留空同模板）", "Title of the file (empty: as the letter)"),
            ),
            outputs=(
                Result("document", "文件编号", "Id of the document"),
                Result("name", "文件名", "Name of the file"),
                Result("sha256", "SHA-256 校验值", "SHA-256"),
                Result("date", "落款日期", "Date of the letter", "date"),
            ),
            errors=(REFUSED, NEEDS_PERSON),
            variable="letter",
        ),
    )

    def __init__(self, renderer: Renderer, letters: Callable[[str], Mapping[str, bytes]], *, zone: str) -> None:
        self._renderer = renderer
        #: the files of the version a case runs on, by the case's number
        self._letters = letters
        self._zone = ZoneInfo(zone)

    def call(self, call: Call) -> Answer:
        path, content = _letter(call, RENDER, self._letters(call.case))
        try:
            data, charts, date = printing.given(call.input, now=call.now, zone=self._zone)
        except Unprintable as error:
            raise _refused(call, str(error.sentence)) from None
        try:
            if path.endswith(".html"):
                pdf = self._printed(call, reading.read(content, path), data, charts, date)
            else:
                pdf = self._renderer.render(content.decode("utf-8-sig"), *printing.for_typst(data, charts, date))
        except PdfFailed as error:
            raise _refused(call, str(error.facts["reason"])) from error
        except FileRefused as error:
            raise _refused(call, str(error)) from error
        return answered(call, pdf, date)

    def _printed(self, call: Call, letter: reading.Letter, data: Mapping[str, Json], charts: Mapping[str, str], date: dt.date) -> bytes:
        """Raises Refused where the letter lacks anything: no legal letter goes out with a blank that nobody left in it."""
        filled = filling.filled(letter, data, charts=charts, date=date, now=call.now, zone=self._zone)
        if filled.missing:
            names = list(dict.fromkeys(each.name for each in filled.missing))
            if len(names) == 1:
                raise _refused(call, f'the letter cannot be filled at "{names[0]}": {filled.missing[0].sentence}')
            raise _refused(call, f"the letter cannot be filled at {', '.join(names)}")
        return printing.pdf(self._renderer, filled, charts, date)

    def check(self) -> Sequence[str]:
        return ()


def answered(call: Call, pdf: bytes, date: dt.date) -> Answer:
    """What a step gets that asked for this letter."""
    title = call.headers.get("title") or call.headers[HEADER]
    kind = call.headers.get("kind") or call.headers[HEADER]
    file = File(kind=kind, name=safe_name(f"{title}.pdf"), media_type="application/pdf", content=pdf)
    value = {"document": {"$file": 0}, "name": file.name, "sha256": hashlib.sha256(pdf).hexdigest(), "date": date.isoformat()}
    return Answer(value=value, files=[file])


class DraftLetter:
    """`document.draft`: a text letter with its `{dotted.names}` filled from the input, for a person to edit.

    Header: `template` (name of a file `letters/<template>.txt`). Value: {"text": …}. A list fills its place line by line.
    """

    names: Sequence[str] = (DRAFT,)
    reads = True
    descriptions: Sequence[Description] = (
        Description(
            name=DRAFT,
            label="起草文稿",
            label_en="Draft a text",
            description="用流程文件夹 letters 里的文稿模板（.txt）起草文字，供人修改。模板里花括号标出的内容逐项填入输入映射。",
            description_en="Fills the places in braces of a text of the procedure (letters/*.txt), for people to edit. Map what they name.",
            icon="pencil",
            open=True,
            headers=(Parameter("template", "文稿模板", "Text", required=True),),
            outputs=(Result("text", "文稿", "Text"),),
            errors=(REFUSED, NEEDS_PERSON),
            variable="draft",
        ),
    )

    def __init__(self, letters: Callable[[str], Mapping[str, bytes]]) -> None:
        self._letters = letters

    def call(self, call: Call) -> Answer:
        _, content = _letter(call, DRAFT, self._letters(call.case))
        text, missing = filled(content.decode("utf-8-sig"), call.input)
        if missing:
            raise _refused(call, f"a place of the letter has no text or number: {missing[0].name}")
        return Answer(value={"text": text})

    def check(self) -> Sequence[str]:
        return ()


def _letter(call: Call, operation: str, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """The path and content of the letter, in the language of the case where there is one of its own."""
    name = call.headers.get(HEADER, "")
    path = templates.path(name, operation, call.locale, files)
    if path is None:
        known = ", ".join(templates.known(operation, files))
        raise _refused(call, f"the procedure has no such letter: {name} ({known or '–'})")
    return path, files[path]


def _refused(call: Call, reason: str) -> Refused:
    return Refused(system=_SYSTEM, operation=call.operation, reason=reason)
