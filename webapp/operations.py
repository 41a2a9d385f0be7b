"""Operations that Partwell offers itself beside those of connectors: the arithmetic of procedures."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import Refused
from engine.ports import Answer, Call
from processes.rules import portrait


class PortraitOperation:
    """`portrait.compute`: what the EHR's rows say about the subject beside their team.

    Input: `employee`, `app_usage`, `training`, `performance` as the EHR operations give them, and `window`.
    """

    names: Sequence[str] = ("portrait.compute",)
    reads = True

    def call(self, call: Call) -> Answer:
        given = call.input
        try:
            value = portrait.compute(given["employee"], given["app_usage"], given["training"], given["performance"], window=given["window"])
        except (KeyError, TypeError, ValueError) as error:
            reason = f"the data are not such as a portrait is made of: {type(error).__name__} {error}"
            raise Refused(system="partwell", operation=call.operation, reason=reason) from error
        return Answer(value=value)

    def check(self) -> Sequence[str]:
        return ()
