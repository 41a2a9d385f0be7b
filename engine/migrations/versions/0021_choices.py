"""Whom initiators and signers chose to sign a step"""

import sqlalchemy as sa
from alembic import op

from engine.models import Id, Instant

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "choices",
        sa.Column("id", Id(), nullable=False),
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("chain", sa.String(length=100), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("item_id", Id(), nullable=True),
        sa.Column("persons", sa.JSON(), nullable=False),
        sa.Column("by", Id(), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_choices_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_choices")),
    )
    op.create_index(op.f("ix_choices_case_id"), "choices", ["case_id"], unique=False)
