"""The timeline of a case: its ledger as people read it, as far as each may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import access, ledger
from .bpmn.model import Element
from .ledger import Event as Happened
from .people import directory
from .ports import Json
from .procedures import Deployed

if TYPE_CHECKING:
    from .services import Services

#: after them an element is done
_FINISHING = {Happened.ITEM_COMPLETED, Happened.OPERATION_DONE, Happened.ELEMENT_PASSED, Happened.CASE_STARTED}
#: what follows from a person's act and is not the act itself: the ledger names whose commit it was, the timeline nobody
_BY_ITSELF = {
    Happened.ITEM_OPENED,
    Happened.ITEM_LEFT,
    Happened.STEP_OPENED,
    Happened.SIGNERS_ASKED,
    Happened.STEP_SKIPPED,
    Happened.STEP_REJECTED_BY_RULE,
    Happened.OPERATION_REQUESTED,
    Happened.JOB_DROPPED,
    Happened.ELEMENT_PASSED,
    Happened.VARIABLE_OVERWRITTEN,
    Happened.INCIDENT_OPENED,
}
#: what an entry tells everybody who sees it; the rest is for who acted and who sees the whole case
_OPEN = {"step", "step_en", "operation", "outcome", "to", "former", "decision", "due"}


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the timeline, from the ledger."""

    number: int
    at: dt.datetime
    #: name from `ledger.Event`
    event: str
    #: who acted (`directory.display`), or None: the procedure itself
    actor: Mapping[str, Json] | None
    #: name of the absent one for whom they acted
    in_place_of: str | None
    #: the role in which it was done: the step of the chain, elsewhere the lane of the element
    role: str | None
    role_en: str | None
    element: str | None
    name: str | None
    name_en: str | None
    detail: Mapping[str, Json]
    #: False: it was withdrawn since
    counts: bool = True


def events_of(
    services: Services, connection: sa.Connection, case: Any, deployed: Deployed, *, reader: str, sight: access.Sight
) -> tuple[list[Event], frozenset[str]]:
    """The timeline and the elements that are done, as far as the reader sees them.

    Who takes part sees who did what when, what they said themselves, and of others' answers the variables shown to them; the
    subject sees their own acts only.
    """
    entries = ledger.history(connection, services.keyring, case.id)
    stands = {entry.number for entry in ledger.standing(entries)}
    versions = versions_of(services, connection, case)
    lanes = lanes_en(deployed)
    today = directory.day(services.clock.now())
    persons: dict[str, Mapping[str, Json]] = {}
    events, done = [], set[str]()
    for entry in entries:
        actor = None if entry.event in _BY_ITSELF or entry.payload.get("by_rule") else entry.actor
        # a comment is said to everybody who reads the case
        own = sight.whole or actor == reader or (entry.event == Happened.COMMENT_WRITTEN and not sight.subject)
        if sight.subject and not own and entry.event != Happened.CASE_CLOSED:
            continue
        if entry.element and entry.event in _FINISHING and entry.number in stands:
            done.add(entry.element)
        absent = entry.payload.get("for")
        for person in (actor, absent):
            if person and person not in persons:
                persons[person] = directory.display(connection, person, today)
        known = element_of(versions, entry.element)
        element = known[1] if known else None
        lane = element.lane if element else None
        signed = "step_en" in entry.payload
        events.append(
            Event(
                number=entry.number,
                at=entry.at,
                event=entry.event,
                actor=persons.get(actor or ""),
                in_place_of=str(persons[absent]["name"]) if absent else None,
                role=entry.payload["step"] if signed else lane,
                role_en=entry.payload["step_en"] if signed else lanes.get(lane or ""),
                element=entry.element,
                # a gateway that nobody named has none: its id says nothing to people
                name=element.name if element else None,
                name_en=(element.name_en or element.name) if element else None,
                detail=_detail(entry, sight, own),
                counts=entry.number in stands,
            )
        )
    return events, frozenset(done)


def versions_of(services: Services, connection: sa.Connection, case: Any) -> list[Deployed]:
    """The version that a case is on, then those that it came from, the last one first."""
    moves = ledger.history(connection, services.keyring, case.id, began=Happened.CASE_MIGRATED)
    ids = dict.fromkeys([case.version_id, *(str(move.payload["from_id"]) for move in reversed(moves))])
    return [services.programs.get(id) for id in ids]


def element_of(versions: Sequence[Deployed], key: str | None) -> tuple[Deployed, Element] | None:
    """An element by its id in the first of the versions that has it, with that version."""
    for version in versions:
        if key and (found := version.program.elements.get(key)):
            return version, found
    return None


def _detail(entry: ledger.Entry, sight: access.Sight, own: bool) -> dict[str, Json]:
    """What an entry tells: everything, or what is open to all, and of a form's values those that the procedure shows."""
    told = {name: value for name, value in entry.payload.items() if name != "salt" and (own or name in _OPEN)}
    values = entry.payload.get("values")
    if not own and isinstance(values, Mapping) and (shown := sight.of(values)):
        told["values"] = shown
    return told


def lanes_en(deployed: Deployed) -> dict[str, str]:
    """English names of a version's lanes by their own."""
    return {lane.name: lane.name_en or lane.name for lane in deployed.program.lanes}


def title_en(services: Services, version_id: str, subject: str) -> str:
    """A case's title in English, as `Case.title` in the procedure's own language."""
    program = services.programs.get(version_id).program
    return f"{program.name_en or program.name}: {subject}"
