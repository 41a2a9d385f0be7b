"""The ledger of a case: whatever is changed in it is found."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib

import pytest
import sqlalchemy as sa
from engine_room import Room, line, person

from engine import ledger
from engine.errors import SealBroken
from engine.ledger import Entry, Event, faults
from engine.locking import lock
from engine.models import LedgerPage
from engine.services import Services
from engine.turn import Turn
from engine.witness import witness

AT = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def chain(count: int = 5) -> tuple[list[Entry], str]:
    """Entries that fit together, and the head."""
    entries: list[Entry] = []
    head = ledger.START
    for number in range(1, count + 1):
        entry = Entry(
            case="c1",
            number=number,
            at=AT + dt.timedelta(microseconds=number),
            event=Event.ITEM_COMPLETED,
            actor="p1",
            element="talk",
            payload={"salt": f"{number:032x}", "values": {"意见": "同意"}},
            digest="",
        )
        head = ledger.digest(entry.fields, hashlib.sha256(ledger.canonical(entry.payload)).hexdigest(), head)
        entries.append(dataclasses.replace(entry, digest=head))
    return entries, head


def test_a_whole_chain_has_no_faults() -> None:
    """Entries as they were written are accepted, also none at all and also told in another time zone."""
    entries, head = chain()
    assert faults(entries, head=head, count=5) == []
    assert faults([], head=ledger.START, count=0) == []
    elsewhere = [dataclasses.replace(entry, at=entry.at.astimezone(dt.UTC)) for entry in entries]
    assert faults(elsewhere, head=head, count=5) == []


@pytest.mark.parametrize(
    "change",
    [
        {"case": "c2"},
        {"at": AT},
        {"event": Event.STEP_REJECTED},
        {"actor": "p2"},
        {"actor": None},
        {"element": None},
        {"payload": {"salt": f"{3:032x}", "values": {"意见": "不同意"}}},
        {"payload": {"salt": f"{4:032x}", "values": {"意见": "同意"}}},
        {"digest": "0" * 64},
    ],
)
def test_every_changed_field_is_found(change: dict[str, object]) -> None:
    """A change of any field of one entry is reported with the entry's number."""
    entries, head = chain()
    entries[2] = dataclasses.replace(entries[2], **change)  # type: ignore[arg-type]
    assert any("entry 3" in fault and "altered" in fault for fault in faults(entries, head=head, count=5))


@pytest.mark.parametrize("gone", range(5))
def test_every_removed_entry_is_found(gone: int) -> None:
    """Taking one out is reported, at the beginning, in the middle and at the end."""
    entries, head = chain()
    del entries[gone]
    assert faults(entries, head=head, count=5)


def test_reordered_doubled_and_added_entries_are_found() -> None:
    """Swapping two, repeating one, or adding one that fits behind the last is reported."""
    entries, head = chain()
    longer, _ = chain(6)
    for wrong in (
        [entries[0], entries[2], entries[1], *entries[3:]],
        [*entries[:2], entries[1], *entries[2:]],
        longer,
        list(reversed(entries)),
    ):
        assert faults(wrong, head=head, count=5)


def test_a_chain_begun_anew_is_found() -> None:
    """A whole chain with other contents does not end at the head that the case names."""
    entries, _ = chain()
    assert faults(entries, head="f" * 64, count=5) == ["the chain does not end at the head that the case names"]


def test_what_happened_is_chained_with_the_commit(services: Services) -> None:
    """Every command of a case is in the ledger in order, with actor, element and time; payloads differ even when the facts do not."""
    room = Room(services)
    room.deploy(*line("a", "b"))
    case = room.start()
    room.clock.move(hours=1)
    room.complete(case, "a")
    entries = room.entries(case)
    assert [(entry.event, entry.element) for entry in entries] == [
        (Event.CASE_STARTED, "start"),
        (Event.ITEM_OPENED, "a"),
        (Event.ITEM_COMPLETED, "a"),
        (Event.ITEM_OPENED, "b"),
    ]
    assert [entry.actor for entry in entries] == [person("boss")] * 2 + [person("hr")] * 2
    assert (entries[2].at - entries[1].at) == dt.timedelta(hours=1)
    assert len({entry.payload["salt"] for entry in entries}) == 4


def test_whatever_a_page_is_told_comes_back(services: Services) -> None:
    """Ids, digests, what looks like them or like the byte that stands for them, and all kinds of values; one page for each commit."""
    room = Room(services)
    room.deploy(*line("a"))
    case = room.start()
    told = {
        "id": "0" * 32,
        "digest": "5b" * 32,
        "nearly": ["5b" * 15 + "5", "5b" * 16 + "5", "5B" * 16],
        "text": "\x01 \\u0001 “好” \x1f",
        "facts": {"a" * 32: None, "n": [0, -1, 2**53, 0.1, 1e300, True]},
    }
    for _ in range(2):
        with services.database.unit() as unit:
            witness(unit, case, Event.DOCUMENT_READ, at=AT, actor=None, **told)
            unit.commit()
    last = room.entries(case)[-1].payload
    assert {name: value for name, value in last.items() if name != "salt"} == told
    assert room.values(sa.select(LedgerPage.number).where(LedgerPage.case_id == case).order_by(LedgerPage.number)) == [1, 3, 4]


def test_an_entry_tells_what_was_so_when_it_was_told(services: Services) -> None:
    """Lists and objects in it may change before the commit; the chain is whole all the same."""
    room = Room(services)
    room.deploy(*line("a"))
    case = room.start()
    names, facts = ["before"], {"deep": {"n": 1}}
    with services.database.unit() as unit:
        turn = Turn(services, unit, lock(unit, case_id=case), actor=None)
        turn.record(Event.DOCUMENT_READ, names=names)
        turn.record(Event.DOCUMENT_READ, facts=facts)
        names[0], facts["deep"]["n"] = "after", 2
        turn.commit()
    entries, row = room.entries(case), room.case(case)
    assert (entries[-2].payload["names"], entries[-1].payload["facts"]) == (["before"], {"deep": {"n": 1}})
    assert faults(entries, head=row.head, count=row.entries) == []


@pytest.mark.tampers
def test_what_was_changed_in_the_database_is_found(services: Services) -> None:
    """Somebody with access to the tables cannot change or exchange entries unnoticed."""
    room = Room(services)
    room.deploy(*line("a"))
    case = room.start()
    room.complete(case, "a")
    row = room.case(case)
    count = row.entries

    def found() -> list[str]:
        with services.database.reading() as connection:
            return list(faults(ledger.history(connection, services.keyring, case), head=row.head, count=count))

    assert found() == []
    of = (LedgerPage.case_id == case, LedgerPage.number == 1)
    room.write(sa.update(LedgerPage).where(*of).values(actor_id=person("worker")))
    assert found() == [f"entry 1 ({Event.CASE_STARTED}) was altered", f"entry 2 ({Event.ITEM_OPENED}) was altered"]
    digests = room.value(sa.select(LedgerPage.digests).where(*of))
    room.write(sa.update(LedgerPage).where(*of).values(actor_id=person("boss"), digests=digests[:32] + bytes(32)))
    assert found() == [f"entry 2 ({Event.ITEM_OPENED}) was altered", f"entry 3 ({Event.ITEM_COMPLETED}) was altered"]
    room.write(sa.update(LedgerPage).where(*of).values(digests=digests[:32]))
    with pytest.raises(SealBroken):
        found()
    other = room.value(sa.select(LedgerPage.payload).where(LedgerPage.case_id == case, LedgerPage.number == 3))
    room.write(sa.update(LedgerPage).where(*of).values(digests=digests, payload=other))
    with pytest.raises(SealBroken):
        found()
    room.write(sa.delete(LedgerPage).where(LedgerPage.case_id == case, LedgerPage.number >= 1))
    assert len(found()) == 2
