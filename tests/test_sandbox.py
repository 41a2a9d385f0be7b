"""Sandboxes: worlds of their own in which nothing leaves and time stands still."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from company_rows import by_connector
from diagrams import END, START, flows, mapping, service, user
from engine_room import Room, files
from scenario_files import HEAD, RULES, chosen, shared
from twins import Listening, Loudspeaker, ScriptedOperation

from engine import work
from engine.models import Case, Job, Person, ProcedureVersion, WorkItem, new_id
from engine.ports import Call
from engine.services import Services
from engine.studio import gate, sandbox
from engine.studio.sandbox import Sandbox
from webapp.demo import sampling, sandboxes

NOON = dt.datetime(2026, 11, 24, 4, tzinfo=dt.UTC)
PUSH = files(
    START,
    service("push", mapping({"employee": "=subject.employee_no"}, {"number": "=reference"}), operation="payroll.stop_housing_fund"),
    user("see"),
    END,
    flows("start > push", "push > see", "see > end"),
    rules=RULES,
)


def begun(world: Sandbox) -> str:
    """Id of a case about 林小北."""
    return world.start(subject=person(world, "KF-017"), initiator=person(world, "KF-002"), values={}, request_id=new_id())


def person(world: Sandbox, number: str) -> str:
    with world.services.database.reading() as connection:
        return str(connection.execute(sa.select(Person.id).where(Person.employee_no == number)).scalar_one())


def rows(world: Sandbox, select: sa.Select[tuple[str, str]]) -> list[tuple[str, str]]:
    with world.services.database.reading() as connection:
        return [tuple(row) for row in connection.execute(select)]


def test_nothing_of_the_installation_is_called_told_or_written(services: Services) -> None:
    """The sandbox beside an installation knows its operations by name, and neither calls them nor tells anybody."""
    asked, channel, desk = ScriptedOperation("payroll.stop_housing_fund"), Loudspeaker("mail"), Listening("*")
    room = Room(dataclasses.replace(services, notifiers={"mail": channel}, listeners={"desk": desk}), asked)
    boxes = sandboxes.of_installation(room.services)
    world = boxes.open(PUSH, procedure="test", at=NOON)
    case = begun(world)
    assert rows(world, sa.select(WorkItem.element, WorkItem.status).where(WorkItem.case_id == case)) == [("see", "open")]
    assert (asked.calls, channel.tried, desk.told) == ([], [], [])
    assert [room.count(table) for table in (Case, Job, ProcedureVersion)] == [0, 0, 0]
    world.close()
    boxes.close()


def test_each_world_is_alone() -> None:
    """Two worlds of the same files do not see each other's cases, and each has its own time."""
    one, other = (shared().open(PUSH, procedure="test", at=NOON) for _ in range(2))
    begun(one)
    assert len(rows(one, sa.select(Case.id, Case.status))) == 1 and rows(other, sa.select(Case.id, Case.status)) == []
    one.until(NOON + dt.timedelta(days=3))
    assert (one.clock.now() - other.clock.now()).days == 3
    one.close()
    other.close()


def test_time_stands_where_too_much_was_done_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than to pass over what was due: whoever lets time pass once more goes on from there."""
    reminder = (
        '<bpmn:boundaryEvent id="again" attachedToRef="see" cancelActivity="false"><bpmn:outgoing>g</bpmn:outgoing>'
        '<bpmn:timerEventDefinition id="t"><bpmn:timeCycle xsi:type="bpmn:tFormalExpression">R/PT1H</bpmn:timeCycle>'
        '</bpmn:timerEventDefinition></bpmn:boundaryEvent><bpmn:endEvent id="told"><bpmn:incoming>g</bpmn:incoming></bpmn:endEvent>'
        '<bpmn:sequenceFlow id="g" sourceRef="again" targetRef="told" />'
    )
    world = shared().open(
        files(START, user("see"), reminder, END, flows("start > see", "see > end"), rules=RULES), procedure="test", at=NOON
    )
    begun(world)
    monkeypatch.setattr(sandbox, "_ROUNDS", 10)
    world.until(NOON + dt.timedelta(hours=24))
    assert world.clock.at == NOON + dt.timedelta(hours=10)
    world.until(NOON + dt.timedelta(hours=12, minutes=30))
    assert world.clock.at == NOON + dt.timedelta(hours=12, minutes=30)
    world.close()


def test_a_call_that_is_held_waits_for_its_answer() -> None:
    """What somebody wants to answer by hand is not made, however much time passes, and goes on with what they say."""
    world = shared().open(PUSH, procedure="test", at=NOON)
    everything = lambda job: True  # noqa: E731
    world.hold = everything
    case = begun(world)
    world.until(NOON + dt.timedelta(days=30))
    [(key, state)] = rows(world, sa.select(Job.key, Job.state).where(Job.case_id == case))
    assert state == "waiting"
    world.answers.once[key] = {"value": {"reference": "HAND-1"}}
    world.let_go(key)
    assert rows(world, sa.select(WorkItem.element, WorkItem.status)) == [("see", "open")]
    world.close()


def test_a_world_is_opened_again_from_its_file(tmp_path: Path) -> None:
    """Another process finds the case as it was left."""
    file = tmp_path / "world.db"
    world = shared().open(PUSH, procedure="test", at=NOON, file=file)
    begun(world)
    world.close()
    again = shared().reopened(file, procedure="test", at=NOON, files=PUSH)
    [(item, _)] = rows(again, sa.select(WorkItem.id, WorkItem.status))
    work.complete(again.services, item, actor=person(again, "HR-002"), values={}, request_id=new_id())
    assert [status for _, status in rows(again, sa.select(Case.id, Case.status))] == ["closed"]
    again.close()


def test_the_sample_company_answers_as_its_connectors_do() -> None:
    """Rows and records are those that the ordinary connectors would give of the same company."""
    made = dt.date(2026, 11, 24)
    for operation in ("ehr.employee", "ehr.app_usage", "ehr.training", "ehr.performance"):
        given = {"employee": "KF-017", "team": "customer-service-1", "from": "2026-10-20", "to": "2026-11-23"}
        call = Call(operation=operation, key="k", input=given, headers={}, case="1", attempt=1, now=NOON)
        assert sampling.answer(call, made) == by_connector(call, made), operation


def test_publishing_asks_the_scenarios_of_the_draft(services: Services) -> None:
    """Those that fail are named; people of the sample company, who need not exist in the installation, are no fault."""
    room = Room(
        dataclasses.replace(services, sandboxes=sandboxes.of_installation), ScriptedOperation("mail.send", "payroll.stop_housing_fund")
    )
    bad = f"{HEAD.replace('试一试', '走错')}then: {{open: []}}".encode()
    draft = {**chosen(), "scenarios/good.yaml": f"{HEAD}then: {{open: [查看]}}".encode(), "scenarios/bad.yaml": bad}
    assert gate.failing(room.services, draft, procedure="test") == ["走错"]
    assert gate.failing(room.services, chosen(), procedure="test") == []
