"""What tests of publishing have in common: a procedure of one step with a letter, and what is done to its draft."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from engine_room import Room, files, line, person

from engine import versions
from engine.errors import (
    NotFound,
)
from engine.studio import changing, drafts, events, publishing

LETTER = "letters/notice.txt"
RULES = {"managers": ["admin", "hr_director"]}


def deploy(room: Room, *tasks: str, letter: bytes = b"first") -> None:
    """A version made from the command line."""
    room.deploy(*line(*tasks), rules=RULES, beside={LETTER: letter})


def diagram(*tasks: str) -> bytes:
    return files(*line(*tasks))["test.bpmn"]


def save(room: Room, path: str, content: bytes, *, by: str = "director") -> int:
    """Save over what is stored."""
    try:
        seen: int | None = drafts.content(room.services, "test", path, actor=None)[1]
    except NotFound:
        seen = None
    return changing.save(room.services, "test", path, content, revision=seen, actor=person(by))


def publish(room: Room, revision: int, *, by: str | None = "director", note: str = "调整", **more: Any) -> publishing.Published:
    return publishing.publish(room.services, "test", revision=revision, actor=person(by) if by else None, note=note, **more)


def active(room: Room) -> tuple[int, Mapping[str, bytes]]:
    """Number and files of the version on which new cases start."""
    found = versions.numbered(room.services, "test", None)
    return found.number, found.files


def acts(room: Room) -> list[str]:
    """What was done, the newest first."""
    with room.services.database.reading() as connection:
        return [act.act for act in events.history(connection, "test")]


def soon(room: Room, **span: float) -> dt.datetime:
    found: dt.datetime = room.clock.now() + dt.timedelta(**span)
    return found
