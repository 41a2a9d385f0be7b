"""Settings in a diagram that are not carried out here: those of other engines, scripts in other languages, unused and unknown ones."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from .codes import Code
from .findings import Finding, finding
from .reader import BPMN, ZEEBE

#: namespaces of other engines, by the prefix people know them by
FOREIGN = {
    "http://camunda.org/schema/1.0/bpmn": "camunda",
    "http://activiti.org/bpmn": "activiti",
    "http://activiti.com/modeler": "activiti",
    "http://flowable.org/bpmn": "flowable",
    "http://www.omg.org/bpmn20": "drools",
    "http://www.jboss.org/drools": "drools",
    "http://spiffworkflow.org/bpmn/schema/1.0/core": "spiffworkflow",
    "http://bonitasoft.com/bpmn": "bonita",
}
#: of those, what only tunes the other engine and changes nothing a person would see
_TUNING = frozenset(
    (
        *("asyncBefore", "asyncAfter", "async", "exclusive", "jobPriority", "historyTimeToLive", "versionTag", "taskPriority"),
        *("isStartableInTasklist", "modelerTemplate", "modelerTemplateVersion", "diagramRelationId", "failedJobRetryTimeCycle"),
        *("formHandlerClass", "validation", "properties", "property", "resource", "processCategory", "modelId", "modelVersion"),
    )
)
#: zeebe settings that change what happens and are not built
_REFUSED = {
    "adHoc": "Draw the possible steps with gateways instead.",
    "conditionalFilter": "Use a gateway instead.",
    "userTaskForm": "Save the form as a file of its own and name its id.",
    "formDefinition.formKey": "Name a form by its id (a .form file).",
    "formDefinition.externalReference": "Name a form by its id (a .form file).",
    "agentDefinition": "Use a service task instead.",
}
#: what to draw where a listener stood, by the moment it listens to
_LISTENERS = {
    **dict.fromkeys(("start", "creating"), "Draw a service task with this operation right before it, or at the beginning of the process."),
    **dict.fromkeys(("end", "completing"), "Draw a service task with this operation right behind it, or before the end of the process."),
    "canceling": "Draw a service task with this operation behind the event that interrupts it.",
    "assigning": "Remove it: who does a task, and rules about it, stand in its approval chain.",
    "updating": "Remove it: who does a task, and rules about it, stand in its approval chain.",
}
_UNUSED = frozenset(("linkedResources", "versionTag", "businessId"))

#: namespaces that are read here, or only serve a modeler
_READ = frozenset((BPMN, ZEEBE, "{http://www.w3.org/2001/XMLSchema-instance}", "{http://camunda.org/schema/modeler/1.0}"))
#: of the standard, at the top of a file: nothing here uses it
_UNREAD = frozenset(
    (
        *("import", "itemDefinition", "interface", "resource", "dataStore", "relationship", "extension", "endPoint"),
        *("correlationProperty", "partnerEntity", "partnerRole", "globalTask", "globalUserTask", "globalScriptTask", "globalManualTask"),
    )
)
#: of the standard, inside an activity or event
_DATA = frozenset(("ioSpecification", "dataInputAssociation", "dataOutputAssociation", "dataInput", "dataOutput", "property"))
#: (element, attribute) of the standard -> its usual value, and what to do where it has another
_OTHERWISE = {
    ("receiveTask", "instantiate"): ("false", "Draw a message start event instead."),
    ("eventBasedGateway", "instantiate"): ("false", "Draw message start events instead."),
    ("eventBasedGateway", "eventGatewayType"): ("Exclusive", "Draw a parallel gateway with a catch event behind each flow."),
    ("multiInstanceLoopCharacteristics", "behavior"): ("All", "Draw the event it would throw behind the activity."),
    ("*", "startQuantity"): ("1", "Draw a parallel gateway that joins the flows it waits for."),
    ("*", "completionQuantity"): ("1", "Draw a parallel gateway behind it that leads to each of the flows."),
}


def strange(root: etree._Element) -> Iterator[Finding]:
    """Findings of one diagram."""
    for node in root.iter(BPMN + "*"):
        at = _place(node)
        where = {"at": at.get("id"), "called": at.get("name")} if at is not None else {}
        foreign: list[str] = []
        for key in node.attrib:
            _note(foreign, key)
        extensions = node.find(BPMN + "extensionElements")
        for child in extensions if extensions is not None else ():
            if isinstance(child.tag, str):
                _note(foreign, child.tag)
                yield from _zeebe(child, where)
        if foreign:
            yield finding(Code.FOREIGN_VOCABULARY, None, **where, attributes=", ".join(sorted(set(foreign))))
        if node.tag == BPMN + "script" and node.getparent().find(f"{BPMN}extensionElements/{ZEEBE}script") is None:
            yield finding(Code.PYTHON_SCRIPT, None, **where, language=_language(node))
        if node.tag == BPMN + "conditionExpression" and "feel" not in node.get("language", "feel").lower():
            yield finding(Code.PYTHON_SCRIPT, None, **where, language=node.get("language"))
        yield from _standard(node, where)
    yield from _unknown(root)


def _unknown(root: etree._Element) -> Iterator[Finding]:
    """One note for each thing that nobody here reads, at its first place: of unknown vocabularies, and of the standard's own."""
    first: dict[str, tuple[etree._Element, int]] = {}

    def count(name: str, place: etree._Element) -> None:
        held, times = first.get(name, (place, 0))
        first[name] = held, times + 1

    for node in root.iter(BPMN + "*"):
        for key in node.attrib:
            tag = etree.QName(key)
            if tag.namespace and f"{{{tag.namespace}}}" not in _READ and tag.namespace not in FOREIGN:
                count(_prefixed(node, tag), node)
        if node.getparent() is root and node.tag.removeprefix(BPMN) in _UNREAD:
            count(node.tag.removeprefix(BPMN), node)
        for child in node if node.tag == BPMN + "extensionElements" else ():
            if isinstance(child.tag, str):
                tag = etree.QName(child)
                if f"{{{tag.namespace}}}" not in _READ and tag.namespace not in FOREIGN:
                    count(_prefixed(child, tag), node.getparent())
    for name, (place, times) in first.items():
        at = _place(place)
        yield finding(Code.NO_EFFECT, None, at=None if at is None else at.get("id"), what=f"{name} ({times}×)")


def _prefixed(node: etree._Element, tag: etree.QName) -> str:
    prefix = next((prefix for prefix, uri in node.nsmap.items() if uri == tag.namespace and prefix), "")
    return f"{prefix}:{tag.localname}" if prefix else str(tag.localname)


def _standard(node: etree._Element, where: dict[str, str | None]) -> Iterator[Finding]:
    """What BPMN has and variables, mappings and gateways do here: noted, or refused where the case would take another way."""
    for (tag, key), (usual, remedy) in _OTHERWISE.items():
        if tag in ("*", node.tag.removeprefix(BPMN)) and node.get(key, usual).lower() != usual.lower():
            yield finding(Code.UNSUPPORTED_SETTING, None, **where, setting=f"{key}={node.get(key)}", remedy=remedy)
    data = {child.tag.removeprefix(BPMN) for child in node if isinstance(child.tag, str) and child.tag.startswith(BPMN)} & _DATA
    if data:
        moved = any(child.find(BPMN + tag) is not None for child in node for tag in ("assignment", "transformation"))
        yield finding(Code.NO_EFFECT, None, **where, severity="warning" if moved else None, what=", ".join(sorted(data)))
    if node.tag in (BPMN + "dataStoreReference", BPMN + "dataObjectReference"):
        yield finding(Code.NO_EFFECT, None, **where, what="A data store" if "Store" in node.tag else "A data object")


def _note(foreign: list[str], name: str) -> None:
    tag = etree.QName(name)
    prefix = FOREIGN.get(tag.namespace or "")
    if prefix and tag.localname not in _TUNING:
        foreign.append(f"{prefix}:{tag.localname}")


def _zeebe(child: etree._Element, where: dict[str, str | None]) -> Iterator[Finding]:
    if not child.tag.startswith(ZEEBE):
        return
    tag = child.tag.removeprefix(ZEEBE)
    for setting in (tag, *(f"{tag}.{key}" for key in child.attrib)):
        if setting in _REFUSED:
            yield finding(Code.UNSUPPORTED_SETTING, None, **where, setting=f"zeebe:{setting}", remedy=_REFUSED[setting])
    for listener in child if tag in ("executionListeners", "taskListeners") else ():
        if isinstance(listener.tag, str):
            moment, operation = listener.get("eventType") or "start", listener.get("type") or "?"
            setting = f'{listener.tag.removeprefix(ZEEBE)} {moment}="{operation}"'
            remedy = _LISTENERS.get(moment, "Use a service task instead.")
            yield finding(Code.UNSUPPORTED_SETTING, None, **where, setting=setting, remedy=remedy)
    if tag in _UNUSED:
        yield finding(Code.NO_EFFECT, None, **where, what=f"zeebe:{tag}")


def _language(script: etree._Element) -> str:
    return script.getparent().get("scriptFormat") or "an unnamed language"


def _place(node: etree._Element) -> etree._Element | None:
    """The element, or the nearest one around that is drawn."""
    around: etree._Element | None = node
    while around is not None and (not around.get("id") or etree.QName(around).localname.endswith("EventDefinition")):
        around = around.getparent()
    return around
