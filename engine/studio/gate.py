"""What must hold before a draft is published beside the check: its scenarios pass, unless somebody who may says why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
#: told how many scenarios are done now, of how many
Progress = Callable[[int, int], object]


def in_silence(done: int, of: int) -> None:
    """Nobody is told how far it is."""


def unplayed(services: Services, files: Mapping[str, bytes], *, procedure: str) -> Sequence[str]:
    """Paths of the scenarios that are not known to pass: playing them takes its time."""
    from .scenarios import verdicts  # here, since jobs publish, and a sandbox runs jobs

    return verdicts.unplayed(services, files, procedure=procedure)


def count(files: Mapping[str, bytes]) -> int:
    """How many scenarios there are."""
    from .scenarios import reading

    return len(reading.paths(files))


def failing(services: Services, files: Mapping[str, bytes], *, procedure: str, told: Progress = in_silence) -> Sequence[str]:
    """Names of the scenarios among the files that fail; those that are not known to pass are played beside this installation."""
    from .scenarios import verdicts

    left = verdicts.unplayed(services, files, procedure=procedure)
    if not left:
        return []
    return [outcome.name for outcome in verdicts.play(services, files, procedure=procedure, only=left, told=told) if not outcome.passed]


def must_pass(
    services: Services,
    files: Mapping[str, bytes],
    *,
    procedure: str,
    actor: str | None,
    override: str,
    told: Progress = in_silence,
) -> Sequence[str]:
    """Names of the scenarios that fail, where `override` says why that may be.

    Raises ScenariosFailed without a reason, NotAllowed for whoever may not override.
    """
    may_override(services, actor, override)
    names = failing(services, files, procedure=procedure, told=told)
    if names and not override.strip():
        raise ScenariosFailed(names=names)
    return names


def may_override(services: Services, actor: str | None, override: str) -> None:
    """Raises NotAllowed where there is a reason to publish although scenarios fail, but not from somebody who may."""
    if not override.strip():
        return
    must_say(override)
    with services.database.reading() as connection:
        if actor is not None and OVERRIDERS not in directory.roles_of(connection, actor):
            raise NotAllowed(reason="only administrators publish although scenarios fail")


def must_have_passed(services: Services, version: Deployed, *, told: Progress = in_silence) -> None:
    """Raises ScenariosFailed for a version that never served, whose scenarios fail and were not overridden."""
    if has_to_pass(services, version) and (names := failing(services, version.files, procedure=version.procedure, told=told)):
        raise ScenariosFailed(names=names)


def has_to_pass(services: Services, version: Deployed) -> bool:
    """Whether scenarios say if a version may become active: it never served, and nobody published it although they fail."""
    with services.database.reading() as connection:
        served = sa.select(VersionEvent.id).where(VersionEvent.version_id == version.id, VersionEvent.act.in_(_SERVED)).limit(1)
        return connection.execute(served).first() is None and not overridden(connection, version.procedure, version.number)


def overridden(connection: sa.Connection, procedure: str, number: int) -> bool:
    """Whether somebody published this version although scenarios failed."""
    return any(act.act == "overrode" for act in events.of_version(connection, procedure, number))
