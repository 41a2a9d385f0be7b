"""A scenario file as values whose places are known: YAML with the plain meaning that people expect of it.

Of the many things that YAML lets mean, this takes the core schema of YAML 1.2: only `true` and `false` are flags (`no` is the text
"no"), dates and times are texts, and a key stands once in its object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ...errors import Sentence
from ...ports import Json

#: bytes of a file, and values in it after all references were followed
LARGEST, MOST = 200_000, 20_000
_DEEPEST = 30
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 15

#: keys and places in lists from the top
Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with a scenario file."""

    #: from 1
    line: int
    #: keys and places in lists, such as `when.3.complete`
    place: str
    said: Sentence

    @property
    def sentence(self) -> Sentence:
        """The fault with its place."""
        if not self.place:
            return self.said
        return Sentence("{place}: {fault}", {"place": self.place, "fault": self.said})


@dataclass
class Text:
    """A file that was read."""

    value: Json = None
    #: where each value begins, from 1
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Of the value at a path, or of what is around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def fault(self, path: Path, template: str, **facts: Any) -> None:
        place = ".".join(str(step + 1) if isinstance(step, int) else step for step in path)
        self.faults.append(Fault(line=self.line(path), place=place, said=Sentence(template, facts)))


def read(content: bytes) -> Text:
    """What the file says, and what is wrong with it as a file. Never raises."""
    text = Text()
    if len(content) > LARGEST:
        text.fault((), "the file is larger than 200 kB")
        return text
    try:
        node = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        text.fault((), "the file is not UTF-8")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        text.lines[()] = mark.line + 1 if mark else 1
        text.fault((), "this is no YAML: {reason}", reason=getattr(error, "problem", None) or str(error) or type(error).__name__)
    else:
        if node is not None:
            text.value = _Reading(text).value(node, ())
    return text


class _Reading:
    def __init__(self, text: Text) -> None:
        self._text = text
        self._left = MOST

    def value(self, node: yaml.Node, path: Path) -> Json:
        self._text.lines[path] = node.start_mark.line + 1
        self._left -= 1
        if self._left == 0:
            self._text.fault(path, "the file has more than {most} values", most=MOST)
        if self._left <= 0:
            return None
        if len(path) > _DEEPEST:
            self._text.fault(path, "this lies too deep inside")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._object(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, (*path, number)) for number, each in enumerate(node.value)]
        return scalar(node.value, plain=getattr(node, "style", None) is None)

    def _object(self, node: yaml.MappingNode, path: Path) -> Mapping[str, Json]:
        found: dict[str, Json] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            at = (*path, name)
            if not name:
                self._text.fault(path, "a key must be a text")
                continue
            self._text.lines.setdefault(at, key.start_mark.line + 1)
            if name in found:
                self._text.lines[at] = key.start_mark.line + 1
                self._text.fault(at, "this key stands here twice")
            found[name] = self.value(value, at)
            self._text.lines[at] = key.start_mark.line + 1
        return found


def scalar(text: str, *, plain: bool) -> Json:
    """A value from how it is written; `plain`: without quotes."""
    if not plain:
        return text
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if len(text) <= _LONGEST_NUMBER and _WHOLE.fullmatch(text):
        return int(text)
    if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
        return float(text)
    return text
