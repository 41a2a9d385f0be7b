"""Work items and their sign-offs: item → sign-off, or with a chain item → step → round → sign-off.

One user task that waits is one work item. Steps of a chain run one after another. Coming back to a step opens a new round
with new sign-offs; a decided sign-off is never edited, reassigned or deleted. Without a chain there is a step with its round
only where why these people were chosen must be kept.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant


class WorkItem(Base):
    """One user task waiting for people."""

    __tablename__ = "work_items"
    __table_args__ = (sa.UniqueConstraint("case_id", "instance"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"))
    element: Mapped[str] = mapped_column(sa.String(200))
    instance: Mapped[str] = mapped_column(sa.String(250))
    #: what the diagram of the case's version calls the element, for lists and searching
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))
    lane: Mapped[str | None] = mapped_column(sa.String(200))
    #: `open`, `completed` or `left` (cancelled by an event or with its case)
    status: Mapped[str] = mapped_column(sa.String(10))
    #: done by the employee concerned only; decides nothing
    for_subject: Mapped[bool]
    #: id of the chain's version, where a chain says who signs
    chain_id: Mapped[str | None] = mapped_column(Id)
    priority: Mapped[int]
    opened_at: Mapped[dt.datetime] = mapped_column(Instant)
    #: of a chain with limits the earliest of its sign-offs'
    due_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: what the diagram says, where a chain's limits stand in its place
    diagram_due_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    closed_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: when somebody last urged whoever holds it, and who did
    urged_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    urged_by: Mapped[str | None] = mapped_column(Id)
    #: the item whose approval waits until the initiator has corrected the start form in this one
    corrects: Mapped[str | None] = mapped_column(Id)


class WorkStep(Base):
    """One step of the item's chain. Never updated: what happened is in its rounds."""

    __tablename__ = "work_steps"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    item_id: Mapped[str] = mapped_column(sa.ForeignKey("work_items.id"), index=True)
    position: Mapped[int]
    name: Mapped[str | None] = mapped_column(sa.String(200))
    name_en: Mapped[str | None] = mapped_column(sa.String(200))
    #: one of `engine.signing.modes.MODES`
    mode: Mapped[str] = mapped_column(sa.String(12))


class WorkRound(Base):
    """One pass through a step."""

    __tablename__ = "work_rounds"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    step_id: Mapped[str] = mapped_column(sa.ForeignKey("work_steps.id"), index=True)
    number: Mapped[int]
    opened_at: Mapped[dt.datetime] = mapped_column(Instant)
    closed_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: `approved`, `rejected`, `returned`, `skipped` or `left`; None while open
    outcome: Mapped[str | None] = mapped_column(sa.String(10))
    #: why these people: rules tried, persons dropped and kept, as of the opening
    trace: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


#: the state of a sign-off that waits, for queries: written out, so that the database sees that its index of open ones will do
OPEN: sa.ColumnElement[str] = sa.literal_column("'open'")
_HELD = sa.text("state = 'open' AND person_id IS NOT NULL")
_OFFERED = sa.text("state = 'open' AND role IS NOT NULL")
_DECIDED = sa.text("decided_by IS NOT NULL")
_IN_A_ROUND = sa.text("round_id IS NOT NULL")
_STOOD_IN_FOR = sa.text("state = 'open' AND for_id IS NOT NULL")


class SignOff(Base):
    """One person's part in an item or round: `open`, then exactly one final state.

    `position` is its number in the round, by which the others point to it. Whatever a step with one signer does not need is
    null, and takes no room on PostgreSQL: see `engine.signing.round.Signer`.
    """

    __tablename__ = "sign_offs"
    __table_args__ = (
        # one look-up finds a person's or a role's open work, whatever the number of decided ones
        sa.Index("ix_sign_offs_person_open", "person_id", sqlite_where=_HELD, postgresql_where=_HELD),
        sa.Index("ix_sign_offs_role_open", "role", sqlite_where=_OFFERED, postgresql_where=_OFFERED),
        sa.Index("ix_sign_offs_for_open", "for_id", "opened_at", sqlite_where=_STOOD_IN_FOR, postgresql_where=_STOOD_IN_FOR),
        sa.Index("ix_sign_offs_decided", "decided_by", "decided_at", sqlite_where=_DECIDED, postgresql_where=_DECIDED),
        sa.Index("ix_sign_offs_round_id", "round_id", sqlite_where=_IN_A_ROUND, postgresql_where=_IN_A_ROUND),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    round_id: Mapped[str | None] = mapped_column(sa.ForeignKey("work_rounds.id"))
    item_id: Mapped[str] = mapped_column(sa.ForeignKey("work_items.id"), index=True)
    #: the item's; no reference, since the item has it
    case_id: Mapped[str] = mapped_column(Id)
    position: Mapped[int]
    #: as `engine.signing.round.Signer` has it; without a chain `open`, `approved`, `rejected` or `lapsed` (its item was left)
    state: Mapped[str] = mapped_column(sa.String(12))
    #: the one role to which it is offered; None where a person was named, or several candidates
    role: Mapped[str | None] = mapped_column(sa.String(100))
    #: who holds it; None while it is offered. No reference: whoever completes has just been read, and a reference would write
    #: a lock into their row each time
    person_id: Mapped[str | None] = mapped_column(Id)
    opened_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    decided_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: who really acted
    decided_by: Mapped[str | None] = mapped_column(Id)
    #: sealed JSON {opinion}; {reason} of one that was passed on or removed
    answer: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    #: the absent one for whom `person_id` stands in
    for_id: Mapped[str | None] = mapped_column(Id)
    #: 1 where null
    weight: Mapped[int | None] = mapped_column(sa.SmallInteger)
    #: 0 where null
    place: Mapped[int | None] = mapped_column(sa.SmallInteger)
    #: `chain` where null
    origin: Mapped[str | None] = mapped_column(sa.String(8))
    by_position: Mapped[int | None] = mapped_column(sa.SmallInteger)
    former: Mapped[int | None] = mapped_column(sa.SmallInteger)
    because: Mapped[int | None] = mapped_column(sa.SmallInteger)
    was: Mapped[str | None] = mapped_column(sa.String(12))
    #: when the step's limit is over for it
    due_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: when its holder first opened it
    read_at: Mapped[dt.datetime | None] = mapped_column(Instant)


class Candidate(Base):
    """One of several to whom an open sign-off is offered: a role or a person."""

    __tablename__ = "candidates"

    sign_off_id: Mapped[str] = mapped_column(sa.ForeignKey("sign_offs.id"), primary_key=True)
    #: `role` or `person`
    kind: Mapped[str] = mapped_column(sa.String(6), primary_key=True)
    ref: Mapped[str] = mapped_column(sa.String(100), primary_key=True, index=True)
    #: the absent one for whom this person stands in; both may take it
    for_id: Mapped[str | None] = mapped_column(Id)


class Choice(Base):
    """Whom somebody chose to sign a step of a chain. Never updated: of several the latest counts."""

    __tablename__ = "choices"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    #: key of the chain, and of its step
    chain: Mapped[str] = mapped_column(sa.String(100))
    step: Mapped[str] = mapped_column(sa.String(40))
    #: where the signer of the step before chose: for which work item; None where the initiator chose, for all of the case
    item_id: Mapped[str | None] = mapped_column(Id)
    #: ids of the persons, in order
    persons: Mapped[list[str]] = mapped_column(sa.JSON)
    #: who chose, or corrected it
    by: Mapped[str] = mapped_column(Id)
    at: Mapped[dt.datetime] = mapped_column(Instant)


class SavedView(Base):
    """A box with filters and an order, kept by a person under a name of their own."""

    __tablename__ = "saved_views"
    __table_args__ = (sa.UniqueConstraint("person_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"))
    name: Mapped[str] = mapped_column(sa.String(40))
    #: as `engine.boxes` has it
    box: Mapped[str] = mapped_column(sa.String(20))
    #: what is not empty of `engine.boxes.Filter`, by its names
    filters: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


class Draft(Base):
    """What a person saved for themselves before giving it (`engine.work.drafting`)."""

    __tablename__ = "drafts"

    item_id: Mapped[str] = mapped_column(sa.ForeignKey("work_items.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), primary_key=True)
    #: as its writer's window or program called this state of it; "" of what was saved before there were revisions
    revision: Mapped[str] = mapped_column(sa.String(100), default="", server_default="")
    #: sealed JSON
    values: Mapped[bytes] = mapped_column(sa.LargeBinary)
    saved_at: Mapped[dt.datetime] = mapped_column(Instant)
