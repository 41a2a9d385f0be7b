"""Three web processes and three workers on one PostgreSQL, two hosts, and a standby that takes over: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Host, People, answers, prepare, stopped, verify
from sample_company import SampleCompany
from sample_company import running as company_running
from served import free_port
from servers import Postgres

#: of load in each test; `make distributed SECONDS=…` gives more
SECONDS = float(os.environ.get("DISTRIBUTED_SECONDS", "4"))


@pytest.fixture
def company(tmp_path: Path) -> Iterator[SampleCompany]:
    with company_running(tmp_path / "company") as running:
        yield running


@pytest.fixture
def primary() -> Iterator[Postgres]:
    server = Postgres(free_port())
    try:
        server.create()
        server.start()
        server.ask("CREATE DATABASE partwell")
        yield server
    finally:
        server.remove()


def url(*servers: Postgres) -> str:
    hosts = "&".join(f"host={server.host}:{server.port}" for server in servers)
    return f"postgresql://postgres@/partwell?{hosts}&target_session_attrs=read-write"


@pytest.mark.parametrize("carrier", ["procrastinate"])
def test_three_web_processes_and_three_workers(tmp_path: Path, primary: Postgres, company: SampleCompany, carrier: str) -> None:
    """People work through three web processes while three workers run the jobs, and one worker is killed: all is done once."""
    host = Host(tmp_path / "one", url(primary), company, carrier=carrier)
    with stopped(host):
        prepare(host)
        address = host.web(free_port(), processes=3)
        for _ in range(3):
            host.worker()
        answers(address)
        people = People([address])
        people.log_in()
        killing = threading.Timer(SECONDS / 2, host.processes[-1].kill)
        killing.start()
        people.work(clients=6, seconds=SECONDS)
        figures = verify(host.database, host.home / "keys.json", people, company)
    print(figures)
    assert figures["cases"] >= 6


def test_a_standby_takes_over_under_load(tmp_path: Path, primary: Postgres, company: SampleCompany) -> None:
    """The primary loses its power, the standby is promoted: every step that was told to be done is there, none is done twice."""
    standby = Postgres(free_port())
    try:
        standby.copy(primary)
        standby.start()
        primary.wait_for_its_standby()
        host = Host(tmp_path / "one", url(primary, standby), company, carrier="procrastinate")
        with stopped(host):
            prepare(host)
            address = host.web(free_port(), processes=3)
            for _ in range(3):
                host.worker()
            answers(address)
            people = People([address])
            people.log_in()

            def fail_over() -> None:
                time.sleep(SECONDS / 2)
                primary.kill()
                standby.promote()

            failing = threading.Thread(target=fail_over)
            failing.start()
            people.work(clients=6, seconds=SECONDS)
            failing.join()
            people.work(clients=2, seconds=1)
            figures = verify(host.database, host.home / "keys.json", people, company)
        print(figures)
        assert figures["sent again"] > 0, "the failure was not felt"
    finally:
        standby.remove()
