"""`partwell demo`: the whole dismissal, played by its people through the HTTP interface of real processes.

A temporary home, the sample company and `partwell up` as processes of their own; nothing is reached but by HTTP.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import requests

from engine import bundle
from engine.errors import PartwellError
from engine.settings import Settings

from .. import events, text
from ..i18n import N_
from . import answers
from .seed import PASSWORD
from .systems import SampleCompany

#: seconds within which the whole story must be over, and those within which Partwell must answer after its start
PATIENCE, START = 300, 60
#: what is under way when the worker is killed, by the element after which it is: a read, and a push that had its effect already
KILLED_IN = {"report_filed": "ehr.performance", "serve_notice": "payroll.stop_social_insurance"}
_SAID = ("case:started", "work:step:approved", "work:step:rejected", "work:item:completed")
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class Stalled(PartwellError):
    """The story did not go on: {reason}."""


class Person:
    """Somebody at the HTTP interface."""

    def __init__(self, address: str, login: str) -> None:
        self._address = f"{address}/api/v1"
        self._session = requests.Session()
        token = self.ask("POST", "/session", {"login": login, "password": PASSWORD})["token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The answer, as JSON or bytes. Raises Stalled."""
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        try:
            answer = self._session.request(method, self._address + path, json=body, headers=headers, timeout=30, **options)
        except requests.RequestException as error:
            raise Stalled(reason=f"{method} {path}: {error}") from error
        if answer.status_code >= 400:
            raise Stalled(reason=f"{method} {path} was answered {answer.status_code} {answer.text}")
        kind = answer.headers.get("Content-Type", "")
        return answer.json() if kind.startswith("application/json") else answer.content


def play(*, outside_fails: bool, kill_worker: bool, say: Callable[..., None] | None = None) -> dict[str, Any]:
    """Play the story; gives what `partwell demo --json` prints. Raises Stalled."""
    with tempfile.TemporaryDirectory(prefix="partwell-demo-") as folder, contextlib.ExitStack() as running:
        home = Path(folder) / "home"
        home.mkdir()
        sample = SampleCompany(Path(folder) / "company")
        running.callback(sample.stop)
        company = _Company(sample.address)
        partwell = running.enter_context(_partwell(home, _free_port(), sample.connectors))
        if outside_fails:
            company.plan("*", "500", "after_effect")
        return _Telling(partwell, company, kill_worker, say or (lambda line, **facts: None)).tell()


class _Telling:
    def __init__(self, partwell: _Partwell, company: _Company, kill: bool, say: Callable[..., None]) -> None:
        self._partwell = partwell
        self._company = company
        self._kills = dict(KILLED_IN) if kill else {}
        self._say = say
        self._people: dict[str, Person] = {}

    def _person(self, login: str) -> Person:
        if login not in self._people:
            self._people[login] = Person(self._partwell.address, login)
        return self._people[login]

    def tell(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        case_id = self._start()
        reader = self._person(answers.READER)
        while True:
            case = reader.ask("GET", f"/cases/{case_id}")
            if case["status"] == "closed" and case["sealed"]:
                break
            if open_incidents := [one for one in case["incidents"] if not one["resolved_at"]]:
                raise Stalled(reason=f"an incident: {open_incidents}")
            if time.monotonic() > until:
                raise Stalled(reason=f"case {case['number']} waits for {[step['name'] for step in case['open']] or 'an operation'}")
            for step in case["open"]:
                self._act(step)
            if not case["open"]:
                time.sleep(0.1)
        return self._summary(case, reader.ask("GET", f"/cases/{case_id}/sealed"))

    def _start(self) -> str:
        supervisor = self._person(answers.SUPERVISOR)
        found = supervisor.ask("GET", f"/employees?search={answers.SUBJECT}")["employees"]
        [subject] = [one for one in found if one["employee_no"] == answers.SUBJECT]
        body = {"procedure": "termination", "subject": subject["id"], "values": answers.report(today())}
        with self._killed_after("report_filed"):
            return str(supervisor.ask("POST", "/cases", body)["case_id"])

    def _act(self, step: Mapping[str, Any]) -> None:
        item, element = step["item_id"], step["element"]
        if element == "approve":
            login = next(answers.SIGNERS[name] for name in step["holders"] if name in answers.SIGNERS)
            self._person(login).ask("POST", f"/items/{item}/approve", {"opinion": "同意。"})
            return
        if element not in answers.ANSWERS:
            raise Stalled(reason=f"nobody knows what to answer at {element} ({step['name']})")
        answer = answers.ANSWERS[element]
        person = self._person(answer.login)
        values = answer.values(person.ask("GET", f"/items/{item}")["values"], today())
        for path in answer.files:
            group, key = path.split(".")
            sent = person.ask("POST", f"/items/{item}/documents", files={path: ("proof.png", PICTURE, "image/png")})
            values[group][key] = sent["documents"][path]
        with self._killed_after(element):
            person.ask("POST", f"/items/{item}/complete", {"values": values})

    @contextlib.contextmanager
    def _killed_after(self, element: str) -> Iterator[None]:
        """Where the story wants it, kill Partwell while the outside call that follows is under way, and start it again."""
        operation = self._kills.pop(element, "")
        if operation:
            self._company.plan(operation, "slow:2")
        yield
        if operation:
            self._company.wait_for_call(operation)
            self._partwell.kill()
            self._say(N_("-9 in the middle of %(operation)s; starting again"), operation=operation)
            self._partwell.start()

    def _summary(self, case: Mapping[str, Any], sealed: bytes) -> dict[str, Any]:
        file = Path(tempfile.gettempdir()) / f"partwell-demo-{case['number']}.zip"
        file.write_bytes(sealed)
        found = bundle.verify(file)
        steps = [
            {"element": e["element"], "name": e["name"], "person": e["actor"]["name"], "role": e["role"], "at": e["at"]}
            for e in case["timeline"]
            # a chain's item is completed by its last signature, which is told already
            if e["actor"] and e["event"] in _SAID and (e["event"], e["element"]) != ("work:item:completed", "approve")
        ]
        for step in steps:
            at = dt.datetime.fromisoformat(step["at"]).astimezone()
            self._say(
                N_("%(at)s  %(person)s (%(role)s)  %(step)s"),
                at=f"{at:%Y-%m-%d %H:%M:%S}",
                person=step["person"],
                role=step["role"],
                step=step["name"],
            )
        pushes = self._company.pushes()
        for push in pushes:
            self._say(N_("%(operation)s: %(attempts)s attempts, %(effects)s effect"), **push)
        told = (
            N_("%(status)s: %(outcome)s; %(entries)s ledger entries verified; %(file)s")
            if found.ok
            else N_("%(status)s: %(outcome)s; %(entries)s ledger entries NOT in order; %(file)s")
        )
        outcome = text.called(events.OUTCOMES, case["outcome"])
        self._say(told, status=text.called(text.STATUS, case["status"]), outcome=outcome, entries=found.entries, file=file)
        return {
            "status": case["status"],
            "outcome": case["outcome"],
            "case": case["number"],
            "steps": steps,
            "pushes": pushes,
            "ledger": {"entries": found.entries, "verified": found.ok},
            "file": str(file),
        }


# --- the processes


class _Company:
    """The sample company's switches and counters."""

    def __init__(self, address: str) -> None:
        self._address = f"{address}/admin"

    def plan(self, operation: str, *faults: str) -> None:
        plan = {"operation": operation, "plan": list(faults)}
        requests.post(f"{self._address}/faults", json=plan, timeout=10).raise_for_status()

    def wait_for_call(self, operation: str) -> None:
        """Until a call of the operation has met the planned fault, which is while it is under way."""
        for _ in range(600):
            if operation not in requests.get(f"{self._address}/faults", timeout=10).json():
                return
            time.sleep(0.05)
        raise Stalled(reason=f"nobody called {operation}")

    def pushes(self) -> list[dict[str, Any]]:
        """What was received: {system, operation, attempts, effects}."""
        told: dict[str, dict[str, Any]] = {}
        for push in requests.get(f"{self._address}/pushes", timeout=10).json():
            names = {"system": push["system"], "operation": push["operation"]}
            row = told.setdefault(push["operation"], {**names, "attempts": 0, "effects": 0})
            row["attempts"] += push["attempts"]
            row["effects"] += push["effects"]
        return list(told.values())


class _Partwell:
    """`partwell up` on one home, which can be killed and started again."""

    def __init__(self, home: Path, port: int) -> None:
        self._home = home
        self.address = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers. Raises Stalled with its own last words."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PARTWELL_")}
        command = [sys.executable, "-m", "webapp.commands", "--home", str(self._home), "up"]
        log = self._home / "partwell.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, cwd=Path(__file__).parents[2], env=environ, stdout=out, stderr=out)
        until = time.monotonic() + START
        while self._process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(requests.RequestException):
                requests.get(f"{self.address}/log-in", timeout=5)
                return
            time.sleep(0.1)
        raise Stalled(reason=f"Partwell did not start and said: {log.read_text('utf-8', 'replace')[-2000:]}")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@contextlib.contextmanager
def _partwell(home: Path, port: int, connectors: Mapping[str, Mapping[str, Any]]) -> Iterator[_Partwell]:
    """Partwell with the ordinary connectors and short pauses between attempts, stopped at the end."""
    lines = [f"port = {port}", "job_backoff = 0.3", "job_lease = 6.0", "job_poll = 0.5"]
    for name, options in connectors.items():
        # A JSON scalar is a TOML value, too.
        lines += [f"[connectors.{name}]", "timeout = 4.0", *(f"{key} = {json.dumps(value)}" for key, value in options.items())]
    (home / "partwell.toml").write_text("\n".join(lines), "utf-8")
    running = _Partwell(home, port)
    try:
        running.start()
        yield running
    finally:
        running.stop()


def today() -> dt.date:
    """In the company's zone; the machine may be in another."""
    return dt.datetime.now(ZoneInfo(Settings.zone)).date()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
