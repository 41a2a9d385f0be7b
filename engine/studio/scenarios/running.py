"""Scenarios carried out: each act and each expectation with what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from ... import casefile, messages, procedures
from ...errors import FileRefused, FormInvalid, PartwellError, Sentence
from ...models import new_id
from ...people.importing import of_values
from ...ports import NO_FORM, Json
from ..sandbox import Sandbox, Sandboxes
from . import away, enclosures, expecting, reading
from .acting import Acting
from .coverage import Coverage
from .model import EVENTS, Act, Scenario
from .passing import after, span
from .places import Places, Unfit, steps_called, unfit
from .texts import Fault

#: usual acts in a row; more go round in a circle
_MOST = 100


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one act."""

    act: Act
    #: what is wrong; empty where all is as it should be
    failures: Sequence[Sentence]

    @property
    def passed(self) -> bool:
        return not self.failures


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a scenario."""

    path: str
    name: str
    name_en: str
    #: what is wrong with the file; then nothing was done
    faults: Sequence[Fault] = ()
    #: of the start and of each act until the first that failed
    results: Sequence[Result] = ()
    #: acts that were not reached
    left: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    #: milliseconds that it took
    took: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.faults and all(result.passed for result in self.results)

    @property
    def failed(self) -> Result | None:
        """The act that failed."""
        return next((result for result in self.results if not result.passed), None)


def run_all(sandboxes: Sandboxes, files: Mapping[str, bytes], *, procedure: str, only: Collection[str] | None = None) -> list[Outcome]:
    """As `in_turn`, all at once."""
    return list(in_turn(sandboxes, files, procedure=procedure, only=only))


def in_turn(sandboxes: Sandboxes, files: Mapping[str, bytes], *, procedure: str, only: Collection[str] | None = None) -> Iterator[Outcome]:
    """Every scenario of the files, or `only` those of these paths, each in a world of its own and played when it is asked for.

    Raises NotDeployable where the files themselves have faults.
    """
    zone = ZoneInfo(sandboxes.around.settings.zone)
    usually, wrong = reading.usual(files.get(reading.USUAL))
    if wrong:
        yield Outcome(path=reading.USUAL, name=reading.USUAL, name_en="", faults=wrong)
    for path in reading.paths(files):
        if only is not None and path not in only:
            continue
        scenario, faults = reading.scenario(path, files[path], zone=zone, usually=usually)
        if scenario is None:
            yield Outcome(path=path, name=reading.name(files[path]) or path, name_en="", faults=faults)
        else:
            yield run(sandboxes, files, scenario, procedure=procedure)


def run(sandboxes: Sandboxes, files: Mapping[str, bytes], scenario: Scenario, *, procedure: str) -> Outcome:
    """One scenario in a world of its own. Raises NotDeployable."""
    began = time.perf_counter()
    try:
        people = of_values("persons", scenario.people, scenario.path)
        sandbox = sandboxes.open(files, procedure=procedure, at=scenario.clock, people=people)
    except FileRefused as error:
        start = Act(line=1, verb="start")
        return replace(_named(scenario), results=[Result(act=start, failures=[_sentence(error)])], left=len(scenario.when))
    try:
        return replace(play(sandbox, scenario), took=(time.perf_counter() - began) * 1000)
    finally:
        sandbox.close()


def play(sandbox: Sandbox, scenario: Scenario) -> Outcome:
    """One scenario in a world that is there already."""
    return _Play(sandbox, scenario).played(_named(scenario))


def _named(scenario: Scenario) -> Outcome:
    return Outcome(path=scenario.path, name=scenario.name, name_en=scenario.name_en)


class _Play:
    def __init__(self, sandbox: Sandbox, scenario: Scenario) -> None:
        self._sandbox = sandbox
        self._scenario = scenario
        self._places = Places(sandbox)
        self._acting = Acting(self._places, scenario.locale)
        self._usual: dict[str, Sequence[Act]] = {}

    def played(self, outcome: Outcome) -> Outcome:
        scenario = self._scenario
        start = Act(line=1, verb="start", by=scenario.initiator)
        results = [Result(act=start, failures=self._done(self._start))]
        acts = list(scenario.when)
        while acts and results[-1].passed:
            act = acts.pop(0)
            failures = expecting.failures(self._places, act.given) if act.verb == "then" else self._carried_out(act)
            if not acts and not failures and not (act.verb == "then" and "incidents" in act.given):
                failures = expecting.unexpected(self._places)
            results.append(Result(act=act, failures=failures))
        try:
            coverage = self._places.passed() if self._places.case_id else Coverage()
        except PartwellError as error:
            results.append(Result(act=results[-1].act, failures=[_sentence(error)]))
            coverage = Coverage()
        return replace(outcome, results=results, left=len(acts), coverage=coverage)

    # --- acts

    def _carried_out(self, act: Act) -> list[Sentence]:
        if not act.refused:
            return self._done(lambda: self._do(act))
        try:
            self._do(act)
        except Unfit as error:
            return list(error.said)
        except PartwellError as error:
            if act.refused in ("any", error.code):
                return []
            facts = {"actual": error.code, "expected": act.refused, "reason": _sentence(error)}
            return [Sentence("it was refused as {actual}, not as {expected}: {reason}", facts)]
        return [Sentence("it should have been refused, and was done", {})]

    def _done(self, do: Callable[[], object]) -> list[Sentence]:
        try:
            do()
        except Unfit as error:
            return list(error.said)
        except FormInvalid as error:
            return [
                Sentence("{field}: {fault}", {"field": field, "fault": _as_it_is(fault)})
                for field, those in error.fields.items()
                for fault in those
            ]
        except PartwellError as error:
            return [_sentence(error)]
        return []

    def _start(self) -> None:
        scenario, places, services = self._scenario, self._places, self._sandbox.services
        self._say(scenario.answers, scenario.fails)
        [version] = [each for each in procedures.startable(services) if each.procedure == self._sandbox.procedure]
        program = services.programs.get(version.version_id).program
        for step, acts in scenario.usual.items():
            self._usual |= dict.fromkeys(steps_called(program, step), acts)
        form = version.form or NO_FORM
        values = self._acting.evaluated(scenario.values, {})
        named = services.forms.files(form, values)
        files = {path: [enclosures.named(name) for name in names] for path, names in named.items()}
        for act in scenario.away:
            away.leave(places, act)
        places.case_id = self._sandbox.start(
            subject=places.person(scenario.subject),
            initiator=places.person(scenario.initiator),
            values=enclosures.without(named, values),
            files=files,
            request_id=new_id(),
            locale=scenario.locale,
        )

    def _do(self, act: Act) -> None:
        if act.verb in EVENTS:
            self._happens(act)
        else:
            self._acting.do(act)
            self._sandbox.settle()

    def _happens(self, act: Act) -> None:
        match act.verb:
            case "pass":
                self._pass(str(act.given))
            case "until":
                self._until(str(act.given))
            case "answers":
                self._say(act.given, {})
            case "fails":
                self._say({}, act.given)
            case "message":
                given = {"key": "", "values": {}, **act.given}
                actor = self._places.person(act.by) if act.by else None
                values = self._acting.evaluated(given["values"] or {}, self._places.variables())
                key = str(self._acting.evaluated(given["key"] or "", self._places.variables()))
                messages.send(self._sandbox.services, name=given["name"], key=key, values=values, actor=actor, request_id=new_id())
                self._sandbox.settle()
            case "signal":
                actor = self._places.person(act.by) if act.by else self._places.manager()
                values = self._acting.evaluated(act.given.get("values") or {}, self._places.variables())
                messages.signal(self._sandbox.services, name=act.given["name"], values=values, actor=actor, request_id=new_id())
                self._sandbox.settle()

    def _say(self, answers: Mapping[str, Json], fails: Mapping[str, str]) -> None:
        """What operations answer from now on, or how they fail."""
        said = self._sandbox.answers.said
        said.update({operation: {"value": self._acting.evaluated(value, {})} for operation, value in answers.items()})
        said.update({operation: {"fails": how} for operation, how in fails.items()})

    def _pass(self, text: str) -> None:
        services, now = self._sandbox.services, self._sandbox.clock.now()
        if text == "next":
            due = self._sandbox.next_due()
            if due is None:
                raise unfit("nothing waits for time to pass")
            self._sandbox.until(due)
        elif (passes := span(text)) is not None:
            self._sandbox.until(after(now, passes, services.calendars.get(away.CALENDAR)))
        elif (moment := reading.moment(text, ZoneInfo(services.settings.zone))) is not None:
            if moment < now:
                raise unfit("time goes forward only: it is {now} already", now=now.isoformat(timespec="minutes"))
            self._sandbox.until(moment)

    # --- what people usually do

    def _until(self, name: str) -> None:
        """Everybody acts as usual until a step is open, or the case is over; where nobody has to act, time passes."""
        wanted = [] if name == "end" else self._places.elements(name)
        for _ in range(_MOST):
            open_steps = self._places.open()
            if any(step.element in wanted for step in open_steps):
                return
            if self._places.row.status == "closed":
                if wanted:
                    raise unfit("the case ended before the step {step} was open", step=name)
                return
            if not any(self._usually(step) for step in open_steps):
                self._wait(open_steps, name)
        raise unfit("the step {step} is not open after {most} usual acts", step=name, most=_MOST)

    def _usually(self, step: casefile.OpenStep) -> bool:
        """Somebody who holds the step does what is usual there; False where nothing is, and something has to be said."""
        for act in self._usual.get(step.element, ()):
            if self._places.person(act.by) in step.holder_ids:
                self._do(act)
                return True
        return step.element not in self._usual and self._as_it_stands(step)

    def _as_it_stands(self, step: casefile.OpenStep) -> bool:
        """A step that asks for nothing is done by somebody who holds it, so that one more of them stops no scenario."""
        if not step.holder_ids:
            return False
        try:
            self._acting.complete(step, min(step.holder_ids, key=self._places.name), {})
        except PartwellError:
            return False
        self._sandbox.settle()
        return True

    def _wait(self, open_steps: Sequence[casefile.OpenStep], name: str) -> None:
        if open_steps:
            names = ", ".join(dict.fromkeys(step.name for step in open_steps))
            raise unfit("nothing is said about what is usually done at: {steps}", steps=names)
        if found := self._places.incidents():
            raise unfit("the case stands still at {step}: {reason}", step=found[0].name, reason=Sentence(found[0].template, found[0].facts))
        due = self._sandbox.next_due()
        if due is None:
            raise unfit("the step {step} is never open: nothing is left to happen", step=name)
        self._sandbox.until(due)


def _as_it_is(message: str) -> Sentence:
    """What a form says, in the scenario's language already, or a sentence of the engine."""
    return Sentence(message.replace("{", "{{").replace("}", "}}"))


def _sentence(error: PartwellError) -> Sentence:
    return Sentence(error.template, error.facts)
