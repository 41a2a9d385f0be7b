"""Alembic's environment: one upgrade at a time, with short waits.

PostgreSQL: a lock around all, one transaction for each migration. SQLite: one transaction for all, begun before the revision
is read; between two transactions another process would begin at the revision that it found then.
"""

import sqlalchemy as sa
from alembic import context

from engine.models import Base

#: any number that nothing else in the database locks
LOCK = 20261124

connection: sa.Connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.execute(sa.text("SET statement_timeout = '60s'"))
    connection.execute(sa.text("SET lock_timeout = '10s'"))
    connection.execute(sa.text(f"SELECT pg_advisory_lock({LOCK})"))
    connection.commit()
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    transactional_ddl=True,  # Alembic thinks that SQLite has none
    transaction_per_migration=connection.dialect.name == "postgresql",
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
if connection.dialect.name == "postgresql":
    connection.execute(sa.text(f"SELECT pg_advisory_unlock({LOCK})"))
    connection.commit()
