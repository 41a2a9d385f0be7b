"""What a scenario expects, compared with what is."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ... import documents, snapshots
from ...bpmn import expressions
from ...casefile import OpenStep
from ...chains import giving
from ...deferral import request_purpose
from ...errors import PartwellError, Sentence
from ...models import Chain, Job, SignOff, WorkItem, WorkRound, WorkStep
from ...ports import Json
from ...services import Services
from .places import Places, Unfit, steps_called

#: characters of a value that are told
_TOLD = 300


def failures(places: Places, expected: Mapping[str, Any]) -> list[Sentence]:
    """Everything that is not as expected."""
    found: list[Sentence] = []
    for name, value in expected.items():
        try:
            found += _CHECKS[name](places, value)
        except Unfit as error:
            found += error.said
        except PartwellError as error:
            found.append(Sentence(error.template, error.facts))
    return found


def unexpected(places: Places) -> list[Sentence]:
    """Incidents at the end that nobody spoke of."""
    template = "at the end {step} stands still, which the scenario does not expect: {reason}"
    return [Sentence(template, {"step": row.name, "reason": Sentence(row.template, row.facts)}) for row in places.incidents()]


def pushes(services: Services, case_id: str) -> list[tuple[str, Mapping[str, Json]]]:
    """Calls that were answered and would have changed something outside: operation and input, in order."""
    done = sa.select(Job.id, Job.operation, Job.request).where(Job.case_id == case_id, Job.kind == "operation", Job.state == "done")
    with services.database.reading() as connection:
        rows = connection.execute(done.order_by(Job.created_at, Job.finished_at, Job.id)).all()
    return [
        (row.operation, services.keyring.unseal_json(row.request, request_purpose(row.id))["input"])
        for row in rows
        if not getattr(services.operations.get(row.operation), "reads", False)
    ]


def asks_signature(places: Places, step: OpenStep) -> bool:
    """Whether the step of a chain at which the work stands asks for a drawn signature."""
    standing = (
        sa.select(Chain.steps, WorkStep.position)
        .join(WorkItem, WorkItem.chain_id == Chain.id)
        .join(WorkStep, WorkStep.item_id == WorkItem.id)
        .join(WorkRound, WorkRound.step_id == WorkStep.id)
        .join(SignOff, SignOff.round_id == WorkRound.id)
        .where(WorkItem.id == step.item_id, SignOff.state == "open")
    )
    with places.sandbox.services.database.reading() as connection:
        row = connection.execute(standing).first()
    return row is not None and giving.of(row.steps[row.position]).signature


def fits(expected: Json, actual: Json) -> bool:
    """Whether all that is expected is there: of an object its keys, of a list each entry, of everything else the same."""
    match expected:
        case Mapping():
            return isinstance(actual, Mapping) and all(name in actual and fits(value, actual[name]) for name, value in expected.items())
        case list():
            return isinstance(actual, list) and (actual == [] if not expected else all(any(fits(e, a) for a in actual) for e in expected))
        case bool() | None:
            return expected is actual
        case int() | float():
            return not isinstance(actual, bool) and expected == actual
    return bool(expected == actual)


def _differs(what: str, expected: Any, actual: Any) -> Sentence:
    return Sentence(
        "{what}: expected {expected}, found {actual}", {"what": Sentence(what), "expected": told(expected), "actual": told(actual)}
    )


def told(value: Any) -> str:
    """A value as a person reads it in one line."""
    if isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(each, str) for each in value):
        text = ", ".join(value) or "–"
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _TOLD else f"{text[:_TOLD]}…"


# --- one by one


def _open(places: Places, expected: Mapping[str, Sequence[str] | None]) -> list[Sentence]:
    held: dict[str, set[str]] = {}
    for step in places.open():
        held.setdefault(step.element, set()).update(step.holder_ids)
    wanted: dict[str, Sequence[str] | None] = {}
    for name, people in expected.items():
        elements = places.elements(name)
        wanted[next((id for id in elements if id in held), elements[0])] = people
    found = []
    if wanted.keys() != held.keys():
        names = [[places.title(id) for id in sorted(those)] for those in (wanted, held)]
        found.append(_differs("open steps", *names))
    for element, people in wanted.items():
        if people is not None and element in held and {places.person(name) for name in people} != held[element]:
            actual = [places.name(person) for person in sorted(held[element], key=places.name)]
            facts = {"step": places.title(element), "expected": told(list(people)), "actual": told(actual)}
            found.append(Sentence("who holds {step}: expected {expected}, found {actual}", facts))
    return found


def _due(places: Places, expected: Mapping[str, str]) -> list[Sentence]:
    zone = ZoneInfo(places.sandbox.services.settings.zone)
    found = []
    for name, text in expected.items():
        elements = places.elements(name)
        dues = [_local(step.due_at, zone) for step in places.open() if step.element in elements]
        if not any(due.startswith(text.replace(" ", "T")) and due for due in dues):
            facts = {"step": name, "expected": text, "actual": told(dues)}
            found.append(Sentence("when {step} is due: expected {expected}, found {actual}", facts))
    return found


def _local(moment: dt.datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S") if moment else "–"


def _variables(places: Places, expected: Mapping[str, Json]) -> list[Sentence]:
    services, variables = places.sandbox.services, places.variables()
    found = []
    with services.database.reading() as connection:
        for path, value in expected.items():
            value = _calculated(value, variables, places)
            actual: Json = variables
            for step in path.split("."):
                actual = snapshots.resolved(services, connection, places.case_id, actual)
                actual = actual.get(step) if isinstance(actual, Mapping) else None
            actual = snapshots.resolved(services, connection, places.case_id, actual)
            if not fits(value, actual):
                facts = {"name": path, "expected": told(value), "actual": told(actual)}
                found.append(Sentence("variable {name}: expected {expected}, found {actual}", facts))
    return found


def _calculated(value: Json, variables: Mapping[str, Json], places: Places) -> Json:
    match value:
        case str() if value.startswith("="):
            return expressions.evaluate(value[1:], variables, now=places.sandbox.clock.now())
        case Mapping():
            return {name: _calculated(inner, variables, places) for name, inner in value.items()}
        case list():
            return [_calculated(inner, variables, places) for inner in value]
    return value


def _pushes(places: Places, expected: Sequence[Sequence[Any]]) -> list[Sentence]:
    made, variables = pushes(places.sandbox.services, places.case_id), places.variables()
    found = []
    for operation, given in expected:
        given = _calculated(given, variables, places)
        inputs = [each for name, each in made if name == operation]
        if not any(fits(given, each) for each in inputs):
            if not inputs:
                found.append(_differs("pushes", [operation], [name for name, _ in made]))
            else:
                facts = {"operation": operation, "expected": told(given), "actual": told(inputs if len(inputs) > 1 else inputs[0])}
                found.append(Sentence("what was sent to {operation}: expected {expected}, found {actual}", facts))
    return found


def _no_pushes(places: Places, expected: Sequence[str]) -> list[Sentence]:
    made = [name for name, _ in pushes(places.sandbox.services, places.case_id)]
    unwanted = [name for name in made if name in expected or not expected]
    return [Sentence("{operation} was called, and should not have been", {"operation": name}) for name in dict.fromkeys(unwanted)]


def _documents(places: Places, expected: Sequence[str]) -> list[Sentence]:
    with places.sandbox.services.database.reading() as connection:
        made = documents.rows(connection, places.case_id)
    names = {word for row in made for word in (row.kind, row.name, row.name.rpartition(".")[0])}
    missing = [name for name in expected if name not in names]
    letters = [row.name for row in made if row.created_by is None]
    if not expected:
        return [_differs("documents", [], letters)] if letters else []
    return [_differs("documents", missing, letters)] if missing else []


def _incidents(places: Places, expected: Mapping[str, str | None]) -> list[Sentence]:
    rows = places.incidents()
    found, met = [], set()
    for name, code in expected.items():
        elements = steps_called(places.deployed.program, name)
        fitting = [row for row in rows if (row.element in elements or row.operation == name) and code in (None, "", row.code)]
        met |= {row.id for row in fitting}
        if not fitting:
            found.append(_differs("incidents", [f"{name} {code or ''}".strip()], [f"{row.name} {row.code}" for row in rows]))
    for row in rows:
        if row.id not in met:
            facts = {"step": row.name, "reason": Sentence(row.template, row.facts)}
            found.append(Sentence("{step} stands still, which is not expected: {reason}", facts))
    return found


def _passed(places: Places, expected: Sequence[str]) -> list[Sentence]:
    gone = places.passed()
    reached = {*gone.elements, *gone.flows}
    missing = [name for name in expected if not reached.intersection(_places(places, name))]
    return [Sentence("{step} was not passed", {"step": name}) for name in missing]


def _never(places: Places, expected: Sequence[str]) -> list[Sentence]:
    gone = places.passed()
    reached = {*gone.elements, *gone.flows}
    found = [name for name in expected if reached.intersection(_places(places, name))]
    return [Sentence("{step} was reached, and should never be", {"step": name}) for name in found]


def _places(places: Places, name: str) -> list[str]:
    """Elements by id or name, or a sequence flow by its id."""
    program = places.deployed.program
    if name in program.process.flows:
        return [name]
    return places.elements(name)


def _ended(places: Places, expected: str | bool) -> list[Sentence]:
    case = places.row
    actual = str(case.outcome) if case.status == "closed" else "running" if case.status == "running" else str(case.status)
    right = (case.status == "closed") is expected if isinstance(expected, bool) else expected == actual
    return [] if right else [_differs("how the case ended", {True: "closed", False: "running"}.get(expected, expected), actual)]  # type: ignore[arg-type, call-overload]


_CHECKS: Mapping[str, Any] = {
    "open": _open,
    "due": _due,
    "variables": _variables,
    "pushes": _pushes,
    "no_pushes": _no_pushes,
    "documents": _documents,
    "incidents": _incidents,
    "passed": _passed,
    "never": _never,
    "ended": _ended,
}
