"""Test rows of decisions: inputs and what is expected of them, kept as `law-check.tests.json` beside `law-check.dmn`.

The file is a list of `{"name", "decision", "given", "expect", "now"}`: `decision` by id (it may be left out where the file has one),
`given` the variables, `expect` the value that must come (of a mapping only the parts that are named), `now` the moment in ISO 8601
for decisions that ask for the time. The rows run with every check, and a row that fails keeps the procedure from being published.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .. import errors
from ..ports import Json
from .codes import Code
from .decisions import Decisions
from .findings import Finding, finding

SUFFIX: Final = ".tests.json"
#: rows of one file: they run with every check
MOST: Final = 500
_PARTS: Final = {"name", "decision", "given", "expect", "now"}


@dataclass(frozen=True)
class Row:
    """One test row. `number` from 1."""

    number: int
    name: str
    decision: str
    given: Mapping[str, Json]
    expect: Json
    now: dt.datetime | None


@dataclass(frozen=True)
class Outcome:
    """What came of a row."""

    row: Row
    passed: bool
    value: Json
    #: why there is no value
    failed: str | None
    #: decision -> ids of the rules that applied on the way
    matched: Mapping[str, Sequence[str]]


def beside(path: str) -> str:
    """Where the rows of a file of decisions stand: `law-check.dmn` -> `law-check.tests.json`."""
    return path.removesuffix(".dmn") + SUFFIX


def read(content: bytes, path: str, decisions: Decisions) -> list[Row]:
    """The rows of a file. Raises `errors.FileRefused` naming the row."""
    try:
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise errors.FileRefused(file=path, reason=f"it is no JSON: {error}") from None
    if not isinstance(given, list) or len(given) > MOST:
        raise errors.FileRefused(file=path, reason=f"it must be a list of at most {MOST} rows")
    return [_row(one, number, path, decisions) for number, one in enumerate(given, 1)]


def _row(one: Any, number: int, path: str, decisions: Decisions) -> Row:
    def refuse(reason: str) -> errors.FileRefused:
        return errors.FileRefused(file=path, reason=f"row {number}: {reason}")

    if not isinstance(one, dict) or "expect" not in one:
        raise refuse('a row is an object with "given" and "expect"')
    if strange := sorted(one.keys() - _PARTS):
        raise refuse(f'there is no part "{strange[0]}" in a row')
    ids = decisions.ids
    decision = one.get("decision", ids[0] if len(ids) == 1 else None)
    if decision not in ids:
        raise refuse(f'the file has no decision "{decision or ""}"')
    if not isinstance(one.get("given", {}), dict) or not isinstance(one.get("name", ""), str):
        raise refuse('"given" must be an object of variables, and "name" a text')
    try:
        now = dt.datetime.fromisoformat(one["now"]) if "now" in one else None
    except (TypeError, ValueError):
        now = dt.datetime.min
    if now is not None and now.tzinfo is None:
        raise refuse('"now" must be a moment such as "2026-11-26T09:00:00+08:00"')
    return Row(number, one.get("name", ""), decision, one.get("given", {}), one["expect"], now)


def run(decisions: Decisions, rows: Sequence[Row]) -> list[Outcome]:
    """Each row evaluated; one that has no value fails."""
    return [_run(decisions, row) for row in rows]


def _run(decisions: Decisions, row: Row) -> Outcome:
    try:
        found = decisions.decide(row.decision, row.given, now=row.now)
    except errors.DecisionFailed as error:
        return Outcome(row, False, None, str(error.facts["reason"]), {})
    matched = {str(step["decision"]): step["matched"] for step in found.trace if "matched" in step}
    return Outcome(row, fits(found.value, row.expect), found.value, None, matched)


def fits(value: Json, expected: Json) -> bool:
    """Whether a value is what is expected: equal, or equal in each part of a mapping that is named."""
    if isinstance(expected, dict) and isinstance(value, dict):
        return all(part in value and fits(value[part], wanted) for part, wanted in expected.items())
    if isinstance(expected, bool) or isinstance(value, bool):
        return bool(value is expected)
    if isinstance(expected, list) and isinstance(value, list):
        return len(value) == len(expected) and all(map(fits, value, expected))
    return bool(value == expected)


def unreached(decisions: Decisions, outcomes: Sequence[Outcome]) -> dict[str, list[int]]:
    """Table -> numbers of its rules that no row reaches, of the tables that some row asks."""
    asked = {decision for outcome in outcomes for decision in outcome.matched}
    reached = {(decision, rule) for outcome in outcomes for decision, rules in outcome.matched.items() for rule in rules}
    return {
        table.decision: [number for number, rule in enumerate(table.rules, 1) if (table.decision, rule) not in reached]
        for table in decisions.analyses()
        if table.decision in asked
    }


def findings(files: Mapping[str, bytes], path: str, decisions: Decisions) -> Iterator[Finding]:
    """What the rows beside the file of decisions `path` say of it."""
    content = files.get(beside(path))
    if content is None:
        return
    try:
        outcomes = run(decisions, read(content, beside(path), decisions))
    except errors.FileRefused as error:
        yield finding(Code.BAD_TESTS, None, file=beside(path), reason=str(error.facts["reason"]).rstrip("."))
        return
    for outcome in outcomes:
        row, named = outcome.row, outcome.row.name or str(outcome.row.number)
        place = {"at": row.decision, "called": named, "row": named}
        if outcome.failed is not None:
            yield finding(Code.TEST_STOPS, None, **place, reason=outcome.failed.rstrip("."))
        elif not outcome.passed:
            yield finding(Code.TEST_FAILS, None, **place, expected=_short(row.expect), value=_short(outcome.value))
    for decision, rules in unreached(decisions, outcomes).items():
        if rules:
            name = decisions.names[decision]
            yield finding(Code.RULES_UNTESTED, None, at=decision, called=name, rules=", ".join(map(str, rules)))


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:119] + "…"
