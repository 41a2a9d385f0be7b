"""Running cases go on on another version, each as it stands, with everything that waits for them; or it is said why not."""

from __future__ import annotations

import zipfile
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, boundary, event, event_sub, flows, message, node, service, timer, user, zeebe
from engine_room import Room, line, person
from twins import ScriptedOperation

from engine import bundle, casefile, cases, evidence, inbox, incidents, migration, returns, versions, work
from engine.errors import NotAllowed, NotFound
from engine.ledger import Event
from engine.migration import Candidate
from engine.models import Job, Subscription, WorkItem, new_id
from engine.services import Services


@pytest.fixture
def system() -> ScriptedOperation:
    return ScriptedOperation("x.a", answers=[{"n": 1}])


@pytest.fixture
def room(services: Services, system: ScriptedOperation) -> Room:
    return Room(services, system)


def move(room: Room, to: int | None = None, *, by: str = "admin", **more: Any) -> list[Candidate]:
    given = {"reason": "补上漏掉的环节", "request_id": new_id(), **more}
    return migration.migrate(room.services, "test", to, actor=person(by), **given)


def why(found: list[Candidate]) -> list[tuple[str, str]]:
    return [(each.element, each.reason) for case in found for each in case.hindrances]


def test_an_open_work_item_stays_and_is_called_what_the_new_version_calls_it(room: Room) -> None:
    """The same item with its holder; the inserted step comes next; the ledger says from where to where, by whom and why."""
    room.deploy(*line("a", "b"))
    case = room.start()
    item = room.item(case, "a")
    work.claim(room.services, item, actor=person("hr"), request_id=new_id())
    room.deploy(START, user("a", name="核对"), user("new"), user("b"), END, flows("start > a", "a > new", "new > b", "b > end"))
    [found] = move(room)
    assert found.moved and (found.version, found.hindrances) == (1, [])
    assert room.item(case, "a") == item and room.value(sa.select(WorkItem.name).where(WorkItem.id == item)) == "核对"
    entry = next(entry for entry in room.entries(case) if entry.event == Event.CASE_MIGRATED)
    assert entry.actor == person("admin")
    assert [entry.payload[key] for key in ("from", "version", "reason")] == [1, 2, "补上漏掉的环节"]
    room.complete(case, "a")
    assert room.open(case) == "new"
    room.complete(case, "new")
    room.complete(case, "b")
    assert room.case(case).status == "closed" and versions.versions(room.services, "test")[0].running == 0


def test_a_case_that_moves_while_its_page_is_read_is_read_on_its_new_version(room: Room) -> None:
    """Its state and the version that the state belongs to are looked at together."""
    room.deploy(*line("a", "b"))
    case = room.start()
    as_read = room.case(case)
    room.deploy(*line("a", "new", "b"))
    assert move(room)[0].moved
    room.complete(case, "a")
    with room.services.database.reading() as connection:
        execution = casefile.restored(room.services, connection, as_read)
    assert [element.id for _, element in execution.waiting()] == ["new"]


def test_a_step_inserted_after_a_waiting_job_is_not_skipped_and_the_job_not_run_again(room: Room, system: ScriptedOperation) -> None:
    """One call with one key, whether it is made before or after the move."""
    room.deploy(START, service("call", operation="x.a"), user("b"), END, flows("start > call", "call > b", "b > end"))
    case = room.start()
    [job] = room.jobs(case)
    room.deploy(
        START, service("call", operation="x.a"), user("new"), user("b"), END, flows("start > call", "call > new", "new > b", "b > end")
    )
    assert move(room)[0].moved
    room.run()
    assert [other.id for other in room.jobs(case)] == [job.id] and [call.key for call in system.calls] == [f"{case}:call#1"]
    assert room.open(case) == "new" and room.variables(case)["n"] == 1


def test_a_boundary_event_and_an_event_sub_process_are_no_structural_change(room: Room) -> None:
    """New timers get a job, those that are gone lose theirs, and the same work goes on."""
    room.deploy(START, user("a"), boundary("old", "a", timer(duration="PT5H")), user("x"), END, flows("start > a", "a > end", "old > x"))
    case = room.start()
    item = room.item(case, "a")
    late = boundary("late", "a", timer(duration="PT1H"), interrupting=False)
    sub = event_sub("meanwhile", timer(duration="PT2H"), user("y"), flows("meanwhile_start > y"), interrupting=False)
    room.deploy(START, user("a"), late, sub, user("x"), END, flows("start > a", "a > end", "late > x"))
    assert move(room)[0].moved
    assert {job.element: job.state for job in room.jobs(case)} == {"old": "dropped", "late": "waiting", "meanwhile_start": "waiting"}
    room.clock.move(hours=2)
    room.run()
    assert room.open(case) == "a x y" and room.item(case, "a") == item


def test_migrate_dry_run_names_every_case_that_cannot_move(room: Room) -> None:
    """版本迁移 (migrate): by element; nothing is changed, and the run itself moves the others."""
    room.deploy(*line("a", "b"))
    first, second = room.start(), room.start(about="worker", by="other")
    room.complete(second, "a")
    room.deploy(*line("a", "c"))
    before = [room.case(case).revision for case in (first, second)]
    found = migration.candidates(room.services, "test", 2, actor=person("admin"))
    assert [case.number for case in found] == [room.case(case).number for case in (first, second)]
    assert why(found) == [("b", "there is no such element there")] and not any(case.moved for case in found)
    assert [room.case(case).revision for case in (first, second)] == before
    assert [case.moved for case in move(room, 2)] == [True, False]
    assert move(room, 2, mapping={"b": "c"}, numbers=[room.case(second).number])[0].moved
    assert room.open(second) == "c" and room.case(second).version_id == room.case(first).version_id
    room.complete(second, "c")
    assert room.case(second).status == "closed"


def test_a_case_is_moved_as_it_stands_at_that_moment(room: Room) -> None:
    """What a dry run said a minute ago is looked at again."""
    room.deploy(*line("a", "b"))
    case = room.start()
    room.deploy(*line("a", "c"))
    assert why(migration.candidates(room.services, "test", 2, actor=None)) == []
    room.complete(case, "a")
    assert why(move(room)) == [("b", "there is no such element there")]
    assert room.open(case) == "b"


def test_everything_that_waits_is_called_by_its_new_name(services: Services) -> None:
    """A renamed call, timer and message: the rows follow, and each goes on where it was."""
    system = ScriptedOperation("x.a", answers=[{}])
    room = Room(services, system)
    named = message("M", "回执")

    def body(call: str, wait: str, paper: str) -> tuple[str, ...]:
        ways = [f"start > {node}" for node in (call, wait, paper)] + [f"{node} > end" for node in (call, wait, paper)]
        catch = node("intermediateCatchEvent", paper, event("message", messageRef="M"))
        return START, service(call, operation="x.a"), node("intermediateCatchEvent", wait, timer(duration="PT1H")), catch, END, flows(*ways)

    room.deploy(*body("c", "w", "p"), named=named)
    case = room.start()
    room.deploy(*body("c2", "w2", "p2"), named=named)
    assert move(room, mapping={"c": "c2", "w": "w2", "p": "p2"})[0].moved
    assert {(job.element, job.instance) for job in room.jobs(case)} == {("c2", "c#1"), ("w2", "w#1")}
    assert room.values(sa.select(Subscription.element).where(Subscription.case_id == case)) == ["p2"]
    room.clock.move(hours=1)
    assert room.run() == 2 and [call.key for call in system.calls] == [f"{case}:c#1"]


def test_the_way_back_as_long_as_nothing_happened(room: Room) -> None:
    """With the timer at the time that it had; afterwards not, and it is said."""
    old = (START, user("a"), boundary("t", "a", timer(duration="PT5H")), user("x"), END, flows("start > a", "a > end", "t > x"))
    room.deploy(*old)
    case = room.start()
    due = room.jobs(case)[0].due_at
    room.deploy(*line("a", "b"))
    room.clock.move(hours=1)
    assert not migration.any_moved(room.services, "test")
    move(room)
    assert migration.any_moved(room.services, "test") and not migration.any_moved(room.services, "other")
    room.clock.move(hours=1)
    back = {"actor": person("admin"), "reason": "理由"}
    assert [each.moved for each in migration.undo(room.services, "test", request_id=new_id(), **back)] == [True]
    running = [job for job in room.jobs(case) if job.state == "waiting"]
    assert [(job.element, job.due_at) for job in running] == [("t", due)]
    assert why(migration.undo(room.services, "test", request_id=new_id(), **back)) == [("", "it came from no other version")]
    move(room)
    room.complete(case, "a")
    found = migration.undo(room.services, "test", request_id=new_id(), **back)
    assert why(found) == [("", "something has happened in it since it came from the other version")] and room.open(case) == "b"


def test_what_begun_work_means_must_be_the_same_there(services: Services) -> None:
    """Another operation, an approval instead of a form, the employee instead of HR: named, not moved."""
    room = Room(services, ScriptedOperation("x.a"), ScriptedOperation("x.b"))
    step = {"name": "一", "name_en": "1", "mode": "claim", "approvers": [{"rule": "role", "roles": ["hr"]}]}
    chains = {"c": {"name": "审批", "name_en": "Consent", "steps": [step]}}
    ways = flows("start > s", "start > u", "start > v")
    chained = node("userTask", "u", zeebe("properties", zeebe("property", name="wf.chain", value="c")))
    own = node("userTask", "v", zeebe("properties", zeebe("property", name="wf.for", value="subject")))
    room.deploy(START, service("s", operation="x.a"), user("u"), user("v"), ways, chains=chains)
    room.start()
    room.deploy(START, service("s", operation="x.b"), chained, own, ways, chains=chains)
    assert sorted(why(move(room))) == [
        ("s", "it calls another operation there"),
        ("u", "it is approved in one version and filled in in the other"),
        ("v", "it is the employee's own in one version and not in the other"),
    ]


def test_no_case_is_moved_past_a_step_that_the_new_rules_demand(room: Room) -> None:
    """Where it was not done yet the case waits on its old version; where it was, or still comes, it moves."""
    room.deploy(*line("a", "check", "letter"))
    past, before, done = (room.start() for _ in range(3))
    room.deploy(*line("a", "letter"))
    skipped = room.start()
    for case in (past, done):
        room.complete(case, "a")
        room.complete(case, "check")
    room.complete(skipped, "a")
    room.deploy(*line("a", "check", "letter"), rules={"before": {"letter": ["check"]}})
    found = move(room)
    assert [case.moved for case in found] == [True, True, True, False]
    assert why(found) == [("", "a step of the other version would be left out: check → letter")]
    assert room.open(before) == "a"


def test_suspended_cases_move_too_and_stay_suspended(room: Room) -> None:
    """So that a bad version can be left behind before anything goes on."""
    room.deploy(*line("a"))
    case = room.start()
    room.manage(cases.suspend, case)
    room.deploy(*line("a", "b"))
    versions.suspend(room.services, "test", 1, by=None, note="x")
    assert move(room)[0].moved and room.case(case).status == "suspended"
    room.manage(cases.resume, case)
    room.complete(case, "a")
    assert room.open(case) == "b"


def test_what_was_done_where_the_new_version_has_nothing_is_still_told(room: Room) -> None:
    """The case page, the finished work item and the way back name steps of the version that the case came from."""
    room.deploy(
        START,
        service("call", operation="x.a", name="调取"),
        user("a", name="核对"),
        user("b"),
        END,
        flows("start > call", "call > a", "a > b", "b > end"),
    )
    case = room.start()
    room.run()
    item = room.item(case, "a")
    room.complete(case, "a")
    room.deploy(*line("z", "c"))
    assert move(room, mapping={"b": "c"})[0].moved
    page = casefile.case_page(room.services, case, reader=person("admin"))
    assert [call.name for call in page.calls] == ["调取"] and "核对" in [event.name for event in page.timeline]
    assert inbox.item_page(room.services, item, reader=person("admin")).name == "核对"
    actor = person("admin")
    assert [step.element for step in returns.steps(room.services, case, actor=actor)] == ["c"]
    room.complete(case, "c")
    found = returns.prospect(room.services, case, "c", actor=actor)
    assert found.effects == []
    returns.reopen(room.services, case, "c", actor=actor, reason="补正", request_id=new_id())
    assert room.open(case) == "c"


def test_the_sealed_file_holds_the_versions_that_the_case_came_from(room: Room) -> None:
    """Diagram, tables and forms of each, under its number."""
    room.deploy(*line("a", "b"))
    case = room.start()
    room.deploy(*line("a"))
    move(room)
    room.complete(case, "a")
    sealed = evidence.seal(room.services, case, report=lambda facts, diagram: b"%PDF-1.7")
    with zipfile.ZipFile(room.services.settings.home / sealed.path) as archive:
        assert {"originals/procedure/test.bpmn", "originals/former-procedure/1/test.bpmn"} <= set(archive.namelist())
    assert bundle.verify(room.services.settings.home / sealed.path).ok


def test_an_incident_goes_along_and_is_repaired_there(room: Room) -> None:
    """The expression that failed is a right one in the new version."""

    def body(expression: str) -> tuple[str, ...]:
        script = node("scriptTask", "s", zeebe("script", expression=expression, resultVariable="m"))
        return START, script, user("b"), END, flows("start > s", "s > b", "b > end")

    room.deploy(*body("=subject.name + 1"))
    case = room.start()
    [incident] = room.incidents(case)
    room.deploy(*body("=1 + 1"))
    assert move(room)[0].moved and len(room.incidents(case)) == 1
    room.manage(incidents.retry, incident.id)
    assert room.variables(case)["m"] == 2 and room.incidents(case) == []


def test_who_may_move_cases(room: Room) -> None:
    """Managers, with a reason, and nobody their own case; the same request again moves nothing twice."""
    room.deploy(*line("a"))
    case = room.start()
    room.deploy(*line("a", "b"))
    with pytest.raises(NotAllowed):
        move(room, by="hr")
    with pytest.raises(NotAllowed):
        move(room, reason=" ")
    with pytest.raises(NotFound):
        move(room, 7)
    with pytest.raises(NotFound):
        move(room, numbers=["20260101-AAAAA"])
    with pytest.raises(NotFound):
        move(room, mapping={"a": "nothing"})
    assert [case.moved for case in move(room, request_id="one")] == [True]
    assert move(room, request_id="one") == [] and room.events(case).count(Event.CASE_MIGRATED) == 1


def test_migrate_many_cases_in_portions(room: Room) -> None:
    """版本迁移 (migrate): as many as are asked for, with word of the progress; the rest the next time."""
    room.deploy(*line("a"))
    for _ in range(5):
        room.start()
    room.deploy(*line("a", "b"))
    told: list[tuple[int, int]] = []
    assert len(move(room, limit=3, progress=lambda done, all: told.append((done, all)))) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert len(move(room)) == 2 and room.value(sa.select(sa.func.count()).select_from(Job)) == 0
