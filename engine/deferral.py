"""Work that a turn leaves for later: jobs written with its commit, and what takes them back."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .db import Statement, Unit, one_of
from .errors import PartwellError, TryAgain
from .leases import holds
from .models import OUTLIVING, Job, new_id
from .ports import Json

if TYPE_CHECKING:
    from .services import Services

#: instance of the job that seals a closed case
SEAL = "seal"
#: ends what an instance still had to do
DROP_JOBS = Statement(
    sa.update(Job)
    .where(
        Job.case_id == sa.bindparam("case_id"),
        Job.instance == sa.bindparam("instance"),
        one_of(Job.state, "waiting", "leased", "failed"),
    )
    .values(state="dropped", finished_at=sa.bindparam("at"))
)
#: ends a job: `new_state` is `done`, `failed` or `dropped`
FINISH = Statement(
    sa.update(Job)
    .where(Job.id == sa.bindparam("job_id"))
    .values(state=sa.bindparam("new_state"), finished_at=sa.bindparam("at"), lease=None, lease_until=None)
)
_AGAIN = Statement(
    sa.update(Job).where(Job.id == sa.bindparam("job_id")).values(state="waiting", due_at=sa.bindparam("due"), lease=None, lease_until=None)
)
#: signals on their way to an instance go to the one that waits in its place
MOVE_SIGNALS = Statement(
    sa.update(Job)
    .where(
        Job.case_id == sa.bindparam("case_id"),
        Job.instance == sa.bindparam("instance"),
        Job.kind == "signal",
        one_of(Job.state, "waiting", "leased"),
    )
    .values(instance=sa.bindparam("again"))
)
#: ends everything that a case still had to do, except what outlives it
DROP_ALL_JOBS = Statement(
    sa.update(Job)
    .where(Job.case_id == sa.bindparam("case_id"), sa.not_(one_of(Job.kind, *OUTLIVING)), one_of(Job.state, "waiting", "leased", "failed"))
    .values(state="dropped", finished_at=sa.bindparam("at"))
)
#: a case that goes on is not sealed
DROP_SEALING = Statement(
    sa.update(Job)
    .where(Job.case_id == sa.bindparam("case_id"), Job.kind == "seal", one_of(Job.state, "waiting", "leased", "failed"))
    .values(state="dropped", finished_at=sa.bindparam("at"))
)


def add_job(
    services: Services,
    unit: Unit,
    case_id: str | None,
    kind: str,
    element: str,
    instance: str,
    *,
    at: dt.datetime,
    attempts: int,
    operation: str = "",
    due: dt.datetime | None = None,
    priority: int = 0,
    payload: Json = None,
    key: str | None = None,
) -> str:
    """A job with the unit's commit, its id; `due` None: at once; `key` None: that of the case's instance."""
    job_id, due = new_id(), due or at
    unit.add(
        Job,
        id=job_id,
        case_id=case_id,
        kind=kind,
        element=element,
        instance=instance,
        operation=operation,
        key=key or f"{case_id}:{instance}",
        request=unit.keyring.seal_json(payload, request_purpose(job_id)) if payload is not None else None,
        state="waiting",
        priority=priority,
        due_at=due,
        attempts=0,
        max_attempts=attempts,
        created_at=at,
    )
    services.carrier.defer(unit, job_id, due)
    return job_id


def put_off(services: Services, unit: Unit, job: Any, error: PartwellError, at: dt.datetime) -> bool:
    """Another attempt at a job that failed with `error`, later; nothing, and False, where the error allows none or none is left."""
    if not isinstance(error, TryAgain) or job.attempts >= job.max_attempts:
        return False
    due = at + dt.timedelta(seconds=pause(services, job.attempts, error.after))
    unit.write(_AGAIN, job_id=job.id, due=due)
    services.carrier.defer(unit, job.id, due)
    return True


def give_back(services: Services, job: Any, due: dt.datetime) -> None:
    """A job that its worker puts down before its end is taken up again, here or elsewhere; this attempt does not count."""
    with services.database.unit() as unit:
        if not holds(unit, job):
            return
        free = {"state": "waiting", "due_at": due, "attempts": Job.attempts - 1, "lease": None, "lease_until": None}
        unit.connection.execute(sa.update(Job).where(Job.id == job.id).values(free))
        services.carrier.defer(unit, job.id, due)
        unit.commit()


def pause(services: Services, attempts: int, asked: float | None) -> float:
    """Seconds until the next attempt: doubled each time, with a quarter of jitter, or what the other side asked for."""
    settings = services.settings
    found = min(settings.job_backoff * 2.0 ** min(attempts - 1, 50), settings.job_backoff_limit) * random.uniform(0.75, 1.25)
    return max(found, asked or 0.0)


def add_signal_jobs(
    services: Services, unit: Unit, waits: Sequence[Any], name: str, values: Mapping[str, Json], *, source: str, at: dt.datetime
) -> None:
    """Bring a signal to waits of other cases (rows of `subscriptions.signal_waits`), each by a job; `source` tells signals apart.

    The keys count the waits of each case, so that the same signal sent again does not reach what waits anew since.
    """
    mark = hashlib.sha256(source.encode()).hexdigest()[:32]
    counts: Counter[str] = Counter()
    for wait in waits:
        counts[wait.case_id] += 1
        key = f"{wait.case_id}:signal:{mark}:{counts[wait.case_id]}"
        payload = {"name": name, "values": dict(values)}
        add_job(services, unit, wait.case_id, "signal", wait.element, wait.instance, at=at, attempts=5, payload=payload, key=key)


def request_purpose(job_id: str) -> str:
    """What a job's sealed request is bound to."""
    return f"jobs.request/{job_id}"
