"""Scenarios: what a file may say, what is done by it, and how it is told what is not as it should be."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from diagrams import END, START, event, flows, mapping, message, node, service, user, zeebe
from engine_room import files, form
from hypothesis import given, settings
from hypothesis import strategies as st
from scenario_files import RULES, chosen, played, said, shared, wrong

from engine.bpmn.program import Program
from engine.errors import NotDeployable
from engine.studio import sandbox
from engine.studio.scenarios import acting, coverage, expecting, places, reading, running, texts
from engine.studio.scenarios.running import run_all
from webapp import i18n

GIVEN = "name: x\ngiven: {clock: 2026-11-24T09:00, subject: a, initiator: b}\n"

# --- the file


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("name: x\n  given: [", 2, "this is no YAML"),
        ("[1, 2]", 1, "this must be an object with keys"),
        ("name: x", 1, "given: this is needed"),
        ("name: x\ngiven: {clock: gestern, subject: a, initiator: b}\nthen: {open: []}", 2, "given.clock: gestern is no moment"),
        (GIVEN + "when: []", 1, "a scenario must say what it expects"),
        (GIVEN + "then: {}", 3, "then: this expects nothing"),
        (GIVEN + "then: {opened: [x]}", 3, "then.opened: there is no such key; known are open, due,"),
        (
            GIVEN + "when:\n- by: a\n  step: s\n  finish: {}\nthen: {open: []}",
            4,
            "when.1: this says nothing that happens; known are complete,",
        ),
        (GIVEN + "when:\n- step: s\n  complete: {}\nthen: {open: []}", 4, "when.1.by: this is needed"),
        (GIVEN + "when:\n- by: a\n  step: s\n  complete: nein\nthen: {open: []}", 6, "when.1.complete: this must be an object with keys"),
        (GIVEN + "when:\n- pass: bald\nthen: {open: []}", 4, "when.1.pass: bald is no time that passes"),
        (GIVEN + "when:\n- fails: {a.b: sometimes}\nthen: {open: []}", 4, "when.1.fails.a.b: known are gave_up, refused, needs_person"),
        (GIVEN + "then: {open: []}\nthen: {ended: x}", 4, "then: this key stands here twice"),
        (GIVEN + "given2: 1\nthen: {open: []}", 3, "given2: there is no such key"),
        (
            "name: x\ngiven: {clock: 2026-11-24, subject: a, initiator: b, people: [{nam: x}]}\nthen: {open: []}",
            2,
            "given.people.1.nam: there is no",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told_by_line_and_key(text: str, line: int, told: str) -> None:
    """Every fault names its place, and what may stand there."""
    found = wrong(text)
    assert [number for number, said in found if told in said][:1] == [line], found


def test_references_do_not_blow_a_file_up() -> None:
    """What refers to itself many times over is refused before it fills the memory."""
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    assert "the file has more than 20000 values" in [said.rpartition(": ")[2] for _, said in wrong("\n".join(lines))]


def test_values_mean_what_they_look_like() -> None:
    """`no` is a text, as are days and hours; only true and false are flags, and leading zeros stay."""
    read = texts.read(b'a: no\nb: 2026-11-24\nc: 09:30\nd: true\ne: 12\nf: 1.5\ng: 0117\nh: "12"\ni:\nj: ~')
    assert read.value == dict(a="no", b="2026-11-24", c="09:30", d=True, e=12, f=1.5, g="0117", h="12", i=None, j=None)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="abwhentgiv:{}[]-,&*!| \n'\"=0", max_size=120))
def test_no_file_at_all_ends_in_an_exception(text: str) -> None:
    """Whatever somebody writes is read, or has a fault with a line."""
    for content in (text, GIVEN + text):
        found, faults = reading.scenario("scenarios/x.yaml", content.encode(), zone=ZoneInfo("Asia/Shanghai"))
        assert found is not None or (faults and all(fault.line >= 1 and str(fault.sentence) for fault in faults))


# --- what is done


def test_a_scenario_goes_through_its_acts_to_its_end() -> None:
    """Steps are found by name or id, people by name, log-in or number; files are blank ones of the names given."""
    outcome = played(
        chosen(),
        """
        when:
        - then:
            open: {查看: 王芳}
        - by: wangfang
          step: look
          complete: {verdict: stop, proof: [送达回执.pdf, 照片]}
        then:
          ended: completed
          documents: [送达回执, 照片.png]
          pushes:
          - payroll.stop_housing_fund: {employee: KF-017}
          variables: {verdict: stop, subject.name: 林小北}
          passed: [stop, which_stop]
          never: [other, remind]
          incidents: []
        """,
    )
    assert said(outcome) == "" and outcome.left == 0
    assert [result.act.verb for result in outcome.results] == ["start", "then", "complete", "then"]
    assert outcome.coverage.flows == {"start_look", "look_which", "which_stop", "stop_end"}
    assert "late" not in outcome.coverage.elements and "look" in outcome.coverage.elements


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("open: [which]", "open steps: expected which, found 查看"),
        ("open: {查看: 孙志远}", "who holds 查看: expected 孙志远, found 王芳"),
        ("open: [nowhere]", "the diagram has no step nowhere"),
        ("open: {查看: 张三}", "nobody is called 张三"),
        ("variables: {subject.name: 李四}", "variable subject.name: expected 李四, found 林小北"),
        ("pushes: [payroll.stop_housing_fund]", "pushes: expected payroll.stop_housing_fund, found –"),
        ("documents: [notice]", "documents: expected notice, found –"),
        ("ended: dismissed", "how the case ended: expected dismissed, found running"),
        ("passed: [stop]", "stop was not passed"),
        ("never: [查看]", "查看 was reached, and should never be"),
        ("incidents: {stop: gave_up}", "incidents: expected stop gave_up, found –"),
        ("due: {查看: 2026-11-30}", "when 查看 is due: expected 2026-11-30, found –"),
        ('variables: {verdict: "=nonsense("}', "nonsense("),
    ],
)
def test_an_expectation_that_is_not_met_says_what_is(then: str, told: str) -> None:
    """Expected and found stand beside each other, with the line of the expectation."""
    outcome = played(chosen(), f"then:\n  {then}")
    assert told in said(outcome) and outcome.failed is not None and outcome.failed.act.line == 4


def test_what_follows_a_failure_is_not_done() -> None:
    """The act that failed is the last; how many are left is told."""
    outcome = played(chosen(), "when:\n- {by: 孙志远, step: 查看, complete: {verdict: x}}\n- pass: 1 day\nthen: {ended: x}")
    assert "not" in said(outcome) and (len(outcome.results), outcome.left) == (2, 2)


@pytest.mark.parametrize(
    ("act", "told"),
    [
        ("{by: 王芳, step: 查看, complete: {}}", "verdict: 此项必填。"),
        ("{by: 王芳, step: stop, complete: {}}", "the step stop is not open; open are: 查看"),
        ("{by: 王芳, step: 查看, complete: {verdict: {a: 1}}}", "verdict"),
        ("{by: 王芳, step: 查看, complete: {proof: 3}}", "the values do not have the shape of the form of 查看"),
        ("{by: 王芳, step: 查看, complete: {verdict: '=today('}}", "today("),
        ("{by: 孙志远, operation: mail.send, retry: }", "there is no open incident of mail.send"),
        ("{pass: 2020-01-01}", "time goes forward only"),
        ("{until: end}", "nothing is said about what is usually done at: 查看"),
        ("{by: 王芳, step: 查看, complete: {verdict: x}, refused: any}", "it should have been refused, and was done"),
        ("{by: 孙志远, step: 查看, complete: {verdict: x}, refused: form_invalid}", "it was refused as not_allowed, not as form_invalid"),
    ],
)
def test_an_act_that_cannot_be_done_says_why(act: str, told: str) -> None:
    """What the use case or the form says stands in the result."""
    outcome = played(chosen(), f"when:\n- {act}\nthen: {{ended: x}}")
    assert told in said(outcome)


def test_what_must_be_refused_is_refused() -> None:
    """`refused` names the error's code, or any."""
    outcome = played(
        chosen(),
        "when:\n- {by: 孙志远, step: 查看, complete: {verdict: x}, refused: not_allowed}\n"
        "- {by: 王芳, step: 查看, complete: {}, refused: true}\nthen: {open: [查看]}",
    )
    assert said(outcome) == ""


def test_time_passes_and_timers_fire_on_the_way() -> None:
    """Days, working days over a weekend, the next due time, and a moment; a timer fires when it is due, not when time stops."""
    outcome = played(
        chosen(),
        """
        when:
        - pass: 23 小时
        - then: {never: [remind]}
        - pass: next
        - then:
            pushes: [mail.send: {to: hr@company.example}]
        - pass: 3 个工作日
        - then: {variables: {verdict: "=if string(today()) = \\"2026-11-28\\" then null else null"}}
        - pass: P1DT2H
        - pass: 2026-12-04T10:00
        - by: 王芳
          step: 查看
          complete: {verdict: "=string(today())"}
        then: {ended: kept, variables: {verdict: "2026-12-04"}}
        """,
    )
    assert said(outcome) == ""


def test_an_operation_fails_and_is_answered_by_hand() -> None:
    """A failure lasts until the operation answers again; a manager retries or answers the incident; nobody waits between attempts."""
    outcome = played(
        chosen(),
        """
        when:
        - fails: payroll.stop_housing_fund
        - {by: 王芳, step: 查看, complete: {verdict: stop}}
        - then: {incidents: {payroll.stop_housing_fund: gave_up}, ended: false}
        - {by: 王芳, operation: payroll.stop_housing_fund, retry: 再试, refused: not_allowed}
        - {by: 孙志远, step: stop, retry: 再试}
        - then: {incidents: {stop: gave_up}}
        - answers: {payroll.stop_housing_fund: {reference: X-1}}
        - {by: 孙志远, step: stop, retry: 再试}
        then: {ended: completed, variables: {number: X-1}}
        """,
    )
    assert said(outcome) == ""
    by_hand = """
        when:
        - fails: {payroll.stop_housing_fund: needs_person}
        - {by: 王芳, step: 查看, complete: {verdict: stop}}
        - {by: 孙志远, step: stop, answer: {reference: Y-2}}
        then: {ended: completed, variables: {number: Y-2}}
        """
    assert said(played(chosen(), by_hand)) == ""


def test_an_incident_that_nobody_spoke_of_fails_the_scenario() -> None:
    """A scenario that ends while something stands still has not passed, whatever else it expects."""
    text = """
        when:
        - fails: {payroll.stop_housing_fund: refused}
        - {by: 王芳, step: 查看, complete: {verdict: stop}}
        then: {passed: [查看]}
        """
    assert "at the end stop stands still, which the scenario does not expect" in said(played(chosen(), text))


def test_people_and_answers_of_a_scenario_are_its_own() -> None:
    """People are changed over the sample company, answers over what it gives, each for this scenario alone."""
    procedure = files(
        START,
        service("get", mapping({"employee": "=subject.employee_no"}, {"record": "=result"})),
        user("see"),
        END,
        flows("start > get", "get > see", "see > end"),
        rules=RULES,
    )
    text = """
        name: x
        given:
          clock: 2026-11-24T09:00
          subject: KF-017
          initiator: 陈立
          people:
          - {employee_no: KF-004, roles: [hr], login: wuxiaotong}
          - {employee_no: HR-002, roles: []}
          answers:
            ehr.employee: {protected: {pregnant: true}}
        then:
          open: {see: 吴晓彤}
          variables: {record: {name: 林小北, protected: {pregnant: true, work_injury_capacity_loss: false}}}
        """
    plain = "then: {open: {see: 王芳}, variables: {record.protected.pregnant: false}}"
    assert said(played(procedure, text)) == "" and said(played(procedure, plain)) == ""


def _step(role: str, name: str) -> dict[str, Any]:
    approvers = [{"rule": "role", "roles": [role]}]
    return {"key": role, "name": name, "name_en": role, "mode": "claim", "approvers": approvers, "verbs": ["return", "transfer"]}


def test_chains_are_signed_step_by_step() -> None:
    """Approve, reject, return to a step by its name and hand over are acts like any other."""
    chain = {"name": "链", "name_en": "Chain", "steps": [_step("hr", "人事"), _step("hr_director", "总监")]}
    sign = node("userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="c")), name="签批")
    procedure = files(START, sign, END, flows("start > sign", "sign > end"), rules=RULES, chains={"c": chain})
    text = """
        when:
        - {by: 王芳, step: 签批, approve: 同意}
        - then: {open: {签批: 孙志远}}
        - {by: 孙志远, step: 签批, return: {to: 人事, reason: 写清楚}}
        - then: {open: {签批: 王芳}}
        - {by: 王芳, step: 签批, approve: {opinion: 已补}}
        - {by: 孙志远, step: 签批, transfer: {to: 郑文博, reason: 出差}}
        - then: {open: {签批: 郑文博}}
        - {by: 郑文博, step: 签批, reject: 依据不足}
        then: {ended: completed, variables: {decision: rejected}}
        """
    assert said(played(procedure, text)) == ""


def test_messages_and_signals_arrive() -> None:
    """A message by name and key, a signal by name; both let a case go on that waits."""
    wait = node("intermediateCatchEvent", "paid", event("message", messageRef="M"))
    heard = node("intermediateCatchEvent", "bell", event("signal", signalRef="S"))
    procedure = files(
        START,
        wait,
        heard,
        END,
        flows("start > paid", "paid > bell", "bell > end"),
        rules=RULES,
        named=message("M", "到账", "=subject.employee_no") + '<bpmn:signal id="S" name="下班"/>',
    )
    text = """
        when:
        - message: {name: 到账, key: =subject.employee_no, values: {amount: 3}}
        - then: {ended: false, variables: {amount: 3}, passed: [paid]}
        - signal: 下班
        then: {ended: completed}
        """
    assert said(played(procedure, text)) == ""


def test_a_step_that_asks_for_nothing_is_done_without_a_word_about_it() -> None:
    """One more step stops no scenario; one whose form asks for something does, and a step is done as written wherever it is written."""
    undemanding = {**chosen(), "forms/check.form": json.dumps(form("verdict", "why")).encode()}
    done = played(undemanding, "when: [{until: end}]\nthen: {ended: kept, passed: [查看]}")
    assert said(done) == ""
    usual = "usual:\n  查看: {by: 王芳, complete: {verdict: stop}}"
    assert said(played(undemanding, "when: [{until: end}]\nthen: {ended: completed}", usual=usual)) == ""


def test_usual_answers_come_from_the_folder_and_the_file() -> None:
    """`until` lets everybody do the usual; what the scenario says itself counts instead."""
    usual = "usual:\n  查看: {by: 王芳, complete: {verdict: stop}}"
    assert said(played(chosen(), "when: [{until: end}]\nthen: {ended: completed}", usual=usual)) == ""
    own = "usual: {look: {by: 王芳, complete: {verdict: stay}}}\nwhen: [{until: end}]\nthen: {ended: kept}"
    assert said(played(chosen(), own, usual=usual)) == ""
    found = run_all(shared(), {**chosen(), "scenarios/usual.yaml": b"usual: {look: {complete: {}}}"}, procedure="test")
    assert [(one.path, [str(fault.sentence) for fault in one.faults]) for one in found] == [
        ("scenarios/usual.yaml", ["usual.look.by: this is needed"])
    ]


def test_files_that_do_not_deploy_are_refused_before_anything_is_played() -> None:
    """The findings say why, as everywhere."""
    broken = files(START, node("complexGateway", "odd"))
    with pytest.raises(NotDeployable):
        run_all(shared(), {**broken, "scenarios/a.yaml": f"{GIVEN}then: {{open: []}}".encode()}, procedure="test")


def test_coverage_counts_what_there_is() -> None:
    """All elements and flows of the process; a scenario that goes one way leaves the other."""
    whole = coverage.everything(Program(chosen(), version="x"))
    outcome = played(chosen(), "when: [{by: 王芳, step: 查看, complete: {verdict: x}}]\nthen: {ended: kept}")
    assert said(outcome) == ""
    assert whole.flows - outcome.coverage.flows == {"which_stop", "stop_end", "late_remind", "remind_reminded"}
    assert whole.elements - outcome.coverage.elements == {"late", "remind", "reminded", "stop", "end"}


def test_every_sentence_about_scenarios_is_there_in_chinese() -> None:
    """Whatever a scenario is told is told in Chinese, too, with the same facts."""
    catalogue, found = i18n.catalogue("zh-CN"), set()
    for module in (acting, expecting, places, reading, running, texts):
        for call in ast.walk(ast.parse(Path(module.__file__ or "").read_text("utf-8"))):
            if isinstance(call, ast.Constant) and isinstance(call.value, str) and re.fullmatch(r"[a-z{][^\n]* [^\n]*[a-z}”\d]", call.value):
                found.add(call.value)
    sentences = {text for text in found if "{" in text or catalogue.gettext(text) != text}
    assert len(sentences) > 35
    for text in sentences:
        assert catalogue.gettext(text) != text, text
        assert set(re.findall(r"{(\w+)}", catalogue.gettext(text))) == set(re.findall(r"{(\w+)}", text))


def test_a_run_that_never_comes_to_rest_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many seconds, and it is said at which step of which act; others are played all the same."""
    monkeypatch.setattr(sandbox, "SECONDS", 0.3)
    circle = files(
        START,
        node("exclusiveGateway", "again"),
        service(
            "call", mapping({"employee": "=subject.employee_no"}, {"n": "=reference"}), operation="payroll.stop_housing_fund", name="停缴"
        ),
        node("exclusiveGateway", "which", default="which_again"),
        END,
        flows("start > again", "again > call", "call > which", "which > again", 'which > end: n = "never"'),
        rules=RULES,
    )
    outcome = played(circle, "then: {ended: completed}")
    assert not outcome.passed and outcome.failed is not None and outcome.failed.act.verb == "start"
    assert said(outcome).startswith('After 0.3 seconds the run was still not at rest and was stopped, at "停缴"')
    monkeypatch.setattr(sandbox, "SECONDS", 60.0)
    assert played(chosen(), "then: {open: [查看]}").passed
