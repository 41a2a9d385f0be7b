"""`partwell decide`: the value, the rules that applied and the way there; exit codes a script can rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_commands import run as run
from test_decisions import decision, file, literal, needs_decision, needs_input, table

PAY = file(
    decision(
        table(
            'hitPolicy="FIRST"', [("工龄", "number"), ("grade", "string")], [("补偿月数", "")], ["> 10", '"A"', "12"], ["-", "-", "工龄"]
        ),
        id="pay",
        name="补偿",
        needs=[needs_decision("g"), needs_input("i")],
    ),
    decision(literal('if 工龄 > 5 then "A" else "B"'), id="g", name="grade", needs=[needs_input("i")]),
    '<inputData id="i" name="工龄"><variable name="工龄" typeRef="number"/></inputData>',
)


@pytest.fixture
def pay(tmp_path: Path) -> Path:
    """A file with two decisions, one of which requires the other."""
    path = tmp_path / "pay.dmn"
    path.write_bytes(PAY)
    return path


def test_decide_prints_the_way_to_the_value(run: Any, pay: Path) -> None:
    """Every decision evaluated, with its inputs and the ids of the rules; the value stands last. Names do as well as ids."""
    code, said, _ = run("decide", pay, "--decision", "补偿", "--input", '{"工龄": 14}')
    assert code == 0
    assert said.splitlines() == ['g  grade = "A"', "pay  补偿 = 12", "    工龄 = 14", '    grade = "A"', "    rules: r1", "12"]


def test_decide_answers_in_json(run: Any, pay: Path, tmp_path: Path) -> None:
    """The same as data, also with the input from a file."""
    (tmp_path / "input.json").write_text('{"工龄": 3}', "utf-8")
    code, said, _ = run("decide", pay, "--decision", "pay", "--input-file", tmp_path / "input.json", "--json")
    inputs = {"工龄": 3, "grade": "B"}
    assert code == 0 and json.loads(said) == {
        "decision": "pay",
        "value": 3,
        "matched": ["r2"],
        "inputs": inputs,
        "trace": [
            {"decision": "g", "name": "grade", "value": "B"},
            {"decision": "pay", "name": "补偿", "value": 3, "inputs": inputs, "matched": ["r2"]},
        ],
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "choose one with --decision:\n  g  grade\n  pay  补偿"),
        (["--decision", "severance"], 'no decision "severance"; it has:\n  g  grade'),
        (["--decision", "pay", "--input", '{"工龄":'], "--input is not JSON: line 1, column 7: Expecting value."),
        (["--decision", "pay", "--input", "[1]"], "--input must be an object"),
        (["--decision", "pay", "--input", "[" * 100_000], "nested too deeply"),
        (["--decision", "pay"], 'the input "工龄" is missing'),
        (["--decision", "pay", "--input", '{"工龄": "long"}'], 'the input "工龄" is "long", which is not of the declared type number'),
        (["--decision", "pay", "--input", '{"工龄": 1e999}'], "inf is not a finite number"),
        (["--input", "{}", "--input-file", __file__], "not both"),
    ],
)
def test_decide_says_what_is_wrong_with_the_question(run: Any, pay: Path, arguments: list[str], said: str) -> None:
    """A choice, an input or JSON that cannot be used ends with 2 and a sentence."""
    code, out, error = run("decide", pay, *arguments)
    assert (code, out) == (2, "") and said in error


def test_decide_ends_with_1_where_a_decision_contradicts_itself(run: Any, tmp_path: Path) -> None:
    """Two rules under UNIQUE: the table is at fault, the rows are named."""
    path = tmp_path / "twice.dmn"
    path.write_bytes(file(decision(table("", [("x", "")], [("y", "")], ["> 1", "1"], ["> 2", "2"]))))
    code, out, error = run("decide", path, "--input", '{"x": 3}')
    assert (code, out) == (1, "") and "rules 1 (r1), 2 (r2) apply at once" in error
    code, out, _ = run("decide", path, "--input", '{"x": 3}', "--json")
    assert code == 1 and "rules 1 (r1), 2 (r2)" in json.loads(out)["failed"]


def test_decide_reads_files_beside(run: Any, tmp_path: Path) -> None:
    """What a file imports is found in its folder; a file that is no DMN is refused with its line."""
    from test_dmn_graphs import LIBRARY, MAIN

    (tmp_path / "library.dmn").write_bytes(LIBRARY)
    (tmp_path / "main.dmn").write_bytes(MAIN)
    data = json.dumps({"person": {"name": "Li"}, "me": {"name": "Wang"}})
    assert run("decide", tmp_path / "main.dmn", "--input", data)[1].splitlines()[-1] == '"Hello Li, WANG, true"'
    (tmp_path / "broken.dmn").write_text("<a>\n</b>", "utf-8")
    code, _, error = run("decide", tmp_path / "broken.dmn")
    assert code == 2 and "line 2" in error
