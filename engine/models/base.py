"""What every table shares."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from .. import errors

#: what `new_id` gives
_ID = re.compile("[0-9a-f]{32}")
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=_NAMES)


class Instant(TypeDecorator[dt.datetime]):
    """A point in time, UTC. PostgreSQL keeps a timestamptz; SQLite a text of fixed width, so that text order is time order."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect.type_descriptor(sa.String(32) if dialect.name == "sqlite" else sa.DateTime(timezone=True))

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        value = value.astimezone(dt.UTC)
        return value.isoformat(timespec="microseconds") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> dt.datetime | None:
        if isinstance(value, str):
            return dt.datetime.fromisoformat(value)
        return value.astimezone(dt.UTC) if value is not None else None


class NotFound(errors.NotFound, sa.exc.DontWrapMixin):
    __doc__ = errors.NotFound.__doc__


class Id(TypeDecorator[str]):
    """What `new_id` gives. PostgreSQL keeps a uuid, 16 bytes in every row and index; SQLite the text.

    A text that cannot be an id, from a mistyped address or an expression, equals no id; stored, or given to a `Statement`,
    it raises NotFound.
    """

    impl = sa.String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect.type_descriptor(sa.String(32) if dialect.name == "sqlite" else postgresql.UUID(as_uuid=False))

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return SoughtId()

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is not None and not _ID.fullmatch(value):
            raise NotFound(what="id", name=value[:40])
        return value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return value.replace("-", "") if value is not None else None


class SoughtId(Id):
    """An id that something is compared with."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return value if value is None or _ID.fullmatch(value) else "0" * 32


class Digest(TypeDecorator[str]):
    """A SHA-256 digest, 64 hexadecimal digits. PostgreSQL keeps the 32 bytes, SQLite the text."""

    impl = sa.String(64)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect.type_descriptor(sa.String(64) if dialect.name == "sqlite" else sa.LargeBinary())

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:
        return bytes.fromhex(value) if value is not None and dialect.name != "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        return value.hex() if isinstance(value, bytes) else value


class Mark(TypeDecorator[str]):
    """A text by which a row is found again and never read, in 16 bytes: an id's own, else the first of its SHA-256 digest."""

    impl = sa.LargeBinary
    cache_ok = True

    @staticmethod
    def of(text: str) -> bytes:
        if _ID.fullmatch(text):
            return bytes.fromhex(text)  # later ones sort later, also as marks
        return hashlib.sha256(text.encode()).digest()[:16]

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> bytes | None:
        return self.of(value) if value is not None else None


def new_id(*, after: str = "") -> str:
    """32 hexadecimal digits: 12 of milliseconds since 1970, 20 random. Later ids sort later, so indexes stay compact.

    `after`: an id before which this one must not sort, whatever the clocks of two machines say, and within one millisecond, too.
    """
    now = time.time_ns() // 1_000_000
    earliest = int(after[:_MILLISECONDS], 16) + 1 if after else 0
    return f"{max(now, earliest):012x}{os.urandom(10).hex()}"


#: digits of an id that tell its time
_MILLISECONDS = 12
