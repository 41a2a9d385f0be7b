"""The directory as a resolution sees it: as of one moment, each fact read once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
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
from ..models.base import SoughtId
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
        self._names: dict[tuple[str, str], dict[str, Json]] = {}
        self._duties: dict[str, list[tuple[str, str, str]]] = {}
        self._absent: dict[tuple[str, str], dict[str, StandIn]] = {}
        self._complete = False

    @classmethod
    def whole(cls, connection: sa.Connection, at: dt.datetime) -> Company:
        """The same with everybody read at once, for resolutions about many subjects."""
        company = cls(connection, at)
        company._read_members(_MEMBERS)
        company._read_units(_UNITS)
        company._complete = True
        return company

    @property
    def members(self) -> list[Member]:
        """Everybody, where the whole company was read."""
        return [member for member in self._members.values() if member]

    def member(self, person: str) -> Member | None:
        if person not in self._members and not self._complete:
            self._read_members(_UPWARD, person=person)
            self._members.setdefault(person, None)
        return self._members.get(person)

    def find(self, named: Json) -> str | None:
        """The id of somebody named by id or employee number."""
        if not isinstance(named, str):
            return None
        if named not in self._numbers and not self._complete:
            self._read_members(_SO_NAMED, named=named, named_id=named)
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
            self._read_units(_UNITS_UPWARD, key=key)
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
        return self._list("role", role)

    def group_members(self, group: str) -> list[str]:
        return self._list("group", group)

    def post_holders(self, post: str) -> list[str]:
        return self._list("post", post)

    def belonging(self, key: str, *, below: bool = False) -> list[str]:
        """Who belongs to a department, as their main one or besides; with `below` to one under it, too."""
        return self._list("below" if below else "department", key)

    def duty(self, duty: str, whose: str, department: str | None, scopes: Sequence[str]) -> tuple[list[str], str, str]:
        """Who holds a duty for somebody, of the nearest of these scopes that has anybody; with that scope and what it says.

        ([], "", "") where nobody does.
        """
        if duty not in self._duties:
            rows = self._read_members(_DUTY, duty=duty)
            self._duties[duty] = [(row.scope, row.ref, row.id) for row in rows]
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
        if (kind, key) not in self._names:
            if kind == "person":
                [self._names[kind, key]] = self.named([key])
            else:
                table = _NAMED[kind]
                row = self.connection.execute(sa.select(table.name, table.name_en).where(table.id == key)).one_or_none()
                self._names[kind, key] = {"id": key, "name": row.name if row else key, "name_en": row.name_en if row else key}
        return self._names[kind, key]

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

    def _list(self, kind: str, key: str) -> list[str]:
        if (kind, key) not in self._lists:
            rows = self._read_members(_HOLDING[kind], key=key)
            self._lists[kind, key] = self._here(row.id for row in rows)
        return self._lists[kind, key]

    def _here(self, persons: Iterable[str]) -> list[str]:
        return self.in_order(person for person in persons if (member := self.member(person)) and member.here)

    def _place(self, person: str) -> tuple[str, str]:
        member = self.member(person)
        return (member.employee_no or "" if member else "", person)

    def _read_members(self, which: sa.Select[Any], **given: str) -> list[sa.Row[Any]]:
        """Remember the members that a select of `_MEMBERS` gives; gives its rows."""
        rows = list(self.connection.execute(which, {"on": self.on, **given}))
        for row in rows:
            if row.id not in self._members:
                employed = (row.employed_from or dt.date.min) <= self.on <= (row.employed_to or dt.date.max)
                own = {name: getattr(row, name) for name in _OWN}
                self._members[row.id] = Member(**own, employed=employed)
                if row.employee_no:
                    self._numbers[row.employee_no] = row.id
        return rows

    def _read_units(self, which: sa.Select[Any], **given: str) -> None:
        for row in self.connection.execute(which, {"on": self.on, **given}):
            self._units.setdefault(row.id, Unit(id=row.id, name=row.name, name_en=row.name_en, parent=row.parent, head=row.head))


# --- what is asked, written once: writing a statement anew takes longer than the answer

_ON: sa.BindParameter[dt.date] = sa.bindparam("on", type_=sa.Date)
_OWN = ("id", "name", "employee_no", "active", "department", "manager", "entity", "region", "grade")
_MEMBERS: Any = sa.select(
    Person.id,
    Person.name,
    Person.employee_no,
    Person.active,
    Person.employed_from,
    Person.employed_to,
    Placement.department_id.label("department"),
    Placement.manager_id.label("manager"),
    Placement.entity_id.label("entity"),
    Placement.region_id.label("region"),
    Placement.grade,
).outerjoin_from(Person, Placement, sa.and_(Placement.person_id == Person.id, directory.in_force(Placement, _ON)))
_SO_NAMED = _MEMBERS.where(sa.or_(Person.employee_no == sa.bindparam("named"), Person.id == sa.bindparam("named_id", type_=SoughtId)))


def _upward() -> Any:
    """Somebody with everybody above on the reporting line. UNION drops what it has seen, so a circle ends."""
    line = sa.select(sa.bindparam("person", type_=SoughtId).label("id")).cte("line", recursive=True)
    above = sa.select(Placement.manager_id).join(line, Placement.person_id == line.c.id)
    line = line.union(above.where(directory.in_force(Placement, _ON), Placement.manager_id.is_not(None)))
    return _MEMBERS.where(Person.id.in_(sa.select(line.c.id)))


_UPWARD = _upward()
_KEY = sa.bindparam("key", type_=sa.String)
_HOLDING: Mapping[str, sa.Select[Any]] = {
    "role": _MEMBERS.where(Person.id.in_(sa.select(Holding.person_id).where(Holding.role == _KEY))),
    "group": _MEMBERS.where(Person.id.in_(sa.select(GroupMember.person_id).where(GroupMember.group_id == _KEY))),
    "post": _MEMBERS.where(
        Person.id.in_(sa.select(Appointment.person_id).where(Appointment.post_id == _KEY, directory.in_force(Appointment, _ON)))
    ),
    "department": _MEMBERS.where(Person.id.in_(directory.belonging(_KEY, _ON, False))),
    "below": _MEMBERS.where(Person.id.in_(directory.belonging(_KEY, _ON, True))),
}
_DUTY = (
    _MEMBERS.add_columns(Duty.scope, Duty.ref)
    .join(Duty, Duty.person_id == Person.id)
    .where(Duty.duty == sa.bindparam("duty"), directory.in_force(Duty, _ON))
)
_UNITS: Any = sa.select(
    Department.id, Department.name, Department.name_en, Department.parent_id.label("parent"), Headship.person_id.label("head")
).outerjoin_from(Department, Headship, sa.and_(Headship.department_id == Department.id, directory.in_force(Headship, _ON)))


def _units_upward() -> Any:
    """A department with all above it, as `_upward`."""
    line = sa.select(Department.id, Department.parent_id).where(Department.id == _KEY).cte("units", recursive=True)
    line = line.union(sa.select(Department.id, Department.parent_id).join(line, Department.id == line.c.parent_id))
    return _UNITS.where(Department.id.in_(sa.select(line.c.id)))


_UNITS_UPWARD = _units_upward()
_NAMED: Mapping[str, Any] = {"department": Department, "entity": Entity, "region": Region, "group": Group, "post": Post}
