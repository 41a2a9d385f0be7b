"""Projections: whose open work is shown in which outside centre of to-dos, and what that centre was last told."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant

_UNCONFIRMED = sa.text("state <> sent")


class Projection(Base):
    """One person's part in a sign-off, in one outside centre. What it says is put together when it is sent; none of it is kept."""

    __tablename__ = "projections"
    __table_args__ = (
        sa.UniqueConstraint("centre", "sign_off_id", "person_id", "address"),
        sa.Index("ix_projections_unconfirmed", "centre", sqlite_where=_UNCONFIRMED, postgresql_where=_UNCONFIRMED),
    )

    #: by which the centre knows it, too
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: name of the connector
    centre: Mapped[str] = mapped_column(sa.String(100))
    case_id: Mapped[str] = mapped_column(Id, index=True)
    item_id: Mapped[str] = mapped_column(Id)
    sign_off_id: Mapped[str] = mapped_column(Id)
    person_id: Mapped[str] = mapped_column(Id)
    #: what the centre calls the person; "" where that is not known, and then nothing is sent
    address: Mapped[str] = mapped_column(sa.String(200))
    #: what the centre calls it, once it has said so
    outside_id: Mapped[str] = mapped_column(sa.String(200))
    #: what is to be shown, as `engine.ports.Part` has it
    state: Mapped[str] = mapped_column(sa.String(10))
    #: the state that the centre has taken; "" for none
    sent: Mapped[str] = mapped_column(sa.String(10))
    due_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: milliseconds since 1970, later with each change
    changed: Mapped[int] = mapped_column(sa.BigInteger)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    sent_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: why the centre does not show it so
    problem: Mapped[str] = mapped_column(sa.Text)


class ProjectionCentre(Base):
    """One outside centre, once it was made ready."""

    __tablename__ = "projection_centres"

    centre: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    #: what the centre calls the place where our work is shown
    place: Mapped[str] = mapped_column(sa.String(200))
    #: when all was last compared, and how many items were shown otherwise
    compared_at: Mapped[dt.datetime] = mapped_column(Instant)
    corrected: Mapped[int]
