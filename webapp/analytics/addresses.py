"""Where the pages are, and what their addresses ask for: version, time, and in which time spans are told."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request

from engine.analytics import scope
from engine.analytics.scope import Scope
from engine.people import directory

from ..accounts import me, services

operations = Blueprint("operations", __name__, url_prefix="/operations")
analytics = Blueprint("analytics", __name__, url_prefix="/analytics")

#: calendar days that are looked at, at most: ten years
_LONGEST = 3660


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the address says."""

    scope: Scope
    #: number of the version, None: all
    number: int | None
    first: dt.date
    last: dt.date
    #: `work` or `wall`
    way: str
    #: what was typed and is no day
    wrong: bool

    def address(self, **more: Any) -> dict[str, Any]:
        """Arguments of an address that asks for the same, with changes; None drops one."""
        same = {"version": self.number, "from": self.first.isoformat(), "to": self.last.isoformat(), "time": self.way}
        return {name: value for name, value in {**same, **more}.items() if value is not None}


def asked(procedure: str) -> Asked:
    """Look at a procedure as the address says. Raises NotFound, NotAllowed."""
    given = request.values
    number = int(text) if (text := given.get("version", "")).isdecimal() and len(text) < 7 else None
    today = directory.day(services().clock.now())
    usual = ((today.replace(day=1) - dt.timedelta(days=334)).replace(day=1), today)
    first, last = (_day(given.get(name, ""), otherwise) for name, otherwise in zip(("from", "to"), usual, strict=True))
    wrong = first is None or last is None or first > last or (last - first).days > _LONGEST
    if wrong or first is None or last is None:
        first, last = usual
    way = "wall" if given.get("time") == "wall" else "work"
    found = scope.scope(services(), procedure, reader=me().id, number=number)
    return Asked(scope=found, number=number, first=first, last=last, way=way, wrong=wrong)


def _day(text: str, otherwise: dt.date) -> dt.date | None:
    """A typed day; `otherwise` for none, None for what is no day of this time."""
    if not text:
        return otherwise
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1990 <= day.year < 2200 else None
