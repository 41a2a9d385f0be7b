"""Branches, multi-instance and sub-processes as cases go through them: on both databases, through the start of another process."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from diagrams import END, START, call, diagram, flows, many, mapping, node, sub, user, zeebe
from engine_room import Room, files, form, person

from engine import deploying, work
from engine.models import SignOff, WorkItem, new_id
from engine.services import Services

FORM = zeebe("formDefinition", formId="f")


def of(*people: str) -> str:
    """FEEL: the ids of these, as a list."""
    return f"={json.dumps([person(one) for one in people])}"


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def each(room: Room, case: str) -> dict[str, str]:
    """The open items of a case: who is asked -> id of the item."""
    rows = sa.select(SignOff.person_id, WorkItem.id).join(WorkItem, WorkItem.id == SignOff.item_id)
    return {row.person_id: row.id for row in room.rows(rows.where(WorkItem.case_id == case, SignOff.state == "open"))}


def test_branches_exclusive_by_what_was_filled_in(room: Room) -> None:
    """条件 (branches): the first condition that is true, else the default flow, by the values of the form."""
    gate, ask = node("exclusiveGateway", "gate", default="gate_c"), user("ask", FORM)
    ways = flows("start > ask", "ask > gate", "gate > a: n > 10", "gate > b: n > 5", "gate > c", "a > end", "b > end", "c > end")
    room.deploy(START, ask, gate, user("a"), user("b"), user("c"), END, ways, forms={"f": form(numbers=["n"])})
    for n, expected in ((11, "a"), (6, "b"), (5, "c")):
        case = room.start()
        room.complete(case, "ask", n=n)
        assert room.open(case) == expected
        room.restarted().complete(case, expected)
        assert room.case(case).status == "closed"


def test_branches_inclusive_wait_for_every_way_that_was_taken(room: Room) -> None:
    """条件 / 包容 (branches): work opens on each way whose condition is true, and what follows waits for these and no other."""
    split, join = node("inclusiveGateway", "split", default="split_c"), node("inclusiveGateway", "join")
    taken = ("split > a: n > 0", "split > b: n > 1", "split > c")
    ways = flows("start > split", *taken, "a > join", "b > join", "c > join", "join > z", "z > end")
    start = node("startEvent", "start", FORM)
    room.deploy(start, split, user("a"), user("b"), user("c"), join, user("z"), END, ways, forms={"f": form(numbers=["n"])})
    for n, opened in ((2, "a b"), (1, "a"), (0, "c")):
        case = room.start(n=n)
        assert room.open(case) == opened
        for element in opened.split():
            assert "z" not in room.open(case)
            room.restarted().complete(case, element)
        assert room.open(case) == "z"


def test_multi_instance_asks_each_person_of_a_list(room: Room) -> None:
    """多实例 (multi-instance): an item for each, whose answers stand in the order of the list, whoever was first."""
    asked = ("hr", "director", "head")
    votes = many(inputCollection=of(*asked), inputElement="one", outputCollection="votes", outputElement="=vote")
    task = node("userTask", "ask", zeebe("assignmentDefinition", assignee="=one"), FORM, votes)
    room.deploy(START, task, user("z"), END, flows("start > ask", "ask > z", "z > end"), forms={"f": form("vote")})
    case = room.start()
    items = each(room, case)
    assert set(items) == {person(one) for one in asked}
    for one in reversed(asked):
        assert room.open(case) != "z"
        services = room.restarted().services
        work.complete(services, items[person(one)], actor=person(one), values={"vote": one}, request_id=new_id())
    assert room.open(case) == "z" and room.variables(case)["votes"] == list(asked)


def test_multi_instance_in_sequence_until_somebody_agrees(room: Room) -> None:
    """多实例 (multi-instance): the next is asked once the one before has answered, and nobody when the condition is true."""
    loop = many('answer = "yes"', sequential=True, inputCollection=of("hr", "director", "head"), inputElement="one")
    task = node("userTask", "ask", zeebe("assignmentDefinition", assignee="=one"), FORM, loop)
    room.deploy(START, task, user("z"), END, flows("start > ask", "ask > z", "z > end"), forms={"f": form("answer")})
    case = room.start()
    for one, answer in (("hr", "no"), ("director", "yes")):
        assert list(each(room, case)) == [person(one)]
        room.restarted().complete(case, "ask", by=one, answer=answer)
    assert room.open(case) == "z"


def test_sub_process_with_a_body_of_its_own(room: Room) -> None:
    """子流程 (sub-process): its tasks are the case's work, and the case goes on when it is through."""
    body = (node("startEvent", "begin"), user("a"), user("b"), node("endEvent", "done"), flows("begin > a", "a > b", "b > done"))
    room.deploy(START, sub("s", *body), user("z"), END, flows("start > s", "s > z", "z > end"))
    case = room.start()
    for element in ("a", "b", "z"):
        assert room.open(case) == element
        room.restarted().complete(case, element)
    assert room.case(case).status == "closed"


def test_sub_process_that_is_called_has_the_initiator_of_the_case(room: Room) -> None:
    """子流程 (sub-process): who started the case is the initiator in the process that it calls, too; its answer comes back."""
    task = node("userTask", "own", zeebe("assignmentDefinition", assignee="=initiator.id"), FORM)
    body = (START, task, END, flows("start > own", "own > end"))
    child = {**files(forms={"f": form("x")}), "test.bpmn": diagram(*body, id="child")}
    deploying.deploy(room.services, child, procedure="child")
    room.deploy(
        START,
        call("c", "child", mapping(outputs={"said": "=x"}), bindingType="latest"),
        user("z"),
        END,
        flows("start > c", "c > z", "z > end"),
    )
    case = room.start(by="other")
    [(asked, item)] = each(room, case).items()
    assert asked == person("other")
    work.complete(room.restarted().services, item, actor=person("other"), values={"x": "好"}, request_id=new_id())
    assert room.open(case) == "z" and room.variables(case)["said"] == "好"
