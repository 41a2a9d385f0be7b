"""What tests share: every engine test runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import gc
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import argon2
import empty_database
import pytest
import sqlalchemy as sa
from connector_setups import Setup, export, setups_for
from sample_company import SampleCompany, running
from twins import Bellboy, PlainRenderer, SetClock

from engine import migrations
from engine.bpmn.state import LiveCases
from engine.db import Database
from engine.fields import Keyring
from engine.models import Base, Case
from engine.people import accounts
from engine.procedures import Programs
from engine.replay import replay
from engine.services import Services
from engine.settings import Settings
from webapp import form_checker
from webapp.benchmarks.places import private_postgres

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from web_office import Office


gc.disable()  # until everything is collected; what that left behind is then never looked through again

#: files and folders whose tests wait for processes and browsers: they come first, so that no worker is left with one at the end
LONG = ("distributed", "chaos", "test_dismissal_story.py", "test_browser.py", "test_commands.py", "browser.py", "on_the_pages.py")
#: why the test with two hosts was not run
NO_NETWORKS = "two hosts need network namespaces: root, and the program ip"


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than processors: much of the time a test waits for a process, a page or a pause that it is about."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_is_short)


def _is_short(item: pytest.Item) -> bool:
    return "chromium" not in getattr(item, "fixturenames", ()) and not str(item.path).endswith(LONG) and item.path.parent.name not in LONG


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A browser that is missing, or a network, must be seen, not looked for among the dots."""
    from browser import NO_BROWSER

    reports = terminalreporter.getreports("skipped")
    for reason in (NO_BROWSER, NO_NETWORKS):
        if skipped := [report for report in reports if reason in str(report.longrepr)]:
            terminalreporter.section("NOT TESTED", red=True, bold=True)
            terminalreporter.line(f"{len(skipped)} tests: {reason}", red=True, bold=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    from browser import launched

    with launched() as browser:
        yield browser


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hundreds of log-ins need not cost what one costs whoever guesses; the processes that tests start hash as they are shipped."""
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", lambda: cheap)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """What tests store need not outlive a power cut; the processes that tests start store as they are shipped."""

    def forgo(connection: Any, *_: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous=OFF")

    sa.event.listen(sa.Pool, "checkout", forgo)
    yield
    sa.event.remove(sa.Pool, "checkout", forgo)


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring.open(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL server of the tests' own, with an empty database `partwell_tests`."""
    with private_postgres() as address:
        url = sa.make_url(address).set(drivername="postgresql+psycopg")
        server = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with server.connect() as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # as with SQLite
                connection.execute(sa.text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(sa.text("SELECT pg_reload_conf()"))
            connection.execute(sa.text("CREATE DATABASE partwell_tests"))
        yield url.render_as_string(hide_password=False)
        server.dispose()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str, keyring: Keyring) -> Iterator[sa.Engine]:
    """Its one database; each test leaves it empty, which is faster than a new one for each."""
    url = sa.make_url(postgres).set(database="partwell_tests").render_as_string(hide_password=False)
    database = Database(url, keyring)
    migrations.upgrade(database)
    database.dispose()
    engine = sa.create_engine(url, pool_pre_ping=True)
    yield engine
    engine.dispose()


@pytest.fixture
def empty_postgres(migrated_postgres: sa.Engine) -> Iterator[str]:
    """Its address, for one test, which may leave in it what it likes."""
    yield migrated_postgres.url.render_as_string(hide_password=False)
    with migrated_postgres.begin() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(sa.text(others))
        connection.execute(sa.text("; ".join(f"DELETE FROM {table.name}" for table in reversed(Base.metadata.sorted_tables))))


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> Iterator[Callable[[str], Database]]:
    """Opens a database by its address, each but once: what SQLAlchemy compiled for one test serves the next."""
    known: dict[str, Database] = {}

    def database(url: str) -> Database:
        if url not in known:
            known[url] = Database(url, keyring)
        return known[url]

    yield database
    for one in known.values():
        one.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, opened: Callable[[str], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """An empty, migrated database, once of each kind."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("empty_postgres")
    else:
        file = tmp_path_factory.getbasetemp() / "sqlite" / "partwell.db"
        empty_database.place(file)
        url = f"sqlite:///{file}"
        opened(url).dispose()  # whoever a test left behind may have looked into the file that was there before
    yield url
    opened(url).dispose()


@pytest.fixture
def database(database_url: str, opened: Callable[[str], Database]) -> Database:
    return opened(database_url)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def services(request: pytest.FixtureRequest, database: Database, keyring: Keyring, clock: SetClock, tmp_path: Path) -> Iterator[Services]:
    """The use cases' services with twins around them and no operations; `dataclasses.replace` adds some.

    Afterwards the ledger of every case must lead to the state that is stored, unless the test is marked `tampers`.
    """
    settings = Settings(home=tmp_path, job_backoff=10.0)
    given = Services(
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
    yield given
    if request.node.get_closest_marker("tampers") is None:
        with database.reading() as connection:
            numbers = connection.execute(sa.select(Case.number)).scalars().all()
        for number in numbers:
            assert replay(given, number).differences == [], number


# --- the office of the web's tests


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office that the tests of a module share."""
    from web_office import Office

    with Office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest.fixture
def own_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office for one test alone, which may leave it as it likes."""
    from web_office import Office

    with Office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(office: Office) -> Iterator[str]:
    """Where browsers find the office of the module."""
    from web_office import served

    with served(office) as address:
        yield address


# --- the sample company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleCompany]:
    """Its process, started once for a test module."""
    with running(tmp_path_factory.mktemp("company")) as company:
        yield company


@pytest.fixture
def no_faults_left(company: SampleCompany) -> None:
    company.forget_faults()


@pytest.fixture(scope="module")
def exports(company: SampleCompany, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the company's EHR rows as files."""
    return export(company, tmp_path_factory.mktemp("exports"))


@pytest.fixture
def setups(company: SampleCompany, exports: Path) -> dict[str, Setup]:
    """Every kind of connector, set up for the company."""
    return setups_for(company, exports)
