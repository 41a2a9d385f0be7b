"""Which steps may be approved together with others, from a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ports import Json
from . import choosing, giving


def allowed(steps: Sequence[Mapping[str, Json]], position: int) -> bool:
    """Whether the step at this place asks for it, and whoever approves it need not choose who signs a later one."""
    chosen = any(choosing.rule_of(step, choosing.BY_SIGNER) for step in steps[position + 1 :])
    return giving.of(steps[position]).batch and not chosen
