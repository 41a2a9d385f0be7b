"""The embedded carrier: APScheduler in memory rings the runner when a commit made work due, and looks by itself in between.

It owns no state: every job is a row, claimed by the runner. Several processes may each have a bell.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from concurrent.futures import Future

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from .ports import Runs, Transaction

log = logging.getLogger(__name__)
# A ring while two looks are waiting is skipped, which is right: say so only to who asks for it.
logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


class Bell:
    """`ports.Carrier` for one process, which runs at most `threads` jobs at once and looks every `poll` seconds."""

    def __init__(self, *, poll: float, threads: int) -> None:
        self._poll = poll
        self._free = threads
        self._counting = threading.Lock()
        # One thread looks and never waits for a job, so a slow outside system holds up nobody else.
        self._scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone=dt.UTC)
        self._runner: Runs | None = None

    def start(self, runner: Runs) -> None:
        """Begin to look; the first look is now."""
        self._runner = runner
        now = dt.datetime.now(dt.UTC)
        options = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._scheduler.add_job(self._look, "interval", seconds=self._poll, id="poll", next_run_time=now, **options)
        self._scheduler.start()

    def defer(self, unit: Transaction, job: str, due: dt.datetime) -> None:
        unit.after_commit(lambda: self.ring(due))

    def sweep(self, job: str, due: dt.datetime) -> None:
        """Nothing to bring: every process looks by itself."""

    def ring(self, due: dt.datetime | None) -> None:
        """Look now if something is due before the next look; what is due later the regular look finds."""
        if self._runner is None or not self._scheduler.running:
            return
        now = dt.datetime.now(dt.UTC)
        if due is None or due <= now + dt.timedelta(seconds=self._poll):
            when = max(due or now, now)
            # A later ring must not take the place of one that is due now. One more look may wait while one is under way:
            # that one may have passed the new job already.
            name = "soon" if when > now else "now"
            options = {"replace_existing": True, "misfire_grace_time": None, "max_instances": 2}
            self._scheduler.add_job(self._look, "date", run_date=when, id=name, **options)

    def stop(self) -> None:
        """Look no more; what runs is finished first."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        if self._runner is not None:
            self._runner.close()

    def _look(self) -> None:
        """Begin no more than there are threads for: a job that waited here would use up its lease."""
        assert self._runner is not None
        try:
            while self._free and (begun := self._runner.begin_due(self._free)):
                with self._counting:
                    self._free -= len(begun)
                for job in begun:
                    job.add_done_callback(self._ended)
        except Exception:
            log.exception("looking for due jobs failed; the next look tries again")

    def _ended(self, _job: Future[None]) -> None:
        with self._counting:
            self._free += 1
            was_full = self._free == 1
        if was_full:
            self.ring(None)
