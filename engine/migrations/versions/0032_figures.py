"""What the figures of procedures are made from: closed cases by version, past waits, days that were counted, disputes"""

import sqlalchemy as sa
from alembic import op

from engine.models.base import Id, Instant

revision = "0032"
down_revision = "0030"


def upgrade() -> None:
    closed = sa.text("closed_at IS NOT NULL")
    op.create_index("ix_cases_closed", "cases", ["version_id", "closed_at", "voided_at"], sqlite_where=closed, postgresql_where=closed)
    op.create_table(
        "past_waits",
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("instance", sa.String(length=250), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("element", sa.String(length=200), nullable=False),
        sa.Column("closed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_past_waits_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "instance", "opened_at", name=op.f("pk_past_waits")),
    )
    op.create_table(
        "tallies",
        sa.Column("version_id", Id(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("mark", sa.String(length=100), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["procedure_versions.id"], name=op.f("fk_tallies_version_id_procedure_versions")),
        sa.PrimaryKeyConstraint("version_id", "day", name=op.f("pk_tallies")),
    )
    op.create_table(
        "disputes",
        sa.Column("id", Id(), nullable=False),
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=False),
        sa.Column("result", sa.String(length=10), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("recorded_by", Id(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_disputes_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index(op.f("ix_disputes_case_id"), "disputes", ["case_id"], unique=False)
