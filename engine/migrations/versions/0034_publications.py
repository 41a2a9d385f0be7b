"""Scenarios that are known to pass, and publications that wait until theirs were played"""

import sqlalchemy as sa
from alembic import op

from engine.models.base import Id, Instant

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.create_table(
        "scenario_passes",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("procedure", sa.String(length=100), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("played_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_scenario_passes")),
    )
    op.create_index(op.f("ix_scenario_passes_played_at"), "scenario_passes", ["played_at"], unique=False)
    op.create_table(
        "procedure_publications",
        sa.Column("id", Id(), nullable=False),
        sa.Column("procedure", sa.String(length=100), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("at", Instant(), nullable=True),
        sa.Column("replacing", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("override", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("played", sa.Integer(), nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("asked_by", Id(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("refusal", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_procedure_publications")),
    )
    op.create_index(op.f("ix_procedure_publications_procedure"), "procedure_publications", ["procedure"], unique=False)
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_procedure_publications_waiting",
        "procedure_publications",
        ["procedure"],
        unique=True,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
