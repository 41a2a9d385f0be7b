"""Outside calls and timers: once where it can be, again where it must be, and never lost."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, event, flows, mapping, node, service, timer, user, zeebe
from engine_room import Room, form, person, together
from twins import ScriptedOperation

from engine import cases, deferral, endings, incidents, jobs, snapshots
from engine.errors import CaseNotRunning, ItemClosed, NeedsPerson, NotAllowed, NotFound, PartwellError, Refused, TryAgain
from engine.jobs import LARGEST_VALUE, Runner
from engine.models import Document, Holding, Job, JobAttempt, Snapshot, new_id
from engine.ports import Answer, Call, Exchange, File
from engine.services import Services

AGAIN = TryAgain(system="ehr", operation="ehr.usage", reason="503")
REFUSED = Refused(system="ehr", operation="ehr.usage", reason="unknown employee", answer='{"error": "E404"}')


def calling(**outputs: str) -> tuple[str, ...]:
    """One call, then one task."""
    call = service("call", mapping({"who": "=subject.employee_no"}, outputs or {"hours": "=hours"}), operation="ehr.usage")
    return START, call, user("a"), END, flows("start > call", "call > a", "a > end")


def outside(*answers: Any) -> ScriptedOperation:
    return ScriptedOperation("ehr.usage", answers=answers or ({"hours": 2.5},))


@pytest.fixture(scope="module", autouse=True)
def every_runner_is_closed() -> Iterator[None]:
    """One that is not goes on renewing its leases, in a database that is another test's by then."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread.name == "leases" and thread not in before]
    for thread in left:
        thread.join(1)
    assert not any(thread.is_alive() for thread in left)


@pytest.fixture
def make(services: Services) -> Callable[..., Room]:
    return lambda *operations: Room(services, *operations)


def wait_for(room: Room, case: str, element: str) -> None:
    room.run()
    assert room.open(case) == element


# --- calls


def test_trigger_brings_its_answer_into_the_case(make: Callable[..., Room]) -> None:
    """触发器 (trigger): what was asked, under which key, what came back unchanged, and the value where the diagram wants it."""
    said = Exchange(system="ehr", request={"path": "/usage"}, answer='{"rows": [] ,"备注":"原样"}', status="200")
    system = outside(Answer(value={"hours": 2.5, "unused": 1}, exchanges=[said]))
    room = make(system)
    room.deploy(*calling())
    case = room.start()
    assert room.open(case) == "" and not system.calls
    wait_for(room, case, "a")
    [call] = system.calls
    assert (call.key, call.input, call.attempt, call.case) == (f"{case}:call#1", {"who": "E000"}, 1, room.case(case).number)
    assert room.variables(case)["hours"] == 2.5 and "unused" not in room.variables(case)
    [snapshot] = room.rows(sa.select(Snapshot.__table__))
    content = room.services.keyring.unseal(snapshot.content, f"snapshots.content/{snapshot.id}")
    assert content.decode() == said.answer and (snapshot.system, snapshot.kind, snapshot.status) == ("ehr", "exchange", "200")
    assert [(each.number, each.result) for each in room.attempts(case)] == [(1, "done")]
    assert [job.state for job in room.jobs(case)] == ["done"]
    assert room.run() == 0 and len(system.calls) == 1


def test_a_failing_call_is_tried_again_with_growing_pauses(make: Callable[..., Room]) -> None:
    """Each pause is about twice the one before, the key stays, and nothing runs before its time."""
    system = outside(AGAIN, AGAIN, AGAIN, {"hours": 1})
    room = make(system)
    call = node("serviceTask", "call", zeebe("taskDefinition", type="ehr.usage", retries="5"))
    room.deploy(START, call, user("a"), END, flows("start > call", "call > a", "a > end"))
    case = room.start()
    pauses = []
    for attempt in range(1, 4):
        assert room.run() == 1 and len(system.calls) == attempt
        [job] = room.jobs(case)
        assert job.state == "waiting" and room.incidents(case) == []
        pauses.append((job.due_at - room.clock.now()).total_seconds())
        room.clock.move(seconds=pauses[-1] - 0.5)
        assert room.run() == 0
        room.clock.move(seconds=0.5)
    for pause, middle in zip(pauses, (10, 20, 40), strict=True):
        assert 0.75 * middle <= pause <= 1.25 * middle
    wait_for(room, case, "a")
    assert {call.key for call in system.calls} == {f"{case}:call#1"} and [call.attempt for call in system.calls] == [1, 2, 3, 4]
    assert [each.result for each in room.attempts(case)] == ["try_again"] * 3 + ["done"]
    assert room.events(case).count("job:operation:failed") == 3


def test_the_other_side_may_ask_for_a_longer_pause(make: Callable[..., Room]) -> None:
    """What it asks for counts if it is longer than ours; the pause never passes the limit otherwise."""
    room = make(outside(TryAgain(system="ehr", operation="x", reason="429", after=900.0)))
    room.deploy(*calling())
    case = room.start()
    room.run()
    assert room.jobs(case)[0].due_at == room.clock.now() + dt.timedelta(seconds=900)
    far = deferral.pause(room.services, 5000, None)
    assert far <= 1.25 * room.services.settings.job_backoff_limit


@pytest.mark.parametrize(
    ("answer", "code", "attempts"),
    [
        (AGAIN, "gave_up", 3),
        (REFUSED, "refused", 1),
        (NeedsPerson(system="ehr", operation="ehr.usage", reason="two employees"), "needs_person", 1),
        (lambda call: 1 / 0, "needs_person", 1),
    ],
    ids=["again", "refused", "person", "fault"],
)
def test_a_call_that_does_not_succeed_becomes_an_incident(make: Callable[..., Room], answer: Any, code: str, attempts: int) -> None:
    """After the last attempt, or at once where another would not help; the case itself keeps running."""
    system = outside(answer)
    room = make(system)
    room.deploy(*calling())
    case = room.start()
    for _ in range(5):
        room.run()
        room.clock.move(hours=2)
    [incident] = room.incidents(case)
    assert (incident.code, incident.element, room.case(case).status) == (code, "call", "running")
    assert len(system.calls) == len(room.attempts(case)) == attempts and room.jobs(case)[0].state == "failed"
    assert room.count(Snapshot) == (1 if answer is REFUSED else 0)


@pytest.mark.parametrize(("answer", "caught"), [(REFUSED, True), (AGAIN, False)], ids=["refused", "again"])
def test_an_error_boundary_event_catches_a_failure_by_its_code(make: Callable[..., Room], answer: Any, caught: bool) -> None:
    """A drawn way out for what a system refuses is taken instead of an incident; other failures still become one."""
    room = make(outside(answer))
    room.deploy(
        START,
        service("call", operation="ehr.usage"),
        boundary("said_no", "call", event("error", errorRef="no")),
        user("a"),
        user("b"),
        END,
        flows("start > call", "call > a", "said_no > b", "a > end", "b > end"),
        named='<bpmn:error id="no" name="Refused" errorCode="refused"/>',
    )
    case = room.start()
    for _ in range(5):
        room.run()
        room.clock.move(hours=2)
    assert room.open(case) == ("b" if caught else "")
    assert [incident.code for incident in room.incidents(case)] == ([] if caught else ["gave_up"])


def test_an_operation_that_is_gone_becomes_an_incident(make: Callable[..., Room]) -> None:
    """A connector that was removed from the settings stops nothing silently, and works again once it is back."""
    room = make(outside())
    room.deploy(*calling())
    case = room.start()
    without = Room.restarted(room)
    without.services = dataclasses.replace(without.services, operations={})
    without.run()
    [incident] = room.incidents(case)
    assert "no connector" in incident.facts["reason"]
    room.manage(incidents.retry, incident.id)
    wait_for(room, case, "a")


def test_a_retry_calls_again_with_the_same_key(make: Callable[..., Room]) -> None:
    """A person who retries gets the full number of attempts; who did it and why is in the ledger; the attempts count on."""
    system = outside(REFUSED, AGAIN, {"hours": 1})
    room = make(system)
    room.deploy(*calling(), rules={"managers": ["admin"]})
    case = room.start()
    room.run()
    [incident] = room.incidents(case)
    for by, reason in (("boss", "x"), ("hr", "x"), ("subject", "x"), ("admin", " ")):
        with pytest.raises(NotAllowed):
            room.manage(incidents.retry, incident.id, by=by, reason=reason)
    room.manage(incidents.retry, incident.id, reason="已更正工号", request_id="r")
    room.manage(incidents.retry, incident.id, reason="已更正工号", request_id="r")
    with pytest.raises(ItemClosed):
        room.manage(incidents.retry, incident.id)
    assert room.incidents(case) == []
    room.run()
    room.clock.move(minutes=1)
    wait_for(room, case, "a")
    assert len({call.key for call in system.calls}) == 1
    assert [(each.number, each.result) for each in room.attempts(case)] == [(1, "refused"), (2, "try_again"), (3, "done")]
    [resolved] = [entry for entry in room.entries(case) if entry.event == "incident:resolved"]
    assert (resolved.actor, resolved.payload["reason"], resolved.payload["resolution"]) == (person("admin"), "已更正工号", "retried")


def test_a_retry_with_corrected_input(make: Callable[..., Room]) -> None:
    """Only what was corrected is replaced, the rest of the input stays, and the correction is recorded."""
    system = outside(REFUSED, {"hours": 1})
    room = make(system)
    call = service("call", mapping({"who": "=subject.employee_no", "days": "=60"}), operation="ehr.usage")
    room.deploy(START, call, user("a"), END, flows("start > call", "call > a", "a > end"))
    case = room.start()
    room.run()
    [incident] = room.incidents(case)
    room.manage(incidents.retry, incident.id, input={"who": "E999"})
    wait_for(room, case, "a")
    assert [call.input for call in system.calls] == [{"who": "E000", "days": 60}, {"who": "E999", "days": 60}]
    [resolved] = [entry for entry in room.entries(case) if entry.event == "incident:resolved"]
    assert resolved.payload["resolution"] == "corrected" and resolved.payload["input"] == {"who": "E999"}


def test_a_retry_with_corrected_variables(make: Callable[..., Room]) -> None:
    """Case variables can be corrected together with a failed call."""
    room = make(outside(REFUSED, {"hours": 1}))
    room.deploy(*calling())
    case = room.start()
    room.run()
    room.manage(incidents.retry, room.incidents(case)[0].id, variables={"window": 30})
    assert room.variables(case)["window"] == 30
    wait_for(room, case, "a")


def test_an_answer_by_hand(make: Callable[..., Room]) -> None:
    """A person answers in place of the system; it is not called again, and the ledger says that it was by hand."""
    system = outside(REFUSED)
    room = make(system)
    room.deploy(*calling())
    case = room.start()
    room.run()
    [incident] = room.incidents(case)
    with pytest.raises(NotAllowed):
        room.manage(incidents.answer, incident.id, by="hr", value={"hours": 9})
    room.manage(incidents.answer, incident.id, value={"hours": 9}, request_id="r")
    room.manage(incidents.answer, incident.id, value={"hours": 9}, request_id="r")
    assert room.open(case) == "a" and room.variables(case)["hours"] == 9 and room.incidents(case) == []
    room.clock.move(days=1)
    assert room.run() == 0 and len(system.calls) == 1
    [resolved] = [entry for entry in room.entries(case) if entry.event == "incident:resolved"]
    assert (resolved.payload["resolution"], resolved.payload["value"]) == ("answered", {"hours": 9})


def test_an_incident_that_is_not_there(make: Callable[..., Room]) -> None:
    """An unknown id is answered as such."""
    room = make()
    with pytest.raises(NotFound):
        room.manage(incidents.retry, "0" * 32)
    with pytest.raises(NotFound):
        room.manage(incidents.answer, "0" * 32, value={})


@pytest.mark.parametrize("value", [{"hours": 2**60}, {"hours": {1, 2}}, {"hours": dt.date(2026, 1, 1)}], ids=["number", "set", "date"])
def test_an_answer_that_cannot_be_kept_becomes_an_incident(make: Callable[..., Room], value: Any) -> None:
    """A value that is no JSON is refused with its variable, not tried for ever."""
    system = outside(value)
    room = make(system)
    room.deploy(*calling())
    case = room.start()
    for _ in range(6):
        room.run()
        room.clock.move(minutes=2)
    assert len(room.incidents(case)) == 1 and len(system.calls) <= 3 and room.variables(case).get("hours") is None


def test_a_large_answer_becomes_a_snapshot(make: Callable[..., Room]) -> None:
    """The variable holds a reference; the next operation gets the whole back, at whatever depth, and the state stays small."""
    rows = [{"分钟": number, "name": "微信" * 5} for number in range(1000)]
    usage, portrait = outside({"rows": rows}), ScriptedOperation("portrait.compute", answers=[{"ok": True}])
    room = make(usage, portrait)
    first = service("call", mapping(outputs={"usage": "=result"}), operation="ehr.usage")
    second = service("portrait", mapping({"all": "={facts: [{usage: usage}]}", "plain": "=1"}), operation="portrait.compute")
    room.deploy(START, first, second, user("a"), END, flows("start > call", "call > portrait", "portrait > a", "a > end"))
    case = room.start()
    wait_for(room, case, "a")
    [snapshot] = room.rows(sa.select(Snapshot.__table__))
    assert room.variables(case)["usage"] == {"$snapshot": snapshot.id} and snapshot.kind == "value"
    assert portrait.calls[0].input == {"all": {"facts": [{"usage": {"rows": rows}}]}, "plain": 1}
    assert len(room.case(case).state) < 4000
    other = room.start()
    with room.services.database.reading() as connection, pytest.raises(NotFound):
        snapshots.content_of(room.services, connection, other, snapshot.id)


def test_the_limit_of_a_variable(make: Callable[..., Room]) -> None:
    """Just below the limit the value itself is kept."""
    text = "x" * (LARGEST_VALUE - len('{"hours":""}'))
    room = make(outside({"hours": text}, {"hours": text + "x"}))
    room.deploy(*calling(usage="=result"))
    small, large = room.start(), room.start()
    room.services = dataclasses.replace(room.services, settings=dataclasses.replace(room.services.settings, job_threads=1))
    room.run()
    kept = [room.variables(case)["usage"] for case in (small, large)]
    assert sorted(["hours" in value for value in kept]) == [False, True] and room.count(Snapshot) == 1


def test_files_of_an_operation_become_documents(make: Callable[..., Room]) -> None:
    """The value names them by id, and they belong to the case and to nobody."""
    file = File(kind="notice", name="通知书.pdf", media_type="application/pdf", content=b"%PDF-1.7")
    room = make(outside(Answer(value={"hours": {"document": {"$file": 0}}}, files=[file])))
    room.deploy(*calling())
    case = room.start()
    wait_for(room, case, "a")
    [document] = room.rows(sa.select(Document.id, Document.case_id, Document.created_by, Document.element))
    assert room.variables(case)["hours"] == {"document": document.id} and document[1:] == (case, None, "call")


# --- leases


def test_a_worker_that_dies_in_the_call(make: Callable[..., Room]) -> None:
    """After its lease another takes over with the same key; before that nobody does."""
    system = outside()
    room = make(system)
    room.deploy(*calling())
    case = room.start()
    dead = Runner(room.services, name="dead", seal=lambda case: None)
    assert len(dead._claim(10)) == 1
    dead.close()
    room.clock.move(seconds=room.services.settings.job_lease - 1)
    assert room.run() == 0
    room.clock.move(seconds=2)
    wait_for(room, case, "a")
    assert [(call.key, call.attempt) for call in system.calls] == [(f"{case}:call#1", 2)]


def test_a_worker_that_dies_between_call_and_commit(make: Callable[..., Room], monkeypatch: pytest.MonkeyPatch) -> None:
    """The effect outside is there, ours is not: the next attempt has the same key, so that the other side can notice."""
    system = outside()
    room = make(system)
    room.deploy(*calling())
    case = room.start()
    monkeypatch.setattr(jobs, "_answered", lambda *given: 1 / 0)
    room.run()
    assert room.open(case) == "" and room.attempts(case) == [] and room.incidents(case) == []
    monkeypatch.undo()
    assert room.run() == 0
    room.clock.move(minutes=2)
    wait_for(room.restarted(), case, "a")
    assert [call.key for call in system.calls] == [f"{case}:call#1"] * 2


def test_a_job_that_kills_every_worker_becomes_an_incident(make: Callable[..., Room], monkeypatch: pytest.MonkeyPatch) -> None:
    """After its attempts a person must look, instead of worker after worker being lost."""
    system = outside()
    room = make(system)
    room.deploy(*calling())
    case = room.start()
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "_answered", lambda *given: 1 / 0)
        for _ in range(8):
            room.run()
            room.clock.move(minutes=2)
    [incident] = room.incidents(case)
    assert len(system.calls) == 3 and "stopped" in incident.facts["reason"]
    room.manage(incidents.retry, incident.id)
    wait_for(room, case, "a")


def test_a_late_result_is_not_applied(make: Callable[..., Room]) -> None:
    """A worker that was slower than its lease changes nothing once another has answered."""
    room: Room

    def slow(call: Call) -> Answer:
        room.clock.move(minutes=5)
        second = Runner(room.services, name="second", seal=lambda case: None)
        assert second.run_due() == 1
        second.close()
        return Answer(value={"hours": "late"})

    room = make(outside(slow, {"hours": "first"}))
    room.deploy(*calling())
    case = room.start()
    wait_for(room, case, "a")
    assert room.variables(case)["hours"] == "first"
    assert room.events(case).count("job:operation:done") == 1 and len(room.attempts(case)) == 1


def test_a_late_failure_is_not_applied(make: Callable[..., Room]) -> None:
    """Neither is its failure: no incident for what another worker has done."""
    room: Room

    def slow(call: Call) -> Answer:
        room.clock.move(minutes=5)
        second = Runner(room.services, name="second", seal=lambda case: None)
        second.run_due()
        second.close()
        raise REFUSED

    room = make(outside(slow, {"hours": "first"}))
    room.deploy(*calling())
    case = room.start()
    wait_for(room, case, "a")
    assert room.incidents(case) == []


def test_two_runners_share_the_work(make: Callable[..., Room]) -> None:
    """However many look at the same moment, every call is made once."""
    system = ScriptedOperation("ehr.usage", answers=[lambda call: time.sleep(0.01) or Answer(value={"hours": 1})])
    room = make(system)
    room.deploy(*calling())
    all_cases = [room.start() for _ in range(12)]
    runners = [Runner(room.restarted().services, name=str(number), seal=lambda case: None) for number in range(3)]

    def work(runner: Runner) -> int:
        total = 0
        while count := runner.run_due(3):
            total += count
        return total

    taken = together(*(lambda runner=runner: work(runner) for runner in runners))  # type: ignore[misc]
    assert sum(taken) == 12 and len({call.key for call in system.calls}) == len(system.calls) == 12
    assert {room.open(case) for case in all_cases} == {"a"}
    for runner in runners:
        runner.close()


def test_parallel_calls_of_one_case(make: Callable[..., Room]) -> None:
    """They run side by side, and each answer finds the case as the others left it."""
    gate = threading.Barrier(3)
    together_ = ScriptedOperation(
        "x.a", "x.b", "x.c", answers=[lambda call: (gate.wait(10) and None) or Answer(value={call.operation[-1]: 1})]
    )
    room = make(together_)
    split, join = node("parallelGateway", "split"), node("parallelGateway", "join")
    calls = [service(f"c_{name}", operation=f"x.{name}") for name in "abc"]
    ways = flows("start > split", *(f"split > c_{n}" for n in "abc"), *(f"c_{n} > join" for n in "abc"), "join > z", "z > end")
    room.deploy(START, split, *calls, join, user("z"), END, ways)
    case = room.start()
    assert room.run() == 3
    assert room.open(case) == "z" and {"a": 1, "b": 1, "c": 1}.items() <= room.variables(case).items()
    assert room.incidents(case) == []


def test_one_look_when_nothing_is_due(make: Callable[..., Room]) -> None:
    """A runner with nothing to do asks once and writes nothing, whatever number of cases waits."""
    room = make(outside())
    room.deploy(START, node("intermediateCatchEvent", "later", timer(duration="P1D")), END, flows("start > later", "later > end"))
    room.start()
    room.start()
    before, statements = room.services.database.sent, []
    sa.event.listen(room.services.database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    runner = Runner(room.services, name="idle", seal=lambda case: None)
    assert runner.run_due() == 0
    assert room.services.database.sent == before and len([each for each in statements if each != "BEGIN"]) == 1
    runner.close()


# --- timers


def test_delay_fires_once_when_it_is_due(make: Callable[..., Room]) -> None:
    """延迟 / 定时 (delay): not before, not twice, also not in a process that has just started."""
    room = make()
    room.deploy(
        START,
        node("intermediateCatchEvent", "later", timer(duration="PT1H")),
        user("a"),
        END,
        flows("start > later", "later > a", "a > end"),
    )
    case = room.start()
    room.clock.move(minutes=59, seconds=59)
    assert room.run() == 0
    room.clock.move(seconds=1)
    room = room.restarted()
    assert room.run() == 1 and room.open(case) == "a"
    room.clock.move(days=9)
    assert room.run() == 0
    assert room.events(case).count("job:timer:fired") == 1


def test_timers_fire_in_order_after_an_outage(make: Callable[..., Room]) -> None:
    """When a reminder, an escalation and the end of a term all became due meanwhile, they happen in that order, once each."""
    room = make()
    spans = {"first": "PT1H", "second": "PT2H", "third": "PT3H", "fourth": "PT4H"}
    edges = [node("boundaryEvent", name, timer(duration=span), attachedToRef="a", cancelActivity="false") for name, span in spans.items()]
    final = node("boundaryEvent", "final", timer(duration="PT5H"), attachedToRef="a")
    ways = flows("start > a", "a > end", *(f"{name} > e_{name}" for name in spans), "final > end")
    room.deploy(START, user("a"), *edges, final, *(node("endEvent", f"e_{name}") for name in spans), END, ways)
    several = [room.start() for _ in range(4)]
    room.clock.move(days=3)
    runners = [Runner(room.restarted().services, name=str(number), seal=lambda case: None) for number in range(2)]

    def work(runner: Runner) -> None:
        for _ in range(40):
            runner.run_due()

    together(*(lambda runner=runner: work(runner) for runner in runners))  # type: ignore[misc]
    for runner in runners:
        runner.close()
    for case in several:
        fired = [entry.element for entry in room.entries(case) if entry.event == "job:timer:fired"]
        assert fired == [*spans, "final"]
        assert room.case(case).status == "closed" and room.open(case) == ""


def test_a_reminder_repeats(make: Callable[..., Room]) -> None:
    """Every interval until its number is used up; missed ones are not made up for; the completion ends it."""
    room = make()
    edge = node("boundaryEvent", "remind", timer(cycle="R3/PT24H"), attachedToRef="a", cancelActivity="false")
    room.deploy(START, user("a"), edge, node("endEvent", "e"), END, flows("start > a", "a > end", "remind > e"))
    case = room.start()
    fired = []
    for _ in range(5):
        room.clock.move(hours=24)
        fired.append(room.run())
    assert fired == [1, 1, 1, 0, 0] and room.open(case) == "a"
    other = room.start()
    room.clock.move(hours=60)
    assert room.run() == 1
    room.clock.move(hours=24)
    assert room.run() == 1
    room.complete(other, "a")
    room.clock.move(days=9)
    assert [job.state for job in room.jobs(other) if job.kind == "timer"] == ["done", "done", "dropped"]


def test_a_completion_drops_the_timer(make: Callable[..., Room]) -> None:
    """What no longer waits is not reminded of."""
    room = make()
    edge = node("boundaryEvent", "late", timer(duration="PT1H"), attachedToRef="a")
    room.deploy(START, user("a"), edge, user("b"), user("c"), END, flows("start > a", "a > b", "late > c", "b > end", "c > end"))
    case = room.start()
    room.complete(case, "a")
    room.clock.move(days=1)
    assert room.run() == 0 and room.open(case) == "b"
    assert [job.state for job in room.jobs(case)] == ["dropped"]


def test_a_timer_and_a_completion_at_the_same_moment(make: Callable[..., Room]) -> None:
    """One of the two wins, and the case is in one state only."""
    room = make()
    edge = node("boundaryEvent", "late", timer(duration="PT1H"), attachedToRef="a")
    room.deploy(START, user("a"), edge, user("b"), user("c"), END, flows("start > a", "a > b", "late > c", "b > end", "c > end"))
    several = [room.start() for _ in range(6)]
    room.clock.move(hours=1)
    for case in several:
        together(room.run, lambda case=case: room.complete(case, "a"))  # type: ignore[misc]
    room.run()
    for case in several:
        assert room.open(case) in ("b", "c") and room.incidents(case) == []
        assert room.events(case).count("work:item:completed") == (room.open(case) == "b")


# --- what else may happen to the case


def test_a_suspended_case_runs_no_job(make: Callable[..., Room]) -> None:
    """Neither calls nor timers, until it is resumed; its incidents wait too."""
    system = outside(REFUSED, {"hours": 1})
    room = make(system)
    room.deploy(*calling())
    case = room.start()
    room.manage(cases.suspend, case)
    assert room.run() == 0 and system.calls == []
    room.manage(cases.resume, case)
    room.run()
    [incident] = room.incidents(case)
    room.manage(cases.suspend, case)
    with pytest.raises(CaseNotRunning):
        room.manage(incidents.retry, incident.id)
    room.manage(cases.resume, case)
    room.manage(incidents.retry, incident.id)
    wait_for(room, case, "a")


def test_the_answer_of_a_call_under_way_is_kept(make: Callable[..., Room]) -> None:
    """A case that is suspended while a system is asked takes the answer, and stays suspended."""
    room: Room
    found: list[str] = []

    def suspending(call: Call) -> Answer:
        room.manage(cases.suspend, found[0])
        return Answer(value={"hours": 1})

    system = outside(suspending)
    room = make(system)
    room.deploy(*calling())
    found.append(room.start())
    room.run()
    assert room.case(found[0]).status == "suspended" and room.open(found[0]) == "a" and len(system.calls) == 1


def test_closing_drops_what_has_not_run(make: Callable[..., Room]) -> None:
    """After a cancellation nothing is called any more, a result under way is not applied, and incidents are over."""
    room: Room
    found: list[str] = []

    def cancelling(call: Call) -> Answer:
        room.manage(endings.terminate, found[0])
        return Answer(value={"hours": 1})

    system = outside(cancelling, REFUSED)
    room = make(system)
    room.deploy(*calling())
    found.append(room.start())
    room.run()
    row = room.case(found[0])
    assert (row.status, row.outcome, room.open(found[0])) == ("closed", "terminated", "")
    broken, waiting = room.start(), room.start()
    room.run()
    for case in (broken, waiting):
        assert len(room.incidents(case)) == 1
        room.manage(endings.terminate, case)
        assert room.incidents(case) == []
        assert {job.state for job in room.jobs(case) if job.kind == "operation"} == {"dropped"}
    count = len(system.calls)
    room.clock.move(days=1)
    room.run()
    assert len(system.calls) == count


def test_an_answer_that_leads_to_nobody_becomes_an_incident(make: Callable[..., Room]) -> None:
    """Where the next step of a chain finds nobody, a person must look; once somebody holds the role a retry goes on."""
    room = make(outside())
    sign = node("userTask", "a", zeebe("properties", zeebe("property", name="wf.chain", value="c")))
    call = service("call", operation="ehr.usage")
    step = {"name": "总监", "name_en": "x", "mode": "single", "approvers": [{"rule": "role", "roles": ["hr_director"]}]}
    chain = {"c": {"name": "审批", "name_en": "x", "steps": [step]}}
    body = (START, call, sign, END, flows("start > call", "call > a", "a > end"))
    room.deploy(*body, chains=chain)
    room.write(sa.delete(Holding).where(Holding.role.in_(["hr_director", "admin"])))
    case = room.start()
    room.run()
    [incident] = room.incidents(case)
    assert (incident.code, incident.facts) == ("nobody_signs", {"step": "总监"}) and room.open(case) == "a"
    assert room.jobs(case)[0].state == "done"
    room.write(sa.insert(Holding).values(person_id=person("director"), role="hr_director"))
    room.write(sa.insert(Holding).values(person_id=person("admin"), role="admin"))
    room.manage(incidents.retry, incident.id)
    wait_for(room, case, "a")
    room.approve(case, "a", by="director")


def test_a_timer_that_leads_to_nobody_becomes_an_incident(make: Callable[..., Room]) -> None:
    """The same when a timer opens the work."""
    room = make()
    task = node("userTask", "a", zeebe("assignmentDefinition", assignee="nobody"))
    later = node("intermediateCatchEvent", "later", timer(duration="PT1H"))
    room.deploy(START, later, task, END, flows("start > later", "later > a", "a > end"), rules={"managers": ["admin"]})
    case = room.start()
    room.write(sa.delete(Holding).where(Holding.role == "admin"))
    room.clock.move(hours=1)
    room.run()
    [incident] = room.incidents(case)
    assert incident.code == "nobody_signs" and room.events(case).count("job:timer:fired") == 0
    room.write(sa.insert(Holding).values(person_id=person("admin"), role="admin"))
    with pytest.raises(ItemClosed):
        room.manage(incidents.answer, incident.id, value={})
    room.manage(incidents.retry, incident.id)
    wait_for(room, case, "a")


def test_a_case_that_cannot_be_sealed_becomes_an_incident(make: Callable[..., Room]) -> None:
    """Sealing is tried again like a call; after the last attempt the closed case shows it, and a retry seals it."""
    room = make()
    room.deploy(START, user("a"), END, flows("start > a", "a > end"))
    case = room.start()
    room.complete(case, "a")
    tried: list[str] = []

    def seal(case: str) -> None:
        tried.append(case)
        if len(tried) <= 5:
            raise PartwellError()

    def run() -> None:
        runner = Runner(room.services, name="sealer", seal=seal)
        runner.run_due()
        runner.close()
        room.clock.move(hours=2)

    for _ in range(7):
        run()
    assert len(tried) == 5
    [incident] = room.incidents(case)
    room.manage(incidents.retry, incident.id, request_id=new_id())
    run()
    assert len(tried) == 6 and room.incidents(case) == [] and room.value(sa.select(Job.state).where(Job.kind == "seal")) == "done"


def test_every_step_of_a_call_in_a_fresh_process(make: Callable[..., Room]) -> None:
    """Start, failing call, call, timer, gateway and task each in a process that has just started."""
    room = make(outside(AGAIN, {"hours": 2.5}))
    later = node("intermediateCatchEvent", "later", timer(duration="PT1H"))
    gate = node("exclusiveGateway", "gate", default="gate_end")
    body = (*calling()[:2], later, gate, user("a", zeebe("formDefinition", formId="f")), END)
    ways = flows("start > call", "call > later", "later > gate", "gate > a: hours > 2", "gate > end", "a > end")
    room.deploy(*body, ways, forms={"f": form("x")})
    case = room.restarted().start()
    for _ in range(3):
        assert room.restarted().run() == 1
        room.clock.move(hours=1)
    assert room.open(case) == "a"
    room.restarted().complete(case, "a", x="完")
    assert room.restarted().case(case).status == "closed" and room.restarted().variables(case)["x"] == "完"


def test_a_result_while_another_holds_the_lease_is_not_applied(make: Callable[..., Room]) -> None:
    """Even if the other has not answered yet: what it brings counts, not what came too late."""
    room: Room

    def slow(call: Call) -> Answer:
        room.clock.move(minutes=5)
        second = Runner(room.services, name="second", seal=lambda case: None)
        assert len(second._claim(5)) == 1
        second.close()
        return Answer(value={"hours": "late"})

    room = make(outside(slow, {"hours": "right"}))
    room.deploy(*calling())
    case = room.start()
    room.run()
    assert room.open(case) == "" and room.attempts(case) == []
    room.clock.move(minutes=5)
    wait_for(room, case, "a")
    assert room.variables(case)["hours"] == "right"


def test_a_timer_that_was_taken_before_the_suspension_does_not_fire(make: Callable[..., Room]) -> None:
    """A runner that has just taken it finds the case suspended; it fires after the case is resumed, once."""
    room = make()
    later = node("intermediateCatchEvent", "later", timer(duration="PT1H"))
    room.deploy(START, later, user("a"), END, flows("start > later", "later > a", "a > end"))
    case = room.start()
    room.clock.move(hours=1)
    runner = Runner(room.services, name="quick", seal=lambda case: None)
    [job] = runner._claim(5)
    room.manage(cases.suspend, case)
    runner._run(job)
    assert room.open(case) == "" and room.case(case).status == "suspended"
    room.manage(cases.resume, case)
    room.clock.move(minutes=5)
    wait_for(room, case, "a")
    assert room.events(case).count("job:timer:fired") == 1
    runner.close()


# --- what an operation may do wrong


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [deep(5000), {"hours": float("nan"), "x": {1}}, {"hours": b"2"}, {1: 2}, "x" * (jobs.LARGEST_ANSWER + 1)])
def test_an_answer_that_is_no_json_is_for_a_person_at_once(make: Callable[..., Room], value: Any) -> None:
    """Called again, the operation would say the same; the incident says what is wrong, and an answer by hand takes the case on."""
    system = outside(value)
    room = make(system)
    room.deploy(*calling())
    case = room.start()
    room.run()
    [incident] = room.incidents(case)
    assert incident.code == "needs_person" and "answer" in incident.facts["reason"] and len(system.calls) == 1
    room.manage(incidents.answer, incident.id, value={"hours": 1})
    assert room.open(case) == "a"


@pytest.mark.parametrize("thrown", [SystemExit, KeyboardInterrupt, MemoryError, RecursionError], ids=lambda thrown: str(thrown.__name__))
def test_an_operation_that_wants_to_stop_the_process(make: Callable[..., Room], thrown: type[BaseException]) -> None:
    """The worker goes on with the other jobs; the case gets an incident, at once or after the attempts."""

    def stops(call: Call) -> Answer:
        raise thrown("stop")

    other = ScriptedOperation("x.other", answers=[{}])
    room = make(outside(stops), other)
    room.deploy(*calling())
    ways = flows("start > call", "call > a", "a > end")
    room.deploy(START, service("call", operation="x.other"), user("a"), END, ways, procedure="other")
    case, healthy = room.start(), room.start(procedure="other")
    for _ in range(6):
        room.run()
        room.clock.move(minutes=2)
    assert room.open(healthy) == "a" and len(room.incidents(case)) == 1


def test_a_call_that_fails_after_its_case_was_closed(make: Callable[..., Room]) -> None:
    """Nobody is bothered: no incident and no further attempt; that it failed stands in the ledger behind the end of the case."""
    room: Room
    case = ""

    def cancelled(call: Call) -> Answer:
        room.manage(endings.terminate, case)
        raise REFUSED

    room = make(outside(cancelled))
    room.deploy(*calling())
    case = room.start()
    room.run()
    assert room.case(case).status == "closed" and room.incidents(case) == []
    assert "case:closed" in room.events(case) and room.events(case)[-1] == "job:operation:failed"
    room.clock.move(hours=2)
    assert room.run() == 0 and {job.state for job in room.jobs(case)} == {"dropped", "done"}


def test_a_row_made_anew_keeps_the_key(make: Callable[..., Room]) -> None:
    """The key comes from case, element and visit: a job row that was lost and made again does not look new to the outside system."""
    system = outside(AGAIN, {"hours": 1})
    room = make(system)
    room.deploy(*calling())
    case = room.start()
    room.run()
    [job] = room.jobs(case)
    sealed = room.services.keyring.unseal_json(job.request, f"jobs.request/{job.id}")
    anew = {**job._mapping, "id": new_id(), "attempts": 0, "due_at": room.clock.now()}
    anew["request"] = room.services.keyring.seal_json(sealed, f"jobs.request/{anew['id']}")
    room.write(sa.delete(JobAttempt))
    room.write(sa.delete(Job).where(Job.id == job.id))
    room.write(sa.insert(Job).values(anew))
    wait_for(room, case, "a")
    assert [call.key for call in system.calls] == [f"{case}:call#1"] * 2


def test_jobs_that_end_together_are_ended_once(make: Callable[..., Room]) -> None:
    """Sealing many closed cases writes their ends in few commits, and loses none."""
    room = make()
    room.deploy(START, user("a"), END, flows("start > a", "a > end"))
    for _ in range(12):
        room.complete(room.start(), "a")
    sealed: list[str] = []
    runner = Runner(room.services, name="sealer", seal=sealed.append)
    before = room.services.database.sent.commits
    assert runner.run_due() == 12
    assert len(set(sealed)) == len(sealed) == 12 and room.services.database.sent.commits - before <= 13
    assert room.values(sa.select(Job.state)) == ["done"] * 12
    late = Runner(room.services, name="late", seal=sealed.append)
    room.complete(room.start(), "a")
    [job] = late._claim(1)
    room.clock.move(minutes=2)
    [again] = runner._claim(1)
    late._run(job)
    assert room.value(sa.select(Job.state).where(Job.id == again.id)) == "leased"
    runner._run(again)
    assert room.value(sa.select(Job.state).where(Job.id == again.id)) == "done"
    runner.close()
    late.close()
