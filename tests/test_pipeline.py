"""Statements that travel together: their order, what each sees, and what is left after a failure."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from engine import pipeline
from engine.db import Database, Statement
from engine.fields import Keyring
from engine.models import Person, ProcedureFile, ProcedureVersion

ONE = f"{1:032x}"
LOCK = Statement(sa.select(Person.name).where(Person.id == sa.bindparam("person")).with_for_update())
READ = Statement(sa.select(Person.post, Person.active).where(Person.id == sa.bindparam("person")))
CHANGE = Statement(sa.update(Person).where(Person.id == sa.bindparam("person")).values(post=sa.bindparam("new_post")))
WRONG = Statement(sa.select(sa.column("lost", sa.String)).select_from(sa.table("nowhere")))


def add(database: Database) -> None:
    with database.unit() as unit:
        unit.add(Person, id=ONE, name="林小北", post="before", post_en="", active=True)
        unit.commit()


def post(database: Database) -> str:
    with database.unit() as unit:
        return str(unit.one(READ, person=ONE).post)


def test_what_is_read_together_is_read_in_order(database: Database) -> None:
    """Each select gives its own rows, none included, with values of their types."""
    add(database)
    with database.unit() as unit:
        first, second, third = unit.together((LOCK, {"person": ONE}), (READ, {"person": "f" * 32}), (READ, {"person": ONE}))
    assert ([row.name for row in first], second, [tuple(row) for row in third]) == (["林小北"], [], [("before", True)])


def test_what_follows_a_lock_sees_what_its_owner_left(database: Database) -> None:
    """Who waited for a locked row reads in the same round trip what was committed meanwhile."""
    add(database)
    seen: list[Any] = []

    def wait_and_read() -> None:
        with database.unit() as unit:
            seen.extend(unit.together((LOCK, {"person": ONE}), (READ, {"person": ONE}))[1])

    with database.unit() as unit:
        unit.one(LOCK, person=ONE)
        reader = threading.Thread(target=wait_and_read)
        reader.start()
        reader.join(0.2)
        unit.write(CHANGE, person=ONE, new_post="after")
        unit.commit()
    reader.join(10)
    assert [row.post for row in seen] == ["after"]


def test_a_failure_leaves_the_connection_usable(database_url: str, keyring: Keyring) -> None:
    """The first error is the one that is raised, nothing after it took effect, and the pool's only connection goes on."""
    database = Database(database_url, keyring, pool_size=1)
    add(database)
    for _ in range(3):
        with pytest.raises(Exception, match="nowhere"), database.unit() as unit:
            unit.together((READ, {"person": ONE}), (WRONG, {}), (LOCK, {"person": ONE}))
        with database.unit() as unit:
            unit.write(CHANGE, person=ONE, new_post="during")
            unit.write(WRONG)
            with pytest.raises(Exception, match="nowhere"):
                unit.commit()
        with database.reading() as connection, pytest.raises(sa.exc.DBAPIError):
            connection.exec_driver_sql("SELECT nothing FROM nowhere")
        assert post(database) == "before"
    database.dispose()


def test_statements_beyond_the_prepared_ones(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection prepares a limited number; the others give the same."""
    monkeypatch.setattr(pipeline, "_PREPARED", 1)
    add(database)
    for count in range(1, 4):
        with database.unit() as unit:
            assert [rows[0].post for rows in unit.together(*[(READ, {"person": ONE})] * count)] == ["before"] * count
            unit.write(CHANGE, person=ONE, new_post="before")
            unit.commit()


def test_more_than_a_socket_takes_at_once(database: Database) -> None:
    """Many rows with long texts and a document of several megabytes are stored, and come back in one piece."""
    content = bytes(range(256)) * 32_000
    with database.unit() as unit:
        for number in range(3000):
            unit.add(Person, id=f"{number:032x}", name="林小北", post="长" * 100, post_en="", active=True)
        unit.commit()
    version = {"number": 1, "digest": "", "name": "", "name_en": "", "active": True, "suspended": False}
    with database.unit() as unit:
        unit.add(ProcedureVersion, id=ONE, procedure="p", deployed_at=dt.datetime.now(dt.UTC), **version)
        for path in ("a", "b"):
            unit.add(ProcedureFile, version_id=ONE, path=path, content=content, sha256="")
        unit.commit()
    kept = Statement(sa.select(ProcedureFile.content))
    with database.unit() as unit:
        files, people = unit.together((kept, {}), (Statement(sa.select(Person.id)), {}))
    assert [row.content for row in files] == [content] * 2 and len(people) == 3000


def test_what_cannot_be_sent_is_said_and_costs_no_connection(postgres: str, keyring: Keyring) -> None:
    """A text with a zero byte is refused as such, first in its transaction or later; the connection goes on."""
    database = Database(postgres, keyring)
    echo = Statement(sa.select(sa.bindparam("text", type_=sa.String()).label("said")))
    served = Statement(sa.select(sa.func.pg_backend_pid().label("pid")))
    [[(before,)]] = database.together((served, {}))
    for _ in range(2):
        with pytest.raises(psycopg.DataError, match="NUL"), database.unit() as unit:
            unit.one(echo, text="a\0b")
    with database.unit() as unit:
        assert unit.one(echo, text="ab").said == "ab"
        with pytest.raises(psycopg.DataError, match="NUL"):
            unit.together((echo, {"text": "ab"}), (echo, {"text": "a\0b"}))
        assert unit.one(served).pid == before
    database.dispose()


def test_a_commit_that_commits_nothing_is_no_commit(postgres: str, keyring: Keyring) -> None:
    """Whoever goes on after a statement that failed is told so, though the server would not."""
    database = Database(postgres, keyring)
    with pytest.raises(psycopg.errors.InFailedSqlTransaction, match="nothing of it"), database.unit() as unit:
        with contextlib.suppress(sa.exc.ProgrammingError):
            unit.connection.execute(sa.text("SELECT lost FROM nowhere"))
        unit.commit()
    database.dispose()
