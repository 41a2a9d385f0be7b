"""One diagram in the vocabulary of Camunda 7, Flowable or Activiti, converted element by element to the zeebe vocabulary and FEEL.

Settings: Camunda 7 "Extension Attributes/Elements", Flowable and Activiti "BPMN 2.0 Constructs" of their user guides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from ..codes import Code
from ..reader import BPMN, ZEEBE
from . import data, decisions, events, forms, juel, leftovers, loops, mapping, operations, people, translation
from .sheet import VOCABULARIES, Sheet, drawn

_CALLERS = ("serviceTask", "sendTask", "businessRuleTask")
_EVENTS = ("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent")
_MODELER = "{http://camunda.org/schema/modeler/1.0}executionPlatform"


def convert(sheet: Sheet, shapes: Mapping[str, decisions.Shape], *, foreign: bool) -> None:
    """Converts the tree of `sheet`. `shapes`: what the decisions give; `foreign`: it is not in the zeebe vocabulary already."""
    people.initiators(sheet)
    _process(sheet)
    forms.embedded(sheet)
    events.named(sheet)
    _references(sheet, foreign)
    if foreign:
        _flow_ids(sheet)
        data.objects(sheet)
    for node in list(sheet.root.iter(BPMN + "*")):
        if drawn(node) is node and node.getparent() is not None:
            _node(sheet, node, shapes, foreign)
    for flow in sheet.root.iter(BPMN + "sequenceFlow"):
        _flow(sheet, flow)
    for gateway in sheet.root.iter(BPMN + "exclusiveGateway") if foreign else ():
        _default(sheet, gateway)
    leftovers.sweep(sheet)


def native(root: etree._Element) -> bool:
    """Whether a diagram is in the zeebe vocabulary already, so that nothing is to be assumed about it."""
    return (
        ZEEBE.strip("{}") in root.nsmap.values() or root.get(_MODELER) == "Camunda Cloud" or next(root.iter(ZEEBE + "*"), None) is not None
    )


def _process(sheet: Sheet) -> None:
    """Flowable and Activiti run a process that does not say whether it is executable."""
    theirs = {VOCABULARIES[uri] for uri in sheet.root.nsmap.values() if uri in VOCABULARIES} - {"camunda"}
    for process in sheet.root.iter(BPMN + "process"):
        if theirs and process.get("isExecutable") is None:
            process.set("isExecutable", "true")
            sheet.say(Code.ASSUMED, process, what="isExecutable", assumed="true")
        for name in ("candidateStarterGroups", "candidateStarterUsers"):
            if text := sheet.take(process, name):
                sheet.say(
                    Code.UNSUPPORTED_SETTING,
                    process,
                    severity="warning",
                    setting=f"{name}={text}",
                    remedy="Say in rules.json which roles may start a case.",
                )


def _node(sheet: Sheet, node: etree._Element, shapes: Mapping[str, decisions.Shape], foreign: bool) -> None:
    kind = etree.QName(node).localname
    leftovers.listeners(sheet, node)
    leftovers.properties(sheet, node)
    skipped = sheet.take(node, "skipExpression")
    if skipped:
        sheet.say(
            Code.UNSUPPORTED_SETTING, node, setting=f"skipExpression={skipped}", remedy="Draw a gateway before it that leads around it."
        )
    loops.loop(sheet, node)
    if kind == "userTask":
        people.assign(sheet, node)
        people.schedule(sheet, node)
    else:
        people.nobody(sheet, node)
    if kind in _CALLERS:
        _caller(sheet, node, kind, shapes, foreign)
    elif kind == "scriptTask" and foreign:
        operations.script(sheet, node)
    elif kind == "callActivity":
        _call_activity(sheet, node)
    elif kind == "receiveTask" and foreign:
        events.awaited(sheet, node, node)
    elif kind in _EVENTS and foreign:
        events.definitions(sheet, node)
    mapping.parameters(sheet, node)
    if kind == "userTask" or (kind == "startEvent" and node.getparent().tag == BPMN + "process"):
        if foreign:
            forms.form(sheet, node)
    elif sheet.take(node, "formKey"):
        sheet.say(Code.NO_EFFECT, node, what="formKey")
    events.of_task(sheet, node)


def _caller(sheet: Sheet, node: etree._Element, kind: str, shapes: Mapping[str, decisions.Shape], foreign: bool) -> None:
    if decisions.rule_task(sheet, node, shapes):
        return
    says = operations.call(sheet, node)
    given = sheet.has(node, "taskDefinition") or sheet.has(node, "calledDecision")
    if not says and not given and foreign and etree.QName(node).localname == kind:
        operations.proposed(sheet, node)


def _call_activity(sheet: Sheet, node: etree._Element) -> None:
    if sheet.has(node, "calledElement"):
        return
    case = sheet.take(node, "caseRef")
    for name in ("caseBinding", "caseVersion", "caseTenantId"):
        if text := sheet.take(node, name):
            sheet.say(Code.NO_EFFECT, node, what=f"{name}={text}")
    if case:
        sheet.say(Code.UNSUPPORTED_ELEMENT, node, construct=f"CMMN case {case}", remedy="Draw its steps as a process of their own.")
    mapper = sheet.take(node, "variableMappingClass", "variableMappingDelegateExpression")
    if mapper:
        sheet.say(Code.UNSUPPORTED_SETTING, node, setting=f"variableMapping {mapper}", remedy="Say with in and out which variables pass.")
    inherits = sheet.take(node, "inheritVariables") == "true"
    by_id = sheet.take(node, "calledElementType") == "id"
    binding = sheet.take(node, "calledElementBinding")
    everything_in, everything_out = mapping.passed(sheet, node)
    called = node.get("calledElement", "").strip()
    if not called or by_id:
        if not case:
            sheet.say(Code.UNRESOLVED_REFERENCE, node, where="The call", what=f'the process "{called}"')
        return
    if juel.has_expression(called):
        sheet.say(Code.UNSUPPORTED_ELEMENT, node, construct=f"call of {called}", remedy="Name the called process by its id.")
        return
    sheet.extend(
        node,
        "calledElement",
        processId=called.rpartition(":")[2],
        propagateAllParentVariables=str(everything_in or inherits).lower(),
        propagateAllChildVariables=str(everything_out).lower(),
        **({"bindingType": "deployment"} if binding in (None, "deployment", "latest") else {}),
    )
    if binding and binding not in ("deployment", "latest"):
        sheet.say(Code.NO_EFFECT, node, what=f"calledElementBinding={binding}")


def _flow(sheet: Sheet, flow: etree._Element) -> None:
    node = flow.find(BPMN + "conditionExpression")
    if node is None:
        return
    text = (node.text or "").strip()
    resource = sheet.take(node, "resource")
    language = node.get("language", "").lower()
    if resource:
        sheet.say(Code.PYTHON_SCRIPT, flow, language=f"{language} ({resource})")
        return
    if not text:
        if not len(node) and not language:
            flow.remove(node)
            sheet.changed = True
        return
    written = None
    path = _path(text)
    if path is not None:
        text, language = path, "xpath"
    if juel.has_expression(text):
        written = sheet.condition(node, f"condition of {flow.get('name') or flow.get('id')}", text, after=True)
        if written is None:
            flow.remove(node)
            return
    elif language and "feel" not in language:
        try:
            feel = translation.condition(juel.parse(text.rstrip(";")), sheet.initiators)
        except (juel.Unreadable, translation.Untranslatable):
            return
        sheet.read(flow, feel, after=True)
        written = f"={feel.text}"
    if written is not None:
        node.attrib.pop("language", None)
        sheet.rewrite(node, written)
        sheet.say(Code.CONVERTED, flow, line=node.sourceline, what=text, became=written)


def _path(text: str) -> str | None:
    """XPath over data objects (BPMN 2.0.2, 10.4.3), as far as it reads like JUEL."""
    plain = re.sub(r"(?:\w+:)?getDataObject\(\s*'(\w+)'\s*\)", r"\1", text)
    if plain == text:
        return None
    return re.sub(r"(?<![<>!=])=(?!=)", "==", plain).replace("not(", "!(")


def _references(sheet: Sheet, foreign: bool) -> None:
    """References may carry a prefix (they are QNames), and other engines take an error's code for its id."""
    known = {node.get("id"): etree.QName(node).localname for node in sheet.root.iter(BPMN + "*")}
    for node in list(sheet.root.iter(BPMN + "*")):
        for key in ("messageRef", "errorRef", "signalRef", "escalationRef"):
            text = node.get(key, "")
            if text and text not in known and text.rpartition(":")[2] in known:
                node.set(key, text.rpartition(":")[2])
                sheet.changed = True
            elif text and text not in known and key == "errorRef" and foreign:
                sheet.root.insert(0, etree.Element(BPMN + "error", id=text, errorCode=text))
                known[text] = "error"
                sheet.changed = True
                sheet.say(Code.ASSUMED, node, what=f'The error "{text}"', assumed=f'errorCode="{text}"')


def _flow_ids(sheet: Sheet) -> None:
    """Other engines take flows without an id."""
    taken = {node.get("id") for node in sheet.root.iter("*")}
    for flow in sheet.root.iter(BPMN + "sequenceFlow"):
        if not flow.get("id"):
            id = f"flow-{flow.get('sourceRef', '')}-{flow.get('targetRef', '')}"
            while id in taken:
                id += "-"
            taken.add(id)
            flow.set("id", id)
            sheet.changed = True


def _default(sheet: Sheet, gateway: etree._Element) -> None:
    """The one flow without a condition is the default flow, as Camunda 7 takes it."""
    flows = [flow for flow in sheet.root.iter(BPMN + "sequenceFlow") if flow.get("sourceRef") == gateway.get("id")]
    bare = [flow for flow in flows if flow.find(BPMN + "conditionExpression") is None]
    if len(flows) > 1 and len(bare) == 1 and not gateway.get("default"):
        gateway.set("default", bare[0].get("id", ""))
        sheet.changed = True
        sheet.say(
            Code.ASSUMED,
            gateway,
            what=f'The default flow of "{gateway.get("name") or gateway.get("id")}"',
            assumed=f'"{bare[0].get("name") or bare[0].get("id")}"',
        )
