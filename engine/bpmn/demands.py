"""What a procedure's rules name: elements and flows by their id, or steps by what they do, so that a copied step counts, too.

| text | which |
|---|---|
| `write_notice` | the element or flow of that id |
| `operation:document.render[kind=notice]` | what calls the operation; with that header, if one is given |
| `decision:law_check` | what asks the decision |
| `form:union-reply` | what shows the form |
| `chain:dismissal-approval` | what the approval chain signs |
| `outcome:dismissed` | the end events with that outcome |
| `give_statement \\| witness_refusal` | any of them |
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .model import Element, Process
from .ways import Place

RULES = "rules.json"

#: how the rule file says what a step does -> where a diagram says it
_DOES = {
    "operation": "taskDefinition.type",
    "decision": "calledDecision.decisionId",
    "form": "formDefinition.formId",
    "chain": "wf.chain",
    "outcome": "wf.outcome",
}
_STEP = re.compile(rf"({'|'.join(_DOES)}):\s*([^\[\]]+?)\s*(?:\[\s*([^=\[\]]+?)\s*=\s*([^\[\]]*?)\s*\])?")


@dataclass(frozen=True, kw_only=True)
class Demand:
    """One step, or one of several, that must lie before a target."""

    #: as the rule file names it
    text: str
    elements: frozenset[Place]
    flows: frozenset[Place]
    #: as people call it
    title: str

    @property
    def held(self) -> bool:
        """Whether a diagram holds it."""
        return bool(self.elements or self.flows)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What must lie before whatever the rule names as its target."""

    #: as the rule file names it
    text: str
    targets: Sequence[Place]
    needed: Sequence[Demand]
    #: what must lie between this and the target; None: between where people begin and the target
    since: Demand | None = None
    #: whether the target must be reached without them, instead
    free: bool = False


def rules(files: Mapping[str, bytes], read: Sequence[Process]) -> list[Rule]:
    """The rules `before`, `since` and `free_of` of a sound rule file, as they fit these diagrams."""
    given = json.loads(files.get(RULES, b"{}"))
    found = [_rule(target, needed, read) for target, needed in given.get("before", {}).items()]
    for start, before in given.get("since", {}).items():
        found += [_rule(target, needed, read, _demand(start, read)) for target, needed in before.items()]
    found += [replace(_rule(target, steps, read), free=True) for target, steps in given.get("free_of", {}).items()]
    return found


def _rule(target: str, needed: Sequence[str], read: Sequence[Process], since: Demand | None = None) -> Rule:
    return Rule(text=target, targets=list(elements(target, read)), needed=[_demand(step, read) for step in needed], since=since)


def _demand(text: str, read: Sequence[Process]) -> Demand:
    found = list(elements(text, read))
    flows = [(process, process.flows[id]) for process in read for id in _parts(text) if id in process.flows]
    known = {process.id: process for process in read}
    titles = [known[process].elements[id].title for process, id in found]
    titles += [" → ".join([*(e.title for e in [process.elements.get(flow.source)] if e), flow.name or flow.id]) for process, flow in flows]
    return Demand(
        text=text,
        elements=frozenset(found),
        flows=frozenset((process.id, flow.id) for process, flow in flows),
        title=" / ".join(dict.fromkeys(titles)) or text,
    )


def elements(text: str, read: Sequence[Process]) -> Iterator[Place]:
    """Those that a rule names, in whatever process; of flows none."""
    for part in _parts(text):
        step = _STEP.fullmatch(part)
        for process in read:
            if step is None:
                yield from [(process.id, part)] if part in process.elements else []
            else:
                yield from ((process.id, id) for id, element in process.elements.items() if _does(element, *step.groups()))


def _does(element: Element, what: str, name: str, header: str | None, value: str | None) -> bool:
    settings = element.properties if what in ("chain", "outcome") else element.extensions
    return settings.get(_DOES[what]) == name and (header is None or element.headers.get(header) == value)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split("|")]


def told(text: str) -> Iterator[tuple[str, str, str]]:
    """Each of the steps that a rule names, as what it does, its name and the value of its header; of one named by its id `("", id, "")`."""
    for part in _parts(text):
        step = _STEP.fullmatch(part)
        what, name, _, value = step.groups() if step else ("", part, None, None)
        yield what, name, value or ""
