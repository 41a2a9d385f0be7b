"""What is entered to try a chain: for whom, started by whom, with which values."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from engine.chains.company import Company
from engine.chains.situation import Situation
from engine.errors import NotFound


def situation(
    connection: sa.Connection, now: dt.datetime, key: str, subject: str, initiator: str = "", values: Mapping[str, Any] | None = None
) -> Situation:
    """About somebody by number or id; started by whoever it says, else by the superior. Raises NotFound."""
    company = Company(connection, now)
    about = company.find(subject.strip())
    if about is None:
        raise NotFound(what="person", name=subject)
    by = company.find(initiator.strip()) if initiator.strip() else next(iter(company.superiors(about)), about)
    if by is None:
        raise NotFound(what="person", name=initiator)
    people = {}
    for role, person in (("subject", about), ("initiator", by)):
        member = company.member(person)
        people[role] = (
            {"id": person, "name": member.name, "employee_no": member.employee_no, "department": member.department} if member else {}
        )
    return Situation(subject=about, initiator=by, at=now, variables={**people, **(values or {})}, chain=key)


def values_of(text: str) -> tuple[dict[str, Any], list[str]]:
    """Values typed as `name = value`, one a line, and the lines that are none. What is no JSON is a text."""
    found: dict[str, Any] = {}
    wrong = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, sign, value = (part.strip() for part in line.partition("="))
        if not (name and sign):
            wrong.append(line)
            continue
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found, wrong
