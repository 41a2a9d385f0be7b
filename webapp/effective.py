"""From when on a chain or a version serves, as people and programs enter it."""

from __future__ import annotations

import datetime as dt

from .api.shapes import RequestInvalid
from .i18n import zone


def effective(text: str) -> dt.datetime | None:
    """From when on: the beginning of a day at the company's place, or a moment; None for at once. Raises RequestInvalid."""
    if not text.strip():
        return None
    try:
        moment = dt.datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone())).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise RequestInvalid(reason="“effective” must be a day or a moment in ISO 8601", field="effective") from None
