"""What people say about cases"""

import sqlalchemy as sa
from alembic import op

from engine.models import Id, Instant

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "comments",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("case_id", Id(), sa.ForeignKey("cases.id", name="fk_comments_case_id"), nullable=False),
        sa.Column("item_id", Id(), sa.ForeignKey("work_items.id", name="fk_comments_item_id")),
        sa.Column("answers", Id(), sa.ForeignKey("comments.id", name="fk_comments_answers")),
        sa.Column("by_id", Id(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("mentions", sa.JSON(), nullable=False),
    )
    op.create_index("ix_comments_case_id", "comments", ["case_id", "at"])
