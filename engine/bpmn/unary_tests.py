"""Cells of decision tables as sets of values, where they can be told without being evaluated.

Read are numbers, texts, booleans, dates and null: single values, comparisons, intervals, lists of these, and `not(…)` around them.
A column's values fall into finitely many *atoms*, within which no cell of the column tells one value from another: each value that a
cell names, and what lies between two of them. A set of values is the bits of its atoms.
"""

from __future__ import annotations

import bisect
import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

#: number, text, boolean, date or null as Decimal, str, bool, date or None
Value = Any

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<date>(?:date\s*\(\s*"(?P<called>[^"]*)"\s*\))|@"(?P<at>\d{4}-\d\d-\d\d)")
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>-?\s*(?:\d+(?:\.\d+)?|\.\d+)(?!\w|\.\w))
      | (?P<word>(?:true|false|null|not)\b)
      | (?P<sign><=|>=|\.\.|[<>,()\[\]])
    )""",
    re.VERBOSE,
)
_KINDS: Final = {Decimal: "number", str: "text", bool: "boolean", dt.date: "date", type(None): "null"}
_TYPES: Final = {"string": "text", "number": "number", "boolean": "boolean", "date": "date"} | dict.fromkeys(
    ("integer", "long", "double", "decimal"), "number"
)


class Between(NamedTuple):
    """An interval; a bound of None is none."""

    low: Value
    with_low: bool
    high: Value
    with_high: bool


@dataclass(frozen=True)
class Test:
    """A cell that was read: what it names, or all but that."""

    parts: tuple[Between, ...]
    negated: bool = False

    @property
    def bounds(self) -> list[Value]:
        """The values that it names."""
        ends = [end for low, with_low, high, with_high in self.parts for end in ((low, with_low), (high, with_high))]
        return [value for value, included in ends if included or value is not None]


ANYTHING: Final = Test((), negated=True)


def read(cell: str | None) -> Test | None:
    """The test of a cell; None where it says more than can be told without evaluating it."""
    text = (cell or "").strip()
    return ANYTHING if text in ("", "-") else _Cell(text).test()


def literal(text: str | None) -> Value:
    """The value that a text is, `...` where it is more than a value."""
    test = read(text)
    if test is None or test.negated or len(test.parts) != 1 or (text or "").strip()[0] in "<>[](":
        return ...
    return test.parts[0].low


class _Unread(Exception):
    """What stands there is none of what is read here."""


class _Cell:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, Value]] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                self.tokens = [("unread", None)]
                return
            self.tokens.append(_token(found))
            place = found.end()

    def test(self) -> Test | None:
        try:
            negated = self.tokens[0] == ("word", "not")
            if negated:
                if self.tokens[1] != ("sign", "(") or self.tokens[-1] != ("sign", ")"):
                    return None
                self.tokens = self.tokens[2:-1]
            parts = [self.part()]
            while self.tokens:
                self.sign(",")
                parts.append(self.part())
        except (_Unread, IndexError):
            return None
        if negated and any(None not in (part.low, part.high) and part.low > part.high for part in parts):
            return None  # an interval from more to less holds nothing, and FEEL knows no answer to what is outside of it
        return Test(tuple(parts), negated)

    def part(self) -> Between:
        kind, said = self.tokens.pop(0)
        if kind == "value":
            return Between(said, True, said, True)
        if kind == "sign" and said in ("<", "<=", ">", ">="):
            bound, closed = self.ordered(), said in ("<=", ">=")
            return Between(None, False, bound, closed) if said[0] == "<" else Between(bound, closed, None, False)
        if kind == "sign" and said in ("[", "(", "]"):
            low = self.ordered()
            self.sign("..")
            high = self.ordered()
            ends, closing = self.tokens.pop(0)
            if ends == "sign" and closing in ("]", ")", "[") and type(low) is type(high):
                return Between(low, said == "[", high, closing == "]")
        raise _Unread

    def ordered(self) -> Value:
        """A value that may be compared: texts are ordered in FEEL, too, but not as people think."""
        kind, value = self.tokens.pop(0)
        if kind != "value" or isinstance(value, bool) or not isinstance(value, Decimal | dt.date):
            raise _Unread
        return value

    def sign(self, wanted: str) -> None:
        if self.tokens.pop(0) != ("sign", wanted):
            raise _Unread


def _token(found: re.Match[str]) -> tuple[str, Value]:
    if found["date"]:
        try:
            return "value", dt.date.fromisoformat(found["called"] or found["at"])
        except ValueError:
            return "unread", None
    if found["text"]:
        try:
            return "value", json.loads(found["text"])
        except ValueError:
            return "unread", None
    if found["number"]:
        return "value", Decimal(found["number"].replace(" ", ""))
    if found["word"] and found["word"] != "not":
        return "value", {"true": True, "false": False, "null": None}[found["word"]]
    return ("word", "not") if found["word"] else ("sign", found["sign"])


class Column:
    """The values of one input, divided into atoms by all its cells and by what it may be."""

    def __init__(self, cells: Sequence[str | None], allowed: str | None, type: str | None) -> None:
        """`allowed`: the unary test of what the input may be; `type`: its declared type, where that is one of FEEL's."""
        tests = [read(cell) for cell in cells]
        limit = read(allowed) if allowed else ANYTHING
        named = [bound for test in (*tests, limit) if test for bound in test.bounds]
        kinds = {_KINDS[_type(bound)] for bound in named}
        declared = _TYPES.get(type or "")
        self.null = "null" in kinds
        kinds -= {"null"}
        #: number, text, boolean or date; "" where no cell says
        self.kind = kinds.pop() if len(kinds) == 1 else declared or "" if not kinds else "mixed"
        if self.kind == "mixed" or (declared and self.kind != declared) or (type and not declared and self.kind):
            # of a type that cells do not speak of, every cell that says something is as good as unread
            tests, named, self.kind, self.null = [test if test == ANYTHING else None for test in tests], [], "", False
            limit = ANYTHING
        if self.kind == "boolean":
            named += [True, False]
        self.points: list[Value] = sorted({bound for bound in named if bound is not None})
        self.size = self._atoms() + self.null
        #: for each cell the set of values that it accepts, None where it was not read
        self.sets = [None if test is None else self.set(test) for test in tests]
        #: what the input may be
        self.all = self.set(limit or ANYTHING)
        if limit is None:
            self.sets = [given if given == self.set(ANYTHING) else None for given in self.sets]

    def _atoms(self) -> int:
        if self.kind in ("number", "date"):
            return 2 * len(self.points) + 1
        return len(self.points) + (self.kind != "boolean")

    def set(self, test: Test) -> int:
        """The atoms that a test accepts, as bits."""
        bits = 0
        for part in test.parts:
            bits |= self._part(part)
        return ((1 << self.size) - 1) & ~self._void & ~bits if test.negated else bits

    def _part(self, part: Between) -> int:
        if part.low is None and part.high is None:
            return 1 << (self.size - 1)  # null, which no interval holds
        if self.kind not in ("number", "date"):
            return 1 << self.points.index(part.low)
        first = 0 if part.low is None else 2 * bisect.bisect_left(self.points, part.low) + (1 if part.with_low else 2)
        last = 2 * len(self.points) if part.high is None else 2 * bisect.bisect_left(self.points, part.high) + (1 if part.with_high else 0)
        return (((1 << (last + 1)) - 1) & ~((1 << first) - 1) if last >= first else 0) & ~self._void

    @property
    def _void(self) -> int:
        """Atoms in which nothing lies: between one day and the next."""
        if self.kind != "date":
            return 0
        pairs = enumerate(zip(self.points, self.points[1:], strict=False), 1)
        return sum(1 << (2 * place) for place, (low, high) in pairs if high - low <= dt.timedelta(days=1))

    @property
    def usual(self) -> int:
        """What one expects to come: of a text the values that cells name, of whole numbers whole ones."""
        bits = self.all
        if self.kind == "text" and self.points:
            bits &= ~(1 << len(self.points))
        if self.kind == "number" and all(point == point.to_integral_value() for point in self.points):
            pairs = enumerate(zip(self.points, self.points[1:], strict=False), 1)
            bits &= ~sum(1 << (2 * place) for place, (low, high) in pairs if high - low <= 1)
        return bits

    def example(self, bits: int) -> Value:
        """A value of a set that is not empty; `...` where any value will do."""
        place = (bits & -bits).bit_length() - 1
        if self.null and place == self.size - 1:
            return None
        if self.kind in ("number", "date"):
            return self._between(place) if self.points else ...
        if place < len(self.points):
            return self.points[place]
        return ... if not self.points else _other(self.points)

    def _between(self, place: int) -> Value:
        at, inside = divmod(place, 2)
        if inside:
            return self.points[at]
        day = dt.timedelta(days=1) if self.kind == "date" else 1
        if at == 0:
            return self.points[0] - day
        low = self.points[at - 1]
        if at == len(self.points) or low + day < self.points[at]:
            return low + day
        return low + (self.points[at] - low) / 2


def _type(value: Value) -> type:
    return bool if isinstance(value, bool) else type(value)


def _other(texts: Sequence[str]) -> str:
    """A text that is none of these."""
    other = "…"
    while other in texts:
        other += "…"
    return other


def shown(value: Value) -> str:
    """A value as FEEL writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f'date("{value.isoformat()}")' if isinstance(value, dt.date) else f"{value:f}"
