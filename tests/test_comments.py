"""沟通: who says what to whom about a case, and that it stays."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import PEOPLE, Room, person
from test_sign_offs import act, begin, step

from engine import casefile, comments, endings, work
from engine.errors import CaseNotRunning, FormInvalid, MayNotBeTold, NotAllowed, NotFound
from engine.models import Comment, Holding, Person, new_id
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def write(room: Room, case: str, by: str, text: str, *mentioned: str, **more: Any) -> None:
    given = {"request_id": new_id(), "mentions": [person(key) for key in mentioned], **more}
    comments.write(room.services, case, text=text, actor=person(by), **given)


def said(room: Room, case: str, reader: str) -> list[tuple[str, str]]:
    return [(row.name, row.text) for row in comments.comments(room.services, case, reader=person(reader))]


def test_comment_is_read_by_everybody_in_the_case_but_the_subject(room: Room) -> None:
    """沟通 (ask): question and answer stand on the case and in its timeline and ledger; nothing waits for them."""
    case = begin(room, step("一", "head", "director"))
    write(room, case, "head", "考勤记录完整吗？", "director", item_id=room.item(case, "sign"))
    [first] = comments.comments(room.services, case, reader=person("boss"))
    assert (first.item, first.mentions) == ("sign", ["孙志远"])
    write(room, case, "director", "完整，见附件。", answers=first.id)
    expected = [("赵敏", "考勤记录完整吗？"), ("孙志远", "完整，见附件。")]
    for reader in ("boss", "head", "director", "admin"):
        assert said(room, case, reader) == expected
        page = casefile.case_page(room.services, case, reader=person(reader))
        told = [event.detail["text"] for event in page.timeline if event.event == "work:comment:written"]
        assert told == [text for _, text in expected]
    assert comments.comments(room.services, case, reader=person("boss"))[1].answered == "赵敏"
    for who in ("worker", "subject"):
        with pytest.raises(NotAllowed):
            comments.comments(room.services, case, reader=person(who))
    entries = [entry for entry in room.entries(case) if entry.event == "work:comment:written"]
    assert [entry.payload["text"] for entry in entries] == [text for _, text in expected]
    for who in ("head", "director"):
        act(room, case, work.approve, who)
    assert room.open(case) == "yes"


def test_comment_is_written_by_who_may_read(room: Room) -> None:
    """沟通 (ask): whoever takes part, manages, reads or got a copy; not the subject, nor others; and by nobody once it is closed."""
    case = begin(room, step("一", "head"))
    work.copy_case(room.services, case, persons=[person("worker")], actor=person("boss"), request_id=new_id())
    for who in PEOPLE:
        if comments.may_write(room.services, case, reader=person(who)):
            write(room, case, who, "知悉")
        else:
            with pytest.raises(NotAllowed):
                write(room, case, who, "知悉")
    assert {name for name, _ in said(room, case, "admin")} == {"陈立", "赵敏", "吴凡", "马骏"}
    room.manage(endings.terminate, case)
    assert not comments.may_write(room.services, case, reader=person("head"))
    with pytest.raises(CaseNotRunning):
        write(room, case, "head", "再说一句")
    assert len(said(room, case, "head")) == 4


def test_comment_mentions_only_who_may_read(room: Room) -> None:
    """沟通 (ask): whoever may not is refused by name and nothing is kept; those who can be chosen are exactly those who may."""
    case = begin(room, step("一", "head", "director"))
    room.write(sa.update(Person).where(Person.id == person("director")).values(employed_to=dt.date(2020, 1, 1)))
    for who in ("worker", "subject", "director"):
        with pytest.raises(MayNotBeTold, match=PEOPLE[who][0]):
            write(room, case, "head", "请看", "boss", who)
    assert room.count(Comment) == 0
    offered = {one["name"] for one in comments.addressees(room.services, case, reader=person("head"))}
    assert offered == {"陈立", "吴凡"}
    write(room, case, "head", "请看", "boss", "admin")
    assert comments.comments(room.services, case, reader=person("head"))[0].mentions == ["陈立", "吴凡"]


def test_comment_addressees_are_read_at_once(room: Room) -> None:
    """沟通 (ask): however many may be mentioned, they are looked up together."""
    case, roles = begin(room, step("一", "head", "director")), sa.insert(Holding)
    sent: list[str] = []
    engine = room.services.database.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *given: sent.append(given[2]))

    def statements() -> int:
        sent.clear()
        assert comments.addressees(room.services, case, reader=person("head"))
        return len(sent)

    few = statements()
    for who in ("hr", "hr2", "other", "worker"):
        room.write(roles.values(person_id=person(who), role="hr_director" if who == "hr" else "admin"))
    assert statements() == few


def test_comment_that_cannot_be_kept(room: Room) -> None:
    """沟通 (ask): empty, too long, about another case's item or comment: told, and nothing is kept; the same click counts once."""
    case, other = begin(room, step("一", "head")), begin(room, step("一", "head"))
    for text in ("  ", "字" * 5001):
        with pytest.raises(FormInvalid):
            write(room, case, "head", text)
    write(room, other, "head", "另一事项")
    [foreign] = comments.comments(room.services, other, reader=person("head"))
    for more in ({"item_id": room.item(other, "sign")}, {"answers": foreign.id}):
        with pytest.raises(NotFound):
            write(room, case, "head", "请看", **more)
    assert said(room, case, "head") == []
    for _ in range(2):
        write(room, case, "head", "字" * 5000, request_id="click")
    assert len(said(room, case, "head")) == 1
