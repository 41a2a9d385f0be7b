"""What somebody might upload to break in, to read what is not theirs, or to stop the server: refused or stopped, in words."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from diagrams import END, START, diagram, flows, node, user
from test_commands import run as run
from test_decisions import decision, file, literal

from engine import errors
from engine.bpmn.decisions import Decisions
from engine.bpmn.expressions import check, condition, evaluate

#: refused as soon as they are read
UNREADABLE = {
    "an import of Python": "__import__('os').system('touch PWNED') == 0",
    "a walk through classes": "[c for c in ().__class__.__base__.__subclasses__() if c.__name__=='_wrap_close'][0].__init__.__globals__",
    "a generator's frame": "[g for g in [(g.gi_frame.f_back for g in [0])]] == 1",
    "a formatted class": "'{0.__class__}'.format(report) == 'x'",
    "getattr": 'getattr(region, "__class__") != 0',
    "a JavaScript function": "(() => this)()",
    "a template": "`${globalThis}`",
    "20,000 parentheses": "(" * 20_000 + "1" + ")" * 20_000,
    "1,900 parentheses": "(" * 1_900 + "1" + ")" * 1_900,
    "1,900 lists": "[" * 1_900 + "1" + "]" * 1_900,
    "mappings without end": "{a:" * 1_300,
    "calls of not": "not(" * 700 + "true" + ")" * 700,
    "get value in get value": "get value(" * 190 + "{}" + ', "a")' * 190,
    "signs": "-" * 3_900 + "1",
    "a sum of 1,900 terms": "1" + "+1" * 1_900,
    "a megabyte of sum": "1+" * 500_000 + "1",
    "a megabyte of text": '"' + "x" * 1_000_000 + '"',
    "a path of 1,900 names": "a" + ".b" * 1_900,
    "filters": "a" + "[1]" * 1_200,
    "one long name": " ".join(["a"] * 1_900),
    "quotes": '"' * 3_999,
    "backticks": "`" * 3_999,
    "ranges of ranges": "1.." * 1_200,
    "types of types": "1 instance of " + "context<a: " * 300 + "number" + ">" * 300,
    "a number of 400 digits": "1" + "0" * 400,
    "a number beyond doubles": "amount < 1e999999",
    "an inexact number": "amount = 9007199254740993",
    "a zero byte": "a\x00b",
    "half a character": '"\ud800" = a',
    "nothing": "",
}

#: run, and are stopped
ENDLESS = {
    "a loop": "count(for i in 1..100000, j in 1..100000 return null)",
    "a product of ranges": "count(for a in 1..1000, b in 1..1000, c in 1..1000 return a)",
    "a range of a thousand million": 'count(for i in 1..1000000000 return "xxxxxxxxxxxxxxxx")',
    "days of all years": 'count(for d in date("0001-01-01")..date("9999-12-31"), e in 1..100 return d)',
    "a quantifier": "some i in 1..100000, j in 1..100000 satisfies false",
    "a filter in a filter": "count((for i in 1..3000 return i)[count((for j in 1..3000 return j)[item > 1]) < 0])",
    "a growing text": 'string length(for i in 1..60 return if i = 1 then "xxxxxxxxxxxxxxxx" else partial[-1] + partial[-1])',
    "a growing list": "count(for i in 1..60 return if i = 1 then [1] else concatenate(partial[-1], partial[-1]))",
    "lists in lists": "(for i in 1..100000 return if i = 1 then [1] else [partial[-1]])[-1]",
    "partial in partial": "for i in 1..100000 return partial",
    "replacing by itself": '{f: function(s) replace(s, "", s), r: f(f(f(f(f(f("aaaaaaaaaa"))))))}.r',
    "a function that calls itself": "{f: function(g, x) g(g, x + 1), r: f(f, 1)}.r",
    "a sort": "count(sort(for i in 1..1000000 return -i, function(a, b) a < b))",
    "a pattern with two pluses": 'matches("' + "a" * 40 + '!", "^(a+)+$")',
    "a pattern with alternatives": 'replace("' + "a" * 40 + '!", "^(a|aa)+$", "x")',
    "a pattern that splits": 'split("' + "a" * 40 + '!", "(a*)*b")',
    "a pattern with blanks": 'matches("' + "a" * 40 + '!", "^(a +) +$", "x")',
    "a pattern of 900 groups": 'matches("a", "' + "(" * 900 + "a" + ")" * 900 + '")',
    "a zone from the disk": '@"2020-01-01T00:00:00@../../etc/passwd" = null',
    "a zone of 1,000 letters": 'date and time("2020-01-01T00:00:00@' + "A" * 1000 + '") = null',
    "a duration of all time": 'duration("P999999999999999999999D") > duration("P1D")',
    "a large factor": 'duration("PT1S") * 1e300 > duration("P1D")',
    "what a date is made of": '@"2025-01-01".value',
}

#: answer, but nothing that is not theirs
HARMLESS = {
    "{}.constructor.constructor": None,
    '{"__proto__": 1}.x': None,
    'context put({}, "__proto__", {a: 1}).a': None,
    'get value(get value(get value({}, "__proto__"), "constructor"), "constructor")': None,
    "sum.fn": None,
    "get entries(sum)": None,
    '"a".length': None,
    "amount.toString": None,
}


def stays_right() -> bool:
    """Whether the next who asks is answered."""
    return evaluate("amount + 1", {"amount": 1}) == 2


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_expression_that_cannot_be_read_is_a_problem_at_once(text: str) -> None:
    """Check names what is wrong, evaluation refuses it in a message of readable length, and the next answer is right."""
    started = time.process_time()
    assert check(text, names={"amount", "a"})
    assert time.process_time() - started < 3
    with pytest.raises(errors.FeelError) as caught:
        evaluate(text, {"amount": 1})
    assert len(caught.value.message) < 5_000
    assert stays_right()


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS.keys())
def test_an_expression_that_does_harm_when_it_runs_is_stopped(text: str) -> None:
    """Within the limits of time and memory the condition is an error, and the next answer is right."""
    started = time.process_time()
    with pytest.raises(errors.FeelError):
        condition(text, {})
    assert time.process_time() - started < 3
    assert stays_right()


@pytest.mark.parametrize("text", HARMLESS)
def test_an_expression_sees_nothing_behind_its_values(text: str) -> None:
    """No prototype, no constructor, no property of the interpreter's objects."""
    assert evaluate(text, {"amount": 1}) is HARMLESS[text]


def lists(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def endless_list() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (lists(300), "nested too deeply"),
        (lists(100_000), "nested too deeply"),
        (endless_list(), "contain themselves"),
        (["x" * 100] * 1_000_000, "too much time or memory"),
        ("\ud800", "surrogates not allowed"),
        ({1: 2}, "must be str"),
        (float("inf"), "not a finite number"),
        (2**60, "too large to be exact"),
    ],
    ids=["deep", "very deep", "itself", "large", "half a character", "keys", "infinite", "inexact"],
)
def test_data_that_no_expression_can_hold_are_refused(value: Any, reason: str) -> None:
    """Also data are checked, before an expression sees them."""
    with pytest.raises(errors.FeelError, match=reason):
        evaluate("count(a)", {"a": value})
    assert stays_right()


def test_data_change_no_object_that_others_see() -> None:
    """A key called __proto__ is a key."""
    evaluate("a", {"a": {"__proto__": {"stain": 1}}, "__proto__": {"stain": 1}})
    assert evaluate("{}.stain", {}) is None


# --- files

TEXT = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="x"><process id="p" isExecutable="true">'
    '<documentation>%s</documentation><startEvent id="s" name="%s"/><sequenceFlow id="f" sourceRef="s" targetRef="e"/>'
    '<endEvent id="e"/></process></definitions>'
)
LAUGHS = '<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))


def with_entities(declared: str, text: str = "&x;", name: str = "n") -> bytes:
    return f'<?xml version="1.0"?>\n<!DOCTYPE definitions [{declared}]>\n{TEXT % (text, name)}'.encode()


def files(folder: Path) -> dict[str, bytes]:
    """Attacks by the name of the file that carries them."""
    secret = folder / "secret.txt"
    secret.write_text("TOPSECRET-SALARY", "utf-8")
    (folder / "evil.dtd").write_text(f'<!ENTITY x SYSTEM "{secret.as_uri()}">', "utf-8")
    gateway = node("exclusiveGateway", "g", default="default")
    conditional = (
        '<bpmn:sequenceFlow id="c" sourceRef="g" targetRef="end">'
        "<bpmn:conditionExpression>={text}</bpmn:conditionExpression></bpmn:sequenceFlow>"
    )
    return {
        "external-file.bpmn": with_entities(f'<!ENTITY x SYSTEM "{secret.as_uri()}">'),
        "external-http.bpmn": with_entities('<!ENTITY x SYSTEM "http://127.0.0.1:9/x">'),
        "parameter-entity.bpmn": with_entities(f'<!ENTITY % p SYSTEM "{(folder / "evil.dtd").as_uri()}"> %p;'),
        "billion-laughs.bpmn": with_entities(LAUGHS, "&l9;"),
        "laughs-in-an-attribute.bpmn": with_entities(LAUGHS, "t", "&l9;"),
        "quadratic.bpmn": with_entities(f'<!ENTITY a "{"A" * 50_000}">', "&a;" * 2_000),
        "one-entity.bpmn": with_entities('<!ENTITY c "__import__">', "&c;"),
        "deep.bpmn": b"<a>" * 300 + b"</a>" * 300,
        "very-deep.bpmn": b"<a>" * 100_000,
        "large.bpmn": (TEXT % ("x" * 3_000_000, "n")).encode(),
        "utf-16.bpmn": (TEXT % ("t", "n")).encode("utf-16")[:-1],
        "zeros.bpmn": b"\x00" * 1000,
        "zip.bpmn": b"PK\x03\x04" + b"\x00" * 100,
        "laughs.dmn": with_entities(LAUGHS, "&l9;"),
        "endless.dmn": file(decision(literal("(" * 3_000))),
        "deep.dmn": file(decision("<list>" * 240 + literal("1") + "</list>" * 240)),
        "itself.dmn": file(
            decision(literal("1"), needs=['<informationRequirement><requiredDecision href="#d"/></informationRequirement>'])
        ),
    } | {
        f"condition-{number}.bpmn": diagram(
            START,
            gateway,
            user("t"),
            END,
            flows("start > g", "t > end"),
            node("sequenceFlow", "default", sourceRef="g", targetRef="t"),
            conditional.replace("{text}", escape(text)),
        )
        for number, text in enumerate(t for t in UNREADABLE.values() if t.isprintable() and len(t) < 100_000)
    }


def test_check_refuses_every_hostile_file_and_goes_on(run: Any, tmp_path: Path) -> None:
    """One run over all of them: each is refused with a reason, no secret shows, and the sound file beside them is accepted."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    hostile = files(tmp_path)
    for name, content in hostile.items():
        (folder / name).write_bytes(content)
    (folder / "sound.dmn").write_bytes(file(decision(literal("1"), id="sound")))
    code, said, _ = run("check", "--json", folder)
    checked = {Path(each["file"]).name: each for each in json.loads(said)}
    assert code == 1 and checked.keys() == {*hostile, "sound.dmn"}
    assert [name for name, each in checked.items() if each["accepted"]] == ["sound.dmn"]
    assert all(finding["message"] for name in hostile for finding in checked[name]["findings"])
    assert "TOPSECRET" not in said and "lollol" not in said


def test_a_table_of_bad_cells_is_given_up_in_time() -> None:
    """A file full of cells that each take long has as much time as its size deserves, and the next file is read."""
    cells = "".join(decision(literal('"' * 3_900), id=f"d{n}") for n in range(10))
    started = time.process_time()
    assert Decisions(file(cells), file="slow.dmn").check()
    assert time.process_time() - started < 10
    assert Decisions(file(decision(literal("1 + 1"))), file="x.dmn").decide("d", {}).value == 2
