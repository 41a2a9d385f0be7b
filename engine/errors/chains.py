"""Approval chains: what cannot be published, and what keeps a step of one from opening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .sentences import PartwellError


class ChainRefused(PartwellError):
    """The approval chain "{chain}" cannot be published: {faults}."""

    status = 422

    def __init__(self, *, chain: str, found: Sequence[Any]) -> None:
        #: `engine.chains.faults.Fault` of everything that must be repaired
        self.found = found
        super().__init__(chain=chain, faults=[fault.sentence for fault in found])


class DraftChanged(PartwellError):
    """{who} changed this approval chain at {when}, while you had it open. Yours is still on this page: compare, then save again."""

    status = 409


class AlreadyPublished(PartwellError):
    """This draft is published already, as version {number}, by {who} at {when}. Nothing was done a second time."""

    status = 409


class NobodySigns(PartwellError):
    """Nobody can sign "{step}": whoever the chain names has left or may not decide here, and there is no manager of
    the procedure to take it. Give somebody the role, or change the chain; nothing was lost."""

    status = 409


class ConditionFailed(PartwellError):
    """It cannot be told whether the step "{step}" of the approval chain "{chain}" applies. Its condition {expression} failed: {reason}.
    Correct the chain or the data, then have it tried again; nothing was lost."""

    status = 409


class MustBeSigned(PartwellError):
    """Not one step of the approval chain "{chain}" applies to this case, though a person has to decide it. Correct the chain or
    the data, then have it tried again; nothing was lost."""

    status = 409
