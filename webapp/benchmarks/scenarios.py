"""`partwell bench scenario`: how long a scenario takes from an empty world to its verdict."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from typing import Any

from engine import procedures
from engine.studio.scenarios import running

from .. import FORMS, PROCEDURES
from ..demo import sandboxes


def scenarios(rounds: int) -> dict[str, Any]:
    """The scenarios of the shipped dismissal, `rounds` times over in one process; what is compiled once is told by itself."""
    files = procedures.gather(PROCEDURES / "termination", FORMS)
    with contextlib.closing(sandboxes.of_files()) as boxes:
        began = time.perf_counter()
        first = running.run_all(boxes, files, procedure="termination")
        cold = time.perf_counter() - began
        took: dict[str, list[float]] = {}
        before = _processor()
        for _ in range(rounds):
            for outcome in running.run_all(boxes, files, procedure="termination"):
                assert outcome.passed, outcome.path
                took.setdefault(outcome.name, []).append(outcome.took)
    used = (_processor() - before) / rounds / len(first)
    medians = {name: statistics.median(times) for name, times in took.items()}
    slowest = max(medians, key=lambda name: medians[name])
    every = [time for times in took.values() for time in times]
    return {
        "scenarios": len(first),
        "rounds": rounds,
        "median_ms": round(statistics.median(every), 1),
        "slowest": slowest,
        "slowest_median_ms": round(medians[slowest], 1),
        "mean_processor_ms": round(used * 1000, 1),
        "all_once_cold_s": round(cold, 1),
        "load": round(os.getloadavg()[0], 2),
    }


def _processor() -> float:
    """Seconds of processor time so far, of this process and of those that set its letters."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
