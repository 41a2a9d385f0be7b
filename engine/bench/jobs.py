"""What the job table bears: bare jobs, which touch no case, and calls whose answers take a case on.

A bare job is claimed, run and ended and nothing else, as the job that seals a case is apart from the sealing; workers claim
`BATCH` of them at a time. A resuming job is the call of a service task that answers at once; its answer is a turn of its case,
which ends with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from .. import cases, deploying
from ..jobs import Runner
from ..models import Case, Job, new_id
from ..ports import Answer, Call
from ..services import Services
from .six_tasks import People

PROCEDURE = "one-call"
BATCH = 100


class Prompt:
    """An outside system that answers at once."""

    names: Sequence[str] = ("bench.prompt",)

    def call(self, call: Call) -> Answer:
        return Answer(value={"seen": call.attempt})

    def check(self) -> Sequence[str]:
        return ()


def with_prompt(services: Services) -> Services:
    """The same services with the system that answers at once."""
    return dataclasses.replace(services, operations={**services.operations, Prompt.names[0]: Prompt()})


def fill_resuming(services: Services, people: People, count: int) -> None:
    """Start so many cases, each with its call."""
    folder = Path(__file__).parent
    deploying.deploy(services, {"one-call.bpmn": (folder / "one-call.bpmn").read_bytes()}, procedure=PROCEDURE)
    for _ in range(count):
        cases.start(services, procedure=PROCEDURE, initiator=people.initiator, subject=people.subject, values={}, request_id=new_id())


def fill_bare(services: Services, people: People, count: int) -> None:
    """Make so many bare jobs of a case that is over, due now."""
    fill_resuming(services, people, 1)
    work(services, "operation")
    now = services.clock.now()
    with services.database.unit() as unit:
        case_id = unit.connection.execute(sa.select(Case.id).where(Case.procedure == PROCEDURE).limit(1)).scalar_one()
        rows = [
            {
                "id": new_id(),
                "case_id": case_id,
                "kind": "seal",
                "element": "",
                "instance": "bare",
                "operation": "",
                "key": new_id(),
                "state": "waiting",
                "priority": 0,
                "due_at": now,
                "attempts": 0,
                "max_attempts": 5,
                "created_at": now,
            }
            for _ in range(count)
        ]
        for start in range(0, count, 1000):
            unit.connection.execute(sa.insert(Job), rows[start : start + 1000])
        unit.commit()


def work(services: Services, kind: str) -> int:
    """As one worker, run what is due of a kind until nothing is; gives how many jobs that were. Sealing costs nothing here."""
    runner = Runner(services, name="bench", seal=lambda case: None)
    total = 0
    while waiting(services, kind) and (ran := runner.run_due(BATCH)):
        total += ran
    runner.close()
    return total


def waiting(services: Services, kind: str) -> bool:
    """Whether a job of the kind is to be claimed."""
    with services.database.reading() as connection:
        found = sa.select(Job.id).where(Job.kind == kind, Job.state == "waiting").limit(1)
        return connection.execute(found).first() is not None


def ended(services: Services, kind: str) -> int:
    """Jobs of the kind that were carried out."""
    with services.database.reading() as connection:
        done = sa.select(sa.func.count()).select_from(Job).where(Job.kind == kind, Job.state == "done")
        return int(connection.execute(done).scalar_one())
