"""Overlaps, gaps and rules that are never reached, found from the table alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decisions import decision, file, table

from engine.bpmn import expressions, lint
from engine.bpmn.decisions import Decisions
from engine.bpmn.dmn_analysis import Analysis, example_text
from engine.bpmn.unary_tests import Column, read, shown

LAW_CHECK = Path(__file__).parent.parent / "processes/termination/law-check.dmn"


def analysed(policy: str, inputs: list[tuple[str, str]], *rules: list[str], more: str = "") -> Analysis:
    return Decisions(file(decision(table(f'hitPolicy="{policy}"', inputs, [("o", "")], *rules, more=more))), file="t.dmn").analyses()[0]


def test_overlaps_of_a_unique_table_are_named_with_an_input() -> None:
    """Two rules of a UNIQUE table that apply at once are told by number, with an input to which both apply."""
    found = analysed(
        "UNIQUE", [("amount", "number"), ("kind", "string")], ["<= 10", "-", "1"], [">= 10", '"a","b"', "2"], ["> 10", '"c"', "3"]
    )
    assert [pair.rules for pair in found.together] == [(1, 2)]
    assert example_text(found.together[0].example) == 'amount = 10, kind = "a"'


def test_a_gap_is_shown_by_an_input_that_one_expects() -> None:
    """Where whole numbers and named texts suffice, the example of a gap is made of these, and the gap is no unusual one."""
    found = analysed("UNIQUE", [("n", "number"), ("kind", "string")], ["<= 10", '"a"', "1"], ["> 12", '"a"', "2"], ["-", '"b"', "3"])
    assert [(example_text(gap.example), gap.unusual) for gap in found.gaps] == [('n = 11, kind = "a"', False)]


@pytest.mark.parametrize(
    ("type", "cells", "example"),
    [
        ("number", ["<= 10", ">= 11"], "x = 10.5"),
        ("string", ['"a"', '"b"'], 'x = "…"'),
    ],
)
def test_what_hardly_comes_is_an_unusual_gap(type: str, cells: list[str], example: str) -> None:
    """A fraction between two whole numbers, and a text that no cell names, are gaps that only a note tells of."""
    found = analysed("UNIQUE", [("x", type)], *([cell, "1"] for cell in cells))
    assert [(example_text(gap.example), gap.unusual) for gap in found.gaps] == [(example, True)]


@pytest.mark.parametrize(
    ("policy", "type", "cells", "more"),
    [
        ("UNIQUE", "number", ["< 5", "[5..7]", "> 7"], ""),
        ("UNIQUE", "boolean", ["true", "false"], ""),
        ("UNIQUE", "string", ['"a"', 'not("a")'], ""),
        ("UNIQUE", "date", ['<= date("2026-01-31")', '>= @"2026-02-01"'], ""),
        ("UNIQUE", "number", ["< 5"], "<defaultOutputEntry><text>0</text></defaultOutputEntry>"),
        ("COLLECT", "number", ["< 5", "< 3"], ""),
        ("FIRST", "number", ["< 5", "-"], ""),
    ],
)
def test_nothing_is_said_of_a_table_that_is_right(policy: str, type: str, cells: list[str], more: str) -> None:
    """Rules that together take every input, each its own, give no finding; nor do policies and defaults that allow the rest."""
    found = analysed(policy, [("x", type)], *([cell, "1"] for cell in cells), more=more)
    assert (found.together, found.gaps, found.shadowed, found.never, found.unread) == ([], [], [], [], [])


def test_rules_that_are_never_reached() -> None:
    """Under FIRST a rule that earlier ones cover together is told, and under any policy one that no value satisfies."""
    found = analysed("FIRST", [("x", "number")], ["< 5", "1"], [">= 5", "2"], ["[3..9]", "3"], ["[9..3]", "4"])
    assert (found.shadowed, found.never) == ([3], [4])


def test_any_asks_for_equal_results() -> None:
    """Under ANY only rules that give different results at once are told of."""
    found = analysed("ANY", [("x", "number")], ["< 5", "1"], ["< 3", "1.0"], ["> 4", '"b"'])
    assert [pair.rules for pair in found.together] == [(1, 3)]


def test_what_cannot_be_read_is_said_and_never_guessed() -> None:
    """A cell that would have to be evaluated takes part in no finding, and is named."""
    found = analysed("UNIQUE", [("x", "number")], ["> limit", "1"], ["<= 5", "2"], ['duration("P1D")', "3"])
    assert (found.together, found.gaps) == ([], [])
    assert found.unread == [(1, "x", "> limit"), (3, "x", 'duration("P1D")')]


def test_two_columns_of_one_input_say_nothing() -> None:
    """Columns that ask the same are never independent; the table is said not to have been gone through."""
    found = analysed("UNIQUE", [("x", "number"), ("x", "number")], ["> 5", "-", "1"], ["-", "< 3", "2"])
    assert (found.together, found.gaps, found.complete) == ([], [], False)


def test_allowed_values_leave_no_gap() -> None:
    """What an input may not be is no gap."""
    asked = '<inputExpression typeRef="string"><text>x</text></inputExpression>'
    column = f'<input id="i">{asked}<inputValues><text>"a","b"</text></inputValues></input>'
    rules = "".join(
        f'<rule id="r{n}"><inputEntry><text>"{n}"</text></inputEntry><outputEntry><text>1</text></outputEntry></rule>' for n in "ab"
    )
    found = Decisions(file(decision(f'<decisionTable id="t">{column}<output name="o"/>{rules}</decisionTable>')), file="t.dmn").analyses()
    assert found[0].gaps == []


def test_a_large_table_is_bounded() -> None:
    """A table whose gaps cannot be searched in reasonable time says so instead of taking long."""
    width = 40
    rules = [["-"] * at + ["true"] + ["-"] * (width - at - 1) + ["1"] for at in range(width)]
    rules += [["-"] * at + ["false", "true"] + ["-"] * (width - at - 2) + ["1"] for at in range(width - 1)]
    found = analysed("FIRST", [(f"x{n}", "boolean") for n in range(width)], *rules)
    assert found.gaps or not found.complete


def test_the_check_tells_of_the_table_at_its_rule() -> None:
    """`partwell check` warns of an overlap at the rule, of a usual gap at the table, and says nothing of the law check."""
    overlapping = file(decision(table('hitPolicy="UNIQUE"', [("x", "number")], [("o", "")], ["< 5", "1"], ["[4..6]", "2"])))
    told = lint.check({"t.dmn": overlapping})["t.dmn"]
    assert [(one.code, one.severity, one.facts.get("example")) for one in told] == [
        (lint.Code.RULES_TOGETHER, "warning", "x = 4"),
        (lint.Code.NO_RULE, "warning", "x = 7"),
    ]
    assert lint.check({"law-check.dmn": LAW_CHECK.read_bytes()})["law-check.dmn"] == []


BOUND = st.sampled_from(["1", "2", "2.5", "-3"])
NUMBERS = st.one_of(
    BOUND,
    st.builds("{} {}".format, st.sampled_from(["<", "<=", ">", ">="]), BOUND),
    st.builds(
        lambda ends, opened, closed: "{}{}..{}{}".format(opened, *sorted(ends, key=float), closed),
        *(st.tuples(BOUND, BOUND), st.sampled_from("[(]"), st.sampled_from("])[")),
    ),
)
TEXTS = st.sampled_from(['"a"', '"b"', '"甲"', "null"])
CELLS = st.one_of(
    *(st.lists(kind, min_size=1, max_size=3).map(", ".join) for kind in (NUMBERS, TEXTS)),
    NUMBERS.map("not({})".format),
    TEXTS.map("not({})".format),
)


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_a_cell_is_read_as_feel_reads_it(cell: str) -> None:
    """For every atom of a column, FEEL accepts its example exactly where the cell's set holds the atom."""
    others: list[Any] = ["-3", "1", "2", "2.5"] if '"' not in cell and "null" not in cell else ['"a"', '"b"']
    assert read(cell) is not None
    column = Column([cell, *others], None, None)
    for atom in range(column.size):
        value = column.example(1 << atom)
        accepted = expressions.matches(cell, float(value) if shown(value)[0] in "-0123456789" else value, {})
        assert accepted == bool(column.sets[0] >> atom & 1), (cell, value)
