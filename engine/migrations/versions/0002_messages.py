"""Messages and who waits for them"""

import sqlalchemy as sa
from alembic import op

from engine.models import Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("values", sa.LargeBinary(), nullable=False),
        sa.Column("sent_by", sa.String(length=32), nullable=True),
        sa.Column("sent_at", Instant(timezone=True), nullable=False),
        sa.Column("kept_until", Instant(timezone=True), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_messages_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("request_id", name=op.f("uq_messages_request_id")),
    )
    op.create_index(op.f("ix_messages_case_id"), "messages", ["case_id"], unique=False)
    kept = sa.text("case_id IS NULL")
    op.create_index("ix_messages_kept", "messages", ["name", "key", "sent_at"], unique=False, sqlite_where=kept, postgresql_where=kept)
    op.create_table(
        "subscriptions",
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("instance", sa.String(length=250), nullable=False),
        sa.Column("element", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=7), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("opened_at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_subscriptions_case_id")),
        sa.PrimaryKeyConstraint("case_id", "instance", name=op.f("pk_subscriptions")),
    )
    op.create_index("ix_subscriptions_waiting", "subscriptions", ["kind", "name", "key", "opened_at"], unique=False)
