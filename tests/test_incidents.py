"""What people do about incidents beyond trying one again: skip the step, or try all of an operation."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, flows, mapping, node, service, timer, user, zeebe
from engine_room import Room, person
from twins import ScriptedOperation

from engine import cases, incidents
from engine.errors import CaseNotRunning, ItemClosed, NotAllowed, NotFound, Refused, TryAgain
from engine.models import Holding, Job
from engine.services import Services

REFUSED = Refused(system="ehr", operation="ehr.usage", reason="unknown employee")


def calling(room: Room, *, operation: str = "ehr.usage") -> None:
    """One call whose answer becomes a variable, then one task."""
    call = service("call", mapping(outputs={"hours": "=hours"}), operation=operation)
    room.deploy(START, call, user("a"), END, flows("start > call", "call > a", "a > end"), procedure=operation)


def refusing(services: Services, *answers: Any) -> tuple[Room, ScriptedOperation]:
    system = ScriptedOperation("ehr.usage", "oa.lock", answers=answers or [REFUSED])
    return Room(services, system), system


def test_a_failed_call_is_skipped(services: Services) -> None:
    """The case goes on without a result, nothing is called, and who did it and why is in the ledger; a second click changes nothing."""
    room, system = refusing(services)
    calling(room)
    case = room.start(procedure="ehr.usage")
    room.run()
    [incident] = room.incidents(case)
    for by, reason in (("hr", "x"), ("subject", "x"), ("admin", " ")):
        with pytest.raises(NotAllowed):
            room.manage(incidents.skip, incident.id, by=by, reason=reason)
    room.manage(incidents.skip, incident.id, reason="系统已停用", request_id="r")
    room.manage(incidents.skip, incident.id, reason="系统已停用", request_id="r")
    assert room.open(case) == "a" and room.incidents(case) == [] and "hours" not in room.variables(case)
    room.clock.move(days=1)
    assert room.run() == 0 and len(system.calls) == 1 and room.jobs(case)[0].state == "dropped"
    [resolved] = [entry for entry in room.entries(case) if entry.event == "incident:resolved"]
    assert (resolved.actor, resolved.payload["resolution"], resolved.payload["reason"]) == (person("admin"), "skipped", "系统已停用")
    with pytest.raises(ItemClosed):
        room.manage(incidents.skip, incident.id)
    room.restarted().complete(case, "a")
    assert room.case(case).status == "closed"


def test_a_skip_leaves_what_waited_beside_the_step(services: Services) -> None:
    """A term on the skipped call no longer runs."""
    room, _ = refusing(services)
    call, late = service("call", operation="ehr.usage"), boundary("late", "call", timer(duration="PT9H"))
    room.deploy(START, call, late, user("a"), user("b"), END, flows("start > call", "call > a", "late > b", "a > end", "b > end"))
    case = room.start()
    room.run()
    room.manage(incidents.skip, room.incidents(case)[0].id)
    room.clock.move(days=1)
    assert room.run() == 0 and room.open(case) == "a"
    assert sorted(job.state for job in room.jobs(case)) == ["dropped", "dropped"]


def test_a_step_that_is_stuck_is_skipped(services: Services) -> None:
    """Work that cannot be opened is passed, too."""
    room, _ = refusing(services)
    task = user("a", zeebe("priorityDefinition", priority='="soon"'))
    room.deploy(START, task, user("b"), END, flows("start > a", "a > b", "b > end"))
    case = room.start()
    [incident] = room.incidents(case)
    room.manage(incidents.skip, incident.id)
    assert room.open(case) == "b" and room.incidents(case) == []


def test_a_timer_that_cannot_fire_is_skipped(services: Services) -> None:
    """What it opens has nobody to do it; skipped, the case goes on past the timer once somebody is there."""
    room, _ = refusing(services)
    task = node("userTask", "a", zeebe("assignmentDefinition", assignee="nobody"))
    later = node("intermediateCatchEvent", "later", timer(duration="PT1H"))
    room.deploy(START, later, task, END, flows("start > later", "later > a", "a > end"), rules={"managers": ["hr"]})
    room.write(sa.delete(Holding).where(Holding.role == "hr"))
    case = room.start()
    room.clock.move(hours=1)
    room.run()
    room.write(sa.insert(Holding).values(person_id=person("hr"), role="hr"))
    room.manage(incidents.skip, room.incidents(case)[0].id, by="hr")
    assert room.open(case) == "a" and room.incidents(case) == []
    room.clock.move(days=1)
    assert room.run() == 0


def test_a_case_must_be_sealed(services: Services) -> None:
    """Sealing is no step that somebody may skip."""
    from engine.jobs import Runner

    room, _ = refusing(services)
    room.deploy(START, user("a"), END, flows("start > a", "a > end"))
    case = room.start()
    room.complete(case, "a")

    def fails(case_id: str) -> None:
        raise REFUSED

    for _ in range(6):
        runner = Runner(room.services, name="sealer", seal=fails)
        runner.run_due()
        runner.close()
        room.clock.move(hours=2)
    with pytest.raises(ItemClosed):
        room.manage(incidents.skip, room.incidents(case)[0].id)


def test_all_incidents_of_an_operation_are_tried_again(services: Services) -> None:
    """With one reason, each recorded in its case; those of another operation wait, and one that cannot be tried is named."""
    room, system = refusing(services, *[REFUSED] * 5, {"hours": 1})
    calling(room)
    calling(room, operation="oa.lock")
    several = [room.start(procedure="ehr.usage") for _ in range(4)]
    other = room.start(procedure="oa.lock")
    room.run()
    room.manage(cases.suspend, several[3])
    done = incidents.retry_all(room.services, "ehr.usage", actor=person("admin"), reason="系统已恢复", request_id="r")
    assert done.count == 3 and [(number, type(error)) for number, error in done.refused] == [(room.case(several[3]).number, CaseNotRunning)]
    room.run()
    assert [room.open(case) for case in several] == ["a", "a", "a", ""] and len(room.incidents(other)) == 1
    assert len({call.key for call in system.calls}) == 5 and len(system.calls) == 8
    for case in several[:3]:
        [resolved] = [entry for entry in room.entries(case) if entry.event == "incident:resolved"]
        assert (resolved.actor, resolved.payload["reason"]) == (person("admin"), "系统已恢复")
    room.manage(cases.resume, several[3])
    assert incidents.retry_all(room.services, "ehr.usage", actor=person("admin"), reason="x", request_id="r").count == 1
    with pytest.raises(NotFound):
        incidents.retry_all(room.services, "ehr.usage", actor=person("admin"), reason="x", request_id="s")


def test_only_managers_try_all_again_and_never_for_themselves(services: Services) -> None:
    """A case about the manager is left to another one; nobody does it without a reason."""
    room, _ = refusing(services)
    calling(room)
    about_admin, about_other = room.start(procedure="ehr.usage", by="boss", about="subject"), ""
    room.run()
    for by, reason in (("hr", "x"), ("admin", " ")):
        with pytest.raises(NotAllowed):
            incidents.retry_all(room.services, "ehr.usage", actor=person(by), reason=reason, request_id="r")
    room.write(sa.insert(Holding).values(person_id=person("subject"), role="admin"))
    with pytest.raises(NotFound):
        incidents.retry_all(room.services, "ehr.usage", actor=person("subject"), reason="x", request_id="r")
    assert len(room.incidents(about_admin)) == 1 and about_other == ""


def test_two_people_retry_at_once(services: Services) -> None:
    """The second is told that it was done; the system is called once."""
    from engine_room import together

    room, system = refusing(services, REFUSED, {"hours": 1})
    calling(room)
    case = room.start(procedure="ehr.usage")
    room.run()
    [incident] = room.incidents(case)
    given = together(*(lambda: room.manage(incidents.retry, incident.id) for _ in range(4)))
    assert sorted(type(each).__name__ for each in given) == ["ItemClosed"] * 3 + ["NoneType"]
    room.run()
    assert room.open(case) == "a" and len(system.calls) == 2


def test_what_is_done_about_an_incident_can_be_done_again_from_the_ledger(services: Services) -> None:
    """Each entry says which act of the execution it was, with its arguments."""
    room, _ = refusing(services, TryAgain(system="x", operation="x", reason="x"), REFUSED)
    call = node("serviceTask", "call", zeebe("taskDefinition", type="ehr.usage", retries="1"))
    room.deploy(START, call, user("a"), END, flows("start > call", "call > a", "a > end"))
    told = []
    for act, more in ((incidents.skip, {}), (incidents.answer, {"value": {"x": 1}}), (incidents.retry, {"variables": {"y": 2}})):
        case = room.start()
        room.run()
        room.manage(act, room.incidents(case)[0].id, **more)
        [entry] = [entry for entry in room.entries(case) if entry.event == "incident:resolved"]
        told.append({name: entry.payload.get(name) for name in ("act", "instance", "value", "values")})
    assert told == [
        {"act": "skip", "instance": "call#1", "value": None, "values": {}},
        {"act": "answer", "instance": "call#1", "value": {"x": 1}, "values": None},
        {"act": "set_variables", "instance": None, "value": None, "values": {"y": 2}},
    ]
    assert room.count(Job) >= 3


def test_two_commands_with_long_ids_that_begin_alike_are_two(services: Services) -> None:
    """The second one tries again what has failed again since, and is not taken for a repetition."""
    room, system = refusing(services, REFUSED, REFUSED, REFUSED)
    calling(room)
    case = room.start(procedure="ehr.usage")
    room.run()
    for number in (1, 2):
        given = {"actor": person("admin"), "reason": "x", "request_id": f"{'a-gateway-that-writes-long-ids/' * 3}{number}"}
        assert incidents.retry_all(room.services, "ehr.usage", **given).count == 1
        room.run()
    assert len(system.calls) == 3 and len(room.incidents(case)) == 1
