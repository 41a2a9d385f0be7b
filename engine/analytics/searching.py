"""Running cases by the value of a variable.

What a case knows is sealed in its state and lies in no index, so each running case is opened and looked at: the newest first, a
bounded number of them, for a bounded time. Finished cases are not searched.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..casefile import restored
from ..errors import PartwellError
from ..models import Case
from ..ports import Json
from .scope import Scope
from .standing import StandingCase, cases_of

if TYPE_CHECKING:
    from ..services import Services

#: cases that one search opens, seconds that it takes, cases that it finds
MOST, PATIENCE, FOUND = 2000, 3.0, 200


@dataclass(frozen=True, kw_only=True)
class Found:
    cases: Sequence[StandingCase]
    #: running cases that were opened, and all there are
    looked_at: int
    running: int


def search(services: Services, scope: Scope, name: str, value: str) -> Found:
    """Running cases in which the variable has the value. `name`: such as `assessment.ground`; of a list, any entry counts.

    A text equals without regard to case and outer blanks, a number by its value, true and false by these words; an empty `value`
    finds every case that has the variable at all.
    """
    path, wanted = [part.strip() for part in name.split(".")], value.strip().casefold()
    running = sa.and_(scope.cases(), Case.status != "closed")
    found: list[str] = []
    looked_at, until = 0, time.monotonic() + PATIENCE
    with services.database.reading() as connection:
        rows = connection.execute(sa.select(Case.id).where(running).order_by(Case.started_at.desc()).limit(MOST)).all()
        total = connection.execute(sa.select(sa.func.count()).select_from(Case).where(running)).scalar_one()
        for row in rows:
            if len(found) >= FOUND or time.monotonic() >= until:
                break
            looked_at += 1
            try:
                variables = restored(services, connection, row).variables()
            except PartwellError:  # its page says what is wrong with it
                continue
            if any(_is(one, wanted) for one in _at(variables, path)):
                found.append(row.id)
    return Found(cases=cases_of(services, scope, found), looked_at=looked_at, running=total)


def _at(value: Json, path: Sequence[str]) -> Iterator[Json]:
    """Every value that the path leads to; through lists, to those in all entries."""
    if isinstance(value, list):
        for each in value:
            yield from _at(each, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _is(value: Json, wanted: str) -> bool:
    if value is None:
        return False
    if not wanted:
        return True
    if isinstance(value, bool):
        return wanted == str(value).casefold()
    if isinstance(value, int | float):
        try:
            return float(wanted) == value
        except ValueError:
            return False
    return isinstance(value, str) and value.strip().casefold() == wanted
