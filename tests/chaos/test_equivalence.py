"""Random diagrams do what their generator says, live and restored after every step."""

from __future__ import annotations

import dataclasses
import os

import pytest
from engine_room import Room

from engine.services import Services

from . import equivalence, generator, whole

#: Seeds that once failed, and some that did not.
PINNED = range(60)
#: Those that also go through the whole engine.
WHOLE = range(60) if os.environ.get("PARTWELL_CHAOS") else PINNED[::10]


@pytest.mark.parametrize("tens", range(len(PINNED) // 10))
def test_random_diagrams_take_their_path(tens):
    """Waits, history, variables and outcome are after every step what the diagram means."""
    failed, _ = equivalence.differences(PINNED[tens * 10 : tens * 10 + 10])
    assert not failed, "\n".join(f"seed {seed}: {what}" for seed, what in failed)


@pytest.mark.parametrize("seed", WHOLE)
def test_random_cases_go_the_same_way_through_the_whole_engine(services: Services, seed):
    """Items, jobs, messages, variables and outcome are right when every step starts from the database alone."""
    outside = whole.Outside()
    room = Room(dataclasses.replace(services, operations={"chaos.do": outside}))
    whole.play(room, outside, generator.case(seed))
