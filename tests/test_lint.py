"""What is refused before it is deployed: each reason with its element, its name and what to do; and never an exception."""

from __future__ import annotations

import contextlib
import random
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from diagrams import END, HEAD, NOW, START, boundary, boxes, diagram, event, flows, mapping, node, service, timer, user, zeebe

from engine import errors
from engine.bpmn import lint
from engine.bpmn.codes import SENTENCES
from engine.bpmn.lint import Code
from engine.bpmn.order import missing_before
from engine.bpmn.program import Program
from webapp import i18n

FORM = {
    "components": [
        {"type": "number", "key": "amount"},
        {"type": "group", "path": "meeting", "components": [{"type": "textfield", "key": "place"}]},
    ]
}
GOOD = (
    node("startEvent", "start", zeebe("formDefinition", formId="report")),
    user("a", name="评估"),
    node("exclusiveGateway", "g", default="g_end"),
    END,
    flows("start > a", "a > g", "g > a: amount > 3", "g > end"),
)


def check(*body: str, named: str = "", files: dict[str, bytes] | None = None, **known) -> list[lint.Finding]:
    known.setdefault("forms", {"report": FORM})
    return lint.check({"x.bpmn": diagram(*body, named=named), **(files or {})}, **known)["x.bpmn"]


def errors_of(*body: str, **known) -> list[tuple[str | None, str]]:
    return [(f.element, str(f.code)) for f in check(*body, **known) if f.severity == "error"]


def gate(condition: str, *more: str) -> tuple[str, ...]:
    return (*GOOD[:-1], *more, flows("start > a", "a > g", f"g > a: {condition}", "g > end"))


def test_a_good_diagram_has_no_findings_and_starts():
    """Accepted means that it deploys and that a case of it starts."""
    assert check(*GOOD) == []
    assert Program({"x.bpmn": diagram(*GOOD)}, version="1").start({"amount": 1}, now=NOW)[1].opened


def test_a_copy_of_a_diagram_beside_it_is_refused():
    """Two files hold a process of one id: the second is refused by that id, and the order of steps is checked all the same."""
    files = {"a.bpmn": diagram(*GOOD), "b.bpmn": diagram(*GOOD)}
    found = lint.check(files, forms={"report": FORM})
    refused = [(path, f.element, f.facts["id"]) for path, each in found.items() for f in each if f.code == Code.DUPLICATE_ID]
    assert refused == [("b.bpmn", "process", "process")]
    assert missing_before({**files, "rules.json": b'{"before": {"end": ["a"]}}'}) == {}


def test_a_finding_says_where_what_and_what_to_do():
    """Element id, its name, a sentence with the facts, and a form for programs."""
    [found] = check(*gate("amuont > 3"))
    assert found.as_dict() == {
        "line": None,
        "element": "g",
        "name": None,
        "severity": "error",
        "code": "unknown_variable",
        "message": 'condition of g_a: "amuont > 3" fails at character 1: there is no variable "amuont". '
        "Correct the name, or let a form field, a mapping, a script or a decision give it.",
    }


SPIFF = (
    '<bpmn:extensionElements><s:preScript xmlns:s="http://spiffworkflow.org/bpmn/schema/1.0/core">import os</s:preScript>'
    "</bpmn:extensionElements>"
)
CASES = {
    "python script": (
        (START, node("scriptTask", "s", "<bpmn:script>import os</bpmn:script>", scriptFormat="python"), flows("start > s")),
        [("s", "python_script")],
    ),
    "a start that waits for two": (
        (START, node("task", "t", startQuantity="2", completionQuantity="1"), flows("start > t")),
        [("t", "unsupported_setting")],
    ),
    "receive task that begins": (
        (node("receiveTask", "r", messageRef="m", instantiate="true"), flows()),
        [("r", "unsupported_setting"), ("r", "unsupported_element")],
    ),
    "condition in another language": (
        (START, user("a"), flows("start > a: 1 = 1").replace("<bpmn:conditionExpression>", '<bpmn:conditionExpression language="python">')),
        [("start_a", "python_script")],
    ),
    "nothing begins": ((user("a"), user("b"), flows("a > b", "b > a")), [("process", "no_beginning")]),
    "two beginnings": ((START, node("startEvent", "s2"), user("a"), flows("start > a", "s2 > a")), [("s2", "several_processes")]),
    "flow to nowhere": ((START, user("a"), flows("start > a", "a > gone")), [("a_gone", "unresolved_reference")]),
    "flow into a sub-process": (
        (START, node("subProcess", "p", node("startEvent", "ps"), user("a"), flows("ps > a")), flows("start > p", "p > a")),
        [("p_a", "wrong_flow")],
    ),
    "flow out of an end": ((START, END, user("a"), flows("start > end", "end > a")), [("end_a", "wrong_flow")]),
    "boundary on nothing": (
        (START, user("a"), node("boundaryEvent", "t", timer(duration="P1D"), attachedToRef="gone"), flows("start > a")),
        [("t", "unresolved_reference")],
    ),
    "default that does not exist": (
        (START, node("exclusiveGateway", "g", default="gone"), END, flows("start > g", "g > end")),
        [("g", "unresolved_reference")],
    ),
    "no condition": (
        (START, node("exclusiveGateway", "g"), user("a"), user("b"), flows("start > g", "g > a: true", "g > b")),
        [("g", "missing_condition")],
    ),
    "join that waits for itself": (
        (START, node("parallelGateway", "f"), user("a"), flows("start > f", "f > a", "a > f")),
        [("f", "never_joins")],
    ),
    "link without a half": (
        (START, node("intermediateThrowEvent", "l", event("link", name="L")), flows("start > l")),
        [("l", "unresolved_reference")],
    ),
    "error that does not exist": (
        (START, node("endEvent", "e", event("error", errorRef="gone")), flows("start > e")),
        [("e", "unresolved_reference")],
    ),
    "service without operation": ((START, node("serviceTask", "s"), flows("start > s")), [("s", "missing_operation")]),
    "send without operation": ((START, node("sendTask", "s"), flows("start > s")), [("s", "missing_operation")]),
    "decision not named": ((START, node("businessRuleTask", "d"), flows("start > d")), [("d", "missing_decision")]),
    "decision that does not exist": (
        (START, node("businessRuleTask", "d", zeebe("calledDecision", decisionId="law", resultVariable="r")), flows("start > d")),
        [("d", "unknown_decision")],
    ),
    "script without a result": (
        (START, node("scriptTask", "s", zeebe("script", expression="=1")), flows("start > s")),
        [("s", "missing_result")],
    ),
    "chain and role": (
        (START, user("a", zeebe("properties", zeebe("property", name="wf.chain", value="two"))), flows("start > a")),
        [("a", "two_assignments"), ("a", "unknown_chain")],
    ),
    "form that does not exist": (
        (START, user("a", zeebe("formDefinition", formId="gone")), flows("start > a")),
        [("a", "unknown_form")],
    ),
    "form inside the diagram": (
        (START, user("a", zeebe("formDefinition", formKey="camunda-forms:bpmn:x")), flows("start > a")),
        [("a", "unsupported_setting")],
    ),
    "listener": (
        (START, user("a", zeebe("executionListeners", zeebe("executionListener", eventType="end", type="x"))), flows("start > a")),
        [("a", "unsupported_setting")],
    ),
    "broken expression": (gate("amount >"), [("g", "bad_expression")]),
    "comparison of programmers": (gate("amount == 3"), [("g", "bad_expression")]),
    "unknown function": (gate("foo(amount) > 3"), [("g", "bad_expression")]),
    "expression of another engine": (gate("${amount > 3}"), [("g", "foreign_vocabulary")]),
    "unknown part of a known variable": (gate("meeting.plaec = 3"), [("g", "unknown_variable")]),
    "unknown in a mapping": (
        (START, user("a", mapping({"x": "=gone + 1"})), flows("start > a")),
        [("a", "unknown_variable")],
    ),
    "timer in Python": (
        (START, node("intermediateCatchEvent", "t", timer(duration='"PT1S"')), flows("start > t")),
        [("t", "bad_timer")],
    ),
    "timer as cron": (
        (START, user("a"), node("boundaryEvent", "t", timer(cycle="0 0 9 * * *"), attachedToRef="a"), flows("start > a")),
        [("t", "bad_timer")],
    ),
    "empty timer": ((START, node("intermediateCatchEvent", "t", timer(duration="")), flows("start > t")), [("t", "bad_timer")]),
    "attempts that are no number": (
        (START, node("serviceTask", "s", zeebe("taskDefinition", type="x", retries="often")), flows("start > s")),
        [("s", "bad_number")],
    ),
    "name of the engine's own": (
        (START, user("a", mapping(outputs={"subject": "=1"})), flows("start > a")),
        [("a", "reserved_name")],
    ),
    "the same id twice": ((START, user("a"), user("a"), flows("start > a")), [("a", "duplicate_id")]),
    "an element within one of its own id": (
        (START, node("subProcess", "a", user("a")), flows("start > a")),
        [("a", "duplicate_id")],
    ),
    "setting of another engine": (
        (START, node("userTask", "a", **{"xmlns:c": "http://flowable.org/bpmn", "c:candidateGroups": "hr"}), flows("start > a")),
        [("a", "foreign_vocabulary")],
    ),
    "code for SpiffWorkflow": (
        (START, node("userTask", "a", SPIFF), flows("start > a")),
        [("a", "foreign_vocabulary")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_refused(case):
    """One small diagram per reason: exactly these error findings, at exactly these elements."""
    body, expected = CASES[case]
    assert sorted(errors_of(*body, chains=set())) == sorted(expected)


LOOP = "<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements/></bpmn:multiInstanceLoopCharacteristics>"
UNBUILT = {
    "complexGateway": node("complexGateway", "x"),
    "adHocSubProcess": node("adHocSubProcess", "x", user("inner")),
    "callActivity": node("callActivity", "x"),
    "receiveTask": node("receiveTask", "x"),
    "multi-instance": user("x", LOOP),
    "standard loop": user("x", "<bpmn:standardLoopCharacteristics/>"),
    "message": node("intermediateCatchEvent", "x", event("message")),
    "conditional": node("intermediateCatchEvent", "x", event("conditional")),
    "a signal without a name": node("intermediateThrowEvent", "x", event("signal")),
    "a cancel end outside a transaction": node("endEvent", "x", event("cancel")),
    "nonsense": node("teleportTask", "x"),
}


@pytest.mark.parametrize("kind", UNBUILT)
def test_what_is_not_built_is_refused_by_name(kind):
    """Never passed over: the finding names the element and what to draw instead, and the program refuses it as well."""
    body = (START, UNBUILT[kind], *([flows("start > x")] if "endEvent" in UNBUILT[kind] else [END, flows("start > x", "x > end")]))
    found = [f for f in check(*body) if f.severity == "error"]
    assert [(f.element, f.code) for f in found] == [("x", Code.UNSUPPORTED_ELEMENT)] and "does not run here" in found[0].text
    with pytest.raises(errors.FileRefused, match="x"):
        Program({"x.bpmn": diagram(*body)}, version="1")


def test_what_does_not_run_is_refused_once():
    """Its inside is not complained about as well; that of an event sub-process is looked at like any other."""
    inside = node("startEvent", "es", event("error")) + user("handler", zeebe("formDefinition", formId="none")) + flows("es > handler")
    body = (START, user("a"), node("adHocSubProcess", "x", inside), flows("start > a", "a > x"))
    assert errors_of(*body, forms={}) == [("x", "unsupported_element")]
    body = (START, user("a"), node("subProcess", "x", inside, triggeredByEvent="true"), flows("start > a"))
    assert errors_of(*body, forms={}) == [("handler", "unknown_form")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_xml"),
        (b"PK\x03\x04 a zip", "not_xml"),
        (b"<a><b></a>", "not_xml"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "doctype"),
        (b"<a>" + b" " * 3_000_000 + b"</a>", "too_large"),
        (b"<html/>", "not_bpmn"),
        (f"{HEAD}</bpmn:definitions>".encode(), "no_process"),
        (diagram(START).replace(b' isExecutable="true"', b""), "not_executable"),
        (
            diagram(START).replace(b"</bpmn:definitions>", b'<bpmn:process id="q" isExecutable="true"/></bpmn:definitions>'),
            "several_processes",
        ),
    ],
)
def test_files_that_are_no_diagram(content, code):
    """Each is named for what it is."""
    assert code in [str(f.code) for f in lint.check({"x.bpmn": content})["x.bpmn"]]


def test_several_diagrams_in_one_folder_are_a_warning():
    """Each is judged by itself; together they are not one procedure."""
    found = lint.check({"x.bpmn": diagram(*GOOD), "y.bpmn": diagram(*GOOD).replace(b'"process"', b'"other"')}, forms={"report": FORM})
    assert [[(f.code, f.severity) for f in findings] for findings in found.values()] == [[(Code.SEVERAL_PROCESSES, "warning")]] * 2


def test_names_come_from_everything_that_gives_them():
    """Forms, groups, mappings, scripts, decisions, operations, chains, the engine itself."""
    chain = node("userTask", "c", zeebe("properties", zeebe("property", name="wf.chain", value="two")))
    body = (
        node("startEvent", "start", zeebe("formDefinition", formId="report")),
        service("s", mapping(outputs={"usage": "=result", "count": "=n"})),
        service("t", zeebe("taskHeaders", zeebe("header", key="resultVariable", value="exams"))),
        node("scriptTask", "k", zeebe("script", expression="=count(usage)", resultVariable="sum_of")),
        chain,
        user("a", mapping({"shown": "=sum_of"}, {"kept": "=shown + 1"})),
        node("exclusiveGateway", "g", default="g_end"),
        END,
        flows("start > s", "s > t", "t > k", "k > c", "c > a", "a > g", "g > end",
              'g > a: amount + count + kept > 1 and decision = "approved" and meeting.place = subject.name and exams[1] > 2'),
    )  # fmt: skip
    assert errors_of(*body) == []


def test_an_operation_without_mapping_may_give_anything():
    """Then an unknown name is a warning, since the answer may bring it."""
    body = (START, service("s"), node("exclusiveGateway", "g", default="g_end"), user("a"), END,
            flows("start > s", "s > g", "g > a: risk > 3", "g > end"))  # fmt: skip
    assert [(f.code, f.severity) for f in check(*body)] == [(Code.UNKNOWN_VARIABLE, "warning")]


def test_a_variable_that_is_only_asked_for_keeps_nothing_from_running():
    """`is defined` says no where nothing gives the variable, and what would use it is never reached."""
    asked = gate('if is defined(legal) and legal.decision = "return" then legal.late else false')
    assert [(f.code, f.severity, f.facts["position"]) for f in check(*asked)] == [(Code.NEVER_DEFINED, "warning", 15)]
    used = gate('legal.decision = "return" or legal.late')
    assert [(f.code, f.severity) for f in check(*used)] == [(Code.UNKNOWN_VARIABLE, "error")]


def test_without_the_forms_names_are_not_judged():
    """A form that is not at hand may have the field."""
    assert errors_of(*gate("whatever > 3"), forms=None) == []


def test_operations_and_chains_are_checked_where_they_are_known():
    """An operation nobody offers keeps a procedure from being deployed."""
    body = (START, service("s", operation="ehr.weather"), flows("start > s"))
    assert errors_of(*body) == [] and errors_of(*body, operations={"ehr.employee"}) == [("s", "unknown_operation")]


def test_data_of_the_standard_is_noted():
    """Data inputs and objects are drawn for people to see; one that would change the data on its way is a warning."""
    drawn = node("task", "t", "<bpmn:ioSpecification/><bpmn:dataInputAssociation/>")
    moved = node("task", "u", "<bpmn:dataInputAssociation><bpmn:transformation>x</bpmn:transformation></bpmn:dataInputAssociation>")
    found = check(START, drawn, moved, node("dataObjectReference", "o"), flows("start > t", "t > u"))
    assert [(f.element, f.severity, f.facts["what"]) for f in found] == [
        ("t", "note", "dataInputAssociation, ioSpecification"),
        ("u", "warning", "dataInputAssociation"),
        ("o", "note", "A data object"),
    ]


def test_a_task_for_nobody_is_a_warning():
    """It would go to the managers of the case."""
    assert [(f.code, f.severity) for f in check(START, node("userTask", "a"), flows("start > a"))] == [(Code.MISSING_ASSIGNMENT, "warning")]


def test_what_is_never_reached_is_a_warning():
    """Left over elements do no harm, but were hardly meant."""
    assert [(f.element, f.severity) for f in check(START, user("a"), user("b"), flows("start > a"))] == [("b", "warning")]


def test_tables_are_checked_with_the_names_they_are_handed():
    """The inputs of the calling task count, other unknown names do not."""
    table = (
        b'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="x"><decision id="law" name="law">'
        b'<decisionTable id="t"><input id="i"><inputExpression id="ie" typeRef="string"><text>ground</text></inputExpression></input>'
        b'<output id="o" name="r" typeRef="string"/><rule id="r1"><inputEntry id="a1"><text>"39"</text></inputEntry>'
        b'<outputEntry id="b1"><text>"yes"</text></outputEntry></rule></decisionTable></decision></definitions>'
    )
    task = node("businessRuleTask", "d", zeebe("calledDecision", decisionId="law", resultVariable="r"), mapping({"ground": "=amount"}))
    body = (node("startEvent", "start", zeebe("formDefinition", formId="report")), task, flows("start > d"))
    found = lint.check({"x.bpmn": diagram(*body), "law.dmn": table}, forms={"report": FORM})
    assert found == {"x.bpmn": [], "law.dmn": []}
    other = lint.check({"x.bpmn": diagram(*GOOD), "law.dmn": table}, forms={"report": FORM})
    assert [f.code for f in other["law.dmn"]] == [Code.BAD_DECISION]
    assert [f.code for f in lint.check({"law.dmn": b"<no"})["law.dmn"]] == [Code.NOT_XML]


def test_money_calculated_in_an_expression_is_a_warning():
    """Fen that an output multiplies are named with the place; comparing them is what expressions are for."""
    body = (START, service("s", mapping({}, {"due_fen": "=wage_fen * 1.5"})), END, flows("start > s", "s > end"))
    found = [(f.element, f.severity) for f in check(*body) if f.code == Code.MONEY_CALCULATED]
    assert found == [("s", "warning")]
    compared = [f for f in check(*gate("wage_fen * 2 &gt; yuan(5)")) if f.code == Code.MONEY_CALCULATED]
    assert compared == []


def test_every_code_has_a_sentence_that_says_what_to_do():
    """The list is closed: no code without severity and sentence."""
    assert set(SENTENCES) == set(Code)
    for severity, sentence in SENTENCES.values():
        assert severity in ("error", "warning", "note") and sentence.endswith((".", "{remedy}"))


def test_every_sentence_speaks_chinese():
    """Sentences and remedies of the findings are in the catalogue, each with the same places for facts."""
    folder = Path(__file__).parent.parent / "webapp/locale/zh_CN"
    known = {m.id: m.string for file in folder.glob("*.po") for m in read_po(file.open("rb"), locale="zh_CN")}
    for text in [*(sentence for _, sentence in SENTENCES.values()), *lint.REMEDIES.values()]:
        assert set(re.findall(r"{\w+}", known[text])) == set(re.findall(r"{\w+}", text)), text


def test_of_each_listener_is_said_what_to_draw_instead():
    """By the moment it listens to, with the operation it names; in Chinese, too; an empty list of listeners is nothing."""
    task = [zeebe("taskListener", eventType=moment, type="x.tell") for moment in ("creating", "assigning", "completing", "canceling")]
    flow = [zeebe("executionListener", eventType="end", type="x.log"), zeebe("executionListener", type="=which")]
    a = user("a", zeebe("taskListeners", *task), zeebe("executionListeners", *flow))
    found = [f for f in check(START, a, user("b", zeebe("executionListeners")), flows("start > a", "a > b")) if f.severity == "error"]
    assert {f.element for f in found} == {"a"} and {f.code for f in found} == {Code.UNSUPPORTED_SETTING}
    where = {f.facts["setting"]: f.facts["remedy"] for f in found}
    before, behind = where['taskListener creating="x.tell"'], where['taskListener completing="x.tell"']
    assert "right before" in before and where['executionListener start="=which"'] == before
    assert "right behind" in behind and where['executionListener end="x.log"'] == behind
    assert "interrupts" in where['taskListener canceling="x.tell"'] and "approval chain" in where['taskListener assigning="x.tell"']
    assert all(i18n.catalogue("zh-CN").gettext(remedy) != remedy for remedy in where.values())


def test_forms_that_diagrams_name():
    """For gathering them into the version; unreadable diagrams name none."""
    named = (START, user("a", zeebe("formDefinition", formId="report")), flows("start > a"))
    assert lint.forms_named({"x.bpmn": diagram(*named), "y.bpmn": b"<", "z.txt": b""}) == {"report"}


def test_damaged_files_never_raise():
    """Thousands of broken variants: findings, or a diagram that is accepted and really starts."""
    chance = random.Random(20261124)
    body = (
        *GOOD[:-1],
        node("subProcess", "p", user("inner"), node("boundaryEvent", "late", timer(duration="P1D"), attachedToRef="inner")),
        node("boundaryEvent", "bt", event("error"), attachedToRef="p"),
        node("parallelGateway", "f"),
        service("s", mapping({"x": "=amount"}, {"y": "=x"})),
        flows("start > a", "a > g", "g > a: amount > 3", "g > f: amount < 9", "g > end", "f > s", "f > p", "s > end"),
    )
    whole = boxes(diagram(*body))
    parts = re.findall(rb"<[^>]+>", whole)
    accepted = 0
    for _ in range(400):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            way = chance.randrange(5)
            at = chance.randrange(len(broken))
            if way == 0:
                broken[at] = chance.randrange(256)
            elif way == 1:
                del broken[at : at + chance.randint(1, 60)]
            elif way == 2:
                broken[at:at] = chance.choice(parts)
            elif way == 3:
                part = chance.choice(parts)
                broken = bytearray(bytes(broken).replace(part, chance.choice(parts), 1))
            else:
                name = chance.choice([b'"start"', b'"a"', b'"g"', b'"p"', b'"s"', b'"f"', b'"g_end"', b"amount", b"Task", b"Gateway"])
                broken = bytearray(bytes(broken).replace(name, chance.choice([b'"x"', b'"a"', b'""', b"Event", b"&lt;", b"subProcess"]), 2))
        files = {"x.bpmn": bytes(broken)}
        found = lint.check(files, forms={"report": FORM}, operations={"ehr.employee"}, chains=set(), advice=True)
        with contextlib.suppress(errors.FileRefused):
            ordered = missing_before({**files, "rules.json": b'{"before": {"a": ["inner"]}, "since": {"a": {"s": ["g_end", "f"]}}}'})
            assert all(one.text for findings in ordered.values() for one in findings)
        assert all(f.text and f.as_dict() for f in found["x.bpmn"])
        if not any(f.severity == "error" for f in found["x.bpmn"]):
            Program(files, version="1").start({"amount": 1}, now=NOW)
            accepted += 1
    assert accepted >= 3, "some damage is harmless, so the second half of the claim was tried"


def test_inputs_of_events_that_have_happened_are_named():
    """A boundary event and an event behind a gateway have no input mapping; an ordinary event has one."""
    maps, late = mapping({"x": "=1"}), timer(duration="P1D")
    found = check(*GOOD[:-1], boundary("b", "a", late, maps), node("eventBasedGateway", "e"),
                  node("intermediateCatchEvent", "c", late, maps),
                  node("intermediateCatchEvent", "d", late), node("intermediateCatchEvent", "o", late, maps),
                  flows("start > a", "a > g", "g > a: amount > 3", "g > end", "b > e", "e > c", "e > d", "c > o"))  # fmt: skip
    assert [f.element for f in found if f.code == Code.NO_EFFECT] == ["b", "c"]
