"""What a scenario calls people, steps and calls, found in the world in which it plays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ... import casefile, incidents
from ...bpmn.program import Program
from ...casefile import OpenStep
from ...errors import Sentence
from ...incidents import IncidentRow
from ...models import Account, Case, Incident, Person, WorkItem
from ...people import directory
from ...procedures import Deployed
from ...rules import rules_of
from ..sandbox import Sandbox
from .coverage import Coverage, passed


class Unfit(Exception):
    """What a scenario says does not fit the world: one sentence, or several."""

    def __init__(self, *said: Sentence) -> None:
        super().__init__("; ".join(map(str, said)))
        self.said = said


def unfit(template: str, **facts: Any) -> Unfit:
    return Unfit(Sentence(template, facts))


def steps_called(program: Program, name: str) -> list[str]:
    """Ids of the elements with this id or name."""
    if name in program.elements:
        return [name]
    return [id for id, element in program.elements.items() if name in (element.name, element.name_en) and name]


@dataclass
class Places:
    """One case of a sandbox, and everybody in it."""

    sandbox: Sandbox
    case_id: str = ""

    def __post_init__(self) -> None:
        self._passed: tuple[int, Coverage] | None = None
        with self.sandbox.services.database.reading() as connection:
            rows = connection.execute(
                sa.select(Person.id, Person.name, Person.employee_no, Account.login).outerjoin(Account, Account.person_id == Person.id)
            ).all()
        self._names: dict[str, str] = {row.id: row.name for row in rows}
        self._keys: dict[str, str] = {key: row.id for row in rows for key in (row.employee_no, row.login, row.id) if key}
        self._called: dict[str, list[str]] = {}
        for row in rows:
            self._called.setdefault(row.name, []).append(row.id)

    def person(self, called: str) -> str:
        """Id of somebody by employee number, log-in or name. Raises Unfit."""
        if found := self._keys.get(called):
            return found
        match self._called.get(called, []):
            case [one]:
                return one
            case []:
                raise unfit("nobody is called {name} in the company of the scenario", name=called or "–")
            case _:
                raise unfit("several people are called {name}; write the employee number instead", name=called)

    def name(self, person: str) -> str:
        return self._names.get(person, person)

    # --- the case

    @property
    def row(self) -> Any:
        with self.sandbox.services.database.reading() as connection:
            return connection.execute(sa.select(Case.__table__).where(Case.id == self.case_id)).one()

    @property
    def deployed(self) -> Deployed:
        return self.sandbox.services.programs.get(self.row.version_id)

    def elements(self, called: str) -> list[str]:
        """Ids of the elements of the diagram with this id or name. Raises Unfit."""
        found = steps_called(self.deployed.program, called)
        if not found:
            raise unfit("the diagram has no step {step}", step=called)
        return found

    def title(self, element: str) -> str:
        known = self.deployed.program.elements.get(element)
        return known.title if known else element

    def open(self) -> list[OpenStep]:
        services = self.sandbox.services
        with services.database.reading() as connection:
            return casefile.open_steps(services, connection, self.row, self.deployed, None)

    def item(self, called: str, person: str) -> OpenStep:
        """The open work item of a step, that of this person where several are open. Raises Unfit."""
        ids = self.elements(called)
        every = self.open()
        found = [step for step in every if step.element in ids]
        if not found:
            names = ", ".join(dict.fromkeys(step.name for step in every)) or "–"
            raise unfit("the step {step} is not open; open are: {open}", step=called, open=names)
        return next((step for step in found if person in step.holder_ids), found[0])

    def last_item(self, called: str) -> str:
        """Id of the latest work item of a step, whether open or not. Raises Unfit."""
        ids = self.elements(called)
        latest = sa.select(WorkItem.id).where(WorkItem.case_id == self.case_id, WorkItem.element.in_(ids))
        with self.sandbox.services.database.reading() as connection:
            found = connection.execute(latest.order_by(WorkItem.opened_at.desc(), WorkItem.id)).scalars().first()
        if found is None:
            raise unfit("the step {step} was not reached", step=called)
        return str(found)

    def incidents(self) -> Sequence[IncidentRow]:
        """Those that are open."""
        services = self.sandbox.services
        with services.database.reading() as connection:
            which = sa.and_(Incident.case_id == self.case_id, Incident.resolved_at.is_(None))
            return incidents.rows(services, connection, which)

    def incident(self, *, step: str, operation: str) -> str:
        """Id of the open incident at a step or of an operation. Raises Unfit."""
        ids = self.elements(step) if step else []
        for row in self.incidents():
            if (not step or row.element in ids) and (not operation or row.operation == operation):
                return row.id
        raise unfit("there is no open incident of {what}", what=step or operation)

    def manager(self) -> str:
        """Somebody who manages the procedure and is not concerned. Raises Unfit."""
        case, rules = self.row, rules_of(self.deployed.files)
        on = directory.day(self.sandbox.clock.now())
        with self.sandbox.services.database.reading() as connection:
            held = directory.holders(connection, *sorted(rules.managers), on=on)
        for person in sorted(held, key=lambda id: (id == case.initiator_id, self.name(id))):
            if person != case.subject_id:
                return str(person)
        raise unfit("nobody in the company of the scenario manages the procedure")

    def passed(self) -> Coverage:
        """What the case passed so far."""
        entries = self.row.entries
        if self._passed is None or self._passed[0] != entries:
            self._passed = entries, passed(self.sandbox.services, [self.case_id])
        return self._passed[1]

    def variables(self) -> Mapping[str, Any]:
        services = self.sandbox.services
        with services.database.reading() as connection:
            return casefile.restored(services, connection, self.row).variables()
