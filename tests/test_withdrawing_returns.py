"""撤回退回: who sent work back takes that back, and who sent it again takes that back, as long as nobody acted since."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, flows, node, service, timer, user
from engine_room import Room, person, together
from test_correcting import begin as reported
from test_notices import said
from test_sign_offs import act, told
from test_standing_steps import rounds, step
from test_withdrawal import begin, chained, item, signing, withdraw
from twins import Loudspeaker, ScriptedOperation

from engine import chainview, inbox, replay, returns, work
from engine.errors import ActedOn, DecidedByRule, ItemClosed, NotAllowed, PartwellError
from engine.models import Draft, Incident, Job, Person, WorkItem, base, new_id
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services, ScriptedOperation("x.a", answers=[{}]))


def several(key: str, *people: str, mode: str = "all", **more: Any) -> dict[str, Any]:
    persons = [person(one) for one in people]
    return {**step(key, people[0]), "mode": mode, "approvers": [{"rule": "person", "persons": persons}], **more}


def send_back(room: Room, case: str, by: str, **to: str) -> None:
    act(room, case, work.return_, by, reason="资料不全", **to)


def steps(room: Room, case: str, reader: str = "admin") -> Sequence[chainview.StepView]:
    return inbox.item_page(room.services, item(room, case), reader=person(reader)).steps


def test_withdraw_of_a_return_to_a_step(room: Room) -> None:
    """撤回 (withdraw): a return to a step is taken back: who was asked before is asked again, and what counted counts again."""
    case = begin(room, step("a", "hr"), several("b", "head", "director", "hr2"))
    room.approve(case, "sign", by="hr")
    room.approve(case, "sign", by="hr2")
    send_back(room, case, "head", to_step="a")
    assert told(room, case).endswith("returned: head:returned director:lapsed hr2:approved | open: hr:open")
    with pytest.raises(NotAllowed):
        withdraw(room, item(room, case), "subject")
    with pytest.raises(ActedOn, match="赵敏"):
        withdraw(room, item(room, case), "hr2")
    withdraw(room, item(room, case), "head", reason="看错了", request_id="once")
    work.withdraw(room.services, item(room, case), actor=person("head"), request_id="once")
    assert told(room, case) == (
        "approved: hr:approved | open: head:withdrawn director:lapsed hr2:approved head:open director:open | withdrawn: hr:lapsed"
    )
    assert room.events(case)[-3:] == ["work:step:returned", "work:step:opened", "work:sign_off:withdrawn"]
    assert [one.counts for one in steps(room, case) if one.round_outcome != "withdrawn"] == [True] * 6
    with pytest.raises(NotAllowed):
        room.approve(case, "sign", by="hr")
    for by in ("head", "director"):
        room.approve(case, "sign", by=by)
    assert room.open(case) == "yes"


def test_withdraw_of_a_return_is_too_late_once_somebody_acted(room: Room) -> None:
    """撤回 (withdraw): refused with the name of who signed again, also once the work has come back; the returned round stays returned."""
    case = begin(room, step("a", "hr"), step("b", "head"), step("c", "director"))
    for by in ("hr", "head"):
        room.approve(case, "sign", by=by)
    send_back(room, case, "director", to_step="a")
    act(room, case, work.transfer, "hr", to=person("hr2"))
    with pytest.raises(ActedOn, match="王芳"):
        withdraw(room, item(room, case), "director")
    room.approve(case, "sign", by="hr2")
    with pytest.raises(ActedOn, match="王芳"):
        withdraw(room, item(room, case), "director")
    assert rounds(room, case) == ["a approved", "a approved", "b approved", "b open", "c returned"]


def test_withdraw_of_a_rejection_that_sent_the_work_back(room: Room) -> None:
    """撤回 (withdraw): a rejection after which an earlier step signs again is taken back like a return, twice, too."""
    case = begin(room, step("a", "hr"), step("b", "head", on_reject="to_previous"))
    room.approve(case, "sign", by="hr")
    for number in (1, 2):
        act(room, case, work.reject, "head", opinion="不同意")
        withdraw(room, item(room, case), "head")
        assert rounds(room, case) == ["a approved", *["a withdrawn"] * number, "b open"]
    send_back(room, case, "head", to_step="a")
    room.approve(case, "sign", by="hr")
    room.approve(case, "sign", by="head")
    assert room.open(case) == "yes"


def test_withdraw_two_steps_later(room: Room) -> None:
    """撤回 (withdraw): refused with the name of who acted next, where a rule decided next, by that; who did nothing has nothing."""
    late = {"limit_hours": 1, "on_due": {"do": "approve"}}
    case = begin(room, step("a", "hr"), step("b", "head"), step("c", "hr2", **late), step("d", "director"))
    for by in ("hr", "head"):
        room.approve(case, "sign", by=by)
    with pytest.raises(ActedOn, match="赵敏"):
        withdraw(room, item(room, case), "hr")
    room.clock.move(days=1)
    room.run()
    with pytest.raises(DecidedByRule):
        withdraw(room, item(room, case), "head")
    with pytest.raises(NotAllowed):
        withdraw(room, item(room, case), "other")


def test_withdraw_of_what_opened_an_item_that_a_rule_decided(room: Room) -> None:
    """撤回 (withdraw): refused where a rule has decided a step of the next item meanwhile, as in a step of the same one."""
    ways = flows("start > a", "a > sign", "sign > end")
    late = {"limit_hours": 1, "on_due": {"do": "approve"}}
    room.deploy(START, user("a"), signing(), END, ways, chains=chained(step("s", "head", **late), step("t", "director")))
    case = room.start()
    room.complete(case, "a")
    room.clock.move(days=1)
    room.run()
    assert told(room, case) == "approved: head:approved | open: director:open"
    with pytest.raises(DecidedByRule):
        withdraw(room, item(room, case, "a"), "hr")
    assert room.open(case) == "sign"


def test_withdraw_where_the_next_step_found_nobody(room: Room) -> None:
    """撤回 (withdraw): what only an administrator could have looked at is over, and the step is tried again when it is reached again."""
    nobody = {**step("b", "subject"), "nobody": {"do": "incident"}}
    case = begin(room, step("a", "hr"), nobody)
    room.approve(case, "sign", by="hr")
    assert len(room.incidents(case)) == 1
    withdraw(room, item(room, case), "hr")
    assert room.incidents(case) == [] and told(room, case) == "open: hr:withdrawn hr:open"
    assert room.values(sa.select(Incident.resolution)) == ["left"]
    room.approve(case, "sign", by="hr")
    assert len(room.incidents(case)) == 1


def test_withdraw_of_a_return_to_the_initiator(services: Services) -> None:
    """撤回 (withdraw): the start form is to be corrected no more, and the initiator is told; once it was sent again, it is too late."""
    mail = Loudspeaker("mail")
    room = Room(dataclasses.replace(services, notifiers={"mail": mail}))
    room.write(sa.update(Person).where(Person.id == person("boss")).values(email="boss@company.example"))
    case = reported(room, step("a", "hr"), step("b", "head"))
    room.approve(case, "sign", by="hr")
    send_back(room, case, "head", to_element="start")
    assert room.open(case) == "sign start"
    room.run()
    said(mail)
    withdraw(room, item(room, case), "head")
    room.run()
    assert room.open(case) == "sign" and told(room, case).endswith("open: head:withdrawn head:open") and said(mail) == ["boss withdrawn"]
    send_back(room, case, "head", to_element="start")
    room.complete(case, "start", by="boss", what="旷工")
    with pytest.raises(ActedOn, match="陈立"):
        withdraw(room, item(room, case), "head")


def test_withdraw_of_a_return_to_an_earlier_item(room: Room) -> None:
    """撤回 (withdraw): the case stands at the item again, and so does what the return ended in other branches: work with its signers and
    their time, a call not made yet, a timer. What it had opened is left."""
    late = {"limit_hours": 8, "on_due": {"do": "remind"}}
    other = {"d": {"name": "并签", "name_en": "Beside", "steps": [several("x", "hr2", "other", mode="sequence", **late)]}}
    fork, wait = node("parallelGateway", "fork"), node("intermediateCatchEvent", "wait", timer(duration="PT90H"))
    body = [START, user("a"), fork, signing(), signing("beside", "d"), user("plain"), service("call", operation="x.a"), wait, END]
    ways = [f"fork > {one}" for one in ("sign", "beside", "plain", "call", "wait")]
    ends = [f"{one} > end" for one in ("sign", "beside", "plain", "call", "wait")]
    events = boundary("late", "sign", timer(duration="PT99H")) + user("late_a") + flows("late > late_a", "late_a > end")
    room.deploy(*body, events, flows("start > a", "a > fork", *ways, *ends), chains={**chained(several("s", "head", "director")), **other})
    case = room.start()
    room.complete(case, "a")

    def waiting() -> list[tuple[Any, ...]]:
        jobs = [(job.kind, job.instance, job.due_at) for job in room.jobs(case) if job.state == "waiting"]
        return sorted(jobs)

    before, opened = waiting(), told(room, case)
    assert room.open(case) == "beside plain sign" and len(before) == 4
    send_back(room, case, "head", to_element="a")
    assert room.open(case) == "a" and waiting() == []
    with pytest.raises(NotAllowed):
        withdraw(room, item(room, case), "director")
    withdraw(room, item(room, case), "head")
    assert room.open(case) == "beside plain sign" and waiting() == before
    assert sorted(told(room, case).split(" | ")) == sorted(
        opened.replace("head:open director:open", "head:withdrawn director:lapsed head:open director:open").split(" | ")
    )
    assert room.events(case).count("work:step:returned") == 1 and replay.replay(room.services, room.case(case).number).same
    room.complete(case, "plain")
    room.run()
    for element, by in (("beside", "hr2"), ("beside", "other"), ("sign", "head"), ("sign", "director")):
        room.approve(case, element, by=by)
    room.clock.move(hours=91)
    room.run()
    assert room.case(case).status == "closed"


def test_withdraw_of_a_return_that_ended_work_taken_back_before(room: Room) -> None:
    """撤回 (withdraw): work that somebody had completed and taken back, once and twice, is open again, and is done."""
    fork = node("parallelGateway", "fork")
    ways = flows("start > a", "a > fork", "fork > sign", "fork > once", "fork > twice", "sign > end", "once > end", "twice > end")
    room.deploy(START, user("a"), fork, signing(), user("once"), user("twice"), END, ways, chains=chained(step("s", "head")))
    case = room.start()
    room.complete(case, "a")
    for element in ("twice", "twice", "once"):
        room.complete(case, element)
        withdraw(room, item(room, case, element), "hr")
    send_back(room, case, "head", to_element="a")
    withdraw(room, item(room, case), "head")
    assert room.open(case) == "once sign twice"
    for element in ("once", "twice"):
        room.complete(case, element)
    room.approve(case, "sign", by="head")
    assert room.case(case).status == "closed"


def test_withdraw_of_a_return_to_an_earlier_item_too_late(room: Room) -> None:
    """撤回 (withdraw): refused by name once that item was done, and for what was left for another reason."""
    ways = flows("start > a", "a > sign", "sign > end")
    room.deploy(START, user("a"), signing(), END, ways, chains=chained(step("s", "head")))
    case = room.start()
    room.complete(case, "a")
    first = item(room, case)
    work.return_(room.services, first, actor=person("head"), reason="退回", to_element="a", request_id=new_id())
    room.complete(case, "a")
    with pytest.raises(ActedOn, match="王芳"):
        withdraw(room, first, "head")
    assert room.open(case) == "sign"
    returns.return_to(room.services, case, "a", actor=person("admin"), reason="重审", request_id=new_id())
    with pytest.raises(ItemClosed):
        withdraw(room, room.values(sa.select(WorkItem.id).where(WorkItem.instance == "sign#2"))[0], "head")


def test_withdraw_of_a_return_whose_call_under_way_was_left(room: Room) -> None:
    """撤回 (withdraw): refused where a call in another branch had begun, whose answer counts no more."""
    fork = node("parallelGateway", "fork")
    ways = flows("start > a", "a > fork", "fork > sign", "fork > call", "call > end", "sign > end")
    room.deploy(START, user("a"), fork, signing(), service("call", operation="x.a"), END, ways, chains=chained(step("s", "head")))
    case = room.start()
    room.complete(case, "a")
    room.write(sa.update(Job).where(Job.kind == "operation").values(state="leased", attempts=1, lease="w"))
    send_back(room, case, "head", to_element="a")
    with pytest.raises(PartwellError) as refused:
        withdraw(room, item(room, case), "head")
    assert refused.value.status == 409 and room.open(case) == "a"


@pytest.mark.parametrize("anew", [True, False], ids=["from the first step", "straight back"])
def test_withdraw_of_a_resubmission(room: Room, anew: bool) -> None:
    """撤回 (withdraw): the initiator takes back what they sent again, which is a draft; then the return is taken back, too."""
    case = reported(room, step("a", "hr"), step("b", "head", resubmit="back"), first="look" if anew else "")
    if anew:
        room.complete(case, "look")
    room.approve(case, "sign", by="hr")
    send_back(room, case, "head", to_element="start")
    start, sign = room.item(case, "start"), item(room, case)
    for what in ("旷工", "迟到"):
        room.complete(case, "start", by="boss", what=what)
        for by in ("hr", "subject"):
            with pytest.raises(NotAllowed):
                work.withdraw(room.services, start, actor=person(by), request_id=new_id())
        withdraw(room, start, "boss")
        assert room.open(case) == "sign start" and room.variables(case)["what"] == "迟到"
    page = inbox.item_page(room.services, start, reader=person("boss"))
    assert page.values["what"] == "迟到" and "complete" in page.may and room.count(Draft) == 1
    assert rounds(room, case) == ["a approved", *([] if anew else ["a withdrawn"]), "b returned", "b withdrawn"]
    withdraw(room, sign, "head")
    assert room.open(case) == "sign" and replay.replay(room.services, room.case(case).number).same
    room.approve(case, "sign", by="head")
    assert room.case(case).status == "closed"


def test_withdraw_of_a_resubmission_too_late(room: Room) -> None:
    """撤回 (withdraw): refused by the name of who signed again what was sent again."""
    case = reported(room, step("a", "hr"), step("b", "head"))
    room.approve(case, "sign", by="hr")
    send_back(room, case, "head", to_element="start")
    start = room.item(case, "start")
    room.complete(case, "start", by="boss", what="旷工")
    room.approve(case, "sign", by="hr")
    with pytest.raises(ActedOn, match="王芳"):
        withdraw(room, start, "boss")
    assert room.open(case) == "sign"


def test_withdraw_of_a_return_raced_with_who_signs_again(room: Room) -> None:
    """撤回 (withdraw): at the same moment exactly one of both wins, and the other is told."""
    case = begin(room, step("a", "hr"), step("b", "head"))
    room.approve(case, "sign", by="hr")
    send_back(room, case, "head", to_step="a")
    mine = item(room, case)
    given = together(
        lambda: work.withdraw(room.services, mine, actor=person("head"), request_id=new_id()),
        lambda: work.approve(room.services, mine, actor=person("hr"), request_id=new_id()),
    )
    [lost] = [one for one in given if one is not None]
    assert isinstance(lost, PartwellError) and lost.status in (403, 409), given
    assert rounds(room, case)[-1] == "b open"


def test_withdraw_of_what_was_offered_to_several(room: Room) -> None:
    """撤回 (withdraw): taken back, it can be put back for the others, too, whether a chain describes it or not."""
    case = begin(room, several("a", "head", "director", mode="claim"))
    room.approve(case, "sign", by="head")
    mine = item(room, case)
    withdraw(room, mine, "head")
    work.release(room.services, mine, actor=person("head"), request_id=new_id())
    room.approve(case, "sign", by="director")
    ways = flows("start > a", "a > b", "b > end")
    room.deploy(START, user("a"), user("b"), END, ways)
    case = room.start()
    room.complete(case, "a", by="hr")
    withdraw(room, item(room, case, "a"), "hr")
    work.release(room.services, item(room, case, "a"), actor=person("hr"), request_id=new_id())
    room.complete(case, "a", by="hr2")
    assert room.open(case) == "b"


def test_withdraw_of_what_somebody_gave_away_who_had_claimed_it(room: Room) -> None:
    """撤回 (withdraw): what was transferred to one person is theirs alone again, not offered to those from whom it was claimed."""
    case = begin(room, several("a", "head", "director", mode="claim"), step("b", "boss"))
    act(room, case, work.claim, "head")
    act(room, case, work.transfer, "head", to=person("hr"))
    room.approve(case, "sign", by="hr")
    withdraw(room, item(room, case), "hr")
    with pytest.raises(NotAllowed, match="you alone"):
        act(room, case, work.release, "hr")
    room.approve(case, "sign", by="hr")


STORIES = (
    test_withdraw_of_a_return_to_a_step,
    test_withdraw_of_a_return_is_too_late_once_somebody_acted,
    test_withdraw_of_a_rejection_that_sent_the_work_back,
    test_withdraw_two_steps_later,
    test_withdraw_of_a_resubmission_too_late,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.removeprefix("test_withdraw_"))
def test_what_came_after_what_hangs_on_no_clock(room: Room, monkeypatch: pytest.MonkeyPatch, story: Callable[[Room], None]) -> None:
    """撤回 (withdraw): machines whose clocks run apart agree on what was done last, even if each act seems earlier than the one before."""
    earlier = itertools.count(time.time_ns(), -(10**9))
    monkeypatch.setattr(base, "time", SimpleNamespace(time_ns=lambda: next(earlier)))
    story(room)


def test_a_return_to_the_initiator_hangs_on_no_clock(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """撤回 (withdraw): nor does what was sent back and sent again."""
    earlier = itertools.count(time.time_ns(), -(10**9))
    monkeypatch.setattr(base, "time", SimpleNamespace(time_ns=lambda: next(earlier)))
    test_withdraw_of_a_return_to_the_initiator(services)
