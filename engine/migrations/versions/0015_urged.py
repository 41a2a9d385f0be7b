"""When whoever holds a work item was last urged, and by whom"""

import sqlalchemy as sa
from alembic import op

from engine.models.base import Id, Instant

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("work_items", sa.Column("urged_at", Instant()))
    op.add_column("work_items", sa.Column("urged_by", Id()))
