"""Random diagrams on which everything that can happen to a case is tried at random: it is done or refused, and nothing breaks."""

from __future__ import annotations

import datetime as dt
import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from engine.bpmn.program import Program
from engine.bpmn.runtime import Execution
from engine.errors import PartwellError

from . import generator
from .world import START

LONG = bool(os.environ.get("PARTWELL_CHAOS"))
STEPS = ("userTask", "serviceTask", "scriptTask", "businessRuleTask", "callActivity", "subProcess")
ACTIONS = 50


def acts(execution: Execution, rng: random.Random) -> Callable[..., Any]:
    """Something to do with a case: what happens to what waits, mostly, else what somebody entitled does."""
    elements = [element.id for element in execution.program.elements.values() if element.kind in STEPS]
    values = {name: rng.randint(-3, 12) for name in execution.variables() if rng.random() < 0.1}
    kind = rng.choices(("happens", "undo", "return", "jump"), (85, 6, 6, 3))[0]
    if kind == "undo" and not execution.finished:
        return lambda **at: execution.compensate(None, **at)
    if kind == "return":
        go = execution.reopen if execution.finished else execution.return_to
        return lambda **at: go(rng.choice(elements), **at)
    if kind == "jump" or not (waiting := execution.waiting()):
        standing = [instance for instance, _ in execution.stands()]
        leaving = rng.sample(standing, min(len(standing), rng.randint(0, 2)))
        return lambda **at: execution.move(leaving=leaving, entering=[rng.choice(list(execution.program.elements))], **at)
    instance, element = rng.choice(waiting)
    if rng.random() < 0.1:
        return lambda **at: execution.error(instance, "E1", "said so", **at)
    if rng.random() < 0.1:
        return lambda **at: execution.skip(instance, values, **at)
    if element.kind == "userTask":
        return lambda **at: execution.complete(instance, values, **at)
    if element.event == "timer":
        return lambda **at: execution.fire(instance, **at)
    if element.event:
        return lambda **at: execution.deliver(instance, values, **at)
    return lambda **at: execution.answer(instance, values, **at)


@pytest.mark.parametrize("first", range(0, 100 if LONG else 20, 10))
def test_whatever_is_tried_is_done_or_refused(first: int) -> None:
    """Restored at every step and moved to the same diagram again, a case waits for the same; when it ends no variables are left over."""
    for seed in range(first, first + 10):
        case, rng = generator.case(seed), random.Random(seed)
        execution, _ = Program(case.files, version="0").start(dict(case.values), now=START)
        for step in range(1, ACTIONS):
            stored, now = execution.dump(), START + dt.timedelta(minutes=step)
            execution = execution.program.restore(stored)
            assert execution.dump() == stored, seed
            if execution.finished:
                assert len(execution._tokens.scopes.tree) == 1, seed
            elif rng.random() < 0.1:
                moved = execution.program.migrate(execution, Program(case.files, version=str(step)), {}, now=now)
                assert not isinstance(moved, list), (seed, moved)
                assert sorted(i for i, _ in moved[0].waiting()) == sorted(i for i, _ in execution.waiting()), seed
                execution = moved[0]
            try:
                acts(execution, rng)(now=now)
            except PartwellError:
                execution = execution.program.restore(stored)
