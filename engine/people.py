"""The directory: who somebody is, what they hold, who is above them, and how they log in.

Functions take an open connection and neither commit nor begin. Persons are named by id, 32 hexadecimal digits.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import argon2
import sqlalchemy as sa

from .db import Statement
from .errors import FileRefused, NotAllowed, NotFound
from .models import Account, Department, Holding, Person, WebSession, new_id

#: characters of a password; the upper limit keeps hashing cheap
_PASSWORD = range(10, 201)
#: superiors or departments above each other; a longer line is a mistake in the data
_HIGHEST = 50


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


# --- who somebody is


#: what a case keeps of a person, for `displayed`
DISPLAY = Statement(
    sa.select(
        Person.id,
        Person.name,
        Person.employee_no,
        Person.department_id.label("department"),
        Department.name.label("department_name"),
        Person.team,
        Person.post,
        Person.post_en,
        Person.email,
    )
    .outerjoin(Department, Department.id == Person.department_id)
    .where(Person.id == sa.bindparam("person"))
)
#: the roles a person holds
ROLES = Statement(sa.select(Holding.role).where(Holding.person_id == sa.bindparam("person")))


def display(connection: sa.Connection, person: str) -> dict[str, str]:
    """What a case keeps of a person: {id, name, employee_no, department, department_name, team, post, post_en, email}.

    What is unknown is "". Raises NotFound.
    """
    return displayed(connection.execute(DISPLAY.clause, {"person": person}).all(), person)


def displayed(rows: Sequence[Any], person: str) -> dict[str, str]:
    """`display` from what DISPLAY gave."""
    if not rows:
        raise NotFound(what="person", name=person)
    names = [column.key for column in DISPLAY.clause.selected_columns]
    return {name: value or "" for name, value in zip(names, rows[0], strict=True)}


def roles_of(connection: sa.Connection, person: str) -> frozenset[str]:
    """The roles a person holds."""
    return frozenset(connection.execute(ROLES.clause, {"person": person}).scalars())


def holders(connection: sa.Connection, *roles: str) -> list[str]:
    """Whoever is active and holds one of the roles, by employee number."""
    with_role = sa.select(Holding.person_id).where(Holding.role.in_(roles))
    select = sa.select(Person.id).where(Person.active, Person.id.in_(with_role))
    return list(connection.execute(select.order_by(sa.func.coalesce(Person.employee_no, ""), Person.id)).scalars())


def superiors(connection: sa.Connection, person: str) -> list[str]:
    """The reporting line from the direct superior upward; a circle ends where it would begin again."""
    line: list[str] = []
    current: str | None = person
    while len(line) < _HIGHEST:
        current = connection.execute(sa.select(Person.manager_id).where(Person.id == current)).scalar_one_or_none()
        if current is None or current == person or current in line:
            break
        line.append(current)
    return line


def departments(connection: sa.Connection, person: str) -> list[sa.Row[Any]]:
    """The person's department and those above it: rows of (id, name, name_en, parent_id, head_id)."""
    line: list[sa.Row[Any]] = []
    key = connection.execute(sa.select(Person.department_id).where(Person.id == person)).scalar_one_or_none()
    while key is not None and len(line) < _HIGHEST:
        found = connection.execute(sa.select(Department.__table__).where(Department.id == key)).one()
        line.append(found)
        key = found.parent_id if all(found.parent_id != above.id for above in line) else None
    return line


def manager(connection: sa.Connection, person: str, level: int = 1) -> str | None:
    """The superior `level` steps up the reporting line; None where the line is shorter."""
    return dict(enumerate(superiors(connection, person), 1)).get(level)


def search(
    connection: sa.Connection, text: str, *, reports_of: str | None = None, but: Collection[str] = (), limit: int = 20
) -> list[sa.Row[Any]]:
    """Active employees whose name or number contains the text: rows of (id, name, employee_no, department_name, department_name_en,
    post, post_en). With `reports_of`, only those who report to that person, directly or not; never those named by `but`.
    """
    wanted = text.strip().lower()
    if not wanted.isprintable():
        return []
    select = (
        sa.select(
            Person.id,
            Person.name,
            Person.employee_no,
            Department.name.label("department_name"),
            Department.name_en.label("department_name_en"),
            Person.post,
            Person.post_en,
        )
        .outerjoin(Department, Department.id == Person.department_id)
        .where(Person.active, Person.employee_no.is_not(None), Person.id.not_in(but))
        .where(sa.or_(*(sa.func.lower(column).contains(wanted, autoescape=True) for column in (Person.name, Person.employee_no))))
        .order_by(Person.employee_no)
        .limit(limit)
    )
    if reports_of is not None:
        select = select.where(Person.id.in_(sa.select(_reports(reports_of).c.id)))
    return list(connection.execute(select))


def reports_to(connection: sa.Connection, person: str, superior: str) -> bool:
    """Whether the person reports to the superior, directly or not."""
    return superior in superiors(connection, person)


def _reports(superior: str) -> sa.CTE:
    """Everybody below somebody. UNION drops whom it has seen, so a circle ends."""
    below = sa.select(Person.id).where(Person.manager_id == superior).cte("below", recursive=True)
    return below.union(sa.select(Person.id).join(below, Person.manager_id == below.c.id))


# --- accounts


@functools.cache
def _hasher() -> argon2.PasswordHasher:
    return argon2.PasswordHasher()


@functools.cache
def _nobody() -> str:
    """The hash of a password nobody has: checking it takes as long as checking a real one."""
    return _hasher().hash(secrets.token_urlsafe())


def set_password(connection: sa.Connection, login: str, password: str) -> None:
    """Who is logged in with the old one is logged out.

    Raises NotFound for an unknown login, NotAllowed for a password that is too short or too long.
    """
    hashed = _hashed(password)
    done = connection.execute(sa.update(Account).where(Account.login == _login(login)).values(password=hashed))
    if not done.rowcount:
        raise NotFound(what="account", name=login)
    connection.execute(sa.delete(WebSession).where(WebSession.login == _login(login)))


def _hashed(password: str) -> str:
    if len(password) not in _PASSWORD or not password.isprintable():
        raise NotAllowed(reason="a password has 10 to 200 characters that can be typed")
    return _hasher().hash(password)


def verify(connection: sa.Connection, login: str, password: str) -> str | None:
    """Id of the person who logs in so; None for an unknown login, a wrong password, a disabled account or somebody who left."""
    account = None
    if len(login) <= 100 and _login(login).isprintable():
        account = connection.execute(
            sa.select(Account.person_id, Account.password, Account.disabled, Person.active)
            .join(Person, Person.id == Account.person_id)
            .where(Account.login == _login(login))
        ).one_or_none()
    try:
        _hasher().verify(account.password if account else _nobody(), password[: _PASSWORD.stop])
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError, UnicodeEncodeError):
        return None
    return account.person_id if account and account.active and not account.disabled else None


def _login(login: str) -> str:
    return login.strip().lower()


# --- import


def import_directory(
    connection: sa.Connection,
    departments: Sequence[DepartmentLine],
    persons: Sequence[PersonLine],
    *,
    password: str | None = None,
    locale: str = "zh-CN",
) -> None:
    """Bring departments, persons, roles and accounts up to these lines; the same lines again change nothing.

    Who is not in the lines stays as they are. A new login gets `password`, or one that nobody knows until it is set; known ones
    keep theirs. Raises FileRefused with every faulty line (departments and persons each counted from 1); then nothing was changed.
    """
    ids = _known(connection)
    faults = [*_department_faults(connection, departments, persons, ids), *_person_faults(connection, departments, persons, ids)]
    if faults:
        raise FileRefused(file="The directory", reason="; ".join(faults))
    for line in persons:
        ids.setdefault(_identity(line), new_id())
    initial = functools.cache(lambda: _hashed(password or secrets.token_urlsafe()))
    above = {line.key: line.parent for line in departments}
    for unit in sorted(departments, key=lambda line: _depth(line.key, above)):
        head = ids.get(unit.head)
        _put(connection, Department, unit.key, name=unit.name, name_en=unit.name_en, parent_id=unit.parent or None, head_id=head)
    for line in persons:
        _put(
            connection,
            Person,
            ids[_identity(line)],
            employee_no=line.employee_no or None,
            name=line.name,
            email=line.email or None,
            department_id=line.department or None,
            team=line.team or None,
            post=line.post,
            post_en=line.post_en,
            manager_id=ids.get(line.manager),
            active=line.active,
        )
        _hold(connection, ids[_identity(line)], line.roles)
        if line.login:
            _admit(connection, ids[_identity(line)], _login(line.login), initial, locale)


def _identity(line: PersonLine) -> str:
    return line.employee_no or f"login:{_login(line.login)}"


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
        where, identity, login = f"person {number} ({line.name})", _identity(line), _login(line.login)
        faults += [f"{where}: {fault}" for fault in _too_long(line, Person, {"department": "department_id", "manager": "employee_no"})]
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
        column = model.__table__.columns.get(columns.get(field.name, field.name))
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


def _admit(connection: sa.Connection, person: str, login: str, initial: Callable[[], str], locale: str) -> None:
    """The account of a person, made where there is none with the hash that `initial` gives."""
    before = connection.execute(sa.select(Account.login).where(Account.person_id == person)).scalar_one_or_none()
    if before is None:
        account = {"login": login, "person_id": person, "password": initial(), "locale": locale, "disabled": False}
        connection.execute(sa.insert(Account), account)
    elif before != login:
        connection.execute(sa.delete(WebSession).where(WebSession.login == before))
        connection.execute(sa.update(Account).where(Account.person_id == person).values(login=login))
