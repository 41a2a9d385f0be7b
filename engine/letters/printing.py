"""A filled letter on paper."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..ports import Renderer
from .filling import Filled


def pdf(renderer: Renderer, filled: Filled, charts: Mapping[str, str], date: dt.date) -> bytes:
    """PDF/A bytes. Raises PdfFailed for a character that the font does not have, or a picture that is none."""
    return renderer.render(*_asked(filled, charts, date))


def pages(renderer: Renderer, filled: Filled, charts: Mapping[str, str], date: dt.date) -> Sequence[bytes]:
    """A picture of each page, PNG. Raises PdfFailed as `pdf`."""
    return renderer.pages(*_asked(filled, charts, date))


def _asked(filled: Filled, charts: Mapping[str, str], date: dt.date) -> tuple[str, Mapping[str, Any], Mapping[str, str]]:
    data = {"letter": filled.as_json(), "date": [date.year, date.month, date.day]}
    return _layout(), data, {name: charts[name] for name in filled.charts}


@cache
def _layout() -> str:
    return Path(__file__).with_name("layout.typ").read_text("utf-8")
