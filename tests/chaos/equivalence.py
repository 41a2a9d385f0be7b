"""Plays generated cases on the kernel and on the whole engine, and compares each step with what the generator says."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.bpmn.advance import Advance
from engine.bpmn.program import Program

from . import generator
from .generator import Action, Case
from .world import START, Expected

#: Events that nobody waits for by name: they are not listed among what waits.
_SILENT = ("error", "escalation")


class Differs(AssertionError):
    """The case does not do what its diagram says."""


def play(case: Case, *, restored: bool) -> None:
    """On the kernel alone. `restored`: through bytes after every step. Raises Differs."""
    program = Program(case.files, version="1")
    execution, advance = program.start(dict(case.values), now=START)
    _compare(case, 0, case.begun, execution, advance)
    for number, (action, expected) in enumerate(case.path, 1):
        if restored:
            execution = program.restore(execution.dump())
        instance = instance_of(execution, action)
        match action.kind:
            case "complete":
                advance = execution.complete(instance, action.values, now=action.at)
            case "answer":
                advance = execution.answer(instance, action.values, now=action.at)
            case "fire":
                advance = execution.fire(instance, now=action.at)
            case "deliver":
                advance = execution.deliver(instance, action.values, now=action.at)
            case "fail":
                caught = execution.error(instance, action.values["code"], "said so", now=action.at)
                if caught is None:
                    raise Differs(f"step {number}: nobody catches {action.values['code']} of {action.element}")
                advance = caught
        _compare(case, number, expected, execution, advance)


def instance_of(execution: Any, action: Action) -> str:
    """The oldest instance of the action's element with the action's items."""
    found = [
        instance
        for instance, element in execution.waiting()
        if own_id(element.id) == action.element and action.items.items() <= execution.variables(instance).items()
    ]
    if not found:
        raise Differs(f"{action.element} does not wait")
    return min(found, key=lambda instance: int(instance.rpartition("#")[2]))


def own_id(key: str) -> str:
    """An element's id without the called process that it lies in: the generator gives each id once."""
    return key.rpartition(":")[2]


def _compare(case: Case, number: int, expected: Expected, execution: Any, advance: Advance) -> None:
    step = f"step {number} ({case.path[number - 1][0].kind} {case.path[number - 1][0].element})" if number else "start"
    if advance.stuck:
        raise Differs(f"{step}: stuck at {[(s.element, s.error.message) for s in advance.stuck]}")
    waits = sorted(own_id(element.id) for _, element in execution.waiting() if element.event not in _SILENT)
    if waits != expected.waits:
        raise Differs(f"{step}: waits for {waits}, not {expected.waits}")
    same_values(step, execution.variables(), expected)
    if advance.finished != expected.finished or (expected.outcome and advance.outcome != expected.outcome):
        raise Differs(f"{step}: finished {advance.finished} {advance.outcome}, not {expected.finished} {expected.outcome}")
    _same_history(step, [own_id(passed.element) for passed in advance.passed], expected)
    over = sorted((written.name, own_id(written.element), own_id(written.over)) for written in advance.written if written.over)
    if over != expected.over:
        raise Differs(f"{step}: overwritten {over}, not {expected.over}")


def same_values(step: str, seen: dict[str, Any], expected: Expected) -> None:
    wrong = {name: (seen.get(name), value) for name, value in expected.variables.items() if seen.get(name) != value}
    if wrong:
        raise Differs(f"{step}: variables (is, should be) {wrong}")


def _same_history(step: str, seen: Sequence[str], expected: Expected) -> None:
    """The same elements, and each after those that come before it on its token's way."""
    wanted = [element for element, _ in expected.passed]
    if Counter(seen) != Counter(wanted):
        too_many, missing = Counter(seen) - Counter(wanted), Counter(wanted) - Counter(seen)
        raise Differs(f"{step}: passed too often {dict(too_many)}, not passed {dict(missing)}")
    places: dict[str, list[int]] = defaultdict(list)
    for place, element in enumerate(seen):
        places[element].append(place)
    before: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for element, after in expected.passed:
        for earlier in after:
            before[element, wanted[earlier]][earlier] += 1
    for (element, first), followed in before.items():
        # Which of several passages is which cannot be seen where a scope runs several times at once, so they are counted: of the
        # passages of the element, the last ones must have had as many different passages of the first before them as they need.
        needing = [number for number, (_, times) in enumerate(followed.most_common(), 1) for _ in range(times)]
        for place, needed in zip(places[element][-len(needing) :], needing, strict=True):
            if sum(other < place for other in places[first]) < needed:
                raise Differs(f"{step}: {element} was passed before {first}")


def keep(case: Case, error: Exception) -> Path:
    """Writes a failing case down for whoever looks into it; gives the folder."""
    folder = Path(tempfile.gettempdir()) / f"partwell-chaos-{case.seed}"
    folder.mkdir(exist_ok=True)
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    lines = [f"start {case.values}", f"  {case.begun}"]
    for action, expected in case.path:
        lines += [f"{action.kind} {action.element} {action.items or ''} {action.values} at {action.at}", f"  {expected}"]
    (folder / "path.txt").write_text("\n".join([*lines, f"{type(error).__name__}: {error}"]) + "\n")
    return folder


def differences(seeds: Sequence[int]) -> tuple[list[tuple[int, str]], Counter[str]]:
    """Plays each seed live and restored: what differed, and how often each construct was drawn."""
    failed, drawn = [], Counter[str]()
    for seed in seeds:
        case = generator.case(seed)
        drawn += case.constructs
        try:
            play(case, restored=False)
            play(case, restored=True)
        except Exception as error:  # a crash is a difference, too, and the other seeds go on
            failed.append((seed, f"{type(error).__name__}: {error}; see {keep(case, error)}"))
    return failed, drawn
