"""The code on a printed approval record: it leads back to the case, and shows whether the record was printed from its ledger."""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from . import access, ledger
from .errors import NotFound
from .models import Case
from .rules import rules_of

if TYPE_CHECKING:
    from .services import Services

_PURPOSE = "approval record"
#: hexadecimal digits of the proof
_PROOF = 12


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a code says of the record on which it stands."""

    case_id: str
    number: str
    #: the last entry of the ledger that the record can know, and when it was written
    entry: int
    at: dt.datetime
    #: entries since: what happened later is not on the record
    since: int
    #: the record as of now is open to the reader, who is not whom the case is about
    open: bool


def code_of(services: Services, case_id: str) -> str:
    """The code of a record that is printed now: number of the case, entries of its ledger, and the proof. Raises NotFound."""
    with services.database.reading() as connection:
        case = access.case_row(connection, case_id)
    return f"{case.number}-{case.entries}-{_proof(services, case.number, case.entries, case.head)}"


def check(services: Services, code: str, *, reader: str) -> Checked:
    """Raises NotFound for a code that no record of this installation has, NotAllowed for whom the case is not open to."""
    number, _, rest = code.strip().upper().rpartition("-")[0].rpartition("-")
    proof, unknown = code.strip().upper().rpartition("-")[2], NotFound(what="approval record with the check code", name=code[:60])
    if not rest.isascii() or not rest.isdecimal() or len(rest) > 9:
        raise unknown
    with services.database.reading() as connection:
        found = connection.execute(sa.select(Case.id).where(Case.number == number)).scalar_one_or_none()
        if found is None:
            raise unknown
        case = access.case_row(connection, found)
        entries = ledger.history(connection, services.keyring, found)
        last = next((entry for entry in entries if entry.number == int(rest)), None)
        expected = _proof(services, number, int(rest), last.digest) if last else ""
        if last is None or not hmac.compare_digest(expected.encode(), proof.encode()):
            raise unknown
        sight = access.sight(connection, case, rules_of(services.programs.get(case.version_id).files), reader)
    since = len(entries) - last.number
    return Checked(case_id=found, number=number, entry=last.number, at=last.at, since=since, open=not sight.subject)


def _proof(services: Services, number: str, entries: int, head: str) -> str:
    return services.keyring.digest(f"{number}/{entries}/{head}", _PURPOSE)[:_PROOF].upper()
