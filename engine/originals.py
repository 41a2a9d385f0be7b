"""Opening originals: documents and snapshots. That one was read, and by whom, is itself recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from . import access, documents, itemform, snapshots
from .casefile import restored, visible_documents
from .errors import NotAllowed, NotFound
from .ledger import Event
from .models import Snapshot
from .ports import File, Json
from .rules import rules_of
from .snapshots import SnapshotRow
from .witness import witness

if TYPE_CHECKING:
    from .services import Services


@dataclass(frozen=True, kw_only=True)
class SnapshotPage:
    """One snapshot, opened."""

    row: SnapshotRow
    case_id: str
    #: masked request, JSON
    request: Json
    content: bytes


def read_snapshot(services: Services, snapshot_id: str, *, reader: str) -> SnapshotPage:
    """Open a snapshot; that it was read, and by whom, is itself recorded. Raises NotFound, NotAllowed."""
    with services.database.unit() as unit:
        row = unit.connection.execute(sa.select(Snapshot.__table__).where(Snapshot.id == snapshot_id)).one_or_none()
        if row is None:
            raise NotFound(what="snapshot", name=snapshot_id)
        case = access.case_row(unit.connection, row.case_id)
        rules = rules_of(services.programs.get(case.version_id).files)
        if not access.sight(unit.connection, case, rules, reader).whole:
            raise NotAllowed(reason="snapshots are not open to you")
        content = snapshots.content_of(services, unit.connection, case.id, snapshot_id)
        request = services.keyring.unseal_json(row.request, snapshots.purpose(snapshot_id, "request"))
        facts = {"snapshot": snapshot_id, "sha256": row.sha256}
        witness(unit, case.id, Event.SNAPSHOT_READ, at=services.clock.now(), actor=reader, element=row.element, **facts)
        unit.commit()
    values = {name: row._mapping[name] for name in SnapshotRow.__dataclass_fields__}
    return SnapshotPage(row=SnapshotRow(**values), case_id=case.id, request=request, content=content)


def read_document(services: Services, document_id: str, *, reader: str) -> File:
    """Open a document: any of the case for who sees the whole, else as `visible_documents` says. Raises NotFound, NotAllowed."""
    with services.database.unit() as unit:
        row = documents.find(unit.connection, document_id)
        case = access.case_row(unit.connection, row.case_id)
        rules = rules_of(services.programs.get(case.version_id).files)
        sight = access.sight(unit.connection, case, rules, reader)
        variables: Json = {}
        if not (sight.whole or sight.subject):
            execution = restored(services, unit.connection, case)
            variables = [sight.of(execution.variables()), *itemform.shown_to_signer(services, unit.connection, case, execution, reader)]
        if document_id not in {shown.id for shown in visible_documents(unit.connection, case, rules, sight, reader, variables)}:
            raise NotAllowed(reason="this document is not open to you")
        content = documents.content(unit.connection, services.keyring, row)
        facts = {"document": row.id, "name": row.name, "sha256": row.sha256}
        witness(unit, row.case_id, Event.DOCUMENT_READ, at=services.clock.now(), actor=reader, element=row.element, **facts)
        unit.commit()
    return File(kind=row.kind, name=row.name, media_type=row.media_type, content=content)
