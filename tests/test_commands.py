"""The command line as other programs call it: help, JSON, exit codes, and one sentence instead of a traceback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from browser import NO_BROWSER
from diagrams import END, START, boxes, diagram, flows, node, service, user, zeebe
from engine_room import Room, line
from served import free_port, serving

from engine.models import Case
from engine.settings import Settings
from engine.turn import state_purpose
from webapp import PROCEDURES, create_services
from webapp.benchmarks.modeler import BROWSERS
from webapp.commands import main, partwell

_COPIES = tempfile.TemporaryDirectory(prefix="partwell-tests-")
#: the shipped procedure without its scenarios, which have tests of their own
TERMINATION = Path(
    shutil.copytree(PROCEDURES / "termination", Path(_COPIES.name) / "termination", ignore=shutil.ignore_patterns("scenarios"))
)
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
COMMANDS = [
    "up",
    "web",
    "worker",
    "sample-company",
    "check",
    "decide",
    "deploy",
    "pull",
    "what-if",
    "versions",
    "diff",
    "migrate",
    "replay",
    "activate",
    "roll-back",
    "replay",
    "suspend",
    "resume",
    "connectors",
    "operations",
    "reconcile",
    "openapi",
    "account",
    "people",
    "people import",
    "people export",
    "people ids",
    "people look-up",
    "people hand-over",
    "token",
    "token create",
    "token list",
    "token revoke",
    "calendar",
    "verify",
    "demo",
    "bench",
    *[
        f"bench {name}"
        for name in (
            "six-tasks",
            "open-loop",
            "growth",
            "heat-map",
            "check",
            "scenario",
            "concurrent",
            "inbox",
            "inbox-http",
            "approvals",
            "chains",
            "idle",
            "backlog",
            "jobs",
            "feel",
            "modeler",
        )
    ],
]
FIGURES = {"cases_per_second", "completion_ms", "commit_ms", "sql_per_completion", "commits_per_completion", "bytes_per_case"}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`run("check", …)` gives exit code, standard output and standard error, on a home of its own."""
    for name in ("PARTWELL_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)

    def called(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--home", str(tmp_path / "home"), *map(str, arguments)])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return int(ended.value.code or 0), said.out, said.err

    return called


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_explains_itself(run: Any, command: str) -> None:
    """--help ends with 0 and says how the command is called."""
    code, said, _ = run(*command.split(), "--help")
    assert code == 0 and f"Usage: partwell {command}".strip() in said


def test_no_command_is_left_out() -> None:
    """The list above is the whole list, so that a new command is tested, too."""
    groups: dict[str, Any] = {name: command for name, command in partwell.commands.items() if hasattr(command, "commands")}
    assert {*partwell.commands, *(f"{name} {inner}" for name, group in groups.items() for inner in group.commands)} == set(COMMANDS)


# --- connectors


def test_connectors_says_which_outside_system_does_not_answer(run: Any, tmp_path: Path) -> None:
    """Each connector is asked; one that is not reached is named with what is wrong, and the exit code says so."""
    (tmp_path / "home").mkdir()
    settings = f'[connectors.ehr]\ntype = "ehr_http"\nbase_url = "http://127.0.0.1:{free_port()}"\ntoken = "t"\n'
    (tmp_path / "home" / "partwell.toml").write_text(settings, "utf-8")
    code, said, _ = run("connectors", "--json")
    problems = {operation: each["problems"] for each in json.loads(said) for operation in each["operations"]}
    assert code == 1 and problems["ehr.employee"] and not problems["portrait.compute"]
    code, said, _ = run("connectors")
    assert code == 1 and "portrait.compute: ok" in said and "ehr.employee, " in said


# --- calendar


def test_calendar_shows_and_reckons_working_time(run: Any, tmp_path: Path) -> None:
    """Each date with its hours and why; a sum with the calendar of the settings; what cannot be meant is one sentence."""
    (tmp_path / "home").mkdir()
    own = '[calendars.office.exceptions]\n2026-10-09 = { off = "厂庆" }\n'
    (tmp_path / "home" / "partwell.toml").write_text(own, "utf-8")
    code, said, _ = run("calendar", "--from", "2026-10-08", "--days", "3", "--json")
    days = json.loads(said)
    assert code == 0 and [(len(day["open"]), day["reason"], day["assumed"]) for day in days] == [
        (2, "", False),
        (0, "厂庆", False),
        (2, "调休上班", False),
    ]
    assert "2026-10-09  Fri  no work" in run("calendar", "--from", "2026-10-08")[1]
    assert run("calendar", "--add", "P1D", "--at", "2026-10-08T15:00") == (0, "2026-10-10T15:00+08:00\n", "")
    for wrong in (("bureau",), ("--from", "tomorrow"), ("--from", "9999-12-31"), ("--add", "P1M")):
        code, said, error = run("calendar", *wrong)
        assert code == 2 and not said and error


# --- check

ELDERLY = flows("start > g", "g > a: age > 3", "g > end")
PYTHON = node("scriptTask", "s", "<bpmn:script>import os</bpmn:script>", name="计算", scriptFormat="python")
BAD = {
    "python": (boxes(diagram(START, PYTHON, END, flows("start > s", "s > end"))), "s", "python_script", "计算"),
    "doctype": (b'<!DOCTYPE x [<!ENTITY e "e">]>' + diagram(START, END, flows("start > end")), None, "doctype", "DOCTYPE"),
    "3 MB": (diagram(START, END, flows("start > end")) + b" " * 3_000_000, None, "too_large", "larger"),
    "unknown construct": (
        boxes(diagram(START, node("complexGateway", "odd", name="奇怪"), END, flows("start > odd", "odd > end"))),
        "odd",
        "unsupported_element",
        "奇怪",
    ),
    "unresolved reference": (diagram(START, user("a"), flows("start > a", "a > gone")), "a_gone", "unresolved_reference", "gone"),
    "unknown variable": (
        boxes(diagram(START, node("exclusiveGateway", "g", default="g_end"), user("a"), END, ELDERLY)),
        "g",
        "unknown_variable",
        "age",
    ),
    "no XML": ("辞退流程".encode(), None, "not_xml", "XML"),
    "binary": (bytes(range(256)) * 8, None, "not_xml", "XML"),
    "empty": (b"", None, "not_xml", "XML"),
    "no diagram": (b"<html><body/></html>", None, "not_bpmn", "BPMN"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_by_element_and_reason(run: Any, tmp_path: Path, kind: str) -> None:
    """Exit code 1, a code of the closed list, the element, a sentence with its facts."""
    content, element, code, fact = BAD[kind]
    file = tmp_path / "bad.bpmn"
    file.write_bytes(content)
    status, out, _ = run("check", file, "--json")
    [told] = json.loads(out)
    assert (status, told["file"], told["accepted"]) == (1, str(file), False)
    errors = [finding for finding in told["findings"] if finding["severity"] == "error"]
    [found] = [finding for finding in errors if (finding["element"], finding["code"]) == (element, code)]
    assert set(found) >= {"element", "severity", "code", "message"}
    assert fact in f"{found['message']} {found.get('name')}"
    status, out, _ = run("check", file)
    assert status == 1 and code in out and "refused" in out


def test_findings_are_told_in_the_language_of_the_terminal(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANG decides, --lang wins, JSON stays in English; the same for check and deploy."""
    (tmp_path / "bad.bpmn").write_bytes(next(iter(BAD.values()))[0])
    assert "refused" in run("check", tmp_path / "bad.bpmn")[1]
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    told = run("check", tmp_path / "bad.bpmn")[1]
    assert "未通过" in told and "错误" in told and "refused" not in told
    assert "refused" in run("check", tmp_path / "bad.bpmn", "--lang", "en")[1]
    [finding] = [f for f in json.loads(run("check", tmp_path / "bad.bpmn", "--json")[1])[0]["findings"] if f["severity"] == "error"]
    assert finding["message"].isascii()
    assert "未能部署" in run("deploy", tmp_path)[2]
    assert "已启用" in run("deploy", TERMINATION)[1]


def test_what_is_shipped_is_accepted(run: Any) -> None:
    """The folder and each of its files; the tables and the diagram are all in the answer."""
    code, out, _ = run("check", TERMINATION, "--json")
    told = json.loads(out)
    assert code == 0 and {Path(file["file"]).name for file in told} == {"termination.bpmn", "law-check.dmn", "references.dmn"}
    assert all(file["accepted"] and not [f for f in file["findings"] if f["severity"] == "error"] for file in told)
    code, out, _ = run("check", TERMINATION / "termination.bpmn", "--json")
    assert (code, len(json.loads(out))) == (0, 1)


def test_good_and_bad_files_of_several_folders_in_one_call(run: Any, tmp_path: Path) -> None:
    """Each file has its own verdict; one refused file makes the exit code 1."""
    (tmp_path / "diagram.xml").write_bytes(boxes(diagram(START, user("a"), END, flows("start > a", "a > end"))))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    code, out, _ = run("check", tmp_path / "diagram.xml", tmp_path / "picture.png", TERMINATION, "--json")
    assert code == 1
    assert [file["accepted"] for file in json.loads(out)] == [True, False, True, True, True]


def test_a_file_is_checked_with_what_it_needs_of_its_folder(run: Any, tmp_path: Path) -> None:
    """Other diagrams beside it have no say, however broken; a process that it calls does."""
    called = node("callActivity", "c", zeebe("calledElement", processId="process"))
    caller = diagram(START, called, END, flows("start > c", "c > end")).replace(b'id="process"', b'id="caller"', 1)
    (tmp_path / "caller.bpmn").write_bytes(caller)
    (tmp_path / "called.bpmn").write_bytes(diagram(START, user("a"), END, flows("start > a", "a > end")))
    broken = diagram(START, user("a"), END, flows("start > a", "a > gone"))
    (tmp_path / "aside.bpmn").write_bytes(broken.replace(b'id="process"', b'id="aside"', 1))
    code, out, _ = run("check", tmp_path / "caller.bpmn", "--json")
    [told] = json.loads(out)
    assert (code, told["accepted"]) == (0, True) and "several_processes" not in {one["code"] for one in told["findings"]}
    (tmp_path / "called.bpmn").write_bytes(broken)
    code, out, _ = run("check", tmp_path / "caller.bpmn", "--json")
    assert code == 1 and "needs_refused" in {one["code"] for one in json.loads(out)[0]["findings"]}


def test_advice_is_folded_unless_all_is_asked_for(run: Any, tmp_path: Path) -> None:
    """How many pieces there are is said; programs get them all."""
    (tmp_path / "x.bpmn").write_bytes(diagram(START, user("a"), END, flows("start > a", "a > end")))
    code, out, _ = run("check", tmp_path)
    assert code == 0 and "unnamed" not in out and "advice on drawing and time limits: 4 (check --all)" in out
    code, out, _ = run("check", tmp_path, "--all")
    assert code == 0 and out.count("note unnamed") == 3 and "note no_time_limit a:" in out and "--all" not in out
    assert len(json.loads(run("check", tmp_path, "--json")[1])[0]["findings"]) == 4


def test_nothing_to_check_is_said(run: Any, tmp_path: Path) -> None:
    """A folder without diagrams and a path that does not exist: exit code 2 and a reason."""
    assert run("check", tmp_path)[0] == 2
    code, _, error = run("check", tmp_path / "gone.bpmn")
    assert code == 2 and "gone.bpmn" in error
    os.mkfifo(tmp_path / "pipe.bpmn")
    assert run("check", tmp_path / "pipe.bpmn")[0] == 1


# --- deploy


def test_deploying_twice_makes_one_version(run: Any) -> None:
    """The second time there is nothing new; it is said whom its steps, and the first time its chains, look for in an empty company."""
    code, out, _ = run("deploy", TERMINATION, "--json")
    first = json.loads(out)
    assert {(found["code"], found["severity"]) for found in first.pop("findings")} == {
        ("bad_chain", "warning"),
        ("unknown_role", "warning"),
    }
    assert (code, first) == (0, {"deployed": True, "procedure": "termination", "version": 1, "new": True})
    code, out, _ = run("deploy", TERMINATION, "--json")
    again = json.loads(out)
    assert {found["code"] for found in again.pop("findings")} == {"unknown_role"}
    assert (code, again) == (0, {"deployed": True, "procedure": "termination", "version": 1, "new": False})
    assert "active already" in run("deploy", TERMINATION)[1]


def test_what_was_converted_is_said_when_it_is_deployed(run: Any, tmp_path: Path) -> None:
    """A diagram of another engine: what became of its settings, with file and line, before the version that is active now."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    task = node("userTask", "a", **{"camunda:assignee": "kermit"}).replace("<bpmn:userTask", f'<bpmn:userTask xmlns:camunda="{CAMUNDA}"')
    given = diagram(START, task, END, flows("start > a", "a > end"))
    (folder / "foreign.bpmn").write_bytes(given.replace(b' xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"', b""))
    code, out, _ = run("deploy", folder)
    assert code == 0 and "foreign.bpmn: line" in out and "note converted a: assignee=kermit became" in out and "is active" in out


def test_what_cannot_run_is_not_deployed(run: Any, tmp_path: Path) -> None:
    """An operation that no connector offers is named with its element; exit code 1."""
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "odd.bpmn").write_bytes(boxes(diagram(START, service("s", operation="ehr.nonsense"), END, flows("start > s", "s > end"))))
    code, out, _ = run("deploy", folder, "--json")
    told = json.loads(out)
    assert (code, told["deployed"]) == (1, False)
    assert ("s", "unknown_operation") in [(finding["element"], finding["code"]) for finding in told["findings"]]
    code, _, error = run("deploy", folder)
    assert code == 1 and "ehr.nonsense" in error
    (folder / "odd.bpmn").unlink()
    assert run("deploy", folder)[0] == 2


# --- the rest


def test_an_account_can_be_made_on_an_empty_home(run: Any) -> None:
    """The first administrator of an installation without the demo."""
    code, out, _ = run("account", "boss", "周明远", "--role", "admin", "--password", "a long enough password")
    assert code == 0 and "boss" in out


def test_a_wrong_setting_names_itself(run: Any, tmp_path: Path) -> None:
    """A setting that does not exist: exit code 2 and its name."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/partwell.toml").write_text("prot = 8000\n", "utf-8")
    code, _, error = run("deploy", TERMINATION)
    assert code == 2 and "prot" in error


def test_the_feel_benchmark_prints_its_figures(run: Any) -> None:
    """Each kind of expression has a median and a 99th percentile; the table answers, too."""
    code, said, _ = run("bench", "feel", "--rounds", "3", "--json")
    figures = json.loads(said)
    assert code == 0 and {"comparison", "dates", "unary test", "table of 20 rows", "compile and check"} <= figures.keys()
    assert all(0 < of["median_us"] <= of["p95_us"] <= of["p99_us"] for of in figures.values())
    assert "table of 20 rows" in run("bench", "feel", "--rounds", "3")[1]


def test_the_benchmark_of_the_check_prints_its_figures(run: Any) -> None:
    """Drafts of 100 and 500 elements, in which nothing is wrong, and the folders named."""
    code, said, _ = run("bench", "check", TERMINATION, "--times", "1", "--json")
    figures = json.loads(said)
    assert code == 0 and list(figures) == ["100 elements", "500 elements", str(TERMINATION)]
    assert [of["elements"] > least for of, least in zip(figures.values(), (89, 489, 79), strict=True)] == [True] * 3
    assert all(of["median_ms"] > 0 for of in figures.values()) and not any(of["refused"] for of in figures.values())
    assert "500 elements" in run("bench", "check", "--times", "1")[1]


def test_the_benchmark_of_the_modeler_prints_its_figures() -> None:
    """Opening, typing and moving, of the shipped diagram and of a large one; every figure is a time."""
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip(NO_BROWSER)
    call = [sys.executable, "-m", "webapp.commands", "bench", "modeler", "--rounds", "1", "--json"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["dismissal"]["elements"] > 100 and figures["large"]["elements"] > 1000
    for drawn in ("dismissal", "large"):
        assert all(figures[drawn][name]["median"] > 0 for name in ("cold_ms", "warm_ms", "key_ms"))
    assert all(figures["large"][name] > 0 for name in ("select_ms", "drop_ms", "save_ms", "check_ms"))


def test_the_modeler_is_not_measured_without_a_browser(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Chromium, or without what drives it, is told so in a sentence."""
    monkeypatch.setattr("webapp.benchmarks.modeler.BROWSERS", ("no-such-browser",))
    code, said, error = run("bench", "modeler")
    assert (code, said) == (2, "") and "Chromium" in error and "no-such-browser" in error
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    code, said, error = run("bench", "modeler")
    assert (code, said) == (2, "") and "playwright" in error


@pytest.mark.parametrize("arguments", [("nonsense",), ("bench", "six-tasks", "--db", "oracle"), ("check",), ("verify", "/nowhere.zip")])
def test_a_wrong_call_is_exit_code_2(run: Any, arguments: tuple[str, ...]) -> None:
    """Usage on standard error, nothing on standard output."""
    code, out, error = run(*arguments)
    assert (code, out) == (2, "") and error


@pytest.mark.parametrize("options", [("--db", "sqlite"), ("--db", "postgres"), ("--http", "--processes", "2")])
def test_the_benchmark_prints_its_figures(run: Any, options: tuple[str, ...]) -> None:
    """A few cases: every figure is there, every case was finished, each completion is one commit of few statements.

    Over HTTP another one keeps the answer for whoever sends the same key again.
    """
    code, out, _ = run("bench", "six-tasks", "--cases", "3", "--json", *options)
    figures = json.loads(out)
    assert code == 0 and figures.keys() >= FIGURES
    assert set(figures["completion_ms"]) == {"median", "p95", "p99"}
    assert figures["commits_per_completion"] == (2 if "--http" in options else 1) and figures["sql_per_completion"] <= 12
    assert (figures["finished"], figures["open"]) == (figures["cases"], 0)


# each on one of the two: a database is set up for all of them in the same place, which the benchmark above shows for both
@pytest.mark.parametrize(
    ("database", "call", "told"),
    [
        ("sqlite", ("open-loop", "--rate", "20", "--seconds", "0.5"), {"completions": 10, "failures": []}),
        ("postgres", ("open-loop", "--rate", "20", "--seconds", "0.5", "--latency-ms", "1"), {"latency_ms": 1.0, "completions": 10}),
        ("postgres", ("growth", "--rows", "30", "--measured", "1"), {"many": 30}),
        ("postgres", ("heat-map", "--cases", "30", "--looks", "1"), {"finished": 50, "elements": 6}),
        ("postgres", ("concurrent", "--rounds", "2"), {"closed": 2, "failures": []}),
        ("sqlite", ("inbox", "--items", "200", "--reads", "2"), {"persons": 3}),
        ("postgres", ("inbox-http", "--items", "200", "--people", "4", "--reads", "2"), {"persons": 4}),
        ("postgres", ("approvals", "--people", "3", "--rounds", "2", "--every", "0.1"), {"approved": 12, "failures": []}),
        ("sqlite", ("idle", "--cases", "20", "--live", "3"), {"jobs_run": 0, "states_read": 0}),
        ("sqlite", ("backlog", "--jobs", "3"), {"jobs": 6}),
        ("sqlite", ("jobs", "--bare", "7", "--resuming", "3"), {"workers": 2}),
    ],
)
def test_the_other_benchmarks_print_their_figures(
    run: Any, database: str, call: tuple[str, ...], told: dict[str, Any], postgres: str, tmp_path: Path
) -> None:
    """With tiny numbers, on the server that the settings name: what is said of the work, rather than of its speed, is right."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "partwell.toml").write_text(f'database = "{postgres}"\n', "utf-8")
    code, out, _ = run("bench", *call, "--db", database, "--json")
    figures = json.loads(out)
    assert code == 0 and told.items() <= figures.items() and figures["db"] == database


def test_up_answers_soon_and_says_where(tmp_path: Path) -> None:
    """Address, accounts and sample company are printed; how soon it answers and its memory are told."""
    began = time.monotonic()
    with serving(tmp_path / "home") as served:
        with urllib.request.urlopen(f"{served.address}/log-in", timeout=10) as answer:
            assert answer.status == 200
        took = time.monotonic() - began
        told = "\n".join(served.said)
        assert served.address in told and "partwell-demo" in told
        for login in ("chenli", "wangfang", "zhaominhua", "sunzhiyuan", "zhengwenbo", "hexiulan", "linxiaobei", "liuhai", "admin"):
            assert login in told
        memory = _memory(served.process.pid)
        print(f"\npartwell up: answers after {took:.1f} s, {memory / 1e6:.0f} MB", file=sys.__stderr__)
        assert memory < 400e6, "generous; it is about 140 MB"


def test_what_is_too_large_gets_our_own_answer(tmp_path: Path) -> None:
    """The server in front lets through what the application refuses in its own words."""
    with serving(tmp_path / "home", upload_limit="1") as served:
        answer = requests.post(f"{served.address}/api/v1/session", data=b" " * 7 * 1024 * 1024, timeout=30)
    assert answer.status_code == 413 and answer.json()["code"] == "too_large"


def _memory(pid: int) -> float:
    """Resident bytes of a process."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return float(line.split()[1]) * 1024


def test_a_taken_port_is_said(run: Any) -> None:
    """Exit code 2 and the address that is taken; the sample company it had started is gone."""
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, error = run("up", "--port", str(port))
    assert code == 2 and f"127.0.0.1:{port}" in error


def test_the_sample_company_ends_with_who_started_it(tmp_path: Path) -> None:
    """Even -9 leaves no company behind: its standard input ends then, and it stops by itself."""
    command = [sys.executable, "-m", "webapp.demo.company", "--home", str(tmp_path), "--until-input-ends"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as company:
        assert company.stdin and company.stdout
        assert json.loads(company.stdout.readline())["http"].startswith("http://127.0.0.1:")
        company.stdin.close()
        assert company.wait(15) == 0


# --- versions


def test_versions_are_compared_and_rolled_back_from_the_command_line(run: Any, tmp_path: Path) -> None:
    """A changed name is one line of the comparison; the roll-back names the version that is active again and keeps why."""
    folder = tmp_path / "line"
    folder.mkdir()
    for name in ("核实", "复核"):
        body = (START, user("a", name=name), END, flows("start > a", "a > end"))
        (folder / "line.bpmn").write_bytes(diagram(*body))
        assert run("deploy", folder)[0] == 0
    code, said, _ = run("diff", "line", "1")
    assert code == 0 and said == 'line.bpmn\n  ~ element a (复核)\n      name: "核实" -> "复核"\n'
    assert run("roll-back", "line", "--note", "名称有误")[:2] == (0, "line: version 1 is active again\n")
    rows = json.loads(run("versions", "line", "--json")[1])
    assert [(row["number"], row["active"]) for row in rows] == [(2, False), (1, True)]
    assert rows[1]["acts"][-1]["note"] == "名称有误" and "名称有误" in run("versions", "line")[1]
    assert run("suspend", "line", "--note", "待查")[:2] == (0, "line: version 1 is suspended\n")
    assert run("resume", "line", "--version", "1", "--note", "已查明")[:2] == (0, "line: version 1 goes on\n")
    assert run("activate", "line", "2", "--note", "已更正")[:2] == (0, "line: version 2 is active\n")
    code, _, said = run("activate", "line", "7", "--note", "x")
    assert code == 2 and "line 7" in said


def test_running_cases_are_looked_at_moved_taken_back_and_replayed(run: Any, tmp_path: Path) -> None:
    """A dry run with exit code 1 names who stays and why; the run moves the others; the ledger still leads to the state."""
    room = Room(create_services(Settings(home=tmp_path / "home")))
    room.deploy(*line("a", "b"))
    first, second = (room.case(room.start()) for _ in range(2))
    room.complete(second.id, "a")
    room.deploy(*line("a", "c"))
    code, said, _ = run("migrate", "test", "--dry-run")
    assert (
        code == 1
        and f"{second.number}  version 1  cannot move\n    b (b): there is no such element there\n1 would move, 1 cannot\n" in said
    )
    assert run("migrate", "test")[0] == 2 and "--note" in run("migrate", "test")[2]
    code, said, told = run("migrate", "test", "--from", "1", "--map", "b=c", "--note", "改名")
    assert code == 0 and said.endswith("2 moved, 0 cannot\n") and told == "2 of 2\n"
    assert run("migrate", "test", "--map", "b", "--note", "x")[0] == 2
    rows = json.loads(run("migrate", "test", "--undo", "--case", first.number, "--note", "弄错", "--json")[1])
    assert [(row["number"], row["moved"], row["version"]) for row in rows] == [(first.number, True, 2)]
    for case in (first, second):
        code, said, _ = run("replay", case.number)
        assert code == 0 and said.startswith(f"{case.number}: ") and "lead to the state that is stored" in said
    room.write(sa.update(Case).where(Case.id == first.id).values(state=room.case(second.id).state))
    assert run("replay", first.number)[0] == 2
    room.services.database.dispose()


def test_a_replay_that_leads_elsewhere_names_the_places(run: Any, tmp_path: Path) -> None:
    """With exit code 1, for people and as JSON."""
    room = Room(create_services(Settings(home=tmp_path / "home")))
    room.deploy(*line("a", "b"))
    case = room.start()
    purpose = state_purpose(case)
    before = room.services.keyring.unseal(room.case(case).state, purpose)
    room.complete(case, "a")
    room.write(sa.update(Case).where(Case.id == case).values(state=room.services.keyring.seal(before, purpose)))
    code, said, _ = run("replay", room.case(case).number)
    assert code == 1 and "  tokens.b#1: comes out and is not stored\n" in said
    assert json.loads(run("replay", room.case(case).number, "--json")[1])["same"] is False
    room.services.database.dispose()
