"""Operation calls and timers as rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant

#: kinds that tell what happened and move nothing
TELLING = ("notice", "event", "project")
#: kinds that run whatever became of their case: it is sealed once closed, a message it sent still arrives, what happened is told; and
#: those that are of no case: a version of a procedure becomes active, or is published
OUTLIVING = ("seal", "message", "activate", "publish", *TELLING)


class Job(Base):
    """One operation call or timer. The row is the truth; whatever rings the worker only brings attention to it."""

    __tablename__ = "jobs"
    __table_args__ = (
        # with the operation, so that jobs of one that is at its limit are passed over without being read
        sa.Index(
            "ix_jobs_due",
            "priority",
            "due_at",
            "operation",
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        ),
        sa.Index("ix_jobs_lease", "lease_until", sqlite_where=sa.text("state = 'leased'"), postgresql_where=sa.text("state = 'leased'")),
        sa.Index("ix_jobs_failed", "created_at", sqlite_where=sa.text("state = 'failed'"), postgresql_where=sa.text("state = 'failed'")),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: None for a notice that tells of no case, for what compares an outside centre with all of them, for `activate` and `publish`
    case_id: Mapped[str | None] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    #: `operation`, `timer`, `message` (to be sent), `signal` (to be delivered), `notice` (to be told to a person),
    #: `event` (to be told to an outside system), `project` (work to be shown in an outside centre), `due` (a sign-off is: its instance),
    #: `asking` (who signs a step), `activate` (a version that was scheduled), `publish` (one whose
    #: scenarios are played first) or `seal`
    kind: Mapped[str] = mapped_column(sa.String(10))
    element: Mapped[str] = mapped_column(sa.String(200))
    instance: Mapped[str] = mapped_column(sa.String(250))
    #: operation name; the outside system's of an event, the centre's of what is shown; empty for others
    operation: Mapped[str] = mapped_column(sa.String(100))
    #: case + element instance: what an outside system sees, the same for every attempt and after any restart
    key: Mapped[str] = mapped_column(sa.String(300), unique=True)
    #: sealed JSON {input, headers}; None for a timer
    request: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    #: `waiting`, `leased`, `done`, `failed` (an incident is open) or `dropped` (its element was left)
    state: Mapped[str] = mapped_column(sa.String(10))
    #: of those that are due, the highest runs first
    priority: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[dt.datetime] = mapped_column(Instant)
    lease_until: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: who holds the lease; a result is applied only while it is still theirs
    lease: Mapped[str | None] = mapped_column(sa.String(32))
    attempts: Mapped[int]
    max_attempts: Mapped[int]
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    finished_at: Mapped[dt.datetime | None] = mapped_column(Instant)


class JobAttempt(Base):
    """One attempt at an operation and how it ended."""

    __tablename__ = "job_attempts"

    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    started_at: Mapped[dt.datetime] = mapped_column(Instant)
    ended_at: Mapped[dt.datetime] = mapped_column(Instant)
    #: `done`, or `code` of the error
    result: Mapped[str] = mapped_column(sa.String(50))
    reason: Mapped[str] = mapped_column(sa.Text)


class OperationPace(Base):
    """How often an operation with limits was begun of late. Its jobs are claimed under the lock of this row."""

    __tablename__ = "operation_paces"

    operation: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    #: {second since 1970: jobs begun in it}, of the last minute
    begun: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
