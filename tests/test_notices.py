"""Notices: who is told what, when and how, on the database, with a clock that is moved."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, mapping, node, zeebe
from engine_room import PEOPLE, Room, line, person
from test_standing_steps import publish
from twins import Loudspeaker

from engine import comments, endings, notices, work
from engine.calendar import Calendar
from engine.errors import FormInvalid, NeedsPerson, NotFound, Refused, TryAgain
from engine.jobs import Runner
from engine.models import EVERYBODY, ForeignId, Job, Notice, Person, SignOff, new_id
from engine.notices import failures, wishes
from engine.notices.kinds import KINDS
from engine.notices.wishes import Wish
from engine.people import absences
from engine.ports import Json
from engine.services import Services
from engine.work import reresolving
from engine.workdays import Workdays

NAMES = {name: key for key, (name, _, _) in PEOPLE.items()}


@pytest.fixture
def mail() -> Loudspeaker:
    return Loudspeaker("mail")


@pytest.fixture
def chat() -> Loudspeaker:
    return Loudspeaker("chat", reaches="person")


@pytest.fixture
def room(services: Services, mail: Loudspeaker, chat: Loudspeaker) -> Room:
    """Everybody has a mail address but the director, who is known to the chat only."""
    room = Room(dataclasses.replace(services, notifiers={"mail": mail, "chat": chat}))
    for key in PEOPLE:
        if key != "director":
            room.write(sa.update(Person).where(Person.id == person(key)).values(email=f"{key}@company.example"))
    room.write(sa.insert(ForeignId).values(person_id=person("director"), system="chat", foreign_id="ou_1"))
    return room


def step(name: str, *people: str, mode: str = "all", **more: Json) -> dict[str, Json]:
    rule = {"rule": "person", "persons": [person(key) for key in people]}
    return {"name": name, "name_en": name, "mode": mode, "approvers": [rule], "initiator": "self", **more}


def begin(room: Room, *steps: dict[str, Json]) -> str:
    """A new case at a task with this chain."""
    properties = zeebe("properties", zeebe("property", name="wf.chain", value="c"))
    task = node("userTask", "sign", properties, mapping(outputs={"verdict": "=decision"}))
    chain = {"name": "审批", "name_en": "Chain", "steps": list(steps)}
    room.deploy(START, task, END, flows("start > sign", "sign > end"), chains={"c": chain})
    return room.start(by="boss")


def said(channel: Loudspeaker) -> list[str]:
    """`who kind` of what was told since the last look."""
    told = [f"{NAMES[message.name]} {message.kind}" for message in channel.told]
    channel.told.clear()
    return sorted(told)


def states(room: Room) -> list[str]:
    return sorted(room.values(sa.select(Notice.state)))


# --- who is told


def test_everybody_in_whose_inbox_work_comes_is_told(room: Room, mail: Loudspeaker) -> None:
    """Each signer of a step, with the title, the step and a link to the item; the one who did it is not told."""
    case = begin(room, step("会签", "hr", "head", "boss"))
    assert room.run() == 2
    assert {message.link for message in mail.told} == {f"http://127.0.0.1:8000/items/{room.item(case, 'sign')}"}
    assert mail.told[0].address.endswith("@company.example") and room.case(case).title in mail.told[0].text
    assert said(mail) == ["head opened", "hr opened"]


def test_a_group_is_told_and_the_subject_is_not_told_of_it(room: Room, mail: Loudspeaker) -> None:
    """Work offered to a role reaches everybody who holds it, but for whom the case is about."""
    room.deploy(*line("a"))
    room.start(by="boss", about="hr2")
    room.run()
    assert said(mail) == ["hr offered"]


def test_what_was_done_meanwhile_is_not_told(room: Room, mail: Loudspeaker) -> None:
    """A notice whose work somebody else did before it was sent is moot."""
    room.deploy(*line("a"))
    room.complete(room.start(by="boss"), "a")
    room.run()
    assert said(mail) == ["boss case_closed"] and states(room) == ["moot", "moot", "sent"]


def test_each_way_in_which_a_sign_off_comes_is_told_as_such(room: Room, mail: Loudspeaker) -> None:
    """转办, 委派, 加签, 退回: the one who gets it is told which, and by whom."""
    case = begin(room, step("初审", "hr"), step("复审", "head"))

    def act(verb: Any, by: str, **more: Any) -> list[str]:
        room.run()
        mail.told.clear()
        verb(room.services, room.item(case, "sign"), actor=person(by), request_id=new_id(), **more)
        room.run()
        assert all(PEOPLE[by][0] in message.text for message in mail.told if message.kind != "opened")
        return said(mail)

    assert act(work.transfer, "hr", to=person("hr2")) == ["hr2 transferred"]
    assert act(work.delegate, "hr2", to=person("admin")) == ["admin delegated"]
    assert act(work.resolve, "admin", opinion="可以") == ["hr2 opened"]
    assert act(work.add, "hr2", persons=[person("other")], where="beside", reason="会商") == ["other added"]
    assert act(work.approve, "other") == []
    assert act(work.approve, "hr2") == ["head opened"]
    assert act(work.return_, "head", reason="补充", to_step=key_of(room)) == ["hr returned"]


def key_of(room: Room) -> str:
    from engine.models import Chain

    return str(room.values(sa.select(Chain.steps))[0][0]["key"])


def test_whoever_began_a_case_hears_of_its_end(room: Room, mail: Loudspeaker) -> None:
    """Stopped by somebody else: the initiator is told by whom."""
    room.deploy(*line("a"))
    case = room.start(by="boss")
    room.run()
    mail.told.clear()
    room.manage(endings.terminate, case)
    room.run()
    assert said(mail) == ["boss case_cancelled"]


def test_cancel_and_void_are_told_to_everybody_concerned(room: Room, mail: Loudspeaker) -> None:
    """撤销 (cancel): who acted and who holds something hears of it, the subject and who did it do not."""
    case = begin(room, step("初审", "hr"), step("复审", "head", "hr2"))
    room.approve(case, "sign", by="hr")
    room.run()
    mail.told.clear()
    room.manage(endings.cancel, case, by="boss")
    room.run()
    assert said(mail) == ["head case_cancelled", "hr case_cancelled", "hr2 case_cancelled"]
    room.manage(endings.void, case)
    room.run()
    assert said(mail) == ["boss case_voided", "hr case_voided"]


def test_a_substitute_is_told(room: Room, mail: Loudspeaker) -> None:
    """Who is named a substitute hears of it, without any case."""
    now = room.clock.now()
    more = {"starts_at": now, "ends_at": now.replace(day=now.day + 3), "by": person("hr")}
    absences.appoint(room.services, absent=person("hr"), substitute=person("hr2"), **more)
    room.run()
    assert said(mail) == ["hr2 substitute_set"]


def test_due_soon_and_overdue(room: Room, mail: Loudspeaker) -> None:
    """Whoever may act is told four hours before and when it is due, as long as it is open."""
    schedule = zeebe("taskSchedule", dueDate='=now() + duration("PT8H")')
    assigned = zeebe("assignmentDefinition", candidateGroups="hr")
    room.deploy(START, node("userTask", "a", assigned, schedule), END, flows("start > a", "a > end"))
    room.start(by="boss")
    room.run()
    assert said(mail) == ["hr offered", "hr2 offered"]
    room.clock.move(hours=4)
    room.run()
    assert said(mail) == ["hr due_soon", "hr2 due_soon"]
    room.clock.move(hours=4)
    room.run()
    assert "2026-11-24 17:00" in mail.told[0].text
    assert said(mail) == ["hr overdue", "hr2 overdue"]


def test_what_a_chain_leaves_more_time_for_is_not_told_as_overdue_before(room: Room, mail: Loudspeaker) -> None:
    """The limit of the step stands in the place of the diagram's due time, so people are told by it, once each."""
    schedule = zeebe("taskSchedule", dueDate='=now() + duration("PT8H")')
    task = node("userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="c")), schedule)
    chain = {"name": "审批", "name_en": "Chain", "steps": [step("一", "hr", limit_days=2)]}
    room.deploy(START, task, END, flows("start > sign", "sign > end"), chains={"c": chain})
    room.start(by="boss")
    heard = []
    for hour in range(60):
        room.run()
        heard += [(hour, what) for what in said(mail)]
        room.clock.move(hours=1)
    assert heard == [(0, "hr opened"), (44, "hr due_soon"), (48, "hr overdue")]


def test_migrate_remove_and_reassign_tell_who_is_asked_no_longer(room: Room, mail: Loudspeaker) -> None:
    """版本迁移, 减签, 改派 (migrate, remove, reassign): whoever had it to sign is told that it is theirs no more; who signed is not."""
    case = begin(room, {**step("会签", "hr", "head", "boss", "director"), "key": "a"})
    room.approve(case, "sign", by="hr")
    rows = room.rows(sa.select(SignOff.person_id, SignOff.id).where(SignOff.state == "open"))
    held = {row.person_id: row.id for row in rows}
    manager: dict[str, Any] = {"actor": person("admin"), "reason": "调整"}
    item = room.item(case, "sign")
    work.remove(room.services, item, held[person("boss")], **manager, request_id="1")
    work.reassign(room.services, item, held[person("director")], to=person("hr2"), **manager, request_id="2")
    publish(room, {**step("会签", "hr", "hr2", "other"), "key": "a"})
    room.run()
    said(mail)
    reresolving.find_signers_anew(room.services, item, **manager, request_id="3")
    room.run()
    assert said(mail) == ["head removed", "other transferred"]
    removed = sa.select(Notice.person_id).where(Notice.kind == "removed")
    assert set(room.values(removed)) == {person("head"), person("boss"), person("director")}


# --- what people wish


def test_a_person_chooses_the_channel_of_each_kind(room: Room, mail: Loudspeaker, chat: Loudspeaker) -> None:
    """Two channels, none, or what the administrators say where nothing was chosen; without an address nothing is sent."""
    room.write(sa.insert(ForeignId).values(person_id=person("hr"), system="chat", foreign_id="ou_2"))
    wishes.keep(room.services, person("hr"), Wish(channels={"opened": ["mail", "chat"]}))
    wishes.keep(room.services, person("head"), Wish(channels={"opened": []}))
    wishes.keep(room.services, EVERYBODY, Wish(channels={"opened": ["chat"]}))
    begin(room, step("会签", "hr", "head", "director", "admin"))
    room.run()
    assert {message.address for message in chat.told} == {"ou_1", "ou_2"}
    assert (said(mail), said(chat)) == (["hr opened"], ["director opened", "hr opened"])


def test_a_digest_comes_once_on_each_working_day(room: Room, mail: Loudspeaker) -> None:
    """From Friday afternoon on everything waits for Monday morning, and comes as one message; what is urgent does not wait."""
    wishes.keep(room.services, person("hr"), Wish(digest_at="09:00"))
    room.clock.move(days=3, hours=7)  # Friday 16:00
    first = begin(room, step("一", "hr"), step("二", "head"))
    room.start(by="boss")
    room.approve(first, "sign", by="hr")
    work.return_(room.services, room.item(first, "sign"), actor=person("head"), reason="补充", to_step=key_of(room), request_id=new_id())
    room.run()
    assert said(mail) == ["hr returned"]
    room.clock.move(hours=24)
    room.run()
    assert said(mail) == []
    room.clock.move(hours=41)
    room.run()
    assert [(message.kind, message.text.count("/items/")) for message in mail.told] == [("together", 2)]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"strict": True}, ("2099-01-01 09:00", True)),
        ({"exceptions": {f"{year}-01-01/{year}-12-31": {"off": "歇业"} for year in range(2098, 2110)}}, ("2098-12-31 15:00", False)),
    ],
)
def test_no_calendar_keeps_a_case_from_telling_somebody_with_a_digest(table: Any, told: Any) -> None:
    """A strict calendar does not know the next year's days yet, and by another one nobody works for years: neither is an error."""
    calendar = Calendar(Workdays.read("office", table, zone="Asia/Shanghai"))
    now = dt.datetime(2098, 12, 31, 15, tzinfo=calendar.days.zone)
    at, bundled = wishes.moment("opened", Wish(digest_at="09:00"), now, calendar)
    assert (f"{at.astimezone(calendar.days.zone):%Y-%m-%d %H:%M}", bundled) == told


def test_quiet_hours_over_midnight(room: Room, mail: Loudspeaker) -> None:
    """What happens at 23:00 is told at 08:00."""
    wishes.keep(room.services, person("hr"), Wish(quiet_from="22:00", quiet_to="08:00"))
    room.clock.move(hours=14)  # 23:00
    begin(room, step("一", "hr"))
    room.run()
    assert said(mail) == []
    room.clock.move(hours=9)
    room.run()
    assert said(mail) == ["hr opened"]


def test_wishes_that_cannot_be_kept_are_refused(room: Room) -> None:
    """An unknown kind or channel, a time that is none, quiet hours without end."""
    for channels in ({"unheard": ["mail"]}, {"opened": ["pigeon"]}):
        with pytest.raises(NotFound):
            wishes.keep(room.services, person("hr"), Wish(channels=channels))
    for wish in (Wish(digest_at="25:00"), Wish(quiet_from="22:00"), Wish(quiet_from="22:00", quiet_to="22:00")):
        with pytest.raises(FormInvalid):
            wishes.keep(room.services, person("hr"), wish)


def test_titles_may_stay_in_the_house(services: Services, mail: Loudspeaker) -> None:
    """With `notice_titles` off a message names the number of the case and no person of it."""
    settings = dataclasses.replace(services.settings, notice_titles=False)
    room = Room(dataclasses.replace(services, settings=settings, notifiers={"mail": mail}))
    room.write(sa.update(Person).values(email="all@company.example"))
    case = begin(room, step("会签", "hr"))
    room.run()
    [message] = mail.told
    assert room.case(case).number in message.text and PEOPLE["subject"][0] not in message.subject + message.text


# --- what fails


def test_a_channel_that_is_down_stops_no_case(room: Room, mail: Loudspeaker) -> None:
    """The notice is tried again under the same key, the case goes on, and there is no incident."""
    mail.answers = [TryAgain(system="mail", operation="notice", reason="it cannot be reached")] * 2 + [None]
    case = begin(room, step("一", "hr"))
    room.run()
    assert states(room) == ["taken"] and room.incidents(case) == []
    room.approve(case, "sign", by="hr")
    assert room.case(case).status == "closed"
    for _ in range(3):
        room.clock.move(minutes=5)
        room.run()
    assert len({message.key for message in mail.tried if message.kind == "opened"}) == 1


def test_what_a_case_does_comes_before_notices(room: Room) -> None:
    """A worker with one free thread seals the closed case first, though somebody was to be told of the work earlier."""
    case = begin(room, step("一", "hr"))
    room.clock.move(minutes=1)
    room.approve(case, "sign", by="hr")
    runner = Runner(room.services, name="test", seal=lambda case: None)
    assert runner.run_due(1) == 1
    runner.close()
    assert sorted(room.rows(sa.select(Job.kind, Job.state))) == [("notice", "waiting"), ("notice", "waiting"), ("seal", "done")]


@pytest.mark.parametrize("error", [Refused, NeedsPerson])
def test_a_notice_that_failed_is_shown_and_sent_again(room: Room, mail: Loudspeaker, error: Any) -> None:
    """Administrators see whom it did not reach and why, and send it again; a second time changes nothing."""
    mail.answers = [error(system="mail", operation="notice", reason="it refused the mail: 550"), None]
    case = begin(room, step("一", "hr"))
    room.run()
    with room.services.database.reading() as connection:
        [shown] = failures.rows(connection)
    assert (shown.person, shown.channel, shown.kind, shown.reason) == ("王芳", "mail", "opened", "it refused the mail: 550")
    assert room.incidents(case) == [] and room.case(case).status == "running"
    for _ in range(2):
        failures.send_again(room.services, shown.id, by=person("admin"))
    room.run()
    assert said(mail) == ["hr opened"] and states(room) == ["sent"]


def test_without_channels_nothing_is_written(services: Services) -> None:
    """An installation that tells nobody has no notices and no jobs for them."""
    room = Room(services)
    begin(room, step("一", "hr"))
    assert room.count(Notice) == 0 and room.count(Job) == 0


def test_copy_and_comment_are_told_to_whom_they_concern(room: Room, mail: Loudspeaker) -> None:
    """抄送 (copy), 沟通 (ask): who got the copy, whom a comment mentions, and whose comment was answered; never who wrote it."""
    case = begin(room, step("一", "hr"))
    room.run()
    said(mail)
    work.copy_case(room.services, case, persons=[person("worker")], actor=person("boss"), request_id=new_id())
    comments.write(room.services, case, text="请看", mentions=[person("hr")], actor=person("worker"), request_id=new_id())
    [asked] = comments.comments(room.services, case, reader=person("hr"))
    comments.write(room.services, case, text="好", answers=asked.id, actor=person("hr"), request_id=new_id())
    room.run()
    assert said(mail) == ["hr mentioned", "worker copied", "worker mentioned"]


def test_nobody_chooses_how_to_be_told_of_what_nothing_tells() -> None:
    """The engine speaks of each kind that people may choose somewhere else than where it is described."""
    files = (path for path in Path(notices.__file__).parent.parent.rglob("*.py") if path.name != "kinds.py")
    source = "\n".join(path.read_text() for path in files)
    assert [kind for kind in KINDS if f'"{kind}"' not in source] == []
