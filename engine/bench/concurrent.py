"""Several people finish their part of one case at the same moment: all must succeed, and the last must not wait long."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Any

import sqlalchemy as sa

from .. import cases, deploying, work
from ..models import Case, WorkItem, new_id
from ..services import Services
from . import diagrams
from .six_tasks import People, percentile


def measure(services: Services, people: People, persons: int, rounds: int) -> dict[str, Any]:
    """`persons` at once on each of `rounds` cases."""
    deploying.deploy(services, {"side-by-side.bpmn": diagrams.side_by_side(persons)}, procedure="side-by-side")
    failures: list[str] = []
    last: list[float] = []
    for _ in range(rounds):
        began = cases.start(
            services, procedure="side-by-side", initiator=people.initiator, subject=people.subject, values={}, request_id=new_id()
        )
        with services.database.reading() as connection:
            items = list(connection.execute(sa.select(WorkItem.id).where(WorkItem.case_id == began.case_id)).scalars())
        last.append(_at_once(services, people, items, failures))
    with services.database.reading() as connection:
        closed = connection.execute(
            sa.select(sa.func.count()).select_from(Case).where(Case.procedure == "side-by-side", Case.status == "closed")
        ).scalar_one()
    return {
        "persons": persons,
        "cases": rounds,
        "closed": closed,
        "failures": failures,
        "last_ms": {"median": round(statistics.median(last) * 1000, 1), "p95": round(percentile(last, 0.95) * 1000, 1)},
    }


def _at_once(services: Services, people: People, items: list[str], failures: list[str]) -> float:
    """Seconds until the last of them is done."""
    gate = threading.Barrier(len(items) + 1)

    def finish(item: str) -> None:
        gate.wait()
        try:
            work.complete(services, item, actor=people.worker, values={}, request_id=new_id())
        except Exception as error:  # that is what is measured
            failures.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=finish, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began
