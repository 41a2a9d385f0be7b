"""Notices: who is told what by which channel, what they wish, and what outside systems call them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant

_WAITING = sa.text("state = 'waiting'")
_FAILED = sa.text("state = 'failed'")


class Notice(Base):
    """One person told one thing by one channel. Nothing of the case is kept in it; what it says is put together when it is sent."""

    __tablename__ = "notices"
    __table_args__ = (
        sa.Index("ix_notices_waiting", "person_id", sqlite_where=_WAITING, postgresql_where=_WAITING),
        sa.Index("ix_notices_failed", "created_at", sqlite_where=_FAILED, postgresql_where=_FAILED),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: one of `engine.notices.kinds.KINDS`
    kind: Mapped[str] = mapped_column(sa.String(20))
    person_id: Mapped[str] = mapped_column(Id)
    #: name of the connector
    channel: Mapped[str] = mapped_column(sa.String(100))
    case_id: Mapped[str | None] = mapped_column(Id)
    item_id: Mapped[str | None] = mapped_column(Id)
    #: who did what it tells of; None: nobody, time did
    by_id: Mapped[str | None] = mapped_column(Id)
    #: may be sent together with others of the person and channel
    bundled: Mapped[bool]
    #: `waiting`, `taken` by `job_id`, `sent`, `moot` (there was nothing to tell any more) or `failed`
    state: Mapped[str] = mapped_column(sa.String(10))
    #: id of the job that sends it
    job_id: Mapped[str] = mapped_column(Id, index=True)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    due_at: Mapped[dt.datetime] = mapped_column(Instant)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: attempts so far, and why the last one failed
    tries: Mapped[int]
    reason: Mapped[str] = mapped_column(sa.Text)


#: stands for a person in the administrators' default for everybody
EVERYBODY = "0" * 32


class NoticeWish(Base):
    """What somebody wishes to be told how and when."""

    __tablename__ = "notice_wishes"

    #: `EVERYBODY` in the default
    person_id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: kind -> names of channels; a kind that is not there is told as the default says
    channels: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    #: HH:MM at which everything is told together on each working day; None: at once
    digest_at: Mapped[str | None] = mapped_column(sa.String(5))
    #: HH:MM from and to which only what is urgent is told; None: no such hours
    quiet_from: Mapped[str | None] = mapped_column(sa.String(5))
    quiet_to: Mapped[str | None] = mapped_column(sa.String(5))


class ForeignId(Base):
    """What an outside system calls a person. Entered or imported, never guessed by name."""

    __tablename__ = "foreign_ids"
    __table_args__ = (sa.UniqueConstraint("system", "foreign_id"),)

    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), primary_key=True)
    #: such as `dingtalk`
    system: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    foreign_id: Mapped[str] = mapped_column(sa.String(200))
