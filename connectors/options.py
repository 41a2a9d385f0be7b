"""The options of a connector: what it offers, checked once at the start."""

from __future__ import annotations

from collections.abc import Mapping
from types import EllipsisType
from typing import Any, Final, NamedTuple

from engine.errors import SettingWrong

#: the default of an option that must be given
REQUIRED: Final = ...


class Option(NamedTuple):
    """One option: the type of its value, its default, and a sentence saying what it does."""

    kind: type
    default: Any | EllipsisType
    sentence: str


_KINDS = {
    str: "it must be a text",
    int: "it must be a whole number",
    float: "it must be a number",
    bool: "it must be true or false",
    dict: "it must be a table",
    list: "it must be a list",
}


def read_options(name: str, given: Mapping[str, Any], offered: Mapping[str, Option]) -> dict[str, Any]:
    """The value of every offered option. Raises `SettingWrong` naming `connectors.<name>.<key>`."""
    for key in given:
        if key not in offered:
            raise SettingWrong(setting=f"connectors.{name}.{key}", reason="this connector has no such option")
    values = {}
    for key, option in offered.items():
        value = given.get(key, option.default)
        if value is REQUIRED or (option.default is REQUIRED and value == ""):
            raise SettingWrong(setting=f"connectors.{name}.{key}", reason="it must be given")
        if option.kind is float and type(value) is int:
            value = float(value)
        if type(value) is not option.kind:
            raise SettingWrong(setting=f"connectors.{name}.{key}", reason=_KINDS[option.kind])
        values[key] = value
    return values


def overlaid(name: str, key: str, defaults: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
    """The texts of a table option over their defaults. Raises `SettingWrong` for a name that has no default."""
    for inner, value in given.items():
        setting = f"connectors.{name}.{key}.{inner}"
        if inner not in defaults:
            raise SettingWrong(setting=setting, reason="this connector has no such option")
        if not isinstance(value, str):
            raise SettingWrong(setting=setting, reason="it must be a text")
    return {**defaults, **given}
