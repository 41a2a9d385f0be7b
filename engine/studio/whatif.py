"""What would have been: the latest real cases played on the draft, with what people, systems and the clock did then. Nothing is written.

Each act of a case's ledger goes to the element that it was done at. A step that the case's own version does not know is left as if it
were done, since nobody knows what would have been said there; timers fall due by the draft's own times. Where the draft asks what was
never answered, the case cannot be played on, and that is said.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import difflib
import inspect
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import ledger, timeline
from ..bpmn.advance import Advance, Opened, Passed, Requested
from ..bpmn.model import Element
from ..bpmn.program import Program
from ..bpmn.runtime import Execution
from ..errors import NotFound, PartwellError, Sentence
from ..ledger import Entry
from ..models import Case, Person
from ..replay import Player
from . import drafts, rows

if TYPE_CHECKING:
    from ..services import Services

#: the latest cases that are looked at, and seconds for each of them
CASES, _LONG = 100, 2.0
#: acts of a case that are played
_ACTS = 2000
#: done at an element that waits
_AT = frozenset(("complete", "answer", "deliver", "skip", "error", "fill"))
#: repairs by hand that say nothing about another diagram
_BY_HAND = frozenset(("move", "reopen", "compensate"))


@dataclass(frozen=True, kw_only=True)
class Step:
    """An element, as the newer of both versions calls it."""

    id: str
    name: str
    name_en: str


@dataclass(frozen=True, kw_only=True)
class WouldBe:
    """One case, as it was and as it would have been."""

    case_id: str
    number: str
    title: str
    title_en: str
    status: str
    #: the first step at which it goes elsewhere, None: it goes the same way
    first: Step | None = None
    #: steps that only the draft takes, and that only the case's own version takes
    new: Sequence[Step] = ()
    left_out: Sequence[Step] = ()
    #: how it ended, and would have ended; None where it has not
    ended: tuple[str | None, str | None] = (None, None)
    #: why it cannot be played on
    stopped: Sentence | None = None

    @property
    def same(self) -> bool:
        return self.first is None and self.stopped is None and self.ended[0] == self.ended[1]


@dataclass(frozen=True, kw_only=True)
class Portion:
    """What was looked at in the time there was."""

    #: of how many cases, and how many of them are done now
    of: int
    done: int
    cases: Sequence[WouldBe]


def look(services: Services, procedure: str, *, actor: str | None, after: int = 0, seconds: float | None = None) -> Portion:
    """Play the latest cases on the draft, or on the active version where there is none, from the one behind `after` of them on.

    Cases about the actor are left out. `seconds`: after them no further case is begun. Raises NotAllowed, NotFound, and FileRefused for a
    draft that cannot be run.
    """
    with services.database.reading() as connection:
        active = rows.must_edit(services, connection, procedure, actor)
        files = drafts.all_files(services, connection, procedure, active)
        which = (Case.procedure == procedure, Case.voided_at.is_(None), *([Case.subject_id != actor] if actor else []))
        found = connection.execute(
            sa.select(Case.id, Case.number, Case.title, Case.status, Case.version_id, Person.name.label("subject"))
            .join(Person, Person.id == Case.subject_id)
            .where(*which)
            .order_by(Case.started_at.desc(), Case.id)
            .limit(CASES)
        ).all()
    draft = Program(files, version="draft", calendars=services.calendars, others=services.programs)
    begun, cases = time.monotonic(), []
    for row in found[after:]:
        cases.append(_case(services, row, draft))
        if seconds is not None and time.monotonic() - begun > seconds:
            break
    return Portion(of=len(found), done=min(after, len(found)) + len(cases), cases=cases)


def _case(services: Services, row: Any, draft: Program) -> WouldBe:
    told = {"case_id": row.id, "number": row.number, "title": row.title, "status": row.status}
    told["title_en"] = timeline.title_en(services, row.version_id, row.subject)
    with services.database.reading() as connection:
        entries = ledger.standing(ledger.history(connection, services.keyring, row.id))
    acts = [entry for entry in entries if "act" in entry.payload]
    if len(acts) > _ACTS:
        return WouldBe(**told, stopped=Sentence("more has happened in it than is played"))
    was = _Way()
    try:
        program = Player(services.programs, services.calendars).play(entries, seen=was.goes).program
    except PartwellError as error:
        return WouldBe(**told, stopped=Sentence("it cannot be played even as it was: {reason}", {"reason": _said(error)}))
    ghost = _Ghost(draft, program)
    ghost.play(acts)
    return _compared(told, was, program, ghost)


def _said(error: PartwellError) -> Sentence:
    return Sentence(error.template, error.facts)


@dataclass
class _Way:
    """The steps that a case took, in order, and how it ended."""

    steps: list[str] = field(default_factory=list)
    outcome: str | None = None

    def goes(self, advance: Advance) -> None:
        groups: tuple[Sequence[Passed | Requested | Opened], ...] = (advance.passed, advance.requested, advance.opened)
        self.steps += [one.element for group in groups for one in group]
        if advance.finished:
            self.outcome = advance.outcome or "completed"


class _Ghost:
    """A case on the draft."""

    def __init__(self, draft: Program, own: Program) -> None:
        self.draft, self.own = draft, own
        self.way = _Way()
        self.stopped: Sentence | None = None
        #: the element that cannot go on
        self.stuck = ""
        self._execution: Execution | None = None
        self._dues: dict[str, dt.datetime] = {}
        self._later: list[Entry] = []
        self._retried: set[str] = set()
        self._ends = time.monotonic() + _LONG

    def play(self, acts: Sequence[Entry]) -> None:
        self._retried = {str(entry.element) for entry in acts if entry.payload["act"] == "retry"}
        try:
            for entry in acts:
                self._fall_due(entry.at)
                if not self._done(entry, entry.at):
                    self._later.append(entry)
                self._catch_up(entry.at)
                if time.monotonic() > self._ends:
                    self.stopped = Sentence("it takes too long to play")
                if self.stopped:
                    return
        except PartwellError as error:
            self.stopped = _said(error)
            return
        if self._later and self._execution is not None and not self._execution.finished:
            open_steps = [element for _, element in self._execution.waiting() if element.kind != "boundaryEvent"]
            if open_steps:
                self.stopped = Sentence("nobody knows what would have been done at {step}", {"step": open_steps[0].title})

    def _goes(self, advance: Advance | None) -> None:
        if advance is None:
            return
        self.way.goes(advance)
        self._dues.update({one.instance: one.due for one in advance.scheduled})
        for stuck in advance.stuck:
            if stuck.element not in self._retried:
                step = self.draft.element(stuck.element).title
                self.stuck = stuck.element
                self.stopped = Sentence("{step} cannot go on: {reason}", {"step": step, "reason": _said(stuck.error)})

    def _fall_due(self, now: dt.datetime) -> None:
        """What the draft's timers would have done until then, the earliest first."""
        while self._execution is not None and not self.stopped and time.monotonic() < self._ends:
            waiting = {instance for instance, _ in self._execution.waiting()}
            due = min(((at, instance) for instance, at in self._dues.items() if instance in waiting and at <= now), default=None)
            if due is None:
                return
            self._dues.pop(due[1])
            self._goes(self._execution.fire(due[1], now=due[0]))
            self._catch_up(due[0])

    def _catch_up(self, now: dt.datetime) -> None:
        """Leave new steps as if they were done, and do what came too early for the draft, until neither goes on."""
        going = True
        while going and not self.stopped and time.monotonic() < self._ends:
            going = False
            assert self._execution is not None
            for instance, element in self._execution.waiting():
                if element.id not in self.own.elements and element.kind.endswith("Task"):
                    self._goes(self._execution.skip(instance, {}, now=now))
                    going = True
                    break
            for entry in list(self._later):
                if not going and self._done(entry, now):
                    self._later.remove(entry)
                    going = True

    def _done(self, entry: Entry, now: dt.datetime) -> bool:
        """Do an act again; False: what it was done at does not wait, at least not yet."""
        told, act = entry.payload, str(entry.payload["act"])
        if act == "start":
            values = {**told["values"], **told["given"]}
            at = entry.element if entry.element in {element.id for element in self.draft.starts} else None
            self._execution, advance = self.draft.start(values, now=now, at=at)
            self._goes(advance)
            return True
        execution = self._execution
        if execution is None:
            self.stopped = Sentence("the start of the case is of a release that kept too little to play it")
            return True
        if act in _AT | {"fire", "retry", "reschedule"}:
            return self._at(execution, entry, now)
        if act in _BY_HAND:
            self.stopped = Sentence("a manager moved it by hand then")
        elif act not in ("migrate", "withdraw"):  # these concern its own version, and what no longer stands
            given = self._given(act, told)
            self._goes(getattr(execution, act)(**given, now=now))
        return True

    def _at(self, execution: Execution, entry: Entry, now: dt.datetime) -> bool:
        told, act = entry.payload, str(entry.payload["act"])
        instance = str(told["instance"])
        element = instance.rpartition("#")[0]
        waiting = dict(execution.waiting())
        here = instance if instance in waiting else next((one for one, found in waiting.items() if found.id == element), None)
        if here is None:
            if act == "retry" and told.get("variables"):
                self._goes(execution.set_variables(told["variables"], now=now))
            return act not in _AT or act == "fill"
        given = {**self._given(act, told), "instance": here}
        if act == "reschedule":
            given["due"] = self._dues[here] = dt.datetime.fromisoformat(given["due"])
        if act == "fire":
            self._dues.pop(here, None)
        if act == "retry":
            with contextlib.suppress(NotFound):  # what failed then may go on here by itself
                self._goes(execution.retry(**given, now=now))
            return True
        self._goes(getattr(execution, act)(**given, now=now))
        return True

    def _given(self, act: str, told: Mapping[str, Any]) -> dict[str, Any]:
        return {name: told[name] for name in inspect.signature(getattr(Execution, act)).parameters if name in told}


def _compared(told: Mapping[str, Any], was: _Way, own: Program, ghost: _Ghost) -> WouldBe:
    old, new = (_counted(way, program) for way, program in ((was, own), (ghost.way, ghost.draft)))
    if ghost.stopped:  # what was not played is not left out
        old = old[: len(new)] if old[: len(new)] == new else old
    first = next((op for op in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if op[0] != "equal"), None)
    if first is not None and ghost.stopped and first[0] == "delete" and first[2] == len(old):
        first = None
    more, less = Counter(new) - Counter(old), Counter(old) - Counter(new)
    step = _turned_off(was, own, ghost) if first is None else new[first[3]] if first[3] < first[4] else old[first[1]]
    named = _names(ghost.draft, own)
    return WouldBe(
        **told,
        first=named(step) if step is not None else None,
        new=[named(id) for id in dict.fromkeys(new) if id in more],
        left_out=[named(id) for id in dict.fromkeys(old) if id in less] if not ghost.stopped else [],
        ended=(was.outcome, ghost.way.outcome if not ghost.stopped else was.outcome),
        stopped=ghost.stopped,
    )


def _turned_off(was: _Way, own: Program, ghost: _Ghost) -> str | None:
    """Where a case that got stuck had left its way already: at a new element, or at what its own version did there instead."""
    gone = len(ghost.way.steps)
    if not ghost.stuck or was.steps[:gone] != ghost.way.steps:
        return None
    if ghost.stuck not in own.elements:
        return ghost.stuck
    return was.steps[gone] if gone < len(was.steps) and was.steps[gone] != ghost.stuck else None


def _counted(way: _Way, program: Program) -> list[str]:
    """The steps that somebody would name: no gateways, no beginnings."""
    return [id for id in way.steps if (element := _element(program, id)) is not None and _counts(element)]


def _counts(element: Element) -> bool:
    return not element.kind.endswith("Gateway") and element.kind != "startEvent"


def _element(program: Program, id: str) -> Element | None:
    try:
        return program.element(id)
    except PartwellError:
        return None


def _names(draft: Program, own: Program) -> Callable[[str], Step]:
    def named(id: str) -> Step:
        element = _element(draft, id) or _element(own, id)
        return Step(id=id, name=element.title if element else id, name_en=(element.name_en if element else "") or id)

    return named


def elsewhere(cases: Iterable[WouldBe]) -> list[WouldBe]:
    """Those that would have gone another way, or cannot be played on."""
    return [case for case in cases if not case.same]
