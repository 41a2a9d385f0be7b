"""The files of a procedure: diagrams, decision tables, expressions, calendars."""

from __future__ import annotations

from typing import Any

from .sentences import PartwellError


class FileRefused(PartwellError):
    """{file} cannot be used: {reason}."""

    status = 422


class NotDeployable(PartwellError):
    """The procedure in {path} was not deployed: {count} findings must be repaired first."""

    status = 422

    def __init__(self, findings: list[Any], **facts: Any) -> None:
        #: `engine.bpmn.lint.Finding` of every refused element
        self.findings = findings
        super().__init__(**facts)


class ActivatedMeanwhile(PartwellError):
    """Version {number} was activated meanwhile, so nothing was rolled back. Look again."""

    status = 409


class FeelError(PartwellError):
    """The expression "{expression}" failed: {reason}."""

    status = 422

    def __init__(self, *, expression: str, reason: str, position: tuple[int, int] | None = None) -> None:
        #: first and last character of the fault inside the expression, where known
        self.position = position
        # A person must find the expression again, not read all of it; half a character cannot even be printed.
        shown = (expression if len(expression) <= 200 else expression[:200] + "…").encode("utf-8", "replace").decode()
        super().__init__(expression=shown, reason=reason)


class DecisionFailed(PartwellError):
    """The decision "{decision}" gave no answer: {reason}."""

    status = 422


class DecisionInputRefused(DecisionFailed):
    """The decision "{decision}" cannot be made with these data: {reason}."""


class ValueRefused(PartwellError):
    """The variable "{name}" cannot be stored: {reason}."""

    status = 422


class CalendarUnknown(PartwellError):
    """The calendar "{calendar}" does not know yet which days of {year} are worked. Update the holidays library once the year is
    announced, or enter the year's exceptions and set `announced = {year}`."""

    status = 422


class CalendarEnds(PartwellError):
    """The calendar "{calendar}" leads more than ten years away from {date}. Use a shorter time, or correct the calendar."""

    status = 422
