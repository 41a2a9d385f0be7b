"""A case rebuilt from its ledger: the same acts at the same times on the same versions must lead to the same state.

This is the proof that the ledger tells everything that moved the case, and that a new release runs old cases as before. What an
act found outside the case stands in its entry, too: `called`, the versions that were active when a process was called, and
`dues`, times that a calendar gave, which may say something else by now.
"""

from __future__ import annotations

import datetime as dt
import inspect
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import ledger
from .bpmn import state
from .bpmn.advance import Advance
from .bpmn.program import Program
from .bpmn.runtime import Execution
from .errors import NotFound, PartwellError, ReplayStopped
from .ledger import Entry
from .models import Case
from .ports import Json
from .turn import state_purpose

if TYPE_CHECKING:
    from .calendar import Calendars
    from .procedures import Deployed
    from .services import Services

#: differences that are told
_MOST = 20


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What a replay found."""

    case: str
    #: acts that were done again
    acts: int
    #: what is different from what is stored; empty when the state is the same
    differences: Sequence[str]

    @property
    def same(self) -> bool:
        return not self.differences


def replay(services: Services, number: str) -> Replayed:
    """Rebuild a case, by its number, and compare. Nothing is changed. Raises NotFound, and SealBroken for an altered ledger."""
    with services.database.reading() as connection:
        case = connection.execute(sa.select(Case.__table__).where(Case.number == number)).one_or_none()
        if case is None:
            raise NotFound(what="case", name=number)
        # what was written between the two looks belongs to a later state
        entries = ledger.history(connection, services.keyring, case.id)[: case.entries]
    acts = [entry for entry in entries if "act" in entry.payload]
    stored = services.keyring.unseal(case.state, state_purpose(case.id))
    try:
        execution = Player(services.programs, services.calendars).play(entries)
    except PartwellError as error:
        return Replayed(case=number, acts=len(acts), differences=[error.message])
    return Replayed(case=number, acts=len(acts), differences=compared(stored, execution.dump()))


class Player:
    """Does again what a ledger tells. `versions` gives each version by its id, as `procedures.Programs` does."""

    def __init__(self, versions: Any, calendars: Calendars) -> None:
        self._versions = versions
        self._calendars = calendars
        self._called: deque[str | None] = deque()
        self._programs: dict[str, Program] = {}

    def play(
        self, entries: Iterable[Entry], execution: Execution | None = None, seen: Callable[[Advance], object] | None = None
    ) -> Execution:
        """The execution after these entries of one case. `execution`: after those before them, moved on; `seen`: is shown what happens.

        What was withdrawn is not done again, since the case went on as if it had not been. Raises ReplayStopped where an act cannot
        be done again.
        """
        for entry in ledger.standing(list(entries)):
            if "act" in entry.payload:
                self._called.extend(entry.payload.get("called", ()))
                execution, advance = self._done(execution, entry)
                _correct_dues(execution, advance, entry)
                if seen is not None:
                    seen(advance)
                if self._called:
                    raise ReplayStopped(entry=entry.number, reason="it calls fewer processes than it did")
        if execution is None:
            raise ReplayStopped(entry=0, reason="no start of the case is in it")
        return execution

    def _done(self, execution: Execution | None, entry: Entry) -> tuple[Execution, Advance]:
        act, told = str(entry.payload["act"]), entry.payload
        try:
            if act == "start":
                values = {**told["values"], **told["given"]}
                return self._program(told["version_id"]).start(values, now=entry.at, at=entry.element)
            if execution is None:
                reason = "the start before it is missing, or of a release that kept too little to do it again"
                raise ReplayStopped(entry=entry.number, reason=reason)
            if act == "migrate":
                found = execution.program.migrate(execution, self._program(told["version_id"]), told["mapping"], now=entry.at)
                if isinstance(found, list):
                    raise ReplayStopped(entry=entry.number, reason=f"{found[0].element}: {found[0].reason}")
                return found
            given = {name: told[name] for name in inspect.signature(getattr(Execution, act)).parameters if name in told}
            if act == "reschedule":
                given["due"] = dt.datetime.fromisoformat(given["due"])
            advance = getattr(execution, act)(**given, now=entry.at)
        except ReplayStopped:
            raise
        except PartwellError as error:
            raise ReplayStopped(entry=entry.number, reason=error.message) from error
        if advance is None:
            raise ReplayStopped(entry=entry.number, reason="nothing catches this error any more")
        return execution, advance

    def _program(self, version_id: str) -> Program:
        if version_id not in self._programs:
            deployed: Deployed = self._versions.get(version_id)
            known = deployed.program
            if any(element.called and element.called.binding == "latest" for element in known.elements.values()):
                known = Program(deployed.files, version=version_id, calendars=self._calendars, others=self)
            self._programs[version_id] = known
        return self._programs[version_id]

    # --- what a program asks about other versions

    def latest(self, process: str) -> str | None:
        """The version that was active at this call."""
        return self._called.popleft() if self._called else None

    def program(self, version_id: str) -> Program:
        """The program of another version."""
        return self._program(version_id)


def _correct_dues(execution: Execution, advance: Advance, entry: Entry) -> None:
    dues: Mapping[str, str] = entry.payload.get("dues", {})
    for scheduled in advance.scheduled:
        due = dues.get(scheduled.instance)
        if due is not None and dt.datetime.fromisoformat(due) != scheduled.due:
            execution.reschedule(scheduled.instance, dt.datetime.fromisoformat(due), now=entry.at)


# --- comparing


def compared(stored: bytes, rebuilt: bytes) -> list[str]:
    """Where two states differ, by element and variable; empty when they say the same."""
    one, other = state.unpack(stored), state.unpack(rebuilt)
    if one == other:
        return []
    found = list(_differences("", _told(one), _told(other)))
    return found[:_MOST] or ["the tokens stand in another order"]


def _told(content: Json) -> dict[str, Json]:
    """A state as what `_differences` can name: tokens by instance, variables by scope."""
    completed, scope, (counts, (clock, scopes)) = content
    return {
        "finished": completed,
        **_scope(scope),
        "visits": counts,
        "writes": clock,
        "variables": {key or "case": {"of": parent, "values": values, "rest": rest} for key, (parent, values, *rest) in scopes.items()},
    }


def _scope(written: Json) -> dict[str, Json]:
    memory, tokens = written
    found: dict[str, Json] = {}
    for element, own, *body in tokens:
        name = own.get("instance", element)
        while name in found:
            name += "'"
        found[name] = {"element": element, **own, **(_scope(body[0]) if body else {})}
    return {"tokens": found, "waits": memory}


def _differences(path: str, one: Any, other: Any) -> Iterator[str]:
    if type(one) is not type(other):
        yield f"{path}: {one!r:.80} is stored, {other!r:.80} comes out"
    elif isinstance(one, dict):
        for key in sorted(one.keys() | other.keys()):
            inner = f"{path}.{key}" if path else str(key)
            if key in one and key in other:
                yield from _differences(inner, one[key], other[key])
            else:
                yield f"{inner}: {'is stored and does not come out' if key in one else 'comes out and is not stored'}"
    elif isinstance(one, list) and len(one) == len(other):
        for place, (left, right) in enumerate(zip(one, other, strict=True), 1):
            yield from _differences(f"{path}[{place}]", left, right)
    elif one != other:
        yield f"{path}: {one!r:.80} is stored, {other!r:.80} comes out"
