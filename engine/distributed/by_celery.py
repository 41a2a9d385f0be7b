"""Celery as carrier, for those who run it: a message after the commit, and the sweep for those that were lost.

A message says that a job is due; which one is run is decided by the claim, so a message too many or one too few does no harm.
What is due much later is not sent ahead: a broker would hold it in a worker's memory. The sweep sends it in time.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading

import celery

from ..ports import Runs, Transaction
from . import heard

log = logging.getLogger(__name__)

#: seconds that a message may wait in a worker for the moment at which its job is due
_AHEAD = 60.0


class Celery:
    """`ports.Carrier` over Celery's broker; the worker runs at most `threads` jobs at once.

    `stale`: seconds after which a message of the sweep is worthless, because the next sweep sent another.
    """

    def __init__(self, broker: str, *, threads: int, stale: float) -> None:
        self._threads = threads
        self._stale = stale
        self._runner: Runs | None = None
        self._app = celery.Celery("partwell", broker=broker, set_as_current=False)
        self._app.conf.update(
            task_default_queue="partwell",
            task_ignore_result=True,
            task_serializer="json",
            accept_content=["json"],
            worker_hijack_root_logger=False,
            worker_prefetch_multiplier=1,
            broker_connection_retry_on_startup=True,
            broker_transport_options={"max_retries": 1, "interval_max": 0.2},
        )

        @self._app.task(name="partwell.due", shared=False)  # type: ignore[untyped-decorator]
        def arrived(job: str, due: float) -> None:
            assert self._runner is not None
            heard(self._runner, job, due)

        self._task = arrived

    def defer(self, unit: Transaction, job: str, due: dt.datetime) -> None:
        unit.after_commit(lambda: self._send(job, due))

    def ring(self, due: dt.datetime | None) -> None:
        self._send("", due)

    def sweep(self, job: str, due: dt.datetime) -> None:
        self._send(job, due, expires=self._stale)

    def start(self, runner: Runs) -> None:
        self._runner = runner
        self._app.finalize()
        self._app.set_default()  # its threads look for the application there
        self._worker = self._app.WorkController(
            pool="threads", concurrency=self._threads, without_heartbeat=True, without_mingle=True, without_gossip=True, loglevel="WARNING"
        )
        self._thread = threading.Thread(target=self._worker.start, name="celery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            self._worker.stop()
            self._thread.join(10)
            runner.close()
        self._app.close()

    def _send(self, job: str, due: dt.datetime | None, expires: float | None = None) -> None:
        """A broker that is away fails no command: the job is stored, and the sweep sends again."""
        wait = (due - dt.datetime.now(dt.UTC)).total_seconds() if due else 0.0
        if wait > _AHEAD:
            return
        try:
            self._task.apply_async((job, due.timestamp() if due else 0.0), countdown=max(wait, 0.0), expires=expires, retry=False)
        except Exception as error:
            log.warning("the broker did not take a message: %s", error)
