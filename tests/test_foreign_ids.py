"""What outside systems call people: entered for everybody or nobody, and told by line what is wrong."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa
from engine_room import Room, person
from twins import Board

from engine.errors import FormInvalid, IdsRefused, NotAllowed, NotFound
from engine.models import DirectoryEvent, ForeignId
from engine.notices import identities
from engine.notices.identities import Line
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def lines(*rows: str) -> list[Line]:
    cells = [row.split() for row in rows]
    return [Line(person=row[0], system=row[1], id=row[2] if len(row) > 2 else "", number=n) for n, row in enumerate(cells, start=2)]


def held(room: Room, key: str) -> dict[str, str]:
    return dict(room.rows(sa.select(ForeignId.system, ForeignId.foreign_id).where(ForeignId.person_id == person(key))))


def test_ids_are_entered_changed_and_taken_away(room: Room) -> None:
    """By employee number, for any system; what is the same counts as no change, and two may swap their ids."""
    assert identities.bring(room.services, lines("E003 dingtalk a", "E003 feishu ou_1", "E004 dingtalk b")) == 3
    assert identities.bring(room.services, lines("E003 dingtalk b", "E004 dingtalk a", "E003 feishu ou_1")) == 2
    assert (held(room, "hr"), held(room, "hr2")) == ({"dingtalk": "b", "feishu": "ou_1"}, {"dingtalk": "a"})
    assert identities.bring(room.services, lines("E003 dingtalk")) == 1
    assert held(room, "hr") == {"feishu": "ou_1"}


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("E999 dingtalk c", "person", "nobody has this employee number or login: E999"),
        ("E004 dingtalk a", "id", "two people would have this id: a"),
        ("E003 dingtalk c", "person", "this person and system are in a line before: 2"),
        (f"E004 dingtalk {'x' * 201}", "id", "a printable text of 1 to 200 characters is needed"),
    ],
)
def test_a_fault_stores_nothing(room: Room, row: str, column: str, reason: str) -> None:
    """Line and column are named, and the good lines are not stored either."""
    with pytest.raises(IdsRefused) as refused:
        identities.bring(room.services, lines("E003 dingtalk a", row))
    assert refused.value.facts == {"line": 3, "column": column, "reason": reason}
    assert room.count(ForeignId) == 0


def test_an_id_that_somebody_has_is_refused_to_another(room: Room) -> None:
    """Also when the other one is not in the file."""
    identities.bring(room.services, lines("E003 dingtalk a"))
    with pytest.raises(IdsRefused, match="two people"):
        identities.bring(room.services, lines("E004 dingtalk a"))
    assert room.values(sa.select(ForeignId.foreign_id)) == ["a"]


def test_administrators_keep_the_ids_of_one_person(room: Room) -> None:
    """Only they, only for services that are set up, and no id of somebody else; what was and what is now is recorded."""
    services = dataclasses.replace(room.services, projectors={"board": Board("board")})
    with pytest.raises(NotAllowed):
        identities.keep(services, person("hr"), {"board": "a"}, by=person("hr"))
    with pytest.raises(NotFound):
        identities.keep(services, person("hr"), {"elsewhere": "a"}, by=person("admin"))
    assert identities.keep(services, person("hr"), {"board": "a"}, by=person("admin"))
    assert not identities.keep(services, person("hr"), {"board": "a"}, by=person("admin"))
    with pytest.raises(FormInvalid) as refused:
        identities.keep(services, person("hr2"), {"board": "a"}, by=person("admin"))
    assert refused.value.fields == {"board": [identities.TAKEN]} and held(room, "hr2") == {}
    assert identities.keep(services, person("hr"), {"board": ""}, by=person("admin")) and held(room, "hr") == {}
    changes = room.values(sa.select(DirectoryEvent.changes).order_by(DirectoryEvent.id))
    assert sorted(map(str, changes)) == sorted(map(str, [{"ids": [[], ["board: a"]]}, {"ids": [["board: a"], []]}]))
