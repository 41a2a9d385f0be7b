"""FEEL where the interpreter had to be repaired to answer as the standard says (OMG DMN 1.5, 10.3)."""

from __future__ import annotations

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import errors
from engine.bpmn.expressions import check, condition, evaluate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # durations
        ('@"P1D" * 10', "P10D"),
        ('2.5 * @"PT23H"', "P2DT9H30M"),
        ('-2.5 * @"P1Y11M"', "-P4Y9M"),
        ('@"P10Y11M" / 2.5', "P4Y4M"),
        ('@"P10D" / @"P5D"', 2),
        ('@"P10Y" / @"P5Y"', 2),
        ('-@"P1D"', "-P1D"),
        ('duration("P999999999M")', "P83333333Y3M"),
        ('years and months duration(date("2011-12-22"), date("2013-08-24"))', "P1Y8M"),
        # dates and times
        ('@"2021-01-01" + @"PT36H"', "2021-01-02"),
        ('@"2021-01-02" - @"PT1H"', "2021-01-01"),
        ('@"2021-01-01T24:00:00" + @"PT1S"', "2021-01-02T00:00:01"),
        ('@"2021-01-02T10:10:10@Europe/Paris" - @"2021-01-01"', "P1DT9H10M10S"),
        ('date("-2017-12-31")', "-2017-12-31"),
        ('string(date and time("99999-12-31T11:22:33"))', "99999-12-31T11:22:33"),
        ('time(12, 59, 1.3, @"-PT1H")', "12:59:01.3-01:00"),
        # ranges
        ("[1..10] = [1..10]", True),
        ("(1..10] = ]1..10]", True),
        ('range("[18..21)") = [18..21)', True),
        ('range("[18..21)") instance of range', True),
        ("during([4..6], [1..10])", True),
        ("overlaps before([1..5), [5..8])", False),
        ("overlaps after([5..8], [1..5])", True),
        ("finishes(10, [1..10])", True),
        ("started by([1..10], [1..5))", True),
        ("coincides((1..5), [1..5])", False),
        ('for day in @"1980-01-03"..@"1980-01-01" return day', ["1980-01-03", "1980-01-02", "1980-01-01"]),
        # lists
        ("list replace([1, 2, 3], -1, 4)", [1, 2, 4]),
        ("list replace([1, 2, 3], function(item, newItem) item < newItem, 2)", [2, 2, 3]),
        ("[false, true, null][item = false]", [False]),
        ("7[true]", [7]),
        ('list contains([date("2026-01-01")], date("2026-01-01"))', True),
        ('min(date("2026-02-01"), date("2026-01-01"))', "2026-01-01"),
        ('max("a", "c", "b")', "c"),
        ("median(10, 9, 1)", 9),
        ("mode([10, 9, 9, 10, -1])", [9, 10]),
        ("sort([{k: 1, v: 2}, {k: 1, v: 1}], function(a, b) a.k < b.k)", [{"k": 1, "v": 2}, {"k": 1, "v": 1}]),
        # numbers
        ("round half up(1.005, 2)", 1.01),
        ("round half down(1.005, 2)", 1.0),
        ("decimal(1/3, 2.5)", 0.33),
        # texts
        (r'matches("hello world", " hello[ ]world", "x")', True),
        (r'matches("客服部", "^\p{IsCJKUnifiedIdeographs}+$")', True),
        ('matches("x", "[A-Z-[OI]]", "i")', True),
        ('matches("o", "[A-Z-[OI]]", "i")', False),
        ('replace("a b c", "[a-z]", "#", "x")', "# # #"),
        # conditions
        ("if null then 1 else 2", 2),
    ],
)
def test_feel_answers_as_the_standard_says(text: str, expected: Any) -> None:
    """Durations, dates, ranges, lists, rounding and patterns, each with an answer that the bare interpreter gets wrong."""
    assert evaluate(text, {}) == expected


@pytest.mark.parametrize(
    "text",
    [
        '@"10:10:10" + @"P1Y"',
        '@"2021-01-01T10:10:10" - @"10:10:10"',
        '@"2021-01-02T10:10:10@Europe/Paris" - @"2021-01-01T10:10:10"',
        '@"P1D" * @"P1D"',
        '@"P1D" * "a"',
        "list replace([1, 2, 3], 4, 4)",
        "round up(5.5, 7000)",
        'if "yes" then 1 else 2',
        'time("13:20:00+19:00")',
        'range("[1+1..3]")',
        'range("[3..1]")',
        r'matches("a", "(a)[a\0]")',
    ],
)
def test_what_has_no_answer_is_a_complaint_and_not_a_silent_null(text: str) -> None:
    """Where the standard answers null because the operands do not fit, the expression is at fault and says so."""
    with pytest.raises(errors.FeelError):
        evaluate(text, {})


ROUNDING = {
    "round half up": ROUND_HALF_UP,
    "round half down": ROUND_HALF_DOWN,
    "round up": ROUND_UP,
    "round down": ROUND_DOWN,
    "decimal": ROUND_HALF_EVEN,
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
}


@given(whole=st.integers(-(10**9), 10**9), digits=st.integers(0, 4), scale=st.integers(0, 3), name=st.sampled_from(sorted(ROUNDING)))
def test_numbers_are_rounded_as_they_are_written(whole: int, digits: int, scale: int, name: str) -> None:
    """Every way of rounding gives what decimal arithmetic gives, though numbers are kept as doubles."""
    number = Decimal(whole).scaleb(-digits)
    expected = number.quantize(Decimal(1).scaleb(-scale), rounding=ROUNDING[name])
    assert evaluate(f"{name}(n, {scale})", {"n": float(number)}) == float(expected)


def test_a_range_with_an_unknown_end_contains_nothing_for_certain() -> None:
    """A limit that is null is no limit that lets everything through: the condition is an error."""
    with pytest.raises(errors.FeelError, match="must be true or false"):
        condition("5 in [1..limit]", {"limit": None})


def test_a_key_given_twice_is_found_by_check() -> None:
    """A mapping with the same key twice is a slip of the pen."""
    assert [problem.message for problem in check('{a: 1, "a": 2}')] == ['the key "a" is given twice']
