"""Which rules of a decision table apply at once, and to which input none does: found from the table alone, without running it.

What is found is certain as far as the cells go: a cell that `unary_tests` cannot read is taken for what does no harm, and named. Only
an input that depends on another (an age and a date of birth) may make an example one that never comes; so nothing here forbids.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .codes import Code
from .findings import Finding, finding
from .unary_tests import Column, Value, literal, shown

#: of one kind so many are told for each table
TOLD: Final = 5
#: pairs of rules that are compared, and atoms that the search for gaps goes through, for each table: about a second
PAIRS: Final = 500_000
STEPS: Final = 500_000

#: what of each input, by its expression; an input of which any value will do is left out
Example = Mapping[str, Value]


@dataclass(frozen=True)
class Together:
    """Two rules that apply to the same input."""

    #: their numbers, from 1
    rules: tuple[int, int]
    example: Example


@dataclass(frozen=True)
class Gap:
    """An input to which no rule applies."""

    example: Example
    #: only with a text that no cell names, or a fraction between two whole numbers
    unusual: bool


@dataclass
class Analysis:
    """What was found in one table."""

    decision: str
    name: str
    #: id of the table, or of what holds it
    element: str
    policy: str
    #: ids of the rules in their order; "rule N" where the file gives none
    rules: Sequence[str]
    #: under UNIQUE: rules that apply at once; under ANY: those whose results differ
    together: list[Together] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    #: under FIRST: rules that an earlier one always comes before
    shadowed: list[int] = field(default_factory=list)
    #: rules that no value satisfies
    never: list[int] = field(default_factory=list)
    #: (rule, input expression, cell) of what could not be read
    unread: list[tuple[int, str, str]] = field(default_factory=list)
    #: false: the table is too large to be gone through
    complete: bool = True


def analyses(model: Mapping[str, Any]) -> list[Analysis]:
    """The tables that are the logic of a decision of the file itself. `model`: as `dmn.model` gives it."""
    return [
        _Table(id, node, model["types"]).analysis()
        for id, node in model["nodes"].items()
        if node["kind"] == "decision" and not node["file"] and node["body"] and node["body"]["kind"] == "table"
    ]


class _Table:
    def __init__(self, id: str, node: Mapping[str, Any], types: Mapping[str, Any]) -> None:
        self.body = body = node["body"]
        rules = body["rules"]
        self.found = Analysis(id, node["name"], body["id"], body["policy"], [rule["id"] for rule in rules])
        self.inputs = [(column["text"] or "").strip() for column in body["inputs"]]
        self.columns = []
        for place, column in enumerate(body["inputs"]):
            type, allowed = _declared(column["type"], types)
            self.columns.append(Column([rule["tests"][place] for rule in rules], column["allowed"] or allowed, type))
        cells = list(zip(*(column.sets for column in self.columns), strict=True)) or [()] * len(rules)
        for number, sets in enumerate(cells):
            for expression, cell, set in zip(self.inputs, rules[number]["tests"], sets, strict=True):
                if set is None:
                    self.found.unread.append((number + 1, expression, cell.strip()))
        #: taken so far by the search for what no rule covers
        self.steps = 0
        #: for each rule and column what it surely accepts, and what it may accept at most
        self.least = [[0 if set is None else set & column.all for set, column in self.pairs(sets)] for sets in cells]
        self.most = [[column.all if set is None else set & column.all for set, column in self.pairs(sets)] for sets in cells]

    def pairs(self, sets: Sequence[int | None]) -> Iterator[tuple[int | None, Column]]:
        return zip(sets, self.columns, strict=True)

    def analysis(self) -> Analysis:
        found, policy = self.found, self.body["policy"]
        found.never = [number for number, sets in enumerate(self.most, 1) if not all(sets)]
        if not self.columns or self.same_input_twice():
            return found
        if policy in ("UNIQUE", "ANY"):
            self.compare()
        if policy == "FIRST":
            found.shadowed = [number for number in range(2, len(self.most) + 1) if number not in found.never and self.hidden(number - 1)]
        if policy in ("UNIQUE", "ANY", "FIRST", "PRIORITY") and not any(output["standard"] for output in self.body["outputs"]):
            usual = [column.usual for column in self.columns]
            whole = [column.all for column in self.columns]
            found.gaps = [Gap(self.example(sets), False) for sets in self.uncovered(usual, self.most, TOLD)] if all(usual) else []
            if not found.gaps:
                found.gaps = [Gap(self.example(sets), True) for sets in self.uncovered(whole, self.most, TOLD)]
        return found

    def same_input_twice(self) -> bool:
        """Two columns of one expression are never independent: nothing is said of such a table."""
        if len(set(self.inputs)) == len(self.inputs):
            return False
        self.found.complete = False
        return True

    def compare(self) -> None:
        for looked, (one, other) in enumerate(itertools.combinations(range(len(self.least)), 2)):
            if looked >= PAIRS:
                self.found.complete = False
                return
            both = [a & b for a, b in zip(self.least[one], self.least[other], strict=True)]
            if all(both) and (self.body["policy"] == "UNIQUE" or self.differ(one, other)):
                self.found.together.append(Together((one + 1, other + 1), self.example(both)))
                if len(self.found.together) >= TOLD:
                    return

    def differ(self, one: int, other: int) -> bool:
        """Whether two rules surely give different results."""
        for first, second in zip(*(self.body["rules"][number]["results"] for number in (one, other)), strict=True):
            values = literal(first), literal(second)
            if ... not in values and (type(values[0]) is not type(values[1]) or values[0] != values[1]):
                return True
        return False

    def hidden(self, rule: int) -> bool:
        """Whether the rules before this one take everything that it accepts."""
        left = list(self.uncovered(self.most[rule], self.least[:rule], 1))
        return not left and self.found.complete

    def uncovered(self, room: Sequence[int], rules: Sequence[Sequence[int]], most: int) -> list[list[int]]:
        """Up to so many parts of a room that none of the rules covers. Finds no more where it takes too long, and says so."""
        rules = [sets for sets in rules if all(set & within for set, within in zip(sets, room, strict=True))]
        accepting = [self.accepting(place, room[place], rules) for place in range(len(room))]
        covered: set[tuple[int, int]] = set()
        found: list[list[int]] = []

        def look(place: int, still: int, so_far: list[int]) -> bool:
            """Whether nothing is uncovered from this column on, for the rules that are still in."""
            if len(found) >= most or self.steps > STEPS:
                return False
            if not still:
                found.append([*so_far, *room[place:]])
                return False
            if place == len(room) or (place, still) in covered:
                return True
            # the atoms together that the same rules accept
            groups: dict[int, int] = {}
            for atom, those in accepting[place]:
                groups[those & still] = groups.get(those & still, 0) | atom
            self.steps += len(accepting[place])
            whole = True
            # where fewest rules are left, something uncovered is found first
            for those, atoms in sorted(groups.items(), key=lambda each: each[0].bit_count()):
                whole &= look(place + 1, those, [*so_far, atoms])
            if whole:
                covered.add((place, still))
            return whole

        look(0, (1 << len(rules)) - 1, [])
        if self.steps > STEPS:
            self.found.complete = False
        return found

    def accepting(self, place: int, room: int, rules: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
        """(atom as a set, rules that accept it as bits) for each atom of a column."""
        those: dict[int, int] = {}
        for number, sets in enumerate(rules):
            left = sets[place] & room
            self.steps += 1
            while left:
                atom = left & -left
                those[atom] = those.get(atom, 0) | 1 << number
                left ^= atom
        atoms = (1 << at for at in range(room.bit_length()) if room >> at & 1)
        return [(atom, those.get(atom, 0)) for atom in atoms]

    def example(self, sets: Sequence[int]) -> Example:
        values = [column.example(bits & column.usual or bits) for column, bits in zip(self.columns, sets, strict=True)]
        return {input: value for input, value in zip(self.inputs, values, strict=True) if value is not ...}


def _declared(type: str | None, types: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The type of FEEL behind a declared one, and the values that it allows. An unknown or composed type stays as it is named."""
    allowed, seen = None, set()
    while type is not None and type in types and type not in seen:
        seen.add(type)
        item = types[type]
        if item["list"] or item["parts"] or item["function"]:
            break
        allowed, type = allowed or item["allowed"], item["base"]
    return (None if type in ("Any", "") else (type or "").rpartition(":")[2] or None), allowed


def said(analysis: Analysis, *, advice: bool) -> Iterator[Finding]:
    """The findings of a table, at its rules; with `advice` also a gap into which only an unusual input falls."""

    def at(number: int) -> str:
        id = analysis.rules[number - 1]
        return analysis.element if id == f"rule {number}" else id

    table = analysis.name
    for pair in analysis.together:
        code = Code.RULES_TOGETHER if analysis.policy == "UNIQUE" else Code.RULES_DISAGREE
        first, second = pair.rules
        yield finding(code, None, at=at(second), called=table, first=first, second=second, example=example_text(pair.example))
    for number in analysis.shadowed:
        yield finding(Code.RULE_SHADOWED, None, at=at(number), called=table, rule=number)
    for number in analysis.never:
        yield finding(Code.RULE_NEVER, None, at=at(number), called=table, rule=number)
    for gap in [gap for gap in analysis.gaps if advice or not gap.unusual][:1]:
        severity = "note" if gap.unusual else "warning"
        yield finding(Code.NO_RULE, None, severity=severity, at=analysis.element, called=table, example=example_text(gap.example))


def example_text(example: Example) -> str:
    """An input on one line: `amount = 5, ground = "B"`."""
    return ", ".join(f"{input} = {shown(value)}" for input, value in example.items()) or "…"
