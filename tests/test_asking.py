"""外部系统指定: an outside system says who signs a step."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import Room, person
from test_standing_steps import begin, rounds, step
from twins import ScriptedOperation

from engine import casefile, endings, inbox, replay, work
from engine.chains import drafts, explain, preview
from engine.chains.faults import faults, unwired
from engine.chains.situation import Situation
from engine.errors import NeedsPerson, TryAgain
from engine.models import Job, SignOff, WorkRound, new_id
from engine.ports import Answer, Call, Json
from engine.services import Services

ASK = {"rule": "operation", "operation": "org.signers", "values": {"about": "subject.id"}}
HR = {"rule": "person", "persons": [person("hr")]}


def office(services: Services, *answers: Any) -> tuple[Room, ScriptedOperation]:
    """An office with an outside system that answers so."""
    system = ScriptedOperation("org.signers", answers=answers)
    return Room(services, system), system


def asking(key: str, *rules: dict[str, Json], **more: Json) -> dict[str, Json]:
    """A step whose signers an outside system names, or else these rules."""
    return step(key, "hr", **{"approvers": [ASK, *rules], **more})


def signers(room: Room, state: str = "open") -> list[str]:
    return room.values(sa.select(SignOff.person_id).where(SignOff.state == state).order_by(SignOff.position))


def traces(room: Room) -> list[dict[str, Any]]:
    return room.values(sa.select(WorkRound.trace).order_by(WorkRound.id))


def same(room: Room, case: str) -> bool:
    return replay.replay(room.services, room.case(case).number).same


def test_rule_operation_is_asked_before_the_step_opens(services: Services) -> None:
    """外部系统指定 (operation): a job asks with what the chain says, the item waits, and whom it names sign; all of it is kept."""
    room, system = office(services, {"persons": ["E005", "E004"]})
    case = begin(room, step("first", "hr"), asking("second", mode="sequence"))
    assert room.run() == 0 and not system.calls
    room.approve(case, "sign", by="hr")
    assert rounds(room, case) == ["first approved", "second open"] and signers(room) == []
    [_, waiting] = traces(room)
    assert explain.explain(waiting, "en") == "An outside system is being asked who signs (org.signers)."
    assert room.run() == 1
    assert [call.input for call in system.calls] == [{"about": person("subject")}]
    assert rounds(room, case) == ["first approved", "second open"]
    assert signers(room) == [person("director")] and signers(room, "waiting") == [person("hr2")]
    [_, opened] = traces(room)
    assert explain.explain(opened, "en").startswith("To be signed by 孙志远, 周洁, as the outside system says")
    events = room.events(case)
    assert [one for one in events if "signers" in one] == ["work:signers:asked", "work:signers:answered"]
    assert "evidence:snapshot:stored" in events and room.run() == 0
    room.approve(case, "sign", by="director")
    room.approve(case, "sign", by="hr2")
    assert room.open(case) == "yes" and same(room, case)


NO = NeedsPerson(system="org", operation="org.signers", reason="no")


@pytest.mark.parametrize("answer", [NO, {"persons": "E005"}, "?", None, 7, [[]]])
def test_rule_operation_that_fails_falls_to_the_next_rule(services: Services, answer: Any) -> None:
    """外部系统指定 (operation): no answer, or one of the wrong shape, is nobody by this rule; the trace tells it, and nothing stands."""
    room, _ = office(services, answer)
    case = begin(room, asking("first", HR))
    assert room.run() == 1
    assert signers(room) == [person("hr")] and room.incidents(case) == []
    [trace] = traces(room)
    told = explain.explain(trace, "en")
    assert "gave no answer" in told if isinstance(answer, NeedsPerson) else "does not name persons" in told
    assert not room.rows(sa.select(Job.id).where(Job.state == "failed"))
    room.approve(case, "sign", by="hr")
    assert room.open(case) == "yes" and same(room, case)


def test_rule_operation_is_tried_as_often_as_any_call(services: Services) -> None:
    """外部系统指定 (operation): an outage is waited out, with the same key each time; after the last attempt the next rule counts."""
    busy = TryAgain(system="org", operation="org.signers", reason="busy")
    room, system = office(services, busy)
    case = begin(room, asking("first", HR))
    for _ in range(3):
        assert signers(room) == []
        room.run()
        room.clock.move(hours=1)
    assert signers(room) == [person("hr")] and len({call.key for call in system.calls}) == 1 and len(system.calls) == 3
    assert room.events(case).count("job:operation:failed") == 3


def test_rule_operation_of_no_connector_is_nobody(services: Services) -> None:
    """外部系统指定 (operation): an operation that nobody offers any more opens the step by the next rule; publishing names it before."""
    room, _ = office(services, {"persons": ["E005"]})
    begin(room, asking("first", HR))
    room.services = dataclasses.replace(room.services, operations={})
    room.run()
    assert signers(room) == [person("hr")]
    draft = drafts.Draft(key="d", name="x", name_en="x", steps=[asking("first")], base=0, revision=0)
    [fault] = drafts.check(room.services, draft)
    assert fault.field == "approvers.0.operation" and "org.signers" in str(fault.said)


def test_rule_operation_naming_unknown_people_or_the_subject(services: Services) -> None:
    """外部系统指定 (operation): who is not known, and whom the case is about, are dropped with the reason, like anybody's candidates."""
    room, _ = office(services, ["nobody", person("subject"), {"employee_no": "E004"}])
    begin(room, asking("first", HR))
    room.run()
    assert signers(room) == [person("hr2")]
    [trace] = traces(room)
    assert [one["reason"] for one in trace["tried"][0]["dropped"]] == ["unknown", "subject"]


def test_rule_operation_whose_values_cannot_be_told_asks_nobody(services: Services) -> None:
    """外部系统指定 (operation): an expression that fails is told, and the next rule counts at once."""
    room, system = office(services, [])
    begin(room, asking("first", HR, approvers=[{**ASK, "values": {"x": "missing.name"}}, HR]))
    assert signers(room) == [person("hr")] and room.run() == 0 and not system.calls


def test_rule_operation_is_dropped_with_its_item(services: Services) -> None:
    """外部系统指定 (operation): what ends the case meanwhile ends the asking; an answer under way is kept and moves nothing."""
    room, system = office(services, ["E004"])
    case = begin(room, asking("first"))
    room.manage(endings.terminate, case)
    room.run()
    assert not system.calls and {job.state for job in room.jobs(case) if job.kind == "asking"} == {"dropped"}

    def late(call: Call) -> Answer:
        room.manage(endings.terminate, second)
        return Answer(value=["E004"])

    system.answers = [late]
    second = room.start()
    room.run()
    assert rounds(room, second) == ["first left"] and signers(room) == []
    [entry] = [one for one in room.entries(second) if one.event == "work:signers:answered"]
    assert entry.payload["late"] is True


def test_rule_operation_is_asked_anew_after_a_withdrawal(services: Services) -> None:
    """外部系统指定 (operation): who approved the step before may take it back while the system is asked; then it is asked again."""
    room, system = office(services, ["E004"])
    case = begin(room, step("first", "hr"), asking("second"))
    room.approve(case, "sign", by="hr")
    item = room.item(case, "sign")
    assert "withdraw" in inbox.item_page(room.services, item, reader=person("hr")).may
    room.manage(work.withdraw, item, by="hr")
    assert rounds(room, case) == ["first open", "second withdrawn"] and room.run() == 0 and not system.calls
    room.approve(case, "sign", by="hr")
    room.run()
    assert signers(room) == [person("hr2")] and len(system.calls) == 1
    work.return_(room.services, item, to_step="first", reason="补充", actor=person("hr2"), request_id=new_id())
    room.approve(case, "sign", by="hr")
    room.run()
    assert signers(room) == [person("hr2")] and len(system.calls) == 2 and same(room, case)


def test_rule_operation_survives_a_worker_that_is_killed(services: Services) -> None:
    """外部系统指定 (operation): a worker that dies while it asks leaves nothing behind: another asks with the same key, once more."""
    room, system = office(services, ["E004"])
    case = begin(room, asking("first", HR))
    [job] = room.jobs(case)
    lost = {"state": "leased", "lease": new_id(), "lease_until": room.clock.now(), "attempts": 1}
    room.write(sa.update(Job).where(Job.id == job.id).values(lost))
    room.clock.move(minutes=5)
    room = room.restarted()
    room.run()
    assert signers(room) == [person("hr2")] and [call.key for call in system.calls] == [job.key]
    room.write(sa.update(Job).where(Job.id == job.id).values(state="leased", lease=job.id, lease_until=room.clock.now()))
    room.run()
    assert signers(room) == [person("hr2")]


def test_rule_operation_is_shown_ahead_without_a_call(services: Services) -> None:
    """外部系统指定 (operation): forecast and preview ask nobody; they say that it is asked when the step opens."""
    room, system = office(services, ["E004"])
    case = begin(room, step("first", "hr"), asking("second", HR))
    with room.services.database.reading() as connection:
        situation = Situation(subject=person("subject"), initiator=person("boss"), at=room.clock.now())
        [_, second] = preview.who_signs(connection, [step("first", "hr"), asking("second", HR)], situation)
    assert second.outcome == "unknown" and "when the step opens" in explain.explain(second.trace, "en")
    [_, ahead] = inbox.item_page(room.services, room.item(case, "sign"), reader=person("hr")).steps
    assert ahead.expected == "unknown" and not system.calls
    room.approve(case, "sign", by="hr")
    [_, now] = inbox.item_page(room.services, room.item(case, "sign"), reader=person("hr")).steps
    assert now.state == "waiting" and now.trace["policy"] == "asking"
    [call] = casefile.case_page(room.services, case, reader=person("admin")).calls
    assert (call.operation, call.state) == ("org.signers", "waiting")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"rule": "operation"}], "name of an operation"),
        ([{**ASK, "operation": "a b"}], "name of an operation"),
        ([{**ASK, "values": ["x"]}], "an object"),
        ([{**ASK, "values": {"x": ""}}], "a text"),
        ([{**ASK, "values": {"x": "1 +"}}], "cannot be read"),
        ([{"rule": "initiator_chooses", "pool": ASK}], "not known"),
        ([ASK, {"rule": "signer_chooses"}], "let them choose first"),
    ],
)
def test_rule_operation_is_refused_where_it_cannot_be_asked(rules: list[Any], said: str) -> None:
    """外部系统指定 (operation): a rule that is not sound, or stands where nobody could wait, is refused with its place."""
    found = faults("x", "x", [step("first", "hr"), step("second", "hr", approvers=rules)])
    assert said in " ".join(str(fault.sentence) for fault in found)
    assert unwired([step("first", "hr", copies=[ASK])])


def test_rule_operation_after_another(services: Services) -> None:
    """外部系统指定 (operation): the second system is asked where the first names nobody, and neither is asked twice for one opening."""
    first = ScriptedOperation("org.signers", answers=[[]])
    room = Room(services, first, second := ScriptedOperation("org.others", answers=[["E004"]]))
    case = begin(room, asking("first", {"rule": "operation", "operation": "org.others"}, HR))
    assert room.run() == 2 and (len(first.calls), len(second.calls)) == (1, 1)
    assert signers(room) == [person("hr2")] and rounds(room, case) == ["first open"]
