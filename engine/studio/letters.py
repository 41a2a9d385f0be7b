"""A letter of a draft as it would be: filled with what a scenario comes to, or with what is known in a real case, and printed."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from .. import access, snapshots
from ..bpmn import opening
from ..bpmn.model import Element
from ..bpmn.runtime import Execution
from ..bpmn.scopes import nested
from ..casefile import restored
from ..errors import FeelError, FileRefused, LetterNotReached, LetterUnused, NotFound, PdfFailed, Sentence, ServerBusy
from ..letters import blank, filling, places, printing, reading, templates
from ..letters.makers import makers
from ..letters.operations import answered
from ..letters.spelling import Unprintable
from ..models import Case, Person
from ..people.importing import of_values
from ..ports import Answer, Call, Json
from ..rules import by_procedure, rules_of

if TYPE_CHECKING:
    from ..services import Services
    from .sandbox import Sandboxes

#: the latest real cases that are offered, and plays that are remembered
_CASES, _KEPT = 20, 32
#: seconds that somebody waits for a play that another began
_PATIENCE = 10.0


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something with which a letter can be filled."""

    #: `scenario` or `case`
    kind: str
    #: path of the scenario, id of the case
    key: str
    name: str
    name_en: str


@dataclass(frozen=True, kw_only=True)
class Values:
    """What a step would hand its letter."""

    input: Mapping[str, Json]
    #: when it would do so
    now: dt.datetime
    #: inputs of which nothing is known yet, each with the reason
    unknown: Mapping[str, Sentence] = field(default_factory=dict)
    #: what the step is called, where several make the letter and the case decides for one; else ""
    step: str = ""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A letter as it would be."""

    #: a picture of each page, PNG; none of a text
    pages: Sequence[bytes] = ()
    #: of a draft, "" for what is printed
    text: str = ""
    #: what the letter needs and does not get
    missing: Sequence[filling.Missing] = ()


def sources(services: Services, procedure: str, files: Mapping[str, bytes], *, actor: str) -> list[Source]:
    """The scenarios among the files, and the latest cases of the procedure that the actor may see."""
    from .scenarios import reading as scenarios  # here, since a job publishes on time, and a sandbox runs jobs

    found = []
    for path in scenarios.paths(files):
        name = scenarios.name(files[path]) or path
        found.append(Source(kind="scenario", key=path, name=name, name_en=name))
    with services.database.reading() as connection:
        visible = access.visible_cases(connection, actor, by_procedure(services, connection))
        which = sa.and_(visible, Case.procedure == procedure, Case.subject_id != actor)
        rows = connection.execute(
            sa.select(Case.id, Case.number, Person.name)
            .join(Person, Person.id == Case.subject_id)
            .where(which)
            .order_by(Case.started_at.desc(), Case.id)
            .limit(_CASES)
        ).all()
    return found + [Source(kind="case", key=row.id, name=f"{row.number} {row.name}", name_en=f"{row.number} {row.name}") for row in rows]


def of_scenario(services: Services, files: Mapping[str, bytes], path: str, scenario: str) -> Values:
    """What the step hands the letter once people have done what the scenario says.

    The wording of letters makes no difference to that, so it is played once for as long as nothing else changes. Raises NotFound for a
    scenario that is not there, FileRefused for one that cannot be read, LetterUnused, LetterNotReached, and NotDeployable where the files
    cannot be played.
    """
    served = templates.served(path)
    if served is None or not makers(files, path):
        raise LetterUnused(file=path)
    if scenario not in files:
        raise NotFound(what="scenario", name=scenario)
    printed = templates.ENDINGS[templates.RENDER]
    wordless = {name: blank.letter(name) for name in files if name == path or name.endswith(tuple(printed))}
    made = _plays.of(services, {**files, **wordless}, scenario)
    for (operation, template), values in made.items():
        if operation == served[1] and template in served[0]:
            return values
    raise LetterNotReached(scenario=scenario)


def of_case(services: Services, procedure: str, files: Mapping[str, bytes], path: str, case_id: str, *, actor: str) -> Values:
    """What the step of these files would hand the letter now, in a case that the actor may see.

    Where several steps make it, that is the one at which the case stands, else one that it went through. What is kept as an original
    is not opened, since whoever opens one is named for it. Raises NotFound, NotAllowed, LetterUnused.
    """
    steps = makers(files, path)
    if not steps:
        raise LetterUnused(file=path)
    now = services.clock.now()
    with services.database.reading() as connection:
        case = access.case_row(connection, case_id)
        if case.procedure != procedure:
            raise NotFound(what="case", name=case_id)
        sight = access.sight(connection, case, rules_of(services.programs.get(case.version_id).files), actor)
        execution = restored(services, connection, case)
    step, instance = _reached([element for _, element in steps], execution)
    seen = sight.of(execution.variables(instance))
    given: dict[str, Json] = {}
    unknown: dict[str, Sentence] = {}
    for target, text in step.inputs:
        here = {**seen, **given}
        try:
            name, value = nested(target, opening.value(text, here, now), here)
        except FeelError as error:
            unknown[target] = Sentence(error.template, error.facts)
        else:
            given[name] = value
    for name in [name for name, value in given.items() if snapshots.refers(value)]:
        del given[name]
        unknown[name] = Sentence("it is an original of the case, which is not opened here", {})
    return Values(input=given, now=now, unknown=unknown, step=step.title if len(steps) > 1 else "")


def _reached(steps: Sequence[Element], execution: Execution) -> tuple[Element, str | None]:
    """The step at which the case stands, with its instance, else one that it went through, else the first."""
    of = {element.id: element for element in steps}
    for instance, element in execution.waiting():
        if element.id in of:
            return of[element.id], instance
    visits = execution.visits
    return next((element for element in steps if visits.get(element.id)), steps[0]), None


def preview(services: Services, path: str, content: bytes, values: Values | None) -> Preview:
    """The letter as it would be; without values with the names of what it shows. Raises FileRefused, PdfFailed."""
    now = values.now if values else services.clock.now()
    if path.endswith(".txt"):
        text = content.decode("utf-8-sig", "replace")
        if values is None:
            return Preview(text=text)
        filled, lacks = places.filled(text, values.input)
        missing = [
            filling.Missing(each.name, each.name, each.line, each.column, Sentence("there is no text and no number", {})) for each in lacks
        ]
        return Preview(text=filled, missing=missing)
    zone = ZoneInfo(services.settings.zone)
    try:
        data, charts, date = printing.given(values.input if values else {}, now=now, zone=zone)
    except Unprintable as error:
        raise PdfFailed(reason=str(error.sentence)) from None
    if not path.endswith(".html"):
        asked = printing.for_typst(data, charts, date)
        return Preview(pages=services.renderer.pages(content.decode("utf-8-sig", "replace"), *asked))
    letter = filling.filled(reading.read(content, path), data if values else None, charts=charts, date=date, now=now, zone=zone)
    return Preview(pages=printing.pages(services.renderer, letter, charts, date), missing=letter.missing)


#: what a draft is called where it is played
_PROCEDURE = "draft"

#: by operation and template, what a step handed it last
_Made = Mapping[tuple[str, str], Values]


class _Plays:
    """Scenarios that were played for what their steps hand the letters."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], _Made] = OrderedDict()
        self._lock = Lock()
        #: of what is played now: whoever asks for the same waits for it
        self._played: dict[tuple[str, str], Lock] = {}

    def of(self, services: Services, files: Mapping[str, bytes], scenario: str) -> _Made:
        """Raises ServerBusy where another plays the same and does not come to an end."""
        from .scenarios import verdicts

        if services.sandboxes is None:
            raise NotFound(what="scenario", name=scenario)
        with contextlib.closing(services.sandboxes(services)) as worlds:
            key = (str(services.settings.home), verdicts.digest(worlds.around, files, scenario, procedure=_PROCEDURE))
            with self._lock:
                one_at_a_time = self._played.setdefault(key, Lock())
            if not one_at_a_time.acquire(timeout=_PATIENCE):
                raise ServerBusy
            try:
                return self._once(key, services, worlds, files, scenario)
            finally:
                one_at_a_time.release()

    def _once(self, key: tuple[str, str], services: Services, worlds: Sandboxes, files: Mapping[str, bytes], scenario: str) -> _Made:
        if (found := self._found(key)) is not None:
            return found
        try:
            made = _played(services, worlds, files, scenario)
        finally:
            with self._lock:
                self._played.pop(key, None)
        with self._lock:
            self._known[key] = made
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return made

    def _found(self, key: tuple[str, str]) -> _Made | None:
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
                self._played.pop(key, None)
            return found


_plays = _Plays()


def _played(services: Services, worlds: Sandboxes, files: Mapping[str, bytes], path: str) -> _Made:
    """Nothing is printed meanwhile."""
    from .scenarios import reading as scenarios
    from .scenarios.running import play

    zone = ZoneInfo(services.settings.zone)
    usually, _ = scenarios.usual(files.get(scenarios.USUAL))
    scenario, faults = scenarios.scenario(path, files[path], zone=zone, usually=usually)
    if scenario is None:
        raise FileRefused(file=path, reason=faults[0].sentence)
    made: dict[tuple[str, str], Values] = {}

    def hear(call: Call) -> Answer | None:
        if call.operation not in templates.ENDINGS:
            return None
        made[call.operation, call.headers.get(templates.HEADER, "")] = Values(input=call.input, now=call.now)
        return answered(call, b"%PDF-1.7", call.now.astimezone(zone).date()) if call.operation == templates.RENDER else None

    people = of_values("persons", scenario.people, scenario.path)
    sandbox = worlds.open(files, procedure=_PROCEDURE, at=scenario.clock, people=people)
    sandbox.answers.listener = hear
    try:
        # what is expected makes no difference to what is handed over
        play(sandbox, replace(scenario, when=[act for act in scenario.when if act.verb != "then"]))
    finally:
        sandbox.close()
    return made
