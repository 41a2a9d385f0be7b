"""The books of a case's sign-offs: rows and ledger read side by side, and added up by hand.

Every act is in both. So what stands in one and not in the other, or under another name, was lost, doubled or falsified.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from engine_room import PEOPLE, Room, person
from recount import first_of, recount

from engine import boxes, ledger, sign_offs
from engine.ledger import Entry
from engine.models import Candidate, Case, Chain, Copy, Holding, Person, SignOff, WorkItem, WorkRound, WorkStep
from engine.signing.round import Round

#: an entry -> what the sign-off of whoever made it became by it
BECAME = {
    "work:step:approved": "approved",
    "work:step:rejected": "rejected",
    "work:step:returned": "returned",
    "work:sign_off:resolved": "resolved",
    "work:sign_off:transferred": "transferred",
    "work:sign_off:reassigned": "transferred",
    "work:sign_off:escalated": "transferred",
    "work:sign_off:rerouted": "transferred",
    "work:sign_off:handed_over": "transferred",
    "work:sign_off:removed": "removed",
    "work:sign_off:taken_back": "removed",
}
#: states that a sign-off never leaves again, unless whoever decided it withdraws it
FINAL = frozenset((*BECAME.values(), "withdrawn", "lapsed"))
COUNTED = ("open", "waiting", "approved", "rejected")


@dataclass(frozen=True, kw_only=True)
class Books:
    """Everything about a case's sign-offs at one moment."""

    case: Any
    #: by id
    items: Mapping[str, Any]
    rounds: Mapping[str, Any]
    rows: Mapping[str, Any]
    #: id of a chain's version -> its steps
    chains: Mapping[str, Any]
    #: sign-off -> persons and roles to whom it is offered, and whom they stand in for
    offered: Mapping[str, Sequence[str]]
    entries: Sequence[Entry]
    names: Mapping[str, str]

    def of(self, round_id: str) -> list[Any]:
        """The rows of a round, in their order."""
        return sorted((row for row in self.rows.values() if row.round_id == round_id), key=lambda row: row.position)

    def round(self, round_id: str) -> Round:
        """A round as data."""
        found = self.rounds[round_id]
        asks = self.chains[self.items[found.item_id].chain_id][found.place]
        signers = tuple(sign_offs.signer(row, shared=bool(self.offered.get(row.id))) for row in self.of(round_id))
        more = {"ratio": asks.get("ratio", 100), "reject": asks.get("reject", "at_once")}
        return Round(mode=found.mode, signers=signers, outcome=found.outcome, **more)

    def standing(self) -> Any:
        """The round that is open, if one is."""
        return next((found for found in self.rounds.values() if found.outcome is None), None)


def read(room: Room, case_id: str) -> Books:
    """The books as they are now."""
    with room.services.database.reading() as connection:

        def rows(select: Any) -> dict[str, Any]:
            return {row.id: row for row in connection.execute(select)}

        items = rows(sa.select(WorkItem.__table__).where(WorkItem.case_id == case_id))
        steps = sa.select(WorkRound.__table__, WorkStep.item_id, WorkStep.position.label("place"), WorkStep.mode)
        signed = rows(sa.select(SignOff.__table__).where(SignOff.case_id == case_id))
        chains = connection.execute(sa.select(Chain.id, Chain.steps).where(Chain.id.in_({item.chain_id for item in items.values()})))
        offered: dict[str, list[str]] = {}
        for row in connection.execute(sa.select(Candidate.__table__).where(Candidate.sign_off_id.in_(signed))):
            offered.setdefault(row.sign_off_id, []).extend(one for one in (row.ref, row.for_id) if one)
        return Books(
            case=connection.execute(sa.select(Case.__table__).where(Case.id == case_id)).one(),
            items=items,
            rounds=rows(steps.join(WorkStep, WorkStep.id == WorkRound.step_id).where(WorkStep.item_id.in_(items))),
            rows=signed,
            chains={row.id: row.steps for row in chains},
            offered={sign_off: sorted(refs) for sign_off, refs in offered.items()},
            entries=ledger.history(connection, room.services.keyring, case_id),
            names={row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name))},
        )


# --- what must be so at any moment


def faults(books: Books) -> list[str]:
    """What is wrong with the books of a case."""
    found = list(ledger.faults(books.entries, head=books.case.head, count=books.case.entries))
    for item in books.items.values():
        found += [f"{item.element}: {fault}" for fault in (_chain(books, item) if item.chain_id else _task(books, item))]
    for row in books.rows.values():
        if not books.items[row.item_id].for_subject and books.case.subject_id in _persons(books, row):
            found.append(f"whom the case is about appears in the sign-off {row.id} ({row.state})")
    return found


def _persons(books: Books, row: Any) -> list[str | None]:
    return [row.person_id, row.decided_by, row.for_id, *books.offered.get(row.id, ())]


def _told(books: Books, item: Any) -> list[Entry]:
    return [entry for entry in books.entries if entry.payload.get("item") == item.id]


def _chain(books: Books, item: Any) -> Iterator[str]:
    """Of an item that a chain describes."""
    rounds = sorted((found for found in books.rounds.values() if found.item_id == item.id), key=lambda found: found.id)
    going = sum(found.outcome is None for found in rounds)
    waits = item.status == "open" and not any(other.corrects == item.id and other.status == "open" for other in books.items.values())
    if going != waits:
        yield f"it is {item.status}, and {going} of its rounds go on"
    for found in rounds:
        yield from (f"round {found.number} of step {found.place}: {fault}" for fault in _round(books, found))
    yield from _double_entry(books, item)
    if item.status == "completed":
        yield from _decision(books, item, [found for found in rounds if found.outcome not in ("skipped", "withdrawn")])


def _round(books: Books, found: Any) -> Iterator[str]:
    round = books.round(found.id)
    if [signer.number for signer in round.signers] != list(range(len(round.signers))):
        yield "a sign-off is missing"
        return
    counted = [signer for signer in round.signers if signer.state in COUNTED]
    undecided = [signer for signer in counted if signer.undecided]
    if found.outcome in (None, "approved", "rejected") and round.signers and (expected := recount(round)) != found.outcome:
        yield f"it is {found.outcome}, by hand {expected}"
    if found.outcome is None and round.signers and not any(signer.state == "open" for signer in undecided):
        yield "it goes on, but it is nobody's turn"
    if found.outcome is not None and undecided:
        yield f"it is {found.outcome}, yet waits for {len(undecided)}"
    places = Counter(first_of(round, signer.number) for signer in counted)
    twice = Counter(one for signer in counted for one in (signer.person, signer.for_person) if one)
    yield from (f"the place {number} is held {times} times" for number, times in places.items() if times > 1)
    yield from (f"{books.names[one]} signs {times} times" for one, times in twice.items() if times > 1)


def _double_entry(books: Books, item: Any) -> Iterator[str]:
    """Each act stands in the ledger once and in one row, under the same name."""
    told: Counter[tuple[str | None, str]] = Counter()
    withdrawn, anew = 0, Counter[str | None]()
    for entry in _told(books, item):
        if entry.event == "work:step:reresolved":
            anew[entry.actor] += len(entry.payload["former"])
        if entry.event == "work:sign_off:handed_over" and "step" not in entry.payload:
            continue  # an offer: nobody held it
        state = str(entry.payload["decision"]) if entry.event == "work:sign_off:by_rule" else BECAME.get(entry.event)
        if state is not None:
            told[entry.actor, state] += 1
        withdrawn += entry.event == "work:sign_off:withdrawn"
    rows = [row for row in books.rows.values() if row.item_id == item.id]
    stand = Counter(
        (row.decided_by, row.was or row.state)
        for row in rows
        if row.state not in ("open", "waiting", "lapsed") and not (row.state == "removed" and row.because is not None)
    )
    for who, gone in anew.items():  # finding the signers anew passes some on and removes others
        either = "transferred or removed"
        told[who, either] = gone + told.pop((who, "transferred"), 0) + told.pop((who, "removed"), 0)
        stand[who, either] = stand.pop((who, "transferred"), 0) + stand.pop((who, "removed"), 0)
    for who, state in told.keys() | stand.keys():
        if told[who, state] != stand[who, state]:
            name = books.names[who] if who else "a rule"
            yield f"{state} by {name}: {told[who, state]} times in the ledger, {stand[who, state]} rows"
    if withdrawn != sum(row.state == "withdrawn" for row in rows):
        yield f"the ledger tells of {withdrawn} withdrawn"


def _decision(books: Books, item: Any, rounds: Sequence[Any]) -> Iterator[str]:
    """The item's answer is that of its last round, in the name of somebody who gave it there."""
    *_, done = [entry for entry in _told(books, item) if entry.event == "work:item:completed"]  # those before it were withdrawn
    values, last = done.payload["values"], rounds[-1] if rounds else None
    if last is not None and not books.of(last.id):
        if (last.outcome, values["decision"], values["decided_by"]) != ("rejected", "rejected", ""):
            yield f"nobody was found to sign, yet it is {values}"
        return
    if last is None:
        if done.payload.get("policy") != "nothing_to_sign" or values["decision"] != "approved" or values["decided_by"]:
            yield f"nobody signed, yet it is {values}"
        return
    if values["decision"] != last.outcome:
        yield f"it is {values['decision']}, its last round {last.outcome}"
    gave = {books.names.get(row.decided_by, "") for row in books.of(last.id) if row.state == last.outcome}
    if values["decided_by"] not in gave:
        yield f"it is {values['decision']} by {values['decided_by'] or 'a rule'}, in its last round by {sorted(gave)}"


def _task(books: Books, item: Any) -> Iterator[str]:
    """Of an item with a form: whoever completed it has a sign-off, which may have been withdrawn; the last one is not."""
    done = [entry.actor for entry in _told(books, item) if entry.event in ("work:item:completed", "case:resubmitted")]
    rows = [row for row in books.rows.values() if row.item_id == item.id]
    rows.sort(key=lambda row: row.position)
    if done != [row.decided_by for row in rows if row.state in ("approved", "withdrawn")]:
        yield f"completed by {done}, signed off by {[row.decided_by for row in rows]}"
    if any(row.state != "withdrawn" for row in rows[:-1]) or (rows[-1].state == "open") != (item.status == "open"):
        yield f"it is {item.status}, its sign-offs {[row.state for row in rows]}"


# --- what one act may do


def act_faults(before: Books, after: Books, by: str | None, *, many: bool = False) -> list[str]:
    """What an act of a person (None: of time and rules) did that it must not: to what was decided, or in another's name.

    `many`: it may pass on or remove several.
    """
    found = []
    for id, row in before.rows.items():
        now = after.rows.get(id)
        if now is None:
            found.append(f"a sign-off ({row.state}) is gone")
        elif row.state in FINAL and now != row:
            changed = {name for name, value in row._asdict().items() if getattr(now, name) != value}
            if now.state != "withdrawn" or now.was != row.state or by not in (row.decided_by, row.for_id) or changed > {"state", "was"}:
                found.append(f"a decided sign-off ({row.state} by {row.decided_by}) was changed: {sorted(changed)}")
    gave = []
    for id, row in after.rows.items():
        earlier = before.rows.get(id)
        if row.state in FINAL - {"withdrawn", "lapsed"} and (earlier is None or earlier.state != row.state):
            gave.append(row)
    found += [f"{row.state} under another name: {row.decided_by}" for row in gave if row.decided_by != by]
    if by is not None and not many and sum(row.because is None for row in gave) > 1:
        found.append(f"one act gave {[row.state for row in gave]}")
    news = after.entries[len(before.entries) :]
    if after.entries[: len(before.entries)] != before.entries:
        found.append("the ledger was rewritten")
    found += [f"{entry.event} was recorded in the name of {entry.actor}" for entry in news if entry.actor != by]
    if not news and before != after:
        found.append("something changed without an entry in the ledger")
    return found


# --- the boxes


def box_faults(room: Room) -> list[str]:
    """Where the counts of somebody's boxes are not what their open sign-offs add up to."""
    now = room.clock.now()
    listed = (SignOff.id, SignOff.person_id, SignOff.for_id, SignOff.role, WorkItem.due_at, Case.subject_id)
    waiting = sa.select(*listed).join(WorkItem, WorkItem.id == SignOff.item_id).join(Case, Case.id == SignOff.case_id)
    rows = room.rows(waiting.where(SignOff.state == "open"))
    offered = {(row.sign_off_id, row.ref) for row in room.rows(sa.select(Candidate.__table__))}
    roles = {(row.person_id, row.role) for row in room.rows(sa.select(Holding.person_id, Holding.role))}
    sent = Counter(room.values(sa.select(Case.initiator_id).where(Case.status != "closed")))
    unread = Counter(room.values(sa.select(Copy.person_id).where(Copy.read_at.is_(None))))
    found = []
    for key in PEOPLE:
        me = person(key)
        mine = [row for row in rows if row.person_id == me]
        own = {role for who, role in roles if who == me}
        free = [row for row in rows if row.person_id is None and row.subject_id != me]
        group = [row for row in free if row.role in own or any((row.id, ref) in offered for ref in (me, *own))]
        by_hand = {
            "mine": len(mine),
            "group": len(group),
            "overdue": sum(row.due_at is not None and row.due_at < now for row in (*mine, *group)),
            "standing_in": sum(row.for_id is not None and row.for_id != me for row in mine),
            "sent": sent[me],
            "copied": unread[me],
        }
        if (counts := boxes.counts(room.services.database, me, now)) != by_hand:
            found.append(f"{key}: counted {dict(counts)}, by hand {by_hand}")
    return found
