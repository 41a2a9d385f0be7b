"""Messages and signals: one receiver or every waiting case, before or after somebody asks, and never twice."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, event, flows, node, user, zeebe
from engine_room import Room, form, person, together

from engine import casefile, cases, endings, incidents, messages, subscriptions
from engine.errors import ItemClosed, NobodyWaits, NotAllowed, PartwellError, ValueRefused
from engine.ledger import Event
from engine.models import Case, Message, ProcedureVersion, Subscription, new_id
from engine.ports import Json
from engine.services import Services
from webapp import server


def named(name: str, key: str = '="K-" + subject.employee_no') -> str:
    """A message definition with a correlation key."""
    keys = f"<bpmn:extensionElements>{zeebe('subscription', correlationKey=key)}</bpmn:extensionElements>" if key else ""
    return f'<bpmn:message id="M_{name}" name="{name}">{keys}</bpmn:message>'


def catch(id: str = "c", name: str = "returned") -> str:
    return node("intermediateCatchEvent", id, event("message", messageRef=f"M_{name}"))


WAITING = (START, catch(), user("after"), END, flows("start > c", "c > after", "after > end"))
RULES: Json = {"senders": ["hr"]}


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def send(room: Room, *, by: str | None = "hr", key: str = "K-E000", name: str = "returned", **more: Json) -> messages.Sent:
    given = {"values": {"badge": True}, "request_id": new_id(), **more}
    return messages.send(room.services, name=name, key=key, actor=person(by) if by else None, **given)


def waits(room: Room) -> list[str]:
    return sorted(room.values(sa.select(Subscription.element)))


def test_a_message_reaches_the_case_that_waits_under_its_key(room: Room) -> None:
    """Two cases wait for the same message; the key says which one is meant, and its values arrive."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    mine, other = room.start(), room.start(about="worker", by="other")
    assert waits(room) == ["c", "c"]
    assert send(room).case_id == mine
    assert room.open(mine) == "after" and room.open(other) == "" and room.variables(mine)["badge"] is True
    [received] = [entry for entry in room.entries(mine) if entry.event == Event.MESSAGE_RECEIVED]
    assert received.actor == person("hr") and received.payload["values"] == {"badge": True}
    assert waits(room) == ["c"]


def test_of_two_waits_under_one_key_the_older_one_gets_the_message(room: Room) -> None:
    """A message has one receiver."""
    room.deploy(*WAITING, named=named("returned", '="same"'), rules=RULES)
    first = room.start()
    room.clock.move(seconds=1)
    second = room.start(about="worker", by="other")
    assert send(room, key="same").case_id == first
    assert send(room, key="same").case_id == second


def test_a_message_sent_twice_is_taken_once(room: Room) -> None:
    """The same request id again gives the same answer and changes nothing."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    case = room.start()
    first = send(room, request_id="once")
    events = room.events(case)
    assert send(room, request_id="once") == first
    assert room.events(case) == events and len(room.rows(sa.select(Message.id))) == 1


def test_a_message_sent_twice_at_once_is_taken_once(room: Room) -> None:
    """Two threads with the same request id: one message, one delivery."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    case = room.start()
    given = together(*(lambda: send(room, request_id="once") for _ in range(3)))
    assert [sent.case_id for sent in given] == [case] * 3
    assert room.events(case).count(Event.MESSAGE_RECEIVED) == 1


def test_a_message_may_come_before_the_case_asks(room: Room) -> None:
    """It is kept, and taken the moment the case begins to wait."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    sent = send(room)
    assert sent.case_id is None and sent.kept_until == room.clock.now() + dt.timedelta(hours=24)
    case = room.start()
    assert room.open(case) == "after" and waits(room) == []
    assert room.value(sa.select(Message.case_id)) == case


def test_a_message_is_not_kept_for_ever(room: Room) -> None:
    """After its time nobody gets it any more."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    send(room, keep=dt.timedelta(hours=1))
    room.clock.move(hours=2)
    case = room.start()
    assert room.open(case) == "" and waits(room) == ["c"]


def test_a_message_that_nobody_asked_for_is_forgotten(room: Room) -> None:
    """A day after its time, a batch at a sweep; until then the command that sent it is known again. What a case took stays."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    send(room)
    assert room.open(room.start()) == "after"
    for number in range(3):
        send(room, key="nobody", keep=dt.timedelta(hours=1), request_id=f"r{number}")
    send(room, key="nobody", keep=dt.timedelta(days=9))
    room.clock.move(hours=24)
    again = send(room, key="nobody", keep=dt.timedelta(hours=1), request_id="r0")
    assert again.kept_until == room.clock.now() - dt.timedelta(hours=23)
    assert messages.forget(room.services.database, room.clock.now()) == 0
    room.clock.move(hours=2)
    assert messages.forget(room.services.database, room.clock.now(), limit=2) == 2
    sweeper = server.sweeper(room.services)
    sweeper.sweep()
    sweeper.stop()
    assert room.count(Message) == 2 and messages.forget(room.services.database, room.clock.now()) == 0


def test_a_message_that_is_not_to_be_kept_needs_somebody_who_waits(room: Room) -> None:
    """The sender is told that nobody took it."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    with pytest.raises(NobodyWaits):
        send(room, keep=dt.timedelta(0))


def test_a_suspended_case_takes_its_message_when_it_is_resumed(room: Room) -> None:
    """Nothing of a suspended case moves, and nothing that came meanwhile is lost."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    case = room.start()
    room.manage(cases.suspend, case)
    assert send(room).case_id is None and room.open(case) == ""
    room.manage(cases.resume, case)
    assert room.open(case) == "after"


def test_a_message_for_a_suspended_version_is_handed_out_once_it_runs_again(room: Room) -> None:
    """It is kept like one that came too early, and nothing has to be sent again."""
    version = room.deploy(*WAITING, named=named("returned"), rules=RULES)
    case = room.start()
    suspended = sa.update(ProcedureVersion).where(ProcedureVersion.id == version.id)
    with room.services.database.unit() as unit:
        unit.connection.execute(suspended.values(suspended=True))
        unit.commit()
    assert send(room).case_id is None and messages.hand_out(room.services) == 0
    with room.services.database.unit() as unit:
        unit.connection.execute(suspended.values(suspended=False))
        unit.commit()
    assert messages.hand_out(room.services) == 1 and room.open(case) == "after"
    assert messages.hand_out(room.services) == 0


def test_a_manager_enters_by_hand_what_came_another_way(room: Room) -> None:
    """With a reason that stays in the ledger; nobody else may, and not for what is over."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    case = room.start()
    wait = casefile.case_page(room.services, case, reader=person("admin")).waits[0]
    assert (wait.element, wait.kind, wait.message) == ("c", "message", "returned")
    given = {"values": {"badge": True}, "reason": "综合部口头确认", "request_id": "hand"}
    with pytest.raises(NotAllowed):
        messages.enter(room.services, case, wait.instance, actor=person("hr"), **given)
    for _ in range(2):
        messages.enter(room.services, case, wait.instance, actor=person("admin"), **given)
    assert room.open(case) == "after" and room.variables(case)["badge"] is True
    [received] = [entry for entry in room.entries(case) if entry.event == Event.MESSAGE_RECEIVED]
    assert received.payload["reason"] == "综合部口头确认" and received.actor == person("admin")
    with pytest.raises(ItemClosed):
        messages.enter(room.services, case, wait.instance, actor=person("admin"), **{**given, "request_id": "again"})


@pytest.mark.parametrize("by", ["worker", "boss"])
def test_only_roles_that_the_procedure_names_send_to_its_cases(room: Room, by: str) -> None:
    """Anybody else could move cases they have nothing to do with."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    case = room.start()
    with pytest.raises(NotAllowed):
        send(room, by=by)
    assert room.open(case) == ""


def test_nobody_sends_to_a_case_about_themselves(room: Room) -> None:
    """A role opens nothing in one's own case, sent now or kept from before."""
    room.deploy(*WAITING, named=named("returned", '="own"'), rules=RULES)
    kept = send(room, key="own")
    assert kept.case_id is None
    case = room.start(about="hr", by="director")
    assert room.open(case) == ""
    assert send(room, key="own").case_id is None and room.open(case) == "", "said like any other that nobody waits for"


def test_a_message_for_a_case_that_is_not_open_to_its_sender_is_kept_for_others(room: Room) -> None:
    """They are told what they would be told if that case did not exist."""
    room.deploy(*WAITING, named=named("returned"), rules={"senders": ["hr_director"]})
    case = room.start()
    room.deploy(START, user("a"), END, flows("start > a", "a > end"), rules=RULES, procedure="other")
    assert send(room).kept_until is not None
    assert messages.hand_out(room.services) == 0 and room.open(case) == ""


def test_a_kept_message_says_not_whom_a_case_is_about(room: Room) -> None:
    """The sender is told, not whoever comes to the place where it would be taken."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    for values, name in (({"subject": "forged"}, "subject"), ({"note": {"deep": "\ud800"}}, "note.deep")):
        with pytest.raises(ValueRefused, match=name):
            send(room, values=values)
    assert room.count(Message) == 0


def test_a_case_that_is_broken_keeps_no_other_from_its_message(room: Room) -> None:
    """The hand-out logs it and goes on; a case that took nothing is left as it was."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    broken, whole = room.start(), room.start(about="worker", by="other")
    for case in (broken, whole):
        room.manage(cases.suspend, case)
    send(room), send(room, key="K-E008")
    room.write(sa.update(Case).values(status="running"))
    kept = room.case(broken).state
    room.write(sa.update(Case).where(Case.id == broken).values(state=b"broken"))
    again = room.restarted()
    assert messages.hand_out(again.services) == 1 and room.open(whole) == "after"
    revision = room.case(whole).revision
    assert messages.hand_out(again.services) == 0 and room.case(whole).revision == revision
    room.write(sa.update(Case).where(Case.id == broken).values(state=kept))


def test_a_case_of_a_suspended_version_that_is_resumed_takes_nothing_yet(room: Room) -> None:
    """It waits for its version, too."""
    room.deploy(*WAITING, named=named("returned"), rules=RULES)
    case = room.start()
    room.manage(cases.suspend, case)
    send(room)
    room.write(sa.update(ProcedureVersion).values(suspended=True))
    room.manage(cases.resume, case)
    assert room.open(case) == ""
    room.write(sa.update(ProcedureVersion).values(suspended=False))
    assert messages.hand_out(room.services) == 1 and room.open(case) == "after"


@pytest.mark.parametrize("act", ["retry", "skip"])
def test_a_message_that_could_not_be_handed_over_is_repaired_after_its_case_has_ended(
    room: Room, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """The incident is shown like any other, and tried again or given up; nothing else of the closed case changes."""
    room.deploy(*WAITING, named=named("returned", '="shared"'), rules=RULES)
    receiver = room.start()
    throw = node("endEvent", "t", event("message", messageRef="M_returned"))
    room.deploy(START, user("a"), throw, flows("start > a", "a > t"), named=named("returned", '="shared"'), procedure="other")
    sender = room.start(procedure="other")
    room.complete(sender, "a")
    with monkeypatch.context() as patched:
        patched.setattr(messages, "_deliver", lambda *_: False)
        for _ in range(5):
            room.run()
            room.clock.move(hours=2)
    [incident] = room.incidents(sender)
    assert room.case(sender).status == "closed" and room.open(receiver) == ""
    assert [row.id for row in incidents.managed(room.services, reader=person("admin"))] == [incident.id]
    for wrong in ({"input": {"x": 1}}, {"variables": {"x": 1}}):
        with pytest.raises(ItemClosed):
            room.manage(incidents.retry, incident.id, **wrong)
    room.manage(getattr(incidents, act), incident.id)
    room.run()
    assert room.open(receiver) == ("after" if act == "retry" else "") and room.incidents(sender) == []


def test_a_case_that_ends_waits_for_nothing(room: Room) -> None:
    """Withdrawn, cancelled or finished: its waits are gone with the same commit."""
    body = (START, user("a"), boundary("b", "a", event("message", messageRef="M_returned")), END, flows("start > a", "a > end", "b > end"))
    room.deploy(*body, named=named("returned"), rules=RULES)
    first, second, third = room.start(), room.start(), room.start()
    assert waits(room) == ["b", "b", "b"]
    room.complete(first, "a")
    room.manage(endings.terminate, second)
    room.manage(endings.cancel, third, by="boss")
    assert waits(room) == []


def test_an_interrupting_message_ends_the_work_it_sits_on(room: Room) -> None:
    """The work item is left, and the path of the event is taken."""
    body = (START, user("a"), boundary("b", "a", event("message", messageRef="M_returned")), user("x"), END,
            flows("start > a", "a > end", "b > x", "x > end"))  # fmt: skip
    room.deploy(*body, named=named("returned"), rules=RULES)
    case = room.start()
    send(room)
    assert room.open(case) == "x" and waits(room) == []


def test_a_message_that_does_not_interrupt_may_come_again(room: Room) -> None:
    """Every one opens a path of its own while the work goes on."""
    body = (START, user("a"), boundary("b", "a", event("message", messageRef="M_returned"), interrupting=False), user("x"), END,
            flows("start > a", "a > end", "b > x", "x > end"))  # fmt: skip
    room.deploy(*body, named=named("returned"), rules=RULES)
    case = room.start()
    for _ in range(3):
        send(room)
    assert room.open(case) == "a x x x" and waits(room) == ["b"]


def test_a_case_sends_a_message_to_another(room: Room) -> None:
    """A throw event without an operation hands its message over by a job, once, also when the job runs again."""
    throw = node("intermediateThrowEvent", "t", event("message", messageRef="M_returned"),
                 zeebe("ioMapping", zeebe("input", source='="done"', target="note")))  # fmt: skip
    room.deploy(*WAITING, named=named("returned", '="shared"'), rules=RULES)
    receiver = room.start()
    room.deploy(
        START, user("a"), throw, END, flows("start > a", "a > t", "t > end"), named=named("returned", '="shared"'), procedure="other"
    )
    sender = room.start(procedure="other")
    room.complete(sender, "a")
    room.run()
    assert room.open(receiver) == "after" and room.variables(receiver)["note"] == "done"
    assert Event.MESSAGE_SENT in room.events(sender)


SIGNALLED = (START, node("intermediateCatchEvent", "c", event("signal", signalRef="S")), user("after"), END,
             flows("start > c", "c > after", "after > end"))  # fmt: skip
SIGNAL = '<bpmn:signal id="S" name="policy changed"/>'


def test_a_signal_reaches_every_case_that_waits_and_the_thrower_goes_on(room: Room) -> None:
    """It is delivered to each by a job of its own, once."""
    room.deploy(*SIGNALLED, named=SIGNAL, rules=RULES)
    first, second = room.start(), room.start(about="worker", by="other")
    room.deploy(START, user("a"), node("intermediateThrowEvent", "t", event("signal", signalRef="S")), user("b"), END,
                flows("start > a", "a > t", "t > b", "b > end"), named=SIGNAL, procedure="other")  # fmt: skip
    thrower = room.start(procedure="other")
    room.complete(thrower, "a")
    assert room.open(thrower) == "b"
    room.run()
    assert room.open(first) == room.open(second) == "after" and waits(room) == []


def test_a_signal_from_outside_sent_twice_arrives_once(room: Room) -> None:
    """The request id tells a repetition from a second signal."""
    room.deploy(*SIGNALLED, named=SIGNAL, rules=RULES)
    case = room.start()
    for _ in range(2):
        messages.signal(room.services, name="policy changed", values={"text": "新规"}, actor=person("hr"), request_id="once")
    room.run()
    assert room.open(case) == "after" and room.variables(case)["text"] == "新规"
    assert room.events(case).count(Event.SIGNAL_RECEIVED) == 1


def test_a_message_starts_a_case_where_a_procedure_begins_with_it(room: Room) -> None:
    """The start event of the message is taken, its values become the case's, and nothing but the engine says whom it is about."""
    begin = node("startEvent", "m", event("message", messageRef="M_joined"))
    room.deploy(START, user("a"), begin, user("b"), END, flows("start > a", "m > b", "a > end", "b > end"),
                named=named("joined", ""), rules={**RULES, "start": ["hr"], "start_any": ["hr"]}, forms={"f": form("x")})  # fmt: skip
    given = {"name": "joined", "key": "", "subject": person("worker"), "values": {"from": "ehr", "subject": {"id": "forged"}}}
    sent = send(room, request_id="once", **given)
    assert sent.case_id is not None and room.open(sent.case_id) == "b"
    assert room.variables(sent.case_id)["from"] == "ehr" and room.case(sent.case_id).subject_id == person("worker")
    assert send(room, request_id="once", **given) == sent
    assert len(room.rows(sa.select(Case.id))) == 1


def test_a_message_and_the_wait_for_it_never_miss_each_other(room: Room) -> None:
    """Sent at the very moment the case begins to wait: it arrives either way."""
    room.deploy(START, user("a"), catch(), user("after"), END, flows("start > a", "a > c", "c > after", "after > end"),
                named=named("returned"), rules=RULES)  # fmt: skip
    for _ in range(5):
        case = room.start()
        given = together(lambda case=case: room.complete(case, "a"), lambda: send(room))  # type: ignore[misc]
        assert not any(isinstance(result, PartwellError) for result in given)
        assert room.open(case) == "after"


def fork(first: str, second: str, *, until: str = "ended") -> tuple[str, ...]:
    """Waits for two messages at the same time, and asks for them in this order."""
    return (START, node("parallelGateway", "f"), catch("c1", first), catch("c2", second), node("parallelGateway", "j"), user(until), END,
            flows("start > f", "f > c1", "f > c2", "c1 > j", "c2 > j", f"j > {until}", f"{until} > end"))  # fmt: skip


BOTH = named("badge", '="k"') + named("laptop", '="k"')


def test_cases_that_ask_for_the_same_messages_in_opposite_order_do_not_lock_each_other_out(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has locked its first message when it comes to its second; both begin to wait, and each gets what is sent later."""
    room.deploy(*fork("badge", "laptop"), named=BOTH, rules=RULES, procedure="one")
    room.deploy(*fork("laptop", "badge"), named=BOTH, rules=RULES, procedure="other")
    locks, gate, met = subscriptions._lock, threading.Barrier(2), threading.local()

    def meet(*asked: Any) -> None:
        locks(*asked)
        if not getattr(met, "once", False):
            met.once = True
            with contextlib.suppress(threading.BrokenBarrierError):  # on SQLite the other one has not begun
                gate.wait(1)

    monkeypatch.setattr(subscriptions, "_lock", meet)
    started = together(lambda: room.start(procedure="one"), lambda: room.start(procedure="other", about="worker", by="other"))
    assert all(isinstance(case, str) for case in started), started
    for name in ("badge", "laptop") * 2:
        assert send(room, name=name, key="k").case_id in started
    assert [room.open(case) for case in started] == ["ended"] * 2


def test_of_two_cases_that_find_the_same_kept_message_one_takes_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look at it at the same moment; the other one waits for the next."""
    room.deploy(*WAITING, named=named("returned", '="k"'), rules=RULES)
    send(room, key="k")
    opens, gate = subscriptions._may_send, threading.Barrier(2)

    def meet(*asked: Any) -> bool:
        with contextlib.suppress(threading.BrokenBarrierError):
            gate.wait(1)
        return opens(*asked)

    monkeypatch.setattr(subscriptions, "_may_send", meet)
    started = together(room.start, lambda: room.start(about="worker", by="other"))
    assert sorted(room.open(case) for case in started) == ["", "after"]
    assert room.count(Message) == 1 and waits(room) == ["c"]


def test_two_waits_of_one_case_do_not_take_the_same_message(room: Room) -> None:
    """It was sent once, so one of them goes on, at the start and after a suspension alike."""
    room.deploy(*fork("badge", "badge"), named=BOTH, rules=RULES)
    send(room, name="badge", key="k")
    case = room.start()
    assert len(waits(room)) == 1 and room.events(case).count(Event.MESSAGE_RECEIVED) == 1
    again = room.start(about="worker", by="other")
    for act in (cases.suspend, cases.resume):
        for each in (case, again):
            room.manage(act, each)
        if act is cases.suspend:
            send(room, name="badge", key="k")
    assert len(waits(room)) == 2 and len(room.rows(sa.select(Message.id))) == 2
