"""Takes a case of any deployed diagram a few steps on in the whole engine: work items, jobs, timers, messages and incidents."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from engine_room import Room, person
from explorer import Explorer
from twins import ScriptedOperation

from engine import cases, deploying, incidents, messages, work
from engine.bpmn.program import Program
from engine.models import Candidate, Holding, Incident, SignOff, Subscription, WorkItem, new_id
from engine.ports import Answer, Call
from engine.services import Services


class Clerk:
    """One office with one procedure from elsewhere, and everything at hand that it calls."""

    def __init__(self, services: Services, files: Mapping[str, bytes], operations: set[str]) -> None:
        self.room = Room(services, ScriptedOperation(*operations, answers=[self.answer]))
        self.version, _ = deploying.deploy(self.room.services, files, procedure="foreign")
        self.deployed = self.room.services.programs.get(self.version.id)
        self.explorer = Explorer(self.deployed.files, seed=1)

    def start(self) -> str:
        """A case that begins where people begin, or else with a message; its id."""
        program = self.deployed.program
        at = program.start_element
        values = self.explorer.values(at.form)
        message = None
        if at.event == "message" and not at.form:
            message, values = at.reference, self.told()
        told = {"values": values, "request_id": new_id(), "message": message}
        return cases.start(self.room.services, procedure="foreign", initiator=person("boss"), subject=person("subject"), **told).case_id

    def step(self, case: str) -> bool:
        """Does the next thing that waits; False when nothing does."""
        if self.room.case(case).status != "running":
            return False
        return bool(self._repair(case) or self._work(case) or self._receive(case) or self._later())

    def answer(self, call: Call) -> Answer:
        return Answer(value=self.explorer.answer(call.headers))

    def told(self) -> dict[str, object]:
        """What a message brings: everything that conditions ask for."""
        found = self.explorer.answer()
        return found if isinstance(found, dict) else {}

    def _work(self, case: str) -> bool:
        select = sa.select(WorkItem.id, WorkItem.element, SignOff.id.label("sign_off"), SignOff.person_id, SignOff.role)
        rows = self.room.rows(
            select.join(SignOff, SignOff.item_id == WorkItem.id).where(WorkItem.case_id == case, WorkItem.status == "open").limit(1)
        )
        for row in rows:
            form = self.deployed.program.element(row.element).form
            actor = row.person_id or self._one_of(row)
            work.complete(self.room.services, row.id, actor=actor, values=self.explorer.values(form), request_id=new_id())
        return bool(rows)

    def _one_of(self, row: sa.Row) -> str:
        """Somebody who holds the role it is offered to, or the first of the persons."""
        offered = self.room.rows(sa.select(Candidate.kind, Candidate.ref).where(Candidate.sign_off_id == row.sign_off))
        role = row.role or next((ref for kind, ref in offered if kind == "role"), None)
        if role is None:
            return offered[0].ref
        holds = sa.and_(Holding.person_id == person("hr"), Holding.role == role)
        if not self.room.rows(sa.select(Holding.role).where(holds)):
            self.room.write(sa.insert(Holding).values(person_id=person("hr"), role=role))
        return person("hr")

    def _receive(self, case: str) -> bool:
        waits = self.room.values(sa.select(Subscription.instance).where(Subscription.case_id == case).limit(1))
        for instance in waits:
            told = {"values": self.told(), "reason": "来电", "request_id": new_id()}
            messages.enter(self.room.services, case, instance, actor=person("admin"), **told)
        return bool(waits)

    def _repair(self, case: str) -> bool:
        found = self.room.values(sa.select(Incident.id).where(Incident.case_id == case, Incident.resolved_at.is_(None)))
        for incident in found:
            told = {"variables": self.told(), "reason": "补数据", "request_id": new_id()}
            incidents.retry(self.room.services, incident, actor=person("admin"), **told)
        return bool(found)

    def _later(self) -> bool:
        if self.room.run():
            return True
        self.room.clock.move(days=40)
        return bool(self.room.run())


def operations_of(files: Mapping[str, bytes]) -> set[str]:
    """Names of the operations that the diagrams call."""
    found = (e.extensions.get("taskDefinition.type") for p in Program(files, version="1").processes.values() for e in p.elements.values())
    return {name for name in found if name and not name.startswith("=")}
