"""Lists of the directory for those who keep it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from ..models import Department, Headship, Holding, Membership, Person, Placement
from .directory import here, in_force, standing, title


def people(
    connection: sa.Connection,
    on: dt.date,
    *,
    search: str = "",
    department: str = "",
    role: str = "",
    state: str = "here",
    page: int = 1,
    size: int = 30,
) -> tuple[list[sa.Row[Any]], int]:
    """A page of persons by number, and how many there are: rows of (id, name, employee_no, department_name, department_name_en,
    post, post_en, here, from_day, to_day), the days those of the employment.

    `search`: part of name, number or e-mail. `department`: its key, with those below it. `state`: `here`, `left` or "" for all.
    """
    which: list[sa.ColumnElement[bool]] = []
    for word in search.split()[:5]:
        which.append(sa.or_(*(column.icontains(word, autoescape=True) for column in (Person.name, Person.employee_no, Person.email))))
    if department:
        tree = sa.select(Department.id).where(Department.id == department).cte("tree", recursive=True)
        tree = tree.union(sa.select(Department.id).join(tree, Department.parent_id == tree.c.id))
        beside = sa.select(Membership.person_id).where(Membership.department_id.in_(sa.select(tree.c.id)), in_force(Membership, on))
        which.append(sa.or_(Placement.department_id.in_(sa.select(tree.c.id)), Person.id.in_(beside)))
    if role:
        which.append(Person.id.in_(sa.select(Holding.person_id).where(Holding.role == role)))
    if state:
        which.append(here(on) if state == "here" else sa.not_(here(on)))
    total = connection.execute(sa.select(sa.func.count()).select_from(standing(on)).where(*which)).scalar_one()
    rows = connection.execute(
        sa.select(
            *(Person.id, Person.name, Person.employee_no),
            Department.name.label("department_name"),
            Department.name_en.label("department_name_en"),
            *title(on),
            sa.case((here(on), sa.true()), else_=sa.false()).label("here"),
            Person.employed_from.label("from_day"),
            Person.employed_to.label("to_day"),
        )
        .select_from(standing(on))
        .where(*which)
        .order_by(sa.func.coalesce(Person.employee_no, ""), Person.id)
        .limit(size)
        .offset((max(page, 1) - 1) * size)
    )
    return list(rows), int(total)


def roles(connection: sa.Connection) -> list[str]:
    """Every role that somebody holds."""
    return list(connection.execute(sa.select(Holding.role).distinct().order_by(Holding.role)).scalars())


def departments(connection: sa.Connection) -> dict[str, dict[str, Any]]:
    """Every department by key: {key, name, name_en, parent}."""
    select = sa.select(Department.id.label("key"), Department.name, Department.name_en, Department.parent_id.label("parent"))
    return {row.key: row._asdict() for row in connection.execute(select.order_by(Department.id))}


def planned(connection: sa.Connection, on: dt.date, *, person: str = "") -> list[sa.Row[Any]]:
    """Changes of places and heads that are planned for later days, the next first: rows of (day, person_id, name, department_name,
    department_name_en, head): `head` where somebody becomes head of the department rather than standing in it. `person`: of that
    person only, by id.
    """
    places = (
        sa.select(Placement.from_day.label("day"), Placement.person_id, Placement.department_id, sa.false().label("head"))
        .where(Placement.from_day > on)
        .union_all(sa.select(Headship.from_day, Headship.person_id, Headship.department_id, sa.true()).where(Headship.from_day > on))
        .subquery()
    )
    return list(
        connection.execute(
            sa.select(places.c.day, places.c.person_id, places.c.head, Person.name)
            .add_columns(Department.name.label("department_name"), Department.name_en.label("department_name_en"))
            .join(Person, Person.id == places.c.person_id)
            .outerjoin(Department, Department.id == places.c.department_id)
            .where(places.c.person_id == person if person else sa.true())
            .order_by(places.c.day, Person.name)
        )
    )
