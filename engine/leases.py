"""Leases of the jobs that a worker has claimed: renewed while a job waits for its thread or runs, so that a slow call is not doubled."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .db import Statement
from .models import Job

if TYPE_CHECKING:
    from .services import Services

log = logging.getLogger(__name__)

_RENEW = Statement(
    sa.update(Job)
    .where(Job.id == sa.bindparam("job_id"), Job.lease == sa.bindparam("held"), Job.state == "leased")
    .values(lease_until=sa.bindparam("until"))
)


class Leases:
    """Those of one runner. A thread of its own renews them three times within their span, as long as there are some."""

    def __init__(self, services: Services) -> None:
        self._services = services
        #: how long a lease lasts
        self.span = dt.timedelta(seconds=services.settings.job_lease)
        self._longest = dt.timedelta(seconds=services.settings.job_longest)
        self._changing = threading.Lock()
        self._held: dict[str, Any] = {}
        #: when the call of a job began
        self._began: dict[str, dt.datetime] = {}
        self._closed = threading.Event()
        self._beat: threading.Thread | None = None

    def hold(self, jobs: Sequence[Any]) -> None:
        """These jobs were claimed."""
        with self._changing:
            self._held.update({job.id: job for job in jobs})
            if self._held and self._beat is None:
                self._beat = threading.Thread(target=self._renewing, name="leases", daemon=True)
                self._beat.start()

    def begins(self, job: Any) -> None:
        """A thread has taken it up."""
        with self._changing:
            self._began[job.id] = self._services.clock.now()

    def let_go(self, job: Any) -> None:
        """It ended, one way or another; this runner may have claimed it again meanwhile."""
        with self._changing:
            if (held := self._held.get(job.id)) is not None and held.lease == job.lease:
                del self._held[job.id]
                self._began.pop(job.id, None)

    def renew(self) -> None:
        """Hold each job for another span, but none that has run longer than a call may. A lease that was lost stays lost."""
        now = self._services.clock.now()
        with self._changing:
            held = [job for job in self._held.values() if now - self._began.get(job.id, now) < self._longest]
        if not held:
            return
        with self._services.database.unit() as unit:
            for job in sorted(held, key=lambda job: str(job.id)):
                unit.write(_RENEW, job_id=job.id, held=job.lease, until=now + self.span)
            unit.commit()

    def close(self) -> None:
        """Renew no more."""
        self._closed.set()

    def _renewing(self) -> None:
        while not self._closed.wait(self.span.total_seconds() / 3):
            try:
                self.renew()
            except Exception:
                log.exception("leases could not be renewed; that is tried again")
