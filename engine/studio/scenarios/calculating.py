"""Values of a scenario: every text that begins with `=` is FEEL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ...bpmn import expressions
from ...ports import Json


def calculated(value: Json, seen: Mapping[str, Json], *, now: dt.datetime) -> Any:
    """The value, calculated over the variables that are seen. Raises FeelError."""
    match value:
        case str() if value.startswith("="):
            return expressions.evaluate(value[1:], seen, now=now)
        case Mapping():
            return {name: calculated(inner, seen, now=now) for name, inner in value.items()}
        case list():
            return [calculated(inner, seen, now=now) for inner in value]
    return value
