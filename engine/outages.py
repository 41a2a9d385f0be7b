"""What an error of a driver means: the same thing was stored first, the database is away, or its disk is full."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg.errors import PipelineAborted, UniqueViolation

#: SQLite's names for a key that is taken
_TAKEN = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")


def is_conflict(error: BaseException) -> bool:
    """Whether two rows wanted the same key. In a pipeline the first failure may hide behind another."""
    return any(isinstance(seen, UniqueViolation) or getattr(seen, "sqlite_errorname", "") in _TAKEN for seen in _causes(error))


def is_away(error: BaseException) -> bool:
    """Whether the database did not answer, in time or at all; a fault in what we asked it is none of these."""
    driver = [seen for seen in _causes(error) if isinstance(seen, psycopg.Error) and not isinstance(seen, PipelineAborted)]
    busy = any(getattr(seen, "sqlite_errorname", "").startswith("SQLITE_BUSY") for seen in _causes(error))
    return busy or (bool(driver) and all(isinstance(seen, psycopg.OperationalError) for seen in driver))


def is_full(error: BaseException) -> bool:
    """Whether the database has no room left to write."""
    return any(
        isinstance(seen, psycopg.errors.DiskFull) or getattr(seen, "sqlite_errorname", "") == "SQLITE_FULL" for seen in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it; an error that was raised anew while one of its effects was handled closes a circle."""
    met: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and not any(seen is one for one in met):
        yield seen
        met.append(seen)
        seen = seen.__cause__ or seen.__context__
