"""`partwell check` and `partwell deploy` with scenarios beside the diagram."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from diagrams import boxes
from scenario_files import HEAD, chosen

from engine.db import Database
from engine.fields import Keyring
from engine.models import VersionEvent
from webapp.commands import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A procedure with a scenario that passes and one that does not."""
    found = tmp_path / "chosen"
    for path, content in chosen().items():
        (found / path).parent.mkdir(parents=True, exist_ok=True)
        (found / path).write_bytes(boxes(content) if path.endswith(".bpmn") else content)
    (found / "scenarios").mkdir()
    (found / "scenarios/good.yaml").write_text(f"{HEAD}then: {{open: [查看]}}", "utf-8")
    (found / "scenarios/bad.yaml").write_text(f"{HEAD.replace('试一试', '走错')}when:\n- pass: 1 day\nthen: {{never: [remind]}}", "utf-8")
    return found


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("check", …)` gives exit code, standard output and standard error."""
    monkeypatch.setenv("LANG", "en_US.UTF-8")

    def command(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--home", str(tmp_path / "home"), *map(str, arguments)])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


def test_the_check_plays_scenarios_and_tells_what_they_leave_out(run: Run, folder: Path) -> None:
    """Each with its verdict, what failed by line, and how much of the diagram all of them pass."""
    code, out, _ = run("check", folder)
    assert code == 1
    assert "good.yaml: passed  试一试" in out and "bad.yaml: failed  走错" in out
    assert "line 6: error scenario_failed remind was reached, and should never be" in out
    assert "scenarios pass 5 of 9 elements and 3 of 7 sequence flows" in out and "never passed: end, other, stop" in out
    code, out, _ = run("check", folder, "--json")
    by_name = {Path(file["file"]).name: file for file in json.loads(out)}
    assert by_name["bad.yaml"]["scenario"]["acts"] == 3 and by_name["good.yaml"]["accepted"] and code == 1
    assert by_name["test.bpmn"]["coverage"]["flows"] == 3
    code, out, _ = run("check", folder, "--no-scenarios")
    assert code == 0 and "yaml" not in out


def test_the_check_of_files_alone_plays_nothing(run: Run, folder: Path) -> None:
    """Scenarios belong to a folder; a broken diagram is judged by the check alone."""
    assert run("check", folder / "test.bpmn")[0] == 0
    (folder / "test.bpmn").write_text("no xml", "utf-8")
    code, out, _ = run("check", folder)
    assert code == 1 and "not_xml" in out and "yaml" not in out


def test_nothing_is_deployed_while_a_scenario_fails_unless_it_is_said_why(run: Run, folder: Path, tmp_path: Path) -> None:
    """The reason and the names of those that fail stand with the version."""
    code, _, error = run("deploy", folder)
    assert code == 1 and "走错" in error and "remind was reached" in error
    code, out, _ = run("deploy", folder, "--json")
    assert (code, json.loads(out)["deployed"]) == (1, False)
    code, out, _ = run("deploy", folder, "--override", "演练，明天修")
    assert code == 0 and "version 1 is active" in out
    database = Database(f"sqlite:///{tmp_path}/home/partwell.db", Keyring.open(tmp_path / "home" / "keys.json"))
    with database.reading() as connection:
        [note] = connection.execute(sa.select(VersionEvent.note)).scalars()
    database.dispose()
    assert "演练，明天修" in note and "走错" in note
    shutil.rmtree(folder / "scenarios")
    assert run("deploy", folder)[0] == 0
