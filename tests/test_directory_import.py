"""A directory from files: differences, faults by line and column, all or nothing, from a day on."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from engine_room import Room, line, person
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import FileEmpty, FileRefused, FileTooLarge
from engine.models import Account, Appointment, Base, DirectoryEvent, Duty, Headship, Membership, Person, Placement
from engine.people import directory, listing, log, sheets
from engine.people.importing import Plan, bring
from engine.people.lines import KINDS
from engine.people.state import state
from engine.ports import DirectoryLine
from engine.services import Services

TODAY = dt.date(2026, 11, 24)
UNITS = "key,name,parent,head\nplant,总厂,,\nline-1,一线,plant,\n"
PEOPLE = "employee_no,name,login,department,manager,roles,grade\nP1,丁山,ding,plant,,hr;admin,9\nP2,戴月,,line-1,P1,,3\n"


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def read(**files: str) -> tuple[list[DirectoryLine], list[Any]]:
    lines, faults = [], []
    for name, text in files.items():
        found, wrong = sheets.read(f"{name}.csv", text.encode())
        lines += found
        faults += wrong
    return lines, faults


def bring_in(room: Room, *, on: dt.date | None = None, dry_run: bool = False, complete: bool = False, **files: str) -> Plan:
    lines, faults = read(**files)
    return bring(room.services, lines, by=person("admin"), note="来自人事系统", on=on, dry_run=dry_run, complete=complete, also=faults)


def everything(room: Room) -> list[list[Any]]:
    tables = [table for table in Base.metadata.sorted_tables if table.name != "ledger"]
    return [sorted(room.rows(sa.select(table)), key=repr) for table in tables]


def told(plan: Plan) -> list[str]:
    return [fault.text for fault in plan.faults]


def test_new_people_are_there_after_the_import_and_not_after_a_dry_run(room: Room) -> None:
    """The dry run lists the same differences and leaves every table as it was."""
    before = everything(room)
    planned = bring_in(room, departments=UNITS, persons=PEOPLE, dry_run=True)
    assert everything(room) == before
    done = bring_in(room, departments=UNITS, persons=PEOPLE)
    assert [(each.act, each.kind, each.name) for each in done.differences] == [
        ("new", "departments", "总厂"),
        ("new", "departments", "一线"),
        ("new", "persons", "丁山"),
        ("new", "persons", "戴月"),
    ]
    assert [vars(each) for each in planned.differences] == [vars(each) for each in done.differences]
    with room.services.database.reading() as connection:
        assert directory.display(connection, done.ids["P2"], TODAY)["department_name"] == "一线"
        assert directory.superiors(connection, done.ids["P2"], TODAY)[0] == done.ids["P1"]
        assert directory.roles_of(connection, done.ids["P1"]) == {"hr", "admin"}
        assert connection.execute(sa.select(Account.person_id).where(Account.login == "ding")).scalar_one() == done.ids["P1"]


def test_the_same_file_again_changes_nothing(room: Room) -> None:
    """No difference, no row, no record."""
    bring_in(room, departments=UNITS, persons=PEOPLE)
    before = everything(room)
    assert bring_in(room, departments=UNITS, persons=PEOPLE).differences == []
    assert everything(room) == before


def test_changes_are_listed_field_by_field_and_a_leaving_as_such(room: Room) -> None:
    """With names instead of keys, kept in the record with who and why; columns left out stay."""
    bring_in(room, departments=UNITS, persons=PEOPLE)
    moved = bring_in(room, persons="employee_no,name,department,manager\nP2,戴月,plant,\n")
    [difference] = moved.differences
    assert (difference.act, difference.told) == ("changed", {"department": ["一线", "总厂"], "manager": ["丁山", None]})
    gone = bring_in(room, persons="employee_no,to\nP2,2026-12-31\n")
    assert [(each.act, each.told) for each in gone.differences] == [("leaving", {"to": [None, "2026-12-31"]})]
    events = room.rows(sa.select(DirectoryEvent.__table__).where(DirectoryEvent.ref == moved.ids["P2"]).order_by(DirectoryEvent.id))
    assert [(event.act, event.by, event.note) for event in events] == [
        (act, person("admin"), "来自人事系统") for act in ("new", "changed", "leaving")
    ]
    with room.services.database.reading() as connection:
        assert directory.present(connection, [gone.ids["P2"]], dt.date(2026, 12, 31))
        assert not directory.present(connection, [gone.ids["P2"]], dt.date(2027, 1, 1))


def test_a_change_may_take_effect_on_a_later_day(room: Room) -> None:
    """Until then everything is as it was, and what was before stays readable afterwards."""
    done = bring_in(room, departments=UNITS, persons=PEOPLE)
    later = dt.date(2027, 1, 1)
    bring_in(room, on=later, departments="key,head\nline-1,P2\n", persons="employee_no,department,manager\nP2,plant,E000\n")
    with room.services.database.reading() as connection:
        for day, unit, above, head in (
            (later - dt.timedelta(days=1), "line-1", done.ids["P1"], None),
            (later, "plant", person("subject"), done.ids["P2"]),
        ):
            assert directory.display(connection, done.ids["P2"], day)["department"] == unit
            assert directory.superiors(connection, done.ids["P2"], day)[0] == above
            holds = sa.and_(Headship.department_id == "line-1", directory.in_force(Headship, day))
            assert connection.execute(sa.select(Headship.person_id).where(holds)).scalar_one_or_none() == head


def test_what_was_to_begin_later_begins_earlier_and_once(room: Room) -> None:
    """A post and a department that were planned and are then given from an earlier day on are held once on every day."""
    people = "employee_no,name,posts,others\nP1,丁山,x,line-1\n"
    units = {"departments": UNITS, "posts": "key,name\nx,厂长\n"}
    bring_in(room, persons=PEOPLE, **units)
    bring_in(room, persons=people, on=dt.date(2026, 12, 1))
    bring_in(room, persons=people)
    for day in (TODAY, dt.date(2026, 12, 1)):
        assert bring_in(room, persons=people, on=day, dry_run=True).differences == []
    bring_in(room, persons="employee_no,name,posts,others\nP1,丁山,,\n", on=dt.date(2026, 11, 30))
    assert [room.values(sa.select(table.to_day)) for table in (Appointment, Membership)] == [[dt.date(2026, 11, 29)]] * 2


def test_a_duty_that_is_over_stays_as_it_was(room: Room) -> None:
    """Whoever holds it again, and then gives it up, held it before for as long as they did."""
    duty = "duty,person,scope,ref,from,to\nhrbp,P1,company,,{},{}\n"
    bring_in(room, departments=UNITS, persons=PEOPLE)
    for days in (("2020-01-01", "2021-12-31"), ("2026-12-01", ""), ("2026-12-01", "2027-06-30")):
        assert told(bring_in(room, duties=duty.format(*days), on=dt.date(2021, 1, 1) if days[0] < "2026" else TODAY)) == []
    held = room.rows(sa.select(Duty.from_day, Duty.to_day).where(Duty.duty == "hrbp").order_by(Duty.from_day))
    assert held == [(dt.date(2020, 1, 1), dt.date(2021, 12, 31)), (dt.date(2026, 12, 1), dt.date(2027, 6, 30))]


def test_who_is_missing_in_a_complete_file_leaves_the_day_before(room: Room) -> None:
    """Only when it is said that the file is complete, and only people of the EHR."""
    assert not bring_in(room, departments=UNITS, persons=PEOPLE, dry_run=True).count("leaving")
    room.write(sa.delete(Base.metadata.tables["headships"]))
    plan = bring_in(room, departments=UNITS, persons=PEOPLE, complete=True, on=dt.date(2026, 12, 1))
    assert told(plan) == [] and plan.count("leaving") == 9
    assert {tuple(each.told["to"]) for each in plan.differences if each.act == "leaving"} == {(None, "2026-11-30")}


_BAD: Mapping[str, tuple[dict[str, str], str]] = {
    "circle of departments": (
        {"departments": "key,name,parent\na,甲,b\nb,乙,c\nc,丙,a\n"},
        "departments.csv, line 2: departments lie below each other in a circle: 甲 → 乙 → 丙 → 甲",
    ),
    "circle of superiors": (
        {"persons": "employee_no,name,manager\n1,甲,2\n2,乙,3\n3,丙,1\n"},
        "persons.csv, line 2: people report to each other in a circle: 甲 → 乙 → 丙 → 甲",
    ),
    "two heads": (
        {"departments": "key,head\nservice,E001\nservice,E002\n"},
        "departments.csv, line 3, head: the department has two heads: E001 in line 2, and E002 here",
    ),
    "unknown department": ({"persons": "employee_no,name,department\n1,甲,x\n"}, 'line 2, department: there is no "x"'),
    "unknown superior": ({"persons": "employee_no,name,manager\n1,甲,x\n"}, 'line 2, manager: there is no "x"'),
    "unknown head": ({"departments": "key,head\nservice,x\n"}, 'line 2, head: there is no "x"'),
    "unknown post": ({"persons": "employee_no,name,posts\n1,甲,x;y\n"}, 'line 2, posts: there is no "y"'),
    "head who leaves": (
        {"persons": "employee_no,active\nE002,no\n"},
        "赵敏 is head of service and does not work here on 2026-11-24; name another head first",
    ),
    "holder who leaves": (
        {"persons": "employee_no,to\nE003,2026-11-23\n", "duties": "duty,person,scope,ref\nhrbp,E003,department,service\n"},
        "duties.csv, line 2: 王芳 holds the duty hrbp and does not work here on 2026-11-24; give it to somebody else first",
    ),
    "twice": ({"persons": "employee_no,name\n1,甲\n1,乙\n"}, "line 3, employee_no: this is in line 2 already"),
    "own superior": ({"persons": "employee_no,name,manager\n1,甲,1\n"}, "line 2, manager: nobody is their own superior"),
    "reversed days": (
        {"persons": "employee_no,name,from,to\n1,甲,2026-02-01,2026-01-31\n"},
        "line 2, to: the last day lies before the first",
    ),
    "too long": ({"persons": f"employee_no,name\n1,{'长' * 101}\n"}, "line 2, name: this has 101 characters; at most 100"),
    "no date": ({"persons": "employee_no,name,from\n1,甲,2026-02-30\n"}, 'line 2, from: "2026-02-30" is no date'),
    "no number": ({"persons": "employee_no,name,grade\n1,甲,P7\n"}, 'line 2, grade: "P7" is no whole number'),
    "no flag": ({"persons": "employee_no,name,active\n1,甲,maybe\n"}, 'line 2, active: "maybe" is neither yes nor no'),
    "no scope": ({"duties": "duty,person,scope,ref\nhrbp,E003,galaxy,x\n"}, 'line 2, scope: "galaxy" is no scope'),
    "scope without what": ({"duties": "duty,person,scope,ref\nhrbp,E003,department,\n"}, "line 2, ref: this is needed"),
    "no name": ({"persons": "employee_no,name\n1,\n"}, "line 2, name: this is needed"),
    "no identity": ({"persons": "employee_no,name\n,甲\n"}, "line 2, employee_no: an employee number or a login is needed"),
    "no key": ({"departments": "key,name\n,甲\n"}, "line 2, key: this is needed"),
    "foreign login": ({"persons": "employee_no,name,login\n1,甲,x\n2,乙,X\n"}, "line 3, login: the login x belongs to somebody else"),
    "unknown column": ({"persons": "employee_no,name,shoe\n1,甲,44\n"}, 'line 1: the column "shoe" is not known'),
    "formula": ({"persons": 'employee_no,name\n1,"=CMD()"\n'}, "line 2, name: this is a formula"),
}


@pytest.mark.parametrize("case", _BAD)
def test_nothing_is_written_when_a_line_is_faulty(room: Room, case: str) -> None:
    """Line, column and what to do are named; every table is as it was."""
    files, said = _BAD[case]
    before = everything(room)
    plan = bring_in(room, **files)
    assert any(said in text for text in told(plan)), told(plan)
    assert everything(room) == before


def test_a_role_that_a_chain_needs_must_keep_somebody(room: Room) -> None:
    """The chain is named; taking it from one of two is no fault."""
    rule = {"rule": "role", "roles": ["hr"]}
    step = {"name": "人事", "name_en": "HR", "mode": "claim", "approvers": [rule]}
    room.deploy(*line("a"), chains={"consent": {"name": "同意", "name_en": "Consent", "steps": [step]}})
    bring_in(room, persons="employee_no,roles\nE003,\n")
    plan = bring_in(room, persons="employee_no,active\nE004,no\n")
    assert told(plan) == ['nobody would hold the role "hr", which the approval chain "同意" needs']


def test_what_was_wrong_before_hinders_nobody(room: Room) -> None:
    """A head who left long ago is not the fault of another department's file."""
    room.write(sa.text("UPDATE persons SET active = :no WHERE employee_no = 'E002'").bindparams(no=False))
    assert told(bring_in(room, departments=UNITS)) == []


def test_a_later_change_that_was_planned_must_still_fit(room: Room) -> None:
    """B will report to C from January; that C reports to B from today would close a circle then."""
    bring_in(room, persons="employee_no,name\nB,乙\nC,丙\n")
    bring_in(room, on=dt.date(2027, 1, 1), persons="employee_no,manager\nB,C\n")
    before = everything(room)
    plan = bring_in(room, persons="employee_no,manager\nC,B\n")
    assert told(plan) == ["2027-01-01: people report to each other in a circle: 乙 → 丙 → 乙"]
    assert everything(room) == before


def test_the_page_of_a_person_reads_only_who_has_to_do_with_them(room: Room) -> None:
    """Their line, their superior's, those of who reports to them and of whom their duties are for, on either database."""
    duties = "duty,person,scope,ref\nhrbp,P2,person,P4\nhrbp,P3,company,\n"
    people = PEOPLE + "P3,乙,,line-1,P2,,\nP4,丙,,line-1,P1,,\n"
    assert told(bring_in(room, departments=UNITS, persons=people, duties=duties)) == []
    [who] = room.values(sa.select(Person.id).where(Person.employee_no == "P2"))
    with room.services.database.reading() as connection:
        found = state(connection, TODAY, about=who)
        assert listing.planned(connection, TODAY, person=who) == []
        [event] = log.events(connection, ref=who, size=20)[0]
    assert set(found.lines["persons"]) == {"P1", "P2", "P3", "P4"} and event.name == "戴月"
    assert [(line["person"], line["ref"]) for line in found.lines["duties"].values()] == [("P2", "P4")]


def test_what_is_exported_comes_back_as_it_is(room: Room) -> None:
    """As CSV and as a workbook, with headings in another language; texts that look like formulas stay texts."""
    posts = 'key,name\nhead,"\'=主管"\n'
    groups, duties = "key,name,members\ncouncil,委员会,E003;E004\n", "duty,person,scope,ref,to\nhrbp,E003,department,service,2027-12-31\n"
    people = "employee_no,name,posts,others,from\nE003,王芳,head,service;factory,2020-02-03\n"
    assert told(bring_in(room, posts=posts, groups=groups, duties=duties, persons=people, entities="key,name\ne1,公司\n")) == []
    with room.services.database.reading() as connection:
        lines = state(connection, TODAY).lines
    called = {column.name: f"列 {column.name}" for columns in KINDS.values() for column in columns}
    names = {text: name for name, text in called.items()}
    given = [found for kind in KINDS for found in sheets.read(f"{kind}.csv", sheets.csv_file(kind, lines))[0]]
    for back in (given, sheets.read("all.xlsx", sheets.workbook(lines, called, {"persons": "人员"}), names, {"人员": "persons"})[0]):
        assert len(back) == sum(map(len, lines.values()))
        plan = bring(room.services, back, by=None, note="", dry_run=True)
        assert (told(plan), plan.differences) == ([], [])
    assert lines["posts"]["head"]["name"] == "=主管"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_files_of_common_encodings_are_read(encoding: str) -> None:
    """Whatever a spreadsheet program in China writes."""
    lines, faults = sheets.read("人员.csv", "工号,name\n1,龘𠮷\n".encode(encoding), {"工号": "employee_no"}, {"人员": "persons"})
    assert (lines[0].values, faults) == ({"employee_no": "1", "name": "龘𠮷"}, [])


def test_files_that_are_none_are_refused() -> None:
    """Empty, too large, binary, a broken workbook; what is in the file is not said back."""
    for content, refused in (
        (b"", FileEmpty),
        (b"x" * (33 << 20), FileTooLarge),
        (b"\xff\x00\x81", FileRefused),
        (b"PK\x03\x04junk", FileRefused),
    ):
        with pytest.raises(refused):
            sheets.read("persons.csv", content)
    with pytest.raises(FileRefused, match="line 2"):
        sheets.read("persons.csv", b'employee_no,name\n1,"a"b\n')
    [fault] = sheets.read("x.csv", b"key,name\na,b\n")[1]
    assert fault.text.startswith("x.csv: what the lines are")


def test_a_workbook_gives_dates_numbers_and_no_formulas() -> None:
    """Cells are taken as what they are; a formula is named by line and column."""
    book = openpyxl.Workbook()
    book.active.title = "persons"
    for row in (
        ["employee_no", "name", "grade", "from", "active"],
        [1001, "甲", 7.0, dt.datetime(2020, 2, 3), True],
        [1002, "=A1", 1, None, None],
    ):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    lines, faults = sheets.read("p.xlsx", out.getvalue())
    assert lines[0].values == {"employee_no": "1001", "name": "甲", "grade": "7", "from": dt.datetime(2020, 2, 3), "active": "yes"}
    assert [fault.text for fault in faults] == ["p.xlsx persons, line 3, name: this is a formula; put the value itself there"]


_DAYS = st.integers(0, 9)
_MOVES = st.lists(st.tuples(_DAYS, st.sampled_from(["service", "office", "factory"])), max_size=6)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=_MOVES)
def test_on_every_day_somebody_stands_where_the_moves_say(room: Room, moves: Sequence[tuple[int, str]]) -> None:
    """In whatever order moves are entered: each holds until the next planned one, on any day there is one place, none is lost."""
    room.write(sa.delete(Placement).where(Placement.person_id == person("worker")))
    start = dt.date(2026, 11, 24)
    expected: dict[int, str | None] = dict.fromkeys(range(11))
    planned: set[int] = set()
    for day, unit in moves:
        until = min((other for other in planned if other > day), default=11)
        if expected[day] != unit:
            planned.add(day)
        expected |= dict.fromkeys(range(day, until), unit)
        bring_in(room, on=start + dt.timedelta(days=day), persons=f"employee_no,department\nE008,{unit}\n")
    with room.services.database.reading() as connection:
        for day, unit in expected.items():
            on = start + dt.timedelta(days=day)
            placed = sa.and_(Placement.person_id == person("worker"), directory.in_force(Placement, on))
            assert list(connection.execute(sa.select(Placement.department_id).where(placed)).scalars()) == [unit] * (unit is not None)
