"""Several web and worker processes on one PostgreSQL, people who work through them, and what must be true afterwards."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa
from diagrams import END, START, diagram, flows, mapping, service, user
from sample_company import SampleCompany
from served import environment

from engine import deploying, ledger, settings
from engine.db import Database
from engine.fields import Keyring
from engine.ledger import Event
from engine.models import Case, Incident, Job, LedgerPage, Mark, WorkItem, new_id
from webapp import create_services
from webapp.api.exchange import known_as
from webapp.demo import roster, seed
from webapp.demo.systems import company_connectors

#: straight to the hosts, past a proxy that the environment may name
_HTTP = requests.Session()
_HTTP.trust_env = False
PUSH = "payroll.stop_social_insurance"
_PUSHED = {"employee": "=subject.employee_no", "end_date": '="2026-11-30"', "last_month": '="2026-11"'}
#: a person's task, an outside push, another person's task
RELAY = (
    START,
    user("check"),
    service("push", mapping(_PUSHED), operation=PUSH),
    user("confirm"),
    END,
    flows("start > check", "check > push", "push > confirm", "confirm > end"),
)


class Host:
    """One machine's share: a home of its own with the keys of the first one, and its processes.

    `within`: a command under which they run, such as `ip netns exec a`.
    """

    def __init__(
        self,
        home: Path,
        database: str,
        company: SampleCompany,
        *,
        carrier: str,
        keys: Path | None = None,
        within: Sequence[str] = (),
    ) -> None:
        self.home, self.database = home, database
        self._within = list(within)
        home.mkdir(parents=True)
        if keys is not None:
            shutil.copy(keys, home / "keys.json")
        lines = [f'database = "{database}"', f'carrier = "{carrier}"', "demo = false", "job_backoff = 0.5", "job_lease = 5", "sweep = 1"]
        for name, options in company_connectors(http=company.http, smtp=company.smtp, token=company.token).items():
            lines += [f"[connectors.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in options.items())]
        (home / "partwell.toml").write_text("\n".join(lines), "utf-8")
        self.processes: list[subprocess.Popen[str]] = []

    def web(self, port: int, *, host: str = "127.0.0.1", processes: int) -> str:
        """Start the web; its address."""
        self._start("web", "--host", host, "--port", str(port), "--processes", str(processes))
        return f"http://{host}:{port}"

    def worker(self) -> None:
        self._start("worker")

    def _start(self, *command: str) -> None:
        arguments = [*self._within, sys.executable, "-m", "webapp.commands", "--home", str(self.home), *command]
        with (self.home / "log").open("ab") as log:
            started = subprocess.Popen(
                arguments, env=environment() | {"NO_PROXY": "*"}, stdout=log, stderr=log, text=True, start_new_session=True
            )
        self.processes.append(started)

    def kill(self) -> None:
        """Every process with its children, at once."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def prepare(host: Host) -> None:
    """Tables, people and the procedure `relay`, by the first host."""
    services = create_services(settings.read({}, home=host.home))
    deploying.deploy(services, {"relay.bpmn": diagram(*RELAY)}, procedure="relay")
    seed.load(services, {})  # there is a procedure already
    services.carrier.stop()
    services.database.dispose()


@dataclass
class People:
    """Start and work through cases, each with a request id that is sent again until it is answered."""

    addresses: Sequence[str]
    #: ids of commands whose success was told, as the engine knows them
    told: list[str] = field(default_factory=list)
    #: cases that were told to be started
    cases: list[str] = field(default_factory=list)
    #: how often something had to be sent again
    again: int = 0
    #: answers that were neither success nor "try again"
    wrong: list[str] = field(default_factory=list)
    _tokens: dict[str, str] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)

    def log_in(self) -> None:
        for login in ("chenli", "wangfang"):
            self._tokens[login] = self.ask("", "POST", "/session", {"login": login, "password": seed.PASSWORD}).json()["token"]
            self._ids[login] = self.ask(login, "GET", "/me").json()["id"]
        found = self.ask("chenli", "GET", "/employees?search=" + roster.EMPLOYEES[SUBJECT].name).json()
        self.subject = (found.get("employees") or found)[0]["id"]

    def ask(self, login: str, method: str, path: str, body: Any = None, *, patience: float = 60) -> requests.Response:
        """One command, sent with the same request id until somebody answers it."""
        once, deadline = new_id(), time.monotonic() + patience
        headers = {"Idempotency-Key": once} | ({"Authorization": f"Bearer {self._tokens[login]}"} if login else {})
        for address in itertools.cycle(self.addresses[hash(once) % len(self.addresses) :] + self.addresses):
            with contextlib.suppress(requests.ConnectionError, requests.Timeout):
                answer = _HTTP.request(method, f"{address}/api/v1{path}", json=body, headers=headers, timeout=(1, 5))
                if answer.status_code < 400:
                    if method == "POST" and login:
                        self.told.append(known_as(self._ids[login], once))
                    return answer
                if answer.status_code not in (502, 503):
                    self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
                    raise Wrong(self.wrong[-1])
            assert time.monotonic() < deadline, f"nobody answered {method} {path} for {patience} seconds"
            self.again += 1
            time.sleep(0.1)
        raise AssertionError

    def one_case(self) -> None:
        started = self.ask("chenli", "POST", "/cases", {"procedure": "relay", "subject": self.subject, "values": {}})
        case = started.json()["case_id"]
        self.cases.append(case)
        for element in ("check", "confirm"):
            item = self._item(case, element)
            self.ask("wangfang", "POST", f"/items/{item}/complete", {"values": {}})

    def _item(self, case: str, element: str, patience: float = 45) -> str:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            found = self.ask("wangfang", "GET", f"/cases/{case}").json()
            for step in found["open"]:
                if step["element"] == element:
                    return str(step["item_id"])
            time.sleep(0.1)
        raise AssertionError(f"{element} of {case} never came; it stands at {found['open']} with {found['incidents']} and {found['calls']}")

    def work(self, *, clients: int, seconds: float) -> None:
        """Each client plays one case after the other until the time is over, then finishes its last one."""
        until, failed = time.monotonic() + seconds, []

        def client() -> None:
            try:
                while time.monotonic() < until:
                    self.one_case()
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.wrong and not failed, (self.wrong[:3], failed[:3])


class Wrong(Exception):
    pass


#: whom every case is about: somebody who reports to chenli
SUBJECT = next(key for key, employee in roster.EMPLOYEES.items() if employee.login == "linxiaobei")


def answers(address: str, patience: float = 60) -> None:
    """Wait until the web at this address is ready."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            if _HTTP.get(f"{address}/health", timeout=5).status_code == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"{address} never answered")


def verify(database: str, keys: Path, people: People, company: SampleCompany, *, patience: float = 60) -> dict[str, int]:
    """No committed step lost, none doubled, each push with exactly one effect, every ledger whole; the figures.

    Notices are not waited for: from a network of its own no host reaches the company's mailbox.
    """
    opened = Database(database, Keyring.open(keys))
    mine = sa.select(Case.id).where(Case.procedure == "relay")
    deadline = time.monotonic() + patience
    left = sa.select(Job.kind, Job.state).where(Job.case_id.in_(mine), Job.state.in_(("waiting", "leased")), Job.kind != "notice")
    while True:
        with opened.reading() as connection:
            waiting = connection.execute(left).all()
        if not waiting:
            break
        assert time.monotonic() < deadline, f"these jobs did not come to their end: {waiting}"
        time.sleep(0.3)
    with opened.reading() as connection:
        rows = connection.execute(sa.select(Case.id, Case.status, Case.outcome, Case.head, Case.entries).where(Case.id.in_(mine))).all()
        assert {row.id for row in rows} == set(people.cases), "a case was lost, or started twice"
        assert {(row.status, row.outcome) for row in rows} == {("closed", "completed")}
        stored = set(connection.execute(sa.select(LedgerPage.request_id).where(LedgerPage.request_id.is_not(None))).scalars())
        assert {Mark.of(told) for told in people.told} <= stored, "a step that was told to be done is not there"
        assert not connection.execute(sa.select(Incident.id)).all()
        for row in rows:
            entries = ledger.history(connection, opened.keyring, row.id)
            assert ledger.faults(entries, head=row.head, count=row.entries) == []
            done = [(entry.event, entry.element) for entry in entries]
            for event, element in (
                (Event.ITEM_COMPLETED, "check"),
                (Event.OPERATION_DONE, "push"),
                (Event.ITEM_COMPLETED, "confirm"),
            ):
                assert done.count((event, element)) == 1, (row.id, done)
        items = connection.execute(sa.select(WorkItem.case_id, WorkItem.element, WorkItem.status).where(WorkItem.case_id.in_(mine))).all()
        assert len(items) == 2 * len(rows) and {item.status for item in items} == {"completed"}
        jobs = connection.execute(sa.select(Job.case_id, Job.key, Job.state).where(Job.case_id.in_(mine), Job.kind == "operation")).all()
        assert len(jobs) == len(rows) and {job.state for job in jobs} == {"done"}
    opened.dispose()
    pushed = {push["key"]: push for push in company.admin("pushes") if push["operation"] == PUSH}
    assert set(pushed) == {job.key for job in jobs}
    assert {push["effects"] for push in pushed.values()} <= {1}
    return {
        "cases": len(rows),
        "sent again": people.again,
        "calls": sum(push["attempts"] for push in pushed.values()),
        "effects": sum(push["effects"] for push in pushed.values()),
    }


@contextlib.contextmanager
def stopped(*hosts: Host) -> Iterator[None]:
    """Stop every process at the end, and show what they said if something went wrong."""
    try:
        yield
    except BaseException:
        for host in hosts:
            print(f"--- {host.home.name}\n{(host.home / 'log').read_text()[-6000:] if (host.home / 'log').exists() else ''}")
        raise
    finally:
        for host in hosts:
            host.stop()
