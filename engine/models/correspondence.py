"""What people show and say to each other about a case: copies that are to be read, and comments."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant

_UNREAD = sa.text("read_at IS NULL")


class Copy(Base):
    """A case that somebody is shown. One for each person and case: a later one takes its place, and is unread again."""

    __tablename__ = "copies"
    __table_args__ = (
        sa.UniqueConstraint("case_id", "person_id"),
        sa.Index("ix_copies_person_id", "person_id", "sent_at"),
        sa.Index("ix_copies_unread", "person_id", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"))
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"))
    #: the work item from which it was sent; None: from the case
    item_id: Mapped[str | None] = mapped_column(sa.ForeignKey("work_items.id"))
    #: None: the approval chain did
    sent_by: Mapped[str | None] = mapped_column(Id)
    sent_at: Mapped[dt.datetime] = mapped_column(Instant)
    #: sealed JSON {note}: what was written with it
    note: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    #: when the person first opened it since it was sent
    read_at: Mapped[dt.datetime | None] = mapped_column(Instant)


class Comment(Base):
    """What somebody said about a case. Never updated."""

    __tablename__ = "comments"
    __table_args__ = (sa.Index("ix_comments_case_id", "case_id", "at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"))
    #: the work item about which it was written; None: about the case
    item_id: Mapped[str | None] = mapped_column(sa.ForeignKey("work_items.id"))
    #: the comment that it answers
    answers: Mapped[str | None] = mapped_column(sa.ForeignKey("comments.id"))
    by_id: Mapped[str] = mapped_column(Id)
    at: Mapped[dt.datetime] = mapped_column(Instant)
    #: sealed JSON {text}
    text: Mapped[bytes] = mapped_column(sa.LargeBinary)
    #: ids of persons
    mentions: Mapped[list[str]] = mapped_column(sa.JSON)
