"""The line between a client and a PostgreSQL server: it can be cut at a chosen moment, and be slow."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator

import sqlalchemy as sa


class Line:
    """Carries bytes both ways until a client's bytes hold `word`: then it is cut.

    `arrives`: whether the server still gets them; its answer is lost in any case. `slow`: seconds that each piece sent by the
    client is held up.
    """

    def __init__(self, host: str, port: int, *, listen: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self._host, self._server_port = host, port
        self._listening = socket.create_server(listen)
        self.port: int = self._listening.getsockname()[1]
        self.word = b""
        self.arrives = True
        self.slow = 0.0
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at(self, word: bytes, *, arrives: bool) -> None:
        self.word, self.arrives = word, arrives

    def close(self) -> None:
        self._listening.close()

    def _server(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, self._server_port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._host}/.s.PGSQL.{self._server_port}")
        return server

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = self._server()
                cut, answered = threading.Event(), threading.Event()
                threading.Thread(target=self._there, args=(client, server, cut, answered), daemon=True).start()
                threading.Thread(target=self._back, args=(server, client, cut, answered), daemon=True).start()

    def _there(self, client: socket.socket, server: socket.socket, cut: threading.Event, answered: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while sent := client.recv(65536):
                time.sleep(self.slow)
                if self.word and self.word in sent:
                    self.word = b""
                    self.cuts += 1
                    cut.set()
                    answered.clear()
                    if self.arrives:
                        server.sendall(sent)
                        answered.wait(5)
                    break
                server.sendall(sent)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _back(self, server: socket.socket, client: socket.socket, cut: threading.Event, answered: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while said := server.recv(65536):
                answered.set()
                if not cut.is_set():
                    client.sendall(said)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def through_a_line(url: str) -> Iterator[tuple[Line, str]]:
    """A line to the server of this address, and the address through it."""
    address = sa.make_url(url)
    line = Line(str(address.query.get("host", address.host)), int(address.port or 5432))
    try:
        yield line, address.set(host="127.0.0.1", port=line.port, query={}).render_as_string(hide_password=False)
    finally:
        line.close()


if __name__ == "__main__":  # a line into another network: listen on the loopback address there, until killed
    Line(sys.argv[1], int(sys.argv[2]), listen=("127.0.0.1", int(sys.argv[3])))
    threading.Event().wait()
