"""What went wrong once under attack: two starts at once, hostile input, lost processes."""

from __future__ import annotations

import datetime as dt
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from diagrams import END, START, flows, node, service, user
from engine_room import Room
from served import free_port
from twins import ScriptedOperation

from engine import procedures
from engine.bpmn import timers
from engine.errors import FeelError, KeyMissing, TryAgain
from engine.models import Account, Case, Incident, ProcedureVersion
from engine.people import accounts, directory
from engine.services import Services
from engine.settings import Settings
from webapp import FORMS, PROCEDURES, create_services
from webapp.benchmarks.six_tasks import six_tasks
from webapp.commands import main
from webapp.demo import roster, seed
from webapp.demo.systems import offline
from webapp.server import Server

TODAY = dt.date(2026, 11, 24)


def test_two_first_starts_at_once_load_the_demo_once(database_url: str, tmp_path: Path) -> None:
    """Two machines that start on the same empty database both come up, with one set of people and one procedure."""
    files = procedures.gather(PROCEDURES / "termination", FORMS)
    homes = [offline(Settings(home=tmp_path / name, database=database_url, keys=str(tmp_path / "keys.json"))) for name in "ab"]
    both = [create_services(home) for home in homes]
    failed: list[Exception] = []
    ready = threading.Barrier(2)

    def begin(number: int) -> None:
        ready.wait()
        try:
            seed.load(both[number], files)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with both[0].database.reading() as connection:
        accounts = connection.execute(sa.select(sa.func.count()).select_from(Account)).scalar_one()
        versions = connection.execute(sa.select(ProcedureVersion.procedure, ProcedureVersion.number)).all()
    assert accounts == len([one for one in roster.EMPLOYEES.values() if one.login]) + 1
    assert [tuple(row) for row in versions] == [("termination", 1)]
    for services in both:
        services.database.dispose()


def test_after_the_last_attempt_nobody_promises_another(services: Services) -> None:
    """The incident of a system that stayed down says that no attempt is left, not that it is tried again."""
    room = Room(services, ScriptedOperation("ehr.read", answers=[TryAgain(system="ehr", operation="ehr.read", reason="503")]))
    room.deploy(START, service("read", operation="ehr.read"), END, flows("start > read", "read > end"))
    case = room.start()
    for _ in range(4):
        room.run()
        room.clock.move(hours=2)
    told = room.value(sa.select(Incident.template).where(Incident.case_id == case))
    assert "no attempt is left" in told and "tried again" not in told


def test_a_new_password_changes_nothing_else_about_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`partwell account` with a login that exists keeps post, roles and superior, and asks for no employee number."""
    monkeypatch.setenv("PARTWELL_ACCOUNT_PASSWORD", "another-password")
    services = create_services(offline(Settings(home=tmp_path)))
    seed.load(services, procedures.gather(PROCEDURES / "termination", FORMS))

    def wangfang() -> tuple[dict[str, object], set[str]]:
        with services.database.reading() as connection:
            person = connection.execute(sa.select(Account.person_id).where(Account.login == "wangfang")).scalar_one()
            return dict(directory.display(connection, person, TODAY)), directory.roles_of(connection, person)

    before = wangfang()
    with pytest.raises(SystemExit) as ended:
        main(["--home", str(tmp_path), "account", "wangfang", "王小芳"])
    assert ended.value.code == 0 and wangfang() == before
    with services.database.reading() as connection:
        assert accounts.verify(connection, "wangfang", "another-password", TODAY)
        assert not accounts.verify(connection, "wangfang", seed.PASSWORD, TODAY)
    services.database.dispose()


def test_nothing_starts_with_keys_that_do_not_fit(tmp_path: Path, services: Services) -> None:
    """A lost key file is not made anew over a database that needs the old one."""
    room = Room(services)
    room.deploy(START, user("a"), END, flows("start > a", "a > end"))
    room.start()
    url = services.database.engine.url.render_as_string(hide_password=False)
    with pytest.raises(KeyMissing):
        create_services(offline(Settings(home=tmp_path / "other", database=url)))


def test_the_benchmark_leaves_nothing_on_a_server_that_is_named(postgres: str) -> None:
    """It works in a database of its own and drops it, so that no case of a company stands beside invented ones."""
    server = sa.create_engine(postgres, poolclass=sa.NullPool)

    def databases() -> set[str]:
        with server.connect() as connection:
            return set(connection.execute(sa.text("SELECT datname FROM pg_database")).scalars())

    before = databases()
    figures = six_tasks("postgres", url=postgres, cases=2, processes=1, http=False)
    assert figures["finished"] == 2 and databases() == before


def test_a_database_that_cannot_be_reached_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and what is wrong, not a traceback."""
    monkeypatch.setenv("PARTWELL_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(SystemExit) as ended:
        main(["--home", str(tmp_path), "deploy", str(PROCEDURES / "termination")])
    assert ended.value.code == 2 and "database cannot be used" in capsys.readouterr().err


def test_tokens_that_multiply_are_stopped_soon(services: Services) -> None:
    """A parallel split that leads back into itself locks the database for a moment, not for minutes."""
    room = Room(services)
    merge, split = node("exclusiveGateway", "m"), node("parallelGateway", "p")
    room.deploy(
        START,
        user("a"),
        merge,
        split,
        flows("start > a", "a > m", "m > p", "p > m"),
        '<sequenceFlow id="again" sourceRef="p" targetRef="m"/>',
    )
    case = room.start()
    began = time.monotonic()
    room.complete(case, "a")
    assert time.monotonic() - began < 10
    assert room.value(sa.select(Case.incidents).where(Case.id == case)) > 0


def test_a_reminder_without_a_pause_is_refused() -> None:
    """A repetition of no length would fill the ledger for ever."""
    with pytest.raises(FeelError, match="without a pause"):
        timers.cycle("R/PT0S", dt.datetime(2026, 11, 24, tzinfo=dt.UTC))


def test_who_is_being_served_at_the_stop_gets_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's files close after the last answer: a thread that wrote to one closed before could hit another opened since."""
    begun, verified, verify = threading.Event(), threading.Event(), accounts.verify

    def slowly(*given: Any) -> str | None:
        begun.set()
        time.sleep(0.5)
        found = verify(*given)
        verified.set()
        return found

    monkeypatch.setattr(accounts, "verify", slowly)
    server = Server(offline(Settings(home=tmp_path, port=free_port())))
    server.start()
    body = {"login": "wangfang", "password": seed.PASSWORD}
    answers: list[int] = []

    def log_in() -> None:
        answers.append(requests.post(f"{server.services.settings.address}/api/v1/session", json=body, timeout=20).status_code)

    thread = threading.Thread(target=log_in)
    thread.start()
    begun.wait(20)
    served_before_close: list[bool] = []
    close = server._web.close
    monkeypatch.setattr(server._web, "close", lambda: (served_before_close.append(verified.is_set()), close()))
    server.stop()
    thread.join()
    assert answers == [201] and served_before_close == [True]
