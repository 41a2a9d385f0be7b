"""What several machines share: known keys, elections, failed log-ins"""

import sqlalchemy as sa
from alembic import op

from engine.models import Id, Instant

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "known_keys",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_keys")),
    )
    op.create_table(
        "elections",
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("until", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_elections")),
    )
    op.create_table(
        "failed_log_ins",
        sa.Column("id", Id(length=32), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_log_ins")),
    )
    op.create_index("ix_failed_log_ins_who_at", "failed_log_ins", ["who", "at"], unique=False)
