"""What several processes share: one sweeper among them, the same keys, and one count of failed log-ins."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from twins import SetClock

from engine import keys
from engine.db import Database
from engine.distributed.election import Candidate
from engine.distributed.sweep import Sweeper
from engine.errors import OtherKeys
from engine.fields import Keyring
from engine.models import Election, FailedLogIn, KnownKey, WebSession, new_id
from engine.services import Services
from engine.settings import Settings
from webapp import accounts, create_app, create_services

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


def test_one_is_elected(database: Database) -> None:
    """Of three candidates one is elected, as long as it asks; when it resigns another one is."""
    first, second, third = (Candidate(database, "sweep", term=30) for _ in range(3))
    assert [each.elected(NOW) for each in (first, second, third)] == [True, False, False]
    assert [each.elected(NOW + dt.timedelta(seconds=20)) for each in (third, first, second)] == [False, True, False]
    first.resign()
    assert [each.elected(NOW + dt.timedelta(seconds=21)) for each in (third, second)] == [True, False]
    for each in (first, second, third):
        each.resign()


def test_duties_are_elected_apart(database: Database) -> None:
    """Who holds one duty may lack another."""
    sweep, seal = Candidate(database, "sweep", term=30), Candidate(database, "other", term=30)
    assert sweep.elected(NOW) and seal.elected(NOW)
    sweep.resign(), seal.resign()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_lost_connection_loses_the_election(database: Database) -> None:
    """When the server ends the connection of the elected one, another is elected, and the first one learns of it."""
    first, second = Candidate(database, "sweep", term=30), Candidate(database, "sweep", term=30)
    assert first.elected(NOW) and not second.elected(NOW)
    with database.unit() as unit:
        held = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        assert unit.connection.exec_driver_sql(held).scalars().all() == [True]
    assert not first.elected(NOW)
    assert second.elected(NOW) and not first.elected(NOW)
    second.resign()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_lease_ends(database: Database) -> None:
    """On SQLite whoever stops asking is replaced after the term; a clock that was set back does not keep a dead one in office."""
    first, second = Candidate(database, "sweep", term=30), Candidate(database, "sweep", term=30)
    assert first.elected(NOW)
    assert not second.elected(NOW + dt.timedelta(seconds=29))
    assert second.elected(NOW + dt.timedelta(seconds=31))
    assert first.elected(NOW - dt.timedelta(days=1))
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(Election)).scalar_one() == 1


def test_a_database_that_is_away_elects_nobody(tmp_path: Path, keyring: Keyring) -> None:
    """No error: the next sweep asks again."""
    away = Database("postgresql://nobody@127.0.0.1:1/nothing", keyring)
    assert not Candidate(away, "sweep", term=30).elected(NOW)


def test_only_the_elected_sweeps_and_one_failed_duty_stops_no_other(
    database: Database, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The second process does nothing; a duty that fails is logged."""
    done: list[str] = []

    def fail(_now: dt.datetime) -> None:
        raise ValueError("this one is broken")

    sweepers = [Sweeper(database, clock, [fail, lambda now, name=name: done.append(name)], every=60) for name in ("a", "b")]
    assert [each.sweep() for each in sweepers] == [True, False]
    assert done == ["a"] and "this one is broken" in caplog.text
    for each in sweepers:
        each.stop()


def test_ended_log_ins_are_swept(services: Services) -> None:
    """Sessions past their end and failed log-ins that count no more go; the others stay."""
    now = services.clock.now()
    with services.database.unit() as unit:
        for minutes in (1, 14, 16, 100):
            unit.add(FailedLogIn, id=new_id(), who="w", at=now - dt.timedelta(minutes=minutes))
        unit.commit()
    accounts.forget_ended(services.database, now)
    with services.database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(FailedLogIn)).scalar_one() == 2
        assert connection.execute(sa.select(sa.func.count()).select_from(WebSession)).scalar_one() == 0


def test_failed_log_ins_count_in_every_process(services: Services, clock: SetClock) -> None:
    """Ten wrong passwords, spread over three web processes, make the next wait in each of them."""
    webs = [create_app(services).test_client() for _ in range(3)]
    for number in range(10):
        answer = webs[number % 3].post("/api/v1/session", json={"login": "Chenli", "password": str(number)})
        assert answer.status_code == 401
    for web in webs:
        answer = web.post("/api/v1/session", json={"login": "chenli", "password": "x"})
        assert answer.status_code == 429
    clock.move(minutes=16)
    assert webs[0].post("/api/v1/session", json={"login": "chenli", "password": "x"}).status_code == 401


def test_a_machine_with_other_keys_does_not_start(database_url: str, tmp_path: Path) -> None:
    """The sentence names the file; the machine with the right keys, and one with a copy of them, start."""
    first, second = tmp_path / "first", tmp_path / "second"
    for _ in range(2):
        create_services(Settings(home=first, database=database_url, demo=False)).database.dispose()
    with pytest.raises(OtherKeys, match=str(second / "keys.json")):
        create_services(Settings(home=second, database=database_url, demo=False))
    (second / "keys.json").write_bytes((first / "keys.json").read_bytes())
    create_services(Settings(home=second, database=database_url, demo=False)).database.dispose()


def test_keys_of_the_first_start_become_known_once(database: Database) -> None:
    """Their fingerprints are stored, and tell nothing but whether two keys are the same."""
    for _ in range(2):
        keys.check(database)
    with database.reading() as connection:
        known = {row.id: row.fingerprint for row in connection.execute(sa.select(KnownKey.__table__))}
    assert known == database.keyring.fingerprints() and "signer" in known
