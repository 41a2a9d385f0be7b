"""Letters as people read them where versions are compared: a line for each paragraph, content items by what they are called."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from engine.letters import reading
from engine.letters.reading import Letter, Node
from engine.letters.vocabulary import AS, EACH, IF, INLINES, VALUE

from ..i18n import gettext

#: signs by which things that are no text are seen
_SIGNS = {"hr": "――――", "blank": "____", "blank wide": "________", "box": "□"}


def both(before: bytes | None, after: bytes | None) -> tuple[str, str] | None:
    """A letter's two sides as texts, "" for one that is not there; None where a side cannot be read."""
    sides = [None if content is None else reading.study(content)[0] for content in (before, after)]
    if any(letter is None and content is not None for letter, content in zip(sides, (before, after), strict=True)):
        return None
    doubtful = _doubtful([letter for letter in sides if letter is not None])
    old, new = ("" if letter is None else "".join(f"{line}\n" for line in _letter(letter, doubtful)) for letter in sides)
    return old, new


def _doubtful(letters: Collection[Letter]) -> set[str]:
    """Names of content items that do not stand for the same everywhere: with them it is said what they stand for."""
    meant: dict[str, set[tuple[str, str]]] = {}
    for letter in letters:
        for each in reading.expressions(letter):
            if each.attribute == VALUE:
                meant.setdefault(each.node.text, set()).add((each.text.strip(), each.node.attributes.get(AS, "")))
    return {name for name, meanings in meant.items() if len(meanings) > 1}


def _letter(letter: Letter, doubtful: Collection[str]) -> Iterator[str]:
    for node in letter.body:
        yield from _block(node, doubtful)
    if letter.footer:
        yield gettext("Foot of each page") + gettext(": ") + _line(letter.footer, doubtful)


def _block(node: Node, doubtful: Collection[str], before: str = "") -> Iterator[str]:
    rail = before + _rail(node)
    match node.tag:
        case "hr":
            yield rail + _SIGNS["hr"]
        case "img":
            yield rail + f"〔{node.attributes.get('alt') or node.attributes['src']}〕"
        case "tr":
            yield rail + " | ".join(_line(cell, doubtful) for cell in node.children if isinstance(cell, Node))
        case "ol" | "ul" | "table" | "tbody" | "section" | "div":
            if rail:
                yield rail.rstrip()
            for number, child in enumerate((child for child in node.children if isinstance(child, Node)), 1):
                yield from _block(child, doubtful, {"ol": f"{number}. ", "ul": "– "}.get(node.tag, ""))
        case _:
            yield rail + _line(node, doubtful)


def _rail(node: Node) -> str:
    """When it is printed and how often, before the words."""
    said = []
    if EACH in node.attributes:
        said.append(gettext("for each: %(expression)s", expression=node.attributes[EACH]))
    if IF in node.attributes:
        said.append(gettext("only if %(expression)s", expression=node.attributes[IF]))
    return f"〔{gettext('; ').join(said)}〕" if said else ""


def _line(node: Node, doubtful: Collection[str]) -> str:
    """Everything in it in one line."""
    parts = []
    for child in node.children:
        if isinstance(child, str):
            parts.append(child)
        elif child.tag == "data":
            meant = f" = {child.attributes[VALUE]} {child.attributes.get(AS, '')}".rstrip() if child.text in doubtful else ""
            parts.append(f"〔{child.text}{meant}〕")
        elif child.tag == "br":
            parts.append(" ")
        elif child.tag == "span":
            parts.append(_rail(child) + (_SIGNS[child.styled] if child.styled else _line(child, doubtful)))
        else:
            parts.append((" " if child.tag not in INLINES else "") + _line(child, doubtful))
    return " ".join("".join(parts).split())
