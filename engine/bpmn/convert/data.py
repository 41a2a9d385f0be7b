"""Data objects that have a value from the beginning."""

from __future__ import annotations

import re

from ..codes import Code
from ..reader import BPMN
from . import translation
from .sheet import Sheet, called


def objects(sheet: Sheet) -> None:
    """Those of a process are written at its start, those of a sub-process are its own."""
    for node in sheet.root.iter(BPMN + "dataObject"):
        for line in sheet.children(node, "value"):
            name = translation.name(node.get("name") or node.get("id", ""))
            source = f"={_literal((line.text or '').strip(), node.get('itemSubjectRef', ''))}"
            scope = node.getparent()
            if scope.tag == BPMN + "process":
                starts = [start for start in scope.findall(BPMN + "startEvent") if start.find("{*}messageEventDefinition") is None]
                for start in starts:
                    sheet.map(start, "output", name, source)
            else:
                sheet.map(scope, "input", name, source)
            sheet.say(Code.CONVERTED, node, line=line.sourceline, what=f"{called(line)} {node.get('name', '')}", became=f"{name} {source}")


def _literal(text: str, kind: str) -> str:
    kind = kind.rpartition(":")[2].lower()
    if kind in ("int", "integer", "long", "double", "float", "decimal") and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return text
    if kind == "boolean" and text in ("true", "false"):
        return text
    return translation.quoted(text)
