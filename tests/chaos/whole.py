"""Plays a generated case through the whole engine: people, jobs, timers and messages, with nothing kept in memory between steps."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re

import sqlalchemy as sa
from engine_room import Room, form, person
from twins import SetClock

from engine import cases, deploying, messages, work
from engine.bpmn.state import LiveCases
from engine.errors import Refused
from engine.jobs import Runner
from engine.models import Job, WorkItem, new_id
from engine.ports import Answer, Call
from engine.turn import state_purpose

from .consistency import assert_consistent
from .equivalence import Differs, instance_of, own_id, same_values
from .generator import Action, Case
from .world import START, Expected

_FAR = dt.datetime(2400, 1, 1, tzinfo=dt.UTC)


class Said(Refused):
    """{system} refused {operation}: {reason}."""

    #: the error code
    said = ""

    @property
    def code(self) -> str:
        return self.said


class Outside:
    """The outside system: answers what the path says."""

    names = ("chaos.do",)

    def __init__(self) -> None:
        self.next: Action | None = None

    def call(self, call: Call) -> Answer:
        assert self.next is not None, "nobody should call now"
        if self.next.kind == "fail":
            refused = Said(system="chaos", operation="chaos.do", reason="said so")
            refused.said = self.next.values["code"]
            raise refused
        return Answer(value=self.next.values)

    def check(self) -> list[str]:
        return []


def play(room: Room, outside: Outside, case: Case) -> None:
    """`room` has `outside` among its operations. Raises Differs."""
    assert isinstance(room.clock, SetClock)
    room.clock.set(START)
    procedure = f"chaos{case.seed}"
    deploying.deploy(room.services, {**case.files, **_forms(case)}, procedure=procedure)
    given = {"initiator": person("boss"), "subject": person("subject"), "values": case.values, "request_id": new_id()}
    started = cases.start(room.services, procedure=procedure, **given)
    _compare(room, started.case_id, "start", case.begun)
    for number, (action, expected) in enumerate(case.path, 1):
        room.write(sa.update(Job).where(Job.kind == "operation", Job.state == "waiting").values(due_at=_FAR))
        room.services = dataclasses.replace(room.services, live=LiveCases(10))
        room.clock.set(action.at)
        _act(room, outside, started.case_id, action)
        _compare(room, started.case_id, f"step {number} ({action.kind} {action.element})", expected)
    assert_consistent(room.services)


def _forms(case: Case) -> dict[str, bytes]:
    """The forms that the diagrams name: that of the start with every variable, those of the tasks with what they ask for."""
    named = {name for content in case.files.values() for name in re.findall(r'formId="(form-[^"]*)"', content.decode())}
    forms = {"all": case.names, **{name: name.split("-")[1:] for name in named}}
    return {f"forms/{id}.form": json.dumps({**form(*names, numbers=names), "id": id}).encode() for id, names in forms.items()}


def _act(room: Room, outside: Outside, case_id: str, action: Action) -> None:
    if action.kind == "fire":
        _run_once(room)
        return
    row = room.case(case_id)
    program = room.services.programs.get(row.version_id).program
    execution = program.restore(room.services.keyring.unseal(row.state, state_purpose(case_id)))
    instance = instance_of(execution, action)
    match action.kind:
        case "complete":
            item = room.value(sa.select(WorkItem.id).where(WorkItem.case_id == case_id, WorkItem.instance == instance))
            work.complete(room.services, item, actor=person("hr"), values=action.values, request_id=new_id())
        case "deliver":
            name = str(execution.element(instance).reference)
            messages.send(room.services, name=name, values=action.values, actor=person("admin"), request_id=new_id())
        case _:
            outside.next = action
            room.write(sa.update(Job).where(Job.case_id == case_id, Job.instance == instance).values(due_at=action.at))
            _run_once(room)
            outside.next = None


def _run_once(room: Room) -> None:
    """What is due now, but not what comes of it."""
    runner = Runner(room.services, name="chaos", seal=lambda case: None)
    runner.run_due()
    runner.close()


def _compare(room: Room, case_id: str, step: str, expected: Expected) -> None:
    row = room.case(case_id)
    if row.incidents:
        raise Differs(f"{step}: {[(incident.element, incident.code, incident.facts) for incident in room.incidents(case_id)]}")
    if (row.status == "closed") != expected.finished or (expected.outcome and row.outcome != expected.outcome):
        raise Differs(f"{step}: {row.status} {row.outcome}, not {expected.finished} {expected.outcome}")
    opened = sa.select(WorkItem.element).where(WorkItem.case_id == case_id, WorkItem.status == "open")
    pending = sa.select(Job.element).where(Job.case_id == case_id, Job.kind != "seal", Job.state == "waiting")
    waits = [own_id(element) for element in (*room.values(opened), *room.values(pending))]
    silent = [element for element in expected.waits if element not in waits]  # messages and signals: `assert_consistent` compares those
    if sorted(waits + silent) != expected.waits:
        raise Differs(f"{step}: rows for {sorted(waits)}, not {expected.waits}")
    same_values(step, room.variables(case_id), expected)
