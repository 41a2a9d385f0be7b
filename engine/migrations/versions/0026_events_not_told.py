"""What could not be told to outside systems is found without reading the table of jobs"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    failed = sa.text("state = 'failed'")
    op.create_index("ix_jobs_failed", "jobs", ["created_at"], sqlite_where=failed, postgresql_where=failed)
