"""What a diagram says, element by element, in our own words: what everything else works on.

Values that begin with "=" are FEEL, all others are literal text (zeebe extension vocabulary, zeebe-bpmn-moddle 2.0.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A sequence flow."""

    id: str
    source: str
    target: str
    name: str = ""
    #: the English name (`wf.name.en`)
    name_en: str = ""
    #: FEEL text without the leading "=", or None
    condition: str | None = None


@dataclass(frozen=True, kw_only=True)
class Timer:
    """When a timer event fires: ISO 8601 text or FEEL (leading "=") that gives such text."""

    #: `date`, `duration` or `cycle`
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Multi:
    """Multi-instance: the activity once for each item of a collection (zeebe:loopCharacteristics), or a number of times."""

    sequential: bool
    #: FEEL (leading "="), a list; empty where only a cardinality is given
    collection: str = ""
    #: local variable that holds the item
    element: str | None = None
    #: variable that gets the collected results, by index
    output: str | None = None
    #: FEEL (leading "="), the result of one instance
    output_element: str | None = None
    #: completion condition: FEEL text without the leading "="
    until: str | None = None
    #: literal number or FEEL (leading "=")
    cardinality: str | None = None


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """Standard loop: the activity again while the condition holds."""

    #: FEEL text without the leading "="; None: always
    condition: str | None = None
    #: whether the condition is asked before the first round, too
    test_before: bool = False
    maximum: int | None = None


@dataclass(frozen=True, kw_only=True)
class Called:
    """Which process a call activity calls."""

    process: str
    #: `deployment`: of the same version, `latest`: of the version that is active when it is called
    binding: str
    #: whether all variables are handed over
    parent: bool
    #: whether all variables come back
    child: bool


@dataclass(frozen=True, kw_only=True)
class Element:
    """One node of a diagram."""

    id: str
    #: BPMN tag, such as `userTask` or `boundaryEvent`
    kind: str
    name: str = ""
    #: the English name (`wf.name.en`)
    name_en: str = ""
    lane: str | None = None
    #: id of the process
    process: str = ""
    #: id of the sub-process that holds it, or of the process
    scope: str = ""
    documentation: str = ""
    incoming: tuple[str, ...] = ()
    outgoing: tuple[str, ...] = ()
    #: id of the default flow
    default: str | None = None
    #: for events: `timer`, `message`, `signal`, `error`, `escalation`, `terminate`, …; None for a plain one
    event: str | None = None
    #: what the event refers to: error or escalation code, name of a signal, message or link
    reference: str | None = None
    timer: Timer | None = None
    #: for boundary events: the activity they sit on
    attached: str | None = None
    interrupting: bool = True
    #: `multiInstance`, `standard` or None
    loop: str | None = None
    multi: Multi | None = None
    repeat: Repeat | None = None
    #: correlation key of the message (literal or FEEL with leading "=")
    key: str | None = None
    #: of a conditional event: FEEL text without the leading "="
    condition: str | None = None
    #: of a call activity
    called: Called | None = None
    #: of a compensation boundary event: id of the handler
    compensates: str | None = None
    #: whether it only runs to undo another activity
    for_compensation: bool = False
    #: of a compensation throw or end event: id of the activity to be undone; None: all of the scope
    activity: str | None = None
    #: `(variable, text)` of the input mapping
    inputs: tuple[tuple[str, str], ...] = ()
    #: `(variable, text)` of the output mapping
    outputs: tuple[tuple[str, str], ...] = ()
    #: zeebe:properties; ours begin with `wf.`
    properties: Mapping[str, str] = field(default_factory=dict)
    #: zeebe:taskHeaders
    headers: Mapping[str, str] = field(default_factory=dict)
    #: every other zeebe extension value verbatim, by `element.attribute`, such as `taskDefinition.type`
    extensions: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What a person calls the element."""
        return self.name or self.id

    @property
    def form(self) -> str | None:
        """Id of the form of a user task or start event."""
        return self.extensions.get("formDefinition.formId")


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A lane: who does what lies in it."""

    id: str
    name: str
    name_en: str
    elements: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process of a diagram."""

    id: str
    file: str
    name: str
    name_en: str
    executable: bool
    elements: Mapping[str, Element]
    flows: Mapping[str, Flow]
    lanes: tuple[Lane, ...]

    def inside(self, scope: str) -> Sequence[Element]:
        """The elements directly in the process or one of its sub-processes, in the diagram's order."""
        return self._by_scope.get(scope, ())

    def boundaries(self, activity: str) -> Sequence[Element]:
        """The boundary events that sit on an activity."""
        return self._by_host.get(activity, ())

    @cached_property
    def _by_scope(self) -> Mapping[str, Sequence[Element]]:
        return _grouped((element.scope, element) for element in self.elements.values())

    @cached_property
    def _by_host(self) -> Mapping[str, Sequence[Element]]:
        return _grouped((element.attached, element) for element in self.elements.values() if element.attached)

    def around(self, element: Element) -> Iterator[str]:
        """Ids of the sub-processes around an element, from the inside out."""
        scope = element.scope
        while scope != self.id:
            yield scope
            scope = self.elements[scope].scope


def _grouped(pairs: Iterable[tuple[str, Element]]) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for key, element in pairs:
        found.setdefault(key, []).append(element)
    return found
