"""Element templates: an operation as something to pick in a modeler, with a field for all that it takes and gives.

Made from the descriptions of the operations, in the format of Camunda's element templates for zeebe, so that the modeler in the
browser and one on the desktop offer the same.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from engine.descriptions import Description, Parameter

from .. import i18n
from ..i18n import N_

#: by which modelers know the format
SCHEMA = "https://unpkg.com/@camunda/zeebe-element-templates-json-schema/resources/schema.json"
_SPRITE = Path(__file__).parents[1] / "static" / "vendor" / "icons" / "sprite.svg"
_SVG = "{http://www.w3.org/2000/svg}"
#: kind of the field, and whether FEEL may or must stand in it, by the type of an input; any other is a line of text
_FIELDS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("number", "money_fen"), ("Number", "optional")),
    "boolean": ("Boolean", "optional"),
    **dict.fromkeys(("list", "context"), ("Text", "required")),
}
_GROUPS = {"inputs": N_("Inputs"), "headers": N_("Settings"), "outputs": N_("Keep the answer as"), "attempts": N_("Attempts and failure")}

Property = dict[str, Any]


def element_templates(descriptions: Iterable[Description], locale: str) -> list[dict[str, Any]]:
    """A template of each operation, in one language. `locale`: BCP 47 tag."""
    return [_template(told, locale) for told in descriptions]


def _template(told: Description, locale: str) -> dict[str, Any]:
    say = i18n.catalogue(locale).gettext
    properties = [
        {"type": "Hidden", "value": told.name, "binding": {"type": "zeebe:taskDefinition", "property": "type"}},
        _english_name(say),
        *(_given(each, locale, "inputs", {"type": "zeebe:input", "name": each.name}) for each in told.inputs),
        *(_given(each, locale, "headers", {"type": "zeebe:taskHeader", "key": each.name}) for each in told.headers),
        *_kept(told, locale),
        _attempts(told, locale),
    ]
    used = {each.get("group") for each in properties}
    return {
        "$schema": SCHEMA,
        "id": f"partwell.{told.name}",
        "name": _one(told, locale),
        "description": _one(told, locale, "description"),
        "version": told.version,
        "category": {"id": "partwell", "name": say(N_("Operations"))},
        "appliesTo": ["bpmn:ServiceTask", "bpmn:SendTask"],
        "icon": {"contents": _icon(told.icon)},
        "groups": [{"id": id, "label": say(label)} for id, label in _GROUPS.items() if id in used],
        # what a template does not bind stays to be seen and changed: who is told, repetition, inputs of one's own
        "entriesVisible": True,
        "properties": properties,
    }


def _one(thing: Any, locale: str, what: str = "label") -> str:
    return str(getattr(thing, what if locale.startswith("zh") else f"{what}_en"))


def _english_name(say: Callable[[str], str]) -> Property:
    binding = {"type": "zeebe:property", "name": "wf.name.en"}
    return {"label": say(N_("English name of the step")), "type": "String", "optional": True, "binding": binding}


def _given(each: Parameter, locale: str, group: str, binding: Mapping[str, str]) -> Property:
    """The field of an input or header."""
    kind, feel = ("Dropdown", "") if each.choices else _FIELDS.get(each.type, ("String", "optional"))
    made: Property = {"label": _one(each, locale), "type": kind, "group": group, "binding": dict(binding)}
    if each.choices:
        made["choices"] = [{"name": _one(choice, locale), "value": choice.value} for choice in each.choices]
    elif group == "inputs":
        made["feel"] = feel
    if each.default:
        made["value"] = each.default
    return made | ({"constraints": {"notEmpty": True}} if each.required else {"optional": True})


def _kept(told: Description, locale: str) -> Iterable[Property]:
    """Fields for the variables that take the whole answer and its parts; what lies deeper is reached through the whole."""
    say = i18n.catalogue(locale).gettext
    named = [("=result", say(N_("The whole answer")), told.variable)]
    named += [(f"={each.name}", _one(each, locale), "") for each in told.outputs or () if "." not in each.name]
    for source, label, variable in named:
        binding = {"type": "zeebe:output", "source": source}
        made: Property = {"label": label, "type": "String", "group": "outputs", "optional": True, "binding": binding}
        yield made | ({"value": variable} if variable else {})


def _attempts(told: Description, locale: str) -> Property:
    say = i18n.catalogue(locale).gettext
    codes = "; ".join(f"{fault.code}: {_one(fault, locale)}" for fault in told.errors)
    return {
        "label": say(N_("Attempts")),
        "description": say(N_("An error boundary event on the step catches: %(codes)s.")) % {"codes": codes},
        "type": "String",
        "group": "attempts",
        "value": str(told.retries),
        "feel": "optional",
        "binding": {"type": "zeebe:taskDefinition", "property": "retries"},
    }


@cache
def _icon(name: str) -> str:
    """One of our signs as a data URI; the plug for a sign that is not among them."""
    signs = {sign.get("id"): sign for sign in ElementTree.parse(_SPRITE).getroot().iter(f"{_SVG}symbol")}
    sign = signs.get(name, signs["plug-connected"])
    paths = "".join(f'<path d="{path.get("d")}"/>' for path in sign.iter(f"{_SVG}path"))
    pen = 'fill="none" stroke="#0d6b62" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" width="18" height="18" viewBox="{sign.get("viewBox")}" {pen}>{paths}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.encode()).decode()
