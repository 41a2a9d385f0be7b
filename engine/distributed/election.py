"""Which of several processes does what only one should do.

PostgreSQL: an advisory lock of the session, held by a connection that does nothing else. A process that dies, or whose connection
is lost, no longer holds it, and the next one that asks is elected. SQLite: a row with a lease.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from ..db import Database
from ..errors import Conflict, DatabaseAway
from ..models import Election, new_id
from ..outages import is_away


class Candidate:
    """One process that stands for the duty `name`. On SQLite it is elected for `term` seconds at a time."""

    def __init__(self, database: Database, name: str, *, term: float) -> None:
        self._database = database
        self._name = name
        self._term = dt.timedelta(seconds=term)
        self._id = new_id()
        self._held: sa.Connection | None = None
        # 63 bits of a digest: advisory locks of the whole database share one space of numbers
        self._number = int.from_bytes(hashlib.sha256(f"partwell {name}".encode()).digest()[:8], "big") >> 1
        self._engine = sa.create_engine(
            database.engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=dict(database.line)
        )

    def elected(self, now: dt.datetime) -> bool:
        """Whether the duty is this process's until it asks again. A database that is away elects nobody."""
        try:
            return self._leases(now) if self._engine.dialect.name == "sqlite" else self._locks()
        except (DatabaseAway, Conflict):
            return False

    def resign(self) -> None:
        """Let somebody else be elected at once."""
        if self._engine.dialect.name == "sqlite":
            mine = sa.and_(Election.name == self._name, Election.holder == self._id)
            with contextlib.suppress(DatabaseAway), self._database.unit() as unit:
                unit.connection.execute(sa.delete(Election).where(mine))
                unit.commit()
        self._drop()

    def _locks(self) -> bool:
        try:
            if self._held is not None:
                self._held.exec_driver_sql("SELECT 1")
                return True
            connection = self._engine.connect()
            if connection.execute(sa.select(sa.func.pg_try_advisory_lock(self._number))).scalar_one():
                self._held = connection
                return True
            connection.close()
            return False
        except sa.exc.DBAPIError as error:
            self._drop()
            if not is_away(error):
                raise
            return False

    def _drop(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            with contextlib.suppress(sa.exc.DBAPIError):
                held.close()

    def _leases(self, now: dt.datetime) -> bool:
        free = sa.or_(Election.holder == self._id, Election.until < now, Election.until > now + 2 * self._term)
        with self._database.unit() as unit:
            until = now + self._term
            taken = sa.update(Election).where(Election.name == self._name, free).values(holder=self._id, until=until)
            if unit.connection.execute(taken).rowcount == 0:
                if unit.connection.execute(sa.select(Election.name).where(Election.name == self._name)).first():
                    return False
                unit.add(Election, name=self._name, holder=self._id, until=until)
            unit.commit()
        return True
