"""Every sentence that a form says to the person filling it in. The Chinese ones are in the catalogue `forms`."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any


class Text(StrEnum):
    """The closed list of messages; places in braces are filled with facts."""

    REQUIRED = "This is required."
    TICK = "Please tick this to go on."
    ONE_ROW = "Add at least one row."
    NOT_TEXT = "This must be text."
    CHARACTERS = "This holds characters that cannot be stored. Type it again instead of pasting it."
    ONE_LINE = "This must be a single line."
    TOO_SHORT = "Write at least {limit} characters; there are {length}."
    TOO_LONG = "Write at most {limit} characters; there are {length}."
    PATTERN = "This does not have the expected form."
    AS_SAID = "{said}"
    EMAIL = "This is not an e-mail address. Example: name@company.com"
    PHONE = "This is not a telephone number. Example: 138 0013 8000"
    NOT_NUMBER = "This must be a number, written with digits only."
    DIGITS = "This number has too many digits."
    WHOLE = "This must be a whole number."
    PLACES = "At most {limit} decimal places are possible."
    TOO_SMALL = "This must be at least {limit}."
    TOO_LARGE = "This must be at most {limit}."
    STEP = "This must be a multiple of {step}; {below} and {above} are the nearest."
    NOT_OPTION = "This is not one of the choices."
    NOT_YES_NO = "This must be ticked or not."
    NOT_LIST = "This must be a list."
    TOO_MANY = "At most {limit} entries are possible; there are {count}."
    FEW_ROWS = "At least {limit} rows are needed; there are {count}."
    FIXED_ROWS = "Rows cannot be added or removed here; there must be {count}."
    NOT_DATE = "This is not a date. Example: 2026-11-24"
    NOT_TIME = "This is not a time of day. Example: 09:30"
    NOT_DATETIME = "This is not a date with time. Example: 2026-11-24 09:30"
    TOO_EARLY = "This must not be before {limit}."
    TOO_LATE = "This must not be after {limit}."
    INTERVAL = "The minutes must be a multiple of {minutes}."
    NOT_FILES = "Attach the file again; it did not arrive."
    FILE_TYPE = "“{name}” is not what is wanted here. Choose a file of the type {endings}."
    NOT_YOURS = "You cannot change this here."
    UNKNOWN = "This form has no field of this name."
    NOT_FIELDS = "This must hold fields with their values."


#: gives a message in a language: (English sentence, BCP 47 tag) -> sentence
Translate = Callable[[str, str], str]


def untranslated(text: str, locale: str) -> str:
    """The sentence as it is, in English."""
    return text


class Fault(Exception):
    """What is wrong with one value."""

    def __init__(self, text: Text, **facts: Any) -> None:
        self.text = text
        self.facts = facts
        super().__init__(text)

    def said(self, translate: Translate, locale: str) -> str:
        """The sentence in the person's language."""
        return translate(self.text.value, locale).format(**self.facts)
