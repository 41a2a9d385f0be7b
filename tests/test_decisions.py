"""Decision tables and other boxed expressions: every hit policy, and no silent null where somebody made a mistake."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import pytest

from engine import errors
from engine.bpmn.decisions import Decisions, Result
from engine.bpmn.reader import read_xml

NAMESPACES = {
    "1.1": "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
    "1.2": "http://www.omg.org/spec/DMN/20180521/MODEL/",
    "1.3": "https://www.omg.org/spec/DMN/20191111/MODEL/",
    "1.4": "https://www.omg.org/spec/DMN/20211108/MODEL/",
    "1.5": "https://www.omg.org/spec/DMN/20230324/MODEL/",
}
NOW = dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)


def file(*content: str, version: str = "1.3") -> bytes:
    return f'<definitions xmlns="{NAMESPACES[version]}" id="defs" name="defs">{"".join(content)}</definitions>'.encode()


def decision(logic: str, *, id: str = "d", name: str = "D", type: str = "", needs: Sequence[str] = ()) -> str:
    variable = f'<variable name="{name}" typeRef="{type}"/>' if type else ""
    return f'<decision id="{id}" name="{name}">{variable}{"".join(needs)}{logic}</decision>'


def needs_input(id: str) -> str:
    return f'<informationRequirement><requiredInput href="#{id}"/></informationRequirement>'


def needs_decision(id: str) -> str:
    return f'<informationRequirement><requiredDecision href="#{id}"/></informationRequirement>'


def needs_knowledge(id: str) -> str:
    return f'<knowledgeRequirement><requiredKnowledge href="#{id}"/></knowledgeRequirement>'


def literal(text: str) -> str:
    return f"<literalExpression><text>{escape(text)}</text></literalExpression>"


def table(policy: str, inputs: Sequence[tuple[str, str]], outputs: Sequence[tuple[str, str]], *rules: Sequence[str], more: str = "") -> str:
    """An input is (expression, type), an output (name, allowed values), a rule its cells from left to right."""
    columns = "".join(f'<input><inputExpression typeRef="{t}"><text>{x}</text></inputExpression></input>' for x, t in inputs)
    for name, allowed in outputs:
        values = f"<outputValues><text>{escape(allowed)}</text></outputValues>" if allowed else ""
        columns += f'<output id="out-{name}" name="{name}">{values}{more}</output>'
    rows = ""
    for number, cells in enumerate(rules, 1):
        tests = "".join(f"<inputEntry><text>{escape(cell)}</text></inputEntry>" for cell in cells[: len(inputs)])
        results = "".join(f"<outputEntry><text>{escape(cell)}</text></outputEntry>" for cell in cells[len(inputs) :])
        rows += f'<rule id="r{number}">{tests}{results}<annotationEntry><text>because</text></annotationEntry></rule>'
    return f'<decisionTable id="t" {policy}>{columns}<annotation name="note"/>{rows}</decisionTable>'


def decide(content: bytes, data: dict[str, Any], id: str = "d") -> Result:
    return Decisions(content, file="rules.dmn").decide(id, data, now=NOW)


def test_a_text_is_no_number_that_a_cell_asks_for() -> None:
    """In a column of no declared type a rule for numbers does not apply to a text, in whatever order they would stand."""
    rules = ([">= 5", '"number"'], ["[1..4]", '"few"'], ['"a"', '"text"'], ["-", '"other"'])
    rates = file(decision(table('hitPolicy="FIRST"', [("x", "Any")], [("y", "")], *rules)))
    assert [decide(rates, {"x": x}).value for x in (7, 2, "a", "7", "zz")] == ["number", "few", "text", "other", "other"]


def hits(policy: str, x: int) -> Result:
    """Rules for x > 1, x > 2 and x > 3 with the results b, a and b."""
    rules = (["> 1", '"b"'], ["> 2", '"a"'], ["> 3", '"b"'])
    return decide(file(decision(table(f'hitPolicy="{policy}"', [("x", "number")], [("y", '"a","b"')], *rules))), {"x": x})


@pytest.mark.parametrize(
    ("policy", "x", "value", "matched"),
    [
        ("UNIQUE", 2, "b", ["r1"]),
        ("FIRST", 3, "b", ["r1"]),
        ("PRIORITY", 4, "a", ["r1", "r2", "r3"]),
        ("ANY", 2, "b", ["r1"]),
        ("COLLECT", 4, ["b", "a", "b"], ["r1", "r2", "r3"]),
        ("RULE ORDER", 3, ["b", "a"], ["r1", "r2"]),
        ("OUTPUT ORDER", 4, ["a", "b", "b"], ["r1", "r2", "r3"]),
        ("UNIQUE", 0, None, []),
        ("FIRST", 0, None, []),
        ("COLLECT", 0, [], []),
    ],
)
def test_each_hit_policy_answers_as_the_standard_says(policy: str, x: int, value: Any, matched: list[str]) -> None:
    """The value and the rules that applied, also when none did."""
    result = hits(policy, x)
    assert (result.value, result.matched, result.inputs) == (value, matched, {"x": x})


@pytest.mark.parametrize(("policy", "x", "rules"), [("UNIQUE", 3, ["1 (r1)", "2 (r2)"]), ("ANY", 4, ["1 (r1)", "2 (r2)"])])
def test_rules_that_contradict_are_named(policy: str, x: int, rules: list[str]) -> None:
    """Two hits under UNIQUE and different results under ANY are an error that names the rules, not null."""
    with pytest.raises(errors.DecisionFailed) as caught:
        hits(policy, x)
    assert all(rule in caught.value.message for rule in rules) and policy in caught.value.message


@pytest.mark.parametrize(("aggregation", "some", "none"), [("SUM", 12, None), ("MIN", 3, None), ("MAX", 5, None), ("COUNT", 3, 0)])
def test_collected_results_are_aggregated(aggregation: str, some: int, none: int | None) -> None:
    """Sum, least, greatest and number of the collected results."""
    policy = f'hitPolicy="COLLECT" aggregation="{aggregation}"'
    content = file(decision(table(policy, [("x", "number")], [("y", "")], ["> 1", "3"], ["> 2", "4"], ["> 3", "x"])))
    assert decide(content, {"x": 5}).value == some
    assert decide(content, {"x": 0}).value == none


def test_several_outputs_give_a_mapping_with_defaults() -> None:
    """Outputs are named; without a hit each gives its default."""
    default = "<defaultOutputEntry><text>0</text></defaultOutputEntry>"
    content = file(decision(table("", [("x", "")], [("a", ""), ("b", "")], ["1", "x + 1", '"one"'], more=default)))
    assert decide(content, {"x": 1}).value == {"a": 2, "b": "one"}
    assert decide(content, {"x": 2}) == Result({"a": 0, "b": 0}, [], {"x": 2}, decide(content, {"x": 2}).trace)


@pytest.mark.parametrize("version", NAMESPACES)
def test_every_version_of_dmn_is_read(version: str) -> None:
    """Files of DMN 1.1 to 1.5 give the same answer."""
    content = file(decision(table("", [("x", "number")], [("y", "")], ['"never", 7', '"seven"'])), version=version)
    assert decide(content, {"x": 7}).value == "seven"


def test_elements_without_ids_are_named_by_their_place() -> None:
    """A rule without id is its row, a decision without id its name."""
    content = file(decision(table("", [("x", "")], [("y", "")], ["-", "1"]), name="Named"))
    content = content.replace(b' id="r1"', b"").replace(b' id="d"', b"")
    decisions = Decisions(content, file="rules.dmn")
    assert decisions.ids == ["Named"]
    assert decisions.decide("Named", {"x": 1}).matched == ["rule 1"]


def test_a_missing_input_is_an_error() -> None:
    """A name that is not there, an absent key and an input data without value are said aloud, also where a dash stands."""
    free = file(decision(table("", [("a.b", "")], [("y", "")], ["-", "1"])))
    for data in ({}, {"a": {}}, {"a": None}):
        with pytest.raises(errors.DecisionFailed, match=r'"[ab]"'):
            decide(free, data)
    declared = file('<inputData id="i" name="age"/>', decision(literal("1"), needs=[needs_input("i")]))
    with pytest.raises(errors.DecisionFailed, match='the input "age" is missing'):
        decide(declared, {})
    assert decide(declared, {"age": None}).value == 1


def test_a_value_of_another_type_than_declared_is_an_error() -> None:
    """A text in a column of numbers would match nothing; so it is refused."""
    content = file(decision(table("", [("x", "number")], [("y", "")], ["> 3", "1"])))
    with pytest.raises(errors.DecisionFailed, match='"x" is "4", which is not of the declared type number'):
        decide(content, {"x": "4"})
    result = file(decision(literal('"text"'), type="number"))
    with pytest.raises(errors.DecisionFailed, match="declared type number"):
        decide(result, {})


@pytest.mark.parametrize(
    ("type", "value", "cell"),
    [
        ("date", "2026-11-01", '< date("2026-11-02")'),
        ("date", "2026-11-01", "< today()"),
        ("dateTime", "2026-11-01T10:00:00Z", "< now()"),
        ("time", "09:30:00", '< time("10:00:00")'),
        ("dayTimeDuration", "PT30H", '> duration("P1D")'),
        ("years and months duration", "P13M", '> duration("P1Y")'),
        ("string", "2026-11-01", '"2026-11-01"'),
        ("boolean", True, "true"),
        ("integer", 4, "[3..5]"),
    ],
)
def test_text_is_read_as_the_type_that_a_column_declares(type: str, value: Any, cell: str) -> None:
    """Case variables hold dates as text; a column of dates compares dates."""
    content = file(decision(table("", [("x", type)], [("y", "")], [cell, '"hit"'])))
    assert decide(content, {"x": value}).value == "hit"


def test_decisions_require_others_and_call_knowledge_models() -> None:
    """A graph of an input, a function, an inner and an outer decision is evaluated once each, in order."""
    function = (
        '<businessKnowledgeModel id="k" name="double"><encapsulatedLogic><formalParameter name="n" typeRef="number"/>'
        f"{literal('n * 2')}</encapsulatedLogic></businessKnowledgeModel>"
    )
    content = file(
        decision(literal("Inner Result + Inner Result"), needs=[needs_decision("inner")]),
        decision(literal("double(Base Pay)"), id="inner", name="Inner Result", needs=[needs_input("i"), needs_knowledge("k")]),
        '<inputData id="i" name="Base Pay"><variable name="Base Pay" typeRef="number"/></inputData>',
        function,
    )
    result = decide(content, {"Base Pay": 5})
    assert result.value == 20
    assert [(step["decision"], step["value"]) for step in result.trace] == [("inner", 10), ("d", 20)]
    assert Decisions(content, file="rules.dmn").ids == ["inner", "d"]


BOXED = {
    "context": (
        '<context><contextEntry><variable name="a"/>'
        + literal("x + 1")
        + '</contextEntry><contextEntry><variable name="b"/>'
        + literal("a * 2")
        + "</contextEntry></context>",
        {"a": 4, "b": 8},
    ),
    "context with result": (
        '<context><contextEntry><variable name="a"/>'
        + literal("x")
        + "</contextEntry><contextEntry>"
        + literal("a + 1")
        + "</contextEntry></context>",
        4,
    ),
    "list": ("<list>" + literal("x") + literal('"b"') + "</list>", [3, "b"]),
    "relation": (
        '<relation><column name="k"/><column name="v"/><row>' + literal('"a"') + literal("x") + "</row></relation>",
        [{"k": "a", "v": 3}],
    ),
    "invocation": (
        "<invocation>" + literal("function(n) n + 1") + '<binding><parameter name="n"/>' + literal("x") + "</binding></invocation>",
        4,
    ),
    "conditional": (
        "<conditional><if>"
        + literal("x > 2")
        + "</if><then>"
        + literal('"more"')
        + "</then><else>"
        + literal('"less"')
        + "</else></conditional>",
        "more",
    ),
    "filter": ("<filter><in>" + literal("[1,2,3,4]") + "</in><match>" + literal("item >= x") + "</match></filter>", [3, 4]),
    "for": (
        '<for iteratorVariable="i"><in>' + literal("[1..x]") + "</in><return>" + literal("i * i") + "</return></for>",
        [1, 4, 9],
    ),
    "some": (
        '<some iteratorVariable="i"><in>' + literal("[1,5]") + "</in><satisfies>" + literal("i > x") + "</satisfies></some>",
        True,
    ),
    "every": (
        '<every iteratorVariable="i"><in>' + literal("[1,5]") + "</in><satisfies>" + literal("i > x") + "</satisfies></every>",
        False,
    ),
}


@pytest.mark.parametrize("kind", BOXED)
def test_boxed_expressions(kind: str) -> None:
    """Each kind of boxed expression gives its value."""
    logic, expected = BOXED[kind]
    assert decide(file(decision(logic)), {"x": 3}).value == expected


def test_item_definitions_check_structures_and_allowed_values() -> None:
    """An input with a structure must have its parts, and only allowed values."""
    types = (
        '<itemDefinition name="Person"><itemComponent name="born"><typeRef>date</typeRef></itemComponent>'
        '<itemComponent name="kind"><typeRef>string</typeRef><allowedValues><text>"a","b"</text></allowedValues></itemComponent>'
        "</itemDefinition>"
    )
    asked = '<inputData id="i" name="p"><variable name="p" typeRef="Person"/></inputData>'
    content = file(types, asked, decision(literal('p.born < date("2000-01-01")'), needs=[needs_input("i")]))
    assert decide(content, {"p": {"born": "1990-05-01", "kind": "a"}}).value is True
    for wrong in ({"born": "1990-05-01", "kind": "c"}, {"born": "1990-05-01"}, {"born": "yesterday", "kind": "a"}, "text"):
        with pytest.raises(errors.DecisionFailed, match='the input "p"'):
            decide(content, {"p": wrong})


def test_check_names_the_element_of_each_finding() -> None:
    """Mistakes in cells and names that no variable has are found before a case meets them."""
    content = file(
        '<inputData id="i" name="age"/>',
        decision(table("", [("x.y", "")], [("z", "")], ["> ", "1"], ["> age", "foo(1)"], ["== 3", "b"]), needs=[needs_input("i")]),
    )
    decisions = Decisions(content, file="rules.dmn")
    assert [element for element, _ in decisions.check()] == ["r1", "r2", "r3"]
    assert decisions.check({"x.y", "age", "b"}) == decisions.check()
    found = decisions.check({"x.z"})
    assert {element for element, _ in found} == {"i", "t", "r1", "r2", "r3"}
    assert ("t", '"x.y": there is no variable "x.y"') in found
    with pytest.raises(errors.DecisionFailed, match="cannot stand"):
        decisions.decide("d", {"age": 1, "x": {"y": 2}})


def test_money_that_a_cell_multiplies_is_named_with_its_rule() -> None:
    """A result that multiplies fen is found as in a diagram; a condition that compares them is not."""
    content = file(decision(table("", [("wage_fen", "number")], [("y", "")], ["> 100", "wage_fen * 1.5"], ["<= 100", "wage_fen"])))
    assert Decisions(content, file="rules.dmn").money() == [("r1", "wage_fen")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<definitions/>", "not a DMN file"),
        (b"no xml", "line 1"),
        (file("<decision id='d' name='D'>" + needs_input("nowhere") + "</decision>"), "nowhere"),
        (file('<import importType="x" namespace="y"/>'), "imports"),
        (file(decision('<literalExpression expressionLanguage="juel"><text>${a}</text></literalExpression>')), "juel"),
        (file(decision(table('hitPolicy="BEST"', [("x", "")], [("y", "")]))), "BEST"),
        (file(decision(table("", [("x", "")], [("y", "")], ["1"]))), "rule 1"),
        (
            file(
                decision(literal("1"), id="a", needs=[needs_decision("b")]),
                decision(literal("1"), id="b", needs=[needs_decision("a")]),
            ),
            "each",
        ),
        (file(decision(literal("1")), decision(literal("2"))), "twice"),
    ],
)
def test_a_file_that_cannot_be_run_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    """What is wrong with the file as a whole is said when it is read."""
    with pytest.raises(errors.FileRefused, match=reason):
        Decisions(content, file="rules.dmn")


def test_an_unknown_decision_is_not_found() -> None:
    """Asking for a decision that the file does not have names it."""
    with pytest.raises(errors.NotFound, match="other"):
        decide(file(decision(literal("1"))), {}, "other")


def test_a_decision_without_end_is_stopped() -> None:
    """A cell that runs on is an error, and the next decision is right."""
    endless = literal("count(for i in 1..100000, j in 1..100000 return null)")
    with pytest.raises(errors.DecisionFailed, match="time or memory"):
        decide(file(decision(endless)), {})
    assert decide(file(decision(literal("1 + 1"))), {}).value == 2


def test_large_tables_are_read_and_kept() -> None:
    """A table of three hundred rules is read once, longer than an expression may run, and then answers quickly."""
    rules = [[f'"k{n}"', f"[{n}..{n + 5}]", f'"v{n}"'] for n in range(300)]
    logic = table('hitPolicy="FIRST"', [("k", "string"), ("n", "number")], [("v", "")], *rules)
    decisions = Decisions(file(decision(logic)), file="big.dmn")
    assert decisions.check({"k", "n"}) == []
    assert decisions.decide("d", {"k": "k299", "n": 300}).value == "v299"


ENTITIES = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ENTITIES, "line 1"),
        (b"\n\n<!DOCTYPE a><a/>", "line 3"),
        (b"<a>\n</b>", "line 2"),
        (b" " * (2 * 1024 * 1024 + 1), "2 MB"),
        (b"", "line 1"),
    ],
)
def test_dangerous_or_broken_xml_is_refused_with_its_line(content: bytes, reason: str) -> None:
    """No document types, no entities, nothing beyond the size limit."""
    with pytest.raises(errors.FileRefused, match=reason):
        read_xml(content, "x.bpmn")
