"""Which variables an expression may name at each place of a diagram: what an editor offers while somebody types one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ... import errors
from ...descriptions import Description
from ...ports import Json
from .. import names
from ..model import Element, Process
from ..parser import processes_of
from .calls import Calls
from .handed import handed as input_of
from .operations import description

#: what a form's field holds, by its type; any other holds a text
_HOLDS = {
    **dict.fromkeys(("number", "range"), "number"),
    "checkbox": "boolean",
    "datetime": "date",
    **dict.fromkeys(("checklist", "taglist", "dynamiclist", "filepicker"), "list"),
}


def offered(files: Mapping[str, bytes], forms: Mapping[str, Json], told: Mapping[str, Description] = {}) -> dict[str, Any]:
    """`{sets: [[{name, type?, from?}]], at: {id of an element or flow: index of its set}}` of all diagrams.

    `forms`: schema by id. A name that a missing form would give is not offered. `told`: descriptions of operations by their names.
    `from`: what gives it, as the diagram calls it.
    """
    found = _Diagrams(files, forms, told)
    sets: dict[frozenset[str], int] = {}
    at: dict[str, int] = {}
    for process in found.processes:
        case = found.calls.names(process)
        for id, seen in _places(process, case, found.forms, found.calls):
            at[id] = sets.setdefault(seen, len(sets))
    return {"sets": [[{"name": name, **found.givers.get(name, {})} for name in sorted(each)] for each in sets], "at": at}


def handed(
    files: Mapping[str, bytes], forms: Mapping[str, Json], told: Mapping[str, Description], letters: Collection[str]
) -> list[dict[str, Any]]:
    """`[{name, type?, from?, label?, label_en?}]`: what the steps that make a letter of one of these names hand over to it."""
    diagrams = _Diagrams(files, forms, told)
    found: dict[str, dict[str, Any]] = {}
    for process in diagrams.processes:
        case = diagrams.calls.names(process)
        for element in (each for each in process.elements.values() if each.headers.get("template") in letters):
            given = input_of(process, element, case)
            for name in (given.known or frozenset()) | given.shapes:
                found[name] = {"name": name, **diagrams.givers.get(name, {}), **diagrams.labels.get(name, {})}
    return [found[name] for name in sorted(found)]


class _Diagrams:
    """What can be read of the diagrams among some files, and what gives each name in them."""

    def __init__(self, files: Mapping[str, bytes], forms: Mapping[str, Json], told: Mapping[str, Description]) -> None:
        self.processes = list(_processes(files))
        elements = [element for process in self.processes for element in process.elements.values()]
        self.forms = {**{element.form: {} for element in elements if element.form}, **forms}
        self.calls = Calls(files, self.forms, told)
        self.givers = {name: given for element in elements for name, given in _gives(element, self.forms, told)}
        #: what people call a name
        self.labels = {name: called for element in elements for name, called in _labels(element, self.forms, told)}


def _processes(files: Mapping[str, bytes]) -> Iterator[Process]:
    """Those of all diagrams that can be read."""
    for path, content in files.items():
        if path.endswith(".bpmn"):
            try:
                yield from processes_of(content, path)
            except errors.FileRefused:
                continue


def _places(process: Process, case: names.Names, forms: Mapping[str, Json], calls: Calls) -> Iterator[tuple[str, frozenset[str]]]:
    for element in process.elements.values():
        seen = names.inside(element, names.around(process, element, case)).and_also(target for target, _ in element.inputs)
        after = calls.after(element, names.after(element, seen, forms))
        yield element.id, (after.known or seen.known or names.GIVEN) | seen.shapes | _answer(element, calls.told)
    for flow in process.flows.values():
        if flow.source in process.elements:
            seen = names.around(process, process.elements[flow.source], case)
            yield flow.id, (seen.known or names.GIVEN) | seen.shapes


def _answer(element: Element, told: Mapping[str, Description]) -> set[str]:
    """What the output mapping of a call sees of the answer."""
    answer = description(element, told)
    parts = [part.name for part in answer.outputs or ()] if answer else []
    return {"result", *parts, *(f"result.{part}" for part in parts)} if "taskDefinition.type" in element.extensions else set()


def _gives(element: Element, forms: Mapping[str, Json], told: Mapping[str, Description]) -> Iterator[tuple[str, dict[str, str]]]:
    """The names that an element gives, each with where from, and its type where that is known."""
    origin = {"from": element.title}
    answer = description(element, told)
    for part in answer.outputs or () if answer else ():
        kept = [target for target, text in element.outputs if "".join(text.split()) == "=result"]
        yield from ((f"{target}.{part.name}", {"type": part.type, **origin}) for target in kept)
    if element.outputs:
        yield from ((target, origin) for target, _ in element.outputs)
    elif element.form:
        yield from ((name, {"type": kind, **origin}) for name, kind in _types(forms.get(element.form), ""))
    if result := names.result_name(element):
        yield result, origin
    if element.multi is not None and element.multi.output:
        yield element.multi.output, {"type": "list", **origin}


def _labels(element: Element, forms: Mapping[str, Json], told: Mapping[str, Description]) -> Iterator[tuple[str, dict[str, str]]]:
    """What people call the parts of an operation's answer, and the fields of a form."""
    answer = description(element, told)
    for part in answer.outputs or () if answer else ():
        kept = [target for target, text in element.outputs if "".join(text.split()) == "=result"]
        yield from ((f"{target}.{part.name}", {"label": part.label, "label_en": part.label_en}) for target in kept)
    if element.form:
        yield from _called(forms.get(element.form), "")


def _called(schema: Any, prefix: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Dotted names of a form's fields, and what they are called."""
    for component, name in _fields(schema, prefix):
        label = component.get("label") or component.get("dateLabel")
        english = (component.get("properties") or {}).get("label_en")
        if isinstance(label, str):
            yield name, {"label": label, "label_en": english if isinstance(english, str) else label}


def _types(schema: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """Dotted names of a form's fields, and what they hold."""
    for component, name in _fields(schema, prefix):
        yield name, _HOLDS.get(str(component.get("type")), "text")


def _fields(schema: Any, prefix: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The fields of a form with their dotted names."""
    listed = schema.get("components") if isinstance(schema, Mapping) else None
    for component in listed if isinstance(listed, list) else ():
        if not isinstance(component, Mapping):
            continue
        path, key, kind = component.get("path"), component.get("key"), str(component.get("type"))
        if kind == "group":
            yield from _fields(component, f"{prefix}{path}." if path else prefix)
        elif isinstance(name := path if kind == "dynamiclist" else key, str) and name:
            yield component, f"{prefix}{name}"
