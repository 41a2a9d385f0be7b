"""Filling in what outside services call people: they are asked by mobile number and mail, outside of any transaction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..errors import NotAllowed, NotFound, Sentence
from ..models import Account, ForeignId, Person
from ..ports import DirectoryLine, Sought
from . import directory
from .lines import ID, ID_TAKEN

if TYPE_CHECKING:
    from ..services import Services

#: whoever holds it looks ids up
_ADMIN = "admin"
NOBODY = Sentence("the service knows nobody with this number or mail")
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


def look_up(services: Services, name: str, *, by: str | None, after: str = "", limit: int = 100) -> Answer:
    """Ask for those who work here, have no id at the service, and a number or a mail; at most `limit`, beginning behind `after`.

    `name`: of the connector; `by` None: the command line. Raises NotAllowed, NotFound, and as `Finder.find`.
    """
    now = services.clock.now()
    finder = services.finders.get(name)
    with services.database.reading() as connection:
        if by is not None and _ADMIN not in directory.roles_of(connection, by):
            raise NotAllowed(reason="only administrators keep the directory")
        if finder is None:
            raise NotFound(what="outside service", name=name)
        rows = _without_id(connection, finder.system, directory.day(now), after, limit)
        held = {row.foreign_id: row.name for row in connection.execute(_held(finder.system))}
    asked = [Sought(key=row.id, mobile=_plain(row.mobile or ""), email=(row.email or "").strip()) for row in rows[:limit]]
    told = finder.find(asked, now) if asked else {}
    lines, left = [], []
    for row in rows[:limit]:
        found = sorted(told.get(row.id, ()))
        reason = NOBODY if not found else Sentence(SEVERAL, {"ids": ", ".join(found)}) if len(found) > 1 else None
        if len(found) == 1 and found[0] in held:
            reason = Sentence(ID_TAKEN, {"id": found[0], "name": held[found[0]]})
        if reason is not None:
            left.append(Left(id=row.id, name=row.name, employee_no=row.employee_no, reason=reason))
            continue
        held[found[0]] = row.name
        who = {"employee_no": row.employee_no} if row.employee_no else {"login": row.login}
        lines.append(DirectoryLine(kind="persons", values={**who, f"{ID}{finder.system}": found[0]}))
    return Answer(lines=lines, left=left, rest=rows[limit - 1].key if len(rows) > limit else "")


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
