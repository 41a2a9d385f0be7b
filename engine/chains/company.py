"""The directory as a resolution sees it: as of one moment, each fact read once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..models import (
    Appointment,
    Department,
    Duty,
    Entity,
    Group,
    GroupMember,
    Headship,
    Holding,
    Person,
    Placement,
    Post,
    Region,
)
from ..people import absences, directory
from ..people.absences import StandIn
from ..ports import Json

#: superiors or departments above each other; a longer line is a mistake in the data
_HIGHEST = 50


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody of the directory, where they stand that day."""

    id: str
    name: str
    employee_no: str | None
    #: allowed to act
    active: bool
    #: working here that day
    employed: bool
    #: key of the main department
    department: str | None
    manager: str | None
    entity: str | None
    region: str | None
    #: the higher, the further up; None where it is not known
    grade: int | None

    @property
    def here(self) -> bool:
        return self.active and self.employed


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One department."""

    id: str
    name: str
    name_en: str
    parent: str | None
    head: str | None


class Company:
    """Who there is and who stands where, as of `at`. Not for use after the connection's transaction."""

    def __init__(self, connection: sa.Connection, at: dt.datetime) -> None:
        self.connection = connection
        self.at = at
        self.on = directory.day(at)
        self._members: dict[str, Member | None] = {}
        self._numbers: dict[str, str | None] = {}
        self._units: dict[str, Unit | None] = {}
        self._lists: dict[tuple[str, ...], list[str]] = {}
        self._duties: dict[str, list[tuple[str, str, str]]] = {}
        self._absent: dict[tuple[str, str], dict[str, StandIn]] = {}
        self._complete = False

    @classmethod
    def whole(cls, connection: sa.Connection, at: dt.datetime) -> Company:
        """The same with everybody read at once, for resolutions about many subjects."""
        company = cls(connection, at)
        company._read_members()
        company._read_units()
        company._complete = True
        return company

    @property
    def members(self) -> list[Member]:
        """Everybody, where the whole company was read."""
        return [member for member in self._members.values() if member]

    def member(self, person: str) -> Member | None:
        if person not in self._members and not self._complete:
            self._read_members(Person.id == person)
            self._members.setdefault(person, None)
        return self._members.get(person)

    def find(self, named: Json) -> str | None:
        """The id of somebody named by id or employee number."""
        if not isinstance(named, str):
            return None
        if named not in self._numbers and not self._complete:
            self._read_members(sa.or_(Person.employee_no == named, Person.id == named))
            self._numbers.setdefault(named, None)
        return named if self._members.get(named) else self._numbers.get(named)

    def named(self, persons: Iterable[str]) -> list[dict[str, Json]]:
        """Persons as a trace keeps them, so that it can be read after they left."""
        return [{"id": person, "name": member.name if (member := self.member(person)) else person} for person in persons]

    # --- departments and lines

    def unit(self, key: Json) -> Unit | None:
        if not isinstance(key, str):
            return None
        if key not in self._units and not self._complete:
            self._read_units(Department.id == key)
            self._units.setdefault(key, None)
        return self._units.get(key)

    def line(self, key: str | None) -> list[Unit]:
        """A department and those above it; a circle ends where it would begin again."""
        line: list[Unit] = []
        while key is not None and len(line) < _HIGHEST and (unit := self.unit(key)) and unit not in line:
            line.append(unit)
            key = unit.parent
        return line

    def superiors(self, person: str) -> list[str]:
        """The reporting line from the direct superior upward; a circle ends where it would begin again."""
        line: list[str] = []
        current = person
        while len(line) < _HIGHEST and (member := self.member(current)) and member.manager:
            current = member.manager
            if current == person or current in line:
                break
            line.append(current)
        return line

    # --- who is there and holds something, by employee number

    def holders(self, role: str) -> list[str]:
        return self._list(("role", role), lambda: sa.select(Holding.person_id).where(Holding.role == role))

    def group_members(self, group: str) -> list[str]:
        return self._list(("group", group), lambda: sa.select(GroupMember.person_id).where(GroupMember.group_id == group))

    def post_holders(self, post: str) -> list[str]:
        held = sa.select(Appointment.person_id).where(Appointment.post_id == post, directory.in_force(Appointment, self.on))
        return self._list(("post", post), lambda: held)

    def belonging(self, key: str, *, below: bool = False) -> list[str]:
        """Who belongs to a department, as their main one or besides; with `below` to one under it, too."""
        return self._list(("department", key, str(below)), lambda: directory.belonging([key], self.on, below))

    def duty(self, duty: str, whose: str, department: str | None, scopes: Sequence[str]) -> tuple[list[str], str, str]:
        """Who holds a duty for somebody, of the nearest of these scopes that has anybody; with that scope and what it says.

        ([], "", "") where nobody does.
        """
        if duty not in self._duties:
            rows = self.connection.execute(
                sa.select(Duty.scope, Duty.ref, Duty.person_id).where(Duty.duty == duty, directory.in_force(Duty, self.on))
            ).all()
            self._read_missing([row.person_id for row in rows])
            self._duties[duty] = [(row.scope, row.ref, row.person_id) for row in rows]
        own = self.member(whose)
        places = {
            "person": [whose],
            "department": [unit.id for unit in self.line(department)],
            "entity": [own.entity] if own and own.entity else [],
            "region": [own.region] if own and own.region else [],
            "company": [""],
        }
        for scope in scopes:
            for place in places[scope]:
                if held := self._here(person for of, ref, person in self._duties[duty] if (of, ref) == (scope, place)):
                    return held, scope, place
        return [], "", ""

    def called(self, kind: str, key: str) -> dict[str, Json]:
        """Something by its kind (`person`, `department`, `entity`, `region`, `group` or `post`) and key, as a trace keeps it."""
        if kind == "person":
            return self.named([key])[0]
        table = _NAMED.get(kind)
        row = self.connection.execute(sa.select(table.name, table.name_en).where(table.id == key)).one_or_none() if table else None
        return {"id": key, "name": row.name if row else key, "name_en": row.name_en if row else key}

    def missing(self, kind: str, named: Sequence[str]) -> list[str]:
        """Those of the `persons`, `departments`, `groups`, `posts` or `duties` that do not exist."""
        if kind == "persons":
            return [name for name in named if self.find(name) is None]
        column: Any = Duty.duty if kind == "duties" else _NAMED[kind.removesuffix("s")].id
        known = set(self.connection.execute(sa.select(column).where(column.in_(named))).scalars())
        return [name for name in named if name not in known]

    def stand_in(self, person: str, procedure: str | None, chain: str | None) -> StandIn | None:
        """Who stands in for somebody; None for who is there."""
        key = (procedure or "", chain or "")
        if key not in self._absent:
            self._absent[key] = absences.stand_ins(self.connection, None, self.at, *key)
        return self._absent[key].get(person)

    def in_order(self, persons: Iterable[str]) -> list[str]:
        """Each person once, by employee number."""
        return sorted(dict.fromkeys(persons), key=self._place)

    def _list(self, key: tuple[str, ...], select: Callable[[], Any]) -> list[str]:
        if key not in self._lists:
            found = self.connection.execute(select()).scalars().all()
            self._read_missing(found)
            self._lists[key] = self._here(found)
        return self._lists[key]

    def _here(self, persons: Iterable[str]) -> list[str]:
        return self.in_order(person for person in persons if (member := self.member(person)) and member.here)

    def _place(self, person: str) -> tuple[str, str]:
        member = self.member(person)
        return (member.employee_no or "" if member else "", person)

    def _read_missing(self, persons: Collection[str]) -> None:
        unread = [person for person in persons if person not in self._members]
        if unread and not self._complete:
            self._read_members(Person.id.in_(unread))

    def _read_members(self, *which: sa.ColumnElement[bool]) -> None:
        own = sa.and_(Placement.person_id == Person.id, directory.in_force(Placement, self.on))
        rows = self.connection.execute(
            sa.select(Person.id, Person.name, Person.employee_no, Person.active, Person.employed_from, Person.employed_to)
            .add_columns(Placement.department_id, Placement.manager_id, Placement.entity_id, Placement.region_id, Placement.grade)
            .outerjoin(Placement, own)
            .where(*which)
        )
        for id, name, number, active, since, until, department, manager, entity, region, grade in rows:
            employed = (since or dt.date.min) <= self.on <= (until or dt.date.max)
            place = {"department": department, "manager": manager, "entity": entity, "region": region, "grade": grade}
            self._members[id] = Member(id=id, name=name, employee_no=number, active=active, employed=employed, **place)
            if number:
                self._numbers[number] = id

    def _read_units(self, *which: sa.ColumnElement[bool]) -> None:
        own = sa.and_(Headship.department_id == Department.id, directory.in_force(Headship, self.on))
        columns = (Department.id, Department.name, Department.name_en, Department.parent_id, Headship.person_id)
        for id, name, name_en, parent, head in self.connection.execute(sa.select(*columns).outerjoin(Headship, own).where(*which)):
            self._units[id] = Unit(id=id, name=name, name_en=name_en, parent=parent, head=head)


_NAMED: Mapping[str, Any] = {"department": Department, "entity": Entity, "region": Region, "group": Group, "post": Post}
