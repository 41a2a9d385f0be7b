"""`/metrics`: figures for Prometheus, to who sends the token of the settings.

Counters and histograms are this process's (`engine.observe`), or with `PROMETHEUS_MULTIPROC_DIR` those of all processes of the
machine; the rest is asked of the database, at most every few seconds however many scrapers come.
"""

from __future__ import annotations

import hmac
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, abort, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy.exc import SQLAlchemyError

from engine import claims, observe
from engine.errors import PartwellError
from engine.models import Case, Incident, Job, Projection
from engine.services import Services

metrics = Blueprint("metrics", __name__)

#: seconds for which an answer of the database is good
_FRESH = 5.0


def init_app(app: Flask) -> None:
    app.register_blueprint(metrics)
    registry = CollectorRegistry()
    registry.register(_Asked(app.extensions["partwell"]))
    app.extensions["figures"] = registry


@metrics.get("/metrics")
def figures() -> Response:
    """Text format of Prometheus. 404 where no token is set, 401 without it."""
    services: Services = current_app.extensions["partwell"]
    token = services.settings.metrics_token
    if not token:
        abort(404)
    kind, _, sent = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(sent.strip().encode(), token.encode()):
        return Response("A bearer token is needed.\n", 401, {"WWW-Authenticate": "Bearer"}, mimetype="text/plain")
    own = observe.FIGURES
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        own = CollectorRegistry()
        MultiProcessCollector(own)
    return Response(generate_latest(own) + generate_latest(current_app.extensions["figures"]), content_type=CONTENT_TYPE_LATEST)


class _Asked:
    """What the database, its pool and the calendars say."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._until = 0.0
        self._last: list[Metric] = []

    def describe(self) -> list[Metric]:
        """Nothing beforehand: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._last, self._until = [*self._of_database(), *self._of_pool(), *self._of_calendars()], time.monotonic() + _FRESH
            yield from self._last

    def _of_database(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("partwell_database_up", "Whether the database answers")
        try:
            found = self._ask()
        except (PartwellError, SQLAlchemyError):
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from found

    def _ask(self) -> list[Metric]:
        jobs = GaugeMetricFamily("partwell_jobs", "Jobs that are waiting or being run", labels=["kind", "state"])
        late = GaugeMetricFamily("partwell_jobs_oldest_due_seconds", "For how long the oldest job that may run has been due")
        incidents = GaugeMetricFamily("partwell_incidents_open", "Incidents that wait for a person")
        cases = GaugeMetricFamily("partwell_cases", "Cases that are not closed", labels=["status"])
        unseen = GaugeMetricFamily("partwell_projections_unconfirmed", "What an outside centre does not show yet", labels=["centre"])
        now = self._services.clock.now()
        with self._services.database.reading() as connection:
            if self._services.projectors:
                counted = sa.select(Projection.centre, sa.func.count()).where(sa.text("state <> sent")).group_by(Projection.centre)
                counts = {centre: count for centre, count in connection.execute(counted)}
                for centre in self._services.projectors:
                    unseen.add_metric([centre], counts.get(centre, 0))
            # each condition written out, so that the partial index of that very condition answers it
            for state in ("waiting", "leased"):
                counted = sa.select(Job.kind, sa.func.count()).where(sa.text(f"state = '{state}'")).group_by(Job.kind)
                for kind, count in connection.execute(counted):
                    jobs.add_metric([kind, state], count)
            since = claims.oldest_due(connection, now)
            late.add_metric([], (now - since).total_seconds() if since else 0)
            open_ones = sa.select(sa.func.count()).select_from(Incident).where(Incident.resolved_at.is_(None))
            incidents.add_metric([], connection.execute(open_ones).scalar_one())
            for status in ("running", "suspended"):
                counted = sa.select(sa.func.count()).select_from(Case).where(Case.status == status)
                cases.add_metric([status], connection.execute(counted).scalar_one())
        return [jobs, late, incidents, cases, unseen]

    def _of_pool(self) -> Iterator[Metric]:
        pool: Any = self._services.database.engine.pool
        figure = GaugeMetricFamily("partwell_database_connections", "Connections of the answering process", labels=["state"])
        figure.add_metric(["used"], pool.checkedout())
        figure.add_metric(["idle"], pool.checkedin())
        yield figure

    def _of_calendars(self) -> Iterator[Metric]:
        said = "Whether the working days of this year and the next are known"
        figure = GaugeMetricFamily("partwell_calendar_known", said, labels=["calendar", "year"])
        now = self._services.clock.now()
        for calendar in self._services.calendars:
            for year in (now.year, now.year + 1):
                figure.add_metric([calendar.name, "this" if year == now.year else "next"], float(calendar.days.knows(year)))
        yield figure
