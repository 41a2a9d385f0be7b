"""Notices, what people wish of them, and what outside systems call people; jobs that belong to no case"""

import sqlalchemy as sa
from alembic import op

from engine.models.base import Id, Instant

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.alter_column("case_id", existing_type=Id(), nullable=True)
    op.create_table(
        "notices",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("person_id", Id(), nullable=False),
        sa.Column("channel", sa.String(100), nullable=False),
        sa.Column("case_id", Id()),
        sa.Column("item_id", Id()),
        sa.Column("by_id", Id()),
        sa.Column("bundled", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("job_id", Id(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant()),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_index("ix_notices_job_id", "notices", ["job_id"])
    _partial("ix_notices_waiting", "notices", "person_id", "state = 'waiting'")
    _partial("ix_notices_failed", "notices", "created_at", "state = 'failed'")
    op.create_table(
        "notice_wishes",
        sa.Column("person_id", Id(), primary_key=True),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("digest_at", sa.String(5)),
        sa.Column("quiet_from", sa.String(5)),
        sa.Column("quiet_to", sa.String(5)),
    )
    op.create_table(
        "foreign_ids",
        sa.Column("person_id", Id(), sa.ForeignKey("persons.id", name="fk_foreign_ids_person_id"), primary_key=True),
        sa.Column("system", sa.String(100), primary_key=True),
        sa.Column("foreign_id", sa.String(200), nullable=False),
        sa.UniqueConstraint("system", "foreign_id"),
    )


def _partial(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
