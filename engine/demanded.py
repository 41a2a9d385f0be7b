"""What people call a step that the rules of a procedure name where no diagram holds it, and so no diagram says what it is called."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Mapping

from . import json_text
from .bpmn import outline
from .bpmn.demands import told
from .chains import shipped
from .descriptions import Description
from .errors import Sentence
from .letters.templates import FOLDER
from .ports import Json

_TITLE = re.compile(r"<title>([^<]+)</title>")


def called(text: str, files: Mapping[str, bytes], operations: Mapping[str, Description]) -> Sentence:
    """Such as `the step with the form "Legal opinion"` for `form:legal-review`; files and operations say what they are called."""
    steps = [_called(what, name, value, files, operations) for what, name, value in told(text)]
    return functools.reduce(lambda one, other: Sentence("{one} or {other}", {"one": one, "other": other}), steps)


def _called(what: str, name: str, value: str, files: Mapping[str, bytes], operations: Mapping[str, Description]) -> Sentence:
    match what:
        case "form":
            return Sentence('the step with the form "{name}"', _titles(_read(files, f"forms/{name}.form"), "title", name))
        case "chain":
            return Sentence('the approval by the chain "{name}"', _titles(shipped.chains(files).get(name), "name", name))
        case "decision":
            known = {each["id"]: each["name"] for path in files if path.endswith(".dmn") for each in outline.decisions(files[path], path)}
            return Sentence('the step that asks the decision "{name}"', {"name": known.get(name, name)})
        case "outcome":
            return Sentence("an end with the outcome {name}", {"name": name})
        case "operation":
            letter = _TITLE.search(files.get(f"{FOLDER}/{value}.html", b"").decode(errors="replace"))
            if letter:
                return Sentence('the step that writes the letter "{name}"', {"name": html.unescape(letter[1])})
            described = operations.get(name)
            facts = {"name": described.label, "name_en": described.label_en} if described else {"name": name}
            return Sentence('the automatic step "{name}" ({value})' if value else 'the automatic step "{name}"', {**facts, "value": value})
        case _:
            return Sentence('the element with the id "{name}"', {"name": name})


def _titles(given: Json, key: str, otherwise: str) -> dict[str, str]:
    """The name in both languages, as a file gives it."""
    given = given if isinstance(given, dict) else {}
    named = str(given.get(key) or otherwise)
    return {"name": named, "name_en": str(given.get(f"{key}_en") or named)}


def _read(files: Mapping[str, bytes], path: str) -> Json:
    try:
        return json_text.read(files.get(path, b"{}"))
    except ValueError:
        return None
