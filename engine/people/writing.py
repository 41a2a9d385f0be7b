"""How differences of the directory get into its tables, with a record of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..models import (
    Appointment,
    Base,
    Department,
    DirectoryEvent,
    Duty,
    Entity,
    Group,
    GroupMember,
    Headship,
    Holding,
    Membership,
    Person,
    Placement,
    Post,
    Region,
    new_id,
)
from . import dated
from .accounts import admit

if TYPE_CHECKING:
    from .importing import Difference

_MODELS: Mapping[str, type[Base]] = {
    **{"entities": Entity, "regions": Region, "posts": Post, "departments": Department, "persons": Person, "groups": Group},
}
#: kind -> column of a line -> column of the table
_COLUMNS: Mapping[str, Mapping[str, str]] = {
    **{kind: {"name": "name", "name_en": "name_en"} for kind in ("entities", "regions", "posts", "groups")},
    "departments": {"name": "name", "name_en": "name_en", "entity": "entity_id", "from": "from_day", "to": "to_day"},
    "persons": {name: name for name in ("employee_no", "name", "email", "mobile", "post", "post_en", "active")}
    | {"from": "employed_from", "to": "employed_to"},
}
_PLACE = {"department": "department_id", "team": "team", "manager": "manager_id", "entity": "entity_id", "region": "region_id"}
_PLACE |= {"grade": "grade"}
#: columns in which nothing is an empty text
_TEXTS = frozenset({"name_en", "post", "post_en"})


def write(
    connection: sa.Connection,
    differences: Sequence[Difference],
    known: dict[str, str],
    *,
    on: dt.date | None,
    password: Callable[[], str],
    locale: str = "zh-CN",
) -> None:
    """Write them, from the day `on` (None: as if always). `known`: key of a person -> id; `password`: the hash for new log-ins.

    A new person's id is added to `known`.
    """
    for each in differences:
        if each.kind == "persons":
            known.setdefault(each.key, new_id())
    ids = known
    by_kind = {kind: [each for each in differences if each.kind == kind] for kind in (*_MODELS, "duties")}
    for kind, model in _MODELS.items():
        _rows(connection, model, kind, by_kind[kind], ids)
    for unit in by_kind["departments"]:
        if "parent" in unit.changes:
            connection.execute(sa.update(Department).where(Department.id == unit.key).values(parent_id=unit.changes["parent"][1]))
    _places(connection, by_kind["persons"], ids, on)
    for person in by_kind["persons"]:
        _belongings(connection, person, ids[person.key], on)
        if login := person.changes.get("login", (None, None))[1]:
            admit(connection, ids[person.key], login, password, locale)
    for unit in by_kind["departments"]:
        if "head" in unit.changes:
            head = unit.changes["head"][1]
            dated.change(connection, Headship, {"department_id": unit.key}, {"person_id": ids[head]} if head else None, on)
    for group in by_kind["groups"]:
        if "members" in group.changes:
            _members(connection, group.key, [ids[key] for key in group.changes["members"][1]])
    for duty in by_kind["duties"]:
        _duty(connection, duty, ids, on)


def record(
    connection: sa.Connection,
    differences: Sequence[Difference],
    ids: Mapping[str, str],
    *,
    on: dt.date,
    by: str | None,
    note: str,
    at: dt.datetime,
) -> None:
    """Keep them, each as an event of the directory."""
    shared = {"at": at, "by": by, "on_day": on, "note": note}
    events = []
    for each in differences:
        ref = ids[each.key] if each.kind == "persons" else each.key
        about = {"kind": each.kind, "ref": ref[:100], "name": each.name[:200], "act": each.act, "changes": dict(each.told)}
        events.append({"id": new_id(), **about, **shared})
    _insert(connection, DirectoryEvent, events)


def _insert(connection: sa.Connection, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(model), [dict(row) for row in rows])


def _rows(connection: sa.Connection, model: type[Base], kind: str, differences: Iterable[Difference], ids: Mapping[str, str]) -> None:
    table: Any = model.__table__
    new = []
    for each in differences:
        values = {
            column: "" if value is None and column in _TEXTS else value
            for name, column in _COLUMNS[kind].items()
            if name in each.changes
            for value in [each.changes[name][1]]
        }
        key = ids[each.key] if kind == "persons" else each.key
        if each.act == "new":
            new.append({**{column: "" if column in _TEXTS else None for column in _COLUMNS[kind].values()}, **values, "id": key})
        elif values:
            connection.execute(sa.update(table).where(table.c.id == key).values(values))
    _insert(connection, model, new)


def _places(connection: sa.Connection, persons: Iterable[Difference], ids: Mapping[str, str], on: dt.date | None) -> None:
    """A new person stands where they stand from their first day on; a known one moves on the day."""
    new = []
    for each in persons:
        place = {column: each.changes[name][1] for name, column in _PLACE.items() if name in each.changes}
        if "manager_id" in place and place["manager_id"] is not None:
            place["manager_id"] = ids[place["manager_id"]]
        if each.act == "new" and any(value is not None for value in place.values()):
            days = {"from_day": each.changes.get("from", (None, None))[1], "to_day": None}
            new.append({**dict.fromkeys(_PLACE.values()), **place, **days, "id": new_id(), "person_id": ids[each.key]})
        elif place and each.act != "new":
            dated.change(connection, Placement, {"person_id": ids[each.key]}, place, on)
    _insert(connection, Placement, new)


def _belongings(connection: sa.Connection, person: Difference, id: str, on: dt.date | None) -> None:
    begun = person.changes.get("from", (None, None))[1]
    if "roles" in person.changes:
        before, after = person.changes["roles"]
        gone = [role for role in before if role not in after]
        if gone:
            connection.execute(sa.delete(Holding).where(Holding.person_id == id, Holding.role.in_(gone)))
        _insert(connection, Holding, [{"person_id": id, "role": role} for role in after if role not in before])
    for name, model, column in (("others", Membership, "department_id"), ("posts", Appointment, "post_id")):
        if name in person.changes:
            before, after = person.changes[name]
            for key in before:
                if key not in after:
                    dated.end(connection, model, {"person_id": id, column: key}, on)
            added = [{"person_id": id, column: key} for key in after if key not in before]
            if person.act == "new":  # for whom nothing is planned yet
                _insert(connection, model, [{"id": new_id(), **key, "from_day": begun, "to_day": None} for key in added])
            else:
                for key in added:
                    dated.begin(connection, model, key, on)


def _members(connection: sa.Connection, group: str, persons: Sequence[str]) -> None:
    connection.execute(sa.delete(GroupMember).where(GroupMember.group_id == group))
    _insert(connection, GroupMember, [{"group_id": group, "person_id": person} for person in persons])


def _duty(connection: sa.Connection, difference: Difference, ids: Mapping[str, str], on: dt.date | None) -> None:
    """A duty that was over before the day stays as it was, though the same person holds it again."""
    duty, person, scope, ref = difference.key.split("\t")
    holding = {"duty": duty, "person_id": ids[person], "scope": scope, "ref": ids[ref] if scope == "person" else ref}
    days = {f"{name}_day": difference.changes[name][1] for name in ("from", "to") if name in difference.changes}
    if difference.act == "new":
        connection.execute(sa.insert(Duty).values(id=new_id(), **holding, **{"from_day": None, "to_day": None, **days}))
    else:
        same = [Duty.__table__.c[name] == value for name, value in holding.items()]
        not_over = sa.or_(Duty.to_day.is_(None), Duty.to_day >= (on or dt.date.max))
        connection.execute(sa.update(Duty).where(*same, not_over).values(**days))
