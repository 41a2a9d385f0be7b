"""The heat map of a procedure with very many finished cases: the first look, and every later one."""

from __future__ import annotations

import statistics
import time
from typing import Any

import sqlalchemy as sa

from ..analytics import tallies
from ..analytics.spread import quantile
from ..models import Case, Tally
from ..people import directory
from ..services import Services
from . import six_tasks
from .filling import fill
from .six_tasks import People

#: days over which the finished cases are spread
DAYS = 365
_TIMES = {"cases": ("started_at", "closed_at"), "work_items": ("opened_at", "closed_at"), "sign_offs": ("opened_at", "decided_at")}


def measure(services: Services, people: People, cases: int, looks: int) -> dict[str, Any]:
    """`cases`: finished ones; `looks`: how often the map is made once all days are counted."""
    six_tasks.lap(services, people, six_tasks.WARM_UP)
    with services.database.reading() as connection:
        row = connection.execute(sa.select(Case.id, Case.version_id).where(Case.status == "closed").limit(1)).one()
        spread = _spread_out(connection.dialect.name)
    fill(services.database, row.id, cases, other=spread)
    with services.database.reading() as connection:
        span = tallies.span_of(connection, [row.version_id])
    assert span is not None
    began = time.perf_counter()
    while not tallies.refresh(services, [row.version_id], *span, patience=60.0):
        pass
    counting = time.perf_counter() - began
    took, used, again = [], [], []
    for _ in range(looks):
        began, busy = time.perf_counter(), time.process_time()
        figures = tallies.read(services, [row.version_id], *span).together()
        medians = {key: quantile(each.spreads["duration_work"], 0.5) for key, each in figures.elements.items()}
        took.append(time.perf_counter() - began)
        used.append(time.process_time() - busy)
    assert len(medians) == six_tasks.TASKS
    latest = directory.day(services.clock.now())
    for _ in range(looks):  # a case has closed since: the day is counted anew
        with services.database.unit() as unit:
            unit.connection.execute(sa.delete(Tally).where(Tally.day == latest))
            unit.commit()
        began = time.perf_counter()
        tallies.read(services, [row.version_id], *span)
        again.append(time.perf_counter() - began)
    return {
        "finished": figures.cases.closed,
        "elements": len(medians),
        "counted_once_s": round(counting, 1),
        "heat_map_ms": {"median": round(statistics.median(took) * 1000, 1), "slowest": round(max(took) * 1000, 1)},
        "processor_ms": round(statistics.median(used) * 1000, 1),  # of this process: less than the time where others work, too
        "after_a_closing_ms": {"median": round(statistics.median(again) * 1000, 1), "slowest": round(max(again) * 1000, 1)},
    }


def _spread_out(dialect: str) -> dict[str, str]:
    """SQL for the times of a copy: over a year, and up to two days for each step."""

    def moved(table: str, column: str, later: bool) -> str:
        back, hours = f"(:n % {DAYS})", "(:n * 7919 % 48)" if later else "0"
        if dialect == "postgresql":
            return f'{table}."{column}" - make_interval(days => {back}) + make_interval(hours => {hours})'
        at = f"'-' || {back} || ' days', '+' || {hours} || ' hours'"
        return f"strftime('%Y-%m-%dT%H:%M:%f', {table}.\"{column}\", {at}) || '000+00:00'"

    return {
        f"{table}.{column}": moved(table, column, place == 1) for table, columns in _TIMES.items() for place, column in enumerate(columns)
    }
