"""What the check says about the calls of operations that describe themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from diagrams import END, START, diagram, flows, mapping, node, service, user, zeebe
from termination_case import FILES, FORMS

from connectors.ehr_operations import DESCRIPTIONS
from connectors.mail import Mail
from connectors.oa_http import OaHttp
from connectors.payroll_http import PayrollHttp
from engine.bpmn import lint
from engine.bpmn.lint.offered import offered
from engine.descriptions import Description
from engine.letters.operations import DraftLetter, RenderLetter
from webapp.checking import check_paths
from webapp.operations import PortraitOperation

OFFERED = {
    told.name: told
    for told in (*DESCRIPTIONS, *Mail.descriptions, *RenderLetter.descriptions, *DraftLetter.descriptions, *PortraitOperation.descriptions)
}
MAIL = {"to": "hr@company.example", "subject": "s", "body": "b"}


def check(operation: str, *inside: str) -> list[tuple[str, str, str]]:
    body = (START, service("s", *inside, operation=operation), END, flows("start > s", "s > end"))
    found = lint.check({"x.bpmn": diagram(*body)}, forms={}, operations=OFFERED)["x.bpmn"]
    return [(str(one.code), one.severity, one.text) for one in found]


def test_a_complete_call_has_no_finding() -> None:
    """All required inputs, a known part of the answer by its name and inside the whole."""
    outputs = {"sent": "=reference", "at": "=result.accepted_at", "both": "=[sent, subject.name, body]", "all": "=result"}
    assert check("mail.send", mapping(MAIL, outputs)) == []


def test_a_missing_input_keeps_it_from_being_deployed() -> None:
    """Every call would be refused, so each missing input is an error that names it."""
    found = check("mail.send", mapping({"to": "x@company.example", "body": "b"}))
    assert found == [("missing_input", "error", 'The operation "mail.send" needs the input "subject". Add it to the input mapping.')]
    assert [code for code, _, _ in check("mail.send")] == ["missing_input"] * 3


def test_an_empty_input_is_a_missing_one() -> None:
    """An editor writes down a field that nobody has filled in yet."""
    assert [(code, text.split('"')[3]) for code, _, text in check("mail.send", mapping(MAIL | {"to": ""}))] == [("missing_input", "to")]


def test_a_missing_header_keeps_it_from_being_deployed() -> None:
    """A letter without its template can never be written."""
    assert [(code, severity) for code, severity, _ in check("document.draft")] == [("missing_header", "error")]
    header = zeebe("taskHeaders", zeebe("header", key="template", value="plan"))
    assert check("document.draft", header) == []


def test_an_input_that_nobody_reads_is_a_warning() -> None:
    """It names what the operation takes instead."""
    [(code, severity, text)] = check("mail.send", mapping({**MAIL, "cc": "x"}))
    assert (code, severity) == ("unknown_input", "warning") and "It takes: to, subject, body." in text


def test_what_is_handed_on_as_it_is_may_have_any_name() -> None:
    """A letter shows what its author wants."""
    header = zeebe("taskHeaders", zeebe("header", key="template", value="plan"))
    assert check("document.draft", mapping({"whatever": "1"}), header) == []


@pytest.mark.parametrize("wrong", ["=refrence", "=result.refrence", '="No. " + result.refrence'])
def test_a_part_that_the_answer_does_not_have_is_a_warning(wrong: str) -> None:
    """By its own name and inside the whole, with the parts that there are."""
    [(code, severity, text)] = check("mail.send", mapping(MAIL, {"sent": wrong}))
    assert (code, severity) == ("unknown_output", "warning")
    assert "refrence" in text and 'The operation "mail.send" gives: reference, accepted_at.' in text


def test_parts_are_known_as_deep_as_they_are_described() -> None:
    """A misspelt field of a record is found; what lies below the last described part is taken to exist."""
    outputs = {"a": "=result.contract.typ", "b": "=contract.end", "c": "=hiring_conditions.items.x", "d": "=result"}
    [(code, _, text)] = check("ehr.employee", mapping({"employee": "KF-017"}, outputs))
    assert code == "unknown_output" and "contract.typ" in text


def gate(*more: str, condition: str = 'record.contract.typ = "x"') -> list[tuple[str | None, str]]:
    """What is said of a diagram in which a condition reads a record that a call brought."""
    call = service("s", mapping({"employee": "KF-017"}, {"record": "=result"}))
    ways = flows("start > s", "s > g", f"g > end: {condition}", "g > other")
    body = (START, call, *more, node("exclusiveGateway", "g", default="g_other"), END, node("endEvent", "other"), ways)
    found = lint.check({"x.bpmn": diagram(*body)}, forms={}, operations=OFFERED)["x.bpmn"]
    return [(one.element, str(one.code)) for one in found if one.code != "unreachable"]


def test_a_part_that_a_kept_answer_does_not_have_is_a_warning_wherever_it_is_read() -> None:
    """A variable has the parts that its writers show; one that is also calculated in another way may have others."""
    assert gate() == [("g", "unknown_part")]
    assert gate(condition='record.contract.type = "x" and record.hired_on != null and count(record.hiring_conditions.items) > 0') == []
    shown, hidden = (
        node("scriptTask", "k", zeebe("script", expression=text, resultVariable="record"))
        for text in ("={contract: {typ: 1}}", '=context put({}, "a", 1)')
    )
    assert gate(shown) == gate(hidden) == []


def test_an_input_of_the_same_name_hides_the_answer() -> None:
    """Inside a task, what its input mapping gives counts."""
    shown = user("u", mapping({"record": "={typ: 1}"}, {"kept": "=record.typ"}))
    assert [code for _, code in gate(shown, condition="kept = 1")] == []


def test_the_parts_of_answers_are_offered_while_somebody_types() -> None:
    """In the output mapping those of the answer itself, later those below the variable that keeps it, with type and origin."""
    call = service("s", mapping({"employee": "KF-017"}, {"record": "=result"}), name="调取档案")
    names = offered({"x.bpmn": diagram(START, call, END, flows("start > s", "s > end"))}, {}, OFFERED)
    given = {element: {each["name"]: each for each in names["sets"][index]} for element, index in names["at"].items()}
    assert {"result", "result.contract.end", "contract.end"} <= given["s"].keys()
    assert given["s_end"]["record.contract.end"] == {"name": "record.contract.end", "type": "date", "from": "调取档案"}
    assert "contract.end" not in given["s_end"] and "record" in given["s_end"]


def test_files_are_checked_without_an_installation(tmp_path: Path) -> None:
    """`partwell check` knows what ships, though not what is set up: a call of an operation of somebody's own is not judged."""
    own = service("o", mapping({"a": "1"}), operation="erp.lock")
    body = (START, service("s", mapping({**MAIL, "cc": "x"}), operation="mail.send"), own, END, flows("start > s", "s > o", "o > end"))
    (tmp_path / "x.bpmn").write_bytes(diagram(*body))
    [checked] = check_paths([tmp_path / "x.bpmn"])
    assert [(one["element"], one["code"]) for one in checked["findings"] if one["severity"] != "note"] == [("s", "unknown_input")]


def test_an_operation_that_tells_nothing_is_not_judged() -> None:
    """Neither what goes in nor what comes out; nor is one whose name is calculated."""
    told = {"x.y": Description(name="x.y", label="x", label_en="x", open=True)}
    body = (START, service("s", mapping({"a": "1"}, {"b": "=anything"}), operation="x.y"), END, flows("start > s", "s > end"))
    assert lint.check({"x.bpmn": diagram(*body)}, forms={}, operations=told)["x.bpmn"] == []
    assert check('="mail.send"', mapping({"a": "1"}, {"b": "=anything"})) == []


def test_the_shipped_procedure_calls_its_operations_as_they_say() -> None:
    """Every call in the termination procedure, against the real descriptions, has no finding."""
    offered = OFFERED | {told.name: told for told in (*OaHttp.descriptions, *PayrollHttp.descriptions)}
    found = lint.check(FILES, forms=FORMS, operations=offered, chains={"dismissal-approval"})
    assert {path: [(one.element, one.text) for one in findings] for path, findings in found.items() if findings} == {}
