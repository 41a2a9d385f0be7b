"""The schema's history. `upgrade` brings a database to the present release; it is safe to call at every start."""

from __future__ import annotations

import functools
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from ..db import Database

HERE = Path(__file__).parent


def config(connection: sa.Connection) -> Config:
    """Alembic's configuration for one open connection."""
    found = Config()
    found.set_main_option("script_location", str(HERE))
    found.attributes["connection"] = connection
    return found


def upgrade(database: Database) -> None:
    """Apply what is missing, while nobody else does the same."""
    engine = database.unpooled()
    if not _is_present(engine):
        with engine.connect() as connection:
            command.upgrade(config(connection), "head")
    engine.dispose()


def _is_present(engine: sa.Engine) -> bool:
    """Whether nothing is missing; Alembic takes longer to find that out, at every start."""
    with engine.connect() as connection:
        return sa.inspect(connection).has_table("alembic_version") and revision(connection) == head()


@functools.cache
def head() -> str:
    """The last revision that this release knows."""
    return str(ScriptDirectory(str(HERE)).get_current_head())


def revision(connection: sa.Connection) -> str:
    """The revision at which a database is that was upgraded once."""
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
