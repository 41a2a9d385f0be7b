"""A steady stream of completions while jobs run and inboxes are read, each timed from the moment at which it was meant to begin.

A slow answer therefore makes those behind it late, too, as it does for people.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .. import cases, deploying, inbox, work
from ..jobs import Runner
from ..models import new_id
from ..ports import Answer, Call, Operation
from ..services import Services
from . import diagrams, six_tasks
from .six_tasks import People, percentile

#: so many people work at the same time
HANDS = 8


class Nothing:
    """An operation that is done at once."""

    names: Sequence[str] = ("bench.nothing",)

    def call(self, call: Call) -> Answer:
        return Answer(value={})

    def check(self) -> Sequence[str]:
        return ()


def offered() -> dict[str, Operation]:
    """The operations that the services must offer."""
    return {name: Nothing() for name in Nothing.names}


def measure(services: Services, people: People, rate: float, seconds: float) -> dict[str, Any]:
    """`rate` completions a second for so many seconds, beside five job cases and five inbox reads a second.

    The services must offer `offered()`.
    """
    deploying.deploy(services, {"call.bpmn": diagrams.call(Nothing.names[0])}, procedure="call")
    six_tasks.lap(services, people, six_tasks.WARM_UP)
    count = int(rate * seconds)
    ready: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    for _ in range(max(2 * HANDS, count // six_tasks.TASKS + HANDS)):
        case = _start(services, people, six_tasks.PROCEDURE)
        ready.put((case, six_tasks.open_item(services, case)))
    took: list[float] = []
    failures: list[str] = []

    def complete(meant: float) -> None:
        case, item = ready.get(timeout=30)
        try:
            work.complete(services, item, actor=people.worker, values={"value": 1, "comment": "已办"}, request_id=new_id())
            took.append(time.perf_counter() - meant)
            following = six_tasks.open_item(services, case)
            if following:
                ready.put((case, following))
        except Exception as error:  # counted, and told
            failures.append(f"{type(error).__name__}: {error}")

    over = threading.Event()
    runner = Runner(services, name="bench", seal=lambda case: None)
    beside = [
        _steadily(over, 0.2, lambda: _start(services, people, "call")),
        _steadily(over, 0.05, runner.run_due),
        _steadily(over, 0.2, lambda: inbox.inbox(services, people.worker, box="group")),
    ]
    with ThreadPoolExecutor(HANDS) as hands:
        began = time.perf_counter() + 0.1
        for number in range(count):
            meant = began + number / rate
            time.sleep(max(0.0, meant - time.perf_counter()))
            hands.submit(complete, meant)
    over.set()
    for thread in beside:
        thread.join()
    runner.close()
    return {
        "rate": rate,
        "completions": len(took),
        "failures": failures[:5],
        "from_intended_start_ms": {
            share: round(percentile(took, at) * 1000, 2) for share, at in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))
        },
    }


def backlog(services: Services, people: People, jobs: int) -> dict[str, Any]:
    """How long the runner takes for what piled up while no worker ran. Each job resumes its case and lets it be closed."""
    deploying.deploy(services, {"call.bpmn": diagrams.call(Nothing.names[0])}, procedure="call")
    for _ in range(jobs):
        _start(services, people, "call")
    runner = Runner(services, name="bench", seal=lambda case: None)
    began = time.perf_counter()
    ran = 0
    while done := runner.run_due():
        ran += done
    took = time.perf_counter() - began
    runner.close()
    return {"cases": jobs, "jobs": ran, "seconds": round(took, 2), "jobs_per_second": round(ran / took, 1)}


def _start(services: Services, people: People, procedure: str) -> str:
    return cases.start(
        services, procedure=procedure, initiator=people.initiator, subject=people.subject, values={}, request_id=new_id()
    ).case_id


def _steadily(over: threading.Event, every: float, action: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        while not over.wait(every):
            action()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
