"""Which rules applied in the cases of the last months."""

from __future__ import annotations

import dataclasses

import pytest
from diagrams import flows, node, user, zeebe
from engine_room import Room, form, person
from test_decisions import decision, file, needs_decision, table

from engine.errors import NotAllowed
from engine.services import Services
from engine.studio import matched

GRADE = table('hitPolicy="FIRST"', [("amount", "number")], [("g", "")], ["> 10", '"high"'], ["-", '"low"'])
LEVEL = table('hitPolicy="FIRST"', [("grade", "string")], [("l", "")], ['"high"', '"director"'], ['"low"', '"manager"'], ["-", '"nobody"'])
TABLES = file(decision(GRADE, id="grade", name="grade"), decision(LEVEL, id="level", needs=[needs_decision("grade")]))


def test_rules_are_counted_also_of_the_tables_that_were_required(services: Services) -> None:
    """Each case counts once for every rule on the way to its decision; cases of long ago no longer do, and only managers may ask."""
    room = Room(services)
    asks = node("businessRuleTask", "d", zeebe("calledDecision", decisionId="level", resultVariable="result"))
    begin = node("startEvent", "start", zeebe("formDefinition", formId="f"))
    room.deploy(
        *(begin, asks, user("a"), flows("start > d", "d > a")),
        forms={"f": form(numbers=["amount"])},
        rules={"managers": ["hr_director"]},
        beside={"level.dmn": TABLES},
    )
    for amount in (5, 50, 60):
        room.start(amount=amount)
    found = matched.matched(services, "test", actor=person("director"))
    assert (found.cases, found.complete) == (3, True)
    assert found.rules == {"level": {"r1": 2, "r2": 1}, "grade": {"r1": 2, "r2": 1}}
    assert dataclasses.asdict(found)["rules"] == found.rules  # the page gets it so
    room.clock.move(days=91)
    assert matched.matched(services, "test", actor=None).rules == {}
    with pytest.raises(NotAllowed):
        matched.matched(services, "test", actor=person("hr"))
