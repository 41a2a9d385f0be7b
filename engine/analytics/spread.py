"""How spans of time are distributed: counted in steps of five per cent, so that medians of many days are added up in no time.

A spread is one whole number that holds 32 bits for each step: how many spans were counted in it. So two of them are added by `+`,
whatever they hold, and a year of days is added up within milliseconds.
"""

from __future__ import annotations

import math
import sys
from array import array

#: each step reaches so many times as far as the one before
GROWTH = 1.05
_LOG = math.log(GROWTH)
_BITS = 32

Spread = int


def one(seconds: float) -> Spread:
    """The spread that holds this span alone."""
    return 1 << _BITS * step(seconds)


def step(seconds: float) -> int:
    """The step in which a span is counted: 0 for less than a second, n from GROWTH ** (n - 1) to GROWTH ** n."""
    return 0 if seconds < 1 else 1 + int(math.log(seconds) / _LOG + 1e-9)


def middle(step: int) -> float:
    """Seconds that stand for a step; a span counted in it differs by 2.5 % at most, or is less than a second."""
    return 0.0 if step == 0 else GROWTH ** (step - 0.5)


def counts(spread: Spread) -> array[int]:
    """How many spans were counted in each step."""
    width = _BITS // 8
    size = (spread.bit_length() + _BITS - 1) // _BITS
    found = array("I", spread.to_bytes(size * width, sys.byteorder))
    return found if sys.byteorder == "little" else found[::-1]


def quantile(spread: Spread, part: float) -> float | None:
    """The span in seconds that this part of all do not exceed, such as 0.5 for the median; None where nothing was counted."""
    found = counts(spread)
    wanted, seen = part * sum(found), 0
    for at, count in enumerate(found):
        seen += count
        if count and seen >= wanted:
            return middle(at)
    return None
