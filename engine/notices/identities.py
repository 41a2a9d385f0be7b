"""What outside systems call our people: entered from a file, never guessed by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..errors import IdsRefused
from ..models import Account, ForeignId, Person

if TYPE_CHECKING:
    from ..services import Services

_LONGEST = {"person": 100, "system": 100, "id": 200}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a file."""

    #: employee number or login
    person: str
    system: str
    #: "" takes the id away
    id: str
    #: in the file, from 1
    number: int


def bring(services: Services, lines: Sequence[Line]) -> int:
    """Store all lines or none; how many ids are other than before. Raises IdsRefused naming line and column."""
    with services.database.unit() as unit:
        connection = unit.connection
        wanted = _read(connection, lines)
        before = {
            (row.person_id, row.system): row.foreign_id for row in connection.execute(sa.select(ForeignId.__table__).with_for_update())
        }
        changed = {key: line for key, line in wanted.items() if before.get(key, "") != line.id}
        after = before | {key: line.id for key, line in wanted.items()}
        holders: dict[tuple[str, str], str] = {}
        for (person, system), foreign in after.items():
            if foreign and holders.setdefault((system, foreign), person) != person:
                line = wanted.get((person, system)) or wanted[holders[system, foreign], system]
                raise IdsRefused(line=line.number, column="id", reason=f"two people would have this id: {foreign}")
        for person, system in changed:
            connection.execute(sa.delete(ForeignId).where(ForeignId.person_id == person, ForeignId.system == system))
        for (person, system), line in changed.items():
            if line.id:
                unit.add(ForeignId, person_id=person, system=system, foreign_id=line.id)
        unit.commit()
    return len(changed)


def _read(connection: sa.Connection, lines: Sequence[Line]) -> dict[tuple[str, str], Line]:
    named = sa.select(Person.id, Person.employee_no, Account.login).outerjoin(Account, Account.person_id == Person.id)
    ids: dict[str, str] = {}
    for row in connection.execute(named):
        ids |= {name: row.id for name in (row.login, row.employee_no) if name}
    wanted: dict[tuple[str, str], Line] = {}
    for line in lines:
        for column, longest in _LONGEST.items():
            value = getattr(line, column)
            if len(value) > longest or not value.isprintable() or (not value and column != "id"):
                raise IdsRefused(line=line.number, column=column, reason=f"a printable text of 1 to {longest} characters is needed")
        if line.person not in ids:
            raise IdsRefused(line=line.number, column="person", reason=f"nobody has this employee number or login: {line.person}")
        key = ids[line.person], line.system
        if key in wanted:
            raise IdsRefused(line=line.number, column="person", reason=f"this person and system are in a line before: {wanted[key].number}")
        wanted[key] = line
    return wanted
