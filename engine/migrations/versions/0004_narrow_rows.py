"""Ids and digests at half their width on PostgreSQL; sign-offs without a round, and offered to one role without a candidate"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

#: columns that hold what `engine.models.Id` describes
IDS = {
    "accounts": ("person_id",),
    "candidates": ("sign_off_id",),
    "cases": ("id", "version_id", "subject_id", "initiator_id"),
    "chains": ("id", "published_by"),
    "departments": ("head_id",),
    "documents": ("id", "case_id", "created_by"),
    "drafts": ("item_id", "person_id"),
    "holdings": ("person_id",),
    "incidents": ("id", "case_id", "job_id", "resolved_by"),
    "job_attempts": ("job_id", "case_id"),
    "jobs": ("id", "case_id"),
    "ledger": ("case_id", "actor_id"),
    "messages": ("id", "sent_by", "case_id"),
    "persons": ("id", "manager_id"),
    "procedure_files": ("version_id",),
    "procedure_versions": ("id", "deployed_by"),
    "sealed_files": ("case_id",),
    "sign_offs": ("id", "round_id", "item_id", "case_id", "person_id", "decided_by"),
    "snapshots": ("id", "case_id", "job_id"),
    "subscriptions": ("case_id",),
    "version_events": ("id", "version_id", "by"),
    "work_items": ("id", "case_id", "chain_id"),
    "work_rounds": ("id", "step_id"),
    "work_steps": ("id", "item_id"),
}
DIGESTS = {"cases": "head", "ledger": "digest"}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _narrow()
    with op.batch_alter_table("sign_offs") as sign_offs:
        sign_offs.alter_column("round_id", existing_type=sa.String(length=32), nullable=True)
        sign_offs.add_column(sa.Column("role", sa.String(length=100), nullable=True))
        sign_offs.drop_index("ix_sign_offs_round_id")
        sign_offs.drop_index("ix_sign_offs_decided")
    with op.batch_alter_table("ledger") as ledger:
        ledger.drop_constraint("uq_ledger_request_id", type_="unique")
    op.drop_index("ix_cases_status", "cases")
    _partial("ix_sign_offs_role_open", "sign_offs", ["role", "opened_at"], "state = 'open' AND role IS NOT NULL")
    _partial("ix_sign_offs_round_id", "sign_offs", ["round_id"], "round_id IS NOT NULL")
    _partial("ix_sign_offs_decided", "sign_offs", ["decided_by", "decided_at"], "decided_by IS NOT NULL")
    _partial("uq_ledger_request_id", "ledger", ["request_id"], "request_id IS NOT NULL", unique=True)
    _partial("ix_cases_going_on", "cases", ["status"], "status <> 'closed'")


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _narrow() -> None:
    """A reference and what it refers to must change together, so the references are taken off meanwhile."""
    inspector = sa.inspect(op.get_bind())
    references = [(table, key) for table in IDS for key in inspector.get_foreign_keys(table)]
    references = [(table, key) for table, key in references if set(key["constrained_columns"]) <= set(IDS[table])]
    for table, key in references:
        op.drop_constraint(str(key["name"]), table, type_="foreignkey")
    for table, columns in IDS.items():
        changes = [f"ALTER COLUMN {column} TYPE uuid USING {column}::uuid" for column in columns]
        if column := DIGESTS.get(table):
            changes.append(f"ALTER COLUMN {column} TYPE bytea USING decode({column}, 'hex')")
        op.execute(f"ALTER TABLE {table} {', '.join(changes)}")
    for table, key in references:
        op.create_foreign_key(key["name"], table, key["referred_table"], key["constrained_columns"], key["referred_columns"])
    # what is encrypted does not get smaller
    op.execute("ALTER TABLE cases ALTER COLUMN state SET STORAGE EXTERNAL")
