"""An empty SQLite database as the migrations leave it; they run once for each process that tests, not once for each test."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import sqlalchemy as sa

from engine import migrations
from engine.db import Database
from engine.fields import Keyring


@functools.cache
def content() -> bytes:
    """The file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        database = Database(f"sqlite:///{file}", Keyring.open(Path(folder) / "keys.json"))
        migrations.upgrade(database)
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        database.dispose()
        return file.read_bytes()


def place(file: Path) -> None:
    """Put it there, whatever was there before."""
    for left in file.parent.glob(f"{file.name}*"):
        left.unlink()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content())
