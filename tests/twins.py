"""In-memory twins of the engine's ports: what they say is set by the test, what was asked is kept."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Collection, Mapping, Sequence

from engine.errors import OperationFailed, PartwellError, Refused
from engine.ports import Announcement, Answer, Call, Json, Message, Runs, Shown, Sought, Transaction


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: str = "2026-11-24T01:00:00+00:00") -> None:
        self._now = dt.datetime.fromisoformat(now)

    def now(self) -> dt.datetime:
        return self._now

    def set(self, now: dt.datetime) -> None:
        self._now = now

    def move(self, **span: float) -> None:
        """Let time pass: `move(hours=3)`."""
        self._now += dt.timedelta(**span)


class ScriptedOperation:
    """Answers from a list, one entry for each call: a value, an Answer, an error to raise, or something to call.

    When the list is used up, the last entry counts for every further call.
    """

    def __init__(self, *names: str, answers: Sequence[Json | Answer | PartwellError | Callable[[Call], Answer]] = ({},)) -> None:
        self.names = names
        self.answers = list(answers)
        self.calls: list[Call] = []
        self._lock = threading.Lock()

    def call(self, call: Call) -> Answer:
        with self._lock:
            self.calls.append(call)
            entry = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(entry, PartwellError):
            raise entry
        if isinstance(entry, Answer):
            return entry
        return entry(call) if callable(entry) else Answer(value=entry)

    def check(self) -> Sequence[str]:
        return ()


class Listening:
    """An outside system that keeps what it was told. `answers`: for each attempt an error to raise, or None."""

    def __init__(self, *events: str, procedures: Sequence[str] = (), titles: bool = False, listener: str = "desk") -> None:
        self.listener = listener
        self.events = events
        self.procedures = procedures
        self.titles = titles
        self.answers: list[PartwellError | None] = [None]
        self.told: list[Announcement] = []

    def announce(self, announcement: Announcement, now: dt.datetime) -> None:
        entry = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if entry is not None:
            raise entry
        self.told.append(announcement)

    def check(self) -> Sequence[str]:
        return ()


class Register:
    """An outside service that knows people by number or mail."""

    def __init__(self, finder: str, *, system: str = "") -> None:
        self.finder, self.system = finder, system or finder
        self.at_once = 100
        self.known: dict[str, str] = {}
        self.asked: list[Sought] = []
        #: what it answers instead: about all, and about some by their number
        self.failing: OperationFailed | None = None
        self.refused: dict[str, Refused] = {}

    def find(self, sought: Sequence[Sought], now: dt.datetime) -> Mapping[str, Collection[str] | Refused]:
        if self.failing:
            raise self.failing
        self.asked += sought
        told = {one.key: {self.known[by] for by in (one.mobile, one.email) if by in self.known} for one in sought}
        refused = {one.key: self.refused[one.mobile] for one in sought if one.mobile in self.refused}
        return {**{key: ids for key, ids in told.items() if ids}, **refused}


class PlainRenderer:
    """A "PDF" that says what it was made of."""

    def render(self, template: str, data: Mapping[str, Json], images: Mapping[str, str] = {}) -> bytes:
        return f"%PDF-1.7 {sorted(data)} {sorted(images)}".encode()

    def pages(self, template: str, data: Mapping[str, Json], images: Mapping[str, str] = {}) -> Sequence[bytes]:
        return [b"\x89PNG " + self.render(template, data, images)]


class Bellboy:
    """Remembers that it was rung."""

    def __init__(self) -> None:
        self.rung: list[dt.datetime | None] = []

    def defer(self, unit: Transaction, job: str, due: dt.datetime) -> None:
        unit.after_commit(lambda: self.rung.append(due))

    def ring(self, due: dt.datetime | None) -> None:
        self.rung.append(due)

    def sweep(self, job: str, due: dt.datetime) -> None:
        self.rung.append(due)

    def start(self, runner: Runs) -> None:
        pass

    def stop(self) -> None:
        pass


class Loudspeaker:
    """A channel of notices that keeps what it was given. `answers`: for each message an error to raise, or None."""

    def __init__(self, channel: str, *, reaches: str = "mail") -> None:
        self.channel = self.system = channel
        self.reaches = reaches
        self.answers: list[PartwellError | None] = [None]
        self.tried: list[Message] = []
        self.told: list[Message] = []

    def tell(self, message: Message) -> str:
        self.tried.append(message)
        entry = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if entry is not None:
            raise entry
        self.told.append(message)
        return ""

    def check(self) -> Sequence[str]:
        return ()


class Board:
    """An outside centre of to-dos that keeps what it was told last. `answers`: for each item an error to raise, or None."""

    def __init__(self, centre: str) -> None:
        self.centre = self.system = centre
        self.answers: list[PartwellError | None] = [None]
        self.prepared: list[str] = []
        #: by the item's id
        self.seen: dict[str, Shown] = {}
        self.told = 0

    def prepare(self, place: str, now: dt.datetime) -> str:
        self.prepared.append(place)
        return place or "place"

    def show(self, shown: Shown) -> Mapping[str, str]:
        entry = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if entry is not None:
            raise entry
        self.seen[shown.key] = shown
        self.told += 1
        return {part.key: f"out-{part.key}" for part in shown.parts}

    def deviating(self, shown: Sequence[Shown]) -> Collection[str]:
        return {one.key for one in shown if one.key not in self.seen or self.seen[one.key].changed != one.changed}

    def check(self) -> Sequence[str]:
        return ()
