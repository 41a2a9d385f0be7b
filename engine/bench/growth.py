"""Does it get slower? A completion among few cases and among many, early and late laps of a loop, a long row of tasks."""

from __future__ import annotations

import statistics
import time
from typing import Any

import sqlalchemy as sa

from .. import cases, deploying, work
from ..models import Case, new_id
from ..services import Services
from . import diagrams, six_tasks
from .filling import fill
from .six_tasks import People

LAPS = 200


def measure(services: Services, people: People, rows: int, measured: int) -> dict[str, Any]:
    """`rows`: finished cases among which the second measurement is made; `measured`: cases run for each of the two."""
    six_tasks.lap(services, people, six_tasks.WARM_UP)
    with services.database.reading() as connection:
        closed = sa.select(Case.id).where(Case.status == "closed").order_by(Case.started_at.desc()).limit(1)
        template = connection.execute(closed).scalar_one()
    few = min(1000, rows)
    fill(services.database, template, few)
    among_few = _completion(services, people, measured)
    fill(services.database, template, rows - few, first=few + 1)
    among_many = _completion(services, people, measured)
    again = _completion(services, people, measured)
    first, last = _laps(services, people)
    short, long = (_stored(services, people, length) for length in (2, LAPS))
    return {
        "few": few,
        "many": rows,
        "completion_ms": {"among_few": round(among_few * 1000, 2), "among_many": round(min(among_many, again) * 1000, 2)},
        "growth": round(min(among_many, again) / among_few, 2),
        "lap_1_ms": round(first * 1000, 2),
        f"lap_{LAPS}_ms": round(last * 1000, 2),
        "laps": round(last / first, 2),
        "state_bytes_in_a_row_of_2": short,
        f"state_bytes_in_a_row_of_{LAPS}": long,
    }


def _completion(services: Services, people: People, measured: int) -> float:
    """Median seconds of a completion in the six-task process."""
    six_tasks.lap(services, people, 5)
    return statistics.median(six_tasks.lap(services, people, measured).completions)


def _laps(services: Services, people: People) -> tuple[float, float]:
    """Median seconds of laps 1 to 20 and of the last 20."""
    deploying.deploy(services, {"loop.bpmn": diagrams.loop(LAPS)}, procedure="loop")
    case = _start(services, people, "loop")
    took = []
    for _ in range(LAPS):
        item = six_tasks.open_item(services, case)
        began = time.perf_counter()
        work.complete(services, item, actor=people.worker, values={}, request_id=new_id())
        took.append(time.perf_counter() - began)
    return statistics.median(took[:20]), statistics.median(took[-20:])


def _stored(services: Services, people: People, length: int) -> int:
    """Bytes of the state of a case that waits at the first of so many tasks in a row."""
    deploying.deploy(services, {"row.bpmn": diagrams.row(length)}, procedure=f"row-{length}")
    case = _start(services, people, f"row-{length}")
    with services.database.reading() as connection:
        return len(connection.execute(sa.select(Case.state).where(Case.id == case)).scalar_one())


def _start(services: Services, people: People, procedure: str) -> str:
    return cases.start(
        services, procedure=procedure, initiator=people.initiator, subject=people.subject, values={}, request_id=new_id()
    ).case_id
