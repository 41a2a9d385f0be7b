"""Filling in what outside services call people: they are asked by mobile number and mail, outside of any transaction."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..errors import IdsNotTold, NotAllowed, NotFound, OperationFailed, Sentence
from ..models import Account, ForeignId, Person
from ..ports import DirectoryLine, Sought
from . import directory
from .lines import ID, ID_TAKEN

if TYPE_CHECKING:
    from ..services import Services

#: whoever holds it looks ids up
_ADMIN = "admin"
NOBODY = Sentence("the service knows nobody with this number or mail")
FAILED = "the look-up failed: {reason}"
SEVERAL = "the service knows several people with this number or mail: {ids}"


@dataclass(frozen=True, kw_only=True)
class Left:
    """Somebody whose id was not found."""

    id: str
    name: str
    employee_no: str | None
    reason: Sentence


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a service told."""

    #: a line of the directory for each person found, for `importing.bring`
    lines: Sequence[DirectoryLine]
    left: Sequence[Left]
    #: where to go on; "" where everybody was asked for
    rest: str


def look_up(services: Services, name: str, *, by: str | None, after: str = "", limit: int | None = None) -> Answer:
    """Ask for those who work here, have no id at the service, and a number or a mail, beginning behind `after`.

    `name`: of the connector; `by` None: the command line; `limit`: at most so many people, None: as many as it answers while somebody
    waits. Raises NotAllowed, NotFound, and IdsNotTold where the service answers for nobody.
    """
    now = services.clock.now()
    finder = services.finders.get(name)
    with services.database.reading() as connection:
        if by is not None and _ADMIN not in directory.roles_of(connection, by):
            raise NotAllowed(reason="only administrators keep the directory")
        if finder is None:
            raise NotFound(what="outside service", name=name)
        limit = limit or finder.at_once
        rows = _without_id(connection, finder.system, directory.day(now), after, limit)
        held = {row.foreign_id: row.name for row in connection.execute(_held(finder.system))}
    asked = [Sought(key=row.id, mobile=_plain(row.mobile or ""), email=(row.email or "").strip()) for row in rows[:limit]]
    try:
        told = finder.find(asked, now) if asked else {}
    except OperationFailed as failed:  # nobody tries again by itself, as its own words would promise
        raise IdsNotTold(system=name, reason=failed.facts["reason"]) from failed
    lines, left = [], []
    for row in rows[:limit]:
        answer = told.get(row.id, ())
        found = [] if isinstance(answer, OperationFailed) else sorted(answer)
        if reason := _why_not(answer, found, held):
            left.append(Left(id=row.id, name=row.name, employee_no=row.employee_no, reason=reason))
            continue
        held[found[0]] = row.name
        who = {"employee_no": row.employee_no} if row.employee_no else {"login": row.login}
        lines.append(DirectoryLine(kind="persons", values={**who, f"{ID}{finder.system}": found[0]}))
    return Answer(lines=lines, left=left, rest=rows[limit - 1].key if len(rows) > limit else "")


def _why_not(answer: Collection[str] | OperationFailed, found: Sequence[str], held: Mapping[str, str]) -> Sentence | None:
    """Why somebody gets no id; `held`: who has which."""
    if isinstance(answer, OperationFailed):
        return Sentence(FAILED, {"reason": answer.facts["reason"]})
    if not found:
        return NOBODY
    if len(found) > 1:
        return Sentence(SEVERAL, {"ids": ", ".join(found)})
    return Sentence(ID_TAKEN, {"id": found[0], "name": held[found[0]]}) if found[0] in held else None


def _without_id(connection: sa.Connection, system: str, on: Any, after: str, limit: int) -> Sequence[sa.Row[Any]]:
    """One row more than `limit` where there are more. Whoever has neither number nor login cannot be named in a line."""
    key = sa.func.coalesce(Person.employee_no, Account.login)
    known = sa.select(ForeignId.person_id).where(ForeignId.system == system)
    select: Any = (
        sa.select(Person.id, Person.name, Person.employee_no, Person.email, Person.mobile, Account.login, key.label("key"))
        .outerjoin(Account, Account.person_id == Person.id)
        .where(directory.here(on), Person.id.not_in(known), key > after)
        .where(sa.or_(sa.func.coalesce(Person.mobile, "") != "", sa.func.coalesce(Person.email, "") != ""))
    )
    return list(connection.execute(select.order_by(key).limit(limit + 1)))


def _held(system: str) -> Any:
    return sa.select(ForeignId.foreign_id, Person.name).join(Person, Person.id == ForeignId.person_id).where(ForeignId.system == system)


def _plain(mobile: str) -> str:
    """A number as services take it: no spaces or signs, and nothing before those of mainland China."""
    digits = re.sub(r"[^\d+]", "", mobile)
    return re.sub(r"^(?:\+|00)86(?=1\d{10}$)", "", digits)
