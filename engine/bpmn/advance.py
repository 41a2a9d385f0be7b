"""What happened while a case moved from one rest to the next: the runtime's answer, written down by the use cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import PartwellError
from ..ports import Json


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A user task waits for people."""

    #: this one visit of the element; unique in the case
    instance: str
    element: str
    #: 1 for the first visit of the element in this case
    activation: int
    #: key of an approval chain, or None: then exactly one of the three below says who
    chain: str | None = None
    #: id of one person
    assignee: str | None = None
    #: roles of the directory
    groups: Sequence[str] = ()
    #: ids of persons
    persons: Sequence[str] = ()
    due: dt.datetime | None = None
    priority: int = 50
    #: values of the task's input mapping, offered to its form beside the case's variables
    inputs: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Requested:
    """A service or send task waits for an operation."""

    instance: str
    element: str
    activation: int
    operation: str
    input: Mapping[str, Json]
    headers: Mapping[str, str]
    #: attempts before an incident
    attempts: int
    #: of calls that are due, the highest is made first
    priority: int = 0


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """A timer event waits."""

    instance: str
    element: str
    activation: int
    due: dt.datetime


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """A message or signal is waited for."""

    instance: str
    element: str
    activation: int
    #: `message` or `signal`
    kind: str
    name: str
    #: evaluated correlation key; "" for signals, and for messages without one
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Thrown:
    """A message or signal leaves the case, for whoever waits elsewhere."""

    instance: str
    element: str
    #: `message` or `signal`
    kind: str
    name: str
    #: correlation key; "" for signals, and for messages without one
    key: str = ""
    values: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Left:
    """A waiting element was left without its own completion: cancelled by an event, or by the end of its scope."""

    instance: str
    element: str
    #: element whose event did it
    by: str | None


@dataclass(frozen=True, kw_only=True)
class Passed:
    """An element that waits for nobody was passed: event, gateway, script or decision."""

    instance: str
    element: str
    #: what is worth keeping: flows taken, a decision's inputs, matched rules and value, a script's result
    detail: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """An element could not go on: its token stays before it until somebody repairs the cause and retries."""

    instance: str
    element: str
    error: PartwellError


@dataclass(frozen=True, kw_only=True)
class Written:
    """A case variable was written."""

    name: str
    element: str
    #: the element that had written the value that is overwritten here while running in a parallel branch, or None
    over: str | None = None


@dataclass(kw_only=True)
class Advance:
    """Everything that happened between two rests, in order within each list."""

    opened: list[Opened] = field(default_factory=list)
    requested: list[Requested] = field(default_factory=list)
    scheduled: list[Scheduled] = field(default_factory=list)
    awaited: list[Awaited] = field(default_factory=list)
    thrown: list[Thrown] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    stuck: list[Stuck] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    #: ids of the sequence flows that tokens took, in order
    flows: list[str] = field(default_factory=list)
    #: of each call of the latest version of a process, the version's id; None where there was none
    called: list[str | None] = field(default_factory=list)
    #: no token is left
    finished: bool = False
    #: `wf.outcome` of the end event that finished the case
    outcome: str | None = None
