"""Drafts have a revision, so that one window of their writer does not overwrite another's unseen"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("drafts", sa.Column("revision", sa.String(length=100), server_default="", nullable=False))
