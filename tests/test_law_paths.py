"""Nothing drawn into the dismissal leads to the notice past the law check, the approvals, legal, the union or the conversation."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable

import pytest
from lxml import etree
from termination_case import FILES

from engine import demanded, rules
from engine.bpmn.findings import Finding
from engine.bpmn.order import missing_before
from webapp import FORMS, i18n, told_of_operations

FORM_FILES = {f"forms/{form.stem}.form": form.read_bytes() for form in FORMS.glob("*.form")}

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"


class Drawing:
    """The dismissal's diagram, as somebody edits it in a modeler."""

    def __init__(self) -> None:
        self.root = etree.fromstring(FILES["termination.bpmn"])
        self.process = self.root.find(BPMN + "process")

    def __getitem__(self, id: str) -> etree._Element:
        return next(node for node in self.process.iter() if node.get("id") == id)

    def add(self, tag: str, id: str, *inner: etree._Element, **attributes: str) -> etree._Element:
        node = etree.SubElement(self.process, BPMN + tag, id=id, name=attributes.pop("name", id), **attributes)
        node.extend(inner)
        return node

    def flow(self, source: str, target: str, condition: str = "", id: str = "") -> None:
        drawn = self.add("sequenceFlow", id or f"{source}_to_{target}", sourceRef=source, targetRef=target)
        if condition:
            etree.SubElement(drawn, BPMN + "conditionExpression").text = condition

    def lead(self, flow: str, target: str) -> None:
        """Draws the end of a flow to another element."""
        self[flow].set("targetRef", target)

    def event(self, kind: str, id: str, host: str, target: str, **attributes: str) -> None:
        """A boundary event that leads to a target."""
        self.add("boundaryEvent", id, etree.Element(f"{BPMN}{kind}EventDefinition"), attachedToRef=host, **attributes)
        self.flow(id, target)

    def into(self, sub: etree._Element, *ids: str) -> None:
        for id in ids:
            sub.append(self[id])

    def found(self) -> list[Finding]:
        files = {**FILES, "termination.bpmn": etree.tostring(self.root)}
        return [finding for findings in missing_before(files).values() for finding in findings]

    def missing(self) -> dict[str, Finding]:
        """By the step that is left out before a notice."""
        return {one.facts["step"]: one for one in self.found() if one.code == "step_missing" and "通知书" in one.facts["target"]}


def bypassed(d: Drawing) -> None:
    d.lead("facts_stated", "draft_plan")


def behind_a_condition(d: Drawing) -> None:
    """Only who dismisses without pay is checked; everybody else goes around."""
    d.add("exclusiveGateway", "costly", name="有过失？", default="costly_to_draft_plan")
    d.lead("facts_stated", "costly")
    d.flow("costly", "law_check", '=assessment.ground = "D39-2"')
    d.flow("costly", "draft_plan")


def union_skipped(d: Drawing) -> None:
    d.lead("law_approved", "hold_conversation")


def review_after_the_notice(d: Drawing) -> None:
    d.lead("approved", "write_union_letter")
    d.lead("notice_written", "review_law")
    d.lead("law_approved", "serve_notice")


def conversation_beside_the_notice(d: Drawing) -> None:
    d.add("parallelGateway", "at_once", name="同时")
    d.lead("union_agrees", "at_once")
    d.lead("union_answered", "at_once")
    d.flow("at_once", "hold_conversation")
    d.flow("at_once", "check_again")
    d.add("endEvent", "talked", name="面谈结束")
    d.lead("signed", "talked")
    d.lead("refusal_witnessed", "talked")


def approval_in_one_branch(d: Drawing) -> None:
    d.add("exclusiveGateway", "short", name="试用期？", default="short_to_approve")
    d.lead("plan_edited", "short")
    d.flow("short", "approve")
    d.flow("short", "review_law", '=assessment.ground = "D39-1"')


def timer_on_the_union(d: Drawing) -> None:
    d.event("timer", "union_too_late", "record_union_reply", "hold_conversation", name="工会逾期")


def event_sub_process(d: Drawing) -> None:
    urgent = d.add("subProcess", "urgent", name="紧急辞退", triggeredByEvent="true")
    begin = etree.SubElement(urgent, BPMN + "startEvent", id="urged", name="总经理指示")
    etree.SubElement(begin, BPMN + "messageEventDefinition")
    d.into(urgent, "write_notice")
    d.flow("urged", "write_notice", id="urged_to_notice")
    d.into(urgent, "urged_to_notice")
    d.lead("still_lawful", "serve_notice")
    d["notice_written"].getparent().remove(d["notice_written"])


def error_boundary(d: Drawing) -> None:
    """The legal review lies in a sub-process of which an error leads on."""
    around = d.add("subProcess", "reviewing", name="法务环节")
    d.into(around, "review_law")
    d.lead("approved", "reviewing")
    d["reviewed"].set("sourceRef", "reviewing")
    d.event("error", "review_failed", "reviewing", "write_union_letter", name="审查出错")


def notice_moved_before(d: Drawing) -> None:
    """Notice and union letter change places."""
    d.lead("law_approved", "write_notice")
    d.lead("notice_written", "write_union_letter")
    d.lead("still_lawful", "serve_notice")


def called_elsewhere(d: Drawing) -> None:
    """The union's step moves into a process that is called, where a gateway leads around it."""
    other = etree.SubElement(d.root, BPMN + "process", id="consult", name="征求工会意见", isExecutable="true")
    d["record_union_reply"].tag = BPMN + "callActivity"
    call = d["record_union_reply"]
    step = copy.deepcopy(call)
    step.tag = BPMN + "userTask"
    step.set("id", "ask_union")
    extensions = call.find(BPMN + "extensionElements")
    extensions.clear()
    etree.SubElement(extensions, ZEEBE + "calledElement", processId="consult")
    main, d.process = d.process, other
    d.add("startEvent", "consulting")
    d.add("exclusiveGateway", "has_union", name="有工会？", default="no_union")
    other.append(step)
    d.flow("consulting", "has_union")
    d.flow("has_union", "ask_union", "=facts.union_exists")
    d.add("endEvent", "consulted")
    d.flow("has_union", "consulted", id="no_union")
    d.flow("ask_union", "consulted")
    d.process = main


def for_each_of_nobody(d: Drawing) -> None:
    """The conversation is held with everybody on a list, which may be empty."""
    loop = etree.SubElement(d["hold_conversation"], BPMN + "multiInstanceLoopCharacteristics")
    extensions = etree.SubElement(loop, BPMN + "extensionElements")
    etree.SubElement(extensions, ZEEBE + "loopCharacteristics", inputCollection="=present")


def copied(d: Drawing) -> None:
    """A second step writes the same letter right after the assessment."""
    notice = copy.deepcopy(d["write_notice"])
    notice.set("id", "write_notice_now")
    notice.set("name", "立即生成通知书")
    d.process.append(notice)
    d.lead("proceed", "write_notice_now")
    d.flow("write_notice_now", "state_facts")


def answer_ignored(d: Drawing) -> None:
    """A blocked ground goes on to the plan as an allowed one does."""
    d.lead("law_blocked", "draft_plan")


def rejection_ignored(d: Drawing) -> None:
    d.lead("not_approved", "review_law")


MUTATIONS: dict[Callable[[Drawing], None], tuple[str, str]] = {
    bypassed: ("审查辞退合法性", "核对法律审查事实 → 起草沟通方案"),
    behind_a_condition: ("审查辞退合法性", "核对法律审查事实 → 有过失？ → 起草沟通方案"),
    union_skipped: ("登记工会意见", "法务审查 → 法务意见？ → 记录沟通谈话"),
    review_after_the_notice: ("法务审查", "是否同意？ → 生成工会通知函"),
    conversation_beside_the_notice: ("记录沟通谈话", "同时 → 送达前复核"),
    approval_in_one_branch: ("审批辞退", "试用期？ → 法务审查"),
    timer_on_the_union: ("登记工会意见", "登记工会意见 → 工会逾期 → 记录沟通谈话"),
    event_sub_process: ("审批辞退", "紧急辞退 → 总经理指示 → 生成解除通知书"),
    error_boundary: ("法务审查", "审查出错 → 生成工会通知函"),
    notice_moved_before: ("登记工会意见", "法务意见？ → 生成解除通知书"),
    called_elsewhere: ("登记工会意见", "有工会？ → consulted → "),
    for_each_of_nobody: ("记录沟通谈话", "记录沟通谈话 → 本人陈述与签收"),
    copied: ("审查辞退合法性", "处理意见？ → 立即生成通知书"),
    answer_ignored: ("审查结论？ → 可以", "审查结论？ → 起草沟通方案"),
    rejection_ignored: ("是否同意？ → 同意", "是否同意？ → 法务审查"),
}


def test_the_dismissal_as_it_is_breaks_no_rule() -> None:
    """Nothing is found where nothing was changed."""
    assert Drawing().found() == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_way_around_a_step_is_found_and_named(mutation: Callable[[Drawing], None]) -> None:
    """The step that is left out, and the way past it as a person reads it and as ids that a diagram can show."""
    drawing, (step, part) = Drawing(), MUTATIONS[mutation]
    mutation(drawing)
    missing = drawing.missing()
    assert step in missing, missing.keys()
    found = missing[step]
    assert part in found.facts["along"] and found.facts["along"] in found.text
    assert found.element == found.way[-1] and found.severity == "error"
    assert all(drawing[id] is not None for id in found.way if id not in ("consulting", "has_union", "ask_union", "consulted"))


def test_a_plan_that_was_changed_must_be_approved_again() -> None:
    """Legal returns it, and what HR makes of it in a second step of that kind goes straight back to legal."""
    drawing = Drawing()
    again = copy.deepcopy(drawing["edit_plan"])
    again.set("id", "edit_again")
    drawing.process.append(again)
    drawing.lead("law_returned", "edit_again")
    drawing.flow("edit_again", "review_law")
    [found] = drawing.found()
    assert (found.code, found.facts["since"]) == ("step_missing_since", "编辑沟通方案与通知要点")
    assert found.facts["step"] == "审批辞退" and found.way[:3] == ("edit_again", "review_law", "review_result")


def test_a_step_that_was_removed_is_told_with_what_needs_it() -> None:
    """Without the union's step it is told at the notice, in the diagram, with the way that leads there."""
    drawing = Drawing()
    drawing.lead("union_written", "union_result")
    drawing.process.remove(drawing["record_union_reply"])
    [(file, found)] = missing_before({**FILES, "termination.bpmn": etree.tostring(drawing.root)}).items()
    [gone] = [one for one in found if one.code == "step_gone"]
    assert (file, gone.element, gone.facts["step"]) == ("termination.bpmn", "write_notice", '"form:union-reply"')
    assert gone.way[-1] == "write_notice" and " → 工会意见？ → " in gone.text, gone.text
    drawing = Drawing()
    for notice in [node for node in drawing.process.iter(ZEEBE + "header") if node.get("value") == "notice"]:
        notice.set("value", "letter")
    assert [(one.code, one.element) for one in drawing.found()] == [("step_gone", "serve_notice")]


STEPS = {
    "record_union_reply": "填写表单“工会意见”的环节",
    "write_union_letter": "生成文书“关于拟解除劳动合同的工会通知函”的环节",
    "approve": "按审批链“辞退审批”审批的环节",
    "law_check": "编号（ID）为“law_check”的元素",
    "stop_social_insurance": "自动环节“推送社保停缴”",
    "state_facts": "填写表单“法律审查事实”的环节",
}


@pytest.mark.parametrize("removed", STEPS)
def test_a_step_that_was_removed_is_named_as_people_name_it(removed: str) -> None:
    """Nothing of what rules.json says of it stands in the sentence, which is told once for each thing that must come after."""
    drawing = Drawing()
    [into] = [node for node in drawing.process.iter(BPMN + "sequenceFlow") if node.get("targetRef") == removed][:1]
    [out] = [node for node in drawing.process.iter(BPMN + "sequenceFlow") if node.get("sourceRef") == removed]
    drawing.lead(into.get("id"), out.get("targetRef"))
    drawing.process.remove(drawing[removed])
    files = {**FORM_FILES, **FILES, "termination.bpmn": etree.tostring(drawing.root)}
    found = missing_before(files, lambda text: demanded.called(text, files, told_of_operations()))
    assert list(found) == ["termination.bpmn"]
    gone = [i18n.fill(one.message, one.facts) for one in found["termination.bpmn"] if one.code in ("step_gone", "rule_guards_nothing")]
    assert any(STEPS[removed] in sentence for sentence in gone), gone
    assert len(set(gone)) == len(gone) and not any(word in " ".join(gone) for word in ("form:", "operation:", "chain:", "rules.json"))


def test_nothing_is_stopped_before_the_notice_was_served() -> None:
    """Social insurance ends with the employment: a push beside the conversation is refused."""
    drawing = Drawing()
    drawing.lead("union_answered", "stop_social_insurance")
    found = {(one.facts["step"], one.element) for one in drawing.found() if one.code == "step_missing"}
    assert ("送达解除通知书", "stop_social_insurance") in found


def test_the_certificate_waits_for_no_handover() -> None:
    """Art 50(1) knows no condition: a certificate behind the handover is refused, beside it is fine."""
    drawing = Drawing()
    drawing.lead("to_end_date", "closing_join")
    drawing.lead("handover_done", "end_date_reached")
    found = [(one.element, one.facts["step"]) for one in drawing.found() if one.code == "waits_for"]
    assert found == [("write_certificate", "工作交接"), ("hand_over_certificate", "工作交接")]


def test_a_copied_notice_leaves_no_way_back_either() -> None:
    """Whoever called the case off after the second letter would do so too late, as after the first."""
    drawing = Drawing()
    copied(drawing)
    named = rules.rules_of({**FILES, "termination.bpmn": etree.tostring(drawing.root)})
    assert named.no_way_back >= {"write_notice", "write_notice_now"} and named.second_person >= {"hold_conversation"}


def test_the_rule_file_says_what_is_wrong_with_it() -> None:
    """Lists of texts below names, one level deeper for what must lie in between."""
    assert rules.faults(FILES["rules.json"]) == []
    assert rules.faults(b'{"since": {"a": ["b"]}}') == ["since.a must be an object"]
    assert rules.faults(b'{"since": {"a": {"b": "c"}}}') == ["since.a.b must be a list of texts"]
    assert rules.faults(b'{"since": []}') == ["since must be an object"]


def test_whatever_is_wrong_with_the_rule_file_is_said_in_chinese() -> None:
    """A rule that is none, what is no object and no list, who may cancel, no manager, and slips in what may come after a case."""
    listed = {"name": 1, "kinds": {}, "rate": [], "results": {"": {"name": "x", "name_en": "x", "counts": True, "more": 1}}}
    wrong = {"befroe": {}, "before": [], "since": {"a": []}, "shown": {"hr": "x"}, "cancel": ["hr"], "managers": [], "aftermath": listed}
    found = rules.faults(json.dumps(wrong).encode())
    assert len(found) >= 12
    assert [fault for fault in found if not re.search("[\u3400-\u9fff]", i18n.reason(fault))] == []


def test_a_slip_in_what_may_come_after_a_case_is_told_by_its_place() -> None:
    """Each kind and result has a name in both languages, and nothing else but what is read of it."""
    good = json.loads(FILES["rules.json"])["aftermath"]
    kind = {"name": "信访", "name_en": "Petition"}
    for wrong, said in (
        ({**good, "kinds": []}, ["“aftermath.kinds” must be an object that is not empty"]),
        ({**good, "kinds": {"petition": {**kind, "counts": "yes"}}}, ["“aftermath.kinds.petition.counts” must be true or false"]),
        ({**good, "results": {"x": {**kind, "counts": True}}}, ["“aftermath.results.x” has no entry “counts”"]),
        ({**good, "results": {"x" * 41: kind}}, [f"“aftermath.results.{'x' * 41}” must have 1 to 40 characters"]),
        ({**good, "rate": {"name": "率"}}, ["“aftermath.rate.name_en” must be text"]),
        ("disputes", ["“aftermath” must be an object"]),
    ):
        assert rules.faults(json.dumps({"aftermath": wrong}).encode()) == said
