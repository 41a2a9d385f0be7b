"""Test rows beside a decision table: what they say of it with every check."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_decisions import decision, file, needs_input, table

from engine.bpmn import lint
from engine.bpmn.decisions import Decisions
from engine.bpmn.dmn_tests import fits

LEVEL = table('hitPolicy="UNIQUE"', [("amount", "number")], [("level", "")], ["<= 10", '"manager"'], ["> 10", '"director"'])
TABLE = file(decision(LEVEL, id="level", name="审批级别"))


def said(*rows: Any) -> list[tuple[str, str]]:
    files = {"level.dmn": TABLE, "level.tests.json": json.dumps(rows).encode()}
    return [(one.code, one.text) for one in lint.check(files)["level.dmn"]]


def test_rows_that_hold_and_reach_every_rule_say_nothing() -> None:
    """A table whose rows give what is expected, and reach all rules, has no finding."""
    assert said({"given": {"amount": 5}, "expect": "manager"}, {"decision": "level", "given": {"amount": 50}, "expect": "director"}) == []


def test_a_row_that_fails_keeps_the_table_back_and_unreached_rules_are_named() -> None:
    """What was expected and what came is told by the row's name; rules that no row reaches by number."""
    [(failed, sentence), (untested, rules)] = said({"name": "小额", "given": {"amount": 5}, "expect": "director"})
    assert failed == lint.Code.TEST_FAILS and '"小额" expects "director", but the result is "manager"' in sentence
    assert untested == lint.Code.RULES_UNTESTED and "these rules: 2." in rules


def test_a_row_without_a_result_says_why() -> None:
    """A missing input is the reason, not an exception."""
    [(code, sentence), *_] = said({"given": {}, "expect": "manager"})
    assert code == lint.Code.TEST_STOPS and "amount" in sentence


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[", "no JSON"),
        (b"{}", "a list"),
        (b'[{"given": {}}]', "row 1: a row is an object"),
        (b'[{"expect": 1}, {"expect": 1, "decision": "x"}]', 'row 2: the file has no decision "x"'),
        (b'[{"expect": 1, "given": []}]', "row 1"),
        (b'[{"expect": 1, "wanted": 1}]', 'no part "wanted"'),
        (b'[{"expect": 1, "now": "2026-11-26"}]', '"now" must be a moment'),
    ],
)
def test_rows_that_cannot_be_read_are_told_by_file_and_row(content: bytes, reason: str) -> None:
    """The finding names the file, the row and what is wrong with it."""
    [one] = lint.check({"level.dmn": TABLE, "level.tests.json": content})["level.dmn"]
    assert one.code == lint.Code.BAD_TESTS and reason in one.text and "level.tests.json" in one.text


def test_rows_without_their_table_are_told() -> None:
    """A table that was renamed does not leave its rows behind in silence."""
    found = lint.check({"other.dmn": TABLE, "level.tests.json": b"[]"})
    assert [one.code for one in found["level.tests.json"]] == [lint.Code.TESTS_OF_NOTHING]


def test_of_a_mapping_only_the_named_parts_are_expected() -> None:
    """Lists and values must be equal, true is no 1, and mappings are compared in what the row names."""
    assert fits({"a": 1, "b": [{"c": 2, "d": 3}]}, {"b": [{"c": 2}]})
    assert not fits({"a": 1}, {"b": 1}) and not fits([1, 2], [1]) and not fits(1, True)


def test_what_a_decision_asks_for_is_known() -> None:
    """The drawn inputs of a decision, or without any the variables of its columns."""
    drawn = '<inputData id="i" name="amount"/>' + decision(LEVEL, id="level", needs=[needs_input("i")])
    assert Decisions(file(drawn), file="t.dmn").asks("level") == Decisions(TABLE, file="t.dmn").asks("level") == ["amount"]
