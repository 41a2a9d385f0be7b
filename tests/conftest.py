"""What tests share: every engine test runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from twins import Bellboy, PlainRenderer, SetClock

from engine import migrations
from engine.bpmn.state import LiveCases
from engine.db import Database
from engine.fields import Keyring
from engine.procedures import Programs
from engine.services import Services
from engine.settings import Settings
from webapp import form_checker
from webapp.benchmarks import private_postgres

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A browser that is missing must be seen, not looked for among the dots."""
    from browser import NO_BROWSER

    skipped = [report for report in terminalreporter.getreports("skipped") if NO_BROWSER in str(report.longrepr)]
    if skipped:
        terminalreporter.section("NOT TESTED", red=True, bold=True)
        terminalreporter.line(f"{len(skipped)} tests: {NO_BROWSER}", red=True, bold=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    from browser import launched

    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring.open(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL server of the tests' own, with a migrated database `partwell_template`."""
    with private_postgres() as address:
        url = sa.make_url(address).set(drivername="postgresql+psycopg")
        server = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with server.connect() as connection:
            connection.execute(sa.text("CREATE DATABASE partwell_template"))
        yield url.render_as_string(hide_password=False)
        server.dispose()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str, keyring: Keyring) -> str:
    url = sa.make_url(postgres).set(database="partwell_template")
    database = Database(url.render_as_string(hide_password=False), keyring)
    migrations.upgrade(database)
    database.dispose()
    return postgres


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{file}", keyring)
    migrations.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    database.dispose()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database, once of each kind."""
    if request.param == "sqlite":
        file = tmp_path / "partwell.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
        yield f"sqlite:///{file}"
        return
    url = sa.make_url(request.getfixturevalue("migrated_postgres"))
    name = f"t{uuid.uuid4().hex}"
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE partwell_template"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def database(database_url: str, keyring: Keyring) -> Iterator[Database]:
    opened = Database(database_url, keyring)
    yield opened
    opened.dispose()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def services(database: Database, keyring: Keyring, clock: SetClock, tmp_path: Path) -> Services:
    """The use cases' services with twins around them and no operations; `dataclasses.replace` adds some."""
    settings = Settings(home=tmp_path, job_backoff=10.0)
    return Services(
        settings=settings,
        keyring=keyring,
        database=database,
        clock=clock,
        forms=form_checker(settings.zone),
        renderer=PlainRenderer(),
        operations={},
        carrier=Bellboy(),
        programs=Programs(database),
        live=LiveCases(100),
    )
