"""A letter's HTML read strictly: what is written, or what is no part of a letter, each with its line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from ..errors import FileRefused, Sentence
from .spelling import FORMS
from .vocabulary import AS, ATTRIBUTES, CHART, CLASSES, EACH, HOLDS, IF, LANGUAGES, NEEDED, VALUE, VOID

#: bytes of a letter: some hundred pages
LARGEST = 200_000
#: faults that are told of one letter
_MOST = 50
#: elements within each other
_DEEPEST = 40
_HOLD_NOTHING = "a line to write on and a box to tick hold nothing"


@dataclass(frozen=True)
class Fault:
    """What is no part of a letter, and where, lines and columns counted from 1."""

    line: int
    column: int
    sentence: Sentence


@dataclass(frozen=True)
class Node:
    """An element, with what it holds in order; texts are as they are written, blanks and all."""

    tag: str
    line: int
    column: int
    attributes: Mapping[str, str]
    children: Sequence[Node | str]

    @property
    def styled(self) -> str:
        """Its class, "" without one."""
        return " ".join(self.attributes.get("class", "").split())

    @property
    def text(self) -> str:
        """The text in it on one line."""
        return " ".join("".join(child if isinstance(child, str) else child.text for child in self.children).split())


@dataclass(frozen=True)
class Letter:
    """A letter that can be read."""

    language: str
    title: str
    body: Sequence[Node]
    footer: Node | None


@dataclass(frozen=True)
class Expression:
    """FEEL in a letter."""

    text: str
    #: `value`, `data-if` or `data-each`
    attribute: str
    #: the element that has it
    node: Node
    #: whether `item` stands for something there
    within: bool


def read(content: bytes, path: str) -> Letter:
    """Raises FileRefused with the first fault and its line."""
    letter, faults = study(content)
    if letter is None:
        first = faults[0]
        raise FileRefused(file=path, reason=Sentence("line {line}: {fault}", {"line": first.line, "fault": first.sentence}))
    return letter


def study(content: bytes) -> tuple[Letter | None, list[Fault]]:
    """The letter, or every fault that keeps it from being one, as far as it is read."""
    if len(content) > LARGEST:
        return None, [Fault(1, 1, Sentence("a letter has {kilobytes} kB at most", {"kilobytes": LARGEST // 1000}))]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return None, [Fault(line, 1, Sentence("it is not written in UTF-8", {}))]
    reader = _Reader()
    found = None
    try:
        reader.feed(text)
        reader.close()
        found = reader.found()
    except _Enough:
        pass
    except AssertionError:  # how the parser refuses a declaration such as <![x
        reader.unreadable()
    faults = sorted(reader.faults, key=lambda fault: (fault.line, fault.column))
    return (None if faults else found), faults


def expressions(letter: Letter) -> Iterator[Expression]:
    """All FEEL of a letter, in order."""
    for node in (*letter.body, *([letter.footer] if letter.footer else [])):
        yield from _expressions(node, within=False)


def pictures(letter: Letter) -> Iterator[Node]:
    """All pictures of a letter, in order."""
    todo = list(reversed(letter.body))
    while todo:
        node = todo.pop()
        if node.tag == "img":
            yield node
        todo += reversed([child for child in node.children if isinstance(child, Node)])


def _expressions(node: Node, *, within: bool) -> Iterator[Expression]:
    if EACH in node.attributes:
        yield Expression(node.attributes[EACH], EACH, node, within)
        within = True
    for attribute in (IF, VALUE):
        if attribute in node.attributes:
            yield Expression(node.attributes[attribute], attribute, node, within)
    for child in node.children:
        if isinstance(child, Node):
            yield from _expressions(child, within=within)


@dataclass
class _Open:
    tag: str
    line: int
    column: int
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)
    #: what it holds is not looked at: it has no place itself
    refused: bool = False

    @property
    def styled(self) -> str:
        return " ".join(self.attributes.get("class", "").split())


class _Enough(Exception):
    """So much is wrong that it is read no further."""


class _Reader(HTMLParser):
    """Builds the tree. Nothing is repaired: what a browser would guess is a fault here."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[Fault] = []
        self._open = [_Open("", 1, 1)]
        #: how many of each are open
        self._tags = Counter[str]()

    def found(self) -> Letter | None:
        for still in self._open[1:]:
            self._fault("<{tag}> is not closed", at=still, tag=still.tag)
        self._open = self._open[:1]
        roots = [child for child in self._open[0].children if isinstance(child, Node)]
        body = next((child for root in roots for child in root.children if isinstance(child, Node) and child.tag == "body"), None)
        if body is None:
            if not self.faults:
                self.faults.append(Fault(1, 1, Sentence("there is no <body>", {})))
            return None
        head = next((child for child in roots[0].children if isinstance(child, Node) and child.tag == "head"), None)
        title = next((child for child in (head.children if head else ()) if isinstance(child, Node) and child.tag == "title"), None)
        footers = [child for child in body.children if isinstance(child, Node) and child.tag == "footer"]
        blocks = [child for child in body.children if isinstance(child, Node) and child.tag != "footer"]
        for more in footers[1:]:
            self._fault("there is one <footer> at most", at=more)
        return Letter(
            language=roots[0].attributes.get("lang", LANGUAGES[0]),
            title=title.text if title else "",
            body=blocks,
            footer=footers[0] if footers else None,
        )

    def unreadable(self) -> None:
        self._fault("what begins with <! there cannot be read")

    # --- what the parser tells

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, column = self.getpos()
        opened = _Open(tag, line, column + 1, {name: value or "" for name, value in attrs})
        within = self._open[-1]
        opened.refused = within.refused or not self._fits(opened, within)
        if not opened.refused:
            self._check(opened, [name for name, _ in attrs])
        if tag in VOID:
            self._close(opened)
        elif len(self._open) > _DEEPEST:
            self._fault("elements are nested too deeply", at=opened)
            raise _Enough
        else:
            self._open.append(opened)
            self._tags[tag] += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._tags[tag]:
            if tag not in VOID and not self._open[-1].refused:
                self._fault("</{tag}> closes nothing", tag=tag)
            return
        while (last := self._left()).tag != tag:
            if not last.refused:
                self._fault("<{tag}> is not closed", at=last, tag=last.tag)
            self._close(last)
        self._close(last)

    def _left(self) -> _Open:
        last = self._open.pop()
        self._tags[last.tag] -= 1
        return last

    def handle_data(self, data: str) -> None:
        within = self._open[-1]
        if within.refused:
            return
        if within.tag == "span" and within.attributes.get("class") and data.strip():
            self._fault(_HOLD_NOTHING, at=within)
        elif "" in HOLDS.get(within.tag, ()):
            within.children.append(data)
        elif data.strip():
            blank = data[: len(data) - len(data.lstrip())]
            line, column = self.getpos()
            at = (line + blank.count("\n"), len(blank) - blank.rfind("\n") if "\n" in blank else column + 1 + len(blank))
            self._said("a text must stand in a paragraph, a heading, a list or a table: {text}", *at, text=_short(data))

    def handle_decl(self, decl: str) -> None:
        if decl.strip().lower() != "doctype html":
            self._fault("<!{text}> is no part of a letter", text=_short(decl))

    def unknown_decl(self, data: str) -> None:
        self._fault("<!{text}> is no part of a letter", text=_short(data))

    def handle_pi(self, data: str) -> None:
        self._fault("<?{text}> is no part of a letter", text=_short(data))

    # --- what may stand where

    def _fits(self, opened: _Open, within: _Open) -> bool:
        if opened.tag not in HOLDS:
            self._fault("there is no <{tag}> in a letter", at=opened, tag=opened.tag)
        elif not within.tag and opened.tag != "html":
            self._fault("<{tag}> stands outside of <html>", at=opened, tag=opened.tag)
        elif within.tag and opened.tag not in HOLDS[within.tag]:
            self._fault("<{tag}> cannot stand in <{within}>", at=opened, tag=opened.tag, within=within.tag)
        elif within.tag == "span" and within.attributes.get("class"):
            self._fault(_HOLD_NOTHING, at=opened)
        elif opened.tag == "hr" and opened.styled == "page" and any(each.styled == "together" for each in self._open):
            self._fault("no page ends within a part that is not divided between two pages", at=opened)
        else:
            return True
        return False

    def _check(self, opened: _Open, names: Sequence[str]) -> None:
        tag, given = opened.tag, opened.attributes
        for name in dict.fromkeys(names):
            if name not in ATTRIBUTES.get(tag, ()):
                self._fault("<{tag}> has no {attribute}", at=opened, tag=tag, attribute=name)
            elif names.count(name) > 1:
                self._fault("<{tag}> has {attribute} twice", at=opened, tag=tag, attribute=name)
            elif name == VALUE and not given[name].strip():
                self._fault("a content item has no content", at=opened)
            elif name in (IF, EACH) and not given[name].strip():
                self._fault("{attribute} of <{tag}> is empty", at=opened, tag=tag, attribute=name)
        if (needed := NEEDED.get(tag)) and needed not in given:
            self._fault("<{tag}> needs {attribute}", at=opened, tag=tag, attribute=needed)
        for name, known in (("class", CLASSES.get(tag, ())), (AS, FORMS), ("lang", LANGUAGES), ("charset", ("utf-8",))):
            value = " ".join(given.get(name, known[0] if known else "").split())
            if name in given and name in ATTRIBUTES.get(tag, ()) and (value.lower() if name == "charset" else value) not in known:
                said = {"tag": tag, "attribute": name, "value": _short(value), "known": ", ".join(known)}
                self._fault('{attribute} of <{tag}> can be {known}, not "{value}"', at=opened, **said)
        source = given.get("src", f"{CHART}…")
        if tag == "img" and not (source.startswith(CHART) and source.removeprefix(CHART).strip()):
            self._fault('a picture is one of the charts of the step, such as "chart:usage"', at=opened)

    def _close(self, opened: _Open) -> None:
        if opened.refused:
            return
        if opened.tag == "data":
            self._alone(opened)
        if opened.tag == "tr" and not any(isinstance(child, Node) for child in opened.children):
            self._fault("a row of a table needs a cell", at=opened)
        node = Node(opened.tag, opened.line, opened.column, opened.attributes, _joined(opened.children))
        self._lines(node)
        self._open[-1].children.append(node)

    def _alone(self, opened: _Open) -> None:
        """A placeholder says what it stands for."""
        if not any(isinstance(child, str) and child.strip() for child in opened.children):
            self._fault("a content item has no name", at=opened)

    def _lines(self, node: Node) -> None:
        """Each line becomes a paragraph or list item of its own, so nothing stands beside them."""
        parts = [child for child in node.children if not isinstance(child, str) or child.strip()]
        for child in parts:
            if isinstance(child, Node) and child.attributes.get(AS) == "lines" and (node.tag not in ("p", "li") or len(parts) > 1):
                self._fault('what is written as "lines" stands alone in its paragraph or list item', at=child)

    def _fault(self, template: str, *, at: _Open | Node | None = None, **facts: object) -> None:
        line, column = (at.line, at.column) if at else (self.getpos()[0], self.getpos()[1] + 1)
        self._said(template, line, column, **facts)

    def _said(self, template: str, line: int, column: int, **facts: object) -> None:
        self.faults.append(Fault(line, column, Sentence(template, facts)))
        if len(self.faults) >= _MOST:
            raise _Enough


def _joined(children: Sequence[Node | str]) -> list[Node | str]:
    """Texts side by side as one: a comment between them is no part of the letter."""
    found: list[Node | str] = []
    for child in children:
        if isinstance(child, str) and found and isinstance(found[-1], str):
            found[-1] += child
        else:
            found.append(child)
    return found


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"
