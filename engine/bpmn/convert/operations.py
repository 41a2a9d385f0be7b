"""What other engines call as programs: service, send and business rule tasks, message throw events, scripts."""

from __future__ import annotations

import re

from lxml import etree

from ..codes import Code
from ..reader import BPMN
from . import juel, mapping, translation
from .juel import Call, Name, Property
from .sheet import Sheet, called, short

#: Flowable's and Activiti's own kinds of service task -> the operation that does it, and the names of its inputs
_KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "mail": ("mail.send", {"to": "to", "subject": "subject", "text": "body", "html": "html", "from": "from", "cc": "cc", "bcc": "bcc"}),
    "http": ("http.request", {"requestMethod": "method", "requestUrl": "url", "requestHeaders": "headers", "requestBody": "body"}),
}
_LOGIC = ("class", "delegateExpression", "expression")


def call(sheet: Sheet, node: etree._Element, holder: etree._Element | None = None) -> bool:
    """Gives `node` the operation its settings name; these stand on `holder` (an event definition) or on the node itself.

    False when they name none.
    """
    at = node if holder is None else holder
    kind, topic = sheet.take(at, "type"), sheet.take(at, "topic")
    given = {name: text for name in _LOGIC if (text := sheet.take(at, name))}
    connector = next(iter(sheet.children(at, "connector")), None)
    result = sheet.take(at, "resultVariable", "resultVariableName")
    retries(sheet, node)
    way = (
        "connector"
        if connector is not None
        else "topic"
        if kind == "external" or topic
        else "type"
        if kind not in (None, "dmn", "case")
        else ""
    )
    for name, text in given.items() if way else ():
        sheet.say(Code.NO_EFFECT, node, what=f"{name}={text}")
    if connector is not None:
        mapping.parameters(sheet, node, connector)
        known = next((child.text or "" for child in connector if etree.QName(child).localname == "connectorId"), "connector")
        _write(sheet, node, operation(known), f'the connector "{known.strip()}"')
    elif kind == "external" or topic:
        written = sheet.text(node, "topic", topic or node.get("id", ""))
        if written is None:
            return True
        sheet.extend(node, "taskDefinition", type=written)
        sheet.became(node, f"topic={topic}", f"zeebe:taskDefinition type={written}")
    elif kind and kind not in ("dmn", "case"):
        name, inputs = _KINDS.get(kind, (operation(kind), {}))
        mapping.fields(sheet, node, names=inputs)
        _write(sheet, node, name, f'the {kind} task "{node.get("name") or node.get("id")}"')
    elif "expression" in given:
        return _expression(sheet, node, given["expression"], result)
    elif given:
        way, text = next(iter(given.items()))
        _write(sheet, node, operation(text), f'{way} "{short(text)}"')
    else:
        if result:
            sheet.header(node, "resultVariable", translation.name(result))
        return False
    mapping.fields(sheet, node)
    if result:
        sheet.header(node, "resultVariable", translation.name(result))
    return True


def _expression(sheet: Sheet, node: etree._Element, text: str, result: str | None) -> bool:
    """`${bean.method(x)}` calls a program; everything that FEEL can say is a script, without a result nothing at all."""
    try:
        given = juel.parts(text)
        tree = given[0] if len(given) == 1 else None
        if tree is None or isinstance(tree, str):
            feel = translation.whole(text, sheet.initiators)
        else:
            key, tree = _assignment(tree) or (result, tree)
            result = key
            feel = translation.value(tree, sheet.initiators, programs=True)
    except (juel.Unreadable, translation.Untranslatable) as error:
        if tree is None or isinstance(tree, str):
            sheet.say(Code.NOT_TRANSLATED, node, where="expression", expression=short(text), reason=error.args[0])
        else:
            _program(sheet, node, tree, text)
            if result:
                sheet.header(node, "resultVariable", translation.name(result))
        return True
    compute(sheet, node, text, feel, result)
    return True


def _program(sheet: Sheet, node: etree._Element, tree: juel.Node, text: str) -> None:
    known, arguments = _called(tree)
    for number, argument in enumerate(arguments, 1):
        if argument in (Name("execution"), Name("task")):
            continue
        try:
            feel = translation.value(argument, sheet.initiators)
        except translation.Untranslatable as error:
            sheet.say(Code.NOT_TRANSLATED, node, where="expression", expression=short(text), reason=error.args[0])
        else:
            sheet.read(node, feel)
            named = isinstance(argument, Name) and re.fullmatch(r"\w+", feel.text)
            sheet.map(node, "input", feel.text if named else f"argument_{number}", f"={feel.text}")
    _write(sheet, node, operation(known), f'"{short(text)}"')


def compute(sheet: Sheet, node: etree._Element, text: str, feel: translation.Feel, result: str | None) -> None:
    """Makes a node a script task that writes a value under `result`, or a plain task when nobody gets the value."""
    for old in node.findall(BPMN + "script"):
        node.remove(old)
    if not result:
        sheet.retag(node, "task")
        sheet.say(Code.NO_EFFECT, node, what=f'The value of "{short(text)}", which no variable gets,')
        return
    sheet.read(node, feel)
    sheet.retag(node, "scriptTask")
    sheet.extend(node, "script", expression=f"={feel.text}", resultVariable=translation.name(result))
    sheet.became(node, f'"{short(text)}"', f"zeebe:script {translation.name(result)} ={feel.text}")


def _assignment(tree: juel.Node) -> tuple[str, juel.Node] | None:
    """`execution.setVariable('x', value)`: the name and the value."""
    match tree:
        case Call(
            Name("execution" | "task" | "variables" | "delegateExecution"), "setVariable" | "set", (juel.Literal(str(key), None), value)
        ):
            return key, value
    return None


def _called(tree: juel.Node) -> tuple[str, tuple[juel.Node, ...]]:
    """A name for what an expression calls, and its arguments."""
    match tree:
        case Call(base, method, arguments):
            before = _called(base)[0] if base is not None else ""
            return f"{before}.{method}".strip("."), arguments
        case Property(base, inner):
            return f"{_called(base)[0]}.{inner}".strip("."), ()
        case Name(known):
            return known, ()
    return "", ()


def proposed(sheet: Sheet, node: etree._Element) -> None:
    """An operation named after the element, for one of which nothing else is said."""
    text = operation(node.get("name") or node.get("id", ""))
    _write(sheet, node, text, f'"{node.get("name") or node.get("id")}"')


def retries(sheet: Sheet, node: etree._Element) -> None:
    """R3/PT5M becomes three attempts."""
    for line in [*sheet.children(node, "failedJobRetryTimeCycle")]:
        text = (line.text or "").strip()
        match = re.match(r"R(\d+)/", text)
        if match and match[1] != "0" and node.tag.endswith(("serviceTask", "sendTask", "businessRuleTask")):
            sheet.extend(node, "taskDefinition", retries=match[1])
            sheet.say(Code.CONVERTED, node, line=line.sourceline, what=f"{called(line)} {text}", became=f"retries={match[1]}")
        else:
            sheet.say(Code.NO_EFFECT, node, line=line.sourceline, what=f"{called(line)} {text}")


def _write(sheet: Sheet, node: etree._Element, name: str, program: str) -> None:
    sheet.extend(node, "taskDefinition", type=name)
    if name == "mail.send":
        sheet.became(node, program, f"zeebe:taskDefinition type={name}")
    else:
        sheet.say(Code.TO_BE_WRITTEN, node, program=program, operation=name)


def operation(text: str) -> str:
    """A name for an operation from a class, an expression or a title: `com.acme.ArchiveService` -> `archive_service`."""
    plain = re.sub(r"^\s*[$#]\{|\}\s*$", "", text.strip())
    if re.fullmatch(r"[\w$]+(\.[\w$]+)+", plain) and plain.rpartition(".")[2][:1].isupper():
        plain = plain.rpartition(".")[2]
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    return re.sub(r"[^\w.]+|_{2,}", "_", plain).strip("_.").lower() or "operation"


def script(sheet: Sheet, node: etree._Element) -> None:
    """A script task: JUEL and FEEL, and a line of another language that says no more than JUEL could."""
    language = (node.get("scriptFormat") or "").lower()
    result = sheet.take(node, "resultVariable", "resultVariableName")
    resource = sheet.take(node, "resource")
    if sheet.take(node, "autoStoreVariables") == "true":
        sheet.say(Code.PYTHON_SCRIPT, node, language=language or "an unnamed language")
    element = node.find(BPMN + "script")
    text = (element.text or "").strip() if element is not None else ""
    if sheet.has(node, "script") or sheet.has(node, "taskDefinition"):
        return
    if resource:
        sheet.say(Code.PYTHON_SCRIPT, node, language=f"{language or 'an unnamed language'} ({resource})")
    elif not text:
        proposed(sheet, node)
    elif "feel" in language:
        if result:
            compute(sheet, node, text, translation.Feel(text.removeprefix("=").strip(), {}), result)
    else:
        _simple(sheet, node, text, result, language)


def _simple(sheet: Sheet, node: etree._Element, text: str, result: str | None, language: str) -> None:
    """Whatever is not that simple stays as it is, for the check to refuse."""
    try:
        if juel.has_expression(text) or language == "juel":
            given = juel.parts(text)
            tree = given[0] if len(given) == 1 and not isinstance(given[0], str) else None
        else:
            tree = juel.parse(text.rstrip("; \n"))
        assigned = _assignment(tree) if tree is not None else None
        if assigned is None and not result and not juel.has_expression(text) and language != "juel":
            return
        result, tree = assigned or (result, tree)
        feel = translation.whole(text, sheet.initiators) if tree is None else translation.value(tree, sheet.initiators)
    except (juel.Unreadable, translation.Untranslatable):
        return
    compute(sheet, node, text, feel, result)
