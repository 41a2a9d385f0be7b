"""What goes over the line to PostgreSQL: how often a use case waits for an answer, counted on the line itself."""

from __future__ import annotations

import dataclasses
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import Room, line, person

from engine import work
from engine.db import Database
from engine.models import new_id
from engine.procedures import Programs
from engine.services import Services


class Line:
    """A line to the server that passes everything on and notes who spoke."""

    def __init__(self, folder: str) -> None:
        self._there = f"{folder}/.s.PGSQL.5432"
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._spoke: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._there)
            for source, target, who in ((near, far, "client"), (far, near, "server")):
                threading.Thread(target=self._pass_on, args=(source, target, who), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, who: str) -> None:
        while chunk := source.recv(1 << 16):
            self._spoke.append(who)
            target.sendall(chunk)
        target.close()

    def trips(self, act: Callable[[], Any]) -> int:
        """How often the client asked and waited for an answer."""
        self._spoke.clear()
        act()
        spoke = ["server", *self._spoke]
        return sum(after == "client" != before for before, after in itertools.pairwise(spoke))

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def over(database_url: str, services: Services) -> Iterator[tuple[Line, Room]]:
    """An office behind a line that is watched; SQLite is reached over none."""
    url = sa.make_url(database_url)
    watched = Line(str(url.query["host"]))
    database = Database(url.set(host="127.0.0.1", port=watched.port, query={}).render_as_string(hide_password=False), services.keyring)
    yield watched, Room(dataclasses.replace(services, database=database, programs=Programs(database)))
    database.dispose()
    watched.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_start_and_a_completion_are_two_round_trips_each(over: tuple[Line, Room]) -> None:
    """One to lock and read, one to write and commit; and nothing is sent after the COMMIT."""
    watched, room = over
    room.deploy(*line("first", "second", "third"))
    case = room.start()
    room.complete(case, "first")  # by now everything is prepared and cached
    assert watched.trips(room.start) == 2
    item = room.item(case, "second")
    assert watched.trips(lambda: work.complete(room.services, item, actor=person("hr"), values={}, request_id=new_id())) == 2
