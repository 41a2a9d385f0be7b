"""The files of the dismissal: they deploy, say the law right, and carry a case along every path that is drawn."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from lxml import etree
from portrait_rows import employee
from termination_case import FILES, FORMS, OPERATIONS, Termination

from engine.bpmn import expressions, lint, order
from engine.bpmn.decisions import Decisions
from engine.bpmn.parser import processes
from engine.bpmn.reader import read_xml
from forms import FormChecker

LAW = json.loads((Path(__file__).parent / "data" / "law-check-cases.json").read_text())
PROCESS = processes(read_xml(FILES["termination.bpmn"], "termination.bpmn"), "termination.bpmn")[0]
CHINESE = re.compile("[\u4e00-\u9fff]")


def text_of(pdf: bytes) -> str:
    """The text of a PDF without blanks."""
    document = pypdfium2.PdfDocument(pdf)
    return "".join("".join(page.get_textpage().get_text_bounded().split()) for page in document)


# --- the files


def test_the_procedure_deploys() -> None:
    """No finding of any kind in the diagram and the table, with the forms, operations and chains that exist."""
    found = lint.check(
        FILES, forms=FORMS, operations=OPERATIONS, chains={"dismissal-approval"}, timed={"dismissal-approval": False}, advice=True
    )
    assert {path: [(f.element, f.code, f.facts) for f in findings] for path, findings in found.items() if findings} == {}


def test_everything_has_a_chinese_and_an_english_name() -> None:
    """Tasks, events with a name, gateways that decide, lanes and named flows."""
    splits = ("exclusiveGateway",)
    for element in PROCESS.elements.values():
        if element.kind.endswith("Task") or element.kind in splits or element.name:
            assert CHINESE.search(element.name), element.id
            assert element.name_en and not CHINESE.search(element.name_en), element.id
    assert [lane.name for lane in PROCESS.lanes] == ["主管", "HR", "法务", "工会", "员工", "综合部"]
    assert all(lane.name_en for lane in PROCESS.lanes)
    root = etree.fromstring(FILES["termination.bpmn"])
    named = [flow for flow in root.iter("{*}sequenceFlow") if flow.get("name")]
    assert len(named) >= 10 and all(flow.find(".//{*}property[@name='wf.name.en']") is not None for flow in named)


def test_the_drawing_is_complete_and_nothing_overlaps() -> None:
    """Every element has a shape inside its lane, every flow an edge; shapes keep apart, except an event on its task."""
    root = etree.fromstring(FILES["termination.bpmn"])
    boxes = {
        shape.get("bpmnElement"): tuple(float(shape.find("{*}Bounds").get(side)) for side in ("x", "y", "width", "height"))
        for shape in root.iter("{*}BPMNShape")
    }
    assert {edge.get("bpmnElement") for edge in root.iter("{*}BPMNEdge")} == PROCESS.flows.keys()
    assert boxes.keys() >= PROCESS.elements.keys()
    for lane in PROCESS.lanes:
        top, height = boxes[lane.id][1], boxes[lane.id][3]
        for id in lane.elements:
            assert top <= boxes[id][1] and boxes[id][1] + boxes[id][3] <= top + height, id
    placed = sorted(PROCESS.elements)
    for index, one in enumerate(placed):
        x, y, w, h = boxes[one]
        for other in placed[index + 1 :]:
            x2, y2, w2, h2 = boxes[other]
            attached = other == PROCESS.elements[one].attached or one == PROCESS.elements[other].attached
            assert attached or x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y, (one, other)


def test_no_path_reaches_the_notice_without_its_steps() -> None:
    """The rules hold for the diagram, and a shortcut drawn around the approval is noticed."""
    assert order.missing_before(FILES) == {}
    shortcut = FILES["termination.bpmn"].replace(
        b'sourceRef="edit_plan" targetRef="approve"', b'sourceRef="edit_plan" targetRef="review_law"'
    )
    found = order.missing_before({**FILES, "termination.bpmn": shortcut})
    assert [finding.facts["step"] for finding in found["termination.bpmn"]] == ["审批辞退"]


@pytest.mark.parametrize("name", sorted({e.form for e in PROCESS.elements.values()} - {None}))
def test_each_form_is_sound_and_bilingual(name: str) -> None:
    """The checker finds nothing to repair; every label, description, text and choice has an English twin."""
    checker = FormChecker(evaluate=expressions.evaluate, check_expression=expressions.check)
    assert checker.problems(FORMS[name]) == []

    def walk(items: list[dict[str, Any]]) -> None:
        for item in items:
            english = item.get("properties", {})
            for what in ("label", "description", "text"):
                shown = item.get(what) or (item.get("dateLabel") if what == "label" else None)
                assert not shown or english.get(f"{what}_en"), (name, item["id"], what)
            assert all(option.get("label_en") for option in item.get("values", [])), (name, item["id"])
            walk(item.get("components", []))

    walk(FORMS[name]["components"])


# --- the law


def check_law(ground: str, facts: dict[str, Any], steps_done: list[str] | None = None) -> dict[str, Any]:
    table = Decisions(FILES["law-check.dmn"], file="law-check.dmn")
    value = table.decide("law_check", {"ground": ground, "facts": facts, "steps_done": steps_done or []}).value
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("case", LAW["cases"], ids=lambda case: case["id"])
def test_the_law_table_answers_as_the_articles_say(case: dict[str, Any]) -> None:
    """Outcome, at least the articles and steps named, and the earliest end where one is given."""
    found, expected = check_law(case["ground"], {**LAW["facts"], **case["facts"]}), case["expected"]
    assert found["outcome"] == expected["outcome"], found["reason"]
    cited = [{"law": article["law"], "article": article["article"]} for article in found["articles"]]
    assert all(article in cited for article in expected["articles"])
    assert set(expected.get("steps", [])) <= set(found["steps"])
    assert found["earliest_end"] == expected.get("earliest_end", found["earliest_end"])
    assert CHINESE.search(found["reason"]) and not CHINESE.search(found["reason_en"])


@pytest.mark.parametrize(
    ("contract", "agreed", "last_day"),
    [
        ({"contract_end": "2026-03-30"}, 1, None),  # under three months: no probation
        ({"contract_end": "2026-03-31"}, 2, "2026-01-31"),
        ({"contract_end": "2026-12-30"}, 2, "2026-01-31"),
        ({"contract_end": "2026-12-31"}, 3, "2026-02-28"),
        ({"contract_end": "2028-12-30"}, 6, "2026-02-28"),
        ({"contract_end": "2028-12-31"}, 7, "2026-06-30"),
        ({"contract_end": "2028-12-31"}, 3, "2026-03-31"),
        ({"contract_type": "open_ended"}, 7, "2026-06-30"),
        ({"contract_type": "task", "contract_end": "2028-12-31"}, 3, None),
    ],
)
def test_a_probation_lasts_as_long_as_article_19_allows(contract: dict[str, Any], agreed: int, last_day: str | None) -> None:
    """None, one, two or six months by the term of the contract; the agreed part beyond that does not count."""
    facts = {**LAW["facts"], "contract_start": "2026-01-01", "probation_agreed_months": agreed, **contract}
    on = last_day or "2026-01-01"
    found = check_law("D39-1", {**facts, "decision_delivered": on, "planned_end": on})
    assert (found["probation_last_day"], found["outcome"]) == (last_day, "allowed" if last_day else "blocked")
    assert check_law("D39-1", {**facts, "decision_delivered": "2026-07-01", "planned_end": "2026-07-01"})["outcome"] == "blocked"


PROTECTED = {
    "42(1)": {"suspected_occupational_disease": True},
    "42(2)": {"work_injury_capacity_loss": True},
    "42(3)": {"medical_period_end": "2026-06-10"},
    "42(4)": {"breastfeeding_until": "2026-06-10"},
    "42(5)": {"continuous_service_months": 180, "months_to_retirement": 59},
    "42(6)": {"union_officer_until": "2027-01-01"},
}


@pytest.mark.parametrize("article", PROTECTED)
@pytest.mark.parametrize("ground", ["D40-1", "D40-2", "D40-3"])
def test_article_42_blocks_article_40_and_names_its_item(ground: str, article: str) -> None:
    """Each protection, each item of art 40; the same facts only call for a lawyer under art 39."""
    facts = {**LAW["facts"], "decision_delivered": "2026-06-10", "planned_end": "2026-07-31", **PROTECTED[article]}
    found = check_law(ground, facts)
    assert found["outcome"] == "blocked" and article in [cited["article"] for cited in found["articles"]]
    found = check_law("D39-2", facts)
    assert (found["outcome"], found["steps"]) == ("needs_steps", ["LAWYER_REVIEW"])


def test_a_medical_period_that_nobody_computed_is_missing() -> None:
    """Art 40(1) asks for a period that is over, so an unknown one is a missing step, and only there."""
    facts = {**LAW["facts"], "medical_period_end": None, "decision_delivered": "2026-06-10", "planned_end": "2026-06-10"}
    assert check_law("D40-1", facts)["steps"] == ["MEDICAL_PERIOD_OVER"]
    assert check_law("D40-2", facts)["outcome"] == "allowed"


def test_no_contract_ends_before_the_notice_arrives() -> None:
    """A last day that has passed by the day of delivery is blocked; the day of delivery itself is not."""
    facts = {**LAW["facts"], "decision_delivered": "2026-06-10"}
    found = check_law("D39-2", {**facts, "planned_end": "2026-06-09"})
    assert found["outcome"] == "blocked" and {"law": "民法典", "article": "137"}.items() <= found["articles"][-1].items()
    assert check_law("D39-2", {**facts, "planned_end": "2026-06-10"})["outcome"] == "allowed"


def test_a_step_on_record_is_no_longer_asked_for() -> None:
    """The missing one of two stays."""
    facts = {
        **LAW["facts"],
        "rule_published": False,
        "rule_names_act": False,
        "decision_delivered": "2026-06-10",
        "planned_end": "2026-06-10",
    }
    assert check_law("D39-2", facts)["steps"] == ["RULE_PUBLISHED", "RULE_NAMES_ACT"]
    assert check_law("D39-2", facts, ["RULE_PUBLISHED"])["steps"] == ["RULE_NAMES_ACT"]
    assert check_law("D39-2", facts, ["RULE_PUBLISHED", "RULE_NAMES_ACT"])["outcome"] == "allowed"


def test_no_recorded_step_lifts_a_prohibition() -> None:
    """Protection under art 42 blocks art 40 whatever is on record."""
    facts = {**LAW["facts"], "pregnant": True, "decision_delivered": "2026-06-10", "planned_end": "2026-06-10"}
    assert check_law("D40-2", facts, ["LAWYER_REVIEW", "UNION_NOTICE"])["outcome"] == "blocked"


def test_what_is_not_proven_is_missing() -> None:
    """Evidence left out of the facts counts as not there."""
    found = check_law("D39-2", {**dict.fromkeys(LAW["facts"]), "decision_delivered": "2026-06-10", "planned_end": "2026-06-10"})
    assert found["outcome"] == "needs_steps"
    assert {"RULE_DEMOCRATIC_PROCEDURE", "RULE_PUBLISHED", "RULE_NAMES_ACT", "FACTS_PROVEN", "UNION_NOTICE"} <= set(found["steps"])


# --- the paths


def test_the_whole_dismissal() -> None:
    """From the report to the end: facts pulled and related, the law checked twice, all letters made, the account off last."""
    case = Termination()
    assert list(case.open) == ["assess"]
    variables = case.execution.variables()
    assert "3 次均未及格" in variables["portrait"]["text"] and variables["facts"]["pregnant"] == "no"
    case.until("edit_plan")
    variables = case.execution.variables()
    assert variables["law"]["outcome"] == "allowed"
    assert "3 次均未及格" in variables["plan"]["text"] and "《劳动合同法》第三十九条第（一）项" in variables["plan"]["text"]
    notice = variables["notice"]
    assert notice["facts"] == variables["portrait"]["beyond_text"]
    assert notice["rule_clause"] == "录用条件：三次培训考核成绩均不低于 60 分" and notice["steps"].startswith("2026 年 10 月 10 日：")
    assert (notice["pay_date"], notice["social_insurance_month"]) == ("2026-11-30", "2026-11")
    case.until("serve_notice")
    case.act("serve_notice")
    assert set(case.open) == {"hand_over_work", "return_assets", "confirm_removal"}
    assert case.timers["end_date_reached"][1].isoformat() == "2026-11-29T16:00:00+00:00"
    case.wait("end_date_reached")
    case.act("hand_over_certificate")
    assert case.outcome is None
    while case.open:
        case.act(next(iter(case.open)))
    assert case.outcome == "dismissed" and case.execution.finished
    assert case.done[-1] == "deactivate_account"
    asked = [operation for operation, _ in case.calls]
    for push in (
        "payroll.stop_social_insurance",
        "payroll.stop_housing_fund",
        "payroll.request_settlement",
        "oa.deactivate_account",
    ):
        assert asked.count(push) == 1
    assert case.pdf.keys() == {"union-notice", "notice", "certificate"}


def test_insufficient_facts_go_back_to_the_supervisor_and_data_are_pulled_again() -> None:
    """With the reason, and as often as needed."""
    case = Termination()
    case.act("assess", decision="insufficient", reason="请补充三次考核的试卷。", ground=None)
    assert case.execution.variables(case.open["supplement"])["missing_reason"] == "请补充三次考核的试卷。"
    case.act("supplement")
    assert list(case.open) == ["assess"]
    assert [operation for operation, _ in case.calls].count("ehr.app_usage") == 2


def test_an_improvement_plan_closes_the_case() -> None:
    """Nobody is dismissed, and nothing is pushed anywhere."""
    case = Termination()
    case.act("assess", decision="improvement", ground=None)
    case.act("plan_improvement")
    assert case.outcome == "improvement"
    assert not any(operation.startswith(("payroll", "oa")) for operation, _ in case.calls)


def test_a_blocked_ground_ends_or_is_assessed_anew() -> None:
    """HR sees the article; the way on leads only back or to the end."""
    case = Termination()
    case.act("assess")
    case.act("state_facts", decision_delivered="2027-02-01", planned_end="2027-02-01")
    shown = case.execution.variables(case.open["see_obstacles"])
    assert "第十九条" in shown["law_articles"] and "试用期" in shown["law_reason"]
    case.act("see_obstacles", next="reassess")
    case.act("assess")
    case.act("state_facts", decision_delivered="2027-02-01", planned_end="2027-02-01")
    case.act("see_obstacles")
    assert case.outcome == "rejected"


def test_missing_steps_are_named_recorded_and_checked_again() -> None:
    """Until the step is on record nothing goes on; a correction of facts leads over the facts."""
    case = Termination()
    case.act("assess")
    case.act("state_facts", probation_assessment=False)
    assert "考核" in case.execution.variables(case.open["take_steps"])["law_steps"]
    case.act("take_steps", taken=[{"step": "RULE_PUBLISHED", "done_on": "2026-11-23", "evidence": "公示照片三张"}])
    case.act("take_steps", facts_changed="yes")
    case.act("state_facts", probation_assessment=False)
    assert list(case.open) == ["edit_plan"]


def test_the_approvers_and_legal_can_stop_it() -> None:
    """Both end the case as rejected."""
    for element, changes in (
        ("approve", {"decision": "rejected"}),
        ("review_law", {"decision": "reject", "comment": "证据不足。"}),
    ):
        case = Termination()
        case.until(element)
        case.act(element, **changes)
        assert case.outcome == "rejected"


def test_legal_returns_the_plan_and_it_is_approved_again() -> None:
    """HR sees the comment; the earlier text is kept."""
    case = Termination()
    case.until("review_law")
    case.act("review_law", decision="return", comment="请写明及格线的出处。")
    inside = case.execution.variables(case.open["edit_plan"])
    assert inside["returned_comment"] == "请写明及格线的出处。" and inside["plan"]["text"].startswith("辞退沟通方案：")
    case.act("edit_plan")
    assert list(case.open) == ["approve"]


def test_an_objection_of_the_union_is_answered_before_the_conversation() -> None:
    """Art 43: the opinion is considered and answered in writing."""
    case = Termination()
    case.until("record_union_reply")
    case.act("record_union_reply", opinion="objection", reasons="培训时间太短。")
    assert case.execution.variables(case.open["answer_union"])["union_reasons"] == "培训时间太短。"
    case.until("serve_notice")
    assert "本单位已研究并将处理结果书面通知工会" in text_of(case.pdf["notice"])


def test_without_a_statement_in_a_day_a_refusal_is_witnessed() -> None:
    """The subject's item is left, two witnesses record it, and the procedure goes on."""
    case = Termination()
    case.until("give_statement")
    case.wait("statement_due")
    assert list(case.open) == ["witness_refusal"]
    case.act("witness_refusal")
    assert list(case.open) == ["serve_notice"]


def test_a_statement_that_is_not_signed_is_witnessed() -> None:
    """What the employee wrote is kept; that they did not sign is for two witnesses to say."""
    case = Termination()
    case.until("give_statement")
    case.act("give_statement", signing="refused", signature=None, text="数据不准。")
    assert list(case.open) == ["witness_refusal"]
    assert case.execution.variables()["statement"]["text"] == "数据不准。"
    case.act("witness_refusal")
    assert list(case.open) == ["serve_notice"]


def test_a_union_that_does_not_reply_holds_nothing_up_and_agrees_to_nothing() -> None:
    """The law sets no waiting time; the notice says that no reply came."""
    case = Termination()
    case.until("record_union_reply")
    case.act("record_union_reply", opinion="no_reply", replied_on=None)
    assert list(case.open) == ["hold_conversation"]
    case.until("serve_notice")
    text = text_of(case.pdf["notice"])
    assert "工会在期限内未回复" in text and "无异议" not in text


@pytest.mark.parametrize(
    ("ground", "facts", "by"),
    [
        ("D39-1", {"planned_end": "2026-11-30"}, "2026-11-30"),
        ("D39-1", {"planned_end": "2027-01-31"}, "2027-01-09"),  # the last day of the probation
        ("D40-2", {"planned_end": "2026-12-31", "lieu_paid": False}, "2026-12-01"),
        ("D40-2", {"planned_end": "2026-11-30", "lieu_paid": True}, "2026-11-30"),
    ],
)
def test_whoever_serves_the_notice_knows_by_when_it_must_arrive(ground: str, facts: dict[str, Any], by: str) -> None:
    """Inside the probation, thirty days before the end, or at the latest on the last day."""
    case = Termination()
    case.act("assess", ground=ground)
    proven = {"first_assessment": "below_standard", "measure": "training", "measure_reason": "incompetence"}
    proven |= {"second_assessment": "below_standard"}
    case.act("state_facts", **(proven if ground == "D40-2" else {}), **facts)
    case.until("serve_notice")
    assert case.execution.variables(case.open["serve_notice"])["serve_by"] == by


def test_the_law_is_checked_again_with_the_real_dates() -> None:
    """When the union's step took until after the probation, no notice is written."""
    case = Termination(employee=employee(probation={"agreed_months": 3}))
    case.until("give_statement")
    case.now = case.now.replace(year=2027, month=2, day=1)
    case.act("give_statement")
    assert list(case.open) == ["state_facts"] and "notice" not in case.pdf
    assert "试用期" in case.execution.variables(case.open["state_facts"])["law_reason"]
    case.act("state_facts", decision_delivered="2027-02-01", planned_end="2027-02-01")
    assert list(case.open) == ["see_obstacles"]


def test_a_last_day_that_has_passed_is_set_anew_before_the_notice() -> None:
    """No notice is dated back; once the day is corrected, plan, approval and review come again, without an old comment."""
    case = Termination()
    case.until("give_statement")
    case.now = case.now.replace(month=12, day=2)
    case.act("give_statement")
    assert "早于送达日期" in case.execution.variables(case.open["state_facts"])["law_reason"]
    case.act("state_facts", decision_delivered="2026-12-02", planned_end="2026-12-04")
    assert case.execution.variables(case.open["edit_plan"])["returned_comment"] is None
    case.until("serve_notice")
    assert case.done.count("approve") == case.done.count("review_law") == 2
    assert "劳动合同于2026年12月4日解除" in text_of(case.pdf["notice"])


@pytest.mark.parametrize(
    ("element", "timer", "box"),
    [
        ("assess", "assess_waits", "hr@company.example"),
        ("review_law", "review_waits", "legal@company.example"),
        ("record_union_reply", "union_waits", "union@company.example"),
        ("confirm_removal", "removal_waits", "general-affairs@company.example"),
        ("confirm_removal", "removal_late", "sunzhiyuan@company.example"),
    ],
)
def test_waiting_tasks_are_reminded_and_escalated(element: str, timer: str, box: str) -> None:
    """A mail goes out, and the task stays open."""
    case = Termination()
    case.until(element)
    case.wait(timer)
    operation, given = case.calls[-1]
    assert operation == "mail.send" and given["to"] == box and "T-2026-0001" in given["subject"]
    assert element in case.open


def test_missing_fields_of_the_record_are_left_for_hr() -> None:
    """What the EHR does not know is empty, and the form demands it."""
    record = employee(protected=dict.fromkeys(employee()["protected"]), hired_on=None, months_to_retirement=None)
    facts = Termination(employee=record).execution.variables()["facts"]
    assert facts["pregnant"] is None and facts["continuous_service_months"] is None


# --- the letters


def test_the_notice_says_what_the_law_demands_and_takes_data_as_text() -> None:
    """Ground and article, facts one by one, union, payments, rights, receipt; typst code in the facts stays text."""
    case = Termination()
    case.until("edit_plan")
    notice = {"facts": '#panic("x") *58* 分\n第二项 $a$'}
    usual = case.execution.variables()["notice"]
    case.open, instance = {}, case.open["edit_plan"]
    filled = {**usual, "payments": "2026 年 11 月工资", "steps": None, "rule_clause": None, "lieu_amount": None, **notice}
    case._happened(case.execution.complete(instance, {"notice": filled}, now=case.now))
    case.until("serve_notice")
    text = text_of(case.pdf["notice"])
    for part in (
        "解除劳动合同通知书",
        "第三十九条第（一）项",
        "2026年11月30日",
        "工会收到书面解除理由",
        "一年内",
        "申请劳动争议仲裁",
        "不表示同意",
    ):
        assert part in text, part
    assert '#panic("x")*58*分' in text and "第二项$a$" in text


def test_the_certificate_has_the_four_facts_and_no_reason() -> None:
    """Art 24 of the implementing regulation: term, end, post, years of service; nothing about why."""
    case = Termination()
    case.until("serve_notice")
    case.act("serve_notice")
    case.wait("end_date_reached")
    text = text_of(case.pdf["certificate"])
    for part in ("2026年10月10日起至2029年10月9日止", "2026年11月30日", "客服专员", "1个月（2026年10月10日至2026年11月30日）"):
        assert part in text, part
    for word in ("第三十九条", "录用条件", "试用期", "考核", "不合格", "违反"):
        assert word not in text


def test_an_english_case_gets_an_english_plan() -> None:
    """The letters to authorities and the employee stay Chinese."""
    case = Termination(locale="en")
    case.until("edit_plan")
    text = case.execution.variables()["plan"]["text"]
    assert text.startswith("Communication plan") and "Labour Contract Law, art. 39(1)" in text and "3 of 3 not passed" in text
