"""What the tests of connectors share: configurations against the sample company, calls, and a server of raw answers."""

from __future__ import annotations

import csv
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from sample_company import WINDOW, SampleCompany

import connectors
from engine.ports import Call

SUBJECT, TEAM = "KF-017", "customer-service-1"
NOW = dt.datetime(2026, 11, 24, 2, 0, tzinfo=dt.UTC)
ROWS = {"employee": SUBJECT, "team": TEAM, **WINDOW}
#: how a raw answer with JSON begins
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def a_call(operation: str, input: dict[str, Any], key: str = "case-1:task:1") -> Call:
    return Call(operation=operation, key=key, input=input, headers={}, case="2026-0001", attempt=1, now=NOW)


@dataclass(frozen=True)
class Setup:
    """What the contract needs to know of a connector."""

    options: dict[str, Any]
    call: Call
    #: options with which the other side is not there
    down: dict[str, Any]
    secret: str = ""


def export(company: SampleCompany, folder: Path) -> Path:
    """Write the company's rows into a folder as CSV files."""
    for kind in ("app-usage", "training", "performance"):
        rows: list[dict[str, Any]] = []
        for page in ("1", "2", "3"):
            rows += company.get(f"/ehr/{kind}", team=TEAM, page=page, **WINDOW).json()["rows"]
        write_csv(folder / f"{kind.replace('-', '_')}.csv", rows)
    write_csv(folder / "employees.csv", [flat(record) for record in company.get("/ehr/employees").json()["employees"]])
    return folder


def setups_for(company: SampleCompany, exports: Path) -> dict[str, Setup]:
    """A working configuration of every built-in connector, by type."""
    http = {"base_url": company.http, "token": company.token, "timeout": 2.0}
    nobody = {**http, "base_url": f"http://127.0.0.1:{free_port()}"}
    mail = {"host": "127.0.0.1", "port": company.smtp, "from": "Partwell <partwell@company.example>", "starttls": False}
    text = {"to": "wangfang@company.example", "subject": "您有一项待办", "body": "请处理。"}
    stop = {"employee": SUBJECT, "effective_month": "2026-12"}
    return {
        "ehr_http": Setup(http, a_call("ehr.app_usage", ROWS), nobody, company.token),
        "ehr_files": Setup({"folder": str(exports)}, a_call("ehr.app_usage", ROWS), {"folder": str(exports / "nowhere")}),
        "oa_http": Setup(http, a_call("oa.deactivate_account", {"employee": SUBJECT}), nobody, company.token),
        "payroll_http": Setup(http, a_call("payroll.stop_social_insurance", stop), nobody, company.token),
        "mail": Setup(mail, a_call("mail.send", text), {**mail, "port": free_port()}),
    }


def build(type: str, options: dict[str, Any]) -> Any:
    [connector] = connectors.load({type: {"type": type, **options}})
    return connector


def write_csv(file: Path, rows: list[dict[str, Any]], encoding: str = "utf-8") -> None:
    with file.open("w", encoding=encoding, newline="") as opened:
        writer = csv.DictWriter(opened, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def flat(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """An employee's record as a line of an export."""
    cells: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            cells |= flat(value, f"{prefix}{name}.")
        else:
            cells[prefix + name] = ";".join(value) if isinstance(value, list) else value
    return cells


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def answering(*answers: bytes, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that gives these raw answers, one per request, and its address."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(left.pop(0))

        def log_message(self, *_: Any) -> None:
            pass

    class Server(HTTPServer):
        def get_request(self) -> Any:
            peer, address = super().get_request()
            return (tls.wrap_socket(peer, server_side=True) if tls else peer), address

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
