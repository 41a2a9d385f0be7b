"""What can be seen of the running engine from outside: ids on its log lines, figures for Prometheus, spans for OpenTelemetry.

Nothing of it says who a person is or what a case is about: ids, kinds, elements, times. Figures are this process's own; with
`PROMETHEUS_MULTIPROC_DIR` set before the start, those of all processes of a machine add up (prometheus_client's multi-process
mode). Spans are made where the OpenTelemetry interface is installed, and go where its environment variables say.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

try:
    from opentelemetry import trace
except ImportError:
    _tracer: Any = None
else:
    _tracer = trace.get_tracer("partwell")

log = logging.getLogger(__name__)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside each that nobody asks for
#: of this process; `webapp.metrics` shows it
FIGURES = CollectorRegistry()

_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG = (0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

EVENTS = Counter("partwell_ledger_entries", "Entries written to the ledger, by event", ["event"], registry=FIGURES)
TURNS = Histogram("partwell_turn_seconds", "One committed turn of a case, from its lock to its commit", registry=FIGURES, buckets=_SHORT)
LIVE_CASES = Counter("partwell_live_cases", "Cases needed for a turn, by whether they were ready in memory", ["found"], registry=FIGURES)
JOBS = Histogram("partwell_job_seconds", "One run of a job", ["kind", "operation"], registry=FIGURES, buckets=_LONG)
ATTEMPTS = Counter("partwell_job_attempts", "Attempts of jobs, by how they ended", ["kind", "operation", "result"], registry=FIGURES)
JOB_LAG = Histogram("partwell_job_lag_seconds", "From a job's due time to its beginning", ["kind"], registry=FIGURES, buckets=_LONG)
CORRECTED = Counter("partwell_projections_corrected", "Work items that an outside centre showed otherwise", ["centre"], registry=FIGURES)
LOOKED = Gauge("partwell_jobs_looked_timestamp_seconds", "When jobs were last looked for", registry=FIGURES, multiprocess_mode="mostrecent")
REQUESTS = Histogram("partwell_request_seconds", "One HTTP request", ["method", "endpoint", "status"], registry=FIGURES, buckets=_SHORT)


@contextmanager
def within(what: str, **ids: str) -> Iterator[None]:
    """Whatever is logged inside carries the ids, and a span called `what` has them, too."""
    with structlog.contextvars.bound_contextvars(**ids):
        if _tracer is None:
            yield
            return
        # An exception's text may hold what people wrote, so it stays out of the span.
        silent = {"record_exception": False, "set_status_on_exception": False}
        with _tracer.start_as_current_span(f"partwell.{what}", attributes=_named(ids), **silent):
            yield


def turned(began: float, events: Sequence[str], **ids: str) -> None:
    """A turn that began at `time.perf_counter()` = `began` was committed with these events."""
    seconds = time.perf_counter() - began
    TURNS.observe(seconds)
    for event in events:
        EVENTS.labels(event).inc()
    if log.isEnabledFor(logging.INFO):
        with structlog.contextvars.bound_contextvars(**ids):
            log.info("committed %s in %.1f ms", ", ".join(events), seconds * 1000)
    if _tracer is not None:
        end = time.time_ns()
        _tracer.start_span("partwell.turn", attributes=_named(ids), start_time=end - int(seconds * 1e9)).end(end)


def _named(ids: dict[str, str]) -> dict[str, str]:
    return {f"partwell.{name}": value for name, value in ids.items()}
