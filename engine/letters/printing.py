"""A filled letter on paper."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..ports import Json, Renderer
from .filling import Filled
from .spelling import Unprintable


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
    return renderer.render(*_asked(filled, charts, date))


def pages(renderer: Renderer, filled: Filled, charts: Mapping[str, str], date: dt.date) -> Sequence[bytes]:
    """A picture of each page, PNG. Raises PdfFailed as `pdf`."""
    return renderer.pages(*_asked(filled, charts, date))


def for_typst(data: Mapping[str, Json], charts: Mapping[str, str], date: dt.date) -> tuple[Mapping[str, Json], Mapping[str, str]]:
    """What a letter that typesets itself finds: its input, the date in place of the given one, and every chart."""
    return {**data, "date": [date.year, date.month, date.day]}, charts


def _asked(filled: Filled, charts: Mapping[str, str], date: dt.date) -> tuple[str, Mapping[str, Any], Mapping[str, str]]:
    data = {"letter": filled.as_json(), "date": [date.year, date.month, date.day]}
    return _layout(), data, {name: charts[name] for name in filled.charts}


@cache
def _layout() -> str:
    return Path(__file__).with_name("layout.typ").read_text("utf-8")
