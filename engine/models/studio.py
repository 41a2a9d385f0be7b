"""Drafts of procedures: what becomes the next version, while people edit it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant


class ProcedureDraft(Base):
    """What becomes the next version of a procedure: one for each, edited by whoever manages it, file by file.

    The row stays when the draft is published or discarded, so that no revision comes twice.
    """

    __tablename__ = "procedure_drafts"

    procedure: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    #: counts the changes of all its drafts
    revision: Mapped[int]
    #: None: there is no draft now, or it was discarded or published
    begun_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: number of the version it began from, None for a new procedure
    base: Mapped[int | None]
    #: ids of everybody who changed it
    editors: Mapped[list[str]] = mapped_column(sa.JSON)


class ProcedureDraftFile(Base):
    """One file of a draft."""

    __tablename__ = "procedure_draft_files"

    procedure: Mapped[str] = mapped_column(sa.ForeignKey("procedure_drafts.procedure"), primary_key=True)
    path: Mapped[str] = mapped_column(sa.String(300), primary_key=True)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    #: the draft's when the file was changed last; 0: it is as in the version that the draft began from
    revision: Mapped[int]
    changed_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: id of a person, or None for the command line
    changed_by: Mapped[str | None] = mapped_column(Id)


class ProcedureEditing(Base):
    """Somebody has a file of a procedure open in an editor, as long as it is heard of now and then."""

    __tablename__ = "procedure_editing"

    procedure: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    path: Mapped[str] = mapped_column(sa.String(300), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), primary_key=True)
    since: Mapped[dt.datetime] = mapped_column(Instant)
    seen_at: Mapped[dt.datetime] = mapped_column(Instant)


class ProcedureEvent(Base):
    """What was done with a draft, by whom and why. Never updated, never deleted."""

    __tablename__ = "procedure_events"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    procedure: Mapped[str] = mapped_column(sa.String(100), index=True)
    #: one of `engine.studio.events.ACTS`
    act: Mapped[str] = mapped_column(sa.String(20))
    #: the file it was about, "" for the draft as a whole
    path: Mapped[str] = mapped_column(sa.String(300))
    at: Mapped[dt.datetime] = mapped_column(Instant)
    #: id of a person, or None for the command line
    by: Mapped[str | None] = mapped_column(Id)
    #: why, in their words
    note: Mapped[str] = mapped_column(sa.Text)
    #: what else there is to say, such as the number of the version and the draft's revision
    facts: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


class ScenarioPass(Base):
    """A scenario that was played and passed. What would decide otherwise has another digest (`engine.studio.scenarios.verdicts`)."""

    __tablename__ = "scenario_passes"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    procedure: Mapped[str] = mapped_column(sa.String(100))
    path: Mapped[str] = mapped_column(sa.String(300))
    played_at: Mapped[dt.datetime] = mapped_column(Instant, index=True)


class ProcedurePublication(Base):
    """Somebody publishes a draft, or activates a version, whose scenarios must be played first. Its job has the key `publish:<id>`."""

    __tablename__ = "procedure_publications"
    __table_args__ = (
        # one at a time for each procedure
        sa.Index(
            "ix_procedure_publications_waiting",
            "procedure",
            unique=True,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    procedure: Mapped[str] = mapped_column(sa.String(100), index=True)
    #: of the draft, None for a folder, whose files lie with the job, or where a version is activated
    revision: Mapped[int | None]
    #: number of that version, or of the one that the draft has become
    number: Mapped[int | None]
    #: when the version shall become active, None: at once
    at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: number of an active version whose changes are left out on purpose
    replacing: Mapped[int | None]
    #: why, in their words
    note: Mapped[str] = mapped_column(sa.Text)
    #: why it is published although scenarios fail, "" where it then is not
    override: Mapped[str] = mapped_column(sa.Text)
    #: `waiting`, `published`, `refused` or `withdrawn`
    state: Mapped[str] = mapped_column(sa.String(10))
    #: scenarios that are done, and how many there are
    played: Mapped[int]
    of: Mapped[int]
    asked_at: Mapped[dt.datetime] = mapped_column(Instant)
    asked_by: Mapped[str] = mapped_column(Id)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: where it was refused: {code, reasons: [{template, facts}], failing: names of scenarios}
    refusal: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
