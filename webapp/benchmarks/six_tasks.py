"""`partwell bench six-tasks`: measure in one or several processes, directly or over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import multiprocessing
import os
import statistics
import threading
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from engine.bench import six_tasks as bench
from engine.models import Account, new_id
from engine.settings import Settings

from .. import create_app, create_services
from .places import own_database, settings_for


def six_tasks(kind: str, *, url: str, cases: int, processes: int, http: bool) -> dict[str, Any]:
    """Figures of the six-task process; see `engine.bench.six_tasks` for what they mean.

    `url`: PostgreSQL server to use; empty: a private one. On either it works in a database of its own, which is dropped at the end.
    """
    with own_database(kind, url) as address, settings_for(address) as settings:
        services = create_services(settings)
        people = bench.prepare(services)
        bench.lap(services, people, bench.WARM_UP)
        commit = bench.bare_commit(services)
        before = bench.stored_bytes(services)
        laps = _laps(settings, people, cases, processes, _log_in(services, people) if http else None)
        closed, still_open = bench.finished(services)
        took = sorted(second for lap in laps for second in lap.completions)
        figures = {
            "db": kind,
            "http": http,
            "processes": processes,
            "cases": cases * processes,
            "finished": closed - bench.WARM_UP * (1 + processes),
            "open": still_open,
            "cases_per_second": round(sum(cases / lap.seconds for lap in laps), 1),
            "completion_ms": {
                "median": round(statistics.median(took) * 1000, 2),
                "p95": round(bench.percentile(took, 0.95) * 1000, 2),
                "p99": round(bench.percentile(took, 0.99) * 1000, 2),
            },
            "commit_ms": round(commit * 1000, 2),
            "sql_per_completion": round(sum(lap.statements for lap in laps) / len(took), 2),
            "commits_per_completion": round(sum(lap.commits for lap in laps) / len(took), 2),
            "bytes_per_case": round((bench.stored_bytes(services) - before) / (cases * processes + bench.WARM_UP * processes)),
            "load": round(os.getloadavg()[0], 2),
        }
        services.database.dispose()
    return figures


def _log_in(services: Any, people: bench.People) -> tuple[str, str]:
    """Login and password of a new account of the worker."""
    from engine.people import accounts

    login, password = "bench", new_id()
    with services.database.unit() as unit:
        account = {"login": login, "person_id": people.worker, "password": "", "locale": "zh-CN", "disabled": False}
        unit.connection.execute(sa.insert(Account), account)
        accounts.set_password(unit.connection, login, password)
        unit.commit()
    return login, password


def _laps(settings: Settings, people: bench.People, cases: int, processes: int, account: tuple[str, str] | None) -> list[bench.Lap]:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(processes, timeout=120)  # one that failed must not keep the others waiting
    with spawn.Pool(processes, initializer=_join, initargs=(ready,)) as pool:
        return pool.starmap(_lap, [(settings, people, cases, account)] * processes, chunksize=1)


_ready: Any = None


def _join(ready: Any) -> None:
    global _ready
    _ready = ready


def _lap(settings: Settings, people: bench.People, cases: int, account: tuple[str, str] | None) -> bench.Lap:
    services = create_services(settings)
    with _over_http(services, *account) if account else contextlib.nullcontext() as complete:
        bench.lap(services, people, bench.WARM_UP, complete)
        _ready.wait()
        measured = bench.lap(services, people, cases, complete)
    services.database.dispose()
    return measured


@contextlib.contextmanager
def _over_http(services: Any, login: str, password: str) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Complete items through the JSON interface of a real server on the loopback address, one kept connection.

    The client shares the server's processor and interpreter, so it is the lightest there is.
    """
    import waitress

    server = waitress.create_server(create_app(services), host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    headers = {"Content-Type": "application/json"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.effective_port, timeout=30)) as line:

        def post(path: str, content: dict[str, Any]) -> bytes:
            line.request("POST", f"/api/v1/{path}", json.dumps(content), headers)
            answer = line.getresponse()
            told = answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{path} was answered with {answer.status}: {told.decode()}")
            return told

        token = json.loads(post("session", {"login": login, "password": password}))["token"]
        headers["Authorization"] = f"Bearer {token}"

        def complete(item_id: str, values: dict[str, Any]) -> None:
            headers["Idempotency-Key"] = new_id()
            post(f"items/{item_id}/complete", {"values": values})

        yield complete
    server.close()
