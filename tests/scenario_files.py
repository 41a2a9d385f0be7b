"""Little procedures for scenarios, in the sample company: 陈立 reports 林小北, 王芳 is HR, 孙志远 is HR director."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from diagrams import END, START, boundary, flows, mapping, node, service, timer, zeebe
from engine_room import files, form

from engine.studio.sandbox import Sandboxes
from engine.studio.scenarios import reading
from engine.studio.scenarios.running import Outcome, run_all
from webapp.demo import sandboxes

RULES = {"managers": ["admin", "hr_director"], "readers": ["hr"]}
HEAD = """
name: 试一试
given: {clock: 2026-11-24T09:00, subject: 林小北, initiator: 陈立}
"""


@functools.cache
def shared() -> Sandboxes:
    """Sandboxes of the sample company; what is the same for several tests is made ready once."""
    return sandboxes.of_files()


def chosen() -> dict[str, bytes]:
    """A step with a form, a gateway, a push on one branch, and a reminder after a working day."""
    forms = {"check": form("verdict", "why", files=["proof"], required=["verdict"])}
    return files(
        START,
        node("userTask", "look", zeebe("assignmentDefinition", candidateGroups="hr"), zeebe("formDefinition", formId="check"), name="查看"),
        boundary("late", "look", timer(duration="P1D"), interrupting=False),
        service("remind", mapping({"to": '="hr@company.example"', "subject": '="待办"', "body": '="请查看"'}), operation="mail.send"),
        node("endEvent", "reminded"),
        node("exclusiveGateway", "which", default="which_other"),
        service(
            "stop",
            mapping({"employee": "=subject.employee_no", "last_month": '="2026-11"'}, {"number": "=reference"}),
            operation="payroll.stop_housing_fund",
        ),
        END,
        node("endEvent", "other", zeebe("properties", zeebe("property", name="wf.outcome", value="kept"))),
        flows("start > look", "look > which", 'which > stop: verdict = "stop"', "which > other"),
        flows("stop > end", "late > remind", "remind > reminded"),
        forms=forms,
        rules=RULES,
    )


def played(procedure: Mapping[str, bytes], text: str, **beside: str) -> Outcome:
    """What became of one scenario, written without its head; `beside`: other files of the folder."""
    body = HEAD + textwrap.dedent(text) if "given:" not in text else textwrap.dedent(text)
    more = {f"scenarios/{name}.yaml": textwrap.dedent(content).encode() for name, content in beside.items()}
    [outcome] = run_all(shared(), {**procedure, "scenarios/one.yaml": body.encode(), **more}, procedure="test")
    return outcome


def said(outcome: Outcome) -> str:
    """Why it failed, in English."""
    assert not outcome.faults, [str(fault.sentence) for fault in outcome.faults]
    return "; ".join(map(str, outcome.failed.failures)) if outcome.failed else ""


def wrong(text: str) -> list[tuple[int, str]]:
    """Lines and sentences of the faults of a scenario file."""
    found, faults = reading.scenario("scenarios/x.yaml", textwrap.dedent(text).encode(), zone=ZoneInfo("Asia/Shanghai"))
    assert (found is None) == bool(faults)
    return [(fault.line, str(fault.sentence)) for fault in faults]
