"""What is to be said of the letters of a procedure: what cannot be read, and what no step hands them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..bpmn import expressions
from ..bpmn.codes import Code
from ..bpmn.findings import Finding, finding
from ..bpmn.lint.calls import Calls
from ..bpmn.lint.handed import handed
from ..bpmn.lint.texts import beside, short
from ..bpmn.model import Element
from ..bpmn.names import Names
from ..descriptions import Description
from ..ports import Json
from . import makers, places, reading, templates
from .filling import OWN
from .vocabulary import EACH, IF

#: what a letter's expressions see beside the input of its step
_GIVEN = frozenset((f"{OWN}.date",))
_WHERE = {IF: "condition", EACH: "list"}


def findings(files: Mapping[str, bytes], *, forms: Mapping[str, Json] | None, told: Mapping[str, Description]) -> dict[str, list[Finding]]:
    """By path of the letter, and by path of a diagram that names one that is not there.

    `forms`: schema by id, None where they are not known; `told`: descriptions of operations by their names.
    """
    found: dict[str, list[Finding]] = {}
    every = sorted(path for path in files if templates.served(path))
    for path, _, element, operation in makers.making(files):
        named = element.headers.get(templates.HEADER)
        if named and not templates.paths(named, operation, files):
            known = ", ".join(templates.known(operation, files)) or "–"
            found.setdefault(path, []).append(finding(Code.UNKNOWN_LETTER, element, letter=named, known=known))
    for path in every:
        if said := list(_letter(path, files[path], steps(files, path, forms=forms, told=told))):
            found[path] = said
    return found


def steps(
    files: Mapping[str, bytes], path: str, *, forms: Mapping[str, Json] | None, told: Mapping[str, Description]
) -> list[tuple[Element, Names]]:
    """The steps that make a letter, each with the names in the input that it hands it."""
    found = makers.makers(files, path)
    calls = Calls(files, forms, told) if found else None
    return [(element, handed(process, element, calls.names(process))) for process, element in found] if calls else []


def _letter(path: str, content: bytes, makers: list[tuple[Element, Names]]) -> Iterator[Finding]:
    if not makers:
        yield finding(Code.UNUSED_LETTER, None)
    if path.endswith(".txt"):
        if not content.strip():
            yield finding(Code.EMPTY_LETTER, None)
        for place in places.places(content.decode("utf-8-sig", "replace")):
            at = (place.line, place.column)
            for step, names in makers:
                yield from _placed(_unknown(place.name, place.name, names, step, within=False), *at)
    elif path.endswith(".html"):
        letter, faults = reading.study(content)
        for fault in faults:
            yield from _placed([finding(Code.BAD_LETTER, None, fault=fault.sentence)], fault.line, fault.column)
        if letter is not None:
            if not any(node.text for node in letter.body) and not any(reading.pictures(letter)):
                yield finding(Code.EMPTY_LETTER, None)
            yield from _expressions(letter, makers)


def _expressions(letter: reading.Letter, makers: list[tuple[Element, Names]]) -> Iterator[Finding]:
    for one in reading.expressions(letter):
        where = _WHERE.get(one.attribute) or one.node.text
        wrong = expressions.check(one.text)[:1]
        said = [finding(Code.BAD_EXPRESSION, None, where=where, **_problem(one.text, problem)) for problem in wrong]
        if not wrong:
            said = [each for step, names in makers for each in _unknown(where, one.text, names, step, within=one.within)]
        yield from _placed(said, one.node.line, one.node.column)
    for node in reading.pictures(letter):
        said = [each for step, names in makers for each in _unknown(node.attributes["src"], "charts", names, step, within=False)]
        yield from _placed(said, node.line, node.column)


def _unknown(where: str, text: str, names: Names, step: Element, *, within: bool) -> Iterator[Finding]:
    """What an expression names that the step does not hand on: variables, or parts of what is known."""
    heads = {*(names.known or ()), OWN, *(["item"] if within else [])}
    parts = {*names.shapes, *_GIVEN}
    shaped = {name.partition(".")[0] for name in parts}
    wrong, severity, known = expressions.check(text, names=heads), "error", heads - {OWN}
    if not wrong:
        known = parts | (heads - shaped)
        wrong, severity = expressions.check(text, names=known), "error" if names.complete else "warning"
    for problem in wrong:
        told = {"where": where, "step": step.title, "known": beside(text, problem, known), **_problem(text, problem)}
        yield finding(Code.UNKNOWN_PLACE, None, severity=severity, **told)


def _problem(text: str, problem: expressions.Problem) -> dict[str, Json]:
    return {"expression": short(text), "position": problem.from_ + 1, "reason": problem.message.rstrip(".")}


def _placed(said: Iterator[Finding] | list[Finding], line: int, column: int) -> Iterator[Finding]:
    for one in said:
        yield replace(one, line=line, facts={**one.facts, "column": column})
