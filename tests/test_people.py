"""The directory: people, who is above whom, import, search and log-in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from engine.errors import FileRefused, NotAllowed, NotFound
from engine.models import Account, Base, Department, Headship, Holding, Person, Placement, WebSession
from engine.people import accounts, directory
from engine.people.importing import DepartmentLine, PersonLine, import_directory

TODAY = dt.date(2026, 11, 24)
DEPARTMENTS = [
    DepartmentLine(key="group-1", name="客服一组", name_en="Group 1", parent="service", head="3"),
    DepartmentLine(key="service", name="客服部", name_en="Service", parent="company", head="2"),
    DepartmentLine(key="company", name="示例公司", name_en="Company", head="1"),
]
PERSONS = [
    PersonLine(employee_no="1", name="周明", department="company", post="总经理", post_en="General manager"),
    PersonLine(employee_no="2", name="赵敏", login="Zhao", department="service", manager="1", roles=["head"]),
    PersonLine(employee_no="3", name="陈立", login="chen", department="group-1", manager="2", roles=["supervisor"]),
    PersonLine(employee_no="4_", name="林北", department="group-1", team="t1", manager="3", email="lin@company.example"),
    PersonLine(employee_no="45", name="马骏", department="group-1", manager="3"),
    PersonLine(name="管理员", login="admin", roles=["admin"]),
]


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def ids(connection: sa.Connection) -> dict[str, str]:
    """Name of each person of the sample directory -> id."""
    import_directory(connection, DEPARTMENTS, PERSONS, password="a-good-password")
    return {row.name: row.id for row in connection.execute(sa.select(Person.name, Person.id))}


def everything(connection: sa.Connection) -> list[list[sa.Row]]:
    return [list(connection.execute(sa.select(model.__table__))) for model in (Department, Person, Placement, Headship, Holding, Account)]


def test_a_person_is_shown_with_department_and_team(connection: sa.Connection, ids: dict[str, str]) -> None:
    """What a case keeps of a person has no empty places but empty texts."""
    assert directory.display(connection, ids["林北"], TODAY) == {
        "id": ids["林北"],
        "name": "林北",
        "employee_no": "4_",
        "department": "group-1",
        "department_name": "客服一组",
        "team": "t1",
        "post": "",
        "post_en": "",
        "email": "lin@company.example",
    }
    assert directory.display(connection, ids["管理员"], TODAY)["department_name"] == ""
    with pytest.raises(NotFound):
        directory.display(connection, "0" * 32, TODAY)


def test_roles_are_held_by_active_people(connection: sa.Connection, ids: dict[str, str]) -> None:
    """Holders are listed once each, without those who left."""
    assert directory.roles_of(connection, ids["陈立"]) == {"supervisor"}
    assert directory.holders(connection, "head", "supervisor", "nothing", on=TODAY) == [ids["赵敏"], ids["陈立"]]

    connection.execute(sa.update(Person).where(Person.name == "赵敏").values(active=False))

    assert directory.holders(connection, "head", "supervisor", on=TODAY) == [ids["陈立"]]


def test_the_reporting_line_goes_up_to_the_top(connection: sa.Connection, ids: dict[str, str]) -> None:
    """Superiors come in order; a level beyond the top is nobody."""
    assert directory.superiors(connection, ids["林北"], TODAY) == [ids["陈立"], ids["赵敏"], ids["周明"]]
    assert directory.superiors(connection, ids["林北"], TODAY)[1] == ids["赵敏"]
    assert len(directory.superiors(connection, ids["林北"], TODAY)) == 3
    assert directory.reports_to(connection, ids["林北"], ids["赵敏"], TODAY)
    assert not directory.reports_to(connection, ids["赵敏"], ids["林北"], TODAY)


def test_a_circle_in_the_data_ends(connection: sa.Connection, ids: dict[str, str]) -> None:
    """Two people above each other, or two departments, stop nobody."""
    connection.execute(sa.update(Placement).where(Placement.person_id == ids["周明"]).values(manager_id=ids["林北"]))
    connection.execute(sa.update(Department).where(Department.id == "company").values(parent_id="group-1"))

    assert directory.superiors(connection, ids["林北"], TODAY) == [ids["陈立"], ids["赵敏"], ids["周明"]]
    assert [unit.id for unit in directory.departments(connection, ids["林北"], TODAY)] == ["group-1", "service", "company"]
    assert len(directory.search(connection, "", TODAY, reports_of=ids["林北"])) == 5


def test_supervisors_find_their_own_people(connection: sa.Connection, ids: dict[str, str]) -> None:
    """A search by name or number can be limited to those below somebody; characters with a meaning in SQL have none here."""

    def found(text: str, **options: str) -> list[str]:
        return [row.name for row in directory.search(connection, text, TODAY, **options)]

    assert set(found("")) == {"周明", "赵敏", "陈立", "林北", "马骏"}
    assert found(" 林 ") == ["林北"]
    assert found("4_") == ["林北"]
    assert found("%") == []
    assert found("\x00") == found("\ud800") == []
    assert set(found("", reports_of=ids["赵敏"])) == {"陈立", "林北", "马骏"}
    assert found("周", reports_of=ids["赵敏"]) == []
    assert found("北", but=[ids["林北"]]) == []


def test_the_same_import_again_changes_nothing(connection: sa.Connection, ids: dict[str, str]) -> None:
    """Ids, passwords and everything else stay."""
    before = everything(connection)

    import_directory(connection, DEPARTMENTS, PERSONS, password="another-password")

    assert everything(connection) == before


def test_an_import_brings_people_up_to_date(connection: sa.Connection, ids: dict[str, str]) -> None:
    """A move, a new role, a lost one, a new login and a leaving are taken over; who is not in the lines stays."""
    moved = PersonLine(employee_no="3", name="陈立", login="chenli", department="service", manager="1", roles=["head"], active=False)

    import_directory(connection, [replace(DEPARTMENTS[0], head="")], [moved])

    assert directory.display(connection, ids["陈立"], TODAY)["department"] == "service"
    assert directory.superiors(connection, ids["陈立"], TODAY)[0] == ids["周明"]
    assert directory.roles_of(connection, ids["陈立"]) == {"head"}
    assert connection.execute(sa.select(Account.login).where(Account.person_id == ids["陈立"])).scalar_one() == "chenli"
    assert directory.holders(connection, "head", on=TODAY) == [ids["赵敏"]]
    assert directory.display(connection, ids["林北"], TODAY)["department"] == "group-1"


def test_every_faulty_line_is_named(connection: sa.Connection) -> None:
    """The message tells line and fault; nothing is stored."""
    departments = [
        DepartmentLine(key="a", name="A", name_en="A", parent="b", head="99"),
        DepartmentLine(key="b", name="B", name_en="B", parent="a"),
        DepartmentLine(key="c", name="", name_en="", parent="nowhere"),
        DepartmentLine(key="c", name="C", name_en="C"),
    ]
    persons = [
        PersonLine(employee_no="1", name="甲", login="same", department="nowhere", manager="1"),
        PersonLine(employee_no="1", name="乙", login="SAME", manager="77"),
        PersonLine(name=""),
        PersonLine(employee_no="5", name="丙" * 101),
        PersonLine(employee_no="6", name="a\x00b"),
        PersonLine(employee_no="7", name="丁", login="SAME"),
    ]

    with pytest.raises(FileRefused) as refused:
        import_directory(connection, departments, persons)

    for part in (
        'departments, line 1, head: there is no "99"',
        "departments, line 1: departments lie below each other in a circle: A → B → A",
        "departments, line 3, name: this is needed",
        'departments, line 3, parent: there is no "nowhere"',
        "departments, line 4, key: this is in line 3 already",
        'persons, line 1, department: there is no "nowhere"',
        "persons, line 1, manager: nobody is their own superior",
        "persons, line 2, employee_no: this is in line 1 already",
        'persons, line 2, manager: there is no "77"',
        "persons, line 3, employee_no: an employee number or a login is needed",
        "persons, line 4, name: this has 101 characters",
        "persons, line 5, name: this holds characters",
        "persons, line 6, login: the login same belongs to somebody else",
    ):
        assert part in refused.value.message
    assert everything(connection) == [[]] * 6


def test_a_login_stays_with_its_person(connection: sa.Connection, ids: dict[str, str]) -> None:
    """An import cannot give somebody's account to another."""
    with pytest.raises(FileRefused, match="belongs to somebody else"):
        import_directory(connection, [], [PersonLine(employee_no="4_", name="林北", login="chen")])


def test_the_right_password_opens(connection: sa.Connection, ids: dict[str, str]) -> None:
    """Capital letters of the login do not matter, those of the password do."""
    assert accounts.verify(connection, " zhao", "a-good-password", TODAY) == ids["赵敏"]
    assert accounts.verify(connection, "ZHAO", "a-good-password", TODAY) == ids["赵敏"]
    assert accounts.verify(connection, "zhao", "A-good-password", TODAY) is None


@pytest.mark.parametrize("login", ["nobody", "", "zh\x00ao", "\ud800", "x" * 10_000])
def test_a_wrong_login_opens_nothing(connection: sa.Connection, ids: dict[str, str], login: str) -> None:
    """Whatever is typed as a login, the answer is no."""
    assert accounts.verify(connection, login, "a-good-password", TODAY) is None


@pytest.mark.parametrize("password", ["", "\ud800", "x" * 100_000])
def test_a_wrong_password_opens_nothing(connection: sa.Connection, ids: dict[str, str], password: str) -> None:
    """Whatever is typed as a password, the answer is no."""
    assert accounts.verify(connection, "zhao", password, TODAY) is None


def test_who_left_or_is_disabled_cannot_log_in(connection: sa.Connection, ids: dict[str, str]) -> None:
    """The right password does not help."""
    connection.execute(sa.update(Person).where(Person.name == "赵敏").values(active=False))
    connection.execute(sa.update(Account).where(Account.login == "chen").values(disabled=True))

    assert accounts.verify(connection, "zhao", "a-good-password", TODAY) is None
    assert accounts.verify(connection, "chen", "a-good-password", TODAY) is None


def test_a_password_can_be_set(connection: sa.Connection, ids: dict[str, str]) -> None:
    """The new one opens, the old one and its sessions no longer; what is stored does not hold it; a short one is refused."""
    now = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    connection.execute(sa.insert(WebSession).values(id="0" * 64, login="chen", created_at=now, expires_at=now))
    accounts.set_password(connection, "Chen", "another-password")
    assert connection.execute(sa.select(WebSession.id)).first() is None

    assert accounts.verify(connection, "chen", "another-password", TODAY) == ids["陈立"]
    assert accounts.verify(connection, "chen", "a-good-password", TODAY) is None
    stored = connection.execute(sa.select(Account.password).where(Account.login == "chen")).scalar_one()
    assert stored.startswith("$argon2id$") and "another-password" not in stored
    for bad in ("short", "x" * 201, "tab\there-and-there"):
        with pytest.raises(NotAllowed):
            accounts.set_password(connection, "chen", bad)
    with pytest.raises(NotFound):
        accounts.set_password(connection, "nobody", "another-password")


def test_a_new_login_without_a_password_is_closed(connection: sa.Connection) -> None:
    """An import without a password makes accounts that nobody can open yet."""
    import_directory(connection, DEPARTMENTS, PERSONS)

    assert accounts.verify(connection, "chen", "", TODAY) is None
