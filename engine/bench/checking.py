"""How long the check of a draft takes: what somebody waits for while they draw."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import Any

from .. import checks
from ..bpmn.findings import Finding
from ..ports import Forms
from .diagrams import office
from .six_tasks import percentile

SIZES = (100, 500)


def figures(forms: Forms, *, times: int, drafts: Mapping[str, Mapping[str, bytes]] | None = None) -> dict[str, dict[str, Any]]:
    """`{draft: {elements, findings, refused, first_ms, median_ms, p95_ms, processor_ms}}` of drafts of usual shape and of those given.

    `drafts`: files by path. What is checked again is not the same text: one word of it changes each time, as when somebody types.
    """
    drawn = {f"{size} elements": office(size) for size in SIZES} | dict(drafts or {})
    return {name: _measured(files, forms, times) for name, files in drawn.items()}


def _measured(files: Mapping[str, bytes], forms: Forms, times: int) -> dict[str, Any]:
    taken, worked, found = list[float](), list[float](), list[Finding]()
    for number in range(times + 1):
        changed = {path: content.replace("数".encode(), f"数{number}".encode(), 1) for path, content in files.items()}
        begun, busy = time.perf_counter(), time.process_time()
        findings = checks.check(changed, forms, operations=None, chain_keys=None)
        taken.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - busy) * 1000)
        found = [one for each in findings.values() for one in each]
    first, *others = taken
    return {
        "elements": sum(content.count(b"<bpmndi:BPMNShape ") for path, content in files.items() if path.endswith(".bpmn")),
        "findings": len(found),
        "refused": any(one.severity == "error" for one in found),
        "first_ms": round(first, 1),
        "median_ms": round(statistics.median(others), 1),
        "p95_ms": round(percentile(others, 0.95), 1),
        "processor_ms": round(statistics.median(worked[1:]), 1),
    }
