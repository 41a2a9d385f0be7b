"""A filled letter on paper."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..errors import PdfFailed, Sentence
from ..ports import Json, Renderer
from .filling import Filled
from .spelling import Unprintable

log = logging.getLogger(__name__)


def given(values: Mapping[str, Json], *, now: dt.datetime, zone: ZoneInfo) -> tuple[dict[str, Json], Mapping[str, str], dt.date]:
    """Out of the input of a step: what its letter shows, the charts in it, and its date. Raises Unprintable."""
    data = dict(values)
    charts = data.pop("charts", None) or {}
    if not isinstance(charts, Mapping) or not all(isinstance(svg, str) for svg in charts.values()):
        raise Unprintable("charts must be SVG texts by name")
    date = data.get("date")
    try:
        return data, charts, dt.date.fromisoformat(date[:10]) if date else now.astimezone(zone).date()
    except (TypeError, ValueError):
        raise Unprintable("the date is no day such as 2026-11-24: {date}", date=repr(date)) from None


def pdf(renderer: Renderer, filled: Filled, charts: Mapping[str, str], date: dt.date) -> bytes:
    """PDF/A bytes. Raises PdfFailed for a character that the font does not have, or a picture that is none."""
    with _in_words(filled):
        return renderer.render(*_asked(filled, charts, date))


def pages(renderer: Renderer, filled: Filled, charts: Mapping[str, str], date: dt.date) -> Sequence[bytes]:
    """A picture of each page, PNG. Raises PdfFailed as `pdf`."""
    with _in_words(filled):
        return renderer.pages(*_asked(filled, charts, date))


def for_typst(data: Mapping[str, Json], charts: Mapping[str, str], date: dt.date) -> tuple[Mapping[str, Json], Mapping[str, str]]:
    """What a letter that typesets itself finds: its input, the date in place of the given one, and every chart."""
    return {**data, "date": [date.year, date.month, date.day]}, charts


@contextlib.contextmanager
def _in_words(filled: Filled) -> Iterator[None]:
    """Nobody who writes letters knows the lines of the layout: what the typesetter says of it is for the log."""
    try:
        yield
    except PdfFailed as error:
        if isinstance(error.facts["reason"], Sentence):
            raise
        log.error("a letter cannot be laid out: %s", error.facts["reason"])
        undrawn, unset = Sentence("one of its charts is no picture that can be drawn", {}), Sentence("it cannot be laid out", {})
        raise PdfFailed(reason=undrawn if filled.charts else unset) from error


def _asked(filled: Filled, charts: Mapping[str, str], date: dt.date) -> tuple[str, Mapping[str, Any], Mapping[str, str]]:
    data = {"letter": filled.as_json(), "date": [date.year, date.month, date.day]}
    return _layout(), data, {name: charts[name] for name in filled.charts}


@cache
def _layout() -> str:
    return Path(__file__).with_name("layout.typ").read_text("utf-8")
