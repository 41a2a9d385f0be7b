"""`partwell bench approvals`: many people who approve at once, each in a case of their own, through HTTP.

The server is a process of its own, as `partwell up` sets it up; each person has one kept connection, as a browser has.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from engine import cases, deploying
from engine.bench import diagrams
from engine.bench.six_tasks import open_item, percentile
from engine.models import Case, Person, new_id
from engine.services import Services
from engine.settings import Settings

from .inbox_http import log_in
from .places import served

_CHAIN = {
    "approval": {
        "name": "审批",
        "name_en": "Approval",
        "steps": [{"name": "审批", "name_en": "Approval", "approvers": [{"rule": "initiator"}], "initiator": "self"}],
    }
}


def measure(services: Services, settings: Settings, subject: str, people: int, rounds: int, every: float) -> dict[str, Any]:
    """`rounds` times each of `people` approves one, first at their own pace, one in `every` seconds, then all at the same moment.

    At one's own pace it is timed from the moment at which it was meant to begin, so that a slow answer makes those behind it late.
    """
    deploying.deploy(
        services, {"approval.bpmn": diagrams.approval("approval"), "chains.json": json.dumps(_CHAIN).encode()}, procedure="approval"
    )
    approvers = [new_id() for _ in range(people)]
    with services.database.unit() as unit:
        for number, approver in enumerate(approvers):
            unit.add(Person, id=approver, name=f"审批人 {number}", post="", post_en="", active=True)
        unit.commit()
    log_in(services, set(approvers))
    begun = [[_begun(services, approver, subject) for _ in range(2 * rounds + 1)] for approver in approvers]
    with served(settings) as (port, used):
        desks = [_Desk(port, approver) for approver in approvers]
        _together(desks, lambda number, desk: desk.approve(begun[number].pop(), time.perf_counter()))  # their connections
        for desk in desks:
            desk.took.clear()
        before = used()
        start = time.perf_counter() + 0.2

        def at_own_pace(number: int, desk: _Desk) -> None:
            for turn in range(rounds):
                meant = start + every * (turn + number / people)
                time.sleep(max(0.0, meant - time.perf_counter()))
                desk.approve(begun[number].pop(), meant)

        _together(desks, at_own_pace)
        processor = used() - before
        steady = [seconds for desk in desks for seconds in desk.took]
        burst: list[float] = []
        last: list[float] = []
        for _ in range(rounds):
            for desk in desks:
                desk.took.clear()
            _together(desks, lambda number, desk: desk.approve(begun[number].pop(), time.perf_counter()))
            burst += [seconds for desk in desks for seconds in desk.took]
            last.append(max(seconds for desk in desks for seconds in desk.took))
    with services.database.reading() as connection:
        closed = sa.select(sa.func.count()).select_from(Case).where(Case.procedure == "approval", Case.status == "closed")
        approved = connection.execute(closed).scalar_one() - people
    return {
        "people": people,
        "approved": approved,
        "failures": [failure for desk in desks for failure in desk.failures][:5],
        "a_second": round(people / every, 1),
        "processor_ms": round(processor / len(steady) * 1000, 2),
        "own_pace_ms": _shares(steady),
        "same_moment_ms": {**_shares(burst), "last": round(percentile(last, 0.5) * 1000, 1)},
    }


def _shares(took: Sequence[float]) -> dict[str, float]:
    return {share: round(percentile(took, at) * 1000, 1) for share, at in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))}


def _begun(services: Services, approver: str, subject: str) -> str:
    """A new case that waits for this approver; its open item."""
    case = cases.start(services, procedure="approval", initiator=approver, subject=subject, values={}, request_id=new_id())
    return open_item(services, case.case_id)


class _Desk:
    """A person at a browser; whatever goes wrong is counted, and told."""

    def __init__(self, port: int, approver: str) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {approver}"}
        self.took: list[float] = []
        self.failures: list[str] = []

    def approve(self, item: str, meant: float) -> None:
        headers = {**self._headers, "Idempotency-Key": new_id()}
        try:
            self._line.request("POST", f"/api/v1/items/{item}/approve", json.dumps({"opinion": "同意"}), headers)
            answer = self._line.getresponse()
            said = answer.read()
            if answer.status != 204:
                self.failures.append(f"{answer.status}: {said.decode()[:200]}")
        except OSError as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        self.took.append(time.perf_counter() - meant)


def _together(desks: Sequence[_Desk], act: Callable[[int, _Desk], None]) -> None:
    """Each desk in a thread of its own, all from the same moment on."""
    gate = threading.Barrier(len(desks))

    def run(number: int, desk: _Desk) -> None:
        gate.wait()
        act(number, desk)

    threads = [threading.Thread(target=run, args=(number, desk)) for number, desk in enumerate(desks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
