"""FEEL (OMG DMN 1.5, chapter 10): checked when a procedure is deployed, evaluated while a case moves.

Data are JSON. Dates and times come back as ISO 8601 text; text stays text until an expression says `date(x)`. Nothing reads the
clock: `now()` and `today()` answer from the `now` that is passed in, in the zone set by `configure`. Money is integer fen;
`yuan(n)` gives the fen of n yuan, `is defined(x)` says whether there is anything at all.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import quickjs

from engine import errors
from engine.bpmn import feel
from engine.ports import Json

#: Zone in which `now()` and `today()` answer.
ZONE = "Asia/Shanghai"

#: Complaints that leave null standing where only a value is wanted; a condition tolerates none.
_ABSENT: Final = frozenset({"NO_CONTEXT_ENTRY_FOUND", "NO_PROPERTY_FOUND"})
#: Characters of an answer that is kept.
_KEPT: Final = 1000
_SHORT: Final[dict[str, Json]] = {"t": True, "f": False, "n": None}


@dataclass(frozen=True)
class Problem:
    """What is wrong with an expression, from character `from_` to before `to`."""

    from_: int
    to: int
    message: str
    #: it lacks a name of which the expression only asks whether it is defined
    asked: bool = False


def configure(zone: str) -> None:
    """Set the zone in which `now()` and `today()` answer. Raises `errors.SettingWrong` when there is no such zone."""
    global ZONE
    if zone.upper() not in feel.zone_names():
        raise errors.SettingWrong(setting="zone", reason=f'there is no time zone "{zone}"')
    ZONE = zone


def check(text: str, *, names: Collection[str] | None = None, unary: bool = False) -> list[Problem]:
    """Problems of an expression (without the leading `=`), or of a unary test as in a cell of a decision table.

    `names`: the dotted names that exist, such as `employee.months`; below a name of which nothing deeper is given, everything
    is taken to exist. None: names are not checked. What does not exist is one problem, however often it is used; where the expression
    has made sure with `is defined` that it is there, it is none.
    """
    return list(_study(text, unary, frozenset(names or ()), names is not None).problems)


def money(text: str, *, unary: bool = False) -> list[str]:
    """Names of money (`…_fen`) that is multiplied or divided outside of a comparison, where a double may lose a fen."""
    return list(_study(text, unary, frozenset(), False).money)


def uses(text: str, *, unary: bool = False) -> frozenset[str]:
    """Top-level names that the expression may read. Raises `errors.FeelError` for an expression that cannot be read."""
    return _sound(text, unary, frozenset()).uses


@functools.lru_cache(maxsize=4096)
def form(text: str, names: frozenset[str] = frozenset()) -> Json:
    """Which parts the value of an expression has, as its text tells: what it may be, or None where that is not known.

    What it may be is a list of `{"path": […]}`, as a variable or a part of one is, and `{"parts": {key: form}}`. A list is as its
    items are, since a path leads into each. `names`: as for `evaluate`.
    """
    try:
        return json.loads(feel.asked(lambda interpreter: interpreter.call("form", text, json.dumps(sorted(names)))))
    except (feel.LimitReached, UnicodeEncodeError):
        return None


def evaluate(text: str, data: Mapping[str, Json], *, names: Iterable[str] = (), now: dt.datetime | None = None) -> Json:
    """The value of the expression over `data`, as JSON.

    `names` declares names with blanks or signs, such as `Annual Leave`. A key that a mapping lacks is null. Raises
    `errors.FeelError` for an unknown variable or function, operands of the wrong type, a result that JSON cannot hold, a limit
    that was reached, and data that would not be exact (`Decimal`, NaN, whole numbers from 2**53).
    """
    return _evaluate(text, False, data, frozenset(names), now, _ABSENT)


def condition(text: str, data: Mapping[str, Json], *, now: dt.datetime | None = None) -> bool:
    """True or false. Raises `errors.FeelError` for every other result and for everything that the interpreter complains about.

    An absent key is such a complaint, unless the author expects it: `x.y = null`, `is defined(x.y)`.
    """
    result = _evaluate(text, False, data, frozenset(), now, frozenset())
    if result is True or result is False:
        return result
    shown = json.dumps(result, ensure_ascii=False)
    raise errors.FeelError(expression=text, reason=f"a condition must be true or false, but it gave: {shown[:60]}")


def matches(text: str, value: Json, data: Mapping[str, Json], *, now: dt.datetime | None = None) -> bool:
    """Whether `value` passes a unary test such as `[1..10]`, `"hr","it"` or `not("a")`. Raises `errors.FeelError`."""
    return _evaluate(text, True, {**data, "?": value}, frozenset(), now, _ABSENT) is True


@dataclass(frozen=True)
class _Study:
    problems: tuple[Problem, ...]
    uses: frozenset[str] = frozenset()
    timed: bool = False
    money: tuple[str, ...] = ()


@functools.lru_cache(maxsize=4096)
def _study(text: str, unary: bool, names: frozenset[str], complete: bool) -> _Study:
    """What is known without running it; `complete`: other names than `names` do not exist."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        wrong = f"the character U+{ord(text[error.start]):04X} cannot stand in an expression"
        return _Study((Problem(error.start, error.end, wrong),))
    try:
        given = json.dumps(sorted(names))
        found = json.loads(feel.asked(lambda interpreter: interpreter.call("study", text, unary, given, complete)))
    except feel.LimitReached:
        return _Study((Problem(0, len(text), "the expression is too large to be read; split it"),))
    problems = tuple(Problem(p["from"], p["to"], p["message"], p.get("asked", False)) for p in found["problems"])
    return _Study(problems, frozenset(found["uses"]), found["timed"], tuple(found["money"]))


def _sound(text: str, unary: bool, names: frozenset[str]) -> _Study:
    study = _study(text, unary, names, False)
    for problem in study.problems:
        raise errors.FeelError(expression=text, reason=problem.message, position=(problem.from_, problem.to))
    return study


def _compiled(interpreter: feel.Interpreter, text: str, unary: bool, names: frozenset[str]) -> int:
    """The number under which the interpreter runs a sound expression."""
    key = (text, unary, names)
    number: int | None = interpreter.compiled.get(key)
    if number is None:
        interpreter.make_room()
        number = interpreter.compiled[key] = interpreter.call("compile", text, unary, json.dumps(sorted(names)))
        interpreter.size += 1
    return number


def _evaluate(
    text: str, unary: bool, data: Mapping[str, Json], names: frozenset[str], now: dt.datetime | None, tolerated: frozenset[str]
) -> Json:
    study = _sound(text, unary, names)
    if not unary and study.uses == {text} and _exact(value := data.get(text)):
        return value  # a name alone gives what it names
    # Names with blanks and signs are spelled in several ways, so with them everything is sent.
    used = data if names else {name: data[name] for name in (*study.uses, "?") if name in data}
    try:
        if study.timed and now is None:
            raise ValueError("it asks for the time, but none was given")
        time = feel.local_time(now, ZONE) if study.timed else ""
        known = None if used or time else _constant(text, unary, names)
        answer = known or _run(text, unary, names, feel.wire(used), time)
    except feel.LimitReached:
        raise errors.FeelError(expression=text, reason="it took too much time or memory") from None
    except ValueError as error:
        raise errors.FeelError(expression=text, reason=str(error)) from None
    except quickjs.JSException as error:
        raise errors.FeelError(expression=text, reason=f"the interpreter stopped: {feel.said(error)}") from None
    if answer in _SHORT:
        return _SHORT[answer]
    found = json.loads(answer)
    for complaint in found["complaints"]:
        if complaint["type"] not in tolerated:
            raise errors.FeelError(expression=text, reason=complaint["message"], position=(complaint["from"], complaint["to"]))
    if "failed" in found:
        raise errors.FeelError(expression=text, reason=found["failed"])
    return found["value"]


def _run(text: str, unary: bool, names: frozenset[str], data: str, time: str) -> str:
    def ask(interpreter: feel.Interpreter) -> str:
        answer: str = interpreter.call("run", _compiled(interpreter, text, unary, names), data, time)
        return answer

    return feel.asked(ask)


@functools.lru_cache(maxsize=4096)
def _constant(text: str, unary: bool, names: frozenset[str]) -> str | None:
    """The answer of an expression that looks at nothing, which is always the same; None if it is too long to be kept."""
    answer = _run(text, unary, names, "{}", "")
    return answer if len(answer) <= _KEPT else None


def _exact(value: Json) -> bool:
    """Whether the value comes back from the interpreter as it went in."""
    return isinstance(value, (str, bool)) or (isinstance(value, int) and abs(value) < 2**53)
