"""A JSON body as an administrator wants it: a table whose texts name in braces what is filled in.

A text that is one placeholder becomes the value itself, whatever it is; in a longer text, texts and numbers are put in their places.
Only values are replaced and the whole is written as JSON afterwards, so that nothing that is told can change its shape.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from string import Formatter
from typing import Any

from engine.errors import SettingWrong

#: lists and tables in each other
_DEEPEST = 20
_parts = Formatter().parse


class Template:
    """One body. `known`: what may be named; `whole`: those of them that are no text and no number, so they stand alone.

    Raises SettingWrong naming the place for a placeholder that there is not; `{{` and `}}` stand for braces.
    """

    def __init__(self, setting: str, body: Mapping[str, Any], known: Collection[str], whole: Collection[str] = ()) -> None:
        self._body = body
        #: what the template names
        self.named: set[str] = set()
        self._check(setting, body, known, whole, 0)

    def _check(self, place: str, value: Any, known: Collection[str], whole: Collection[str], deep: int) -> None:
        if deep > _DEEPEST:
            raise SettingWrong(setting=place, reason="lists and tables lie too deep in each other")
        if isinstance(value, Mapping):
            for key, inner in value.items():
                self._check(f"{place}.{key}", inner, known, whole, deep + 1)
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                self._check(f"{place}.{number}", inner, known, whole, deep + 1)
        elif isinstance(value, str):
            self._text(place, value, known, whole)
        elif isinstance(value, float) and not math.isfinite(value):
            raise SettingWrong(setting=place, reason="JSON has no nan and no inf")
        elif not isinstance(value, bool | int | float):
            raise SettingWrong(setting=place, reason="JSON has texts, numbers, true and false, lists and tables; write a time as a text")

    def _text(self, place: str, text: str, known: Collection[str], whole: Collection[str]) -> None:
        try:
            parts = list(_parts(text))
        except ValueError as error:
            raise SettingWrong(setting=place, reason="a brace is not closed, or not opened; write {{ and }} for braces") from error
        for _, name, form, conversion in parts:
            if name is None:
                continue
            if name not in known or form or conversion:
                shown = "{" + name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "") + "}"
                detail = f"{shown}; {', '.join(sorted(known))}"
                raise SettingWrong(setting=place, reason=f"there is no such placeholder; here is it, and those that there are: {detail}")
            if name in whole and _alone(text) is None:
                raise SettingWrong(setting=place, reason=f"this placeholder is no text, so nothing else can stand beside it: {{{name}}}")
            self.named.add(name)

    def filled(self, values: Mapping[str, Any]) -> Any:
        """The body with these values, by the names of the placeholders."""
        return _filled(self._body, values)


def _alone(text: str) -> str | None:
    """The placeholder that a text is; None where there is more to it, or none."""
    parts = list(_parts(text))
    return parts[0][1] if len(parts) == 1 and not parts[0][0] else None


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(part, Mapping):
        return {key: _filled(inner, values) for key, inner in part.items()}
    if isinstance(part, list):
        return [_filled(inner, values) for inner in part]
    if not isinstance(part, str):
        return part
    if (name := _alone(part)) is not None:
        return values[name]
    return "".join(before + ("" if name is None or values[name] is None else str(values[name])) for before, name, _, _ in _parts(part))
