"""What the figures of procedures are made from, where the tables of work and jobs do not keep it."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant


class PastWait(Base):
    """A wait for a message or signal that is over; its `Subscription` is gone. Never updated."""

    __tablename__ = "past_waits"

    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    instance: Mapped[str] = mapped_column(sa.String(250), primary_key=True)
    opened_at: Mapped[dt.datetime] = mapped_column(Instant, primary_key=True)
    element: Mapped[str] = mapped_column(sa.String(200))
    closed_at: Mapped[dt.datetime] = mapped_column(Instant)


class Tally(Base):
    """The figures of the cases of one version that closed on one day. Made from their rows, and made anew when these changed."""

    __tablename__ = "tallies"

    version_id: Mapped[str] = mapped_column(sa.ForeignKey("procedure_versions.id"), primary_key=True)
    #: at the company's place
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    #: of which rows it was made, as `engine.analytics.tallies.Mark`
    mark: Mapped[str] = mapped_column(sa.String(100))
    #: deflated JSON, as `engine.analytics.counting` writes it
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)


class Sequel(Base):
    """What came of a case after it, elsewhere: recorded by a manager of the procedure."""

    __tablename__ = "sequels"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    #: one of those that the procedure's `aftermath` lists
    kind: Mapped[str] = mapped_column(sa.String(40))
    began_on: Mapped[dt.date]
    #: one of those listed; None while it goes on
    result: Mapped[str | None] = mapped_column(sa.String(40))
    ended_on: Mapped[dt.date | None]
    recorded_at: Mapped[dt.datetime] = mapped_column(Instant)
    recorded_by: Mapped[str] = mapped_column(Id)
