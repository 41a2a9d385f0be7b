"""The whole directory on one day as lines: what an import compares with, what an export writes."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from ..models import (
    Account,
    Appointment,
    Department,
    Duty,
    Entity,
    ForeignId,
    Group,
    GroupMember,
    Headship,
    Holding,
    Membership,
    Person,
    Placement,
    Post,
    Region,
)
from .directory import in_force
from .lines import ID, KINDS

#: kind -> key -> column -> value, as `lines.read` gives them
Lines = dict[str, dict[str, dict[str, Any]]]


class State:
    """The directory on one day. Persons are keyed by employee number, or `login:` and the login where there is no number."""

    def __init__(self, on: dt.date, lines: Lines, ids: Mapping[str, str]) -> None:
        self.on = on
        self.lines = lines
        #: key of a person -> id
        self.ids = dict(ids)

    def person(self, text: str) -> str | None:
        """Key of the person whom a text names, by employee number or login. Not to be asked before the last change."""
        return text if text in self.lines["persons"] else self._others.get(text) or self._others.get(text.lower())

    @functools.cached_property
    def _others(self) -> dict[str, str]:
        persons = self.lines["persons"].items()
        return {**self.logins, **{line["employee_no"]: key for key, line in persons if line["employee_no"]}}

    @functools.cached_property
    def logins(self) -> dict[str, str]:
        """Login -> key of the person. Not to be asked before the last change."""
        return {line["login"]: key for key, line in self.lines["persons"].items() if line["login"]}

    def here(self, key: str, on: dt.date | None = None) -> bool:
        """Whether a person works here that day and may act."""
        line, day = self.lines["persons"].get(key), on or self.on
        return line is not None and line["active"] and (line["from"] or day) <= day <= (line["to"] or day)

    def name(self, kind: str, key: str) -> str:
        """What people call something; the key where it is not known."""
        line = self.lines.get(kind, {}).get(key)
        return str(line["name"]) if line else key


def empty(kind: str) -> dict[str, Any]:
    """A line of a kind of which nothing was said."""
    values: dict[str, Any] = {each.name: () if each.kind == "list" else None for each in KINDS[kind]}
    return {**values, "active": True} if kind == "persons" else values


def duty_key(line: Mapping[str, Any]) -> str:
    """What tells one duty from another."""
    return "\t".join(line[name] or "" for name in ("duty", "person", "scope", "ref"))


def state(connection: sa.Connection, on: dt.date, *, about: str = "") -> State:
    """The directory as it holds on a day.

    `about`: id of a person; then of persons only their line, those of their superior, of who reports to them and of whom their duties
    are for; and of what persons head, hold and belong to only what this one does.
    """

    def rows(select: Any) -> Iterable[Any]:
        return connection.execute(select).all()

    def own(person: Any) -> sa.ColumnElement[bool]:
        return person == about if about else sa.true()

    persons: dict[str, dict[str, Any]] = {}
    keys: dict[str, str] = {}
    placed = sa.and_(Placement.person_id == Person.id, in_force(Placement, on))
    select = sa.select(Person.__table__, Placement.department_id, Placement.team, Placement.manager_id)
    select = select.add_columns(Placement.entity_id, Placement.region_id, Placement.grade, Account.login)
    select = select.outerjoin(Placement, placed).outerjoin(Account, Account.person_id == Person.id)
    if about:
        superior = sa.select(Placement.manager_id).where(Placement.person_id == about, in_force(Placement, on))
        # read first: PostgreSQL compares no uuid with the text that a duty keeps
        served = [ref for [ref] in rows(sa.select(Duty.ref).where(Duty.person_id == about, Duty.scope == "person"))]
        select = select.where(sa.or_(own(Person.id), own(Placement.manager_id), Person.id.in_(superior), Person.id.in_(served)))
    people = list(rows(select))
    for row in people:
        keys[row.id] = row.employee_no or (f"login:{row.login}" if row.login else f"id:{row.id}")
    for row in sorted(people, key=lambda row: keys[row.id]):
        persons[keys[row.id]] = {
            **empty("persons"),
            **{name: row._mapping[name] for name in ("employee_no", "name", "login", "email", "mobile", "team", "grade", "active")},
            **{name: row._mapping[name] or None for name in ("post", "post_en")},
            **{name: row._mapping[f"{name}_id"] for name in ("department", "entity", "region")},
            "manager": keys.get(row.manager_id),
            "from": row.employed_from,
            "to": row.employed_to,
        }

    def gather(select: Any, column: str) -> None:
        for person, value in rows(select):
            persons[keys[person]][column] = (*persons[keys[person]][column], value)

    gather(sa.select(Holding.person_id, Holding.role).where(own(Holding.person_id)).order_by(Holding.role), "roles")
    others = sa.select(Membership.person_id, Membership.department_id).where(in_force(Membership, on), own(Membership.person_id))
    gather(others.order_by(Membership.department_id), "others")
    for row in rows(sa.select(ForeignId.__table__).where(own(ForeignId.person_id))):
        persons[keys[row.person_id]][f"{ID}{row.system}"] = row.foreign_id
    posts = sa.select(Appointment.person_id, Appointment.post_id).where(in_force(Appointment, on), own(Appointment.person_id))
    gather(posts.order_by(Appointment.post_id), "posts")
    leading = sa.select(Headship.department_id, Headship.person_id).where(in_force(Headship, on), own(Headship.person_id))
    heads = dict(rows(leading.order_by(Headship.id.desc())))
    departments = {
        row.id: {
            **{"key": row.id, "name": row.name, "name_en": row.name_en or None, "parent": row.parent_id},
            **{"head": keys.get(heads.get(row.id, "")), "entity": row.entity_id, "from": row.from_day, "to": row.to_day},
        }
        for row in rows(sa.select(Department.__table__).order_by(Department.id))
    }
    named: Lines = {}
    for kind, model in (("entities", Entity), ("regions", Region), ("posts", Post), ("groups", Group)):
        found = rows(sa.select(model.__table__).order_by(model.id))
        named[kind] = {row.id: {"key": row.id, "name": row.name, "name_en": row.name_en or None} for row in found}
    for group in named["groups"].values():
        group["members"] = ()
    for group, person in rows(sa.select(GroupMember.group_id, GroupMember.person_id).where(own(GroupMember.person_id))):
        named["groups"][group]["members"] = tuple(sorted({*named["groups"][group]["members"], keys[person]}))
    duties = {}
    lasting = sa.select(Duty.__table__).where(sa.or_(Duty.to_day.is_(None), Duty.to_day >= on), own(Duty.person_id))
    for row in rows(lasting.order_by(Duty.id)):
        ref = keys.get(row.ref, row.ref) if row.scope == "person" else row.ref
        line = {"duty": row.duty, "person": keys[row.person_id], "scope": row.scope, "ref": ref or None}
        duties[duty_key(line)] = {**line, "from": row.from_day, "to": row.to_day}
    lines = {**named, "departments": departments, "persons": persons, "duties": duties}
    return State(on, {kind: lines[kind] for kind in KINDS}, {key: person for person, key in keys.items()})
