"""Whether tokens come to an end: joins that wait for ever, branches that meet without a join, circles without a way out."""

from __future__ import annotations

import random

import pytest
from chaos.generator import case
from diagrams import END, START, boundary, condition, diagram, event, event_sub, flows, node, service, sub, timer, user

from engine.bpmn import lint
from engine.bpmn.lint.net import net, reduced
from engine.bpmn.lint.soundness import _play
from engine.bpmn.parser import processes
from engine.bpmn.reader import read_xml

CODES = ("never_joins", "deadlock", "runs_twice", "never_ends", "goes_round")


def found(*body: str) -> list[tuple[str | None, str, str]]:
    """Element, code and severity."""
    findings = lint.check({"x.bpmn": diagram(*body)})["x.bpmn"]
    assert not [one for one in findings if one.severity == "error" and one.code not in CODES], findings
    return [(one.element, str(one.code), one.severity) for one in findings if one.code in CODES]


XOR = node("exclusiveGateway", "split", default="split_b")
AND, OR = node("parallelGateway", "split"), node("inclusiveGateway", "split", default="split_b")
XOR_JOIN, AND_JOIN, OR_JOIN = (node(f"{kind}Gateway", "join") for kind in ("exclusive", "parallel", "inclusive"))
BRANCHES = flows("start > split", "split > a: 1 > 0", "split > b", "a > join", "b > join", "join > c", "c > end")
ALL = flows("start > split", "split > a", "split > b", "a > join", "b > join", "join > c", "c > end")
STEPS = (START, user("a"), user("b"), user("c"), END)


@pytest.mark.parametrize(
    ("split", "join", "drawn", "expected"),
    [
        (XOR, XOR_JOIN, BRANCHES, []),
        (AND, AND_JOIN, ALL, []),
        (OR, OR_JOIN, BRANCHES, []),
        (XOR, OR_JOIN, BRANCHES, []),
        (AND, OR_JOIN, ALL, []),
        (OR, XOR_JOIN, BRANCHES, []),  # its conditions may well be such that one is taken
        (XOR, AND_JOIN, BRANCHES, [("join", "deadlock", "error")]),
        (OR, AND_JOIN, BRANCHES, [("join", "deadlock", "error")]),
        (AND, XOR_JOIN, ALL, [("join", "runs_twice", "warning")]),
    ],
)
def test_how_branches_divide_and_meet(split: str, join: str, drawn: str, expected: list[tuple[str, str, str]]) -> None:
    """A join that waits for what is never taken at once; a merge that does not wait for what is."""
    assert found(*STEPS, split, join, drawn) == expected


def test_a_join_with_a_flow_from_what_is_never_reached() -> None:
    """It waits for ever, too, though nothing comes after it."""
    body = (*STEPS, AND_JOIN, flows("start > a", "a > join", "b > join", "join > c", "c > end"))
    assert found(*body) == [("join", "deadlock", "error")]


def test_a_branch_that_may_end_before_the_join() -> None:
    """Whoever says no leaves the others waiting; with an end that takes them along nobody waits."""
    for last, expected in (("", [("join", "deadlock", "warning")]), (event("terminate"), [])):
        body = (*STEPS, AND, AND_JOIN, node("exclusiveGateway", "ok", default="ok_join"), node("endEvent", "no", last))
        drawn = flows("start > split", "split > a", "split > b", "a > ok", "ok > join", "ok > no: 1 > 0", "b > join", "join > c", "c > end")
        assert found(*body, drawn) == expected


def test_an_interrupting_event_takes_the_token_another_way() -> None:
    """Nobody comes to the join any more; one that does not interrupt and leads back gives it one more."""
    late = boundary("late", "a", timer(duration="P1D"))
    aside = node("endEvent", "other")
    assert found(*STEPS, AND, AND_JOIN, late, aside, ALL, flows("late > other")) == [("join", "deadlock", "warning")]
    soon = boundary("soon", "a", timer(duration="P1D"), interrupting=False)
    assert found(*STEPS[:2], soon, user("m"), END, XOR_JOIN, user("c"),
                 flows("start > a", "a > join", "soon > m", "m > join", "join > c", "c > end")) == [
        ("join", "runs_twice", "warning")
    ]  # fmt: skip
    other = boundary("other", "c", timer(duration="P1D"), interrupting=False)
    assert found(*STEPS, soon, other, user("m"), AND, AND_JOIN, ALL, flows("soon > m", "other > m", "m > end")) == []  # fmt: skip
    assert found(*STEPS[:2], soon, user("m"), END, flows("start > a", "a > end", "soon > m", "m > end")) == []


def test_the_same_end_for_several_branches_is_nothing_to_wait_for() -> None:
    """Each branch just ends there, also through a gateway that brings them together before it."""
    body = (START, AND, user("a"), user("b"), END)
    assert found(*body, flows("start > split", "split > a", "split > b", "a > end", "b > end")) == []
    body = (*body, XOR_JOIN)
    assert found(*body, flows("start > split", "split > a", "split > b", "a > join", "b > join", "join > end")) == []


def test_a_task_that_several_parallel_branches_lead_to_runs_for_each() -> None:
    """Flows into a task do not wait for each other; a loop back to it is no such thing."""
    body = (*STEPS, AND)
    assert found(*body, flows("start > split", "split > a", "split > b", "a > c", "b > c", "c > end")) == [("c", "runs_twice", "warning")]
    again = node("exclusiveGateway", "again", default="again_end")
    assert found(START, user("a"), again, END, flows("start > a", "a > again", "again > a: 1 > 0", "again > end")) == []


def test_several_flows_from_a_task_are_parallel_unless_they_have_conditions() -> None:
    """As the engine takes them."""
    merged = ("b > join", "c > join", "join > end")
    body = (*STEPS, XOR_JOIN, user("d"))
    both = flows("start > a", "a > b", "a > c", *merged[:2], "join > d", "d > end")
    assert found(*body, both) == [("join", "runs_twice", "warning")]
    for target, text in (("b", "1 > 0"), ("c", "1 &lt; 0")):
        when = f"<bpmn:conditionExpression>={text}</bpmn:conditionExpression>"
        both = both.replace(f'targetRef="{target}">', f'targetRef="{target}">{when}')
    assert found(*body, both) == []


def test_inclusive_joins_that_wait_for_each_other() -> None:
    """Each may still get a token from the other, so neither goes on."""
    body = (START, AND, node("inclusiveGateway", "i"), node("inclusiveGateway", "j"), node("exclusiveGateway", "x", default="x_end"),
            node("exclusiveGateway", "y", default="y_end"), user("a"), user("b"), END,
            flows("start > split", "split > i", "split > j", "i > a", "a > x", "x > j: 1 > 0", "x > end", "j > b", "b > y", "y > i: 1 > 0",
                  "y > end"))  # fmt: skip
    assert {code for _, code, _ in found(*body)} == {"deadlock"}


def test_inside_a_sub_process_and_an_event_sub_process() -> None:
    """Each scope is judged by itself."""
    inner = (node("startEvent", "s"), XOR, user("a"), user("b"), AND_JOIN, user("c"), node("endEvent", "e"),
             BRANCHES.replace('"start"', '"s"').replace('"end"', '"e"'))  # fmt: skip
    assert found(START, sub("p", *inner), END, flows("start > p", "p > end")) == [("join", "deadlock", "error")]
    handler = event_sub("h", timer(duration="P1D"), *inner[1:], interrupting=False).replace('sourceRef="s"', 'sourceRef="h_start"')
    assert found(START, user("z"), END, handler, flows("start > z", "z > end")) == [("join", "deadlock", "error")]


CIRCLE = (START, user("a"), service("b"), flows("start > a", "a > b", "b > a"))


def test_a_way_that_never_leads_to_an_end() -> None:
    """The circle is named; where nobody and nothing is waited for, the case could not even start."""
    [one] = [one for one in lint.check({"x.bpmn": diagram(*CIRCLE)})["x.bpmn"] if one.code == "never_ends"]
    assert (one.element, one.severity, one.way) == ("a", "warning", ("a", "b", "a"))
    script = node("scriptTask", "k", '<bpmn:extensionElements><zeebe:script expression="=1" resultVariable="r"/></bpmn:extensionElements>')
    assert found(START, node("task", "t"), script, flows("start > t", "t > k", "k > t")) == [("t", "never_ends", "error")]
    branch = flows("start > split", "split > a", "a > split", "split > end")
    assert ("split", "never_joins", "error") in found(START, AND, user("a"), END, branch)
    merge = flows("start > m", "m > split", "split > a", "a > m", "split > end")
    assert ("m", "never_ends", "warning") in found(START, node("exclusiveGateway", "m"), AND, user("a"), END, merge)


def test_a_circle_that_something_interrupts_is_none() -> None:
    """A boundary event, an event sub-process around, or an end that takes all tokens along."""
    late = boundary("late", "a", timer(duration="P1D"))
    assert found(*CIRCLE, late, END, flows("late > end")) == []
    assert found(*CIRCLE, event_sub("h", timer(duration="P1D"))) == []
    inside = sub("p", node("startEvent", "s"), user("a"), user("b"), flows("s > a", "a > b", "b > a"))
    assert found(START, inside, END, flows("start > p", "p > end")) == [("a", "never_ends", "warning")]
    assert found(START, inside, boundary("off", "p", timer(duration="P1D")), END, flows("start > p", "p > end", "off > end")) == []
    stop = node("endEvent", "stop", event("terminate"))
    assert found(START, AND, user("a"), user("b"), stop, user("c"),
                 flows("start > split", "split > a", "a > b", "b > a", "split > c", "c > stop")) == []  # fmt: skip


def test_a_circle_in_which_nothing_changes() -> None:
    """Gateways alone decide the same each time; with a step that gives something the next round may be another."""
    x = node("exclusiveGateway", "x", default="x_end")
    assert found(START, node("exclusiveGateway", "m"), x, END, flows("start > m", "m > x", "x > m: 1 > 0", "x > end")) == [
        ("m", "goes_round", "warning")
    ]
    wait = node("intermediateCatchEvent", "w", timer(duration="PT1H"))
    assert found(START, node("exclusiveGateway", "m"), wait, x, END, flows("start > m", "m > x", "x > w: 1 > 0", "w > m", "x > end")) == []
    until = node("intermediateCatchEvent", "w", condition("1 > 0"))
    assert found(START, until, x, END, flows("start > w", "w > x", "x > w: 1 > 0", "x > end")) == []


def _random(chance: random.Random) -> bytes:
    """Any gateways and tasks between which flows are drawn at random."""
    kinds = ["userTask", "exclusiveGateway", "parallelGateway", "inclusiveGateway"]
    names = [f"n{number}" for number in range(chance.randint(3, 7))]
    body = [START, END, *(node(chance.choice(kinds), name) for name in names)]
    pairs = {("start", names[0]), *zip(names, [*names[1:], "end"], strict=True)}
    pairs |= {(chance.choice(names), chance.choice([*names, "end"])) for _ in range(chance.randint(1, 5))}
    return diagram(*body, flows(*(f"{a} > {b}" for a, b in sorted(pairs) if a != b)))


def test_the_smaller_net_says_what_the_whole_one_says() -> None:
    """Whatever is drawn: the same joins wait for ever, and unjoined branches meet in both or in neither."""
    chance, wrong = random.Random(20261126), 0
    for _ in range(400):
        drawn = _random(chance)
        [process] = processes(read_xml(drawn, "x"), "x")
        whole = net(process, process.id)
        large, small = _play(whole), _play(reduced(whole))
        if large.whole:
            assert bool(large.waiting) == bool(small.waiting), drawn
            joins = {id for id in large.waiting if whole.nodes[id].join != "any"}
            assert joins >= {id for id in small.waiting}, drawn
            assert bool(large.twice) >= bool(small.twice), drawn
            wrong += bool(large.waiting or large.twice)
    assert 100 < wrong < 390, "there are sound and unsound ones among them"


def test_diagrams_that_run_to_their_end_are_not_blamed() -> None:
    """Random ones with everything that may be drawn, of which each is known to be sound."""
    for seed in range(40):
        found = [one for findings in lint.check(case(seed).files).values() for one in findings if one.code in CODES]
        assert found == [], seed
