"""The jobs that bring a case's work to outside centres."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from ..db import Unit
from ..deferral import add_job
from ..models import new_id

if TYPE_CHECKING:
    from ..services import Services

#: of a job that shows, and of one that compares: below whatever a case does
PRIORITY = -1
ATTEMPTS = 20


def show_again(services: Services, unit: Unit, case_id: str, *, at: dt.datetime, centre: str = "") -> None:
    """With the unit's commit, let each centre, or one, show what is open in the case then."""
    for name in [centre] if centre else services.projectors:
        _add(services, unit, case_id, name, at)


def compare(services: Services, unit: Unit, centre: str, *, at: dt.datetime) -> None:
    """With the unit's commit, compare all that a centre shows with what is open."""
    _add(services, unit, None, centre, at)


def _add(services: Services, unit: Unit, case_id: str | None, centre: str, at: dt.datetime) -> None:
    key = f"project:{centre}:{new_id()}"
    add_job(services, unit, case_id, "project", "", "", at=at, operation=centre, attempts=ATTEMPTS, priority=PRIORITY, key=key)
