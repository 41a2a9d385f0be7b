"""The row of a case as the lock of everything that happens in it, and what is asked under the lock."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from . import ledger
from .db import Statement, Unit
from .errors import CaseNotRunning, NotFound, VersionSuspended
from .models import Case, LedgerPage, ProcedureVersion, WorkItem

_COLUMNS = (
    Case.id,
    Case.number,
    Case.procedure,
    Case.version_id,
    Case.title,
    Case.subject_id,
    Case.initiator_id,
    Case.status,
    Case.outcome,
    Case.voided_at,
    Case.incidents,
    Case.revision,
    Case.entries,
    Case.head,
    sa.select(ProcedureVersion.suspended).where(ProcedureVersion.id == Case.version_id).scalar_subquery().label("on_hold"),
)
#: the row of a case, locked. "No key": another case may meanwhile store a job for this one, whose foreign key wants its key to stay
LOCK = Statement(sa.select(*_COLUMNS).where(Case.id == sa.bindparam("case_id")).with_for_update(key_share=True))
_LOCK_BY_ITEM = Statement(
    sa.select(*_COLUMNS)
    .where(Case.id == sa.select(WorkItem.case_id).where(WorkItem.id == sa.bindparam("item_id")).scalar_subquery())
    .with_for_update(key_share=True)
)
_BY_REQUEST = (LedgerPage.request_id == sa.bindparam("request_id"), LedgerPage.actor_id == sa.bindparam("actor"))
_DONE_BEFORE = Statement(sa.select(LedgerPage.number).where(*_BY_REQUEST, LedgerPage.case_id == sa.bindparam("case_id")))
#: `repeated` of a work item: whether this `request_id` of the `actor` was carried out in its case before
REPEATED = sa.exists().where(*_BY_REQUEST, LedgerPage.case_id == WorkItem.case_id).label("repeated")


@dataclass(frozen=True, kw_only=True)
class NewCase:
    """The row of a case that does not exist yet, in the shape in which `lock` gives those that do."""

    id: str
    number: str
    procedure: str
    version_id: str
    title: str
    subject_id: str
    initiator_id: str
    status: str = "running"
    outcome: str | None = None
    voided_at: dt.datetime | None = None
    incidents: int = 0
    revision: int = 0
    entries: int = 0
    head: str = ledger.START
    on_hold: bool = False


def must_run(case: Any) -> None:
    """Raises CaseNotRunning, or VersionSuspended, unless the case may move now. `case` as `lock` gives it."""
    if case.status != "running":
        raise CaseNotRunning(case=case.number, state=case.status)
    if case.on_hold:
        raise VersionSuspended(case=case.number)


def lock(unit: Unit, *, case_id: str | None = None, item_id: str | None = None) -> Any:
    """The case's row, locked until the unit ends. Waits for whoever has it. Raises NotFound."""
    return _locked(unit.one(LOCK, case_id=case_id) if case_id else unit.one(_LOCK_BY_ITEM, item_id=item_id), case_id, item_id)


def lock_and_read(unit: Unit, statement: Statement, *, item_id: str, **parameters: Any) -> tuple[Any, list[Any]]:
    """The row of the item's case, locked, and the rows of a select as they are from then on, in one round trip. Raises NotFound."""
    cases, rows = unit.together((_LOCK_BY_ITEM, {"item_id": item_id}), (statement, {"item_id": item_id, **parameters}))
    return _locked(cases[0] if cases else None, None, item_id), rows


def _locked(row: Any, case_id: str | None, item_id: str | None) -> Any:
    if row is None:
        raise NotFound(what="case" if case_id else "work item", name=case_id or item_id)
    return row


def done_before(unit: Unit, case_id: str, *, actor: str, request_id: str) -> bool:
    """Whether this very command was carried out: a repeated click, or one whose answer was lost. Ask under the case's lock."""
    return unit.one(_DONE_BEFORE, case_id=case_id, actor=actor, request_id=request_id) is not None


def part_of(request_id: str, part: str) -> str:
    """Id of a command's part, such as its act in one of many cases: the same part again is known, that of another command is not."""
    return f"{hashlib.sha256(request_id.encode()).hexdigest()[:32]}:{part}"
