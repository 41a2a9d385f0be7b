"""Three web processes and three workers on one PostgreSQL, two hosts, and a standby that takes over: nothing lost, nothing doubled."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import line
import pytest
from cluster import Host, People, answers, prepare, stopped, verify
from conftest import NO_NETWORKS
from line import Line
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


@contextlib.contextmanager
def network(number: int) -> Iterator[tuple[list[str], str, str, Callable[[], None]]]:
    """A host's network of its own: how to run there, its address, ours as it sees it, and what pulls its cable."""
    name, ours, theirs = f"partwell{os.getpid()}_{number}", f"10.91.{number}.1", f"10.91.{number}.2"
    cable = f"pw{os.getpid() % 100000}_{number}"

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    ip("netns", "add", name)
    try:
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("addr", "add", f"{ours}/24", "dev", cable)
        ip("link", "set", cable, "up")
        for words in (("addr", "add", f"{theirs}/24", "dev", "eth0"), ("link", "set", "eth0", "up"), ("link", "set", "lo", "up")):
            ip("-n", name, *words)
        yield ["ip", "netns", "exec", name], theirs, ours, lambda: ip("-n", name, "link", "set", "eth0", "down")
    finally:
        ip("netns", "del", name)


def test_two_hosts_of_which_one_vanishes(tmp_path: Path, company: SampleCompany) -> None:
    """Two machines with networks of their own; one's cable is pulled under load. The other goes on, all is done once."""
    if os.getuid() or not shutil.which("ip"):
        pytest.skip(NO_NETWORKS)
    with network(1) as (in_one, one, ours_one, pull), network(2) as (in_two, two, ours_two, _), contextlib.ExitStack() as opened:
        server = Postgres(free_port(), host=f"127.0.0.1,{ours_one},{ours_two}")
        opened.callback(server.remove)
        server.create()
        server.start()
        server.ask("CREATE DATABASE partwell")
        port = int(company.http.rpartition(":")[2])

        def host(name: str, within: list[str], ours: str, keys: Path | None = None) -> Host:
            here = Line("127.0.0.1", port, listen=(ours, 0))  # the company answers on its loopback address only
            there = subprocess.Popen([*within, sys.executable, line.__file__, ours, str(here.port), str(port)])
            opened.callback(there.wait)
            opened.callback(there.kill)
            opened.callback(here.close)
            database = f"postgresql://postgres@{ours}:{server.port}/partwell"
            return Host(tmp_path / name, database, company, carrier="procrastinate", keys=keys, within=within)

        first = host("one", in_one, ours_one)
        prepare(first)
        second = host("two", in_two, ours_two, first.home / "keys.json")
        with stopped(first, second):
            addresses = [each.web(8000, host=at, processes=2) for each, at in ((first, one), (second, two))]
            for each in (first, second):
                each.worker()
            for address in addresses:
                answers(address)
            people = People(addresses)
            people.log_in()
            pulling = threading.Timer(SECONDS / 2, pull)
            pulling.start()
            people.work(clients=4, seconds=SECONDS)
            pulling.join()
            first.kill()  # it is out of reach anyway
            figures = verify(second.database, first.home / "keys.json", people, company)
    print(figures)
    assert figures["sent again"] > 0, "the failure was not felt"


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
