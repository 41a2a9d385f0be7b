"""What several processes on several machines share about the installation itself."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant


class KnownKey(Base):
    """A key that this database was written with. Every machine must have the same."""

    __tablename__ = "known_keys"

    #: id of a data key, or `signer`
    id: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    #: tells the key from any other, and nothing about it
    fingerprint: Mapped[str] = mapped_column(sa.String(64))


class Election(Base):
    """Who does what only one process should do. Used on SQLite; PostgreSQL has locks for it."""

    __tablename__ = "elections"

    #: the duty
    name: Mapped[str] = mapped_column(sa.String(50), primary_key=True)
    holder: Mapped[str] = mapped_column(sa.String(32))
    until: Mapped[dt.datetime] = mapped_column(Instant)


class FailedLogIn(Base):
    """A log-in with a wrong name or password; too many of them must wait, whichever process they come to."""

    __tablename__ = "failed_log_ins"
    __table_args__ = (sa.Index("ix_failed_log_ins_who_at", "who", "at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: digest of the login and the address it came from
    who: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[dt.datetime] = mapped_column(Instant)


class AnsweredRequest(Base):
    """What a program was answered, for as long as it may send the same again."""

    __tablename__ = "answered_requests"

    #: digest of who asked and of their key
    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    #: digest of what was asked
    request: Mapped[str] = mapped_column(sa.String(64))
    #: of the answer
    status: Mapped[int]
    #: sealed; None where it was too long to be kept
    answer: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    at: Mapped[dt.datetime] = mapped_column(Instant, index=True)
