"""A short case through the real engine, closed and ready to be sealed: outside call, upload, approval, letter, receipt."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine import cases, migrations, work
from engine.bpmn.state import LiveCases
from engine.db import Database
from engine.deploying import deploy
from engine.fields import Keyring
from engine.jobs import Runner
from engine.letters.operations import DraftLetter, RenderLetter
from engine.models import Case, Department, Headship, Holding, Person, Placement, WorkItem, new_id
from engine.ports import Answer, Call, Exchange, File, Json
from engine.procedures import Programs
from engine.services import Services
from engine.settings import Settings
from webapp.benchmarks.places import private_postgres
from webapp.i18n import catalogue
from webapp.pdf import TypstRenderer
from webapp.reports import CaseReport

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
LETTER = """#set document(title: "通知书")
#let d = json(bytes(sys.inputs.data))
= 通知书
#d.subject.name：#d.hours 小时。
"""
RULES = '{"managers": ["admin"], "readers": ["hr"], "served": ["notice"]}'
CHAINS = """{"consent": {"name": "审批", "name_en": "Consent", "steps": [
  {"name": "人事审批", "name_en": "HR", "mode": "claim", "approvers": [{"rule": "role", "roles": ["hr"]}]}]}}"""
DIAGRAM = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
 xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"
 xmlns:di="http://www.omg.org/spec/DD/20100524/DI" id="d" targetNamespace="http://example.org/partwell">
<bpmn:process id="short" name="短流程" isExecutable="true">
 <bpmn:laneSet id="lanes"><bpmn:lane id="lane" name="人事">
  <bpmn:flowNodeRef>start</bpmn:flowNodeRef><bpmn:flowNodeRef>usage</bpmn:flowNodeRef>
  <bpmn:flowNodeRef>talk</bpmn:flowNodeRef><bpmn:flowNodeRef>consent</bpmn:flowNodeRef><bpmn:flowNodeRef>notice</bpmn:flowNodeRef>
  <bpmn:flowNodeRef>receipt</bpmn:flowNodeRef><bpmn:flowNodeRef>end</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>
 <bpmn:startEvent id="start" name="开始"/>
 <bpmn:serviceTask id="usage" name="读取数据"><bpmn:extensionElements><zeebe:taskDefinition type="ehr.app_usage"/><zeebe:ioMapping>
  <zeebe:output source="=hours" target="hours"/></zeebe:ioMapping></bpmn:extensionElements></bpmn:serviceTask>
 <bpmn:userTask id="talk" name="面谈记录"><bpmn:extensionElements>
  <zeebe:assignmentDefinition assignee="=initiator.id"/></bpmn:extensionElements></bpmn:userTask>
 <bpmn:userTask id="consent" name="审批"><bpmn:extensionElements><zeebe:properties>
  <zeebe:property name="wf.chain" value="consent"/></zeebe:properties></bpmn:extensionElements></bpmn:userTask>
 <bpmn:serviceTask id="notice" name="出具通知书"><bpmn:extensionElements><zeebe:taskDefinition type="document.render"/>
  <zeebe:taskHeaders><zeebe:header key="template" value="notice"/><zeebe:header key="kind" value="notice"/>
  <zeebe:header key="title" value="通知书"/></zeebe:taskHeaders>
  <zeebe:ioMapping><zeebe:input source="=subject" target="subject"/><zeebe:input source="=hours" target="hours"/>
  <zeebe:output source="=document" target="notice"/></zeebe:ioMapping></bpmn:extensionElements></bpmn:serviceTask>
 <bpmn:userTask id="receipt" name="签收"><bpmn:extensionElements><zeebe:properties>
  <zeebe:property name="wf.for" value="subject"/></zeebe:properties></bpmn:extensionElements></bpmn:userTask>
 <bpmn:endEvent id="end" name="结束"><bpmn:extensionElements><zeebe:properties>
  <zeebe:property name="wf.outcome" value="dismissed"/></zeebe:properties></bpmn:extensionElements></bpmn:endEvent>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="usage"/><bpmn:sequenceFlow id="f2" sourceRef="usage" targetRef="talk"/>
 <bpmn:sequenceFlow id="f3" sourceRef="talk" targetRef="consent"/><bpmn:sequenceFlow id="f4" sourceRef="consent" targetRef="notice"/>
 <bpmn:sequenceFlow id="f5" sourceRef="notice" targetRef="receipt"/><bpmn:sequenceFlow id="f6" sourceRef="receipt" targetRef="end"/>
</bpmn:process>
<bpmndi:BPMNDiagram id="p"><bpmndi:BPMNPlane id="pl" bpmnElement="short">
 <bpmndi:BPMNShape id="s1" bpmnElement="start"><dc:Bounds x="60" y="82" width="36" height="36"/></bpmndi:BPMNShape>
 <bpmndi:BPMNShape id="s2" bpmnElement="usage"><dc:Bounds x="140" y="60" width="100" height="80"/></bpmndi:BPMNShape>
 <bpmndi:BPMNShape id="s3" bpmnElement="talk"><dc:Bounds x="280" y="60" width="100" height="80"/></bpmndi:BPMNShape>
 <bpmndi:BPMNShape id="s4" bpmnElement="consent"><dc:Bounds x="420" y="60" width="100" height="80"/></bpmndi:BPMNShape>
 <bpmndi:BPMNShape id="s5" bpmnElement="notice"><dc:Bounds x="560" y="60" width="100" height="80"/></bpmndi:BPMNShape>
 <bpmndi:BPMNShape id="s6" bpmnElement="receipt"><dc:Bounds x="700" y="60" width="100" height="80"/></bpmndi:BPMNShape>
 <bpmndi:BPMNShape id="s7" bpmnElement="end"><dc:Bounds x="840" y="82" width="36" height="36"/></bpmndi:BPMNShape>
 <bpmndi:BPMNEdge id="e1" bpmnElement="f1"><di:waypoint x="96" y="100"/><di:waypoint x="140" y="100"/></bpmndi:BPMNEdge>
</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></bpmn:definitions>"""
FILES = {
    "short.bpmn": DIAGRAM.encode(),
    "letters/notice.typ": LETTER.encode(),
    "letters/plan.txt": "{subject.name}，日均 {hours} 小时。\n{points}\n".encode(),
    "letters/plan_en.txt": b"{subject.name}: {hours} hours a day.\n{points}\n",
    "rules.json": RULES.encode(),
    "chains.json": CHAINS.encode(),
}
PEOPLE = {"boss": "陈立", "subject": "林小北", "hr": "王芳", "stranger": "路人甲", "admin": "周管家"}


class StandingClock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.at = dt.datetime(2026, 11, 24, 1, 0, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        self.at += dt.timedelta(seconds=1)
        return self.at


class Usage:
    """The outside system's twin."""

    names: Sequence[str] = ("ehr.app_usage",)
    ANSWER = '{"rows": [{"minutes": 150}], "备注": "原样"}'

    def call(self, call: Call) -> Answer:
        said = Exchange(system="ehr", request={"employee": "KF-017"}, answer=self.ANSWER, status="200")
        return Answer(value={"hours": 2.5}, exchanges=[said])

    def check(self) -> Sequence[str]:
        return ()


class NoForms:
    """No element of the short procedure has a form."""

    def check(
        self,
        schema: Mapping[str, Json],
        submitted: Mapping[str, Json],
        stored: Mapping[str, Json],
        *,
        permissions: Mapping[str, str],
        locale: str,
    ) -> dict[str, Json]:
        return dict(submitted)

    def files(self, schema: Mapping[str, Json], values: Mapping[str, Json]) -> Mapping[str, Sequence[str]]:
        return {}

    def check_files(self, schema: Mapping[str, Json], files: Any, values: Mapping[str, Json], **of: Any) -> None:
        pass

    def visible(self, schema: Mapping[str, Json], values: Mapping[str, Json], permissions: Mapping[str, str], **of: Any) -> Any:
        return dict(values)

    def narrowed(self, schema: Mapping[str, Json], access: Mapping[str, str]) -> dict[str, str]:
        return {}

    def shown(self, schema: Mapping[str, Json], values: Mapping[str, Json], permissions: Mapping[str, str]) -> dict[str, Json]:
        return dict(values)

    def problems(self, schema: Json) -> Sequence[str]:
        return ()


def person(key: str) -> str:
    """Id of one of PEOPLE."""
    return f"{list(PEOPLE).index(key):032x}"


@contextlib.contextmanager
def houses(home: Path, database: str) -> Iterator[Services]:
    """A house on `sqlite`, or on a `postgres` server of its own."""
    with private_postgres() if database == "postgres" else contextlib.nullcontext("") as address:
        services = house(home, address)
        yield services
        services.database.dispose()


def house(home: Path, database: str = "") -> Services:
    """Services on a fresh database with five people and the short procedure."""
    settings = Settings(home=home, database=database)
    keyring = Keyring.open(settings.key_file)
    opened = Database(settings.database_url, keyring)
    migrations.upgrade(opened)
    renderer = TypstRenderer()
    operations = [
        Usage(),
        RenderLetter(renderer, lambda case: FILES, zone="Asia/Shanghai"),
        DraftLetter(lambda case: FILES),
    ]
    services = Services(
        settings=settings,
        keyring=keyring,
        database=opened,
        clock=StandingClock(),
        forms=NoForms(),
        renderer=renderer,
        operations={name: operation for operation in operations for name in operation.names},
        programs=Programs(opened),
        live=LiveCases(10),
    )
    with opened.unit() as unit:
        unit.connection.execute(sa.insert(Department), [{"id": "cs", "name": "客服部", "name_en": "Service"}])
        shared = {"post": "专员", "post_en": "Clerk", "active": True}
        unit.connection.execute(sa.insert(Person), [{"id": person(key), "name": name, **shared} for key, name in PEOPLE.items()])
        unit.connection.execute(sa.insert(Headship), [{"id": new_id(), "department_id": "cs", "person_id": person("boss")}])
        places = [{"id": new_id(), "person_id": person(key), "department_id": "cs"} for key in PEOPLE]
        unit.connection.execute(sa.insert(Placement), places)
        unit.connection.execute(sa.insert(Holding), [{"person_id": person(key), "role": key} for key in ("hr", "admin")])
        unit.commit()
    deploy(services, FILES, procedure="short")
    return services


def report() -> CaseReport:
    """The report as the product makes it; the short case has no portrait and no forms, hence neither charts nor answers."""
    return CaseReport(TypstRenderer(), catalogue("zh-CN").gettext, lambda portrait: {}, lambda schema, values: ())


def started(services: Services) -> str:
    """A new case whose outside call was answered; gives its id."""
    case = cases.start(
        services, procedure="short", initiator=person("boss"), subject=person("subject"), values={"why": "工作时间玩手机"}, request_id="r1"
    )
    run_jobs(services)
    return case.case_id


def closed(services: Services, case_id: str) -> None:
    """Play the rest of the case to its end."""
    photo = File(kind="attachment", name="面谈照片.png", media_type="application/octet-stream", content=PNG)
    talk = open_item(services, case_id)
    stored = work.attach(services, talk, actor=person("boss"), files={"photos": [photo]})
    work.complete(services, talk, actor=person("boss"), values={"said": "已知晓", **stored}, request_id="r2")
    work.approve(services, open_item(services, case_id), actor=person("hr"), opinion="同意", request_id="r3")
    run_jobs(services)
    work.complete(services, open_item(services, case_id), actor=person("subject"), values={"received": True}, request_id="r4")
    with services.database.reading() as connection:
        assert connection.execute(sa.select(Case.status).where(Case.id == case_id)).scalar_one() == "closed"


def open_item(services: Services, case_id: str) -> str:
    """Id of the only open work item."""
    with services.database.reading() as connection:
        return connection.execute(sa.select(WorkItem.id).where(WorkItem.case_id == case_id, WorkItem.status == "open")).scalar_one()


def run_jobs(services: Services) -> None:
    """Everything that is due; closing alone does not seal here."""
    runner = Runner(services, name="test", seal=lambda case_id: None)
    while runner.run_due():
        pass
    runner.close()
