"""Cases that wait: what they cost the runner, and what those kept ready cost in memory."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from .. import cases, deploying
from ..bpmn.state import LiveCases
from ..jobs import Runner
from ..models import Case, new_id
from ..services import Services
from . import diagrams, six_tasks
from .filling import fill
from .six_tasks import People

PASSES = 20


def measure(services: Services, people: People, idle: int, live: int) -> dict[str, Any]:
    """`idle` cases with a timer due in a month, `live` cases in the cache of this process."""
    deploying.deploy(services, {"pause.bpmn": diagrams.pause("P30D")}, procedure="pause")
    begun = cases.start(services, procedure="pause", initiator=people.initiator, subject=people.subject, values={}, request_id=new_id())
    fill(services.database, begun.case_id, idle - 1)
    runner = Runner(services, name="bench", seal=lambda case: None)
    began = time.perf_counter()
    with _statements(services) as sent:
        ran = sum(runner.run_due() for _ in range(PASSES))
    took = time.perf_counter() - began
    runner.close()
    return {
        "idle": idle,
        "passes": PASSES,
        "jobs_run": ran,
        "statements_per_pass": round(len(sent) / PASSES, 2),
        "states_read": sum("cases.state" in statement for statement in sent),
        "ms_per_pass": round(took / PASSES * 1000, 2),
        "live": live,
        "live_mb": round(_memory_of(services, people, live) / 1e6, 1),
    }


@contextmanager
def _statements(services: Services) -> Iterator[list[str]]:
    """Everything that is sent meanwhile, by SQLAlchemy or by units."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement != "BEGIN":  # SQLite's, which asks nothing
            sent.append(statement)

    before = services.database.sent.statements
    sa.event.listen(services.database.engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(services.database.engine, "before_cursor_execute", note)
    sent += ["in a unit"] * (services.database.sent.statements - before)


def _memory_of(services: Services, people: People, live: int) -> int:
    """Bytes by which this process grows while so many cases of the six-task process are kept ready at their second task."""
    assert isinstance(services.live, LiveCases)
    six_tasks.lap(services, people, 5)
    gc.collect()
    before = _resident()
    kept = LiveCases(live)
    deployed = services.programs.get(_version(services))
    now = services.clock.now()
    given = {"case": {"number": "20261124-00000"}, "subject": {"name": "当事人"}, "initiator": {"name": "发起人"}}
    for number in range(live):
        execution, _ = deployed.program.start({**given, "number": number}, now=now)
        [(instance, _element)] = execution.waiting()
        execution.complete(instance, {"value": number, "comment": f"第 {number} 件"}, now=now)
        kept.put(f"{number:032x}", 1, execution)
    gc.collect()
    return _resident() - before


def _version(services: Services) -> str:
    with services.database.reading() as connection:
        of_procedure = sa.select(Case.version_id).where(Case.procedure == six_tasks.PROCEDURE).limit(1)
        return str(connection.execute(of_procedure).scalar_one())


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
