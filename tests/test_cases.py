"""Starting a case, ending it before its end, and holding it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, event, flows, node, timer, user, zeebe
from engine_room import Room, form, line, person, requests, together

from engine import cases, endings, work
from engine.db import Unit
from engine.errors import CaseNotRunning, Conflict, FileTypeRefused, FormInvalid, NobodySigns, NotAllowed, NotDeployable, NotFound
from engine.models import Case, Document, Draft, Holding, Job, LedgerPage, Person, SignOff, WorkItem, new_id
from engine.ports import File
from engine.rules import Rules
from engine.services import Services

REPORTED = (node("startEvent", "start", zeebe("formDefinition", formId="report")), user("a"), END, flows("start > a", "a > end"))
REPORT = form("what", required=["what"], files=["proof"])
RULES = {"start": ["supervisor"], "start_any": ["hr"], "managers": ["admin"]}
NO_WAY_BACK = {**RULES, "no_way_back": ["b"]}


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def empty(room: Room) -> bool:
    return not any(room.count(table) for table in (Case, WorkItem, SignOff, Job, LedgerPage, Document))


# --- starting


def test_number_of_a_case_that_starts(room: Room) -> None:
    """流程编号 / 标题 / 摘要 (number, title, summary): with the case after one commit, and one that people can read out."""
    room.deploy(*REPORTED, forms={"report": REPORT})
    case = room.start(what="玩手机")
    row = room.case(case)
    assert (row.status, row.outcome, row.incidents, row.revision, row.title) == ("running", None, 0, 1, "流程：林小北")
    assert (row.subject_id, row.initiator_id, row.started_at) == (person("subject"), person("boss"), room.clock.now())
    assert re.fullmatch(r"20261124-[0-9A-HJKMNP-TV-Z]{5}", row.number)
    assert room.open(case) == "a"
    known = room.variables(case)
    assert known["what"] == "玩手机" and known["case"]["number"] == row.number
    assert known["subject"]["name"] == "林小北" and known["initiator"]["id"] == person("boss")


def test_number_has_the_day_of_the_company(room: Room) -> None:
    """流程编号 (number): shortly before midnight in Shanghai it is still the day before in Greenwich."""
    room.deploy(*line("a"))
    room.clock.move(hours=16)
    assert room.clock.now() == dt.datetime(2026, 11, 24, 17, tzinfo=dt.UTC)
    assert room.case(room.start()).number.startswith("20261125-")


def test_the_same_request_gives_the_same_case(room: Room) -> None:
    """A repeated click finds the case that the first one made, one after another and at the same moment."""
    room.deploy(*line("a"))
    first = cases.start(room.services, procedure="test", initiator=person("boss"), subject=person("subject"), values={}, request_id="r1")
    assert room.start(request_id="r1") == first.case_id
    given = together(*[lambda: room.start(request_id="r2")] * 5)
    assert len(set(given)) == 1 and room.count(Case) == 2 and room.count(WorkItem) == 2
    assert requests(room) == 2


def test_somebody_elses_request_is_not_answered(room: Room) -> None:
    """Who sends the request id of another person learns nothing about their case, nor of another command."""
    room.deploy(*line("a"))
    case = room.start(request_id="r1")
    with pytest.raises(Conflict):
        room.start(by="hr", request_id="r1")
    room.complete(case, "a", request_id="r2")
    with pytest.raises(Conflict):
        room.start(by="hr", request_id="r2")
    assert room.count(Case) == 1


def test_many_start_at_the_same_moment(room: Room) -> None:
    """Different requests never get into each other's way."""
    room.deploy(*line("a"))
    given = together(*[room.start] * 8)
    assert len(set(given)) == 8 and all(isinstance(case, str) for case in given)


def test_a_faulty_form_starts_nothing(room: Room) -> None:
    """Missing, unknown and misplaced fields are named, and nothing is stored."""
    room.deploy(*REPORTED, forms={"report": REPORT})
    for values, wrong in (
        ({}, {"what"}),
        ({"what": "x", "y": 1}, {"y"}),
        ({"what": ["x"]}, {"what"}),
        ({"what": "x", "case": {}}, {"case"}),
    ):
        with pytest.raises(FormInvalid) as caught:
            room.start(**values)
        assert caught.value.fields.keys() == wrong
    assert empty(room)


def test_without_a_form_no_values_come_in(room: Room) -> None:
    """Nobody can plant a variable where no form asks for one, least of all who the case is about."""
    room.deploy(*line("a"))
    for values in ({"subject": {"id": "x"}}, {"verdict": "dismissed"}):
        with pytest.raises(FormInvalid):
            room.start(**values)
    assert empty(room)


def test_a_form_cannot_change_whom_the_case_is_about(room: Room) -> None:
    """A form with fields of the names that the engine gives is not deployed."""
    with pytest.raises(NotDeployable) as caught:
        room.deploy(*REPORTED, forms={"report": form("subject", "initiator", "case")})
    assert [str(finding.code) for finding in caught.value.findings] == ["reserved_name"] * 3


def test_uploads_become_documents_of_the_case(room: Room) -> None:
    """Their ids stand in the field; a file that is refused, or an id of another case, starts nothing."""
    room.deploy(*REPORTED, forms={"report": REPORT})

    def start(content: bytes, **values: Any) -> str:
        file = File(kind="attachment", name="证据.png", media_type="", content=content)
        given = {"procedure": "test", "initiator": person("boss"), "subject": person("subject"), "request_id": new_id()}
        return cases.start(room.services, **given, values={"what": "x", **values}, files={"proof": [file]} if content else {}).case_id

    case = start(b"\x89PNG\r\n\x1a\n....")
    [document] = room.rows(sa.select(Document.id, Document.case_id, Document.created_by))
    assert document[1:] == (case, person("boss")) and room.variables(case)["proof"] == [document.id]
    with pytest.raises(FileTypeRefused):
        start(b"MZ\x90\x00")
    with pytest.raises(NotFound):
        start(b"", proof=[document.id])
    assert room.count(Case) == room.count(Document) == 1


@pytest.mark.parametrize(
    ("by", "about", "error"),
    [
        ("boss", "subject", None),
        ("head", "subject", NotAllowed),
        ("boss", "worker", NotAllowed),
        ("other", "worker", None),
        ("hr", "worker", None),
        ("admin", "subject", NotAllowed),
        ("boss", "boss", NotAllowed),
        ("boss", "nobody", NotFound),
        ("nobody", "subject", NotAllowed),
    ],
)
def test_who_may_start(room: Room, by: str, about: str, error: type[Exception] | None) -> None:
    """谁可发起 (who may start): a supervisor about who reports to them, HR about anybody, nobody about themselves or somebody unknown."""
    room.deploy(*line("a"), rules=RULES)

    def start() -> None:
        ids = {"initiator": "0" * 32 if by == "nobody" else person(by), "subject": "0" * 32 if about == "nobody" else person(about)}
        cases.start(room.services, procedure="test", **ids, values={}, request_id="r")

    if error is None:
        start()
        assert room.count(Case) == 1
    else:
        with pytest.raises(error):
            start()
        assert empty(room)


def test_nobody_starts_about_somebody_who_left(room: Room) -> None:
    """Whoever is no longer active is no subject."""
    room.deploy(*line("a"))
    room.write(sa.update(Person).where(Person.id == person("subject")).values(active=False))
    with pytest.raises(NotFound):
        room.start()
    assert empty(room)


def test_work_for_nobody_refuses_the_start(room: Room) -> None:
    """Where a task names somebody who left and there is no administrator, the start says so instead of losing the task."""
    task = node("userTask", "a", zeebe("assignmentDefinition", assignee=person("worker")))
    room.deploy(START, task, END, flows("start > a", "a > end"))
    room.write(sa.update(Person).where(Person.id == person("worker")).values(active=False))
    case = room.start()
    assert room.value(sa.select(SignOff.person_id).where(SignOff.case_id == case)) == person("admin")
    room.write(sa.delete(Holding).where(Holding.role == "admin"))
    with pytest.raises(NobodySigns):
        room.start()
    assert room.count(Case) == 1


# --- what happens within one step


def test_work_that_an_end_takes_away_at_once_is_not_offered(room: Room) -> None:
    """A branch that ends the case while the other has just opened work leaves no work item, job or incident behind."""
    ways = (
        "begin > split",
        "split > a",
        "split > broken",
        "split > later",
        "split > stop",
        "a > e",
        "broken > e: subject.name",
        "later > e",
    )
    body = (
        node("startEvent", "begin"),
        node("parallelGateway", "split"),
        user("a"),
        node("exclusiveGateway", "broken"),
        node("intermediateCatchEvent", "later", timer(duration="P1D")),
        node("endEvent", "stop", event("error", errorRef="E")),
        node("endEvent", "e"),
        flows(*ways),
    )
    inner = node("subProcess", "sub", *body)
    caught = node("boundaryEvent", "caught", event("error", errorRef="E"), attachedToRef="sub")
    outer = flows("start > sub", "sub > end", "caught > b", "b > end")
    room.deploy(START, inner, caught, user("b"), END, outer, named='<bpmn:error id="E" errorCode="E"/>')
    case = room.start()
    assert room.open(case) == "b" and room.incidents(case) == []
    assert [job for job in room.jobs(case) if job.state == "waiting"] == []
    room.complete(case, "b")
    assert room.case(case).status == "closed"


def test_an_end_without_an_outcome_says_nothing_about_dismissal(room: Room) -> None:
    """The end event's outcome is the case's; where it names none the case is simply completed."""
    room.deploy(*line("a"))
    case = room.start()
    room.complete(case, "a")
    assert room.case(case).outcome == "completed"
    end = node("endEvent", "end", zeebe("properties", zeebe("property", name="wf.outcome", value="improvement")))
    room.deploy(START, user("a"), end, flows("start > a", "a > end"))
    case = room.start()
    room.complete(case, "a")
    row = room.case(case)
    assert (row.status, row.outcome, row.closed_at) == ("closed", "improvement", room.clock.now())
    assert [(job.kind, job.state) for job in room.jobs(case)] == [("seal", "waiting")]


# --- ending and holding


def test_the_initiator_withdraws(room: Room) -> None:
    """Open work is left, drafts go, the case is closed with reason and outcome; only the initiator may, and only with a reason."""
    room.deploy(*line("a", "b"), rules=NO_WAY_BACK)
    case = room.start()
    room.write(sa.insert(Draft).values(item_id=room.item(case, "a"), person_id=person("hr"), values=b"x", saved_at=room.clock.now()))
    for by in ("head", "admin", "hr", "subject"):
        with pytest.raises(NotAllowed):
            room.manage(endings.cancel, case, by=by)
    with pytest.raises(FormInvalid):
        room.manage(endings.cancel, case, by="boss", reason=" \n")
    assert room.open(case) == "a"
    room.manage(endings.cancel, case, by="boss", reason="误报", request_id="w")
    row = room.case(case)
    assert (row.status, row.outcome, row.closed_at) == ("closed", "cancelled", room.clock.now())
    assert room.values(sa.select(WorkItem.status)) == ["left"] and room.values(sa.select(SignOff.state)) == ["lapsed"]
    assert room.count(Draft) == 0
    assert room.entries(case)[-1].payload["reason"] == "误报"
    room.manage(endings.cancel, case, by="boss", request_id="w")
    with pytest.raises(CaseNotRunning):
        room.manage(endings.cancel, case, by="boss")
    assert room.case(case).revision == row.revision


def test_there_is_no_way_back_from_a_certain_point(room: Room) -> None:
    """Once an element of the rule was reached the initiator cannot withdraw, but a manager can cancel."""
    room.deploy(*line("a", "b"), rules=NO_WAY_BACK)
    case = room.start()
    room.complete(case, "a")
    with pytest.raises(NotAllowed, match="b"):
        room.manage(endings.cancel, case, by="boss")
    room.manage(endings.terminate, case)
    assert room.case(case).outcome == "terminated"


@pytest.mark.parametrize("act", [endings.terminate, cases.suspend])
def test_managers_of_a_procedure_manage(room: Room, act: Any) -> None:
    """管理员 (managers): neither initiator nor HR nor the subject; not even a manager in a case about themselves."""
    room.deploy(*line("a"), rules=RULES)
    case = room.start()
    for by in ("boss", "hr", "subject", "director"):
        with pytest.raises(NotAllowed):
            room.manage(act, case, by=by)
    about_admin = room.start(by="hr", about="admin")
    with pytest.raises(NotAllowed):
        room.manage(act, about_admin, by="admin")
    with pytest.raises((NotAllowed, FormInvalid)):
        room.manage(act, case, reason="")
    assert {room.case(each).status for each in (case, about_admin)} == {"running"}


def test_a_suspended_case_stands_still(room: Room) -> None:
    """No completion, no timer and no withdrawal until it is resumed; what became due meanwhile is due then. It can be cancelled."""
    late = node("boundaryEvent", "late", timer(duration="PT1H"), attachedToRef="a", cancelActivity="false")
    room.deploy(
        START, user("a"), late, user("reminded"), END, flows("start > a", "a > end", "late > reminded", "reminded > end"), rules=RULES
    )
    case = room.start()
    room.manage(cases.suspend, case, request_id="s")
    room.manage(cases.suspend, case, request_id="s")
    assert room.case(case).status == "suspended"
    with pytest.raises(CaseNotRunning):
        room.complete(case, "a")
    with pytest.raises(CaseNotRunning):
        room.manage(endings.cancel, case, by="boss")
    with pytest.raises(CaseNotRunning):
        room.manage(cases.suspend, case)
    room.clock.move(hours=2)
    assert room.run() == 0 and room.open(case) == "a"
    room.manage(cases.resume, case)
    with pytest.raises(CaseNotRunning):
        room.manage(cases.resume, case)
    assert room.run() == 1 and room.open(case) == "a reminded"
    room.manage(cases.suspend, case)
    room.manage(endings.terminate, case)
    assert (room.case(case).status, room.open(case)) == ("closed", "")
    assert [event for event in room.events(case) if event.startswith("case:")] == [
        "case:started",
        "case:suspended",
        "case:resumed",
        "case:suspended",
        "case:closed",
    ]


def test_a_case_that_is_not_there(room: Room) -> None:
    """An unknown id is answered as such."""
    for act in (endings.cancel, endings.terminate, cases.suspend, cases.resume):
        with pytest.raises(NotFound):
            room.manage(act, "0" * 32)


# --- restarts


def test_every_step_in_a_fresh_process(room: Room) -> None:
    """A case goes on after a restart before every single step, to the same end as without one."""
    room.deploy(*line("a", "b", "c"))
    case = room.start()
    for task in ("a", "b", "c"):
        room = room.restarted()
        room.complete(case, task)
    without = room.start()
    for task in ("a", "b", "c"):
        room.complete(without, task)
    assert room.events(case) == room.events(without)
    assert room.case(case).status == room.case(without).status == "closed"


def test_a_stale_copy_in_memory_is_not_used(room: Room) -> None:
    """What another process did in between counts, not what this one remembers."""
    room.deploy(*line("a", "b", "c"))
    case = room.start()
    other = room.restarted()
    other.complete(case, "a")
    room.complete(case, "b")
    other.complete(case, "c")
    assert room.case(case).status == "closed"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_at_the_commit(room: Room, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it nothing happened; after it everything did, and the repeated request changes nothing."""
    room.deploy(*line("a", "b"))
    case = room.start()
    before = (room.case(case), room.events(case), room.open(case))
    commit = Unit.commit

    def crash(unit: Unit, **_: object) -> None:
        if moment == "after":
            commit(unit)
        raise OSError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(Unit, "commit", crash)
        with pytest.raises(OSError, match="power cut"):
            room.complete(case, "a", request_id="r")
    if moment == "before":
        assert (room.case(case), room.events(case), room.open(case)) == before
        room.complete(case, "a", request_id="r")
    assert room.open(case) == "b"
    item = room.value(sa.select(WorkItem.id).where(WorkItem.element == "a"))
    work.complete(room.services, item, actor=person("hr"), values={}, request_id="r")
    assert room.open(case) == "b" and room.events(case).count("work:item:completed") == 1


def test_a_start_that_crashes_leaves_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a case nor work for it, and the same request can start it afterwards."""
    room.deploy(*line("a"))

    def crash(unit: Unit, **_: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(Unit, "commit", crash)
        with pytest.raises(OSError, match="power cut"):
            room.start(request_id="r")
    assert empty(room)
    assert room.open(room.start(request_id="r")) == "a"


@pytest.mark.parametrize(
    ("rules", "role", "starts", "about_anybody"),
    [
        (Rules(), "worker", True, True),
        (Rules(start=frozenset({"boss"})), "boss", True, False),
        (Rules(start=frozenset({"boss"})), "hr", False, False),
        (Rules(start=frozenset({"boss"}), start_any=frozenset({"hr"})), "hr", True, True),
        (Rules(start_any=frozenset({"hr"})), "hr", True, True),
        (Rules(start_any=frozenset({"hr"})), "boss", False, False),
    ],
)
def test_rules_say_who_starts_about_whom(rules: Rules, role: str, starts: bool, about_anybody: bool) -> None:
    """Whom a rule file lets start a case, and about whom; an empty one lets everybody."""
    assert (rules.starts({role}), rules.starts_about_anybody({role})) == (starts, about_anybody)
