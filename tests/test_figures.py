"""What cases took and how they ended: counted from their rows, kept by day, counted anew where rows changed."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from diagrams import END, START, event, flows, message, node, service, timer, user, zeebe
from engine_room import Room, line, person
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from twins import ScriptedOperation, SetClock

from engine import aftermath, casefile, endings, messages, returns, work
from engine.analytics import exports, reports, scope, spread, tallies
from engine.errors import FormInvalid, NotAllowed, NotFound
from engine.models import Case, PastWait, Tally, new_id
from engine.rules import Aftermath
from engine.services import Services

AFTERMATH = json.loads((Path(__file__).parent.parent / "processes/termination/rules.json").read_bytes())["aftermath"]
RULES = {"managers": ["admin"], "readers": ["hr", "hr_director"], "aftermath": AFTERMATH}
HOUR = 3600.0


@pytest.fixture
def room(services: Services) -> Room:
    """An office whose procedure has two steps of the role hr in a row."""
    room = Room(services)
    room.deploy(*line("talk", "close"), rules=RULES)
    return room


def through(room: Room, *, talk: float, close: float, opened_after: float = 0.0) -> str:
    """A case whose steps take so many hours each; `opened_after`: hours until somebody opens the first one."""
    case = room.start()
    room.clock.move(hours=opened_after)
    if opened_after:
        work.claim(room.services, room.item(case, "talk"), actor=person("hr"), request_id=new_id())
        work.read(room.services, room.item(case, "talk"), reader=person("hr"))
    room.clock.move(hours=talk - opened_after)
    room.complete(case, "talk")
    room.clock.move(hours=close)
    room.complete(case, "close")
    return case


def looked_at(room: Room, *, reader: str = "hr", number: int | None = None) -> scope.Scope:
    return scope.scope(room.services, "test", reader=person(reader), number=number)


def reported(room: Room, **which: int) -> reports.Report:
    today = room.clock.now().date()
    return reports.report(room.services, looked_at(room, **which), today - dt.timedelta(days=400), today + dt.timedelta(days=1))


def near(seconds: float | None, hours: float) -> bool:
    """Whether a figure is what was counted, within the width of a step."""
    return seconds is not None and abs(seconds - hours * HOUR) <= hours * HOUR * 0.026


def test_a_step_is_told_by_duration_waiting_and_handling_in_elapsed_and_working_time(room: Room) -> None:
    """Waiting ends when somebody opens the step; nights are no working time, nor is the break at noon."""
    through(room, talk=26, close=1, opened_after=2)  # from Tuesday 9:00 to Wednesday 11:00, opened at 11:00
    [talk, close] = reported(room).summary.steps
    assert (talk.element, talk.done, talk.left, close.done) == ("talk", 1, 0, 1)
    times = {name: pair[0] for name, pair in talk.times.items()}
    assert near(times["duration_wall"], 26) and near(times["duration_work"], 10)
    assert near(times["waiting_wall"], 2) and near(times["waiting_work"], 2)
    assert near(times["handling_wall"], 24) and near(times["handling_work"], 8)
    assert near(reported(room).summary.times["duration_wall"][0], 27)


def test_median_and_ninetieth_percentile(room: Room) -> None:
    """Of ten cases half take no longer than the median, and nine no longer than the ninetieth percentile."""
    for hours in range(1, 11):
        through(room, talk=hours, close=1)
    median, most = reported(room).summary.steps[0].times["duration_wall"]
    assert near(median, 5) and near(most, 9)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.floats(min_value=1, max_value=4e7), min_size=1, max_size=50))
def test_a_spread_tells_within_its_steps(seconds: list[float]) -> None:
    """Whatever was counted, a quantile is off by 2.5 per cent at most, and adding spreads is adding what they hold."""
    together = sum(spread.one(each) for each in seconds)
    assert sum(spread.counts(together)) == len(seconds)
    exact = sorted(seconds)[(len(seconds) - 1) // 2]
    told = spread.quantile(together, 0.5)
    assert told is not None and abs(told - exact) <= 0.026 * exact


def test_a_day_is_counted_once_and_anew_when_its_cases_change(room: Room) -> None:
    """Kept figures are used again; another closing, a reopening and a declaration as void are seen."""
    first = through(room, talk=1, close=1)
    assert reported(room).summary.closed == 1
    [kept] = room.rows(sa.select(Tally.__table__))
    assert reported(room).summary.closed == 1 and room.rows(sa.select(Tally.__table__)) == [kept]
    second = through(room, talk=1, close=1)
    assert reported(room).summary.closed == 2
    room.manage(returns.reopen, first, element="close")
    assert reported(room).summary.closed == 1
    room.clock.move(minutes=1)
    room.complete(first, "close")
    assert reported(room).summary.closed == 2
    room.manage(endings.void, second)
    summary = reported(room).summary
    assert (summary.closed, summary.void) == (2, 1)


def test_days_that_wait_to_be_counted_are_told(room: Room) -> None:
    """Whoever looks waits but shortly; how many cases are missing is said, and the sweep counts them."""
    through(room, talk=1, close=1)
    today = room.clock.now().date()
    ids = looked_at(room).ids
    assert tallies.read(room.services, ids, today, today, patience=0).missing == 1
    tallies.keeping_up(room.services)(room.clock.now())
    kept = tallies.read(room.services, ids, today, today, patience=0)
    assert kept.missing == 0 and kept.together().cases.closed == 1


def test_days_are_those_of_the_company_s_place(room: Room) -> None:
    """A case that closes at seven in the morning in Shanghai closes on that day, though it is the day before in UTC."""
    room.clock.set(dt.datetime(2026, 11, 30, 22, 0, tzinfo=dt.UTC))
    through(room, talk=0.5, close=0.5)
    first = dt.date(2026, 12, 1)
    found = reports.report(room.services, looked_at(room), first, first)
    assert [month.month for month in found.months] == ["2026-12"] and found.summary.closed == 1


def test_months_departments_outcomes_and_time_limits(services: Services) -> None:
    """Numbers by month and by the employee's department; what was done in time of what had a limit."""
    room = Room(services)
    term = zeebe("taskSchedule", dueDate="P1D")
    over = node("endEvent", "end", zeebe("properties", zeebe("property", name="wf.outcome", value="dismissed")))
    room.deploy(START, user("talk", term), over, flows("start > talk", "talk > end"), rules=RULES)
    for hours, about in ((2, "subject"), (30, "subject"), (3, "worker")):
        case = room.start(about=about, by="boss" if about == "subject" else "other")
        room.clock.move(hours=hours)
        room.complete(case, "talk")
    found = reported(room)
    assert found.summary.outcomes == {"dismissed": 3}
    assert (found.summary.limited, found.summary.kept) == (3, 2)
    assert [(each.name, each.closed) for each in found.departments] == [("service", 2), ("factory", 1)]
    assert [(month.month, month.started, month.closed) for month in found.months[-1:]] == [("2026-11", 3, 3)]


def test_calls_timers_and_waits_for_messages_take_time_too(services: Services) -> None:
    """A call is in hand while an attempt runs; a timer and a message only wait."""
    room = Room(services, ScriptedOperation("ehr.employee"))
    room.deploy(
        START,
        service("call"),
        node("intermediateCatchEvent", "rest", timer(duration="PT3H")),
        node("intermediateCatchEvent", "paid", event("message", messageRef="M")),
        END,
        flows("start > call", "call > rest", "rest > paid", "paid > end"),
        rules={**RULES, "senders": ["hr"]},
        named=message("M", "paid", "=subject.employee_no"),
    )
    case = room.start()
    room.run()
    room.clock.move(hours=3)
    room.run()
    room.clock.move(hours=5)
    messages.send(room.services, name="paid", key="E000", values={}, actor=person("hr"), request_id=new_id())
    assert room.case(case).status == "closed" and room.count(PastWait) == 1
    steps = {step.element: step for step in reported(room).summary.steps}
    assert near(steps["rest"].times["duration_wall"][0], 3) and near(steps["paid"].times["waiting_wall"][0], 5)
    assert steps["call"].done == 1


def test_before_and_since_a_version(room: Room) -> None:
    """The cases of the versions before it stand beside those of it and of later ones."""
    for _ in range(3):
        through(room, talk=8, close=1)
    room.deploy(*line("talk", "close"), rules={**RULES, "cancel": []})
    through(room, talk=2, close=1)
    today = room.clock.now().date()
    before, since = reports.compare(room.services, looked_at(room), 2, today - dt.timedelta(days=30), today)
    assert (before.closed, since.closed) == (3, 1)
    assert near(before.steps[0].times["duration_wall"][0], 8) and near(since.steps[0].times["duration_wall"][0], 2)
    assert reported(room, number=2).summary.closed == 1


def test_only_readers_and_managers_look(room: Room) -> None:
    """Others are refused; a procedure or version that there is not is not found."""
    for who in ("boss", "head", "worker"):
        with pytest.raises(NotAllowed):
            looked_at(room, reader=who)
    assert looked_at(room).manages is False and looked_at(room, reader="admin").manages
    with pytest.raises(NotFound):
        scope.scope(room.services, "other", reader=person("hr"))
    with pytest.raises(NotFound):
        looked_at(room, number=7)
    assert [each.procedure for each in scope.readable(room.services, person("hr"))] == ["test"]
    assert scope.readable(room.services, person("boss")) == []


# --- what came after


def test_what_came_after_a_case_is_recorded_counted_and_kept_in_the_ledger(room: Room) -> None:
    """A manager says what was filed and how it ended; only the kinds that count make the rate."""
    case, other = through(room, talk=1, close=1), through(room, talk=1, close=1)
    filed = {"began_on": room.clock.now().date(), "actor": person("admin"), "note": "收到仲裁通知"}
    aftermath.record(room.services, case, kind="arbitration", request_id="d1", **filed)
    aftermath.record(room.services, case, kind="arbitration", request_id="d1", **filed)
    aftermath.record(room.services, other, kind="mediation", request_id="d2", **filed)
    found = reported(room).summary
    assert found.sequels.kinds == {"arbitration": 1, "mediation": 1} and found.followed == 0.5
    with room.services.database.reading() as connection:
        [row] = aftermath.sequels(connection, case)
    done = {"ended_on": filed["began_on"], "actor": person("admin"), "note": "裁决书"}
    aftermath.end(room.services, row.id, result="upheld", request_id="d3", **done)
    assert reported(room).summary.sequels.results == {"upheld": 1, "": 1}
    assert [entry for entry in room.events(case) if "sequel" in entry] == ["case:sequel:recorded", "case:sequel:ended"]


def test_what_cannot_have_come_after_is_refused(room: Room) -> None:
    """A day to come, a word that is not of the list, an end before the beginning; and whoever is no manager."""
    case = through(room, talk=1, close=1)
    today = room.clock.now().date()
    good = {"kind": "lawsuit", "began_on": today, "actor": person("admin"), "note": "起诉状", "request_id": "d1"}
    for wrong in ({"kind": "quarrel"}, {"began_on": today + dt.timedelta(days=2)}):
        with pytest.raises(FormInvalid):
            aftermath.record(room.services, case, **{**good, **wrong})
    for wrong in ({"actor": person("hr")}, {"note": " "}):
        with pytest.raises(NotAllowed):
            aftermath.record(room.services, case, **{**good, **wrong})
    aftermath.record(room.services, case, **good)
    with room.services.database.reading() as connection:
        [row] = aftermath.sequels(connection, case)
    with pytest.raises(FormInvalid):
        ended = today - dt.timedelta(days=1)
        aftermath.end(room.services, row.id, result="lost", ended_on=ended, actor=person("admin"), note="x", request_id="d2")


def test_what_may_come_after_is_what_the_serving_version_lists(room: Room) -> None:
    """Also of a case that closed before it was listed; what is listed no longer can no longer be recorded, but is counted."""
    case = through(room, talk=1, close=1)
    given = {"began_on": room.clock.now().date(), "actor": person("admin"), "note": "来函"}
    aftermath.record(room.services, case, kind="lawsuit", request_id="d1", **given)
    petition = {"petition": {"name": "信访", "name_en": "Petition", "counts": True}}
    room.deploy(*line("talk", "close"), rules={**RULES, "aftermath": {**AFTERMATH, "kinds": petition}})
    aftermath.record(room.services, case, kind="petition", request_id="d2", **given)
    with pytest.raises(FormInvalid):
        aftermath.record(room.services, case, kind="lawsuit", request_id="d3", **given)
    found = reported(room).summary
    assert found.sequels.kinds == {"lawsuit": 1, "petition": 1} and found.followed == 1
    room.deploy(*line("talk", "close"), rules={name: rule for name, rule in RULES.items() if name != "aftermath"})
    with pytest.raises(FormInvalid):
        aftermath.record(room.services, case, kind="petition", request_id="d4", **given)
    assert looked_at(room).aftermath == Aftermath() and reported(room).summary.followed == 0


def test_what_came_after_is_seen_ended_and_counted_where_no_version_lists_it(room: Room) -> None:
    """Procedures listed nothing when it was recorded: it is told by its stored words, and how it ended is anything that fits."""
    case, other = through(room, talk=1, close=1), through(room, talk=1, close=1)
    today = room.clock.now().date()
    given = {"actor": person("admin"), "note": "来函"}
    aftermath.record(room.services, case, kind="arbitration", began_on=today, request_id="d1", **given)
    room.deploy(*line("talk", "close"), rules={name: rule for name, rule in RULES.items() if name != "aftermath"})

    def listed(id: str) -> Aftermath | None:
        return casefile.case_page(room.services, id, reader=person("admin")).aftermath

    assert listed(case) == Aftermath() and listed(other) is None
    with room.services.database.reading() as connection:
        [row] = aftermath.sequels(connection, case)
    for number, wrong in enumerate(("", "x" * 41)):
        with pytest.raises(FormInvalid) as refused:
            aftermath.end(room.services, row.id, result=wrong, ended_on=today, request_id=f"e{number}", **given)
        assert list(refused.value.fields) == ["result"]
    aftermath.end(room.services, row.id, result="settled", ended_on=today, request_id="d2", **given)
    found = reported(room).summary.sequels
    assert (found.kinds, found.results, found.cases, found.counted) == ({"arbitration": 1}, {"settled": 1}, 1, 0)


# --- exports


def handed_out(room: Room, *, reader: str, named: bool = False) -> exports.Export:
    today = room.clock.now().date()
    return exports.export(room.services, looked_at(room, reader=reader), today - dt.timedelta(days=30), today, named=named)


def test_lines_name_nobody_unless_an_administrator_asks(room: Room) -> None:
    """The same person is the same pseudonym everywhere; an export with names is recorded in every case."""
    cases = [through(room, talk=1, close=1) for _ in range(2)]
    plain = list(exports.lines(room.services, handed_out(room, reader="hr")))
    assert len({each.employee for each in plain}) == 1 and all(each.employee_name == "" for each in plain)
    assert "E000" not in {each.employee for each in plain}
    with pytest.raises(NotAllowed):
        handed_out(room, reader="hr", named=True)
    assert "evidence:case:exported" not in room.events(cases[0])
    named = list(exports.lines(room.services, handed_out(room, reader="admin", named=True)))
    assert [(each.employee, each.employee_name, each.department_name) for each in named] == [("E000", "林小北", "service")] * 2
    assert all("evidence:case:exported" in room.events(case) for case in cases)
    assert [each.duration for each in named] == [7200.0, 7200.0]


def test_no_name_is_handed_out_that_was_not_recorded(room: Room) -> None:
    """A case that ends while the export is made is not in it."""
    early = through(room, talk=1, close=1)
    wanted = handed_out(room, reader="admin", named=True)
    late = through(room, talk=1, close=1)
    assert [each.id for each in exports.lines(room.services, wanted)] == [early]
    assert "evidence:case:exported" in room.events(early) and "evidence:case:exported" not in room.events(late)
    assert "".join(exports.xes(room.services, wanted)).count("<trace>") == 1


def test_the_event_log_is_well_built_and_tells_each_step(room: Room) -> None:
    """Its structure is the one written down for these tests; each step is scheduled, started and completed, in the order of time."""
    through(room, talk=3, close=1, opened_after=1)
    text = "".join(exports.xes(room.services, handed_out(room, reader="hr")))
    schema = etree.XMLSchema(etree.parse(Path(__file__).parent / "data/xes.xsd"))
    log = etree.fromstring(text.encode())
    schema.assertValid(log)
    names = {"x": "http://www.xes-standard.org/"}
    told = [
        tuple(event.xpath("string(x:*[@key=$key]/@value)", namespaces=names, key=key) for key in ("element", "lifecycle:transition"))
        for event in log.iterfind("x:trace/x:event", names)
    ]
    assert told == [
        ("talk", "schedule"),
        ("talk", "start"),
        ("talk", "complete"),
        ("close", "schedule"),
        ("close", "complete"),
    ]
    assert "王芳" not in text and "林小北" not in text
    assert "王芳" in "".join(exports.xes(room.services, handed_out(room, reader="admin", named=True)))


def test_nobody_exports_a_case_about_themselves(room: Room) -> None:
    """A reader whom a case is about does not find it in their export."""
    with room.services.database.unit() as unit:
        unit.connection.execute(sa.update(Case).values(subject_id=person("subject")))
        unit.commit()
    case = room.start(by="head", about="hr2")
    room.complete(case, "talk")
    room.complete(case, "close")
    assert len(list(exports.lines(room.services, handed_out(room, reader="hr")))) == 1
    assert list(exports.lines(room.services, handed_out(room, reader="hr2"))) == []


def test_an_installation_with_another_clock_counts_the_same(room: Room) -> None:
    """What is kept is read by any process of the installation."""
    through(room, talk=1, close=1)
    assert reported(room).summary.closed == 1
    again = room.restarted()
    again.services = replace(again.services, clock=SetClock(room.clock.now().isoformat()))
    again.clock = again.services.clock
    assert reported(again).summary.closed == 1
