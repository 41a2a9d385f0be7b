"""Operations as element templates: valid for every modeler that knows the format, and drawn with them a call is complete."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import jsonschema_rs
import pytest
from diagrams import END, START, diagram, flows, mapping, service, zeebe
from test_lint_operations import OFFERED
from web_office import Office, with_a_term

from connectors.oa_http import OaHttp
from connectors.payroll_http import PayrollHttp
from engine.bpmn import lint
from engine.descriptions import Choice, Description, Parameter, Result
from webapp.studio.templates import element_templates

ROOT = Path(__file__).parent.parent
#: as published for Camunda's modelers (MIT, see the licence beside it)
SCHEMA = json.loads((ROOT / "tests" / "data" / "element-templates" / "schema.json").read_text("utf-8"))
SHIPPED = [*OFFERED.values(), *OaHttp.descriptions, *PayrollHttp.descriptions]
TYPES = ("text", "number", "date", "money_fen", "boolean", "person", "list", "context")
EVERYTHING = Description(
    name="x.everything",
    label="全部",
    label_en="Everything",
    icon="no such sign",
    version=7,
    inputs=(
        *(Parameter(f"{type}_{needed}", "甲", "A", type, required=needed) for type in TYPES for needed in (True, False)),  # type: ignore[arg-type]
        Parameter("one_of", "乙", "B", default="a", choices=(Choice("a", "甲", "A"), Choice("b", "乙", "B"))),
    ),
    headers=(Parameter("h", "丙", "C", required=True), Parameter("i", "丁", "D", default="x")),
    outputs=(Result("r.s", "戊", "E"), Result("t", "己", "F")),
)


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_templates_are_valid(locale: str) -> None:
    """The published schema accepts those of all shipped operations, and of one with everything that a description can say."""
    faults = [fault.message for fault in jsonschema_rs.validator_for(SCHEMA).iter_errors(element_templates([*SHIPPED, EVERYTHING], locale))]
    assert len(SHIPPED) == 13 and faults == []


def test_the_schema_would_find_a_fault() -> None:
    """A template without its binding is refused, so the check above can fail."""
    [broken] = element_templates([EVERYTHING], "en")
    del broken["properties"][0]["binding"]
    assert not jsonschema_rs.is_valid(SCHEMA, broken)


def test_a_template_speaks_one_language() -> None:
    """Names, labels, groups and failures come in the language asked for."""
    [chinese], [english] = (element_templates([PayrollHttp.descriptions[0]], locale) for locale in ("zh-CN", "en"))
    assert (chinese["name"], english["name"]) == ("推送社保停缴", "Stop social insurance")
    assert [group["label"] for group in chinese["groups"]] == ["输入", "结果存入变量", "重试与失败"]
    assert english.keys() == chinese.keys() and not any(
        "\u3400" <= letter <= "\u9fff" for letter in json.dumps(english, ensure_ascii=False)
    )
    assert (
        "gave_up：" in chinese["properties"][-1]["description"] or "gave_up: 多次尝试仍无答复" in chinese["properties"][-1]["description"]
    )


def test_a_template_says_which_shape_it_is_of() -> None:
    """Its id is the operation's, its version the description's, and its picture one of our signs; the plug for an unknown one."""
    [one], [plug] = element_templates([EVERYTHING], "en"), element_templates([Description(name="x", label="x", label_en="x")], "en")
    assert (one["id"], one["version"]) == ("partwell.x.everything", 7)
    assert one["icon"] == plug["icon"]
    picture = ElementTree.fromstring(base64.b64decode(one["icon"]["contents"].partition("base64,")[2]))
    assert picture.tag.endswith("svg") and len(picture)


@pytest.mark.parametrize("told", SHIPPED, ids=lambda told: told.name)
def test_a_call_drawn_with_its_template_is_complete(told: Description) -> None:
    """With what the template proposes, and something typed where it demands and proposes nothing, the check finds nothing wrong."""
    [template] = element_templates([told], "zh-CN")
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}
    inside: list[str] = []
    for each in template["properties"]:
        binding, value = each["binding"], each.get("value") or ("" if each.get("optional") else "typed")
        match binding["type"]:
            case "zeebe:input" if value:
                inputs[binding["name"]] = value
            case "zeebe:output":
                outputs[value or f"kept_{len(outputs)}"] = binding["source"]
            case "zeebe:taskHeader" if value:
                inside.append(zeebe("taskHeaders", zeebe("header", key=binding["key"], value=value)))
    before = {text[1:]: "=result" for text in inputs.values() if text.startswith("=") and text[1:].isidentifier()}
    first = service("w", mapping({"employee": "KF-017"}, before or {"unused": "=result"}))
    call = service("s", mapping(inputs, outputs), *inside, operation=told.name)
    body = (START, first, call, END, flows("start > w", "w > s", "s > end"))
    found = lint.check({"x.bpmn": diagram(*body)}, forms={}, operations=OFFERED | {told.name: told})["x.bpmn"]
    assert [(one.code, one.text) for one in found] == []


def test_the_command_writes_templates(tmp_path: Path) -> None:
    """One file for each operation of the installation, in the language of the terminal, and the list as JSON."""
    command = [sys.executable, "-m", "webapp.commands", "--home", str(tmp_path / "home"), "operations", "--lang", "zh-CN"]
    done = subprocess.run(
        [*command, "--json", "--templates", str(tmp_path / "templates")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = {each["name"]: each for each in json.loads(done.stdout)}
    written = {path.stem: json.loads(path.read_text("utf-8")) for path in (tmp_path / "templates").iterdir()}
    assert written.keys() == listed.keys() and set(listed) >= {told.name for told in SHIPPED}
    assert written["mail.send"]["name"] == listed["mail.send"]["label"] == "发送邮件"
    assert listed["ehr.employee"]["reads"] and not listed["mail.send"]["reads"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "输入: to* 收件地址; subject* 主题; body* 正文" in told


def test_the_editor_gets_descriptions_and_templates(office: Office) -> None:
    """What a diagram may call comes with both, the templates in the language of the reader."""
    with_a_term(office)
    catalogue = office.browser("admin", "zh-CN").get("/studio/term/catalogue.json").json
    [told] = [each for each in catalogue["operations"] if each["name"] == "portrait.compute"]
    assert told["reads"] and told["inputs"][0]["required"] and "monitoring.usable" in {part["name"] for part in told["outputs"]}
    assert [each["name"] for each in catalogue["templates"] if each["id"] == "partwell.portrait.compute"] == ["生成员工表现画像"]
    assert len(catalogue["templates"]) == len(catalogue["operations"])
