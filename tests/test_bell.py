"""The embedded carrier: who rings is heard at once, a slow job holds up nobody, and no more is begun than can run."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from engine.bell import Bell


class Work:
    """A twin of the runner: jobs are functions in a list."""

    def __init__(self, threads: int) -> None:
        self.due: list[Callable[[], Any]] = []
        self.asked_for: list[int] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(threads)

    def begin_due(self, limit: int) -> Sequence[Future[Any]]:
        with self._lock:
            self.asked_for.append(limit)
            taken, self.due = self.due[:limit], self.due[limit:]
        return [self._pool.submit(job) for job in taken]

    def close(self) -> None:
        self._pool.shutdown(wait=True)


@pytest.fixture
def work() -> Work:
    return Work(2)


@pytest.fixture
def bell(work: Work) -> Iterator[Bell]:
    """A bell that looks by itself so seldom that only rings count."""
    opened = Bell(poll=30, threads=2)
    opened.start(work)  # type: ignore[arg-type]
    deadline = time.monotonic() + 5
    while not work.asked_for and time.monotonic() < deadline:
        time.sleep(0.01)
    yield opened
    opened.stop()


def test_a_slow_job_holds_up_nobody(bell: Bell, work: Work) -> None:
    """While one outside system does not answer, the next ring is served."""
    stuck, done = threading.Event(), threading.Event()
    try:
        work.due.append(lambda: stuck.wait(20))
        bell.ring(None)
        time.sleep(0.2)
        work.due.append(done.set)
        bell.ring(None)
        assert done.wait(5)
    finally:
        stuck.set()


def test_no_more_is_begun_than_can_run(bell: Bell, work: Work) -> None:
    """The third job waits unclaimed, so its lease does not run, and is begun once a thread is free."""
    stuck, third = threading.Event(), threading.Event()
    work.due += [lambda: stuck.wait(20), lambda: stuck.wait(20), third.set]
    bell.ring(None)
    assert not third.wait(0.4) and len(work.due) == 1
    stuck.set()
    assert third.wait(5), "the end of a job rings for what waited"
    assert max(work.asked_for) == 2


def test_a_ring_for_later_does_not_replace_one_for_now(bell: Bell, work: Work) -> None:
    """Both are heard, each in its time; a ring beyond the next look is left to that look."""
    first, second = threading.Event(), threading.Event()
    now = dt.datetime.now(dt.UTC)
    work.due.append(first.set)
    bell.ring(None)
    bell.ring(now + dt.timedelta(seconds=1))
    bell.ring(now + dt.timedelta(days=1))
    assert first.wait(0.8)
    work.due.append(second.set)
    assert second.wait(5)


def test_it_stops_after_what_runs_is_finished(work: Work) -> None:
    """What was begun is finished; a ring after the end is no error."""
    opened, done = Bell(poll=0.05, threads=2), threading.Event()
    opened.ring(None)  # nobody looks yet
    opened.start(work)  # type: ignore[arg-type]
    work.due.append(lambda: (time.sleep(0.3), done.set()))
    deadline = time.monotonic() + 5
    while work.due and time.monotonic() < deadline:
        time.sleep(0.01)
    opened.stop()
    assert done.is_set()
    opened.ring(None)


def test_a_failed_look_is_followed_by_another(work: Work, caplog: pytest.LogCaptureFixture) -> None:
    """A database that is away for a moment is written to the log and asked again."""
    whole, calls = work.begin_due, []

    def begin_due(limit: int) -> Sequence[Future[Any]]:
        calls.append(limit)
        if len(calls) == 1:
            raise ConnectionError("away")
        return whole(limit)

    work.begin_due = begin_due  # type: ignore[method-assign]
    done = threading.Event()
    work.due.append(done.set)
    opened = Bell(poll=0.1, threads=2)
    opened.start(work)  # type: ignore[arg-type]
    assert done.wait(5)
    opened.stop()
    assert "the next look tries again" in caplog.text
