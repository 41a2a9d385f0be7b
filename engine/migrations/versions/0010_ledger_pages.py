"""A row of the ledger for each commit instead of each entry; commands found by a short digest of their id"""

import hashlib
import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Rows that are there become pages of one entry; nothing sealed is opened."""
    op.drop_index("uq_ledger_request_id", "ledger")
    if op.get_bind().dialect.name == "postgresql":
        other = "substr(sha256(convert_to(request_id, 'UTF8')), 1, 16)"
        mark = f"CASE WHEN request_id ~ '^[0-9a-f]{{32}}$' THEN decode(request_id, 'hex') ELSE {other} END"
        op.execute(f"ALTER TABLE ledger ALTER COLUMN request_id TYPE bytea USING {mark}")
        op.execute("ALTER TABLE ledger RENAME COLUMN digest TO digests")
    else:
        _on_sqlite()
    where = sa.text("request_id IS NOT NULL")
    op.create_index("uq_ledger_request_id", "ledger", ["request_id"], unique=True, sqlite_where=where, postgresql_where=where)


def _mark(text: str) -> bytes:
    return bytes.fromhex(text) if re.fullmatch("[0-9a-f]{32}", text) else hashlib.sha256(text.encode()).digest()[:16]


def _on_sqlite() -> None:
    driver: Any = op.get_bind().connection.driver_connection
    driver.create_function("from_hex", 1, bytes.fromhex, deterministic=True)
    driver.create_function("mark", 1, lambda text: text and _mark(text), deterministic=True)
    with op.batch_alter_table("ledger") as ledger:
        ledger.add_column(sa.Column("digests", sa.LargeBinary(), nullable=False, server_default=sa.text("x''")))
        ledger.add_column(sa.Column("mark", sa.LargeBinary(), nullable=True))
    op.execute("UPDATE ledger SET digests = from_hex(digest), mark = mark(request_id)")
    with op.batch_alter_table("ledger") as ledger:
        ledger.drop_column("digest")
        ledger.drop_column("request_id")
        ledger.alter_column("mark", new_column_name="request_id", existing_type=sa.LargeBinary())
        ledger.alter_column("digests", existing_type=sa.LargeBinary(), server_default=None)
