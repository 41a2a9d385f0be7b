"""A process owner changes the diagram and deploys it: new cases follow it, running ones stay as they began, and no code is touched."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from installation import Installation, installed
from lxml import etree
from sample_company import running

from engine.models import Job
from webapp import PROCEDURES
from webapp.commands import main

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"


@pytest.fixture(scope="module")
def partwell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("partwell")
    with running(home / "company") as company, installed(home, company) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped procedure, copied for its owner to change."""
    return Path(shutil.copytree(PROCEDURES / "termination", tmp_path / "termination", ignore=shutil.ignore_patterns("scenarios")))


def edited(folder: Path, *changes: tuple[str, str]) -> None:
    file = folder / "termination.bpmn"
    text = file.read_text("utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file.write_text(text, "utf-8")


def swapped(folder: Path, first: str, second: str) -> None:
    """Two steps change places: the flows of one become those of the other, as when their boxes are exchanged in a modeler."""
    file = folder / "termination.bpmn"
    root = etree.parse(file)
    exchange = {first: second, second: first}
    for flow in root.iter(f"{BPMN}sequenceFlow"):
        for end in ("sourceRef", "targetRef"):
            flow.set(end, exchange.get(flow.get(end), flow.get(end)))
    one, other = (root.find(f".//*[@id='{id}']") for id in (first, second))
    ends = [[child for child in step if child.tag in (f"{BPMN}incoming", f"{BPMN}outgoing")] for step in (one, other)]
    for step, given in ((one, ends[1]), (other, ends[0])):
        place = 1 + max((number for number, child in enumerate(step) if child.tag == f"{BPMN}extensionElements"), default=-1)
        for child in reversed(given):
            step.insert(place, child)
    root.write(file, xml_declaration=True, encoding="UTF-8")


def deployed(partwell: Installation, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of `partwell deploy`."""
    with pytest.raises(SystemExit) as ended:
        main(["--home", str(partwell.services.settings.home), "deploy", str(folder), "--json"])
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out)


def reminder(partwell: Installation, case: str) -> dt.timedelta:
    """How long after the case's start HR is reminded."""
    with partwell.services.database.reading() as connection:
        due = connection.execute(sa.select(Job.due_at).where(Job.case_id == case, Job.element == "assess_waits")).scalar_one()
    return due - partwell.services.clock.now()


def test_a_changed_name_and_timer_count_for_new_cases_only(
    partwell: Installation, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A renamed task and another reminder; the case that runs keeps both, and goes on."""
    before = partwell.start_case()
    partwell.run_jobs()
    edited(folder, ('id="assess" name="评估表现并提出处理意见"', 'id="assess" name="人力评估"'))
    cycle = (
        '<bpmn:timerEventDefinition id="assess_waits_timer">\n        <bpmn:timeCycle xsi:type="bpmn:tFormalExpression">{}</bpmn:timeCycle>'
    )
    edited(folder, (cycle.format("R3/P1D"), cycle.format("R5/PT12H")))

    number = partwell.case(before).version
    code, answer = deployed(partwell, folder, capsys)
    assert (code, answer) == (0, {"deployed": True, "procedure": "termination", "version": number + 1, "new": True, "findings": []})
    code, answer = deployed(partwell, folder, capsys)
    assert (code, answer["version"], answer["new"]) == (0, number + 1, False)

    after = partwell.start_case()
    partwell.run_jobs()
    assert (partwell.case(after).version, partwell.item(after, "assess").name) == (number + 1, "人力评估")
    assert (partwell.case(before).version, partwell.item(before, "assess").name) == (number, "评估表现并提出处理意见")
    assert (reminder(partwell, after), reminder(partwell, before)) == (dt.timedelta(hours=12), dt.timedelta(days=1))
    partwell.complete(before, "assess")
    assert [step.element for step in partwell.case(before).open] == ["state_facts"]


def pushes(partwell: Installation, case: str) -> list[str]:
    """What was asked of payroll about insurance and fund, in order."""
    timeline = partwell.case(case).timeline
    return [e.element or "" for e in timeline if e.event == "job:operation:done" and (e.element or "").startswith("stop_")]


def test_two_steps_that_change_places(partwell: Installation, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """New cases stop the housing fund before the social insurance; one that ran already does not."""
    before = partwell.start_case()
    swapped(folder, "stop_social_insurance", "stop_housing_fund")
    assert deployed(partwell, folder, capsys)[0] == 0
    after = partwell.start_case()
    for case in (before, after):
        partwell.play(case, until="serve_notice")
        partwell.complete(case, "serve_notice")
        partwell.run_jobs()
    assert pushes(partwell, before) == ["stop_social_insurance", "stop_housing_fund"]
    assert pushes(partwell, after) == ["stop_housing_fund", "stop_social_insurance"]


@pytest.mark.parametrize(
    "step, name", [("check_again", "送达前复核"), ("law_check", "审查辞退合法性"), ("hold_conversation", "记录沟通谈话")]
)
def test_a_notice_before_what_must_lie_before_it_is_refused(
    partwell: Installation, folder: Path, capsys: pytest.CaptureFixture[str], step: str, name: str
) -> None:
    """The notice cannot change places with the check of the law, its repetition or the conversation; the reason names both steps."""
    version = partwell.case(partwell.start_case()).version
    swapped(folder, step, "write_notice")
    code, answer = deployed(partwell, folder, capsys)
    assert (code, answer["deployed"]) == (1, False)
    [finding] = [each for each in answer["findings"] if f'without "{name}"' in each["message"]]
    assert (finding["code"], finding["element"]) == ("step_missing", "write_notice")
    assert '"生成解除通知书"' in finding["message"]
    assert partwell.case(partwell.start_case()).version == version, "what was refused is not active"
