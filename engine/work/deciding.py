"""同意 and 驳回: a person's decision in a step of a chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import choices
from ..chains.steps import setting
from ..ledger import Event
from ..signing import deciding
from .steps import acted_for, by_name, said, step

if TYPE_CHECKING:
    from ..services import Services


def approve(services: Services, item_id: str, *, actor: str, opinion: str = "", chosen: Sequence[str] = (), request_id: str) -> None:
    """同意. `chosen`: who signs next, where the step that opens with this approval asks for it (`engine.choices`).

    Raises as `complete`; FormInvalid, too, without an opinion where the step wants one and for a choice that is missing, wrong or
    unasked, NotYourTurn, DecidedByRule.
    """
    _decide(services, item_id, actor, opinion, request_id, approved=True, chosen=chosen)


def reject(services: Services, item_id: str, *, actor: str, opinion: str, request_id: str) -> None:
    """驳回, with a reason; the diagram says what follows. Raises as `approve`, and FormInvalid without a reason."""
    said(opinion, "opinion", "A rejection needs a reason.")
    _decide(services, item_id, actor, opinion, request_id, approved=False)


def _decide(
    services: Services, item_id: str, actor: str, opinion: str, request_id: str, *, approved: bool, chosen: Sequence[str] = ()
) -> None:
    opinion = said(opinion, "opinion", None)
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id)
        if at is None:
            return
        turned = deciding.approve(at.round, actor) if approved else deciding.reject(at.round, actor)
        if setting(at.asks, "opinion") == "always":
            said(opinion, "opinion", "This step needs an opinion.")
        at.record(Event.STEP_APPROVED if approved else Event.STEP_REJECTED, opinion=opinion, **acted_for(turned, actor))
        at.write(turned, {"opinion": opinion})
        at.follow(turned, opinion, choices.Given(by=actor, persons=chosen) if approved else None)
        at.turn.commit()
