"""Letters while they are written: what their steps hand over to them, and the pages as they would be printed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template, request

from engine.bpmn.lint.offered import handed
from engine.descriptions import described
from engine.errors import FileRefused, LetterNotReached, LetterUnused, NotAllowed, NotDeployable, NotFound, PdfFailed, Sentence
from engine.letters import reading, templates
from engine.letters.makers import makers
from engine.letters.vocabulary import VALUE
from engine.ports import Json
from engine.studio import drafts, letters
from engine.studio.letters import Values

from .. import i18n
from ..accounts import logged_in, me, services
from ..api.shapes import RequestInvalid
from ..i18n import N_, gettext
from ..long_work import any_taken
from .addresses import data, studio
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
#: letters of a value that is shown as an example
_EXAMPLE = 40
_DAY = re.compile(r"\d{4}-\d\d-\d\d($|T)")


@data.get("/<procedure>/letters/about.json")
def about_letter(procedure: str) -> Any:
    """`{names, sources, source}`: what can be inserted into the letter `?path`, what it can be filled with, and with what at first."""
    path = request.args.get("path", "")
    files = drafts.contents(services(), procedure, actor=me().id)
    return {"names": _labelled([LETTER_DATE, *_handed(files, path)], files), **sources(procedure, files, path)}


@data.post("/<procedure>/letters/pages")
def letter_pages(procedure: str) -> Any:
    """`{path, text, source}`: the pages of a letter that need not be saved, as pictures, and what is missing in it.

    `source`: "", or one of those that `about.json` lists; `names` are what it hands over, with examples.
    """
    given = body()
    path, text, source = (given.get(name, "") for name in ("path", "text", "source"))
    if not all(isinstance(each, str) for each in (path, text, source)):
        raise RequestInvalid(reason="“path”, “text” and “source” must be texts", field="path")
    seen = _seen(procedure, path, text, source)
    return {"pages": seen.pages, "problems": seen.problems, "names": seen.names}


@studio.post("/<procedure>/letters/filled")
@logged_in
def filled_text(procedure: str) -> str:
    """The part of the page of a letter that is edited as text which shows it filled: sent are `path`, `text` and `source`."""
    return render_template("_filled_text.html", seen=_seen(procedure, *(request.form.get(name, "") for name in ("path", "text", "source"))))


def sources(procedure: str, files: Mapping[str, bytes], path: str) -> dict[str, Any]:
    """`{sources: [{name, of: [(value, label)]}], source}`: what a letter can be filled with, and what it is filled with at first.

    That is a scenario which most likely comes to the letter: one that names it or the step, or in which there are documents.
    """
    found = letters.sources(services(), procedure, files, actor=me().id)
    of = {kind: [(f"{kind}:{each.key}", i18n.named(each)) for each in found if each.kind == kind] for kind in ("scenario", "case")}
    served = templates.served(path)
    words = {*(served[0] if served else ()), *(element.id for _, element in makers(files, path))}
    named = re.compile("|".join(rf"(?<![\w-]){re.escape(word)}(?![\w-])" for word in words) or "$^")
    played = [(each.key, files[each.key].decode("utf-8", "replace")) for each in found if each.kind == "scenario"]
    first = max(played, key=lambda one: (bool(named.search(one[1])), "documents:" in one[1], len(one[1])), default=None)
    groups = [{"name": gettext("Scenarios"), "of": of["scenario"]}, {"name": gettext("Cases"), "of": of["case"]}]
    return {"sources": groups, "source": f"scenario:{first[0]}" if first and makers(files, path) else ""}


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A letter as a page shows it."""

    #: addresses of pictures
    pages: Sequence[str] = ()
    #: of a text draft
    text: str = ""
    #: why it is not as it should be, in words
    problems: Sequence[str]
    #: what is handed over to it, as `_labelled`
    names: Sequence[Mapping[str, Any]]


def _seen(procedure: str, path: str, text: str, source: str) -> _Seen:
    """What a letter comes to with a source; where that gives nothing, as it is without data."""
    files = drafts.contents(services(), procedure, actor=me().id)
    values, problems = None, list[str]()
    try:
        values = _values(procedure, files, path, source)
    except NotDeployable:
        problems = [gettext("The draft has errors, so that nothing can be filled in yet. They stand on its page.")]
    except (LetterNotReached, LetterUnused, FileRefused, NotFound, NotAllowed) as error:
        problems = [i18n.error_text(error)]
    known = {each["name"]: each for each in _handed(files, path)}
    names = _labelled([known.get(each["name"], {}) | each for each in _flat(values.input)] if values else known.values(), files)
    if path.endswith(".html") and (faults := reading.study(text.encode())[1]):
        return _Seen(problems=[i18n.sentence(fault.sentence) for fault in faults], names=names)
    try:
        with any_taken():
            preview = letters.preview(services(), path, text.encode(), values)
    except PdfFailed as error:
        return _Seen(problems=[*problems, i18n.error_text(error)], names=names)
    if values and values.step:
        problems.append(gettext("Several steps make this letter. It is filled as for the step “%(step)s”.", step=values.step))
    if values:
        problems += [_lacks(name, reason) for name, reason in values.unknown.items()]
    problems += [_lacks(each.name, each.sentence) for each in preview.missing]
    pictures = [f"data:image/png;base64,{base64.b64encode(page).decode()}" for page in preview.pages]
    return _Seen(pages=pictures, text=preview.text, problems=problems, names=names)


def _values(procedure: str, files: Mapping[str, bytes], path: str, source: str) -> Values | None:
    kind, _, key = source.partition(":")
    match kind:
        case "":
            return None
        case "scenario":
            with any_taken():
                return letters.of_scenario(services(), files, path, key)
        case "case":
            with any_taken():
                return letters.of_case(services(), procedure, files, path, key, actor=me().id)
    raise NotFound(what="scenario", name=source)


def _lacks(name: str, reason: Sentence) -> str:
    return name + gettext(": ") + i18n.sentence(reason)


def _handed(files: Mapping[str, bytes], path: str) -> list[dict[str, Any]]:
    """What the steps that make the letter hand over to it, as far as the diagrams say."""
    served = templates.served(path)
    return handed(files, schemas(files), described(services().operations), served[0]) if served else []


def _flat(value: Mapping[str, Json], prefix: str = "") -> Iterator[dict[str, Any]]:
    """Every part of what is handed over by its dotted name, with an example."""
    for name, part in value.items():
        if isinstance(part, dict):
            yield from _flat(part, f"{prefix}{name}.")
        else:
            yield {"name": f"{prefix}{name}", "type": _kind(part), "example": _example(part)[:_EXAMPLE]}


def _example(value: Json) -> str:
    match value:
        case list():
            return gettext("%(num)s entries", num=len(value))
        case str():
            return value
    return "" if value is None else json.dumps(value)


def _kind(value: Json) -> str:
    """As fields of forms hold it."""
    match value:
        case list():
            return "list"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str() if _DAY.match(value):
            return "date"
    return "text"


def _labelled(names: Iterable[Mapping[str, Any]], files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The names with what people call them, where that is known: in the draft's letters, in forms, and in what operations answer."""
    called = {**{name: gettext(label) for name, label in _OF_CASES.items()}, **_in_letters(files)}
    found = []
    for each in names:
        label = called.get(each["name"]) or i18n.named(each, "label")
        found.append({key: value for key, value in each.items() if key != "label_en"} | ({"label": label} if label else {}))
    return found


def _in_letters(files: Mapping[str, bytes]) -> dict[str, str]:
    """What content items of the letters are called, by their expressions."""
    found = {}
    for path, content in files.items():
        letter = reading.study(content)[0] if path.endswith(".html") else None
        if letter is not None:
            found |= {each.text.strip(): each.node.text for each in reading.expressions(letter) if each.attribute == VALUE}
    return found
