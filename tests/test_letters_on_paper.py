"""Whatever a letter may hold can be printed, and what cannot be printed is refused while it is read."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from engine.errors import PdfFailed, Sentence
from engine.letters import filling, printing, reading
from engine.letters.vocabulary import CLASSES, HOLDS, NEEDED, VOID
from webapp.pdf import TypstRenderer

TODAY = dt.date(2026, 11, 24)
NOW = dt.datetime(2026, 11, 24, 1, 0, tzinfo=dt.UTC)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10"/></svg>'
#: in no letter's body
OUTSIDE = {"html", "head", "title", "meta"}


def letter(body: str) -> bytes:
    return f'<!doctype html><html lang="zh-CN"><head><title>通知</title></head><body>{body}</body></html>'.encode()


def printed(body: str, *, svg: str = SVG) -> bytes:
    """The PDF of a letter in which nothing is missing; a picture of its pages can be made, too."""
    read, charts = reading.read(letter(body), "x.html"), {"usage": svg}
    filled = filling.filled(read, {"x": "值", "xs": []}, charts=charts, date=TODAY, now=NOW, zone=ZoneInfo("Asia/Shanghai"))
    assert not filled.missing
    made = TypstRenderer()
    assert printing.pages(made, filled, charts, TODAY)
    return printing.pdf(made, filled, charts, TODAY)


def looks(tag: str) -> list[str]:
    """The classes an element may have, "" for none."""
    return [*([] if NEEDED.get(tag) == "class" else [""]), *CLASSES.get(tag, ())]


def element(tag: str, styled: str, inner: str = "") -> str:
    """One with what it holds, and what it must have."""
    if not tag:
        return "字"
    needed = {"data": ' value="x"', "img": ' src="chart:usage"'}.get(tag, "") + (f' class="{styled}"' if styled else "")
    inner = inner or {"data": "名", "tr": "<td></td>"}.get(tag, "")
    return f"<{tag}{needed}>" + ("" if tag in VOID else f"{inner}</{tag}>")


def around(tag: str) -> list[str]:
    """What stands around an element in the body, from outside: the shortest way to it."""
    ways = {"body": list[str]()}
    todo = ["body"]
    for outer in todo:
        for inner in sorted(HOLDS[outer] - ways.keys()):
            ways[inner] = [*ways[outer], *([] if outer == "body" else [outer])]
            todo += [inner] if inner else []
    return ways[tag]


def nestings(outer: str) -> Iterator[str]:
    """A body for each thing that may stand in an element, as either may look; at the foot all at once, as there is one."""
    ways = around(outer) if outer != "body" else []
    every = [(styled, element(inner, look)) for styled in looks(outer) for inner in sorted(HOLDS[outer]) for look in looks(inner)]
    if outer == "span":
        every = [(styled, inner) for styled, inner in every if not styled]
    for styled, inner in [("", "".join(inner for _, inner in every))] if outer == "footer" else every:
        made = inner if outer == "body" else element(outer, styled, inner)
        for way in reversed(ways):
            made = element(way, looks(way)[0], made)
        yield made


@pytest.mark.parametrize("outer", sorted(HOLDS.keys() - OUTSIDE - VOID - {"data"}))
def test_each_thing_that_may_stand_in_another_is_printed(outer: str) -> None:
    """By the vocabulary, in every look of both; that a page ends in an undivided part is the one exception, and refused."""
    bodies = list(nestings(outer))
    refused = [body for body in bodies if reading.study(letter(body))[1]]
    assert refused == (['<section class="together"><hr class="page"></section>'] if outer == "section" else [])
    good = [body for body in bodies if body not in refused]
    at_foot = [body for body in good if "<footer" in body]
    assert printed("".join(body for body in good if body not in at_foot) + "".join(at_foot[:1]))
    assert len(good) >= len(HOLDS[outer]) or outer == "footer"


@pytest.mark.parametrize("tag", ["ul", "ol"])
def test_lists_are_printed_as_deep_as_they_are_read(tag: str) -> None:
    """Each level with its mark."""
    deep = 18
    assert printed(f"<{tag}><li>项" * deep + f"</li></{tag}>" * deep)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (
            '<section class="together"><section><p>a</p><hr class=" page "></section></section>',
            "no page ends within a part that is not divided between two pages",
        ),
        ("<table><tr></tr></table>", "a row of a table needs a cell"),
        ('<table><tbody><tr data-each="xs"> </tr></tbody></table>', "a row of a table needs a cell"),
        ("<![<p>a</p>", "what begins with <! there cannot be read"),
        ("<p>" + "字" * 67_000 + "</p>", "a letter has 200 kB at most"),
    ],
)
def test_what_cannot_be_printed_is_refused_while_it_is_read(body: str, wrong: str) -> None:
    """With the reason, and nothing else."""
    assert [str(fault.sentence) for fault in reading.study(letter(body))[1]] == [wrong]


def test_what_the_font_or_a_picture_lacks_is_told_in_words_of_the_letter() -> None:
    """By the character, and without the lines of the layout, which nobody wrote who writes letters."""
    for body, svg, reason in (
        ("<p>林𠀀</p>", SVG, 'the font does not have the character "𠀀"'),
        ('<img src="chart:usage">', "no picture", "one of its charts is no picture that can be drawn"),
    ):
        with pytest.raises(PdfFailed) as refused:
            printed(body, svg=svg)
        said = refused.value.facts["reason"]
        assert isinstance(said, Sentence) and str(said) == reason


@pytest.mark.parametrize(
    ("broken", "told"),
    [("<x>" * 66_000, 2), ("<p></i>" * 28_000, 3), ("<section>" * 22_000, 1), ("<p><u>" * 33_000, 2), ("</p>" * 50_000, 50)],
)
def test_a_broken_letter_is_read_no_further_than_is_told(broken: str, told: int) -> None:
    """However much of it there is: it is over at once."""
    began = time.process_time()
    content = ("<html><body>" + broken).encode()[: reading.LARGEST]
    assert len(reading.study(content)[1]) == told
    assert time.process_time() - began < 1
