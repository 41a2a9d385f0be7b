"""Cases and what they wait for or received."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Digest, Id, Instant

_GOING_ON = sa.text("status <> 'closed'")
_CLOSED = sa.text("closed_at IS NOT NULL")


class Case(Base):
    """One run of a procedure about one subject. The row is the lock of everything that happens in the case."""

    __tablename__ = "cases"
    __table_args__ = (
        sa.Index("ix_cases_going_on", "status", sqlite_where=_GOING_ON, postgresql_where=_GOING_ON),
        sa.Index("ix_cases_initiator_id", "initiator_id", "started_at"),
        # the figures of finished cases: which there are is read from the index alone
        sa.Index("ix_cases_closed", "version_id", "closed_at", "voided_at", sqlite_where=_CLOSED, postgresql_where=_CLOSED),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: what people call it, such as `20261124-7KQ4M`
    number: Mapped[str] = mapped_column(sa.String(20), unique=True)
    procedure: Mapped[str] = mapped_column(sa.String(100))
    version_id: Mapped[str] = mapped_column(sa.ForeignKey("procedure_versions.id"))
    title: Mapped[str] = mapped_column(sa.String(300))
    #: whom the case is about
    subject_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    initiator_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"))
    #: `running`, `suspended` or `closed`
    status: Mapped[str] = mapped_column(sa.String(10))
    #: what the end event says (`wf.outcome`), else `completed`; or `cancelled`, `terminated` or `rejected`; once closed
    outcome: Mapped[str | None] = mapped_column(sa.String(100))
    #: open incidents; more than zero is the flag "needs attention"
    incidents: Mapped[int]
    #: counts commits; a live copy in memory is used only if it is at this revision
    revision: Mapped[int]
    #: the compressed and encrypted execution (`engine.bpmn.state`)
    state: Mapped[bytes] = mapped_column(sa.LargeBinary)
    #: length and head of the case's ledger chain
    entries: Mapped[int]
    head: Mapped[str] = mapped_column(Digest)
    started_at: Mapped[dt.datetime] = mapped_column(Instant)
    closed_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: since when it is void; who declared it so is in `endings`
    voided_at: Mapped[dt.datetime | None] = mapped_column(Instant)


class Ending(Base):
    """A manager's wish to terminate a case, or to declare it void: done at once, or asked of a second person."""

    __tablename__ = "endings"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    #: `terminate` or `void`
    act: Mapped[str] = mapped_column(sa.String(10))
    #: `asked`, then `done`, `declined` or `lapsed` (the case was opened again)
    state: Mapped[str] = mapped_column(sa.String(10))
    #: sealed JSON text
    reason: Mapped[bytes] = mapped_column(sa.LargeBinary)
    asked_by: Mapped[str] = mapped_column(Id)
    asked_at: Mapped[dt.datetime] = mapped_column(Instant)
    #: the second person; None where none was needed
    decided_by: Mapped[str | None] = mapped_column(Id)
    decided_at: Mapped[dt.datetime | None] = mapped_column(Instant)


class Incident(Base):
    """Something a person must look at before the case goes on at that element."""

    __tablename__ = "incidents"
    __table_args__ = (sa.Index("ix_incidents_open", "resolved_at", "opened_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    element: Mapped[str] = mapped_column(sa.String(200))
    instance: Mapped[str] = mapped_column(sa.String(250))
    job_id: Mapped[str | None] = mapped_column(Id)
    #: `code` of the error
    code: Mapped[str] = mapped_column(sa.String(50))
    #: untranslated sentence and its facts
    template: Mapped[str] = mapped_column(sa.Text)
    facts: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    opened_at: Mapped[dt.datetime] = mapped_column(Instant)
    resolved_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    resolved_by: Mapped[str | None] = mapped_column(Id)
    #: `retried`, `corrected`, `answered`, `skipped` or `left` (the procedure went on without it)
    resolution: Mapped[str | None] = mapped_column(sa.String(20))
    #: why, in the words of who resolved it
    reason: Mapped[str | None] = mapped_column(sa.Text)


class Snapshot(Base):
    """What an outside system said, stored unchanged, with what it was asked."""

    __tablename__ = "snapshots"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    job_id: Mapped[str] = mapped_column(Id, index=True)
    element: Mapped[str] = mapped_column(sa.String(200))
    #: such as `ehr`; `partwell` for a value that only became too big for a variable
    system: Mapped[str] = mapped_column(sa.String(100))
    operation: Mapped[str] = mapped_column(sa.String(100))
    #: `exchange` (answer as it came) or `value` (what the operation made of it)
    kind: Mapped[str] = mapped_column(sa.String(10))
    media_type: Mapped[str] = mapped_column(sa.String(100))
    status: Mapped[str] = mapped_column(sa.String(50))
    #: sealed JSON of the masked request
    request: Mapped[bytes] = mapped_column(sa.LargeBinary)
    #: sealed content
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    #: SHA-256 of the unsealed content
    sha256: Mapped[str] = mapped_column(sa.String(64))
    received_at: Mapped[dt.datetime] = mapped_column(Instant)
