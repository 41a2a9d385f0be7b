"""劳动争议: mediation, arbitration and lawsuits over a case, recorded by a manager of its procedure, so that they can be counted.

Partwell does not hear of them by itself: they begin after the case, elsewhere.
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
from .models import Dispute, Person, new_id
from .people import directory

if TYPE_CHECKING:
    from .services import Services

KINDS = ("mediation", "arbitration", "lawsuit")
RESULTS = ("upheld", "settled", "lost", "withdrawn")
_ANY = ("running", "suspended", "closed")
_END = Statement(
    sa.update(Dispute)
    .where(Dispute.id == sa.bindparam("dispute_id"))
    .values(result=sa.bindparam("new_result"), ended_on=sa.bindparam("new_ended_on"))
)


@dataclass(frozen=True, kw_only=True)
class DisputeRow:
    id: str
    kind: str
    filed_on: dt.date
    result: str | None
    ended_on: dt.date | None
    recorded_at: dt.datetime
    #: name of who recorded it
    by: str


def disputes(connection: sa.Connection, case_id: str) -> Sequence[DisputeRow]:
    """Those of a case, the first one first."""
    rows = connection.execute(
        sa.select(Dispute.__table__, Person.name.label("by"))
        .outerjoin(Person, Person.id == Dispute.recorded_by)
        .where(Dispute.case_id == case_id)
        .order_by(Dispute.filed_on, Dispute.id)
    )
    return [DisputeRow(**{name: row._mapping[name] for name in DisputeRow.__dataclass_fields__}) for row in rows]


def record(services: Services, case_id: str, *, kind: str, filed_on: dt.date, actor: str, note: str, request_id: str) -> None:
    """It was filed on that day. Raises FormInvalid, NotFound, NotAllowed without a note, too."""
    with services.database.unit() as unit:
        turn = turn_in(services, unit, case_id, actor, request_id, *_ANY)
        if turn is None:
            return
        must_manage(turn)
        said = must_say(note)
        _must_fit(directory.day(turn.now), "kind", kind in KINDS, "filed_on", filed_on)
        dispute = new_id()
        unit.add(Dispute, id=dispute, case_id=case_id, kind=kind, filed_on=filed_on, recorded_at=turn.now, recorded_by=actor)
        turn.record(Event.CASE_DISPUTED, dispute=dispute, kind=kind, filed_on=filed_on.isoformat(), reason=said)
        turn.seal_again()
        turn.commit()


def end(services: Services, dispute_id: str, *, result: str, ended_on: dt.date, actor: str, note: str, request_id: str) -> None:
    """How it ended, and when; a result that was wrong is recorded again. Raises as `record`."""
    with services.database.unit() as unit:
        row = unit.connection.execute(sa.select(Dispute.__table__).where(Dispute.id == dispute_id)).one_or_none()
        if row is None:
            raise NotFound(what="dispute", name=dispute_id)
        turn = turn_in(services, unit, row.case_id, actor, request_id, *_ANY)
        if turn is None:
            return
        must_manage(turn)
        said = must_say(note)
        _must_fit(directory.day(turn.now), "result", result in RESULTS, "ended_on", ended_on, not_before=row.filed_on)
        unit.write(_END, dispute_id=dispute_id, new_result=result, new_ended_on=ended_on)
        turn.record(Event.DISPUTE_ENDED, dispute=dispute_id, result=result, ended_on=ended_on.isoformat(), reason=said)
        turn.seal_again()
        turn.commit()


def _must_fit(today: dt.date, name: str, known: bool, field: str, day: dt.date, *, not_before: dt.date | None = None) -> None:
    """Raises FormInvalid for a word that is none of the list, and for a day that cannot be."""
    faults = {} if known else {name: ["Choose one of the list."]}
    if day > today:
        faults[field] = ["This day is still to come."]
    elif not_before is not None and day < not_before:
        faults[field] = ["It cannot have ended before it was filed."]
    if faults:
        raise FormInvalid(faults)
