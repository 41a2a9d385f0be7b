"""Versions of a procedure: listed, compared, activated and rolled back, with who did it and why."""

from __future__ import annotations

import dataclasses

import pytest
from diagrams import END, START, flows, node, service, timer, user
from engine_room import Room, files, line, person
from twins import ScriptedOperation

from engine import deploying, endings, incidents, versions
from engine.errors import ActivatedMeanwhile, NotAllowed, NotDeployable, NotFound, Refused, StartSuspended, VersionSuspended
from engine.jobs import Runner
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    room = Room(services)
    for number, tasks in enumerate((("a",), ("a", "b"), ("a", "b", "c")), 1):
        deploying.deploy(room.services, files(*line(*tasks)), procedure="test", by=person("admin"), note=f"第 {number} 版")
    return room


def active(room: Room) -> int:
    return next(row.number for row in versions.versions(room.services, "test") if row.active)


def test_versions_are_listed_with_their_cases_and_what_was_done(room: Room) -> None:
    """The newest first; who deployed it and what for."""
    case = room.start()
    rows = versions.versions(room.services, "test")
    assert [(row.number, row.active, row.running) for row in rows] == [(3, True, 1), (2, False, 0), (1, False, 0)]
    assert [(act.act, act.by, act.note) for act in rows[0].acts] == [("deployed", "吴凡", "第 3 版")]
    for task in "abc":
        room.complete(case, task)
    assert versions.versions(room.services, "test")[0].running == 0


def test_an_older_version_serves_new_cases_and_running_ones_stay(room: Room) -> None:
    """Activation changes where cases start and nothing else."""
    old = room.start()
    assert versions.activate(room.services, "test", 1, by=person("admin"), note="第三步有误")
    new = room.start(about="worker", by="other")
    room.complete(new, "a")
    assert room.case(new).status == "closed"
    room.complete(old, "a")
    assert room.open(old) == "b"
    assert versions.versions(room.services, "test")[2].acts[-1].note == "第三步有误"
    assert not versions.activate(room.services, "test", 1, by=person("admin"), note="again")


def test_a_roll_back_goes_to_what_served_before(room: Room) -> None:
    """And back again: before is what was active before, not the next lower number."""
    versions.activate(room.services, "test", 1, by=None, note="x")
    room.clock.move(minutes=1)
    assert versions.roll_back(room.services, "test", by=None, note="y") == 3 and active(room) == 3
    room.clock.move(minutes=1)
    assert versions.roll_back(room.services, "test", by=None, note="z") == 1 and active(room) == 1


def test_of_two_who_roll_back_the_second_goes_no_further(room: Room) -> None:
    """They saw another version serve than does now."""
    versions.activate(room.services, "test", 1, by=None, note="x")
    with pytest.raises(ActivatedMeanwhile):
        versions.roll_back(room.services, "test", by=None, note="y", seen=3)
    assert active(room) == 1


def test_a_first_version_has_nothing_to_roll_back_to(room: Room) -> None:
    """It says so instead of leaving a procedure without a version."""
    deploying.deploy(room.services, files(*line("a")), procedure="other")
    with pytest.raises(NotFound):
        versions.roll_back(room.services, "other", by=None, note="x")
    with pytest.raises(NotFound):
        versions.versions(room.services, "nothing")


@pytest.mark.parametrize("by", ["hr", "boss"])
def test_only_managers_activate(room: Room, by: str) -> None:
    """And nobody without a reason."""
    with pytest.raises(NotAllowed):
        versions.activate(room.services, "test", 1, by=person(by), note="x")
    with pytest.raises(NotAllowed):
        versions.activate(room.services, "test", 1, by=person("admin"), note=" ")
    assert active(room) == 3


def test_who_manages_the_procedure_now_says_which_version_serves(room: Room) -> None:
    """Not those who managed it when the version was made: with that, whoever was taken off the list would bring back the list."""
    rules = {"rules.json": b'{"managers": ["hr_director"]}'}
    deploying.deploy(room.services, {**files(*line("a")), **rules}, procedure="test", by=person("admin"), note="换负责人")
    with pytest.raises(NotAllowed):
        versions.activate(room.services, "test", 3, by=person("admin"), note="x")
    assert versions.roll_back(room.services, "test", by=person("director"), note="x") == 3 and active(room) == 3


def test_a_version_whose_operation_is_gone_is_not_activated(services: Services) -> None:
    """It is checked again: what it calls may have been removed since."""
    room = Room(services, ScriptedOperation("ehr.usage"))
    room.deploy(START, service("call", operation="ehr.usage"), END, flows("start > call", "call > end"))
    room.deploy(*line("a"))
    without = dataclasses.replace(room.services, operations={})
    with pytest.raises(NotDeployable):
        versions.activate(without, "test", 1, by=None, note="x")
    assert active(room) == 2


def test_two_versions_are_compared_by_number(room: Room) -> None:
    """Against the active one where no second number is given."""
    added = [change.id for change in versions.difference(room.services, "test", 1) if change.how == "added" and change.what == "element"]
    assert added == ["b", "c"]
    assert versions.difference(room.services, "test", 2, 2) == []


def test_the_same_files_again_are_the_same_version(room: Room) -> None:
    """Deploying is idempotent by content, and no act is recorded for nothing."""
    version, new = deploying.deploy(room.services, files(*line("a", "b", "c")), procedure="test", by=person("admin"), note="again")
    assert not new and version.number == 3 and len(versions.versions(room.services, "test")[0].acts) == 1


def test_nothing_of_a_suspended_version_moves(services: Services) -> None:
    """No completion, no call, no timer, no new case; other versions go on, and after the resumption each happens once."""
    system = ScriptedOperation("x.a", answers=[{}])
    room = Room(services, system)
    split, later = node("parallelGateway", "split"), node("intermediateCatchEvent", "later", timer(duration="PT1H"))
    ways = flows("start > split", "split > a", "split > later", "split > call", "a > end", "later > b", "b > end", "call > c", "c > end")
    room.deploy(START, split, user("a"), later, service("call", operation="x.a"), user("b"), user("c"), END, ways)
    case = room.start()
    assert versions.suspend(services, "test", 1, by=person("admin"), note="发现错误") == 1
    versions.suspend(services, "test", None, by=None, note="again")
    room.clock.move(hours=2)
    assert room.run() == 0 and system.calls == []
    with pytest.raises(VersionSuspended):
        room.complete(case, "a")
    with pytest.raises(VersionSuspended):
        room.manage(endings.cancel, case, by="boss")
    with pytest.raises(StartSuspended):
        room.start()
    room.deploy(*line("a"))
    other = room.start()
    room.complete(other, "a")
    assert room.case(other).status == "closed"
    with pytest.raises(NotAllowed):
        versions.resume(services, "test", 1, by=person("hr"), note="x")
    assert versions.resume(services, "test", 1, by=None, note="已更正") == 1
    room.run()
    assert room.open(case) == "a b c" and len(system.calls) == 1
    room.complete(case, "a")
    acts = [(act.act, act.by, act.note) for act in versions.versions(services, "test")[1].acts]
    assert acts[1:] == [("suspended", "吴凡", "发现错误"), ("resumed", None, "已更正")]


def test_what_was_claimed_before_the_suspension(services: Services) -> None:
    """A call under way still brings its answer; a timer does not fire; a failed call is not retried by hand."""
    system = ScriptedOperation("x.a", answers=[Refused(system="x", operation="x.a", reason="no")])
    room = Room(services, system)
    split, later = node("parallelGateway", "split"), node("intermediateCatchEvent", "later", timer(duration="PT1H"))
    ways = flows("start > split", "split > later", "split > call", "later > b", "b > end", "call > c", "c > end")
    room.deploy(START, split, later, service("call", operation="x.a"), user("b"), user("c"), END, ways)
    case = room.start()
    room.clock.move(hours=2)
    runner = Runner(room.services, name="quick", seal=lambda case: None)
    claimed = runner._claim(5)
    versions.suspend(services, "test", 1, by=None, note="x")
    for job in claimed:
        runner._run(job)
    [incident] = room.incidents(case)
    assert len(claimed) == 2 and room.open(case) == "" and room.events(case).count("job:timer:fired") == 0
    with pytest.raises(VersionSuspended):
        room.manage(incidents.retry, incident.id)
    room.manage(endings.terminate, case)
    assert room.case(case).status == "closed"
    runner.close()
