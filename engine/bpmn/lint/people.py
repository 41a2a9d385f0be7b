"""Who does a step, and by when."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

from ... import json_text
from ..codes import Code
from ..findings import Finding, finding
from ..model import Element, Process

_PEOPLE = ("assignee", "candidateGroups", "candidateUsers")


class People(Protocol):
    """Who works here, as the check asks for it: `engine.chains.company.Company`."""

    def holders(self, role: str) -> list[str]:
        """Ids of those who hold a role."""

    def member(self, person: str) -> Any:
        """Somebody by their id, with `here`; None for nobody."""


def assigned(element: Element, chains: Collection[str] | None, people: People | None) -> Iterator[Finding]:
    """Whether somebody is named for a user task, once, and exists. None: not known, so not checked."""
    given = {key: element.extensions.get(f"assignmentDefinition.{key}") for key in _PEOPLE}
    chain = element.properties.get("wf.chain")
    ways = {"wf.chain": chain, "wf.for": element.properties.get("wf.for")} | {f"assignmentDefinition.{k}": v for k, v in given.items()}
    named = [way for way, text in ways.items() if text]
    if not named:
        yield finding(Code.MISSING_ASSIGNMENT, element)
    if len(named) > 1 and named[0] in ("wf.chain", "wf.for"):
        yield finding(Code.TWO_ASSIGNMENTS, element, one=named[0], other=named[1])
    if chain and not chain.startswith("=") and chains is not None and chain not in chains:
        yield finding(Code.UNKNOWN_CHAIN, element, chain=chain)
    if people is not None:
        for role in _literal(given["candidateGroups"]):
            if not people.holders(role):
                yield finding(Code.UNKNOWN_ROLE, element, role=role)
        for person in dict.fromkeys([*_literal(given["assignee"], split=False), *_literal(given["candidateUsers"])]):
            member = people.member(person)
            if member is None or not member.here:
                yield finding(Code.UNKNOWN_PERSON, element, person=person)


def _literal(text: str | None, *, split: bool = True) -> list[str]:
    """The texts that are named outright: `hr, legal`, `="hr"` or `=["hr", "legal"]`; nothing where an expression finds them."""
    if not text:
        return []
    if not text.startswith("="):
        return [part.strip() for part in (text.split(",") if split else [text]) if part.strip()]
    try:
        value = json_text.read(text[1:])
    except ValueError:
        return []
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def unlimited(process: Process, element: Element, timed: Mapping[str, bool]) -> Iterator[Finding]:
    """A user task that nobody and nothing makes late. `timed`: approval chain -> whether each of its steps has a limit."""
    if element.extensions.get("taskSchedule.dueDate"):
        return
    chain = element.properties.get("wf.chain")
    if chain and timed.get(chain, True):
        return  # limits of its own, or a chain that is not known here
    for id in (element.id, *process.around(element), process.id):
        handlers = [e for e in process.inside(id) if e.kind == "eventSubProcess"]
        starts = [start for handler in handlers for start in process.inside(handler.id) if start.kind == "startEvent"]
        if any(event.event == "timer" for event in [*process.boundaries(id), *starts]):
            return
    yield finding(Code.NO_TIME_LIMIT, element)
