"""Chains: drafts, what was done with them, from when on a version is in force, and steps in the shape that has every setting"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from engine.models import Id, Instant

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "chain_drafts",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("editors", sa.JSON(), nullable=False),
        sa.Column("saved_at", Instant(timezone=True), nullable=False),
        sa.Column("saved_by", Id(length=32), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_chain_drafts")),
    )
    op.create_table(
        "chain_events",
        sa.Column("id", Id(length=32), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.Column("by", Id(length=32), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_events")),
    )
    op.create_index(op.f("ix_chain_events_key"), "chain_events", ["key"], unique=False)
    op.add_column("chains", sa.Column("effective_at", Instant(timezone=True), nullable=True))
    chains = sa.table(
        "chains",
        sa.column("id", Id(length=32)),
        sa.column("steps", sa.JSON()),
        sa.column("effective_at", Instant(timezone=True)),
        sa.column("published_at", Instant(timezone=True)),
        sa.column("active", sa.Boolean()),
    )
    connection = op.get_bind()
    for id, steps, published_at in connection.execute(sa.select(chains.c.id, chains.c.steps, chains.c.published_at)).all():
        values = {"steps": _converted(steps), "effective_at": published_at}
        connection.execute(sa.update(chains).where(chains.c.id == id).values(values))
    with op.batch_alter_table("chains") as table:
        table.alter_column("effective_at", existing_type=Instant(timezone=True), nullable=False)
        table.drop_column("active")


def _converted(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Steps get a key, the reporting line its name, and being asked twice its word."""
    converted = []
    for number, step in enumerate(steps, 1):
        twice = {"asked": {"twice": "none"}, "skipped": {"twice": "adjacent"}}.get(step.get("twice", ""), {})
        rules = [{**rule, "rule": "report_line"} if rule["rule"] == "manager" else rule for rule in step["approvers"]]
        converted.append({"key": f"step_{number}", **step, "approvers": rules, **twice})
    return converted
