"""Events: times, messages, signals, errors, escalations, conditions, and what other engines say about them."""

from __future__ import annotations

from lxml import etree

from ..codes import Code
from ..reader import BPMN, ZEEBE
from . import juel, operations, translation
from .sheet import Sheet, attribute_of, foreign

_CATCHES = ("intermediateCatchEvent", "boundaryEvent", "receiveTask")


def definitions(sheet: Sheet, event: etree._Element) -> None:
    """The event definitions of one event."""
    for definition in [child for child in event if isinstance(child.tag, str) and child.tag.endswith("EventDefinition")]:
        kind = etree.QName(definition).localname.removesuffix("EventDefinition")
        if kind == "timer":
            _timer(sheet, event, definition)
        elif kind == "message":
            _message(sheet, event, definition)
        elif kind in ("error", "escalation"):
            _caught(sheet, event, definition, kind)
        elif kind == "conditional":
            _conditional(sheet, definition)
        elif kind == "signal":
            _signal(sheet, event, definition)
        elif kind == "terminate":
            _terminate(sheet, event, definition)


def _terminate(sheet: Sheet, event: etree._Element, definition: etree._Element) -> None:
    everything = sheet.take(definition, "terminateAll") == "true"
    if everything and event.getparent().tag != BPMN + "process":
        remedy = "Draw an error event that leaves the sub-process instead."
        sheet.say(Code.UNSUPPORTED_SETTING, event, setting="terminateAll", remedy=remedy)


def _timer(sheet: Sheet, event: etree._Element, definition: etree._Element) -> None:
    for tag in ("timeDate", "timeDuration", "timeCycle"):
        node = definition.find(BPMN + tag)
        if node is None:
            continue
        end = sheet.take(node, "endDate")
        if end:
            sheet.say(Code.UNSUPPORTED_SETTING, event, setting="endDate", remedy="Say in the cycle how often it repeats, such as R5/PT1H.")
        text = (node.text or "").strip()
        written = sheet.text(event, tag, text) if text else None
        if written and written != text:
            sheet.rewrite(node, written)
            sheet.say(Code.CONVERTED, event, line=node.sourceline, what=f"{tag} {text}", became=written)
    calendar = sheet.take(definition, "businessCalendarName")
    if calendar:
        sheet.say(Code.NO_EFFECT, event, what=f"businessCalendarName={calendar}")


def _message(sheet: Sheet, event: etree._Element, definition: etree._Element) -> None:
    throws = event.tag in (BPMN + "endEvent", BPMN + "intermediateThrowEvent")
    if throws:
        if not operations.call(sheet, event, definition) and not sheet.has(event, "taskDefinition"):
            operations.proposed(sheet, event)
        return
    expression = sheet.take(definition, "messageExpression")
    key = sheet.take(definition, "correlationKey")
    awaited(sheet, event, definition, named=expression, key=key)


def awaited(sheet: Sheet, event: etree._Element, holder: etree._Element, *, named: str | None = None, key: str | None = None) -> None:
    """The message that an event or a receive task waits for: made where there is none, with a key where it needs one."""
    reference = holder.get("messageRef")
    message = next((m for m in sheet.root.iter(BPMN + "message") if m.get("id") == reference), None) if reference else None
    if reference and message is None:
        return  # the check says that it does not exist
    if message is None:
        text = " ".join((named or event.get("name") or event.get("id", "")).split())
        id = f"Message_{event.get('id', '')}"
        message = etree.Element(BPMN + "message", id=id, name=sheet.text(event, "messageExpression", text) or text)
        first = next(iter(sheet.root.iter(BPMN + "process", BPMN + "collaboration")), None)
        sheet.root.insert(0 if first is None else sheet.root.index(first), message)
        holder.set("messageRef", id)
        sheet.changed = True
        if named:
            sheet.became(event, f"messageExpression={named}", f"message {message.get('name')}")
        else:
            sheet.say(Code.ASSUMED, event, what="The message", assumed=f'"{text}"')
    inside = etree.QName(event).localname
    needs = inside in _CATCHES or (inside == "startEvent" and event.getparent().get("triggeredByEvent") == "true")
    if needs and message.find(f"{BPMN}extensionElements/{ZEEBE}subscription") is None:
        written = sheet.text(event, "correlationKey", key) if key else "=case.number"
        sheet.extend(message, "subscription", correlationKey=written or "=case.number")
        if not key:
            sheet.say(Code.ASSUMED, event, what=f'The correlation key of the message "{message.get("name")}"', assumed="=case.number")


def _caught(sheet: Sheet, event: etree._Element, definition: etree._Element, kind: str) -> None:
    """Variables that take the code and the text of an error."""
    for attribute, source in ((f"{kind}CodeVariable", f"{kind}Code"), (f"{kind}MessageVariable", f"{kind}Message")):
        target = sheet.take(definition, attribute)
        if target and kind == "error":
            sheet.map(event, "output", translation.name(target), f"={source}")
            sheet.became(event, f"{attribute}={target}", f"{translation.name(target)} ={source}")
        elif target:
            sheet.say(Code.NO_EFFECT, event, what=f"{attribute}={target}")


def _conditional(sheet: Sheet, definition: etree._Element) -> None:
    node = definition.find(BPMN + "condition")
    text = (node.text or "").strip() if node is not None else ""
    if juel.has_expression(text) and (written := sheet.condition(definition, "condition", text)) is not None:
        sheet.rewrite(node, written)
        sheet.became(definition, f"condition {text}", written)
    for name in ("variableName", "variableEvents"):
        value = sheet.take(definition, name)
        if value:
            sheet.say(Code.NO_EFFECT, definition, what=f"{name}={value}")


def _signal(sheet: Sheet, event: etree._Element, definition: etree._Element) -> None:
    expression = sheet.take(definition, "signalExpression")
    if expression:
        id = f"Signal_{event.get('id', '')}"
        signal = etree.Element(BPMN + "signal", id=id, name=sheet.text(event, "signalExpression", expression) or expression)
        sheet.root.insert(0, signal)
        definition.set("signalRef", id)
        sheet.became(event, f"signalExpression={expression}", f"signal {signal.get('name')}")
    for line in sheet.children(definition, "in", "out"):
        sheet.say(
            Code.UNSUPPORTED_SETTING, event, line=line.sourceline, setting="in", remedy="A signal carries no values here; use a message."
        )


def named(sheet: Sheet) -> None:
    """Names of messages and signals with expressions in them, and what is said about errors."""
    for node in sheet.root.iter(BPMN + "message", BPMN + "signal"):
        text = node.get("name") or ""
        if juel.has_expression(text) and (written := sheet.text(node, "name", text)) is not None:
            node.set("name", written)
            sheet.changed = True
            sheet.became(node, f"name={text}", f"name={written}")
    for node in sheet.root.iter(BPMN + "error"):
        text = sheet.take(node, "errorMessage")
        if text:
            sheet.say(Code.NO_EFFECT, node, what=f"errorMessage={text}")


def of_task(sheet: Sheet, task: etree._Element) -> None:
    """Errors that an external task or a delegate is said to raise: the operation says so itself here."""
    for line in sheet.children(task, "errorEventDefinition", "mapException"):
        text = attribute_of(line, "expression") or (line.text or "").strip() or attribute_of(line, "errorCode") or foreign(line)
        sheet.say(
            Code.UNSUPPORTED_SETTING,
            task,
            severity="warning",
            line=line.sourceline,
            setting=f"{foreign(line)} {text}",
            remedy="Let the operation answer with the error code.",
        )
