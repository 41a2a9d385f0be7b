"""The sweep: what nobody else notices is done every few seconds, by one elected process.

It wakes workers for jobs whose message was lost or whose worker died, and removes what has run out. Each duty is a function of
the present moment; one that fails is logged, and the others are done nevertheless.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Sequence

from .. import claims
from ..db import Database
from ..ports import Carrier, Clock
from .election import Candidate

log = logging.getLogger(__name__)

#: what one sweep does at most; the next one goes on
LARGEST_SWEEP = 500

Duty = Callable[[dt.datetime], None]


class Sweeper:
    """Stands for election and, while elected, does the duties every `every` seconds."""

    def __init__(self, database: Database, clock: Clock, duties: Sequence[Duty], *, every: float) -> None:
        self._clock = clock
        self._duties = duties
        self._every = every
        self._candidate = Candidate(database, "sweep", term=3 * every)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._candidate.resign()

    def sweep(self) -> bool:
        """One sweep, if this process is elected; whether it was."""
        now = self._clock.now()
        if not self._candidate.elected(now):
            return False
        for duty in self._duties:
            try:
                duty(now)
            except Exception:
                log.warning("a duty of the sweep failed; the next sweep tries again", exc_info=True)
        return True

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.sweep()
            except Exception:
                log.exception("a sweep failed; the next one tries again")
            self._stopped.wait(self._every)


def strays(database: Database, carrier: Carrier, *, ahead: float) -> Duty:
    """The duty to wake workers for jobs that are due, or will be within `ahead` seconds, and that nobody runs."""

    def sweep(now: dt.datetime) -> None:
        with database.reading() as connection:
            found = claims.strays(connection, now + dt.timedelta(seconds=ahead), LARGEST_SWEEP)
        for job, due in found:
            carrier.sweep(job, due)

    return sweep
