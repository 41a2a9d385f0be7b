"""Bulk-filled rows are what run cases would have left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import Room, line

from engine.bench.filling import fill, widths
from engine.models import Candidate, Case, Job, LedgerPage, SignOff, WorkItem
from engine.services import Services

#: the copies cannot be opened
pytestmark = pytest.mark.tampers

TABLES = (Case, WorkItem, SignOff, LedgerPage, Job, Candidate)


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def finished(room: Room) -> str:
    case = room.start()
    for task in ("a", "b"):
        room.complete(case, task)
    return case


def _numbers(found: Mapping[str, Sequence[tuple[Any, ...]]]) -> list[int]:
    return [width or 0 for rows in found.values() for row in rows for width in row]


def test_filled_rows_equal_run_ones(room: Room) -> None:
    """A copy has as many rows in each table as a case that was really run, each column as wide, and shares no id with another."""
    room.deploy(*line("a", "b"))
    first, second = finished(room), finished(room)
    run, again = widths(room.services.database, first), widths(room.services.database, second)
    assert {table: len(rows) for table, rows in run.items()} == {table: len(rows) for table, rows in again.items()}
    assert all(abs(a - b) <= 8 for a, b in zip(_numbers(run), _numbers(again), strict=True))  # compression
    before = {table: room.count(table) for table in TABLES}
    fill(room.services.database, first, 60)
    assert all(room.count(table) == count + count // 2 * 60 for table, count in before.items())
    copies = [case for case in room.values(sa.select(Case.id)) if case not in (first, second)]
    assert len(copies) == len(set(copies)) == 60
    for copy in (copies[0], copies[-1]):
        assert widths(room.services.database, copy) == widths(room.services.database, first)


def test_filled_open_work_is_found_by_whom_it_was_given(room: Room) -> None:
    """What shall differ from the original differs: here the role to which each copy is offered."""
    room.deploy(*line("a"))
    case = room.start()
    fill(room.services.database, case, 4, other={"sign_offs.role": "'r' || CAST(:n % 2 AS varchar(9))"})
    assert sorted(room.values(sa.select(SignOff.role))) == ["hr", "r0", "r0", "r1", "r1"]
