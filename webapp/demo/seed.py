"""Fill an empty database with the demo company: people, accounts, the shipped procedure."""

from __future__ import annotations

import sqlalchemy as sa

from engine import deploying, procedures
from engine.models import Person
from engine.people.importing import DepartmentLine, PersonLine, import_directory
from engine.services import Services

from .. import i18n
from . import roster

#: password of every demo account; the log-in page says so
PASSWORD = "partwell-demo"


def load(services: Services, procedure_files: dict[str, bytes]) -> None:
    """An active version of `termination`, and people, roles and accounts where there is nobody yet. Raises NotDeployable.

    The people come last: a start that is stopped in between is made good by the next, and of two at once one loads them.
    """
    if not procedures.startable(services):
        deploying.deploy(services, procedure_files, procedure="termination")
    with services.database.unit() as unit:
        if unit.connection.dialect.name == "postgresql":  # SQLite lets one write at a time anyway
            unit.connection.execute(sa.text("LOCK TABLE persons IN SHARE ROW EXCLUSIVE MODE"))
        if unit.connection.execute(sa.select(Person.id).limit(1)).first() is None:
            import_directory(unit.connection, *_directory(), password=PASSWORD)
            unit.commit()


def _directory() -> tuple[list[DepartmentLine], list[PersonLine]]:
    units = [
        DepartmentLine(key=unit.key, name=unit.name, name_en=unit.name_en, parent=unit.parent, head=unit.head)
        for unit in roster.DEPARTMENTS.values()
    ]
    persons = [
        PersonLine(
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
    persons.append(PersonLine(name=name, login=login, post="系统管理员", post_en="System administrator", roles=roles))
    return units, persons


def accounts() -> list[tuple[str, str]]:
    """Login of each demo account and who it is."""
    employees = [(e.login, f"{e.name} {i18n.post(e)}") for e in roster.EMPLOYEES.values() if e.login]
    return [*employees, (roster.ADMIN[0], roster.ADMIN[1])]
