"""Where running cases stand, finding some of them, and what is done to several at once."""

from __future__ import annotations

import json
import re

import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, boxes, call, diagram, event, flows, mapping, message, node, service, sub, timer, user, zeebe
from engine_room import Room, line, person
from twins import ScriptedOperation

from engine import bulk, cases, deploying
from engine.analytics import scope, searching, standing
from engine.bulk import Wish
from engine.errors import FormInvalid, Refused
from engine.models import Case, LedgerPage, new_id
from engine.services import Services

RULES = {"managers": ["admin"], "readers": ["hr", "hr2"]}
BROKEN = Refused(system="ehr", operation="ehr.employee", reason="no such employee")


def looked_at(room: Room, reader: str = "admin") -> scope.Scope:
    return scope.scope(room.services, "test", reader=person(reader))


def counts(room: Room, reader: str = "admin") -> dict[str, tuple[int, int]]:
    """Cases and incidents by element."""
    return {key: (at.cases, at.incidents) for key, at in standing.standing(room.services, looked_at(room, reader)).items()}


@pytest.fixture
def broken(services: Services) -> Room:
    """Three cases whose call has failed, in front of a step of the role hr."""
    operation = ScriptedOperation("ehr.employee", answers=[BROKEN])
    room = Room(services, operation)
    room.deploy(START, service("call", retries="1"), user("talk"), END, flows("start > call", "call > talk", "talk > end"), rules=RULES)
    for about in ("subject", "worker", "hr2"):
        room.start(about=about, by="head")
    room.run()
    operation.answers = [{}]
    return room


def every(room: Room) -> list[str]:
    return room.values(sa.select(Case.id).order_by(Case.id))


# --- where they stand


def test_counts_are_of_what_waits_and_not_of_what_watches(services: Services) -> None:
    """Open work, calls, timers and messages count; a boundary event does not; a closed case stands nowhere."""
    room = Room(services, ScriptedOperation("ehr.employee"))
    room.deploy(
        START,
        user("talk"),
        boundary("late", "talk", timer(duration="P3D")),
        node("intermediateCatchEvent", "rest", timer(duration="PT3H")),
        node("intermediateCatchEvent", "paid", event("message", messageRef="M")),
        service("call"),
        END,
        flows("start > talk", "talk > rest", "late > end", "rest > paid", "paid > call", "call > end"),
        rules={**RULES, "senders": ["hr"]},
        named=message("M", "paid", "=subject.employee_no"),
    )
    first, second = room.start(), room.start(about="worker", by="other")
    assert counts(room) == {"talk": (2, 0)}
    room.complete(first, "talk")
    assert counts(room) == {"talk": (1, 0), "rest": (1, 0)}
    room.clock.move(hours=3)
    room.run()
    assert counts(room) == {"talk": (1, 0), "paid": (1, 0)}
    found, total = standing.cases_at(services, looked_at(room), "paid")
    assert total == 1 and [case.id for case in found] == [first] and found[0].since == room.clock.now()
    room.manage(cases.suspend, second)
    assert standing.cases_at(services, looked_at(room), "talk")[0][0].status == "suspended"


def test_what_the_drawing_does_not_show_counts_around_it(services: Services) -> None:
    """In a sub-process that is drawn closed, and in a called process, cases count at what stands for them in the diagram."""
    room = Room(services)
    body = (START, sub("part", node("startEvent", "s"), user("inner"), node("endEvent", "e"), flows("s > inner", "inner > e")))
    body += (call("other", "child"), END, flows("start > part", "part > other", "other > end"))
    drawn = boxes(diagram(*body)).replace(b'bpmnElement="part"', b'bpmnElement="part" isExpanded="false"')
    drawn = re.sub(rb'<bpmndi:BPMNShape[^>]*bpmnElement="(?:s|inner|e)".*?</bpmndi:BPMNShape>', b"", drawn)
    child = diagram(START, user("asked"), END, flows("start > asked", "asked > end"), id="child")
    files = {"test.bpmn": drawn, "child.bpmn": child, "rules.json": json.dumps(RULES).encode()}
    deploying.deploy(services, files, procedure="test")
    case = room.start()
    assert counts(room) == {"part": (1, 0)}
    room.complete(case, "inner")
    assert counts(room) == {"other": (1, 0)}
    [found], total = standing.cases_at(services, looked_at(room), "other")
    assert (found.id, total) == (case, 1)


def test_incidents_are_counted_at_their_element(broken: Room) -> None:
    """A case that a reader is the subject of is not counted for them."""
    assert counts(broken) == {"call": (3, 3)}
    assert counts(broken, "hr2") == {"call": (2, 2)}
    found, _ = standing.cases_at(broken.services, looked_at(broken), "call")
    assert [len(case.incidents) for case in found] == [1, 1, 1]


def test_running_cases_are_found_by_a_variable(services: Services) -> None:
    """By its value, by a part of it, in a list, as a number, or by being there at all; finished and one's own cases are not."""
    nothing = {"ground": None, "fen": None, "facts": None, "signed": None}
    exams = {"exams": [{"course": "客服"}, {"course": "销售"}]}
    said = [{"ground": "39-1", "fen": 5000}, {"facts": exams, "signed": True}, {"ground": "39-1"}]
    said = [{**nothing, **one} for one in said]
    room = Room(services, ScriptedOperation("ehr.employee", answers=said))
    told = mapping(outputs={name: f"={name}" for name in ("ground", "fen", "facts", "signed")})
    room.deploy(START, service("call", told), user("close"), END, flows("start > call", "call > close", "close > end"), rules=RULES)
    known = []
    for about in ("subject", "worker", "hr2"):
        known.append(room.start(about=about, by="head"))
        room.run()
    plain, rich, other = known

    def found(name: str, value: str, reader: str = "admin") -> set[str]:
        return {case.id for case in searching.search(services, looked_at(room, reader), name, value).cases}

    assert found("ground", " 39-1 ") == {plain, other} and found("ground", "39-1", "hr2") == {plain}
    assert found("facts.exams.course", "销售") == {rich} and found("signed", "TRUE") == {rich} and found("fen", "5000.0") == {plain}
    assert found("ground", "") == {plain, other} and found("ground", "40") == set() and found("ground.x", "") == set()
    room.complete(plain, "close")
    assert found("ground", "39-1") == {other}
    seen = searching.search(services, looked_at(room), "ground", "x")
    assert (seen.looked_at, seen.running) == (2, 2)


# --- several at once


def test_what_would_happen_is_told_and_nothing_changes(broken: Room) -> None:
    """A preview writes no row; each case is answered for itself."""
    pages = broken.count(LedgerPage)
    told = bulk.consider(broken.services, every(broken), Wish(act="retry", element="call"), actor=person("admin"))
    assert [(each.error, each.incidents) for each in told] == [(None, 1)] * 3
    assert broken.count(LedgerPage) == pages and counts(broken) == {"call": (3, 3)}
    refused = bulk.consider(broken.services, every(broken), Wish(act="retry", element="call"), actor=person("hr"))
    assert [each.error.code if each.error else "" for each in refused] == ["not_allowed"] * 3


def test_incidents_of_several_cases_are_tried_again(broken: Room) -> None:
    """Each in its own transaction; the same request again does nothing more."""
    wish = Wish(act="retry", element="call", reason="系统已恢复")
    told = bulk.carry_out(broken.services, every(broken), wish, actor=person("admin"), request_id="r1")
    assert all(each.error is None for each in told)
    broken.run()
    assert counts(broken) == {"talk": (3, 0)}
    again = bulk.carry_out(broken.services, every(broken), wish, actor=person("admin"), request_id="r1")
    assert [each.error.code if each.error else "" for each in again] == ["item_closed"] * 3


def test_answers_by_hand_skipping_and_correcting(broken: Room) -> None:
    """One case is refused and the others are done: nobody repairs a case about themselves."""
    own = next(case for case in every(broken) if broken.case(case).subject_id == person("worker"))
    answered = Wish(act="answer", values={"reference": "A-1"}, reason="电话确认")
    [told] = bulk.carry_out(broken.services, [own], answered, actor=person("admin"), request_id=new_id())
    assert told.error is None and broken.open(own) == "talk"
    others = [case for case in every(broken) if case != own]
    told = bulk.carry_out(broken.services, [*others, own], Wish(act="skip", reason="不需要"), actor=person("admin"), request_id="s")
    assert [each.error.code if each.error else "" for each in told] == ["", "", "item_closed"]
    assert counts(broken) == {"talk": (3, 0)}


def test_corrected_values_reach_the_call_or_the_case(services: Services) -> None:
    """A call that failed is made with them; an expression that failed finds them among the case's variables."""
    operation = ScriptedOperation("ehr.employee", answers=[BROKEN])
    room = Room(services, operation)
    asked = service("call", mapping(inputs={"employee": "=subject.employee_no"}), retries="1")
    stuck = node("scriptTask", "reckon", zeebe("script", expression="=missing + 1", resultVariable="sum"))
    room.deploy(START, asked, stuck, user("talk"), END, flows("start > call", "call > reckon", "reckon > talk", "talk > end"), rules=RULES)
    case = room.start()
    room.run()
    operation.answers = [{}]
    wish = Wish(act="correct", values={"employee": "E009"}, reason="工号有误")
    bulk.carry_out(room.services, [case], wish, actor=person("admin"), request_id="c1")
    room.run()
    assert operation.calls[-1].input == {"employee": "E009"}
    bulk.carry_out(room.services, [case], Wish(act="correct", values={"missing": 1}, reason="补录"), actor=person("admin"), request_id="c2")
    assert room.open(case) == "talk" and room.variables(case)["sum"] == 2


def test_cases_return_move_and_rest_together(services: Services) -> None:
    """A return says for each case what it leaves; a case that cannot go is named, the others go."""
    room = Room(services)
    room.deploy(*line("talk", "check", "close"), rules=RULES)
    first, second = room.start(), room.start(about="worker", by="other")
    for case in (first, second):
        room.complete(case, "talk")
    room.complete(first, "check")
    wish = Wish(act="return", to="check", reason="补充材料")
    told = bulk.consider(services, [first, second], wish, actor=person("admin"))
    assert [[step.element for step in each.prospect.left] for each in told] == [["close"], ["check"]]
    assert room.open(first) == "close"
    bulk.carry_out(services, [first, second], wish, actor=person("admin"), request_id="b1")
    assert (room.open(first), room.open(second)) == ("check", "check")
    moved = Wish(act="move", element="check", to="close", reason="改走线下")
    assert all(each.error is None for each in bulk.carry_out(services, [first, second], moved, actor=person("admin"), request_id="b2"))
    assert (room.open(first), room.open(second)) == ("close", "close")
    room.manage(cases.suspend, first)
    told = bulk.consider(services, [first, second], Wish(act="suspend"), actor=person("admin"))
    assert [each.error.code if each.error else "" for each in told] == ["case_not_running", ""]
    bulk.carry_out(services, [first, second], Wish(act="suspend", reason="核查"), actor=person("admin"), request_id="b3")
    bulk.carry_out(services, [first, second], Wish(act="resume", reason="已核查"), actor=person("admin"), request_id="b4")
    assert [room.case(case).status for case in (first, second)] == ["running", "running"]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (Wish(act="burn", reason="x"), "act"),
        (Wish(act="return", reason="x"), "to"),
        (Wish(act="answer", reason="x"), "values"),
        (Wish(act="suspend"), "reason"),
    ],
)
def test_half_a_wish_is_refused_by_field(broken: Room, wish: Wish, field: str) -> None:
    """Nothing is done; the field that is missing is named, and so are too few or too many cases."""
    with pytest.raises(FormInvalid) as refused:
        bulk.carry_out(broken.services, every(broken), wish, actor=person("admin"), request_id="x")
    assert list(refused.value.fields) == [field]
    for ids in ([], [new_id() for _ in range(201)]):
        with pytest.raises(FormInvalid):
            bulk.consider(broken.services, ids, Wish(act="suspend"), actor=person("admin"))
