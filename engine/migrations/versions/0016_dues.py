"""When a sign-off is due, and what the diagram said for its item"""

import sqlalchemy as sa
from alembic import op

from engine.models import Instant

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("sign_offs", sa.Column("due_at", Instant(), nullable=True))
    op.add_column("work_items", sa.Column("diagram_due_at", Instant(), nullable=True))
