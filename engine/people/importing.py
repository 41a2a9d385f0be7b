"""A whole directory at once, from lines.

Functions take an open connection and neither commit nor begin.
"""

from __future__ import annotations

import datetime as dt
import functools
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from ..errors import FileRefused
from ..models import Account, Department, Headship, Holding, Person, Placement, new_id
from . import dated
from .accounts import admit, hashed, login_of
from .directory import roles_of


@dataclass(frozen=True, kw_only=True)
class DepartmentLine:
    """One unit of the company, as imported."""

    key: str
    name: str
    name_en: str
    #: key of the unit above, "" at the top
    parent: str = ""
    #: employee number of the person in charge, "" while vacant
    head: str = ""


@dataclass(frozen=True, kw_only=True)
class PersonLine:
    """One person, as imported. Known again by the employee number, or by the login where there is no number."""

    employee_no: str = ""
    name: str
    login: str = ""
    email: str = ""
    #: key of the department
    department: str = ""
    team: str = ""
    post: str = ""
    post_en: str = ""
    #: employee number of the direct superior
    manager: str = ""
    roles: Sequence[str] = ()
    active: bool = True


def import_directory(
    connection: sa.Connection,
    departments: Sequence[DepartmentLine],
    persons: Sequence[PersonLine],
    *,
    password: str | None = None,
    locale: str = "zh-CN",
    on: dt.date | None = None,
) -> None:
    """Bring departments, persons, roles and accounts up to these lines; the same lines again change nothing.

    Where somebody stands and who is head changes from the day `on`; None: as if it had always been so.
    Who is not in the lines stays as they are. A new login gets `password`, or one that nobody knows until it is set; known ones
    keep theirs. Raises FileRefused with every faulty line (departments and persons each counted from 1); then nothing was changed.
    """
    ids = _known(connection)
    faults = [*_department_faults(connection, departments, persons, ids), *_person_faults(connection, departments, persons, ids)]
    if faults:
        raise FileRefused(file="The directory", reason="; ".join(faults))
    for line in persons:
        ids.setdefault(_identity(line), new_id())
    initial = functools.cache(lambda: hashed(password or secrets.token_urlsafe()))
    above = {line.key: line.parent for line in departments}
    for unit in sorted(departments, key=lambda line: _depth(line.key, above)):
        _put(connection, Department, unit.key, name=unit.name, name_en=unit.name_en, parent_id=unit.parent or None)
    for line in persons:
        _put(
            connection,
            Person,
            ids[_identity(line)],
            employee_no=line.employee_no or None,
            name=line.name,
            email=line.email or None,
            post=line.post,
            post_en=line.post_en,
            active=line.active,
        )
        where = {"department_id": line.department or None, "team": line.team or None, "manager_id": ids.get(line.manager)}
        dated.change(connection, Placement, {"person_id": ids[_identity(line)]}, where, on)
        _hold(connection, ids[_identity(line)], line.roles)
        if line.login:
            admit(connection, ids[_identity(line)], login_of(line.login), initial, locale)
    for unit in departments:
        head = {"person_id": ids[unit.head]} if unit.head else None
        dated.change(connection, Headship, {"department_id": unit.key}, head, on)


def _identity(line: PersonLine) -> str:
    return line.employee_no or f"login:{login_of(line.login)}"


def _known(connection: sa.Connection) -> dict[str, str]:
    """Identity of every person -> id."""
    rows = connection.execute(sa.select(Person.id, Person.employee_no, Account.login).outerjoin(Account, Account.person_id == Person.id))
    return {row.employee_no or f"login:{row.login}": row.id for row in rows}


def _depth(key: str, above: Mapping[str, str]) -> int:
    """How many of the imported departments lie above one; more than there are means a circle."""
    depth = 0
    while depth <= len(above) and (key := above.get(key, "")):
        depth += 1
    return depth


def _department_faults(
    connection: sa.Connection, departments: Sequence[DepartmentLine], persons: Sequence[PersonLine], ids: Mapping[str, str]
) -> list[str]:
    keys = set(connection.execute(sa.select(Department.id)).scalars()) | {line.key for line in departments}
    numbers = ids.keys() | {line.employee_no for line in persons}
    above = {line.key: line.parent for line in departments}
    seen: set[str] = set()
    faults = []
    for number, line in enumerate(departments, 1):
        where = f"department {number} ({line.key})"
        faults += [f"{where}: {fault}" for fault in _too_long(line, Department, {"key": "id"})]
        if not line.key or not line.name:
            faults.append(f"{where}: key and name are needed")
        if line.key in seen:
            faults.append(f"{where}: the key occurs twice")
        if line.parent and line.parent not in keys:
            faults.append(f"{where}: there is no department {line.parent} for it to belong to")
        if _depth(line.key, above) > len(above):
            faults.append(f"{where}: it lies below itself")
        if line.head and line.head not in numbers:
            faults.append(f"{where}: its head {line.head} is nobody's employee number")
        seen.add(line.key)
    return faults


def _person_faults(
    connection: sa.Connection, departments: Sequence[DepartmentLine], persons: Sequence[PersonLine], ids: Mapping[str, str]
) -> list[str]:
    keys = set(connection.execute(sa.select(Department.id)).scalars()) | {line.key for line in departments}
    numbers = ids.keys() | {line.employee_no for line in persons}
    taken = {row.login: row.person_id for row in connection.execute(sa.select(Account.login, Account.person_id))}
    people: set[str] = set()
    logins: set[str] = set()
    faults = []
    for number, line in enumerate(persons, 1):
        where, identity, login = f"person {number} ({line.name})", _identity(line), login_of(line.login)
        faults += [f"{where}: {fault}" for fault in _too_long(line, Person, {"manager": "employee_no"})]
        if not line.name or not (line.employee_no or login):
            faults.append(f"{where}: a name and an employee number or login are needed")
        if identity in people:
            faults.append(f"{where}: the employee number or login occurs twice")
        if login and (login in logins or taken.get(login, ids.get(identity)) != ids.get(identity)):
            faults.append(f"{where}: the login {login} belongs to somebody else")
        if line.department and line.department not in keys:
            faults.append(f"{where}: there is no department {line.department}")
        if line.manager and line.manager not in numbers:
            faults.append(f"{where}: the superior {line.manager} is nobody's employee number")
        if line.manager and line.manager == line.employee_no:
            faults.append(f"{where}: nobody is their own superior")
        people.add(identity)
        logins.add(login)
    return faults


def _too_long(line: DepartmentLine | PersonLine, model: type[Department | Person], columns: Mapping[str, str]) -> list[str]:
    """SQLite would store what PostgreSQL refuses."""
    found = []
    for field in fields(line):
        name = columns.get(field.name, field.name)
        column = model.__table__.columns.get(name, Placement.__table__.columns.get(name))
        value = getattr(line, field.name)
        if column is None or not isinstance(value, str):
            continue
        if len(value) > getattr(column.type, "length", 0) or not value.isprintable():
            found.append(f"{field.name} is too long or holds characters that cannot be stored")
    return found


def _put(connection: sa.Connection, model: type[Department | Person], key: str, **values: Any) -> None:
    """Update the row, or insert it where it is new."""
    if not connection.execute(sa.update(model).where(model.id == key).values(**values)).rowcount:
        connection.execute(sa.insert(model).values(id=key, **values))


def _hold(connection: sa.Connection, person: str, roles: Sequence[str]) -> None:
    before = roles_of(connection, person)
    connection.execute(sa.delete(Holding).where(Holding.person_id == person, Holding.role.not_in(roles)))
    for role in dict.fromkeys(roles):
        if role not in before:
            connection.execute(sa.insert(Holding).values(person_id=person, role=role))
