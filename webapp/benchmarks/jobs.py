"""`partwell bench jobs`: several workers, each a process of its own, empty a table of jobs."""

from __future__ import annotations

import multiprocessing
import os
import time
from typing import Any

from engine.bench import jobs as bench
from engine.bench import six_tasks
from engine.settings import Settings

from .. import create_services
from .places import own_database, settings_for


def jobs(kind: str, *, url: str, bare: int, resuming: int, workers: int) -> dict[str, Any]:
    """See `engine.bench.jobs`. A case that ends makes a job that seals it, which is run and not counted."""
    with own_database(kind, url) as address, settings_for(address) as settings:
        services = bench.with_prompt(create_services(settings))
        people = six_tasks.prepare(services)
        figures: dict[str, Any] = {"db": kind, "workers": workers}
        kinds = (("bare", bench.fill_bare, bare, "seal"), ("resuming", bench.fill_resuming, resuming, "operation"))
        spawn = multiprocessing.get_context("spawn")
        ready = spawn.Barrier(workers, timeout=120)
        with spawn.Pool(workers, initializer=_join, initargs=(ready,)) as pool:
            for name, fill, count, of in kinds:
                fill(services, people, count)
                before = bench.ended(services, of)
                # seconds until the last of the workers found nothing more
                seconds = max(pool.starmap(_work, [(settings, of)] * workers, chunksize=1))
                done = bench.ended(services, of) - before
                figures[name] = {"jobs": done, "per_second": round(done / seconds, 1)}
        figures["load"] = round(os.getloadavg()[0], 2)
        services.database.dispose()
    return figures


_ready: Any = None


def _join(ready: Any) -> None:
    global _ready
    _ready = ready


def _work(settings: Settings, kind: str) -> float:
    services = bench.with_prompt(create_services(settings))
    _ready.wait()
    began = time.perf_counter()
    bench.work(services, kind)
    took = time.perf_counter() - began
    services.database.dispose()
    return took
