"""Advice: who does a step and by when, what has no name, what is drawn so that people misread it. All of it runs as it is."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from diagrams import END, START, again, boundary, boxes, diagram, event, event_sub, flows, node, sub, timer, user, zeebe

from engine import checks
from engine.bpmn import lint
from engine.bpmn.lint import Code
from engine.services import Services


def told(xml: bytes, *, only: set[Code] | frozenset[Code] = lint.ADVICE, **known: object) -> list[tuple[str | None, str]]:
    found = lint.check({"x.bpmn": xml}, advice=True, **known)["x.bpmn"]  # type: ignore[arg-type]
    assert all(one.severity == "note" for one in found if one.code in lint.ADVICE)
    return [(one.element, str(one.code)) for one in found if one.code in only]


def style(*body: str) -> list[tuple[str | None, str]]:
    return told(diagram(*body), only=lint.ADVICE - {Code.NO_TIME_LIMIT})


DUE = zeebe("taskSchedule", dueDate="=now()")
OPEN, CLOSE = node("startEvent", "start", name="开始"), node("endEvent", "end", name="结束")


def named(kind: str, id: str, *inner: str, **more: str) -> str:
    return node(kind, id, *inner, name=id, **more)


# --- who and by when


class Company:
    """Somebody holds hr, wangfang works here and zhao left."""

    def holders(self, role: str) -> list[str]:
        return ["wangfang"] if role == "hr" else []

    def member(self, person: str) -> SimpleNamespace | None:
        return {"wangfang": SimpleNamespace(here=True), "zhao": SimpleNamespace(here=False)}.get(person)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"candidateGroups": "hr"}, []),
        ({"candidateGroups": '=["hr"]', "candidateUsers": "wangfang"}, []),
        ({"candidateGroups": "hr, legl"}, [("unknown_role", "legl")]),
        ({"candidateGroups": '=["hr", "legl"]'}, [("unknown_role", "legl")]),
        ({"assignee": "zhao"}, [("unknown_person", "zhao")]),
        ({"assignee": '="nobody"', "candidateUsers": '=["nobody"]'}, [("unknown_person", "nobody")]),
        ({"assignee": "=subject.id", "candidateGroups": "=if true then [] else []"}, []),
    ],
)
def test_roles_and_people_who_are_named_outright_exist(given: dict[str, str], expected: list[tuple[str, str]]) -> None:
    """Written as text or as a FEEL text or list; what an expression finds is not known before."""
    body = (START, node("userTask", "a", zeebe("assignmentDefinition", **given)), END, flows("start > a", "a > end"))
    found = lint.check({"x.bpmn": diagram(*body)}, people=Company())["x.bpmn"]
    assert [(str(f.code), f.facts.get("role") or f.facts.get("person")) for f in found if f.severity == "warning"] == expected
    assert not [f for f in lint.check({"x.bpmn": diagram(*body)})["x.bpmn"] if f.severity == "warning"]


CHAIN = zeebe("properties", zeebe("property", name="wf.chain", value="two"))
LATE = timer(duration="P1D")


@pytest.mark.parametrize(
    ("body", "known", "found"),
    [
        ((user("a"),), {}, True),
        ((user("a", DUE),), {}, False),
        ((user("a"), boundary("late", "a", LATE, interrupting=False)), {}, False),
        ((user("a"), boundary("wrong", "a", event("error"))), {}, True),
        ((user("a"), event_sub("h", LATE)), {}, False),
        ((node("userTask", "a", CHAIN),), {}, False),
        ((node("userTask", "a", CHAIN),), {"timed": {"two": True}}, False),
        ((node("userTask", "a", CHAIN),), {"timed": {"two": False}}, True),
    ],
)
def test_a_task_that_never_is_late(body: tuple[str, ...], known: dict[str, object], found: bool) -> None:
    """A due date, a timer on it or around it, or limits of its chain make it late; of a chain that is not known nothing is said."""
    drawn = diagram(START, *body, END, flows("start > a", "a > end"))
    assert told(drawn, only={Code.NO_TIME_LIMIT}, **known) == ([("a", "no_time_limit")] if found else [])


def test_a_timer_around_counts_for_what_is_inside() -> None:
    """A sub-process that is interrupted after a day limits each of its tasks."""
    inside = sub("p", node("startEvent", "s"), user("a"), flows("s > a"))
    late = boundary("late", "p", LATE)
    ways = flows("start > p", "p > end")
    assert told(diagram(START, inside, late, END, ways), only={Code.NO_TIME_LIMIT}) == []
    assert told(diagram(START, inside, END, ways), only={Code.NO_TIME_LIMIT}) == [("a", "no_time_limit")]


def test_what_is_published_counts_for_limits_and_roles(services: Services) -> None:
    """In an installation the roles people hold and the chains in force are known, also those that come with the files."""
    steps = [{"name": "签", "name_en": "sign", "approvers": [{"rule": "role", "roles": ["hr"]}], "mode": "claim"}]
    chain = {"name": "链", "name_en": "chain", "steps": steps}
    body = (START, node("userTask", "a", CHAIN), user("b", DUE), END, flows("start > a", "a > b", "b > end"))
    files = {"x.bpmn": diagram(*body).replace(b'candidateGroups="hr"', b'candidateGroups="cooks"')}

    def codes(**steps: object) -> set[str]:
        shipped = {"two": {**chain, "steps": [{**step, **steps} for step in chain["steps"]]}}
        found = checks.findings(services, {**files, "chains.json": json.dumps(shipped).encode()})
        return {str(one.code) for one in found["x.bpmn"]}

    assert codes() >= {"no_time_limit", "unknown_role"}
    assert "no_time_limit" not in codes(limit_days=2)


# --- names and gateways

RULES: dict[str, tuple[tuple[str, ...], list[tuple[str, str]]]] = {
    "everything has a name": ((OPEN, named("userTask", "a"), CLOSE, flows("start > a", "a > end")), []),
    "a task and the ends without one": (
        (START, user("a"), END, flows("start > a", "a > end")),
        [("start", "unnamed"), ("end", "unnamed"), ("a", "unnamed")],
    ),
    "a gateway that decides": (
        (OPEN, node("exclusiveGateway", "g", default="g_end"), named("userTask", "a"), CLOSE,
         flows("start > g", "g > a: 1 > 0", "g > end", "a > end")),
        [("g", "unnamed"), ("g_a", "unnamed")],
    ),
    "gateways that only meet need none": (
        (OPEN, node("parallelGateway", "f"), named("userTask", "a"), named("userTask", "b"), node("parallelGateway", "j"), CLOSE,
         flows("start > f", "f > a", "f > b", "a > j", "b > j", "j > end")),
        [],
    ),
    "an event on a task": (
        (OPEN, named("userTask", "a"), boundary("late", "a", LATE), CLOSE, flows("start > a", "a > end", "late > end")),
        [("late", "unnamed")],
    ),
    "two of one name": (
        (OPEN, node("userTask", "a", name="审批"), node("userTask", "b", name="审批"), CLOSE, flows("start > a", "a > b", "b > end")),
        [("b", "same_name")],
    ),
    "a gateway that merges and divides": (
        (OPEN, named("exclusiveGateway", "g", default="g_end"), node("userTask", "a", name="再来"), CLOSE,
         flows("start > g", "a > g", "g > a: 1 > 0", "g > end").replace('id="g_a"', 'id="g_a" name="再来"')),
        [("g", "join_and_fork")],
    ),
    "a gateway that does nothing": (
        (OPEN, named("exclusiveGateway", "g"), named("userTask", "a"), CLOSE, flows("start > g", "g > a", "a > end")),
        [("g", "superfluous_gateway")],
    ),
    "a flow drawn twice": (
        (OPEN, named("userTask", "a"), CLOSE, flows("start > a", "a > end"), flows("start > a").replace("start_a", "twice")),
        [("twice", "duplicate_flow")],
    ),
    "a sub-process that begins twice": (
        (OPEN, named("subProcess", "p", node("startEvent", "s"), node("startEvent", "t"), named("userTask", "a"), named("userTask", "b"),
                     flows("s > a", "t > b")), CLOSE, flows("start > p", "p > end")),
        [("p", "blank_starts")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_names_gateways_and_flows(rule: str) -> None:
    """One small diagram for each piece of advice: exactly these notes."""
    body, expected = RULES[rule]
    assert sorted(style(*body)) == sorted(expected)


# --- the drawing


def test_what_is_not_drawn_or_drawn_over_something() -> None:
    """Only where there is a drawing at all; events lie on their tasks and contents in their sub-processes without a word."""
    body = (OPEN, named("userTask", "a"), boundary("late", "a", LATE, interrupting=False), CLOSE, flows("start > a", "a > end"))
    assert told(diagram(*body), only={Code.NO_SHAPE, Code.OVERLAP}) == []
    whole = boxes(diagram(*body))
    assert told(whole, only={Code.NO_SHAPE, Code.OVERLAP}) == []
    lost = whole.replace(b'bpmnElement="a"', b'bpmnElement="gone"').replace(b'bpmnElement="a_end"', b'bpmnElement="gone"')
    assert told(lost, only={Code.NO_SHAPE, Code.OVERLAP}) == [("a", "no_shape"), ("a_end", "no_shape")]
    over = whole.replace(b'<dc:Bounds x="420"', b'<dc:Bounds x="200"')
    assert told(over, only={Code.NO_SHAPE, Code.OVERLAP}) == [("end", "overlap")]


def test_a_loop_and_a_deadline_are_no_style() -> None:
    """A loop back into a task merges there, and a task that repeats is fine."""
    body = (OPEN, named("userTask", "a", again("1 > 0")), named("exclusiveGateway", "g", default="g_end"), CLOSE,
            flows("start > a", "a > g", "g > a: 1 > 0", "g > end").replace('id="g_a"', 'id="g_a" name="再来"'))  # fmt: skip
    assert style(*body) == []
