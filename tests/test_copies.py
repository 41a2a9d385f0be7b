"""抄送: who shows a case to whom, what a copy opens, and when it counts as read."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, user, zeebe
from engine_room import PEOPLE, Room, form, person, together
from test_sign_offs import act, begin, step

from engine import casefile, caselist, copies, endings, inbox, work
from engine.boxes import Filter
from engine.chains.faults import unwired
from engine.errors import CaseNotRunning, FormInvalid, MayNotBeTold, NotAllowed, NotFound
from engine.models import Copy, Holding, Person, new_id
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def rule(*people: str) -> list[dict[str, Any]]:
    return [{"rule": "person", "persons": [person(key) for key in people]}]


def copy(room: Room, case: str, by: str, *to: str, reason: str = "", request_id: str | None = None) -> None:
    """Send a copy from the open item `sign`."""
    item, persons = room.item(case, "sign"), [person(key) for key in to]
    work.copy(room.services, item, persons=persons, actor=person(by), reason=reason, request_id=request_id or new_id())


def got(room: Room, case: str, reader: str = "admin") -> dict[str, tuple[str | None, bool]]:
    """Who got a copy -> from whom the last one is, and whether it was read."""
    rows = copies.copies(room.services, case, reader=person(reader))
    return {row.name: (row.by, row.read_at is not None) for row in rows}


def test_copy_opens_the_case_and_asks_nothing(room: Room) -> None:
    """抄送 (copy): its holder reads the case and what was said in that step, may do nothing to it, and holds nothing up."""
    case = begin(room, step("一", "head", "director"))
    act(room, case, work.approve, "head", opinion="同意，情况属实")
    item = room.item(case, "sign")
    with pytest.raises(NotAllowed):
        casefile.case_page(room.services, case, reader=person("worker"))
    copy(room, case, "head", "worker", reason="请知悉")
    page = inbox.item_page(room.services, item, reader=person("worker"))
    assert page.steps[0].opinion == "同意，情况属实" and page.may == frozenset()
    assert casefile.case_page(room.services, case, reader=person("worker")).may == frozenset()
    assert [row.id for row in caselist.cases(room.services, reader=person("worker"))[0]] == [case]
    for verb in (work.approve, work.urge, work.withdraw):
        with pytest.raises(NotAllowed):
            verb(room.services, item, actor=person("worker"), request_id=new_id())
    with pytest.raises(NotAllowed):
        copy(room, case, "worker", "other")
    act(room, case, work.approve, "director")
    assert room.open(case) == "yes"


def test_copy_is_one_for_each_person_and_case(room: Room) -> None:
    """抄送 (copy): a later one takes the earlier one's place, unread again, from whoever sent it last and from where."""
    case = begin(room, step("一", "head", "director"))
    copy(room, case, "head", "worker", "other", reason="第一次")
    assert got(room, case) == {"马骏": ("赵敏", False), "李强": ("赵敏", False)}
    assert copies.read(room.services, case, reader=person("worker"))
    room.clock.move(hours=1)
    assert not copies.read(room.services, case, reader=person("worker")) and not copies.read(room.services, case, reader=person("head"))
    assert got(room, case)["马骏"] == ("赵敏", True)
    work.copy_case(room.services, case, persons=[person("worker")], actor=person("boss"), request_id=new_id())
    assert got(room, case) == {"马骏": ("陈立", False), "李强": ("赵敏", False)} and room.count(Copy) == 2
    assert room.value(sa.select(Copy.item_id).where(Copy.person_id == person("worker"))) is None
    told = [entry for entry in room.entries(case) if entry.event.startswith("work:copy")]
    assert [entry.event for entry in told] == ["work:copy:sent", "work:copy:read", "work:copy:sent"]
    assert told[0].payload["reason"] == "第一次" and told[1].actor == person("worker")


def test_copy_goes_to_nobody_who_may_not_have_it(room: Room) -> None:
    """抄送 (copy): never to the subject, oneself, who has left or does not exist; one wrong name and nobody gets one."""
    case = begin(room, step("一", "head"))
    room.write(sa.update(Person).where(Person.id == person("other")).values(employed_to=dt.date(2020, 1, 1)))
    for who, why in (("subject", "林小北"), ("head", "赵敏"), ("other", "李强")):
        with pytest.raises(MayNotBeTold, match=why):
            copy(room, case, "head", "worker", who)
    with pytest.raises(NotFound):
        work.copy(room.services, room.item(case, "sign"), persons=["f" * 32], actor=person("head"), request_id=new_id())
    for wrong in ([], [f"{number:032x}" for number in range(30)]):
        with pytest.raises(FormInvalid):
            work.copy(room.services, room.item(case, "sign"), persons=wrong, actor=person("head"), request_id=new_id())
    assert room.count(Copy) == 0


def test_copy_is_sent_by_who_takes_part(room: Room) -> None:
    """抄送 (copy): offered exactly to who may; not to the subject, who has another role too, nor where the chain leaves it out."""
    room.write(sa.insert(Holding).values(person_id=person("subject"), role="admin"))
    case = begin(room, step("一", "head"), step("二", "director", verbs=["return"]))
    item = room.item(case, "sign")

    def offered() -> set[str]:
        found = set()
        for key in PEOPLE:
            try:
                page = inbox.item_page(room.services, item, reader=person(key))
            except NotAllowed:
                page = None
            if page is not None and "copy" in page.may:
                found.add(key)
                copy(room, case, key, "worker")
            else:
                with pytest.raises(NotAllowed):
                    copy(room, case, key, "worker")
        return found

    assert offered() == {"head", "admin"}
    act(room, case, work.approve, "head")
    assert offered() == {"admin"}
    for who in ("subject", "worker", "other"):
        with pytest.raises(NotAllowed):
            work.copy_case(room.services, case, persons=[person("hr2")], actor=person(who), request_id=new_id())


def test_copy_sent_twice_or_by_two_at_once(room: Room) -> None:
    """抄送 (copy): a repeated click sends nothing more; of two at the same moment both count, and there is still one copy."""
    case = begin(room, step("一", "head", "director"))
    for _ in range(2):
        copy(room, case, "head", "worker", request_id="click")
    assert room.events(case).count("work:copy:sent") == 1
    outcomes = together(*(lambda by=by: copy(room, case, by, "worker") for by in ("head", "director")))
    assert outcomes == [None, None] and room.count(Copy) == 1
    assert room.events(case).count("work:copy:sent") == 3


def test_copy_by_the_step_of_a_chain(room: Room) -> None:
    """抄送 (copy): once a step is decided whom it names get one, without the subject, who left, who decided, and nobody twice."""
    named = rule("worker", "subject", "head", "other", "hr2")
    twice = [*named, {"rule": "role", "roles": ["hr"]}, {"rule": "initiator"}]
    room.write(sa.update(Person).where(Person.id == person("other")).values(active=False))
    case = begin(room, step("一", "head", "director", copies=twice), step("二", "director", twice="none"))
    act(room, case, work.approve, "director")
    assert got(room, case) == {}
    act(room, case, work.approve, "head")
    assert got(room, case) == dict.fromkeys(("马骏", "周洁", "王芳", "陈立"), (None, False))
    [sent] = [entry for entry in room.entries(case) if entry.event == "work:copy:sent"]
    [line] = [one for one in casefile.case_page(room.services, case, reader=person("admin")).timeline if one.event == "work:copy:sent"]
    assert sent.payload["by_rule"] and line.actor is None
    act(room, case, work.reject, "director", opinion="不同意")
    assert room.events(case).count("work:copy:sent") == 1


def test_copy_of_a_step_that_a_chain_names_is_published(room: Room) -> None:
    """抄送 (copy): a chain with copies is carried out; one whose recipients somebody would have to choose is not yet."""
    asks = {**step("一", "head", copies=rule("worker")), "key": "one"}
    assert unwired([asks]) == []
    assert [fault.field for fault in unwired([{**asks, "copies": [{"rule": "initiator_chooses"}]}])] == ["copies.0"]


def test_copy_shows_no_more_than_its_sender_sees(room: Room) -> None:
    """抄送 (copy): of the case's data its holder sees what is shown to who sent it, not what their own role would see."""
    shown = {"initiator": ["hours"], "supervisor": ["hours", "salary"], "department_head": ["rank"]}
    first = user("a", zeebe("formDefinition", formId="facts"))
    facts = form("hours", "salary", "rank")
    rules = {"readers": ["hr"], "shown": shown}
    room.deploy(START, first, user("b"), END, flows("start > a", "a > b", "b > end"), forms={"facts": facts}, rules=rules)
    case = room.start()
    room.complete(case, "a", hours="1", salary="2", rank="3")

    def seen(who: str) -> set[str]:
        return set(casefile.case_page(room.services, case, reader=person(who)).variables) & {"hours", "salary", "rank"}

    send = {"persons": [person("head"), person("other")], "request_id": new_id()}
    work.copy_case(room.services, case, actor=person("boss"), **send)
    assert seen("boss") == seen("head") == seen("other") == {"hours", "salary"}
    work.copy_case(room.services, case, actor=person("hr"), **{**send, "request_id": new_id()})
    assert seen("head") == {"rank"} and seen("other") == {"hours", "salary"}


def test_copy_of_a_closed_case_stays_and_none_is_added(room: Room) -> None:
    """抄送 (copy): what was sent can be read for ever, and its reading is recorded; a closed case is shown to nobody new."""
    case = begin(room, step("一", "head"))
    copy(room, case, "head", "worker")
    item = room.item(case, "sign")
    room.manage(endings.terminate, case)
    assert copies.read(room.services, case, reader=person("worker")) and got(room, case)["马骏"] == ("赵敏", True)
    with pytest.raises(CaseNotRunning):
        work.copy(room.services, item, persons=[person("other")], actor=person("admin"), request_id=new_id())
    assert "copy" not in inbox.item_page(room.services, item, reader=person("admin")).may


def test_what_was_written_with_a_copy_is_for_both_ends(room: Room) -> None:
    """Who sent it, who got it and who sees the whole case read it; others who take part see that there is a copy."""
    case = begin(room, step("一", "head", "director"))
    copy(room, case, "head", "worker", reason="请知悉")
    notes = {who: copies.copies(room.services, case, reader=person(who))[0].note for who in ("head", "worker", "admin", "director")}
    assert notes == {"head": "请知悉", "worker": "请知悉", "admin": "请知悉", "director": ""}


def test_copy_lies_in_a_box_of_its_own(room: Room) -> None:
    """抄送 (copy): what was not read stands first, then the newest; counted while unread, filtered, and in pages."""
    numbers = []
    for turn in range(5):
        case = begin(room, step("一", "head"))
        room.clock.move(minutes=1)
        if turn % 2:
            copy(room, case, "head", "worker")
        else:
            work.copy_case(room.services, case, persons=[person("worker")], actor=person("boss"), request_id=new_id())
        numbers.append((room.case(case).number, case))
    reader = person("worker")
    copies.read(room.services, numbers[4][1], reader=reader)
    copies.read(room.services, numbers[1][1], reader=reader)
    assert inbox.counts(room.services, reader)["copied"] == 3
    expected = [numbers[place][0] for place in (3, 2, 0, 4, 1)]
    found, after = [], ""
    while True:
        page = inbox.copied(room.services, reader, after=after, size=2)
        found += [row.number for row in page.rows]
        assert page.total == 5
        if page.next is None:
            break
        after = page.next
    assert found == expected
    rows = inbox.copied(room.services, reader).rows
    assert [(row.by, row.name) for row in rows[:2]] == [("赵敏", "sign"), ("陈立", None)]
    assert [row.number for row in inbox.copied(room.services, reader, wanted=Filter(words=["林小北"], step="sign")).rows] == [
        numbers[3][0],
        numbers[1][0],
    ]
    assert len(inbox.copied(room.services, reader, wanted=Filter(procedure="test", department="service")).rows) == 5
    assert [one.name for one in inbox.choices(room.services, reader, "copied").steps] == ["sign"]
    assert inbox.copied(room.services, person("subject")).total == 0
