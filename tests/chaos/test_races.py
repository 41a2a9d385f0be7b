"""Two who act at the same moment, with real threads: one wins, the other gets a true answer, and everything still agrees."""

from __future__ import annotations

import datetime as dt
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import books
import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, event, flows, node, service, timer, user, zeebe
from engine_room import Room, files, person, together
from test_sign_off_sequences import SigningOff, prepared
from twins import ScriptedOperation

from engine import cases, deploying, endings, messages, work
from engine.errors import AlreadyDecided, CaseNotRunning, ItemClosed, NobodyWaits, PartwellError, TakenByOther
from engine.models import Case, WorkItem, new_id
from engine.services import Services

from .consistency import assert_consistent

ROUNDS = 60 if os.environ.get("PARTWELL_CHAOS") else 6
ONE = (START, user("a"), END, flows("start > a", "a > end"))


def at_once(*acts: Callable[[], Any]) -> list[PartwellError | None]:
    """Does all of them at the same moment; what each got: None, or a true answer. Everything else fails the test."""
    got = [answer if isinstance(answer, Exception) else None for answer in together(*acts)]
    for error in got:
        if error is not None and not isinstance(error, PartwellError):
            raise error
    return got


def one_wins(got: list[PartwellError | None], *answers: type[PartwellError]) -> None:
    losers = [error for error in got if error is not None]
    assert len(losers) == len(got) - 1 and all(isinstance(error, answers) for error in losers), got


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def completing(room: Room, item: str, by: str, request_id: str | None = None) -> Callable[[], None]:
    given = request_id or new_id()
    return lambda: work.complete(room.services, item, actor=person(by), values={}, request_id=given)


def test_of_two_who_complete_one_item_one_does(room):
    """The second is told who was first, and the case is moved once."""
    room.deploy(*ONE)
    for _ in range(ROUNDS):
        case = room.start()
        item = room.item(case, "a")
        one_wins(at_once(completing(room, item, "hr"), completing(room, item, "hr2")), AlreadyDecided)
        assert room.events(case).count("work:item:completed") == 1
    assert assert_consistent(room.services) == ROUNDS


def test_a_click_that_is_sent_twice_counts_once(room):
    """Both get the same answer, and the case is moved once."""
    room.deploy(*ONE)
    for _ in range(ROUNDS):
        case = room.start()
        again = new_id()
        assert at_once(*[completing(room, room.item(case, "a"), "hr", again)] * 2) == [None, None]
        assert room.events(case).count("work:item:completed") == 1
    assert_consistent(room.services)


def test_a_start_that_is_sent_twice_makes_one_case(room):
    """Both get the same case."""
    room.deploy(*ONE)
    for _ in range(ROUNDS):
        again, made = new_id(), []
        assert at_once(*[lambda again=again, made=made: made.append(room.start(request_id=again))] * 3) == [None] * 3
        assert len(set(made)) == 1
    assert room.count(Case) == assert_consistent(room.services) == ROUNDS


def test_a_case_is_either_completed_or_cancelled(room):
    """Whoever comes second is told that there is nothing left to do."""
    room.deploy(*ONE)
    outcomes = set()
    for _ in range(ROUNDS):
        case = room.start()
        cancel = partial(room.manage, endings.cancel, case, by="boss")
        one_wins(at_once(completing(room, room.item(case, "a"), "hr"), cancel), ItemClosed, CaseNotRunning)
        outcomes.add(room.case(case).outcome)
    assert outcomes <= {"completed", "cancelled"}
    assert_consistent(room.services)


def test_a_timer_and_a_completion_do_not_both_happen(room):
    """The case ends at one end event, by one way."""
    late = node("endEvent", "late", zeebe("properties", zeebe("property", name="wf.outcome", value="late")))
    room.deploy(START, user("a"), boundary("b", "a", timer(duration="PT1H")), END, late, flows("start > a", "a > end", "b > late"))
    for _ in range(ROUNDS):
        case = room.start()
        room.clock.move(hours=2)
        late_click, _ = at_once(completing(room, room.item(case, "a"), "hr"), room.run)
        events = room.events(case)
        if late_click is None:
            assert room.case(case).outcome == "completed" and "job:timer:fired" not in events
        else:
            assert isinstance(late_click, ItemClosed) and room.case(case).outcome == "late" and "work:item:completed" not in events
        room.run()
    assert_consistent(room.services)


def test_of_two_who_claim_one_item_one_holds_it(room):
    """The other is told who has it."""
    room.deploy(*ONE)
    for _ in range(ROUNDS):
        item = room.item(room.start(), "a")
        claims = [partial(work.claim, room.services, item, actor=person(by), request_id=new_id()) for by in ("hr", "hr2")]
        one_wins(at_once(*claims), TakenByOther)
    assert_consistent(room.services)


def test_of_two_who_approve_one_step_one_does(room):
    """The step is approved once."""
    approvers = [{"rule": "role", "roles": ["hr"]}]
    chain = {
        "c": {"name": "审批", "name_en": "Consent", "steps": [{"name": "人事", "name_en": "HR", "mode": "claim", "approvers": approvers}]}
    }
    chained = node("userTask", "a", zeebe("properties", zeebe("property", name="wf.chain", value="c")))
    room.deploy(START, chained, END, flows("start > a", "a > end"), chains=chain)
    for _ in range(ROUNDS):
        case = room.start()
        item = room.item(case, "a")
        approve = partial(work.approve, room.services, item)
        approvals = [partial(approve, actor=person(by), request_id=new_id()) for by in ("hr", "hr2")]
        one_wins(at_once(*approvals), AlreadyDecided)
        assert room.events(case).count("work:step:approved") == 1
    assert_consistent(room.services)


class Hand(SigningOff):
    """Somebody who acts at random on a case on which others do, too: what they see may be over by the time they act."""

    def __init__(self, room: Room, done: Counter[str], case: str, seed: int) -> None:
        super().__init__(room, done)
        self.case, self.draw = case, random.Random(seed)

    def acts(self) -> None:
        for _ in range(12):
            self.books = books.read(self.room, self.case)
            self.act(self.draw.getrandbits(32))

    def _verb(self, verb: str, by: str, *target: str, on: str = "", **given: Any) -> bool:
        item, act = on or self.item, getattr(work, verb)
        self._do(verb, by, lambda request: act(self.room.services, item, *target, actor=person(by), request_id=request, **given))
        return False  # whatever it did, others may have undone it

    def _do(self, verb: str, by: str, act: Callable[[str], Any], *, offered: bool | None = None, many: bool = False) -> bool:
        try:
            act(new_id())
        except PartwellError as error:
            assert error.message
            return False
        self.done[verb] += 1
        return True

    def _open(self, element: str) -> Sequence[str]:
        """None where another was there first."""
        found: Sequence[str] = self.room.values(
            sa.select(WorkItem.id).where(WorkItem.case_id == self.case, WorkItem.element == element, WorkItem.status == "open")
        )
        return found

    def _happens(self, act: Callable[[], Any], by: str | None = None) -> None:
        act()


def test_no_verbs_at_the_same_time_lose_double_or_falsify_a_sign_off(room):
    """Three people do anything at once on one case; each gets a true answer, and in the end the books add up."""
    prepared(room)
    done: Counter[str] = Counter()
    for number in range(ROUNDS):
        first = SigningOff(room, done)
        first.start(number)
        at_once(*(Hand(room, done, first.case, 10 * number + hand).acts for hand in range(3)))
        assert books.faults(books.read(room, first.case)) == [] and books.box_faults(room) == []
        first.teardown()
    assert done.total() > 5 * ROUNDS
    assert assert_consistent(room.services) == ROUNDS


def test_nothing_is_completed_in_a_suspended_case(room):
    """Either the completion came first, or it is refused; never half of both."""
    room.deploy(START, user("a"), user("b"), END, flows("start > a", "a > b", "b > end"))
    for _ in range(ROUNDS):
        case = room.start()
        suspend = partial(room.manage, cases.suspend, case)
        late_click, refused = at_once(completing(room, room.item(case, "a"), "hr"), suspend)
        assert refused is None and (late_click is None or isinstance(late_click, CaseNotRunning))
        assert room.case(case).status == "suspended" and room.open(case) == ("b" if late_click is None else "a")
    assert_consistent(room.services)


def test_five_branches_that_end_at_once_are_all_kept(room):
    """Nobody's completion is lost, and the join opens once."""
    names = "abcde"
    room.deploy(START, node("parallelGateway", "f"), *(user(n) for n in names), node("parallelGateway", "j"), user("z"), END,
                flows("start > f", *(f"f > {n}" for n in names), *(f"{n} > j" for n in names), "j > z", "z > end"))  # fmt: skip
    for _ in range(ROUNDS):
        case = room.start()
        assert at_once(*(completing(room, room.item(case, n), "hr") for n in names)) == [None] * 5
        assert room.open(case) == "z"
    assert_consistent(room.services)


def test_a_case_starts_on_one_whole_version_while_another_is_deployed(room):
    """Each start takes the version before or after, never a mixture."""
    room.deploy(*ONE)
    for i in range(ROUNDS):
        bundle = files(START, user(f"a{i}"), END, flows(f"start > a{i}", f"a{i} > end"))
        got = at_once(room.start, partial(deploying.deploy, room.services, bundle, procedure="test"), room.start)
        assert got == [None] * 3
    for case_id, version in room.rows(sa.select(Case.id, Case.version_id)):
        [element] = room.values(sa.select(WorkItem.element).where(WorkItem.case_id == case_id))
        assert element in room.services.programs.get(version).program.elements
    assert_consistent(room.services)


def test_a_job_that_two_runners_want_is_called_once(services):
    """One lease, one call, one answer in the case."""
    does = ScriptedOperation("ehr.employee", answers=[{"ok": True}])
    room = Room(services, does)
    room.deploy(START, service("s"), END, flows("start > s", "s > end"))
    for _ in range(ROUNDS):
        case = room.start()
        assert at_once(room.run, room.run, room.run) == [None] * 3
        room.run()
        assert room.case(case).outcome == "completed"
        assert len([entry for entry in room.entries(case) if entry.event == "job:operation:done"]) == 1
    assert len(does.calls) == ROUNDS
    assert_consistent(room.services)


def test_a_message_that_is_sent_twice_arrives_once(room):
    """The same request brings it once; of two different ones the second is told that nobody waits."""
    catch = node("intermediateCatchEvent", "m", event("message", messageRef="M"))
    room.deploy(START, catch, user("a"), END, flows("start > m", "m > a", "a > end"), named='<bpmn:message id="M" name="arrived"/>')
    for _ in range(ROUNDS):
        case, again = room.start(), new_id()
        send = partial(messages.send, room.services, name="arrived", values={}, actor=person("admin"), keep=dt.timedelta())
        assert at_once(*[partial(send, request_id=again)] * 3) == [None] * 3
        assert room.open(case) == "a"
        assert room.events(case).count("process:message:received") == 1
        other = room.start()
        one_wins(at_once(partial(send, request_id=new_id()), partial(send, request_id=new_id())), NobodyWaits)
        assert room.open(other) == "a"
        assert room.events(other).count("process:message:received") == 1
    assert_consistent(room.services)
