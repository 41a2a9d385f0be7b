"""The unit of work: together or not at all, on SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
import threading
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from engine_room import together

from engine.db import Count, Database, Statement, Unit
from engine.errors import Conflict, DatabaseAway, NotFound, SettingWrong
from engine.fields import Keyring
from engine.models import Account, Department, Digest, Holding, Instant, Person, Placement, new_id

NAMES = Statement(sa.select(Person.name).order_by(Person.name))
RENAME = Statement(sa.update(Person).where(Person.id == sa.bindparam("person")).values(name=sa.bindparam("new_name")))


def key(name: str) -> str:
    """An id."""
    return f"{name:0>32}"


def add(unit: Unit, id: str, name: str = "林小北", **more: Any) -> None:
    unit.add(Person, id=key(id), name=name, post="", post_en="", active=True, **more)


def names(database: Database) -> list[str]:
    with database.unit() as unit:
        return [row.name for row in unit.all(NAMES)]


def test_what_was_committed_is_there(database: Database) -> None:
    """Insertions come before updates, and both are there after the commit."""
    with database.unit() as unit:
        unit.write(RENAME, person=key("1"), new_name="陈立")
        add(unit, "1")
        unit.commit()
    assert names(database) == ["陈立"]


def test_an_error_leaves_nothing(database: Database) -> None:
    """Whatever was added before an exception, sent already or not, is gone, and so is what was never committed."""
    with pytest.raises(ZeroDivisionError), database.unit() as unit:
        unit.connection.execute(sa.insert(Person), {"id": key("1"), "name": "a", "post": "", "post_en": "", "active": True})
        add(unit, "2")
        raise ZeroDivisionError
    with database.unit() as unit:
        add(unit, "3")
    assert names(database) == []


def test_the_same_key_twice_is_a_conflict(database: Database) -> None:
    """A primary key or a unique column that is taken raises Conflict from the commit, with nothing of the unit stored."""
    with database.unit() as unit:
        add(unit, "1", employee_no="E1")
        unit.commit()
    for row in ({"id": "1", "employee_no": "E2"}, {"id": "2", "employee_no": "E1"}):
        with database.unit() as unit:
            add(unit, "9")
            add(unit, **row)
            with pytest.raises(Conflict):
                unit.commit()
    assert names(database) == ["林小北"]


def test_a_conflict_is_found_behind_later_statements(database: Database) -> None:
    """On PostgreSQL all statements travel in one pipeline; the first failure is the one that counts."""
    with database.unit() as unit:
        add(unit, "1")
        unit.commit()
    with database.unit() as unit:
        assert unit.one(NAMES).name == "林小北"
        add(unit, "1", "陈立")
        for _ in range(5):
            unit.write(RENAME, person=key("1"), new_name="王芳")
        with pytest.raises(Conflict):
            unit.commit()
    assert names(database) == ["林小北"]


def test_a_connection_works_after_a_conflict(database_url: str, keyring: Keyring) -> None:
    """The pool's only connection reads and writes again, inside the same unit after closing it and in the next one."""
    database = Database(database_url, keyring, pool_size=1)
    for round in range(3):
        with database.unit() as unit:
            add(unit, "1", f"round {round}")
            if round:
                with pytest.raises(Conflict):
                    unit.commit()
                unit.close()
                with database.reading() as connection:
                    assert connection.execute(sa.select(Person.name)).scalars().all() == ["round 0"]
            else:
                unit.commit()
    with database.unit() as unit:
        add(unit, "2", "round 4")
        unit.commit()
    assert names(database) == ["round 0", "round 4"]
    database.dispose()


def test_other_broken_rules_are_no_conflict(database: Database) -> None:
    """A reference to nobody is a fault of ours: it must not tell people that they sent something twice."""
    with database.unit() as unit:
        unit.add(Holding, person_id=key("9"), role="hr")
        with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError, sa.exc.IntegrityError)):
            unit.commit()
    with database.unit() as unit:
        unit.add(Person, id=key("1"))
        with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError, sa.exc.IntegrityError)):
            unit.commit()
    assert names(database) == []


def test_each_table_is_filled_with_one_statement(database: Database) -> None:
    """Rows of one table go together, parents before children in whatever order they were added."""
    before = database.sent
    with database.unit() as unit:
        unit.add(Account, login="lin", person_id=key("1"), password="x", locale="zh-CN", disabled=False, onward=False)
        unit.add(Holding, person_id=key("2"), role="hr")
        unit.add(Holding, person_id=key("1"), role="hr")
        add(unit, "1")
        unit.add(Placement, id=new_id(), person_id=key("1"), department_id="cs")
        add(unit, "2")
        unit.add(Department, id="cs", name="客服部", name_en="Service")
        unit.commit()
    after = database.sent
    assert Count(after.statements - before.statements, after.commits - before.commits) == Count(5, 1)
    assert len(names(database)) == 2


@pytest.mark.parametrize("count", [49, 50, 51, 120])
def test_many_rows_go_in_parts(database: Database, count: int) -> None:
    """120 rows are three insertions, and none is lost or doubled."""
    before = database.sent.statements
    with database.unit() as unit:
        for number in range(count):
            add(unit, f"{number:03}", f"{number:03}")
        unit.commit()
    assert database.sent.statements - before == -(-count // 50)
    assert names(database) == [f"{number:03}" for number in range(count)]


def test_two_writers_wait_for_each_other(database: Database) -> None:
    """Many units that read first and write then never fail with "locked", and no increment is lost."""
    with database.unit() as unit:
        add(unit, "1", "0")
        unit.commit()
    current = Statement(sa.select(Person.name).where(Person.id == key("1")).with_for_update())

    def count_on() -> None:
        for _ in range(15):
            with database.unit() as unit:
                before = int(unit.one(current).name)
                unit.write(RENAME, person=key("1"), new_name=str(before + 1))
                unit.commit()

    assert together(*[count_on] * 4) == [None] * 4
    assert names(database) == ["60"]


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    """While a unit is open, others read what was there before."""
    with database.unit() as unit:
        add(unit, "1", "before")
        unit.commit()
    with database.unit() as unit:
        unit.connection.execute(sa.update(Person).values(name="after"))
        seen: list[str] = []

        def read() -> None:
            with database.reading() as connection:
                seen.extend(connection.execute(sa.select(Person.name)).scalars())

        reader = threading.Thread(target=read)
        reader.start()
        reader.join(5)
        assert seen == ["before"]
        unit.commit()
    assert names(database) == ["after"]


def test_what_is_read_without_a_unit_leaves_nothing_open(database: Database) -> None:
    """Rows of several selects as they were committed, while a writer works; afterwards its connection holds no transaction."""
    with database.unit() as unit:
        add(unit, "1", "before")
        unit.commit()
    count = Statement(sa.select(sa.func.count().label("persons")).select_from(Person))
    commits = database.sent.commits
    with database.unit() as unit:
        unit.connection.execute(sa.update(Person).values(name="after"))
        read, counted = database.together((NAMES, {}), (count, {}))
        assert ([row.name for row in read], counted[0].persons) == (["before"], 1)
        unit.commit()
    assert [row.name for row in database.together((NAMES, {}))[0]] == ["after"]
    assert database.sent.commits == commits + 1
    if database.engine.dialect.name == "postgresql":
        with database.reading() as connection:
            idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
            assert connection.exec_driver_sql(idle).scalar_one() == 0


def test_actions_after_the_commit(database: Database) -> None:
    """They run once it is stored, and not at all when it is not."""
    done: list[str] = []
    for round in range(2):
        with database.unit() as unit:
            add(unit, "1")
            unit.after_commit(lambda round=round: done.append(f"{round}: {names(database)}"))  # type: ignore[misc]
            try:
                unit.commit()
            except Conflict:
                done.append("conflict")
    assert done == ["0: ['林小北']", "conflict"]


def test_a_lost_connection_is_replaced(database: Database) -> None:
    """When the server drops a connection, the unit on it fails and a later one works."""
    if database.engine.dialect.name == "sqlite":
        with database.unit() as unit:
            unit.connection.connection.driver_connection.close()
    else:
        with pytest.raises(DatabaseAway), database.unit() as unit:
            pid = unit.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with database.reading() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({int(pid)})")
            add(unit, "1")
            unit.commit()
    with database.unit() as unit:
        add(unit, "2", "陈立")
        unit.commit()
    assert names(database) == ["陈立"]


def test_a_text_that_is_no_id(database: Database) -> None:
    """Sought, it is found nowhere; stored or given to a compiled statement, it raises NotFound. A digest comes back as it was."""
    with database.unit() as unit:
        add(unit, "1")
        unit.commit()
    with database.reading() as connection:
        for wrong in ("nobody", key("1").upper() + "G", "", "1"):
            assert connection.execute(sa.select(Person.id).where(sa.or_(Person.id == wrong, Person.id.in_([wrong])))).all() == []
        assert connection.execute(sa.select(Person.id)).scalar_one() == key("1")
    with database.unit() as unit:
        unit.write(RENAME, person="nobody", new_name="陈立")
        with pytest.raises(NotFound, match="nobody"):
            unit.commit()
    digest = hashlib.sha256(b"").hexdigest()
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.literal(digest, Digest))).scalar_one() == digest


def test_instants_keep_their_order(database: Database) -> None:
    """Moments of every zone come back as the same moment in UTC, to the microsecond, and sort by time."""
    table = sa.Table("moments", sa.MetaData(), sa.Column("at", Instant))
    moments = [
        dt.datetime(2026, 11, 24, 8, 0, tzinfo=dt.timezone(dt.timedelta(hours=8))),
        dt.datetime(2026, 11, 24, 0, 0, 0, 1, tzinfo=dt.UTC),
        dt.datetime(2026, 11, 23, 23, 59, 59, 999999, tzinfo=dt.UTC),
        dt.datetime(2026, 11, 24, 1, 0, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
        dt.datetime(1999, 1, 1, tzinfo=dt.UTC),
    ]
    with database.unit() as unit:
        table.create(unit.connection)
        unit.connection.execute(sa.insert(table), [{"at": moment} for moment in moments])
        unit.commit()
    with database.reading() as connection:
        kept = list(connection.execute(sa.select(table.c.at).order_by(table.c.at)).scalars())
    assert kept == sorted(moments) and all(moment.tzinfo == dt.UTC for moment in kept)
    with database.unit() as unit:
        table.drop(unit.connection)
        unit.commit()
    with pytest.raises(sa.exc.StatementError, match="no time zone"), database.unit() as unit:
        unit.connection.execute(sa.insert(table), {"at": dt.datetime(2026, 11, 24)})


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///:memory:", "mysql://127.0.0.1/x", "no address"])
def test_addresses_that_cannot_work_are_refused(url: str, keyring: Keyring) -> None:
    """A database that would be lost, or that we do not know, is refused by the name of the setting."""
    with pytest.raises(SettingWrong, match="database"):
        Database(url, keyring)


def test_what_follows_a_commit_and_fails_does_not_make_it_fail(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """What is stored is stored; the fault is in the log, and the next action is done."""
    done = []
    with database.unit() as unit:
        unit.add(Person, id=new_id(), name="林小北", post="", post_en="", active=True)
        unit.after_commit(lambda: {}["bell"])
        unit.after_commit(lambda: done.append(1))
        unit.commit()
    assert done == [1] and "follows a commit" in caplog.text
    with database.reading() as connection:
        assert connection.execute(sa.select(Person.name)).scalars().all() == ["林小北"]
