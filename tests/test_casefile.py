"""The case as people read it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, node, service, timer, user, zeebe
from engine_room import Room, line, person
from twins import ScriptedOperation

from engine import casefile, caselist, cases, endings, incidents, originals, work
from engine.errors import NotAllowed, NotFound, Refused, SealBroken, TryAgain
from engine.models import Snapshot
from engine.ports import Answer, Exchange
from engine.services import Services

RULES = {"managers": ["admin"], "readers": ["hr"], "no_way_back": ["b"]}
SAID = Exchange(system="ehr", request={"token": "***"}, answer='{"minutes":  150}', status="200")


@pytest.fixture
def make(services: Services) -> Any:
    return lambda *operations: Room(services, *operations)


def page(room: Room, case: str, reader: str = "admin") -> casefile.CasePage:
    return casefile.case_page(room.services, case, reader=person(reader))


def test_the_timeline_tells_who_did_what_when(make: Any) -> None:
    """Each entry with person, role, step in both languages and time, in the order in which it happened."""
    room: Room = make()
    lanes = node("laneSet", "lanes", node("lane", "l", "<bpmn:flowNodeRef>a</bpmn:flowNodeRef>", name="人事"))
    task = user("a", zeebe("properties", zeebe("property", name="wf.name.en", value="Assess")), name="评估")
    room.deploy(lanes, START, task, END, flows("start > a", "a > end"))
    case = room.start()
    room.clock.move(hours=1)
    room.complete(case, "a")
    found = page(room, case)
    assert [event.event for event in found.timeline] == ["case:started", "work:item:opened", "work:item:completed", "case:closed"]
    done = found.timeline[2]
    assert (done.actor or {})["name"] == "王芳" and (done.role, done.name, done.name_en) == ("人事", "评估", "Assess")
    assert done.at == room.clock.now() and [event.number for event in found.timeline] == [1, 2, 3, 4]
    assert (found.status, found.outcome, found.closed_at, found.done) == ("closed", "completed", room.clock.now(), {"start", "a"})
    assert all("salt" not in event.detail for event in found.timeline)


def test_open_steps_say_who_is_waited_for(make: Any) -> None:
    """A claimed one its holder, an offered one everybody who may take it, with since when and until when."""
    room: Room = make()
    late = user("a", zeebe("taskSchedule", dueDate="PT2H"))
    split = node("parallelGateway", "split"), node("parallelGateway", "join")
    ways = flows("start > split", "split > a", "split > b", "a > join", "b > join", "join > end")
    room.deploy(START, *split, late, user("b"), END, ways)
    case = room.start()
    work.claim(room.services, room.item(case, "b"), actor=person("hr"), request_id="c")
    found = {step.element: step for step in page(room, case).open}
    assert sorted(found["a"].holders) == ["周洁", "王芳"] and found["b"].holders == ["王芳"]
    assert found["a"].due_at == room.clock.now() + dt.timedelta(hours=2) and found["a"].since == room.clock.now()
    assert page(room, case).lit == {"a", "b"}


def test_calls_with_their_attempts_and_answers(make: Any) -> None:
    """Every attempt with its result, the snapshot of what was said, and whether the page should look again soon."""
    again = TryAgain(system="ehr", operation="ehr.usage", reason="503")
    room: Room = make(ScriptedOperation("ehr.usage", answers=[again, Answer(value={"hours": 1}, exchanges=[SAID])]))
    room.deploy(START, service("call", operation="ehr.usage", name="读取"), user("a"), END, flows("start > call", "call > a", "a > end"))
    case = room.start()
    found = page(room, case)
    assert found.working and found.lit == {"call"} and [call.state for call in found.calls] == ["waiting"]
    room.run()
    room.clock.move(minutes=1)
    room.run()
    found = page(room, case)
    [call] = found.calls
    assert (call.operation, call.name, call.state, call.key) == ("ehr.usage", "读取", "done", f"{case}:call#1")
    assert [(each["number"], each["result"]) for each in call.attempts] == [(1, "try_again"), (2, "done")]
    [snapshot] = found.snapshots
    assert (snapshot.system, snapshot.element, snapshot.status) == ("ehr", "call", "200")
    assert not found.working and found.done == {"start", "call"} and found.variables["hours"] == 1


def test_reading_a_snapshot_is_recorded(make: Any) -> None:
    """What the system said comes back unchanged with what it was asked, and who read it is in the ledger; a damaged one is refused."""
    room: Room = make(ScriptedOperation("ehr.usage", answers=[Answer(value={"hours": 1}, exchanges=[SAID])]))
    room.deploy(
        START,
        service("call", operation="ehr.usage"),
        user("a"),
        END,
        flows("start > call", "call > a", "a > end"),
        rules=RULES | {"no_way_back": []},
    )
    case = room.start()
    room.run()
    [row] = page(room, case).snapshots
    before = room.case(case)
    room.clock.move(hours=1)
    opened = originals.read_snapshot(room.services, row.id, reader=person("hr"))
    assert (opened.content.decode(), opened.request, opened.row, opened.case_id) == (SAID.answer, SAID.request, row, case)
    entries = room.entries(case)
    last = entries[-1]
    assert (last.event, last.actor, last.at) == ("evidence:snapshot:read", person("hr"), room.clock.now())
    assert last.payload["snapshot"] == row.id and room.case(case).revision == before.revision
    room.complete(case, "a")
    room.write(sa.update(Snapshot).values(content=room.services.keyring.seal(b"{}", "elsewhere")))
    with pytest.raises(SealBroken):
        originals.read_snapshot(room.services, row.id, reader=person("hr"))
    assert [event for event in room.events(case) if event == last.event] == [last.event]


@pytest.mark.parametrize(
    ("status", "boss", "admin", "hr"),
    [
        ("running", "cancel", "terminate suspend repair", ""),
        ("suspended", "", "terminate resume repair", ""),
        ("beyond", "", "terminate suspend repair", ""),
        ("closed", "", "void repair", ""),
    ],
)
def test_what_a_reader_may_do_with_the_case(make: Any, status: str, boss: str, admin: str, hr: str) -> None:
    """The page offers what the commands allow, and nothing else, beside showing it to others."""
    room: Room = make()
    room.deploy(*line("a", "b"), rules=RULES)
    case = room.start()
    if status == "suspended":
        room.manage(cases.suspend, case)
    elif status == "beyond":
        room.complete(case, "a")
    elif status == "closed":
        room.manage(endings.terminate, case)
    found = {who: page(room, case, who).may - {"copy"} for who in ("boss", "admin", "hr")}
    assert found == {"boss": frozenset(boss.split()), "admin": frozenset(admin.split()), "hr": frozenset(hr.split())}


def test_incidents_for_those_who_manage(make: Any) -> None:
    """Unresolved ones first, with step, system and reason; nobody else gets the list."""
    refused = Refused(system="ehr", operation="ehr.usage", reason="unknown employee")
    room: Room = make(ScriptedOperation("ehr.usage", answers=[refused]))
    body = START, service("call", operation="ehr.usage", name="读取"), END, flows("start > call", "call > end")
    room.deploy(*body, rules=RULES | {"no_way_back": []})
    first, second = room.start(), room.start()
    room.run()
    room.manage(incidents.answer, room.incidents(first)[0].id, value={}, reason="电话核实")
    found = incidents.managed(room.services, reader=person("admin"))
    assert [(row.case_id, row.name, row.operation, row.code, row.resolution) for row in found] == [
        (second, "读取", "ehr.usage", "refused", None),
        (first, "读取", "ehr.usage", "refused", "answered"),
    ]
    assert found[0].template.format(**found[0].facts) == refused.message and found[1].reason == "电话核实"
    for who in ("boss", "hr", "subject"):
        with pytest.raises(NotAllowed):
            incidents.managed(room.services, reader=person(who))
    assert [row.id for row in page(room, second).incidents] == [found[0].id]


def test_the_list_of_cases(make: Any) -> None:
    """Newest first, by status, by words in Chinese, in pages; only those the reader may open."""
    room: Room = make()
    room.deploy(*line("a", "b"), rules=RULES)
    mine = []
    for _ in range(3):
        room.clock.move(hours=1)
        mine.append(room.start())
    other = room.start(by="other", about="worker")
    room.manage(endings.terminate, mine[0])
    room.manage(cases.suspend, mine[1])

    def listed(reader: str, **more: Any) -> tuple[list[str], int]:
        rows, total = caselist.cases(room.services, reader=person(reader), **more)
        return [row.id for row in rows], total

    assert listed("boss") == (mine[::-1], 3)
    assert listed("other") == ([other], 1) and listed("worker") == ([], 0)
    assert listed("hr")[1] == listed("admin")[1] == 4
    assert listed("boss", status="closed") == ([mine[0]], 1)
    assert listed("boss", status="suspended") == ([mine[1]], 1)
    assert listed("boss", status="running") == ([mine[2]], 1)
    assert listed("hr", search="马骏") == ([other], 1) and listed("hr", search="马骏 流程") == ([other], 1)
    assert listed("boss", search="马骏") == ([], 0) and listed("boss", search="%") == ([], 0)
    assert listed("hr", search=room.case(other).number.lower()) == ([other], 1)
    assert [listed("boss", page=number, size=2)[0] for number in (1, 2, 3)] == [mine[:0:-1], [mine[0]], []]


def test_a_page_of_a_case_that_is_not_there(make: Any) -> None:
    """An unknown id is answered as such, and a stranger is refused."""
    room: Room = make()
    room.deploy(*line("a"))
    case = room.start()
    with pytest.raises(NotFound):
        page(room, "0" * 32)
    with pytest.raises(NotAllowed):
        page(room, case, "other")


def test_a_waiting_timer_is_no_work_in_progress(make: Any) -> None:
    """The page of a case that only waits for a day to pass does not ask again and again."""
    room: Room = make()
    room.deploy(START, node("intermediateCatchEvent", "later", timer(duration="P1D")), END, flows("start > later", "later > end"))
    case = room.start()
    assert not page(room, case).working
    room.clock.move(days=1)
    assert page(room, case).working
