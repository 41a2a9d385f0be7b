"""What the use cases work with, put together once at start (`webapp.create_services`) and handed to each as first argument."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .bpmn import expressions
from .bpmn.state import LiveCases
from .calendar import Calendars
from .db import Database
from .fields import Keyring
from .ports import Carrier, Clock, Finder, Forms, Listener, Notifier, Operation, Projector, Renderer, Runs, Scanner, Transaction
from .procedures import Programs
from .settings import Settings

if TYPE_CHECKING:
    from .studio.sandbox import Sandboxes


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


def in_english(text: str, locale: str) -> str:
    """The engine's own sentences, where there are no catalogues."""
    return text


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
    #: by channel: the connectors that tell people what waits for them
    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    #: by name: the connectors that are told what happens in cases
    listeners: Mapping[str, Listener] = field(default_factory=dict)
    #: by name: outside centres of to-dos that show what waits here
    projectors: Mapping[str, Projector] = field(default_factory=dict)
    #: by name: the connectors that tell what outside services call people
    finders: Mapping[str, Finder] = field(default_factory=dict)
    #: what looks at uploads; None: nothing does
    scanner: Scanner | None = None
    #: a sentence of the engine in a language (BCP 47 tag)
    translate: Callable[[str, str], str] = in_english
    carrier: Carrier = field(default_factory=NoCarrier)
    programs: Programs
    live: LiveCases
    #: working time by name; the programs have the same
    calendars: Calendars = field(default_factory=lambda: Calendars({}, zone=expressions.ZONE))
    #: makes worlds beside this installation in which files are tried; None: nothing can be tried
    sandboxes: Callable[[Services], Sandboxes] | None = None
