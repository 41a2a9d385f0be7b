"""A small office for the tests of the web: nine people of the roster, and a procedure that has every kind of field and step."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import json
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import empty_database
import jinja2
import sqlalchemy as sa
import waitress
from conforming import ConformingClient
from diagrams import END, START, boundary, flows, timer, user
from engine_room import files as procedure_files
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket

from engine import deploying
from engine.errors import Refused
from engine.jobs import Runner
from engine.models import Account, WorkItem
from engine.people.importing import DepartmentLine, PersonLine, import_directory
from engine.ports import Answer, Call, Exchange
from engine.services import Services
from engine.settings import Settings
from webapp import create_app, create_services
from webapp.demo import roster

PASSWORD = "partwell-demo"


def _form(form: str, *components: dict[str, Any]) -> bytes:
    return json.dumps({"id": form, "type": "default", "schemaVersion": 18, "components": list(components)}, ensure_ascii=False).encode()


def _field(type: str, key: str, label: str, english: str, **more: Any) -> dict[str, Any]:
    return {"type": type, "id": f"F_{key}", "key": key, "label": label, "properties": {"label_en": english}, **more}


def _options(*pairs: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": label, "label_en": english} for value, label, english in pairs]


REPORT = _form(
    "report",
    _field("textarea", "what", "发生了什么", "What happened", validate={"required": True, "minLength": 5, "maxLength": 200}),
    _field(
        "select",
        "kind",
        "类别",
        "Kind",
        values=_options(("phone", "玩手机", "Phone"), ("learning", "学习能力差", "Learning")),
        validate={"required": True},
    ),
    _field("checkbox", "warned", "已口头提醒", "Warned already"),
    _field("textfield", "warning", "提醒经过", "The warning", conditional={"hide": "=not(warned = true)"}),
    _field("filepicker", "proof", "附件", "Attachments", multiple=True),
)
TALK = _form(
    "talk",
    {
        "type": "text",
        "id": "T1",
        "text": "请如实记录，**不作评价**。\n\n- 时间\n- 地点",
        "properties": {"text_en": "Record what was said."},
    },
    _field(
        "radio",
        "decision",
        "处理意见",
        "Decision",
        values=_options(("proceed", "继续", "Go on"), ("stop", "停止", "Stop")),
        validate={"required": True},
    ),
    _field("textarea", "stop_reason", "停止理由", "Why stop", conditional={"hide": '=decision != "stop"'}),
    {
        "type": "datetime",
        "subtype": "date",
        "id": "F_on",
        "key": "on",
        "dateLabel": "面谈日期",
        "properties": {"label_en": "Date"},
        "validate": {"required": True},
    },
    _field("number", "minutes", "时长", "Length", appearance={"suffixAdorner": "分钟"}, validate={"min": 1, "max": 600}),
    _field("checklist", "topics", "谈及", "Topics", values=_options(("phone", "手机使用", "Phone"), ("training", "培训成绩", "Training"))),
    {
        "type": "dynamiclist",
        "id": "F_witnesses",
        "path": "witnesses",
        "label": "见证人",
        "properties": {"label_en": "Witnesses"},
        "defaultRepetitions": 0,
        "allowAddRemove": True,
        "components": [
            _field("textfield", "name", "姓名", "Name", validate={"required": True}),
            _field("textfield", "post", "岗位", "Post"),
        ],
    },
    _field("filepicker", "files", "附件", "Attachments", multiple=True),
)
ANSWER = _form("answer", _field("textarea", "statement", "本人陈述", "My statement", validate={"required": True}))

_SHAPES = (
    ("start", 40, 36, 36),
    ("usage", 130, 100, 80),
    ("talk", 280, 100, 80),
    ("consent", 430, 100, 80),
    ("answer", 580, 100, 80),
    ("end", 740, 36, 36),
)
_FLOWS = (
    ("f1", "start", "usage"),
    ("f2", "usage", "talk"),
    ("f3", "talk", "consent"),
    ("f4", "consent", "answer"),
    ("f5", "answer", "end"),
)


def _diagram() -> bytes:
    def named(english: str, more: str = "") -> str:
        return f'<zeebe:properties><zeebe:property name="wf.name.en" value="{english}"/>{more}</zeebe:properties>'

    def task(id: str, name: str, inside: str) -> str:
        return f'<bpmn:userTask id="{id}" name="{name}"><bpmn:extensionElements>{inside}</bpmn:extensionElements></bpmn:userTask>'

    def shape(id: str, x: int, width: int, height: int) -> str:
        bounds = f'<dc:Bounds x="{x}" y="{120 - height // 2}" width="{width}" height="{height}"/>'
        return f'<bpmndi:BPMNShape id="s_{id}" bpmnElement="{id}">{bounds}</bpmndi:BPMNShape>'

    place = {id: (x, x + width) for id, x, width, _ in _SHAPES}

    def edge(id: str, source: str, target: str) -> str:
        ends = f'<di:waypoint x="{place[source][1]}" y="120"/><di:waypoint x="{place[target][0]}" y="120"/>'
        return f'<bpmndi:BPMNEdge id="e_{id}" bpmnElement="{id}">{ends}</bpmndi:BPMNEdge>'

    shapes, edges = "".join(shape(*each) for each in _SHAPES), "".join(edge(*each) for each in _FLOWS)
    flows = "".join(f'<bpmn:sequenceFlow id="{id}" sourceRef="{a}" targetRef="{b}"/>' for id, a, b in _FLOWS)
    talk = (
        '<zeebe:formDefinition formId="talk"/><zeebe:assignmentDefinition candidateGroups="=[&quot;hr&quot;]"/>'
        '<zeebe:taskSchedule dueDate="=now() + duration(&quot;P2D&quot;)"/>' + named("Talk")
    )
    chain = '<zeebe:property name="wf.chain" value="dismissal-approval"/>'
    subject = '<zeebe:property name="wf.for" value="subject"/>'
    outcome = '<zeebe:property name="wf.outcome" value="dismissed"/>'
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
 xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"
 xmlns:di="http://www.omg.org/spec/DD/20100524/DI" id="d" targetNamespace="http://partwell.example/tests">
<bpmn:process id="office" name="约谈" isExecutable="true">
<bpmn:extensionElements>{named("Conversation")}</bpmn:extensionElements>
<bpmn:startEvent id="start" name="提报">
<bpmn:extensionElements><zeebe:formDefinition formId="report"/>{named("Report")}</bpmn:extensionElements></bpmn:startEvent>
<bpmn:serviceTask id="usage" name="调取使用记录"><bpmn:extensionElements>
<zeebe:taskDefinition type="ehr.app_usage" retries="1"/><zeebe:ioMapping>
<zeebe:input source="=subject.employee_no" target="employee"/><zeebe:output source="=result" target="portrait"/></zeebe:ioMapping>
{named("Get app usage")}</bpmn:extensionElements></bpmn:serviceTask>
{task("talk", "面谈记录", talk)}{task("consent", "审批", named("Approval", chain))}
{task("answer", "本人陈述", '<zeebe:formDefinition formId="answer"/>' + named("My statement", subject))}
<bpmn:endEvent id="end" name="结束">
<bpmn:extensionElements>{named("End", outcome)}</bpmn:extensionElements></bpmn:endEvent>
{flows}</bpmn:process>
<bpmndi:BPMNDiagram id="di"><bpmndi:BPMNPlane id="plane" bpmnElement="office">
{shapes}{edges}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></bpmn:definitions>""".encode()


RULES = {
    "start": ["supervisor"],
    "managers": ["admin", "hr_director"],
    "readers": ["hr", "hr_director", "legal", "admin"],
    "shown": {"department_head": ["what", "kind", "decision", "on", "minutes", "topics", "usage", "portrait", "law"]},
    "aftermath": json.loads((Path(__file__).parent.parent / "processes/termination/rules.json").read_bytes())["aftermath"],
}
FILES = {
    "office.bpmn": _diagram(),
    "forms/report.form": REPORT,
    "forms/talk.form": TALK,
    "forms/answer.form": ANSWER,
    "chains.json": (Path(__file__).parent.parent / "processes/termination/chains.json").read_bytes(),
    "rules.json": json.dumps(RULES, ensure_ascii=False).encode(),
}


class Usage:
    """The outside system's twin; refuses while it is told to."""

    names: Sequence[str] = ("ehr.app_usage",)

    def __init__(self) -> None:
        self.refuses = False
        self.inputs: list[dict[str, Any]] = []

    def call(self, call: Call) -> Answer:
        self.inputs.append(dict(call.input))
        if self.refuses:
            raise Refused(system="ehr", operation=call.operation, reason="the answer was HTTP 404: no such employee")
        said = Exchange(
            system="ehr", request={"employee": call.input["employee"]}, answer='{"rows": [{"minutes": 150}], "备注": "原样"}', status="200"
        )
        figure = {
            "name": "社交应用使用",
            "name_en": "Social applications",
            "unit": "分钟",
            "unit_en": "min",
            "per": "day",
            "value": 150,
            "beyond": True,
        }
        figure |= {"key": "app_usage.social", "baseline": {"mean": 30, "median": 30, "members": 8}, "difference": 120, "ratio": 5}
        figure["series"] = {"days": ["2026-11-23", "2026-11-24"], "own": [140, 160], "team": [31, 29]}
        figure["threshold"] = {"side": "above", "limit": 60, "source": "参考标准", "source_en": "reference"}
        portrait = {"metrics": [figure], "exams": [], "missing": ["培训记录没有调取。"], "missing_en": ["Training was not fetched."]}
        portrait |= {
            "sentences": ["社交应用日均 150 分钟，团队 30 分钟。"],
            "sentences_en": ["Social applications: 150 min a day, team 30."],
        }
        return Answer(value=portrait, exchanges=[said])

    def check(self) -> Sequence[str]:
        return ()


class Office:
    """The application on a database of its own, its people by login, and what they do as a browser does it."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.usage = Usage()
        if "database" not in settings:
            shutil.copytree(_furnished(), home, dirs_exist_ok=True)
        self.services: Services = _services(self.usage, home, **settings)
        if "database" in settings:
            _move_in(self.services)
        with self.services.database.reading() as connection:
            rows = connection.execute(sa.select(Account.login, Account.person_id)).all()
        self.people: dict[str, str] = {row.login: row.person_id for row in rows}
        self.equip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.services.database.dispose()

    def equip(self, **services: Any) -> None:
        """Open the application anew, with these of its services in place of what it had."""
        self.services = dataclasses.replace(self.services, **services)
        self.app: Flask = create_app(self.services)
        self.app.jinja_env.bytecode_cache = _COMPILED
        self.app.test_client_class = ConformingClient

    def browser(self, login: str = "", language: str = "") -> FlaskClient:
        """A browser, logged in as somebody."""
        client = self.app.test_client()
        if login:
            answer = client.post("/log-in", data={"csrf_token": token(client, "/log-in"), "login": login, "password": PASSWORD})
            assert answer.status_code == 302, answer.text
        if language:
            client.post("/language", data={"csrf_token": token(client, "/account"), "locale": language})
        return client

    def program(self, login: str) -> tuple[FlaskClient, dict[str, str]]:
        """A client of the JSON interface and the headers that say who it is."""
        client = self.app.test_client()
        answer = client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return client, {"Authorization": f"Bearer {answer.json['token']}"}

    def draft(self, chain: str, steps: list[dict[str, Any]], program: tuple[FlaskClient, dict[str, str]]) -> dict[str, str]:
        """Save these steps as the draft of a chain, whatever it was; headers with which the program publishes it."""
        client, own = program
        at = f"/api/v1/chains/{chain}/draft"
        read = client.get(at, headers=own)
        named = {name: read.json["draft"][name] for name in ("name", "name_en")}
        saved = client.put(at, headers={**own, "If-Match": read.headers["ETag"]}, json={**named, "steps": steps})
        assert saved.status_code == 200, saved.text
        return {**own, "If-Match": saved.headers["ETag"]}

    def run_jobs(self) -> None:
        """Everything that is due; nothing is sealed."""
        runner = Runner(self.services, name="test", seal=lambda case_id: None)
        while runner.run_due():
            pass
        runner.close()

    def case(self) -> str:
        """Id of a case that chenli started and whose outside call was made."""
        client, headers = self.program("chenli")
        values = {"what": "上班玩手机、学习能力差", "kind": "phone"}
        sent = {"procedure": "office", "subject": self.people["linxiaobei"], "values": values}
        answer = client.post("/api/v1/cases", json=sent, headers=headers)
        assert answer.status_code == 201, answer.text
        self.run_jobs()
        return str(answer.json["case_id"])

    def open_item(self, case_id: str) -> str:
        """Id of the only open work item of a case."""
        with self.services.database.reading() as connection:
            return str(
                connection.execute(sa.select(WorkItem.id).where(WorkItem.case_id == case_id, WorkItem.status == "open")).scalar_one()
            )

    def post(self, client: FlaskClient, address: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        """Send a form as the browser does, with the forgery token of its session."""
        return client.post(address, data={"csrf_token": token(client, "/account"), **(data or {})}, **options)

    def talked(self, case_id: str) -> str:
        """The conversation is recorded; gives the id of the approval."""
        client, headers = self.program("wangfang")
        values = {"decision": "proceed", "on": "2026-11-24"}
        answer = client.post(f"/api/v1/items/{self.open_item(case_id)}/complete", json={"values": values}, headers=headers)
        assert answer.status_code == 204, answer.text
        return self.open_item(case_id)

    def approved(self, case_id: str) -> str:
        """Both signers agreed; gives the id of the employee's own item."""
        item = self.talked(case_id)
        for login in ("zhaominhua", "sunzhiyuan"):
            client, headers = self.program(login)
            assert client.post(f"/api/v1/items/{item}/approve", json={"opinion": "同意"}, headers=headers).status_code == 204
        return self.open_item(case_id)


class _Compiled(jinja2.BytecodeCache):
    """The templates that an office before this one compiled."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if known := self._known.get(bucket.key):
            bucket.bytecode_from_string(known)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


@contextmanager
def served(office: Office) -> Iterator[str]:
    """Its address while the office is open to browsers."""
    server = waitress.create_server(office.app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        thread.join(5)


def with_a_term(office: Office) -> str:
    """Id of a case of another procedure: one task with a term of three days."""
    term = boundary("late", "a", timer(duration="P3D"))
    files = procedure_files(START, user("a"), term, user("b"), END, flows("start > a", "a > end", "late > b", "b > end"))
    deploying.deploy(office.services, files, procedure="term")
    client, headers = office.program("chenli")
    sent = {"procedure": "term", "subject": office.people["linxiaobei"], "values": {}}
    return str(client.post("/api/v1/cases", json=sent, headers=headers).json["case_id"])


def _services(usage: Usage, home: Path, **settings: Any) -> Services:
    services = create_services(Settings(home=home, **settings))
    return dataclasses.replace(services, operations={**services.operations, "ehr.app_usage": usage})


@functools.cache
def _furnished() -> Path:
    """The home of an office into which everybody has moved, made once: a copy of it opens in a fraction of the time."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    empty_database.place(Path(folder.name) / "partwell.db")
    services = _services(Usage(), Path(folder.name))
    _move_in(services)
    services.database.dispose()  # the last connection that closes leaves nothing beside the database file
    return Path(folder.name)


def _move_in(services: Services) -> None:
    units = [DepartmentLine(key=d.key, name=d.name, name_en=d.name_en, parent=d.parent, head=d.head) for d in roster.DEPARTMENTS.values()]
    lines = [
        PersonLine(
            employee_no=e.id,
            name=e.name,
            login=e.login,
            email=e.email,
            department=e.department,
            team=e.team,
            post=e.post,
            post_en=e.post_en,
            manager=e.manager,
            roles=roster.ROLES.get(e.login, ()),
        )
        for e in roster.EMPLOYEES.values()
    ]
    lines.append(PersonLine(name=roster.ADMIN[1], login="admin", post="系统管理员", post_en="Administrator", roles=("admin",)))
    with services.database.unit() as unit:
        import_directory(unit.connection, units, lines, password=PASSWORD)
        unit.commit()
    deploying.deploy(services, FILES, procedure="office")


def token(client: FlaskClient, page: str) -> str:
    """The forgery token of a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found
    return found[1]
