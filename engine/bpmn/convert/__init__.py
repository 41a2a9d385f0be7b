"""Diagrams from elsewhere: Camunda 7, Flowable and Activiti to the zeebe vocabulary and FEEL, with a finding for every change.

Pure: bytes in, bytes out. Ids and the drawing stay, so that findings, history and pictures match the file as it came. What has no
counterpart is named in a finding and never dropped silently; what is a program there becomes an operation that is to be written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from lxml import etree

from ... import errors, json_text
from ..findings import Finding
from ..reader import BPMN, ZEEBE, read_xml
from . import decisions, diagram, wanted
from .sheet import Sheet

__all__ = ["ENDINGS", "ORIGINALS", "Conversion", "convert", "original", "plain"]

#: other names of diagrams
ENDINGS = (".bpmn20.xml", ".bpmn.xml", ".bpmn2")
#: folder of the files as they came
ORIGINALS = "original"


@dataclass(frozen=True)
class Conversion:
    """The files of a folder as they run here."""

    #: all files by path: converted ones in place of those that came, and forms that were made
    files: Mapping[str, bytes]
    #: the files that were converted, as they came
    originals: Mapping[str, bytes]
    #: what was converted, and what a person must do, by path
    findings: Mapping[str, list[Finding]]


def original(path: str) -> str:
    """Where a file is kept as it came, beside its converted form; the ending keeps it from being read as a diagram."""
    return f"{ORIGINALS}/{path}.xml"


def plain(path: str) -> str:
    """The name under which a diagram is known here: other engines' endings become `.bpmn`."""
    for ending in ENDINGS:
        if path.lower().endswith(ending):
            return path[: -len(ending)] + ".bpmn"
    return path


def convert(files: Mapping[str, bytes]) -> Conversion:
    """Converts what needs it among the files of one folder; what cannot be read is left for the check to refuse."""
    given = _forms(files)
    made = dict(files)
    originals: dict[str, bytes] = {}
    findings: dict[str, list[Finding]] = {}
    shapes: dict[str, decisions.Shape] = {}
    for path in (path for path in files if path.endswith(".dmn")):
        root = _read(files[path], path)
        if root is None:
            continue
        shapes |= decisions.shapes(root)
        changed, said = decisions.table(root)
        if changed:
            made[path], originals[path] = _written(root), files[path]
        if said:
            findings[path] = said
    sheets: dict[str, Sheet] = {}
    asking: list[Sheet] = []
    for path in (path for path in files if path.endswith(".bpmn")):
        root = _read(files[path], path)
        if root is None or root.tag != BPMN + "definitions":
            continue
        sheet = sheets[path] = Sheet(path, root, known_forms=frozenset(given))
        foreign = not diagram.native(root)
        diagram.convert(sheet, shapes, foreign=foreign)
        if foreign:
            asking.append(sheet)
    wanted.ask(asking, given)
    for path, sheet in sheets.items():
        if sheet.changed:
            made[path], originals[path] = _written(sheet.root), files[path]
            made |= {f"forms/{id}.form": _json(schema) for id, schema in sheet.forms.items()}
        if sheet.findings:
            findings[path] = sheet.findings
    return Conversion(made, originals, findings)


def _forms(files: Mapping[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, content in files.items():
        if path.endswith(".form"):
            try:
                schema = json_text.read(content)
            except ValueError:
                continue
            if isinstance(schema, dict):
                found[PurePosixPath(path).stem] = schema
    return found


def _read(content: bytes, path: str) -> etree._Element | None:
    try:
        return read_xml(content, path)
    except errors.FileRefused:
        return None


def _written(root: etree._Element) -> bytes:
    etree.cleanup_namespaces(root, top_nsmap={"zeebe": ZEEBE.strip("{}")}, keep_ns_prefixes=[prefix for prefix in root.nsmap if prefix])
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _json(schema: Mapping[str, object]) -> bytes:
    return json.dumps(schema, ensure_ascii=False, indent=2).encode()
