"""试运行: worlds that are kept while somebody tries a draft by hand: one for each person and procedure, for a day.

A world lies in a file below the home folder, and so survives a restart. What was told to it from outside (time, answers) lies in the
same file. Whoever works with it holds its lock, so that two tabs, or two processes of one machine, act one after the other.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..casefile import restored
from ..deferral import request_purpose
from ..errors import NotFound, PartwellError
from ..models import Case, Job, new_id
from ..people import absences
from ..ports import Call, Json
from .answering import FAILURES
from .sandbox import HELD, Sandbox, Sandboxes

FOLDER = "tries"
#: seconds after which a world is forgotten that nobody touched
_KEPT = 24 * 3600
#: seconds of work that one click may cause: somebody waits for the page
_AT_ONCE = 20.0
_NOTES = "CREATE TABLE IF NOT EXISTS sandbox_notes (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
_ACTS = "CREATE TABLE IF NOT EXISTS sandbox_acts (number INTEGER PRIMARY KEY, entries INTEGER NOT NULL, act TEXT NOT NULL)"


@dataclass(frozen=True, kw_only=True)
class Told:
    """Something that was told to a world from outside."""

    #: entries of the case's ledger before it
    entries: int
    #: {"pass": moment}, {"operation", "key", "value"}, {"operation", "key", "fails"}, {"away": {absent, substitute, from, until, chain}},
    #: or {"back": who was absent, "chain"}
    act: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A call that waits for somebody to say what it answers."""

    key: str
    element: str
    operation: str
    input: Mapping[str, Json]
    #: what the sample company would answer, None where nobody knows
    proposed: Json
    #: why nothing is proposed
    reason: str = ""


class Try:
    """A kept world, while its lock is held."""

    def __init__(self, sandbox: Sandbox, file: Path) -> None:
        self.sandbox = sandbox
        self.file = file
        sandbox.allow(_AT_ONCE)
        self._read()

    def _read(self) -> None:
        notes = {name: json.loads(value) for name, value in self._notes()}
        self.sandbox.clock.at = dt.datetime.fromisoformat(notes["clock"])
        self.sandbox.answers.made = dt.date.fromisoformat(notes["made"])
        self.sandbox.answers.once = notes.get("once", {})
        #: revision of the draft that is tried, 0 for the active version
        self.revision: int = notes["revision"]
        self.began = dt.datetime.fromisoformat(notes["began"])
        #: ids of the people it is about
        self.subject: str = notes["subject"]
        self.initiator: str = notes["initiator"]
        #: calls that change something outside are answered by hand
        self.by_hand: bool = notes.get("by_hand", False)
        self.sandbox.hold = self._held if self.by_hand else None

    @property
    def case_id(self) -> str | None:
        """Of the case that is tried, None before it has begun."""
        first = sa.select(Case.id).where(Case.procedure == self.sandbox.procedure).order_by(Case.started_at, Case.id).limit(1)
        with self.sandbox.services.database.reading() as connection:
            found: str | None = connection.execute(first).scalar_one_or_none()
        return found

    def told(self) -> list[Told]:
        """What was told from outside, in order."""
        rows = self._rows("SELECT entries, act FROM sandbox_acts ORDER BY number")
        return [Told(entries=entries, act=json.loads(act)) for entries, act in rows]

    # --- what is done

    def settle(self) -> None:
        self.sandbox.settle()
        self._note_absences()

    def _note_absences(self) -> None:
        """Substitutes that were named or let go are no acts in the case, so they are told beside it."""
        with self.sandbox.services.database.reading() as connection:
            rows = absences.rows(connection, self.sandbox.clock.now(), past=True)
        known: dict[str, bool] = json.loads(next((value for name, value in self._notes() if name == "absences"), "{}"))
        now = {row.id: row.ended_at is not None for row in rows}
        for row in reversed(rows):
            chain = row.ref if row.scope == "chain" else ""
            if row.id not in known:
                times = {"from": row.starts_at.isoformat(), "until": row.ends_at.isoformat()}
                self._tell({"away": {"absent": row.absent_id, "substitute": row.substitute_id, **times, "chain": chain}}, absences=now)
            elif now[row.id] and not known[row.id]:
                self._tell({"back": row.absent_id, "chain": chain}, absences=now)

    def let_time_pass(self, moment: dt.datetime) -> None:
        """To a moment; what lies in the past changes nothing."""
        moment = moment.astimezone(dt.UTC)
        if moment <= self.sandbox.clock.at:
            return
        try:
            self.sandbox.until(moment)
        finally:  # as far as it came
            self._tell({"pass": moment.isoformat()}, clock=self.sandbox.clock.at.isoformat())

    def answer_by_hand(self, wanted: bool) -> None:
        """Whether calls that change something outside wait for an answer from now on; if not, those that wait are made."""
        self._note(by_hand=wanted)
        self._read()
        if not wanted:
            for waiting in self.waiting():
                self.sandbox.let_go(waiting.key)

    def answer(self, key: str, *, value: Json = None, fails: str = "") -> None:
        """Let a call that waits be answered so, or fail. Raises NotFound for one that waits no more."""
        call = next((one for one in self.waiting() if one.key == key), None)
        if call is None:
            raise NotFound(what="call that waits", name=key)
        said: dict[str, Json] = {"fails": fails} if fails in FAILURES else {"value": value}
        once = {**self.sandbox.answers.once, key: said}
        self._tell({"operation": call.operation, "key": key, **said}, once=once)
        self.sandbox.answers.once = once
        self.sandbox.let_go(key)
        # further attempts, once somebody retries, are answered as usual
        self.sandbox.answers.once = {name: each for name, each in once.items() if name != key}
        self._note(once=self.sandbox.answers.once)

    def waiting(self) -> list[Waiting]:
        """Calls that somebody is to answer."""
        services = self.sandbox.services
        held = sa.select(Job.__table__).where(Job.kind == "operation", Job.state == "waiting", Job.due_at == HELD)
        with services.database.reading() as connection:
            jobs = connection.execute(held.order_by(Job.created_at, Job.id)).all()
        found = []
        for job in jobs:
            request = services.keyring.unseal_json(job.request, request_purpose(job.id))
            proposed, reason = self._proposed(job, request)
            given = {"key": job.key, "element": job.element, "operation": job.operation, "input": request["input"]}
            found.append(Waiting(**given, proposed=proposed, reason=reason))
        return found

    def variables(self) -> Mapping[str, Json]:
        """Of the case; empty before it has begun."""
        services, case_id = self.sandbox.services, self.case_id
        if case_id is None:
            return {}
        with services.database.reading() as connection:
            case = connection.execute(sa.select(Case.__table__).where(Case.id == case_id)).one()
            return restored(services, connection, case).variables()

    def _proposed(self, job: Any, request: Mapping[str, Any]) -> tuple[Json, str]:
        now = self.sandbox.clock.now()
        call = Call(operation=job.operation, key=job.key, input=request["input"], headers=request["headers"], case="", attempt=1, now=now)
        try:
            usual = self.sandbox.answers.usual(call)
        except PartwellError as error:
            return None, error.message
        return (usual.value if usual else None), ""

    def _held(self, job: Any) -> bool:
        return not getattr(self.sandbox.services.operations.get(job.operation), "reads", False)

    # --- notes

    def _notes(self) -> Sequence[Any]:
        return self._rows("SELECT name, value FROM sandbox_notes")

    def _rows(self, statement: str) -> Sequence[Any]:
        with self.sandbox.services.database.reading() as connection:
            return connection.exec_driver_sql(statement).all()

    def _note(self, **notes: Json) -> None:
        with self.sandbox.services.database.unit() as unit:
            write_notes(unit.connection, notes)
            unit.commit()

    def _tell(self, act: Mapping[str, Json], **notes: Json) -> None:
        case_id = self.case_id
        with self.sandbox.services.database.unit() as unit:
            entries = unit.connection.execute(sa.select(Case.entries).where(Case.id == case_id)).scalar_one_or_none() or 0
            statement = sa.text("INSERT INTO sandbox_acts (entries, act) VALUES (:entries, :act)")
            unit.connection.execute(statement, {"entries": entries, "act": json.dumps(act)})
            write_notes(unit.connection, notes)
            unit.commit()


def write_notes(connection: sa.Connection, notes: Mapping[str, Json]) -> None:
    statement = sa.text("INSERT INTO sandbox_notes VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
    for name, value in notes.items():
        connection.execute(statement, {"name": name, "value": json.dumps(value)})


def forget_old(home: Path) -> None:
    """Remove the worlds below a home folder that nobody touched for a day."""
    for file in (home / FOLDER).glob("*/*/*.db"):
        with contextlib.suppress(OSError):
            if time.time() - file.stat().st_mtime > _KEPT:
                shutil.rmtree(file.parent, ignore_errors=True)


class Tries:
    """The kept worlds of an installation. `worlds` makes them, given anew where chains were published meanwhile."""

    def __init__(self, home: Path, worlds: Callable[[], Sandboxes]) -> None:
        self._home = home / FOLDER
        self._worlds = worlds
        self._open: dict[Path, Sandbox] = {}

    @contextlib.contextmanager
    def locked(self, person: str, procedure: str) -> Iterator[Try | None]:
        """The world in which somebody tries a procedure, or None; nobody else touches it meanwhile."""
        with self._lock(person, procedure):
            file = self._file(person, procedure)
            self._close_gone()
            if file is None:
                yield None
                return
            os.utime(file)
            sandbox = self._open.get(file)
            if sandbox is None:
                sandbox = self._worlds().reopened(file, procedure=procedure, at=dt.datetime.now(dt.UTC), files={})
                self._open[file] = sandbox
            yield Try(sandbox, file)

    def begin(
        self,
        person: str,
        procedure: str,
        files: Mapping[str, bytes],
        *,
        revision: int,
        at: dt.datetime,
        people: Callable[[Sandbox], tuple[str, str]],
    ) -> None:
        """A new world with these files in place of the one there was; `people` finds whom it is about, and who begins.

        Raises NotDeployable with the findings.
        """
        forget_old(self._home.parent)
        self._close_gone()
        with self._lock(person, procedure):
            folder = self._folder(person, procedure)
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / f"{new_id()}.db"
            sandbox = self._worlds().open(files, procedure=procedure, at=at, file=file)
            try:
                subject, initiator = people(sandbox)
                notes = {"clock": at.isoformat(), "made": sandbox.answers.made.isoformat(), "began": at.isoformat()}
                more = {"revision": revision, "subject": subject, "initiator": initiator}
                with sandbox.services.database.unit() as unit:
                    unit.connection.exec_driver_sql(_NOTES)
                    unit.connection.exec_driver_sql(_ACTS)
                    write_notes(unit.connection, {**notes, **more})
                    unit.commit()
            except BaseException:
                sandbox.close()
                self._remove(file)
                raise
            for other in folder.glob("*.db"):
                if other != file:
                    self._remove(other)
            self._open[file] = sandbox

    def end(self, person: str, procedure: str) -> None:
        """Forget the world."""
        with self._lock(person, procedure):
            while (file := self._file(person, procedure)) is not None:
                self._remove(file)

    def _close_gone(self) -> None:
        """Those of which another process, or the sweep, has removed the file."""
        for gone in [known for known in list(self._open) if not known.exists()]:
            if sandbox := self._open.pop(gone, None):  # another thread may be as fast
                sandbox.close()

    def _remove(self, file: Path) -> None:
        if sandbox := self._open.pop(file, None):
            sandbox.close()
        for each in file.parent.glob(f"{file.name}*"):
            each.unlink(missing_ok=True)

    def _folder(self, person: str, procedure: str) -> Path:
        return self._home / person / procedure

    def _file(self, person: str, procedure: str) -> Path | None:
        files = sorted(self._folder(person, procedure).glob("*.db"), key=lambda file: file.stat().st_mtime)
        return files[-1] if files else None

    @contextlib.contextmanager
    def _lock(self, person: str, procedure: str) -> Iterator[None]:
        folder = self._folder(person, procedure)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
