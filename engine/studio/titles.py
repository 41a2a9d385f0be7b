"""What people call the files of a procedure, beside their names: what a diagram or table is called, which steps use a form or a letter."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import PurePosixPath

from ..bpmn import outline
from ..letters import templates
from .paths import kind_of
from .scenarios import reading


def titles(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """By path; none for a file of which there is nothing to say."""
    users = outline.users(files)
    found = {path: _of(path, content, users) for path, content in files.items()}
    return {path: said for path, said in found.items() if said}


def _of(path: str, content: bytes, users: Mapping[str, list[str]]) -> list[str]:
    name = PurePosixPath(path)
    match kind_of(path):
        case "bpmn":
            return [str(process["name"]) for process in outline.executable(content, path)]
        case "dmn":
            return outline.answered(content, path)
        case "form":
            return users.get(name.stem, [])
        case "letter":
            served = templates.served(path)
            named = (path, name.name, name.stem, *(sorted(served[0]) if served else ()))
            return next((users[text] for text in named if text in users), [])
        case "scenario":
            called = _scenario(content)
            return [called] if called else []
        case _:
            return []


@functools.lru_cache(1000)
def _scenario(content: bytes) -> str:
    """A page lists many of them, and few have changed since the last time."""
    return reading.name(content)
