"""What came of cases after them is listed by their procedures: disputes are sequels of any kind"""

import sqlalchemy as sa
from alembic import op

from engine.models.base import Id, Instant

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "sequels",
        sa.Column("id", Id(), nullable=False),
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("began_on", sa.Date(), nullable=False),
        sa.Column("result", sa.String(length=40), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("recorded_by", Id(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_sequels_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequels")),
    )
    op.create_index(op.f("ix_sequels_case_id"), "sequels", ["case_id"], unique=False)
    op.execute(
        "INSERT INTO sequels (id, case_id, kind, began_on, result, ended_on, recorded_at, recorded_by) "
        "SELECT id, case_id, kind, filed_on, result, ended_on, recorded_at, recorded_by FROM disputes"
    )
    op.drop_table("disputes")
