"""Which rules of the decision tables applied in the cases of the last months, as the ledger tells."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from .. import ledger
from ..ledger import Event
from ..models import Case
from . import rows

if TYPE_CHECKING:
    from ..services import Services

DAYS: Final = 90
#: the latest cases that are looked at, and seconds after which no further one is
CASES, _LONG = 500, 2.0


@dataclass(frozen=True, kw_only=True)
class Matched:
    """How often rules applied, of the tables that were asked at all."""

    days: int
    #: how many cases were looked at
    cases: int
    #: false: there were more of them
    complete: bool
    #: decision -> rule id -> how often it applied
    rules: Mapping[str, Mapping[str, int]]


def matched(services: Services, procedure: str, *, actor: str | None) -> Matched:
    """Count over the cases that began in the last `DAYS` days, the latest first. Void ones and those about the actor are left out.

    Rules are known by their ids, also those of earlier versions. Raises NotAllowed and NotFound.
    """
    since = services.clock.now() - dt.timedelta(days=DAYS)
    found: dict[str, Counter[str]] = {}
    looked, begun = 0, time.monotonic()
    with services.database.reading() as connection:
        rows.must_edit(services, connection, procedure, actor)
        which = (
            Case.procedure == procedure,
            Case.started_at >= since,
            Case.voided_at.is_(None),
            *([Case.subject_id != actor] if actor else []),
        )
        newest = sa.select(Case.id).where(*which).order_by(Case.started_at.desc(), Case.id).limit(CASES + 1)
        cases = connection.execute(newest).scalars().all()
        for case_id in cases[:CASES]:
            if time.monotonic() - begun > _LONG:
                break
            looked += 1
            for entry in ledger.history(connection, services.keyring, case_id):
                if entry.event == Event.ELEMENT_PASSED and "decision" in entry.payload:
                    payload = entry.payload
                    for decision, rules in {payload["decision"]: payload["matched"], **payload.get("reached", {})}.items():
                        found.setdefault(decision, Counter()).update(rules)
    return Matched(
        days=DAYS, cases=looked, complete=looked == len(cases), rules={decision: dict(counted) for decision, counted in found.items()}
    )
