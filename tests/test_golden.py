"""Cases that earlier releases ran: this one reads their states, and comes to the same ones from their acts."""

from __future__ import annotations

import base64
import datetime as dt
import json
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.bpmn import expressions
from engine.bpmn.program import Program
from engine.calendar import Calendars
from engine.errors import NotFound
from engine.ledger import Entry
from engine.replay import Player, compared

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*/*.json"))


class Kept:
    """The versions in a golden case's file."""

    def __init__(self, versions: Mapping[str, Mapping[str, str]]) -> None:
        self._versions = versions

    def get(self, version_id: str) -> Any:
        if version_id not in self._versions:
            raise NotFound(what="procedure version", name=version_id)
        files = {path: text.encode() for path, text in self._versions[version_id].items()}
        return types.SimpleNamespace(id=version_id, files=files, program=Program(files, version=version_id))

    def latest(self, process: str) -> str | None:
        raise AssertionError("nothing is called while a state is read")

    def program(self, version_id: str) -> Program:
        return Program(self.get(version_id).files, version=version_id, others=self)


def acts(told: list[dict[str, Any]]) -> list[Entry]:
    given = [{**one, "at": dt.datetime.fromisoformat(one["at"])} for one in told]
    return [Entry(case="golden", actor=None, digest="", **one) for one in given]


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_case_of_an_earlier_release_is_read_and_replayed(file: Path) -> None:
    """Its state restores to the same bytes' content, and its acts lead to it."""
    golden = json.loads(file.read_text("utf-8"))
    stored, entries = base64.b64decode(golden["state"]), acts(golden["acts"])
    kept, calendars = Kept(golden["versions"]), Calendars({}, zone=expressions.ZONE)
    last = [entry.payload["version_id"] for entry in entries if "version_id" in entry.payload][-1]
    assert compared(stored, kept.program(last).restore(stored).dump()) == []
    assert compared(stored, Player(kept, calendars).play(entries).dump()) == []


def test_there_are_golden_cases() -> None:
    """So that an empty folder is noticed."""
    assert {file.stem for file in GOLDEN} >= {"steps", "branches", "repaired", "moved", "told"}
