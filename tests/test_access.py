"""Who sees a case: decided in one place, the same for pages, lists and files."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, mapping, node, service, user, zeebe
from engine_room import PEOPLE, Room, form, person
from twins import ScriptedOperation

from engine import access, casefile, caselist, endings, inbox, incidents, originals, work
from engine.errors import NotAllowed, NotFound
from engine.models import Document, Holding, SignOff, Snapshot, WorkItem
from engine.ports import Answer, Exchange, File
from engine.rules import Rules, rules_of
from engine.services import Services

RULES = {
    "start": ["supervisor"],
    "managers": ["admin"],
    "readers": ["hr"],
    "served": ["notice"],
    "shown": {"initiator": ["hours", "proof"]},
}
SAID = Exchange(system="ehr", request={"secret": "***"}, answer='{"minutes": 150}')
SUBJECTS = zeebe("properties", zeebe("property", name="wf.for", value="subject"))


@pytest.fixture
def room(services: Services) -> Room:
    """A procedure: call, task of the worker, statement of the subject who is shown one fact, task of HR."""
    notice = File(kind="notice", name="通知书.pdf", media_type="application/pdf", content=b"%PDF-1.7 notice")
    made = Answer(value={"hours": 2.5, "secret": "内部评价"}, exchanges=[SAID], files=[notice])
    room = Room(services, ScriptedOperation("ehr.usage", answers=[made]))
    talk = node("userTask", "talk", zeebe("assignmentDefinition", assignee=person("worker")), zeebe("formDefinition", formId="talk"))
    shown = mapping({"hours": "=hours", "secret": '="已遮盖"'})
    state = node("userTask", "state", SUBJECTS, shown, zeebe("formDefinition", formId="state"))
    ways = flows("start > call", "call > talk", "talk > state", "state > close", "close > end")
    body = (START, service("call", operation="ehr.usage"), talk, state, user("close"), END, ways)
    forms = {"talk": form("opinion", files=["proof"]), "state": form("statement")}
    room.deploy(*body, rules=RULES, forms=forms)
    return room


def reached(room: Room, case: str) -> dict[str, str]:
    """Who sees how much, by the one function that decides it: all, a part, or only what is the subject's."""
    found = {}
    with room.services.database.reading() as connection:
        row = access.case_row(connection, case)
        rules = rules_of(room.services.programs.get(row.version_id).files)
        for key in PEOPLE:
            try:
                sight = access.sight(connection, row, rules, person(key))
            except NotAllowed:
                continue
            found[key] = "subject" if sight.subject else "all" if sight.whole else " ".join(["part", *sorted(sight.variables)])
    return found


def test_who_sees_a_case(room: Room) -> None:
    """Readers and managers all; initiator and whoever takes part, from then on, a part; the subject once they have one; nobody else."""
    case = room.start()
    always = {**dict.fromkeys(("hr", "hr2", "admin"), "all"), "boss": "part hours proof"}
    assert reached(room, case) == always
    room.run()
    assert reached(room, case) == {**always, "worker": "part"}
    room.complete(case, "talk", by="worker")
    assert reached(room, case) == {**always, "worker": "part", "subject": "subject"}
    room.complete(case, "state", by="subject")
    room.complete(case, "close", by="hr")
    assert reached(room, case) == {**always, "worker": "part", "subject": "subject"}


def test_lists_show_exactly_what_pages_open(room: Room) -> None:
    """For everybody and at every step, the list of cases and the page of the case agree."""
    case, other = room.start(), room.start(by="other", about="worker")

    def agree() -> None:
        for one in (case, other):
            listed = {key for key in PEOPLE if one in [row.id for row in caselist.cases(room.services, reader=person(key))[0]]}
            assert listed == reached(room, one).keys()

    agree()
    room.run()
    agree()
    room.write(sa.update(SignOff).where(SignOff.case_id == case).values(for_id=person("director")))
    assert "director" in reached(room, case)
    agree()
    room.complete(case, "talk", by="worker")
    agree()
    room.complete(case, "state", by="subject")
    agree()


def test_a_role_opens_nothing_about_oneself(room: Room) -> None:
    """A subject who holds the readers' and managers' roles sees no more, and learns of no case, than any other subject."""
    with room.services.database.unit() as unit:
        for role in ("hr", "admin"):
            unit.add(Holding, person_id=person("subject"), role=role)
        unit.commit()
    case = room.start()
    room.run()
    room.complete(case, "talk", by="worker")
    assert reached(room, case)["subject"] == "subject"
    room.complete(case, "state", by="subject")
    about = room.start()
    assert "subject" not in reached(room, about)
    room.run()
    assert about not in [row.id for row in caselist.cases(room.services, reader=person("subject"))[0]]
    assert set(inbox.counts(room.services, person("subject")).values()) == {0}
    with pytest.raises(NotAllowed):
        casefile.case_page(room.services, about, reader=person("subject"))
    assert [row.case_id for row in incidents.managed(room.services, reader=person("subject"))] == []


def test_work_offered_to_a_role_shows_the_case_while_it_is_offered(room: Room) -> None:
    """Who could take the work sees the case; once somebody else has done it they no longer do, unless they are readers."""
    room.deploy(
        START,
        user("a"),
        user("b", zeebe("formDefinition", formId="talk")),
        END,
        flows("start > a", "a > b", "b > end"),
        forms={"talk": form("x")},
    )
    case = room.start()
    assert {"hr", "hr2"} <= reached(room, case).keys()
    work.claim(room.services, room.item(case, "a"), actor=person("hr"), request_id="c")
    assert "hr2" in reached(room, case)
    room.complete(case, "a", by="hr")
    room.complete(case, "b", by="hr")
    assert "hr" in reached(room, case) and "hr2" not in reached(room, case)


def page_items(room: Room, case: str, element: str, reader: str) -> Any:
    return inbox.item_page(room.services, room.item(case, element), reader=person(reader))


def test_who_takes_part_sees_who_did_what_and_not_what_was_said(room: Room) -> None:
    """Neither values nor opinions nor snapshots of others, beyond the variables that the procedure shows to the role."""
    case = room.start()
    room.run()
    room.complete(case, "talk", by="worker", opinion="能力差")
    for reader, variables in (("boss", {"hours": 2.5, "proof": None}), ("worker", {})):
        page = casefile.case_page(room.services, case, reader=person(reader))
        assert {name: value for name, value in page.variables.items() if value} == {n: v for n, v in variables.items() if v}
        assert (page.snapshots, page.calls, page.incidents, page.documents) == ([], [], [], [])
        assert [event.event for event in page.timeline].count("work:item:completed") == 1
        assert "内部评价" not in repr(page) and ("能力差" in repr(page)) == (reader == "worker")
        talk = room.value(sa.select(WorkItem.id).where(WorkItem.element == "talk"))
        item = inbox.item_page(room.services, talk, reader=person(reader))
        assert "内部评价" not in repr(item) and ("能力差" in repr(item)) == (reader == "worker")
    assert page_items(room, case, "state", "boss").variables == {"hours": 2.5, "proof": []}
    assert page_items(room, case, "state", "worker").variables == {}


def test_the_subject_sees_only_their_part(room: Room) -> None:
    """Their own item with the facts they are shown, what was served on them, their own acts; nothing of the others' work."""
    case = room.start()
    room.run()
    talk = room.item(case, "talk")
    file = File(kind="attachment", name="评价.png", media_type="", content=b"\x89PNG\r\n\x1a\n....")
    stored = work.attach(room.services, talk, actor=person("worker"), files={"proof": [file]})
    room.complete(case, "talk", by="worker", opinion="能力差", **stored)
    item = page_items(room, case, "state", "subject")
    assert item.variables == {"hours": 2.5, "secret": "已遮盖"} and item.may == {"complete", "save"}
    assert [row.kind for row in item.documents] == ["notice"] and item.timeline == [] and item.done == frozenset()
    page = casefile.case_page(room.services, case, reader=person("subject"))
    assert (page.variables, page.snapshots, page.calls, page.incidents, page.sealed, page.may) == ({}, [], [], [], None, frozenset())
    assert [step.element for step in page.open] == ["state"] and page.lit == {"state"} and page.done == frozenset()
    assert [row.kind for row in page.documents] == ["notice"]
    everything = repr(page) + repr(item)
    assert "能力差" not in everything and "内部评价" not in everything and "马骏" not in everything
    with pytest.raises(NotAllowed):
        inbox.item_page(room.services, talk, reader=person("subject"))


def test_the_subject_sees_nothing_more_afterwards(room: Room) -> None:
    """A completed item shows what they answered, and not what the case holds under the names of the facts once shown."""
    case = room.start()
    room.run()
    room.complete(case, "talk", by="worker", opinion="能力差")
    state = room.item(case, "state")
    room.complete(case, "state", by="subject", statement="不同意")
    item = inbox.item_page(room.services, state, reader=person("subject"))
    assert item.variables == {} and item.values == {"statement": "不同意"} and item.may == frozenset()
    room.manage(endings.terminate, case, reason="补偿谈判的内部考虑")
    page = casefile.case_page(room.services, case, reader=person("subject"))
    assert [(event.event, event.detail.get("outcome")) for event in page.timeline] == [
        ("work:item:completed", None),
        ("case:closed", "terminated"),
    ]
    assert "内部考虑" not in repr(page) and "内部评价" not in repr(page)
    whole = casefile.case_page(room.services, case, reader=person("hr"))
    assert "内部考虑" in repr(whole.timeline) and "能力差" in repr(whole.timeline)


def test_documents_and_snapshots_follow_the_case(room: Room) -> None:
    """Who may not read the case opens none of its files; the subject opens what was served or what they brought; all of it is recorded."""
    case = room.start()
    room.run()
    file = File(kind="attachment", name="评价.png", media_type="", content=b"\x89PNG\r\n\x1a\n....")
    [internal] = work.attach(room.services, room.item(case, "talk"), actor=person("worker"), files={"proof": [file]})["proof"]
    room.complete(case, "talk", by="worker", proof=[internal])
    [own] = work.attach(room.services, room.item(case, "state"), actor=person("subject"), files={"x": [file]})["x"]
    notice = room.value(sa.select(Document.id).where(Document.kind == "notice"))
    snapshot = room.value(sa.select(Snapshot.id))
    may = {(document, key) for document in (internal, own, notice) for key in ("hr", "hr2", "admin")}
    may |= {(own, "subject"), (notice, "subject"), (internal, "worker"), (internal, "boss")}
    for document in (internal, own, notice):
        for key in PEOPLE:
            before = room.case(case).entries
            if (document, key) in may:
                originals.read_document(room.services, document, reader=person(key))
                last = room.entries(case)[-1]
                assert (last.event, last.actor, last.payload["document"]) == ("evidence:document:read", person(key), document)
            else:
                with pytest.raises(NotAllowed):
                    originals.read_document(room.services, document, reader=person(key))
                assert room.case(case).entries == before
    for key in ("subject", "other", "head", "director", "boss", "worker"):
        with pytest.raises(NotAllowed):
            originals.read_snapshot(room.services, snapshot, reader=person(key))
    assert originals.read_snapshot(room.services, snapshot, reader=person("hr")).content == SAID.answer.encode()
    with pytest.raises(NotFound):
        originals.read_snapshot(room.services, "0" * 32, reader=person("hr"))


def test_the_defaults_of_the_rules() -> None:
    """Without a rule file administrators manage and nobody reads by role; unknown keys were refused at the deployment."""
    assert rules_of({}) == Rules(managers=frozenset({"admin"}))
    assert rules_of({"rules.json": b'{"readers": ["hr"], "before": {"a": ["b"]}}'}).readers == {"hr"}
