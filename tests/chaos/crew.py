"""Partwell's real processes under load: several that serve and run jobs, clients that retry, and somebody who kills."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from diagrams import END, START, diagram, flows, mapping, node, timer, user, zeebe
from sample_company import SampleCompany
from served import environment, free_port

from engine import deploying
from engine.services import Services
from engine.settings import read
from webapp import create_services
from webapp.demo import seed

#: what each process is told: leases and pauses short enough for a test
PACE = {"JOB_LEASE": "3", "JOB_BACKOFF": "0.3", "JOB_BACKOFF_LIMIT": "1", "JOB_POLL": "0.2", "SWEEP": "1"}
#: a person, a push to an outside system, a pause, a person
PUSH = zeebe("taskDefinition", type="payroll.stop_social_insurance", retries="99")
DIAGRAM = diagram(
    *(START, user("a"), node("serviceTask", "push", PUSH, mapping({"employee": "=subject.employee_no"}, {"reference": "=reference"}))),
    *(node("intermediateCatchEvent", "pause", timer(duration="PT1S")), user("b"), END),
    flows("start > a", "a > push", "push > pause", "pause > b", "b > end"),
)
RULES = json.dumps({"start": ["supervisor"], "managers": ["admin"], "readers": ["hr"]}).encode()


class Crew:
    """One web process and some workers on one database. Whoever dies is started again."""

    def __init__(self, home: Path, company: SampleCompany, database: str = "", workers: int = 1) -> None:
        self.home = home
        connectors = {"payroll": {"type": "payroll_http", "base_url": company.http, "token": company.token, "timeout": 3.0}}
        lines = [f'database = "{database}"\n'] if database else []
        for name, options in connectors.items():
            lines.append(f"[connectors.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items()))
        home.mkdir(parents=True, exist_ok=True)
        (home / "partwell.toml").write_text("".join(lines))
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.services: Services = create_services(read({}, home=home))
        seed.load(self.services, {"process.bpmn": DIAGRAM, "rules.json": RULES})
        deploying.deploy(self.services, {"process.bpmn": DIAGRAM, "rules.json": RULES}, procedure="chaos")
        self._commands = [["up", "--port", str(self.port)], *([["worker"]] * workers)]
        self.kills = 0
        self._processes = [self._start(command) for command in self._commands]

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        environ = environment() | {f"PARTWELL_{name}": value for name, value in PACE.items()}
        log = (self.home / "log.txt").open("ab")
        called = [sys.executable, "-m", "webapp.commands", "--home", str(self.home), *command]
        with log:
            return subprocess.Popen(called, env=environ, stdout=log, stderr=log)

    def wait_until_ready(self, patience: float = 60.0) -> None:
        """Until the web answers."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(requests.exceptions.RequestException):
                if requests.get(f"{self.address}/health", timeout=5).status_code == 200:
                    return
            time.sleep(0.1)
        raise TimeoutError(f"the web did not come up:\n{self.log[-2000:]}")

    def kill_one(self, rng: random.Random) -> None:
        """SIGKILL to any of them, and a new one in its place."""
        which = rng.randrange(len(self._processes))
        os.kill(self._processes[which].pid, signal.SIGKILL)
        self._processes[which].wait()
        self.kills += 1
        self._processes[which] = self._start(self._commands[which])

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        self.services.database.dispose()

    @property
    def log(self) -> str:
        return (self.home / "log.txt").read_text("utf-8", "replace")


@contextlib.contextmanager
def crew(home: Path, company: SampleCompany, database: str = "", workers: int = 1) -> Iterator[Crew]:
    working = Crew(home, company, database, workers)
    try:
        yield working
    finally:
        working.stop()


class Client:
    """A person at a browser that never gives up: whatever goes wrong on the line, the same request is sent again."""

    def __init__(self, address: str, login: str, patience: float = 60.0) -> None:
        self._address = f"{address}/api/v1"
        self._patience = patience
        self._session = requests.Session()
        #: answers that must never be given
        self.faults: list[str] = []
        token = self.send("POST", "/session", {"login": login, "password": seed.PASSWORD})["token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def send(self, method: str, path: str, body: Any = None, request_id: str = "") -> Any:
        """The answer's JSON; None for an answer without, and where somebody else was faster."""
        deadline = time.monotonic() + self._patience
        while True:
            with contextlib.suppress(requests.exceptions.RequestException):
                answer = self._session.request(method, self._address + path, json=body, headers={"Idempotency-Key": request_id}, timeout=10)
                if answer.status_code == 500:
                    self.faults.append(f"{method} {path}: {answer.text[:300]}")
                if answer.status_code in (404, 409):
                    return None
                if answer.status_code < 500:
                    answer.raise_for_status()
                    return answer.json() if answer.content else None
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path} was not answered for {self._patience:.0f} s")
            time.sleep(0.1)


class Load:
    """Clients that start cases and do the work of two people until they are told to stop."""

    def __init__(self, address: str, clients: int = 3) -> None:
        self._address = address
        self._stopped = threading.Event()
        self._no_more = threading.Event()
        #: cases whose start was confirmed
        self.started: list[str] = []
        self.errors: list[str] = []
        self._threads = [threading.Thread(target=self._guarded, args=(act, i)) for i in range(clients) for act in (self._start, self._work)]
        for thread in self._threads:
            thread.start()

    def wait_for_more(self, patience: float = 60.0) -> None:
        """Until the next start is confirmed."""
        before, deadline = len(self.started), time.monotonic() + patience
        while len(self.started) == before and not self.errors and time.monotonic() < deadline:
            time.sleep(0.05)

    def no_more(self) -> None:
        """What was started is still finished."""
        self._no_more.set()

    def stop(self) -> None:
        self._stopped.set()
        self._no_more.set()
        for thread in self._threads:
            thread.join(90)

    def _guarded(self, act: Any, number: int) -> None:
        try:
            act(number)
        except Exception as error:
            self.errors.append(f"{type(error).__name__}: {error}")

    def _start(self, number: int) -> None:
        client = Client(self._address, "chenli")
        subject = client.send("GET", "/employees")["employees"][0]["id"]
        count = 0
        while not self._no_more.is_set():
            count += 1
            sent = {"procedure": "chaos", "subject": subject, "values": {}}
            self.started.append(client.send("POST", "/cases", sent, f"start-{number}-{count}")["case_id"])
            time.sleep(0.4)
        self.errors += client.faults

    def _work(self, _: int) -> None:
        client = Client(self._address, "wangfang")
        while not self._stopped.is_set():
            for item in client.send("GET", "/items?box=group&size=100")["items"]:
                client.send("POST", f"/items/{item['item_id']}/complete", {"values": {}}, f"done-{item['item_id']}")
            time.sleep(0.2)
        self.errors += client.faults
