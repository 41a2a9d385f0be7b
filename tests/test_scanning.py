"""Uploads are looked at by a virus scanner before anything is stored; a local clamd of few words stands in for the real one."""

from __future__ import annotations

import io
import itertools
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from connector_setups import free_port
from web_office import Office

import connectors
from connectors.clamav import ClamAv
from engine.errors import NeedsPerson, SettingWrong, TryAgain
from engine.models import Document
from engine.settings import Settings
from webapp import create_services

#: the harmless file by which scanners are tried (eicar.org), in two halves so that this file is none
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + rb"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd(socketserver.ThreadingTCPServer):
    """Speaks INSTREAM and PING as clamd does; `says` overrules what it would say of a file."""

    allow_reuse_address = daemon_threads = True
    says: bytes | None = None
    scanned = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Line)
        self.options = {"host": "127.0.0.1", "port": self.server_address[1], "timeout": 5.0}


class _Line(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        command = b""
        while not command.endswith(b"\0"):
            command += self.rfile.read(1)
        if command == b"zPING\0":
            self.wfile.write(b"PONG\0")
            return
        content = b""
        while size := int.from_bytes(self.rfile.read(4), "big"):
            content += self.rfile.read(size)
        server.scanned += 1
        found = b"stream: Win.Test.EICAR_HDB-1 FOUND\0" if EICAR in content else b"stream: OK\0"
        self.wfile.write(found if server.says is None else server.says)


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    with Clamd() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def office(office: Office, clamd: Clamd) -> Office:
    office.equip(scanner=ClamAv("scanner", clamd.options))
    return office


def documents(office: Office) -> int:
    with office.services.database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(Document)).scalar_one())


def test_a_file_is_sent_in_pieces_and_its_finding_comes_back(clamd: Clamd) -> None:
    """What is larger than one piece arrives whole; the finding is the name of the signature."""
    scanner = ClamAv("scanner", clamd.options)

    assert scanner.check() == []
    assert scanner.scan(b"a" * 200_000) == ""
    assert scanner.scan(b"a" * 200_000 + EICAR) == "Win.Test.EICAR_HDB-1"


@pytest.mark.parametrize(
    ("said", "failure"),
    [(b"INSTREAM size limit exceeded. ERROR\0", NeedsPerson), (b"", TryAgain), (b"stream: O", TryAgain), (b"\0", NeedsPerson)],
)
def test_an_answer_that_says_nothing_is_no_clean_file(clamd: Clamd, said: bytes, failure: type[Exception]) -> None:
    """Only OK is clean; half an answer or an error is a failure."""
    clamd.says = said
    try:
        with pytest.raises(failure):
            ClamAv("scanner", clamd.options).scan(b"x")
    finally:
        clamd.says = None


def test_a_scanner_that_is_not_there_is_tried_again() -> None:
    """Nobody listens, or whoever listens says nothing in time."""
    with pytest.raises(TryAgain):
        ClamAv("scanner", {"host": "127.0.0.1", "port": free_port()}).scan(b"x")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        scanner = ClamAv("scanner", {"host": "127.0.0.1", "port": silent.getsockname()[1], "timeout": 0.2})
        with pytest.raises(TryAgain):
            scanner.scan(b"x")
        assert scanner.check()


def test_the_time_limit_of_a_scan_is_one_for_the_whole_of_it(clamd: Clamd, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner that takes a file slowly, piece by piece, does not hold whoever uploads it for as long as it likes."""
    seconds = itertools.count(0, 3)
    monkeypatch.setattr("connectors.clamav.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    with pytest.raises(TryAgain):
        ClamAv("scanner", clamd.options).scan(b"a" * 200_000)


def test_settings_name_one_scanner_and_may_demand_it(tmp_path: Path, clamd: Clamd) -> None:
    """Two are refused, and where a scanner is demanded an installation without one does not start."""
    one = ClamAv("one", clamd.options)

    assert connectors.scanner([]) is None and connectors.scanner([one]) is one
    with pytest.raises(SettingWrong):
        connectors.scanner([one, ClamAv("two", clamd.options)])
    with pytest.raises(SettingWrong, match="scan_uploads"):
        create_services(Settings(home=tmp_path, scan_uploads=True))


def test_an_infected_file_is_refused_at_its_field(office: Office, clamd: Clamd) -> None:
    """On the page of a form: the finding stands at the field, what was typed stays, and nothing is stored."""
    item, client, before = office.open_item(office.case()), office.browser("wangfang", "zh-CN"), documents(office)
    sent = {"minutes": "谈话内容", "files": (io.BytesIO(EICAR), "证据.txt")}

    answer = office.post(client, f"/items/{item}/complete", sent, content_type="multipart/form-data")

    assert answer.status_code == 422 and "Win.Test.EICAR_HDB-1" in answer.text and "病毒" in answer.text
    assert documents(office) == before


def test_no_file_is_taken_while_the_scanner_is_away(office: Office, clamd: Clamd) -> None:
    """A program is told to try again; the same file is taken once the scanner answers."""
    item, (client, headers), before = office.open_item(office.case()), office.program("wangfang"), documents(office)

    def send() -> Any:
        return client.post(f"/api/v1/items/{item}/documents", data={"files": (io.BytesIO(b"text"), "a.txt")}, headers=headers)

    clamd.says = b""
    try:
        away = send()
    finally:
        clamd.says = None
    assert away.status_code == 503 and away.json["code"] == "file_not_scanned" and documents(office) == before
    assert send().status_code == 201 and documents(office) == before + 1


def test_a_report_with_an_infected_file_starts_no_case(office: Office) -> None:
    """The start form is refused with the finding before anything is written."""
    before = documents(office)
    sent = {"what": "上班玩手机", "kind": "phone", "proof": (io.BytesIO(EICAR), "a.txt")}
    address = f"/start/office/{office.people['linxiaobei']}"

    answer = office.post(office.browser("chenli", "zh-CN"), address, sent, content_type="multipart/form-data")

    assert answer.status_code == 422 and "Win.Test.EICAR_HDB-1" in answer.text and documents(office) == before
