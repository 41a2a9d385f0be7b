"""`partwell bench` for everything that one process measures: each brings a database of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from typing import Any

from engine.bench import chains as finding
from engine.bench import concurrent as together
from engine.bench import growth as growing
from engine.bench import heat_map as mapping
from engine.bench import idle as waiting
from engine.bench import inbox as reading
from engine.bench import open_loop as steady
from engine.bench import six_tasks
from engine.bench.six_tasks import People
from engine.services import Services

from .. import create_services
from . import approvals as approving
from . import inbox_http as pages
from .places import delayed, own_database, settings_for


@contextlib.contextmanager
def _office(kind: str, url: str, latency: float = 0.0) -> Iterator[tuple[Services, People]]:
    with own_database(kind, url) as address, delayed(address, latency) as reached, settings_for(reached) as settings:
        services = create_services(settings)
        yield services, six_tasks.prepare(services)
        services.database.dispose()


def _told(kind: str, figures: dict[str, Any]) -> dict[str, Any]:
    return {"db": kind, **figures, "load": round(os.getloadavg()[0], 2)}


def open_loop(kind: str, *, url: str, rate: float, seconds: float, latency: float) -> dict[str, Any]:
    """See `engine.bench.open_loop`. `latency`: seconds added to every round trip to PostgreSQL."""
    with _office(kind, url, latency) as (services, people):
        offering = dataclasses.replace(services, operations={**services.operations, **steady.offered()})
        return _told(kind, {"latency_ms": latency * 1000, **steady.measure(offering, people, rate, seconds)})


def backlog(kind: str, *, url: str, jobs: int) -> dict[str, Any]:
    """See `engine.bench.open_loop.backlog`."""
    with _office(kind, url) as (services, people):
        offering = dataclasses.replace(services, operations={**services.operations, **steady.offered()})
        return _told(kind, steady.backlog(offering, people, jobs))


def growth(kind: str, *, url: str, rows: int, measured: int) -> dict[str, Any]:
    """See `engine.bench.growth`."""
    with _office(kind, url) as (services, people):
        return _told(kind, growing.measure(services, people, rows, measured))


def heat_map(kind: str, *, url: str, cases: int, looks: int) -> dict[str, Any]:
    """See `engine.bench.heat_map`."""
    with _office(kind, url) as (services, people):
        return _told(kind, mapping.measure(services, people, cases, looks))


def concurrent(kind: str, *, url: str, persons: int, rounds: int) -> dict[str, Any]:
    """See `engine.bench.concurrent`."""
    with _office(kind, url) as (services, people):
        return _told(kind, together.measure(services, people, persons, rounds))


def inbox(kind: str, *, url: str, items: int, reads: int) -> dict[str, Any]:
    """See `engine.bench.inbox`."""
    with _office(kind, url) as (services, people):
        return _told(kind, reading.measure(services, people, items, reads))


def inbox_http(kind: str, *, url: str, items: int, people: int, reads: int) -> dict[str, Any]:
    """See `webapp.benchmarks.inbox_http`."""
    with _office(kind, url) as (services, staff):
        return _told(kind, pages.measure(services, staff, items, people, reads))


def approvals(kind: str, *, url: str, people: int, rounds: int, every: float) -> dict[str, Any]:
    """See `webapp.benchmarks.approvals`."""
    with _office(kind, url) as (services, staff):
        return _told(kind, approving.measure(services, services.settings, staff.subject, people, rounds, every))


def idle(kind: str, *, url: str, cases: int, live: int) -> dict[str, Any]:
    """See `engine.bench.idle`."""
    with _office(kind, url) as (services, people):
        return _told(kind, waiting.measure(services, people, cases, live))


def chains(kind: str, *, url: str, people: int, rounds: int) -> dict[str, Any]:
    """See `engine.bench.chains`."""
    with _office(kind, url) as (services, _):
        return _told(kind, finding.measure(services, people, rounds))
