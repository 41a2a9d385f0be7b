"""People of the directory: substitutes, handing over, ids in outside systems."""

from __future__ import annotations

from .sentences import PartwellError


class SubstituteRefused(PartwellError):
    """This substitute was not entered: {reason}. Change what you typed, then send it again."""

    status = 422


class HandoverRefused(PartwellError):
    """This was not handed over: {reason}. Choose somebody else, or change it where it belongs; then hand over again."""

    status = 422


class IdsChanged(PartwellError):
    """What outside services call {name} was changed meanwhile. Look at what it is now, then save again."""

    status = 409


class IdsRefused(PartwellError):
    """Line {line}, "{column}": {reason}. Nothing was stored."""

    status = 422
