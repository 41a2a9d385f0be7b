"""How long it takes to find the people of a chain of ten steps in a large company, for one subject after another."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from ..chains import resolve
from ..chains.company import Company
from ..chains.situation import Situation
from ..models import Department, Duty, Entity, Headship, Holding, Person, Placement, Region, new_id
from ..services import Services
from .six_tasks import percentile

#: people of one department; as many departments belong to one above
_TEAM, _WIDTH = 20, 6
#: one in so many holds the role
_ROLE = 100
_RULES: tuple[dict[str, Any], ...] = (
    {"rule": "report_line"},
    {"rule": "department_head"},
    {"rule": "department_head", "level": 2, "vacant": "next_up"},
    {"rule": "hrbp"},
    {"rule": "role", "roles": ["bench-hr"], "within": "entity"},
    {"rule": "counsel"},
    {"rule": "duty", "duty": "payroll"},
    {"rule": "department_heads", "from": 2, "to": "root"},
    {"rule": "report_line", "of": "initiator", "level": 2},
    {"rule": "role", "roles": ["bench-director"]},
)


def measure(services: Services, persons: int, rounds: int) -> dict[str, Any]:
    """`persons` in all; `rounds` resolutions of the whole chain, each about another subject and with nothing known beforehand."""
    _people(services, persons)
    steps = [
        {"key": f"s{n}", "name": "签批", "name_en": "Sign", "mode": "claim", "approvers": [rule, {"rule": "role", "roles": ["bench-hr"]}]}
        for n, rule in enumerate(_RULES)
    ]
    steps[5] |= {"when": "amount > yuan(50000)"}
    took, found = [], 0
    now = services.clock.now()
    for number in range(rounds):
        subject = (number * 37 + 11) % persons
        case = Situation(subject=_id(subject), initiator=_id(subject // _WIDTH), at=now, variables={"amount": 6_000_000}, chain="bench")
        with services.database.reading() as connection:
            connection.execute(sa.text("SELECT 1"))
            began = time.perf_counter()
            resolved = resolve.chain(Company(connection, now), steps, case)
            took.append(time.perf_counter() - began)
        found += sum(len(step.persons) for step in resolved)
    figures = {share: round(percentile(took, at) * 1000, 2) for share, at in (("median", 0.5), ("p95", 0.95))}
    return {"persons": persons, "steps": len(steps), "rounds": rounds, "signers_found": found, "chain_ms": figures}


def _id(number: int) -> str:
    return f"{number:012x}{'0' * 19}2"


def _people(services: Services, persons: int) -> None:
    units = max(1, persons // _TEAM)
    with services.database.unit() as unit:
        unit.add(Entity, id="bench", name="基准公司", name_en="Benchmark")
        unit.add(Region, id="bench", name="基准地区", name_en="Benchmark")
        for number in range(units):
            above = f"bench-{(number - 1) // _WIDTH}" if number else None
            unit.add(Department, id=f"bench-{number}", name=f"部门{number}", name_en=f"Department {number}", parent_id=above)
        for number in range(persons):
            unit.add(Person, id=_id(number), employee_no=f"B{number:06}", name=f"员工{number}", post="", post_en="", active=True)
            place = {"department_id": f"bench-{number // _TEAM}", "entity_id": "bench", "region_id": "bench"}
            manager = _id((number - 1) // _WIDTH) if number else None
            unit.add(Placement, id=new_id(), person_id=_id(number), manager_id=manager, **place)
            if number % _ROLE == 0:
                unit.add(Holding, person_id=_id(number), role="bench-hr")
        unit.add(Holding, person_id=_id(1), role="bench-director")
        for number in range(units):
            if number % 5:  # every fifth is vacant
                unit.add(Headship, id=new_id(), department_id=f"bench-{number}", person_id=_id(number * _TEAM))
        for duty, scope, ref in (("hrbp", "department", "bench-0"), ("counsel", "entity", "bench"), ("payroll", "company", "")):
            unit.add(Duty, id=new_id(), duty=duty, person_id=_id(2), scope=scope, ref=ref)
        unit.commit()
    with services.database.unit() as unit:  # as the server does by itself a while after many rows came
        unit.connection.execute(sa.text("ANALYZE"))
        unit.commit()
