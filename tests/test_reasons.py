"""What the engine and its FEEL interpreter can complain about, read from their sources, is there in Chinese."""

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from test_decisions import decision, file, needs_input, table

import engine
from engine.bpmn import expressions, feel
from engine.bpmn.decisions import Decisions
from engine.bpmn.model import Element
from engine.bpmn.normalise import RUNS, construct
from engine.errors import FeelError, PartwellError
from webapp import i18n

ENGINE = Path(engine.__file__).parent
#: stands where a sentence has a fact
_FACT = "A7"
_SENTENCE = re.compile(r"[A-Za-z]+,?(?: [A-Za-z]+){2}")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
#: FEEL that the conversion writes, names of fonts, lists of words
_NO_SENTENCE = re.compile(r"\(?if |for entry in|Noto |\n")
#: said to those who write programs, or by other programs
_UNSEEN = {
    "A7 has no time zone",
    "a round needs people, each once, and none who is barred",
    "an attempt ends with an answer or an error",
    "an instant needs a time zone",
    "working time is added, not taken away",
    "the server closed the connection",
    "the transaction had failed before, so nothing of it was committed",
    "Recursion limit reached",
    "SpiffWorkflow asked for a script engine (A7); the skeleton has no scripts",
}


def _said(node: ast.AST) -> str | None:
    """A text of a Python source as it may be said; None for what is no text."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_said(part) or _FACT for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right) if (text := _said(left)) is not None:
            return text + (_said(right) or _FACT)
    return None


def _texts(node: ast.AST, *, raised: bool) -> Iterator[str]:
    """The texts below a node but for docstrings and logs; `raised`: only those of errors that are raised."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.Call) and ast.unparse(child.func).startswith("log."):
            continue
        text = None if raised else _said(child)
        if text is None:
            yield from _texts(child, raised=raised and not isinstance(child, ast.Raise))
        else:
            yield text


def _of_the_engine() -> Iterator[str]:
    """Every sentence of `engine.bpmn` and of the check of forms, and those of errors that the rest of the engine raises."""
    for path in ENGINE.rglob("*.py"):
        part = path.relative_to(ENGINE).parts[0]
        if part not in ("bench", "migrations", "errors") and path.name != "findings.py":
            yield from _texts(ast.parse(path.read_text("utf-8")), raised=part != "bpmn")
    yield from _texts(ast.parse((ENGINE.parent / "forms/problems.py").read_text("utf-8")), raised=False)


def _of_our_interpreter() -> Iterator[str]:
    """Every sentence in `feel/src`."""
    for path in (ENGINE / "bpmn/feel/src").glob("*.mjs"):
        if path.name != "patterns.mjs":  # what is thrown there is caught there
            source = re.sub(r"^\s*//.*$|/\*\*(?:.|\n)*?\*/", "", path.read_text("utf-8"), flags=re.MULTILINE)
            for plain, filled in re.findall(r"'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`", source):
                if not re.match(r"(?:date and time|.* duration$)", plain):
                    yield plain or re.sub(r"\$\{(?:[^{}]|\{[^{}]*\})*\}", _FACT, filled)


def _of_feelin() -> Iterator[str]:
    """What feelin complains about, as it stands in the bundle."""
    bundle = feel.BUNDLE.read_text("utf-8")
    named = re.search(r'function (\w+)\(\w,\w=\{\}\)\{return new \w+\("INVALID_ARGUMENTS"', bundle)
    assert named
    texts = r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)"""
    found = re.findall(rf"(?:template:|\b{named[1]}\(){texts}", bundle)
    found += [text for text in re.findall(texts, bundle) if re.search(r"\) (?:expects|does not accept) ", text) and len(text) < 200]
    for text in found:
        if " not found" not in text:  # `programs.mjs` says these in its own words
            yield re.sub(r"\$?\{[\w.]+\}", _FACT, text[1:-1])


def _untranslated(texts: Iterator[str]) -> tuple[int, set[str]]:
    sentences = {text for text in texts if _SENTENCE.search(text) and not _NO_SENTENCE.search(text)} - _UNSEEN
    told = {text: i18n.reason(text) for text in sentences}
    return len(told), {text for text, said in told.items() if not _CHINESE.search(said) or said.count(_FACT) != text.count(_FACT)}


@pytest.mark.parametrize(("texts", "least"), [(_of_the_engine, 150), (_of_our_interpreter, 40), (_of_feelin, 35)])
def test_every_reason_is_there_in_chinese_with_its_facts(texts: Any, least: int) -> None:
    """What can be said in English can be told in Chinese, and no fact is lost on the way."""
    count, missing = _untranslated(texts())
    assert count >= least and not missing


def test_every_kind_of_element_has_a_chinese_name() -> None:
    """What is refused is called as Chinese modelers call it, with its event or loop."""
    events = {event for allowed in RUNS.values() for event in allowed} | {"multiple"}
    kinds = [kind for kind in RUNS if kind.endswith("Event")]
    told = [construct(_element(kind=kind, event=event)) for kind, event in itertools.product(kinds, events)]
    others = [*(set(RUNS) - set(kinds)), "complexGateway", "adHocSubProcess"]
    told += [construct(_element(kind=kind)) for kind in others]
    told += [construct(_element(kind=k, loop=loop)) for k in others if "Gateway" not in k for loop in ("multiInstance", "standard")]
    assert {name for name in told if not _CHINESE.search(i18n.reason(name)) or re.search("[a-z]{3} ", i18n.reason(name))} == set()


def _element(**about: Any) -> Element:
    return Element(id="x", name="x", **about)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("days > > 3", "表达式“days > > 3”求值失败：比较请只写一个运算符，例如“=”或“>=”。"),
        ("absent + 1", "表达式“absent + 1”求值失败：没有变量“absent”。"),
        ('days + "x"', '表达式“days + "x"”求值失败：无法计算 5 + "x"。'),
        ("if days then 1 else 2", "表达式“if days then 1 else 2”求值失败：“if”的条件须为真或假，实际为 5。"),
        ("days(1)", "表达式“days(1)”求值失败：没有函数“days”。"),
        ('date("soon")', '表达式“date("soon")”求值失败：date("soon") 不是有效的日期。'),
        ("now()", "表达式“now()”求值失败：表达式需要当前时间，但此处没有提供。"),
    ],
)
def test_a_failed_expression_is_told_in_chinese(expression: str, said: str) -> None:
    """The whole sentence, as it stands on the incidents page."""
    with pytest.raises(FeelError) as caught:
        expressions.evaluate(expression, {"days": 5})
    assert i18n.error_text(caught.value) == said


def test_a_failed_decision_is_told_in_chinese() -> None:
    """A reason inside a reason is told in Chinese, too."""
    content = file(
        '<inputData id="i" name="days"/>',
        decision(table('hitPolicy="UNIQUE"', [("days", "number")], [("y", "")], ("-", "1"), ("> 3", "2")), needs=[needs_input("i")]),
    )
    with pytest.raises(PartwellError) as caught:
        Decisions(content, file="days.dmn").decide("d", {"days": 5})
    assert i18n.error_text(caught.value) == "决策表“D”没有给出结果：规则 1 (r1), 2 (r2) 同时命中，而命中策略 UNIQUE 只允许命中一条。"
    with pytest.raises(PartwellError) as caught:
        Decisions(content, file="days.dmn").decide("d", {"days": "many"})
    assert i18n.error_text(caught.value) == '决策表“D”无法用这些数据判定：“days”的值为 "many"，与声明的类型 number 不符。'


def test_what_somebody_wrote_stays() -> None:
    """A name between quotes is no word of ours, even where we know that word."""
    assert i18n.reason("task") == "任务"
    assert i18n.reason('there is no variable "task"') == "没有变量“task”"
    assert i18n.reason('"{"a": 1}": there is no variable "b"') == '“{"a": 1}”：没有变量“b”'


def test_english_readers_get_the_sentence_as_it_was_said() -> None:
    """Nothing is taken apart for them."""
    with Flask("test").test_request_context(headers={"Accept-Language": "en"}):
        assert i18n.reason('there is no variable "task"') == 'there is no variable "task"'
