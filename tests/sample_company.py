"""The sample company as a process of its own, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

TODAY = "2026-11-24"
#: the article's window: 14 days up to yesterday
WINDOW = {"from": "2026-11-10", "to": "2026-11-23"}


@dataclass
class SampleCompany:
    http: str
    smtp: int
    token: str

    def get(self, path: str, *, token: str | None = None, **params: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        return requests.get(self.http + path, params=params, headers=headers, timeout=10)

    def push(self, path: str, key: str, body: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        return requests.post(self.http + path, json=body, headers=headers, timeout=10)

    def admin(self, path: str, body: Any = None) -> Any:
        """GET, or POST with a body; the answer as JSON."""
        address = f"{self.http}/admin/{path}"
        answer = requests.get(address, timeout=10) if body is None else requests.post(address, json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def plan(self, operation: str, *faults: str) -> None:
        self.admin("faults", {"operation": operation, "plan": list(faults)})

    def forget_faults(self) -> None:
        requests.delete(f"{self.http}/admin/faults", timeout=10).raise_for_status()

    def pushed(self, key: str) -> list[dict[str, Any]]:
        return [push for push in self.admin("pushes") if push["key"] == key]


@contextmanager
def running(home: Path, today: str = TODAY) -> Iterator[SampleCompany]:
    """Start it on free ports, stop it by SIGTERM."""
    command = [sys.executable, "-m", "webapp.demo.company", "--home", str(home), "--today", today]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield SampleCompany(**json.loads(process.stdout.readline()))
        finally:
            process.terminate()
            assert process.wait(10) == 0
