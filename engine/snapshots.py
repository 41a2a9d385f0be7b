"""Snapshots: what outside systems said, kept unchanged, and values too big for a case variable."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from .errors import NotFound
from .ledger import Event
from .models import Snapshot, new_id
from .ports import Json
from .turn import Turn

if TYPE_CHECKING:
    from .services import Services


@dataclass(frozen=True, kw_only=True)
class SnapshotRow:
    """A snapshot without its content."""

    id: str
    job_id: str
    element: str
    system: str
    operation: str
    kind: str
    media_type: str
    status: str
    sha256: str
    received_at: dt.datetime


def store(turn: Turn, job: Any, kind: str, system: str, content: bytes, media_type: str, status: str, request: Json) -> str:
    """Keep what a job was told, with the turn's commit; gives the snapshot's id. `kind` as in `models.Snapshot`."""
    snapshot_id = new_id()
    keyring, sha256 = turn.unit.keyring, hashlib.sha256(content).hexdigest()
    turn.unit.add(
        Snapshot,
        id=snapshot_id,
        case_id=turn.case.id,
        job_id=job.id,
        element=job.element,
        system=system,
        operation=job.operation,
        kind=kind,
        media_type=media_type,
        status=status,
        request=keyring.seal_json(request, purpose(snapshot_id, "request")),
        content=keyring.seal(content, purpose(snapshot_id, "content")),
        sha256=sha256,
        received_at=turn.now,
    )
    facts = {"snapshot": snapshot_id, "system": system, "operation": job.operation, "kind": kind, "sha256": sha256}
    turn.record(Event.SNAPSHOT_STORED, element=job.element, **facts)
    return snapshot_id


def resolved(services: Services, connection: sa.Connection, case_id: str, value: Json) -> Json:
    """`value` with every `{"$snapshot": id}` replaced by that snapshot's content, at any depth."""
    match value:
        case {"$snapshot": str(snapshot_id)} if len(value) == 1:
            return orjson.loads(content_of(services, connection, case_id, snapshot_id))
        case Mapping():
            return {key: resolved(services, connection, case_id, inner) for key, inner in value.items()}
        case list():
            return [resolved(services, connection, case_id, inner) for inner in value]
    return value


def refers(value: Json) -> bool:
    """Whether any of it is kept as a snapshot."""
    match value:
        case {"$snapshot": str()} if len(value) == 1:
            return True
        case Mapping():
            return any(refers(inner) for inner in value.values())
        case list():
            return any(refers(inner) for inner in value)
    return False


def content_of(services: Services, connection: sa.Connection, case_id: str, snapshot_id: str) -> bytes:
    """The unsealed content of a case's snapshot. Raises NotFound."""
    row = connection.execute(sa.select(Snapshot.content).where(Snapshot.id == snapshot_id, Snapshot.case_id == case_id)).one_or_none()
    if row is None:
        raise NotFound(what="snapshot", name=snapshot_id)
    return services.keyring.unseal(row.content, purpose(snapshot_id, "content"))


def purpose(snapshot_id: str, column: str) -> str:
    """What a snapshot's sealed column is bound to."""
    return f"snapshots.{column}/{snapshot_id}"


def rows(connection: sa.Connection, case_id: str) -> list[SnapshotRow]:
    """The snapshots of a case in the order they came."""
    columns = [Snapshot.__table__.c[name] for name in SnapshotRow.__dataclass_fields__]
    rows = connection.execute(sa.select(*columns).where(Snapshot.case_id == case_id).order_by(Snapshot.received_at, Snapshot.id))
    return [SnapshotRow(**row._mapping) for row in rows]
