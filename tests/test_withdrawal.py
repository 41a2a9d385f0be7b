"""撤回 after the work item is done: the case stands there again, as if it had not been completed, until somebody acts on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, call, diagram, event, flows, many, mapping, message, node, service, timer, user, zeebe
from engine_room import Room, form, person, together
from test_notices import said
from test_sign_offs import step, told
from twins import Loudspeaker, ScriptedOperation

from engine import inbox, offered, replay, returns, work
from engine.errors import ActedOn, CaseNotRunning, GoneOn, NotAllowed, PartwellError, WayClosed
from engine.models import Draft, Job, Person, Subscription, WorkItem, new_id
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services, ScriptedOperation("x.a", answers=[{"n": 1}]))


def signing(id: str = "sign", chain: str = "c") -> str:
    return node("userTask", id, zeebe("properties", zeebe("property", name="wf.chain", value=chain)), mapping(outputs={"v": "=decision"}))


def chained(*steps: dict[str, Any]) -> Mapping[str, Any]:
    return {"c": {"name": "审批", "name_en": "Chain", "steps": list(steps)}}


def begin(room: Room, *steps: dict[str, Any], before: str = "", named: str = "") -> str:
    """A case at `sign`, whose decision opens `yes` or `no`."""
    gate = node("exclusiveGateway", "gate", default="gate_no")
    ways = flows("start > sign", "sign > gate", 'gate > yes: v = "approved"', "gate > no", "yes > end", "no > end")
    room.deploy(START, signing(), before, gate, user("yes"), user("no"), END, ways, chains=chained(*steps), named=named)
    return room.start()


def item(room: Room, case: str, element: str = "sign") -> str:
    """The first work item of an element, open or not."""
    of_element = sa.select(WorkItem.id).where(WorkItem.case_id == case, WorkItem.element == element)
    return str(room.values(of_element.order_by(WorkItem.opened_at, WorkItem.id))[0])


def withdraw(room: Room, item: str, by: str, **more: Any) -> None:
    """It is offered on the page of the item exactly while it works."""
    offered = "withdraw" in inbox.item_page(room.services, item, reader=person(by)).may
    try:
        work.withdraw(room.services, item, actor=person(by), **{"request_id": new_id(), **more})
    except PartwellError:
        assert not offered
        raise
    assert offered


ONE = step("单签", "hr", mode="single")


def test_withdraw_after_the_item_is_done(room: Room) -> None:
    """撤回 (withdraw): what my approval had opened is left, my decision stays to be read, and it is my turn again; a second time, too."""
    case = begin(room, ONE)
    for number in (1, 2):
        room.approve(case, "sign", by="hr")
        work.claim(room.services, room.item(case, "yes"), actor=person("hr2"), request_id=new_id())
        withdraw(room, item(room, case), "hr", reason="看错了")
        assert told(room, case) == "open: " + "hr:withdrawn " * number + "hr:open"
        assert room.open(case) == "sign" and "v" not in room.variables(case)
        left = sa.select(WorkItem.instance, WorkItem.status).where(WorkItem.element == "yes").order_by(WorkItem.instance)
        assert [tuple(row) for row in room.rows(left)] == [(f"yes#{n}", "left") for n in range(1, number + 1)]
        assert room.events(case)[-2:] == ["work:sign_off:withdrawn", "work:item:left"]
    work.reject(room.services, item(room, case), actor=person("hr"), opinion="不同意", request_id=new_id())
    assert room.open(case) == "no" and replay.replay(room.services, room.case(case).number).same
    room.complete(case, "no")
    assert room.case(case).outcome == "completed"


def test_withdraw_where_the_next_work_needed_nobody(room: Room) -> None:
    """What a rule completed with my completion is taken back with it, until somebody acts on what came after."""
    nobody = {**ONE, "when": "false"}
    ways = flows("start > a", "a > sign", "sign > c", "c > end")
    room.deploy(START, user("a"), signing(), user("c"), END, ways, chains=chained(nobody))
    case = room.start()
    room.complete(case, "a")
    assert room.open(case) == "c"
    withdraw(room, item(room, case, "a"), "hr")
    assert room.open(case) == "a"
    for element in ("a", "c"):
        room.complete(case, element)
    with pytest.raises(CaseNotRunning):
        withdraw(room, item(room, case, "a"), "hr")


def test_withdraw_of_a_step_of_several(room: Room) -> None:
    """撤回 (withdraw): of two who had to approve the first takes theirs back, the other's stays; one who is not needed changes nothing."""
    case = begin(room, step("部门", "boss", mode="single"), step("会签", "hr", "head"))
    for by in ("boss", "hr", "head"):
        room.approve(case, "sign", by=by)
    with pytest.raises(ActedOn, match=r"王芳|赵敏"):
        withdraw(room, item(room, case), "boss")
    withdraw(room, item(room, case), "hr")
    assert told(room, case) == "approved: boss:approved | open: hr:withdrawn head:approved hr:open" and room.open(case) == "sign"
    room.approve(case, "sign", by="hr")
    assert room.open(case) == "yes"


def test_withdraw_is_too_late_once_somebody_acted(room: Room) -> None:
    """撤回 (withdraw): refused by name once somebody decided what mine opened, or a step of it, not once they claimed it."""
    second = {"name": "二", "name_en": "Second", "steps": [step("总监", "director", mode="single"), step("负责人", "head", mode="single")]}
    chains = {**chained(ONE), "d": second}
    ways = flows("start > sign", "sign > then", "then > last", "last > end")
    room.deploy(START, signing(), signing("then", "d"), user("last"), END, ways, chains=chains)
    case = room.start()
    room.approve(case, "sign", by="hr")
    room.approve(case, "then", by="director")
    with pytest.raises(ActedOn, match="孙志远"):
        withdraw(room, item(room, case), "hr")
    withdraw(room, item(room, case, "then"), "director")
    withdraw(room, item(room, case), "hr")
    room.approve(case, "sign", by="hr")
    for by in ("director", "head"):
        room.approve(case, "then", by=by)
    with pytest.raises(ActedOn, match="赵敏"):
        withdraw(room, item(room, case), "hr")
    room.complete(case, "last")
    with pytest.raises(CaseNotRunning):
        withdraw(room, room.values(sa.select(WorkItem.id).where(WorkItem.element == "then", WorkItem.status == "completed"))[0], "head")


def test_a_page_plays_no_case_to_find_out_that_it_is_too_late(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """撤回 (withdraw): what a completion opened and was done, or called and was tried, tells that without the whole ledger."""

    def plays(*_: object) -> None:
        raise AssertionError("the case was played")

    room.deploy(
        START,
        user("a"),
        user("b"),
        service("call", operation="x.a"),
        user("c"),
        END,
        flows("start > a", "a > b", "b > call", "call > c", "c > end"),
    )
    case = room.start()
    room.complete(case, "a")
    first = item(room, case, "a")
    assert "withdraw" in inbox.item_page(room.services, first, reader=person("hr")).may
    room.complete(case, "b")
    second = item(room, case, "b")
    assert "withdraw" in inbox.item_page(room.services, second, reader=person("hr")).may
    room.run()
    monkeypatch.setattr(offered, "rewound", plays)
    for done in (first, second):
        assert "withdraw" not in inbox.item_page(room.services, done, reader=person("hr")).may


def test_withdraw_before_the_operation_has_started(room: Room) -> None:
    """撤回 (withdraw): an operation that followed is not made while it still waits; once a worker has it, it is refused by its name."""
    ways = flows("start > sign", "sign > call", "call > a", "a > end")
    room.deploy(START, signing(), service("call", operation="x.a", name="停缴社保"), user("a"), END, ways, chains=chained(ONE))
    case = room.start()
    room.approve(case, "sign", by="hr")
    withdraw(room, item(room, case), "hr")
    assert [job.state for job in room.jobs(case) if job.kind == "operation"] == ["dropped"] and room.run() == 0
    room.approve(case, "sign", by="hr")
    room.write(sa.update(Job).where(Job.kind == "operation", Job.state == "waiting").values(state="leased", attempts=1, lease="w"))
    with pytest.raises(GoneOn, match="停缴社保"):
        withdraw(room, item(room, case), "hr")
    room.write(sa.update(Job).where(Job.state == "leased").values(state="waiting", lease=None))
    room.run()
    with pytest.raises(GoneOn, match="停缴社保"):
        withdraw(room, item(room, case), "hr")
    assert room.open(case) == "a"


def test_withdraw_lets_what_stood_beside_the_item_wait_again(room: Room) -> None:
    """撤回 (withdraw): the timer and the message beside the item wait again, until the time that was set before."""
    late = boundary("late", "sign", timer(duration="PT5H")) + boundary("note", "sign", event("message", messageRef="M"), interrupting=False)
    late += user("escalated") + user("noted") + flows("late > escalated", "escalated > end", "note > noted", "noted > end")
    case = begin(room, ONE, before=late, named=message("M", "note", "=case.number"))
    [due] = [job.due_at for job in room.jobs(case)]
    room.clock.move(hours=1)
    room.approve(case, "sign", by="hr")
    assert room.values(sa.select(Subscription.element)) == []
    withdraw(room, item(room, case), "hr")
    assert [(job.state, job.due_at) for job in room.jobs(case)] == [("waiting", due)] and room.values(sa.select(Subscription.element)) == [
        "note"
    ]
    room.clock.move(hours=4)
    room.run()
    assert room.open(case) == "escalated"


def test_withdraw_after_a_timer_or_a_message_has_moved_the_case_on(room: Room) -> None:
    """撤回 (withdraw): refused by the name of the event that has happened since, and where a manager returned the case by theirs."""
    wait = node("intermediateCatchEvent", "wait", timer(duration="PT1H"), name="冷静期")
    ways = flows("start > sign", "sign > wait", "wait > b", "b > end")
    room.deploy(START, signing(), wait, user("b"), END, ways, chains=chained(ONE))
    case = room.start()
    room.approve(case, "sign", by="hr")
    withdraw(room, item(room, case), "hr")
    room.clock.move(hours=2)
    assert room.run() == 0
    room.approve(case, "sign", by="hr")
    room.clock.move(hours=2)
    room.run()
    with pytest.raises(GoneOn, match="冷静期"):
        withdraw(room, item(room, case), "hr")
    assert room.open(case) == "b"
    case = room.start()
    room.approve(case, "sign", by="hr")
    returns.return_to(room.services, case, "sign", actor=person("admin"), reason="重审", request_id=new_id())
    with pytest.raises(ActedOn, match="吴凡"):
        withdraw(room, item(room, case), "hr")


def test_withdraw_beside_what_others_do(room: Room) -> None:
    """撤回 (withdraw): who acts in another branch does not hinder it, and what they did stays; behind a join both have to come again."""
    ways = flows("start > fork", "fork > sign", "fork > a", "a > b", "b > join", "sign > join", "join > c", "c > end")
    gates = node("parallelGateway", "fork") + node("parallelGateway", "join")
    a = user("a", zeebe("formDefinition", formId="f"))
    forms = {"f": form("note")}
    room.deploy(START, gates, signing(), a, user("b"), user("c"), END, ways, chains=chained(ONE), forms=forms)
    case = room.start()
    room.approve(case, "sign", by="hr")
    room.complete(case, "a", note="x")
    withdraw(room, item(room, case), "hr")
    assert room.open(case) == "b sign" and room.variables(case)["note"] == "x"
    room.complete(case, "b")
    room.approve(case, "sign", by="hr")
    assert room.open(case) == "c"
    withdraw(room, item(room, case, "b"), "hr")
    assert room.open(case) == "b"
    withdraw(room, item(room, case), "hr")
    room.complete(case, "b")
    room.approve(case, "sign", by="hr")
    room.complete(case, "c")
    assert room.case(case).status == "closed"


def test_withdraw_where_others_chose_their_way_by_it(room: Room) -> None:
    """撤回 (withdraw): refused where another branch has gone on by what I decided."""
    gates = node("parallelGateway", "fork") + node("exclusiveGateway", "gate", default="gate_x")
    ways = flows("start > fork", "fork > sign", "fork > a", "a > gate", 'gate > y: v = "approved"', "gate > x", "sign > c")
    ends = flows("x > end", "y > end", "c > end")
    room.deploy(START, gates, signing(), *(user(id) for id in "acxy"), END, ways, ends, chains=chained(ONE))
    case = room.start()
    room.approve(case, "sign", by="hr")
    room.complete(case, "a")
    with pytest.raises(GoneOn, match="gate"):
        withdraw(room, item(room, case), "hr")
    assert room.open(case) == "c y"


def test_withdraw_where_others_work_ended_with_it(room: Room) -> None:
    """撤回 (withdraw): refused where my decision ended what others had open; that is for a manager."""
    stop = node(
        "subProcess",
        "part",
        START.replace('"start"', '"s"'),
        signing(),
        node("endEvent", "stop", event("error", errorRef="E")),
        flows("s > sign", "sign > stop"),
    )
    catch = boundary("caught", "outer", event("error", errorRef="E"))
    outer = node(
        "subProcess",
        "outer",
        START.replace('"start"', '"o"'),
        node("parallelGateway", "fork"),
        stop,
        user("a"),
        flows("o > fork", "fork > part", "fork > a"),
    )
    room.deploy(
        START,
        outer,
        catch,
        user("b"),
        END,
        flows("start > outer", "outer > end", "caught > b", "b > end"),
        chains=chained(ONE),
        named='<bpmn:error id="E" errorCode="NO"/>',
    )
    case = room.start()
    room.approve(case, "sign", by="hr")
    assert room.open(case) == "b"
    with pytest.raises(WayClosed):
        withdraw(room, item(room, case), "hr")


def test_withdraw_of_one_of_many(room: Room) -> None:
    """撤回 (withdraw): of several instances of an item mine is open again, in a called process, too, also where I had rejected."""
    inner = signing().replace("</bpmn:userTask>", many("", sequential=False, cardinality="2") + "</bpmn:userTask>")
    called = diagram(START, inner, END, flows("start > sign", "sign > end"), id="child")
    ways = flows("start > c", "c > b", "b > end")
    room.deploy(START, call("c", "child"), user("b"), END, ways, chains=chained(ONE), beside={"child.bpmn": called})
    case = room.start()
    of_case = sa.select(WorkItem.id).where(WorkItem.case_id == case, WorkItem.status == "open").order_by(WorkItem.instance)
    first, second = room.values(of_case)
    for one in (first, second):
        work.reject(room.services, one, actor=person("hr"), opinion="不同意", request_id=new_id())
    assert room.open(case) == "b"
    withdraw(room, first, "hr")
    assert room.values(of_case) == [first]
    withdraw(room, second, "hr")
    assert room.values(of_case) == [first, second]
    for one in (second, first):
        work.approve(room.services, one, actor=person("hr"), request_id=new_id())
    room.complete(case, "b")
    assert room.case(case).status == "closed"


def test_withdraw_of_a_completed_form(room: Room) -> None:
    """撤回 (withdraw): the form is open again with its values as a draft; whom it is about, and who did not complete it, cannot."""
    task = node("userTask", "a", zeebe("formDefinition", formId="f"), zeebe("assignmentDefinition", candidateGroups="hr"))
    room.deploy(START, task, user("b"), END, flows("start > a", "a > b", "b > end"), forms={"f": form("note")})
    case = room.start()
    room.complete(case, "a", note="x")
    for by in ("hr2", "boss", "subject"):
        with pytest.raises(NotAllowed):
            work.withdraw(room.services, item(room, case, "a"), actor=person(by), request_id=new_id())
    withdraw(room, item(room, case, "a"), "hr", request_id="once")
    work.withdraw(room.services, item(room, case, "a"), actor=person("hr"), request_id="once")
    assert room.open(case) == "a" and "note" not in room.variables(case)
    page = inbox.item_page(room.services, item(room, case, "a"), reader=person("hr"))
    assert page.draft.values["note"] == "x" and "complete" in page.may and [one.state for one in page.steps] == ["withdrawn", "open"]
    assert not inbox.item_page(room.services, item(room, case, "a"), reader=person("boss")).values.get("note")
    room.complete(case, "a", note="y")
    assert room.open(case) == "b" and room.variables(case)["note"] == "y" and room.count(Draft) == 0
    room.complete(case, "b")
    with pytest.raises(CaseNotRunning):
        withdraw(room, item(room, case, "a"), "hr")


def test_withdraw_tells_those_whose_work_vanished(services: Services) -> None:
    """撤回 (withdraw): whoever had something to do by it is told that it is not theirs any more, a group, too."""
    mail = Loudspeaker("mail")
    room = Room(dataclasses.replace(services, notifiers={"mail": mail}))
    for key in ("hr", "hr2", "head", "boss"):
        room.write(sa.update(Person).where(Person.id == person(key)).values(email=f"{key}@company.example"))
    case = begin(room, step("负责人", "head", mode="single"))
    room.approve(case, "sign", by="head")
    room.run()
    said(mail)
    withdraw(room, item(room, case), "head")
    room.run()
    assert said(mail) == ["hr withdrawn", "hr2 withdrawn"]


def test_withdraw_raced_with_the_next_decision(room: Room) -> None:
    """撤回 (withdraw): at the same moment as the next one decides exactly one of both wins, and the other is told."""
    for _ in range(3):
        case = begin(room, ONE)
        room.approve(case, "sign", by="hr")
        mine, following = item(room, case), room.item(case, "yes")
        given = together(
            lambda mine=mine: work.withdraw(room.services, mine, actor=person("hr"), request_id=new_id()),
            lambda following=following: work.complete(room.services, following, actor=person("hr2"), values={}, request_id=new_id()),
        )
        lost = [one for one in given if one is not None]
        assert len(lost) == 1 and isinstance(lost[0], PartwellError) and lost[0].status == 409, given
        assert (room.open(case) == "sign") == (given[0] is None)


def test_withdrawn_work_counts_as_not_done(room: Room) -> None:
    """撤回 (withdraw): a manager returns the case to nothing that only the withdrawn decision had reached."""
    ways = flows("start > a", "a > sign", "sign > gate", 'gate > yes: v = "approved"', "gate > no", "yes > end", "no > end")
    gate = node("exclusiveGateway", "gate", default="gate_no")
    room.deploy(START, user("a"), signing(), gate, user("yes"), user("no"), END, ways, chains=chained(ONE))
    case = room.start()
    room.complete(case, "a")
    room.approve(case, "sign", by="hr")
    withdraw(room, item(room, case), "hr")
    assert [one.element for one in returns.steps(room.services, case, actor=person("admin"))] == ["sign", "a"]
