"""What outside systems call our people: entered from a file or on a person's page, never guessed by name."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..db import Unit
from ..errors import FormInvalid, IdsChanged, IdsRefused, NotAllowed, NotFound
from ..models import Account, ForeignId, Person, Projection
from ..people import directory, log
from ..projecting.enqueuing import show_again

if TYPE_CHECKING:
    from ..services import Services

_LONGEST = {"person": 100, "system": 100, "id": 200}
#: whoever holds it enters ids
_ADMIN = "admin"
WRONG, TAKEN = "Give a printable text of at most 200 characters.", "Somebody else has this id there."


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
        store(services, unit, {key: line.id for key, line in changed.items()}, at=services.clock.now())
        unit.commit()
    return len(changed)


def systems(services: Services, connection: sa.Connection) -> list[str]:
    """Outside systems that have names of their own for people: those that are set up, and those of which an id is kept."""
    speaking = [one.system for one in services.notifiers.values() if one.reaches != "mail"]
    kept = connection.execute(sa.select(ForeignId.system).distinct()).scalars()
    asked = [one.system for one in services.finders.values()]
    return sorted({*speaking, *asked, *(one.system for one in services.projectors.values()), *kept})


def of(connection: sa.Connection, person: str) -> dict[str, str]:
    """What outside systems call a person, by system."""
    rows = connection.execute(sa.select(ForeignId.__table__).where(ForeignId.person_id == person).order_by(ForeignId.system))
    return {row.system: row.foreign_id for row in rows}


def mark(ids: Mapping[str, str]) -> str:
    """Tells what a person is called from what they were called before."""
    return hashlib.sha256(json.dumps(sorted(ids.items())).encode()).hexdigest()[:16]


def keep(services: Services, person: str, ids: Mapping[str, str], *, by: str, seen: str) -> bool:
    """Store what these systems call a person, "" for nothing; whether that is other than before. Work is shown there at once.

    `seen`: the `mark` of what was there before. Raises NotAllowed, NotFound, IdsChanged, FormInvalid naming the system.
    """
    with services.database.unit() as unit:
        connection, now = unit.connection, services.clock.now()
        if _ADMIN not in directory.roles_of(connection, by):
            raise NotAllowed(reason="only administrators keep the directory")
        log.one_at_a_time(connection)
        name = connection.execute(sa.select(Person.name).where(Person.id == person)).scalar_one_or_none()
        if name is None:
            raise NotFound(what="person", name=person)
        known, before = systems(services, connection), of(connection, person)
        if seen != mark(before):
            raise IdsChanged(name=name)
        for system in ids:
            if system not in known:
                raise NotFound(what="outside system", name=system)
        changed = {system: id for system, id in ids.items() if before.get(system, "") != id}
        wrong = {system: [WRONG] for system, id in changed.items() if len(id) > _LONGEST["id"] or not id.isprintable()}
        for system, id in changed.items():
            taken = sa.select(ForeignId.person_id).where(ForeignId.system == system, ForeignId.foreign_id == id)
            if id and system not in wrong and connection.execute(taken).first():
                wrong[system] = [TAKEN]
        if wrong:
            raise FormInvalid(wrong)
        if not changed:
            return False
        store(services, unit, {(person, system): id for system, id in changed.items()}, at=now)
        told = {"ids": [_told({system: before.get(system, "") for system in changed}), _told(changed)]}
        log.record(connection, at=now, by=by, kind="persons", ref=person, name=name, act="changed", changes=told, note="")
        unit.commit()
    return True


def store(services: Services, unit: Unit, ids: Mapping[tuple[str, str], str], *, at: dt.datetime) -> None:
    """Write what services call people, by (person, service), "" for nothing; centres that know them by it show their work at once."""
    for person, system in ids:
        unit.connection.execute(sa.delete(ForeignId).where(ForeignId.person_id == person, ForeignId.system == system))
    if rows := [{"person_id": person, "system": system, "foreign_id": id} for (person, system), id in ids.items() if id]:
        unit.connection.execute(sa.insert(ForeignId), rows)
    for centre in services.projectors.values():
        persons = [person for person, system in ids if system == centre.system]
        waits = sa.select(Projection.case_id).where(Projection.person_id.in_(persons), Projection.state == "open")
        for case in unit.connection.execute(waits.where(Projection.centre == centre.centre).distinct()).scalars() if persons else ():
            show_again(services, unit, case, at=at, centre=centre.centre)


def _told(ids: Mapping[str, str]) -> list[str]:
    return [f"{system}: {id}" for system, id in sorted(ids.items()) if id]


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
