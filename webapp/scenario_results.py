"""Scenarios as plain data: what became of each, by line and in the reader's language, and what all of them together passed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine import procedures
from engine.bpmn import convert
from engine.bpmn.codes import SENTENCES, Code
from engine.bpmn.program import Program
from engine.errors import PartwellError, Sentence
from engine.services import Services
from engine.settings import Settings
from engine.studio.gate import Progress, in_silence
from engine.studio.scenarios import coverage, reading, running, verdicts
from engine.studio.scenarios.coverage import Coverage
from engine.studio.scenarios.running import Outcome

from . import FORMS, i18n
from .demo import sandboxes

#: what tells a sentence
Tell = Callable[[Sentence], str]


def check_paths(paths: Iterable[Path], *, tell: Tell = i18n.sentence) -> list[dict[str, Any]]:
    """`{file, accepted, converted, findings, scenario: {name, name_en, acts, left, took_ms, elements, flows}}` of every scenario.

    `paths`: only of the folders among them. Scenarios belong to the folder around theirs; the diagram's entry, last, tells `coverage`:
    {elements, elements_of, flows, flows_of, left}. Where the files would not be deployed nothing is played, and their folder's entry
    says why.
    """
    found: list[dict[str, Any]] = []
    for folder in dict.fromkeys(folder for path in paths if path.is_dir() for folder in _with_scenarios(path)):
        try:
            files = procedures.gather(folder, FORMS)
            with contextlib.closing(sandboxes.of_files(Settings())) as boxes:
                outcomes = running.run_all(boxes, files, procedure=folder.resolve().name)
        except PartwellError as error:
            said = {"line": None, "element": None, "name": "", "severity": "error", "code": "scenarios_not_played"}
            message = tell(Sentence(error.template, error.facts))
            told = [{**said, "file": "", "message": message}]
            found.append({"file": str(folder / reading.FOLDER), "accepted": False, "converted": False, "findings": told})
            continue
        found += [_entry(folder, outcome, tell) for outcome in outcomes]
        diagram = next(path for path in sorted(files) if path.endswith(".bpmn"))
        entry = {"file": str(folder / diagram), "accepted": True, "converted": False, "findings": []}
        found.append({**entry, "coverage": covered(files, outcomes)})
    return found


def _with_scenarios(path: Path) -> list[Path]:
    folders = [path, *sorted(each for each in path.rglob("*") if each.is_dir())]
    return [each for each in folders if list(each.glob("*.bpmn")) and list(each.glob(f"{reading.FOLDER}*.yaml"))]


def _entry(folder: Path, outcome: Outcome, tell: Tell) -> dict[str, Any]:
    return {
        "file": str(folder / outcome.path),
        "accepted": outcome.passed,
        "converted": False,
        "findings": findings(outcome, tell),
        "scenario": {
            "name": outcome.name,
            "name_en": outcome.name_en,
            "acts": len(outcome.results),
            "left": outcome.left,
            "took_ms": round(outcome.took),
            "elements": len(outcome.coverage.elements),
            "flows": len(outcome.coverage.flows),
        },
    }


def findings(outcome: Outcome, tell: Tell) -> list[dict[str, Any]]:
    """What is not as it should be, as the check tells it."""
    return [
        {"file": outcome.path, "line": line, "element": None, "name": "", "severity": "error", "code": code, "message": tell(said)}
        for line, code, said in faults(outcome)
    ]


def faults(outcome: Outcome) -> list[tuple[int, str, Sentence]]:
    """What is wrong with a scenario or was not as expected: line, `scenario_faulty` or `scenario_failed`, and the sentence."""
    _, sentence = SENTENCES[Code.SCENARIO_FAULTY]
    faulty = [(fault.line, Sentence(sentence, {"fault": fault.sentence})) for fault in sorted(outcome.faults, key=lambda fault: fault.line)]
    found = [(line, str(Code.SCENARIO_FAULTY), said) for line, said in faulty]
    if outcome.failed:
        found += [(outcome.failed.act.line, "scenario_failed", said) for said in outcome.failed.failures]
    return found


def covered(files: Mapping[str, bytes], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How much of the diagram these scenarios passed together, and by name what none of them did."""
    program = Program(convert.convert(files).files, version="check")
    whole, gone = coverage.everything(program), Coverage()
    for outcome in outcomes:
        gone |= outcome.coverage
    return {
        "elements": len(whole.elements & gone.elements),
        "elements_of": len(whole.elements),
        "flows": len(whole.flows & gone.flows),
        "flows_of": len(whole.flows),
        "left": sorted(whole.elements - gone.elements) + sorted(whole.flows - gone.flows),
    }


def failing(services: Services, files: Mapping[str, bytes], procedure: str, *, told: Progress = in_silence) -> list[Outcome]:
    """The scenarios that do not pass in this installation; those known to pass are not played again. Raises NotDeployable."""
    left = verdicts.unplayed(services, files, procedure=procedure)
    if not left:
        return []
    return [outcome for outcome in verdicts.play(services, files, procedure=procedure, only=left, told=told) if not outcome.passed]
