"""Long work that can be begun anew, such as playing scenarios, is put down where whoever carries it out must stop."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .services import Services
    from .studio.sandbox import Sandboxes


class PutDown(Exception):
    """Whoever carries it out must stop now; it is begun anew by whoever takes it up next."""


def nobody_stops() -> None:
    """It goes on to its end."""


def stopped_by(services: Services, must_go_on: Callable[[], object]) -> Services:
    """The same, but that what is played with them stops as soon as `must_go_on` raises PutDown."""
    make = services.sandboxes
    if make is None:
        return services

    def watched(of: Services) -> Sandboxes:
        made = make(of)
        made.must_go_on = must_go_on
        return made

    return dataclasses.replace(services, sandboxes=watched)
