"""Who waits for which message or signal, and messages that nobody waits for yet."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant


class Subscription(Base):
    """One element of a case that waits for a message or signal. The row goes when the wait ends."""

    __tablename__ = "subscriptions"
    __table_args__ = (sa.Index("ix_subscriptions_waiting", "kind", "name", "key", "opened_at"),)

    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    instance: Mapped[str] = mapped_column(sa.String(250), primary_key=True)
    element: Mapped[str] = mapped_column(sa.String(200))
    #: `message` or `signal`
    kind: Mapped[str] = mapped_column(sa.String(7))
    name: Mapped[str] = mapped_column(sa.String(200))
    #: keyed digest of the correlation key (`Keyring.digest`): a key may be a person's number
    key: Mapped[str] = mapped_column(sa.String(64))
    opened_at: Mapped[dt.datetime] = mapped_column(Instant)


_KEPT = sa.text("case_id IS NULL")


class Message(Base):
    """A message that was sent: taken by a case, or kept until one asks for it or its time is over."""

    __tablename__ = "messages"
    __table_args__ = (
        sa.Index("ix_messages_kept", "name", "key", "sent_at", sqlite_where=_KEPT, postgresql_where=_KEPT),
        sa.Index("ix_messages_over", "kept_until", sqlite_where=_KEPT, postgresql_where=_KEPT),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: id of the command that sent it: the same again gives the same result
    request_id: Mapped[str] = mapped_column(sa.String(100), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    #: as in `Subscription`
    key: Mapped[str] = mapped_column(sa.String(64))
    #: sealed JSON of the values it brings
    values: Mapped[bytes] = mapped_column(sa.LargeBinary)
    #: id of a person, or None when a case sent it
    sent_by: Mapped[str | None] = mapped_column(Id)
    sent_at: Mapped[dt.datetime] = mapped_column(Instant)
    #: until when it is kept for somebody who asks later
    kept_until: Mapped[dt.datetime] = mapped_column(Instant)
    #: the case that took it
    case_id: Mapped[str | None] = mapped_column(sa.ForeignKey("cases.id"), index=True)
