"""Several signers of a step: how they stand to each other, for whom they stand in, when they read it"""

import sqlalchemy as sa
from alembic import op

from engine.models import Id, Instant

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("sign_offs") as sign_offs:
        sign_offs.add_column(sa.Column("for_id", Id(length=32), nullable=True))
        for name in ("weight", "place", "by_position", "former", "because"):
            sign_offs.add_column(sa.Column(name, sa.SmallInteger(), nullable=True))
        sign_offs.add_column(sa.Column("origin", sa.String(length=8), nullable=True))
        sign_offs.add_column(sa.Column("was", sa.String(length=12), nullable=True))
        sign_offs.add_column(sa.Column("read_at", Instant(timezone=True), nullable=True))
    where = sa.text("state = 'open' AND for_id IS NOT NULL")
    op.create_index("ix_sign_offs_for_open", "sign_offs", ["for_id", "opened_at"], sqlite_where=where, postgresql_where=where)
