"""ClamAV: what people upload is sent to a clamd, which says what it finds (its command INSTREAM, clamd(8))."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from connectors.options import REQUIRED, Option, read_options
from engine.errors import NeedsPerson, OperationFailed, SettingWrong, TryAgain

#: bytes sent at once; clamd takes up to its StreamMaxLength altogether
_PIECE = 64 * 1024
#: bytes of an answer; it is one line
_LONGEST = 4096


class ClamAv:
    """Scans uploads. Opens a connection for each, so threads may share it."""

    names: ClassVar[tuple[str, ...]] = ()
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "host": Option(str, REQUIRED, "Machine on which clamd listens (TCPSocket in clamd.conf)"),
        "port": Option(int, 3310, "Port on which it listens"),
        "timeout": Option(float, 30.0, "Seconds after which a scan is given up"),
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        values = read_options(name, options, self.OPTIONS)
        self._system = name
        self._address = (values["host"], values["port"])
        self._timeout: float = values["timeout"]
        if self._timeout <= 0:
            raise SettingWrong(setting=f"connectors.{name}.timeout", reason="it must be more than 0")

    def scan(self, content: bytes) -> str:
        """Name of the signature that was found, or "". Raises TryAgain, and NeedsPerson for an answer that is neither yes nor no."""
        pieces = [content[start : start + _PIECE] for start in range(0, len(content), _PIECE)]
        said = self._ask(b"zINSTREAM\0", *(len(piece).to_bytes(4, "big") + piece for piece in pieces), bytes(4))
        verdict = said.removeprefix("stream: ")
        if verdict == "OK":
            return ""
        if verdict.endswith(" FOUND"):
            return verdict.removesuffix(" FOUND")
        raise NeedsPerson(system=self._system, operation="scan", reason=f"the answer is unknown: {verdict[:200]}")

    def check(self) -> list[str]:
        """Whether it answers."""
        try:
            said = self._ask(b"zPING\0")
        except OperationFailed as failure:
            return [str(failure.facts["reason"])]
        return [] if said == "PONG" else [f"the answer is unknown: {said[:200]}"]

    def _ask(self, *sent: bytes) -> str:
        """The answer to one command. All of it must come within the time limit."""
        end, answer = time.monotonic() + self._timeout, b""
        try:
            with socket.create_connection(self._address, timeout=self._timeout) as line:
                try:
                    for piece in sent:
                        line.settimeout(_left(end))
                        line.sendall(piece)
                except ConnectionError:
                    pass  # it refuses what is too large before it has read everything, and says so
                while not answer.endswith(b"\0") and len(answer) < _LONGEST:
                    line.settimeout(_left(end))
                    if not (received := line.recv(_LONGEST)):
                        break
                    answer += received
        except OSError as error:
            reason = f"no connection: {type(error).__name__}"
            raise TryAgain(system=self._system, operation="scan", reason=reason) from error
        if not answer.endswith(b"\0"):
            raise TryAgain(system=self._system, operation="scan", reason="the answer is not whole")
        return answer.removesuffix(b"\0").decode("utf-8", "replace").strip()


def _left(end: float) -> float:
    """Seconds until then. Raises TimeoutError where there are none."""
    if (left := end - time.monotonic()) <= 0:
        raise TimeoutError
    return left
