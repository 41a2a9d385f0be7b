"""`partwell up` as a process of its own, for tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Served:
    address: str
    #: the sample company's address
    company: str
    #: what it printed until it was ready
    said: list[str]
    process: subprocess.Popen[str]


def environment() -> dict[str, str]:
    """Ours without any settings of Partwell."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PARTWELL_")}


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[Served]:
    """Start it with the demo company on free ports; stop it by SIGTERM, whatever happened."""
    port = free_port()
    command = [sys.executable, "-m", "webapp.commands", "--home", str(home), "up", "--port", str(port)]
    environ = environment() | {"PARTWELL_LANG": "en"} | {f"PARTWELL_{name.upper()}": value for name, value in settings.items()}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            said: list[str] = []
            assert process.stdout is not None
            while not (said and "Sample company" in said[-1]):
                line = process.stdout.readline()
                assert line, f"it ended with {process.wait()}"
                said.append(line.strip())
            yield Served(f"http://127.0.0.1:{port}", said[-1].split()[-1], said, process)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in (0, -signal.SIGKILL)  # a test may have killed it
