"""The HTML of which letters are made: what may stand where, and with which attributes. Everything else is refused."""

from __future__ import annotations

from collections.abc import Mapping

HEADINGS = ("h1", "h2", "h3")
LISTS = ("ul", "ol")
#: what stands for itself, one below the other
BLOCKS = frozenset((*HEADINGS, *LISTS, "p", "table", "hr", "section", "div", "img"))
#: what stands in a line
INLINES = frozenset(("strong", "em", "u", "br", "span", "data"))
#: what holds nothing, and is not closed
VOID = frozenset(("meta", "br", "hr", "img"))

_LINE = INLINES | {""}
_CELL = _LINE | {"p", *LISTS}
#: which elements an element may hold; "" is text
HOLDS: Mapping[str, frozenset[str]] = {
    "html": frozenset(("head", "body")),
    "head": frozenset(("meta", "title")),
    "title": frozenset(("",)),
    "body": BLOCKS | {"footer"},
    "section": BLOCKS,
    "div": frozenset(("p",)),
    "footer": _LINE | {"p"},
    **dict.fromkeys((*HEADINGS, "p", "strong", "em", "u", "span"), _LINE),
    **dict.fromkeys(LISTS, frozenset(("li",))),
    **dict.fromkeys(("li", "td", "th"), _CELL),
    "table": frozenset(("tbody", "tr")),
    "tbody": frozenset(("tr",)),
    "tr": frozenset(("td", "th")),
    "data": frozenset(("",)),
    **dict.fromkeys(VOID, frozenset[str]()),
}
#: FEEL that says whether an element is printed, and for which list it is printed once for each `item`
IF, EACH = "data-if", "data-each"
#: FEEL of a placeholder, and how its value is written (`spelling.FORMS`)
VALUE, AS = "value", "data-as"

_CLASS = {"class"}
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "html": frozenset(("lang",)),
    "meta": frozenset(("charset",)),
    **dict.fromkeys((*HEADINGS, "p", "hr", "section", "div", "table", "span"), frozenset((*_CLASS, IF))),
    **dict.fromkeys(LISTS, frozenset((IF,))),
    **dict.fromkeys(("li", "tr"), frozenset((IF, EACH))),
    "data": frozenset((VALUE, AS)),
    "img": frozenset(("src", "alt", IF)),
}
#: what an attribute must hold
NEEDED: Mapping[str, str] = {"data": VALUE, "div": "class", "img": "src"}
_ALIGNED = ("center", "right")
CLASSES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((*HEADINGS, "p"), _ALIGNED),
    #: where a part is torn off, where a page ends
    "hr": ("cut", "page"),
    #: not divided between two pages
    "section": ("together",),
    "div": ("signature",),
    #: without lines
    "table": ("plain",),
    #: a line to write on, one to the end of the line, a box to tick
    "span": ("blank", "blank wide", "box"),
}
LANGUAGES = ("zh-CN", "en")
#: before the name of a picture in the input `charts`
CHART = "chart:"
