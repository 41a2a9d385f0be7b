"""Asking for what is not there or not allowed, sending it twice, or filling a form in with faults."""

from __future__ import annotations

from typing import Any

from .sentences import PartwellError


class NotFound(PartwellError):
    """There is no {what} "{name}". It may have been removed, or the address is mistyped."""

    status = 404


class NotAllowed(PartwellError):
    """You may not do this: {reason}. Ask the person named on the case page, or an administrator."""

    status = 403


class Conflict(PartwellError):
    """This was sent twice, or somebody did the same at that very moment. Reload to see what happened."""

    status = 409


class FormInvalid(PartwellError):
    """Some fields need your attention before this can be saved."""

    status = 422

    def __init__(self, fields: dict[str, list[str]], **facts: Any) -> None:
        #: path of a field -> messages in the person's language
        self.fields = fields
        super().__init__(**facts)
