"""The directory: who somebody is, what they hold, and who is above them, as of a day.

Functions take an open connection and neither commit nor begin. Persons are named by id, 32 hexadecimal digits. `on` is the day
that is asked about, at the company's place (`day`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ..bpmn import expressions
from ..db import Statement
from ..errors import NotFound
from ..models import Appointment, Department, Headship, Holding, Membership, Person, Placement, Post
from ..models.people import Dated

#: superiors or departments above each other; a longer line is a mistake in the data
_HIGHEST = 50

#: a day, or the place of one in a statement that is compiled once
Day = dt.date | sa.ColumnElement[dt.date]
_ON: sa.BindParameter[dt.date] = sa.bindparam("on", type_=sa.Date)


def day(at: dt.datetime) -> dt.date:
    """The day of a moment at the company's place."""
    return at.astimezone(ZoneInfo(expressions.ZONE)).date()


def midnight(on: dt.date) -> dt.datetime:
    """The moment at which a day begins at the company's place."""
    return dt.datetime.combine(on, dt.time(), ZoneInfo(expressions.ZONE)).astimezone(dt.UTC)


def in_force(model: type[Dated], on: Day) -> sa.ColumnElement[bool]:
    """Condition on rows with days: those that hold on that day."""
    begun = sa.or_(model.from_day.is_(None), model.from_day <= on)
    return sa.and_(begun, sa.or_(model.to_day.is_(None), model.to_day >= on))


def here(on: Day) -> sa.ColumnElement[bool]:
    """Condition on persons: those who work here that day and may act."""
    begun = sa.or_(Person.employed_from.is_(None), Person.employed_from <= on)
    return sa.and_(Person.active, begun, sa.or_(Person.employed_to.is_(None), Person.employed_to >= on))


def title(on: Day) -> tuple[sa.ColumnElement[str], sa.ColumnElement[str]]:
    """What persons are called, in Chinese and in English: by the post they hold longest, else by the text kept with them."""
    held = (
        sa.select(Appointment.id)
        .where(Appointment.person_id == Person.id, in_force(Appointment, on))
        .order_by(Appointment.id)
        .limit(1)
        .correlate(Person)
        .scalar_subquery()
    )

    def called(column: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        return sa.select(column).join(Appointment, Appointment.post_id == Post.id).where(Appointment.id == held).scalar_subquery()

    def text(own: Any, of_post: Any, name: str) -> sa.ColumnElement[str]:
        return sa.func.coalesce(called(of_post), own).label(name)

    return text(Person.post, Post.name, "post"), text(Person.post_en, Post.name_en, "post_en")


def standing(on: Day) -> sa.FromClause:
    """Persons with where they stand that day, and their main department, as far as they have any."""
    placed = sa.join(Person, Placement, sa.and_(Placement.person_id == Person.id, in_force(Placement, on)), isouter=True)
    return placed.outerjoin(Department, Department.id == Placement.department_id)


_SHOWN = sa.select(
    Person.id,
    Person.name,
    Person.employee_no,
    Placement.department_id.label("department"),
    Department.name.label("department_name"),
    Placement.team,
    *title(_ON),
    Person.email,
).select_from(standing(_ON))
#: what a case keeps of a person, for `displayed`
DISPLAY = Statement(_SHOWN.where(Person.id == sa.bindparam("person")))
#: the roles a person holds
ROLES = Statement(sa.select(Holding.role).where(Holding.person_id == sa.bindparam("person")))
#: a row if the person works here and may act
HERE = Statement(sa.select(Person.id).where(Person.id == sa.bindparam("person"), here(_ON)))


def display(connection: sa.Connection, person: str, on: dt.date) -> dict[str, str]:
    """What a case keeps of a person: {id, name, employee_no, department, department_name, team, post, post_en, email}.

    What is unknown is "". Raises NotFound.
    """
    return displayed(connection.execute(DISPLAY.clause, {"person": person, "on": on}).all(), person)


def displayed(rows: Sequence[Any], person: str) -> dict[str, str]:
    """`display` from what DISPLAY gave."""
    if not rows:
        raise NotFound(what="person", name=person)
    return _told(rows[0])


def displays(connection: sa.Connection, persons: Collection[str], on: dt.date) -> list[dict[str, str]]:
    """`display` of each of these persons, in one statement and no order; whoever is unknown is left out."""
    return [_told(row) for row in connection.execute(_SHOWN.where(Person.id.in_(persons)), {"on": on})]


def _told(row: Any) -> dict[str, str]:
    names = [column.key for column in DISPLAY.clause.selected_columns]
    return {name: value or "" for name, value in zip(names, row, strict=True)}


def present(connection: sa.Connection, persons: Collection[str], on: dt.date) -> frozenset[str]:
    """Those of these persons who work here that day and may act."""
    return frozenset(connection.execute(sa.select(Person.id).where(Person.id.in_(persons), here(on))).scalars())


# --- above somebody


def superiors(connection: sa.Connection, person: str, on: dt.date) -> list[str]:
    """The reporting line from the direct superior upward; a circle ends where it would begin again."""
    line = sa.select(Placement.manager_id.label("id"), sa.literal(1).label("level"))
    above = line.where(Placement.person_id == person, in_force(Placement, on)).cte("above", recursive=True)
    higher = sa.select(Placement.manager_id, above.c.level + 1).join(above, Placement.person_id == above.c.id)
    above = above.union_all(higher.where(in_force(Placement, on), above.c.level < _HIGHEST))
    found: list[str] = []
    for superior in connection.execute(sa.select(above.c.id).where(above.c.id.is_not(None)).order_by(above.c.level)).scalars():
        if superior == person or superior in found:
            break
        found.append(superior)
    return found


def reports_to(connection: sa.Connection, person: str, superior: str, on: dt.date) -> bool:
    """Whether the person reports to the superior, directly or not."""
    return superior in superiors(connection, person, on)


def departments(connection: sa.Connection, person: str, on: dt.date) -> list[sa.Row[Any]]:
    """The person's main department and those above it: rows of (id, name, name_en, parent_id, head_id), `head_id` None while vacant."""
    own = sa.select(Placement.department_id).where(Placement.person_id == person, in_force(Placement, on))
    line = sa.select(Department.id, Department.parent_id, sa.literal(1).label("level")).where(Department.id.in_(own))
    above = line.cte("line", recursive=True)
    higher = sa.select(Department.id, Department.parent_id, above.c.level + 1).join(above, Department.id == above.c.parent_id)
    above = above.union_all(higher.where(above.c.level < _HIGHEST))
    rows: Sequence[Any] = connection.execute(
        sa.select(Department.id, Department.name, Department.name_en, Department.parent_id, _head(on).label("head_id"))
        .join(above, above.c.id == Department.id)
        .order_by(above.c.level)
    ).all()
    found: dict[str, sa.Row[Any]] = {}
    for row in rows:
        if row.id in found:
            break
        found[row.id] = row
    return list(found.values())


def _head(on: Day) -> sa.ScalarSelect[str]:
    """The head of a department, as a column."""
    head = sa.select(Headship.person_id).where(Headship.department_id == Department.id, in_force(Headship, on))
    return head.order_by(Headship.id).limit(1).correlate(Department).scalar_subquery()


# --- who holds something


def roles_of(connection: sa.Connection, person: str) -> frozenset[str]:
    """The roles a person holds."""
    return frozenset(connection.execute(ROLES.clause, {"person": person}).scalars())


def anybody(connection: sa.Connection, on: dt.date) -> bool:
    """Whether there are people at all; a new installation has none yet."""
    return connection.execute(sa.select(Person.id).where(here(on)).limit(1)).first() is not None


def holders(connection: sa.Connection, *roles: str, on: dt.date) -> list[str]:
    """Whoever works here that day and holds one of the roles, by employee number."""
    select = sa.select(Person.id).where(Person.id.in_(sa.select(Holding.person_id).where(Holding.role.in_(roles))), here(on))
    return list(connection.execute(select.order_by(sa.func.coalesce(Person.employee_no, ""), Person.id)).scalars())


def belonging(departments: Collection[str] | sa.BindParameter[str], on: Day, sub: bool) -> sa.CompoundSelect[Any]:
    """Ids of all who belong to one of the departments (or to the only one) or head it, present or not, as a select."""
    named = Department.id == departments if isinstance(departments, sa.BindParameter) else Department.id.in_(departments)
    units: Any = sa.select(Department.id).where(named)
    if sub:
        tree = units.cte("tree", recursive=True)
        tree = tree.union(sa.select(Department.id).join(tree, Department.parent_id == tree.c.id))
        units = sa.select(tree.c.id)
    return sa.union_all(
        sa.select(Placement.person_id).where(Placement.department_id.in_(units), in_force(Placement, on)),
        sa.select(Membership.person_id).where(Membership.department_id.in_(units), in_force(Membership, on)),
        sa.select(Headship.person_id).where(Headship.department_id.in_(units), in_force(Headship, on)),
    )


# --- finding people


def search(
    connection: sa.Connection,
    text: str,
    on: dt.date,
    *,
    reports_of: str | None = None,
    among: Collection[str] | None = None,
    but: Collection[str] = (),
    limit: int = 20,
) -> list[sa.Row[Any]]:
    """Employees who work here and whose name or number contains the text: rows of (id, name, employee_no, department_name,
    department_name_en, post, post_en). With `reports_of`, only those who report to that person, directly or not; with `among`, only
    those; never those named by `but`.
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
            *title(on),
        )
        .select_from(standing(on))
        .where(here(on), Person.employee_no.is_not(None), Person.id.not_in(but))
        .where(sa.or_(*(sa.func.lower(column).contains(wanted, autoescape=True) for column in (Person.name, Person.employee_no))))
        .order_by(Person.employee_no)
        .limit(limit)
    )
    if among is not None:
        select = select.where(Person.id.in_(among))
    if reports_of is not None:
        select = select.where(Person.id.in_(sa.select(_reports(reports_of, on).c.id)))
    return list(connection.execute(select))


def so_called(connection: sa.Connection, name: str, on: dt.date) -> list[sa.Row[Any]]:
    """Two at most of those who work here by exactly that name: rows of (id, employee_no)."""
    select = sa.select(Person.id, Person.employee_no).where(Person.name == name, here(on)).limit(2)
    return list(connection.execute(select)) if name else []


def _reports(superior: str, on: dt.date) -> sa.CTE:
    """Everybody below somebody. UNION drops whom it has seen, so a circle ends."""
    direct = sa.select(Placement.person_id.label("id")).where(Placement.manager_id == superior, in_force(Placement, on))
    below = direct.cte("below", recursive=True)
    return below.union(sa.select(Placement.person_id).join(below, Placement.manager_id == below.c.id).where(in_force(Placement, on)))
