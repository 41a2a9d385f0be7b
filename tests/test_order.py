"""Which steps must lie before others, whatever the diagram looks like."""

from __future__ import annotations

import json

import pytest
from diagrams import END, START, diagram, event, flows, node, timer, user

from engine.bpmn.order import missing_before

Rules = dict[str, list[str]]


def missing(before: Rules, *body: str, named: str = "", **rules: object) -> list[str]:
    """What is found, as `element: code`."""
    files = {"x.bpmn": diagram(*body, named=named), "rules.json": json.dumps({"before": before, **rules}).encode()}
    return [f"{finding.element}: {finding.code}" for found in missing_before(files).values() for finding in found]


STEPS = (user("check"), user("talk"), user("notice"))
PAR = node("parallelGateway", "split"), node("parallelGateway", "join")
XOR = node("exclusiveGateway", "split", default="split_other"), node("exclusiveGateway", "join")
SPLIT = "split > check: x", "split > other", "check > join", "other > join"


def test_a_straight_line_keeps_its_order() -> None:
    """What comes before is before; what comes after or not at all is missing."""
    body = (START, *STEPS, END, flows("start > check", "check > talk", "talk > notice", "notice > end"))
    assert missing({"notice": ["check", "talk"]}, *body) == []
    assert missing({"check": ["talk"]}, *body) == ["check: step_missing"]


def test_a_way_around_is_found() -> None:
    """One path that skips the step is enough; both branches passing it is fine."""
    body = (START, *XOR, *STEPS, user("other"), END)
    around = flows("start > split", *SPLIT, "join > notice", "notice > talk", "talk > end")
    assert missing({"notice": ["check"]}, *body, around) == ["notice: step_missing"]
    assert missing({"notice": ["split"]}, *body, around) == []


def test_a_parallel_join_waits_for_every_branch() -> None:
    """A step in one parallel branch lies before what follows the join, but not before the other branch."""
    body = (START, *PAR, *STEPS, user("other"), END)
    joined = flows("start > split", *(flow.partition(":")[0] for flow in SPLIT), "join > notice", "notice > talk", "talk > end")
    assert missing({"notice": ["check", "other"]}, *body, joined) == []
    assert missing({"other": ["check"]}, *body, joined) == ["other: step_missing"]


def test_an_exclusive_merge_of_parallel_branches_waits_for_nobody() -> None:
    """Without a parallel join the other branch's token passes alone."""
    body = (START, PAR[0], node("exclusiveGateway", "join"), *STEPS, user("other"), END)
    merged = flows("start > split", *(flow.partition(":")[0] for flow in SPLIT), "join > notice", "notice > talk", "talk > end")
    assert missing({"notice": ["check"]}, *body, merged) == ["notice: step_missing"]


def test_a_loop_back_does_not_help() -> None:
    """A step that is only reached by coming back from the target does not lie before it."""
    body = (START, node("exclusiveGateway", "again", default="again_end"), node("exclusiveGateway", "merge"), *STEPS[:1], STEPS[2], END)
    loop = flows("start > merge", "merge > notice", "notice > again", "again > check: x", "again > end", "check > merge")
    assert missing({"notice": ["check"]}, *body, loop) == ["notice: step_missing"]


def test_a_sub_process_is_passed_through_its_inside() -> None:
    """A step inside a sub-process lies before what follows it, as far as every path inside passes it."""
    straight = (node("startEvent", "s"), user("check"), node("endEvent", "e"), flows("s > check", "check > e"))
    around = (
        node("startEvent", "s"),
        node("exclusiveGateway", "x", default="x_e"),
        user("check"),
        node("endEvent", "e"),
        flows("s > x", "x > check: y", "x > e", "check > e"),
    )
    outside = (user("notice"), END, flows("start > sub", "sub > notice", "notice > end"))
    assert missing({"notice": ["check", "sub"]}, START, node("subProcess", "sub", *straight), *outside) == []
    assert missing({"notice": ["check"]}, START, node("subProcess", "sub", *around), *outside) == ["notice: step_missing"]


def test_a_boundary_event_is_a_way_out() -> None:
    """A timer on an earlier step leads around a later one; on the step itself it leads past it too, as it was not completed."""
    late = node("boundaryEvent", "late", timer(duration="P1D"), attachedToRef="check")
    body = (START, *STEPS, END)
    plain = ("start > check", "check > talk", "talk > notice", "notice > end")
    assert missing({"notice": ["talk"]}, *body, late, flows(*plain, "late > notice")) == ["notice: step_missing"]
    assert missing({"notice": ["check"]}, *body, late, flows(*plain, "late > notice")) == ["notice: step_missing"]
    error = node("boundaryEvent", "wrong", event("error"), attachedToRef="sub")
    inside = node("subProcess", "sub", node("startEvent", "s"), user("talk"), node("endEvent", "e"), flows("s > talk", "talk > e"))
    ways = flows("start > check", "check > sub", "sub > notice", "wrong > notice", "notice > end")
    assert missing({"notice": ["talk"]}, START, user("check"), inside, error, user("notice"), END, ways) == ["notice: step_missing"]


def test_names_that_do_not_exist_are_found() -> None:
    """A rule about an element that was renamed or removed is refused, also in the list of points without return."""
    body = (START, *STEPS, END, flows("start > check", "check > talk", "talk > notice", "notice > end"))
    assert missing({"notice": ["chek"]}, *body) == ["None: unresolved_reference"]
    assert missing({"notise": ["check"]}, *body) == ["None: unresolved_reference"]
    assert missing({}, *body, no_way_back=["served"]) == ["None: unresolved_reference"]
    assert missing({}, *body, no_way_back=["notice"]) == []


def test_what_is_found_says_which_steps() -> None:
    """The sentence names both steps as the diagram does, and the file it belongs to."""
    body = (
        START,
        user("check", name="法律审查"),
        user("notice", name="通知书"),
        END,
        flows("start > notice", "notice > check", "check > end"),
    )
    files = {"x.bpmn": diagram(*body), "rules.json": b'{"before": {"notice": ["check"]}}'}
    [(path, [found])] = missing_before(files).items()
    assert path == "x.bpmn" and "法律审查" in found.text and "通知书" in found.text


@pytest.mark.parametrize("rules", [{}, {"before": {}}])
def test_no_rules_find_nothing(rules: dict[str, object]) -> None:
    """A procedure without such rules is left alone."""
    body = diagram(START, *STEPS, END, flows("start > check", "check > talk", "talk > notice", "notice > end"))
    assert missing_before({"x.bpmn": body, "rules.json": json.dumps(rules).encode()}) == {}
    assert missing_before({"x.bpmn": body}) == {}
