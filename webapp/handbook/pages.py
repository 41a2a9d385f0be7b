"""The pages of the handbook: Markdown files, one folder for each language, the same names in each.

A file begins with `title:`, `order:` and, for what may be read without a log-in, `public: yes`, between two lines of `---`. In the
text, 「words」 are words on the screen: a test holds them to the catalogues, so no page can name a button that is called otherwise.
Every heading has an id that is the same in every language: `## Passing on {#transfer}`.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from ..i18n import N_

FOLDER = Path(__file__).parent
PICTURES = FOLDER.parent / "static" / "handbook"
#: folder -> what the group is called, in the order of the contents
GROUPS = {
    "start": N_("First steps"),
    "work": N_("Working on to-dos"),
    "own": N_("For the employee concerned"),
    "hr": N_("Human resources"),
    "admin": N_("Administration"),
    "owners": N_("Managers of procedures"),
}
_HEAD = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)
_LABEL = re.compile("「(.*?)」")
_ID = re.compile(r"\s*{#([a-z][a-z0-9_-]*)}$")


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and the plain text below it, down to the next heading. The text before the first one has the id ""."""

    id: str
    title: str
    level: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page in one language."""

    group: str
    name: str
    title: str
    order: int
    #: it may be read without a log-in
    public: bool
    html: Markup
    sections: Sequence[Section]
    #: what it names on the screen, in 「」
    labels: Sequence[str]
    #: where it leads, as written, and its pictures
    links: Sequence[str]
    pictures: Sequence[str]

    @property
    def path(self) -> str:
        return f"{self.group}/{self.name}"


class HandbookPageWrong(ValueError):
    """A page of the handbook cannot be read: its head lacks something, or a heading has no id."""


@functools.cache
def handbook(locale: str) -> Mapping[str, Page]:
    """Path -> page of a language, in the order of the contents. Raises HandbookPageWrong naming file and fault."""
    files = sorted((FOLDER / locale).glob("*/*.md"))
    pages = [_read(file) for file in files]
    order = list(GROUPS)
    return {page.path: page for page in sorted(pages, key=lambda page: (order.index(page.group), page.order, page.name))}


def neighbours(page: Page, pages: Sequence[Page]) -> tuple[Page | None, Page | None]:
    """The pages before and after this one among those that the reader may see."""
    at = [each.path for each in pages].index(page.path)
    return (pages[at - 1] if at else None), (pages[at + 1] if at + 1 < len(pages) else None)


def _read(file: Path) -> Page:
    text = file.read_text("utf-8")
    found = _HEAD.match(text)
    if not found:
        raise HandbookPageWrong(f"{file}: it begins with title and order between lines of ---")
    head = dict(line.split(": ", 1) for line in found[1].splitlines())
    if missing := {"title", "order"} - head.keys():
        raise HandbookPageWrong(f"{file}: its head lacks {', '.join(sorted(missing))}")
    group = file.parent.name
    reading = _Reading(file=file)
    tokens = _markdown().parse(text[found.end() :])
    reading.walk(tokens)
    markdown = _markdown()
    return Page(
        group=group,
        name=file.stem,
        title=head["title"],
        order=int(head["order"]),
        public=head.get("public") == "yes",
        html=Markup(markdown.renderer.render(tokens, markdown.options, {})),
        sections=reading.sections(),
        labels=reading.labels,
        links=reading.links,
        pictures=reading.pictures,
    )


@dataclass
class _Reading:
    """Walks the tokens of a page once: gives headings their ids, links their addresses, and collects what is searched."""

    file: Path
    labels: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    #: id, title, level, lines of text
    parts: list[tuple[str, str, int, list[str]]] = field(default_factory=lambda: [("", "", 1, [])])

    def walk(self, tokens: Sequence[Token]) -> None:
        for at, token in enumerate(tokens):
            if token.type == "heading_open":
                self._heading(token, tokens[at + 1])
            elif token.type == "inline":
                token.children = _with_labels(token.children or [])
                said = self._inline(token.children)
                if tokens[at - 1].type != "heading_open":
                    self.parts[-1][3].append(said)
            elif token.type == "fence":
                self.parts[-1][3].append(token.content)

    def _heading(self, opening: Token, inline: Token) -> None:
        last = (inline.children or [Token("text", "", 0)])[-1]
        found = _ID.search(last.content)
        if not found:
            raise HandbookPageWrong(f"{self.file}: the heading “{inline.content}” needs an id such as {{#return}}")
        last.content = last.content[: found.start()]
        opening.attrSet("id", found[1])
        self.parts.append((found[1], _ID.sub("", inline.content).replace("「", "").replace("」", ""), int(opening.tag[1:]), []))

    def _inline(self, children: Sequence[Token]) -> str:
        said = []
        for token in children:
            if token.type == "link_open":
                self.links.append(str(token.attrGet("href")))
                token.attrSet("href", re.sub(r"\.md(?=#|$)", "", self.links[-1]))
            elif token.type == "image":
                self.pictures.append(str(token.attrGet("src")))
                token.attrSet("src", _picture(self.pictures[-1]))
            elif token.type == "on_screen":
                self.labels.append(token.content)
            said.append(" " if token.type in ("softbreak", "hardbreak") else token.content)
        return "".join(said)

    def sections(self) -> list[Section]:
        return [Section(id=id, title=title, level=level, text="\n".join(lines)) for id, title, level, lines in self.parts]


def _picture(name: str) -> str:
    """Where a picture lies, seen from a page; the address changes with the picture, since browsers keep it for a year."""
    digest = hashlib.sha256((PICTURES / name).read_bytes()).hexdigest()[:10] if (PICTURES / name).is_file() else ""
    return f"../../static/handbook/{name}?v={digest}"


@functools.cache
def _markdown() -> MarkdownIt:
    """CommonMark with tables and no HTML of its own."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("on_screen", _shown)
    markdown.add_render_rule("table_open", lambda *_: '<div class="table-scroll" tabindex="0"><table class="table">\n')
    markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return markdown


def _with_labels(children: Sequence[Token]) -> list[Token]:
    """The parts of a line, with each 「words on the screen」 a part of its own."""
    parts = []
    for token in children:
        if token.type != "text":
            parts.append(token)
            continue
        for at, piece in enumerate(_LABEL.split(token.content)):
            if piece:
                parts.append(Token("on_screen" if at % 2 else "text", "", 0, content=piece))
    return parts


def _shown(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return str(Markup('<strong class="on-screen">{}</strong>').format(tokens[at].content))
