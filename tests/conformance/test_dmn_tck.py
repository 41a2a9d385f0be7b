"""Models of the DMN TCK (dmn-tck/tck on GitHub, Apache-2.0; unchanged, see dmn-tck/MANIFEST.tsv) with the results they expect."""

from __future__ import annotations

import hashlib
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from engine.bpmn.decisions import Decisions
from engine.errors import DecisionFailed

HERE = pathlib.Path(__file__).parent / "dmn-tck"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
NUMBERS = {"decimal", "double", "integer", "int", "float", "long"}

#: (model, test case, result) whose answer is not the expected one, and why. Empty: nothing is missed.
KNOWN_MISSES: dict[tuple[str, str, str], str] = {}


def children(element: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in element if etree.QName(child).localname == name]


def value(element: etree._Element) -> Any:
    """An inputNode or expected element as JSON; dates, times and durations as ISO 8601 text."""
    if components := children(element, "component"):
        return {component.get("name"): value(component) for component in components}
    for child in element:
        if child.get(NIL) == "true":
            return None
        if etree.QName(child).localname == "list":
            return [value(item) for item in children(child, "item")]
        text, kind = child.text or "", (child.get(TYPE) or "string").rpartition(":")[2]
        if kind in NUMBERS:
            return float(text)
        return text == "true" if kind == "boolean" else text
    return None


def same(expected: Any, got: Any) -> bool:
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, float) and isinstance(got, (int, float)):
        return got == pytest.approx(expected, abs=1e-8)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(same, expected, got))
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(same(expected[key], got[key]) for key in expected)
    return bool(expected == got)


def results() -> Iterator[Any]:
    """Every resultNode as (model, test case, name of the decision, inputs, expected value)."""
    for file in sorted(HERE.glob("*/*/*.xml")):
        root = etree.parse(file).getroot()
        model = file.parent / (children(root, "modelName")[0].text or "")
        for number, case in enumerate(children(root, "testCase"), 1):
            inputs = {node.get("name"): value(node) for node in children(case, "inputNode")}
            for node in children(case, "resultNode"):
                name = node.get("name", "")
                case_id = case.get("id") or str(number)
                label = re.sub(r"\W+", "-", f"{model.stem} {case_id} {name}")
                yield pytest.param(model, case_id, name, inputs, value(children(node, "expected")[0]), id=label)


RESULTS = list(results())


def answer(model: pathlib.Path, name: str, inputs: dict[str, Any]) -> Any:
    content = model.read_bytes()
    found = [e for e in etree.fromstring(content) if etree.QName(e).localname == "decision" and e.get("name") == name]
    decision = found[0].get("id") or name
    return Decisions(content, file=model.name).decide(decision, inputs).value


@pytest.mark.parametrize(("model", "case", "name", "inputs", "expected"), RESULTS)
def test_a_decision_gives_what_the_tck_expects(model: pathlib.Path, case: str, name: str, inputs: dict[str, Any], expected: Any) -> None:
    """Each result of each model equals the expected one, unless it is pinned as a known miss."""
    try:
        right = same(expected, answer(model, name, inputs))
    except DecisionFailed:
        right = False
    assert right is ((model.stem, case, name) not in KNOWN_MISSES)


def test_the_copied_files_are_unchanged() -> None:
    """Every file is byte for byte the one that the manifest names."""
    rows = [line.split("\t") for line in (HERE / "MANIFEST.tsv").read_text("utf-8").splitlines()[1:]]
    assert len(rows) == 24
    for _, _, path, digest in rows:
        assert hashlib.sha256((HERE / path.removeprefix("TestCases/")).read_bytes()).hexdigest() == digest


def test_every_expected_result_is_run() -> None:
    """The copied files hold 56 expected results, and none is passed over."""
    assert len(RESULTS) == 56
