"""Variables that expressions read and nothing gives: they are asked for where a person could have given them.

Other engines let a program put any variable into a case when it starts one or completes a task. Here a form does it: the
nearest task before whose form is not at hand, else the beginning, unless an operation comes between, which may answer with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lxml import etree

from ..codes import Code
from ..model import Element, Process
from ..names import GIVEN, of_case
from ..parser import processes
from ..reader import BPMN, ZEEBE
from . import forms
from .sheet import Read, Sheet
from .translation import Use


def ask(sheets: Sequence[Sheet], given: Mapping[str, Any]) -> None:
    """Makes the forms of the diagrams of one folder. `given`: schemas of the forms that came along, by id."""
    read = [processes(sheet.root, sheet.file) for sheet in sheets]
    reads: dict[str, list[Read]] = {}
    for sheet, found in zip(sheets, read, strict=True):
        for process in found:
            reads[process.id] = [each for each in sheet.reads if each.element in process.elements or each.element in process.flows]
    for sheet, found in zip(sheets, read, strict=True):
        called = {e.id: e.called.process for process in found for e in process.elements.values() if e.called is not None}
        for call, here, there in sheet.passed:
            sheet.reads += [Read(call, here, each.use) for each in reads.get(called.get(call, ""), ()) if each.name == there]
        _ask(sheet, found, given)


def _ask(sheet: Sheet, found: Sequence[Process], given: Mapping[str, Any]) -> None:
    nodes = {node.get("id"): node for node in sheet.root.iter(BPMN + "*") if node.get("id")}
    for process in found:
        if not process.executable:
            continue
        known = _known(process, {**given, **sheet.forms})
        wanted: dict[str, dict[str, Use]] = {}
        for read in sheet.reads:
            at = process.elements.get(read.element)
            if at is None and read.element in process.flows:
                at, after = process.elements.get(process.flows[read.element].source), True
            else:
                after = read.after
            top = read.name.split(".")[0]
            if at is None or top in known or top in GIVEN or top in _local(process, at):
                continue
            giver = _giver(sheet, process, at, after=after)
            if giver is not None:
                wanted.setdefault(giver, {}).setdefault(read.name, Use()).also(read.use)
        for id in dict.fromkeys([*wanted, *(id for id in sheet.open_forms if sheet.open_forms[id] and id in process.elements)]):
            _make(sheet, nodes[id], wanted.get(id, {}))


def _known(process: Process, given: Mapping[str, Any]) -> set[str]:
    """Top-level names that something in the process gives."""
    found = of_case(process, given).known
    names = {name.split(".")[0] for name in found or ()}
    for element in process.elements.values():
        if element.multi is not None and element.multi.output:
            names.add(element.multi.output)
    return names


def _local(process: Process, element: Element) -> set[str]:
    """Names that exist only around or inside the element."""
    found: set[str] = {"errorCode", "errorMessage"} if element.event == "error" else set()
    around = [process.elements[scope] for scope in process.around(element)]
    if element.attached in process.elements:
        around.append(process.elements[element.attached or ""])
    for each in around:
        found |= {target for target, _ in each.inputs}
    for each in [*around, element]:
        if each.multi is not None and each.multi.element:
            found.add(each.multi.element)
    # what is handed over under its own name still has to come from somewhere
    return found | {target for target, source in element.inputs if not re.search(rf"\b{re.escape(target)}\b", source)}


def _giver(sheet: Sheet, process: Process, element: Element, *, after: bool) -> str | None:
    """Id of the task or start event whose form is to ask; None where an operation may answer with it."""
    start: str | None = None
    answers = False
    seen: set[str] = set()
    level = [element.id] if after else list(_before(process, element))
    while level:
        following: list[str] = []
        for id in level:
            if id in seen:
                continue
            seen.add(id)
            here = process.elements[id]
            if here.kind == "userTask" and id in sheet.open_forms and (sheet.open_forms[id] or not answers):
                return id
            if _may_answer(here):
                answers = True
            if here.kind == "startEvent" and here.scope == process.id and here.event is None:
                start = start or id
            following += _before(process, here)
        level = following
    begin = start or next((e.id for e in process.inside(process.id) if e.kind == "startEvent" and e.event is None), None)
    open_start = begin in sheet.open_forms or (begin is not None and process.elements[begin].form in sheet.forms)
    return begin if open_start and not answers else None


def _may_answer(element: Element) -> bool:
    if element.outputs:
        return False
    waits = element.event in ("message", "signal") and element.kind in ("intermediateCatchEvent", "boundaryEvent", "startEvent")
    calls = element.called is not None and element.called.child
    return "taskDefinition.type" in element.extensions or waits or calls or element.kind == "receiveTask"


def _before(process: Process, element: Element) -> Iterator[str]:
    """Ids of what a token comes from; the end of a body leads to its holder, its beginning to what lies before the holder."""
    if element.attached in process.elements:
        yield element.attached or ""
    for id in element.incoming:
        source = process.elements.get(process.flows[id].source)
        if source is not None:
            yield source.id
            yield from (e.id for e in process.inside(source.id) if not e.outgoing)
    if not element.incoming and element.scope != process.id and element.attached is None:
        holder = process.elements[element.scope]
        if holder.kind == "eventSubProcess":
            yield from (e.id for e in process.inside(holder.scope) if e.kind in ("userTask", "startEvent"))
        else:
            yield holder.id
    if element.kind == "subProcess" and not element.incoming and element.scope == process.id:
        return


def _make(sheet: Sheet, node: etree._Element, wanted: Mapping[str, Use]) -> None:
    page = sheet.open_forms.get(node.get("id", ""))
    names = [name for name in wanted if not any(other.startswith(f"{name}.") for other in wanted)]
    lists = [name for name in names if wanted[name].kind == "list"]
    components = [_component(name, wanted[name]) for name in names]
    id = forms.form_id(node)
    fields = ", ".join(names) or "–"
    before: Any = sheet.forms.get(id, {}).get("components", [])
    taken = {each.get("key") for each in before if isinstance(each, Mapping)}
    components = [each for each in before if each.get("key")] + [each for each in components if each["key"] not in taken]
    sheet.forms[id] = forms.schema(id, node.get("name") or id, components)
    sheet.extend(node, "formDefinition", formId=id)
    if lists:
        for name in lists:
            sheet.map(node, "output", name, f'=split({name}_lines, "\\n")')
        for each in components:
            if not any(each["key"] == f"{name}_lines" for name in lists):
                sheet.map(node, "output", each["key"], f"={each['key']}")
    elif sheet.has(node, "ioMapping") and node.find(f".//{ZEEBE}output") is not None:
        for each in components:
            sheet.map(node, "output", each["key"], f"={each['key']}")
    if page:
        sheet.say(Code.FORM_REPLACED, node, page=page, form=id, fields=fields)
    else:
        sheet.say(Code.FORM_MADE, node, form=id, fields=fields)


def _component(name: str, use: Use) -> dict[str, Any]:
    if use.kind == "boolean":
        return forms.component(name, "checkbox", name)
    if use.kind == "list":
        return forms.component(f"{name}_lines", "textarea", name)
    if use.kind == "number":
        return forms.component(name, "number", name, validate={"required": True})
    hint = {"description": " / ".join(use.values)} if use.values and "{{" not in json.dumps(use.values) else {}
    return forms.component(name, "textfield", name, validate={"required": True}, **hint)
