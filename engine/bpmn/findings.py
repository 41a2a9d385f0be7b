"""What is wrong with a diagram or table: one thing of the closed list, where it is, and the facts about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .. import errors
from .codes import SENTENCES, Code
from .model import Element
from .reader import LARGEST, read_xml


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, where, and what to do."""

    #: id in the diagram, None for the file as a whole
    element: str | None
    #: what the diagram calls it
    name: str | None
    #: `error` keeps the procedure from being deployed, `warning` and `note` do not
    severity: str
    code: Code
    #: the sentence with places for the facts
    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: in the file as it came, from 1; None where it is not known
    line: int | None = None
    #: ids of the elements along the way that it tells of, from where it begins; empty where it tells of none
    way: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The sentence in English."""
        return self.message.format(**self.facts)

    def as_dict(self) -> dict[str, Any]:
        """`{line, element, name, severity, code, message}` for programs, and `path` (ids along the way) where there is one."""
        told = {
            "line": self.line,
            "element": self.element,
            "name": self.name,
            "severity": self.severity,
            "code": str(self.code),
            "message": self.text,
        }
        return {**told, "path": list(self.way)} if self.way else told


def finding(
    code: Code,
    element: Element | None,
    *,
    severity: str | None = None,
    at: str | None = None,
    called: str | None = None,
    **facts: Any,
) -> Finding:
    """A finding at an element of the model, or at the id `at` of something `called` so in the diagram."""
    usual, sentence = SENTENCES[code]
    place, name = (at, called) if element is None else (element.id, element.name)
    return Finding(place, name or None, severity or usual, code, sentence, facts)


def broken_file(reason: str | errors.FileRefused, content: bytes = b"") -> Finding:
    """The finding of a file that cannot be read at all."""
    text = str(reason.facts["reason"]) if isinstance(reason, errors.FileRefused) else reason
    code = Code.TOO_LARGE if len(content) > LARGEST else Code.DOCTYPE if "DOCTYPE" in text else Code.NOT_XML
    return finding(code, None, reason=text)


def with_lines(findings: Iterable[Finding], content: bytes | None) -> list[Finding]:
    """The same findings, each with the line of its element in the file as it came where it has none yet."""
    found = list(findings)
    if content is None or all(one.line or one.element is None for one in found):
        return found
    try:
        lines = {node.get("id"): node.sourceline for node in read_xml(content, "").iter("*") if node.get("id")}
    except errors.FileRefused:
        return found
    return [one if one.line or one.element is None else replace(one, line=lines.get(one.element)) for one in found]
