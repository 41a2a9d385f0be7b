"""What SpiffWorkflow is given: a skeleton without data, conditions, times or scripts, so none of its faults can show."""

from __future__ import annotations

from diagrams import END, START, Play, diagram, event, flows, mapping, node, service, timer, user, zeebe

from engine.bpmn import state
from engine.bpmn.normalise import Step, beginnings, construct, skeleton
from engine.bpmn.program import Program

BODY = (
    START,
    user("a", mapping({"x": "=n"}, {"y": "=x"})),
    node("boundaryEvent", "late", timer(cycle="R/P1D"), attachedToRef="a", cancelActivity="false"),
    node("parallelGateway", "f"),
    node("subProcess", "p", node("startEvent", "ps"), service("s"), node("endEvent", "pe"), flows("ps > s", "s > pe")),
    node("boundaryEvent", "broken", event("error"), attachedToRef="p"),
    node("scriptTask", "k", zeebe("script", expression="=n + 1", resultVariable="z")),
    node("parallelGateway", "j"),
    node("inclusiveGateway", "i", default="i_end"),
    END,
    flows("start > a", "a > f", "f > p", "f > k", "p > j", "k > j", "j > i", "i > a: n > 5", "i > end"),
)


def test_the_skeleton_uses_few_parts_and_none_that_evaluates():
    """No gateway, script, service, timer or multi-instance spec of SpiffWorkflow: their faults are of no concern."""
    built = Program({"x.bpmn": diagram(*BODY)}, version="1").skeleton
    used = {type(spec).__name__ for part in built.specs.values() for spec in part.task_specs.values()}
    assert used == {"Step"}


def test_no_data_ever_enters_spiffworkflow():
    """Its tasks carry our notes about the token and nothing of the case; it never asks for a script engine."""
    play = Play(*BODY, n=7, secret="身份证号")
    play.done("a", n=7)
    play.answered("s", {"found": [1, 2, 3]})
    assert play.waits == "a late"
    for task in state.tokens(play.execution._tokens.workflow):
        assert task.data == {}
        assert task.internal_data.keys() <= {"at", "instance", "since", "stuck", "flow", "waits"}
    assert play.execution._tokens.workflow.data == {}


def test_generated_parts_never_surface():
    """What people see carries ids of the diagram only."""
    play = Play(*BODY, n=1)
    play.done("a", n=1)
    play.answered("s")
    seen = [*play.seen.opened, *play.seen.requested, *play.seen.scheduled, *play.seen.left, *play.seen.passed]
    assert play.last.finished and {x.element for x in seen} <= play.program.elements.keys()
    assert not any(" " in x.instance for x in seen)


def test_where_a_scope_begins():
    """At its plain start events, else at the only triggered one, else wherever nothing leads to."""

    def begin(*body: str, scope: str = "process") -> list[str]:
        return [e.id for e in beginnings(Program({"x.bpmn": diagram(*body)}, version="1").process, scope)]

    message = node("startEvent", "m", event("message"))
    assert begin(message, START, user("a"), flows("start > a", "m > a")) == ["start"]
    assert begin(message, user("a"), flows("m > a")) == ["m"]
    assert begin(START, node("subProcess", "p", user("a"), user("b"), user("c"), flows("a > b")), flows("start > p"), scope="p") == [
        "a",
        "c",
    ]


def test_what_a_book_calls_an_element():
    """For the sentence that refuses it."""
    elements = Program({"x.bpmn": diagram(*BODY)}, version="1").elements
    assert construct(elements["late"]) == "timer boundary event" and construct(elements["p"]) == "sub-process"


def test_one_skeleton_serves_all_cases():
    """Nothing in it changes while cases run, so threads may share it."""
    program = Program({"x.bpmn": diagram(*BODY)}, version="1")
    before = {
        name: (list(spec._inputs), list(spec._outputs)) for name, spec in program.skeleton.specs[program.process_id].task_specs.items()
    }
    play = Play(*BODY, n=7)
    play.program = program
    for _ in range(3):
        play.done("a", n=7)
        play.answered("s")
    assert before == {
        name: (list(spec._inputs), list(spec._outputs)) for name, spec in program.skeleton.specs[program.process_id].task_specs.items()
    }
    again = skeleton(program.process)
    assert again.steps.keys() == program.skeleton.steps.keys() == program.elements.keys()
    assert all(isinstance(step, Step) for step in again.steps.values())
