"""Requests that take seconds: trying a draft, playing scenarios, playing former cases. They never hold all threads that answer requests.

Each person works on one at a time; a second one waits a little for the first. Two threads are always left to everybody else.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from flask import Flask, current_app

from engine.errors import ServerBusy

from .accounts import me

P = ParamSpec("P")
R = TypeVar("R")

#: threads that are never taken
_LEFT = 2
#: seconds that somebody's second request waits for their first
_PATIENCE = 10.0


class Places:
    """Where long work is done: a thread each, at most one that works for the same person."""

    def __init__(self, threads: int, *, patience: float = _PATIENCE) -> None:
        self._free = threading.BoundedSemaphore(max(threads - _LEFT, 1))
        #: of one person, with those who wait
        self._most = max((threads - _LEFT) // 2, 2)
        self._patience = patience
        self._counting = threading.Lock()
        self._persons: dict[str, tuple[threading.Lock, int]] = {}

    @contextlib.contextmanager
    def taken(self, person: str) -> Iterator[None]:
        """One of them, as long as the block runs. Raises ServerBusy at once where none is free, and where the person's own work goes on."""
        with self.any_taken():
            turn = self._queued(person)
            try:
                if not turn.acquire(timeout=self._patience):
                    raise ServerBusy
                try:
                    yield
                finally:
                    turn.release()
            finally:
                self._gone(person)

    @contextlib.contextmanager
    def any_taken(self) -> Iterator[None]:
        """One of them for what is over in a moment, beside other work of the same person. Raises ServerBusy at once where none is free."""
        if not self._free.acquire(blocking=False):
            raise ServerBusy
        try:
            yield
        finally:
            self._free.release()

    def _queued(self, person: str) -> threading.Lock:
        with self._counting:
            turn, waiting = self._persons.get(person, (threading.Lock(), 0))
            if waiting >= self._most:
                raise ServerBusy
            self._persons[person] = turn, waiting + 1
        return turn

    def _gone(self, person: str) -> None:
        with self._counting:
            turn, waiting = self._persons.pop(person)
            if waiting > 1:
                self._persons[person] = turn, waiting - 1


def init_app(app: Flask) -> None:
    app.extensions["long_work"] = Places(app.extensions["partwell"].settings.threads)


@contextlib.contextmanager
def taken() -> Iterator[None]:
    """A place for whoever asks. Raises ServerBusy."""
    places: Places = current_app.extensions["long_work"]
    with places.taken(me().id):
        yield


@contextlib.contextmanager
def any_taken() -> Iterator[None]:
    """A place for what is over in a moment. Raises ServerBusy."""
    places: Places = current_app.extensions["long_work"]
    with places.any_taken():
        yield


def long_work(view: Callable[P, R]) -> Callable[P, R]:
    """A view that may take seconds; stands below `logged_in`."""

    @functools.wraps(view)
    def placed(*args: P.args, **kwargs: P.kwargs) -> Any:
        with taken():
            return view(*args, **kwargs)

    return placed
