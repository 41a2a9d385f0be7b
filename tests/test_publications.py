"""Publishing plays scenarios outside of the request: once for what decides them, whoever dies in the middle, and one after the other."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import Room, person, together
from scenario_files import HEAD, chosen
from twins import Loudspeaker, ScriptedOperation

from engine import deploying, versions
from engine.chains import shipped
from engine.chains import versions as chain_versions
from engine.errors import NotAllowed, PublicationOver, PublicationWaits, ScenariosFailed
from engine.jobs import Runner
from engine.models import Job, Person, ProcedureEvent, ProcedurePublication, ProcedureVersion, ScenarioPass
from engine.procedures import gather
from engine.services import Services
from engine.studio import changing, drafts, events, exchange, gate, publications, publishing, scheduling
from engine.studio.publications import Publication
from engine.studio.scenarios import running, verdicts
from webapp.demo import sandboxes

GOOD, OTHER, LETTER = "scenarios/good.yaml", "scenarios/other.yaml", "letters/x.txt"
PASSES = f"{HEAD}then: {{open: [查看]}}".encode()
FAILS = f"{HEAD.replace('试一试', '走错')}then: {{open: []}}".encode()
FILES: Mapping[str, bytes] = {**chosen(), GOOD: PASSES, OTHER: PASSES, LETTER: b"one"}


@pytest.fixture
def room(services: Services) -> Room:
    """A procedure with two scenarios of which nobody knows whether they pass."""
    with_worlds = dataclasses.replace(services, sandboxes=sandboxes.of_installation)
    made = Room(with_worlds, ScriptedOperation("mail.send", "payroll.stop_housing_fund"))
    deploying.deploy(made.services, FILES, procedure="test")
    return made


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of the scenarios that were played, in order."""
    found: list[str] = []
    run = running.run

    def seen(boxes: Any, files: Any, scenario: Any, **more: Any) -> Any:
        found.append(scenario.path)
        return run(boxes, files, scenario, **more)

    monkeypatch.setattr(running, "run", seen)
    return found


def save(room: Room, path: str, content: bytes, *, by: str = "director") -> int:
    seen = {file.path: file.revision for file in drafts.read(room.services, "test", actor=None).files}
    return changing.save(room.services, "test", path, content, revision=seen.get(path), actor=person(by))


def publish(room: Room, revision: int, *, by: str = "director", note: str = "调整", **more: Any) -> Any:
    return publications.publish(room.services, "test", revision=revision, actor=person(by), note=note, **more)


def state(room: Room, publication: Publication) -> Publication:
    return publications.read(room.services, "test", publication.id, actor=person("admin"))


def active(room: Room) -> int:
    return versions.numbered(room.services, "test", None).number


def acts(room: Room) -> list[str]:
    return room.values(sa.select(ProcedureEvent.act).order_by(ProcedureEvent.at, ProcedureEvent.id))


# --- what is known


def test_what_passed_is_not_played_again(room: Room, played: list[str]) -> None:
    """Whichever process publishes it: what is known lies in the database."""
    revision = save(room, LETTER, b"two")
    files = drafts.contents(room.services, "test", actor=None)
    progress: list[tuple[int, int]] = []
    verdicts.play(room.services, files, procedure="test", told=lambda done, of: progress.append((done, of)))
    assert played == [GOOD, OTHER] and progress == [(0, 2), (1, 2), (2, 2)]
    again = room.restarted()
    assert publish(again, revision) == publishing.Published(number=2, at=None)
    assert played == [GOOD, OTHER] and active(room) == 2


def test_only_what_a_change_concerns_is_played_again(room: Room) -> None:
    """A scenario alone, or all of them where a file, an operation, a chain, a setting or the program is another one."""
    verdicts.play(room.services, FILES, procedure="test")

    def left(files: Mapping[str, bytes] = FILES, procedure: str = "test", **more: Any) -> list[str]:
        return verdicts.unplayed(dataclasses.replace(room.services, **more), files, procedure=procedure)

    assert left() == []
    assert left({**FILES, OTHER: PASSES + b"\n"}) == [OTHER]
    assert left({path: content for path, content in FILES.items() if path != OTHER}) == []
    every = [GOOD, OTHER]
    assert left({**FILES, LETTER: b"two"}) == left({**FILES, "scenarios/usual.yaml": b"usual: {}"}) == left(procedure="other") == every
    assert left(operations={**room.services.operations, "x.new": ScriptedOperation("x.new")}) == every
    assert left(settings=dataclasses.replace(room.services.settings, urge_hours=1.0)) == every
    assert left(settings=dataclasses.replace(room.services.settings, port=1234, database="x", metrics_token="y")) == []

    def other_program(services: Services) -> Any:
        worlds = sandboxes.of_installation(services)
        worlds._around = dataclasses.replace(worlds.around, program="another")
        return worlds

    assert left(sandboxes=other_program) == every
    key, chain = next(iter(shipped.chains(gather(Path(__file__).parent.parent / "processes/termination")).items()))
    with room.services.database.unit() as unit:
        chain_versions.publish(unit.connection, key=key, **chain, by=None, now=room.clock.now())
        unit.commit()
    assert left() == every


def test_what_fails_is_not_kept(room: Room, played: list[str]) -> None:
    """It may have failed for a reason that is gone; what is wrong with what people usually do is always told."""
    files = {**FILES, OTHER: FAILS}
    assert list(gate.failing(room.services, files, procedure="test")) == ["走错"]
    assert verdicts.unplayed(room.services, files, procedure="test") == [OTHER]
    assert list(gate.failing(room.services, files, procedure="test")) == ["走错"] and played == [GOOD, OTHER, OTHER]
    broken = {**FILES, "scenarios/usual.yaml": b"usual: ["}
    assert "scenarios/usual.yaml" in verdicts.unplayed(room.services, broken, procedure="test")
    assert "scenarios/usual.yaml" in gate.failing(room.services, broken, procedure="test")


def test_what_was_played_long_ago_is_forgotten(room: Room) -> None:
    """Then it is played once more."""
    verdicts.play(room.services, FILES, procedure="test")
    verdicts.forget(room.services, room.clock.now())
    assert verdicts.unplayed(room.services, FILES, procedure="test") == []
    verdicts.forget(room.services, room.clock.now() + dt.timedelta(seconds=1))
    assert room.count(ScenarioPass) == 0


# --- a publication that waits


def test_who_publishes_waits_for_nothing(room: Room, played: list[str]) -> None:
    """The scenarios are played by a job, which then publishes as the person said; once for all."""
    revision = save(room, LETTER, b"two")
    waiting = publish(room, revision)
    assert isinstance(waiting, Publication) and (waiting.state, waiting.played, waiting.of) == ("waiting", 0, 2)
    assert played == [] and active(room) == 1
    assert publish(room, revision) == waiting
    room.run()
    done = state(room, waiting)
    assert (done.state, done.number, done.played, done.asked_by) == ("published", 2, 2, "孙志远") and played == [GOOD, OTHER]
    assert active(room) == 2
    [act] = versions.versions(room.services, "test")[0].acts
    assert (act.act, act.by, act.note) == ("deployed", "孙志远", "调整")
    with room.services.database.reading() as connection:
        assert publications.last(connection, "test") is None
    room.run()
    assert room.count(ProcedureVersion) == 2


def test_a_set_time_is_kept(room: Room) -> None:
    """The version has its number when its scenarios have passed, and becomes active in time without playing them again."""
    at = room.clock.now() + dt.timedelta(days=1)
    waiting = publish(room, save(room, LETTER, b"two"), at=at)
    room.run()
    assert (state(room, waiting).state, state(room, waiting).at, active(room)) == ("published", at, 1)
    with room.services.database.reading() as connection:
        coming = scheduling.waiting(connection, "test")
        assert coming is not None and coming.number == 2
    room.clock.move(days=2)
    room.run()
    assert active(room) == 2


def test_a_time_that_passes_while_scenarios_are_played_is_now(room: Room) -> None:
    """Nobody has to publish once more because of it."""
    waiting = publish(room, save(room, LETTER, b"two"), at=room.clock.now() + dt.timedelta(minutes=1))
    room.clock.move(minutes=2)
    room.run()
    assert (state(room, waiting).state, state(room, waiting).at, active(room)) == ("published", None, 2)


def test_a_scenario_that_fails_refuses_and_is_named(room: Room, played: list[str]) -> None:
    """The draft stays as it is; an administrator may publish all the same, for which nothing is lost that passed already."""
    save(room, LETTER, b"two")
    revision = save(room, OTHER, FAILS)
    waiting = publish(room, revision)
    room.run()
    refused = state(room, waiting)
    assert (refused.state, refused.code, list(refused.failing), active(room)) == ("refused", "scenarios_failed", ["走错"], 1)
    assert "走错" in refused.reasons[0]["facts"]["names"]
    assert acts(room)[-1] == "not published" and drafts.read(room.services, "test", actor=None).revision == revision
    with room.services.database.reading() as connection:
        latest = publications.last(connection, "test")
    assert latest == refused
    with pytest.raises(NotAllowed):
        publish(room, revision, override="已知")
    again = publish(room, revision, by="admin", override="已知")
    assert again.id != waiting.id and again.played == 1
    room.run()
    assert state(room, again).number == active(room) == 2 and "overrode" in acts(room) and played == [GOOD, OTHER, OTHER]


def test_what_somebody_changed_meanwhile_is_not_published_unseen(room: Room) -> None:
    """Nor is it published by who may no longer: it is kept why."""
    waiting = publish(room, save(room, LETTER, b"two"))
    newer = save(room, LETTER, b"three", by="admin")
    with pytest.raises(PublicationWaits):
        publish(room, newer)
    room.run()
    assert (state(room, waiting).state, state(room, waiting).code, active(room)) == ("refused", "draft_moved_on", 1)
    again = publish(room, newer)
    room.run()
    assert state(room, again).number == 2


def test_two_publish_at_once(room: Room, played: list[str]) -> None:
    """Two clicks of one person lead to the same publication, and each scenario is played once."""
    revision = save(room, LETTER, b"two")
    first, second = together(lambda: publish(room, revision), lambda: publish(room, revision))
    assert isinstance(first, Publication) and first == second
    room.run()
    assert active(room) == room.count(ProcedureVersion) == 2 and played == [GOOD, OTHER]


@pytest.mark.parametrize("other", ["by", "at", "note", "replacing", "override"])
def test_who_asks_for_something_else_is_not_answered_with_what_waits(room: Room, other: str) -> None:
    """Such as another time: it is told who publishes and since when, and what waits stays as it was asked for."""
    revision = save(room, LETTER, b"two")
    begun = publish(room, revision, by="admin")
    at = room.clock.now() + dt.timedelta(days=1)
    given: dict[str, Any] = {"by": "director", "at": at, "note": "另一说明", "replacing": 1, "override": "已知"}
    with pytest.raises(PublicationWaits) as told:
        publish(room, revision, **{"by": "admin", other: given[other]})
    assert told.value.facts == {"who": begun.asked_by, "when": begun.asked_at.isoformat(timespec="minutes")}
    room.run()
    assert (state(room, begun).state, state(room, begun).at, active(room)) == ("published", None, 2)


# --- a folder that somebody deploys


def deploy(room: Room, files: Mapping[str, bytes], **more: Any) -> Any:
    base = {path: [digest] for path, digest in exchange.digests(FILES).items()}
    return publications.deploy(room.services, "test", files, **{"base": base, "actor": person("director"), "note": "更新", **more})


def test_a_folder_is_kept_until_its_scenarios_passed(room: Room, played: list[str]) -> None:
    """Whoever deploys it waits for nothing; the draft is left alone, and the files lie with the job no longer than that."""
    save(room, LETTER, b"draft")
    files = {**FILES, LETTER: b"two"}
    waiting = deploy(room, files)
    assert isinstance(waiting, Publication) and (waiting.state, waiting.of, waiting.number, played) == ("waiting", 2, None, [])
    assert deploy(room, files) == waiting
    for other in (
        {"note": "x"},
        {"actor": person("admin")},
        {"files": {**files, LETTER: b"three"}},
        {"base": {}, "files": FILES | {"a.txt": b""}},
    ):
        with pytest.raises(PublicationWaits):
            deploy(room, **{"files": files, **other})
    room.run()
    assert (state(room, waiting).state, state(room, waiting).number, active(room)) == ("published", 2, 2) and played == [GOOD, OTHER]
    assert versions.numbered(room.services, "test", None).files[LETTER] == b"two"
    assert room.rows(sa.select(Job.state, Job.request).where(Job.kind == "publish")) == [("done", None)]
    [act] = versions.versions(room.services, "test")[0].acts
    assert (act.by, act.note) == ("孙志远", "更新")
    assert deploy(room, files).new is False and drafts.contents(room.services, "test", actor=None)[LETTER] == b"draft"


def test_a_folder_that_is_refused_while_it_waits_is_told_why(room: Room) -> None:
    """Where a scenario fails, and where others changed a file meanwhile; what was played already is deployed at once."""
    waiting = deploy(room, {**FILES, OTHER: FAILS})
    room.run()
    assert (state(room, waiting).code, list(state(room, waiting).failing), active(room)) == ("scenarios_failed", ["走错"], 1)
    files = {**FILES, LETTER: b"two"}
    waiting = deploy(room, files)
    deploying.deploy(room.services, {**FILES, LETTER: b"inside"}, procedure="test")
    room.run()
    assert (state(room, waiting).state, state(room, waiting).code, active(room)) == ("refused", "changed_inside", 2)
    deploying.deploy(room.services, FILES, procedure="test")
    verdicts.play(room.services, files, procedure="test")
    assert deploy(room, files).new is True


def test_a_folder_of_a_new_procedure_is_followed_by_who_began_it(room: Room) -> None:
    """There is nothing of it yet but what waits; nobody else learns of it."""
    files = {path: content for path, content in FILES.items() if path != OTHER}
    given: Any = {"base": {}, "note": "新流程"}
    waiting = publications.deploy(room.services, "fresh", files, actor=person("admin"), **given)
    assert isinstance(waiting, Publication)
    assert publications.read(room.services, "fresh", waiting.id, actor=person("admin")).state == "waiting"
    with pytest.raises(NotAllowed):
        publications.read(room.services, "fresh", waiting.id, actor=person("worker"))
    room.run()
    assert publications.read(room.services, "fresh", waiting.id, actor=person("admin")).number == 1


# --- a publication that is withdrawn


def test_what_waits_is_withdrawn(room: Room, played: list[str]) -> None:
    """Nothing is played or published, it is kept who withdrew it, and the draft can be published anew in another way."""
    revision = save(room, LETTER, b"two")
    waiting = publish(room, revision)
    with pytest.raises(NotAllowed):
        publications.withdraw(room.services, "test", waiting.id, actor=person("worker"))
    publications.withdraw(room.services, "test", waiting.id, actor=person("admin"))
    room.run()
    assert (state(room, waiting).state, played, active(room)) == ("withdrawn", [], 1)
    with room.services.database.reading() as connection:
        act = events.last(connection, "test")
        assert act is not None and (act.act, act.by, act.facts) == ("withdrawn", person("admin"), {"revision": revision})
        assert publications.last(connection, "test") is None
    with pytest.raises(PublicationOver):
        publications.withdraw(room.services, "test", waiting.id, actor=person("admin"))
    again = publish(room, revision, at=room.clock.now() + dt.timedelta(days=1))
    room.run()
    assert again.id != waiting.id and state(room, again).state == "published"
    with pytest.raises(PublicationOver):
        publications.withdraw(room.services, "test", again.id, actor=person("admin"))


@pytest.mark.parametrize("when", ["playing", "publishing"])
def test_what_is_withdrawn_while_it_is_carried_out_is_not_published(
    room: Room, played: list[str], monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """However late it is: its scenarios are played no further, or the version that was being made is not."""
    waiting = publish(room, save(room, LETTER, b"two"))
    late: tuple[Any, str] = (running, "run") if when == "playing" else (publishing, "considered")
    do = getattr(*late)

    def withdrawn(*given: Any, **more: Any) -> Any:
        if (when == "publishing") or state(room, waiting).state == "waiting":
            with contextlib.suppress(PublicationOver):
                publications.withdraw(room.services, "test", waiting.id, actor=person("admin"))
        return do(*given, **more)

    monkeypatch.setattr(*late, withdrawn)
    room.run()
    assert (state(room, waiting).state, active(room), room.count(ProcedureVersion)) == ("withdrawn", 1, 1)
    assert len(played) < 2 and room.value(sa.select(Job.state).where(Job.kind == "publish")) == "done"


def test_a_version_that_never_served_is_activated_when_its_scenarios_passed(room: Room, played: list[str]) -> None:
    """In a job, too; one that is active already stays so, and one that served needs none."""
    with room.services.database.unit() as unit:
        given = {"procedure": "test", "by": None, "note": "", "now": room.clock.now(), "act": "unscheduled"}
        deploying.store(unit.connection, {**FILES, LETTER: b"two"}, **given)
        unit.commit()
    waiting = publications.activate(room.services, "test", 2, actor=person("director"), note="启用")
    assert isinstance(waiting, Publication) and (waiting.number, waiting.revision) == (2, None)
    room.run()
    assert (state(room, waiting).state, active(room)) == ("published", 2) and played == [GOOD, OTHER]
    assert publications.activate(room.services, "test", 2, actor=person("director"), note="启用") is False
    assert publications.activate(room.services, "test", 1, actor=person("director"), note="回退") is True


@pytest.mark.parametrize("end", ["published", "refused", "withdrawn", "withdrawn by oneself", "at once"])
def test_who_published_is_told_what_became_of_it(room: Room, end: str) -> None:
    """Nobody has to stay on the page; nobody is told of what they saw happen."""
    speaker = Loudspeaker("mail")
    room.services = dataclasses.replace(room.services, notifiers={"mail": speaker})
    room.write(sa.update(Person).where(Person.id == person("director")).values(email="director@example.org"))
    revision = save(room, LETTER, b"two")
    if end == "refused":
        revision = save(room, OTHER, FAILS)
    if end == "at once":
        verdicts.play(room.services, drafts.contents(room.services, "test", actor=None), procedure="test")
    waiting = publish(room, revision)
    if end.startswith("withdrawn"):
        who = person("admin") if end == "withdrawn" else person("director")
        publications.withdraw(room.services, "test", waiting.id, actor=who)
    for _ in range(2):
        room.run()
    kinds = {"published": ["published"], "refused": ["not_published"], "withdrawn": ["not_published"]}
    assert [told.kind for told in speaker.told] == kinds.get(end, [])
    assert all(told.address == "director@example.org" and told.link.endswith("/procedures") for told in speaker.told)


# --- whoever dies


class Killed(BaseException):
    """The process is no more."""


def test_a_process_that_dies_between_playing_and_publishing_costs_nothing(
    room: Room, played: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one takes the job when its lease is over, plays nothing again and makes one version."""
    waiting = publish(room, save(room, LETTER, b"two"))

    def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_stored", dies)
        patch.setattr(Runner, "close", lambda self: None)  # nor does anybody tidy up
        room.run()
    assert (state(room, waiting).state, state(room, waiting).played, active(room)) == ("waiting", 2, 1)
    assert room.value(sa.select(Job.state).where(Job.kind == "publish")) == "leased"
    room.clock.move(minutes=5)
    room.run()
    assert (state(room, waiting).number, active(room), room.count(ProcedureVersion)) == (2, 2, 2) and played == [GOOD, OTHER]


def test_a_process_that_dies_while_playing_goes_on_where_it_was(room: Room, played: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What passed by then is known."""
    waiting = publish(room, save(room, LETTER, b"two"))
    run = running.run

    def dies(boxes: Any, files: Any, scenario: Any, **more: Any) -> Any:
        if scenario.path == OTHER:
            raise Killed
        return run(boxes, files, scenario, **more)

    with monkeypatch.context() as patch:
        patch.setattr(running, "run", dies)
        room.run()
    assert (state(room, waiting).state, state(room, waiting).played) == ("waiting", 1)
    room.clock.move(minutes=5)
    room.run()
    assert state(room, waiting).number == 2 and played == [GOOD, OTHER]


@pytest.mark.parametrize("when", ["between", "within", "queueing"])
def test_who_is_stopped_while_playing_frees_the_job_at_once(
    room: Room, played: list[str], monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Between two scenarios, within one, and while somebody else's is played; no attempt is used up, and another worker goes on."""
    waiting = publish(room, save(room, LETTER, b"two"))
    runner = Runner(room.services, name="test", seal=lambda case: None)
    play = running.play

    def hurried(sandbox: Any, scenario: Any) -> Any:
        if when == "within":
            runner.hurry()
        outcome = play(sandbox, scenario)
        runner.hurry()
        return outcome

    with monkeypatch.context() as patch, verdicts._TURN if when == "queueing" else contextlib.nullcontext():
        patch.setattr(running, "play", hurried)
        [job] = runner.begin_due(10)
        if when == "queueing":
            runner.hurry()
        job.result(20)
    runner.close()
    assert room.rows(sa.select(Job.state, Job.attempts, Job.lease).where(Job.kind == "publish")) == [("waiting", 0, None)]
    assert state(room, waiting).state == "waiting" and runner.begin_due(10) == []
    room.run()
    assert state(room, waiting).number == active(room) == 2
    assert played == {"between": [GOOD, OTHER], "within": [GOOD, GOOD, OTHER], "queueing": [GOOD, OTHER]}[when]


def test_what_cannot_even_be_tried_is_told_in_the_end(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its attempts; nobody waits forever."""
    waiting = publish(room, save(room, LETTER, b"two"))

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(running, "run", fails)
    for _ in range(7):
        room.run()
        room.clock.move(minutes=5)
    assert (state(room, waiting).state, state(room, waiting).code) == ("refused", "needs_person")


def test_a_lost_lease_publishes_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker has the job by then, and does it."""
    waiting = publish(room, save(room, LETTER, b"two"))
    made = publishing._stored

    def slow(*given: Any, **more: Any) -> Any:
        given[1].execute(sa.update(Job).where(Job.kind == "publish").values(lease="f" * 32))
        return made(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_stored", slow)
        room.run()
    assert (active(room), state(room, waiting).state, room.count(ProcedureVersion)) == (1, "waiting", 1)


def test_one_publication_at_a_time_is_played_in_a_process(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one waits without a thread, so that the jobs of cases go on; no attempt of it is used up."""
    deploying.deploy(room.services, FILES, procedure="second")
    waiting = publish(room, save(room, LETTER, b"two"))
    changing.save(room.services, "second", LETTER, b"two", revision=0, actor=person("director"))
    other = publications.publish(room.services, "second", revision=1, actor=person("director"), note="x")
    assert isinstance(other, Publication)
    begun, go_on = threading.Event(), threading.Event()
    run = running.run

    def slow(*given: Any, **more: Any) -> Any:
        begun.set()
        assert go_on.wait(20)
        return run(*given, **more)

    monkeypatch.setattr(running, "run", slow)
    runner = Runner(room.services, name="test", seal=lambda case: None)
    jobs = runner.begin_due(10)
    assert len(jobs) == 2 and begun.wait(20)
    [second] = [job for job in jobs if not job.running()] or [next(job for job in jobs if job.exception(20) is None)]
    second.result(20)
    assert room.values(sa.select(Job.attempts).where(Job.state == "waiting")) == [0]
    go_on.set()
    for job in jobs:
        job.result(20)
    runner.close()
    room.clock.move(seconds=2)
    room.run()
    ended = room.values(sa.select(ProcedurePublication.state).where(ProcedurePublication.id.in_([waiting.id, other.id])))
    assert ended == ["published", "published"]


def test_the_command_line_plays_at_once(room: Room, played: list[str]) -> None:
    """And hears how far it is; what fails is raised."""
    revision = save(room, OTHER, FAILS)
    progress: list[tuple[int, int]] = []
    given: Any = {"actor": None, "note": "调整", "told": lambda done, of: progress.append((done, of))}
    with pytest.raises(ScenariosFailed):
        publishing.publish(room.services, "test", revision=revision, **given)
    assert played == [GOOD, OTHER] and progress == [(0, 2), (1, 2), (2, 2)]
    with room.services.database.reading() as connection:
        assert events.last(connection, "test", "not published") is None
