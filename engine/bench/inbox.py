"""The inbox of one person among very many open work items, nine in ten held by somebody, the others offered to a role.

As many people have work as have a case about themselves.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from .. import cases, deploying, inbox
from ..models import Holding, Person, new_id
from ..services import Services
from . import diagrams
from .filling import fill
from .six_tasks import ROLE, People, percentile

#: open items that each person holds, and that are offered to each role
HELD, SHARED = 50, 200


def measure(services: Services, people: People, items: int, reads: int) -> dict[str, Any]:
    """`items` open ones in all, `reads` of each list, each by another person."""
    persons, roles = max(1, items * 9 // 10 // HELD), max(1, items // 10 // SHARED)
    readers = filled(services, people, items, reads, persons, roles)
    took: dict[str, list[float]] = {"mine": [], "group": [], "counts": []}
    for person in readers:
        for box, seconds in took.items():
            began = time.perf_counter()
            if box == "counts":
                inbox.counts(services, person)
            else:
                inbox.inbox(services, person, box=box)
            seconds.append(time.perf_counter() - began)
    return {"items": items, "persons": persons, "roles": roles, "reads": reads, **shares(took)}


def shares(took: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Median and 95th percentile in milliseconds."""
    return {
        f"{box}_ms": {share: round(percentile(seconds, at) * 1000, 2) for share, at in (("median", 0.5), ("p95", 0.95))}
        for box, seconds in took.items()
    }


def filled(services: Services, people: People, items: int, reads: int, persons: int, roles: int) -> list[str]:
    """Store the people and the open items, spread evenly over persons and roles; gives `reads` of the persons."""
    _people(services, persons, roles)
    held = _template(services, people, "held", f'assignee="{people.worker}"')
    offered = _template(services, people, "offered", diagrams.OFFERED)
    about = {
        f"cases.{column}": _person_sql(services, f"(:n + {far}) % {persons}") for column, far in (("subject_id", 7), ("initiator_id", 3))
    }
    fill(services.database, held, items * 9 // 10, other=about | {"sign_offs.person_id": _person_sql(services, f":n % {persons}")})
    role = f"'{ROLE}-' || CAST(:n % {roles} AS varchar(20))"
    fill(services.database, offered, items - items * 9 // 10, first=items, other=about | {"sign_offs.role": role})
    return [_person(read * max(1, persons // reads) % persons) for read in range(reads)]


def _person(number: int) -> str:
    return f"{number:012x}{'0' * 19}1"


def _person_sql(services: Services, number: str) -> str:
    if services.database.engine.dialect.name == "postgresql":
        return f"CAST(lpad(to_hex({number}), 12, '0') || '{'0' * 19}1' AS uuid)"
    return f"printf('%012x', {number}) || '{'0' * 19}1'"


def _people(services: Services, persons: int, roles: int) -> None:
    """Each person holds one of the roles."""
    with services.database.unit() as unit:
        for number in range(persons):
            unit.add(Person, id=_person(number), name=f"员工{number}", post="", post_en="", active=True)
            unit.add(Holding, person_id=_person(number), role=f"{ROLE}-{number % roles}")
        unit.commit()


def _template(services: Services, people: People, procedure: str, who: str) -> str:
    """A case that waits at its only task."""
    deploying.deploy(services, {f"{procedure}.bpmn": diagrams.row(1, who)}, procedure=procedure)
    begun = cases.start(services, procedure=procedure, initiator=people.initiator, subject=people.subject, values={}, request_id=new_id())
    return begun.case_id


def open_items(services: Services) -> int:
    """For a check: how many sign-offs wait."""
    with services.database.reading() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM sign_offs WHERE state = 'open'")).scalar_one())
