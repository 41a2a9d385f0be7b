"""Event sub-processes: whatever their trigger, interrupting or not, at any depth; each case also restored after every action."""

from __future__ import annotations

import pytest
from diagrams import (
    END,
    START,
    Play,
    both_ways,
    boundary,
    condition,
    event,
    event_sub,
    flows,
    mapping,
    message,
    node,
    service,
    sub,
    timer,
    user,
    zeebe,
)

from engine import errors
from engine.bpmn.program import Program

__all__ = ["both_ways"]

NAMED = (
    message("M", "withdrawn", "=order") + '<bpmn:signal id="G" name="stop"/><bpmn:error id="E" errorCode="DOWN"/>'
    '<bpmn:escalation id="X" escalationCode="UP"/>'
)
UP = node("intermediateThrowEvent", "up", event("escalation", escalationRef="X"))
STARTS = {
    "timer": (timer(duration="P3D"), lambda play: play.fired("h_start")),
    "message": (event("message", messageRef="M"), lambda play: play.delivered("h_start")),
    "signal": (event("signal", signalRef="G"), lambda play: play.delivered("h_start")),
    "conditional": (condition("n > 5"), lambda play: play.noted(play.execution.set_variables({"n": 6}, now=play.now))),
    "error": (event("error", errorRef="E"), lambda play: play.failed("s", "DOWN")),
    "escalation": (event("escalation", escalationRef="X"), lambda play: play.done("e")),
}
BODY = (
    node("startEvent", "start"),
    node("parallelGateway", "f"),
    user("a"),
    service("s"),
    user("e"),
    UP,
    user("z"),
    flows("start > f", "f > a", "f > s", "f > e", "e > up", "up > z"),
)


@pytest.mark.parametrize("kind", STARTS)
def test_an_interrupting_one_ends_what_runs_in_its_scope(kind):
    """Everything that waited is left by the event; the case goes on in the handler and ends with it."""
    definition, happen = STARTS[kind]
    play = Play(*BODY, event_sub("h", definition, user("handle"), flows("h_start > handle")), named=NAMED, order="A-1", n=1)
    assert {"a", "s", "e"} <= set(play.waits.split())
    happen(play)
    assert play.waits == "handle"
    assert {"a", "s"} <= {x.element for x in play.seen.left if x.by == "h_start"}
    advance = play.done("handle")
    assert advance.finished and "h_start h" in play.passed


@pytest.mark.parametrize("kind", [kind for kind in STARTS if kind != "error"])
def test_a_non_interrupting_one_runs_beside(kind):
    """The scope goes on, and ends when its own tokens and those of the handler have ended."""
    definition, happen = STARTS[kind]
    handler = event_sub("h", definition, user("handle"), flows("h_start > handle"), interrupting=False)
    play = Play(*BODY, handler, named=NAMED, order="A-1", n=1)
    happen(play)
    assert {"a", "s", "handle"} <= set(play.waits.split())
    for element in ("a", "e", "z"):
        if element in play.waits.split():
            play.done(element)
    play.answered("s")
    if "z" in play.waits.split():
        play.done("z")
    assert set(play.waits.split()) <= {"handle", "h_start"}
    assert play.done("handle").finished


def test_a_repeating_one_starts_again_each_time():
    """A cycle inside a sub-process: each firing is a run of its own, and the waits end with the scope."""
    handler = event_sub("h", timer(cycle="R/P1D"), user("remind"), flows("h_start > remind"), interrupting=False)
    play = Play(START, sub("p", user("a"), handler), user("z"), flows("start > p", "p > z"))
    play.fired("h_start")
    play.fired("h_start")
    assert play.waits == "a h_start remind remind" and play.instance("h_start") == "h_start#3"
    play.done("a")
    assert play.waits == "h_start remind remind"
    play.done("remind")
    advance = play.done("remind")
    assert play.waits == "z" and [x.element for x in advance.left] == ["h_start"]


def test_messages_start_it_as_often_as_they_come():
    """SpiffWorkflow alone would lose the second message."""
    handler = event_sub("h", event("message", messageRef="M"), user("note", mapping({"seen": "=text"})), flows("h_start > note"),
                        interrupting=False)  # fmt: skip
    play = Play(START, user("a"), flows("start > a"), handler, named=NAMED, order="A-1")
    assert [(x.kind, x.name, x.key) for x in play.seen.awaited] == [("message", "withdrawn", "A-1")]
    for text in "xyz":
        play.delivered("h_start", text=text)
    assert [o.inputs for o in play.seen.opened if o.element == "note"] == [{"seen": "x"}, {"seen": "y"}, {"seen": "z"}]
    assert "text" not in play.values, "what came with the message belongs to the run it started"


def test_what_an_error_says_is_seen_in_its_handler():
    """Code and message are variables of the event sub-process."""
    handler = event_sub(
        "h", event("error"), user("repair", mapping({"why": '=errorCode + ": " + errorMessage'})), flows("h_start > repair")
    )
    play = Play(START, service("s"), flows("start > s"), handler)
    play.failed("s", "DOWN")
    assert play.last.opened[0].inputs == {"why": "DOWN: said so"} and play.values == {}


def test_an_error_goes_to_the_innermost_scope_that_catches_it():
    """An event sub-process inside comes before a boundary event around; what it does not catch goes on outwards."""
    inside = event_sub("h", event("error", errorRef="E"), user("inner"), flows("h_start > inner"))
    body = (START, sub("p", service("s"), inside), boundary("b", "p", event("error")), user("outer"), user("z"),
            flows("start > p", "b > outer", "p > z"))  # fmt: skip
    play = Play(*body, named=NAMED)
    play.failed("s", "DOWN")
    assert play.waits == "inner"
    play.done("inner")
    assert play.waits == "z", "the sub-process is over and goes on as usual"
    play = Play(*body, named=NAMED)
    play.failed("s", "ELSE")
    assert play.waits == "outer"


def test_an_error_inside_a_handler_is_not_caught_by_it_again():
    """It goes to the scope around, so a handler that fails cannot go round in a circle."""
    fail = node("endEvent", "fail", event("error", errorRef="E"))
    handler = event_sub("h", event("error"), fail, flows("h_start > fail"))
    play = Play(START, sub("p", service("s"), handler), boundary("b", "p", event("error")), user("outer"), flows("start > p", "b > outer"),
                named=NAMED)  # fmt: skip
    play.failed("s", "DOWN")
    assert play.waits == "outer"


def test_handlers_have_handlers():
    """An event sub-process inside one, with a sub-process between."""
    inner = event_sub("i", timer(duration="P1D"), user("late"), flows("i_start > late"))
    outer = event_sub("h", timer(duration="P3D"), sub("q", user("b"), inner), user("c"), flows("h_start > q", "q > c"))
    play = Play(START, sub("p", user("a"), outer), user("z"), flows("start > p", "p > z"))
    play.fired("h_start")
    assert play.waits == "b i_start"
    play.fired("i_start")
    assert play.waits == "late"
    play.done("late")
    assert play.waits == "c"
    play.done("c")
    assert play.waits == "z"


def test_the_end_of_a_handler_can_give_the_outcome():
    """An end event in an event sub-process of the process itself says how the case ended."""
    end = node("endEvent", "he", zeebe("properties", zeebe("property", name="wf.outcome", value="withdrawn")))
    play = Play(START, user("a"), END, flows("start > a", "a > end"), event_sub("h", timer(duration="P1D"), end, flows("h_start > he")))
    advance = play.fired("h_start")
    assert advance.finished and advance.outcome == "withdrawn"


def test_a_terminate_end_in_a_handler_ends_only_that():
    """The scope around goes on."""
    stop = node("endEvent", "stop", event("terminate"))
    handler = event_sub("h", timer(duration="P1D"), node("parallelGateway", "g"), user("x"), user("y"), stop,
                        flows("h_start > g", "g > x", "g > y", "x > stop"), interrupting=False)  # fmt: skip
    play = Play(START, user("a"), flows("start > a"), handler)
    play.fired("h_start")
    play.done("x")
    assert play.waits == "a"


def test_a_handler_without_one_triggered_start_is_refused():
    """Neither none nor two."""
    for inner in (node("startEvent", "x"), node("startEvent", "x", timer(duration="P1D")) + node("startEvent", "y", timer(duration="P1D"))):
        body = (START, user("a"), flows("start > a"), node("subProcess", "h", inner, triggeredByEvent="true"))
        with pytest.raises(errors.FileRefused):
            Play(*body)


def test_a_timer_start_of_the_process_is_refused_by_name():
    """A case needs somebody whom it is about; a message or signal start names its event."""
    with pytest.raises(errors.FileRefused, match="timer start event"):
        Play(node("startEvent", "t", timer(cycle="R/P1D")), user("a"), flows("t > a"))
    play = Play(START, node("startEvent", "m", event("message", messageRef="M")), user("a"), user("b"), flows("start > a", "m > b"),
                named=NAMED, at="m")  # fmt: skip
    assert play.waits == "b" and [(e.id, e.event, e.reference) for e in play.program.starts] == [
        ("start", None, None),
        ("m", "message", "withdrawn"),
    ]
    assert isinstance(play.program, Program)


def test_an_event_sub_process_has_mappings_of_its_own():
    """Its inputs see what came with the event; what fails there is repaired there."""
    handler = node("subProcess", "h", mapping({"mine": "=given + extra"}, {"out": "=mine"}),
                   node("startEvent", "hs", event("message", messageRef="M"), isInterrupting="false"), user("x"), flows("hs > x"),
                   triggeredByEvent="true")  # fmt: skip
    play = Play(START, user("a"), handler, flows("start > a"), named=message("M", "news"))
    assert [s.element for s in play.delivered("hs", given=1).stuck] == ["h"]
    play.retried("h", extra=2)
    assert "hs#1" in {p.instance for p in play.last.passed}
    play.done("x")
    play.done("a")
    assert play.execution.finished and play.values["out"] == 3 and "mine" not in play.values
