"""A person's work: who may do it, what it does, and what happens when several do it at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, event, flows, mapping, node, timer, user, zeebe
from engine_room import PEOPLE, Room, form, line, person, together

from engine import incidents, work
from engine.chains import versions
from engine.errors import (
    AlreadyDecided,
    Conflict,
    DraftSavedElsewhere,
    FileTypeRefused,
    FormInvalid,
    ItemClosed,
    NotAllowed,
    NotFound,
    StepStands,
)
from engine.ledger import Event
from engine.models import Candidate, Document, Draft, Headship, Holding, LedgerPage, Person, SignOff, WorkItem, WorkRound, WorkStep, new_id
from engine.ports import File, Json
from engine.services import Services
from engine.work import drafting

HR = {"rule": "role", "roles": ["hr"]}
HEAD = {"rule": "department_head", "of": "subject", "level": 1}
DIRECTOR = {"rule": "role", "roles": ["hr_director"]}
PNG = b"\x89PNG\r\n\x1a\n...."


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def step(name: str, *rules: Json, mode: str = "single", **more: Json) -> dict[str, Json]:
    return {"name": name, "name_en": name, "mode": mode, "approvers": list(rules), **more}


def signing(*steps: dict[str, Json]) -> dict[str, Any]:
    """A task `sign` with a chain, whose decision chooses between two tasks."""
    task = node("userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="c")), mapping(outputs=OUTPUTS))
    gate = node("exclusiveGateway", "gate", default="gate_no")
    ways = flows("start > sign", "sign > gate", 'gate > yes: verdict = "approved"', "gate > no", "yes > end", "no > end")
    return {
        "body": (START, task, gate, user("yes"), user("no"), END, ways),
        "chains": {"c": {"name": "审批", "name_en": "Chain", "steps": list(steps)}},
    }


OUTPUTS = {"verdict": "=decision", "why": "=opinion", "who": "=decided_by"}


def assigned(**assignment: str) -> tuple[str, ...]:
    """One task of somebody."""
    return START, node("userTask", "a", zeebe("assignmentDefinition", **assignment)), END, flows("start > a", "a > end")


def sign_off(room: Room, item: str) -> Any:
    return room.rows(sa.select(SignOff.__table__).where(SignOff.item_id == item).order_by(SignOff.opened_at.desc(), SignOff.id.desc()))[0]


# --- completing


def test_completing_goes_on(room: Room) -> None:
    """The values are in the case and sealed in the ledger, the sign-off tells who and when, and the next work is open."""
    room.deploy(
        START,
        user("a", zeebe("formDefinition", formId="f")),
        user("b"),
        END,
        flows("start > a", "a > b", "b > end"),
        forms={"f": form("x")},
    )
    case = room.start()
    item = room.item(case, "a")
    room.complete(case, "a", x="好")
    assert room.open(case) == "b" and room.variables(case)["x"] == "好"
    row = sign_off(room, item)
    assert (row.state, row.decided_by, row.decided_at) == ("approved", person("hr"), room.clock.now())
    assert [entry.payload["values"] for entry in room.entries(case) if entry.event == Event.ITEM_COMPLETED] == [{"x": "好"}]
    assert not any("好".encode() in page for page in room.values(sa.select(LedgerPage.payload)))
    assert room.rows(sa.select(WorkItem.status, WorkItem.closed_at).where(WorkItem.id == item)) == [("completed", room.clock.now())]


@pytest.mark.parametrize("by", ["boss", "head", "director", "admin", "other", "worker", "subject"])
def test_only_who_it_is_offered_to(room: Room, by: str) -> None:
    """Neither initiator nor superiors nor administrators do other people's work."""
    room.deploy(*line("a"))
    case = room.start()
    before = room.case(case)
    item = room.item(case, "a")
    for verb in (work.claim, work.release):
        with pytest.raises(NotAllowed):
            verb(room.services, item, actor=person(by), request_id=new_id())
    with pytest.raises(NotAllowed):
        room.complete(case, "a", by=by)
    with pytest.raises(NotAllowed):
        work.save_draft(room.services, item, actor=person(by), values={})
    with pytest.raises(NotAllowed):
        work.attach(room.services, item, actor=person(by), files={"f": [File(kind="x", name="x.png", media_type="", content=PNG)]})
    assert room.case(case) == before and room.count(Document) == room.count(Draft) == 0


def test_nobody_acts_after_leaving(room: Room) -> None:
    """Whoever is no longer active may not act, even with the role."""
    room.deploy(*line("a"))
    case = room.start()
    room.write(sa.update(Person).where(Person.id == person("hr")).values(active=False))
    with pytest.raises(NotAllowed):
        room.complete(case, "a", by="hr")
    room.complete(case, "a", by="hr2")


@pytest.mark.parametrize(
    "assignment",
    [{"candidateGroups": "hr"}, {"candidateUsers": "=[subject.id]"}, {"assignee": "=subject.id"}],
    ids=["role", "user", "assignee"],
)
def test_the_subject_decides_nothing_about_themselves(room: Room, assignment: dict[str, str]) -> None:
    """Neither by role nor by name does work in a case go to whom it is about."""
    room.deploy(*assigned(**assignment))
    room.write(sa.insert(Holding).values(person_id=person("subject"), role="hr"))
    case = room.start()
    for verb in (work.claim, work.approve):
        with pytest.raises(NotAllowed):
            verb(room.services, room.item(case, "a"), actor=person("subject"), request_id=new_id())
    with pytest.raises(NotAllowed):
        room.complete(case, "a", by="subject")
    held = sign_off(room, room.item(case, "a"))
    assert held.person_id == (None if "candidateGroups" in assignment else person("admin"))


def test_the_subject_is_in_no_step_of_a_chain(room: Room) -> None:
    """A head of department whose own case it is does not sign it."""
    given = signing(step("x", HEAD, DIRECTOR))
    room.deploy(*given["body"], chains=given["chains"])
    case = room.start(by="other", about="head")
    assert sign_off(room, room.item(case, "sign")).person_id == person("director")
    with pytest.raises(NotAllowed):
        room.approve(case, "sign", by="head")


def test_what_only_the_subject_does(room: Room) -> None:
    """An item for the employee is theirs alone, whatever roles others hold."""
    task = node("userTask", "a", zeebe("properties", zeebe("property", name="wf.for", value="subject")))
    room.deploy(START, task, END, flows("start > a", "a > end"))
    case = room.start()
    for by in PEOPLE:
        if by != "subject":
            with pytest.raises(NotAllowed):
                room.complete(case, "a", by=by)
    room.complete(case, "a", by="subject")
    assert room.case(case).status == "closed"


def test_work_that_was_done_says_by_whom(room: Room) -> None:
    """The second one learns who was first and when, and nothing changes; a repeated request is simply done."""
    room.deploy(*line("a", "b"))
    case = room.start()
    item = room.item(case, "a")
    room.complete(case, "a", by="hr2", request_id="r1")
    before = room.case(case)
    for actor in ("hr", "hr2", "boss"):
        with pytest.raises(AlreadyDecided) as caught:
            work.complete(room.services, item, actor=person(actor), values={}, request_id=new_id())
        assert caught.value.facts == {"who": "周洁", "when": "2026-11-24T01:00+00:00"}
    work.complete(room.services, item, actor=person("hr2"), values={}, request_id="r1")
    with pytest.raises(AlreadyDecided):
        work.complete(room.services, item, actor=person("hr"), values={}, request_id="r1")
    assert room.case(case) == before


def test_work_that_was_taken_away_says_so(room: Room) -> None:
    """An item that an event has ended is closed, and nobody is named as having decided it."""
    late = node("boundaryEvent", "late", timer(duration="PT1H"), attachedToRef="a")
    room.deploy(START, user("a"), late, user("b"), END, flows("start > a", "a > end", "late > b", "b > end"))
    case = room.start()
    item = room.item(case, "a")
    work.save_draft(room.services, item, actor=person("hr"), values={"x": 1})
    room.clock.move(hours=1)
    room.run()
    assert room.open(case) == "b" and room.count(Draft) == 0
    with pytest.raises(ItemClosed):
        work.complete(room.services, item, actor=person("hr"), values={}, request_id="r")
    assert sign_off(room, item).state == "lapsed"


def test_an_item_that_is_not_there(room: Room) -> None:
    """An unknown id is answered as such by every verb."""
    given: dict[str, Any] = {"actor": person("hr"), "request_id": "r"}
    for act in (
        lambda: work.complete(room.services, "0" * 32, values={}, **given),
        lambda: work.claim(room.services, "0" * 32, **given),
        lambda: work.approve(room.services, "0" * 32, **given),
        lambda: work.save_draft(room.services, "0" * 32, actor=person("hr"), values={}),
    ):
        with pytest.raises(NotFound):
            act()


# --- several at once


def test_two_at_the_same_moment(room: Room) -> None:
    """One of two people succeeds, the other learns who did it: never two completions, never an error of the machine."""
    room.deploy(*line(*(f"t{number}" for number in range(6))))
    case = room.start()
    for number in range(6):
        item = room.item(case, f"t{number}")
        given = together(
            *(
                lambda by=by, item=item: work.complete(room.services, item, actor=person(by), values={}, request_id=new_id())  # type: ignore[misc]
                for by in ("hr", "hr2", "hr")
            )
        )
        assert sorted(type(each).__name__ for each in given) == ["AlreadyDecided", "AlreadyDecided", "NoneType"]
    assert room.case(case).status == "closed" and room.events(case).count("work:item:completed") == 6


def test_one_click_that_arrives_several_times(room: Room) -> None:
    """The same request sent at the same moment is carried out once, and all get the same quiet answer."""
    room.deploy(*line("a", "b"))
    case = room.start()
    item = room.item(case, "a")
    given = together(*[lambda: work.complete(room.services, item, actor=person("hr"), values={}, request_id="r")] * 5)
    assert given == [None] * 5
    assert room.open(case) == "b" and room.events(case).count("work:item:completed") == 1


@pytest.mark.parametrize("processes", [1, 5])
def test_branches_in_parallel_of_which_five_finish_at_once(room: Room, processes: int) -> None:
    """条件 / 并行 (branches): all of them succeed, in one process and in five, and the join opens exactly once."""
    tasks = [f"t{number}" for number in range(5)]
    ways = flows("start > split", *(f"split > {t}" for t in tasks), *(f"{t} > join" for t in tasks), "join > z", "z > end")
    room.deploy(START, node("parallelGateway", "split"), *(user(t) for t in tasks), node("parallelGateway", "join"), user("z"), END, ways)
    case = room.start()
    items = [room.item(case, task) for task in tasks]
    houses = [room.restarted() for _ in range(processes)]
    given = together(
        *(
            lambda n=n: work.complete(houses[n % processes].services, items[n], actor=person("hr"), values={}, request_id=new_id())  # type: ignore[misc]
            for n in range(5)
        )
    )
    assert given == [None] * 5 and room.open(case) == "z"
    room.complete(case, "z")
    assert room.case(case).status == "closed" and room.events(case).count("work:item:opened") == 6


def test_a_claim_and_a_completion_at_the_same_moment(room: Room) -> None:
    """Whoever is second gets a true answer, whichever it is."""
    room.deploy(*line(*(f"t{number}" for number in range(6))))
    case = room.start()
    for number in range(6):
        item = room.item(case, f"t{number}")
        claimed, completed = together(
            lambda item=item: work.claim(room.services, item, actor=person("hr"), request_id=new_id()),  # type: ignore[misc]
            lambda item=item: work.complete(room.services, item, actor=person("hr2"), values={}, request_id=new_id()),  # type: ignore[misc]
        )
        if claimed is None:
            assert isinstance(completed, NotAllowed) and "王芳" in completed.message
            room.complete(case, f"t{number}", by="hr")
        else:
            assert isinstance(claimed, AlreadyDecided) and completed is None
    assert room.case(case).status == "closed"


# --- claiming


def test_claim_and_put_back(room: Room) -> None:
    """认领 / 主动接单 (claim): it is the holder's until it is put back; the others are told who has it."""
    room.deploy(*line("a"))
    case = room.start()
    item = room.item(case, "a")
    work.claim(room.services, item, actor=person("hr"), request_id="c")
    work.claim(room.services, item, actor=person("hr"), request_id="c")
    work.claim(room.services, item, actor=person("hr"), request_id=new_id())
    for act in (work.claim, work.release):
        with pytest.raises(NotAllowed, match="王芳"):
            act(room.services, item, actor=person("hr2"), request_id=new_id())
    with pytest.raises(NotAllowed, match="王芳"):
        room.complete(case, "a", by="hr2")
    work.release(room.services, item, actor=person("hr"), request_id=new_id())
    work.release(room.services, item, actor=person("hr"), request_id=new_id())
    room.complete(case, "a", by="hr2")
    assert [event for event in room.events(case) if "item" in event] == [
        "work:item:opened",
        "work:item:claimed",
        "work:item:released",
        "work:item:completed",
    ]


def test_claim_by_one_of_several_named(room: Room) -> None:
    """认领 / 主动接单 (claim): candidates by name may take it as those of a role may, and others may not."""
    room.deploy(*assigned(candidateUsers=f"{person('hr')},{person('worker')},{person('subject')}"))
    case = room.start()
    assert sorted(room.values(sa.select(Candidate.ref))) == sorted([person("hr"), person("worker")])
    with pytest.raises(NotAllowed):
        room.complete(case, "a", by="hr2")
    room.complete(case, "a", by="worker")


def test_work_of_one_person_is_not_put_back(room: Room) -> None:
    """What is assigned to one person alone has nobody else to take it."""
    room.deploy(*assigned(assignee="=initiator.id"))
    case = room.start()
    with pytest.raises(NotAllowed, match="alone"):
        work.release(room.services, room.item(case, "a"), actor=person("boss"), request_id="r")
    room.complete(case, "a", by="boss")


def test_work_for_somebody_unknown_goes_to_the_administrators(room: Room) -> None:
    """A name that the directory does not have, or has no more, is no dead end."""
    room.deploy(*assigned(assignee="nobody"))
    case = room.start()
    assert room.values(sa.select(WorkRound.trace)) == [{"policy": "to_managers"}]
    room.complete(case, "a", by="admin")


# --- drafts and files


def test_draft_is_kept_for_its_writer(room: Room) -> None:
    """暂存待审 / 草稿 (draft): saved over and over it is one, sealed; when anybody completes the item, all drafts of it are gone."""
    room.deploy(*line("a"))
    case = room.start()
    item = room.item(case, "a")
    for text in ("半句", "一句"):
        work.save_draft(room.services, item, actor=person("hr"), values={"x": text}, revision="a window")
    work.save_draft(room.services, item, actor=person("hr2"), values={"x": "别人的"})
    kept = {row.person_id: row.values for row in room.rows(sa.select(Draft.person_id, Draft.values))}
    assert kept.keys() == {person("hr"), person("hr2")}
    opened = room.services.keyring.unseal_json(kept[person("hr")], drafting.purpose(item, person("hr")))
    assert opened == {"x": "一句"} and "一句".encode() not in kept[person("hr")]
    assert room.case(case).revision == 1
    room.complete(case, "a", by="hr")
    assert room.count(Draft) == 0
    with pytest.raises(AlreadyDecided):
        work.save_draft(room.services, item, actor=person("hr"), values={})


def test_draft_of_two_windows(room: Room) -> None:
    """草稿 (draft): what another window saved is not overwritten unseen; each may replace it knowingly; a repeat is harmless."""
    room.deploy(*line("a"))
    item = room.item(room.start(), "a")

    def save(text: str, revision: str, seen: str = "") -> str:
        given = {"actor": person("hr"), "values": {"x": text}, "revision": revision, "seen": seen}
        return work.save_draft(room.services, item, **given)

    save("甲", "desk")
    with pytest.raises(DraftSavedElsewhere) as told:
        save("乙", "phone")
    assert told.value.facts["revision"] == "desk" and kept(room, item) == "甲"
    save("甲甲", "desk")
    again = save("乙", "", seen="desk")
    assert save("乙", "", seen="desk") == again
    for own in ("desk", "phone"):
        with pytest.raises(DraftSavedElsewhere):
            save("甲", own)
    save("甲", "desk anew", seen=again)
    with pytest.raises(DraftSavedElsewhere):
        save("乙", "phone", seen=again)
    assert kept(room, item) == "甲"


def kept(room: Room, item: str) -> Any:
    with room.services.database.reading() as connection:
        draft = drafting.read(connection, room.services.keyring, item, person("hr"))
    return draft and draft.values["x"]


def test_files_are_stored_before_their_form_is_checked(room: Room) -> None:
    """A mistake elsewhere in the form costs no file; the ids go into the field; refused files leave nothing."""
    task = user("a", zeebe("formDefinition", formId="f"))
    room.deploy(START, task, END, flows("start > a", "a > end"), forms={"f": form("x", required=["x"], files=["proof"])})
    case = room.start()
    item = room.item(case, "a")
    file = File(kind="attachment", name="a.png", media_type="", content=PNG)
    stored = work.attach(room.services, item, actor=person("hr"), files={"proof": [file, file]})
    assert len(stored["proof"]) == 2
    with pytest.raises(FormInvalid):
        room.complete(case, "a", **stored)
    with pytest.raises(FileTypeRefused):
        work.attach(
            room.services, item, actor=person("hr"), files={"proof": [file, File(kind="x", name="b", media_type="", content=b"MZ\x00")]}
        )
    assert room.count(Document) == 2
    room.complete(case, "a", x="好", **stored)
    assert room.variables(case)["proof"] == stored["proof"]


def test_documents_of_another_case_are_refused(room: Room) -> None:
    """A form cannot name a document that lies in another case, nor one that does not exist."""
    task = user("a", zeebe("formDefinition", formId="f"))
    room.deploy(START, task, END, flows("start > a", "a > end"), forms={"f": form(files=["proof"])})
    mine, foreign = room.start(), room.start()
    file = File(kind="attachment", name="a.png", media_type="", content=PNG)
    stored = work.attach(room.services, room.item(foreign, "a"), actor=person("hr"), files={"proof": [file]})
    for ids in (stored["proof"], ["0" * 32]):
        with pytest.raises(NotFound):
            room.complete(mine, "a", proof=ids)
    assert room.open(mine) == "a"


def test_field_permissions_hidden_and_readonly(room: Room) -> None:
    """表单字段权限 (field permissions): what the diagram closes for a task cannot be sent, and without a form nothing can."""
    closed = zeebe("properties", zeebe("property", name="wf.field.x", value="readonly"))
    first, second = user("a", zeebe("formDefinition", formId="f")), user("b", zeebe("formDefinition", formId="f"), closed)
    body = (START, first, second, user("c"), END, flows("start > a", "a > b", "b > c", "c > end"))
    room.deploy(*body, forms={"f": form("x", "y")})
    case = room.start()
    room.complete(case, "a", x="第一", y="一")
    with pytest.raises(FormInvalid) as caught:
        room.complete(case, "b", x="改", y="二")
    assert caught.value.fields.keys() == {"x"}
    room.complete(case, "b", y="二")
    assert {"x": "第一", "y": "二"}.items() <= room.variables(case).items()
    with pytest.raises(FormInvalid):
        room.complete(case, "c", x="改", subject={"id": "x"})
    room.complete(case, "c")


# --- chains


def test_approve_step_by_step(room: Room) -> None:
    """同意 (approve): each step opens for its people once the one before is approved; the diagram sees decision, opinion and name."""
    given = signing(step("部门", HEAD), step("总监", DIRECTOR, mode="claim"))
    room.deploy(*given["body"], chains=given["chains"])
    case = room.start()
    item = room.item(case, "sign")
    with pytest.raises(NotAllowed):
        room.approve(case, "sign", by="director")
    with pytest.raises(NotAllowed, match="approved or rejected"):
        room.complete(case, "sign", by="head")
    room.approve(case, "sign", by="head", opinion=" 同意 ")
    assert room.open(case) == "sign" and room.value(sa.select(sa.func.count()).where(WorkStep.item_id == item)) == 2
    with pytest.raises(NotAllowed):
        room.approve(case, "sign", by="head")
    room.approve(case, "sign", by="director", opinion="")
    assert room.open(case) == "yes"
    assert {"verdict": "approved", "why": "", "who": "孙志远"}.items() <= room.variables(case).items()
    assert [(entry.event, entry.payload.get("step")) for entry in room.entries(case) if entry.event.startswith("work:step")] == [
        ("work:step:opened", "部门"),
        ("work:step:approved", "部门"),
        ("work:step:opened", "总监"),
        ("work:step:approved", "总监"),
    ]


def test_reject_ends_the_chain(room: Room) -> None:
    """驳回 (reject): it needs a reason, opens no further step, and the diagram says what follows."""
    given = signing(step("部门", HEAD), step("总监", DIRECTOR))
    room.deploy(*given["body"], chains=given["chains"])
    case = room.start()
    item = room.item(case, "sign")
    for opinion in ("", " \n", "长" * 5001):
        with pytest.raises(FormInvalid) as caught:
            work.reject(room.services, item, actor=person("head"), opinion=opinion, request_id=new_id())
        assert caught.value.fields.keys() == {"opinion"}
    work.reject(room.services, item, actor=person("head"), opinion="依据不足", request_id="r")
    work.reject(room.services, item, actor=person("head"), opinion="依据不足", request_id="r")
    assert room.open(case) == "no" and room.count(WorkRound) == 1
    assert {"verdict": "rejected", "why": "依据不足", "who": "赵敏"}.items() <= room.variables(case).items()
    with pytest.raises(AlreadyDecided, match="赵敏"):
        work.approve(room.services, item, actor=person("director"), request_id=new_id())


def test_approve_twice_by_one_click_signs_one_step(room: Room) -> None:
    """同意 (approve): the same request sent twice does not sign the next step as well, even where the same person is asked again."""
    given = signing(step("一", HEAD), step("二", HEAD, twice="none"))
    room.deploy(*given["body"], chains=given["chains"])
    case = room.start()
    for _ in range(3):
        room.approve(case, "sign", by="head", request_id="r")
    assert room.open(case) == "sign" and room.events(case).count("work:step:approved") == 1
    room.approve(case, "sign", by="head")
    assert room.open(case) == "yes"


def test_who_signed_just_before_is_not_asked_again(room: Room) -> None:
    """A step whose only person signed the one before is skipped, also the last one: nobody else is asked in their place."""
    given = signing(step("一", HEAD), step("二", HEAD), step("三", DIRECTOR), step("四", DIRECTOR, mode="claim"))
    room.deploy(*given["body"], chains=given["chains"])
    case = room.start()
    room.approve(case, "sign", by="head")
    room.approve(case, "sign", by="director")
    assert room.open(case) == "yes" and room.variables(case)["verdict"] == "approved"
    assert sorted(room.values(sa.select(WorkRound.outcome).where(WorkRound.outcome.is_not(None)))) == [
        "approved",
        "approved",
        "skipped",
        "skipped",
    ]
    skipped = [entry.payload for entry in room.entries(case) if entry.event == "work:step:skipped"]
    assert [(each["step"], each["trace"]["policy"]) for each in skipped] == [("二", "signed_before"), ("四", "signed_before")]


def test_a_vacant_post_goes_to_the_administrators(room: Room) -> None:
    """A department without a head does not stop the case, and the reason is kept."""
    given = signing(step("部门", HEAD))
    room.deploy(*given["body"], chains=given["chains"])
    room.write(sa.delete(Headship).where(Headship.department_id == "service"))
    case = room.start()
    [trace] = room.values(sa.select(WorkRound.trace))
    assert trace["policy"] == "to_managers" and trace["tried"][0]["rule"] == "department_head"
    room.approve(case, "sign", by="admin")
    assert room.open(case) == "yes"


def test_a_step_that_nobody_can_sign_waits_for_an_administrator(room: Room) -> None:
    """Who signs the step before has signed; the item stands at the next one until somebody can be found for it."""
    given = signing(step("部门", HEAD), step("总监", DIRECTOR))
    room.deploy(*given["body"], chains=given["chains"])
    case = room.start()
    room.write(sa.delete(Holding).where(Holding.role.in_(["hr_director", "admin"])))
    room.approve(case, "sign", by="head", request_id="r")
    [incident] = room.incidents(case)
    assert incident.code == "nobody_signs" and incident.facts == {"step": "总监"}
    with pytest.raises(StepStands):
        room.approve(case, "sign", by="director")
    with pytest.raises(StepStands):
        room.complete(case, "sign", by="director")
    room.write(
        sa.insert(Holding).values([{"person_id": person("worker"), "role": "hr_director"}, {"person_id": person("admin"), "role": "admin"}])
    )
    room.manage(incidents.retry, incident.id)
    assert room.incidents(case) == []
    room.approve(case, "sign", by="worker")
    assert room.open(case) == "yes"


def test_two_approvers_at_the_same_moment(room: Room) -> None:
    """Of a step offered to several, one signs and the others learn who did."""
    given = signing(step("人事", HR, mode="claim"))
    room.deploy(*given["body"], chains=given["chains"])
    case = room.start()
    item = room.item(case, "sign")
    gate = threading.Barrier(2)

    def sign(by: str, act: Any) -> None:
        gate.wait()
        act(room.services, item, actor=person(by), opinion="意见", request_id=new_id())

    given_back = together(lambda: sign("hr", work.approve), lambda: sign("hr2", work.reject))
    assert sorted(type(each).__name__ for each in given_back) == ["AlreadyDecided", "NoneType"]
    assert room.events(case).count("work:item:completed") == 1 and room.open(case) in ("yes", "no")


def test_a_running_item_keeps_its_chain(room: Room) -> None:
    """An item goes on with the version of the chain it began with when an administrator changes the chain."""
    given = signing(step("部门", HEAD), step("总监", DIRECTOR))
    room.deploy(*given["body"], chains=given["chains"])
    case = room.start()
    with room.services.database.unit() as unit:
        versions.publish(unit.connection, key="c", name="新", name_en="New", steps=[step("人事", HR)], by=None, now=room.clock.now())
        unit.commit()
    room.approve(case, "sign", by="head")
    room.approve(case, "sign", by="director")
    assert room.open(case) == "yes"
    room.approve(room.start(), "sign", by="hr")


# --- what the diagram does with it


def test_an_expression_that_fails_does_not_undo_the_completion(room: Room) -> None:
    """The completion is stored with an incident that names the expression; after a correction the case goes on."""
    gate = node("exclusiveGateway", "gate", default="gate_no")
    ways = flows("start > a", "a > gate", "gate > yes: x", "gate > no", "yes > end", "no > end")
    task = user("a", zeebe("formDefinition", formId="f"))
    room.deploy(START, task, gate, user("yes"), user("no"), END, ways, forms={"f": form("x")})
    case = room.start()
    room.complete(case, "a", x="不是真假值")
    assert room.open(case) == "" and room.case(case).status == "running"
    [incident] = room.incidents(case)
    assert (incident.element, incident.code, incident.facts["expression"]) == ("gate", "feel_error", "x")
    room = room.restarted()
    room.manage(incidents.retry, incident.id)
    [again] = room.incidents(case)
    with pytest.raises(NotAllowed):
        room.manage(incidents.retry, again.id, by="hr", variables={"x": True})
    with pytest.raises(ItemClosed):
        room.manage(incidents.retry, again.id, input={"x": True})
    with pytest.raises(ItemClosed):
        room.manage(incidents.answer, again.id, value={"x": True})
    room.manage(incidents.retry, again.id, variables={"x": True}, request_id="c")
    room.manage(incidents.retry, again.id, variables={"x": True}, request_id="c")
    assert room.incidents(case) == [] and room.open(case) == "yes"
    with pytest.raises(ItemClosed):
        room.manage(incidents.retry, again.id)
    corrected = [entry for entry in room.entries(case) if entry.payload.get("resolution") == "corrected"]
    assert [(entry.actor, entry.payload["variables"]) for entry in corrected] == [(person("admin"), {"x": True})]


def test_branches_that_write_one_variable(room: Room) -> None:
    """条件 / 并行 (branches): the last one wins, and the ledger says whose value was overwritten unseen."""
    tasks = [user(name, zeebe("formDefinition", formId="f")) for name in ("a", "b")]
    split, join = node("parallelGateway", "split"), node("parallelGateway", "join")
    ways = flows("start > split", "split > a", "split > b", "a > join", "b > join", "join > z", "z > end")
    room.deploy(START, split, *tasks, join, user("z"), END, ways, forms={"f": form("x")})
    case = room.start()
    room.complete(case, "b", x="乙")
    room = room.restarted()
    room.complete(case, "a", x="甲")
    assert room.variables(case)["x"] == "甲" and room.open(case) == "z"
    over = [entry for entry in room.entries(case) if entry.event == "process:variable:overwritten"]
    assert [(entry.element, entry.payload["name"], entry.payload["written_by"]) for entry in over] == [("a", "x", "b")]


def test_a_loop_opens_new_work_each_time(room: Room) -> None:
    """Coming back to a task is a new item with sign-offs of its own; the earlier ones stay decided."""
    gate, merge = node("exclusiveGateway", "gate", default="gate_end"), node("exclusiveGateway", "merge")
    ways = flows("start > merge", "merge > a", "a > gate", 'gate > merge: x = "again"', "gate > end")
    room.deploy(START, merge, user("a", zeebe("formDefinition", formId="f")), gate, END, ways, forms={"f": form("x")})
    case = room.start()
    for _ in range(3):
        room.complete(case, "a", x="again")
    room.complete(case, "a", x="")
    assert sorted(room.values(sa.select(WorkItem.instance))) == ["a#1", "a#2", "a#3", "a#4"]
    assert room.values(sa.select(SignOff.state)) == ["approved"] * 4 and room.case(case).status == "closed"


def test_an_end_event_takes_other_work_away(room: Room) -> None:
    """What an error end leaves behind is closed as left, with the element that did it."""
    inner = (
        node("startEvent", "s"),
        node("parallelGateway", "split"),
        user("a"),
        user("b"),
        node("endEvent", "e"),
        node("endEvent", "stop", event("error", errorRef="E")),
        flows("s > split", "split > a", "split > b", "a > stop", "b > e"),
    )
    caught = node("boundaryEvent", "caught", event("error", errorRef="E"), attachedToRef="sub")
    ways = flows("start > sub", "sub > end", "caught > c", "c > end")
    room.deploy(START, node("subProcess", "sub", *inner), caught, user("c"), END, ways, named='<bpmn:error id="E" errorCode="E"/>')
    case = room.start()
    item = room.item(case, "b")
    room.complete(case, "a")
    assert room.open(case) == "c"
    [left] = [entry for entry in room.entries(case) if entry.event == "work:item:left"]
    assert left.element == "b" and left.payload["by"] in ("stop", "caught")
    with pytest.raises(ItemClosed):
        work.complete(room.services, item, actor=person("hr"), values={}, request_id="r")


def test_a_request_id_of_another_person_is_a_conflict(room: Room) -> None:
    """Two people whose programs use the same id both get a true answer: done, and sent twice."""
    room.deploy(*line("a", "b"))
    case = room.start()
    room.complete(case, "a", by="hr", request_id="r")
    with pytest.raises(Conflict):
        room.complete(case, "b", by="hr2", request_id="r")
    assert room.open(case) == "b"
