"""The scenarios that come with the dismissal: they pass, they go every way, and they notice what would break it."""

from __future__ import annotations

import pytest
from scenario_files import shared

from engine import procedures
from engine.bpmn.program import Program
from engine.studio.scenarios import coverage, reading
from engine.studio.scenarios.coverage import Coverage
from engine.studio.scenarios.running import run_all
from webapp import FORMS, PROCEDURES

FILES = procedures.gather(PROCEDURES / "termination", FORMS)


def test_every_scenario_passes_and_together_they_go_every_way() -> None:
    """No element and no flow of the shipped diagram is left untried."""
    outcomes = run_all(shared(), FILES, procedure="termination")
    assert len(outcomes) >= 12
    assert [(one.path, [str(said) for said in one.failed.failures]) for one in outcomes if one.failed] == []
    assert all(one.passed and one.name_en for one in outcomes)
    whole, gone = coverage.everything(Program(FILES, version="x")), Coverage()
    for one in outcomes:
        gone |= one.coverage
    assert whole.elements - gone.elements == set() and whole.flows - gone.flows == set()


@pytest.mark.parametrize(
    ("path", "old", "new", "scenario", "told"),
    [
        ("termination.bpmn", b">P1D</bpmn:timeDuration>", b">P2D</bpmn:timeDuration>", "employee-silent", "open steps"),
        ("chains.json", b'"roles": ["hr_director"]', b'"roles": ["legal"]', "dismissed-in-probation", "who holds"),
        ("forms/social-insurance.form", b"^20", b"^21", "removal-late", "removal.social_insurance_month"),
    ],
)
def test_a_change_that_breaks_the_procedure_is_noticed(path: str, old: bytes, new: bytes, scenario: str, told: str) -> None:
    """A longer limit, another signer, a stricter form: the scenario that speaks of it fails and says where."""
    changed = FILES[path].replace(old, new)
    assert changed != FILES[path]
    [outcome] = run_all(shared(), {**FILES, path: changed}, procedure="termination", only=[f"{reading.FOLDER}{scenario}.yaml"])
    assert outcome.failed is not None and any(told in str(said) for said in outcome.failed.failures), outcome.failed
