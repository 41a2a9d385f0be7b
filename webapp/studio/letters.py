"""Letters while they are written: what their steps hand over to them, and the pages as they would be printed."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from flask import request

from engine.bpmn.lint.offered import handed
from engine.descriptions import described
from engine.errors import PdfFailed, Sentence
from engine.letters import filling, printing, reading, templates
from engine.studio import catalogue, drafts

from .. import i18n
from ..accounts import me, services
from ..api.shapes import RequestInvalid
from ..i18n import N_, gettext, zone
from .addresses import data
from .checking import schemas
from .files import body

#: what every printed letter says of itself
LETTER_DATE = {"name": "letter.date", "type": "date"}
#: what the engine gives every case
_OF_CASES = {
    "subject.name": N_("Name"),
    "subject.employee_no": N_("Employee number"),
    "subject.department_name": N_("Department"),
    "subject.post": N_("Post"),
    "letter.date": N_("Date of the letter"),
}


@data.get("/<procedure>/letters/about.json")
def about_letter(procedure: str) -> Any:
    """`{names}`: what can be inserted into the letter `?path`."""
    path = request.args.get("path", "")
    files = drafts.contents(services(), procedure, actor=me().id)
    return {"names": _labelled([LETTER_DATE, *_handed(files, path)], files)}


@data.post("/<procedure>/letters/pages")
def letter_pages(procedure: str) -> Any:
    """`{text}`: the pages of a letter that need not be saved, as pictures, or what keeps it from being printed."""
    text = body().get("text", "")
    if not isinstance(text, str):
        raise RequestInvalid(reason="“text” must be a text", field="text")
    drafts.read(services(), procedure, actor=me().id)  # who may not edit it learns nothing
    letter, faults = reading.study(text.encode())
    if letter is None:
        return {"pages": [], "problems": [_at(fault.line, fault.sentence) for fault in faults]}
    now = services().clock.now()
    today = now.astimezone(zone()).date()
    try:
        pictures = printing.pages(services().renderer, filling.filled(letter, None, date=today, now=now, zone=zone()), {}, today)
    except PdfFailed as error:
        return {"pages": [], "problems": [i18n.error_text(error)]}
    return {"pages": [f"data:image/png;base64,{base64.b64encode(each).decode()}" for each in pictures], "problems": []}


def _handed(files: Mapping[str, bytes], path: str) -> list[dict[str, Any]]:
    """What the steps that make the letter hand over to it, as far as the diagrams say."""
    served = templates.served(path)
    return handed(files, schemas(files), described(services().operations), served[0]) if served else []


def _at(line: int, sentence: Sentence) -> str:
    return gettext("Line %(line)s", line=line) + gettext(": ") + i18n.sentence(sentence)


def _labelled(names: list[dict[str, Any]], files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The names with what people call them, where that is known: in the draft's letters and forms, and in what operations answer."""
    called = dict(_called(files))
    return [each | ({"label": label} if (label := _label(each["name"], called)) else {}) for each in names]


def _label(name: str, called: Mapping[str, str]) -> str:
    """What the whole name is called, or as much of its end as is known."""
    parts = name.split(".")
    return next((called[end] for at in range(len(parts)) if (end := ".".join(parts[at:])) in called), "")


def _called(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    for description in described(services().operations).values():
        yield from ((part.name, i18n.named(part, "label")) for part in description.outputs or ())
    for schema in schemas(files).values():
        yield from ((field["key"], i18n.named(field, "label")) for field in catalogue.fields(schema))
    yield from ((name, gettext(label)) for name, label in _OF_CASES.items())
    for path, content in files.items():
        letter = reading.study(content)[0] if path.endswith(".html") else None
        if letter is not None:
            yield from ((each.text.strip(), each.node.text) for each in reading.expressions(letter) if each.attribute == "value")
