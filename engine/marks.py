"""Marks of values: by them it is seen that a value has changed since, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

from .fields import Keyring
from .ports import Json


def marks(keyring: Keyring, case_id: str, values: Mapping[str, Json]) -> dict[str, str]:
    """Name → mark (16 hex digits) of each of a case's values; without the key nobody can tell a value from its mark."""
    return {name: keyring.digest(orjson.dumps(value).decode(), f"sent_back/{case_id}/{name}")[:16] for name, value in values.items()}


def changed(before: Mapping[str, str], now: Mapping[str, str], among: Iterable[str]) -> set[str]:
    """The names among these whose value was another one, or none, when the marks `before` were made."""
    return {name for name in among if before.get(name) != now.get(name)}
