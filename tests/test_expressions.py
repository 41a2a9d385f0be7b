"""FEEL as diagrams use it: right answers, clear refusals, nothing hostile gets through."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from bundles import rebuilt
from hypothesis import given
from hypothesis import strategies as st

from engine import errors
from engine.bpmn import expressions, feel
from engine.bpmn.expressions import Problem, check, condition, configure, evaluate, matches, uses

NOW = dt.datetime(2026, 11, 24, 17, 30, tzinfo=dt.UTC)
DATA: dict[str, Any] = {
    "employee": {"department": "客服部", "months": 14.5, "social": 2.5},
    "员工": {"工龄": 3},
    "amount": 12000,
    "scores": [58, 52, 55],
    "rows": [{"y": 1}, {"y": 5}],
    "limit": 3,
    "hired_on": "2026-10-10",
    "nothing": None,
    "Annual Leave": 5,
}


@pytest.fixture
def zone() -> Iterator[None]:
    """Puts the zone back after a test that changes it."""
    before = expressions.ZONE
    yield
    configure(before)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount + 1", 12001),
        ("sum(scores) / count(scores)", 55),
        ("员工.工龄 + 1", 4),
        ('if employee.months > 12 then "long" else "short"', "long"),
        ("for s in scores return s + limit", [61, 55, 58]),
        ("rows[y > limit]", [{"y": 5}]),
        ("rows[1].y", 1),
        ("{a: amount, b: a / 2}", {"a": 12000, "b": 6000}),
        ("yuan(50000)", 5000000),
        ("yuan(1234.56)", 123456),
        ("employee.unknown", None),
        ("nothing", None),
        ('string length("客服部")', 3),
    ],
)
def test_an_expression_gives_json(text: str, expected: Any) -> None:
    """Numbers, texts, lists and mappings come back as JSON."""
    assert evaluate(text, DATA) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('date(hired_on) + duration("P6M")', "2027-04-10"),
        ("date(hired_on) - date(hired_on)", "PT0S"),
        ('duration("P1Y2M")', "P1Y2M"),
        ("hired_on", "2026-10-10"),
        ('time("10:30:00")', "10:30:00"),
        ("now()", "2026-11-25T01:30:00+08:00"),
        ("today()", "2026-11-25"),
        ('@"2025-03-09T01:30:00@America/New_York" + duration("PT1H")', "2025-03-09T03:30:00-04:00"),
    ],
)
def test_dates_and_durations_come_back_as_iso_text(text: str, expected: str) -> None:
    """Case variables are JSON, so a date leaves FEEL as ISO 8601 text, a named zone as its offset."""
    assert evaluate(text, DATA, now=NOW) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('now() - date and time("2026-11-24T17:00:00Z")', "PT30M"),
        ('@"2025-09-20T10:00:00@Asia/Shanghai" - @"2025-09-20T01:00:00Z"', "PT1H"),
        ('@"2025-09-20T01:00:00Z" - @"2025-09-20T10:00:00@Asia/Shanghai"', "-PT1H"),
        ('@"2025-09-22T10:00:00+08:00" - @"2025-09-20T01:00:00Z"', "P2DT1H"),
    ],
)
def test_instants_of_different_zones_are_subtracted_as_instants(text: str, expected: str) -> None:
    """Ten o'clock in Shanghai is one hour after one o'clock in Greenwich."""
    assert evaluate(text, {}, now=NOW) == expected


def test_the_zone_of_now_can_be_set(zone: None) -> None:
    """The same moment is another date in New York."""
    configure("America/New_York")
    assert evaluate("today()", {}, now=NOW) == "2026-11-24"
    with pytest.raises(errors.SettingWrong, match="Mars/Olympus"):
        configure("Mars/Olympus")


def test_an_expression_never_reads_the_clock() -> None:
    """Without a time passed in, now() and today() are refused."""
    for text in ("now()", "date(hired_on) < today()"):
        with pytest.raises(errors.FeelError, match="time"):
            evaluate(text, DATA)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("employee.months > 12 and amount <= 20000", True),
        ('employee.department = "客服部"', True),
        ("count(scores[item < 60]) = 3", True),
        ("every s in scores satisfies s < 56", False),
        ("date(hired_on) < today()", True),
        ("employee.unknown = null", True),
        ("is defined(employee.unknown)", False),
        ("nothing = null or nothing.x > 3", True),
        ("nothing != null and nothing.x > 3", False),
        ("amount > yuan(100)", True),
    ],
)
def test_a_condition_is_true_or_false(text: str, expected: bool) -> None:
    """A condition answers, and an author who expects that something is absent may ask for it."""
    assert condition(text, DATA, now=NOW) is expected


def test_what_is_in_a_list_of_tests_may_be_of_several_types() -> None:
    """One that is met is enough; only where none is, a test of another type is an error."""
    assert condition('hired_on in ([1..10], "2021-03-01", hired_on)', DATA, now=NOW)
    assert matches('> 3, "x"', "x", DATA) and not matches('"y", "z"', "x", DATA) and not matches("> 3", None, DATA)
    for text in ('> 3, "y"', ">= 5", '[date("2020-01-01")..date("2030-01-01")]'):
        with pytest.raises(errors.FeelError, match="cannot be compared"):
            matches(text, "x", DATA)


@pytest.mark.parametrize(
    "text",
    [
        "amount",
        "null",
        "nothing > 3",
        "not(nothing)",
        '"true"',
        "employee.unknown > 3",
        "employee.unknown = true",
        "absent > 3",
        'amount > "x"',
        'amount = "12000"',
        "date(hired_on) < now()[1]",
        "hired_on in [1..10]",
        "hired_on in (> 5)",
        "hired_on between 1 and 10",
        'amount in ["a".."z"]',
        'hired_on in [date("2020-01-01")..date("2030-01-01")]',
    ],
)
def test_a_condition_that_is_neither_true_nor_false_is_an_error(text: str) -> None:
    """Null, a number, an absent key or a comparison of two types is an incident, never a silent no."""
    with pytest.raises(errors.FeelError):
        condition(text, DATA, now=NOW)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("[10000..20000]", 12000, True),
        ("[10000..20000)", 20000, False),
        ('"hr","it"', "it", True),
        ('not("hr","it")', "it", False),
        ("-", "anything", True),
        ("> limit", 4, True),
        ("? > limit and ? < 7", 7, False),
        ("scores", 52, True),
        ("true", False, False),
        ("employee.months > 12", 1, True),
    ],
)
def test_a_unary_test_matches_a_value(text: str, value: Any, expected: bool) -> None:
    """A cell of a decision table is tried against its value."""
    assert matches(text, value, DATA) is expected


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("1 +", [(3, 3)]),
        ("amount > 10 && x", [(12, 14), (15, 16)]),
        ("employee.monts > 3", [(0, 14)]),
        ("limit + employee.monts", [(8, 22)]),
        ("sum(scores) + foo(amount)", [(14, 17)]),
        ("amount == 3", [(7, 9)]),
        ("for s in scores return s + t", [(27, 28)]),
        ("{x: amount, y: x + z}", [(19, 20)]),
        ("", [(0, 0)]),
        ("employee.months > 12 and 员工.工龄 = 3", []),
        ("rows[y > limit].y", []),
        ("some r in rows satisfies r.y = limit", []),
        ("amount.anything", []),
        ("function(a) a + amount", []),
        ("employee", []),
    ],
)
def test_check_finds_problems_with_their_places(text: str, problems: list[tuple[int, int]]) -> None:
    """Syntax, names and functions are checked when a procedure is deployed; local names are no problem."""
    names = {"employee.months", "employee.department", "员工.工龄", "amount", "scores", "rows", "limit"}
    assert [(p.from_, p.to) for p in check(text, names=names)] == problems


def test_check_without_names_looks_at_syntax_and_functions_only() -> None:
    """None stands for names that are not known yet; the empty set for none at all."""
    assert check("whatever > 3") == []
    assert check("whatever > 3", names=set()) == [Problem(0, 8, 'there is no variable "whatever"')]
    assert [p.message for p in check("foo(1)")] == ['there is no function "foo"']
    assert [(p.from_, p.to) for p in check("== 3", unary=True)] == [(0, 2)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("case.wage_fen * 1.5", ["case.wage_fen"]),
        ("{a: 2 / 工资_fen}", ["工资_fen"]),
        ("wage_fen * 2 > yuan(50000)", []),
        ("wage_fen + bonus_fen", []),
        ("months * 2", []),
        ("if wage_fen > 1 then wage_fen / 3 else 0", ["wage_fen"]),
    ],
)
def test_money_that_is_multiplied_or_divided_is_named(text: str, names: list[str]) -> None:
    """Fen are compared and added; a product outside of a comparison may be a fen off."""
    assert expressions.money(text) == names


def test_uses_names_what_an_expression_reads() -> None:
    """Only top-level names count, and those bound inside or built in do not."""
    assert uses("a.b[1].c + sum(for x in xs return x + y)") == {"a", "xs", "y"}
    assert uses("rows[y > limit]") == {"rows", "y", "limit"}
    assert uses("now() > date(hired_on)") == {"hired_on"}
    assert uses("> limit, ?", unary=True) == {"limit"}


def test_names_with_blanks_are_declared() -> None:
    """A name with a blank is read as one name, with declaration also next to other names."""
    assert evaluate("员工.工龄 + Annual Leave", DATA, names=("员工.工龄", "Annual Leave")) == 8


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), float("inf"), Decimal("1"), NOW, {1}, [{"x": float("nan")}]])
def test_data_that_would_not_be_exact_are_refused(value: Any) -> None:
    """A value that a double or JSON cannot hold is never changed in silence."""
    with pytest.raises(errors.FeelError):
        evaluate("x", {"x": value})


@pytest.mark.parametrize("text", ["2 ** 60", "9007199254740993", "[1..3]", "function(x) x", '@"2025-01-01".value', "yuan(1.005)"])
def test_results_that_json_cannot_hold_are_refused(text: str) -> None:
    """A range, a function, an inexact number or an inner object cannot become a case variable."""
    with pytest.raises(errors.FeelError):
        evaluate(text, {})


def test_an_unknown_variable_or_wrong_type_is_an_error_with_its_place() -> None:
    """What the standard answers with null is said aloud, with the characters that are at fault."""
    with pytest.raises(errors.FeelError, match='no variable "absent"') as caught:
        evaluate("1 + absent", DATA)
    assert caught.value.position == (4, 10)
    with pytest.raises(errors.FeelError, match=r'12000 . "x" cannot be calculated'):
        evaluate('amount + "x"', DATA)


@pytest.mark.parametrize("value", ["客服部", "", True, False, 0, -3, 2**53 - 1, 1.0, 1.5, None, [1, 2.0], {"a": 1.0}])
def test_a_name_alone_gives_what_the_interpreter_would(value: Any) -> None:
    """A name without anything around it gives the same value, of the same type, as when it is calculated."""
    alone, calculated = evaluate("x", {"x": value}), evaluate("(x)", {"x": value})
    assert (alone, type(alone)) == (calculated, type(calculated))


def test_a_name_alone_is_still_compared_in_a_unary_test() -> None:
    """As a unary test a name is no value but what the value must equal."""
    assert matches("limit", 3, DATA)
    assert not matches("limit", 4, DATA)


def test_what_looks_at_nothing_is_given_anew_each_time() -> None:
    """Whoever changes the list that a literal gave does not change what the next one gets, however long it is."""
    for text, length in (('["hr", "legal"]', 2), ("for i in 1..2000 return i", 2000)):
        first = evaluate(text, {})
        first.append("changed")  # type: ignore[union-attr]
        assert len(evaluate(text, {})) == length  # type: ignore[arg-type]


def test_only_what_an_expression_uses_is_handed_over() -> None:
    """A variable that FEEL could not hold does no harm to an expression that does not read it."""
    assert evaluate("amount", {"amount": 1, "other": Decimal(1)}) == 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_json_passes_through_feel_unchanged(value: Any) -> None:
    """What goes in as a variable comes out as the same JSON."""
    if isinstance(value, float) and abs(value) >= 2**53:
        return
    try:
        assert evaluate("x", {"x": value}) == value
    except errors.FeelError as error:
        assert "too large" in error.message


HOSTILE = {
    "endless loop": "count(for i in 1..100000, j in 1..100000 return null)",
    "memory": 'count(for i in 1..1000000000 return "xxxxxxxxxxxxxxxx")',
    "string": 'string length(for i in 1..60 return if i = 1 then "xxxxxxxxxxxxxxxx" else partial[-1] + partial[-1])',
    "regular expression": 'matches("' + "a" * 40 + '!", "^(a+)+$")',
    "recursion": "{f: function(g, x) g(g, x + 1), r: f(f, 1)}.r",
    "parentheses": "(" * 1900 + "1" + ")" * 1900,
    "lists": "[" * 1900 + "1" + "]" * 1900,
    "sum": "1" + "+1" * 1900,
    "chain": " and ".join(["true"] * 400),
    "length": '"' + "x" * 4000 + '"',
    "very long": "+".join(["1"] * 200000),
    "call": 'sum.constructor("return 1")()',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_expressions_end_and_the_next_answer_is_right(text: str) -> None:
    """Loops, bombs and endless nesting end in an error after seconds of work, and the thread goes on working."""
    started = time.thread_time()
    with pytest.raises(errors.FeelError):
        evaluate(text, {})
    assert time.thread_time() - started < 5
    assert evaluate("amount + 1", DATA) == 12001


@pytest.mark.parametrize(
    "text",
    [
        "{}.constructor",
        '"a".constructor',
        "{}.__proto__",
        'get value({}, "constructor")',
        '@"2025-01-01".constructor',
        "amount.toString",
    ],
)
def test_nothing_of_javascript_shows_through(text: str) -> None:
    """An expression sees FEEL values and no property of the objects that hold them."""
    assert evaluate(text, DATA) is None


def test_no_expression_changes_what_the_next_one_sees() -> None:
    """An interpreter serves many cases, so nothing may stick to the objects that all values share."""
    for text in (
        'context put({}, ["__proto__", "stain"], 1)',
        '{"__proto__": {stain: 1}}',
        'context merge([{"__proto__": {stain: 1}}])',
    ):
        with contextlib.suppress(errors.FeelError):
            evaluate(text, {})
    check("a", names={"__proto__.stain"})
    assert evaluate("{}.stain", {}) is None


@pytest.mark.parametrize("text", ["globalThis", "Function", "partwell", "constructor", "__proto__"])
def test_global_names_are_unknown_variables(text: str) -> None:
    """No name of the interpreter can be reached."""
    with pytest.raises(errors.FeelError, match="no variable"):
        evaluate(text, {})


def test_a_chain_of_two_hundred_terms_is_accepted() -> None:
    """The limit leaves room for what a person writes."""
    assert evaluate("+".join(["1"] * 200), {}) == 200


def test_threads_share_a_few_interpreters() -> None:
    """Many threads evaluate at once, each gets its own right answers, and no more contexts stay than are kept."""
    wrong: list[int] = []

    def work(number: int) -> None:
        wrong.extend(i for i in range(200) if evaluate("a * b", {"a": i, "b": number}) != i * number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(feel._free) <= feel.KEPT


def test_a_thread_pays_only_for_its_own_time() -> None:
    """What others cut short is asked again, not for ever; what reaches a limit by itself is asked once."""
    asked: list[bool] = []

    def cut_short(times: int, by_others: bool) -> Callable[[feel.Interpreter], str]:
        def ask(interpreter: feel.Interpreter) -> str:
            asked.append(by_others)
            if len(asked) <= times:
                raise feel.LimitReached(by_others=by_others)
            return "answered"

        asked.clear()
        return ask

    assert feel.asked(cut_short(feel.ATTEMPTS - 1, by_others=True)) == "answered"
    for by_others, attempts in [(True, feel.ATTEMPTS), (False, 1)]:
        with pytest.raises(feel.LimitReached):
            feel.asked(cut_short(99, by_others))
        assert len(asked) == attempts


def test_a_limit_knows_whose_work_it_was() -> None:
    """An endless expression was the thread's own, and so is a stack that is too deep."""
    for text in (HOSTILE["endless loop"], HOSTILE["recursion"]):
        with feel.interpreter() as interpreter, pytest.raises(feel.LimitReached) as reached:
            interpreter.call("run", interpreter.call("compile", text, False, "[]"), "{}", "")
        assert not reached.value.by_others


def test_a_table_is_asked_where_it_was_compiled() -> None:
    """Though others were given back after it."""
    with feel.interpreter() as first, feel.interpreter() as second:
        first.compiled["a table"] = 1
    assert feel._free[-1] is first or feel._free[-2:] == [second, first]
    with feel.interpreter(holding="another") as last:
        pass
    assert feel._free[-1] is last
    assert feel.asked(lambda lent: lent, "a table") is first
    del first.compiled["a table"]


def test_a_full_interpreter_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ever new expressions do not fill the memory: after the most, a context starts over, and old ones still answer."""
    monkeypatch.setattr(feel, "MOST", 3)
    for number in range(10):
        assert evaluate(f"amount + {number}", DATA) == 12000 + number
    with feel.interpreter() as interpreter:
        assert interpreter.size <= 3
    assert evaluate("amount + 0", DATA) == 12000


def test_the_bundle_is_what_its_sources_build(tmp_path: pathlib.Path) -> None:
    """Building feel.js again from the locked packages gives the committed file; said aloud when that cannot be tried."""
    if rebuilt(feel.BUNDLE.parent, tmp_path / "feel", without=("feel.js",)):
        built = (tmp_path / "feel" / "feel.js").read_bytes()
        assert hashlib.sha256(built).hexdigest() == hashlib.sha256(feel.BUNDLE.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "text, lacking",
    [
        ("x.y = 1 and x.z = 2 or x = 3", [(0, False)]),
        ('if is defined(x) and x.y = "a" then x.z else null', [(14, True)]),
        ("is defined(x) and x.y > 1 and x.z > 2", [(11, True)]),
        ("if (is defined(x)) then known.part else x.y", [(40, False)]),
        ("if is defined(x) or known.part then x.y else null", [(36, False)]),
        ("if is defined(known) then known.prat else null", [(26, False)]),
        ("if is defined(known.part) and is defined(y) then [y, x] else y", [(61, False), (53, False)]),
    ],
)
def test_what_does_not_exist_is_one_problem_and_none_where_it_was_asked_for(text: str, lacking: list[tuple[int, bool]]) -> None:
    """Parts of a missing variable say nothing new; behind `is defined` only what does exist there is looked into."""
    assert [(problem.from_, problem.asked) for problem in check(text, names={"known.part"})] == lacking
