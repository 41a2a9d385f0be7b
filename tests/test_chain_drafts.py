"""Changing a chain: drafts, publishing, history, undoing, comparing, and trying it first."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, flows, node, zeebe
from engine_room import Room, form, person

from engine import work
from engine.chains import differences, drafts, preview, versions, words
from engine.chains.company import Company
from engine.chains.situation import Situation
from engine.errors import AlreadyPublished, ChainRefused, DraftChanged, NotAllowed, NotFound
from engine.models import Chain, Headship, Holding, new_id
from engine.services import Services
from webapp.i18n import catalogue, fill, speaking

CHINESE = catalogue("zh-CN").gettext
HR = {"rule": "role", "roles": ["hr"]}
DIRECTOR = {"rule": "role", "roles": ["hr_director"]}


def step(key: str, *rules: Any, **more: Any) -> dict[str, Any]:
    return {"key": key, "name": f"环节{key}", "name_en": f"Step {key}", "approvers": list(rules), "mode": "claim", **more}


@pytest.fixture
def room(services: Services) -> Room:
    """A chain of one step in force, and a procedure that uses it."""
    made = Room(services)
    sign = node("userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="consent")))
    chain = {"consent": {"name": "审批", "name_en": "Consent", "steps": [step("hr", HR)]}}
    begin = node("startEvent", "start", zeebe("formDefinition", formId="begin"))
    forms = {"begin": form(numbers=["amount"])}
    made.deploy(begin, sign, END, flows("start > sign", "sign > end"), chains=chain, forms=forms)
    return made


def seen(room: Room) -> int:
    """The revision that whoever looks now sees."""
    return drafts.read(room.services, "consent", actor=None).revision


def save(room: Room, *steps: Any, revision: int | None = None, by: str = "admin", key: str = "consent") -> drafts.Draft:
    given: dict[str, Any] = {"name": "审批", "name_en": "Consent", "steps": list(steps)}
    given["revision"] = revision if revision is not None else seen(room) if key == "consent" else 0
    return drafts.save(room.services, key, **given, actor=person(by))


def publish(room: Room, revision: int | None = None, by: str = "admin", **more: Any) -> Chain:
    given = {"revision": seen(room) if revision is None else revision, "actor": person(by), "note": "加一级审批"}
    return drafts.publish(room.services, "consent", **given, **more)


def discard(room: Room, by: str = "admin") -> None:
    drafts.discard(room.services, "consent", revision=seen(room), actor=person(by))


def in_force(room: Room) -> list[str]:
    with room.services.database.reading() as connection:
        return [one["key"] for one in versions.active(connection, "consent", room.clock.now()).steps]


def history(room: Room) -> tuple[list[versions.VersionRow], list[versions.Act]]:
    with room.services.database.reading() as connection:
        return versions.history(connection, "consent", room.clock.now())


def second_admin(room: Room) -> None:
    room.write(sa.insert(Holding).values(person_id=person("director"), role="admin"))


def test_a_draft_changes_nothing_until_it_is_published(room: Room) -> None:
    """Then new cases use it, and what is open keeps what it began with."""
    old = room.start()
    assert save(room, step("hr", HR), step("boss", DIRECTOR, when="amount > 5")).saved_by == "吴凡"
    assert in_force(room) == ["hr"]
    assert publish(room).number == 2
    assert in_force(room) == ["hr", "boss"]
    room.approve(old, "sign", by="hr")
    assert room.case(old).status == "closed"
    for amount, ends in ((9, False), (1, True)):
        case = room.start(amount=amount)
        room.approve(case, "sign", by="hr")
        assert (room.case(case).status == "closed") == ends


def test_two_editors_never_overwrite_each_other(room: Room) -> None:
    """The second is told who saved what they had not seen, and when; then they can save over it knowingly."""
    second_admin(room)
    before = seen(room)
    first = save(room, step("hr", HR), step("a", HR))
    with pytest.raises(DraftChanged) as told:
        save(room, step("hr", HR), step("b", HR), by="director", revision=before)
    assert told.value.facts["who"] == "吴凡" and told.value.facts["when"]
    read = drafts.read(room.services, "consent", actor=person("director"))
    assert [one["key"] for one in read.steps] == ["hr", "a"] and read.saved_by == "吴凡"
    save(room, step("hr", HR), step("b", HR), by="director", revision=read.revision)
    for act in (lambda: publish(room, first.revision), lambda: drafts.discard(room.services, "consent", revision=before, actor=None)):
        with pytest.raises(DraftChanged):
            act()


def test_what_an_editor_saw_never_comes_again(room: Room) -> None:
    """Neither a draft of before nor the lack of one is taken for that of today, whatever was published or thrown away in between."""
    revisions = [seen(room)]
    for number in range(2):
        revisions.append(save(room, step("hr", HR), step(f"a{number}", HR)).revision)
        publish(room)
        revisions.append(seen(room))
    save(room, step("b", HR))
    discard(room)
    assert len({*revisions, seen(room)}) == 6
    for revision in revisions:
        with pytest.raises(DraftChanged):
            save(room, step("late", HR), revision=revision)
    assert drafts.read(room.services, "consent", actor=None).saved_at is None


def test_a_draft_is_published_once(room: Room) -> None:
    """The second time it is told as which version and by whom, also where a new draft was begun; what was thrown away was not published."""
    second_admin(room)
    before = seen(room)
    mine = save(room, step("hr", HR), step("a", HR))
    publish(room)
    for again in range(2):
        with pytest.raises(AlreadyPublished, match="as version 2, by 吴凡") as told:
            publish(room, mine.revision, by="director")
        assert told.value.status == 409 and len(history(room)[0]) == 2
        if not again:
            thrown = save(room, step("b", HR))
    with pytest.raises(AlreadyPublished, match="version 2"):
        save(room, step("hr", HR), step("a", HR), revision=mine.revision)
    discard(room)
    for revision in (thrown.revision, before, 0, 99):
        with pytest.raises(NotFound):
            publish(room, revision)


def test_only_administrators_edit_chains(room: Room) -> None:
    """Reading a draft, saving, publishing, undoing and discarding are refused to others."""
    with pytest.raises(NotAllowed):
        save(room, step("hr", HR), by="hr")
    with pytest.raises(NotAllowed):
        drafts.read(room.services, "consent", actor=person("hr"))
    save(room, step("a", HR))
    for act in (lambda: publish(room, by="hr"), lambda: drafts.undo(room.services, "consent", 1, actor=person("hr"), note="x")):
        with pytest.raises(NotAllowed):
            act()
    with pytest.raises(NotAllowed):
        discard(room, by="hr")


def test_whoever_edited_does_not_publish_where_four_eyes_are_asked_for(room: Room) -> None:
    """Another administrator does, and an undoing needs two as well."""
    room.services = dataclasses.replace(room.services, settings=dataclasses.replace(room.services.settings, chains_four_eyes=True))
    second_admin(room)
    save(room, step("hr", HR), step("a", HR))
    with pytest.raises(NotAllowed, match="another administrator"):
        publish(room)
    publish(room, by="director")
    with pytest.raises(NotAllowed, match="another administrator"):
        drafts.undo(room.services, "consent", 1, actor=person("director"), note="x")
    drafts.undo(room.services, "consent", 1, actor=person("admin"), note="x")
    assert in_force(room) == ["hr"]


def test_a_version_comes_into_force_on_its_day(room: Room) -> None:
    """Until then the former one serves; one published later with a higher number goes before it."""
    save(room, step("a", HR))
    publish(room, effective=room.clock.now() + dt.timedelta(days=2))
    assert in_force(room) == ["hr"] and [row.state for row in history(room)[0]] == ["coming", "in_force"]
    room.clock.move(hours=49)
    assert in_force(room) == ["a"] and [row.state for row in history(room)[0]] == ["in_force", "former"]
    save(room, step("b", HR))
    publish(room, effective=room.clock.now() + dt.timedelta(days=2))
    drafts.undo(room.services, "consent", 1, actor=person("admin"), note="暂缓")
    room.clock.move(hours=49)
    assert in_force(room) == ["hr"] and [row.state for row in history(room)[0]] == ["in_force", "passed_over", "former", "former"]


def test_undoing_publishes_the_old_version_again(room: Room) -> None:
    """With a number of its own; the history tells who did what, why, and what changed."""
    save(room, step("hr", HR, DIRECTOR), step("a", HR))
    publish(room)
    assert drafts.undo(room.services, "consent", 1, actor=person("admin"), note="弄错").number == 3
    acts = history(room)[1]
    assert [(act.act, act.number, act.by, act.note) for act in acts] == [
        ("undone", 3, "吴凡", "弄错"),
        ("published", 2, "吴凡", "加一级审批"),
        ("edited", None, "吴凡", ""),
        ("published", 1, "", ""),
    ]
    assert [change["how"] for change in acts[1].changes] == ["changed", "added"]
    assert [change["how"] for change in acts[0].changes] == ["removed", "changed"]
    with pytest.raises(NotFound):
        drafts.undo(room.services, "consent", 9, actor=person("admin"), note="x")
    with pytest.raises(NotAllowed, match="reason"):
        drafts.undo(room.services, "consent", 1, actor=person("admin"), note=" ")


def test_a_discarded_draft_is_gone(room: Room) -> None:
    """What is in force stays, and it is told who threw it away."""
    save(room, step("a", HR))
    discard(room)
    assert drafts.read(room.services, "consent", actor=None).saved_at is None and history(room)[1][0].act == "discarded"
    with pytest.raises(NotFound):
        publish(room)


def test_a_new_chain_begins_as_a_draft(room: Room) -> None:
    """Under a key of its own; what is no chain at all is not kept."""
    save(room, step("a", HR), key="pay-raise")
    assert drafts.read(room.services, "pay-raise", actor=person("admin")).base == 0
    for key, steps in (("No key", [step("a", HR)]), ("k", ["x"]), ("k", []), ("k", [step("a", HR, note="x" * 200_000)])):
        with pytest.raises(ChainRefused):
            save(room, *steps, key=key)


def test_a_draft_keeps_its_faults_and_is_not_published(room: Room) -> None:
    """All of them are named, with step and field."""
    draft = save(room, step("hr", {"rule": "role"}), step("b", HR, mode="most"))
    assert [(fault.step, fault.field) for fault in drafts.check(room.services, draft)] == [(0, "approvers.0.roles"), (1, "mode")]
    with pytest.raises(ChainRefused, match="mode"):
        publish(room)


def test_publishing_is_refused_where_nobody_would_sign_for_somebody(room: Room) -> None:
    """They are named; a role that nobody holds is, too; what only a case can tell is left to the case."""
    stuck = step("head", {"rule": "department_head"}, nobody={"do": "incident"})
    save(room, stuck, step("void", {"rule": "role", "roles": ["nobody_has"]}), step("form", {"rule": "form_person", "field": "who"}))
    with pytest.raises(ChainRefused) as refused:
        publish(room)
    assert [fault.step for fault in refused.value.found] == [0, 1]
    assert "李强" in refused.value.message and "finds nobody" not in refused.value.message
    assert "its rules find nobody for anybody" in refused.value.message
    room.write(sa.insert(Headship).values(id="f" * 32, department_id="factory", person_id=person("other")))
    given = {"nobody": {"do": "to_upper_head"}}
    save(room, step("head", {"rule": "department_head"}, **given))
    assert publish(room).number == 2


def test_differences_are_told_by_step_and_field() -> None:
    """Added, removed, moved and changed, each once; a setting that is spelled out as its default is no change."""
    before = [step("a", HR), step("b", HR), step("c", HR), step("d", HR)]
    after = [
        step("d", HR),
        step("a", {**HR, "of": "subject", "within": "company"}, twice="adjacent"),
        step("c", DIRECTOR, HR),
        step("e", HR),
    ]
    found = [(change["how"], change["key"], change.get("field")) for change in differences.between(before, after)]
    assert found == [("removed", "b", None), ("moved", "d", None), ("changed", "c", "approvers"), ("added", "e", None)]


def test_differences_are_sentences_in_both_languages(room: Room) -> None:
    """With the names of fields, rules and roles."""
    was, named = (drafts.Draft(key="c", name=name, name_en=name, steps=[], base=1, revision=0) for name in ("审批", "复审"))
    changes = differences.renamed(was, dataclasses.replace(named, name_en="Review"))
    changes += differences.between([step("a", HR)], [step("a", DIRECTOR, when="amount > 5", initiator="forbid"), step("b", HR)])
    with room.services.database.reading() as connection:
        said = [differences.sentence(Company(connection, room.clock.now()), change) for change in changes]
    assert list(map(str, said)) == [
        "The name of the chain: 审批 → 复审",
        "The English name of the chain: nothing → Review",
        "“环节a”, who signs: whoever holds the role hr → whoever holds the role hr director",
        "“环节a”, condition: nothing → amount > 5",
        "“环节a”, when the initiator would sign: the superior signs instead → may not sign",
        "Step 2, “环节b”, is new.",
    ]
    with speaking("zh-CN"):
        assert [fill(one.template, one.facts) for one in said][:4] == [
            "审批链的名称：审批 → 复审",
            "审批链的英文名称：无 → Review",
            "“环节a”的签批人：角色为人力资源专员的人员 → 角色为人力资源总监的人员",
            "“环节a”的适用条件：无 → amount > 5",
        ]


def test_a_preview_tells_who_would_sign(room: Room) -> None:
    """In order, with steps that do not apply marked as such, before anything is published."""
    steps = [step("head", {"rule": "department_head"}), step("more", DIRECTOR, when="amount > 5")]
    for amount, outcome in ((9, None), (1, "unreached")):
        case = Situation(subject=person("subject"), initiator=person("boss"), at=room.clock.now(), variables={"amount": amount})
        with room.services.database.reading() as connection:
            first, second = preview.who_signs(connection, steps, case)
        assert first.persons == [person("head")] and second.outcome == outcome


def test_open_items_that_would_differ_are_listed_and_not_moved(room: Room) -> None:
    """Only what is not signed yet counts."""
    room.start()
    other = room.start(about="worker", by="other")
    changed, looked = preview.open_items(room.services, "consent", [step("hr", HR)])
    assert (changed, looked) == ([], 2)
    steps = [step("hr", HR), step("head", {"rule": "department_head"}, nobody={"do": "skip"})]
    changed, _ = preview.open_items(room.services, "consent", steps)
    assert len(changed) == 2
    [item] = [one for one in changed if one.case_id == other]
    assert [one.outcome for one in item.after] == [None, "skipped"] and len(item.before) == 1
    assert item.title == room.case(other).title and item.title_en == "流程: 马骏"
    assert history(room)[0][0].number == 1


def test_a_step_to_which_the_work_came_back_is_compared(room: Room) -> None:
    """What was signed before it came back is to be signed again."""
    ahead, behind = step("hr", HR), step("director", DIRECTOR)
    save(room, ahead, behind)
    publish(room)
    case = room.start()
    item = room.item(case, "sign")
    room.approve(case, "sign", by="hr")
    other = [step("hr", {"rule": "person", "persons": [person("boss")]}), behind]
    assert preview.open_items(room.services, "consent", other) == ([], 1)
    work.return_(room.services, item, to_step="hr", reason="补充", actor=person("director"), request_id=new_id())
    [changed], _ = preview.open_items(room.services, "consent", other)
    assert [one.key for one in changed.before] == [one.key for one in changed.after] == ["hr", "director"]


def test_who_signed_already_is_not_asked_again_in_what_is_compared(room: Room) -> None:
    """What an open item has behind it counts for the steps to come, as it will when they open."""
    named = {"rule": "person", "persons": [person("hr")]}
    save(room, step("first", named), step("later", DIRECTOR))
    publish(room)
    room.approve(room.start(), "sign", by="hr")
    [changed], _ = preview.open_items(room.services, "consent", [step("first", named), step("other", named)])
    assert [one.outcome for one in changed.after] == ["skipped"] and [one.persons for one in changed.before] == [[person("director")]]


def test_the_managers_of_the_procedure_take_what_nobody_signs(room: Room) -> None:
    """Whether a step resolves depends on theirs, not on whoever administers the installation."""
    room.write(sa.delete(Holding).where(Holding.role == "admin", Holding.person_id == person("admin")))
    draft = drafts.Draft(key="consent", name="审批", name_en="Consent", steps=[step("up", {"rule": "report_line"})], base=1, revision=0)
    assert [fault.step for fault in drafts.check(room.services, draft)] == [0]
    sign = node("userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="consent")))
    begin = node("startEvent", "start", zeebe("formDefinition", formId="begin"))
    more = {"forms": {"begin": form(numbers=["amount"])}, "rules": {"managers": ["hr"]}}
    room.deploy(begin, sign, END, flows("start > sign", "sign > end"), **more)
    assert drafts.check(room.services, draft) == []


def test_every_word_of_a_chain_is_translated() -> None:
    """Fields, choices, rules, phrases and changes."""
    texts = {*words.FIELDS.values(), *words.RULES.values(), *words.OF.values(), *differences.SENTENCES.values()}
    texts |= {text for choices in words.CHOICES.values() for text in choices.values()}
    texts |= {text for text in words.PHRASES.values() if not text.startswith("{")}
    assert [text for text in sorted(texts) if CHINESE(text) == text] == []
