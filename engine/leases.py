"""Leases of the jobs that a worker has claimed: renewed while a job waits for its thread or runs, so that a slow call is not doubled."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .db import Statement, Unit
from .models import Job

if TYPE_CHECKING:
    from .services import Services

#: ends that are not kept waiting for more
_TOGETHER = 50

log = logging.getLogger(__name__)

_LEASE = Statement(sa.select(Job.state, Job.lease).where(Job.id == sa.bindparam("job_id")).with_for_update())
# What a case's turn has locked is passed over and renewed the next time: two who wait for each other's rows would be worse.
_MINE = sa.select(Job.id).where(Job.id == sa.bindparam("job_id"), Job.lease == sa.bindparam("held"), Job.state == "leased")
_RENEW = Statement(sa.update(Job).where(Job.id.in_(_MINE.with_for_update(skip_locked=True))).values(lease_until=sa.bindparam("until")))


def holds(unit: Unit, job: Any) -> bool:
    """Whether a job is still leased to who carries it out. Its row is locked."""
    row = unit.one(_LEASE, job_id=job.id)
    return row is not None and row.state == "leased" and row.lease == job.lease


class Leases:
    """Those of one runner. A thread of its own renews them three times within their span, as long as there are some."""

    def __init__(self, services: Services) -> None:
        self._services = services
        #: how long a lease lasts
        self.span = dt.timedelta(seconds=services.settings.job_lease)
        self._longest = dt.timedelta(seconds=services.settings.job_longest)
        self._changing = threading.Lock()
        self._held: dict[str, Any] = {}
        #: of those, what was carried out and not yet written down
        self._ended: dict[str, Any] = {}
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

    def ended(self, job: Any) -> None:
        """It was carried out and concerns no case any more. Such ends are written many at once, and the lease is held until then."""
        with self._changing:
            self._ended[job.id] = job

    def let_go(self, job: Any) -> None:
        """Its thread is through with it, one way or another."""
        with self._changing:
            if job.id not in self._ended:
                self._forget(job)
            enough = len(self._ended) >= _TOGETHER or len(self._ended) == len(self._held)
        if enough:
            self.write_ends()

    def write_ends(self) -> None:
        """Write down what was carried out, where the lease is still held. If that fails, the leases run out and it is done again."""
        with self._changing:
            jobs, self._ended = list(self._ended.values()), {}
        if not jobs:
            return
        try:
            ended = {"state": "done", "finished_at": self._services.clock.now(), "lease": None, "lease_until": None}
            held = sa.and_(Job.id.in_([job.id for job in jobs]), Job.lease.in_({job.lease for job in jobs}), Job.state == "leased")
            with self._services.database.unit() as unit:
                unit.connection.execute(sa.update(Job).where(held).values(ended))
                unit.commit()
        except Exception:
            log.exception("the ends of %d jobs could not be written; they are done again when their leases are over", len(jobs))
        finally:
            with self._changing:
                for job in jobs:
                    self._forget(job)

    def _forget(self, job: Any) -> None:
        """Hold it no more, unless this runner has claimed it again meanwhile."""
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
        """Renew no more; what is being renewed comes to its end, or to that of a try at a database that is away."""
        self._closed.set()
        if self._beat is not None:
            self._beat.join()

    def _renewing(self) -> None:
        while not self._closed.wait(self.span.total_seconds() / 3):
            try:
                self.write_ends()
                self.renew()
            except Exception:
                log.exception("leases could not be renewed; that is tried again")
