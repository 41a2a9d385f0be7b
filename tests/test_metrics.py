"""Figures for Prometheus: who may read them, what they count, and that several processes add up."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from diagrams import END, START, flows, service, user
from engine_room import Room, line
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from twins import ScriptedOperation

from engine import observe
from engine.errors import Refused
from engine.services import Services
from webapp import metrics

TOKEN = {"Authorization": "Bearer s3cret"}


def client(services: Services, token: str = "s3cret") -> FlaskClient:
    app = Flask("test")
    app.extensions["partwell"] = dataclasses.replace(services, settings=dataclasses.replace(services.settings, metrics_token=token))
    metrics.init_app(app)
    return app.test_client()


def read(answer: Any) -> dict[tuple[str, ...], float]:
    """Every sample by name and label values."""
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def counted(name: str, **labels: str) -> float:
    return observe.FIGURES.get_sample_value(name, labels) or 0.0


@contextmanager
def rises(by: float, name: str, **labels: str) -> Iterator[None]:
    before = counted(name, **labels)
    yield
    assert counted(name, **labels) - before == by, (name, labels)


@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [("", "Bearer s3cret", 404), ("", "", 404), ("s3cret", "", 401), ("s3cret", "Bearer wrong", 401), ("s3cret", "Bearer", 401)],
)
def test_figures_are_for_who_has_the_token(services: Services, token: str, sent: str, status: int) -> None:
    """Without a token in the settings the page does not exist; with one, nothing else opens it."""
    answer = client(services, token).get("/metrics", headers={"Authorization": sent} if sent else {})
    assert answer.status_code == status and "partwell_" not in answer.text


def test_turns_events_and_live_cases_are_counted_once_committed(services: Services) -> None:
    """Starting and completing are two turns; the second finds its case in memory; after a restart the next does not."""
    room = Room(services)
    room.deploy(*line("a", "b"))
    with (
        rises(2, "partwell_turn_seconds_count"),
        rises(1, "partwell_ledger_entries_total", event="case:started"),
        rises(1, "partwell_ledger_entries_total", event="work:item:completed"),
        rises(1, "partwell_live_cases_total", found="live"),
    ):
        case = room.start()
        room.complete(case, "a")
    with rises(1, "partwell_live_cases_total", found="restored"):
        room.restarted().complete(case, "b")


def test_jobs_and_how_their_attempts_end_are_counted(services: Services) -> None:
    """A call that is refused has one attempt with that result, its time and its lag."""
    refusal = Refused(system="ehr", operation="ehr.employee", reason="no")
    room = Room(services, ScriptedOperation("ehr.employee", answers=[refusal]))
    room.deploy(START, service("s"), END, flows("start > s", "s > end"))
    room.start()
    named = {"kind": "operation", "operation": "ehr.employee"}
    with (
        rises(1, "partwell_job_attempts_total", **named, result="refused"),
        rises(1, "partwell_job_seconds_count", **named),
        rises(1, "partwell_job_lag_seconds_count", kind="operation"),
    ):
        room.run()
    assert counted("partwell_jobs_looked_timestamp_seconds") > 0
    assert read(client(services).get("/metrics", headers=TOKEN))["partwell_incidents_open",] == 1


def test_what_waits_is_asked_of_the_database(services: Services) -> None:
    """Waiting jobs by kind, for how long the oldest has been due, cases that run, connections, calendars."""
    room = Room(services, ScriptedOperation("ehr.employee"))
    room.deploy(START, service("s"), user("a"), END, flows("start > s", "s > a", "a > end"))
    room.start()
    room.clock.move(seconds=90)
    found = read(client(services).get("/metrics", headers=TOKEN))
    assert found["partwell_database_up",] == 1
    assert found["partwell_jobs", "operation", "waiting"] == 1 and found["partwell_jobs_oldest_due_seconds",] == 90
    assert found["partwell_cases", "running"] == 1 and found["partwell_cases", "suspended"] == 0
    assert found["partwell_database_connections", "used"] == 0 and ("partwell_database_connections", "idle") in found
    assert found["partwell_calendar_known", "office", "this"] == 1


def test_a_database_that_is_away_is_a_figure_and_no_failure(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scrape still answers with what the process knows by itself."""
    opened = client(services)

    def away(_self: Any) -> None:
        from engine.errors import DatabaseAway

        raise DatabaseAway()

    monkeypatch.setattr(metrics._Asked, "_ask", away)
    found = read(opened.get("/metrics", headers=TOKEN))
    assert found["partwell_database_up",] == 0 and ("partwell_jobs_oldest_due_seconds",) not in found


def test_several_processes_of_a_machine_add_up(tmp_path: Path) -> None:
    """With the directory set before the start, whichever process is asked shows the sum, also of one that has ended."""
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    count = "from engine import observe; observe.turned(0.0, ['case:started'])"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], env=environ, check=True)
    show = (
        "from prometheus_client import CollectorRegistry, generate_latest;"
        "from prometheus_client.multiprocess import MultiProcessCollector as All;"
        "from engine import observe; observe.turned(0.0, ['case:started']);"
        "found = CollectorRegistry(); All(found); print(generate_latest(found).decode())"
    )
    said = subprocess.run([sys.executable, "-c", show], env=environ, check=True, capture_output=True, text=True).stdout
    assert 'partwell_ledger_entries_total{event="case:started"} 3.0' in said


class Spans:
    """A tracer that remembers."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, dict[str, str]]] = []

    @contextmanager
    def start_as_current_span(self, name: str, *, attributes: dict[str, str], **_options: Any) -> Iterator[None]:
        self.begun.append((name, attributes))
        yield

    def start_span(self, name: str, *, attributes: dict[str, str], start_time: int) -> Spans:
        self.begun.append((name, attributes))
        self.start_time = start_time
        return self

    def end(self, at: int) -> None:
        assert at >= self.start_time


def test_jobs_and_turns_are_spans_where_somebody_traces(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each names its case, and a job itself; nothing of the case's data is in them."""
    spans = Spans()
    room = Room(services, ScriptedOperation("ehr.employee"))
    room.deploy(START, service("s"), user("a"), END, flows("start > s", "s > a", "a > end"))
    monkeypatch.setattr(observe, "_tracer", spans)
    case = room.start()
    room.run()
    [job] = room.jobs(case)
    about = {"partwell.case": case}
    assert spans.begun == [
        ("partwell.turn", about),
        ("partwell.job", {"partwell.job": job.id, **about, "partwell.kind": "operation", "partwell.operation": "ehr.employee"}),
        ("partwell.turn", about),
    ]
