"""The embedded carrier: APScheduler in memory rings the runner when a commit made work due, and looks by itself in between.

It owns no state: every job is a row, claimed by the runner. Several processes may each have a bell.
"""

from __future__ import annotations

import datetime as dt
import logging

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from .jobs import Runner

log = logging.getLogger(__name__)
# A ring while two looks are waiting is skipped, which is right: say so only to who asks for it.
logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


class Bell:
    """`ports.Carrier` for one process."""

    def __init__(self, *, poll: float) -> None:
        self._poll = poll
        # One thread looks; the runner has its own threads for the work, so a look is short and never overlaps another.
        self._scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone=dt.UTC)
        self._runner: Runner | None = None

    def start(self, runner: Runner) -> None:
        """Begin to look; the first look is now."""
        self._runner = runner
        now = dt.datetime.now(dt.UTC)
        options = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._scheduler.add_job(self._look, "interval", seconds=self._poll, id="poll", next_run_time=now, **options)
        self._scheduler.start()

    def ring(self, due: dt.datetime | None) -> None:
        """Look now if something is due before the next look; what is due later the regular look finds."""
        if self._runner is None:
            return
        now = dt.datetime.now(dt.UTC)
        if due is None or due <= now + dt.timedelta(seconds=self._poll):
            when = max(due or now, now)
            # One more may wait while a look is under way: that one may have passed the new job already.
            options = {"replace_existing": True, "misfire_grace_time": None, "max_instances": 2}
            self._scheduler.add_job(self._look, "date", run_date=when, id="rung", **options)

    def stop(self) -> None:
        """Look no more; what runs is finished first."""
        if self._runner is not None:
            self._scheduler.shutdown(wait=True)
            self._runner.close()

    def _look(self) -> None:
        assert self._runner is not None
        try:
            while self._runner.run_due():
                pass
        except Exception:
            log.exception("looking for due jobs failed; the next look tries again")
