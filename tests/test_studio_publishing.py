"""A draft becomes a version: checked, with a reason, at once or later, and never over what somebody else published meanwhile."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import sqlalchemy as sa
from engine_room import Room, line, person, together
from studio_room import LETTER, RULES, active, acts, deploy, diagram, publish, save

from engine import versions
from engine.errors import (
    AlreadyPublished,
    DraftBehind,
    DraftFileChanged,
    DraftGone,
    DraftMovedOn,
    NotAllowed,
    NotDecided,
    NotDeployable,
    NothingToPublish,
    ScenariosFailed,
)
from engine.models import ProcedureEvent, ProcedureVersion
from engine.services import Services
from engine.studio import changing, drafts, gate, merging, publishing
from webapp import scenario_results


@pytest.fixture
def room(services: Services) -> Room:
    """A procedure of one step with a letter, managed by the director and the administrator."""
    made = Room(services)
    deploy(made, "a", letter=b"first")
    return made


def test_a_draft_becomes_the_version_on_which_new_cases_start(room: Room) -> None:
    """With number, author, note and time; running cases stay on theirs, and the draft is over."""
    old = room.start()
    revision = save(room, "test.bpmn", diagram("a", "b"))
    assert publish(room, revision) == publishing.Published(number=2, at=None)
    number, now = active(room)
    assert number == 2 and now["test.bpmn"] == diagram("a", "b") and now[LETTER] == b"first"
    newest = versions.versions(room.services, "test")[0]
    assert [(act.act, act.by, act.note) for act in newest.acts] == [("deployed", "孙志远", "调整")]
    assert room.case(old).version_id != room.case(room.start()).version_id
    assert drafts.read(room.services, "test", actor=None).revision == 0
    for by in ("director", "admin"):
        with pytest.raises(AlreadyPublished) as again:
            publish(room, revision, by=by)
        assert again.value.facts["number"] == 2
    assert active(room)[0] == 2


def test_publishing_shows_first_what_would_change(room: Room) -> None:
    """Elements and letters, what the check says, and who changed it."""
    save(room, "test.bpmn", diagram("a", "b"))
    save(room, LETTER, b"second", by="admin")
    seen = publishing.preview(room.services, "test", actor=person("admin"))
    assert {(change.file, change.what, change.how, change.id) for change in seen.changes} >= {
        (LETTER, "file", "changed", LETTER),
        ("test.bpmn", "element", "added", "b"),
    }
    assert (seen.errors, seen.behind, seen.needs_another, seen.scheduled) == (0, False, False, None)
    save(room, "test.bpmn", b"<broken")
    assert publishing.preview(room.services, "test", actor=person("admin")).errors == 1


def test_what_the_check_refuses_is_not_published(room: Room) -> None:
    """The draft stays as it is; so does one that says nothing new, and one without a reason."""
    revision = save(room, "test.bpmn", b"<broken")
    with pytest.raises(NotDeployable) as refused:
        publish(room, revision)
    assert [str(finding.code) for finding in refused.value.findings] == ["not_xml"]
    revision = save(room, "test.bpmn", diagram("a"))
    with pytest.raises(NothingToPublish):
        publish(room, revision)
    revision = save(room, LETTER, b"second")
    with pytest.raises(NotAllowed):
        publish(room, revision, note=" ")
    assert active(room)[0] == 1 and drafts.read(room.services, "test", actor=None).revision == revision


def test_only_managers_publish_and_only_what_they_saw(room: Room) -> None:
    """What somebody saved since is not published unseen; what was thrown away is gone."""
    revision = save(room, LETTER, b"second")
    with pytest.raises(NotAllowed):
        publish(room, revision, by="hr")
    newer = save(room, LETTER, b"third", by="admin")
    with pytest.raises(DraftMovedOn):
        publish(room, revision)
    drafts.discard(room.services, "test", revision=newer, actor=person("admin"))
    with pytest.raises(DraftGone):
        publish(room, newer)
    assert active(room)[0] == 1


def test_two_who_publish_at_the_same_moment(room: Room) -> None:
    """One version comes of it, and the other is told by whom."""
    revision = save(room, LETTER, b"second")
    given = together(lambda: publish(room, revision), lambda: publish(room, revision, by="admin"))
    assert sorted(type(one).__name__ for one in given) == ["AlreadyPublished", "Published"]
    assert room.count(ProcedureVersion) == 2 and acts(room).count("deployed") == 2


def test_somebody_who_saves_while_another_publishes(room: Room) -> None:
    """Either the change is in the version, or a new draft holds it: it is never lost."""
    revision = save(room, LETTER, b"second")
    published, saved = together(
        lambda: publish(room, revision),
        lambda: changing.save(room.services, "test", LETTER, b"third", revision=revision, actor=person("admin")),
    )
    if isinstance(saved, int):
        assert isinstance(published, DraftMovedOn) and drafts.content(room.services, "test", LETTER, actor=None)[0] == b"third"
    else:
        assert isinstance(saved, Exception) and active(room) == (2, {**active(room)[1], LETTER: b"second"})


def test_who_goes_on_in_a_draft_that_was_published_is_told_by_whom(room: Room) -> None:
    """Not that they themselves changed it; with what is stored now they begin the next draft."""
    revision = save(room, LETTER, b"second")
    room.clock.move(minutes=1)
    publish(room, revision, by="admin")
    with pytest.raises(DraftFileChanged) as refused:
        changing.save(room.services, "test", LETTER, b"third", revision=revision, actor=person("director"))
    assert (refused.value.facts["who"], refused.value.revision) == ("吴凡", 0)
    assert changing.save(room.services, "test", LETTER, b"third", revision=0, base=2, actor=person("director")) == revision + 1


def test_where_four_eyes_are_asked_for_another_manager_publishes(room: Room) -> None:
    """Whoever changed the draft, and the command line, are refused; the preview says so."""
    settings = dataclasses.replace(room.services.settings, procedures_four_eyes=True)
    room.services = dataclasses.replace(room.services, settings=settings)
    revision = save(room, LETTER, b"second")
    assert publishing.preview(room.services, "test", actor=person("director")).needs_another
    for by in ("director", None):
        with pytest.raises(NotAllowed):
            publish(room, revision, by=by)
    assert publish(room, revision, by="admin").number == 2


def test_a_draft_of_a_new_procedure_is_published(room: Room) -> None:
    """As its first version, managed by whom its rules name."""
    drafts.create(room.services, "transfer", name="调岗", name_en="", actor=person("admin"))
    done = publishing.publish(room.services, "transfer", revision=1, actor=person("admin"), note="新流程")
    assert done.number == 1 and versions.versions(room.services, "transfer")[0].name == "调岗"


# --- scenarios


def test_publishing_is_refused_while_a_scenario_fails(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """An administrator may override it with a reason, which is kept."""
    monkeypatch.setattr(gate, "failing", lambda services, files, **_: ["试用期辞退"])
    revision = save(room, LETTER, b"second")
    with pytest.raises(ScenariosFailed) as refused:
        publish(room, revision)
    assert refused.value.names == ["试用期辞退"]
    with pytest.raises(NotAllowed):
        publish(room, revision, override="场景待更新")
    assert publish(room, revision, by="admin", override="场景待更新").number == 2
    notes = room.values(sa.select(ProcedureEvent.note).where(ProcedureEvent.act == "overrode"))
    assert notes == ["场景待更新"] and "overrode" in acts(room)


def test_what_is_wrong_with_scenario_files_is_found_while_they_are_edited(room: Room, tmp_path: Path) -> None:
    """By file and line, as `partwell check` says it; it refuses as a failing scenario does, which may be overridden."""
    files = {"scenarios/usual.yaml": b"usual: {a: {done: x}}", "scenarios/one.yaml": b"name: x\ngiven: {}\nthen: {ended: true}\n"}
    for path, content in files.items():
        revision = changing.save(room.services, "test", path, content, revision=None, actor=person("admin"))
    seen = publishing.preview(room.services, "test", actor=person("admin"))
    found = {path: [(one.code, one.severity, one.line) for one in seen.findings[path]] for path in files}
    assert found == {
        "scenarios/usual.yaml": [("scenario_faulty", "error", 1)] * 2,
        "scenarios/one.yaml": [("scenario_faulty", "error", 2)] * 3,
    }
    assert seen.errors == 0 and publish(room, revision, by="admin").number == 2
    for path, content in {**active(room)[1], **files}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    told = {Path(entry["file"]).name: entry["findings"] for entry in scenario_results.check_paths([tmp_path], tell=str)}
    for path in files:
        assert [(one["message"], one["line"]) for one in told[Path(path).name]] == [(one.text, one.line) for one in seen.findings[path]]


# --- a version that was published meanwhile


def test_a_version_published_meanwhile_is_not_replaced_unseen(room: Room) -> None:
    """Until it is said on purpose that its changes are left out."""
    revision = save(room, LETTER, b"second")
    deploy(room, "a", "b")
    with pytest.raises(DraftBehind) as refused:
        publish(room, revision)
    assert refused.value.active == 2 and publishing.preview(room.services, "test", actor=None).behind
    with pytest.raises(DraftBehind):
        publish(room, revision, replacing=1)
    assert publish(room, revision, replacing=2).number == 3
    assert active(room)[1]["test.bpmn"] == diagram("a") and "replaced" in acts(room)


def test_what_only_one_side_changed_is_taken_over(room: Room) -> None:
    """The draft goes on from the new version with its own changes; new and removed files count as changes."""
    save(room, "letters/mine.txt", b"mine")
    revision = save(room, "rules.json", b'{"managers": ["admin"]}')
    room.deploy(*line("a", "b"), rules=RULES, beside={"letters/theirs.txt": b"theirs"})
    found = {one.path: one.changed for one in merging.compare(room.services, "test", actor=None)}
    assert found == {
        "letters/mine.txt": "draft",
        LETTER: "active",
        "letters/theirs.txt": "active",
        "rules.json": "draft",
        "test.bpmn": "active",
    }
    revision = merging.take_over(room.services, "test", revision=revision, active=2, keep={}, actor=person("director"))
    assert merging.compare(room.services, "test", actor=None) == []
    publish(room, revision)
    number, now = active(room)
    assert number == 3 and now == {
        "letters/mine.txt": b"mine",
        "letters/theirs.txt": b"theirs",
        "rules.json": b'{"managers": ["admin"]}',
        "test.bpmn": diagram("a", "b"),
    }


@pytest.mark.parametrize(("whose", "kept"), [("draft", b"mine"), ("active", b"theirs")])
def test_where_both_sides_changed_a_file_somebody_decides(room: Room, whose: str, kept: bytes) -> None:
    """What each of them changed is shown; until it is decided nothing is taken over."""
    revision = save(room, LETTER, b"mine")
    deploy(room, "a", "b", letter=b"theirs")
    [both] = [one for one in merging.compare(room.services, "test", actor=None) if one.changed == "both"]
    assert (
        both.path == LETTER
        and both.mine[0].settings["text"] == ("first", "mine")
        and both.theirs[0].settings["text"] == ("first", "theirs")
    )
    with pytest.raises(NotDecided) as open_ones:
        merging.take_over(room.services, "test", revision=revision, active=2, keep={LETTER: "x"}, actor=person("director"))
    assert open_ones.value.files == [LETTER]
    new = merging.take_over(room.services, "test", revision=revision, active=2, keep={LETTER: whose}, actor=person("director"))
    now = drafts.contents(room.services, "test", actor=None)
    assert now[LETTER] == kept and now["test.bpmn"] == diagram("a", "b")
    if whose == "active":
        with pytest.raises(NothingToPublish):
            publish(room, new)
    else:
        assert publish(room, new).number == 3


def test_taking_over_is_of_what_was_seen(room: Room) -> None:
    """Neither of another draft nor of another version than was looked at."""
    revision = save(room, LETTER, b"mine")
    deploy(room, "a", "b")
    deploy(room, "a", "b", "c")
    with pytest.raises(DraftMovedOn):
        merging.take_over(room.services, "test", revision=revision, active=2, keep={}, actor=person("director"))
    with pytest.raises(DraftMovedOn):
        merging.take_over(room.services, "test", revision=revision + 1, active=3, keep={}, actor=person("director"))
    with pytest.raises(NotAllowed):
        merging.take_over(room.services, "test", revision=revision, active=3, keep={}, actor=person("hr"))
