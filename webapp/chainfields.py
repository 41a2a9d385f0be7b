"""Which fields a condition or a step of a chain may name, as people call them: those of the forms that are filled in before it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine import procedures
from engine.bpmn.model import Element, Process
from engine.services import Services
from forms.schema import Component, components

from .i18n import N_, current, gettext, named

#: type of a form field -> its kind in a condition; others are texts
_KINDS = {"checkbox": "yes_no", "select": "choice", "radio": "choice", "checklist": "several", "taglist": "several", "date": "date"}
_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_MAPPED = re.compile(rf"=\s*({_NAME.pattern})\s*")


@dataclass(frozen=True, kw_only=True)
class Known:
    """A value of a case that an administrator may name."""

    #: dotted name of the variable
    path: str
    label: str
    #: `money` (fen, typed in yuan), `number`, `digits` (a number kept as a text), `yes_no`, `choice`, `several`, `date`,
    #: `department`, `below` (a department with all below it) or `text`
    kind: str
    #: what it may hold, for choices: (value, what it is called)
    options: Sequence[tuple[str, str]] = ()
    #: where it comes from: the person, or the step of the diagram in which it is filled in
    where: str = ""


#: what every case knows of subject and initiator
_PEOPLE = (
    ("subject.departments", N_("Department, with those below it"), "below"),
    ("subject.department", N_("Department, without those below it"), "department"),
    ("subject.post", N_("Post"), "text"),
    ("initiator.departments", N_("Department, with those below it"), "below"),
    ("initiator.post", N_("Post"), "text"),
)
_WHOSE = {"subject": N_("Employee concerned"), "initiator": N_("Initiator")}


def known(services: Services, chain: str, first: str = "") -> list[Known]:
    """What conditions of a chain may compare: of people first, then what is filled in before its steps in the active procedures.

    `first`: id of the version whose names for it go before those of the active ones.
    """
    found = {
        path: Known(path=path, label=gettext(label), kind=kind, where=gettext(_WHOSE[path.split(".")[0]])) for path, label, kind in _PEOPLE
    }
    for process, forms, place in _users(services, chain, first):
        for element in _before(process, place):
            for one in _filled_in(element, forms):
                found.setdefault(one.path, one)
        for element in _before(process, place):
            for typed, one in list(_reckoned(element, found)):
                found = {one.path if path == typed else path: one if path == typed else other for path, other in found.items()}
    return list(found.values())


def signed(services: Services, chain: str) -> list[Known]:
    """The fields of the forms that signers of a chain see, by their place in the form."""
    found: dict[str, Known] = {}
    for _, forms, place in _users(services, chain):
        for component in _fields(forms.get(place.form or "")):
            found.setdefault(component.name, _known(component, component.name, place))
    return list(found.values())


def _users(services: Services, chain: str, first: str = "") -> Iterator[tuple[Process, Mapping[str, Any], Element]]:
    """Where the active procedures, and before them the version `first`, use the chain, or find the name of one by an expression: process,
    its forms, and that step."""
    active = [each.version_id for each in procedures.startable(services)]
    for version in filter(None, dict.fromkeys([first, *active])):
        deployed = services.programs.get(version)
        for process in deployed.program.processes.values():
            for element in process.elements.values():
                named = element.properties.get("wf.chain", "")
                if named == chain or named.startswith("="):
                    yield process, deployed.forms, element


def _before(process: Process, place: Element) -> list[Element]:
    """What can be reached before an element, in the diagram's order; whatever surrounds it is reached, too."""
    sources: dict[str, list[str]] = {}
    for flow in process.flows.values():
        sources.setdefault(flow.target, []).append(flow.source)
    around = set(process.around(place))
    seen, todo = set[str](), [place.id, *around]
    while todo:
        id = todo.pop()
        if id in seen:
            continue
        seen.add(id)
        element = process.elements[id]
        todo += [*sources.get(id, ()), *([element.attached] if element.attached else ())]
        todo += [one.id for one in process.inside(id)] if id not in around else []
    return [element for id, element in process.elements.items() if id in seen and id != place.id]


def _filled_in(element: Element, forms: Mapping[str, Any]) -> Iterator[Known]:
    """What a form leaves in the case; where the diagram maps it, only what it maps as it is."""
    for component in _fields(forms.get(element.form or "")):
        if not element.outputs:
            yield _known(component, component.name, element)
        for target, text in element.outputs:
            source = _MAPPED.fullmatch(text)
            if source and f"{component.name}.".startswith(f"{source[1]}."):
                yield _known(component, target + component.name.removeprefix(source[1]), element)


def _reckoned(element: Element, found: Mapping[str, Known]) -> Iterator[tuple[str, Known]]:
    """Money (`…_fen`) that the diagram makes of one number of a form, such as yuan that somebody typed: that number, in whose place it
    is offered, and the money by the same name."""
    script = (element.extensions.get("script.resultVariable", ""), element.extensions.get("script.expression", ""))
    for target, text in (*element.outputs, script):
        numbers = [found[name] for name in dict.fromkeys(_NAME.findall(text)) if name in found and found[name].kind in ("number", "digits")]
        if target.endswith("_fen") and len(numbers) == 1:
            yield numbers[0].path, replace(numbers[0], path=target, kind="money")


def _fields(schema: Any) -> Iterator[Component]:
    """The fields of a form that hold one value for the whole case, in its order."""
    for component in components(schema or {}).level:
        if component.type not in ("dynamiclist", "filepicker"):
            yield component


def _known(component: Component, path: str, element: Element) -> Known:
    label = component.own("label", current()) or path
    kind = _KINDS.get(component.kind, "text")
    if component.type == "number":
        kind = "money" if path.endswith("_fen") else "digits" if component.schema.get("serializeToString") else "number"
    options = [(str(one.get("value")), _called(one)) for one in component.schema.get("values") or () if isinstance(one, Mapping)]
    if kind in ("choice", "several") and not options:
        kind = "text"
    return Known(path=path, label=label, kind=kind, options=options, where=named(element))


def _called(option: Mapping[str, Any]) -> str:
    english = option.get("label_en") if current() == "en" else ""
    return str(english or option.get("label") or option.get("value"))
