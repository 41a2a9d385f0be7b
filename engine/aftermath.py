"""What came of a case after it, elsewhere: recorded by a manager of its procedure, so that it can be counted.

What may come of one, and how that may end, is listed in the procedure's `rules.json`. Partwell does not hear of it by itself.
What was recorded before it was listed, or is listed no longer, is shown by its stored word and counted, and can be ended.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .cases import must_manage, must_say, turn_in
from .db import Statement
from .errors import FormInvalid, NotFound
from .ledger import Event
from .models import Case, Person, Sequel, new_id
from .people import directory
from .rules import LONGEST, Aftermath, rules_now

if TYPE_CHECKING:
    from .services import Services
    from .turn import Turn

_OF_THE_LIST = "Choose one of the list."
_ANY = ("running", "suspended", "closed")
_END = Statement(
    sa.update(Sequel)
    .where(Sequel.id == sa.bindparam("sequel_id"))
    .values(result=sa.bindparam("new_result"), ended_on=sa.bindparam("new_ended_on"))
)


@dataclass(frozen=True, kw_only=True)
class SequelRow:
    id: str
    kind: str
    began_on: dt.date
    result: str | None
    ended_on: dt.date | None
    recorded_at: dt.datetime
    #: name of who recorded it
    by: str


def sequels(connection: sa.Connection, case_id: str) -> Sequence[SequelRow]:
    """Those of a case, the first one first."""
    rows = connection.execute(
        sa.select(Sequel.__table__, Person.name.label("by"))
        .outerjoin(Person, Person.id == Sequel.recorded_by)
        .where(Sequel.case_id == case_id)
        .order_by(Sequel.began_on, Sequel.id)
    )
    return [SequelRow(**{name: row._mapping[name] for name in SequelRow.__dataclass_fields__}) for row in rows]


def to_record(services: Services, connection: sa.Connection, procedure: str, which: sa.ColumnElement[bool]) -> Aftermath | None:
    """What the version of a procedure that serves now lists; an empty list where it lists nothing, but something was recorded of
    cases with that property all the same.
    """
    if listed := rules_now(services, connection, procedure).aftermath:
        return listed
    recorded = sa.select(Sequel.id).join(Case, Case.id == Sequel.case_id).where(which)
    return Aftermath() if connection.execute(recorded.limit(1)).first() else None


def record(services: Services, case_id: str, *, kind: str, began_on: dt.date, actor: str, note: str, request_id: str) -> None:
    """It began on that day. Raises FormInvalid, NotFound, NotAllowed without a note, too."""
    with services.database.unit() as unit:
        turn = turn_in(services, unit, case_id, actor, request_id, *_ANY)
        if turn is None:
            return
        must_manage(turn)
        said = must_say(note)
        _must_fit(directory.day(turn.now), "kind", None if kind in _listed(turn).kinds else _OF_THE_LIST, "began_on", began_on)
        sequel = new_id()
        unit.add(Sequel, id=sequel, case_id=case_id, kind=kind, began_on=began_on, recorded_at=turn.now, recorded_by=actor)
        turn.record(Event.SEQUEL_RECORDED, sequel=sequel, kind=kind, began_on=began_on.isoformat(), reason=said)
        turn.seal_again()
        turn.commit()


def end(services: Services, sequel_id: str, *, result: str, ended_on: dt.date, actor: str, note: str, request_id: str) -> None:
    """How it ended, and when; a result that was wrong is recorded again. Raises as `record`."""
    with services.database.unit() as unit:
        row = unit.connection.execute(sa.select(Sequel.__table__).where(Sequel.id == sequel_id)).one_or_none()
        if row is None:
            raise NotFound(what="record of what came after a case", name=sequel_id)
        turn = turn_in(services, unit, row.case_id, actor, request_id, *_ANY)
        if turn is None:
            return
        must_manage(turn)
        said = must_say(note)
        _must_fit(directory.day(turn.now), "result", _result_fault(_listed(turn), result), "ended_on", ended_on, not_before=row.began_on)
        unit.write(_END, sequel_id=sequel_id, new_result=result, new_ended_on=ended_on)
        turn.record(Event.SEQUEL_ENDED, sequel=sequel_id, result=result, ended_on=ended_on.isoformat(), reason=said)
        turn.seal_again()
        turn.commit()


def _listed(turn: Turn) -> Aftermath:
    """By the version that serves now: what comes of a case may be of a kind that was not listed when it ran."""
    return rules_now(turn.services, turn.unit.connection, turn.deployed.procedure).aftermath or Aftermath()


def _result_fault(listed: Aftermath, result: str) -> str | None:
    """What is wrong with a result: one of the list, or where the serving version lists none, anything that fits its column."""
    if listed.results:
        return None if result in listed.results else _OF_THE_LIST
    return None if 0 < len(result) <= LONGEST else "Write how it ended, in 1 to 40 characters."


def _must_fit(today: dt.date, name: str, fault: str | None, field: str, day: dt.date, *, not_before: dt.date | None = None) -> None:
    """Raises FormInvalid with the fault of a word, and for a day that cannot be."""
    faults = {name: [fault]} if fault else {}
    if day > today:
        faults[field] = ["This day is still to come."]
    elif not_before is not None and day < not_before:
        faults[field] = ["It cannot have ended before it began."]
    if faults:
        raise FormInvalid(faults)
