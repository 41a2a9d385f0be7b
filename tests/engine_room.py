"""An office for the tests of the engine: its people, and what they do in one line each."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from diagrams import END, START, diagram, flows, user
from twins import ScriptedOperation

from engine import cases, deploying, ledger, work
from engine.bpmn.state import LiveCases
from engine.jobs import Runner
from engine.ledger import Entry
from engine.models import Case, Department, Headship, Holding, Incident, Job, JobAttempt, LedgerPage, Person, Placement, WorkItem, new_id
from engine.ports import Json
from engine.procedures import Programs
from engine.services import Services

#: key -> name, department, roles
PEOPLE: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "subject": ("林小北", "service", ()),
    "boss": ("陈立", "service", ("supervisor",)),
    "head": ("赵敏", "service", ("department_head",)),
    "hr": ("王芳", "office", ("hr",)),
    "hr2": ("周洁", "office", ("hr",)),
    "director": ("孙志远", "office", ("hr_director",)),
    "admin": ("吴凡", "office", ("admin",)),
    "other": ("李强", "factory", ("supervisor",)),
    "worker": ("马骏", "factory", ()),
}
MANAGERS = {"subject": "boss", "boss": "head", "hr": "director", "hr2": "director", "worker": "other"}
HEADS = {"service": "head", "office": "director", "factory": None}


def person(key: str) -> str:
    """Id of one of PEOPLE."""
    return f"{list(PEOPLE).index(key) + 1:032x}"


def form(*fields: str, required: Sequence[str] = (), numbers: Sequence[str] = (), files: Sequence[str] = ()) -> dict[str, Json]:
    """A form-js schema of text fields, number fields and file pickers."""
    kinds = {**dict.fromkeys(fields, "textfield"), **dict.fromkeys(numbers, "number"), **dict.fromkeys(files, "filepicker")}
    components = [
        {"type": kind, "id": f"F_{key}", "key": key, "label": key, "validate": {"required": key in required}, "multiple": True}
        if kind == "filepicker"
        else {"type": kind, "id": f"F_{key}", "key": key, "label": key, "validate": {"required": key in required}}
        for key, kind in kinds.items()
    ]
    return {"type": "default", "schemaVersion": 18, "id": "form", "components": components}


class Room:
    """The office at work. Every action has a request id of its own unless one is given."""

    def __init__(self, services: Services, *operations: ScriptedOperation) -> None:
        offered = {name: operation for operation in operations for name in operation.names}
        self.services = dataclasses.replace(services, operations={**services.operations, **offered})
        self.clock: Any = services.clock
        with services.database.unit() as unit:
            for key, head in HEADS.items():
                unit.add(Department, id=key, name=key, name_en=key)
                if head:
                    unit.add(Headship, id=new_id(), department_id=key, person_id=person(head))
            for key, (name, department, roles) in PEOPLE.items():
                above = MANAGERS.get(key)
                unit.add(
                    Person,
                    id=person(key),
                    employee_no=f"E{list(PEOPLE).index(key):03}",
                    name=name,
                    post="",
                    post_en="",
                    active=True,
                )
                place = {"department_id": department, "manager_id": person(above) if above else None}
                unit.add(Placement, id=new_id(), person_id=person(key), **place)
                for role in roles:
                    unit.add(Holding, person_id=person(key), role=role)
            unit.commit()

    def deploy(
        self,
        *body: str,
        forms: Mapping[str, Json] = {},
        rules: Json = None,
        chains: Json = None,
        named: str = "",
        procedure: str = "test",
        beside: Mapping[str, bytes] = {},
    ) -> Any:
        """Deploy a diagram made of `body` with what belongs to it, and other files; gives the version."""
        given = {**files(*body, forms=forms, rules=rules, chains=chains, named=named), **beside}
        version, self.new = deploying.deploy(self.services, given, procedure=procedure)
        return version

    def start(
        self, *, by: str = "boss", about: str = "subject", request_id: str | None = None, procedure: str = "test", **values: Json
    ) -> str:
        """Id of a new case."""
        return cases.start(
            self.services,
            procedure=procedure,
            initiator=person(by),
            subject=person(about),
            values=values,
            request_id=request_id or new_id(),
        ).case_id

    def item(self, case: str, element: str) -> str:
        """Id of the open work item of an element."""
        return str(
            self.value(sa.select(WorkItem.id).where(WorkItem.case_id == case, WorkItem.element == element, WorkItem.status == "open"))
        )

    def open(self, case: str) -> str:
        """Elements with open work items, sorted, with blanks between."""
        return " ".join(sorted(self.values(sa.select(WorkItem.element).where(WorkItem.case_id == case, WorkItem.status == "open"))))

    def complete(self, case: str, element: str, *, by: str = "hr", request_id: str | None = None, **values: Json) -> None:
        item = self.item(case, element)
        work.complete(self.services, item, actor=person(by), values=values, request_id=request_id or new_id())

    def approve(self, case: str, element: str, *, by: str, opinion: str = "同意", request_id: str | None = None) -> None:
        item = self.item(case, element)
        work.approve(self.services, item, actor=person(by), opinion=opinion, request_id=request_id or new_id())

    def manage(self, act: Callable[..., None], target: str, *, by: str = "admin", **more: Any) -> None:
        """Withdraw, cancel, suspend or resume a case, or retry or answer an incident."""
        given = {"reason": "理由", "request_id": new_id(), **more}
        act(self.services, target, actor=person(by), **given)

    def run(self) -> int:
        """Run every job that is due; how many runs that were."""
        runner = Runner(self.services, name="test", seal=lambda case: None)
        total = 0
        while count := runner.run_due():
            total += count
        runner.close()
        return total

    def case(self, case: str) -> Any:
        return self.rows(sa.select(Case.__table__).where(Case.id == case))[0]

    def variables(self, case: str) -> dict[str, Json]:
        row = self.case(case)
        state = self.services.keyring.unseal(row.state, f"cases.state/{case}")
        return self.services.programs.get(row.version_id).program.restore(state).variables()

    def entries(self, case: str) -> list[Entry]:
        """The ledger of the case, which must be whole."""
        row = self.case(case)
        with self.services.database.reading() as connection:
            entries = ledger.history(connection, self.services.keyring, case)
        assert ledger.faults(entries, head=row.head, count=row.entries) == []
        return entries

    def events(self, case: str) -> list[str]:
        return [entry.event for entry in self.entries(case)]

    def jobs(self, case: str) -> list[Any]:
        return self.rows(sa.select(Job.__table__).where(Job.case_id == case).order_by(Job.created_at, Job.id))

    def attempts(self, case: str) -> list[Any]:
        return self.rows(sa.select(JobAttempt.__table__).where(JobAttempt.case_id == case).order_by(JobAttempt.job_id, JobAttempt.number))

    def incidents(self, case: str) -> list[Any]:
        """Unresolved ones; the case must count the same."""
        found = self.rows(
            sa.select(Incident.__table__).where(Incident.case_id == case, Incident.resolved_at.is_(None)).order_by(Incident.id)
        )
        assert self.case(case).incidents == len(found)
        return found

    def count(self, table: Any) -> int:
        return int(self.value(sa.select(sa.func.count()).select_from(table)))

    def rows(self, select: sa.Select[Any]) -> list[Any]:
        with self.services.database.reading() as connection:
            return list(connection.execute(select).all())

    def values(self, select: sa.Select[Any]) -> list[Any]:
        return [row[0] for row in self.rows(select)]

    def value(self, select: sa.Select[Any]) -> Any:
        [found] = self.values(select)
        return found

    def write(self, statement: Any) -> None:
        """Change the database behind the engine's back."""
        with self.services.database.unit() as unit:
            unit.connection.execute(statement)
            unit.commit()

    def restarted(self) -> Room:
        """The same database seen by a process that has just started."""
        again: Room = object.__new__(Room)
        again.services = dataclasses.replace(self.services, programs=Programs(self.services.database), live=LiveCases(100))
        again.clock = self.clock
        return again


def files(*body: str, forms: Mapping[str, Json] = {}, rules: Json = None, chains: Json = None, named: str = "") -> dict[str, bytes]:
    """The files of a procedure."""
    return {
        "test.bpmn": diagram(*body, named=named),
        **{f"forms/{key}.form": json.dumps({**schema, "id": key}).encode() for key, schema in forms.items()},
        **({"rules.json": json.dumps(rules).encode()} if rules is not None else {}),
        **({"chains.json": json.dumps(chains).encode()} if chains is not None else {}),
    }


def line(*tasks: str) -> tuple[str, ...]:
    """User tasks of the role hr in a row."""
    ends = ["start", *tasks, "end"]
    return START, *(user(task) for task in tasks), END, flows(*(f"{a} > {b}" for a, b in pairwise(ends)))


def together(*actions: Callable[[], Any]) -> list[Any]:
    """Do all at the same moment, each in a thread of its own; what each gave, or the exception it raised."""
    gate, given = threading.Barrier(len(actions)), [None] * len(actions)

    def act(number: int) -> None:
        gate.wait()
        try:
            given[number] = actions[number]()
        except Exception as error:
            given[number] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=act, args=(number,)) for number in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return given


def requests(room: Room) -> int:
    """How many commands were carried out."""
    return int(room.value(sa.select(sa.func.count()).where(LedgerPage.request_id.is_not(None))))
