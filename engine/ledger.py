"""The ledger: what happened in a case, each entry chained to the case's previous one inside the same transaction.

An entry's digest is SHA-256 over the canonical JSON of its open fields, the digest of its salted payload and the previous
entry's digest. The salt lies inside the sealed payload, so a payload can be erased later without breaking the chain.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import orjson
import sqlalchemy as sa

from .db import Unit
from .fields import Keyring
from .models import LedgerEntry
from .ports import Json

#: the previous digest of a case's first entry
START = "0" * 64


class Event(StrEnum):
    """Everything that can happen; past tense, `source:subject:action`."""

    CASE_STARTED = "case:started"
    CASE_SUSPENDED = "case:suspended"
    CASE_RESUMED = "case:resumed"
    CASE_CLOSED = "case:closed"
    CASE_MIGRATED = "case:migrated"
    CASE_RETURNED = "case:returned"
    CASE_MOVED = "case:moved"
    CASE_REOPENED = "case:reopened"
    ITEM_OPENED = "work:item:opened"
    ITEM_CLAIMED = "work:item:claimed"
    ITEM_RELEASED = "work:item:released"
    ITEM_COMPLETED = "work:item:completed"
    ITEM_LEFT = "work:item:left"
    STEP_OPENED = "work:step:opened"
    STEP_SKIPPED = "work:step:skipped"
    STEP_APPROVED = "work:step:approved"
    STEP_REJECTED = "work:step:rejected"
    OPERATION_REQUESTED = "job:operation:requested"
    OPERATION_DONE = "job:operation:done"
    OPERATION_FAILED = "job:operation:failed"
    TIMER_FIRED = "job:timer:fired"
    TIMER_MOVED = "job:timer:moved"
    JOB_DROPPED = "job:dropped"
    ELEMENT_PASSED = "process:element:passed"
    ERROR_CAUGHT = "process:error:caught"
    COMPENSATION_BEGUN = "process:compensation:begun"
    VARIABLE_OVERWRITTEN = "process:variable:overwritten"
    MESSAGE_SENT = "process:message:sent"
    MESSAGE_RECEIVED = "process:message:received"
    SIGNAL_SENT = "process:signal:sent"
    SIGNAL_RECEIVED = "process:signal:received"
    INCIDENT_OPENED = "incident:opened"
    INCIDENT_RESOLVED = "incident:resolved"
    SNAPSHOT_STORED = "evidence:snapshot:stored"
    SNAPSHOT_READ = "evidence:snapshot:read"
    DOCUMENT_STORED = "evidence:document:stored"
    DOCUMENT_READ = "evidence:document:read"
    BUNDLE_SEALED = "evidence:bundle:sealed"
    BUNDLE_EXPORTED = "evidence:bundle:exported"


@dataclass(kw_only=True)
class Chain:
    """Where a case's chain stands; advanced by every `append`."""

    case_id: str
    entries: int
    head: str


def canonical(value: Json) -> bytes:
    """JSON with sorted keys and no blanks, UTF-8: the form in which digests are taken."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(fields: Mapping[str, Json], payload_digest: str, previous: str) -> str:
    """`fields`: case, number, at (ISO, microseconds, UTC), event, actor, element."""
    return hashlib.sha256(canonical({**fields, "payload": payload_digest, "previous": previous})).hexdigest()


def append(
    unit: Unit,
    chain: Chain,
    event: Event,
    *,
    at: dt.datetime,
    actor: str | None = None,
    element: str | None = None,
    request_id: str | None = None,
    **payload: Json,
) -> None:
    """Write one entry with the unit's commit. Its payload is sealed; `chain` moves on."""
    at = at.astimezone(dt.UTC)
    number, previous = chain.entries + 1, chain.head
    content = canonical({"salt": os.urandom(16).hex(), **payload})
    fields = {
        "case": chain.case_id,
        "number": number,
        "at": at.isoformat(timespec="microseconds"),
        "event": event.value,
        "actor": actor,
        "element": element,
    }
    chain.entries, chain.head = number, digest(fields, hashlib.sha256(content).hexdigest(), previous)
    unit.add(
        LedgerEntry,
        case_id=chain.case_id,
        number=number,
        at=at,
        event=event.value,
        actor_id=actor,
        element=element,
        payload=unit.keyring.seal(content, _purpose(chain.case_id, number)),
        digest=chain.head,
        request_id=request_id,
    )


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry with its payload opened."""

    case: str
    number: int
    at: dt.datetime
    event: str
    actor: str | None
    element: str | None
    payload: Mapping[str, Json]
    digest: str

    @property
    def fields(self) -> dict[str, Json]:
        """The open fields as they enter the digest."""
        at = self.at.astimezone(dt.UTC).isoformat(timespec="microseconds")
        return {
            "case": self.case,
            "number": self.number,
            "at": at,
            "event": self.event,
            "actor": self.actor,
            "element": self.element,
        }


def history(connection: sa.Connection, keyring: Keyring, case_id: str, *, event: Event | None = None) -> list[Entry]:
    """All entries of a case in order, or those of one event. Raises the errors of `Keyring.unseal`."""
    which = LedgerEntry.case_id == case_id if event is None else sa.and_(LedgerEntry.case_id == case_id, LedgerEntry.event == event)
    rows = connection.execute(sa.select(LedgerEntry.__table__).where(which).order_by(LedgerEntry.number))
    return [
        Entry(
            case=row.case_id,
            number=row.number,
            at=row.at,
            event=row.event,
            actor=row.actor_id,
            element=row.element,
            payload=keyring.unseal_json(row.payload, _purpose(row.case_id, row.number)),
            digest=row.digest,
        )
        for row in rows
    ]


def in_present_names(entries: Iterable[Entry]) -> list[Entry]:
    """The entries with each element under the id that it has in the version on which the case is now."""
    found: list[Entry] = []
    for entry in entries:
        if renamed := entry.payload.get("mapping") if entry.event == Event.CASE_MIGRATED else None:
            found = [dataclasses.replace(one, element=renamed.get(one.element, one.element)) for one in found]
        found.append(entry)
    return found


def faults(entries: Iterable[Entry], *, head: str, count: int) -> Sequence[str]:
    """What is wrong with a chain, recomputed from its entries up; empty when it is whole."""
    found, previous, number = [], START, 0
    for entry in entries:
        number += 1
        if entry.number != number:
            found.append(f"entry {number} is missing or out of order (found {entry.number})")
            number = entry.number
        expected = digest(entry.fields, hashlib.sha256(canonical(entry.payload)).hexdigest(), previous)
        if entry.digest != expected:
            found.append(f"entry {entry.number} ({entry.event}) was altered")
        previous = entry.digest
    if number != count:
        found.append(f"the case counts {count} entries, the chain has {number}")
    if previous != head:
        found.append("the chain does not end at the head that the case names")
    return found


def _purpose(case_id: str, number: int) -> str:
    return f"ledger.payload/{case_id}/{number}"
