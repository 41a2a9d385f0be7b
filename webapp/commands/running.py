"""Commands that keep running: the server, a worker, the sample company."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import click

from . import OUT, partwell, settings_of


@partwell.command()
@click.option("--host", help="Address to listen on (PARTWELL_HOST).")
@click.option("--port", type=int, help="Port to listen on (PARTWELL_PORT).")
@click.pass_context
def up(context: click.Context, host: str | None, port: int | None) -> int:
    """Serve the web and run the jobs; the first start on an empty database loads the demo company."""
    from ..server import Server

    server = Server(settings_of(context, host=host, port=port))
    _until_stopped(server.start, server.stop)
    return OUT


@partwell.command()
@click.option("--host", help="Address to listen on (PARTWELL_HOST).")
@click.option("--port", type=int, help="Port to listen on (PARTWELL_PORT).")
@click.option("--processes", type=click.IntRange(1), default=2, show_default=True, help="Processes that answer requests.")
@click.pass_context
def web(context: click.Context, host: str | None, port: int | None, processes: int) -> int:
    """Serve the web only, in several processes under gunicorn; `partwell worker` runs the jobs, here or on other machines."""
    from ..wsgi import serve

    serve(settings_of(context, host=host, port=port), processes=processes)
    return OUT


@partwell.command()
@click.pass_context
def worker(context: click.Context) -> int:
    """Run jobs only, beside any number of others on the same database."""
    from ..server import Worker

    running = Worker(settings_of(context))
    _until_stopped(running.start, running.stop)
    return OUT


def _until_stopped(start: Callable[[], None], stop: Callable[[], None]) -> None:
    stopped = threading.Event()
    start()
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        stopped.wait()
    finally:
        stop()


@partwell.command("sample-company")
@click.option("--home", "folder", type=click.Path(path_type=Path), help="Folder of its data; default: sample-company in Partwell's home.")
@click.option("--port", type=int, default=8010, show_default=True, help="Port of its HTTP interface; 0 takes a free one.")
@click.option("--smtp-port", type=int, default=8025, show_default=True, help="Port of its mailbox; 0 takes a free one.")
@click.pass_context
def sample_company(context: click.Context, folder: Path | None, port: int, smtp_port: int) -> int:
    """An invented company's EHR, payroll, OA and mailbox as one HTTP process, for trying and testing."""
    from ..demo.company.serve import serve

    serve(folder or settings_of(context).home / "sample-company", port, smtp_port)
    return OUT
