"""How a value is written in a letter: as a day, a month, an amount of money, years and months, or as it is."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

from ..errors import Sentence
from ..ports import Json

#: what `data-as` can be; `lines` is one paragraph or list item for each line
FORMS = ("text", "day", "month", "money", "duration", "lines")
_DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?")
_MONTH = re.compile(r"(\d{4})-(\d{2})")


class Unprintable(Exception):
    """A value that cannot be written so."""

    def __init__(self, template: str, **facts: Json) -> None:
        super().__init__(template)
        self.sentence = Sentence(template, facts)


def written(value: Json, form: str, *, language: str, zone: ZoneInfo) -> str:
    """A value in words of a language. Raises Unprintable for one that is absent or of another kind."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise Unprintable("it has no value")
    english = language == "en"
    match form:
        case "day":
            day = _day(value, zone)
            return f"{day.day} {day:%B} {day.year}" if english else f"{day.year} 年 {day.month} 月 {day.day} 日"
        case "month":
            month = _month(value, zone)
            return f"{month:%B} {month.year}" if english else f"{month.year} 年 {month.month} 月"
        case "money":
            return _yuan(value)
        case "duration":
            return _span(_months(value), english=english)
    return plain(value)


def lines(value: Json) -> list[str]:
    """The lines of a text, or of each text of a list; none for one that is empty. Raises Unprintable."""
    given = value if isinstance(value, list) else [] if value is None else [value]
    return [line.strip() for each in given for line in plain(each).splitlines() if line.strip()]


def plain(value: Json) -> str:
    """A text, or a number without a fraction that says nothing. Raises Unprintable for anything else."""
    match value:
        case bool():
            pass
        case float() if value.is_integer():
            return str(int(value))
        case str() | int() | float():
            return str(value)
    raise Unprintable("it is no text and no number")


def _day(value: Json, zone: ZoneInfo) -> dt.date:
    try:
        if len(value) == len("2026-01-31"):
            return dt.date.fromisoformat(value)
        moment = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Unprintable('"{value}" is no day such as 2026-11-24', value=_short(value)) from None
    return (moment.astimezone(zone) if moment.tzinfo else moment).date()


def _month(value: Json, zone: ZoneInfo) -> dt.date:
    if isinstance(value, str) and _MONTH.fullmatch(value):
        value = f"{value}-01"
    try:
        return _day(value, zone)
    except Unprintable:
        raise Unprintable('"{value}" is no month such as 2026-11', value=_short(value)) from None


def _yuan(fen: Json) -> str:
    if isinstance(fen, float) and fen.is_integer():
        fen = int(fen)
    if not isinstance(fen, int) or isinstance(fen, bool):
        raise Unprintable('"{value}" is no whole number of fen', value=_short(fen))
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}.{rest:02}"


def _months(value: Json) -> int:
    """From whole months, or from a duration as FEEL gives it."""
    if isinstance(value, str) and (found := _DURATION.fullmatch(value)) and value != "P":
        return int(found[1] or 0) * 12 + int(found[2] or 0)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Unprintable('"{value}" is no number of months and no duration of years and months', value=_short(value))
    return value


def _span(months: int, *, english: bool) -> str:
    years, rest = divmod(months, 12)
    if not english:
        parts = [f"{years} 年"] * bool(years) + [f"{rest} 个月"] * bool(rest)
        return " ".join(parts) or "不满 1 个月"
    parts = [f"{number} {unit}{'s' if number > 1 else ''}" for number, unit in ((years, "year"), (rest, "month")) if number]
    return " ".join(parts) or "less than 1 month"


def _short(value: Json) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"
