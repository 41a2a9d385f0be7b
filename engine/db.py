"""The database and the one unit of work: read under the case's lock, buffer the writes, send them with the commit.

PostgreSQL gets what is read together in one round trip, and the buffered writes with the COMMIT in another. SQLite runs in WAL mode; a
writing unit begins IMMEDIATE, so that it waits for its turn instead of failing in the middle.

A connection lost while a COMMIT is under way leaves open whether it took effect. Whoever commits says how to find out, and a
new connection is asked; with the request id, the same command sent again finds out for itself.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import sqlite3
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.pool import NullPool

from .errors import Conflict, DatabaseAway, DiskFull, SettingWrong
from .fields import Keyring
from .models import Base
from .outages import is_away, is_conflict, is_full
from .pipeline import Pipeline

log = logging.getLogger(__name__)

#: milliseconds a writer waits for its turn on SQLite, and a statement for a lock on PostgreSQL
_WAIT = 10_000
#: seconds in which a new connection is tried after one was lost during COMMIT; a standby takes over meanwhile
_DOUBT = 10.0
#: the server's, for each connection: it compiles no query (that takes longer than any of ours does), notices as soon that a client's
#: host vanished, and gives up the locks it held
_OPTIONS = (
    f"-c timezone=UTC -c jit=off -c lock_timeout={_WAIT} -c tcp_user_timeout=15000"
    " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2"
)
#: libpq's, unless the address says otherwise: a host that vanished without a word is noticed within 15 seconds
_LINE = {"connect_timeout": "5", "keepalives_idle": "5", "keepalives_interval": "5", "keepalives_count": "2", "tcp_user_timeout": "15000"}


class Statement:
    """One statement, compiled once for each dialect; hands plain parameters to the driver and plain rows back."""

    def __init__(self, clause: Any) -> None:
        self.clause = clause
        self._prepared: dict[str, _Prepared] = {}

    def prepared(self, dialect: sa.Dialect) -> _Prepared:
        found = self._prepared.get(dialect.name)
        if found is None:
            found = self._prepared[dialect.name] = _Prepared(self.clause, dialect)
        return found


class _Prepared:
    def __init__(self, clause: Any, dialect: sa.Dialect) -> None:
        compiled = clause.compile(dialect=_NUMBERED if dialect.name == "postgresql" else dialect)
        self.sql = str(compiled)
        #: name, value where none is given, and the conversion of each parameter
        self._binds: list[tuple[str, Any, Callable[[Any], Any] | None]] = []
        for name in compiled.positiontup:
            convert = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
            self._binds.append((name, compiled.params[name], convert))
        columns = list(clause.selected_columns) if isinstance(clause, sa.Select) else []
        self._row: Any = namedtuple("Row", [column.key for column in columns])  # type: ignore[misc]
        self._results = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._plain = not any(self._results)

    def parameters(self, given: dict[str, Any]) -> tuple[Any, ...]:
        values = [(given.get(name, default), convert) for name, default, convert in self._binds]
        return tuple([convert(value) if convert else value for value, convert in values])

    def rows(self, raw: Sequence[Sequence[Any]]) -> list[Any]:
        if self._plain:
            return [self._row(*row) for row in raw]
        return [
            self._row(*[convert(value) if convert else value for value, convert in zip(row, self._results, strict=True)]) for row in raw
        ]


#: in whose manner statements are written for `Pipeline`: parameters as `$1`, `$2` …
_NUMBERED: sa.Dialect = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


def one_of(column: Any, *values: str) -> sa.ColumnElement[bool]:
    """As IN, for statements that are compiled once: an IN would be written anew for every number of values."""
    return sa.or_(*(column == value for value in values))


class Count(NamedTuple):
    """What units of one `Database` object have sent so far; not exact while several threads work."""

    statements: int
    commits: int


class Unit:
    """One transaction: everything written in it becomes visible together, or not at all."""

    def __init__(self, lent: sa.PoolProxiedConnection, database: Database) -> None:
        self.keyring = database.keyring
        self._database = database
        self._lent = lent
        self._dialect = database.engine.dialect
        self._driver: Any = lent.driver_connection
        self._rows: dict[sa.Table, list[dict[str, Any]]] = {}
        self._writes: list[tuple[Statement, dict[str, Any]]] = []
        self._after: list[Callable[[], None]] = []

    @property
    def connection(self) -> sa.Connection:
        """For reads off the hot path, written as ordinary SQLAlchemy. Buffered writes are not visible to them."""
        self._count(statements=1)
        return self._ordinary

    @functools.cached_property
    def _ordinary(self) -> sa.Connection:
        """The same transaction as SQLAlchemy sees it; most units do without."""
        connection = sa.Connection(self._database.engine, connection=self._lent)
        connection.begin()
        return connection

    def one(self, statement: Statement, **parameters: Any) -> Any:
        """The only row of a compiled select, or None."""
        rows = self.all(statement, **parameters)
        return rows[0] if rows else None

    def all(self, statement: Statement, **parameters: Any) -> list[Any]:
        return self.together((statement, parameters))[0]

    def together(self, *asked: tuple[Statement, dict[str, Any]]) -> list[list[Any]]:
        """The rows of several compiled selects, read one after another in one round trip."""
        return self._send(asked)

    def add(self, model: type[Base], **values: Any) -> None:
        """A new row, inserted at the commit: one statement for each table, tables in the order of their references."""
        self._rows.setdefault(model.__table__, []).append(values)  # type: ignore[arg-type]

    def write(self, statement: Statement, **parameters: Any) -> None:
        """An update or deletion, done at the commit after all insertions, kept in order."""
        self._writes.append((statement, parameters))

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once everything is safely stored; it must not fail."""
        self._after.append(action)

    def commit(self, *, stored: Callable[[Unit], bool] | None = None) -> None:
        """Store it. Raises Conflict where a unique constraint says that somebody did the same thing first.

        `stored` tells a later unit whether this one took effect. It is asked when the connection is lost during COMMIT, and
        should lock what this one had locked: a COMMIT that the server still works on is then waited for. Raises DatabaseAway
        if nothing was stored, or nobody can say.
        """
        try:
            self._send([*self._insertions(), *self._writes], commit=True)
            self._count(commits=1)
        except Exception as error:
            if is_conflict(error):
                raise Conflict() from error
            if not (stored and is_away(error) and self._lost and self._database.finds(stored)):
                raise
            log.warning("the connection was lost during COMMIT; another one says that it took effect")
        self._rows.clear()
        self._writes.clear()
        for action in self._after:
            try:
                action()
            except Exception:  # what is stored is stored, and whoever stored it must not be told otherwise
                log.exception("something that follows a commit failed")

    def close(self) -> None:
        """Leave without what was not committed. The driver is asked itself: SQLAlchemy does not see a COMMIT that failed in a pipeline."""
        try:
            self._driver.rollback()
        except Exception as error:  # the connection is lost, and with it whatever was not committed
            if self._lent.is_valid:
                self._lent.invalidate(error)

    @property
    def _lost(self) -> bool:
        """Whether the server can no longer be asked on this connection."""
        return bool(getattr(self._driver, "closed", False))

    def _count(self, *, statements: int = 0, commits: int = 0) -> None:
        sent = self._database.sent
        self._database.sent = Count(sent.statements + statements, sent.commits + commits)

    def _insertions(self) -> Iterator[tuple[Statement, dict[str, Any]]]:
        for table in _TABLES:
            rows = self._rows.get(table, [])
            for start in range(0, len(rows), _ROWS):
                part = rows[start : start + _ROWS]
                yield (
                    _insertion(table, len(part)),
                    {f"{name}_{i}": value for i, row in enumerate(part) for name, value in row.items()},
                )

    def _send(self, statements: Sequence[tuple[Statement, dict[str, Any]]], *, commit: bool = False) -> list[list[Any]]:
        prepared = [(statement.prepared(self._dialect), parameters) for statement, parameters in statements]
        sent = [(statement.sql, statement.parameters(parameters)) for statement, parameters in prepared]
        self._count(statements=len(sent))
        if self._dialect.name == "postgresql":
            raw = self._pipeline.exchange(sent, commit=commit)
        else:
            raw = [self._driver.execute(*statement).fetchall() for statement in sent]
        if commit:
            self._committed()
        return [statement.rows(rows) for (statement, _), rows in zip(prepared, raw, strict=True)]

    def _committed(self) -> None:
        """SQLite commits here; on PostgreSQL the COMMIT is done, and SQLAlchemy may have to know."""
        if "_ordinary" in self.__dict__:
            self._ordinary.commit()
        elif self._dialect.name != "postgresql":
            self._driver.commit()

    @functools.cached_property
    def _pipeline(self) -> Pipeline:
        known = self._lent.info  # of the driver's connection, through all its units
        if "pipeline" not in known:
            known["pipeline"] = Pipeline(self._driver)
        return known["pipeline"]  # type: ignore[no-any-return]


#: tables in the order in which their rows may be inserted
_TABLES = Base.metadata.sorted_tables
#: rows in one insertion; the widest table stays far below SQLite's limit of parameters
_ROWS = 50


@functools.cache
def _insertion(table: sa.Table, count: int) -> Statement:
    """Insert `count` rows at once; the parameter of column c in row i is called c_i, absent ones are NULL."""
    return Statement(
        sa.insert(table).values([{c.key: sa.bindparam(f"{c.key}_{i}", None, type_=c.type) for c in table.columns} for i in range(count)])
    )


class Database:
    """One database, opened from its address. Safe to share between threads."""

    def __init__(self, url: str, keyring: Keyring, *, pool_size: int = 20) -> None:
        try:
            address = sa.make_url(url)
        except sa.exc.ArgumentError as error:
            raise SettingWrong(setting="database", reason=f"{url!r} is not an address SQLAlchemy knows") from error
        self.keyring = keyring
        #: for benchmarks
        self.sent = Count(0, 0)
        #: how a connection to PostgreSQL is kept
        self.line: dict[str, str] = {}
        match address.get_backend_name():
            case "sqlite":
                if address.database in (None, "", ":memory:"):
                    raise SettingWrong(setting="database", reason="SQLite needs a file; a database in memory would be lost")
                Path(str(address.database)).absolute().parent.mkdir(parents=True, exist_ok=True)
                self.engine = sa.create_engine(
                    address,
                    connect_args={"timeout": _WAIT / 1000, "check_same_thread": False},
                    pool_size=pool_size,
                    max_overflow=10,
                )
                sa.event.listen(self.engine, "connect", _open_sqlite)
                sa.event.listen(self.engine, "begin", _begin_sqlite)
            case "postgresql":
                self.line = {name: value for name, value in _LINE.items() if name not in address.query} | {"options": _OPTIONS}
                self.engine = sa.create_engine(
                    address.set(drivername="postgresql+psycopg"),
                    # psycopg prepares nothing: with every rollback it would deallocate what `Pipeline` has prepared
                    connect_args={**self.line, "prepare_threshold": None},
                    pool_size=pool_size,
                    max_overflow=10,
                )
            case other:
                raise SettingWrong(setting="database", reason=f"{other} is not supported; use sqlite or postgresql")
        # On PostgreSQL each statement sees what is committed by then, in a transaction or not; BEGIN and ROLLBACK would be two more
        # round trips. On SQLite all statements of a transaction see the same.
        self._reading = self.engine.execution_options(**{"isolation_level": "AUTOCOMMIT"} if self.line else {})

    @contextlib.contextmanager
    def unit(self) -> Iterator[Unit]:
        """A writing unit of work; nothing stays unless `commit()` was called. Raises DatabaseAway, DiskFull."""
        with self._noticing_loss(), contextlib.closing(self.engine.raw_connection()) as lent:
            unit = Unit(lent, self)
            try:
                if self.engine.dialect.name == "sqlite":
                    lent.driver_connection.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]
                yield unit
            finally:
                unit.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection for reads. Raises DatabaseAway."""
        with self._noticing_loss(), self._reading.connect() as connection:
            yield connection

    def together(self, *asked: tuple[Statement, dict[str, Any]]) -> list[list[Any]]:
        """The rows of several compiled selects, read in one round trip without a unit. Raises DatabaseAway."""
        with self._noticing_loss(), contextlib.closing(self.engine.raw_connection()) as lent:
            unit = Unit(lent, self)
            try:
                return unit._send(asked, commit=True)  # with the same round trip it is over
            finally:
                unit.close()

    def finds(self, stored: Callable[[Unit], bool]) -> bool:
        """Ask on a new connection whether a unit took effect whose own was lost. Committed, so that a synchronous standby has it, too."""
        deadline = time.monotonic() + _DOUBT
        while time.monotonic() < deadline:
            try:
                with self.unit() as unit:
                    found = stored(unit)
                    unit.commit()
                    return found
            except DatabaseAway:
                time.sleep(0.2)
        return False

    @contextlib.contextmanager
    def _noticing_loss(self) -> Iterator[None]:
        """A database that is away is said so; the other connections of the pool are then not tried one by one."""
        pool = self.engine.pool
        try:
            yield
        except (psycopg.Error, sqlite3.Error, sa.exc.DBAPIError) as error:
            if is_full(error):
                raise DiskFull() from error
            if not is_away(error):
                raise
            if self.engine.dialect.name == "postgresql" and pool is self.engine.pool:
                self.engine.dispose()
            raise DatabaseAway() from error

    def dispose(self) -> None:
        self.engine.dispose()

    def unpooled(self) -> sa.Engine:
        """An engine that keeps no connection, for migrations. On SQLite each of its transactions has the file to itself."""
        engine = sa.create_engine(self.engine.url, poolclass=NullPool)
        if engine.dialect.name == "sqlite":
            engine = engine.execution_options(partwell_writes=True)
            sa.event.listen(engine, "connect", _wait_on_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        return engine


def _wait_on_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin ourselves
    connection.execute(f"PRAGMA busy_timeout={_WAIT}")


def _open_sqlite(connection: Any, record: Any) -> None:
    _wait_on_sqlite(connection, record)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    if connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
        return  # a unit began it
    writes = connection.get_execution_options().get("partwell_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
