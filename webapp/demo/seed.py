"""Fill an empty database with the demo company: people, accounts, the shipped procedure."""

from __future__ import annotations

import sqlalchemy as sa

from engine import people, procedures
from engine.models import Person
from engine.services import Services

from . import roster

#: password of every demo account; the log-in page says so
PASSWORD = "partwell-demo"


def is_empty(services: Services) -> bool:
    """Nobody is in the directory yet."""
    with services.database.reading() as connection:
        return connection.execute(sa.select(Person.id).limit(1)).first() is None


def load(services: Services, procedure_files: dict[str, bytes]) -> None:
    """People, roles, accounts and the active version of `termination`. Raises NotDeployable."""
    units = [
        people.DepartmentLine(key=unit.key, name=unit.name, name_en=unit.name_en, parent=unit.parent, head=unit.head)
        for unit in roster.DEPARTMENTS.values()
    ]
    persons = [
        people.PersonLine(
            employee_no=employee.id,
            name=employee.name,
            login=employee.login,
            email=employee.email,
            department=employee.department,
            team=employee.team,
            post=employee.post,
            post_en=employee.post_en,
            manager=employee.manager,
            roles=roster.ROLES.get(employee.login, ()),
        )
        for employee in roster.EMPLOYEES.values()
    ]
    login, name, roles = roster.ADMIN[0], roster.ADMIN[1], roster.ROLES[roster.ADMIN[0]]
    persons.append(people.PersonLine(name=name, login=login, post="系统管理员", post_en="System administrator", roles=roles))
    with services.database.unit() as unit:
        people.import_directory(unit.connection, units, persons, password=PASSWORD)
        unit.commit()
    procedures.deploy(services, procedure_files, procedure="termination")


def accounts() -> list[tuple[str, str]]:
    """Login of each demo account and who it is."""
    people_ = [(e.login, f"{e.name} {e.post}") for e in roster.EMPLOYEES.values() if e.login]
    return [*people_, (roster.ADMIN[0], f"{roster.ADMIN[1]} administrator")]
