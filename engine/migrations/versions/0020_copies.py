"""Copies of cases that people are to read"""

import sqlalchemy as sa
from alembic import op

from engine.models import Id, Instant

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "copies",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("case_id", Id(), sa.ForeignKey("cases.id", name="fk_copies_case_id"), nullable=False),
        sa.Column("person_id", Id(), sa.ForeignKey("persons.id", name="fk_copies_person_id"), nullable=False),
        sa.Column("item_id", Id(), sa.ForeignKey("work_items.id", name="fk_copies_item_id")),
        sa.Column("sent_by", Id()),
        sa.Column("sent_at", Instant(), nullable=False),
        sa.Column("note", sa.LargeBinary()),
        sa.Column("read_at", Instant()),
        sa.UniqueConstraint("case_id", "person_id", name="uq_copies_case_id_person_id"),
    )
    op.create_index("ix_copies_person_id", "copies", ["person_id", "sent_at"])
    unread = sa.text("read_at IS NULL")
    op.create_index("ix_copies_unread", "copies", ["person_id"], sqlite_where=unread, postgresql_where=unread)
