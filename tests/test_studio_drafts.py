"""The draft of a procedure: its files and their revisions, who may change them, and that nobody overwrites anybody unseen."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import Room, files, line, person, together

from engine import checks, procedures
from engine.errors import DraftFileChanged, DraftGone, DraftMovedOn, DraftOpen, FileRefused, NotAllowed, NotFound
from engine.models import Holding, ProcedureDraft, ProcedureEvent
from engine.services import Services
from engine.studio import changing, drafts, editing, events, listing, titles
from webapp import FORMS, PROCEDURES

LETTER = "letters/notice.txt"
RULES = {"managers": ["admin", "hr_director"]}


@pytest.fixture
def room(services: Services) -> Room:
    """A procedure of one step with a letter, managed by the director and the administrator."""
    made = Room(services)
    made.deploy(*line("a"), rules=RULES, beside={LETTER: b"Dear {{name}}"})
    return made


def save(room: Room, path: str, content: bytes, seen: int | None = 0, *, by: str = "director", **more: Any) -> int:
    return changing.save(room.services, "test", path, content, revision=seen, actor=person(by), **more)


def content(room: Room, path: str) -> tuple[bytes, int]:
    return drafts.content(room.services, "test", path, actor=None)


def draft(room: Room, by: str | None = "director") -> drafts.Draft:
    return drafts.read(room.services, "test", actor=person(by) if by else None)


def acts(room: Room) -> list[tuple[str, str]]:
    """What was done, with the file, the oldest first."""
    with room.services.database.reading() as connection:
        return [(act.act, act.path) for act in reversed(events.history(connection, "test"))]


def test_the_first_change_begins_the_draft_and_changes_no_version(room: Room) -> None:
    """Until then its files are those of the active version, at revision 0."""
    before = draft(room)
    assert (before.base, before.active, before.revision, before.begun_at) == (1, 1, 0, None)
    assert [(file.path, file.kind, file.revision) for file in before.files] == [
        (LETTER, "letter", 0),
        ("rules.json", "rules", 0),
        ("test.bpmn", "bpmn", 0),
    ]
    assert save(room, LETTER, b"Dear {{title}} {{name}}") == 1
    after = draft(room)
    letter = after.file(LETTER)
    assert (after.base, after.revision, after.editors) == (1, 1, (person("director"),))
    assert (letter.revision, letter.size, letter.changed_by and letter.changed_by.name) == (1, 23, "孙志远")
    assert after.file("test.bpmn").revision == 0 and content(room, "test.bpmn")[1] == 0
    with room.services.database.reading() as connection:
        active = drafts.rows.active_version(connection, "test")
    assert active is not None and room.services.programs.get(active.id).files[LETTER] == b"Dear {{name}}"
    assert acts(room) == [("deployed", ""), ("begun", ""), ("edited", LETTER)]


def test_what_is_stored_already_is_not_stored_again(room: Room) -> None:
    """Neither begins it a draft, nor does it count: an answer that got lost can be asked for again."""
    assert save(room, LETTER, b"Dear {{name}}") == 0 and draft(room).revision == 0
    assert save(room, LETTER, b"new") == 1
    assert save(room, LETTER, b"new") == 1 and save(room, LETTER, b"new", None) == 1 and draft(room).revision == 1


def test_nobody_overwrites_what_somebody_else_saved(room: Room) -> None:
    """Whoever is later is told who was faster and when; theirs stays."""
    save(room, LETTER, b"by the director")
    room.clock.move(minutes=5)
    with pytest.raises(DraftFileChanged) as refused:
        save(room, LETTER, b"by the administrator", by="admin")
    assert (refused.value.revision, refused.value.by, refused.value.facts["who"]) == (1, person("director"), "孙志远")
    assert content(room, LETTER) == (b"by the director", 1)
    assert save(room, LETTER, b"by both", 1, by="admin") == 2
    assert draft(room).editors == (person("director"), person("admin"))


def test_two_who_save_the_same_file_at_the_same_moment(room: Room) -> None:
    """One is kept, the other is told; as it is with the first change of all, which begins the draft."""
    for seen in (0, 1, 2):
        given = together(
            lambda seen=seen: save(room, LETTER, b"one %d" % seen, seen),  # type: ignore[misc]
            lambda seen=seen: save(room, LETTER, b"two %d" % seen, seen, by="admin"),  # type: ignore[misc]
        )
        assert sorted(map(str, (type(one).__name__ for one in given))) == ["DraftFileChanged", "int"]
        assert content(room, LETTER)[1] == seen + 1
    assert room.count(ProcedureDraft) == 1


def test_two_who_save_different_files_do_not_hinder_each_other(room: Room) -> None:
    """Each file has its own revision."""
    given = together(lambda: save(room, LETTER, b"letter"), lambda: save(room, "rules.json", b"{}", by="admin"))
    assert sorted(given) == [1, 2]
    assert {content(room, LETTER)[0], content(room, "rules.json")[0]} == {b"letter", b"{}"}


def test_no_revision_comes_twice(room: Room) -> None:
    """Not even after the draft was thrown away: who still has a file of the old one open overwrites nothing of the new one."""
    save(room, LETTER, b"old")
    room.clock.move(minutes=1)
    drafts.discard(room.services, "test", revision=1, actor=person("director"), note="重来")
    assert draft(room).revision == 0 and content(room, LETTER) == (b"Dear {{name}}", 0)
    room.clock.move(minutes=1)
    save(room, LETTER, b"new")
    assert content(room, LETTER)[1] == 2
    with pytest.raises(DraftFileChanged):
        save(room, LETTER, b"old again", 1, by="admin")
    assert acts(room)[-3:] == [("discarded", ""), ("begun", ""), ("edited", LETTER)]


def test_a_file_that_was_deployed_meanwhile_is_not_overwritten(room: Room) -> None:
    """Who says from which version they have the file is told where another one has another file; the same file is no matter."""
    room.deploy(*line("a", "b"), rules=RULES, beside={LETTER: b"Dear {{name}}"})
    with pytest.raises(DraftFileChanged):
        save(room, "test.bpmn", b"<old/>", base=1)
    assert save(room, LETTER, b"Dear all", base=1) == 1
    with pytest.raises(DraftFileChanged):
        save(room, "test.bpmn", b"<old/>", base=1)
    assert save(room, "test.bpmn", b"<new/>", base=2) == 2


def test_files_are_added_renamed_and_removed(room: Room) -> None:
    """What is renamed counts as changed under its new name; what was removed can be added again."""
    assert save(room, "letters/second.txt", b"2", None) == 1
    with pytest.raises(DraftFileChanged):
        save(room, "letters/second.txt", b"3", None, by="admin")
    assert changing.rename(room.services, "test", "letters/second.txt", "letters/reply.txt", revision=1, actor=person("director")) == 2
    with pytest.raises(DraftFileChanged):
        save(room, "letters/second.txt", b"typed meanwhile", 1, by="admin")
    assert content(room, "letters/reply.txt") == (b"2", 2)
    changing.remove(room.services, "test", LETTER, revision=0, actor=person("director"))
    with pytest.raises(DraftFileChanged) as gone:
        save(room, LETTER, b"typed meanwhile", 0, by="admin")
    assert gone.value.revision is None
    with pytest.raises(NotFound):
        content(room, LETTER)
    with pytest.raises(NotFound):
        changing.remove(room.services, "test", "none.txt", revision=0, actor=person("director"))
    assert save(room, LETTER, b"again", None) == 4
    assert acts(room)[2:] == [
        ("added", "letters/second.txt"),
        ("renamed", "letters/reply.txt"),
        ("removed", LETTER),
        ("added", LETTER),
    ]


@pytest.mark.parametrize(
    "path",
    [
        *("../x.txt", "/x.txt", "a//b.txt", "a/./b.txt", ".hidden.txt", "a/.x.txt", "x", "x.exe", "x.txt ", "a\\b.txt", "x\0.txt"),
        *("a:b.txt", "original/a.bpmn.xml", "x" * 200 + ".txt", "TEST.bpmn", "test.bpmn/x.txt", "letters.txt/../x.txt"),
    ],
)
def test_a_name_that_no_file_can_have_is_refused(room: Room, path: str) -> None:
    """Names lead nowhere else, fit every file system, and say what the file holds."""
    with pytest.raises(FileRefused):
        save(room, path, b"x", None)
    save(room, "letters/ok.txt", b"x", None)
    with pytest.raises(FileRefused):
        changing.rename(room.services, "test", "letters/ok.txt", path, revision=1, actor=None)


def test_names_in_chinese_are_taken(room: Room) -> None:
    """Letters, blanks and dots inside."""
    assert save(room, "letters/解除 通知书 v1.2.txt", b"x", None) == 1


def test_what_is_too_much_is_refused(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of more than 2 MB, and more files than anybody needs."""
    with pytest.raises(FileRefused):
        save(room, LETTER, b"x" * (procedures.LARGEST + 1))
    monkeypatch.setattr(changing, "_MOST", 3)
    with pytest.raises(FileRefused):
        save(room, "letters/one-more.txt", b"x", None)
    assert save(room, LETTER, b"x" * procedures.LARGEST) == 1


def test_only_managers_see_and_change_a_draft(room: Room) -> None:
    """By the rules of the active version, not by those of the draft: nobody lets themselves in."""
    for act in (
        lambda: draft(room, "hr"),
        lambda: drafts.contents(room.services, "test", actor=person("hr")),
        lambda: drafts.content(room.services, "test", LETTER, actor=person("hr")),
        lambda: save(room, LETTER, b"x", by="hr"),
        lambda: changing.remove(room.services, "test", LETTER, revision=0, actor=person("hr")),
        lambda: changing.rename(room.services, "test", LETTER, "letters/b.txt", revision=0, actor=person("hr")),
        lambda: changing.take(room.services, "test", {LETTER: b"x"}, revision=0, actor=person("hr")),
        lambda: drafts.discard(room.services, "test", revision=1, actor=person("hr")),
        lambda: drafts.begin_from(room.services, "test", 1, actor=person("hr")),
        lambda: drafts.create(room.services, "other", name="其他", name_en="", actor=person("director")),
        lambda: editing.tell(room.services, "test", LETTER, actor=person("hr")),
    ):
        with pytest.raises(NotAllowed):
            act()
    save(room, "rules.json", b'{"managers": ["hr"]}')
    with pytest.raises(NotAllowed):
        draft(room, "hr")
    with pytest.raises(NotFound):
        drafts.read(room.services, "none", actor=person("admin"))


def test_a_new_procedure_begins_with_an_empty_diagram(room: Room) -> None:
    """It is found under its name, checked without an error, and only administrators see it as long as no version is active."""
    made = drafts.create(room.services, "transfer", name="调岗", name_en="Transfer", actor=person("admin"))
    assert (made.name, made.name_en, made.base, made.active) == ("调岗", "Transfer", None, None)
    given = drafts.contents(room.services, "transfer", actor=person("admin"))
    assert checks.faults(room.services, given) == []
    with room.services.database.reading() as connection:
        seen = {
            key: [row.procedure for row in listing.procedures(room.services, connection, actor=person(key))]
            for key in ("admin", "director")
        }
    assert seen == {"admin": ["test", "transfer"], "director": ["test"]}
    with pytest.raises(NotAllowed):
        drafts.read(room.services, "transfer", actor=person("director"))
    with pytest.raises(DraftOpen):
        drafts.create(room.services, "transfer", name="调岗", name_en="", actor=person("admin"))
    for key in ("test", "Übung", "a b", "", "x" * 60, "../x"):
        with pytest.raises(FileRefused):
            drafts.create(room.services, key, name="其他", name_en="", actor=person("admin"))
    with pytest.raises(FileRefused):
        drafts.create(room.services, "nameless", name=" ", name_en="", actor=person("admin"))


def test_a_draft_begins_from_an_earlier_version(room: Room) -> None:
    """It holds what that version held; what it would change of the active one is seen by the revisions."""
    room.deploy(*line("a", "b"), rules=RULES, beside={"letters/other.txt": b"x"})
    begun = drafts.begin_from(room.services, "test", 1, actor=person("director"))
    assert (begun.base, begun.active) == (2, 2)
    assert {file.path: file.revision for file in begun.files} == {LETTER: 1, "rules.json": 0, "test.bpmn": 1}
    assert content(room, "test.bpmn")[0] == files(*line("a"), rules=RULES)["test.bpmn"]
    with pytest.raises(DraftOpen):
        drafts.begin_from(room.services, "test", 2, actor=person("director"))
    drafts.discard(room.services, "test", revision=1, actor=None)
    with pytest.raises(NotFound):
        drafts.begin_from(room.services, "test", 9, actor=person("director"))


def test_a_draft_that_went_on_is_not_discarded(room: Room) -> None:
    """Only the one that was seen; a second time is told, and so is one that never was."""
    with pytest.raises(NotFound):
        drafts.discard(room.services, "test", revision=0, actor=None)
    save(room, LETTER, b"x")
    save(room, LETTER, b"y", 1, by="admin")
    with pytest.raises(DraftMovedOn) as refused:
        drafts.discard(room.services, "test", revision=1, actor=person("director"))
    assert refused.value.facts["who"] == "吴凡"
    drafts.discard(room.services, "test", revision=2, actor=person("director"))
    with pytest.raises(DraftGone):
        drafts.discard(room.services, "test", revision=2, actor=person("director"))


def test_a_sitting_is_one_event(room: Room) -> None:
    """An editor saves every few seconds; somebody else's change, and one an hour later, are told anew."""
    for seen, (by, minutes) in enumerate((("director", 0), ("director", 5), ("admin", 1), ("director", 1), ("director", 90))):
        room.clock.move(minutes=minutes)
        save(room, LETTER, b"%d" % seen, seen, by=by)
    by = room.values(sa.select(ProcedureEvent.by).where(ProcedureEvent.act == "edited").order_by(ProcedureEvent.at))
    assert by == [person(key) for key in ("director", "admin", "director", "director")]


def test_several_files_are_taken_at_once_or_none(room: Room) -> None:
    """Against the draft that was seen; one name that cannot be refuses all."""
    taken = {"test.bpmn": b"<x/>", "letters/b.txt": b"b", "original/test.bpmn.xml": b"<old/>"}
    with pytest.raises(FileRefused):
        changing.take(room.services, "test", {**taken, "x.exe": b""}, revision=0, actor=person("admin"))
    assert draft(room).revision == 0
    assert changing.take(room.services, "test", taken, revision=0, actor=person("admin")) == 1
    assert {path: content(room, path)[0] for path in taken} == taken
    with pytest.raises(DraftMovedOn):
        changing.take(room.services, "test", taken, revision=0, actor=person("admin"))
    with pytest.raises(FileRefused):
        save(room, "original/test.bpmn.xml", b"<changed/>", 1)


def test_editors_are_told_who_else_has_a_file_open(room: Room) -> None:
    """Until nothing was heard of them for a while; two tabs of one person are one."""
    room.write(sa.insert(Holding).values(person_id=person("hr"), role="hr_director"))
    assert [one.name for one in editing.tell(room.services, "test", LETTER, actor=person("director"))[0]] == ["孙志远"]
    room.clock.move(seconds=15)
    save(room, LETTER, b"x")
    together(*[lambda: editing.tell(room.services, "test", LETTER, actor=person("hr"))] * 2)
    open_now, base, revisions = editing.tell(room.services, "test", "test.bpmn", actor=person("admin"))
    assert [(one.path, one.name) for one in open_now] == [(LETTER, "孙志远"), (LETTER, "王芳"), ("test.bpmn", "吴凡")]
    assert base == 1 and revisions == {LETTER: 1, "rules.json": 0, "test.bpmn": 0}
    room.clock.move(seconds=40)
    assert [one.name for one in editing.tell(room.services, "test", LETTER, actor=person("hr"))[0]] == ["王芳", "吴凡"]
    with pytest.raises(NotFound):
        editing.tell(room.services, "test", "none.txt", actor=person("admin"))


def test_files_are_called_by_what_they_are_for() -> None:
    """The shipped dismissal: diagrams and tables by their names, forms and letters by the steps that use them, scenarios by theirs."""
    called = titles.titles(procedures.gather(PROCEDURES / "termination", FORMS))
    assert called["termination.bpmn"] == ["辞退"] and called["law-check.dmn"] == ["辞退合法性审查"]
    assert called["forms/assessment.form"] == ["评估表现并提出处理意见"] and called["letters/notice.html"] == ["生成解除通知书"]
    assert called["scenarios/union-silent.yaml"] == ["工会逾期未回复"] and "rules.json" not in called
    assert titles.titles({"a.bpmn": b"<broken", "b.dmn": b"", "scenarios/c.yaml": b"{", "forms/d.form": b"{"}) == {}
