"""Processes that are killed at any moment lose nothing and do nothing twice."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sample_company import SampleCompany

from engine.models import Case, Incident, WorkItem, new_id

from .consistency import assert_consistent
from .crew import Crew, Load, crew

LONG = bool(os.environ.get("PARTWELL_CHAOS"))


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a database of the test's own; empty for SQLite in the home folder."""
    if request.param == "sqlite":
        yield ""
        return
    url = sa.make_url(request.getfixturevalue("postgres"))
    name = f"chaos_{new_id()}"
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def finished(working: Crew, load: Load, patience: float = 90.0) -> None:
    """Waits until every case is closed, then lets the clients go."""
    load.no_more()
    deadline = time.monotonic() + patience
    with working.services.database.engine.connect() as connection:
        open_cases = sa.select(sa.func.count()).where(Case.status != "closed")
        while (left := connection.execute(open_cases).scalar_one()) and time.monotonic() < deadline:
            connection.rollback()
            time.sleep(0.3)
    load.stop()
    assert not left, f"{left} cases did not come to their end"


def assert_whole(working: Crew, load: Load, company: SampleCompany) -> None:
    """No case lost, no work item lost or doubled, one effect outside for each, and everything agrees."""
    assert not load.errors, load.errors[:5]
    assert assert_consistent(working.services) >= len(load.started) > 0
    with working.services.database.reading() as connection:
        cases = dict(connection.execute(sa.select(Case.id, Case.outcome)).all())
        items = Counter(connection.execute(sa.select(WorkItem.case_id, WorkItem.element, WorkItem.status)).all())
        incidents = connection.execute(sa.select(Incident.code, Incident.facts)).all()
    assert not incidents
    assert set(load.started) == set(cases) and set(cases.values()) == {"completed"}
    assert items == Counter({(case, element, "completed"): 1 for case in cases for element in "ab"})
    effects = {push["key"]: push["effects"] for push in company.admin("pushes") if push["key"].partition(":")[0] in cases}
    assert effects == {f"{case}:push#1": 1 for case in cases}


def test_killed_processes_lose_nothing_and_do_nothing_twice(tmp_path, company, address):
    """Web and worker are killed again and again while people work; afterwards all is done, and once."""
    rng = random.Random(7)
    with crew(tmp_path / "home", company, address) as working:
        working.wait_until_ready()
        load = Load(working.address)
        for _ in range(12 if LONG else 3):
            load.wait_for_more()
            time.sleep(rng.uniform(0.0, 1.5))
            working.kill_one(rng)
        finished(working, load)
        assert_whole(working, load, company)
        print(f"{len(load.started)} cases, {working.kills} kills")
