"""Diagrams of Camunda 7, Flowable and Activiti come in converted: what each setting becomes, and what is said about it."""

# ruff: noqa: E501 - XML reads best as it is written

from __future__ import annotations

import datetime as dt
import json
from xml.sax.saxutils import escape

import pytest

from engine.bpmn import expressions, lint
from engine.bpmn.codes import Code
from engine.bpmn.convert import convert, original
from engine.bpmn.convert.juel import Unreadable
from engine.bpmn.convert.translation import Untranslatable, whole
from engine.bpmn.findings import Finding
from engine.bpmn.model import Element, Process
from engine.bpmn.parser import processes
from engine.bpmn.program import Program
from engine.bpmn.reader import read_xml

VOCABULARIES = {
    "camunda": "http://camunda.org/schema/1.0/bpmn",
    "flowable": "http://flowable.org/bpmn",
    "activiti": "http://activiti.org/bpmn",
}
TAIL = '<sequenceFlow id="f1" sourceRef="s" targetRef="x"/><sequenceFlow id="f2" sourceRef="x" targetRef="e"/><endEvent id="e"/>'


def foreign(body: str, prefix: str = "camunda", named: str = "") -> bytes:
    """A file of another engine, one process; `c:` stands for its prefix."""
    body = body.replace("c:", f"{prefix}:")
    return (
        f'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:{prefix}="{VOCABULARIES[prefix]}" '
        f'id="d" targetNamespace="t">\n{named}\n<process id="p" isExecutable="true">\n{body}\n</process></definitions>'
    ).encode()


def row(task: str, prefix: str = "camunda", start: str = '<startEvent id="s"/>', named: str = "", **files: bytes):
    """The element `x` between a start and an end, converted: element, findings, process and files."""
    return of(foreign(f"{start}\n{task}\n{TAIL}", prefix, named), **files)


def of(xml: bytes, **files: bytes) -> tuple[Element, list[Finding], Process, dict[str, bytes]]:
    given = {"a.bpmn": xml, **{name.replace("__", "/").replace("_", "."): content for name, content in files.items()}}
    made = convert(given)
    [process] = processes(read_xml(made.files["a.bpmn"], "a"), "a")
    return process.elements["x"], list(made.findings.get("a.bpmn", ())), process, dict(made.files)


def codes(findings: list[Finding], severity: str = "") -> list[str]:
    return [str(f.code) for f in findings if f.severity == (severity or f.severity)]


JUEL = [
    ("${approved}", "approved = true", {"approved": True}, True),
    ("#{!approved}", "approved != true", {"approved": True}, False),
    ("#{not approved}", "approved != true", {"approved": False}, True),
    ("${a == 'yes' || b.c <= 5}", '(a = "yes") or (b.c <= 5)', {"a": "no", "b": {"c": 5}}, True),
    ("${a eq 1 and not (b gt 2)}", "(a = 1) and not(b > 2)", {"a": 1, "b": 3}, False),
    ("${clarified.equals('yes')}", 'clarified = "yes"', {"clarified": "yes"}, True),
    ("${!clarified.equals('yes')}", 'not(clarified = "yes")', {"clarified": "yes"}, False),
    ("${execution.getVariable('n') % 2 == 0}", "modulo(n, 2) = 0", {"n": 4}, True),
    ("${vars:eq(n, 3)}", "n = 3", {"n": 3}, True),
    ("${orders[1].price > 100}", "orders[2].price > 100", {"orders": [{"price": 1}, {"price": 101}]}, True),
    ("${order.isStandard()}", "order.standard = true", {"order": {"standard": True}}, True),
    ("${list.size() >= 2 && list.contains('b')}", None, {"list": ["a", "b"]}, True),
    ("${empty list}", None, {"list": []}, True),
    ("${!empty text}", None, {"text": ""}, False),
    ("${S(json).prop('a').prop('b').numberValue() == 7}", "json.a.b = 7", {"json": {"a": {"b": 7}}}, True),
    ("${subject == 'x'}", 'subject_ = "x"', {"subject_": "x"}, True),
]


@pytest.mark.parametrize(("text", "feel", "data", "result"), JUEL, ids=[case[0] for case in JUEL])
def test_conditions_keep_their_meaning(text, feel, data, result):
    """A JUEL condition becomes a FEEL one that answers the same."""
    made = whole(text, true_or_false=True).text
    assert feel in (None, made) and expressions.condition(made, data) is result


VALUES = [
    ("Dear ${name}, ${n + 1}", {"name": "Li", "n": 1}, "Dear Li, 2"),
    ("${gender == 'm' ? 'Mr.' : 'Mrs.'}", {"gender": "f"}, "Mrs."),
    ("${a.concat('!').toUpperCase()}", {"a": "x"}, "X!"),
    ("${loopCounter}", {"loopCounter": 3}, 2),
    ("${fn_addDate(start, 1, 1, '3')}", {"start": "2024-02-29"}, "2025-03-31"),
    ("${date:subtractDate(date:toDate('2026-03-31'), 0, n, 0)}", {"n": 1}, "2026-02-28"),
    ("${fn_addDate(fn_subtractDate('2026-01-01', 0, 0, 1), 0, 0, -n)}", {"n": 2}, "2025-12-29"),
    ("${date:toDate(start)}", {"start": "2026-01-31T09:00:00"}, "2026-01-31"),
    ("${start.plusDays(3)}", {"start": "2026-01-30"}, "2026-02-02"),
    ("${start.minusHours(2)}", {"start": "2026-01-30T09:00:00"}, "2026-01-30T07:00:00"),
    ("${vars:getOrDefault('n', 7)}", {"n": None}, 7),
    ("${vars:getOrDefault(n, 7)}", {"n": 3}, 3),
    ("${nrOfCompletedInstances/nrOfInstances}", {"numberOfCompletedInstances": 1, "numberOfInstances": 4}, 0.25),
]


@pytest.mark.parametrize(("text", "data", "result"), VALUES, ids=[case[0] for case in VALUES])
def test_values_keep_their_meaning(text, data, result):
    """Strings are strung together, counters counted from one, methods become functions."""
    assert expressions.evaluate(whole(text).text, data) == result


@pytest.mark.parametrize(
    "text",
    [
        "${bean.run(x)}",
        "${task:get(id).assignee}",
        "${fn_addDate(x)}",
        "${date:format(x)}",
        "${x y}",
        "${x",
        "${}",
        "${a +}",
        "${" + "(" * 500 + "}",
    ],
)
def test_what_feel_cannot_say_is_refused(text):
    """A call of a program, an object of the other engine, and what is no expression."""
    with pytest.raises((Unreadable, Untranslatable)):
        whole(text)


@pytest.mark.parametrize("prefix", VOCABULARIES)
def test_who_does_a_task_and_until_when(prefix):
    """Assignee, candidates, dates and priority are the same in the three vocabularies."""
    task = (
        '<userTask id="x" c:assignee="${starter}" c:candidateGroups="hr, ${group}" c:candidateUsers="kermit,gonzo" '
        'c:dueDate="${dateTime().plusWeeks(1).toDate()}" c:priority="70"/>'
    )
    element, findings, _, _ = row(task, prefix, start='<startEvent id="s" c:initiator="starter"/>')
    given = element.extensions
    assert given["assignmentDefinition.assignee"] == "=initiator.id"
    assert given["assignmentDefinition.candidateGroups"] == '=["hr", group]'
    assert given["assignmentDefinition.candidateUsers"] == "kermit,gonzo"
    assert given["taskSchedule.dueDate"] == '=now() + duration("P7D")' and given["priorityDefinition.priority"] == "70"
    assert not codes(findings, "error")


def test_the_standard_s_own_resources():
    """potentialOwner and humanPerformer say who does it as well."""
    owner = "<{0}><resourceAssignmentExpression><formalExpression>{1}</formalExpression></resourceAssignmentExpression></{0}>"
    task = f'<userTask id="x">{owner.format("humanPerformer", "kermit")}{owner.format("potentialOwner", "user(a), group(b)")}</userTask>'
    element, _, _, _ = row(task, "activiti")
    found = {key.partition(".")[2]: value for key, value in element.extensions.items() if "assignment" in key}
    assert {"assignee": "kermit", "candidateUsers": "a", "candidateGroups": "b"}.items() <= found.items()


CALLS = {
    "topic": ('<serviceTask id="x" c:type="external" c:topic="pay"/>', "pay", []),
    "class": ('<serviceTask id="x" c:class="com.acme.ArchiveService"/>', "archive_service", ["to_be_written"]),
    "delegate": ('<sendTask id="x" c:delegateExpression="${mailSender}"/>', "mail_sender", ["to_be_written"]),
    "expression": ('<serviceTask id="x" c:expression="${bean.pay(amount)}"/>', "bean.pay", ["to_be_written"]),
    "rule by class": ('<businessRuleTask id="x" c:class="a.B"/>', "b", ["to_be_written"]),
    "nothing": ('<serviceTask id="x" name="Book flight"/>', "book_flight", ["to_be_written"]),
}


@pytest.mark.parametrize("case", CALLS)
def test_programs_become_operations(case):
    """Never a no-op: a program's place takes an operation, named, with a warning that it is to be written."""
    task, operation, warnings = CALLS[case]
    element, findings, _, _ = row(task)
    assert element.extensions["taskDefinition.type"] == operation
    assert [code for code in codes(findings, "warning") if code != "form_made"] == warnings


def test_a_mail_task_sends_mail():
    """Flowable's and Activiti's mail task is the operation that is there."""
    fields = "".join(
        f'<c:field name="{k}"><c:string>{v}</c:string></c:field>' for k, v in {"to": "a@b", "subject": "S", "text": "T"}.items()
    )
    element, findings, _, _ = row(
        f'<serviceTask id="x" c:type="mail"><extensionElements>{fields}</extensionElements></serviceTask>', "flowable"
    )
    assert element.extensions["taskDefinition.type"] == "mail.send"
    assert dict(element.inputs) == {"to": "a@b", "subject": "S", "body": "T"} and not codes(findings, "warning")


def test_an_expression_without_a_program_is_computed():
    """`setVariable` and plain sums are FEEL; a value that nobody gets leaves a plain task, with a note."""
    for task in ("c:expression=\"${execution.setVariable('n', a + 1)}\"", 'c:expression="${a + 1}" c:resultVariable="n"'):
        element, _, _, _ = row(f'<serviceTask id="x" {task}/>')
        assert (element.kind, element.extensions["script.expression"], element.extensions["script.resultVariable"]) == (
            "scriptTask",
            "=a + 1",
            "n",
        )
    element, findings, _, _ = row('<serviceTask id="x" c:expression="#{true}"/>')
    assert element.kind == "task" and "no_effect" in codes(findings)


def test_scripts():
    """FEEL and JUEL run, a simple line of another language too; everything else is refused by its language."""
    for language, text in (("feel", "a + 1"), ("juel", "${a + 1}"), ("javascript", "a + 1;")):
        element, _, _, _ = row(f'<scriptTask id="x" scriptFormat="{language}" c:resultVariable="n"><script>{text}</script></scriptTask>')
        assert (element.extensions["script.expression"], element.extensions["script.resultVariable"]) == ("=a + 1", "n")
    xml = foreign(f'<startEvent id="s"/><scriptTask id="x" scriptFormat="groovy"><script>println 1; x = 2</script></scriptTask>{TAIL}')
    assert Code.PYTHON_SCRIPT in [f.code for f in lint.check(convert({"a.bpmn": xml}).files)["a.bpmn"]]


def test_input_and_output():
    """Texts, expressions, lists and maps; a script in another language is refused."""
    block = (
        '<c:inputOutput><c:inputParameter name="a">text</c:inputParameter><c:inputParameter name="b">${x + 1}</c:inputParameter>'
        '<c:inputParameter name="l"><c:list><c:value>1</c:value><c:value>${y}</c:value></c:list></c:inputParameter>'
        '<c:outputParameter name="m"><c:map><c:entry key="k">${z}</c:entry></c:map></c:outputParameter></c:inputOutput>'
    )
    element, _, _, _ = row(
        f'<serviceTask id="x" c:type="external" c:topic="t"><extensionElements>{block}</extensionElements></serviceTask>'
    )
    assert element.inputs == (("a", "text"), ("b", "=x + 1"), ("l", '=["1", y]')) and element.outputs == (("m", '={"k": z}'),)
    script = '<c:inputOutput><c:inputParameter name="a"><c:script scriptFormat="groovy">x</c:script></c:inputParameter></c:inputOutput>'
    _, findings, _, _ = row(f'<userTask id="x"><extensionElements>{script}</extensionElements></userTask>')
    assert "python_script" in codes(findings, "error")


def test_calls_of_other_processes():
    """What goes in and out, and what passes as a whole; a case of CMMN and a process by expression are refused."""
    lines = '<c:in source="a" target="b"/><c:in sourceExpression="${a + 1}" target="c"/><c:in businessKey="#{k}"/><c:out source="r" target="q"/>'
    element, findings, _, _ = row(
        f'<callActivity id="x" calledElement="other"><extensionElements>{lines}</extensionElements></callActivity>'
    )
    assert element.called is not None and (element.called.process, element.called.parent, element.called.child) == ("other", False, False)
    assert element.inputs == (("b", "=a"), ("c", "=a + 1")) and element.outputs == (("q", "=r"),) and "no_effect" in codes(findings)
    element, _, _, _ = row('<callActivity id="x" calledElement="o" c:inheritVariables="true"/>', "flowable")
    assert element.called is not None and element.called.parent
    for call in ('c:caseRef="c"', 'calledElement="${which}"'):
        assert "unsupported_element" in codes(row(f'<callActivity id="x" {call}/>')[1], "error")


def test_what_is_handed_over_is_asked_for_as_the_called_process_reads_it():
    """A variable that only the called process compares with true is a checkbox where a person gives it, not a text."""
    caller = foreign(
        '<startEvent id="s"/><callActivity id="x" calledElement="other"><extensionElements><c:in source="fast" target="urgent"/>'
        f"</extensionElements></callActivity>{TAIL}"
    )
    called = foreign(
        '<startEvent id="s"/><exclusiveGateway id="g" default="no"/><endEvent id="e"/><endEvent id="f"/><sequenceFlow id="f1" sourceRef="s" targetRef="g"/>'
        '<sequenceFlow id="yes" sourceRef="g" targetRef="e"><conditionExpression>${urgent}</conditionExpression></sequenceFlow>'
        '<sequenceFlow id="no" sourceRef="g" targetRef="f"/>'
    ).replace(b'id="p"', b'id="other"')
    made = convert({"a.bpmn": caller, "b.bpmn": called}).files
    [asked] = [c for c in json.loads(made["forms/p-s.form"])["components"] if c.get("key")]
    assert (asked["key"], asked["type"]) == ("fast", "checkbox")


def test_several_instances():
    """Collection, item, counters, and the standard's own way of saying it."""
    loop = (
        '<multiInstanceLoopCharacteristics c:collection="{0}" c:elementVariable="person">'
        "<completionCondition>${{nrOfCompletedInstances/nrOfInstances >= 0.5}}</completionCondition></multiInstanceLoopCharacteristics>"
    )
    for collection in ("people", "${people}"):
        multi = row(f'<userTask id="x" c:assignee="${{person}}">{loop.format(collection)}</userTask>')[0].multi
        assert multi is not None and (multi.collection, multi.element) == ("=people", "person")
        assert multi.until == "(numberOfCompletedInstances / numberOfInstances) >= 0.5"
    standard = "<multiInstanceLoopCharacteristics><loopDataInputRef>people</loopDataInputRef><inputDataItem name='p'/></multiInstanceLoopCharacteristics>"
    multi = row(f'<userTask id="x">{standard}</userTask>', "activiti")[0].multi
    assert multi is not None and (multi.collection, multi.element) == ("=people", "p")
    number = (
        "<multiInstanceLoopCharacteristics isSequential='true'><loopCardinality>${n}</loopCardinality></multiInstanceLoopCharacteristics>"
    )
    multi = row(f'<userTask id="x">{number}</userTask>')[0].multi
    assert multi is not None and multi.sequential and multi.cardinality == "=n"


TABLE = (
    b'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="x"><decision id="law" name="law">'
    b'<decisionTable id="t" hitPolicy="%s"><input id="i"><inputExpression id="ie" typeRef="string"><text>ground</text></inputExpression></input>'
    b'<output id="o" name="r" typeRef="string"/><rule id="r1"><inputEntry id="a1"><text>"39"</text></inputEntry>'
    b'<outputEntry id="b1"><text>"yes"</text></outputEntry></rule></decisionTable></decision></definitions>'
)
SHAPES = [
    ("UNIQUE", "singleEntry", "yes", "yes"),
    ("UNIQUE", "singleResult", "yes", {"r": "yes"}),
    ("UNIQUE", "collectEntries", "yes", ["yes"]),
    ("UNIQUE", "resultList", "yes", [{"r": "yes"}]),
    ("UNIQUE", "resultList", None, []),
    ("COLLECT", "collectEntries", ["yes"], ["yes"]),
    ("COLLECT", "resultList", ["yes"], [{"r": "yes"}]),
]


@pytest.mark.parametrize(("policy", "setting", "given", "wanted"), SHAPES)
def test_a_decision_s_result_keeps_its_shape(policy, setting, given, wanted):
    """mapDecisionResult: one value, one row, a column or all rows, whatever the table's hit policy gives."""
    task = f'<businessRuleTask id="x" c:decisionRef="law" c:resultVariable="found" c:mapDecisionResult="{setting}"/>'
    element, _, _, _ = row(task, law_dmn=TABLE % policy.encode())
    assert element.extensions["calledDecision.decisionId"] == "law"
    shaped = dict(element.outputs).get("found", "=found")
    assert expressions.evaluate(shaped[1:], {"found": given}) == wanted


def test_generated_fields_become_a_form():
    """Types, choices, limits and defaults, in Camunda's and in Flowable's way of saying it."""
    field = (
        '<c:formData><c:formField id="days" label="Days" type="long" defaultValue="3"><c:validation><c:constraint name="required"/>'
        '<c:constraint name="max" config="9"/></c:validation></c:formField><c:formField id="kind" type="enum"><c:value id="a" name="A"/>'
        '</c:formField><c:formField id="sure" type="boolean"/></c:formData>'
    )
    element, _, _, files = row(f'<userTask id="x"><extensionElements>{field}</extensionElements></userTask>')
    form = json.loads(files["forms/p-x.form"])
    days, kind, sure = form["components"][1:]
    assert element.form == "p-x" and (days["type"], days["defaultValue"], days["validate"]) == ("number", 3, {"required": True, "max": 9})
    assert kind["values"] == [{"value": "a", "label": "A"}] and sure["type"] == "checkbox"
    line = '<c:formProperty id="when" name="When" type="date" required="true" writable="false"/>'
    _, _, _, files = row(f'<userTask id="x"><extensionElements>{line}</extensionElements></userTask>', "activiti")
    assert json.loads(files["forms/p-x.form"])["components"][1].items() >= {"type": "datetime", "readonly": True}.items()


def test_what_a_page_of_the_other_engine_asked_for_is_asked_for_here():
    """The form in its place holds what the conditions behind it read, each with the type they read it as."""
    gate = (
        '<startEvent id="s"/><userTask id="x" c:formKey="embedded:app:approve.html"/><exclusiveGateway id="g" default="f4"/><userTask id="y"/>'
        '<sequenceFlow id="f1" sourceRef="s" targetRef="x"/><sequenceFlow id="f2" sourceRef="x" targetRef="g"/>'
        '<sequenceFlow id="f3" sourceRef="g" targetRef="y"><conditionExpression>${approved &amp;&amp; n &gt; 3}</conditionExpression></sequenceFlow>'
        '<sequenceFlow id="f4" sourceRef="g" targetRef="x"/>'
    )
    element, findings, _, files = of(foreign(gate))
    fields = {c["key"]: c["type"] for c in json.loads(files[f"forms/{element.form}.form"])["components"] if c.get("key")}
    assert fields == {"approved": "checkbox", "n": "number"} and codes(findings, "warning") == ["form_replaced"]
    said = lint.check(files, forms={"p-x": json.loads(files["forms/p-x.form"])}, chains=set())["a.bpmn"]
    assert [f.code for f in said if f.severity == "error"] == []


def test_what_an_operation_may_answer_is_not_asked_of_people():
    """The nearest step before that may give it counts."""
    body = (
        '<startEvent id="s"/><userTask id="a"/><serviceTask id="x" c:type="external" c:topic="check"/><exclusiveGateway id="g" default="f4"/>'
        '<endEvent id="e"/><sequenceFlow id="f0" sourceRef="s" targetRef="a"/><sequenceFlow id="f1" sourceRef="a" targetRef="x"/>'
        '<sequenceFlow id="f2" sourceRef="x" targetRef="g"/><sequenceFlow id="f4" sourceRef="g" targetRef="e"/>'
        '<sequenceFlow id="f3" sourceRef="g" targetRef="a"><conditionExpression>${creditOk}</conditionExpression></sequenceFlow>'
    )
    _, _, _, files = of(foreign(body))
    assert not [path for path in files if path.endswith(".form")]


def test_messages_get_what_they_need():
    """A name where there is none, and a key, so that a message reaches one case; both are said."""
    element, findings, _, _ = row('<receiveTask id="x" name="Reply"/>')
    assert (element.reference, element.key) == ("Reply", "=case.number") and codes(findings, "warning") == ["assumed", "assumed"]


def test_times_and_errors():
    """Expressions in times, and the variables that take an error's code and text."""
    timer = "<timerEventDefinition><timeDuration>${wait}</timeDuration></timerEventDefinition>"
    element, _, _, _ = row(f'<intermediateCatchEvent id="x">{timer}</intermediateCatchEvent>')
    assert element.timer is not None and element.timer.text == "=wait"
    caught = (
        '<serviceTask id="t" c:class="a.B"/><boundaryEvent id="x" attachedToRef="t"><errorEventDefinition errorRef="err" '
        'c:errorCodeVariable="code"/></boundaryEvent>'
    )
    element, _, _, _ = row(caught, named='<error id="err" errorCode="E1"/>')
    assert (element.reference, element.outputs) == ("E1", (("code", "=errorCode"),))


def test_nothing_is_dropped_silently():
    """Listeners are warned about, tuning is noted, unknown settings are refused; each with its line in the file as it came."""
    task = (
        '<userTask id="x" c:asyncBefore="true" c:teleport="1">\n<extensionElements>\n<c:taskListener event="create" class="a.B"/>\n'
        '<c:properties><c:property name="k" value="v"/></c:properties></extensionElements></userTask>'
    )
    element, findings, _, _ = row(task)
    found = {str(f.code): f.line for f in findings}
    assert found == {"listener": 7, "foreign_vocabulary": 5, "no_effect": 5, "converted": 8} and element.properties == {"k": "v"}
    assert "camunda:teleport" in next(f.text for f in findings if f.code == Code.FOREIGN_VOCABULARY)


def test_the_one_flow_without_a_condition_is_the_default_flow():
    """As Camunda 7 takes it, with a warning; two of them are refused by the check."""
    body = (
        '<startEvent id="s"/><exclusiveGateway id="x"/><endEvent id="e"/><endEvent id="e2"/><sequenceFlow id="f1" sourceRef="s" targetRef="x"/>'
        '<sequenceFlow id="f2" sourceRef="x" targetRef="e"><conditionExpression>${a}</conditionExpression></sequenceFlow>'
        '<sequenceFlow id="f3" sourceRef="x" targetRef="e2"/>'
    )
    element, findings, _, _ = of(foreign(body))
    assert element.default == "f3" and "assumed" in codes(findings, "warning")


def test_a_diagram_of_ours_is_not_touched():
    """The same bytes come back, with nothing to say; what was converted once is not converted again."""
    ours = foreign('<startEvent id="s"/>').replace(b"xmlns:camunda", b'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:camunda')
    same = convert({"a.bpmn": ours})
    assert same.files == {"a.bpmn": ours} and not same.originals and not same.findings
    once = convert({"a.bpmn": foreign(f'<startEvent id="s"/><userTask id="x" c:assignee="${{a}}"/>{TAIL}')})
    again = convert(once.files)
    assert again.files == once.files and not again.originals
    assert list(once.originals) == ["a.bpmn"] and original("a.bpmn") == "original/a.bpmn.xml"


def zeebe_form(*fields: dict[str, object], task: str = "") -> bytes:
    """A native diagram that keeps its form inside, between a script that gives `My Answer` and an end."""
    kept = json.dumps({"type": "default", "components": list(fields)}).replace("&", "&amp;")
    return (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" '
        f'targetNamespace="t"><process id="p" isExecutable="true"><extensionElements><zeebe:userTaskForm id="f">{kept}</zeebe:userTaskForm>'
        '</extensionElements><startEvent id="s"/><manualTask id="m"><extensionElements><zeebe:ioMapping><zeebe:output source="=[]" '
        'target="My Answer"/></zeebe:ioMapping></extensionElements></manualTask><userTask id="x"><extensionElements><zeebe:formDefinition '
        f'formKey="camunda-forms:bpmn:f"/>{task}</extensionElements></userTask><sequenceFlow id="f0" sourceRef="s" targetRef="m"/>'
        '<sequenceFlow id="f1" sourceRef="m" targetRef="x"/></process></definitions>'
    ).encode()


def test_fields_whose_names_have_blanks():
    """FEEL allows them and a form does not: the form gets other names, the task a mapping; what only is shown is not given back."""
    fields: list[dict[str, object]] = [
        {"type": "textfield", "key": "My Answer.why now"},
        {"type": "textfield", "key": "My Answer.by", "disabled": True},
        {"type": "textfield", "key": "plain"},
    ]
    element, findings, _, files = of(zeebe_form(*fields))
    made = json.loads(files["forms/p-f.form"])
    assert [field["key"] for field in made["components"]] == ["My_Answer.why_now", "My_Answer.by", "plain"]
    assert element.inputs == (("My_Answer", "=My Answer"),)
    assert element.outputs == (("My Answer.why now", "=My_Answer.why_now"), ("plain", "=plain"))
    assert codes(findings) == ["converted"] * 3
    program = Program({name: content for name, content in files.items() if name.endswith(".bpmn")}, version="1")
    now = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    execution, _ = program.start({}, now=now)
    execution.complete("x#1", {"My_Answer": {"why_now": "late"}, "plain": 1}, now=now)
    assert execution.variables() == {"My Answer": {"why now": "late"}, "plain": 1}


def test_fields_that_would_get_the_same_name_keep_theirs():
    """As do those of a task that maps by itself; the check says what to correct. Names without blanks are left alone."""
    for fields, task in (
        (("a b", "a_b"), ""),
        (("a", "b"), ""),
        (("a b",), '<zeebe:ioMapping><zeebe:output source="=1" target="o"/></zeebe:ioMapping>'),
    ):
        element, _, _, files = of(zeebe_form(*({"type": "textfield", "key": key} for key in fields), task=task))
        kept = [field["key"] for field in json.loads(files["forms/p-f.form"])["components"]]
        assert (kept == list(fields) or task) and element.outputs == ((("o", "=1"),) if task else ())


@pytest.mark.parametrize(
    ("cell", "became"),
    [
        (".startsWith('te')", 'starts with(?, "te")'),
        (".endsWith('te')", 'ends with(?, "te")'),
        ("!= 'te'", 'not("te")'),
        ("< fn_date('2015-01-01')", '< date("2015-01-01")'),
        ("!= fn_date('2015-01-01')", 'not(date("2015-01-01"))'),
        (">= date:addDate(date:now(), 0, -1, 30)", '>= today() + duration("P1M") * -(1) + duration("P1D") * 30'),
    ],
)
def test_tests_of_flowable_s_tables(cell, became):
    """What it writes about an input in a way of its own, in FEEL."""
    table = (TABLE % b"UNIQUE").replace(b'"39"', escape(cell).encode())
    assert f"<text>{escape(became)}</text>".encode() in convert({"t.dmn": table}).files["t.dmn"]


def test_tables_of_other_engines():
    """Attributes of Camunda are noted, cells in JUEL and Flowable's comparisons become FEEL, other languages are refused."""
    table = (TABLE % b"UNIQUE").replace(
        b"<decision id", b'<decision xmlns:camunda="http://camunda.org/schema/1.0/dmn" camunda:versionTag="1" id'
    )
    made = convert({"t.dmn": table.replace(b'"39"', b"== '39'").replace(b"ground<", b"${ground}<")})
    assert b"<text>ground</text>" in made.files["t.dmn"] and b'<text>"39"</text>' in made.files["t.dmn"]
    assert codes(list(made.findings["t.dmn"])) == ["no_effect", "converted", "converted"]
    script = (TABLE % b"UNIQUE").replace(b'id="ie"', b'id="ie" expressionLanguage="javascript"').replace(b"ground<", b"Math.random();<")
    assert codes(list(convert({"t.dmn": script}).findings["t.dmn"]), "error") == ["not_translated"]
