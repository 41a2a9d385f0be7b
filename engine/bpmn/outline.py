"""What files hold, in outline: processes and decisions by id and name. What cannot be read holds nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from .. import errors, json_text
from ..letters import reading
from ..ports import Json
from . import dmn_tests
from .model import Process
from .parser import processes
from .reader import BPMN, read_xml


def titled(files: Mapping[str, bytes]) -> tuple[str, str] | None:
    """Chinese and English name of the process with which a case begins: of the first, where that is not decided; None without any."""
    read = [process for path, content in files.items() if path.endswith(".bpmn") for process in _processes(content, path)]
    runs = [process for process in read if process.executable] or read
    called = {e.called.process for process in runs for e in process.elements.values() if e.called and e.called.process != process.id}
    main = next((process for process in runs if process.id not in called), None)
    return (main.name, main.name_en) if main else None


def executable(content: bytes, path: str) -> list[dict[str, Json]]:
    """`{id, name, file}` of each process of a diagram that runs."""
    return [
        {"id": process.id, "name": process.name or process.id, "file": path} for process in _processes(content, path) if process.executable
    ]


def decisions(content: bytes, path: str) -> Iterator[dict[str, Json]]:
    """`{id, name, file, inputs: [expression], outputs: [name]}` of each decision of a DMN file."""
    root = _read(content, path)
    for decision in root.iter("{*}decision") if root is not None else ():
        id = decision.get("id") or decision.get("name", "")
        texts = decision.iterfind("{*}decisionTable/{*}input/{*}inputExpression/{*}text")
        inputs = [" ".join((text.text or "").split()) for text in texts]
        outputs = [node.get("name") or node.get("label") or "" for node in decision.iterfind("{*}decisionTable/{*}output")]
        holds = {"inputs": list(filter(None, inputs)), "outputs": list(filter(None, outputs))}
        yield {"id": id, "name": decision.get("name") or id, "file": path, **holds}


def answered(content: bytes, path: str) -> list[str]:
    """Names of the decisions of a DMN file that no other one of it requires."""
    root = _read(content, path)
    if root is None:
        return []
    required = {(node.get("href") or "").lstrip("#") for node in root.iter("{*}requiredDecision")}
    return [node.get("name") or node.get("id", "") for node in root.iter("{*}decision") if node.get("id") not in required]


def _processes(content: bytes, path: str) -> list[Process]:
    root = _read(content, path)
    return processes(root, path) if root is not None else []


def _read(content: bytes, path: str) -> etree._Element | None:
    try:
        return read_xml(content, path)
    except errors.FileRefused:
        return None


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Why a file cannot be read as what its name says, and where, from 1; None where no place is known."""

    reason: str
    line: int | None = None
    column: int | None = None


def unreadable(content: bytes, path: str) -> Unreadable | None:
    """What keeps a file from being opened by the editor of its kind; None where nothing does."""
    if path.endswith(".html"):
        first = next(iter(reading.study(content)[1]), None)
        return Unreadable(reason=str(first.sentence), line=first.line, column=first.column) if first else None
    if not path.endswith((".bpmn", ".dmn", ".form", ".json")):
        return _no_text(content)
    if path.endswith((".form", ".json")):
        try:
            given = json_text.read(content)
        except json.JSONDecodeError as error:
            return Unreadable(reason=error.msg, line=error.lineno, column=error.colno)
        except ValueError as error:
            return _no_text(content) or Unreadable(reason=str(error))
        if path.endswith(dmn_tests.SUFFIX):
            return None if isinstance(given, list) else Unreadable(reason="it must be a list", line=1, column=1)
        return None if isinstance(given, dict) else Unreadable(reason="it must be an object", line=1, column=1)
    try:
        root = read_xml(content, path)
    except errors.FileRefused as error:
        cause = error.__context__
        line, column = cause.position if isinstance(cause, etree.XMLSyntaxError) else (None, None)
        reason = str(cause.msg).rpartition(", line ")[0] if isinstance(cause, etree.XMLSyntaxError) else str(error.facts["reason"])
        return Unreadable(reason=reason, line=line or None, column=column or None)
    if wrong := _no_text(content):
        return wrong
    wanted = "definitions"
    if etree.QName(root).localname != wanted or (path.endswith(".bpmn") and root.tag != BPMN + wanted):
        return Unreadable(reason=f"its outermost element is {etree.QName(root).localname}", line=root.sourceline, column=1)
    if path.endswith(".bpmn") and root.find("{*}BPMNDiagram") is None:
        return Unreadable(reason="it does not say where its elements lie (BPMNDiagram)", line=root.sourceline, column=1)
    return None


def in_utf8(content: bytes, path: str) -> bytes:
    """A diagram or table in another encoding, as the editors need it; anything else as it is."""
    root = _read(content, path) if path.endswith((".bpmn", ".dmn")) and _no_text(content) else None
    return content if root is None else bytes(etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8"))


def _no_text(content: bytes) -> Unreadable | None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return Unreadable(reason="it is no text in UTF-8", line=content[: error.start].count(b"\n") + 1)
    return None


def users(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """By id of a form, and by every text of a task header, such as a letter's name: the elements that use it, as the diagrams call them."""
    found: dict[str, list[str]] = {}
    for path, content in files.items():
        for process in _processes(content, path) if path.endswith(".bpmn") else ():
            for element in process.elements.values():
                for used in (element.form, *element.headers.values()):
                    if used and element.title not in found.setdefault(used, []):
                        found[used].append(element.title)
    return found
