"""What programs were answered, for a day, so that the same request sent again gets the same answer"""

import sqlalchemy as sa
from alembic import op

from engine.models import Instant

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "answered_requests",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answered_requests")),
    )
    op.create_index(op.f("ix_answered_requests_at"), "answered_requests", ["at"], unique=False)
