"""The ledger: what happened in a case, each entry chained to the case's previous one inside the same transaction.

An entry's digest is SHA-256 over the canonical JSON of its open fields, the digest of its salted payload and the previous
entry's digest. The salt lies inside the sealed payload, so a payload can be erased later without breaking the chain.

What one commit writes about a case is one row, a page: what was done, and what followed from it. Its payloads are sealed
together, as `1 (1 byte) | raw deflate of JSON | salt of each entry (16) | ids (16)`. The JSON is `[payload, [event, element,
payload], …]`, with a byte 1 in the place of each id; event and element of the first entry stand in the row. Pages of earlier
releases hold one entry as canonical JSON.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
import sqlalchemy as sa

from .db import Unit
from .errors import SealBroken
from .fields import Keyring
from .models import LedgerPage
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
    CASE_RESUBMITTED = "case:resubmitted"
    CASE_REOPENED = "case:reopened"
    CASE_VOIDED = "case:voided"
    SEQUEL_RECORDED = "case:sequel:recorded"
    SEQUEL_ENDED = "case:sequel:ended"
    ENDING_ASKED = "case:ending:asked"
    ENDING_DECLINED = "case:ending:declined"
    ITEM_OPENED = "work:item:opened"
    ITEM_CLAIMED = "work:item:claimed"
    ITEM_RELEASED = "work:item:released"
    ITEM_COMPLETED = "work:item:completed"
    ITEM_LEFT = "work:item:left"
    ITEM_URGED = "work:item:urged"
    STEP_OPENED = "work:step:opened"
    STEP_SKIPPED = "work:step:skipped"
    STEP_APPROVED = "work:step:approved"
    STEP_REJECTED = "work:step:rejected"
    STEP_REJECTED_BY_RULE = "work:step:rejected_by_rule"
    STEP_RESUBMITTED = "work:step:resubmitted"
    STEP_RERESOLVED = "work:step:reresolved"
    STEP_RETURNED = "work:step:returned"
    SIGNERS_ASKED = "work:signers:asked"
    SIGNERS_ANSWERED = "work:signers:answered"
    SIGNERS_CHOSEN = "work:signers:chosen"
    CHOICE_CORRECTED = "work:signers:corrected"
    SIGN_OFF_TRANSFERRED = "work:sign_off:transferred"
    SIGN_OFF_REASSIGNED = "work:sign_off:reassigned"
    SIGN_OFF_DELEGATED = "work:sign_off:delegated"
    SIGN_OFF_TAKEN_BACK = "work:sign_off:taken_back"
    SIGN_OFF_RESOLVED = "work:sign_off:resolved"
    SIGN_OFF_ADDED = "work:sign_off:added"
    SIGN_OFF_REMOVED = "work:sign_off:removed"
    SIGN_OFF_WITHDRAWN = "work:sign_off:withdrawn"
    SIGN_OFF_REMINDED = "work:sign_off:reminded"
    SIGN_OFF_ESCALATED = "work:sign_off:escalated"
    SIGN_OFF_BY_RULE = "work:sign_off:by_rule"
    SIGN_OFF_HANDED_OVER = "work:sign_off:handed_over"
    SIGN_OFF_REROUTED = "work:sign_off:rerouted"
    SIGN_OFF_KEPT = "work:sign_off:kept"
    SIGN_OFF_DUE_MOVED = "work:sign_off:due_moved"
    COPY_SENT = "work:copy:sent"
    COPY_READ = "work:copy:read"
    COMMENT_WRITTEN = "work:comment:written"
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
    CASE_EXPORTED = "evidence:case:exported"
    BUNDLE_SEALED = "evidence:bundle:sealed"
    BUNDLE_EXPORTED = "evidence:bundle:exported"


_FORMAT = b"\x01"
#: bytes of a salt and of an id
_WIDTH = 16
_DIGEST = 32
#: what most payloads have in common, so that even a short page gets shorter; belongs to the format and never changes
_USUAL = (
    b'"mapping":{"reason":"undone":false"from_id":"\x01""dues":{"called":["policy":"trace":{"persons":["\x01"rule":"kept":["dropped":["'
    b'"kind":"size":"sha256":"\x01\x01""document":"\x01""snapshot":"\x01""system":"media_type":"incident":"\x01""code":"message":"'
    b'"resolution":"operation":"headers":{"input":{"variables":{"result":{"key":"job:operation:requested","job:operation:done","'
    b'"name":"written_by":"process:variable:overwritten","work:step:approved","work:step:opened","work:item:left","by":null'
    b'"step":"step_en":"opinion":"decided_by":"decision":"approved"["process:element:passed","{"flows":["'
    b'{"act":"start","values":{},"given":{"case":{"number":"20","started_at":"20T:+00:00"},"initiator":{"id":"\x01","name":"subject":{"id":"\x01'
    b'","name":"","employee_no":"","department":"","department_name":"","team":"","post":"","post_en":"","email":""}},"procedure":"'
    b'","version":1,"version_id":"\x01"},["case:closed",null,{"outcome":"completed"}]]'
    b'[{"act":"complete","instance":"#1","values":{},"item":"\x01"},["work:item:opened","",{"item":"\x01","instance":"#1"}]]'
)
_ID = re.compile(b"[0-9a-f]{32}")
#: stands for an id; JSON writes no such byte
_ID_HERE = b"\x01"


class FormerEvent(StrEnum):
    """What earlier releases called what is called otherwise now; entries keep the names under which they were written."""

    CASE_DISPUTED = "case:disputed"
    DISPUTE_ENDED = "case:dispute:ended"


@dataclass(kw_only=True)
class Page:
    """What one commit writes about a case. `entries` and `head` say where the chain stands; each `append` moves them on."""

    case_id: str
    entries: int
    head: str
    at: dt.datetime
    #: who acts; None when nobody does
    actor: str | None
    #: id of the command
    request_id: str | None = None

    def __post_init__(self) -> None:
        self.at = self.at.astimezone(dt.UTC)
        self._first = self.entries + 1
        self._told: list[tuple[str, str | None, orjson.Fragment]] = []
        self._salts: list[bytes] = []
        self._digests: list[str] = []

    def append(self, event: Event, *, element: str | None = None, **payload: Json) -> None:
        """One more entry, written by `write` as the payload is now, whatever becomes of the lists and objects in it."""
        salt = os.urandom(_WIDTH)
        fields = {
            "case": self.case_id,
            "number": self.entries + 1,
            "at": self.at.isoformat(timespec="microseconds"),
            "event": event.value,
            "actor": self.actor,
            "element": element,
        }
        content = canonical({"salt": salt.hex(), **payload})
        self.entries, self.head = self.entries + 1, digest(fields, hashlib.sha256(content).hexdigest(), self.head)
        self._told.append((event.value, element, orjson.Fragment(orjson.dumps(payload))))
        self._salts.append(salt)
        self._digests.append(self.head)

    def write(self, unit: Unit) -> None:
        """The page's row, sealed, with the unit's commit; nothing where nothing was appended."""
        if not self._told:
            return
        (event, element, payload), *following = self._told
        content = orjson.dumps([payload, *following])
        ids = bytes.fromhex(b"".join(_ID.findall(content)).decode())
        content = _FORMAT + _deflated(_ID.sub(_ID_HERE, content)) + b"".join(self._salts) + ids
        unit.add(
            LedgerPage,
            case_id=self.case_id,
            number=self._first,
            at=self.at,
            event=event,
            actor_id=self.actor,
            element=element,
            payload=unit.keyring.seal(content, _purpose(self.case_id, self._first)),
            digests=bytes.fromhex("".join(self._digests)),
            request_id=self.request_id,
        )


def _deflated(content: bytes) -> bytes:
    packing = zlib.compressobj(6, zlib.DEFLATED, -12, 5, zlib.Z_DEFAULT_STRATEGY, _USUAL)
    return packing.compress(content) + packing.flush()


def _inflated(content: bytes) -> tuple[bytes, bytes]:
    """What was deflated, and what follows it."""
    unpacking = zlib.decompressobj(-12, _USUAL)
    return unpacking.decompress(content), unpacking.unused_data


def canonical(value: Json) -> bytes:
    """JSON with sorted keys and no blanks, UTF-8: the form in which digests are taken."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(fields: Mapping[str, Json], payload_digest: str, previous: str) -> str:
    """`fields`: case, number, at (ISO, microseconds, UTC), event, actor, element."""
    return hashlib.sha256(canonical({**fields, "payload": payload_digest, "previous": previous})).hexdigest()


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


def history(connection: sa.Connection, keyring: Keyring, case_id: str, *, began: Event | None = None) -> list[Entry]:
    """All entries of a case in order, or those of the pages that began with one event. Raises the errors of `Keyring.unseal`."""
    which = LedgerPage.case_id == case_id if began is None else sa.and_(LedgerPage.case_id == case_id, LedgerPage.event == began)
    rows = connection.execute(sa.select(LedgerPage.__table__).where(which).order_by(LedgerPage.number))
    return [entry for row in rows for entry in _opened(keyring, row)]


def written_at(connection: sa.Connection, keyring: Keyring, case_id: str, at: dt.datetime) -> list[Entry]:
    """What was written in a case at one moment, in order. Raises as `history`."""
    rows = connection.execute(sa.select(LedgerPage.__table__).where(LedgerPage.case_id == case_id, LedgerPage.at == at))
    return [entry for row in sorted(rows, key=lambda row: row.number) for entry in _opened(keyring, row)]


def _opened(keyring: Keyring, row: Any) -> Iterator[Entry]:
    """The entries of a page. Raises SealBroken for one that has not as many digests as entries, too."""
    purpose = _purpose(row.case_id, row.number)
    digests = [row.digests[start : start + _DIGEST].hex() for start in range(0, len(row.digests), _DIGEST)]
    content = keyring.unseal(row.payload, purpose)
    if content.startswith(_FORMAT):
        told = _unpacked(row.event, row.element, content)
    else:
        told = [(row.event, row.element, orjson.loads(content))]
    if len(told) != len(digests):
        raise SealBroken(purpose=purpose)
    for number, ((event, element, payload), own) in enumerate(zip(told, digests, strict=True), row.number):
        yield Entry(
            case=row.case_id,
            number=number,
            at=row.at,
            event=event,
            actor=row.actor_id,
            element=element,
            payload=payload,
            digest=own,
        )


def _unpacked(event: str, element: str | None, content: bytes) -> list[tuple[str, str | None, dict[str, Json]]]:
    """Event, element and salted payload of each entry that `Page.write` packed."""
    packed, rest = _inflated(content[len(_FORMAT) :])
    wide = iter([rest[start : start + _WIDTH].hex() for start in range(0, len(rest), _WIDTH)])
    salts = [next(wide) for _ in range(len(rest) // _WIDTH - packed.count(_ID_HERE))]
    payload, *following = orjson.loads(re.sub(_ID_HERE, lambda _: next(wide).encode(), packed))
    told = [(event, element, payload), *following]
    return [(event, element, {"salt": salt, **payload}) for (event, element, payload), salt in zip(told, salts, strict=True)]


def last_of(page: Any) -> int:
    """Number of the last entry of a page: a row with `number` and `digests`."""
    return int(page.number) + len(page.digests) // _DIGEST - 1


def standing(entries: Sequence[Entry]) -> list[Entry]:
    """The entries without what was withdrawn later: that happened, and moves the case no more."""
    ranges = [entry.payload["withdrawn"] for entry in entries if entry.event == Event.SIGN_OFF_WITHDRAWN and "withdrawn" in entry.payload]
    gone = {number for first, last in ranges for number in range(first, last + 1)}
    return [entry for entry in entries if entry.number not in gone] if gone else list(entries)


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
