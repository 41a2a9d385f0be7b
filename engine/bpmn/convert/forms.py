"""Forms: generated fields become a form-js schema; pages of other engines leave a gap that `wanted` fills."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from ... import json_text
from ..codes import Code
from ..reader import BPMN, ZEEBE
from . import juel, translation
from .sheet import Sheet, attribute_of, called, drawn, inner, remove

_TYPES = {
    "string": "textfield", "long": "number", "integer": "number", "int": "number", "double": "number", "float": "number",
    "boolean": "checkbox", "date": "datetime", "datetime": "datetime", "enum": "select",
}  # fmt: skip
_EMBEDDED = re.compile(r"camunda-forms:bpmn:(.+)")
#: a form of form-js that lies in the deployment
_DEPLOYED = re.compile(r"camunda-forms:(?:deployment|app):(?:.*/)?([^/]+)\.form$|(?:.*/)?([^/:]+)\.form$")


def form(sheet: Sheet, node: etree._Element) -> None:
    """The form of a user task or a start event."""
    page = sheet.take(node, "formKey", "formRef")
    sheet.take(node, "formFieldValidation", "formHandlerClass")
    for name in ("formRefBinding", "formRefVersion"):
        if value := sheet.take(node, name):
            sheet.say(Code.NO_EFFECT, node, what=f"{name}={value}")
    lines = [line for block in sheet.children(node, "formData") for line in inner(block, "formField")]
    components = [_field(sheet, node, line) for line in (*lines, *sheet.children(node, "formProperty"))]
    if components:
        id = form_id(node)
        sheet.forms[id] = schema(id, node.get("name") or id, components)
        sheet.extend(node, "formDefinition", formId=id)
        sheet.became(node, "form fields", f"forms/{id}.form")
        _results_too(sheet, node, components)
        if page:
            sheet.say(Code.NO_EFFECT, node, what=f"formKey={page}")
    elif page and (known := _known(sheet, page)):
        sheet.extend(node, "formDefinition", formId=known)
        sheet.became(node, f"formKey={page}", f"zeebe:formDefinition formId={known}")
    elif not sheet.has(node, "formDefinition"):
        sheet.open_forms[node.get("id", "")] = page


def embedded(sheet: Sheet) -> None:
    """Forms that are kept inside the diagram become files.

    A field whose name has a blank, which FEEL allows and a form does not, gets another name, and the element a mapping between
    the two.
    """
    kept: dict[str, str] = {}
    renamed: dict[str, list[tuple[str, str, bool]]] = {}
    for node in list(sheet.root.iter(f"{ZEEBE}userTaskForm")):
        try:
            made = json_text.read("".join(node.itertext()))
        except ValueError:
            made = None
        if not isinstance(made, dict):
            continue  # the check says that it is not carried out
        id = re.sub(r"[^\w.-]", "_", f"{drawn(node).get('id', '')}-{node.get('id', '')}")
        sheet.forms[id] = {**made, "id": id}
        renamed[id] = _without_blanks(sheet, node, sheet.forms[id])
        kept[node.get("id", "")] = id
        sheet.became(node, f"zeebe:userTaskForm {node.get('id', '')}", f"forms/{id}.form")
        remove(node)
        sheet.changed = True
    for definition in sheet.root.iter(f"{ZEEBE}formDefinition"):
        match = _EMBEDDED.fullmatch(definition.get("formKey", ""))
        if match and match[1] in kept:
            del definition.attrib["formKey"]
            definition.set("formId", kept[match[1]])
            sheet.changed = True
            _map(sheet, drawn(definition), renamed[kept[match[1]]])


def _without_blanks(sheet: Sheet, node: etree._Element, form: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Gives names without blanks to the fields of a form; of all: the name as it was and as it is, and whether it can be filled in."""
    fields = [field for field in _fields(form) if isinstance(field.get("key"), str)]
    names = {field["key"]: ".".join(translation.name(part) for part in field["key"].split(".")) for field in fields}
    if not any(" " in name for name in names) or len(set(names.values())) < len(names):
        return []
    for field in fields:
        given, name = field["key"], names[field["key"]]
        field["key"] = name
        if given != name:
            sheet.became(node, f'"{given}"', name)
    open_ = {field["key"] for field in fields if not field.get("disabled") and not field.get("readonly")}
    return [(given, name, name in open_) for given, name in names.items()]


def _fields(form: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for component in form.get("components", ()):
        if isinstance(component, dict):
            yield component
            yield from _fields(component)


def _map(sheet: Sheet, node: etree._Element, names: list[tuple[str, str, bool]]) -> None:
    """Hands over what the form shows under another name, and gives back what was filled in under the one it had."""
    if not names or node.find(f"{BPMN}extensionElements/{ZEEBE}ioMapping/{ZEEBE}output") is not None:
        return
    known = {line.get("target", "").split(".")[0] for line in sheet.root.iter(f"{ZEEBE}output")}
    for given, name, filled in names:
        whole, short = given.split(".")[0], name.split(".")[0]
        if whole != short and whole in known and node.tag == BPMN + "userTask":
            sheet.map(node, "input", short, f"={whole}")
        if filled:
            sheet.map(node, "output", given, f"={name}")


def _known(sheet: Sheet, page: str) -> str | None:
    match = _DEPLOYED.match(page)
    names = [page, *(group for group in match.groups() if group)] if match else [page]
    return next((name for name in names if name in sheet.known_forms), None)


def form_id(node: etree._Element) -> str:
    """An id that no other element of the folder has."""
    around = node.getparent()
    while around is not None and around.tag != BPMN + "process":
        around = around.getparent()
    text = f"{around.get('id', '') if around is not None else ''}-{node.get('id', '')}"
    return re.sub(r"[^\w.-]", "_", text)


def schema(id: str, title: str, components: list[dict[str, Any]]) -> dict[str, object]:
    """A form as the form-js editor saves it."""
    numbered = [{**component, "id": f"field_{number}"} for number, component in enumerate(components, 1)]
    head = {"type": "text", "id": "title", "text": f"## {title}" if "{{" not in title else "## " + id}
    return {"type": "default", "id": id, "schemaVersion": 18, "components": [head, *numbered]}


def component(key: str, kind: str, label: str, **more: Any) -> dict[str, Any]:
    """One field; `kind` is a type of form-js."""
    named = {"dateLabel": label, "subtype": "date"} if kind == "datetime" else {"label": label}
    return {"type": kind, "key": key, **named, **more}


def _field(sheet: Sheet, node: etree._Element, line: etree._Element) -> dict[str, Any]:
    id = attribute_of(line, "id")
    key = translation.name(attribute_of(line, "variable") or id)
    kind = attribute_of(line, "type", "string")
    if key != id:
        sheet.say(Code.CONVERTED, node, line=line.sourceline, what=f"{called(line)} {id}", became=key)
    if kind not in _TYPES:
        sheet.say(Code.CONVERTED, node, line=line.sourceline, what=f"{called(line)} {id} ({kind})", became="textfield")
    choices = [
        {"value": attribute_of(v, "id") or attribute_of(v, "name"), "label": attribute_of(v, "name") or attribute_of(v, "id")}
        for v in inner(line, "value")
        if attribute_of(v, "id") or attribute_of(v, "name")
    ]
    made = component(key, _TYPES.get(kind, "textfield"), attribute_of(line, "label") or attribute_of(line, "name") or id)
    if made["type"] == "select":
        if choices:
            made["values"] = list({choice["value"]: choice for choice in choices}.values())
        else:
            made["type"] = "textfield"
    if attribute_of(line, "writable") == "false":
        made["readonly"] = True
    limits = _limits(sheet, node, line, made)
    if attribute_of(line, "required") == "true":
        limits["required"] = True
    if limits:
        made["validate"] = limits
    default = attribute_of(line, "defaultValue") or attribute_of(line, "default")
    if default:
        _default(sheet, node, line, made, default)
    if text := attribute_of(line, "expression"):
        sheet.say(Code.NO_EFFECT, node, line=line.sourceline, what=f"{called(line)} {id} expression={text}")
    return made


def _limits(sheet: Sheet, node: etree._Element, line: etree._Element, made: dict[str, Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for block in inner(line, "validation"):
        for rule in inner(block, "constraint"):
            name, text = attribute_of(rule, "name"), attribute_of(rule, "config")
            if name == "required" and text != "false":
                limits["required"] = True
            elif name == "readonly" and text != "false":
                made["readonly"] = True
            elif name in ("min", "max", "minlength", "maxlength") and re.fullmatch(r"-?\d+", text):
                limits[{"minlength": "minLength", "maxlength": "maxLength"}.get(name, name)] = int(text)
            else:
                sheet.say(Code.NO_EFFECT, node, line=rule.sourceline, what=f"{called(rule)} {name} {text}".strip())
    return limits


def _default(sheet: Sheet, node: etree._Element, line: etree._Element, made: dict[str, Any], text: str) -> None:
    if juel.has_expression(text):
        written = sheet.text(node, f"{called(line)} {made['key']}", text)
        if written is not None:
            sheet.map(node, "input", made["key"], written)
    elif made["type"] == "checkbox":
        made["defaultValue"] = text == "true"
    elif made["type"] == "number":
        made["defaultValue"] = float(text) if re.fullmatch(r"-?\d+\.\d+", text) else int(text) if re.fullmatch(r"-?\d+", text) else None
    elif made["type"] != "select" or any(choice["value"] == text for choice in made.get("values", ())):
        made["defaultValue"] = text


def _results_too(sheet: Sheet, node: etree._Element, components: list[dict[str, Any]]) -> None:
    """In the other engine what was filled in leaves the task beside its output mapping."""
    if node.find(f"{BPMN}extensionElements/{ZEEBE}ioMapping/{ZEEBE}output") is not None:
        for made in components:
            sheet.map(node, "output", str(made["key"]), f"={made['key']}")


def keys(form: Mapping[str, Any]) -> set[str]:
    """Top-level names that a form gives."""
    return {str(c["key"]).split(".")[0] for c in form.get("components", ()) if isinstance(c, Mapping) and c.get("key")}
