"""What must hold before a draft is published beside the check: its scenarios pass, unless somebody who may says why not."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..cases import must_say
from ..errors import NotAllowed, ScenariosFailed
from ..models import VersionEvent
from ..people import directory
from . import events

if TYPE_CHECKING:
    from ..procedures import Deployed
    from ..services import Services

#: whoever holds it may publish although scenarios fail
OVERRIDERS = "admin"
#: what a version that has served has behind it (`VersionEvent`)
_SERVED = ("deployed", "activated", "activated on time")


def failing(services: Services, files: Mapping[str, bytes]) -> Sequence[str]:
    """Names of the scenarios among the files that fail, each played in a world beside this installation."""
    # here, since a job makes a scheduled version active, and a sandbox runs jobs
    from .scenarios import reading
    from .scenarios.running import run_all

    if services.sandboxes is None or not (reading.paths(files) or reading.USUAL in files):
        return []
    with contextlib.closing(services.sandboxes(services)) as worlds:
        return [outcome.name for outcome in run_all(worlds, files, procedure="draft") if not outcome.passed]


def refusal(services: Services, files: Mapping[str, bytes]) -> ScenariosFailed | None:
    """What the failing scenarios say against publishing; None where all pass."""
    names = failing(services, files)
    return ScenariosFailed(names=names) if names else None


def must_pass(
    services: Services, connection: sa.Connection, files: Mapping[str, bytes], *, actor: str | None, override: str
) -> Sequence[str]:
    """Names of the scenarios that fail, where `override` says why that may be.

    Raises ScenariosFailed without a reason, NotAllowed for whoever may not override.
    """
    refused = refusal(services, files)
    if refused is None:
        return []
    if not override.strip():
        raise refused
    if actor is not None and OVERRIDERS not in directory.roles_of(connection, actor):
        raise NotAllowed(reason="only administrators publish although scenarios fail")
    must_say(override)
    return refused.names


def must_have_passed(services: Services, version: Deployed) -> None:
    """Raises ScenariosFailed for a version that never served, whose scenarios fail and were not overridden."""
    with services.database.reading() as connection:
        served = sa.select(VersionEvent.id).where(VersionEvent.version_id == version.id, VersionEvent.act.in_(_SERVED)).limit(1)
        if connection.execute(served).first() is not None or overridden(connection, version.procedure, version.number):
            return
    if refused := refusal(services, version.files):
        raise refused


def overridden(connection: sa.Connection, procedure: str, number: int) -> bool:
    """Whether somebody published this version although scenarios failed."""
    return any(act.act == "overrode" for act in events.of_version(connection, procedure, number))
