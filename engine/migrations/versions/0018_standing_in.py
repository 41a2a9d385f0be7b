"""For whom a candidate stands in, and substitutions that a handover left behind"""

import sqlalchemy as sa
from alembic import op

from engine.models import Id

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("candidates", sa.Column("for_id", Id(length=32), nullable=True))
    op.add_column("substitutions", sa.Column("handover", sa.Boolean(), server_default=sa.false(), nullable=False))
