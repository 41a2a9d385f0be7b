"""What is left of a foreign vocabulary once everything that has a counterpart is converted: named, so that nothing is dropped silently."""

from __future__ import annotations

from lxml import etree

from ..codes import Code
from ..reader import BPMN, ZEEBE
from .sheet import VOCABULARIES, Sheet, attribute_of, called, drawn, foreign, remove

#: tunes the other engine, and changes nothing a person would see
_TUNING = frozenset(
    """
    asyncBefore asyncAfter async asyncLeave exclusive notExclusive jobPriority taskPriority jobTopic historyTimeToLive versionTag
    isStartableInTasklist diagramRelationId failedJobRetryTimeCycle jobCategory modelerTemplate modelerTemplateVersion modelerTemplateIcon
    processCategory modelId modelVersion category formHandlerClass validation formFieldValidation localization isEagerExecutionFetching
    historyLevel includeInHistory decisionRefBinding decisionRefVersion decisionRefTenantId decisionRefVersionTag calledElementVersion
    calledElementVersionTag calledElementTenantId sameDeployment fallbackToDefaultTenant inheritBusinessKey businessKey sourceDockerX
    sourceDockerY targetDockerX targetDockerY work task allowUserAssignment useLocalScopeForResultVariable storeResultVariableAsTransient
    noWaitStatesAsyncLeave owner extensionId documentation color resource stencilid activity-icon editor-resource-id startFormKey
    completeAsync processInstanceName processInstanceIdVariableName ruleVariablesInput customResource version exportDateTime
    modelLastUpdated work-form-field-validation task-candidates-type
    """.split()  # noqa: SIM905
)
_LISTENERS = ("executionListener", "taskListener", "eventListener")


def listeners(sheet: Sheet, node: etree._Element) -> None:
    """Every listener is named with what it calls."""
    for line in sheet.children(node, *_LISTENERS):
        given = (attribute_of(line, name) for name in ("class", "delegateExpression", "expression", "entityType", "signalName"))
        program = next((text for text in given if text), None)
        script = next((child for child in line if foreign(child) == "script"), None)
        what = program or (f"script ({attribute_of(script, 'scriptFormat')})" if script is not None else "")
        event = attribute_of(line, "event") or attribute_of(line, "events")
        sheet.say(Code.LISTENER, node, line=line.sourceline, listener=f"{called(line)} {event} {what}".replace("  ", " ").strip())


def properties(sheet: Sheet, node: etree._Element) -> None:
    """Properties stay properties."""
    for block in sheet.children(node, "properties"):
        for line in block:
            if foreign(line) == "property":
                holder = sheet.extend(node, "properties")
                name, value = attribute_of(line, "name") or attribute_of(line, "id"), attribute_of(line, "value")
                if not any(known.get("name") == name for known in holder):
                    etree.SubElement(holder, ZEEBE + "property", name=name, value=value)
                    sheet.say(Code.CONVERTED, node, line=line.sourceline, what=f"{called(line)} {name}", became=f"zeebe:property {name}")


def sweep(sheet: Sheet) -> None:
    """Takes out and names every foreign setting that is still there."""
    tuning: dict[etree._Element, list[str]] = {}
    for node in list(sheet.root.iter(BPMN + "*")):
        unknown: list[str] = []
        for key in list(node.attrib):
            tag = etree.QName(key)
            if tag.namespace in VOCABULARIES:
                text = f"{called(node, key)}={node.attrib.pop(key)}"
                sheet.changed = True
                (tuning.setdefault(drawn(node), []) if _tunes(tag) else unknown).append(text)
        for place in [node, *node.findall(BPMN + "extensionElements")]:
            for child in list(place):
                name = foreign(child)
                if name is not None:
                    remove(child)
                    sheet.changed = True
                    (tuning.setdefault(drawn(node), []) if _tunes(etree.QName(child)) else unknown).append(called(child))
        if unknown:
            sheet.say(Code.FOREIGN_VOCABULARY, node, attributes=", ".join(sorted(set(unknown))))
    for node, settings in tuning.items():
        sheet.say(Code.NO_EFFECT, node, what=", ".join(sorted(set(settings))))


def _tunes(tag: etree.QName) -> bool:
    """Whether it tunes the other engine or only serves its modeler."""
    return tag.localname in _TUNING or (tag.namespace or "").endswith(("/modeler", "/design"))
