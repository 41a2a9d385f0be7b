"""The construct table: one small diagram per row, run as BPMN 2.0.2 says, live and restored after every action.

Each row is `(diagram, what is done, what then waits)`; nothing waits when the case is over. What the rows mean in detail, and in
what they combine, is tested by family beside this file. What does not run is refused by name at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from diagrams import (
    END,
    START,
    Play,
    again,
    both_ways,
    boundary,
    call,
    condition,
    diagram,
    event,
    event_sub,
    flows,
    many,
    message,
    node,
    service,
    sub,
    timer,
    undone,
    user,
    zeebe,
)
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine

from engine import errors
from engine.bpmn import lint
from engine.bpmn.program import Program

__all__ = ["both_ways"]

NAMED = (
    message("M", "paid", "=order") + '<bpmn:signal id="G" name="stop"/><bpmn:error id="E" errorCode="DOWN"/>'
    '<bpmn:escalation id="X" escalationCode="UP"/>'
)
MESSAGE, SIGNAL = event("message", messageRef="M"), event("signal", signalRef="G")
ERROR, ESCALATION = event("error", errorRef="E"), event("escalation", escalationRef="X")
UNDONE = boundary("cb", "b", event("compensate")) + user("u", isForCompensation="true") + undone("cb", "u")
CHILD = {"child.bpmn": diagram(node("startEvent", "s"), user("b"), UNDONE, flows("s > b"), id="child")}
DMN = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="x">
<decision id="rate" name="rate"><variable id="v" name="rate"/><literalExpression id="l"><text>n * 2</text></literalExpression></decision>
</definitions>"""
LANES = '<bpmn:laneSet id="lanes"><bpmn:lane id="l" name="人事"><bpmn:flowNodeRef>a</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>'

Act = tuple[str, ...] | tuple[str, str, Any]
#: row -> diagram, acts, what waits after them
ROWS: dict[str, tuple[tuple[str, ...], list[Act], str]] = {
    "lanes": ((LANES, START, user("a"), END, flows("start > a", "a > end")), [("done", "a")], ""),
    "user task": ((START, user("a"), END, flows("start > a", "a > end")), [("done", "a")], ""),
    "service task": ((START, service("s"), user("z"), flows("start > s", "s > z")), [("answered", "s")], "z"),
    "send task": ((START, node("sendTask", "s", zeebe("taskDefinition", type="mail.send")), END, flows("start > s", "s > end")),
                  [("answered", "s")], ""),
    "receive task": ((START, node("receiveTask", "r", messageRef="M"), user("z"), flows("start > r", "r > z")), [("delivered", "r")], "z"),
    "script task": ((START, node("scriptTask", "s", zeebe("script", expression="=n + 1", resultVariable="m")), node("exclusiveGateway",
                     "g", default="g_end"), user("z"), END, flows("start > s", "s > g", "g > z: m = 2", "g > end")), [], "z"),
    "business rule task": ((START, node("businessRuleTask", "d", zeebe("calledDecision", decisionId="rate", resultVariable="m")),
                           node("exclusiveGateway", "g", default="g_end"), user("z"), END, flows("start > d", "d > g", "g > z: m = 2",
                           "g > end")), [], "z"),
    "manual and abstract task": ((START, node("manualTask", "m"), node("task", "t"), END, flows("start > m", "m > t", "t > end")), [], ""),
    "exclusive gateway": ((START, node("exclusiveGateway", "g", default="g_b"), user("a"), user("b"), flows("start > g", "g > a: n = 1",
                          "g > b")), [], "a"),
    "parallel gateway": ((START, node("parallelGateway", "f"), user("a"), user("b"), node("parallelGateway", "j"), user("z"),
                         flows("start > f", "f > a", "f > b", "a > j", "b > j", "j > z")), [("done", "b"), ("done", "a")], "z"),
    "inclusive gateway": ((START, node("inclusiveGateway", "f", default="f_b"), user("a"), user("b"), user("c"), node("inclusiveGateway",
                          "j"), user("z"), flows("start > f", "f > a: n = 1", "f > b", "f > c: n < 5", "a > j", "b > j", "c > j",
                          "j > z")), [("done", "a"), ("done", "c")], "z"),
    "event-based gateway": ((START, node("eventBasedGateway", "g"), node("intermediateCatchEvent", "t", timer(duration="P1D")),
                            node("intermediateCatchEvent", "m", MESSAGE), user("a"), user("b"), flows("start > g", "g > t", "g > m",
                            "t > a", "m > b")), [("delivered", "m")], "b"),
    "conditional and default flows leaving a task": ((START, user("a", default="a_c"), user("b"), user("c"), flows("start > a",
                                                     "a > b: n > 1", "a > c")), [("done", "a")], "c"),
    "several flows leaving a task": ((START, user("a"), user("b"), user("c"), flows("start > a", "a > b", "a > c")), [("done", "a")],
                                     "b c"),
    "embedded sub-process": ((START, sub("p", node("startEvent", "ps"), user("a"), flows("ps > a")), user("z"), flows("start > p",
                             "p > z")), [("done", "a")], "z"),
    "sub-process without start or end": ((START, sub("p", user("a"), user("b")), user("z"), flows("start > p", "p > z")),
                                         [("done", "b"), ("done", "a")], "z"),
    "call activity": ((START, call("c", "child"), user("z"), flows("start > c", "c > z")), [("done", "child:b")], "z"),
    "multi-instance, parallel": ((START, user("a", many(inputCollection="=[1, 2]")), user("z"), flows("start > a", "a > z")),
                                 [("done", "a"), ("done", "a")], "z"),
    "multi-instance, sequential": ((START, user("a", many(inputCollection="=[1, 2]", sequential=True)), user("z"), flows("start > a",
                                   "a > z")), [("done", "a"), ("done", "a")], "z"),
    "multi-instance, completion condition": ((START, user("a", many("numberOfCompletedInstances >= 1", inputCollection="=[1, 2]")),
                                             user("z"), flows("start > a", "a > z")), [("done", "a")], "z"),
    "multi-instance, cardinality": ((START, user("a", many(cardinality="2")), user("z"), flows("start > a", "a > z")),
                                    [("done", "a"), ("done", "a")], "z"),
    "multi-instance with a boundary timer": ((START, user("a", many(inputCollection="=[1, 2]")), boundary("t", "a", timer(duration="P1D")),
                                             user("z"), flows("start > a", "t > z")), [("done", "a"), ("fired", "t")], "z"),
    "standard loop": ((START, user("a", again("again")), user("z"), flows("start > a", "a > z")),
                      [("done", "a", {"again": True}), ("done", "a", {"again": False})], "z"),
    "timer: date": ((START, node("intermediateCatchEvent", "t", timer(date="2026-12-01")), user("z"), flows("start > t", "t > z")),
                    [("fired", "t")], "z"),
    "timer: duration from a variable": ((START, node("intermediateCatchEvent", "t", timer(duration='=duration("P" + string(n) + "D")')),
                                        user("z"), flows("start > t", "t > z")), [("fired", "t")], "z"),
    "timer: interrupting boundary": ((START, user("a"), boundary("t", "a", timer(duration="P1D")), user("z"), flows("start > a",
                                     "t > z")), [("fired", "t")], "z"),
    "timer: repeating boundary": ((START, user("a"), boundary("t", "a", timer(cycle="R2/P1D"), interrupting=False), user("z"),
                                  flows("start > a", "t > z")), [("fired", "t"), ("fired", "t")], "a z z"),
    "message: catch": ((START, node("intermediateCatchEvent", "m", MESSAGE), user("z"), flows("start > m", "m > z")),
                       [("delivered", "m")], "z"),
    "message: throw": ((START, node("intermediateThrowEvent", "m", MESSAGE), user("z"), flows("start > m", "m > z")), [], "z"),
    "message: end": ((START, node("endEvent", "m", MESSAGE), flows("start > m")), [], ""),
    "message: throw with an operation": ((START, node("intermediateThrowEvent", "m", MESSAGE, zeebe("taskDefinition", type="mail.send")),
                                         user("z"), flows("start > m", "m > z")), [("answered", "m")], "z"),
    "message: non-interrupting boundary": ((START, user("a"), boundary("m", "a", MESSAGE, interrupting=False), user("z"),
                                           flows("start > a", "m > z")), [("delivered", "m"), ("delivered", "m")], "a m z z"),
    "signal: throw and catch": ((START, node("parallelGateway", "f"), user("a"), node("intermediateThrowEvent", "t", SIGNAL),
                                node("intermediateCatchEvent", "c", SIGNAL), user("z"), flows("start > f", "f > a", "f > c", "a > t",
                                "c > z")), [("done", "a")], "z"),
    "signal: end": ((START, node("parallelGateway", "f"), user("a"), node("endEvent", "t", SIGNAL), user("b"), boundary("s", "b", SIGNAL),
                    user("z"), flows("start > f", "f > a", "f > b", "a > t", "s > z")), [("done", "a")], "z"),
    "error: end event to boundary": ((START, sub("p", user("a"), node("endEvent", "e", ERROR), flows("a > e")), boundary("b", "p", ERROR),
                                     user("z"), flows("start > p", "b > z")), [("done", "a")], "z"),
    "error: from a job": ((START, service("s"), boundary("b", "s", ERROR), user("z"), flows("start > s", "b > z")),
                          [("failed", "s", "DOWN")], "z"),
    "error: out of a sub-process": ((START, sub("p", service("s")), boundary("b", "p", event("error")), user("z"), flows("start > p",
                                    "b > z")), [("failed", "s", "ELSE")], "z"),
    "escalation": ((START, sub("p", user("a"), node("intermediateThrowEvent", "up", ESCALATION), user("b"), flows("a > up", "up > b")),
                   boundary("x", "p", ESCALATION, interrupting=False), user("z"), flows("start > p", "x > z")), [("done", "a")], "b z"),
    "terminate": ((START, node("parallelGateway", "f"), user("a"), user("b"), node("endEvent", "stop", event("terminate")),
                  flows("start > f", "f > a", "f > b", "a > stop")), [("done", "a")], ""),
    "links": ((START, node("exclusiveGateway", "g", default="g_t2"), node("intermediateThrowEvent", "t1", event("link", name="L")),
              node("intermediateThrowEvent", "t2", event("link", name="L")), node("intermediateCatchEvent", "l", event("link", name="L")),
              user("z"), flows("start > g", "g > t1: n = 1", "g > t2", "l > z")), [], "z"),
    "conditional event": ((START, user("a"), boundary("c", "a", condition("n > 5")), user("z"), flows("start > a", "c > z")),
                          [("set", "n", 6)], "z"),
    **{f"event sub-process: {kind}{'' if interrupting else ', non-interrupting'}": (
        (START, node("parallelGateway", "f"), user("a"), service("s"), user("e"), node("intermediateThrowEvent", "up", ESCALATION),
         event_sub("h", definition, user("z"), flows("h_start > z"), interrupting=interrupting), flows("start > f", "f > a", "f > s",
         "f > e", "e > up")), [act], after if interrupting else beside)
       for kind, definition, act, after, beside in (
           ("timer", timer(duration="P1D"), ("fired", "h_start"), "z", "a e s z"),
           ("message", MESSAGE, ("delivered", "h_start"), "z", "a e h_start s z"),
           ("signal", SIGNAL, ("delivered", "h_start"), "z", "a e h_start s z"),
           ("error", ERROR, ("failed", "s", "DOWN"), "z", ""),
           ("escalation", ESCALATION, ("done", "e"), "z", "a s z"),
           ("conditional", condition("n > 5"), ("set", "n", 6), "z", "a e h_start s z"),
       ) for interrupting in (True, False) if interrupting or kind != "error"},
    "event sub-process: nested": ((START, sub("p", user("a"), event_sub("h", timer(duration="P1D"), user("b"), flows("h_start > b"))),
                                  user("z"), flows("start > p", "p > z")), [("fired", "h_start"), ("done", "b")], "z"),
    "compensation: throw": ((START, user("a"), boundary("c", "a", event("compensate")), user("u", isForCompensation="true"),
                            undone("c", "u"), node("intermediateThrowEvent", "t", event("compensate", activityRef="a")), user("z"),
                            flows("start > a", "a > t", "t > z")), [("done", "a"), ("done", "u")], "z"),
    "compensation: end": ((START, user("a"), boundary("c", "a", event("compensate")), user("u", isForCompensation="true"),
                          undone("c", "u"), node("endEvent", "t", event("compensate")), flows("start > a", "a > t")),
                          [("done", "a"), ("done", "u")], ""),
    "compensation: of a call activity": ((START, call("c", "child"), node("intermediateThrowEvent", "t", event("compensate")), user("z"),
                                         flows("start > c", "c > t", "t > z")), [("done", "child:b"), ("done", "child:u")], "z"),
    "compensation: event sub-process": ((START, sub("p", user("a"), event_sub("h", event("compensate"), user("u"), flows("h_start > u"))),
                                        node("intermediateThrowEvent", "t", event("compensate")), user("z"), flows("start > p", "p > t",
                                        "t > z")), [("done", "a"), ("done", "u")], "z"),
    "transaction": ((START, node("transaction", "p", user("a"), node("endEvent", "no", event("cancel")), flows("a > no")),
                    boundary("c", "p", event("cancel")), user("z"), flows("start > p", "c > z")), [("done", "a")], "z"),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_what_a_modeler_draws_runs_as_bpmn_says(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row of the table; nothing of it is ever evaluated by SpiffWorkflow, and what runs is accepted when it is checked."""
    for name in ("evaluate", "execute", "call_service"):
        monkeypatch.setattr(PythonScriptEngine, name, _asked)
    body, acts, waits = ROWS[row]
    files: dict[str, bytes] = {**(CHILD if "call activity" in row else {}), "rate.dmn": DMN.encode()}
    play = Play(*body, named=NAMED, files=files, order="A-1", n=1)
    for kind, element, *given in acts:
        if kind == "set":
            play.noted(play.execution.set_variables({element: given[0]}, now=play.now))
        elif kind == "failed":
            play.failed(element, given[0])
        else:
            act: Callable[..., Any] = getattr(play, kind)
            act(element, **(given[0] if given else {}))
    assert not play.seen.stuck
    assert play.waits == waits and play.execution.finished == (waits == "")


def _asked(*given: Any) -> None:
    raise AssertionError("SpiffWorkflow evaluates nothing")


REFUSED = {
    "complex gateway": (START, node("complexGateway", "x"), flows("start > x")),
    "ad-hoc sub-process": (START, node("adHocSubProcess", "x", user("a")), flows("start > x")),
    "several event definitions": (START, node("intermediateCatchEvent", "x", timer(duration="P1D"), SIGNAL), flows("start > x")),
    "case call": (START, node("callActivity", "x"), flows("start > x")),
    "called process from an expression": (START, call("x", "=which"), flows("start > x")),
    "send task that sends nothing": (START, node("sendTask", "x"), flows("start > x")),
    "timer start of a process": (node("startEvent", "x", timer(cycle="R/P1D")), user("a"), flows("x > a")),
    "multi-instance over nothing": (START, user("x", many()), flows("start > x")),
    "loop without end": (START, user("x", again()), flows("start > x")),
    "compensation without a handler": (START, user("a"), boundary("x", "a", event("compensate")), flows("start > a")),
    "compensation event sub-process of the process": (
        START,
        user("a"),
        event_sub("h", event("compensate"), user("u"), flows("h_start > u")).replace("h_start", "x"),
        flows("start > a"),
    ),
    "cancel outside a transaction": (START, node("endEvent", "x", event("cancel")), flows("start > x")),
    "event sub-process that nothing starts": (START, sub("x", user("a"), triggeredByEvent="true")),
}


@pytest.mark.parametrize("row", REFUSED)
def test_what_does_not_run_is_refused_with_its_name(row: str) -> None:
    """By the check, with a finding at the element, and by the program; never passed over."""
    files = {"test.bpmn": diagram(*REFUSED[row], named=NAMED)}
    assert "x" in [f.element for f in lint.check(files)["test.bpmn"] if f.severity == "error"]
    with pytest.raises(errors.FileRefused, match="x:"):
        Program(files, version="1")


def test_what_runs_is_accepted_by_the_check() -> None:
    """No row that runs is refused for its kind: a procedure with it deploys."""
    for row, (body, _, _) in ROWS.items():
        files = {"test.bpmn": diagram(*body, named=NAMED), **CHILD, "rate.dmn": DMN.encode()}
        codes = [str(f.code) for findings in lint.check(files).values() for f in findings if f.severity == "error"]
        assert not {"unsupported_element", "wrong_flow", "no_beginning", "unresolved_reference", "missing_operation"} & set(codes), row
