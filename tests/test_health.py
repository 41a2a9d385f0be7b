"""Whether a process lives, and whether it can work, told to load balancers and supervisors."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from diagrams import END, START, flows, service
from engine_room import Room
from flask import Flask
from flask.testing import FlaskClient
from served import environment, free_port
from twins import ScriptedOperation

from engine import cases, versions
from engine.bell import Bell
from engine.jobs import Runner
from engine.services import Services
from webapp import health


def client(services: Services, runner: Runner | None = None) -> FlaskClient:
    app = Flask("test")
    app.extensions.update(partwell=services, runner=runner)
    health.init_app(app)
    return app.test_client()


def test_a_process_lives_and_is_ready(services: Services) -> None:
    """Both answer 200; ready says what it looked at."""
    asked = client(services)
    assert asked.get("/health").json == {"status": "ok"}
    answer = asked.get("/ready")
    assert answer.status_code == 200
    assert answer.json == {"ready": True, "checks": {"database": "ok", "schema": "ok"}, "warnings": answer.json["warnings"]}


def test_a_schema_of_another_release_is_not_ready(services: Services) -> None:
    """Old code in front of a new database, or the other way round, gets no requests; it lives all the same."""
    with services.database.unit() as unit:
        [head] = unit.connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars()
        unit.connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
        unit.commit()
    try:
        answer = client(services).get("/ready")
    finally:
        with services.database.unit() as unit:
            unit.connection.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": head})
            unit.commit()
    assert answer.status_code == 503 and answer.json["checks"]["schema"] == f"it is at 0000, this release needs {head}"
    assert client(services).get("/health").status_code == 200


def test_a_database_that_does_not_answer_is_not_ready(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with when to ask again, and nothing about where the database is."""

    def away() -> Any:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("connection to 10.1.2.3 refused"))

    monkeypatch.setattr(services.database, "reading", away)
    answer = client(services).get("/ready")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.json["checks"] == {"database": "it does not answer", "schema": "not known"} and "10.1.2.3" not in answer.text


def test_jobs_that_nobody_runs_are_a_warning_for_the_web(services: Services) -> None:
    """Pages work without a worker, so the web stays ready; but somebody should look."""
    room = Room(services, ScriptedOperation("ehr.employee"))
    room.deploy(START, service("s"), END, flows("start > s", "s > end"))
    room.start()
    room.clock.move(seconds=61)
    answer = client(services).get("/ready")
    assert answer.status_code == 200 and "jobs are late: the oldest has been due for 61 seconds" in answer.json["warnings"]
    room.run()
    assert not any("jobs" in warning for warning in client(services).get("/ready").json["warnings"])


def test_jobs_of_what_is_suspended_are_not_late(services: Services) -> None:
    """Nobody may run those of a suspended case or of a suspended version; once resumed they are late again."""
    room = Room(services, ScriptedOperation("ehr.employee"))
    room.deploy(START, service("s"), END, flows("start > s", "s > end"))
    case, asked = room.start(), client(services)

    def late() -> bool:
        return any("jobs are late" in warning for warning in asked.get("/ready").json["warnings"])

    room.clock.move(seconds=61)
    assert late()
    room.manage(cases.suspend, case)
    assert not late()
    room.manage(cases.resume, case)
    assert late()
    versions.suspend(services, "test", None, by=None, note="x")
    assert not late()
    versions.resume(services, "test", None, by=None, note="x")
    assert late()


def test_a_worker_that_stopped_looking_is_not_ready(services: Services) -> None:
    """Before its first look, and when the last one is longer ago than any job may hold it up."""
    room = Room(services)
    object.__setattr__(services, "carrier", Bell(poll=1, threads=1))
    runner = Runner(services, name="test", seal=lambda case: None)
    asked = client(services, runner)
    assert asked.get("/ready").json["checks"]["jobs"] == "they were not looked for yet"
    runner.run_due()
    assert asked.get("/ready").json["checks"]["jobs"] == "ok"
    room.clock.move(minutes=5)
    answer = asked.get("/ready")
    runner.close()
    assert answer.status_code == 503 and answer.json["checks"]["jobs"] == "they were last looked for 300 seconds ago"


def test_a_year_whose_working_days_are_not_known_is_a_warning(services: Services) -> None:
    """A month before it begins, each calendar that would have to assume is named."""
    clock: Any = services.clock
    assert client(services).get("/ready").json["warnings"] == []
    clock.move(days=365 * 70)
    [warning] = [said for said in client(services).get("/ready").json["warnings"] if "calendar" in said]
    assert warning.startswith("calendar office: the working days of 2096")


def test_a_worker_answers_at_its_own_port(tmp_path: Path) -> None:
    """A real worker process: lives, becomes ready, shows figures to who has the token, and ends when told to."""
    port = free_port()
    settings = {"PARTWELL_DEMO": "false", "PARTWELL_WORKER_PORT": str(port), "PARTWELL_METRICS_TOKEN": "s3cret"}
    command = [sys.executable, "-m", "webapp.commands", "--home", str(tmp_path), "worker"]
    at = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=environment() | settings) as worker:
        try:
            for _ in range(300):
                try:
                    if requests.get(f"{at}/ready", timeout=5).status_code == 200:
                        break
                except requests.ConnectionError:
                    assert worker.poll() is None
                time.sleep(0.1)
            assert requests.get(f"{at}/ready", timeout=5).json()["checks"] == {"database": "ok", "schema": "ok", "jobs": "ok"}
            assert requests.get(f"{at}/health", timeout=5).headers["X-Request-Id"]
            assert requests.get(f"{at}/metrics", timeout=5).status_code == 401
            figures = requests.get(f"{at}/metrics", headers={"Authorization": "Bearer s3cret"}, timeout=5).text
            assert "partwell_jobs_looked_timestamp_seconds" in figures and "partwell_database_up 1.0" in figures
            assert requests.get(f"{at}/inbox", timeout=5).status_code == 404
        finally:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
