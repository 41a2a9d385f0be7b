"""The schema's history. `upgrade` brings a database to the present release; it is safe to call at every start."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from ..db import Database

HERE = Path(__file__).parent


def config(connection: sa.Connection) -> Config:
    """Alembic's configuration for one open connection."""
    found = Config()
    found.set_main_option("script_location", str(HERE))
    found.attributes["connection"] = connection
    return found


def upgrade(database: Database) -> None:
    """Apply what is missing, one transaction each, while nobody else does the same."""
    engine = database.unpooled()
    with engine.connect() as connection:
        command.upgrade(config(connection), "head")
    engine.dispose()
