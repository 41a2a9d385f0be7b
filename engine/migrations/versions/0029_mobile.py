"""Mobile numbers of persons, by which outside services are asked what they call them"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column("persons", sa.Column("mobile", sa.String(length=50), nullable=True))
