"""A scenario written down from what was done in a sandbox does the same again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from scenario_files import shared

from engine import procedures
from engine.studio.sandbox import Sandbox
from engine.studio.scenarios import reading, recording, running
from engine.studio.scenarios.places import Places
from engine.studio.tries import Tries, Try
from webapp import FORMS, PROCEDURES

FILES = procedures.gather(PROCEDURES / "termination", FORMS)
ZONE = ZoneInfo("Asia/Shanghai")
#: those that say themselves what operations answer or how they fail are told otherwise in a sandbox by hand
PLAYED = ["chain-rejects", "employee-silent", "legal-returns-then-rejects", "missing-step-taken", "removal-late", "returned-for-more-facts"]


def told(tried: Try, until: Callable[[dt.datetime], None]) -> Callable[[dt.datetime], None]:
    """Time that passes as by the button, so that it is written down."""

    def passing(moment: dt.datetime) -> None:
        tried.sandbox.until = until  # type: ignore[method-assign]
        tried.let_time_pass(moment)
        tried.sandbox.until = passing  # type: ignore[method-assign]

    return passing


@pytest.mark.parametrize("name", PLAYED)
def test_what_was_recorded_passes_and_goes_the_same_way(name: str, tmp_path: Path) -> None:
    """The shipped scenarios done by hand and recorded: people, forms, files, decisions, time, and what came of them."""
    path = f"{reading.FOLDER}{name}.yaml"
    usually, _ = reading.usual(FILES[reading.USUAL])
    scenario, faults = reading.scenario(path, FILES[path], zone=ZONE, usually=usually)
    assert scenario is not None, faults

    def people(world: Sandbox) -> tuple[str, str]:
        places = Places(world)
        return places.person(scenario.subject), places.person(scenario.initiator)

    tries = Tries(tmp_path, shared)
    tries.begin("me", "termination", FILES, revision=0, at=scenario.clock, people=people)
    with tries.locked("me", "termination") as tried:
        assert tried is not None
        tried.sandbox.until = told(tried, tried.sandbox.until)  # type: ignore[method-assign]
        by_hand = running.play(tried.sandbox, scenario)
        assert by_hand.passed, by_hand.failed
        text = recording.recorded(tried, name="照做一遍", name_en="Again").encode()
    tries.end("me", "termination")
    again, faults = reading.scenario("scenarios/again.yaml", text, zone=ZONE, usually={})
    assert again is not None, [str(fault.sentence) for fault in faults]
    outcome = running.run(shared(), FILES, again, procedure="termination")
    assert outcome.passed, ([str(said) for said in outcome.failed.failures] if outcome.failed else "", text.decode())
    assert outcome.coverage.flows == by_hand.coverage.flows
