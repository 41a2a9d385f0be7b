"""Documents that were given with a sign-off"""

import sqlalchemy as sa
from alembic import op

from engine.models import Id

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("documents", sa.Column("sign_off_id", Id(length=32), nullable=True))
