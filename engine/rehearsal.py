"""The dry run of an act: the act itself, in transactions that are not committed. What it refuses now, it refuses for real."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from .bpmn.state import LiveCases
from .db import Database, Unit

if TYPE_CHECKING:
    from .services import Services


class _Rehearsed:
    """A database whose units are left without what was written in them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @contextlib.contextmanager
    def unit(self) -> Iterator[Unit]:
        with self._database.unit() as unit:
            unit.commit = _nothing  # type: ignore[method-assign]
            yield unit


def _nothing(*, stored: Callable[[Unit], bool] | None = None) -> None:
    """Nothing is stored, and nothing follows."""


def rehearsal(services: Services) -> Services:
    """Services with which an act changes nothing: neither rows nor live cases, and no worker is woken. Errors are raised as ever."""
    from .services import NoCarrier

    database = cast(Database, _Rehearsed(services.database))
    return dataclasses.replace(services, database=database, live=LiveCases(1), carrier=NoCarrier())
