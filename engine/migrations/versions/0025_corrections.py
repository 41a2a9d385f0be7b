"""The start form as a work item of the initiator's, to whom an approval was sent back"""

import sqlalchemy as sa
from alembic import op

from engine.models.base import Id

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("work_items", sa.Column("corrects", Id(), nullable=True))
