"""Diagrams that nobody of this project wrote: each is refused for a reason, or it deploys and runs through all its branches."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from clerk import Clerk, operations_of
from explorer import Explorer
from lxml import etree

from engine import checks, deploying, procedures
from engine.bpmn.codes import Code
from engine.bpmn.convert import convert
from engine.bpmn.order import RULES
from engine.bpmn.reader import BPMN, read_xml
from engine.ledger import Event
from engine.settings import Settings
from webapp import form_checker
from webapp.checking import check_paths

DATA = Path(__file__).parent / "data"
FOLDERS = [DATA / "bpmn-import", DATA / "bpmn-miwg"]

#: why these are refused, by the codes of their errors
REFUSED = {
    "c7ce-external-task-example--video-publishing.bpmn": {"unknown_decision"},
    "c7ce-migrate-third-party-to-camunda--process-d.bpmn": {"missing_condition"},
    "c7ce-rugby-teams-dmn--remaining-teams.dmn": {"not_translated"},
    "c7ce-rugby-teams-dmn--rugby-team-choice.bpmn": {"unknown_decision"},
    "c7ce-skill-based-routing--determineEmployee.bpmn": {"python_script"},
    "c7ce-skill-based-routing--mitarbeiterBestimmen.bpmn": {"python_script"},
    "c7ce-skill-based-routing--schadenBearbeiten.bpmn": {"needs_refused"},
    "c7ce-underwriting--underwriting-process.bpmn": {"unsupported_element", "not_translated"},
    "c7ce-underwriting-BPMN-and-CMMN--underwritingBPMN_CMMN.bpmn": {"unknown_process"},
    "cbe-dataformat-configuration-in-process-application--testProcess.bpmn": {"python_script"},
    "cbe-loan-granting-spring-boot-webapp--loan-granting.bpmn": {"python_script", "unsupported_element"},
    "cbe-parse-bpmn--process.bpmn": {"python_script"},
    "C.3.0.bpmn": {"missing_condition", "bad_expression", "unsupported_setting"},
    "C.9.0.bpmn": {"unknown_decision"},
    "A.2.1.bpmn": {"not_executable", "python_script"},
    **{f"{name}.bpmn": {"not_executable"} for name in ("A.1.0", "A.2.0", "A.3.0", "A.4.0", "A.4.1", "B.1.0", "B.2.0")},
}
DIAGRAMS = [str(path) for folder in FOLDERS for path in sorted(folder.rglob("*.bpmn"))]
ACCEPTED = [path for path in DIAGRAMS if Path(path).name not in REFUSED]
#: each on SQLite, one of them on PostgreSQL
IN_OFFICE = [*((path, "sqlite") for path in ACCEPTED), (next(path for path in ACCEPTED if "invoice" in path), "postgresql")]
#: namespaces that are read here or only serve a modeler, by their ends
READ = ("/zeebe/1.0", "/XMLSchema-instance", "/schema/modeler/1.0", "/BPMN/20100524/MODEL")
#: of the standard: what hands data over
HANDED_OVER = ("ioSpecification", "dataInputAssociation", "dataOutputAssociation", "property", "interface", "itemDefinition", "import")
#: a result's shape is left until its table is there, and the file is refused until then
UNSAID = {"c7ce-external-task-example--video-publishing.bpmn": {"BusinessRuleTaskCheckFileSize mapDecisionResult=singleEntry"}}


@functools.cache
def checked() -> dict[str, Any]:
    """What is said of each file, by its name."""
    return {Path(file["file"]).name: file for file in check_paths(FOLDERS)}


def test_what_is_refused_is_refused_for_a_reason():
    """Every refusal names codes of the closed list; everything else is accepted."""
    found = {
        name: {one["code"] for one in file["findings"] if one["severity"] == "error"}
        for name, file in checked().items()
        if not file["accepted"]
    }
    assert found == REFUSED and {code for codes in found.values() for code in codes} <= set(Code)


def test_every_finding_says_where():
    """A line and an element for everything that lies in one."""
    placed = [one for file in checked().values() for one in file["findings"] if one["element"]]
    assert len(placed) > 500 and all(one["line"] for one in placed)


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: Path(path).stem)
def test_nothing_is_dropped_without_a_word(path):
    """Every setting of another vocabulary, and of the standard what carries data, is named in a finding: by its name, or with its value."""
    file = checked()[Path(path).name]
    said = " ".join(one["message"] for one in file["findings"])
    unsaid = set()
    for node in read_xml(Path(path).read_bytes(), path).iter(BPMN + "*"):
        for key, value in node.attrib.items():
            tag = etree.QName(key)
            if tag.namespace and not tag.namespace.endswith(READ) and tag.localname not in said and value not in said:
                unsaid.add(f"{node.get('id')} {tag.localname}={value}")
        for child in node if node.tag == BPMN + "extensionElements" else ():
            tag = etree.QName(child)
            if not tag.namespace.endswith(READ) and len(child.attrib) and tag.localname not in said:
                unsaid.add(f"{node.getparent().get('id')} {tag.localname}")
        if node.tag.removeprefix(BPMN) in HANDED_OVER and node.tag.removeprefix(BPMN) not in said:
            unsaid.add(f"{node.getparent().get('id')} {node.tag}")
    assert unsaid <= UNSAID.get(Path(path).name, set())


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: Path(path).stem)
def test_what_is_accepted_runs_through_all_its_branches(path):
    """A walk by chance, saved and restored after every step, comes to every element and takes every flow out of a gateway."""
    files = convert(procedures.gather(Path(path))).files
    walker = Explorer(files, seed=1)
    dead = {one["element"] for one in checked()[Path(path).name]["findings"] if one["code"] in ("unreachable", "uncaught")}
    left = walker.left() - dead
    for _ in range(400):
        if not left:
            break
        walker.walk()
        left = walker.left() - dead
    assert left == set(), f"{walker.endings} cases ended; stuck: {walker.stuck[-3:]}"


@pytest.mark.parametrize(("path", "database_url"), IN_OFFICE, ids=lambda given: Path(given).stem, indirect=["database_url"])
def test_what_is_accepted_deploys_starts_and_goes_on(path, services):
    """In the whole engine, with everything at hand that it calls: a case starts and its first steps are done, with no incident left."""
    files = procedures.gather(Path(path))
    clerk = Clerk(services, files, operations_of(convert(files).files))
    case = clerk.start()
    for _ in range(12):
        if not clerk.step(case):
            break
    assert clerk.room.events(case)[0] == Event.CASE_STARTED and clerk.room.incidents(case) == []


def test_a_foreign_folder_deploys_with_its_originals(services):
    """With the operations at hand it deploys as it is, keeps what came, and the same files again change nothing."""
    files = procedures.gather(DATA / "bpmn-import" / "c7ce-webinar-cmmn--underwriting-process.bpmn")
    [path] = [path for path in files if path.endswith(".bpmn")]
    findings = checks.check(files, form_checker(Settings.zone), operations=None, chain_keys=None)
    wanted = {one.facts["operation"] for found in findings.values() for one in found if one.code == Code.TO_BE_WRITTEN}
    services.operations.update(dict.fromkeys(wanted, object()))
    version, new = deploying.deploy(services, files, procedure="underwriting")
    assert new and deploying.deploy(services, files, procedure="underwriting")[1] is False
    kept = services.programs.get(version.id).files
    assert kept[f"original/{path}.xml"] == files[path] and kept[path] != files[path] and RULES not in kept
