"""Multi-instance activities and loops: collection, counters and conditions."""

from __future__ import annotations

import re

from lxml import etree

from ..codes import Code
from ..reader import BPMN
from . import juel, translation
from .sheet import Sheet, attribute_of, called, inner


def loop(sheet: Sheet, activity: etree._Element) -> None:
    """The loop characteristics of one activity."""
    standard = activity.find(BPMN + "standardLoopCharacteristics")
    if standard is not None:
        _condition(sheet, standard, "loopCondition")
    several = activity.find(BPMN + "multiInstanceLoopCharacteristics")
    if several is None:
        return
    _condition(sheet, several, "completionCondition")
    cardinality = several.find(BPMN + "loopCardinality")
    if cardinality is not None and juel.has_expression(cardinality.text or ""):
        sheet.rewrite(cardinality, sheet.text(several, "loopCardinality", (cardinality.text or "").strip()) or "")
    elif cardinality is not None and re.fullmatch(r"\s*[^\W\d][\w.]*\s*", cardinality.text or ""):
        sheet.rewrite(cardinality, f"={(cardinality.text or '').strip()}")
    collection = sheet.take(several, "collection") or _nested(sheet, several)
    item = sheet.take(several, "elementVariable")
    if item:
        sheet.became(several, f"elementVariable={item}", f"zeebe:loopCharacteristics inputElement={translation.name(item)}")
    given = {"inputElement": item, **_of_the_standard(sheet, activity, several)}
    text = collection or given.pop("inputCollection", None)
    given.pop("inputCollection", None)
    if text:
        written = sheet.text(several, "collection", text) if juel.has_expression(text) else f"={translation.name(text)}"
        if not juel.has_expression(text):
            sheet.read(several, translation.Feel(text, {translation.name(text): translation.Use("list")}))
        if written:
            sheet.extend(several, "loopCharacteristics", inputCollection=written)
            sheet.became(several, f"collection={text}", f"zeebe:loopCharacteristics inputCollection={written}")
    for key, value in given.items():
        if value:
            sheet.extend(several, "loopCharacteristics", **{key: value if value.startswith("=") else translation.name(value)})
    index = sheet.take(several, "elementIndexVariable")
    if index:
        sheet.map(activity, "input", translation.name(index), "=loopCounter - 1")
        sheet.became(several, f"elementIndexVariable={index}", f"{translation.name(index)} =loopCounter - 1")


def _nested(sheet: Sheet, several: etree._Element) -> str | None:
    for block in sheet.children(several, "collection"):
        texts = [(child.text or "").strip() for child in inner(block, "expression", "string")]
        text = next(iter(texts), "")
        if not attribute_of(block, "class") and not attribute_of(block, "delegateExpression") and text:
            return text
        text = attribute_of(block, "class") or attribute_of(block, "delegateExpression") or text
        sheet.say(
            Code.NOT_TRANSLATED, several, where=called(block), expression=text, reason=f"it calls a program of the other engine: {text}"
        )
    return None


def _of_the_standard(sheet: Sheet, activity: etree._Element, several: etree._Element) -> dict[str, str]:
    """loopDataInputRef, inputDataItem and their outputs (BPMN 2.0.2, 10.3.8), where no zeebe settings stand beside them."""
    if sheet.has(several, "loopCharacteristics"):
        return {}
    found: dict[str, str] = {}
    for tag, key in (("loopDataInputRef", "inputCollection"), ("loopDataOutputRef", "outputCollection")):
        node = several.find(BPMN + tag)
        if node is not None and node.text and node.text.strip():
            found[key] = _data_name(sheet, activity, node.text.strip())
            several.remove(node)
            sheet.changed = True
    for tag, key in (("inputDataItem", "inputElement"), ("outputDataItem", "outputElement")):
        node = several.find(BPMN + tag)
        if node is not None:
            text = node.get("name") or node.get("id") or ""
            if text:
                found[key] = f"={translation.name(text)}" if key == "outputElement" else text
            several.remove(node)
            sheet.changed = True
    if "outputCollection" not in found:
        found.pop("outputElement", None)
    return found


def _data_name(sheet: Sheet, activity: etree._Element, reference: str) -> str:
    """The variable behind a data input, or the reference itself where it names none."""
    for node in sheet.root.iter(
        BPMN + "dataInput", BPMN + "dataOutput", BPMN + "dataObject", BPMN + "dataObjectReference", BPMN + "property"
    ):
        if node.get("id") == reference and node.get("name"):
            return str(node.get("name"))
    return reference


def _condition(sheet: Sheet, holder: etree._Element, tag: str) -> None:
    node = holder.find(BPMN + tag)
    text = (node.text or "").strip() if node is not None else ""
    if node is None or not juel.has_expression(text):
        return
    written = sheet.condition(holder, tag, text)
    if written is not None:
        sheet.rewrite(node, written)
        sheet.became(holder, f"{tag} {text}", written)
    else:
        holder.remove(node)
