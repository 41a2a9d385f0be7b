"""Start, then six user tasks in a row: what one completion costs when everything is on.

Each start and each completion is a transaction of its own, with fsync, encryption, ledger, form check and a FEEL condition
after the third task. Figures come from the calls of the use cases; `commit_ms` is a bare one-row commit on the same
database in the same minute, to hold them against.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from .. import cases, deploying, work
from ..models import Case, Holding, Person, WorkItem, new_id
from ..services import Services

HERE = Path(__file__).parent
PROCEDURE = "six-tasks"
ROLE = "bench"
TASKS = 6
WARM_UP = 20


@dataclass(frozen=True)
class People:
    """Ids of who starts, whom it is about, and who does the work."""

    initiator: str
    subject: str
    worker: str


def prepare(services: Services) -> People:
    """Deploy the procedure and make the people it needs."""
    files = {name: (HERE / name.removeprefix("forms/")).read_bytes() for name in ("six-tasks.bpmn", "forms/six-tasks.form")}
    deploying.deploy(services, files, procedure=PROCEDURE)
    people = People(new_id(), new_id(), new_id())
    with services.database.unit() as unit:
        for person, name in ((people.initiator, "发起人"), (people.subject, "当事人"), (people.worker, "经办人")):
            unit.add(Person, id=person, name=name, post="", post_en="", active=True)
        unit.add(Holding, person_id=people.worker, role=ROLE)
        unit.commit()
    return people


@dataclass(frozen=True)
class Lap:
    """What one process measured."""

    seconds: float
    #: seconds of every completion
    completions: Sequence[float]
    statements: int
    commits: int


def lap(services: Services, people: People, count: int, complete: Callable[[str, dict[str, Any]], None] | None = None) -> Lap:
    """Run `count` whole cases. `complete(item_id, values)` finishes an item; default: the use case itself."""

    def directly(item_id: str, values: dict[str, Any]) -> None:
        work.complete(services, item_id, actor=people.worker, values=values, request_id=new_id())

    complete = complete or directly
    took: list[float] = []
    began = time.perf_counter()
    spent_elsewhere = 0.0
    statements = commits = 0
    for number in range(count):
        started = cases.start(
            services, procedure=PROCEDURE, initiator=people.initiator, subject=people.subject, values={}, request_id=new_id()
        )
        for task in range(TASKS):
            looked = time.perf_counter()
            item = open_item(services, started.case_id)
            spent_elsewhere += time.perf_counter() - looked
            before = services.database.sent
            clock = time.perf_counter()
            complete(item, {"value": number * TASKS + task + 1, "comment": f"第 {task + 1} 步已办"})
            took.append(time.perf_counter() - clock)
            after = services.database.sent
            statements += after.statements - before.statements
            commits += after.commits - before.commits
    return Lap(time.perf_counter() - began - spent_elsewhere, took, statements, commits)


def open_item(services: Services, case_id: str) -> str:
    """ "" when nothing waits. A person would see it in the inbox; looking it up is not part of what is measured."""
    with services.database.reading() as connection:
        waiting = sa.select(WorkItem.id).where(WorkItem.case_id == case_id, WorkItem.status == "open")
        return connection.execute(waiting).scalar_one_or_none() or ""


def bare_commit(services: Services, count: int = 200) -> float:
    """Median seconds of an insertion of one small row with its commit."""
    took = []
    for _ in range(count):
        person = new_id()
        with services.database.unit() as unit:
            unit.add(Person, id=person, name="x", post="", post_en="", active=False)
            clock = time.perf_counter()
            unit.commit()
            took.append(time.perf_counter() - clock)
    return statistics.median(took)


def stored_bytes(services: Services) -> int:
    """Bytes that the database occupies, indexes included."""
    with services.database.reading() as connection:
        if connection.dialect.name == "sqlite":
            size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        else:
            size = "SELECT pg_database_size(current_database())"
        return int(connection.execute(sa.text(size)).scalar_one())


def finished(services: Services) -> tuple[int, int]:
    """Cases of the procedure that went through all six tasks, and those that are still open."""
    cases_of = sa.select(sa.func.count()).select_from(Case).where(Case.procedure == PROCEDURE)
    with services.database.reading() as connection:
        closed = connection.execute(cases_of.where(Case.status == "closed", Case.outcome != "rejected")).scalar_one()
        still_open = connection.execute(cases_of.where(Case.status != "closed")).scalar_one()
    return closed, still_open


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
