"""Which steps must lie before others, whatever the diagram looks like."""

from __future__ import annotations

import json

import pytest
from diagrams import END, START, again, boundary, call, diagram, event, event_sub, flows, many, node, sub, timer, undone, user

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


def test_an_event_sub_process_and_what_it_interrupts() -> None:
    """It may begin as soon as its scope does, and when it ends the scope goes on behind."""
    handler = event_sub("h", timer(duration="P1D"), user("notice"), flows("h_start > notice"))
    assert missing({"notice": ["check"]}, START, user("check"), handler, flows("start > check")) == ["notice: step_missing"]
    handler = event_sub("h", timer(duration="P1D"), user("other"), flows("h_start > other"))
    inside = sub("p", node("startEvent", "s"), user("check"), handler, flows("s > check"))
    assert missing({"notice": ["check"]}, START, inside, user("notice"), flows("start > p", "p > notice")) == ["notice: step_missing"]


def test_what_undoes_is_reached_after_what_it_undoes_and_leads_nowhere() -> None:
    """A handler beside an activity, and one in a sub-process: the way on does not lead through them, and they come after."""
    handler = boundary("undo", "check", event("compensate")) + user("back", isForCompensation="true") + undone("undo", "back")
    inside = event_sub("h", event("compensate"), user("undone"), flows("h_start > undone"))
    for undoing, target in ((handler, "back"), (inside, "undone")):
        body = (START, sub("p", user("check"), user("talk"), undoing, flows("check > talk")), user("notice"), END,
                flows("start > p", "p > notice", "notice > end"))  # fmt: skip
        assert missing({"notice": ["talk"], target: ["check"], "check": [target]}, *body) == ["check: step_missing"]
        assert missing({target: ["notice"]}, *body) == [f"{target}: step_missing"]


def test_a_sub_process_without_events_begins_and_ends_as_it_runs() -> None:
    """Where nothing leads to, and where nothing leads on; links are ways as well."""
    inside = sub("p", user("check"), user("other"), flows("check > other"))
    body = (START, inside, user("notice"), flows("start > p", "p > notice"))
    assert missing({"notice": ["check"]}, *body) == [] and missing({"check": ["other"]}, *body) == ["check: step_missing"]
    throw, catch = (
        node("intermediateThrowEvent", "t", event("link", name="L")),
        node("intermediateCatchEvent", "c", event("link", name="L")),
    )
    linked = (START, *XOR[:1], throw, catch, user("check"), user("notice"), flows("start > split", "split > check: x", "split > t",
              "check > notice", "c > notice"))  # fmt: skip
    assert missing({"notice": ["check"]}, *linked) == ["notice: step_missing"]


def test_a_called_process_is_passed_through_its_inside() -> None:
    """Steps of the caller and of the called process count alike, in whichever of the files they are."""
    called = diagram(node("startEvent", "s"), user("notice"), user("talk"), flows("s > notice", "notice > talk"), id="child")
    body = diagram(START, user("check"), call("c", "child"), user("last"), flows("start > check", "check > c", "c > last"))

    def found(**before: list[str]) -> list[str | None]:
        files = {"x.bpmn": body, "child.bpmn": called, "rules.json": json.dumps({"before": before}).encode()}
        return [finding.element for findings in missing_before(files).values() for finding in findings]

    assert found(notice=["check"], last=["notice", "talk", "check"]) == []
    assert found(notice=["talk"], check=["notice"]) == ["notice", "check"]


def test_a_process_called_twice_or_by_itself_is_left_each_time() -> None:
    """What lies behind the second call can be reached, too."""
    called = diagram(node("startEvent", "s"), call("self", "child"), flows("s > self"), id="child")
    body = diagram(START, call("c", "child"), call("d", "child"), user("check"), user("notice"), flows("start > c", "c > d", "d > notice",
                   "notice > check"))  # fmt: skip
    once = called.replace(b'<bpmn:callActivity id="self">', b'<bpmn:task id="self">').replace(b"callActivity", b"task")
    for child in (called, once):
        files = {"x.bpmn": body, "child.bpmn": child, "rules.json": b'{"before": {"notice": ["check"]}}'}
        found = [f.element for findings in missing_before(files).values() for f in findings]
        assert found == ([] if child is called else ["notice"]), "a process that only calls itself never ends"


def test_a_step_that_may_run_no_time_at_all_is_no_step_before() -> None:
    """Nobody checks when the list of those who check is empty; a loop that asks only afterwards runs once at least."""
    for loop, expected in ((many(inputCollection="=x"), ["notice: step_missing"]), (again("x", first=True), ["notice: step_missing"]),
                           (again("x"), [])):  # fmt: skip
        body = (START, user("check", loop), user("notice"), flows("start > check", "check > notice"))
        assert missing({"notice": ["check"]}, *body) == expected


def test_names_that_do_not_exist_are_found() -> None:
    """A rule about an element that was renamed or removed is refused, also in the list of points without return."""
    body = (START, *STEPS, END, flows("start > check", "check > talk", "talk > notice", "notice > end"))
    assert missing({"notice": ["chek"]}, *body) == ["notice: step_gone"]
    assert missing({"notise": ["check"]}, *body) == ["None: rule_guards_nothing"]
    assert missing({}, *body, no_way_back=["served"]) == ["None: rule_guards_nothing"]
    assert missing({}, *body, no_way_back=["notice"]) == []
    assert missing({}, *body, since={"planed": {"notice": ["check"]}}) == ["None: rule_guards_nothing"]


def test_a_step_that_several_rules_name_is_missed_once() -> None:
    """At what must come after it, even where nothing leads there any more; nowhere is it told a second time."""
    cut = (START, *STEPS, END, flows("start > check", "check > talk", "notice > end"))
    rules = {"since": {"check": {"notice": ["gone"]}}, "second_person": ["gone"], "no_way_back": ["gone"]}
    assert missing({"notice": ["gone"]}, *cut, **rules) == ["notice: step_gone"]
    assert missing({"notice": ["gone"], "end": ["gone"]}, *cut, **rules) == ["notice: step_gone", "end: step_gone"]
    assert missing({}, *cut, free_of={"notice": ["gone"]}, second_person=["gone"]) == ["None: rule_guards_nothing"]


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
