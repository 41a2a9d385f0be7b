"""撤销, 终止 and 作废: who may end a case, when it is too late, what a second person decides, and what stays to be read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, mapping, service, user
from engine_room import Room, line, person, together
from twins import ScriptedOperation

from engine import casefile, caselist, cases, endings, returns, work
from engine.errors import (
    CaseNotRunning,
    CaseVoid,
    EndingAsked,
    FormInvalid,
    ItemClosed,
    NotAllowed,
    NothingAsked,
    NoWayBack,
    PartwellError,
    VersionSuspended,
)
from engine.ledger import Event
from engine.models import Ending, ProcedureVersion, SignOff, WorkItem, new_id
from engine.ports import Answer, Call
from engine.rules import faults
from engine.services import Services

MANAGED = {"managers": ["admin", "hr_director"]}
RULES = {**MANAGED, "no_way_back": ["b"], "second_person": ["b"]}


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def seen(room: Room, case: str, by: str) -> casefile.CasePage:
    return casefile.case_page(room.services, case, reader=person(by))


def may(room: Room, case: str, by: str) -> set[str]:
    return set(seen(room, case, by).may) & {"cancel", "terminate", "void", "confirm", "decline"}


def works(room: Room, case: str, by: str) -> set[str]:
    """Verbs that raise nothing, each tried in a case of its own kind: the transaction is given up."""
    found = set()
    for act in (endings.cancel, endings.terminate, endings.void, endings.confirm, endings.decline):
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("engine.turn.Turn.commit", _given_up)
                room.manage(act, case, by=by)
        except _GivenUp:
            found.add(act.__name__)
        except PartwellError:
            pass
    return found


class _GivenUp(Exception):
    pass


def _given_up(turn: Any) -> None:
    raise _GivenUp


def test_cancel_ends_the_case_and_keeps_everything(services: Services) -> None:
    """撤销 (cancel): open work closes, what was done stays to be read, the ledger tells why and what was done outside."""
    room = Room(services, ScriptedOperation("payroll.stop", answers=({"ok": True},)))
    call = service("call", mapping({}, {"ok": "=ok"}), operation="payroll.stop")
    room.deploy(START, user("a"), call, user("c"), END, flows("start > a", "a > call", "call > c", "c > end"), rules=MANAGED)
    case = room.start()
    room.complete(case, "a")
    room.run()
    told = endings.prospect(room.services, case, actor=person("boss"))
    assert [step.element for step in told.left] == ["c"] and [(e.operation, e.state) for e in told.effects] == [("payroll.stop", "done")]
    before = room.entries(case)
    room.manage(endings.cancel, case, by="boss", reason="误报", request_id="again")
    room.manage(endings.cancel, case, by="boss", reason="误报", request_id="again")
    row, entries = room.case(case), room.entries(case)
    assert (row.status, row.outcome) == ("closed", "cancelled") and entries[: len(before)] == before
    assert room.values(sa.select(WorkItem.status).order_by(WorkItem.opened_at)) == ["completed", "left"]
    assert room.values(sa.select(SignOff.state).order_by(SignOff.opened_at)) == ["approved", "lapsed"]
    [closing] = [entry for entry in entries if entry.event == Event.CASE_CLOSED]
    assert (closing.actor, closing.payload["reason"]) == (person("boss"), "误报")
    assert [effect["operation"] for effect in closing.payload["effects"]] == ["payroll.stop"]


def test_cancel_is_for_the_initiator_while_there_is_a_way_back(room: Room) -> None:
    """撤销 (cancel): nobody else, not without a reason, not past the point that the rules name, and not where they forbid it."""
    room.deploy(*line("a", "b", "c"), rules=RULES)
    case = room.start()
    for by in ("head", "admin", "hr", "subject", "director"):
        with pytest.raises(NotAllowed):
            room.manage(endings.cancel, case, by=by)
    with pytest.raises(FormInvalid) as refused:
        room.manage(endings.cancel, case, by="boss", reason=" \n")
    assert set(refused.value.fields) == {"reason"}
    assert may(room, case, "boss") == works(room, case, "boss") == {"cancel"}
    room.complete(case, "a")
    with pytest.raises(NoWayBack, match="b"):
        room.manage(endings.cancel, case, by="boss")
    assert may(room, case, "boss") == works(room, case, "boss") == set()
    room.deploy(*line("a", "b"), rules={**RULES, "cancel": []})
    other = room.start()
    with pytest.raises(NotAllowed, match="terminate"):
        room.manage(endings.cancel, other, by="boss")
    assert may(room, other, "boss") == set()


def test_cancel_races_with_a_completion(room: Room) -> None:
    """撤销 (cancel): at the same moment as the last task, one of the two takes place and the other is told so."""
    room.deploy(*line("a"))
    for _ in range(5):
        case = room.start()
        done = partial(work.complete, room.services, room.item(case, "a"), actor=person("hr"), values={}, request_id=new_id())
        given = together(done, partial(room.manage, endings.cancel, case, by="boss"))
        assert sum(one is None for one in given) == 1
        assert any(isinstance(one, ItemClosed | CaseNotRunning) for one in given)
        assert room.case(case).outcome == ("completed" if given[0] is None else "cancelled")
        room.entries(case)


def test_cancel_waits_where_the_version_is_suspended(room: Room) -> None:
    """撤销 (cancel): nothing of a held version moves, and so it is not offered."""
    room.deploy(*line("a"), rules=MANAGED)
    case = room.start()
    room.write(sa.update(ProcedureVersion).values(suspended=True))
    with pytest.raises(VersionSuspended):
        room.manage(endings.cancel, case, by="boss")
    assert may(room, case, "boss") == set()


def test_cancel_keeps_what_a_call_under_way_answers(services: Services) -> None:
    """撤销 (cancel): the running call finishes, its answer stands in the ledger, nothing follows from it, and it is sealed, too."""
    found: list[str] = []

    def cancelling(call: Call) -> Answer:
        room.manage(endings.cancel, found[0], by="boss")
        return Answer(value={"hours": 1})

    room = Room(services, ScriptedOperation("ehr.usage", answers=(cancelling,)))
    call = service("call", mapping({}, {"hours": "=hours"}), operation="ehr.usage")
    room.deploy(START, call, user("a"), END, flows("start > call", "call > a", "a > end"))
    found.append(room.start())
    room.run()
    done = [entry for entry in room.entries(found[0]) if entry.event == Event.OPERATION_DONE]
    assert [(entry.payload["value"], entry.payload["late"]) for entry in done] == [({"hours": 1}, True)]
    assert (room.case(found[0]).outcome, room.open(found[0]), room.variables(found[0]).get("hours")) == ("cancelled", "", None)
    assert {job.state for job in room.jobs(found[0])} == {"done"} and len(room.attempts(found[0])) == 1
    assert sum(job.kind == "seal" for job in room.jobs(found[0])) == 2


def test_terminate_by_one_manager_before_the_point(room: Room) -> None:
    """终止 (terminate): a manager ends the case at once, suspended or not; nobody else may, the subject never."""
    room.deploy(*line("a", "b"), rules=RULES)
    case, held = room.start(), room.start()
    for by in ("boss", "hr", "subject"):
        with pytest.raises(NotAllowed):
            room.manage(endings.terminate, case, by=by)
    room.manage(endings.terminate, case)
    assert (room.case(case).outcome, room.values(sa.select(Ending.state))) == ("terminated", ["done"])
    with pytest.raises(CaseNotRunning):
        room.manage(endings.terminate, case)
    room.manage(cases.suspend, held)
    room.manage(endings.terminate, held)
    assert room.case(held).outcome == "terminated"


def test_terminate_past_the_point_needs_a_second_person(room: Room) -> None:
    """终止 (terminate): the first asks, another manager confirms; until then everything goes on, and the page shows that it waits."""
    room.deploy(*line("a", "b", "c"), rules=RULES)
    case = room.start()
    room.complete(case, "a")
    room.manage(endings.terminate, case, reason="双方和解")
    assert room.case(case).status == "running" and room.open(case) == "b"
    page = seen(room, case, "director")
    assert page.asked is not None and (page.asked.act, page.asked.by, page.asked.reason) == ("terminate", "吴凡", "双方和解")
    assert seen(room, case, "boss").asked is None
    assert may(room, case, "director") == works(room, case, "director") == {"confirm", "decline"}
    assert may(room, case, "admin") == works(room, case, "admin") == {"decline"}
    with pytest.raises(EndingAsked, match="吴凡"):
        room.manage(endings.terminate, case, by="director")
    with pytest.raises(NotAllowed, match="another manager"):
        room.manage(endings.confirm, case)
    room.complete(case, "b")
    room.manage(endings.confirm, case, by="director", reason="同意", request_id="once")
    room.manage(endings.confirm, case, by="director", reason="同意", request_id="once")
    [closing] = [entry for entry in room.entries(case) if entry.event == Event.CASE_CLOSED]
    assert (closing.actor, closing.payload["outcome"]) == (person("director"), "terminated")
    assert (closing.payload["asked_by"], closing.payload["reason"]) == ({"id": person("admin"), "name": "吴凡"}, "双方和解")
    with pytest.raises(NothingAsked):
        room.manage(endings.confirm, case, by="director")


def test_terminate_is_declined_or_taken_back(room: Room) -> None:
    """终止 (terminate): declined, the case goes on and it can be asked for again; who asked may take it back; both are on record."""
    room.deploy(*line("a", "b", "c"), rules=RULES)
    case = room.start()
    room.complete(case, "a")
    room.manage(endings.terminate, case)
    with pytest.raises(FormInvalid):
        room.manage(endings.decline, case, by="director", reason="")
    with pytest.raises(NotAllowed):
        room.manage(endings.decline, case, by="boss")
    room.manage(endings.decline, case, by="director", reason="证据不足")
    assert may(room, case, "director") == {"terminate"} and room.open(case) == "b"
    room.manage(endings.terminate, case, by="director")
    room.manage(endings.decline, case, by="director")
    told = [(e.event, e.actor) for e in room.entries(case) if e.event in (Event.ENDING_ASKED, Event.ENDING_DECLINED)]
    assert told == [
        (Event.ENDING_ASKED, person("admin")),
        (Event.ENDING_DECLINED, person("director")),
        (Event.ENDING_ASKED, person("director")),
        (Event.ENDING_DECLINED, person("director")),
    ]


def test_terminate_asked_for_lapses_where_the_case_ends_by_itself(room: Room) -> None:
    """终止 (terminate): an old request does not come back to life in a case that was opened again."""
    room.deploy(*line("a", "b"), rules=RULES)
    case = room.start()
    room.complete(case, "a")
    room.manage(endings.terminate, case)
    room.complete(case, "b")
    assert seen(room, case, "director").asked is None and may(room, case, "director") == works(room, case, "director") == {"void"}
    with pytest.raises(NothingAsked):
        room.manage(endings.confirm, case, by="director")
    which = {"actor": person("admin"), "reason": "x", "request_id": new_id()}
    returns.reopen(room.services, case, "b", **which)
    assert seen(room, case, "director").asked is None and room.values(sa.select(Ending.state)) == ["lapsed"]


def test_terminate_confirmed_by_two_at_once_happens_once(room: Room) -> None:
    """终止 (terminate): confirmed and declined at the same moment, one of the two counts."""
    room.deploy(*line("a", "b"), rules=RULES)
    case = room.start()
    room.complete(case, "a")
    room.manage(endings.terminate, case)
    given = together(partial(room.manage, endings.confirm, case, by="director"), partial(room.manage, endings.decline, case, by="director"))
    assert sum(one is None for one in given) == 1
    assert room.case(case).status == ("closed" if given[0] is None else "running")


def test_void_marks_a_finished_case_and_changes_nothing_else(room: Room) -> None:
    """作废 (void): outcome and history stay, lists and page show it, a further file is sealed, and it is for good."""
    room.deploy(*line("a"), rules=MANAGED)
    case = room.start()
    with pytest.raises(CaseNotRunning):
        room.manage(endings.void, case)
    room.complete(case, "a")
    room.run()
    before = room.case(case)
    for by in ("boss", "hr", "subject"):
        with pytest.raises(NotAllowed):
            room.manage(endings.void, case, by=by)
    room.manage(endings.void, case, reason="重复立案")
    row = room.case(case)
    assert (row.status, row.outcome, row.closed_at) == (before.status, before.outcome, before.closed_at)
    assert row.voided_at == room.clock.now() and row.state == before.state
    void = seen(room, case, "director").void
    assert void is not None and (void.by, void.reason, void.confirmed_by) == ("吴凡", "重复立案", None)
    assert (seen(room, case, "boss").void or void).reason == "" and may(room, case, "admin") == works(room, case, "admin") == set()
    [listed], _ = caselist.cases(room.services, reader=person("boss"))
    assert listed.voided_at == row.voided_at
    assert [job.state for job in room.jobs(case) if job.kind == "seal"] == ["done", "waiting"]
    with pytest.raises(CaseVoid):
        room.manage(endings.void, case)
    with pytest.raises(CaseVoid):
        returns.reopen(room.services, case, "a", actor=person("admin"), reason="x", request_id=new_id())


def test_void_past_the_point_needs_a_second_person(room: Room) -> None:
    """作废 (void): asked for, then confirmed by another manager, who is named with it."""
    room.deploy(*line("a", "b"), rules=RULES)
    case = room.start()
    room.complete(case, "a")
    room.complete(case, "b")
    room.manage(endings.void, case)
    assert room.case(case).voided_at is None and may(room, case, "director") == works(room, case, "director") == {"confirm", "decline"}
    room.manage(endings.confirm, case, by="director", reason="")
    void = seen(room, case, "admin").void
    assert void is not None and (void.by, void.confirmed_by) == ("吴凡", "孙志远")


@pytest.mark.parametrize(
    ("rules", "fault"),
    [('{"cancel": ["hr"]}', 'cancel must be ["initiator"] or []'), ('{"second_person": "b"}', "second_person must be a list of texts")],
)
def test_cancel_rules_with_slips_are_found(rules: str, fault: str) -> None:
    """撤销 (cancel): a slip in the rule file never opens it to anybody unseen."""
    assert faults(rules.encode()) == [fault]


Act = Callable[..., None]


@pytest.mark.parametrize("act", [endings.cancel, endings.terminate, endings.void])
def test_cancel_terminate_and_void_need_a_reason_that_can_be_read(room: Room, act: Act) -> None:
    """撤销 (cancel): neither without a reason nor with one that nobody would read to its end."""
    room.deploy(*line("a"), rules=MANAGED)
    case = room.start()
    for reason in ("", " ", "长" * 5001):
        with pytest.raises(FormInvalid):
            room.manage(act, case, by="boss", reason=reason)
    assert room.case(case).status == "running"
