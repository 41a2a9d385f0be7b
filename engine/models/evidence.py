"""What holds later: the ledger, documents and sealed files."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant, Mark

_REQUESTED = sa.text("request_id IS NOT NULL")


class LedgerPage(Base):
    """What one commit wrote about a case: its entries, chained to the case's previous ones. Never updated, never deleted."""

    __tablename__ = "ledger"
    __table_args__ = (sa.Index("uq_ledger_request_id", "request_id", unique=True, sqlite_where=_REQUESTED, postgresql_where=_REQUESTED),)

    #: no reference: a page is written with its case's row
    case_id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: of the first entry: 1, 2, 3 … within the case
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(Instant)
    #: what was done, the first entry's event: from the closed list `engine.ledger.Event`
    event: Mapped[str] = mapped_column(sa.String(50))
    #: id of the person who acted; None when nobody did (a timer, an operation)
    actor_id: Mapped[str | None] = mapped_column(Id)
    #: the first entry's
    element: Mapped[str | None] = mapped_column(sa.String(200))
    #: sealed (`engine.ledger`): the entries' salts and payloads, events and elements of those that followed
    payload: Mapped[bytes] = mapped_column(sa.LargeBinary)
    #: digest of each entry over its fields, its payload's digest and the previous entry's digest, 32 bytes each
    digests: Mapped[bytes] = mapped_column(sa.LargeBinary)
    #: the command that did it
    request_id: Mapped[str | None] = mapped_column(Mark)
    #: index of the first entry in the Merkle log, once it is there
    leaf: Mapped[int | None] = mapped_column(sa.BigInteger)


class Document(Base):
    """A letter made by the procedure or a file somebody uploaded."""

    __tablename__ = "documents"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    #: what it is in the procedure's words, such as `notice`
    kind: Mapped[str] = mapped_column(sa.String(50))
    name: Mapped[str] = mapped_column(sa.String(300))
    media_type: Mapped[str] = mapped_column(sa.String(100))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    #: sealed
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    element: Mapped[str | None] = mapped_column(sa.String(200))
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    #: id of a person, or None when an operation made it
    created_by: Mapped[str | None] = mapped_column(Id)
    #: the sign-off with which it was given, as an attachment or as its signature
    sign_off_id: Mapped[str | None] = mapped_column(Id)


class SealedFile(Base):
    """The exported, signed file of one closed case."""

    __tablename__ = "sealed_files"

    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    #: path below the home folder
    path: Mapped[str] = mapped_column(sa.String(300))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    size: Mapped[int]
    sealed_at: Mapped[dt.datetime] = mapped_column(Instant)
