"""Operations of connectors: the kinds of failure. The job decides what follows."""

from __future__ import annotations

from .sentences import PartwellError


class OperationFailed(PartwellError):
    """{system} could not do {operation}: {reason}."""

    status = 502

    def __init__(self, *, system: str, operation: str, reason: str, answer: str | None = None) -> None:
        #: what the other side said, as text, where it said anything
        self.answer = answer
        super().__init__(system=system, operation=operation, reason=reason)


class TryAgain(OperationFailed):
    """{system} did not answer {operation} this time: {reason}. It is tried again."""

    def __init__(self, *, system: str, operation: str, reason: str, answer: str | None = None, after: float | None = None) -> None:
        #: seconds the other side asked us to wait
        self.after = after
        super().__init__(system=system, operation=operation, reason=reason, answer=answer)


class GaveUp(OperationFailed):
    """{system} did not answer {operation}, and no attempt is left: {reason}. Try again when it works, or answer by hand."""


class Refused(OperationFailed):
    """{system} refused {operation}: {reason}. Trying again would not help; correct the input or answer by hand."""


class IdsNotTold(PartwellError):
    """{system} could not be asked what it calls people: {reason}. Nothing was changed. Try again later, or check how it is set up."""

    status = 502


class NeedsPerson(OperationFailed):
    """{system} answered {operation} in a way that a person must look at: {reason}."""
