"""A letter with the values of a case put in: what is printed, as JSON for `layout.typ`.

Blocks are `{kind, content, …}`: `h1`–`h3` and `p` with `align` and inlines, `ul` and `ol` with items (each a list of blocks), `table` with
`plain` and `rows` of cells `{head, content}`, `hr` with `style`, `section` and `signature` with blocks, `img` with `name` and `alt`.
Inlines are `{kind: "text", text}`, `br`, `blank`, `wide` and `box`, and `strong`, `em` and `u` with `content`; `{kind: "field", text,
missing}` stands where a placeholder has no value, and `perhaps` with `content` where a condition was not asked.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from ..bpmn import expressions
from ..errors import FeelError, Sentence
from ..ports import Json
from . import spelling
from .reading import Letter, Node
from .spelling import Unprintable
from .vocabulary import AS, CHART, EACH, HEADINGS, IF, INLINES, LISTS, VALUE

Printed = dict[str, Any]
#: what a letter says of itself in its expressions
OWN = "letter"
#: rows, items and lines that a letter's lists come to, all together: lists within lists multiply
MOST = 20_000
#: what is printed where a list of lines is empty
_NONE = {"zh-CN": "无。", "en": "None."}
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_SPANS = {"blank": "blank", "blank wide": "wide", "box": "box"}


@dataclass(frozen=True)
class Missing:
    """What a letter needs and does not get."""

    #: what people read at the place: the name of a placeholder or picture, else the expression itself
    name: str
    expression: str
    line: int
    column: int
    sentence: Sentence


@dataclass(frozen=True)
class Filled:
    """What is printed."""

    title: str
    language: str
    body: Sequence[Printed]
    #: inlines at the foot of each page; None: nothing stands there, and no page number
    footer: Sequence[Printed] | None
    #: names of the pictures in it
    charts: Collection[str]
    missing: Sequence[Missing]

    def as_json(self) -> Json:
        return {"title": self.title, "language": self.language, "body": self.body, "footer": self.footer}


def filled(
    letter: Letter, values: Mapping[str, Json] | None, *, charts: Collection[str] = (), date: dt.date, now: dt.datetime, zone: ZoneInfo
) -> Filled:
    """The letter with `values`, the input of the step that makes it; None: as it is written, with the names of its placeholders.

    `charts`: names of the pictures there are. `date`: the day of the letter, which expressions know as `letter.date`. What has no value,
    and a condition or list that has none, is among `missing`; there the name stands, and the condition counts as true.
    """
    filling = _Filling(letter.language, values, charts, {OWN: {"date": date.isoformat()}}, now, zone)
    return Filled(
        title=letter.title,
        language=letter.language,
        body=list(filling.blocks(letter.body, {})),
        footer=filling.foot(letter.footer) if letter.footer else None,
        charts=filling.drawn,
        missing=filling.missing,
    )


@dataclass
class _Filling:
    language: str
    #: None: names are printed in place of values
    values: Mapping[str, Json] | None
    charts: Collection[str]
    own: Mapping[str, Json]
    now: dt.datetime
    zone: ZoneInfo
    drawn: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    #: rows, items and lines so far
    _rounds: int = 0
    #: lines and columns of what is among the missing already
    _told: set[tuple[int, int, str]] = field(default_factory=set)

    # --- blocks

    def blocks(self, nodes: Sequence[Node | str], local: Mapping[str, Json]) -> Iterator[Printed]:
        for node in nodes:
            if isinstance(node, Node) and self._holds(node, local):
                yield from self._block(node, local)

    def foot(self, footer: Node) -> list[Printed]:
        found: list[Printed] = []
        for block in self._flow(footer, {}):
            found += [*([{"kind": "br"}] if found else []), *block["content"]]
        return found

    def _block(self, node: Node, local: Mapping[str, Json]) -> Iterator[Printed]:
        match node.tag:
            case "section" if node.styled != "together":
                yield from self.blocks(node.children, local)
            case "section" | "div":
                kind = "signature" if node.tag == "div" else "section"
                yield {"kind": kind, "content": list(self.blocks(node.children, local))}
            case "hr":
                yield {"kind": "hr", "style": node.styled}
            case "img":
                yield from self._picture(node)
            case "table":
                rows = [child for child in node.children if isinstance(child, Node)]
                rows = [each for row in rows for each in (row.children if row.tag == "tbody" else [row]) if isinstance(each, Node)]
                printed = [self._row(row, here) for row in rows for here in self._each(row, local)]
                if printed:
                    yield {"kind": "table", "plain": node.styled == "plain", "rows": printed}
            case tag if tag in LISTS:
                yield from self._list(node, local)
            case _:
                yield from self._paragraph(node, local)

    def _row(self, row: Node, local: Mapping[str, Json]) -> list[Printed]:
        cells = [cell for cell in row.children if isinstance(cell, Node)]
        return [{"head": cell.tag == "th", "content": list(self._flow(cell, local))} for cell in cells]

    def _list(self, node: Node, local: Mapping[str, Json]) -> Iterator[Printed]:
        items: list[list[Printed]] = []
        given = False
        for item in (child for child in node.children if isinstance(child, Node)):
            several = _lines_of(item)
            given = given or several is not None or EACH in item.attributes
            for here in self._each(item, local):
                if several is None:
                    items.append(list(self._flow(item, here)))
                else:
                    items += [[_paragraph([line])] for line in self._lines(several, here)]
        if items:
            yield {"kind": node.tag, "items": items}
        elif given:
            yield _paragraph([_text(_NONE[self.language])])

    def _paragraph(self, node: Node, local: Mapping[str, Json]) -> Iterator[Printed]:
        align = node.styled
        if (several := _lines_of(node)) is not None:
            for line in self._lines(several, local) or [_text(_NONE[self.language])]:
                yield _paragraph([line], align=align)
            return
        content = _trimmed(self._inlines(node.children, local))
        if content or not node.children:  # an empty one was left so, one that lost all it held says nothing
            yield _paragraph(content, kind=node.tag if node.tag in HEADINGS else "p", align=align)

    def _flow(self, node: Node, local: Mapping[str, Json]) -> Iterator[Printed]:
        """The blocks of an item, a cell or the foot, in which texts may stand without a paragraph of their own."""
        loose: list[Node | str] = []
        for child in (*node.children, None):
            if isinstance(child, str) or (child is not None and child.tag in INLINES):
                loose.append(child)
                continue
            if content := _trimmed(self._inlines(loose, local)):
                yield _paragraph(content)
            loose = []
            if child is not None:
                yield from self.blocks([child], local)

    def _picture(self, node: Node) -> Iterator[Printed]:
        name = node.attributes["src"].removeprefix(CHART).strip()
        alt = node.attributes.get("alt") or name
        if self.values is not None and name in self.charts:
            self.drawn.append(name)
            yield {"kind": "img", "name": name, "alt": alt}
        else:
            if self.values is not None:
                self._lacks(node, alt, name, Sentence("there is no such chart", {}))
            yield _paragraph([self._field(alt)])

    # --- inlines

    def _inlines(self, nodes: Sequence[Node | str], local: Mapping[str, Json]) -> Iterator[Printed]:
        for node in nodes:
            if isinstance(node, str):
                yield _text(_BLANKS.sub(" ", node))
                continue
            match node.tag:
                case "br":
                    yield {"kind": "br"}
                case "data":
                    yield from self._value(node, local)
                case "span":
                    if self._holds(node, local):
                        yield from self._span(node, local)
                case tag:
                    yield {"kind": tag, "content": list(self._inlines(node.children, local))}

    def _span(self, node: Node, local: Mapping[str, Json]) -> Iterator[Printed]:
        if node.styled:
            yield {"kind": _SPANS[node.styled]}
        elif self.values is None and IF in node.attributes:
            yield {"kind": "perhaps", "content": list(self._inlines(node.children, local))}
        else:
            yield from self._inlines(node.children, local)

    def _value(self, node: Node, local: Mapping[str, Json]) -> Iterator[Printed]:
        if self.values is None:
            yield self._field(node.text)
            return
        try:
            value = self._evaluated(node.attributes[VALUE], local)
            text = spelling.written(value, node.attributes.get(AS) or "text", language=self.language, zone=self.zone)
        except (FeelError, Unprintable) as error:
            self._lacks(node, node.text, node.attributes[VALUE], _said(error))
            yield self._field(node.text)
            return
        for number, line in enumerate(text.splitlines()):
            yield from [{"kind": "br"}] if number else []
            yield _text(line)

    def _lines(self, node: Node, local: Mapping[str, Json]) -> list[Printed]:
        if self.values is None:
            return [self._field(node.text)]
        try:
            return [_text(line) for line in self._within_limits(spelling.lines(self._evaluated(node.attributes[VALUE], local)))]
        except (FeelError, Unprintable) as error:
            self._lacks(node, node.text, node.attributes[VALUE], _said(error))
            return [self._field(node.text)]

    # --- what expressions say

    def _holds(self, node: Node, local: Mapping[str, Json]) -> bool:
        condition = node.attributes.get(IF)
        if condition is None or self.values is None:
            return True
        try:
            return expressions.condition(condition, {**self.values, **self.own, **local}, now=self.now)
        except FeelError as error:
            self._lacks(node, condition, condition, _said(error))
            return True

    def _each(self, node: Node, local: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
        """The names of each round of a row or item that is printed."""
        rounds: list[Mapping[str, Json]] = [local]
        text = node.attributes.get(EACH)
        if text is not None and self.values is not None:
            try:
                found = self._evaluated(text, local)
                if not isinstance(found, list):
                    raise Unprintable("it is no list")
                rounds = [{**local, "item": item} for item in self._within_limits(found)]
            except (FeelError, Unprintable) as error:
                self._lacks(node, text, text, _said(error))
                rounds = []
        yield from (here for here in rounds if self._holds(node, here))

    def _within_limits(self, entries: list[Any]) -> list[Any]:
        """Raises Unprintable where a letter grows too long with them."""
        self._rounds += len(entries)
        if self._rounds > MOST:
            raise Unprintable("its lists come to more than {most} rows, items and lines in all", most=MOST)
        return entries

    def _evaluated(self, text: str, local: Mapping[str, Json]) -> Json:
        return expressions.evaluate(text, {**(self.values or {}), **self.own, **local}, now=self.now)

    def _lacks(self, node: Node, name: str, expression: str, sentence: Sentence) -> None:
        """Once for a place, however often it is printed."""
        place = (node.line, node.column, expression)
        if place not in self._told:
            self._told.add(place)
            self.missing.append(Missing(name, expression, node.line, node.column, sentence))

    def _field(self, name: str) -> Printed:
        return {"kind": "field", "text": name, "missing": self.values is not None}


def _said(error: FeelError | Unprintable) -> Sentence:
    if isinstance(error, Unprintable):
        return error.sentence
    return Sentence("{reason}", {"reason": str(error.facts["reason"]).rstrip(".")})


def _lines_of(node: Node) -> Node | None:
    """The placeholder whose lines are the paragraphs or items."""
    return next((child for child in node.children if isinstance(child, Node) and child.attributes.get(AS) == "lines"), None)


def _text(text: str) -> Printed:
    return {"kind": "text", "text": text}


def _paragraph(content: Sequence[Printed], *, kind: str = "p", align: str = "") -> Printed:
    return {"kind": kind, "align": align, "content": list(content)}


def _trimmed(inlines: Iterator[Printed]) -> list[Printed]:
    """Without the blanks at both ends and around line breaks, which belong to how the file is laid out."""
    found = list(inlines)
    for number, node in enumerate(found):
        before = found[number - 1] if number else None
        after = found[number + 1] if number + 1 < len(found) else None
        if node["kind"] == "text":
            text = node["text"]
            text = text.lstrip(" ") if before is None or before["kind"] == "br" else text
            text = text.rstrip(" ") if after is None or after["kind"] == "br" else text
            found[number] = _text(text)
    return [node for node in found if node["kind"] != "text" or node["text"]]
