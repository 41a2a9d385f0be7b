"""What waits for a person, what they did, and the page of one work item."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, node, user, zeebe
from engine_room import Room, form, line, person

from engine import approvals, caselist, cases, endings, inbox, views, work
from engine.boxes import Filter
from engine.errors import FormInvalid, NotAllowed, NotFound
from engine.models import Holding, Person, SignOff, new_id
from engine.services import Services

HEAD = {"rule": "department_head", "of": "subject", "level": 1}
READ = {"managers": ["admin"], "readers": ["hr_director"]}
HR = {"rule": "role", "roles": ["hr"]}


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def box(room: Room, who: str, which: str = "group", **wanted: Any) -> list[str]:
    """Names of what is in a box, in its order."""
    wanted["words"] = wanted.get("words", "").split()
    return [row.name for row in inbox.inbox(room.services, person(who), box=which, wanted=Filter(**wanted)).rows]


def task(name: str, title: str = "", due: str = "", **assignment: str) -> str:
    """A user task with a title and a due time."""
    inner = [zeebe("assignmentDefinition", **(assignment or {"candidateGroups": "hr"}))]
    if due:
        inner.append(zeebe("taskSchedule", dueDate=due))
    return node("userTask", name, *inner, name=title or name)


def parallel(*tasks: str, names: str) -> tuple[str, ...]:
    ways = (f"split > {name}" for name in names)
    ends = (f"{name} > join" for name in names)
    split, join = node("parallelGateway", "split"), node("parallelGateway", "join")
    return START, split, *tasks, join, END, flows("start > split", *ways, *ends, "join > end")


def test_work_moves_from_box_to_box(room: Room) -> None:
    """Offered work is in the group's box, claimed work in the holder's alone, done work with who did it."""
    room.deploy(*line("a", "b"))
    case = room.start()
    item = room.item(case, "a")

    def where() -> dict[str, list[str]]:
        boxes = {f"{who} {which}": box(room, who, which) for who in ("hr", "hr2") for which in ("mine", "group", "done")}
        return {name: found for name, found in boxes.items() if found}

    assert where() == {"hr group": ["a"], "hr2 group": ["a"]}
    work.claim(room.services, item, actor=person("hr"), request_id="c")
    assert where() == {"hr mine": ["a"]}
    work.release(room.services, item, actor=person("hr"), request_id="r")
    assert where() == {"hr group": ["a"], "hr2 group": ["a"]}
    room.complete(case, "a", by="hr2")
    assert where() == {"hr group": ["b"], "hr2 group": ["b"], "hr2 done": ["a"]}
    room.manage(endings.terminate, case)
    assert where() == {"hr2 done": ["a"]}
    assert all(box(room, who, which) == [] for who in ("boss", "admin", "subject") for which in ("mine", "group", "done"))


def test_what_a_row_says(room: Room) -> None:
    """Case, subject, step in both languages, lane, times and whether it is late."""
    named = zeebe("properties", zeebe("property", name="wf.name.en", value="Assess"))
    lanes = node("laneSet", "lanes", node("lane", "l", "<bpmn:flowNodeRef>a</bpmn:flowNodeRef>", name="人事"))
    first = node(
        "userTask", "a", zeebe("assignmentDefinition", assignee=person("hr")), zeebe("taskSchedule", dueDate="PT2H"), named, name="评估"
    )
    room.deploy(lanes, START, first, END, flows("start > a", "a > end"))
    case = room.start()
    [row] = inbox.inbox(room.services, person("hr")).rows
    now = room.clock.now()
    assert (row.case_id, row.number, row.subject, row.title) == (case, room.case(case).number, "林小北", "流程：林小北")
    assert (row.name, row.name_en, row.lane, row.status, row.held) == ("评估", "Assess", "人事", "open", True)
    assert (row.opened_at, row.due_at, row.overdue, row.decided_at) == (now, now + dt.timedelta(hours=2), False, None)
    room.clock.move(hours=3)
    [row] = inbox.inbox(room.services, person("hr")).rows
    assert row.overdue
    room.complete(case, "a", by="hr")
    [row] = inbox.inbox(room.services, person("hr"), box="done").rows
    assert (row.status, row.overdue, row.decided_at, row.decision) == ("completed", False, room.clock.now(), "approved")


def test_counts(room: Room) -> None:
    """Mine, the groups', and what is late of both; the subject's own role counts nothing about themselves."""
    who = {"assignee": person("hr")}
    tasks = (
        task("a", due="PT1H", **who),
        task("b", **who),
        task("c", due="PT1H"),
        task("d", due="PT9H"),
        task("e", due="PT1H", candidateGroups="x"),
    )
    room.deploy(*parallel(*tasks, names="abcde"))
    room.start()
    rest = {"standing_in": 0, "copied": 0, "sent": 0}
    assert inbox.counts(room.services, person("hr")) == {**rest, "mine": 2, "group": 2, "overdue": 0}
    room.clock.move(hours=2)
    assert inbox.counts(room.services, person("hr")) == {**rest, "mine": 2, "group": 2, "overdue": 2}
    assert inbox.counts(room.services, person("hr2")) == {**rest, "mine": 0, "group": 2, "overdue": 1}
    assert inbox.counts(room.services, person("admin")) == {**rest, "mine": 0, "group": 0, "overdue": 0}
    room.write(sa.insert(Holding).values(person_id=person("subject"), role="hr"))
    assert inbox.counts(room.services, person("subject")) == {**rest, "mine": 0, "group": 0, "overdue": 0}
    assert box(room, "subject") == []


def test_the_order(room: Room) -> None:
    """The earliest due first, then what has no due time, the oldest first; done work the newest first."""
    tasks = [task("a"), task("b", due="PT9H"), task("c", due="PT1H"), task("d", due="PT5H")]
    room.deploy(*parallel(*tasks, names="abcd"))
    case = room.start()
    room.clock.move(minutes=1)
    room.deploy(*line("z"), procedure="later")
    room.start(procedure="later")
    assert box(room, "hr") == ["c", "d", "b", "a", "z"]
    for name in "dba":
        room.clock.move(minutes=1)
        room.complete(case, name)
    assert box(room, "hr", "done") == ["a", "b", "d"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["评估表现", "写100%方案", "审_查"]),
        ("评估", ["评估表现"]),
        ("林小北", ["评估表现", "写100%方案", "审_查"]),
        ("小北 方案", ["写100%方案"]),
        ("  评估   表现 ", ["评估表现"]),
        ("100%", ["写100%方案"]),
        ("%", ["写100%方案"]),
        ("_", ["审_查"]),
        ("\\", []),
        ("'; DROP TABLE cases; --", []),
        ("PLAN", ["写100%方案"]),
        ("王芳", []),
    ],
)
def test_searching(room: Room, words: str, found: list[str]) -> None:
    """Every word must be somewhere in number, title, subject or step; nothing in it is a wildcard, and case does not matter."""
    english = zeebe("properties", zeebe("property", name="wf.name.en", value="Communication plan"))
    tasks = task("a", "评估表现"), user("b", english, name="写100%方案"), task("c", "审_查")
    room.deploy(*parallel(*tasks, names="abc"))
    case = room.start()
    assert sorted(box(room, "hr", words=words)) == sorted(found)
    page = inbox.inbox(room.services, person("hr"), box="group", wanted=Filter(words=words.split()))
    assert page.total == len(found)
    assert len(box(room, "hr", words=room.case(case).number)) == 3


@pytest.mark.parametrize("sort", ["due", "newest", "oldest"])
@pytest.mark.parametrize("which", ["group", "done"])
def test_paging(room: Room, sort: str, which: str) -> None:
    """Every row is on exactly one page, whatever the size and the order, and the pages together are the whole list in its order."""
    room.deploy(*line("a"))
    room.deploy(*parallel(task("a", due="PT2H"), task("b", due="PT1H"), task("c", due="PT1H"), names="abc"), procedure="more")
    started = [room.start(procedure=("test", "more")[number % 2]) for number in range(5)]
    if which == "done":
        for number, case in enumerate(started):
            for name in "abc" if number % 2 else "a":
                room.complete(case, name)
    whole = [row.sign_off_id for row in inbox.inbox(room.services, person("hr"), box=which, wanted=Filter(sort=sort), size=100).rows]
    assert len(set(whole)) == 9
    for size in (1, 4, 9, 50):
        found: list[str] = []
        after: str | None = ""
        while after is not None:
            page = inbox.inbox(room.services, person("hr"), box=which, wanted=Filter(sort=sort), after=after, size=size)
            assert page.total == 9 and 0 < len(page.rows) <= size
            found += [row.sign_off_id for row in page.rows]
            after = page.next
        assert found == whole
    assert inbox.inbox(room.services, person("hr"), box=which, after=new_id()).rows == []


def test_filters(room: Room) -> None:
    """By procedure, step, due time and the department of the employee; each leaves out what does not fit, and all are offered."""
    due = (task("late", due="PT1H"), task("today", due="PT5H"), task("week", due="P1D"), task("next", due="P9D"), task("never"))
    room.deploy(*parallel(*due, names=("late", "today", "week", "next", "never")))
    room.deploy(*line("z"), procedure="later")
    room.start(), room.start(procedure="later")
    room.clock.move(hours=2)
    assert box(room, "hr", due="late") == ["late"] and box(room, "hr", due="today") == ["today"]
    assert box(room, "hr", due="week") == ["today", "week"] and box(room, "hr", due="none") == ["never", "z"]
    assert box(room, "hr", procedure="later") == ["z"] and box(room, "hr", step="next") == ["next"]
    offered = inbox.choices(room.services, person("hr"), "group")
    assert [each.key for each in offered.procedures] == ["later", "test"]
    assert [each.key for each in offered.steps] == ["late", "never", "next", "today", "week", "z"]
    [own] = [each.key for each in offered.departments]
    assert len(box(room, "hr", department=own)) == 6 and box(room, "hr", department="nowhere") == []
    assert box(room, "hr", department=own, words="林小北", procedure="test", due="none") == ["never"]
    with pytest.raises(NotFound):
        box(room, "hr", due="someday")
    with pytest.raises(NotFound):
        box(room, "hr", sort="colour")


def test_a_signer_s_time_begins_when_it_is_their_turn(room: Room) -> None:
    """How much is left is told against the time since the sign-off was opened, not since the work item was."""
    room.deploy(*parallel(task("a", due="P2D"), names="a"))
    room.start()
    room.clock.move(hours=30)
    [row] = inbox.inbox(room.services, person("hr"), box="group").rows
    assert row.term is not None and row.term.level == "amber"
    room.write(sa.update(SignOff).values(opened_at=room.clock.now()))
    [row] = inbox.inbox(room.services, person("hr"), box="group").rows
    assert row.term is not None and (row.term.level, row.term.minutes) == ("green", 180)


def test_what_somebody_holds_for_somebody_absent(room: Room) -> None:
    """It is among their own work with the absent one's name, and in a box of its own."""
    room.deploy(*line("a", "b"))
    case = room.start()
    work.claim(room.services, room.item(case, "a"), actor=person("hr"), request_id="c")
    assert box(room, "hr", "standing_in") == [] and inbox.counts(room.services, person("hr"))["standing_in"] == 0
    room.write(sa.update(SignOff).where(SignOff.state == "open").values(for_id=person("hr2")))
    assert box(room, "hr", "standing_in") == ["a"] == box(room, "hr", "mine")
    [row] = inbox.inbox(room.services, person("hr")).rows
    assert row.in_place_of == "周洁" and inbox.counts(room.services, person("hr"))["standing_in"] == 1


def test_the_cases_somebody_started(room: Room) -> None:
    """The newest first, page after page, whoever works on them; those of others and those about themselves are not among them."""
    room.deploy(*line("a"))
    started = []
    for _ in range(5):
        room.clock.move(minutes=1)
        started.append(room.start())
    who = room.case(started[0]).initiator_id
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        rows, after = caselist.sent(room.services, reader=who, after=after, size=2)
        found += [row.id for row in rows]
    assert found == started[::-1]
    assert inbox.counts(room.services, who)["sent"] == 5
    room.complete(started[0], "a")
    assert [row.id for row in caselist.sent(room.services, reader=who, status="closed")[0]] == [started[0]]
    assert [row.id for row in caselist.sent(room.services, reader=who, search=room.case(started[1]).number)[0]] == [started[1]]
    assert inbox.counts(room.services, who)["sent"] == 4
    assert caselist.sent(room.services, reader=person("hr2")) == ([], None)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("小北", 2),
        ("北", 2),
        ("王芳", 1),
        ("陈立", 2),
        ("评估", 2),
        ("归档", 1),
        ("ARCHIVE", 1),
        ("王芳 归档", 1),
        ("王芳 100%", 0),
        ("周洁", 0),
    ],
)
def test_searching_the_cases(room: Room, words: str, found: int) -> None:
    """Names of the employee, of who started the case and of who signed, and the steps so far, in words of one character or more."""
    english = zeebe("properties", zeebe("property", name="wf.name.en", value="Archive"))
    room.deploy(START, user("a", name="评估表现"), user("b", english, name="归档"), END, flows("start > a", "a > b", "b > end"), rules=READ)
    first, _ = room.start(), room.start()
    room.complete(first, "a", by="hr")
    room.write(sa.update(Person).where(Person.id == person("boss")).values(name="陈立"))
    assert caselist.cases(room.services, reader=person("admin"), search=words)[1] == found
    assert caselist.cases(room.services, reader=person("other"), search=words) == ([], 0)
    assert len(caselist.sent(room.services, reader=person("boss"), search=words)[0]) == found


def test_whom_a_case_is_about_learns_nothing_from_a_search(room: Room) -> None:
    """Who has a part in a case about themselves finds it by what they see of it, not by its steps or by who signed."""
    mine = zeebe("properties", zeebe("property", name="wf.for", value="subject"))
    room.deploy(START, user("a", name="评估表现"), node("userTask", "b", mine, name="陈述"), END, flows("start > a", "a > b", "b > end"))
    case = room.start()
    room.complete(case, "a", by="hr")
    found = {words: caselist.cases(room.services, reader=person("subject"), search=words)[1] for words in ("小北", "评估", "王芳")}
    assert found == {"小北": 1, "评估": 0, "王芳": 0}


def test_views_are_kept_by_their_owner(room: Room) -> None:
    """A view comes back with its filters; the same name replaces it; nobody else sees or deletes it; there is room for twenty."""
    own, other = person("hr"), person("hr2")
    late = Filter(words=["林小北"], due="late", sort="newest")
    views.save(room.services, own, name=" 急  件 ", box="mine", wanted=late)
    [kept] = views.views(room.services, own)
    assert (kept.name, kept.box, kept.wanted) == ("急 件", "mine", late) and views.views(room.services, other) == []
    views.save(room.services, own, name="急 件", box="group", wanted=Filter(step="审批"))
    [kept] = views.views(room.services, own)
    assert (kept.box, kept.wanted) == ("group", Filter(step="审批"))
    views.forget(room.services, other, kept.id)
    assert len(views.views(room.services, own)) == 1
    with pytest.raises(FormInvalid):
        views.save(room.services, own, name="  ", box="mine", wanted=late)
    for number in range(19):
        views.save(room.services, own, name=f"视图{number}", box="mine", wanted=late)
    with pytest.raises(FormInvalid):
        views.save(room.services, own, name="再来一个", box="mine", wanted=late)
    views.forget(room.services, own, kept.id)
    assert len(views.views(room.services, own)) == 19


def test_a_box_that_does_not_exist(room: Room) -> None:
    """A mistyped box is answered as such."""
    with pytest.raises(NotFound):
        inbox.inbox(room.services, person("hr"), box="everything")


# --- the page of a work item


def verbs(room: Room, item: str, **expected: str) -> None:
    """What each of them may do with the item, beside showing it to others."""
    for who, words in expected.items():
        assert inbox.item_page(room.services, item, reader=person(who)).may - {"copy"} == frozenset(words.split()), who


def test_what_a_reader_may_do(room: Room) -> None:
    """Exactly what the commands would allow: candidates, the holder, readers without a part, after the end nobody."""
    room.deploy(*line("a", "b"), rules={"managers": ["admin"], "readers": ["hr_director"]})
    case = room.start()
    item = room.item(case, "a")
    verbs(room, item, hr="complete save claim", hr2="complete save claim", boss="urge", admin="urge", director="")
    work.claim(room.services, item, actor=person("hr"), request_id=new_id())
    verbs(room, item, hr="complete save release", hr2="", boss="urge")
    room.manage(cases.suspend, case)
    verbs(room, item, hr="", hr2="")
    room.manage(cases.resume, case)
    room.complete(case, "a", by="hr")
    verbs(room, item, hr="withdraw", hr2="", boss="")
    for who in ("worker", "other", "subject"):
        with pytest.raises(NotAllowed):
            inbox.item_page(room.services, item, reader=person(who))
    with pytest.raises(NotFound):
        inbox.item_page(room.services, "0" * 32, reader=person("hr"))


def test_the_steps_of_a_chain(room: Room) -> None:
    """Who signed, who may sign now and why, and what is still to come, with opinions."""
    steps = [
        {"name": "部门", "name_en": "Head", "mode": "single", "approvers": [HEAD]},
        {"name": "人事", "name_en": "HR", "mode": "claim", "approvers": [HR]},
    ]
    sign = node("userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="c")))
    chain = {"c": {"name": "审批", "name_en": "x", "steps": steps}}
    room.deploy(START, sign, END, flows("start > sign", "sign > end"), chains=chain)
    case = room.start()
    item = room.item(case, "sign")

    def seen() -> list[tuple[Any, ...]]:
        page = inbox.item_page(room.services, item, reader=person("admin"))
        return [(step.name, step.state, sorted(step.people), step.opinion) for step in page.steps]

    assert seen() == [("部门", "open", ["赵敏"], ""), ("人事", "waiting", ["周洁", "王芳"], "")]
    verbs(room, item, head="approve reject return transfer delegate add", boss="urge")
    room.approve(case, "sign", by="head", opinion="情况属实")
    assert seen() == [("部门", "approved", ["赵敏"], "情况属实"), ("人事", "open", ["周洁", "王芳"], "")]
    verbs(
        room,
        item,
        head="withdraw urge",
        hr="approve reject claim return transfer delegate add",
        hr2="approve reject claim return transfer delegate add",
    )
    work.reject(room.services, item, actor=person("hr2"), opinion="材料不全", request_id=new_id())
    assert seen() == [("部门", "approved", ["赵敏"], "情况属实"), ("人事", "rejected", ["周洁"], "材料不全")]
    page = inbox.item_page(room.services, item, reader=person("admin"))
    assert page.steps[0].trace["tried"][0]["rule"] == "department_head" and page.case_status == "closed"


def test_the_approvals_of_a_case(room: Room) -> None:
    """Each item that a chain describes, while it is open with whoever would sign next; opinions only for who may read them."""
    steps = [
        {"name": "部门", "name_en": "Head", "mode": "single", "approvers": [HEAD]},
        {"name": "人事", "name_en": "HR", "mode": "claim", "approvers": [HR]},
    ]
    sign = node("userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="c")), name="审批")
    body = (START, sign, user("after"), END, flows("start > sign", "sign > after", "after > end"))
    room.deploy(*body, chains={"c": {"name": "审批", "name_en": "x", "steps": steps}}, rules=READ)
    case = room.start()
    room.approve(case, "sign", by="head", opinion="情况属实")

    def seen(reader: str) -> list[tuple[str, str, str]]:
        [one] = approvals.approvals(room.services, case, reader=person(reader))
        assert one.name == "审批"
        return [(step.state, step.expected or "", step.opinion) for step in one.steps]

    assert seen("admin") == [("approved", "", "情况属实"), ("open", "", "")] == seen("head")
    assert seen("boss") == [("approved", "", ""), ("open", "", "")]
    with pytest.raises(NotAllowed):
        approvals.approvals(room.services, case, reader=person("subject"))
    room.approve(case, "sign", by="hr")
    assert [state for state, _, _ in seen("admin")] == ["approved", "approved"]
    later = room.start()
    [one] = approvals.approvals(room.services, later, reader=person("admin"))
    assert [(step.state, step.expected) for step in one.steps] == [("open", None), ("waiting", "signs")]


def test_the_form_with_values_and_draft(room: Room) -> None:
    """The case's values, over them the reader's own draft and nobody else's; afterwards what was submitted."""
    forms = {"f": form("x", "y")}
    tasks = [user(name, zeebe("formDefinition", formId="f")) for name in "ab"]
    hidden = zeebe("properties", zeebe("property", name="wf.field.y", value="hidden"))
    tasks.append(user("c", zeebe("formDefinition", formId="f"), hidden))
    room.deploy(START, *tasks, END, flows("start > a", "a > b", "b > c", "c > end"), forms=forms, rules={"readers": ["hr"]})
    case = room.start()
    first = room.item(case, "a")
    room.complete(case, "a", x="一", y="二")
    item = room.item(case, "b")
    work.save_draft(room.services, item, actor=person("hr"), values={"x": "草稿"})
    mine = inbox.item_page(room.services, item, reader=person("hr"))
    assert (mine.draft.values, mine.values["x"], mine.variables["x"]) == ({"x": "草稿"}, "一", "一")
    assert inbox.item_page(room.services, item, reader=person("hr2")).values["x"] == "一"
    assert mine.form is not None and [field["key"] for field in mine.form["components"]] == ["x", "y"]
    room.complete(case, "b", x="三", y="")
    assert inbox.item_page(room.services, first, reader=person("hr")).values["x"] == "一"
    assert inbox.item_page(room.services, room.item(case, "c"), reader=person("hr")).permissions == {"y": "hidden"}


def test_what_was_chained_and_lit(room: Room) -> None:
    """The diagram shows the item's element while it is open, and what is done."""
    room.deploy(*line("a", "b"))
    case = room.start()
    first = room.item(case, "a")
    page = inbox.item_page(room.services, first, reader=person("hr"))
    assert (page.lit, page.done) == ({"a"}, {"start"})
    room.complete(case, "a")
    page = inbox.item_page(room.services, first, reader=person("hr"))
    assert (page.lit, page.done) == (frozenset(), {"start", "a"})
    assert [event.event for event in page.timeline][-2:] == ["work:item:completed", "work:item:opened"]
    assert dataclasses.asdict(page)["closed_at"] == room.clock.now()
