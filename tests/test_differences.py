"""What changed between two versions, said by element, flow, cell and field."""

from __future__ import annotations

import json

from diagrams import END, START, boxes, diagram, flows, mapping, node, service, timer, user, zeebe

from engine.bpmn import differences
from engine.bpmn.differences import Change, Named

BEFORE = (START, user("a", name="核实"), user("b"), END, flows("start > a", "a > b", "b > end"))


def of(before: dict[str, bytes], after: dict[str, bytes]) -> dict[tuple[str, str], Change]:
    return {(change.how, change.id): change for change in differences.between(before, after)}


def bpmn(*body: str) -> dict[str, bytes]:
    return {"p.bpmn": diagram(*body)}


def test_equal_files_differ_in_nothing() -> None:
    """Also when only the drawing was moved about."""
    plain = diagram(*BEFORE)
    assert of({"p.bpmn": plain}, {"p.bpmn": plain}) == {} == of({"p.bpmn": plain}, {"p.bpmn": boxes(plain)})


def test_an_inserted_step_is_one_element_and_its_flows() -> None:
    """What stays is not named."""
    after = (START, user("a", name="核实"), user("x", name="复核"), user("b"), END, flows("start > a", "a > x", "x > b", "b > end"))
    found = of(bpmn(*BEFORE), bpmn(*after))
    assert found.keys() == {("added", "x"), ("added", "a_x"), ("added", "x_b"), ("removed", "a_b")}
    assert found["added", "x"].what == "element" and found["added", "x"].name == "复核"


def test_a_changed_setting_is_told_with_before_and_after() -> None:
    """Name, time of an event, mapping and operation: each under its own name."""
    one = node("intermediateCatchEvent", "t", timer(duration="P3D"))
    other = node("intermediateCatchEvent", "t", timer(duration="P5D"))
    call = service("c", mapping({"who": "=subject.id"}), operation="oa.notify", name="通知")
    called = service("c", mapping({"who": "=subject.employee_no"}), operation="oa.push", name="告知")
    lines = flows("start > t", "t > c", "c > end")
    found = of(bpmn(START, one, call, END, lines), bpmn(START, other, called, END, lines))
    assert found["changed", "t"].settings == {"timer.text": ("P3D", "P5D")}
    assert found["changed", "c"].settings == {
        "input who": ("=subject.id", "=subject.employee_no"),
        "name": ("通知", "告知"),
        "taskDefinition.type": ("oa.notify", "oa.push"),
    }


def test_a_changed_condition_belongs_to_its_flow() -> None:
    """The gateway stays what it was."""
    gate = (START, node("exclusiveGateway", "g", default="g_b"), user("a"), user("b"), END)
    rest = flows("start > g", "g > b", "a > end", "b > end")
    found = of(bpmn(*gate, rest, flows("g > a: n > 1")), bpmn(*gate, rest, flows("g > a: n > 2")))
    assert {key: change.settings for key, change in found.items()} == {("changed", "g_a"): {"condition": ("n > 1", "n > 2")}}


def test_what_a_change_refers_to_is_named() -> None:
    """Both ends of a flow and what a setting leads to, also what only the older version has; and in whose time is counted."""
    calendar = zeebe("properties", zeebe("property", name="wf.calendar", value="office"))
    worked = f"<bpmn:extensionElements>{calendar}</bpmn:extensionElements>"
    wait = node("intermediateCatchEvent", "w", timer(duration="P3D"))
    body = (START, user("a", name="核实"), node("parallelGateway", "g"))
    before = bpmn(*body, wait, END, flows("start > a", "a > g", "g > w", "w > end"))
    longer = node("intermediateCatchEvent", "w", worked, timer(duration="P3D"))
    after = bpmn(*body[:2], longer, END, flows("start > a", "a > w", "w > end"))
    found = of(before, after)
    gone = found["removed", "a_g"]
    assert gone.ends == ("a", "g") and gone.named["a"] == Named(kind="user task", name="核实")
    assert gone.named["g"] == Named(kind="parallel gateway", name="") and gone.named["a_g"].kind == "flow"
    assert found["changed", "w"].calendars == (None, "office")
    led = of(before, {"p.bpmn": before["p.bpmn"].replace(b'sourceRef="a" targetRef="g"', b'sourceRef="a" targetRef="w"')})["changed", "a_g"]
    assert led.settings == {"to": ("g", "w")} and led.ends == ("a", "w") and set(led.named) == {"a_g", "a", "w", "g"}


DMN = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="x"><decision id="level" name="级别">
<decisionTable id="t" hitPolicy="{policy}"><input id="i"><inputExpression typeRef="number"><text>n</text></inputExpression></input>
<output id="o" name="level"/><rule id="r1"><inputEntry><text>{test}</text></inputEntry><outputEntry><text>"a"</text></outputEntry></rule>
{more}</decisionTable></decision></definitions>"""


def test_a_decision_table_differs_by_cell_and_policy() -> None:
    """A changed cell names its rule, a new rule is one change."""
    more = '<rule id="r2"><inputEntry><text>-</text></inputEntry><outputEntry><text>"b"</text></outputEntry></rule>'
    before = DMN.format(policy="UNIQUE", test="&lt; 3", more="").encode()
    after = DMN.format(policy="FIRST", test="&lt; 5", more=more).encode()
    found = of({"t.dmn": before}, {"t.dmn": after})
    assert found.keys() == {("changed", "level"), ("changed", "r1"), ("added", "r2")}
    assert found["changed", "r1"].settings == {"cells": (["< 3", '"a"'], ["< 5", '"a"'])}
    assert found["changed", "level"].settings == {"hit policy": ("UNIQUE", "FIRST")}


def test_a_form_differs_by_field() -> None:
    """A field inside a group is named by its path; where it stands on the page is no change."""

    def schema(label: str, row: str) -> bytes:
        field = {"type": "textfield", "id": "F1", "key": "reason", "label": label, "layout": {"row": row}}
        return json.dumps({"components": [{"type": "group", "path": "report", "label": "报告", "components": [field]}]}).encode()

    assert of({"f.form": schema("原因", "1")}, {"f.form": schema("原因", "2")}) == {}
    found = of({"f.form": schema("原因", "1")}, {"f.form": schema("事由", "1")})
    assert found["changed", "report.reason"].settings == {"label": ("原因", "事由")}


def test_files_and_letters_differ_as_a_whole() -> None:
    """A letter is text; what came and went is named by its file."""
    found = of({"letters/a.typ": b"old", "x.txt": b"1"}, {"letters/a.typ": b"new", "rules.json": b'{"readers": ["hr"]}'})
    assert found["changed", "letters/a.typ"].settings == {"text": ("old", "new")}
    assert found["removed", "x.txt"].what == found["added", "rules.json"].what == "file"


def test_a_rule_file_differs_by_rule() -> None:
    """Only the rule that changed is named."""
    found = of({"rules.json": b'{"readers": ["hr"], "start": ["x"]}'}, {"rules.json": b'{"readers": ["hr", "legal"], "start": ["x"]}'})
    assert [change.settings for change in found.values()] == [{"readers": (["hr"], ["hr", "legal"])}]


def test_a_file_that_cannot_be_read_is_no_obstacle() -> None:
    """An old broken file is compared as one that holds nothing."""
    found = of({"p.bpmn": b"<broken"}, bpmn(*BEFORE))
    assert ("added", "a") in found
