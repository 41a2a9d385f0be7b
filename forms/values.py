"""From what a person sent to what a case may hold, one value at a time.

| field | value in the case |
|---|---|
| textfield, textarea | text without blanks around it, lines ended by a line feed |
| number | whole: JSON integer; otherwise JSON number, read and compared as a decimal; with `serializeToString`: decimal text |
| select, radio | the value of the choice, of the type it has in the form |
| checklist, taglist | list of such values |
| checkbox | true or false |
| datetime | `2026-11-24`, `09:30:00` or `2026-11-24T09:30:00`, local time |
| filepicker | list of document ids; whose they are is the caller's to know |
| expression | what it calculates, as JSON; what was sent for it counts nothing |
| dynamiclist | list of objects |

What was left empty is None, or an empty list, or false for a checkbox.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from .schema import LISTS, MOST_ROWS, Component
from .texts import Fault, Text

#: characters a text may have where the form sets no limit
TEXTFIELD_LENGTH = 500
TEXTAREA_LENGTH = 20_000
#: rows of a list, choices of a checklist, files of a field
ENTRIES = MOST_ROWS
#: digits of a number; a binary double keeps as many exactly
DIGITS = 15

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+?[0-9](?:[ ()-]{0,2}[0-9]){4,19}")
_DOCUMENT = re.compile(r"[0-9A-Za-z:_-]{1,100}")
#: controls other than tab and line feed, and halves of surrogate pairs, which no database or PDF can hold
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

#: limits of a field, FEEL already evaluated: `minLength`, `maxLength`, `min`, `max`, `pattern`
Limits = Mapping[str, Any]


def written(value: Any) -> str:
    """A value as a person reads and types it."""
    if value is None or isinstance(value, (list, dict)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):  # by way of Decimal: Python refuses to write very long integers
        return format(Decimal(repr(value) if isinstance(value, float) else value), "f").removesuffix(".0")
    return str(value)


def listed(value: Any) -> str:
    """The same, also of what is a list."""
    return "、".join(listed(each) for each in value) if isinstance(value, list) else written(value)


def nothing(component: Component) -> Any:
    """The value of a field left empty."""
    return [] if component.type in LISTS else False if component.type == "checkbox" else None


def empty(value: Any) -> bool:
    """Whether a person who sent this left the field empty, with all that is in it."""
    if isinstance(value, (list, tuple, Mapping)):
        return all(empty(each) for each in (value.values() if isinstance(value, Mapping) else value))
    return value is None or value is False or (isinstance(value, str) and not value.strip())


def printable(text: str) -> str:
    """The text with what cannot be stored or sent replaced."""
    return _UNSTORABLE.sub("\ufffd", _lines(text))


def convert(component: Component, value: Any, choices: Sequence[Any], zone: dt.tzinfo, *, multiple: bool = False) -> Any:
    """The value in the case's form. `choices` are the values of the options, `multiple`: several files. Raises `Fault`."""
    if component.type == "checkbox":
        if value is None or isinstance(value, bool):
            return bool(value)
        raise Fault(Text.NOT_YES_NO)
    if value is None or (isinstance(value, str) and not value.strip()):
        return nothing(component)
    match component.type:
        case "textfield" | "textarea":
            return _text(value, lines=component.type == "textarea")
        case "number":
            return _number(value, component.schema)
        case "select" | "radio":
            return _choice(value, choices)
        case "checklist" | "taglist":
            chosen = [_choice(each, choices) for each in _list(value)]
            return [each for place, each in enumerate(chosen) if each not in chosen[:place]]
        case "datetime":
            return _moment(value, component.kind, zone)
        case "filepicker":
            return _files(value, multiple=multiple)
    raise ValueError(component.type)


def restrict(component: Component, value: Any, limits: Limits, matches: Callable[[str, str], bool]) -> None:
    """Raises `Fault` where the value, not empty, breaks a limit. `matches(text, pattern)` must be safe against slow patterns."""
    if component.type in ("textfield", "textarea"):
        usual = TEXTFIELD_LENGTH if component.type == "textfield" else TEXTAREA_LENGTH
        shortest, longest = _whole(limits.get("minLength"), 0), _whole(limits.get("maxLength"), usual)
        if len(value) > longest:
            raise Fault(Text.TOO_LONG, limit=longest, length=len(value))
        if len(value) < shortest:
            raise Fault(Text.TOO_SHORT, limit=shortest, length=len(value))
        if limits.get("pattern") and not matches(value, limits["pattern"]):
            said = limits.get("patternErrorMessage")
            raise Fault(Text.AS_SAID, said=said) if isinstance(said, str) and said else Fault(Text.PATTERN)
        wanted = component.validate.get("validationType")
        if wanted == "email" and not _EMAIL.fullmatch(value):
            raise Fault(Text.EMAIL)
        if wanted == "phone" and not _PHONE.fullmatch(value):
            raise Fault(Text.PHONE)
    elif component.type == "number":
        number = Decimal(str(value))
        if (least := decimal(limits.get("min"))) is not None and number < least:
            raise Fault(Text.TOO_SMALL, limit=f"{least:f}")
        if (most := decimal(limits.get("max"))) is not None and number > most:
            raise Fault(Text.TOO_LARGE, limit=f"{most:f}")
        if (step := decimal(component.schema.get("increment"))) and number % step:
            below = number - number % step
            raise Fault(Text.STEP, step=f"{step:f}", below=f"{below:f}", above=f"{below + step:f}")
    elif component.type == "datetime":
        # the same subtype is always written in the same way, so the order of the texts is the order in time
        if isinstance(least := limits.get("min"), str) and value < least:
            raise Fault(Text.TOO_EARLY, limit=least.replace("T", " "))
        if isinstance(most := limits.get("max"), str) and value > most:
            raise Fault(Text.TOO_LATE, limit=most.replace("T", " "))
        minutes = component.schema.get("timeInterval")
        if component.kind != "date" and isinstance(minutes, int) and int(value[-5:-3]) % minutes + int(value[-2:]):
            raise Fault(Text.INTERVAL, minutes=minutes)


def decimal(value: Any) -> Decimal | None:
    """A limit or number of the form's author as Decimal; None where it is none."""
    if isinstance(value, bool) or not _NUMBER.fullmatch(text := written(value)):
        return None
    return Decimal(text)


def _whole(value: Any, otherwise: int) -> int:
    number = decimal(value)
    return otherwise if number is None else int(number)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise Fault(Text.NOT_LIST)
    if len(value) > ENTRIES:
        raise Fault(Text.TOO_MANY, limit=ENTRIES, count=len(value))
    return list(value)


def _text(value: Any, *, lines: bool) -> str:
    if not isinstance(value, str):
        raise Fault(Text.NOT_TEXT)
    text = _lines(value).strip()
    if _UNSTORABLE.search(text):
        raise Fault(Text.CHARACTERS)
    if not lines and "\n" in text:
        raise Fault(Text.ONE_LINE)
    return text


def _number(value: Any, schema: Mapping[str, Any]) -> int | float | str:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Fault(Text.NOT_NUMBER)
    if isinstance(value, str):
        value = unicodedata.normalize("NFKC", value[:100]).strip()  # an input method may type digits of full width
    text = written(value)
    if not _NUMBER.fullmatch(text):
        raise Fault(Text.NOT_NUMBER)
    if len(text) > 2 * DIGITS:  # more than Decimal calculates with
        raise Fault(Text.DIGITS)
    number = Decimal(text)
    places = schema.get("decimalDigits")
    shortest = number.normalize()
    if isinstance(places, int) and -int(shortest.as_tuple().exponent) > places:
        raise Fault(Text.WHOLE) if places == 0 else Fault(Text.PLACES, limit=places)
    if number.adjusted() >= DIGITS or len(shortest.as_tuple().digits) > DIGITS:
        raise Fault(Text.DIGITS)
    if schema.get("serializeToString"):
        return f"{number:f}".removeprefix("+")
    return int(number) if number == number.to_integral_value() else float(number)


def _choice(value: Any, choices: Sequence[Any]) -> Any:
    if isinstance(value, (str, int, float)):
        for choice in choices:
            if choice == value if type(choice) is type(value) else written(choice) == written(value):
                return choice
    raise Fault(Text.NOT_OPTION)


def _moment(value: Any, kind: str, zone: dt.tzinfo) -> str:
    wrong = {"date": Text.NOT_DATE, "time": Text.NOT_TIME}.get(kind, Text.NOT_DATETIME)
    if not isinstance(value, str):
        raise Fault(wrong)
    text = value.strip()
    try:
        if kind == "date":
            if len(text) != 10:  # Python would also read 20261124 and week dates
                raise ValueError(text)
            day = dt.date.fromisoformat(text)
            moment = day.isoformat()
        elif kind == "time":
            if ":" not in text:
                raise ValueError(text)
            return dt.time.fromisoformat(text).replace(tzinfo=None).isoformat(timespec="seconds")
        else:
            if len(text) < 16:
                raise ValueError(text)
            instant = dt.datetime.fromisoformat(text)
            if instant.tzinfo is not None:
                instant = instant.astimezone(zone).replace(tzinfo=None)
            day = instant.date()
            moment = instant.isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        raise Fault(wrong) from None
    if not 1900 <= day.year <= 2200:  # half-typed years
        raise Fault(wrong)
    return moment


def _files(value: Any, *, multiple: bool) -> list[str]:
    ids = _list(value)
    if not multiple and len(ids) > 1:
        raise Fault(Text.TOO_MANY, limit=1, count=len(ids))
    if not all(isinstance(each, str) and _DOCUMENT.fullmatch(each) for each in ids):
        raise Fault(Text.NOT_FILES)
    return list(dict.fromkeys(ids))
