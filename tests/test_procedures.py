"""Versions of a procedure: what deploys, what is refused, and what a running case keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, node, service, user, zeebe
from engine_room import Room, files, form, line, person, together
from twins import ScriptedOperation

from engine import checks, deploying, procedures, work
from engine.chains import versions
from engine.errors import FileRefused, FormInvalid, NotDeployable, NotFound
from engine.models import Chain, Person, ProcedureFile, ProcedureVersion
from engine.services import Services

CHAIN = {
    "consent": {
        "name": "审批",
        "name_en": "Consent",
        "steps": [{"name": "人事", "name_en": "HR", "mode": "claim", "approvers": [{"rule": "role", "roles": ["hr"]}]}],
    }
}


def with_form(id: str = "talk") -> tuple[str, ...]:
    """One user task that has a form."""
    return START, user("talk", zeebe("formDefinition", formId=id)), END, flows("start > talk", "talk > end")


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def codes(refused: NotDeployable) -> set[str]:
    return {str(finding.code) for finding in refused.findings}


def test_the_same_files_deploy_nothing(room: Room) -> None:
    """The second time gives the version that is there; the order of the files does not matter."""
    version = room.deploy(*line("a"), forms={"x": form("y")})
    assert room.new and (version.number, version.name, version.active) == (1, "流程", True)
    same = dict(reversed(files(*line("a"), forms={"x": form("y")}).items()))
    again, new = deploying.deploy(room.services, same, procedure="test")
    assert (again.id, new) == (version.id, False)
    assert room.count(ProcedureVersion) == 1 and room.count(ProcedureFile) == 2


def test_a_changed_file_makes_the_next_version(room: Room) -> None:
    """Only the newest is active; going back to earlier files is a version of its own; procedures count separately."""
    numbers = [room.deploy(*line(*tasks), procedure=name).number for tasks, name in (("a", "p"), ("b", "p"), ("a", "p"), ("a", "q"))]
    assert numbers == [1, 2, 3, 1]
    active = room.rows(sa.select(ProcedureVersion.procedure, ProcedureVersion.number).where(ProcedureVersion.active))
    assert sorted(active) == [("p", 3), ("q", 1)]
    assert [each.procedure for each in procedures.startable(room.services)] == ["p", "q"]


def test_deployments_at_the_same_moment(room: Room) -> None:
    """Machines that deploy the same files at their start make one version and one chain; different files make one each."""
    same = files(*line("a"), chains=CHAIN)
    results = together(*[lambda: deploying.deploy(room.services, same, procedure="same")] * 4)
    assert sorted(new for _, new in results) == [False, False, False, True]
    assert [row.number for row in room.rows(sa.select(Chain.number))] == [1]
    several = [files(*line(name)) for name in "abcd"]
    results = together(*(lambda each=each: deploying.deploy(room.services, each, procedure="several") for each in several))  # type: ignore[misc]
    assert sorted(version.number for version, _ in results) == [1, 2, 3, 4]
    assert room.value(sa.select(ProcedureVersion.number).where(ProcedureVersion.procedure == "several", ProcedureVersion.active)) == 4


def test_a_running_case_stays_on_its_version(room: Room) -> None:
    """A case goes on with the diagram and forms it began with, also in a process that never saw the old version."""
    room.deploy(*with_form(), forms={"talk": form("old", required=["old"])})
    before = room.start()
    room.deploy(*line("talk", "sign"), procedure="test")
    after = room.start()
    room = room.restarted()
    with pytest.raises(FormInvalid) as caught:
        room.complete(before, "talk", new="x")
    assert caught.value.fields.keys() == {"old", "new"}
    room.complete(before, "talk", old="x")
    assert room.case(before).status == "closed" and room.variables(before)["old"] == "x"
    room.complete(after, "talk")
    assert room.open(after) == "sign"


def test_a_version_never_changes(room: Room) -> None:
    """What was deployed is stored with its digest, byte for byte."""
    deployed = files(*with_form(), forms={"talk": form("old")})
    version, _ = deploying.deploy(room.services, deployed, procedure="test", by=person("admin"))
    assert dict(room.restarted().services.programs.get(version.id).files) == deployed
    assert version.deployed_by == person("admin") and version.deployed_at == room.clock.now()


@pytest.mark.parametrize(
    ("body", "more", "code"),
    [
        ((START, service("call", operation="ehr.nothing"), END, flows("start > call", "call > end")), {}, "unknown_operation"),
        (with_form(), {}, "unknown_form"),
        (with_form(), {"forms": {"talk": {"components": "none"}}}, "bad_form"),
        (
            (START, node("scriptTask", "s", "<bpmn:script>x = 1</bpmn:script>", scriptFormat="python"), END, flows("start > s", "s > end")),
            {},
            "python_script",
        ),
        (line("notice", "check"), {"rules": {"before": {"notice": ["check"]}}}, "step_missing"),
        (line("a"), {"rules": {"before": {"b": ["a"]}}}, "rule_guards_nothing"),
        (line("a"), {"rules": {"before": {"a": ["b"]}}}, "step_gone"),
        (line("a"), {"rules": {"no_way_back": ["b"]}}, "rule_guards_nothing"),
        (line("a"), {"rules": {"manager": ["hr"]}}, "not_json"),
        (line("a"), {"rules": {"managers": "hr"}}, "not_json"),
        (line("a"), {"rules": {"readers": [1]}}, "not_json"),
        (line("a"), {"rules": {"before": ["a"]}}, "not_json"),
        (line("a"), {"rules": {"before": {"a": "b"}}}, "not_json"),
        (line("a"), {"rules": []}, "not_json"),
        (line("a"), {"chains": []}, "not_json"),
        (line("a"), {"chains": {"consent": {"name": "审批"}}}, "not_json"),
    ],
)
def test_what_cannot_run_is_refused(room: Room, body: tuple[str, ...], more: dict[str, Any], code: str) -> None:
    """A faulty file is refused with its reason, and nothing of the deployment is stored."""
    with pytest.raises(NotDeployable) as caught:
        room.deploy(*body, **more)
    assert code in codes(caught.value)
    assert room.count(ProcedureVersion) == room.count(ProcedureFile) == room.count(Chain) == 0


@pytest.mark.parametrize("path", ["rules.json", "chains.json", "forms/x.form"])
def test_broken_json_is_refused(room: Room, path: str) -> None:
    """A file that is no JSON is a finding of that file, not a traceback."""
    broken = {**files(*line("a")), path: b'{"managers": ['}
    found = checks.check(broken, room.services.forms, operations=None, chain_keys=None)
    assert [str(finding.code) for finding in found[path]] == ["not_json"]
    with pytest.raises(NotDeployable):
        deploying.deploy(room.services, broken, procedure="test")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"mode": "vote"}, "step 1 (人事), mode: it must be one of"),
        (
            {"approvers": [{"rule": "operation", "operation": "hr.none"}]},
            "approvers.0.operation: no connector offers the operation hr.none",
        ),
        ({"approvers": [{"rule": "person", "persons": ["E001", "E999"]}]}, "approvers.0.persons: there is no person E999"),
    ],
)
def test_a_chain_that_cannot_be_published_keeps_its_procedure_from_being_deployed(room: Room, step: dict[str, Any], said: str) -> None:
    """Chain, step and field are named, and nothing is stored; a chain that is there already is not taken from the file, nor checked."""
    wrong = {"consent": {**CHAIN["consent"], "steps": [{**CHAIN["consent"]["steps"][0], **step}]}}  # type: ignore[dict-item]
    with pytest.raises(NotDeployable) as caught:
        room.deploy(*line("a"), chains=wrong)
    [finding] = caught.value.findings
    assert finding.code == "bad_chain" and 'In the approval chain "consent", ' in finding.text and said in finding.text
    assert room.count(ProcedureVersion) == 0
    room.deploy(*line("a"), chains=CHAIN)
    room.deploy(*line("b"), chains=wrong)


def test_roles_and_fields_of_a_chain_that_are_not_there_yet_are_told(room: Room) -> None:
    """As warnings, since another procedure, an operation or the next import may bring them; what is there is not mentioned."""
    step = {
        **CHAIN["consent"]["steps"][0],  # type: ignore[dict-item]
        "approvers": [
            {"rule": "role", "roles": ["hr", "nobody_has"]},
            {"rule": "form_person", "field": "who"},
            {"rule": "hrbp", "of": "field:amount"},
            {"rule": "initiator_chooses", "pool": {"rule": "role", "roles": ["none"]}},
        ],
        "fields": {"amount": "readonly", "sum": "hidden"},
    }
    given = {"chains": {"consent": {**CHAIN["consent"], "steps": [step]}}, "forms": {"begin": form(numbers=["amount"])}}
    found = checks.findings(room.services, files(*line("a"), **given))["chains.json"]
    assert {finding.severity for finding in found} == {"warning"}
    assert [finding.text.partition("), ")[2].removesuffix(". Correct it in chains.json.") for finding in found] == [
        "approvers.0.roles: nobody holds the role nobody_has",
        "approvers.3.pool.roles: nobody holds the role none",
        "approvers.1.field: no form of the procedure has the field who",
        "fields.sum: no form of the procedure has the field sum",
    ]


def test_default_chains_are_published_once(room: Room) -> None:
    """A chain that an administrator has changed is not overwritten by the next deployment."""
    room.deploy(*line("a"), chains=CHAIN)
    with room.services.database.unit() as unit:
        steps = [{**CHAIN["consent"]["steps"][0], "name": "改"}]  # type: ignore[dict-item]
        versions.publish(unit.connection, key="consent", name="改", name_en="Changed", steps=steps, by=None, now=room.clock.now())
        unit.commit()
    room.deploy(*line("b"), chains=CHAIN)
    assert room.rows(sa.select(Chain.number, Chain.name).order_by(Chain.number)) == [(1, "审批"), (2, "改")]


def test_a_chain_that_nobody_knows_is_refused(room: Room) -> None:
    """A task may name a chain that comes along or is there already, but no other."""
    task = node("userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="consent")))
    body = (START, task, END, flows("start > sign", "sign > end"))
    with pytest.raises(NotDeployable):
        room.deploy(*body)
    room.deploy(*body, chains=CHAIN)
    room.deploy(*body, forms={"x": form("y")})
    assert room.count(Chain) == 1


def test_gathering_a_folder(tmp_path: Path) -> None:
    """Files of the known kinds, and the shared forms that the diagrams name unless the folder has its own."""
    folder, shared = tmp_path / "procedure", tmp_path / "forms"
    (folder / "letters").mkdir(parents=True)
    (folder / ".git").mkdir()
    shared.mkdir()
    (folder / "x.bpmn").write_bytes(files(*with_form())["test.bpmn"])
    (folder / "letters" / "notice.typ").write_text("= 通知")
    (folder / "notes.docx").write_text("x")
    (folder / ".git" / "config.json").write_text("{}")
    (shared / "talk.form").write_text(json.dumps(form("a")))
    (shared / "other.form").write_text("{}")
    assert sorted(procedures.gather(folder, shared)) == ["forms/talk.form", "letters/notice.typ", "x.bpmn"]
    assert sorted(procedures.gather(folder / "x.bpmn")) == ["letters/notice.typ", "x.bpmn"]
    (folder / "forms").mkdir()
    (folder / "forms" / "talk.form").write_text("{}")
    assert procedures.gather(folder, shared)["forms/talk.form"] == b"{}"
    (folder / "big.txt").write_bytes(b"x" * (2 * 1024 * 1024 + 1))
    with pytest.raises(FileRefused, match=r"big\.txt"):
        procedures.gather(folder)
    with pytest.raises(NotFound):
        procedures.gather(shared)


def test_a_version_that_does_not_exist(room: Room) -> None:
    """Neither a procedure nor a version that nobody deployed can be used."""
    with pytest.raises(NotFound):
        room.start(procedure="nothing")
    with pytest.raises(NotFound):
        room.services.programs.get("0" * 32)


def test_only_a_few_versions_stay_in_memory(room: Room) -> None:
    """The one unused for longest makes room, and is read again when it is needed."""
    versions = [room.deploy(*line(name)).id for name in ("a", "b", "c")]
    programs = procedures.Programs(room.services.database, capacity=2)
    first = programs.get(versions[0])
    assert programs.get(versions[1]) and programs.get(versions[0]) is first and programs.get(versions[2])
    assert programs.get(versions[0]) is first and first.program.elements.keys() >= {"start", "a", "end"}


def test_a_form_that_lints_also_works(room: Room) -> None:
    """A file picker, a number and a text field deploy and check a submission."""
    room.deploy(*with_form(), forms={"talk": form("said", numbers=["minutes"], files=["proof"])})
    case = room.start()
    with pytest.raises(FormInvalid) as caught:
        room.complete(case, "talk", minutes="many")
    assert caught.value.fields.keys() == {"minutes"}
    work.complete(room.services, room.item(case, "talk"), actor=person("hr"), values={"said": "好", "minutes": 40}, request_id="r")
    assert {"said": "好", "minutes": 40}.items() <= room.variables(case).items()


def test_an_operation_that_exists_deploys(services: Services) -> None:
    """The operations that are offered are the ones that diagrams may call."""
    room = Room(services, ScriptedOperation("ehr.usage"))
    room.deploy(START, service("call", operation="ehr.usage"), END, flows("start > call", "call > end"))
    assert room.new


def test_rules_that_lock_everybody_out_are_refused(room: Room) -> None:
    """A role that nobody holds, or only who has left; whoever is named last keeps it open, and a new installation may wait for people."""

    def refused(*roles: str) -> list[str]:
        given = files(*line("a"), rules={"managers": list(roles)})
        return [str(one.code) for one in checks.faults(room.services, given)]

    assert refused("nosuch") == ["nobody_manages"] and refused("nosuch", "hr_director") == []
    with pytest.raises(NotDeployable) as error:
        room.deploy(*line("a"), rules={"managers": ["nosuch"]})
    assert "nosuch" in str(error.value.findings[0].facts["roles"])
    room.write(sa.update(Person).where(Person.id == person("director")).values(active=False))
    assert refused("hr_director") == ["nobody_manages"]
    room.write(sa.update(Person).values(active=False))
    assert refused("nosuch") == []
