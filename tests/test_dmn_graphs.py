"""Decisions that stand on others: services, functions that call themselves, files that import each other, declared types."""

from __future__ import annotations

import pytest
from test_decisions import NOW, decide, decision, file, literal, needs_decision, needs_input, needs_knowledge

from engine import errors
from engine.bpmn.decisions import Decisions

DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"
SERVICE = (
    '<decisionService id="s" name="Judge"><outputDecision href="#out"/>'
    '<inputDecision href="#given"/><inputData href="#i"/></decisionService>',
    '<inputData id="i" name="pay"><variable name="pay" typeRef="number"/></inputData>',
    decision(literal('"never asked"'), id="given", name="grade", type="string"),
    decision(literal('grade + ": " + string(pay)'), id="out", name="Out", needs=[needs_input("i"), needs_decision("given")]),
)


def test_a_decision_service_is_asked_with_its_inputs() -> None:
    """Its input decisions are given, not evaluated; the trace has what was evaluated inside."""
    result = decide(file(*SERVICE), {"pay": 5, "grade": "A"}, "s")
    assert result.value == "A: 5"
    assert [step["decision"] for step in result.trace] == ["out", "s"]
    with pytest.raises(errors.DecisionFailed, match='the input "grade" is missing'):
        decide(file(*SERVICE), {"pay": 5}, "s")
    with pytest.raises(errors.DecisionFailed, match='the input "pay" is "much", which is not of the declared type number'):
        decide(file(*SERVICE), {"pay": "much", "grade": "A"}, "s")


def test_a_decision_service_is_called_with_input_data_first() -> None:
    """In a call the input data come before the input decisions, and none may be left out."""
    calls = file(*SERVICE, decision(literal('Judge(7, "B")'), needs=[needs_knowledge("s")]))
    assert decide(calls, {}).value == "B: 7"
    short = file(*SERVICE, decision(literal("Judge(7)"), needs=[needs_knowledge("s")]))
    with pytest.raises(errors.DecisionFailed, match='"grade" is missing'):
        decide(short, {})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('<decisionService id="s" name="s"/>', "s: it has no output decision"),
        (
            decision(f'<relation id="r"><column name="a"/><row>{literal("1")}{literal("2")}</row></relation>'),
            "r: row 1 has 2 cells, but the relation 1 columns",
        ),
    ],
)
def test_what_is_incomplete_is_refused_with_its_place(content: str, reason: str) -> None:
    """A service without a result and a row that does not fit its relation."""
    with pytest.raises(errors.FileRefused, match=reason):
        Decisions(file(content), file="x.dmn")


def test_a_decision_without_logic_has_no_answer() -> None:
    """A box that somebody drew and never filled is named, not taken for null."""
    with pytest.raises(errors.DecisionFailed, match='"Later" gave no answer: it has no logic'):
        decide(file(decision("", id="later", name="Later"), decision(literal("1"), needs=[needs_decision("later")])), {})


def test_a_function_may_call_itself() -> None:
    """A knowledge model knows its own name."""
    fibonacci = (
        '<businessKnowledgeModel id="k" name="fib"><encapsulatedLogic><formalParameter name="n" typeRef="number"/>'
        f"{literal('if n < 2 then n else fib(n - 1) + fib(n - 2)')}</encapsulatedLogic></businessKnowledgeModel>"
    )
    assert decide(file(fibonacci, decision(literal("fib(10)"), needs=[needs_knowledge("k")])), {}).value == 55


LIBRARY = file(
    '<itemDefinition name="tPerson"><itemComponent name="name"><typeRef>string</typeRef></itemComponent></itemDefinition>',
    '<inputData id="i" name="person"><variable name="person" typeRef="tPerson"/></inputData>',
    decision(literal('"Hello " + person.name'), id="greet", name="Greet", needs=[needs_input("i")]),
    '<businessKnowledgeModel id="k" name="loud"><encapsulatedLogic><formalParameter name="p" typeRef="tPerson"/>'
    f"{literal('upper case(p.name)')}</encapsulatedLogic></businessKnowledgeModel>",
).replace(b'id="defs"', b'id="defs" namespace="urn:library"')


def importing(*content: str) -> bytes:
    return file(f'<import namespace="urn:library" name="lib" importType="{DMN}"/>', *content).replace(
        b'id="defs"', b'id="defs" namespace="urn:main"'
    )


MAIN = importing(
    '<inputData id="me" name="me"><variable name="me" typeRef="lib.tPerson"/></inputData>',
    decision(
        literal('lib.Greet + ", " + lib.loud(me) + ", " + string(me instance of lib.tPerson)'),
        needs=[
            '<informationRequirement><requiredDecision href="urn:library#greet"/></informationRequirement>',
            needs_input("me"),
            '<knowledgeRequirement><requiredKnowledge href="urn:library#k"/></knowledgeRequirement>',
        ],
    ),
)


def test_a_file_imports_another_of_its_folder() -> None:
    """Decisions, functions and types of the other file are seen below the name of the import; only own decisions are offered."""
    decisions = Decisions(MAIN, file="main.dmn", beside={"library.dmn": LIBRARY, "broken.dmn": b"urn:library"})
    assert decisions.ids == ["d"]
    result = decisions.decide("d", {"person": {"name": "Li"}, "me": {"name": "Wang"}}, now=NOW)
    assert result.value == "Hello Li, WANG, true"
    assert [step["decision"] for step in result.trace] == ["greet", "d"]
    with pytest.raises(errors.DecisionFailed, match='the input "me" is "Wang", which is not of the declared type tPerson'):
        decisions.decide("d", {"person": {"name": "Li"}, "me": "Wang"}, now=NOW)
    assert decisions.check() == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (MAIN, 'it imports "urn:library", but no file beside it has that namespace'),
        (file('<import namespace="y" importType="http://www.w3.org/2001/XMLSchema"/>'), "only imports of other DMN files"),
        (file(decision(literal("1"), needs=[needs_input("x").replace("#x", "urn:y#x")])), "does not import"),
    ],
)
def test_what_cannot_be_imported_is_refused(content: bytes, reason: str) -> None:
    """A missing file, a file that is no DMN and a reference into a file that is not imported."""
    with pytest.raises(errors.FileRefused, match=reason):
        Decisions(content, file="main.dmn")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 instance of tGrade", True),
        ("7 instance of tGrade", True),
        ('"1" instance of tGrade', False),
        ("[1, 2] instance of tGrades", True),
        ("1 instance of tGrades", False),
    ],
)
def test_declared_types_have_instances(text: str, expected: bool) -> None:
    """`instance of` knows the item definitions whatever values they allow, and converts nothing."""
    types = (
        '<itemDefinition name="tGrade"><typeRef>number</typeRef><allowedValues><text>[1..5]</text></allowedValues></itemDefinition>'
        '<itemDefinition name="tGrades" isCollection="true"><typeRef>tGrade</typeRef></itemDefinition>'
    )
    assert decide(file(types, decision(literal(text))), {}).value is expected


def test_a_boxed_condition_that_is_no_truth_value_is_an_error() -> None:
    """A boxed if, filter or quantifier whose test gives a text says so."""
    for logic in (
        f"<conditional><if>{literal('1')}</if><then>{literal('1')}</then><else>{literal('2')}</else></conditional>",
        f"<filter><in>{literal('[1]')}</in><match>{literal('string(item)')}</match></filter>",
        f'<some iteratorVariable="i"><in>{literal("[1]")}</in><satisfies>{literal("i + 1")}</satisfies></some>',
    ):
        with pytest.raises(errors.DecisionFailed, match="must be true or false"):
            decide(file(decision(logic)), {})


def test_chinese_names_are_names_like_others() -> None:
    """Inputs, decisions and columns may be called what people call them, also with blanks and brackets around them."""
    content = file(
        decision(literal("工龄 补偿 + 员工.工龄"), name="结果", needs=[needs_decision("inner")]),
        decision(literal("员工.工龄 * 2"), id="inner", name="工龄 补偿", needs=[needs_input("i")]),
        '<inputData id="i" name="员工"/>',
    )
    result = decide(content, {"员工": {"工龄": 3}})
    assert result.value == 9
    assert Decisions(content, file="x.dmn").names == {"inner": "工龄 补偿", "d": "结果"}


def test_an_input_that_is_only_drawn_is_not_asked_for() -> None:
    """Names that the folder gives are checked for what a decision needs, not for what merely stands beside it."""
    drawn = '<inputData id="i" name="A note"/>'
    assert Decisions(file(drawn, decision(literal("pay"))), file="d.dmn").check(["pay"]) == []
    [(element, _)] = Decisions(file(drawn, decision(literal("pay"), needs=[needs_input("i")])), file="d.dmn").check(["pay"])
    assert element == "i"
