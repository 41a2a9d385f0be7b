"""Which variables exist in a procedure: everything that a form, a mapping, a script, a decision or a chain gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import errors
from ..ports import Json
from .model import Element, Process

#: what the engine gives every case
GIVEN = frozenset(("subject", "initiator", "case"))
#: what it gives of a person
PERSON = ("id", "name", "employee_no", "department", "department_name", "team", "post", "post_en", "email")
#: what it gives of the case itself
CASE = ("number", "started_at")
#: what an approval chain leaves behind
CHAIN_RESULT = ("decision", "opinion", "decided_by")


#: what a multi-instance activity counts
COUNTERS = ("loopCounter", "numberOfInstances", "numberOfCompletedInstances", "numberOfActiveInstances", "numberOfTerminatedInstances")


def refuse_given(values: Iterable[str]) -> None:
    """No form and no outside system may say who the case is about. Raises `errors.ValueRefused`."""
    for name in values:
        if name in GIVEN:
            raise errors.ValueRefused(name=name, reason="only the engine itself gives it")


@dataclass(frozen=True)
class Names:
    """Dotted names that exist somewhere. `known` None: a form is not at hand, so nothing can be said."""

    known: frozenset[str] | None
    #: False where an operation may give more than is known
    complete: bool = True
    #: dotted names: all that there is below the variables of which that is known, whoever writes them
    shapes: frozenset[str] = frozenset()

    def and_also(self, names: Iterable[str]) -> Names:
        """With some more names; a variable that has its own may be of another shape."""
        if self.known is None:
            return self
        more = set(names)
        heads = {_head(name) for name in more}
        shapes = frozenset(shape for shape in self.shapes if _head(shape) not in heads) if self.shapes else self.shapes
        return Names(_opened({*self.known, *more}), self.complete, shapes)


UNKNOWN = Names(None)


def together(one: Names, other: Names) -> Names:
    """What exists in either."""
    if one.known is None or other.known is None:
        return UNKNOWN
    mine, theirs = ({_head(name) for name in each.known or ()} - {_head(name) for name in each.shapes} for each in (one, other))
    shapes = frozenset(name for name in one.shapes | other.shapes if _head(name) not in mine | theirs)
    return Names(_opened({*one.known, *other.known}), one.complete and other.complete, shapes)


def of_case(process: Process, forms: Mapping[str, Json] | None) -> Names:
    """The case variables that any step of the process may have written; of their shapes nothing is told."""
    found = set(GIVEN)
    complete = True
    for element in process.elements.values():
        if element.outputs:
            found.update(target for target, _ in element.outputs)
        elif element.kind in ("userTask", "startEvent"):
            given = from_person(element, forms)
            if given is None:
                return UNKNOWN
            found |= given
        elif result := result_name(element):
            found.add(result)
        elif "taskDefinition.type" in element.extensions:
            complete = False
        if element.multi is not None and element.multi.output:
            found.add(element.multi.output)
        if not element.outputs and _brings(element):
            complete = False
    return Names(_opened(found), complete)


def _head(name: str) -> str:
    return name.partition(".")[0]


def _brings(element: Element) -> bool:
    """Whether a message comes in with values of its own."""
    waits = ("startEvent", "intermediateCatchEvent", "boundaryEvent")
    return element.kind == "receiveTask" or (element.event == "message" and element.kind in waits)


def around(process: Process, element: Element, case: Names) -> Names:
    """What stands around an element: the case, and what the sub-processes around it keep for themselves."""
    scopes = [process.elements[scope] for scope in process.around(element)]
    if element.attached in process.elements:
        scopes.append(process.elements[element.attached or ""])
    for scope in scopes:
        case = inside(scope, case).and_also(target for target, _ in scope.inputs)
    return case


def inside(element: Element, seen: Names) -> Names:
    """With what each instance of a multi-instance activity or each round of a loop has for itself."""
    if element.multi is not None:
        return seen.and_also([*COUNTERS, *([element.multi.element] if element.multi.element else [])])
    return seen.and_also(["loopCounter"]) if element.repeat is not None else seen


def after(element: Element, seen: Names, forms: Mapping[str, Json] | None) -> Names:
    """What the element's output mapping sees: also what was entered, answered or caught."""
    if element.kind in ("userTask", "startEvent"):
        given = from_person(element, forms)
        return UNKNOWN if given is None else seen.and_also(given)
    if element.event == "error":
        return seen.and_also(("errorCode", "errorMessage"))
    if "taskDefinition.type" in element.extensions or _brings(element):
        return UNKNOWN
    result = result_name(element)
    return seen.and_also([result] if result else [])


def from_person(element: Element, forms: Mapping[str, Json] | None) -> set[str] | None:
    """The names a person can fill in; None when the form is not at hand."""
    found = set(CHAIN_RESULT) if "wf.chain" in element.properties else set()
    if element.form is None:
        return found
    schema = (forms or {}).get(element.form)
    return None if schema is None else found | set(fields(schema))


def result_name(element: Element) -> str | None:
    """The variable under which a script, decision or operation puts its result."""
    given = element.extensions
    return given.get("script.resultVariable") or given.get("calledDecision.resultVariable") or element.headers.get("resultVariable") or None


def fields(schema: Json) -> Iterator[str]:
    """Dotted names of a form's fields. A list counts as one name: its rows are seen inside it."""
    return _fields(schema.get("components") if isinstance(schema, Mapping) else None, "")


def _fields(components: Any, prefix: str) -> Iterator[str]:
    for component in components if isinstance(components, list) else ():
        if not isinstance(component, Mapping):
            continue
        path, key = component.get("path"), component.get("key")
        inner = f"{prefix}{path}." if isinstance(path, str) and path else prefix
        if component.get("type") == "dynamiclist":
            if isinstance(path, str) and path:
                yield f"{prefix}{path}"
        elif component.get("type") == "group":
            yield from _fields(component.get("components"), inner)
        elif isinstance(key, str) and key:
            yield f"{prefix}{key}"


def _opened(names: set[str]) -> frozenset[str]:
    """Where something gives a whole variable, nothing is known of its parts."""
    whole = {name for name in names if "." not in name}
    return frozenset(name for name in names if "." not in name or name.split(".")[0] not in whole)
