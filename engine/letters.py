"""Letters of a procedure as operations that Partwell offers itself: rendered as PDF, or drafted as text for a person to edit."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from .descriptions import NEEDS_PERSON, REFUSED, Description, Parameter, Result
from .documents import safe_name
from .errors import PdfFailed, Refused
from .ports import Answer, Call, File, Json, Renderer

_SYSTEM = "partwell"
#: a place in a text letter: names joined by dots
_PLACE = re.compile(r"\{([^\W\d]\w*(?:\.\w+)*)\}")


class RenderLetter:
    """`document.render`: a typst letter of the case's own procedure version as PDF.

    Headers: `template` (name of a file `letters/<template>.typ`), `kind` and `title` of the document. Input: what the letter
    shows; `charts` in it are pictures, SVG text by name; `date` (ISO) defaults to the day it is made. Value:
    {"document": id, "name": …, "sha256": …, "date": ISO}.
    """

    names: Sequence[str] = ("document.render",)
    reads = True
    descriptions: Sequence[Description] = (
        Description(
            name="document.render",
            label="生成文书（PDF）",
            label_en="Write a letter (PDF)",
            description="用流程文件夹 letters 里的文书模板（.typ）生成 PDF，存入事项。模板里用到的内容逐项填入输入映射。",
            description_en="Makes a PDF from a letter of the procedure (letters/*.typ) for the case. Map what the letter shows.",
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
        template = _letter(call, self._letters(call.case), ".typ")
        data = dict(call.input)
        charts = data.pop("charts", None) or {}
        if not isinstance(charts, Mapping) or not all(isinstance(svg, str) for svg in charts.values()):
            raise _refused(call, "charts must be SVG texts by name")
        try:
            given = data.get("date")
            date = dt.date.fromisoformat(given[:10]) if given else call.now.astimezone(self._zone).date()
        except (TypeError, ValueError):
            raise _refused(call, f"the date is no day such as 2026-11-24: {given!r}") from None
        try:
            pdf = self._renderer.render(template, data | {"date": [date.year, date.month, date.day]}, charts)
        except PdfFailed as error:
            raise _refused(call, str(error.facts["reason"])) from error
        title = call.headers.get("title") or call.headers["template"]
        kind = call.headers.get("kind") or call.headers["template"]
        file = File(kind=kind, name=safe_name(f"{title}.pdf"), media_type="application/pdf", content=pdf)
        value = {"document": {"$file": 0}, "name": file.name, "sha256": hashlib.sha256(pdf).hexdigest(), "date": date.isoformat()}
        return Answer(value=value, files=[file])

    def check(self) -> Sequence[str]:
        return ()


class DraftLetter:
    """`document.draft`: a text letter with its `{dotted.names}` filled from the input, for a person to edit.

    Header: `template` (name of a file `letters/<template>.txt`). Value: {"text": …}. A list fills its place line by line.
    """

    names: Sequence[str] = ("document.draft",)
    reads = True
    descriptions: Sequence[Description] = (
        Description(
            name="document.draft",
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
        text = _letter(call, self._letters(call.case), ".txt")
        return Answer(value={"text": _PLACE.sub(lambda place: self._fill(call, place[1]), text)})

    def check(self) -> Sequence[str]:
        return ()

    def _fill(self, call: Call, name: str) -> str:
        value: Json = call.input
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        lines = [_plain(line) for line in (value if isinstance(value, list) else [value])]
        if None in lines:
            raise _refused(call, f"a place of the letter has no text or number: {name}")
        return "\n".join(line for line in lines if line is not None)


def _plain(value: Json) -> str | None:
    match value:
        case bool():
            return None
        case float() if value.is_integer():
            return str(int(value))
        case str() | int() | float():
            return str(value)
    return None


def _letter(call: Call, files: Mapping[str, bytes], ending: str) -> str:
    """The letter's source, in the language of the case where there is one of its own (`<template>_en`)."""
    name = call.headers.get("template", "")
    for candidate in (f"letters/{name}_{call.locale.split('-')[0]}{ending}", f"letters/{name}{ending}"):
        if candidate in files:
            return files[candidate].decode("utf-8-sig")
    known = ", ".join(sorted(PurePosixPath(path).stem for path in files if path.startswith("letters/") and path.endswith(ending)))
    raise _refused(call, f"the procedure has no such letter: {name}{ending} ({known or '–'})")


def _refused(call: Call, reason: str) -> Refused:
    return Refused(system=_SYSTEM, operation=call.operation, reason=reason)
