"""试运行: a case of files that are not published yet, in a world of its own, through the engine's ordinary use cases.

The world is a database file of its own with people, the files as the active version, and a clock that stands until it is moved.
Nothing of the installation is written, and nothing leaves: there are no connectors, channels, listeners or centres in it, and
operations answer as `answering` says.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import hashlib
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from .. import cases, checks, deploying, procedures
from ..bpmn import convert
from ..bpmn.parser import processes
from ..bpmn.reader import read_xml
from ..bpmn.state import LiveCases
from ..calendar import Calendars
from ..chains import shipped
from ..chains import versions as chain_versions
from ..db import Database
from ..descriptions import described
from ..errors import FileRefused, NotDeployable, PartwellError, RunsOn
from ..fields import Keyring
from ..jobs import Runner
from ..models import Base, Case, Job
from ..people.importing import begin
from ..ports import Clock, DirectoryLine, Forms, Json, Operation, Renderer
from ..procedures import Programs
from ..services import Services, in_english
from ..settings import Settings
from ..stopping import nobody_stops
from .answering import Answers, Sample

#: when people, chains and version of a world began to be there: before anything that is tried
_BEGINNING = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
#: when a call is due that somebody holds back
HELD = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
#: priority of a call that somebody held back and then let go
_LET_GO = 2_000_000_000
#: rounds of jobs that one act may cause; more are a circle without a wait
_ROUNDS = 1000
#: seconds that a scenario, or what somebody sets going by one click, may take; it may never end
SECONDS = 60.0
#: databases that are kept ready to be copied
_KEPT = 8


class StandingClock:
    """The time of a world."""

    def __init__(self, at: dt.datetime) -> None:
        self.at = at

    def now(self) -> dt.datetime:
        return self.at


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What worlds are made of beside the files; put together by the composition root."""

    #: of which program: another one may come to other results
    program: str
    settings: Settings
    keyring: Keyring
    calendars: Calendars
    renderer: Renderer
    #: the form checker whose expressions ask this clock
    forms: Callable[[Clock], Forms]
    #: operations that calculate and send nothing, given the files of a case by its number
    own: Callable[[Callable[[str], Mapping[str, bytes]]], Sequence[Operation]]
    #: what the installation offers, by name; none of it is called
    offered: Mapping[str, Operation]
    #: whether a diagram may name other operations than those
    anything_goes: bool = False
    people: Sequence[DirectoryLine]
    sample: Sample
    #: names of the sample company's operations that change nothing
    reads: Collection[str] = ()
    #: chains beside those of the files: by key {name, name_en, steps}
    chains: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    translate: Callable[[str, str], str] = in_english


class Sandbox:
    """One world, in which one case is tried. Closed, its file may be opened again by `reopened`."""

    def __init__(self, services: Services, clock: StandingClock, answers: Answers, procedure: str) -> None:
        self.services = services
        self.clock = clock
        self.answers = answers
        self.procedure = procedure
        #: of a call that waits (a row of `jobs`), whether somebody is to say what it answers; None: none
        self.hold: Callable[[Any], bool] | None = None
        #: asked now and then while something is carried out; raises PutDown to stop that
        self.must_go_on: Callable[[], object] = nobody_stops
        self.allow(SECONDS)

    def allow(self, seconds: float) -> None:
        """From now on so much time may be worked in it; what takes longer is stopped by RunsOn."""
        self._seconds, self._ends = seconds, time.monotonic() + seconds

    def start(self, *, subject: str, initiator: str, values: Mapping[str, Json], request_id: str, **more: Any) -> str:
        """Id of a new case of the procedure; raises as `cases.start`. What follows by itself is done."""
        started = cases.start(
            self.services,
            procedure=self.procedure,
            subject=subject,
            initiator=initiator,
            values=values,
            request_id=request_id,
            **more,
        )
        self.settle()
        return started.case_id

    def settle(self) -> None:
        """Carry out what is due: calls, timers, messages. Further attempts of a call that failed are made at once."""
        runner = Runner(self.services, name="sandbox", seal=lambda case_id: None)
        try:
            for _ in range(_ROUNDS):
                self._must_come_to_rest()
                self._prepare()
                if not runner.run_due():
                    return
        finally:
            runner.close()

    def next_due(self) -> dt.datetime | None:
        """When something is due next; None while nothing waits for time."""
        waiting = sa.and_(Job.state == "waiting", Job.due_at < HELD)
        with self.services.database.reading() as connection:
            found = connection.execute(sa.select(Job.due_at).where(waiting).order_by(Job.due_at).limit(1)).scalar_one_or_none()
        return found

    def let_go(self, key: str) -> None:
        """Make a call that was held back, by its key."""
        held = sa.and_(Job.key == key, Job.state == "waiting", Job.due_at == HELD)
        with self.services.database.unit() as unit:
            unit.connection.execute(sa.update(Job).where(held).values(due_at=self.clock.at, priority=_LET_GO))
            unit.commit()
        self.settle()

    def until(self, moment: dt.datetime) -> None:
        """Let time pass; what is due meanwhile is done when it is due, one after the other.

        After many such things the clock stands where they led, before the moment: none of them is passed over.
        """
        self.settle()
        for _ in range(_ROUNDS):
            due = self.next_due()
            # what is due by now and was not done waits for something else, such as a case that is suspended
            if due is None or due > moment or due <= self.clock.at:
                self.clock.at = max(self.clock.at, moment)
                break
            self.clock.at = due
            self.settle()
        self.settle()

    def close(self) -> None:
        self.services.database.dispose()

    def _must_come_to_rest(self) -> None:
        self.must_go_on()
        if time.monotonic() <= self._ends:
            return
        due = sa.select(Job.element, Case.version_id).outerjoin(Case, Case.id == Job.case_id).where(Job.state == "waiting")
        with self.services.database.reading() as connection:
            found = connection.execute(due.order_by(Job.due_at, Job.id).limit(1)).one_or_none()
        step = found.element if found is not None else ""
        if found is not None and found.version_id is not None:
            with contextlib.suppress(PartwellError):
                step = self.services.programs.program(found.version_id).element(step).title
        raise RunsOn(seconds=f"{self._seconds:g}", step=step or "–")

    def _prepare(self) -> None:
        """Nobody waits between attempts here; what is held back is due when it is let go."""
        calls = sa.and_(Job.state == "waiting", Job.kind != "timer", Job.kind != "due", Job.due_at < HELD)
        with self.services.database.unit() as unit:
            rows = unit.connection.execute(sa.select(Job.__table__).where(calls)).all()
            later = [row.id for row in rows if row.attempts and row.due_at > self.clock.at]
            held = [row.id for row in rows if row.kind == "operation" and row.priority != _LET_GO and self.hold and self.hold(row)]
            for ids, due in ((later, self.clock.at), (held, HELD)):
                if ids:
                    unit.connection.execute(sa.update(Job).where(Job.id.in_(ids)).values(due_at=due))
            if later or held:
                unit.commit()


@dataclass(frozen=True)
class _Ready:
    """A database to be copied, and what was built from it."""

    content: bytes
    programs: Programs
    operations: Collection[str]


class Sandboxes:
    """Makes worlds. Safe to share between threads; remembers the last databases it made ready."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        #: of each world that is opened
        self.must_go_on: Callable[[], object] = nobody_stops
        self._ready: OrderedDict[str, _Ready] = OrderedDict()
        self._lock = Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="partwell-sandbox-")
        self._numbers = iter(range(1, 1_000_000_000))

    @property
    def around(self) -> Surroundings:
        return self._around

    def open(
        self,
        files: Mapping[str, bytes],
        *,
        procedure: str,
        at: dt.datetime,
        people: Sequence[DirectoryLine] = (),
        file: Path | None = None,
    ) -> Sandbox:
        """A world with these files and nothing in progress; `people`: lines over those of the surroundings; `file`: where it lies.

        Raises NotDeployable with the findings, FileRefused for lines that do not fit.
        """
        ready = self._made_ready(files, procedure)
        passing = file is None
        file = file or Path(self._folder.name) / f"{next(self._numbers)}.db"
        file.write_bytes(ready.content)
        world = self._world(file, procedure, at, ready.programs if passing else None, ready.operations)
        if people:
            with world.services.database.unit() as unit:
                begin(unit.connection, people)
                unit.commit()
        return world

    def reopened(self, file: Path, *, procedure: str, at: dt.datetime, files: Mapping[str, bytes]) -> Sandbox:
        """The world that lies in a file."""
        return self._world(file, procedure, at, None, self._named(files))

    def close(self) -> None:
        self._folder.cleanup()

    def _named(self, files: Mapping[str, bytes]) -> Collection[str]:
        return operations_named(files) if self._around.anything_goes else ()

    def _made_ready(self, files: Mapping[str, bytes], procedure: str) -> _Ready:
        key = _digest(files, procedure)
        with self._lock:
            if found := self._ready.get(key):
                self._ready.move_to_end(key)
                return found
        file = Path(self._folder.name) / f"{next(self._numbers)}.db"
        file.write_bytes(_empty())
        operations = self._named(files)
        world = self._world(file, procedure, _BEGINNING, None, operations)
        database = world.services.database
        with database.unit() as unit:
            begin(unit.connection, self._around.people)
            own = shipped.chains(files)
            for chain, of in self._around.chains.items():
                if chain not in own:
                    chain_versions.publish(unit.connection, key=chain, **of, by=None, now=_BEGINNING)
            unit.commit()
        try:
            _deploy(world.services, files, procedure)
            for startable in procedures.startable(world.services):
                world.services.programs.get(startable.version_id)
        finally:
            _written_back(database)
        found = _Ready(file.read_bytes(), world.services.programs, operations)
        with self._lock:
            self._ready[key] = found
            while len(self._ready) > _KEPT:
                self._ready.popitem(last=False)
        return found

    def _world(self, file: Path, procedure: str, at: dt.datetime, programs: Programs | None, operations: Collection[str]) -> Sandbox:
        around, clock = self._around, StandingClock(at)
        database = Database(f"sqlite:///{file}", around.keyring, pool_size=4)
        sa.event.listen(database.engine, "connect", _need_not_last)
        programs = programs or Programs(database, calendars=around.calendars)

        def letters(number: str) -> Mapping[str, bytes]:
            return procedures.files_of_case(database, programs, number)

        answers = Answers(around.own(letters), around.sample, at.astimezone(_zone(around)).date(), reads=around.reads)
        settings = dataclasses.replace(around.settings, home=file.parent, job_threads=1, operations={}, connectors={})
        services = Services(
            settings=settings,
            keyring=around.keyring,
            database=database,
            clock=clock,
            forms=around.forms(clock),
            renderer=around.renderer,
            operations=answers.operations(operations, around.offered),
            translate=around.translate,
            programs=programs,
            live=LiveCases(16),
            calendars=around.calendars,
        )
        world = Sandbox(services, clock, answers, procedure)
        world.must_go_on = self.must_go_on
        return world


def _deploy(services: Services, files: Mapping[str, bytes], procedure: str) -> None:
    """Make the files the active version. The check is the usual one but for people: who exists in a company is no fault of the files.

    Raises NotDeployable with the findings.
    """
    with services.database.reading() as connection:
        published = chain_versions.timed(connection, services.clock.now())
    found = checks.check(
        files,
        services.forms,
        operations=described(services.operations),
        chain_keys=published.keys() | shipped.chains(files).keys(),
        calendars=services.calendars,
        published=published,
    )
    if errors := [finding for findings in found.values() for finding in findings if finding.severity == "error"]:
        raise NotDeployable(errors, path=procedure, count=len(errors))
    converted = convert.convert(files).files
    with services.database.unit() as unit:
        now = services.clock.now()
        version = deploying.store(unit.connection, converted, procedure=procedure, by=None, note="", now=now)
        deploying.make_active(unit.connection, procedure, version["id"], converted, by=None, now=now)
        unit.commit()


def operations_named(files: Mapping[str, bytes]) -> Collection[str]:
    """The operations that diagrams and chains of the files name, as far as they can be read."""
    found = set()
    files = convert.convert(files).files
    for path, content in files.items():
        if path.endswith(".bpmn"):
            try:
                read = processes(read_xml(content, path), path)
            except FileRefused:
                continue
            found |= {e.extensions.get("taskDefinition.type", "") for process in read for e in process.elements.values()}
    for chain in shipped.chains(files).values():
        steps = chain["steps"] if isinstance(chain["steps"], list) else []
        rules = (rule for step in steps if isinstance(step, Mapping) for rule in step.get("approvers") or () if isinstance(rule, Mapping))
        found |= {str(rule.get("operation") or "") for rule in rules}
    return {name for name in found if name and not name.startswith("=")}


def _digest(files: Mapping[str, bytes], procedure: str) -> str:
    whole = hashlib.sha256(procedure.encode())
    for path in sorted(files):
        whole.update(f"{path}\0{hashlib.sha256(files[path]).hexdigest()}\n".encode())
    return whole.hexdigest()


@functools.cache
def _empty() -> bytes:
    """A SQLite database with every table and nothing in it."""
    with tempfile.TemporaryDirectory(prefix="partwell-sandbox-") as folder:
        file = Path(folder) / "empty.db"
        engine = sa.create_engine(f"sqlite:///{file}")
        Base.metadata.create_all(engine)
        engine.dispose()
        return file.read_bytes()


def _need_not_last(connection: Any, _record: Any) -> None:
    """What is tried need not outlive a power cut."""
    connection.execute("PRAGMA synchronous=OFF")


def _written_back(database: Database) -> None:
    """Everything is in the file itself, and nobody holds it open."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()


def _zone(around: Surroundings) -> ZoneInfo:
    return ZoneInfo(around.settings.zone)
