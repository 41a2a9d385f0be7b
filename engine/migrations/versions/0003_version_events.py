"""What was done with versions of procedures"""

import sqlalchemy as sa
from alembic import op

from engine.models import Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "version_events",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["procedure_versions.id"], name=op.f("fk_version_events_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version_events")),
    )
    op.create_index(op.f("ix_version_events_version_id"), "version_events", ["version_id"], unique=False)
    with op.batch_alter_table("procedure_versions") as table:
        table.add_column(sa.Column("suspended", sa.Boolean(), server_default=sa.false(), nullable=False))
