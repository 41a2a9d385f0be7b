"""Deployed procedures and approval chains."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant


class ProcedureVersion(Base):
    """One deployment of a procedure. Its files never change; running cases stay on theirs."""

    __tablename__ = "procedure_versions"
    __table_args__ = (sa.UniqueConstraint("procedure", "number"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: name of its folder, such as `termination`
    procedure: Mapped[str] = mapped_column(sa.String(100), index=True)
    number: Mapped[int]
    #: SHA-256 over all its files
    digest: Mapped[str] = mapped_column(sa.String(64))
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))
    #: new cases start on the active version
    active: Mapped[bool]
    #: nothing of its cases moves until it is resumed, and none starts
    suspended: Mapped[bool] = mapped_column(sa.Boolean, server_default=sa.false(), default=False)
    deployed_at: Mapped[dt.datetime] = mapped_column(Instant)
    #: id of a person, or None for the command line
    deployed_by: Mapped[str | None] = mapped_column(Id)
    #: when it becomes the active one by itself, while it waits for that; its job has the key `activate:<id>`
    scheduled_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: id of the version that was active when it was scheduled: only that one is replaced
    scheduled_over: Mapped[str | None] = mapped_column(Id)
    #: who scheduled it, and is told where it cannot become active
    scheduled_by: Mapped[str | None] = mapped_column(Id)


class VersionEvent(Base):
    """What was done with a version, by whom and why. Never updated, never deleted."""

    __tablename__ = "version_events"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    version_id: Mapped[str] = mapped_column(sa.ForeignKey("procedure_versions.id"), index=True)
    #: `deployed`, `activated`, `suspended`, `resumed`, `scheduled`, `unscheduled`, `activated on time` or `not activated`
    act: Mapped[str] = mapped_column(sa.String(20))
    at: Mapped[dt.datetime] = mapped_column(Instant)
    #: id of a person, or None for the command line
    by: Mapped[str | None] = mapped_column(Id)
    #: why, in their words
    note: Mapped[str] = mapped_column(sa.Text)


class ProcedureFile(Base):
    """One file of a version: diagram, decision table, form, letter or rule."""

    __tablename__ = "procedure_files"

    version_id: Mapped[str] = mapped_column(sa.ForeignKey("procedure_versions.id"), primary_key=True)
    path: Mapped[str] = mapped_column(sa.String(300), primary_key=True)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    sha256: Mapped[str] = mapped_column(sa.String(64))


class Chain(Base):
    """One published version of an approval chain. Of those in force the one with the highest number serves new work items."""

    __tablename__ = "chains"
    __table_args__ = (sa.UniqueConstraint("key", "number"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(100), index=True)
    number: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))
    #: list of steps, as `engine.chains.steps` describes them
    steps: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON)
    #: from when on it is in force
    effective_at: Mapped[dt.datetime] = mapped_column(Instant)
    published_at: Mapped[dt.datetime] = mapped_column(Instant)
    published_by: Mapped[str | None] = mapped_column(Id)


class ChainDraft(Base):
    """What becomes the next version of a chain: one for each chain, edited by whoever may, a revision at a time."""

    __tablename__ = "chain_drafts"

    key: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))
    steps: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON)
    #: number of the version it began from, 0 for a new chain
    base: Mapped[int]
    #: counts the savings
    revision: Mapped[int]
    #: ids of everybody who saved it
    editors: Mapped[list[str]] = mapped_column(sa.JSON)
    saved_at: Mapped[dt.datetime] = mapped_column(Instant)
    saved_by: Mapped[str | None] = mapped_column(Id)


class ChainEvent(Base):
    """What was done with a chain, by whom and why. Never updated, never deleted."""

    __tablename__ = "chain_events"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(100), index=True)
    #: `edited`, `imported`, `discarded`, `published` or `undone`
    act: Mapped[str] = mapped_column(sa.String(20))
    #: version that was published
    number: Mapped[int | None]
    at: Mapped[dt.datetime] = mapped_column(Instant)
    #: id of a person, or None for the command line
    by: Mapped[str | None] = mapped_column(Id)
    #: why, in their words
    note: Mapped[str] = mapped_column(sa.Text)
    #: list of changes, as `engine.chains.differences` tells them
    changes: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON)
