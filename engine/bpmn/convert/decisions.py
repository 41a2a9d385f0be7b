"""Business rule tasks that call a table, and the tables themselves as other engines save them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import etree

from .. import expressions
from ..codes import Code
from ..findings import Finding, finding
from . import juel, translation
from .sheet import Sheet, attribute_of, remove, short

_DMN = re.compile(r"https?://www\.omg\.org/spec/DMN/")
_LISTS = ("COLLECT", "RULE ORDER", "OUTPUT ORDER")


@dataclass(frozen=True)
class Shape:
    """What a decision gives: the names of its outputs, and whether for several rules at once."""

    outputs: tuple[str, ...]
    several: bool
    #: the variables that it and what it requires read
    inputs: Mapping[str, translation.Use] = field(default_factory=dict)


def shapes(root: etree._Element) -> dict[str, Shape]:
    """By id of the decision, of one file."""
    found = {}
    for decision in _nodes(root, "decision"):
        table = next(iter(_nodes(decision, "decisionTable")), None)
        if table is None:
            found[decision.get("id", "")] = Shape((decision.get("name") or "output",), False)
        else:
            outputs = tuple(o.get("name") or o.get("label") or "output" for o in _nodes(table, "output"))
            several = table.get("hitPolicy", "UNIQUE") in _LISTS and not table.get("aggregation")
            found[decision.get("id", "")] = Shape(outputs, several)
    named = {decision.get("id", ""): decision for decision in _nodes(root, "decision")}
    return {id: replace(shape, inputs=_inputs(named, id)) for id, shape in found.items()}


def _inputs(decisions: Mapping[str, etree._Element], id: str) -> dict[str, translation.Use]:
    """What the tables of a decision and of those it requires ask for, which is no decision itself."""
    found: dict[str, translation.Use] = {}
    todo, seen = [id], set[str]()
    while todo:
        current = todo.pop()
        if current in seen or current not in decisions:
            continue
        seen.add(current)
        todo += [node.get("href", "").lstrip("#") for node in _nodes(decisions[current], "requiredDecision")]
        for node in _nodes(decisions[current], "inputExpression"):
            text = "".join(place.text or "" for place in _nodes(node, "text")).strip()
            kind = {"boolean": "boolean", "string": "text"}.get(node.get("typeRef", ""), "any")
            kind = "number" if node.get("typeRef") in ("integer", "long", "double", "number") else kind
            path = re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", text)
            if path:
                found.setdefault(text, translation.Use()).also(translation.Use(kind, _compared(node)))
    for each in seen:
        for name in (each, decisions[each].get("name", "")):
            found.pop(name, None)
    results = {output.get("name") for each in seen - {id} for output in _nodes(decisions[each], "output")}
    return {name: use for name, use in found.items() if name.split(".")[0] not in results}


def _compared(expression: etree._Element) -> list[str]:
    """The texts with which the column of an input expression is compared."""
    column = expression.getparent()
    table = column.getparent()
    number = _nodes(table, "input").index(column)
    cells = [entries[number] for rule in _nodes(table, "rule") if len(entries := _nodes(rule, "inputEntry")) > number]
    texts = [text for cell in (*_nodes(column, "inputValues"), *cells) for text in re.findall(r'"([^"]*)"', "".join(cell.itertext()))]
    return list(dict.fromkeys(texts))[:20]


def rule_task(sheet: Sheet, node: etree._Element, known: Mapping[str, Shape]) -> bool:
    """The decision a task calls, with its result in the shape the other engine gives it. False when it calls none."""
    reference = sheet.take(node, "decisionRef")
    flat = False
    if not reference and sheet.given(node, "type") == "dmn":
        sheet.take(node, "type")
        for line in sheet.children(node, "field"):
            text = attribute_of(line, "stringValue") or " ".join(" ".join(line.itertext()).split())
            if attribute_of(line, "name") in ("decisionTableReferenceKey", "decisionReferenceKey", "decisionServiceReferenceKey"):
                reference = text
        flat = True
    if not reference:
        return False
    setting = sheet.take(node, "mapDecisionResult") or "resultList"
    result = translation.name(sheet.take(node, "resultVariable") or ("decisionResult" if not flat else f"{node.get('id', '')}_result"))
    called = sheet.text(node, "decisionRef", reference)
    if called is None:
        return True
    sheet.extend(node, "calledDecision", decisionId=called, resultVariable=result)
    sheet.became(node, f"decisionRef={reference}", f"zeebe:calledDecision decisionId={called} resultVariable={result}")
    shape = known.get(reference)
    if shape is not None:
        sheet.read(node, translation.Feel("", dict(shape.inputs)))
    if shape is None:
        if called.startswith("="):
            sheet.say(Code.SHAPE_UNKNOWN, node, decision=reference, setting=setting)
    elif flat:
        for output in shape.outputs:
            source = result if len(shape.outputs) == 1 else f"{result}.{output}"
            sheet.map(node, "output", translation.name(output), f"={source}")
    else:
        source = _shaped(setting, result, shape)
        if source != result:
            sheet.map(node, "output", result, f"={source}")
        sheet.became(node, f"mapDecisionResult={setting}", f"{result} ={source}")
    return True


def _shaped(setting: str, raw: str, shape: Shape) -> str:
    """FEEL that gives what the other engine's setting gives from what a decision gives here (one output: its value)."""
    key = translation.quoted(shape.outputs[0] if shape.outputs else "output")
    one = len(shape.outputs) <= 1
    if setting == "singleEntry":
        return f"{raw}[1]" if shape.several else raw
    if setting == "singleResult":
        first = f"{raw}[1]" if shape.several else raw
        return f"{{{key}: {first}}}" if one else first
    if setting == "collectEntries":
        return raw if shape.several else f"if {raw} = null then [] else [{raw}]"
    if shape.several:
        return f"for entry in {raw} return {{{key}: entry}}" if one else raw
    return f"if {raw} = null then [] else [{f'{{{key}: {raw}}}' if one else raw}]"


def table(root: etree._Element) -> tuple[bool, list[Finding]]:
    """Converts the texts of one file in place; whether anything changed, and what there is to say."""
    said: list[Finding] = []
    changed = False

    def say(code: Code, node: etree._Element, **facts: Any) -> None:
        around = node
        while around.getparent() is not None and not around.get("id"):
            around = around.getparent()
        said.append(replace(finding(code, None, at=around.get("id"), called=around.get("name"), **facts), line=node.sourceline))

    for node, text, written in _of_required(root):
        node.text = written
        changed = True
        say(Code.CONVERTED, node, what=text, became=written)
    for node in list(root.iter("*")):
        tag = etree.QName(node)
        foreign = {key: value for key, value in node.attrib.items() if (etree.QName(key).namespace or "").endswith(("/dmn", "/1.0/dmn"))}
        for key, value in foreign.items():
            del node.attrib[key]
            changed = True
            say(Code.NO_EFFECT, node, what=f"{etree.QName(key).localname}={value}")
        if tag.localname == "extensionElements" and len(node):
            say(Code.NO_EFFECT, node, what=", ".join(sorted({etree.QName(c).localname for c in node if isinstance(c.tag, str)})))
            remove(node)
            changed = True
        elif tag.localname == "inputData" and not _read(root, node):
            changed |= _release(root, node)
        elif tag.localname in ("inputExpression", "inputEntry", "outputEntry", "literalExpression"):
            changed |= _cell(node, tag.localname, say)
    return changed, said


def _of_required(root: etree._Element) -> Iterator[tuple[etree._Element, str, str]]:
    """Inputs that name an output of a required decision, as Camunda 7 takes them; by the standard it is the decision that is named."""
    decisions = {decision.get("id"): decision for decision in _nodes(root, "decision")}
    known = shapes(root)
    for decision in decisions.values():
        required = [node.get("href", "").lstrip("#") for node in _nodes(decision, "requiredDecision")]
        names = {decisions[id].get("name", "") for id in required if id in decisions}
        for place in (place for node in _nodes(decision, "inputExpression") for place in _nodes(node, "text")):
            text = (place.text or "").strip()
            for id in required if text not in names else ():
                if id in decisions and text in known[id].outputs:
                    whole = decisions[id].get("name") or id
                    yield place, text, whole if len(known[id].outputs) == 1 else f"{whole}.{text}"
                    break


def _read(root: etree._Element, data: etree._Element) -> bool:
    """Whether an input is declared with a type, or some text of the file reads it by its name."""
    if any(variable.get("typeRef") for variable in _nodes(data, "variable")):
        return True
    name = data.get("name", "")
    return any(name in (place.text or "") for place in _nodes(root, "text"))


def _release(root: etree._Element, data: etree._Element) -> bool:
    """Other engines draw inputs for people to see and read variables of other names: nothing is required then."""
    links = [link for link in _nodes(root, "requiredInput") if link.get("href") == f"#{data.get('id')}"]
    for link in links:
        link.getparent().getparent().remove(link.getparent())
    return bool(links)


def _cell(node: etree._Element, kind: str, say: object) -> bool:
    assert callable(say)
    language = node.get("expressionLanguage", "")
    place = next(iter(_nodes(node, "text")), None)
    text = (place.text or "").strip() if place is not None else ""
    of_feel = "feel" in language.lower() or _DMN.match(language)
    if place is None or not text or (of_feel and not juel.has_expression(text)):
        return False
    unary = kind == "inputEntry"
    written = _tested(text) if unary else text
    if juel.has_expression(text) or (language and not of_feel) or (not unary and _wrong(text, False)):
        try:
            feel = translation.whole(text) if juel.has_expression(text) else translation.plain(text)
            written = _tested(text) if unary and not juel.has_expression(text) else feel.text
        except (juel.Unreadable, translation.Untranslatable) as error:
            if language or juel.has_expression(text):
                say(Code.NOT_TRANSLATED, node, where=f"{kind} ({language or 'JUEL'})", expression=short(text), reason=error.args[0])
            return False
    if written == text or _wrong(written, unary):
        return bool(node.attrib.pop("expressionLanguage", None)) if language and not of_feel and not _wrong(text, unary) else False
    place.text = written
    node.attrib.pop("expressionLanguage", None)
    say(Code.CONVERTED, node, what=short(text), became=written)
    return True


def _tested(text: str) -> str:
    """What Flowable's tables say about an input: `== 'x'`, `!= 'x'`, `.startsWith('x')` and dates as `< fn_date('2015-01-01')`."""
    if method := re.fullmatch(r"\.(startsWith|endsWith|contains)\('([^'\"]*)'\)", text):
        words = {"startsWith": "starts with", "endsWith": "ends with", "contains": "contains"}[method[1]]
        return f"{words}(?, {translation.quoted(method[2])})"
    if dated := re.fullmatch(r"([<>=!]=?|==)?\s*((?:fn_|date:)\w+\(.*)", text):
        try:
            text = f"{dated[1] or ''} {translation.plain(dated[2]).text}".strip()
        except (juel.Unreadable, translation.Untranslatable):
            return text
    match = re.fullmatch(r"(==|!=)\s*(.+)", text)
    plain = match[2] if match else text
    if re.fullmatch(r"'[^'\"]*'", plain):
        plain = f'"{plain[1:-1]}"'
    return f"not({plain})" if match and match[1] == "!=" else plain


def _wrong(text: str, unary: bool) -> bool:
    return bool(expressions.check(text, unary=unary))


def _nodes(root: etree._Element, name: str) -> list[etree._Element]:
    return [node for node in root.iter(f"{{*}}{name}") if node is not root]
