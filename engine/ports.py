"""What the engine needs from outside, one Protocol each, and what is exchanged. In-memory twins lie in `tests/twins.py`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from .descriptions import GAVE_UP as GAVE_UP
from .descriptions import NEEDS_PERSON as NEEDS_PERSON
from .descriptions import REFUSED as REFUSED
from .descriptions import Choice as Choice
from .descriptions import Description as Description
from .descriptions import Fault as Fault
from .descriptions import Parameter as Parameter
from .descriptions import Result as Result
from .errors import OperationFailed, Refused

#: What may stand in a case variable: None, bool, int, float, str, and lists and string-keyed dicts of them.
Json = Any


class Clock(Protocol):
    """The time. Passed in, never read in the middle of a rule."""

    def now(self) -> dt.datetime:
        """The present instant, with time zone UTC."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of an operation."""

    #: operation name, such as `ehr.app_usage`
    operation: str
    #: the same for every attempt of this call; outside systems use it to notice repetition
    key: str
    #: the evaluated inputs of the task
    input: Mapping[str, Json]
    #: fixed texts of the task (zeebe:taskHeaders)
    headers: Mapping[str, str]
    #: human-readable number of the case
    case: str
    #: 1 for the first attempt
    attempt: int
    #: when the attempt began
    now: dt.datetime
    #: BCP 47 tag of the case's language for texts made by the operation
    locale: str = "zh-CN"


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that an operation made or a person uploaded."""

    #: what it is in the procedure's words, such as `notice` or `attachment`
    kind: str
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What was said to an outside system and what it answered; stored unchanged as a snapshot."""

    #: name of the system, such as `ehr`
    system: str
    #: address and body, secrets masked
    request: Json
    #: the body as it came, as text
    answer: str
    media_type: str = "application/json"
    #: HTTP status or the like
    status: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an operation gives back."""

    #: JSON for the task's output mapping; over 16 kB it becomes a snapshot and the variable its reference
    value: Json
    exchanges: Sequence[Exchange] = ()
    files: Sequence[File] = ()


@runtime_checkable
class Operation(Protocol):
    """What a service task calls, by name. Runs as a job, never inside a transaction; at least once, so the key matters."""

    #: Names this object answers, such as `("ehr.app_usage", "ehr.training")`. Two attributes more may say what it does: `reads = True`,
    #: it changes nothing outside; `descriptions`, a `Description` of each name (`engine.descriptions`).
    names: Sequence[str]

    def call(self, call: Call) -> Answer:
        """Do it.

        Raises `errors.TryAgain` (time-out, 5xx, rate limit), `errors.Refused` (a rule of the other side) or
        `errors.NeedsPerson` (ambiguous, partial or for somebody else).
        """

    def check(self) -> Sequence[str]:
        """Sentences about what is wrong with the configuration or the other side; empty when all is well. Harmless."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """What one person is told by one channel."""

    #: the same for every attempt; outside systems use it to notice repetition
    key: str
    #: one of `engine.notices.kinds.KINDS`, or `together`
    kind: str
    #: what the channel calls the person; "" in a group in which they cannot be named
    address: str
    #: name of the person
    name: str
    subject: str
    text: str
    #: where it leads, behind the log-in
    link: str
    #: when the attempt began
    now: dt.datetime
    #: BCP 47 tag of the texts
    locale: str = "zh-CN"


@runtime_checkable
class Notifier(Protocol):
    """A channel by which people are told what waits for them. At least once, so the key matters."""

    #: what people choose it by: the name of its table in the settings
    channel: str
    #: `mail` (by mail address), `person` (by what `system` calls them) or `group` (a place that many read)
    reaches: str
    #: whose name for a person is the address; several channels may share one
    system: str

    def tell(self, message: Message) -> str:
        """Send it; what the other side calls it, or "". Raises as `Operation.call`."""

    def check(self) -> Sequence[str]:
        """As `Operation.check`."""


@dataclass(frozen=True, kw_only=True)
class Sought:
    """A person whose id at an outside service is not known."""

    key: str
    #: digits, those outside mainland China after + and the country; "" where it is not known
    mobile: str
    email: str


@runtime_checkable
class Finder(Protocol):
    """An outside service that tells what it calls somebody with a mobile number or a mail address. Changes nothing."""

    #: the name of its table in the settings
    finder: str
    #: whose name for a person it tells
    system: str
    #: about how many people it answers while somebody waits
    at_once: int

    def find(self, sought: Sequence[Sought], now: dt.datetime) -> Mapping[str, Collection[str] | Refused]:
        """Ids by key: of who has that number, and of who has that mail. Whom it does not know is left out; about whom it refuses
        to answer, why. Raises as `Operation.call`."""


@dataclass(frozen=True, kw_only=True)
class Happened:
    """One entry of a case's ledger, by its name and by ids."""

    #: of the entry in the case's ledger, from 1
    number: int
    #: one of `engine.announcing.OFFERED`
    event: str
    #: id of the element of the diagram; None for the case as a whole
    element: str | None
    #: id of the work item, or of the incident, that it is about
    item: str | None
    incident: str | None


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """What one act did in a case, for an outside system. Says nothing of a person but ids, unless the title is wanted."""

    #: the same for every attempt; outside systems use it to notice repetition
    key: str
    at: dt.datetime
    #: id of the case, and the number that people read
    case: str
    number: str
    procedure: str
    #: number of the procedure's version
    version: int
    #: of the case after it: `running`, `suspended` or `closed`, and how it ended
    status: str
    outcome: str | None
    #: id of who did it; None: time did, or an outside system
    actor: str | None
    #: in order; numbers that are missing are of events that are not wanted
    events: Sequence[Happened]
    #: in which the employee's name may stand; "" unless it is wanted
    title: str
    #: where it leads, behind the log-in
    link: str


@runtime_checkable
class Listener(Protocol):
    """An outside system that is told what happens in cases. At least once and in any order, so key and numbers matter."""

    #: the name of its table in the settings
    listener: str
    #: names of events, or their beginnings with `*` behind
    events: Sequence[str]
    #: keys of procedures; empty: all
    procedures: Sequence[str]
    #: whether the titles of cases are told
    titles: bool

    def announce(self, announcement: Announcement, now: dt.datetime) -> None:
        """Tell it; `now`: when the attempt began. Raises as `Operation.call`."""

    def check(self) -> Sequence[str]:
        """As `Operation.check`."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One person's part in a work item, as it is to be seen in an outside centre."""

    #: by which we know it, there and here
    key: str
    #: what the centre calls the person
    address: str
    #: `open`, or how it ended: `approved`, `rejected`, `returned`, `passed` (to somebody else), `done`, `gone` (no act of this person)
    state: str
    opened_at: dt.datetime
    ended_at: dt.datetime | None
    due_at: dt.datetime | None
    #: milliseconds since 1970, later with each change
    changed: int
    #: what the centre calls it, once it has said so
    outside: str
    #: whether the centre has taken exactly this before
    confirmed: bool
    #: BCP 47 tag of the person's language
    locale: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A work item with the parts of its people, all of them, as it is to be seen in an outside centre."""

    #: id of the item; a state told later wins over one told before
    key: str
    #: what `Projector.prepare` gave
    place: str
    #: number of the case
    case: str
    #: what the case is called, or its number; and the step, in Chinese and in English
    title: str
    title_en: str
    step: str
    step_en: str
    #: who began the case
    initiator: str
    #: where it leads, behind the log-in
    link: str
    #: `open`, `approved`, `rejected` or `left`
    state: str
    opened_at: dt.datetime
    ended_at: dt.datetime | None
    #: as that of its latest part
    changed: int
    parts: Sequence[Part]
    #: when the attempt began
    now: dt.datetime


@runtime_checkable
class Projector(Protocol):
    """An outside centre of to-dos in which people see what waits for them here. Nobody decides there: our links lead here.

    What it shows is told whole, so that an attempt may be repeated, and what was lost is made good by the next.
    """

    #: the name of its table in the settings; "" where it is switched off
    centre: str
    #: whose name for a person is the address
    system: str

    def prepare(self, place: str, now: dt.datetime) -> str:
        """Make the centre ready; `place` is what this gave before, or "". Gives what it calls the place. Raises as `Operation.call`."""

    def show(self, shown: Shown) -> Mapping[str, str | OperationFailed]:
        """Let it be seen so; what the centre calls parts, by their keys, or why it did not take one. Raises as `Operation.call`."""

    def deviating(self, shown: Sequence[Shown]) -> Collection[str]:
        """Keys of those that the centre has otherwise, or not at all. Changes nothing. Raises as `Operation.call`."""

    def check(self) -> Sequence[str]:
        """As `Operation.check`."""


@runtime_checkable
class Scanner(Protocol):
    """Looks for viruses in what people upload, before anything of it is stored and outside of every transaction."""

    def scan(self, content: bytes) -> str:
        """What was found, as the scanner calls it, or "". Raises `errors.OperationFailed` where it cannot tell."""

    def check(self) -> Sequence[str]:
        """As `Operation.check`."""


class Renderer(Protocol):
    """Makes a document from a template and data. Raises `errors.PdfFailed` with what is wrong with either."""

    def render(self, template: str, data: Mapping[str, Json], images: Mapping[str, str] = {}) -> bytes:
        """PDF/A bytes; the same input gives the same bytes. `template` is typst source, `images` are SVG texts by name."""

    def pages(self, template: str, data: Mapping[str, Json], images: Mapping[str, str] = {}) -> Sequence[bytes]:
        """The same as pictures, a PNG of each page."""


#: what stands in for the form of an element that has none: it takes no value
NO_FORM: Mapping[str, Json] = {"components": []}


class Forms(Protocol):
    """Checks what a person submits."""

    def check(
        self,
        schema: Mapping[str, Json],
        submitted: Mapping[str, Json],
        stored: Mapping[str, Json],
        *,
        permissions: Mapping[str, str],
        locale: str,
    ) -> dict[str, Json]:
        """Clean values by field key. Raises `errors.FormInvalid` with messages in `locale`."""

    def files(self, schema: Mapping[str, Json], values: Mapping[str, Json]) -> Mapping[str, Sequence[str]]:
        """Ids of the documents that clean values name, by the path of their field."""

    def check_files(
        self,
        schema: Mapping[str, Json],
        files: Mapping[str, Sequence[tuple[str, str]]],
        values: Mapping[str, Json],
        *,
        permissions: Mapping[str, str],
        locale: str,
    ) -> None:
        """`files` by the path of their field, each a name and the media type of its content. Raises `errors.FormInvalid` as `check`."""

    def narrowed(self, schema: Mapping[str, Json], access: Mapping[str, str]) -> dict[str, str]:
        """Permissions under which only what `access` opens (`required`, `editable`) can be filled in, and the rest is `readonly`.

        What `access` names and the form does not have is left out.
        """

    def shown(self, schema: Mapping[str, Json], values: Mapping[str, Json], permissions: Mapping[str, str]) -> dict[str, Json]:
        """The values without those of hidden fields."""

    def visible(
        self,
        schema: Mapping[str, Json],
        values: Mapping[str, Json],
        permissions: Mapping[str, str],
        *,
        typed: Mapping[str, Json] | None = None,
    ) -> dict[str, Json]:
        """The values without those of fields that a permission hides, or a condition by the values and what was typed over them."""

    def problems(self, schema: Json) -> Sequence[str]:
        """Sentences about what must be repaired before a procedure with this form is deployed."""


@dataclass(frozen=True, kw_only=True)
class DirectoryLine:
    """One line of a directory of people: of a file, or as an outside system gives it."""

    #: `entities`, `regions`, `posts`, `departments`, `persons`, `groups` or `duties`
    kind: str
    #: what it says by column (`engine.people.lines.KINDS`); a column that is left out stays as it was
    values: Mapping[str, Any]
    #: file and sheet, or the name of the system, for messages
    where: str = ""
    #: line of the file, from 1; 0 without lines
    number: int = 0


class Transaction(Protocol):
    """The unit of work that writes a job, as far as a carrier sees it."""

    @property
    def connection(self) -> Any:
        """SQLAlchemy's connection; what is written on it is stored with the unit or not at all."""

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once everything is stored; it must not fail."""


class Runs(Protocol):
    """What a carrier wakes: the runner of jobs, which claims them itself."""

    def run_due(self, limit: int = 50) -> int:
        """Run what is due, at most `limit`, and wait for its end; how many jobs that were."""

    def begin_due(self, limit: int) -> Sequence[Future[None]]:
        """Begin what is due, at most `limit`."""

    def close(self) -> None:
        """Wait for what is running, take nothing more."""


class Carrier(Protocol):
    """Wakes a worker when a job is due. Never owns state: the job's row does, and a message lost or doubled does no harm."""

    def defer(self, unit: Transaction, job: str, due: dt.datetime) -> None:
        """The unit writes the job with this id, due at `due`. No message may reach a worker before its commit, or without it."""

    def ring(self, due: dt.datetime | None) -> None:
        """Jobs that nobody named became due at `due` (None: now), and their commit is done. Must not fail."""

    def sweep(self, job: str, due: dt.datetime) -> None:
        """The sweep found this job due, or due soon, with nobody at it; perhaps its message was lost."""

    def start(self, runner: Runs) -> None:
        """Wake this process's runner from now on."""

    def stop(self) -> None:
        """Wake it no more; what runs is finished first."""
