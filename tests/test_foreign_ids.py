"""What outside systems call people: entered for everybody or nobody, and told by line what is wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import Room, person
from twins import Board, Register

from engine.errors import FormInvalid, IdsChanged, IdsNotTold, IdsRefused, NotAllowed, NotFound, Refused, TryAgain
from engine.models import DirectoryEvent, ForeignId, Person
from engine.notices import identities
from engine.notices.identities import Line
from engine.people import sheets
from engine.people.importing import Plan, bring
from engine.people.looking_up import look_up
from engine.people.state import state
from engine.services import Services
from webapp import i18n


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def lines(*rows: str) -> list[Line]:
    cells = [row.split() for row in rows]
    return [Line(person=row[0], system=row[1], id=row[2] if len(row) > 2 else "", number=n) for n, row in enumerate(cells, start=2)]


NOTHING = identities.mark({})


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
        identities.keep(services, person("hr"), {"board": "a"}, by=person("hr"), seen=NOTHING)
    with pytest.raises(NotFound):
        identities.keep(services, person("hr"), {"elsewhere": "a"}, by=person("admin"), seen=NOTHING)
    assert identities.keep(services, person("hr"), {"board": "a"}, by=person("admin"), seen=NOTHING)
    with pytest.raises(IdsChanged):
        identities.keep(services, person("hr"), {"board": "b"}, by=person("admin"), seen=NOTHING)
    seen = identities.mark(held(room, "hr"))
    assert not identities.keep(services, person("hr"), {"board": "a"}, by=person("admin"), seen=seen)
    with pytest.raises(FormInvalid) as refused:
        identities.keep(services, person("hr2"), {"board": "a"}, by=person("admin"), seen=NOTHING)
    assert refused.value.fields == {"board": [identities.TAKEN]} and held(room, "hr2") == {}
    assert identities.keep(services, person("hr"), {"board": ""}, by=person("admin"), seen=seen) and held(room, "hr") == {}
    changes = room.values(sa.select(DirectoryEvent.changes).order_by(DirectoryEvent.id))
    assert sorted(map(str, changes)) == sorted(map(str, [{"ids": [[], ["board: a"]]}, {"ids": [["board: a"], []]}]))


def bring_in(room: Room, text: str, **more: Any) -> Plan:
    lines, faults = sheets.read("persons.csv", text.encode())
    return bring(room.services, lines, by=person("admin"), note="登记", also=faults, **more)


@pytest.fixture
def with_board(services: Services) -> Room:
    """An office with a centre that knows people by ids, and a register that tells them."""
    services = dataclasses.replace(
        services, projectors={"board": Board("board")}, finders={"register": Register("register", system="board")}
    )
    return Room(services)


def test_ids_come_and_go_with_the_sheets_of_people(with_board: Room) -> None:
    """A column for each service; two may swap theirs; an empty cell takes one away; an export holds what an import takes."""
    room = with_board
    text = "employee_no,id:board\nE003,a\nE004,b\n"
    looked = bring_in(room, text, dry_run=True)
    assert [each.told for each in looked.differences] == [{"id:board": [None, "a"]}, {"id:board": [None, "b"]}] and room.count(
        ForeignId
    ) == 0
    bring_in(room, text)
    bring_in(room, "employee_no,id:board\nE003,b\nE004,a\n")
    assert (held(room, "hr"), held(room, "hr2")) == ({"board": "b"}, {"board": "a"})
    with room.services.database.reading() as connection:
        lines = state(connection, room.clock.now().date()).lines
    sheet = sheets.csv_file("persons", lines, {"id:board": "Board"})
    back, faults = sheets.read("persons.csv", sheet, {"Board": "id:board"})
    assert not faults and bring(room.services, back, by=None, note="").differences == []
    bring_in(room, "employee_no,name,id:board\nE003,王芳,\nE099,新人,b\n")
    assert held(room, "hr") == {} and room.values(sa.select(ForeignId.foreign_id).order_by(ForeignId.foreign_id)) == ["a", "b"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("E004,b", "persons.csv, line 3, id:board: the id b belongs to 王芳, in line 2"),
        ("E004,kept", "persons.csv, line 3, id:board: the id kept belongs to 陈立"),
        (f"E004,{'x' * 201}", "persons.csv, line 3, id:board: this has 201 characters; at most 200 can be stored"),
    ],
)
def test_a_faulty_id_in_a_sheet_keeps_everything_out(with_board: Room, row: str, said: str) -> None:
    """The same id twice, in the file or beside it, names both; nothing is stored."""
    bring_in(with_board, "employee_no,id:board\nE001,kept\n")
    [fault] = bring_in(with_board, f"employee_no,id:board\nE003,b\n{row}\n").faults
    assert fault.text == said and with_board.count(ForeignId) == 1


def test_a_column_of_no_service_is_named_once(with_board: Room) -> None:
    """With the services that there are."""
    [fault] = bring_in(with_board, "employee_no,id:bord\nE003,b\nE004,c\n").faults
    assert fault.text == 'persons.csv, line 2, id:bord: there is no outside service "bord"; known are: board'


def test_missing_ids_are_looked_up_by_number_and_mail(with_board: Room) -> None:
    """Of who works here and has none yet; whom the service does not know, knows twice, refuses, or calls like somebody else is told
    with why. Where it answers for nobody, nothing promises another attempt."""
    room = with_board
    register = room.services.finders["register"]
    assert isinstance(register, Register)
    room.write(sa.update(Person).values(email=None))
    for key, number, mail in (
        ("hr", "+86 139-0000-0001", None),
        ("hr2", None, "a@x.example"),
        ("boss", "2", None),
        ("director", "3", "b@x.example"),
    ):
        room.write(sa.update(Person).where(Person.id == person(key)).values(mobile=number, email=mail))
    register.known = {"13900000001": "u1", "a@x.example": "u2", "3": "u3", "b@x.example": "u4"}
    found = look_up(room.services, "register", by=person("admin"), limit=3)
    rest = look_up(room.services, "register", by=person("admin"), after=found.rest)
    lines, left = [*found.lines, *rest.lines], {one.id: str(one.reason) for one in (*found.left, *rest.left)}
    assert found.rest and not rest.rest and {one.mobile for one in register.asked} == {"", "13900000001", "2", "3"}
    assert left[person("boss")] == "the service knows nobody with this number or mail" and "u3, u4" in left[person("director")]
    bring(room.services, lines, by=person("admin"), note="补全编号")
    assert (held(room, "hr"), held(room, "hr2")) == ({"board": "u1"}, {"board": "u2"})
    register.known = {"2": "u2"}
    again = look_up(room.services, "register", by=None)
    assert again.lines == [] and "the id u2 belongs to" in {one.id: str(one.reason) for one in again.left}[person("boss")]
    register.at_once, register.refused = 1, {"2": Refused(system="register", operation="look_up", reason="it refused the request: 60011")}
    [refused] = look_up(room.services, "register", by=None).left
    assert i18n.sentence(refused.reason) == "查询失败：对方拒绝了请求：60011"
    register.failing = TryAgain(system="register", operation="look_up", reason="it did not answer in time")
    with pytest.raises(IdsNotTold) as failed:
        look_up(room.services, "register", by=None)
    assert "自动重试" not in i18n.error_text(failed.value) and failed.value.status == 502
    with pytest.raises(NotAllowed):
        look_up(room.services, "register", by=person("hr"))
    with pytest.raises(NotFound):
        look_up(room.services, "nowhere", by=None)
