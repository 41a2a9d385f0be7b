"""Jobs by priority, and how often an operation with limits was begun of late"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("priority", sa.Integer(), server_default="0", nullable=False))
    op.drop_index("ix_jobs_due", table_name="jobs")
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_jobs_due", "jobs", ["priority", "due_at", "operation"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "operation_paces",
        sa.Column("operation", sa.String(length=100), nullable=False),
        sa.Column("begun", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("operation", name=op.f("pk_operation_paces")),
    )
