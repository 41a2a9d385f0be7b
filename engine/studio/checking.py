"""What there is to say of the files of a draft while they are edited: what keeps them from being deployed, and faulty scenarios."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .. import checks
from ..bpmn.codes import Code
from ..bpmn.findings import Finding, finding
from .scenarios import reading

if TYPE_CHECKING:
    from ..services import Services


def findings(services: Services, files: Mapping[str, bytes]) -> dict[str, list[Finding]]:
    """As `checks.findings`, with what is wrong with the files of scenarios. What becomes of scenarios is known once they are played."""
    return checks.findings(services, files) | of_scenarios(files, services.settings.zone)


def of_scenarios(files: Mapping[str, bytes], zone: str) -> dict[str, list[Finding]]:
    """Faults of the scenario files, by path; `zone`: in which they name times."""
    paths = [*reading.paths(files), *([reading.USUAL] if reading.USUAL in files else [])]
    read = ((path, _of_scenario(path, files[path], zone)) for path in paths)
    return {path: list(found) for path, found in read if found}


@functools.lru_cache(maxsize=512)  # they are many, and seldom change while a diagram is drawn
def _of_scenario(path: str, content: bytes, zone: str) -> tuple[Finding, ...]:
    if path == reading.USUAL:
        _, faults = reading.usual(content)
    else:
        _, faults = reading.scenario(path, content, zone=ZoneInfo(zone))
    told = sorted(faults, key=lambda fault: fault.line)
    return tuple(replace(finding(Code.SCENARIO_FAULTY, None, fault=fault.sentence), line=fault.line) for fault in told)


def refuses(one: Finding) -> bool:
    """Whether files with this finding are no version. Faulty scenarios count as failing ones, which somebody may override."""
    return one.severity == "error" and one.code != Code.SCENARIO_FAULTY
