"""Messages, signals and conditions: who waits, what is delivered, what is thrown; each case also restored after every action."""

from __future__ import annotations

import pytest
from diagrams import END, START, Play, both_ways, boundary, condition, event, flows, mapping, message, node, sub, timer, user, zeebe

from engine import errors

__all__ = ["both_ways"]

NAMED = message("M", "paid", "=order") + message("N", '="case-" + order') + '<bpmn:signal id="G" name="stop"/>'
MESSAGE, SIGNAL = event("message", messageRef="M"), event("signal", signalRef="G")


@pytest.mark.parametrize("kind", ["catch", "receive"])
def test_a_message_is_waited_for_by_name_and_key(kind):
    """An event and a receive task alike; what comes with it becomes variables, or what the output mapping makes of it."""

    def waiting(*inner: str) -> str:
        return node("intermediateCatchEvent", "m", *inner, MESSAGE) if kind == "catch" else node("receiveTask", "m", *inner, messageRef="M")

    play = Play(START, waiting(), user("z"), flows("start > m", "m > z"), named=NAMED, order="A-1")
    [awaited] = play.last.awaited
    assert (awaited.instance, awaited.element, awaited.activation, awaited.kind) == ("m#1", "m", 1, "message")
    assert (awaited.name, awaited.key) == ("paid", "A-1")
    advance = play.delivered("m", amount=5)
    assert play.waits == "z" and play.values["amount"] == 5 and not advance.left
    play = Play(START, waiting(mapping({}, {"got": "=amount + 1"})), user("z"), flows("start > m", "m > z"), named=NAMED, order="A-1")
    play.delivered("m", amount=5)
    assert play.values == {"order": "A-1", "got": 6}


def test_a_name_may_be_feel_and_a_key_absent():
    """A message without a key is waited for by its name alone."""
    play = Play(START, node("receiveTask", "m", messageRef="N"), flows("start > m"), named=NAMED, order="A-1")
    assert [(x.name, x.key) for x in play.last.awaited] == [("case-A-1", "")]


def test_a_key_that_is_nothing_is_stuck():
    """The incident names the expression; repaired, the wait begins."""
    play = Play(START, node("receiveTask", "m", messageRef="M"), flows("start > m"), named=NAMED, order=None)
    assert "order" in play.last.stuck[0].error.message and not play.last.awaited
    play.retried("m", order=7)
    assert [x.key for x in play.last.awaited] == ["7"]


def test_a_message_at_a_boundary():
    """Interrupting it ends the task; otherwise it comes as often as it is sent."""
    body = (START, user("a"), user("told"), flows("start > a", "b > told"))
    play = Play(*body, boundary("b", "a", MESSAGE), named=NAMED, order="A-1")
    advance = play.delivered("b", why="x")
    assert play.waits == "told" and [(x.element, x.by) for x in advance.left] == [("a", "b")] and play.values["why"] == "x"
    play = Play(*body, boundary("b", "a", MESSAGE, interrupting=False), named=NAMED, order="A-1")
    for n in (1, 2, 3):
        assert play.instance("b") == f"b#{n}"
        play.delivered("b")
    assert play.waits == "a b told told told" and [x.instance for x in play.seen.awaited] == ["b#1", "b#2", "b#3", "b#4"]
    play.done("a")
    assert play.waits == "told told told" and play.last.left[0].instance == "b#4"


def test_a_receive_task_has_boundary_events():
    """A reminder and an end to the waiting."""
    play = Play(START, node("receiveTask", "m", messageRef="M"), boundary("t", "m", timer(duration="P3D")), user("late"),
                flows("start > m", "t > late"), named=NAMED, order="1")  # fmt: skip
    play.fired("t")
    assert play.waits == "late" and [x.element for x in play.last.left] == ["m"]


@pytest.mark.parametrize("tag", ["intermediateThrowEvent", "endEvent", "sendTask"])
def test_a_message_is_thrown(tag):
    """Without an operation it leaves the case for whoever waits, with what its input mapping gives; with one it is a job."""
    inner = [mapping({"amount": "=n"})]
    thrower = node(tag, "t", *inner, messageRef="M") if tag == "sendTask" else node(tag, "t", *inner, MESSAGE)
    play = Play(START, thrower, flows("start > t"), named=NAMED, order="A-1", n=5)
    [thrown] = play.last.thrown
    assert (thrown.element, thrown.kind, thrown.name, thrown.key, thrown.values) == ("t", "message", "paid", "A-1", {"amount": 5})
    assert play.last.finished and play.values == {"order": "A-1", "n": 5}
    job = zeebe("taskDefinition", type="mail.send")
    thrower = node(tag, "t", *inner, job, messageRef="M") if tag == "sendTask" else node(tag, "t", *inner, job, MESSAGE)
    play = Play(START, thrower, flows("start > t"), named=NAMED, order="A-1", n=5)
    assert not play.last.thrown and play.last.requested[0].operation == "mail.send"


def test_nobody_says_by_message_who_the_case_is_about():
    """Refused before anything moves."""
    play = Play(START, node("receiveTask", "m", messageRef="M"), flows("start > m"), named=NAMED, order="1")
    with pytest.raises(errors.ValueRefused, match="subject"):
        play.delivered("m", subject={"id": "X"})
    with pytest.raises(errors.ValueRefused, match="thing"):
        play.delivered("m", thing=object())
    assert play.waits == "m"


def test_only_what_waits_for_a_message_gets_one():
    """A user task or a timer is not moved by a delivery, nor a message by a timer."""
    play = Play(START, user("a"), boundary("t", "a", timer(duration="P1D")), flows("start > a"))
    for element in ("a", "t"):
        with pytest.raises(errors.NotFound):
            play.delivered(element)


def test_a_signal_reaches_the_case_and_leaves_it():
    """Every wait of the case hears it, inside sub-processes too; and it is told outside."""
    play = Play(START, node("parallelGateway", "f"), user("a"), node("intermediateThrowEvent", "t", mapping({"why": "=n"}), SIGNAL),
                node("intermediateCatchEvent", "c", SIGNAL), user("z"), sub("p", user("b"), boundary("s", "b", SIGNAL), user("told"),
                flows("s > told")), flows("start > f", "f > a", "f > c", "f > p", "a > t", "c > z"), named=NAMED, n=1)  # fmt: skip
    assert [(x.kind, x.name, x.key) for x in play.seen.awaited] == [("signal", "stop", "")] * 2
    advance = play.done("a")
    assert play.waits == "told z" and play.values["why"] == 1
    assert [(x.kind, x.name, x.values) for x in advance.thrown] == [("signal", "stop", {"why": 1})]
    assert {(x.element, x.by) for x in advance.left} >= {("c", "t"), ("s", "t")}, "the waits are over"


def test_a_signal_that_carries_what_cannot_be_stored_is_stuck_before_it_is_heard():
    """Nobody has caught it yet, and with a corrected variable it is thrown as if nothing had been."""
    thrower = node("intermediateThrowEvent", "t", mapping({"big": "=n * n"}), SIGNAL)
    play = Play(START, node("parallelGateway", "f"), node("intermediateCatchEvent", "c", SIGNAL), thrower, user("z"),
                flows("start > f", "f > c", "f > t", "c > z"), named=NAMED, n=10**9)  # fmt: skip
    assert [s.element for s in play.last.stuck] == ["t"] and play.waits == "c t"
    play.retried("t", n=3)
    assert play.waits == "z" and play.values["big"] == 9


def test_a_signal_from_outside_is_delivered():
    """As a message is, to each wait that is named."""
    play = Play(START, node("intermediateCatchEvent", "c", SIGNAL), user("z"), flows("start > c", "c > z"), named=NAMED)
    play.delivered("c", by="other case")
    assert play.waits == "z" and play.values == {"by": "other case"}


def test_the_first_event_behind_a_gateway_decides():
    """Message, signal, timer, condition or receive task: the other waits are over, the gateway says which way it went."""
    ways = {
        "m": node("intermediateCatchEvent", "m", MESSAGE),
        "s": node("intermediateCatchEvent", "s", SIGNAL),
        "t": node("intermediateCatchEvent", "t", timer(duration="P1D")),
        "c": node("intermediateCatchEvent", "c", condition("n > 5")),
        "r": node("receiveTask", "r", messageRef="N"),
    }
    acts = {
        "m": lambda play: play.delivered("m", x=1),
        "s": lambda play: play.delivered("s", x=1),
        "t": lambda play: play.fired("t"),
        "c": lambda play: play.noted(play.execution.set_variables({"n": 6, "x": 1}, now=play.now)),
        "r": lambda play: play.delivered("r", x=1),
    }
    for chosen, act in acts.items():
        play = Play(START, node("eventBasedGateway", "g"), *ways.values(), *(user(f"u{x}") for x in ways),
                    flows("start > g", *(f"g > {x}" for x in ways), *(f"{x} > u{x}" for x in ways)), named=NAMED, order="1",
                    n=1)  # fmt: skip
        assert play.waits == "c m r s t"
        advance = act(play)
        assert play.waits == f"u{chosen}" and {x.element for x in advance.left} == ways.keys() - {chosen}
        assert [p.detail for p in advance.passed if p.element == "g"] == [{"flows": [f"g_{chosen}"]}]


# --- conditions


def test_a_condition_is_met_when_it_becomes_true():
    """Whoever writes it; a variable that does not exist yet is no error, and one already true counts at once."""
    waiting = node("intermediateCatchEvent", "c", condition("amount > 100"))
    play = Play(START, node("parallelGateway", "f"), waiting, user("a"), user("z"), flows("start > f", "f > c", "f > a", "c > z"))
    assert play.waits == "a c"
    play.noted(play.execution.set_variables({"amount": 50}, now=play.now))
    assert play.waits == "a c"
    play.done("a", amount=200)
    assert play.waits == "z"
    assert Play(START, waiting, user("z"), flows("start > c", "c > z"), amount=101).waits == "z"


def test_a_condition_beside_a_task_happens_at_each_edge():
    """Not while it stays true; again when it was false in between."""
    play = Play(START, user("a"), boundary("c", "a", condition("n > 5"), interrupting=False), user("told"), flows("start > a", "c > told"),
                n=1)  # fmt: skip
    for n, told in ((6, 1), (7, 1), (2, 1), (9, 2)):
        play.noted(play.execution.set_variables({"n": n}, now=play.now))
        assert play.waits.count("told") == told
    play = Play(START, user("a"), boundary("c", "a", condition("n > 5")), user("told"), flows("start > a", "c > told"), n=1)
    play.noted(play.execution.set_variables({"n": 6}, now=play.now))
    assert play.waits == "told"


def test_a_condition_that_gives_neither_true_nor_false_is_stuck():
    """The incident names the expression, and a corrected variable repairs it."""
    play = Play(START, node("intermediateCatchEvent", "c", condition("n + 1")), user("z"), flows("start > c", "c > z"), n=1)
    assert [s.element for s in play.last.stuck] == ["c"] and "n + 1" in play.last.stuck[0].error.message
    play = Play(START, node("intermediateCatchEvent", "c", condition("n > 1")), user("z"), flows("start > c", "c > z"), n="x")
    assert [s.element for s in play.last.stuck] == ["c"]
    play.retried("c", n=2)
    assert play.waits == "z"


def test_conditions_that_feed_each_other_come_to_rest():
    """A condition whose branch writes what it reads is looked at again until nothing changes."""
    script = node("scriptTask", "s", zeebe("script", expression="=n + 1", resultVariable="n"))
    play = Play(START, user("a"), boundary("c", "a", condition("n = 1"), interrupting=False),
                boundary("d", "a", condition("n = 2"), interrupting=False), script, user("z"),
                flows("start > a", "c > s", "d > z"), n=0)  # fmt: skip
    play.noted(play.execution.set_variables({"n": 1}, now=play.now))
    assert play.values["n"] == 2 and play.waits == "a c d z"


def test_a_link_keeps_its_rows_apart():
    """Two pairs of links in different scopes may have the same name."""

    def pair(scope: str) -> tuple[str, ...]:
        return (node("intermediateThrowEvent", f"{scope}t", event("link", name="L")),
                node("intermediateCatchEvent", f"{scope}c", event("link", name="L")))  # fmt: skip

    play = Play(START, sub("p", node("startEvent", "ps"), *pair("i"), user("a"), flows("ps > it", "ic > a")), *pair("o"), user("z"), END,
                flows("start > p", "p > ot", "oc > z", "z > end"))  # fmt: skip
    assert play.waits == "a"
    play.done("a")
    assert play.waits == "z" and play.done("z").finished
