"""The whole story, without mocks: real processes, HTTP, a real diagram, the sample company, and a sealed file at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

PUSHES = {"payroll.stop_social_insurance", "payroll.stop_housing_fund", "payroll.request_settlement", "oa.deactivate_account"}
#: who does what, in the role they do it in; the last four go on side by side
STEPS = [
    ("report_filed", "陈立", "主管"),
    ("assess", "王芳", "HR"),
    ("state_facts", "王芳", "HR"),
    ("edit_plan", "王芳", "HR"),
    ("approve", "赵敏华", "部门负责人审批"),
    ("approve", "孙志远", "人力资源总监审批"),
    ("review_law", "郑文博", "法务"),
    ("record_union_reply", "何秀兰", "工会"),
    ("hold_conversation", "王芳", "HR"),
    ("give_statement", "林小北", "员工"),
    ("serve_notice", "王芳", "HR"),
    ("confirm_removal", "刘海", "综合部"),
    ("hand_over_certificate", "王芳", "HR"),
    ("hand_over_work", "陈立", "主管"),
    ("return_assets", "刘海", "综合部"),
]


def partwell(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PARTWELL_")} | {"TMPDIR": str(folder)}
    command = [sys.executable, "-m", "webapp.commands", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)


def told(folder: Path, *options: str) -> dict[str, Any]:
    """What `partwell demo --json` printed, when all is in order and every process it started is gone."""
    done = partwell(folder, "demo", "--json", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert [line for line in running_processes() if str(folder) in line] == []
    story = json.loads(done.stdout)
    assert (story["status"], story["outcome"]) == ("closed", "dismissed")
    found = [(step["element"], step["person"], step["role"]) for step in story["steps"]]
    assert (found[:11], sorted(found[11:])) == (STEPS[:11], STEPS[11:])
    assert all(step["name"] and step["at"] for step in story["steps"])
    assert [step["at"] for step in story["steps"]] == sorted(step["at"] for step in story["steps"])
    assert {push["operation"] for push in story["pushes"]} == PUSHES
    assert {push["effects"] for push in story["pushes"]} == {1}
    assert story["ledger"]["verified"] is True and story["ledger"]["entries"] > len(STEPS)
    return story


def running_processes() -> list[str]:
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it ended meanwhile
    return lines


def test_the_story_is_told_to_its_sealed_end(tmp_path: Path) -> None:
    """Every step has its person, role and time, each push one effect; the sealed file is valid until a byte of it changes."""
    story = told(tmp_path)
    assert {push["attempts"] for push in story["pushes"]} == {1}

    file = Path(story["file"])
    verified = partwell(tmp_path, "verify", str(file), "--json")
    assert verified.returncode == 0 and json.loads(verified.stdout)["case"] == story["case"]
    with zipfile.ZipFile(file) as archive:
        assert {"timeline.json", "report.pdf", "ledger.json", "manifest.json"} <= set(archive.namelist())

    whole = file.read_bytes()
    middle = file.with_name("middle.zip")
    for place in (len(whole) // 3, len(whole) // 2, len(whole) - 40):
        middle.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        changed = partwell(tmp_path, "verify", str(middle))
        assert changed.returncode == 1, (place, changed)
        assert "Traceback" not in changed.stderr

    letter = tmp_path / "letter.txt"
    letter.write_text("no sealed file", "utf-8")
    refused = partwell(tmp_path, "verify", str(letter))
    assert refused.returncode == 2 and "letter.txt" in refused.stderr and "Traceback" not in refused.stderr


def test_outside_systems_that_fail_delay_the_story_only(tmp_path: Path) -> None:
    """The first two calls of each operation fail, the second after its effect: three attempts, one effect."""
    assert {push["attempts"] for push in told(tmp_path, "--outside-fails")["pushes"]} == {3}


def test_a_killed_worker_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    """-9 while a push has had its effect and not yet its answer: after the restart it is sent again and has no second effect."""
    attempts = {push["operation"]: push["attempts"] for push in told(tmp_path, "--kill-worker")["pushes"]}
    assert attempts.pop("payroll.stop_social_insurance") == 2
    assert attempts.keys() == PUSHES - {"payroll.stop_social_insurance"}
