"""What must hold of the directory as a whole: nobody is above themselves, and whoever is needed is there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ..models import Chain
from ..ports import Json
from . import lines
from .lines import Fault
from .state import State


def faults(state: State, needed: Mapping[str, str]) -> dict[tuple[str, str], list[Fault]]:
    """What is wrong, by the kind and key that it is about. `needed`: `needed_roles`."""
    found: dict[tuple[str, str], list[Fault]] = {}

    def add(kind: str, key: str, template: str, **facts: Any) -> None:
        found.setdefault((kind, key), []).append(Fault(template=template, facts=facts))

    for kind, above, template in (("departments", "parent", lines.DEPARTMENT_CIRCLE), ("persons", "manager", lines.LINE_CIRCLE)):
        for circle in _circles({key: line[above] for key, line in state.lines[kind].items()}):
            add(kind, circle[0], template, names=" → ".join(state.name(kind, key) for key in (*circle, circle[0])))
    for key, unit in state.lines["departments"].items():
        head = unit["head"]
        if head and not state.here(head) and (unit["to"] or state.on) >= state.on:
            add("departments", key, lines.HEAD_LEFT, name=state.name("persons", head), department=unit["name"], day=state.on.isoformat())
    for key, duty in state.lines["duties"].items():
        day = max(state.on, duty["from"] or state.on)
        if (duty["to"] or day) >= day and not state.here(duty["person"], day):
            name = state.name("persons", duty["person"])
            add("duties", key, lines.HOLDER_LEFT, name=name, duty=duty["duty"], day=day.isoformat())
    held = {role for key, line in state.lines["persons"].items() if state.here(key) for role in line["roles"]}
    for role, chain in needed.items():
        if role not in held:
            add("roles", role, lines.ROLE_EMPTY, role=role, chain=chain)
    return found


def _circles(above: Mapping[str, str | None]) -> Iterator[list[str]]:
    """Each circle once, from its least key on upward."""
    done: set[str] = set()
    for start in sorted(above):
        way: list[str] = []
        current: str | None = start
        while current is not None and current in above and current not in done:
            done.add(current)
            way.append(current)
            current = above[current]
        if current in way:
            circle = way[way.index(current) :]
            first = circle.index(min(circle))
            yield [*circle[first:], *circle[:first]]


def needed_roles(connection: sa.Connection, on: dt.date) -> dict[str, str]:
    """Role that a rule of an approval chain names, in force on the day or published for later -> name of the chain."""
    evening = dt.datetime.combine(on, dt.time.max, dt.UTC)
    found: dict[str, str] = {}
    in_force: set[str] = set()
    rows = connection.execute(sa.select(Chain.key, Chain.name, Chain.steps, Chain.effective_at).order_by(Chain.key, Chain.number.desc()))
    for row in rows:
        if row.key in in_force:
            continue
        if row.effective_at <= evening:
            in_force.add(row.key)
        for role in _roles(row.steps):
            found.setdefault(role, row.name)
    return found


def _roles(value: Json) -> Iterator[str]:
    """The roles of every rule `role`, however deep."""
    if isinstance(value, Mapping):
        if value.get("rule") == "role" and isinstance(value.get("roles"), Sequence):
            yield from (role for role in value["roles"] if isinstance(role, str))
        for inner in value.values():
            yield from _roles(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _roles(inner)
