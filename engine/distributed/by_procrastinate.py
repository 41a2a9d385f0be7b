"""procrastinate as carrier: the message is a row of the same PostgreSQL, written by the transaction that writes the job.

Its tables are its own (`procrastinate_…`); they are made at the first start and never read by us. A message says that a job is
due; which one is run is decided by the claim, so a message too many or one too few does no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import threading
import time

import procrastinate
import psycopg
import sqlalchemy as sa
from procrastinate import exceptions
from procrastinate.jobs import Status
from psycopg.conninfo import make_conninfo

from ..db import Database
from ..errors import DatabaseAway
from ..ports import Runs, Transaction
from . import heard

log = logging.getLogger(__name__)
# One says each message twice at level INFO, the other each try to connect to a database that is away.
logging.getLogger("procrastinate").setLevel(logging.WARNING)
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)

#: seconds to the next try after the worker lost its database
_PAUSE = 1.0
#: seconds between looks for messages whose worker died
_TIDY = 30.0
#: any number that nobody else takes, for the lock under which the tables are made
_TABLES = 0x50415254


class Procrastinate:
    """`ports.Carrier` on PostgreSQL; the worker runs at most `threads` jobs at once."""

    def __init__(self, database: Database, *, threads: int) -> None:
        self._database = database
        self._threads = threads
        # Messages are sent on the unit's connection, so this connector never opens one of its own.
        self._app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=_conninfo(database)))

        @self._app.task(name="partwell.due")
        def arrived(job: str, due: float) -> None:
            assert self._runner is not None
            heard(self._runner, job, due)

        self._task = arrived
        self._runner: Runs | None = None
        self._thread: threading.Thread | None = None
        self._worker: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None
        self._stopped = threading.Event()
        _make_tables(database, self._app)

    def defer(self, unit: Transaction, job: str, due: dt.datetime) -> None:
        # One message waits for each job at most: a lock that is taken would break the transaction, so a look comes first.
        if unit.connection.execute(_WAITING, {"lock": f"job:{job}"}).first() is None:
            self._send(unit, job, due)

    def ring(self, due: dt.datetime | None) -> None:
        """A message that names no job is worth no failed command: the sweep finds what it would have brought."""
        with contextlib.suppress(DatabaseAway), self._database.unit() as unit:
            self._send(unit, "", due)
            unit.commit()

    def sweep(self, job: str, due: dt.datetime) -> None:
        with contextlib.suppress(exceptions.AlreadyEnqueued), self._database.unit() as unit:
            self._send(unit, job, due)
            unit.commit()

    def start(self, runner: Runs) -> None:
        self._runner = runner
        self._thread = threading.Thread(target=self._work, name="procrastinate", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._worker is not None:
            loop, task = self._worker
            with contextlib.suppress(RuntimeError):  # it ended by itself
                loop.call_soon_threadsafe(task.cancel)
        if self._thread is not None:
            self._thread.join()
        if self._runner is not None:
            self._runner.close()

    def _send(self, unit: Transaction, job: str, due: dt.datetime | None) -> None:
        connection = unit.connection.connection.driver_connection
        lock = f"job:{job}" if job else None
        message = self._task.configure(connection=connection, queueing_lock=lock, schedule_at=due)
        try:
            message.defer(job=job, due=due.timestamp() if due else 0.0)
        except exceptions.ConnectorException as error:  # its own word for whatever the driver says, which the unit understands
            raise (error.__cause__ or error) from None

    def _work(self) -> None:
        """Until it is stopped: a database that went away is waited for."""
        while not self._stopped.is_set():
            try:
                asyncio.run(self._listen())
            except asyncio.CancelledError:
                return
            except Exception as error:
                log.warning("procrastinate's worker lost its database and tries again: %s", error)
                time.sleep(_PAUSE)

    async def _listen(self) -> None:
        connector = procrastinate.PsycopgConnector(conninfo=_conninfo(self._database))
        async with self._app.with_connector(connector).open_async() as app:
            listening = asyncio.ensure_future(
                app.run_worker_async(
                    concurrency=self._threads,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    fetch_job_polling_interval=1.0,
                )
            )
            self._worker = asyncio.get_running_loop(), listening
            tidying = asyncio.ensure_future(_tidy(app))
            try:
                if self._stopped.is_set():
                    listening.cancel()
                await listening
            finally:
                tidying.cancel()


_WAITING = sa.text("SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = :lock")


def _conninfo(database: Database) -> str:
    """The database's address in libpq's words, several hosts included."""
    _, given = database.engine.dialect.create_connect_args(database.engine.url)
    given.pop("context", None)  # SQLAlchemy's own
    return make_conninfo(**given, **database.line)


def _make_tables(database: Database, app: procrastinate.App) -> None:
    """Once for each database, whoever starts first."""
    with psycopg.connect(_conninfo(database)) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_TABLES])
        [(there,)] = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchall()
        if there is None:
            connection.execute(app.schema_manager.get_schema())


async def _tidy(app: procrastinate.App) -> None:
    """A worker that died leaves its messages behind; the jobs themselves were given to others when their lease was over."""
    while True:
        await asyncio.sleep(_TIDY)
        try:
            for message in await app.job_manager.get_stalled_jobs():
                await app.job_manager.finish_job(message, status=Status.FAILED, delete_job=True)
        except exceptions.ProcrastinateException as error:
            log.warning("messages of dead workers could not be removed: %s", error)
