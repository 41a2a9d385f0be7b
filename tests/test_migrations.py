"""The schema's history leads to the tables, once, whoever asks for it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from engine import migrations
from engine.db import Database
from engine.fields import Keyring
from engine.models import Base, Person


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, keyring: Keyring) -> Iterator[str]:
    """Address of a database without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    url = sa.make_url(request.getfixturevalue("postgres"))
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE partwell_empty"))
    yield url.set(database="partwell_empty").render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(sa.text("DROP DATABASE partwell_empty WITH (FORCE)"))


def _differences(database: Database) -> list[object]:
    with database.reading() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata))


def test_the_migrations_make_exactly_the_tables(empty: str, keyring: Keyring) -> None:
    """After an upgrade nothing is missing, left over or of another type."""
    database = Database(empty, keyring)
    assert _differences(database)
    migrations.upgrade(database)
    assert _differences(database) == []
    database.dispose()


def test_an_upgrade_twice_changes_nothing(empty: str, keyring: Keyring) -> None:
    """The second one leaves schema and rows alone."""
    database = Database(empty, keyring)
    migrations.upgrade(database)
    with database.unit() as unit:
        unit.add(Person, id="1" * 32, name="林小北", post="", post_en="", active=True)
        unit.commit()
    migrations.upgrade(database)
    with database.reading() as connection:
        assert connection.execute(sa.select(Person.name)).scalars().all() == ["林小北"]
        assert len(connection.execute(sa.text("SELECT version_num FROM alembic_version")).all()) == 1
    assert _differences(database) == []
    database.dispose()


def _first_start(address: str, keys: Path, gate: Any) -> None:
    database = Database(address, Keyring.open(keys))
    gate.wait(30)
    migrations.upgrade(database)


def test_first_starts_at_the_same_moment(empty: str, keyring: Keyring) -> None:
    """Web and worker that both find an empty database upgrade it once, and both go on."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    processes = [context.Process(target=_first_start, args=(empty, keyring.path, gate)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    database = Database(empty, keyring)
    assert _differences(database) == []
    database.dispose()


def test_a_migration_that_fails_leaves_nothing(empty: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in the middle of the first migration rolls all of it back, and the next upgrade succeeds."""
    create, made = Operations.create_table, []

    def stumble(self: Operations, name: str, *columns: object, **more: object) -> object:
        if len(made) == 5:
            raise OSError("power cut")
        made.append(name)
        return create(self, name, *columns, **more)  # type: ignore[arg-type]

    database = Database(empty, keyring)
    with monkeypatch.context() as patched:
        patched.setattr(Operations, "create_table", stumble)
        with pytest.raises(OSError, match="power cut"):
            migrations.upgrade(database)
    assert len(made) == 5
    with database.reading() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
    migrations.upgrade(database)
    assert _differences(database) == []
    database.dispose()
