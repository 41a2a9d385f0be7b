"""What goes into an activity and what comes out: inputOutput, in and out, fields, and results."""

from __future__ import annotations

from lxml import etree

from ..codes import Code
from . import juel, translation
from .sheet import Sheet, attribute_of, called, foreign, inner
from .translation import name as feel_name

_FEEL = ("feel", "feel-unary-tests")


def parameters(sheet: Sheet, node: etree._Element, holder: etree._Element | None = None) -> None:
    """The inputOutput of an activity, or of a connector in it (`holder`)."""
    for block in sheet.children(holder if holder is not None else node, "inputOutput"):
        for line in inner(block, "inputParameter", "outputParameter"):
            after = foreign(line) == "outputParameter"
            target = attribute_of(line, "name")
            source = _value(sheet, node, line, f"{called(line)} {target}", after)
            if target and source is not None:
                sheet.map(node, "output" if after else "input", feel_name(target), source)
                sheet.say(
                    Code.CONVERTED, node, line=line.sourceline, what=f"{called(line)} {target}", became=f"{feel_name(target)} {source}"
                )


def _value(sheet: Sheet, node: etree._Element, line: etree._Element, where: str, after: bool) -> str | None:
    """Text, expression, list, map or script of a parameter, as a mapping's source; None after a finding."""
    for child in line:
        kind = foreign(child)
        if kind == "script":
            return _script(sheet, node, child, where, after)
        if kind == "list":
            items = [_value_of_item(sheet, node, item, where, after) for item in child if isinstance(item.tag, str)]
            return None if None in items else f"=[{', '.join(str(item) for item in items)}]"
        if kind == "map":
            pairs = []
            for entry in inner(child, "entry"):
                source = _value(sheet, node, entry, where, after)
                if source is None:
                    return None
                pairs.append(f"{translation.quoted(attribute_of(entry, 'key'))}: {_inside(source)}")
            return f"={{{', '.join(pairs)}}}"
    text = (line.text or "").strip()
    return sheet.text(node, where, text, after=after) if text else "=null"


def _value_of_item(sheet: Sheet, node: etree._Element, item: etree._Element, where: str, after: bool) -> str | None:
    if foreign(item) == "script":
        source = _script(sheet, node, item, where, after)
    else:
        source = sheet.text(node, where, (item.text or "").strip(), after=after)
    return None if source is None else _inside(source)


def _inside(source: str) -> str:
    """A mapping's source as part of a FEEL expression."""
    return source[1:] if source.startswith("=") else translation.quoted(source)


def _script(sheet: Sheet, node: etree._Element, script: etree._Element, where: str, after: bool) -> str | None:
    language = attribute_of(script, "scriptFormat").lower()
    text = (script.text or "").strip()
    if language in _FEEL and text:
        return f"={text.removeprefix('=').strip()}"
    if language == "juel" and text:
        return sheet.text(node, where, text, after=after)
    sheet.say(Code.PYTHON_SCRIPT, node, line=script.sourceline, language=language or "an unnamed language")
    return None


def passed(sheet: Sheet, node: etree._Element) -> tuple[bool, bool]:
    """The in and out lines of a call activity as mappings; whether all variables go in, and whether all come out."""
    everything = {"in": False, "out": False}
    for line in sheet.children(node, "in", "out"):
        way = foreign(line) or ""
        target, source = attribute_of(line, "target"), attribute_of(line, "source")
        expression = attribute_of(line, "sourceExpression")
        if attribute_of(line, "variables") == "all":
            everything[way] = True
            sheet.say(Code.CONVERTED, node, line=line.sourceline, what=called(line), became="propagateAll…Variables=true")
        elif attribute_of(line, "businessKey"):
            sheet.say(Code.NO_EFFECT, node, line=line.sourceline, what=f"{called(line)} businessKey")
        elif target or source:
            written = sheet.text(node, called(line), expression, after=way == "out") if expression else f"={feel_name(source)}"
            if way == "in" and not expression:
                sheet.read(node, translation.Feel(source, {feel_name(source): translation.Use()}))
                sheet.passed.append((node.get("id", ""), feel_name(source), feel_name(target or source)))
            if written is not None:
                sheet.map(node, f"{way}put", feel_name(target or source), written)
                sheet.say(
                    Code.CONVERTED,
                    node,
                    line=line.sourceline,
                    what=f"{called(line)} {source or expression}",
                    became=f"{feel_name(target or source)} {written}",
                )
    return everything["in"], everything["out"]


def fields(sheet: Sheet, node: etree._Element, *, names: dict[str, str] | None = None) -> None:
    """Injected fields: a fixed text is a header of the operation, or an input where `names` says under which name."""
    for line in sheet.children(node, "field"):
        key = attribute_of(line, "name")
        values = [(child.text or "").strip() for child in inner(line, "string", "expression")]
        text = (
            attribute_of(line, "stringValue") or attribute_of(line, "expression") or attribute_of(line, "string") or next(iter(values), "")
        )
        target = (names or {}).get(key)
        if target is None and not juel.has_expression(text):
            sheet.header(node, key, text)
            sheet.say(Code.CONVERTED, node, line=line.sourceline, what=f"{called(line)} {key}", became=f"zeebe:header {key}")
        elif (written := sheet.text(node, f"{called(line)} {key}", text, severity="warning")) is None:
            sheet.header(node, key, text)  # the operation that is to be written gets it as it stands
        else:
            sheet.map(node, "input", target or feel_name(key), written)
            sheet.say(
                Code.CONVERTED, node, line=line.sourceline, what=f"{called(line)} {key}", became=f"{target or feel_name(key)} {written}"
            )
