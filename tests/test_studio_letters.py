"""Letters of a draft filled with what a scenario comes to, or with what is known in a real case."""

from __future__ import annotations

import dataclasses
import json
import threading
from typing import Any

import pytest
from diagrams import END, START, flows, mapping, service, user, zeebe
from engine_room import Room, files, form, person
from scenario_files import HEAD, RULES
from small_case import CHAINS
from twins import ScriptedOperation

from engine.errors import FileRefused, LetterNotReached, LetterUnused, NotAllowed, NotDeployable, NotFound, ServerBusy
from engine.letters.operations import DraftLetter, RenderLetter
from engine.services import Services
from engine.studio import letters
from engine.studio.letters import Values
from engine.studio.sandbox import Sandboxes
from webapp.demo import sandboxes
from webapp.pdf import TypstRenderer

NOTICE, ENGLISH, PLAN, TYPST = "letters/notice.html", "letters/notice_en.html", "letters/plan.txt", "letters/old.typ"
ONE, EARLY = "scenarios/one.yaml", "scenarios/early.yaml"


def html(body: str) -> bytes:
    return f'<!doctype html><html lang="zh-CN"><head><title>通知</title></head><body>{body}</body></html>'.encode()


def step(id: str, operation: str, template: str) -> str:
    handed = mapping({"who": "=subject", "why": "=why", "verdict": "=verdict"}, {id: "=result"})
    return service(id, handed, zeebe("taskHeaders", zeebe("header", key="template", value=template)), operation=operation)


def body() -> tuple[str, ...]:
    """王芳 says why and then what is to be done; a text is drafted, and two letters are printed."""
    steps = [step("drafted", "document.draft", "plan"), step("printed", "document.render", "notice"), step("set", "document.render", "old")]
    tasks = [user(id, zeebe("formDefinition", formId=id)) for id in ("look", "judge")]
    ways = flows("start > look", "look > judge", "judge > drafted", "drafted > printed", "printed > set", "set > end")
    return START, *tasks, *steps, END, ways


FORMS = {"look": form("why"), "judge": form("verdict")}
FILES = files(*body(), forms=FORMS, rules=RULES) | {
    NOTICE: html('<p><data value="who.name">姓名</data>：<data value="why">理由</data></p>'),
    ENGLISH: html('<p>Dear <data value="who.name">name</data></p>'),
    PLAN: "致 {who.name}：{why}".encode(),
    TYPST: b"#json(bytes(sys.inputs.data)).why",
    ONE: (
        f"{HEAD}when:\n  - {{by: 王芳, step: look, complete: {{why: 迟到}}}}\n  - {{by: 王芳, step: judge, complete: {{verdict: 警告}}}}\n"
        "  - then: {documents: [notice, old]}\n"
    ).encode(),
    EARLY: f"{HEAD}when:\n  - {{by: 王芳, step: look, complete: {{why: 早退}}}}\nthen: {{open: [judge]}}\n".encode(),
}


#: a letter that two steps make, each with words of its own
BOTH = (("late", "初"), ("early", "再"))
NOTICE_HEADER = zeebe("taskHeaders", zeebe("header", key="template", value="notice"))


@pytest.fixture
def worlds(services: Services) -> Services:
    return dataclasses.replace(services, sandboxes=lambda _: sandboxes.of_files(), renderer=TypstRenderer())


@pytest.mark.parametrize("path", [NOTICE, ENGLISH, PLAN, TYPST])
def test_a_scenario_says_what_a_step_hands_its_letter(worlds: Services, path: str) -> None:
    """Of each kind of letter, also of the one in another language, at the time at which the scenario comes to it."""
    values = letters.of_scenario(worlds, FILES, path, ONE)
    assert values.input["who"]["name"] == "林小北" and (values.input["why"], values.input["verdict"]) == ("迟到", "警告")
    assert (values.now.isoformat(), values.unknown) == ("2026-11-24T01:00:00+00:00", {})


def test_what_is_wrong_in_a_letter_keeps_no_scenario_from_being_played(worlds: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter that cannot be read is being repaired; and as long as only wordings change, nothing is played again."""
    broken = {**FILES, NOTICE: b"<p>", ENGLISH: html('<p><data value="nobody">x</data></p>')}
    once = letters.of_scenario(worlds, broken, NOTICE, ONE)
    monkeypatch.setattr(letters, "_played", None)
    assert letters.of_scenario(worlds, {**FILES, NOTICE: html("<p>x</p>")}, NOTICE, ONE) is once
    assert letters.of_scenario(worlds, FILES, TYPST, ONE).input == once.input


def test_a_scenario_is_played_again_where_the_installation_changed(worlds: Services) -> None:
    """Its settings and its chains decide what is handed over, as the files do."""
    once = letters.of_scenario(worlds, FILES, NOTICE, ONE)
    assert letters.of_scenario(worlds, FILES, NOTICE, ONE) is once
    around = sandboxes.of_files().around
    found = [once]
    for other in (
        dataclasses.replace(around, settings=dataclasses.replace(around.settings, zone="Europe/Berlin")),
        dataclasses.replace(around, chains=json.loads(CHAINS)),
    ):
        made = Sandboxes(other)
        found.append(letters.of_scenario(dataclasses.replace(worlds, sandboxes=lambda _, made=made: made), FILES, NOTICE, ONE))
    assert len({id(each) for each in found}) == 3


def test_who_waits_for_the_play_of_another_gives_up(worlds: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, and is told that the server is busy; once the other is through, nothing is played again."""
    begun, go_on = threading.Event(), threading.Event()
    play = letters._played

    def slow(*given: Any) -> Any:
        begun.set()
        assert go_on.wait(60)
        return play(*given)

    files = {**FILES, "notes.txt": b"of this test"}
    monkeypatch.setattr(letters, "_played", slow)
    monkeypatch.setattr(letters, "_PATIENCE", 0.01)
    found: list[Values] = []
    first = threading.Thread(target=lambda: found.append(letters.of_scenario(worlds, files, NOTICE, ONE)))
    first.start()
    try:
        assert begun.wait(60)
        with pytest.raises(ServerBusy):
            letters.of_scenario(worlds, files, NOTICE, ONE)
    finally:
        go_on.set()
        first.join(60)
    monkeypatch.setattr(letters, "_played", None)
    assert letters.of_scenario(worlds, files, NOTICE, ONE) is found[0]


def test_a_scenario_that_does_not_come_to_the_letter_is_told(worlds: Services) -> None:
    """So is one that is not there, a letter that no step makes, and files that cannot be played."""
    with pytest.raises(LetterNotReached):
        letters.of_scenario(worlds, FILES, NOTICE, EARLY)
    with pytest.raises(NotFound):
        letters.of_scenario(worlds, FILES, NOTICE, "scenarios/none.yaml")
    with pytest.raises(FileRefused, match="one"):
        letters.of_scenario(worlds, {**FILES, ONE: b"["}, NOTICE, ONE)
    with pytest.raises(LetterUnused, match="other"):
        letters.of_scenario(worlds, {**FILES, "letters/other.html": FILES[NOTICE]}, "letters/other.html", ONE)
    with pytest.raises(NotDeployable):
        letters.of_scenario(worlds, {**FILES, "test.bpmn": FILES["test.bpmn"].replace(b"=why", b"=absent")}, NOTICE, ONE)


def test_a_real_case_says_what_is_known_by_now(worlds: Services) -> None:
    """What was entered is there, what is still to come is told by name; strangers and other procedures get nothing."""
    render = RenderLetter(worlds.renderer, lambda case: FILES, zone="Asia/Shanghai")
    room = Room(worlds, render, DraftLetter(lambda case: FILES))
    room.deploy(*body(), forms=FORMS, rules=RULES, beside={path: FILES[path] for path in (NOTICE, PLAN, TYPST)})
    case = room.start()
    room.complete(case, "look", why="迟到")
    values = letters.of_case(room.services, "test", FILES, NOTICE, case, actor=person("director"))
    assert (values.input["who"]["name"], values.input["why"], list(values.unknown)) == ("林小北", "迟到", ["verdict"])
    assert "verdict" in str(values.unknown["verdict"])
    with pytest.raises(NotAllowed):
        letters.of_case(room.services, "test", FILES, NOTICE, case, actor=person("subject"))
    with pytest.raises(NotFound):
        letters.of_case(room.services, "other", FILES, NOTICE, case, actor=person("director"))
    with pytest.raises(LetterUnused):
        letters.of_case(room.services, "test", FILES, "letters/none.html", case, actor=person("director"))
    offered = letters.sources(room.services, "test", FILES, actor=person("director"))
    assert [(source.kind, source.name.split()[-1]) for source in offered] == [
        ("scenario", "试一试"),
        ("scenario", "试一试"),
        ("case", "林小北"),
    ]
    assert [source.kind for source in letters.sources(room.services, "test", FILES, actor=person("subject"))] == ["scenario", "scenario"]


def test_a_letter_of_several_steps_is_filled_as_where_the_case_stands(worlds: Services) -> None:
    """With what that step hands over, else with what one did that the case went through; the page says which."""
    two = [service(id, mapping({"why": given}, {id: "=result"}), NOTICE_HEADER, operation="document.render") for id, given in BOTH]
    tasks = [user(id, zeebe("formDefinition", formId=id)) for id in ("look", "judge")]
    ways = flows("start > look", "look > late", "late > judge", "judge > early", "early > end")
    diagram = (START, *two, *tasks, END, ways)
    render = RenderLetter(worlds.renderer, lambda case: {NOTICE: html("<p>x</p>")}, zone="Asia/Shanghai")
    room = Room(worlds, render)
    room.deploy(*diagram, forms=FORMS, rules=RULES, beside={NOTICE: html("<p>x</p>")})
    case = room.start()

    def now() -> tuple[Any, str]:
        found = letters.of_case(room.services, "test", turned, NOTICE, case, actor=person("director"))
        return found.input.get("why"), found.step

    # as the steps stand in the file, the last comes first
    turned = files(START, *reversed(two), *tasks, END, ways, forms=FORMS, rules=RULES) | {NOTICE: FILES[NOTICE]}
    assert now() == ("再", "early")
    room.complete(case, "look", why="迟到")
    assert now() == ("初", "late")
    room.run()
    assert now() == ("初", "late")


def test_what_is_kept_as_an_original_is_not_opened(worlds: Services) -> None:
    """A large answer of an operation stays closed, since whoever opens one is named for it; the page says so."""
    body = (
        *(START, user("look", zeebe("formDefinition", formId="look"))),
        service("large", mapping({}, {"verdict": "=result"}), operation="large.read"),
        *(user("judge", zeebe("formDefinition", formId="judge")), step("printed", "document.render", "notice"), END),
        flows("start > look", "look > large", "large > judge", "judge > printed", "printed > end"),
    )
    room = Room(
        worlds,
        ScriptedOperation("large.read", answers=["长" * 20_000]),
        RenderLetter(worlds.renderer, lambda case: FILES, zone="UTC"),
    )
    room.deploy(*body, forms=FORMS, rules=RULES, beside={NOTICE: FILES[NOTICE]})
    case = room.start()
    room.complete(case, "look", why="迟到")
    room.run()
    drafted = files(*body, forms=FORMS, rules=RULES) | {NOTICE: FILES[NOTICE]}
    values = letters.of_case(room.services, "test", drafted, NOTICE, case, actor=person("director"))
    assert values.input["why"] == "迟到" and "verdict" not in values.input
    assert str(values.unknown["verdict"]) == "it is an original of the case, which is not opened here"


def test_a_preview_is_pictures_with_what_is_missing(worlds: Services) -> None:
    """With values, with some of them, and without any; a text is shown as text, and a letter that cannot be read is refused."""
    known = Values(input={"who": {"name": "林小北"}, "why": "迟到"}, now=worlds.clock.now())
    some = dataclasses.replace(known, input={"who": {"name": "林小北"}})
    full, part, none = (letters.preview(worlds, NOTICE, FILES[NOTICE], values) for values in (known, some, None))
    assert all(seen.pages[0].startswith(b"\x89PNG") for seen in (full, part, none)) and len({*full.pages, *part.pages, *none.pages}) == 3
    assert [[each.name for each in seen.missing] for seen in (full, part, none)] == [[], ["理由"], []]
    assert letters.preview(worlds, TYPST, FILES[TYPST], known).pages
    text = letters.preview(worlds, PLAN, FILES[PLAN], some)
    assert (text.text, [each.name for each in text.missing], text.pages) == ("致 林小北：{why}", ["why"], ())
    assert letters.preview(worlds, PLAN, FILES[PLAN], None).text == "致 {who.name}：{why}"
    with pytest.raises(FileRefused, match="line 1"):
        letters.preview(worlds, NOTICE, b"<p>", known)
