"""What outside centres of to-dos show of our work"""

import sqlalchemy as sa
from alembic import op

from engine.models import Id, Instant

revision = "0027"
down_revision = "0026"

_UNCONFIRMED = sa.text("state <> sent")


def upgrade() -> None:
    op.create_table(
        "projections",
        sa.Column("id", Id(length=32), nullable=False),
        sa.Column("centre", sa.String(length=100), nullable=False),
        sa.Column("case_id", Id(length=32), nullable=False),
        sa.Column("item_id", Id(length=32), nullable=False),
        sa.Column("sign_off_id", Id(length=32), nullable=False),
        sa.Column("person_id", Id(length=32), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("outside_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sent", sa.String(length=10), nullable=False),
        sa.Column("due_at", Instant(timezone=True), nullable=True),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", Instant(timezone=True), nullable=True),
        sa.Column("sent_at", Instant(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projections")),
        sa.UniqueConstraint(
            "centre", "sign_off_id", "person_id", "address", name=op.f("uq_projections_centre_sign_off_id_person_id_address")
        ),
    )
    op.create_index(op.f("ix_projections_case_id"), "projections", ["case_id"], unique=False)
    op.create_index(
        "ix_projections_unconfirmed", "projections", ["centre"], unique=False, sqlite_where=_UNCONFIRMED, postgresql_where=_UNCONFIRMED
    )
    op.create_table(
        "projection_centres",
        sa.Column("centre", sa.String(length=100), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("compared_at", Instant(timezone=True), nullable=False),
        sa.Column("corrected", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("centre", name=op.f("pk_projection_centres")),
    )
