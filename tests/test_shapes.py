"""Which parts the check knows of variables: those that every writer shows, and none where one of them does not."""

from __future__ import annotations

import pytest
from diagrams import END, START, diagram, flows, mapping, node, user, zeebe
from engine_room import form

from engine.bpmn.lint.calls import Calls


def below(*writers: str, forms: dict[str, object] | None = None, **more: bytes) -> list[str]:
    """What is known below the variables of a case in which some scripts, forms and decisions write."""
    files = {"x.bpmn": diagram(START, *writers, END, flows("start > end")), **{f"{name}.dmn": text for name, text in more.items()}}
    calls = Calls(files, forms or {})
    [process] = calls.processes.values()
    return sorted(name for name in calls.names(process).shapes if not name.startswith(("subject.", "initiator.", "case.")))


def script(id: str, expression: str, result: str = "x") -> str:
    return node("scriptTask", id, zeebe("script", expression=f"={expression}", resultVariable=result))


@pytest.mark.parametrize(
    ("expressions", "parts"),
    [
        (["{a: 1, b: {c: today()}}"], ["x.a", "x.b.c"]),
        (["{a: 1}", "{b: 2}", "null"], ["x.a", "x.b"]),
        (["if true then {a: 1} else null"], ["x.a"]),
        (["[{a: 1}, {b: 2}]"], ["x.a", "x.b"]),
        (["for i in [{c: 1}] return {a: i.c}"], ["x.a"]),
        (["context merge([x, {a: 1}])", "{b: 1}"], ["x.a", "x.b"]),
        (["{a: 1}", 'context put({}, "b", 1)'], []),
        (["{inner: x}"], []),
        (["{a: 1}", "somebody"], []),
        (['{"a.b": 1}'], []),
    ],
)
def test_what_expressions_show(expressions: list[str], parts: list[str]) -> None:
    """Contexts, branches, lists and merges; of what is calculated otherwise, or holds itself, nothing."""
    assert below(*(script(f"s{number}", text) for number, text in enumerate(expressions))) == parts


def test_variables_that_hand_on_parts_of_others() -> None:
    """A part of one keeps its own parts in another, whichever stands first in the file."""
    assert below(script("a", "{kept: y.inner}", "x"), script("b", "{inner: {deep: 1}}", "y")) == ["x.kept.deep", "y.inner.deep"]


def test_forms_and_what_is_mapped_from_them() -> None:
    """Fields by their paths; through an output mapping they keep their parts."""
    shown = user("u", zeebe("formDefinition", formId="f"))
    mapped = user("v", zeebe("formDefinition", formId="f"), mapping({}, {"kept": "=got", "kept.more": "=1"}))
    assert below(shown, mapped, forms={"f": form("got.day", "got.why")}) == ["got.day", "got.why", "kept.day", "kept.more", "kept.why"]


def test_columns_of_a_table() -> None:
    """A table with several outputs gives one part for each; one with a single output gives the value itself."""
    table = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">
      <decision id="{id}" name="{id}"><decisionTable id="t_{id}" hitPolicy="FIRST">
        <input id="i_{id}"><inputExpression id="e_{id}"><text>subject.name</text></inputExpression></input>{outputs}
      </decisionTable></decision></definitions>"""
    two = table.format(id="two", outputs='<output id="o1" name="price" /><output id="o2" name="why" />').encode()
    one = table.format(id="one", outputs='<output id="o3" name="price" />').encode()
    asked = [node("businessRuleTask", id, zeebe("calledDecision", decisionId=id, resultVariable=f"by_{id}")) for id in ("one", "two")]
    assert below(*asked, one=one, two=two) == ["by_two.price", "by_two.why"]
