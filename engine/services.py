"""What the use cases work with, put together once at start (`webapp.create_services`) and handed to each as first argument."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from .bpmn import expressions
from .bpmn.state import LiveCases
from .calendar import Calendars
from .db import Database
from .fields import Keyring
from .ports import Carrier, Clock, Forms, Operation, Renderer, Runs, Transaction
from .procedures import Programs
from .settings import Settings


class SystemClock:
    """The machine's time."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)


class NoCarrier:
    """Nobody is rung; whoever runs the jobs looks by themselves."""

    def defer(self, unit: Transaction, job: str, due: dt.datetime) -> None:
        pass

    def ring(self, due: dt.datetime | None) -> None:
        pass

    def sweep(self, job: str, due: dt.datetime) -> None:
        pass

    def start(self, runner: Runs) -> None:
        pass

    def stop(self) -> None:
        pass


@dataclass(frozen=True, kw_only=True)
class Services:
    settings: Settings
    keyring: Keyring
    database: Database
    clock: Clock
    forms: Forms
    renderer: Renderer
    #: by operation name
    operations: Mapping[str, Operation]
    carrier: Carrier = field(default_factory=NoCarrier)
    programs: Programs
    live: LiveCases
    #: working time by name; the programs have the same
    calendars: Calendars = field(default_factory=lambda: Calendars({}, zone=expressions.ZONE))
