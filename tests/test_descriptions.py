"""What operations say of themselves is what they do: against the sample company as a real process, and our own."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from connector_setups import ROWS, SUBJECT, Setup, a_call, build
from portrait_rows import WINDOW
from twins import ScriptedOperation

from engine import errors
from engine.bpmn import expressions
from engine.descriptions import Description, described
from engine.letters.operations import DraftLetter, RenderLetter
from engine.ports import Answer, Json, Operation
from webapp.operations import PortraitOperation
from webapp.pdf import TypstRenderer

ROOT = Path(__file__).parent.parent
#: digest of each operation's inputs, headers and outputs, by version
SHAPES = ROOT / "tests" / "data" / "operation-shapes.json"
TYPES = ("ehr_files", "ehr_http", "mail", "oa_http", "payroll_http")
LETTERS = {"letters/plan.txt": b"Hello", "letters/note.typ": b"Hello"}
pytestmark = pytest.mark.usefixtures("no_faults_left")


def own() -> list[Operation]:
    render = RenderLetter(TypstRenderer(), lambda case: LETTERS, zone="Asia/Shanghai")
    return [render, DraftLetter(lambda case: LETTERS), PortraitOperation()]


#: what a working call of each operation is given, and its headers
GIVEN: Mapping[str, dict[str, Any]] = {
    "ehr.employee": {"employee": SUBJECT},
    "ehr.app_usage": ROWS,
    "ehr.training": ROWS,
    "ehr.performance": ROWS,
    "payroll.stop_social_insurance": {"employee": SUBJECT, "end_date": "2026-12-31", "last_month": "2026-12"},
    "payroll.stop_housing_fund": {"employee": SUBJECT, "end_date": "2026-12-31", "last_month": "2026-12"},
    "payroll.request_settlement": {"employee": SUBJECT, "end_date": "2026-12-31", "ground": "D39-1", "pay_date": "2026-12-31"},
    "oa.deactivate_account": {"employee": SUBJECT, "end_date": "2026-12-31"},
    "oa.notice": {"title": "通知"},
    "mail.send": {"to": ["wangfang@company.example"], "subject": "您有一项待办", "body": "请处理。"},
    "portrait.compute": {"employee": None, "app_usage": None, "training": None, "performance": None, "window": WINDOW},
    "document.render": {"subject": "x"},
    "document.draft": {"subject": "x"},
}
HEADERS = {"document.render": {"template": "note"}, "document.draft": {"template": "plan"}}


class Watched(dict[str, Json]):
    """Inputs that remember which of them were read."""

    def __init__(self, given: Mapping[str, Json]) -> None:
        super().__init__(given)
        self.read: set[str] = set()

    def get(self, key: str, default: Json = None) -> Json:
        self.read.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Json:
        self.read.add(key)
        return super().__getitem__(key)


@pytest.fixture
def offered(setups: dict[str, Setup]) -> list[tuple[Description, Operation]]:
    """Every operation that ships, from each connector that offers it."""
    every = [*own(), *(build(type, setups[type].options) for type in TYPES)]
    return [(told, one) for one in every for told in described(dict.fromkeys(one.names, one)).values()]


def test_every_operation_describes_itself(offered: list[tuple[Description, Operation]]) -> None:
    """Each name has its description, and no description is of another name."""
    for _, operation in offered:
        assert sorted(each.name for each in operation.descriptions) == sorted(operation.names)  # type: ignore[attr-defined]
    assert {told.name for told, _ in offered} == GIVEN.keys()


def test_descriptions_speak_both_languages(offered: list[tuple[Description, Operation]]) -> None:
    """Every label and sentence is there in Chinese and in English, and the English one holds no Chinese."""
    for told, _ in offered:
        parts = [told, *told.inputs, *told.headers, *(told.outputs or ()), *told.errors]
        pairs = [(part.label, part.label_en) for part in parts] + [(told.description, told.description_en)]
        for chinese, english in pairs:
            assert chinese and english and not re.search(r"[\u3400-\u9fff]", english), (told.name, chinese, english)
            assert re.search(r"[\u3400-\u9fff]", chinese) or chinese == "SHA-256", (told.name, chinese)


def test_descriptions_name_what_there_is(offered: list[tuple[Description, Operation]]) -> None:
    """Signs are in the product's set, proposals are sound FEEL, names are unique, and codes are those that a failing call has."""
    signs = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "webapp/static/vendor/icons/sprite.svg").read_text("utf-8")))
    facts = {"system": "x", "operation": "x.y", "reason": "x"}
    codes = {kind(**facts).code for kind in (errors.Refused, errors.NeedsPerson, errors.GaveUp)}
    for told, operation in offered:
        assert told.icon in signs and told.version > 0 and told.retries > 0
        assert told.reads == getattr(operation, "reads", False)
        for given in (*told.inputs, *told.headers):
            assert not given.default.startswith("=") or expressions.check(given.default[1:]) == [], (told.name, given)
        for group in (told.inputs, told.headers, told.outputs or ()):
            assert len({each.name for each in group}) == len(group)
        assert {fault.code for fault in told.errors} <= codes


def test_answers_hold_what_is_described(offered: list[tuple[Description, Operation]]) -> None:
    """A real answer has each described part, of its type, and no other."""
    for told, operation in offered:
        value = _called(told, operation, GIVEN[told.name]).value
        assert told.outputs is not None
        parts = {output.name: output.type for output in told.outputs}
        assert set(_leaves(value, parts)) == parts.keys(), told.name
        for name, kind in parts.items():
            found: Json = value
            for step in name.split("."):
                found = found[step]
            assert found is None or _fits(found, kind), (told.name, name, found)


def test_required_inputs_are_asked_for(offered: list[tuple[Description, Operation]]) -> None:
    """Without any single required input or header the call is refused, and with these alone it works."""
    for told, operation in offered:
        needed = {each.name for each in told.inputs if each.required}
        _called(told, operation, {name: GIVEN[told.name][name] for name in needed})
        for name in needed:
            with pytest.raises(errors.Refused):
                _called(told, operation, {key: value for key, value in GIVEN[told.name].items() if key != name})
        for header in (each.name for each in told.headers if each.required):
            with pytest.raises(errors.Refused):
                _called(told, operation, GIVEN[told.name], without=header)


def test_no_input_is_read_in_secret(offered: list[tuple[Description, Operation]]) -> None:
    """What an operation reads by name is what it says; those that hand everything on say so."""
    for told, operation in offered:
        names = {each.name for each in told.inputs}
        watched = Watched(GIVEN[told.name])
        _called(told, operation, watched)
        assert told.open or watched.read == names, told.name


def test_a_push_without_its_employee_is_never_sent(setups: dict[str, Setup], company: Any) -> None:
    """The refusal names what is missing, and the other side hears nothing."""
    before = company.admin("pushes")
    with pytest.raises(errors.Refused) as refused:
        build("payroll_http", setups["payroll_http"].options).call(a_call("payroll.stop_housing_fund", {"employee": ""}))
    assert refused.value.facts["reason"].endswith(": employee") and company.admin("pushes") == before


def test_an_operation_that_says_nothing_has_its_name() -> None:
    """Without a description anything may go in and out, so that nothing is held against a diagram."""
    told = described({"x.y": ScriptedOperation("x.y")})["x.y"]
    assert (told.label, told.open, told.outputs, told.reads) == ("x.y", True, None, False)
    assert told.as_dict()["outputs"] == []


def test_a_changed_shape_has_a_new_version(offered: list[tuple[Description, Operation]]) -> None:
    """Diagrams keep the version of what they were drawn with, so every version is written down with its digest, the last one in force."""
    written = json.loads(SHAPES.read_text("utf-8"))
    assert written.keys() == {told.name for told, _ in offered}
    for told, _ in offered:
        latest = max(written[told.name], key=int)
        assert (str(told.version), _digest(told)) == (latest, written[told.name][latest]), f"{told.name}: raise its version and add a line"


def _called(told: Description, operation: Operation, given: Mapping[str, Json], *, without: str = "") -> Answer:
    headers = {key: text for key, text in HEADERS.get(told.name, {}).items() if key != without}
    key = f"described:{told.name}:{hashlib.sha256(repr(sorted(given)).encode()).hexdigest()}"
    call = a_call(told.name, {}, key=key)
    return operation.call(replace(call, input=given, headers=headers))


def _digest(told: Description) -> str:
    shape = {key: value for key, value in told.as_dict().items() if key in ("inputs", "open", "headers", "outputs")}
    for part in (*shape["inputs"], *shape["headers"], *shape["outputs"]):
        for text in ("label", "label_en", "default"):
            part.pop(text, None)
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:16]


def _leaves(value: Json, parts: Mapping[str, str], prefix: str = "") -> Iterator[str]:
    for name, inner in value.items():
        if isinstance(inner, dict) and f"{prefix}{name}" not in parts:
            yield from _leaves(inner, parts, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _fits(value: Json, kind: str) -> bool:
    if kind == "date":
        return dt.date.fromisoformat(value).isoformat() == value
    types = {"text": str, "list": list, "context": dict, "boolean": bool, "money_fen": int, "person": str}
    return type(value) in (int, float) if kind == "number" else type(value) is types[kind] or (kind == "text" and value == {"$file": 0})
