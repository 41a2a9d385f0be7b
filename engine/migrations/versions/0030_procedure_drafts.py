"""Drafts of procedures, who edits them and what was done with them; versions that become active at a set time"""

import sqlalchemy as sa
from alembic import op

from engine.models import Id, Instant

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.create_table(
        "procedure_drafts",
        sa.Column("procedure", sa.String(length=100), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("begun_at", Instant(), nullable=True),
        sa.Column("base", sa.Integer(), nullable=True),
        sa.Column("editors", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("procedure", name=op.f("pk_procedure_drafts")),
    )
    op.create_table(
        "procedure_draft_files",
        sa.Column("procedure", sa.String(length=100), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=True),
        sa.Column("changed_by", Id(), nullable=True),
        sa.ForeignKeyConstraint(["procedure"], ["procedure_drafts.procedure"], name=op.f("fk_procedure_draft_files_procedure")),
        sa.PrimaryKeyConstraint("procedure", "path", name=op.f("pk_procedure_draft_files")),
    )
    op.create_table(
        "procedure_editing",
        sa.Column("procedure", sa.String(length=100), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("person_id", Id(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_procedure_editing_person_id")),
        sa.PrimaryKeyConstraint("procedure", "path", "person_id", name=op.f("pk_procedure_editing")),
    )
    op.create_table(
        "procedure_events",
        sa.Column("id", Id(), nullable=False),
        sa.Column("procedure", sa.String(length=100), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", Id(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_procedure_events")),
    )
    op.create_index(op.f("ix_procedure_events_procedure"), "procedure_events", ["procedure"])
    op.add_column("procedure_versions", sa.Column("scheduled_at", Instant(), nullable=True))
    op.add_column("procedure_versions", sa.Column("scheduled_over", Id(), nullable=True))
    op.add_column("procedure_versions", sa.Column("scheduled_by", Id(), nullable=True))
