"""Scenarios in which people are absent, and managers change the course of a case; all of it recorded from a sandbox as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from diagrams import END, START, boxes, flows, node, zeebe
from engine_room import files
from scenario_files import HEAD, RULES, played, said, wrong
from test_studio_trying import MAIN, Desk
from web_office import Office, token

from engine import deploying
from engine.people import absences
from engine.studio import drafts
from engine.studio.scenarios import running
from webapp.demo import sandboxes

SIGN, DO = "签批", "办理"


def _step(key: str, role: str, name: str) -> dict[str, Any]:
    approvers = [{"rule": "role", "roles": [role]}]
    return {"key": key, "name": name, "name_en": key, "mode": "all", "approvers": approvers, "verbs": ["return"]}


def signed() -> dict[str, bytes]:
    """王芳 and then 孙志远 sign, 王芳 carries it out; who ends a case after the signing needs a second manager."""
    steps = [_step("first", "hr", "人事"), _step("second", "hr_director", "总监")]
    sign = node("userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="c")), name=SIGN)
    do = node("userTask", "do", zeebe("assignmentDefinition", candidateGroups="hr"), name=DO)
    return files(
        START,
        sign,
        do,
        END,
        flows("start > sign", "sign > do", "do > end"),
        rules={**RULES, "second_person": ["do"]},
        chains={"c": {"name": "链", "name_en": "Chain", "steps": steps}},
    )


# --- what a scenario says


def test_whoever_stands_in_has_the_work_of_somebody_absent() -> None:
    """From the beginning, from then on, or for what is open already; and no longer once they are back."""
    given = HEAD.replace("initiator: 陈立}", "initiator: 陈立, away: [{by: 王芳, substitute: 郑文博, until: 2 个工作日}]}")
    absent = """
        when:
        - then: {open: {签批: 郑文博}}
        - {by: 王芳, back:}
        - {by: 孙志远, away: {substitute: 郑文博, from: 2026-11-24, until: 2026-12-01, chain: c}}
        - {by: 郑文博, step: 签批, approve: 代签}
        - then: {open: {签批: 郑文博}}
        - {by: 郑文博, step: 签批, approve: 代签}
        - {by: 王芳, step: 办理, complete: {}}
        then: {ended: completed}
        """
    assert said(played(signed(), given + re.sub(r"^ {8}", "", absent, flags=re.M))) == ""
    late = """
        when:
        - {by: 王芳, away: {substitute: 郑文博, until: 2 个工作日}}
        - then: {open: {签批: 王芳}}
        - {by: 王芳, step: 签批, stand_in:}
        - then: {open: {签批: 郑文博}}
        - {by: 郑文博, step: 签批, approve: 代签}
        then: {open: {签批: 孙志远}}
        """
    assert said(played(signed(), late)) == ""
    assert "nobody stands in for 王芳" in said(played(signed(), "when: [{by: 王芳, back: }]\nthen: {open: [签批]}"))
    circle = "when: [{by: 王芳, away: {substitute: 王芳, until: 1 天}, refused: substitute_refused}]\nthen: {open: [签批]}"
    assert said(played(signed(), circle)) == ""


def test_a_manager_changes_the_course_of_a_case() -> None:
    """Back to a step, to another one, and open again; what cannot be is refused as on the pages."""
    text = """
        when:
        - {by: 孙志远, go_back: {to: 办理, reason: 还没到}, refused: way_closed}
        - {by: 王芳, step: 签批, approve: 同意}
        - {by: 孙志远, step: 签批, approve: 同意}
        - {by: 孙志远, go_back: {to: 签批, reason: 材料不全}}
        - then: {open: {签批: 王芳}}
        - {by: 孙志远, jump: {to: [办理], leaving: [签批], reason: 已线下签过}}
        - {by: 王芳, go_back: {to: 签批, reason: 我也想}, refused: not_allowed}
        - {by: 王芳, step: 办理, complete: {}}
        - then: {ended: completed}
        - {by: 孙志远, reopen: {to: 办理, reason: 办错了}}
        then: {open: {办理: 王芳}}
        """
    assert said(played(signed(), text)) == ""
    elsewhere = "when: [{by: 孙志远, jump: {to: 办理, leaving: 办理, reason: x}}]\nthen: {open: [签批]}"
    assert "the case does not stand at 办理; it stands at: 签批" in said(played(signed(), elsewhere))


def test_a_second_manager_confirms_or_declines() -> None:
    """Ending a case late, and declaring a closed one void."""
    text = """
        when:
        - {by: 王芳, step: 签批, approve: 同意}
        - {by: 孙志远, step: 签批, approve: 同意}
        - {by: 孙志远, terminate: 员工已主动离职}
        - then: {ended: false}
        - {by: admin, decline: 请先核实}
        - {by: 孙志远, terminate: 员工已主动离职}
        - {by: 孙志远, confirm:, refused: not_allowed}
        - {by: admin, confirm: 已核实}
        - then: {ended: terminated}
        - {by: 孙志远, void: 登记错了人}
        - {by: admin, confirm: 属实}
        then: {ended: terminated}
        """
    assert said(played(signed(), text)) == ""


@pytest.mark.parametrize(
    ("act", "told"),
    [
        ("{by: a, away: {until: 1 天}}", "when.1.away.substitute: this is needed"),
        ("{by: a, away: {substitute: b}}", "when.1.away.until: this is needed"),
        ("{by: a, away: {substitute: b, until: bald}}", "when.1.away.until: bald is no time that passes"),
        ("{by: a, away: {substitute: b, until: 1 天, why: x}}", "when.1.away.why: there is no such key; known are substitute, until,"),
        ("{away: {substitute: b, until: 1 天}}", "when.1.by: this is needed"),
        ("{by: a, go_back: {reason: x}}", "when.1.go_back.to: this is needed"),
        ("{by: a, reopen: }", "when.1.reopen.to: this is needed"),
        ("{by: a, jump: {to: {x: y}}}", "when.1.jump.to: this must be a text"),
        ("{by: a, step: s, go_back: {to: x}}", "when.1.step: there is no such key"),
    ],
)
def test_what_is_wrong_is_told_by_line(act: str, told: str) -> None:
    """As with every other act."""
    found = wrong(f"name: x\ngiven: {{clock: 2026-11-24, subject: a, initiator: b}}\nwhen:\n- {act}\nthen: {{open: []}}")
    assert [line for line, text in found if told in text] == [4], found


def test_what_is_wrong_with_an_absence_that_is_given_is_told_by_line() -> None:
    """In `given`, who it is stands beside what the act takes."""
    head = "name: x\ngiven:\n  clock: 2026-11-24\n  subject: a\n  initiator: b\n  away:\n"
    found = wrong(f"{head}  - {{by: a, until: 1 天}}\n  - {{substitute: b, until: x}}\nthen: {{open: []}}")
    assert [(line, text.partition(" is")[0]) for line, text in found] == [
        (7, "given.away.1.substitute: this"),
        (8, "given.away.2.by: this"),
        (8, "given.away.2.until: x"),
    ]


# --- what is recorded


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Office(tmp_path) as made:
        files = {path: boxes(content) if path.endswith(".bpmn") else content for path, content in signed().items()}
        deploying.deploy(made.services, files, procedure="probe")
        yield made


def names(desk: Desk, absent: str, substitute: str, scope: str) -> str:
    """Somebody names who signs for them, from long ago until long after; the page on which they did."""
    there = desk.client.get(f"{MAIN}/try/substitute?absent={absent}").headers["Location"]
    times = {"starts": "2020-01-01T00:00", "ends": "2099-01-01T00:00"}
    desk.post(there, source=there, substitute=substitute, scope=scope, **times)
    return str(there)


def acts(office: Office, desk: Desk) -> str:
    """The file that one click writes, which passes."""
    listed = desk.page(desk.post("try/record", name="记录").headers["Location"])
    files = drafts.contents(office.services, "probe", actor=office.people["admin"])
    text = next(content.decode() for path, content in files.items() if path.startswith("scenarios/recorded-"))
    [outcome] = running.run_all(sandboxes.of_installation(office.services), files, procedure="probe")
    assert outcome.passed and "played once, it passes" in listed, (text, outcome.failed)
    return text


def test_absences_are_recorded_where_they_began(office: Office) -> None:
    """Named before the case and while it runs on the pages of the sandbox, in which nobody's real substitute is changed."""
    desk = Desk(office)
    start = desk.post("try", subject="KF-017", initiator="KF-002").headers["Location"]
    names(desk, "HR-002", "郑文博", "all")
    desk.post(start)
    assert "Act as 郑文博" in desk.page()
    director = names(desk, "HR-001", "王芳", "chain c")
    ended = re.search(r'action="([^"]+/substitutes/[0-9a-f]+/end)"', desk.page(director))
    assert ended is not None
    desk.client.post(ended[1], data={"csrf_token": token(desk.client, director)})
    names(desk, "HR-001", "郑文博", "chain c")
    item = desk.step("郑文博")
    desk.post(f"{item}/approve", source=item, opinion="代签")
    assert "Act as 郑文博" in desk.page()
    text = acts(office, desk)
    given, when = text.split("when:")
    assert "away:\n  - by: 王芳\n    substitute: 郑文博" in given and "until: 2099-01-01T00:00" in given
    assert re.findall(r"by: (.*)\n(?:  step: .*\n)?  (away|back|approve):", when) == [
        *(("孙志远", "away"), ("孙志远", "back"), ("孙志远", "away"), ("郑文博", "approve")),
    ]
    assert when.count("chain: c") == 3
    with office.services.database.reading() as connection:
        assert absences.rows(connection, office.services.clock.now(), past=True) == []


def test_a_case_that_a_manager_sent_back_and_opened_again_is_recorded(office: Office) -> None:
    """The acts of managers stand in the file with their reasons."""
    desk = Desk(office)
    desk.begin()
    item = desk.step("王芳")
    desk.post(f"{item}/approve", source=item, opinion="同意")
    item = desk.step("孙志远")
    desk.post(f"{item}/return", source=f"{item}/return", to="element:start", reason="重写")
    item = desk.step("陈立")
    desk.post(f"{item}/complete")
    for who in ("王芳", "孙志远"):
        item = desk.step(who)
        desk.post(f"{item}/approve", source=item, opinion="同意")
    case = re.search(r'href="([^"]+/cases/[0-9a-f]+)"', desk.page())
    assert case is not None
    desk.post(f"{case[1]}/return", source=f"{case[1]}/return?element=sign", element="sign", reason="材料不全")
    for who in ("王芳", "孙志远"):
        item = desk.step(who)
        desk.post(f"{item}/approve", source=item, opinion="同意")
    desk.post(f"{desk.step()}/complete")
    desk.post(f"{case[1]}/return", source=f"{case[1]}/return?element=do", element="do", reason="办错了")
    text = acts(office, desk)
    assert "go_back:\n    to: 签批\n    reason: 材料不全" in text and "reopen:\n    to: 办理\n    reason: 办错了" in text
    assert text.count("go_back") == 1 and "return:" in text and not text.startswith("#")
