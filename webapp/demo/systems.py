"""The demo's outside systems: the sample company as a process, and how the ordinary connectors are told about it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from engine.errors import SettingWrong
from engine.settings import Settings

from .. import with_connectors

_ROOT = Path(__file__).parents[2]


def company_connectors(*, http: str, smtp: int, token: str) -> dict[str, dict[str, Any]]:
    """How the ordinary connectors are told about the sample company; the arguments are what it prints when it is ready."""
    web = {"base_url": http, "token": token}
    return {
        "ehr": {"type": "ehr_http", **web},
        "payroll": {"type": "payroll_http", **web},
        "oa": {"type": "oa_http", **web},
        "mail": {"type": "mail", "host": "127.0.0.1", "port": smtp, "from": "partwell@company.example", "starttls": False},
    }


def offline(settings: Settings) -> Settings:
    """For commands that call nobody: a demo's connectors are known by name although its company may not be running."""
    if settings.demo and not settings.connectors:
        return with_connectors(settings, company_connectors(http="http://127.0.0.1:9", smtp=9, token="offline"))
    return settings


class SampleCompany:
    """The sample company as a process of its own on free ports; it ends with us, however we end."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "webapp.demo.company", "--home", str(home), "--until-input-ends"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SettingWrong(setting="demo", reason="the sample company did not start; its own message is above")
        self._said: dict[str, Any] = json.loads(line)

    @property
    def address(self) -> str:
        return str(self._said["http"])

    @property
    def connectors(self) -> dict[str, dict[str, Any]]:
        """The configuration of the ordinary connectors for this company."""
        return company_connectors(**self._said)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
