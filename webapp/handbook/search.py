"""Finding sections of the handbook: every word of the question, and of Chinese without spaces its pairs of characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

from .pages import Page, Section

#: of the pairs of a longer Chinese text that stands nowhere as it is, so many must be found
SHARE = 0.5
_MOST = 30
_CHINESE = re.compile(r"[\u3400-\u9fff]{3,}")
#: characters that carry no topic: a pair with one of them does not count
_EMPTY = frozenset("的了吗呢么和与或是在有怎如何什哪为谁我你您")


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A section that answers, and a piece of its text with what was found marked."""

    page: Page
    section: Section
    excerpt: Markup
    score: float


def search(pages: Iterable[Page], question: str) -> list[Hit]:
    """The sections that hold every word of the question, best first, at most 30. Nothing is found by an empty question."""
    words = _folded(question).split()
    if not words:
        return []
    found = [hit for page in pages for section in page.sections if (hit := _hit(page, section, words))]
    return sorted(found, key=lambda hit: -hit.score)[:_MOST]


def _hit(page: Page, section: Section, words: list[str]) -> Hit | None:
    title = _folded(section.title or page.title)
    text = _folded(section.text)
    score, marked = 0.0, list[str]()
    for word in words:
        points, parts = _points(word, title, text)
        if not points:
            return None
        score += points
        marked += parts
    return Hit(page=page, section=section, excerpt=_excerpt(section.text, marked), score=score)


def _points(word: str, title: str, text: str) -> tuple[float, list[str]]:
    """How well a word fits, 0 for not at all, and what of it to mark."""
    if word in title or word in text:
        return (30 if word == title else 10 if word in title else 0) + min(text.count(word), 5), [word]
    if not _CHINESE.fullmatch(word):
        return 0, []
    pairs = {pair for at in range(len(word) - 1) if not _EMPTY & set(pair := word[at : at + 2])}
    there = {pair for pair in pairs if pair in title or pair in text}
    if not there or len(there) / len(pairs) < SHARE:
        return 0, []
    return len(there) / len(pairs) + sum(pair in title for pair in there), sorted(there)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _excerpt(text: str, marked: list[str], around: int = 60) -> Markup:
    """The text about what was found first."""
    flat = " ".join(text.split())
    pattern = re.compile("|".join(map(re.escape, sorted(marked, key=len, reverse=True))), re.IGNORECASE)
    first = pattern.search(flat)
    start = max(0, first.start() - around) if first else 0
    piece = flat[start : start + 3 * around]
    shown, at = [Markup("…") if start else Markup("")], 0
    for hit in pattern.finditer(piece):
        shown += [escape(piece[at : hit.start()]), Markup("<mark>{}</mark>").format(hit[0])]
        at = hit.end()
    shown += [escape(piece[at:]), Markup("…") if start + len(piece) < len(flat) else Markup("")]
    return Markup("").join(shown)
