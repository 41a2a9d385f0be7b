"""JSON that somebody wrote: read whole, or refused with a reason, however it is nested."""

from __future__ import annotations

import json
from typing import Any

#: objects and lists in each other; whatever walks through a file goes as deep
DEEPEST = 100


def read(text: str | bytes) -> Any:
    """The value. Raises ValueError (json.JSONDecodeError with the place, where it is no JSON) for what nobody can walk through, too."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return value
    raise ValueError(_TOO_DEEP)


def read_object(text: str | bytes) -> tuple[dict[str, Any], list[str]]:
    """The object that a file of settings holds; an empty one and the reason where it holds none."""
    try:
        value = read(text)
    except ValueError as error:
        return {}, [str(error)]
    return (value, []) if isinstance(value, dict) else ({}, ["it must be an object"])


_TOO_DEEP = f"objects and lists lie more than {DEEPEST} deep in each other"


def _inside(value: Any) -> list[Any]:
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for each in held if isinstance(each, dict | list)]
