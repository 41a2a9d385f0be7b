"""Which job a worker takes next: what is due, by priority and then by due time, within the limits of each operation.

A look at nothing due is one statement that reads an index and no case. One statement claims any number of jobs. Where limits
are set, the rows of `operation_paces` are locked meanwhile, so that all workers together keep to them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from .db import Unit, one_of
from .models import OUTLIVING, Case, Job, OperationPace, ProcedureVersion
from .settings import Limit

#: seconds in which `Limit.per_minute` counts
_MINUTE = 60
#: written out: both databases use a partial index only where they see its condition
_WAITING = Job.state == sa.literal_column("'waiting'")
_LEASED = Job.state == sa.literal_column("'leased'")
_NOW: sa.BindParameter[dt.datetime] = sa.bindparam("now", type_=Job.due_at.type)
_LOST = sa.and_(_LEASED, Job.lease_until < _NOW)

# Scalar subqueries, so that both databases look up one case for each due job and never read the table of cases.
_STATUS = sa.select(Case.status).where(Case.id == Job.case_id).scalar_subquery()
_VERSION = sa.select(Case.version_id).where(Case.id == Job.case_id).scalar_subquery()
_SUSPENDED = sa.select(ProcedureVersion.id).where(ProcedureVersion.suspended)
_RUNS = sa.or_(one_of(Job.kind, *OUTLIVING), sa.and_(_STATUS == "running", _VERSION.not_in(_SUSPENDED)))
_EARLIER = aliased(Job)
#: Timers of a case fire one after another, also after an outage and however many runners there are; and an outside centre is told of
#: a case's work by one job after another, so that what was true later is said later.
_ITS_TURN = sa.or_(
    Job.kind.not_in(("timer", "project")),
    ~sa.exists().where(
        _EARLIER.case_id == Job.case_id,
        _EARLIER.kind == Job.kind,
        _EARLIER.operation == Job.operation,
        _EARLIER.state.in_(("waiting", "leased")),
        sa.or_(_EARLIER.due_at < Job.due_at, sa.and_(_EARLIER.due_at == Job.due_at, _EARLIER.id < Job.id)),
    ),
)
_DUE = sa.and_(_WAITING, Job.due_at <= _NOW, _RUNS, _ITS_TURN)

# The priorities that waiting jobs have, from the highest on: one look into the index for each, however many jobs there are.
_HIGHEST = sa.select(sa.func.max(Job.priority).label("priority")).where(_WAITING).cte("priorities", recursive=True)
_NEXT = sa.select(sa.func.max(Job.priority)).where(_WAITING, Job.priority < _HIGHEST.c.priority).scalar_subquery()
_PRIORITIES = _HIGHEST.union_all(sa.select(_NEXT).where(_HIGHEST.c.priority.is_not(None)))
_LOOK = sa.union(
    sa.select(_PRIORITIES.c.priority, sa.false().label("lost")).where(sa.exists().where(Job.priority == _PRIORITIES.c.priority, _DUE)),
    sa.select(Job.priority, sa.true()).where(_LOST),
)
_FREE: dict[str, Any] = {"state": "waiting", "lease": None, "lease_until": None}
_BACK = (
    sa.update(Job)
    .where(Job.id.in_(sa.select(Job.id).where(_LOST).with_for_update(skip_locked=True).cte("lost").select()))
    .values(_FREE | {"due_at": sa.case((Job.due_at > _NOW, _NOW), else_=Job.due_at)})  # a clock may have been set back meanwhile
    .execution_options(synchronize_session=False)
)


class Look(NamedTuple):
    """What a look at the jobs has found."""

    #: of jobs that are due, the highest first
    priorities: Sequence[int]
    #: whether a worker's lease has run out
    lost: bool

    def __bool__(self) -> bool:
        return bool(self.priorities) or self.lost


def look(connection: sa.Connection, now: dt.datetime) -> Look:
    """Whether anything is due. One statement."""
    rows = connection.execute(_LOOK, {"now": now}).all()
    return Look(sorted({row.priority for row in rows}, reverse=True), any(row.lost for row in rows))


def clock_was_set_back(unit: Unit, *, before: dt.datetime, now: dt.datetime, until: dt.datetime) -> Look:
    """What was due `before` the clock was set back to `now` is due still, and no lease lasts longer than `until`.

    Timers and scheduled versions keep their time. Several workers may notice it; the second one changes nothing.
    """
    connection = unit.connection
    asked_before = sa.or_(Job.due_at <= before, Job.created_at > now)
    already = sa.and_(_WAITING, Job.kind.not_in(("timer", "due", "activate")), Job.due_at > now, asked_before)
    connection.execute(sa.update(Job).where(already).values(due_at=now))
    connection.execute(sa.update(Job).where(_LEASED, Job.lease_until > until).values(lease_until=until))
    return look(connection, now)


def oldest_due(connection: sa.Connection, now: dt.datetime) -> dt.datetime | None:
    """Since when the job has been due that a runner should have taken first; None when none waits that may run now."""
    due = sa.select(Job.due_at).where(_WAITING, Job.due_at <= _NOW, _RUNS).order_by(Job.due_at).limit(1)
    found: dt.datetime | None = connection.execute(due, {"now": now}).scalar_one_or_none()
    return found


def strays(connection: sa.Connection, now: dt.datetime, limit: int) -> list[tuple[str, dt.datetime]]:
    """Up to `limit` jobs that a runner may take at `now`, in no order: their ids, and since or from when."""
    since = sa.case((_LEASED, Job.lease_until), else_=Job.due_at).label("since")
    rows = connection.execute(sa.select(Job.id, since).where(sa.or_(_DUE, _LOST)).limit(limit), {"now": now})
    return [(row.id, row.since) for row in rows]


def claim(
    unit: Unit, seen: Look, *, now: dt.datetime, until: dt.datetime, lease: str, limit: int, limits: Mapping[str, Limit] = {}
) -> list[Any]:
    """Lease up to `limit` due jobs until `until` and give their rows, the most urgent first; nothing is committed.

    `limits`: those of each operation that has some. What is beyond them waits, and what stands behind it is taken instead.
    """
    connection = unit.connection
    allowed = _Allowed(connection, now, limits) if limits else None
    if seen.lost:
        connection.execute(_BACK, {"now": now})
    if allowed:
        allowed.count()
    taken: list[Any] = []
    for priority in seen.priorities:
        beyond: list[str] = ["?"]
        while beyond and len(taken) < limit:
            chosen = _claim(limit - len(taken), allowed.full if allowed else ())
            rows = list(connection.execute(chosen, {"now": now, "of": priority, "by": lease, "until": until}))
            rows.sort(key=lambda row: (row.due_at, row.id))
            beyond = [row.id for row in rows if not allowed.take(row.operation)] if allowed else []
            if beyond:
                connection.execute(sa.update(Job).where(Job.id.in_(beyond)).values(_FREE | {"attempts": Job.attempts - 1}))
            taken += [row for row in rows if row.id not in beyond]
    if allowed:
        allowed.keep()
    return taken


def _claim(limit: int, full: Collection[str]) -> sa.Executable:
    """Lease the first due jobs of the priority `of`, but for the operations in `full`."""
    first = sa.select(Job.id).where(Job.priority == sa.bindparam("of"), _DUE)
    if full:
        first = first.where(Job.operation.not_in(full))
    chosen = first.order_by(Job.due_at).limit(limit).with_for_update(skip_locked=True, of=Job).cte("chosen")
    leased = {"state": "leased", "lease": sa.bindparam("by"), "lease_until": sa.bindparam("until"), "attempts": Job.attempts + 1}
    return (
        sa.update(Job)
        .where(Job.id.in_(sa.select(chosen.c.id)))
        .values(leased)
        .returning(*Job.__table__.columns)
        .execution_options(synchronize_session=False)
    )


class _Allowed:
    """How many jobs of each operation with limits may begin now. Its rows stay locked until the unit ends."""

    def __init__(self, connection: sa.Connection, now: dt.datetime, limits: Mapping[str, Limit]) -> None:
        self._connection = connection
        self._limits = limits
        self._second = int(now.timestamp())
        self._left: dict[str, float] = {}
        rows = self._locked()
        if missing := limits.keys() - rows.keys():
            insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            fresh = [{"operation": operation, "begun": {}} for operation in sorted(missing)]
            connection.execute(insert(OperationPace).on_conflict_do_nothing(), fresh)
            rows = self._locked()
        # By the second, so that a row stays small; a second that lies half in the minute counts whole. After a clock was set
        # back, what seems to have begun in the future counts no more.
        self._begun = {
            operation: Counter({second: n for second, n in begun.items() if self._second - _MINUTE <= int(second) <= self._second})
            for operation, begun in rows.items()
        }
        self._fresh: Counter[str] = Counter()

    def _locked(self) -> dict[str, dict[str, int]]:
        rows = self._connection.execute(
            sa.select(OperationPace.operation, OperationPace.begun)
            .where(OperationPace.operation.in_(self._limits))
            .order_by(OperationPace.operation)
            .with_for_update()
        )
        return {row.operation: row.begun for row in rows}

    def count(self) -> None:
        """Count what runs and what was begun; asked after lost leases were taken back."""
        counted = sa.select(Job.operation, sa.func.count().label("jobs")).where(_LEASED, Job.operation.in_(self._limits))
        running = {row.operation: row.jobs for row in self._connection.execute(counted.group_by(Job.operation))}
        for operation, limit in self._limits.items():
            at_once = (limit.concurrency or math.inf) - running.get(operation, 0)
            within = (limit.per_minute or math.inf) - self._begun[operation].total()
            self._left[operation] = min(at_once, within)

    @property
    def full(self) -> list[str]:
        """Operations of which none may begin."""
        return [operation for operation, left in self._left.items() if left <= 0]

    def take(self, operation: str) -> bool:
        """Begin one, if that is within the limits."""
        if operation not in self._left:
            return True
        if self._left[operation] <= 0:
            return False
        self._left[operation] -= 1
        self._fresh[operation] += 1
        return True

    def keep(self) -> None:
        """Store what was begun, where it counts."""
        for operation, fresh in self._fresh.items():
            if self._limits[operation].per_minute:
                begun = self._begun[operation] + Counter({str(self._second): fresh})
                self._connection.execute(sa.update(OperationPace).where(OperationPace.operation == operation).values(begun=dict(begun)))
