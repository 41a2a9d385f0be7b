"""Views of the inbox that people keep, what opens after a completion, and the cases that somebody started by when they did"""

import sqlalchemy as sa
from alembic import op

from engine.models import Id

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", Id(length=32), nullable=False),
        sa.Column("person_id", Id(length=32), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("box", sa.String(length=20), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name="fk_saved_views_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
        sa.UniqueConstraint("person_id", "name", name="uq_saved_views_person_id_name"),
    )
    op.add_column("accounts", sa.Column("onward", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_index("ix_cases_initiator_id", "cases")
    op.create_index("ix_cases_initiator_id", "cases", ["initiator_id", "started_at"])
